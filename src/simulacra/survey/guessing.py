"""The schema of rows that do not fit into memory: guessed by a sample, and widened by what all of them show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from simulacra.errors import DataError
from simulacra.randomness import Streams
from simulacra.schema.inference import infer_table
from simulacra.schema.types import Column, Table
from simulacra.survey.reservoir import Reservoir
from simulacra.survey.rows import Rows
from simulacra.survey.survey import Survey


def sample_rows(source: Rows, rows: int, streams: Streams) -> pl.DataFrame:
    """Take a uniform sample of rows as they lie, before anything is known of them.

    Examples
    --------
    >>> from simulacra.survey.rows import FrameRows
    >>> len(sample_rows(FrameRows("t", pl.DataFrame({"a": range(100)})), 7, Streams(1)))
    7
    """
    reservoir = Reservoir(rows, streams, source.rows)
    for piece in source.pieces():
        reservoir.take(piece.frame, piece.start)
    return reservoir.finish()


def guess_table(source: Rows, rows: int, streams: Streams, *, typed: bool) -> Table:
    """Guess the schema of all rows by a sample of them.

    Raises
    ------
    DataError
        There are no rows.

    Examples
    --------
    >>> from simulacra.survey.rows import FrameRows
    >>> rows = FrameRows("t", pl.DataFrame({"a": [1, 2, 3]}))
    >>> guess_table(rows, 10, Streams(1), typed=True)["a"].kind
    'number'
    """
    raw = sample_rows(source, rows, streams)
    if not len(raw):
        raise DataError(f"table {source.name!r} has no rows. Give it rows.")
    return infer_table(raw, source.name, typed=typed)[0]


def widen(table: Table, found: Survey) -> tuple[Table, list[str]]:
    """Let a guessed schema hold what all rows showed: levels, ends, gaps, and fractions of numbers taken for whole.

    Parameters
    ----------
    table : Table
        Guessed by a sample.
    found : Survey
        What all rows showed under it.

    Returns
    -------
    (Table, list of str)
        The schema, and the columns that must be read again under it.

    Examples
    --------
    >>> from simulacra.survey.rows import FrameRows
    >>> from simulacra.survey.survey import Ask, survey
    >>> rows = FrameRows("t", pl.DataFrame({"a": [1, 2, None]}))
    >>> guessed = Table("t", (Column("a", "number", integer=True, bounds=(1, 1)),))
    >>> table, again = widen(guessed, survey(rows, guessed, Streams(1), Ask(5)))
    >>> table["a"].bounds, table["a"].nullable, again
    ((1, 2), True, [])
    """
    again: list[str] = []
    columns = [_widened(column, found, again) for column in table.columns]
    return replace(table, columns=tuple(columns)), again


def _widened(column: Column, found: Survey, again: list[str]) -> Column:
    name = column.name
    if column.declared:
        return column
    changes: dict[str, Any] = {}
    if found.missing[name]:
        changes["nullable"] = True
    if found.unread.get(name) and column.integer and column.kind in {"number", "key"}:
        # the sample held whole numbers only
        again.append(name)
        return Column(
            name,
            "number",
            nullable=True,
            unit=column.unit,
            sensitive=column.sensitive,
            protect=column.protect,
        )
    if column.levels is not None and name in found.levels:
        counts = found.levels[name]
        changes["levels"] = None if counts.cut else tuple(sorted(counts.table["level"].to_list()))
    if column.bounds is not None and name in found.ends:
        changes["bounds"] = found.ends[name]
    return replace(column, **changes) if changes else column
