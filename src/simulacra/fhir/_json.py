"""JSON text of every row at once: a template of dicts and lists whose leaves are columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import polars as pl

_Pieces = list["str | pl.Expr"]


@dataclass(frozen=True)
class Leaf:
    """A value that differs from row to row.

    Parameters
    ----------
    written : Expr
        Its JSON text.
    there : Expr
        Whether the row has it.
    """

    written: pl.Expr
    there: pl.Expr


def text(column: str | pl.Expr) -> Leaf:
    """Write texts as JSON strings; control characters become spaces."""
    value = pl.col(column) if isinstance(column, str) else column
    plain = (
        value.cast(pl.String)
        .str.replace_all("\\", "\\\\", literal=True)
        .str.replace_all('"', '\\"', literal=True)
    )
    plain = plain.str.replace_all(r"[\x00-\x1f]", " ")
    return Leaf(pl.concat_str([pl.lit('"'), plain, pl.lit('"')]), value.is_not_null())


def plain(before: str, column: str) -> Leaf:
    """Write whole numbers behind a fixed text, as JSON strings."""
    written = pl.concat_str([pl.lit(f'"{before}'), pl.col(column).cast(pl.String), pl.lit('"')])
    return Leaf(written, pl.col(column).is_not_null())


def number(column: str) -> Leaf:
    """Write numbers; whole ones without a fraction."""
    return Leaf(pl.col(column).cast(pl.String).str.strip_suffix(".0"), pl.col(column).is_not_null())


def day(column: str) -> Leaf:
    """Write dates."""
    return Leaf(pl.col(column).dt.strftime('"%Y-%m-%d"'), pl.col(column).is_not_null())


def instant(column: str) -> Leaf:
    """Write datetimes as instants, with the offset that FHIR asks for."""
    return Leaf(pl.col(column).dt.strftime('"%Y-%m-%dT%H:%M:%SZ"'), pl.col(column).is_not_null())


def write(template: Any, frame: pl.DataFrame) -> pl.Series:
    """Write one JSON text for each row of a frame.

    Parameters
    ----------
    template : dict, list, constant or Leaf
        What is missing in a row is left out of it, and so is every object and list of which all leaves are missing.
    frame : DataFrame
        The rows.

    Examples
    --------
    >>> frame = pl.DataFrame({"a": [1, None], "b": ["x", 'say "y"']})
    >>> write({"k": "c", "a": [{"value": number("a")}], "b": text("b")}, frame).to_list()
    ['{"k":"c","a":[{"value":1}],"b":"x"}', '{"k":"c","b":"say \\\\"y\\\\""}']
    """
    pieces, there = _compile(template, frame)
    whole = _join(pieces) if there is None else pl.when(there).then(_join(pieces))
    return frame.select(whole.alias("json"))["json"]


def _compile(template: Any, frame: pl.DataFrame) -> tuple[_Pieces, pl.Expr | None]:
    """Give the pieces of a text, and when it is there: always where that is None."""
    if isinstance(template, Leaf):
        always = frame.select(template.there.all()).item()
        return [template.written], None if always else template.there
    if _is_constant(template):
        return [json.dumps(template, ensure_ascii=False, separators=(",", ":"))], None
    named = isinstance(template, Mapping)
    heads = [json.dumps(name) + ":" for name in template] if named else [""] * len(template)
    values = list(template.values()) if isinstance(template, Mapping) else list(template)
    made = [_compile(value, frame) for value in values]
    parts = [([head, *pieces], there) for head, (pieces, there) in zip(heads, made)]
    inner = _in_a_row(parts) if parts[0][1] is None else [_with_gaps(parts)]
    whole: _Pieces = ["{" if named else "[", *inner, "}" if named else "]"]
    leaves = [there for value, (_, there) in zip(values, made) if not _is_constant(value)]
    sometimes = [there for there in leaves if there is not None]
    return whole, reduce(or_, sometimes) if len(sometimes) == len(leaves) else None


def _in_a_row(parts: Iterable[tuple[_Pieces, pl.Expr | None]]) -> _Pieces:
    """Put parts after each other, the first of which is always there."""
    out: _Pieces = []
    for number_, (pieces, there) in enumerate(parts):
        comma: _Pieces = ["," if number_ else ""]
        if there is None:
            out += comma + pieces
        else:
            out.append(pl.when(there).then(_join(comma + pieces)).otherwise(pl.lit("")))
    return out


def _with_gaps(parts: Iterable[tuple[_Pieces, pl.Expr | None]]) -> pl.Expr:
    """Put parts after each other of which any may be missing."""
    exprs = [
        _join(pieces) if there is None else pl.when(there).then(_join(pieces)) for pieces, there in parts
    ]
    return pl.concat_str(exprs, separator=",", ignore_nulls=True)


def _join(pieces: _Pieces) -> pl.Expr:
    merged: _Pieces = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(piece, str) and isinstance(last, str):
            merged[-1] = last + piece
        else:
            merged.append(piece)
    return pl.concat_str([pl.lit(piece) if isinstance(piece, str) else piece for piece in merged])


def _is_constant(template: Any) -> bool:
    if isinstance(template, Leaf):
        return False
    if isinstance(template, Mapping):
        return all(map(_is_constant, template.values()))
    if isinstance(template, Sequence) and not isinstance(template, str):
        return all(map(_is_constant, template))
    return True
