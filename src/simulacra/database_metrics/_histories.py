"""Event logs by entity: each entity's rows in their order, and what follows what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.database_metric import DatabaseComparison, Side
from simulacra.database_metrics._aggregates import plain_columns
from simulacra.database_metrics._case import drivers, entities, pointers, sides
from simulacra.database_metrics._clustered import (
    Gap,
    Plan,
    apart,
    correlation,
    count_codes,
    find_edges,
    largest_gap,
    moments,
    rank_among,
    variation,
)
from simulacra.domain import Array
from simulacra.metrics._case import LEVEL_KINDS
from simulacra.metrics._cells import Cells
from simulacra.profile import as_numbers
from simulacra.randomness import Streams
from simulacra.schema.types import Table

LEVELS = 8
FEWEST = 20
DAY = 86_400.0


@dataclass(frozen=True)
class History:
    """The events of one side, sorted by entity and order.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    starts : array
        Where each entity's events begin.
    sizes : array
        How many events each entity has.
    when : array
        The order as numbers: dates and times in days.
    follows : array of bool
        Whether a row has an earlier one of the same entity.
    clusters : array
        What goes together, for each entity.
    """

    frame: pl.DataFrame
    starts: Array
    sizes: Array
    when: Array
    follows: Array
    clusters: Array

    @property
    def of(self) -> Array:
        """The entity of each row."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


def find_owner(case: DatabaseComparison, table: Table) -> int | str | None:
    """Say whose events the rows of a table are: by which reference, or else by which column of keys."""
    if table.name in drivers(case):
        return drivers(case)[table.name]
    if table.references:
        return 0
    others = [
        c.name for c in table.columns if c.kind == "key" and table.key != (c.name,) and c.name != table.order
    ]
    return others[0] if others else None  # fmt: skip


def sort_events(
    case: DatabaseComparison, side: Side, table: Table, owner: int | str, most: int, streams: Streams
) -> History:
    """Sort the events of one side, of so many entities that there are about `most` rows."""
    frame = case.side(side)[table.name]
    assert table.order is not None
    if isinstance(owner, int):
        whose = pointers(case, side)[table.name, owner]
        clusters = entities(case, side).labels[table.name]
    else:
        whose = frame[owner].rank("dense").cast(pl.Int64).fill_null(-1).to_numpy()
        clusters = whose
    rows = np.flatnonzero((whose >= 0) & frame[table.order].is_not_null().to_numpy())
    if len(rows) > most:
        there = np.unique(whose[rows])
        order = streams.stream("entities", side).permutation(there)
        kept = np.zeros(int(whose.max()) + 1, dtype=np.bool_)
        kept[order[: max(FEWEST, round(len(there) * most / len(rows)))]] = True
        rows = rows[kept[whose[rows]]]
    values = frame[table.order][rows]
    when = as_numbers(values)
    if values.dtype in (pl.Datetime, pl.Duration, pl.Time):
        when = when / DAY
    place = np.lexsort((when, whose[rows]))
    rows, when = rows[place], when[place]
    _, starts, sizes = np.unique(whose[rows], return_index=True, return_counts=True)
    follows = np.ones(len(rows), dtype=np.bool_)
    follows[starts] = False
    return History(frame[rows], starts, sizes, when, follows, clusters[rows][starts])


def compare_histories(
    case: DatabaseComparison, table: Table, owner: int | str, most: int, streams: Streams
) -> Iterator[tuple[str, str, Gap]]:
    """Hold every aspect of the events against the real ones: what is asked, of what, and the gap."""
    made = [sort_events(case, side, table, owner, most, streams) for side in sides(case)]
    if min(len(history.sizes) for history in made) < FEWEST:
        return
    per_entity = Plan.make([history.clusters for history in made], streams.at("entities"))
    ends = [
        (history.when[history.starts], history.when[history.starts + history.sizes - 1]) for history in made
    ]
    aspects = {
        "events per entity": [history.sizes.astype(np.float64) for history in made],
        "first event": [first for first, _ in ends],
        "last event": [last for _, last in ends],
        "time from first to last": [last - first for first, last in ends],
    }
    for what, values in aspects.items():
        yield what, str(table.order), _ordered(per_entity, values)
    steps = [np.flatnonzero(history.follows) for history in made]
    if min(len(step) for step in steps) < FEWEST:
        return
    between = Plan.make(
        [history.clusters[history.of[step]] for history, step in zip(made, steps, strict=True)],
        streams.at("steps"),
    )
    gaps = [history.when[step] - history.when[step - 1] for history, step in zip(made, steps, strict=True)]
    yield "time between events", str(table.order), _ordered(between, gaps)
    for column in plain_columns(table):
        if column.name == table.order:
            continue
        values = [history.frame[column.name] for history in made]
        if column.kind in LEVEL_KINDS:
            cells = Cells.fit(values[1], column, LEVELS)
            codes = [cells.codes(v) for v in values]
            pairs = [
                code[step - 1] * cells.size + code[step] for code, step in zip(codes, steps, strict=True)
            ]
            sums = [count_codes(pair, cells.size**2) for pair in pairs]
            yield "what follows what", column.name, between.compare(sums, variation)
            continue
        known = np.sort(as_numbers(values[1]))
        known = known[~np.isnan(known)]
        if len(known) == 0:
            continue
        ranks = [rank_among(as_numbers(v), known) for v in values]
        sums = [moments(rank[step - 1], rank[step]) for rank, step in zip(ranks, steps, strict=True)]
        yield "correlation with the event before", column.name, between.compare(sums, apart(correlation))


def _ordered(plan: Plan, values: list[Array]) -> Gap:
    """Compare the distributions of a number by their largest gap."""
    edges = find_edges(values)
    return plan.compare([count_codes(np.searchsorted(edges, v), len(edges)) for v in values], largest_gap)
