"""Shares of all rows in shared cells, of columns that never were in memory whole; see `simulacra.profile`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.bins import FEWEST, as_numbers, join_bins, propose_edges, sort_numbers
from simulacra.domain import Array
from simulacra.profile import count_letters, count_levels, is_profiled, show_cells, show_numbers, sort_levels
from simulacra.schema.types import Column, Table
from simulacra.survey.survey import Sort, Survey


@dataclass(frozen=True)
class Bins:
    """Edges for one column of numbers, times or lengths of texts.

    Parameters
    ----------
    column : Column
        What is sorted; lengths of texts are whole numbers.
    edges : array
        Before small bins are joined.
    text : bool
        Whether lengths are sorted.

    Examples
    --------
    >>> Bins(Column("a", "number"), np.array([0.0, 5.0])).sort(pl.Series([1.0, None])).tolist()
    [0, 2]
    """

    column: Column
    edges: Array
    text: bool = False

    @property
    def size(self) -> int:
        """How many cells there are, with outside and missing."""
        return max(len(self.edges) - 1, 0) + 2

    def sort(self, values: pl.Series) -> Array:
        """Give each value its cell."""
        return sort_numbers(count_letters(values) if self.text else as_numbers(values), self.edges)


def choose_bins(found: Survey) -> dict[str, Bins]:
    """Choose edges by all training rows: their ends are exact, and the bulk between is that of the sample.

    Parameters
    ----------
    found : Survey
        The training rows.

    Examples
    --------
    >>> from simulacra.randomness import Streams
    >>> from simulacra.survey.rows import FrameRows
    >>> from simulacra.survey.survey import Ask, survey
    >>> rows = FrameRows("t", pl.DataFrame({"a": range(1000)}))
    >>> table = Table("t", (Column("a", "number", integer=True),))
    >>> choose_bins(survey(rows, table, Streams(1), Ask(100)))["a"].size
    22
    """
    chosen = {}
    for column in found.table.columns:
        if not is_profiled(column) or column.kind in {"category", "boolean"}:
            continue
        text = column.kind == "text"
        shown = Column(column.name, "number", integer=True) if text else column
        values = found.sample[column.name]
        known = count_letters(values) if text else as_numbers(values)
        known = known[~np.isnan(known)]
        edges = np.empty(0)
        if len(known) >= FEWEST and column.name in found.ends:
            ends = as_numbers(pl.Series(list(found.ends[column.name])))
            low, high = np.quantile(known, [0.005, 0.995], method="inverted_cdf")
            edges = propose_edges((low, high), (ends[0], ends[1]), int((known == ends[0]).sum()), shown)
        chosen[column.name] = Bins(shown, edges, text)
    return chosen


def as_cells(bins: Mapping[str, Bins]) -> dict[str, tuple[int, Sort]]:
    """Return what a survey needs to count rows in bins.

    Examples
    --------
    >>> as_cells({"a": Bins(Column("a", "number"), np.array([0.0, 5.0]))})["a"][0]
    3
    """
    return {name: (one.size, one.sort) for name, one in bins.items()}


def profile_surveys(table: Table, bins: Mapping[str, Bins], sides: Sequence[Survey]) -> pl.DataFrame:
    """Make the profile of rows that were counted by surveys.

    Parameters
    ----------
    table : Table
        The schema.
    bins : mapping
        What `choose_bins` gave for the training rows, by which all sides were counted.
    sides : sequence of Survey
        Training rows, synthetic rows and, if there are any, the holdout.

    Returns
    -------
    DataFrame
        As of `simulacra.profile.profile`, of all rows.

    Notes
    -----
    **Privacy**: as there: no cell shows 1 to 9 training rows.
    """
    pieces = []
    rows = [side.rows for side in sides]
    for column in table.columns:
        if not is_profiled(column) or rows[0] < FEWEST:
            continue
        if column.name in bins:
            cells = _joined(bins[column.name], np.array([side.cells[column.name] for side in sides]))
            pieces.append(show_cells(show_numbers(*cells, bins[column.name].column), column, rows))
        elif any(side.levels[column.name].cut for side in sides):
            # too many levels to count: the samples stand for the rows
            samples = [side.sample[column.name] for side in sides]
            gaps = [values.null_count() for values in samples]
            shown = sort_levels([count_levels(values) for values in samples], gaps)
            pieces.append(show_cells(shown, column, [len(values) for values in samples]))
        else:
            gaps = [side.missing[column.name] for side in sides]
            shown = sort_levels([side.levels[column.name].table for side in sides], gaps)
            pieces.append(show_cells(shown, column, rows))
    return pl.concat(pieces) if pieces else pl.DataFrame()


def _joined(bins: Bins, counts: Array) -> tuple[Array, Array]:
    """Join the bins that hold few training rows."""
    inner = bins.size - 2
    if not inner:
        return bins.edges, counts
    stay = join_bins(counts[0, :inner])
    joined = np.add.reduceat(counts[:, :inner], stay[:-1], axis=1)
    if stay[0] > 0:
        joined[:, 0] += counts[:, : stay[0]].sum(axis=1)
    return bins.edges[stay], np.hstack([joined, counts[:, inner:]])
