"""The target of an augmentation: its classes, and which of them are the rare ones that get rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import DataError, OptionError, PredicateError, UnknownName, unknown
from simulacra.formatting import format_series
from simulacra.metrics._case import LEVEL_KINDS, predictive_columns
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table

MOST_CLASSES = 20
FEWEST_OF_A_CLASS = 10
"""Rows of a level below which nothing can be said of how well it is recognised."""


@dataclass(frozen=True)
class Question:
    """What is predicted, from what, and which levels are too rare.

    Parameters
    ----------
    table : Table
        The schema.
    target : Column
        The column that is predicted.
    columns : tuple of Column
        What it is predicted from.
    values : tuple
        The target's values, the commonest first.
    rare : tuple of int
        Positions in `values` of the levels that get rows.
    """

    table: Table
    target: Column
    columns: tuple[Column, ...]
    values: tuple[Any, ...]
    rare: tuple[int, ...]

    @property
    def binary(self) -> bool:
        """Whether there are two classes."""
        return len(self.values) == 2

    def code(self, frame: pl.DataFrame) -> Array:
        """Number the classes of rows; -1 where the target is missing or none of them."""
        codes = {value: code for code, value in enumerate(self.values)}
        told = frame[self.target.name]
        return told.replace_strict(codes, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()

    def where(self, code: int) -> dict[str, Any]:
        """Return the condition that a row is of this class."""
        return {self.target.name: self.values[code]}

    def share(self, frame: pl.DataFrame) -> float:
        """Return the share of a rare level among rows that have a class; the mean of several."""
        codes = self.code(frame)
        known = codes[codes >= 0]
        return float(np.mean([(known == code).mean() for code in self.rare]))

    def name(self, code: int) -> str:
        """Return a class in words; a sensitive column's values are not told."""
        if self.target.sensitive:
            return f"level {code + 1}"
        return str(format_series(pl.Series([self.values[code]]), self.target)[0])


def pose(frame: pl.DataFrame, table: Table, target: str, levels: Sequence[Any] | None) -> Question:
    """Find the classes of a target and its rare levels.

    Parameters
    ----------
    frame : DataFrame
        Canonical values of the real rows.
    table : Table
        Their schema.
    target : str
        A category, a boolean, or a number with at most 20 values.
    levels : sequence or None
        The levels that get rows; the rarest when None.

    Raises
    ------
    UnknownName
        There is no such column or level.
    DataError
        The target has one class only, too many, or too few rows of a level.
    OptionError
        The commonest level is among those that are to get rows.
    """
    if target not in table.names:
        raise unknown("column", target, table.names)
    column = table[target]
    if column.kind not in LEVEL_KINDS | {"number"} or column.identifying is not None:
        what = column.kind if column.identifying is None else "column of identifiers"
        raise DataError(f"target {target!r} is a {what}, which has no classes. Name a category or a boolean.")
    counts = (
        frame.select(pl.col(target).alias("value"))
        .drop_nulls()
        .group_by("value")
        .len()
        .sort(["len", "value"], descending=[True, False])
    )
    _require_classes(target, counts.height, len(frame))
    columns = tuple(one for one in predictive_columns(table) if one.name not in {target, table.weight})
    if not columns:
        raise DataError(f"there is no column beside {target!r} to predict it from. Give more columns.")
    rare = _rare(counts, table, target, levels)
    question = Question(table, column, columns, tuple(counts["value"].to_list()), rare)
    for code in rare:
        if counts["len"][code] < FEWEST_OF_A_CLASS:
            raise DataError(
                f"target {target!r}: {question.name(code)!r} has {counts['len'][code]} rows, and fewer than "
                f"{FEWEST_OF_A_CLASS} tell nothing of how well it is recognised. Give more rows, or join it "
                "with another level."
            )
    return question


def _require_classes(target: str, classes: int, rows: int) -> None:
    if classes < 2:
        what = "the same value in every row that has one" if classes else f"no value in any of {rows:,} rows"
        raise DataError(f"target {target!r} has {what}, so there is nothing to predict. Name another target.")
    if classes > MOST_CLASSES:
        raise DataError(
            f"target {target!r} has {classes:,} different values; augmentation takes from 2 to {MOST_CLASSES}. Name "
            "another target, or put its values into fewer classes."
        )


def _rare(counts: pl.DataFrame, table: Table, target: str, levels: Sequence[Any] | None) -> tuple[int, ...]:
    if not levels:
        return (counts.height - 1,)
    values = counts.select(pl.col("value").alias(target))
    found: list[int] = []
    for level in levels:
        try:
            fits = Predicate.parse({target: level}, table).evaluate(values).fill_null(False).to_numpy()
        except PredicateError:
            # a text where the target is a number or true and false is no level of it
            fits = np.zeros(len(values), bool)
        if not fits.any():
            raise _no_level(str(level), values[target], table[target])
        found += np.flatnonzero(fits).tolist()
    if 0 in found:
        raise OptionError(
            f"target {target!r}: the commonest level is among those that are to get rows. Name the rare ones."
        )
    return tuple(sorted(set(found)))


def _no_level(level: str, values: pl.Series, column: Column) -> UnknownName:
    if column.sensitive:
        return UnknownName(f"column {column.name!r} has no such level. Name one of those in the data.")
    return unknown(f"level of {column.name!r}", level, map(str, format_series(values, column)))
