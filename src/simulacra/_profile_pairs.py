"""Shares of rows in the shared cells of two columns, made for pictures: no cell shows few real rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from simulacra.bins import FEWEST, as_numbers, edge_writer, range_label, round_edges
from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.schema.types import Column

MOST_SIDE = 9
"""Cells of one column, besides "outside" and "missing"."""

_SCHEMA = {
    "column_a": pl.String, "column_b": pl.String, "cell_a": pl.Int64, "cell_b": pl.Int64, "label_a": pl.String,
    "label_b": pl.String, "real": pl.Float64, "synthetic": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class _Side:
    """The cells of one column, and how its values are sorted into them."""

    labels: list[str]
    codes: Callable[[pl.Series], Array]


def profile_pairs(case: Comparison, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Sort rows into the shared cells of two columns at once, and count.

    Parameters
    ----------
    case : Comparison
        Real and synthetic rows.
    pairs : sequence of (str, str)
        Which columns; text, keys, identifying and sensitive ones are left out.

    Returns
    -------
    DataFrame
        One row per cell: ``column_a``, ``column_b``, ``cell_a``, ``cell_b`` (their order), ``label_a``, ``label_b``,
        and the shares of rows ``real`` (training rows; null where it is withheld) and ``synthetic``.

    Notes
    -----
    **Privacy** The real share of a cell with 1 to 9 training rows is withheld, and so are others of its row or
    column, so that it can not be found by subtraction.

    **Cost** rows x pairs.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> frame = pl.DataFrame({"x": ["a", "b"] * 20, "y": ["c", "d"] * 20})
    >>> case = Comparison(Table("t", (Column("x", "category"), Column("y", "category"))), frame, frame)
    >>> profile_pairs(case, [("x", "y")])["real"].to_list()
    [0.5, 0.0, 0.0, 0.5]
    """
    known = {column.name: column for column in case.table.columns if _is_drawn(column)}
    sides: dict[str, _Side] = {}
    pieces = []
    for pair in pairs:
        if not set(pair) <= set(known) or case.train.height < FEWEST:
            continue
        for name in pair:
            if name not in sides:
                sides[name] = _side(case.train[name], known[name])
        pieces.append(_count(case, pair, sides[pair[0]], sides[pair[1]]))
    return pl.concat(pieces) if pieces else pl.DataFrame(schema=_SCHEMA)


def _is_drawn(column: Column) -> bool:
    return column.kind not in {"key", "text"} and column.identifying is None and not column.sensitive


def _count(case: Comparison, pair: tuple[str, str], first: _Side, second: _Side) -> pl.DataFrame:
    shape = len(first.labels), len(second.labels)
    counts = []
    for frame in (case.train, case.synthetic):
        joint = first.codes(frame[pair[0]]) * shape[1] + second.codes(frame[pair[1]])
        counts.append(np.bincount(joint, minlength=shape[0] * shape[1]).reshape(shape))
    real, fake = counts
    kept = [np.flatnonzero((real + fake).sum(axis=1 - axis)) for axis in (0, 1)]
    real, fake = real[np.ix_(*kept)], fake[np.ix_(*kept)]
    shares = np.where(_withheld(real), np.nan, real / max(1, case.train.height))
    rows, columns = (place.ravel() for place in np.indices(real.shape))
    data = {
        "column_a": [pair[0]] * real.size,
        "column_b": [pair[1]] * real.size,
        "cell_a": rows,
        "cell_b": columns,
        "label_a": [first.labels[kept[0][i]] for i in rows],
        "label_b": [second.labels[kept[1][i]] for i in columns],
        "real": shares.ravel(),
        "synthetic": (fake / max(1, case.synthetic.height)).ravel(),
    }
    return pl.DataFrame(data, schema=_SCHEMA).with_columns(pl.col("real").fill_nan(None))


def _withheld(counts: Array) -> Array:
    """Mark cells with few rows, and as many others of the same line as hide them from subtraction."""
    hidden = (counts > 0) & (counts < FEWEST)
    changed = bool(hidden.any())
    while changed:
        changed = False
        for lines, marks in ((counts, hidden), (counts.T, hidden.T)):
            for line, mark in zip(lines, marks, strict=True):
                open_cells = np.flatnonzero(~mark & (line > 0))
                if mark.any() and len(open_cells) and (mark.sum() < 2 or line[mark].sum() < FEWEST):
                    mark[open_cells[line[open_cells].argmin()]] = True
                    changed = True
    return hidden


def _side(values: pl.Series, column: Column) -> _Side:
    return _levels(values) if column.kind in {"category", "boolean"} else _ranges(values, column)


def _levels(values: pl.Series) -> _Side:
    counts = values.cast(pl.String).drop_nulls().value_counts(sort=False, name="rows")
    ordered = counts.sort(["rows", values.name], descending=[True, False])
    common = ordered.filter(pl.col("rows") >= FEWEST)[values.name].head(MOST_SIDE).to_list()
    place = {level: i for i, level in enumerate(common)}
    size = len(common)

    def codes(other: pl.Series) -> Array:
        texts = other.cast(pl.String)
        found = texts.replace_strict(place, default=size, return_dtype=pl.Int64)
        return found.set(texts.is_null(), size + 1).to_numpy()

    return _Side([*common, "other", "missing"], codes)


def _ranges(values: pl.Series, column: Column) -> _Side:
    numbers = as_numbers(values)
    known = numbers[~np.isnan(numbers)]
    edges = _merged(known, round_edges(known, column)) if len(known) >= FEWEST else np.empty(0)
    say = edge_writer(column)
    labels = [range_label(float(low), float(high), column, say) for low, high in pairwise(edges)]
    size = len(labels)

    def codes(other: pl.Series) -> Array:
        found = as_numbers(other)
        made = np.searchsorted(edges, found, side="right") - 1
        made[(made < 0) | (made >= size)] = size
        made[np.isnan(found)] = size + 1
        return made

    return _Side([*labels, "outside", "missing"], codes)


def _merged(known: Array, edges: Array) -> Array:
    """Join neighbouring bins until there are few, each with about as many rows."""
    held, kept, rows = np.histogram(known, edges)[0], [edges[0]], 0
    for count, edge in zip(held, edges[1:], strict=True):
        rows += int(count)
        if rows >= len(known) / MOST_SIDE:
            kept.append(edge)
            rows = 0
    if kept[-1] != edges[-1]:
        kept.append(edges[-1])
    return np.array(kept)
