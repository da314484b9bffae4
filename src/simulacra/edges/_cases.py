"""One edge case: what is put into which columns of a typical row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from simulacra.schema.conformance import canonical_type
from simulacra.schema.types import Column


@dataclass(frozen=True, eq=False)
class Case:
    """An edge case.

    Parameters
    ----------
    name : str
        What it tests: ``"just above the maximum"``.
    column : str
        The column, or several joined by commas.
    values : mapping of str to Series
        One canonical value for each column that it sets.
    text : str or None
        Instead of `values`: what stands in the column as text, which its type could not hold.
    rule : str
        The constraint that it is there to break, in words; a case that does not break it is left out.
    """

    name: str
    column: str
    values: Mapping[str, pl.Series] = field(default_factory=dict)
    text: str | None = None
    rule: str = ""


def one(name: str, column: Column, value: object, rule: str = "") -> Case:
    """Make a case of one value."""
    series = value if isinstance(value, pl.Series) else pl.Series([value], dtype=canonical_type(column))
    return Case(name, column.name, {column.name: series.alias(column.name)}, rule=rule)


def spelt(name: str, column: Column, text: str) -> Case:
    """Make a case of a text that the column's type can not hold."""
    return Case(name, column.name, text=text)
