"""Shares of each column's values in shared cells, made for pictures: aggregates of at least 10 real rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from simulacra.bins import FEWEST as FEWEST
from simulacra.bins import as_numbers as as_numbers
from simulacra.bins import edge_writer, range_label, round_edges, sort_numbers
from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.schema.types import Column

MOST_LEVELS = 15

_SCHEMA = {
    "column": pl.String,
    "kind": pl.String,
    "cell": pl.Int64,
    "label": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "real": pl.Float64,
    "synthetic": pl.Float64,
    "holdout": pl.Float64,
    "real_count": pl.Int64,
}


def profile(case: Comparison) -> pl.DataFrame:
    """Sort every column's values into cells made from the training rows, and count.

    Numbers and times get at most 30 bins with round edges, categories their 15 commonest levels and "other";
    text is shown by its length. Keys and identifiers are left out. Values outside what the training rows
    hold get the cell "outside", missing ones the cell "missing".

    Parameters
    ----------
    case : Comparison
        Real and synthetic rows.

    Returns
    -------
    DataFrame
        One row per cell: ``column``, ``kind``, ``cell`` (their order), ``label``, ``low`` and ``high`` (bins
        are ``low <= value < high``, dates in days since 1970, times in seconds; null for levels), the shares
        ``real`` (training rows), ``synthetic`` and ``holdout`` (null without one), and ``real_count``.

    Notes
    -----
    **Privacy** A cell with fewer than 10 training rows is joined to its neighbour or to "other"; the
    outermost edges are rounded away from the extreme values. Levels and edges of sensitive columns are not
    shown.

    **Cost** rows x columns.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> frame = pl.DataFrame({"x": ["a"] * 30 + ["b"] * 10})
    >>> profile(Comparison(Table("t", (Column("x", "category"),)), frame, frame))["real"].to_list()
    [0.75, 0.25]
    """
    pieces = [_profile_column(case, column) for column in case.table.columns if is_profiled(column)]
    if not pieces or case.train.height < FEWEST:
        return pl.DataFrame(schema=_SCHEMA)
    return pl.concat(pieces)


@dataclass(frozen=True)
class Cells:
    """Cells of one column in order, and each frame's row counts in them (training rows first).

    Parameters
    ----------
    labels : list of str
        What people see.
    edges : list
        The ends of each bin; None for levels.
    counts : array
        Frames x cells.
    """

    labels: list[str]
    edges: list[tuple[float | None, float | None]]
    counts: Array

    def without_small(self, missing: int, outside: int) -> Cells:
        """Join missing values to "outside" if too few real rows miss one; drop cells that nobody is in."""
        cells = self
        if 0 < cells.counts[0, missing] < FEWEST:
            counts = cells.counts.copy()
            counts[:, outside] += counts[:, missing]
            counts[:, missing] = 0
            labels = list(cells.labels)
            labels[outside] = f"{labels[outside]} or missing"
            cells = replace(cells, labels=labels, counts=counts)
        inner = np.arange(cells.counts.shape[1]) < min(missing, outside)
        kept = np.flatnonzero(inner | (cells.counts.sum(axis=0) > 0))
        return Cells([cells.labels[i] for i in kept], [cells.edges[i] for i in kept], cells.counts[:, kept])


def _profile_column(case: Comparison, column: Column) -> pl.DataFrame:
    frames = [case.train, case.synthetic] + ([] if case.holdout is None else [case.holdout])
    parts = [frame[column.name] for frame in frames]
    if column.kind in {"category", "boolean"}:
        gaps = [part.null_count() for part in parts]
        cells = sort_levels([count_levels(part) for part in parts], gaps)
    elif column.kind == "text":
        cells = _count_numbers([count_letters(part) for part in parts], _lengths(column))
    else:
        cells = _count_numbers([as_numbers(part) for part in parts], column)
    return show_cells(cells, column, [frame.height for frame in frames])


def show_cells(cells: Cells, column: Column, rows: Sequence[int]) -> pl.DataFrame:
    """Turn the cells of one column into rows of a profile; `rows` are those of training, synthetic and holdout data.

    Examples
    --------
    >>> cells = Cells(["x"], [(None, None)], np.array([[20], [5]]))
    >>> show_cells(cells, Column("a", "category"), (40, 5)).select("label", "real", "synthetic", "holdout").rows()
    [('x', 0.5, 1.0, None)]
    """
    shares = cells.counts / np.maximum(1, list(rows))[:, None]
    size = len(cells.labels)
    labels, edges = cells.labels, cells.edges
    if column.sensitive:
        labels, edges = [f"cell {i + 1}" for i in range(size)], [(None, None)] * size
    data = {
        "column": [column.name] * size,
        "kind": [column.kind] * size,
        "cell": list(range(size)),
        "label": labels,
        "low": [low for low, _ in edges],
        "high": [high for _, high in edges],
        "real": shares[0],
        "synthetic": shares[1],
        "holdout": [None] * size if len(shares) < 3 else shares[2],
        "real_count": cells.counts[0],
    }
    return pl.DataFrame(data, schema=_SCHEMA)


def is_profiled(column: Column) -> bool:
    """Tell whether a profile shows a column: keys and identifiers are made anew.

    Examples
    --------
    >>> is_profiled(Column("id", "key"))
    False
    """
    return column.kind != "key" and column.identifying is None


def count_levels(values: pl.Series) -> pl.DataFrame:
    """Count the rows that hold each level: ``level`` and ``len``.

    Examples
    --------
    >>> count_levels(pl.Series(["a", None, "a"])).rows()
    [('a', 2)]
    """
    return pl.DataFrame({"level": values.cast(pl.String)}).drop_nulls().group_by("level").len()


def count_letters(values: pl.Series) -> Array:
    """Return how long texts are, NaN where one is missing.

    Examples
    --------
    >>> count_letters(pl.Series(["abc", None])).tolist()
    [3.0, nan]
    """
    return values.cast(pl.String).str.len_chars().cast(pl.Float64).to_numpy()


def _lengths(column: Column) -> Column:
    return Column(column.name, "number", integer=True)


def sort_levels(parts: Sequence[pl.DataFrame], missing: Sequence[int]) -> Cells:
    """Make cells of how many rows hold each level, of the training rows first.

    Parameters
    ----------
    parts : sequence of DataFrame
        ``level`` and ``len`` of each frame.
    missing : sequence of int
        Rows without a value.

    Examples
    --------
    >>> counts = pl.DataFrame({"level": ["a", "b"], "len": [30, 10]})
    >>> sort_levels([counts, counts], [0, 0]).labels
    ['a', 'b']
    """
    counts = parts[0].sort(["len", "level"], descending=[True, False])
    levels, sizes = counts["level"].to_list(), counts["len"].to_list()
    kept = sum(size >= FEWEST for size in sizes[:MOST_LEVELS])
    # "other" has to hold enough rows itself, so it takes in the rarest of the levels shown until it does
    while 0 < kept < len(levels) and sum(sizes[kept:]) < FEWEST:
        kept -= 1
    other, outside, gap = kept, kept + 1, kept + 2
    code = pl.int_range(pl.len(), dtype=pl.Int64).clip(upper_bound=other)
    known = counts.select("level", code.alias("code"))
    table = np.zeros((len(parts), kept + 3), dtype=np.int64)
    for row, (part, lacking) in enumerate(zip(parts, missing, strict=True)):
        joined = part.join(known, on="level", how="left").with_columns(pl.col("code").fill_null(outside))
        np.add.at(table[row], joined["code"].to_numpy(), joined["len"].cast(pl.Int64).to_numpy())
        table[row, gap] = lacking
    labels = [*levels[:kept], "other", "outside", "missing"]
    if 0 < table[0, other] < FEWEST:
        table[:, outside] += table[:, other]
        table[:, other] = 0
        labels[outside] = "other"
    cells = Cells(labels, [(None, None)] * (kept + 3), table)
    return _drop_empty(cells.without_small(gap, outside), "other")


def _drop_empty(cells: Cells, label: str) -> Cells:
    kept = [i for i, name in enumerate(cells.labels) if name != label or cells.counts[:, i].any()]
    return Cells([cells.labels[i] for i in kept], [cells.edges[i] for i in kept], cells.counts[:, kept])


def _count_numbers(parts: list[Array], column: Column) -> Cells:
    known = parts[0][~np.isnan(parts[0])]
    edges = round_edges(known, column) if len(known) >= FEWEST else np.empty(0)
    size = max(len(edges) - 1, 0) + 2
    rows = [np.bincount(sort_numbers(part, edges), minlength=size) for part in parts]
    return show_numbers(edges, np.array(rows), column)


def show_numbers(edges: Array, counts: Array, column: Column) -> Cells:
    """Make cells of how many rows each bin holds, outside and missing last.

    Examples
    --------
    >>> counts = np.array([[20, 0, 0], [9, 1, 0]])
    >>> show_numbers(np.array([0.0, 5.0]), counts, Column("a", "number")).labels
    ['0 to 5', 'outside']
    """
    inner = max(0, len(edges) - 1)
    say = edge_writer(column)
    pairs = [(float(low), float(high)) for low, high in pairwise(edges)]
    labels = [range_label(low, high, column, say) for low, high in pairs]
    first = "outside" if inner else "all values"
    cells = Cells([*labels, first, "missing"], [*pairs, (None, None), (None, None)], counts)
    return cells.without_small(inner + 1, inner)
