"""JSON text of every row at once: a template of dicts and lists whose leaves are expressions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl


def text(column: str | pl.Expr) -> pl.Expr:
    """Write texts as JSON strings; control characters become spaces."""
    value = pl.col(column) if isinstance(column, str) else column
    plain = (
        value.cast(pl.String)
        .str.replace_all("\\", "\\\\", literal=True)
        .str.replace_all('"', '\\"', literal=True)
    )
    return pl.concat_str([pl.lit('"'), plain.str.replace_all(r"[\x00-\x1f]", " "), pl.lit('"')])


def number(column: str) -> pl.Expr:
    """Write numbers; whole ones without a fraction."""
    return pl.col(column).cast(pl.String).str.replace(r"\.0$", "")


def day(column: str) -> pl.Expr:
    """Write dates."""
    return pl.col(column).dt.strftime('"%Y-%m-%d"')


def instant(column: str) -> pl.Expr:
    """Write datetimes as instants, with the offset that FHIR asks for."""
    return pl.col(column).dt.strftime('"%Y-%m-%dT%H:%M:%SZ"')


def write(template: Any) -> pl.Expr:
    """Compile a template to an expression that gives each row's JSON text.

    Parameters
    ----------
    template : dict, list, constant or Expr
        An expression must give JSON text already. What is missing in a row is left out of it, and so is every object
        and list of which all expressions are missing.

    Examples
    --------
    >>> frame = pl.DataFrame({"a": [1, None], "b": ["x", 'say "y"']})
    >>> frame.select(write({"k": "c", "a": [{"value": number("a")}], "b": text("b")}))["json"].to_list()
    ['{"k":"c","a":[{"value":1}],"b":"x"}', '{"k":"c","b":"say \\\\"y\\\\""}']
    """
    return _compile(template).alias("json")


def _compile(template: Any) -> pl.Expr:
    if isinstance(template, pl.Expr):
        return template
    if _is_constant(template):
        return pl.lit(json.dumps(template, ensure_ascii=False, separators=(",", ":")))
    if isinstance(template, Mapping):
        parts = [
            (_is_constant(value), pl.concat_str([pl.lit(json.dumps(name) + ":"), _compile(value)]))
            for name, value in template.items()
        ]
        ends = ("{", "}")
    else:
        parts = [(_is_constant(value), _compile(value)) for value in template]
        ends = ("[", "]")
    joined = pl.concat_str([expr for _, expr in parts], separator=",", ignore_nulls=True)
    whole = pl.concat_str([pl.lit(ends[0]), joined, pl.lit(ends[1])])
    there = pl.any_horizontal([expr.is_not_null() for constant, expr in parts if not constant])
    return pl.when(there).then(whole)


def _is_constant(template: Any) -> bool:
    if isinstance(template, pl.Expr):
        return False
    if isinstance(template, Mapping):
        return all(map(_is_constant, template.values()))
    if isinstance(template, Sequence) and not isinstance(template, str):
        return all(map(_is_constant, template))
    return True
