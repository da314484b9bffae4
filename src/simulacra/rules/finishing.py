"""From what a rule drew to what the column says: rounded, cast, and missing where it is to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from simulacra.errors import SchemaError
from simulacra.rule import Rows, Rule
from simulacra.rules.reading import holds, names_in, share_of
from simulacra.schema._fields import load_bound
from simulacra.schema.types import Column

_TYPES = {"boolean": pl.Boolean, "date": pl.Date, "time": pl.Time, "text": pl.String, "category": pl.String}

_READ: dict[str, Any] = {
    "boolean": pl.Boolean, "date": pl.Date, "time": pl.Time, "datetime": pl.Datetime("us"), "number": pl.Float64,
    "duration": pl.Duration("us"),
}  # fmt: skip
"""What texts are read as."""


def finish_column(drawn: pl.Series, column: Column) -> pl.Series:
    """Bring drawn values into the form of their column.

    Parameters
    ----------
    drawn : Series
        What the rule gave.
    column : Column
        Its facts: decimals, step, kind.

    Returns
    -------
    Series
        Canonical values, or an enumeration for a category.

    Examples
    --------
    >>> finish_column(pl.Series([1.234, None]), Column("price", "number", decimals=2)).to_list()
    [1.23, None]
    """
    kind = column.kind
    if kind in _READ and drawn.dtype in (pl.String, pl.Enum, pl.Categorical):
        drawn = _read_texts(drawn, column)
    if kind == "number" or (kind == "key" and column.integer):
        return _number(drawn, column)
    if drawn.dtype == pl.Enum and kind in {"category", "text"}:
        return drawn
    if kind in {"datetime", "duration"}:
        drawn = drawn.cast(pl.Datetime("us") if kind == "datetime" else pl.Duration("us"))
        return drawn.dt.replace_time_zone(column.timezone, ambiguous="earliest", non_existent="null") if (
            kind == "datetime" and column.timezone and drawn.dtype.time_zone is None  # type: ignore[attr-defined]
        ) else drawn  # fmt: skip
    wanted = _TYPES.get(kind, pl.String)
    return drawn if drawn.dtype == wanted else drawn.cast(wanted)


def _read_texts(drawn: pl.Series, column: Column) -> pl.Series:
    """Read texts as what the column holds; each text that occurs is read once."""
    texts = drawn.cast(pl.String)
    different = texts.drop_nulls().unique()
    read = [_read_text(text, column) for text in different.to_list()]
    return texts.replace_strict(different, pl.Series(read, dtype=_READ[column.kind]), default=None)


def _read_text(text: str, column: Column) -> Any:
    place = f"column {column.name!r}"
    if column.kind in {"date", "datetime", "time", "duration"}:
        return load_bound(text, {"kind": column.kind}, place)
    known = {"true": True, "false": False} if column.kind == "boolean" else {}
    try:
        return known[text.lower()] if known else float(text)
    except (KeyError, ValueError):
        said = "true or false" if known else "a number"
        raise SchemaError(
            f"{place}: {text!r} is not {said}. Correct the rule's values, or the kind of the column."
        ) from None


def _number(drawn: pl.Series, column: Column) -> pl.Series:
    if drawn.dtype == pl.Null:  # of no rows, or of missing ones only, cases know no type
        drawn = drawn.cast(pl.Float64)
    if column.step:
        drawn = (drawn / column.step).round(0) * column.step
    if column.integer:
        return drawn if drawn.dtype == pl.Int64 else (
            drawn.cast(pl.Int64) if drawn.dtype.is_integer() else drawn.round(0).cast(pl.Int64)
        )  # fmt: skip
    drawn = drawn if drawn.dtype == pl.Float64 else drawn.cast(pl.Float64)
    return drawn if column.decimals is None else drawn.round(column.decimals)


def withhold(values: pl.Series, column: Column, rows: Rows) -> pl.Series:
    """Make values missing: a share of them, those where a condition is true, or a share of those."""
    asked = None if column.rule is None else column.rule.get("missing")
    if not asked:
        return values
    place = f"column {column.name!r}, missing"
    share, where = 1.0, None
    if isinstance(asked, str):
        where = asked
    elif isinstance(asked, Mapping):
        if set(asked) - {"if", "share"} or not isinstance(asked.get("if"), str):
            raise SchemaError(f"{place}: expected a share, a condition, or {{if: CONDITION, share: 0.3}}.")
        where, share = asked["if"], share_of(asked.get("share", 1.0), place)
    else:
        share = share_of(asked, place)
    gone = (
        np.ones(rows.count, dtype=bool)
        if share == 1
        else rows.streams.stream("missing").random(rows.count) < share
    )
    if where is not None:
        gone &= holds(where, rows).to_numpy()
    return (
        pl.select(pl.when(pl.lit(pl.Series(~gone))).then(pl.lit(values))).to_series()
        if gone.any()
        else values
    )


def all_needs(rule: Rule, recipe: Mapping[str, Any] | None, place: str) -> tuple[str, ...]:
    """List the columns that a rule reads, and those that say where its values are missing.

    Examples
    --------
    >>> from simulacra.rules.words import read_rule
    >>> recipe = {"formula": "a + b", "missing": "c > 3"}
    >>> all_needs(read_rule(recipe, "here"), recipe, "here")
    ('a', 'b', 'c')
    """
    asked = (recipe or {}).get("missing")
    if isinstance(asked, Mapping):
        asked = asked.get("if")
    more = names_in(asked, place) if isinstance(asked, str) else ()
    return tuple(dict.fromkeys((*rule.needs(), *more)))
