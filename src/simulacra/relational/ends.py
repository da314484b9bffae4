"""Where the histories that rows of a parent draw start, how long they are, and how many rows they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relational.anchors import Ends, place_anchor
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.histories.histories import Histories
from simulacra.relational.naming import counted, first_of, span_of
from simulacra.relational.plan import Link

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


def read_ends(
    model: DatabaseSynthesizer, frame: pl.DataFrame, link: Link
) -> tuple[Array, tuple[Array, Array] | None]:
    """Return how many rows each parent draws, and where its history starts and how long it is."""
    histories = model.units[link.table].model
    assert isinstance(histories, Histories)
    counts = np.maximum(frame[counted(link)].fill_null(0).to_numpy().astype(np.int64), 0)
    clock = histories.clock
    if clock is None or first_of(link) not in frame.columns:
        return counts, None
    start, stop = histories.anchors
    told: dict[str, tuple[Clock, Ends]] = {}
    for anchor in (start, stop):
        if anchor is not None and anchor.what in {"first", "last"} and anchor.of not in told:
            told[anchor.of] = _ends_of(model, frame, anchor.of)
    nowhere = np.full(len(frame), np.nan)
    begin = Ends(nowhere, nowhere, counts)
    if start is None:
        first = clock.positions(frame[first_of(link)].alias(clock.column.name))
    else:
        first = place_anchor(start, told, begin) + _numbers(frame, first_of(link))
    span = _numbers(frame, span_of(link))
    if stop is not None:
        span += place_anchor(stop, told, Ends(first, nowhere, counts)) - first
    shortest = histories.least * np.maximum(counts - 1, 0)
    first, span = clock.keep_inside(first, np.maximum(np.nan_to_num(span), shortest), shortest)
    return np.where(np.isnan(first), 0, counts), (first, span)


def _ends_of(model: DatabaseSynthesizer, frame: pl.DataFrame, name: str) -> tuple[Clock, Ends]:
    """Return where the histories of a link start and end."""
    link = next(link for link in model.plan.links if link.name == name)
    histories = model.units[link.table].model
    assert isinstance(histories, Histories) and histories.clock is not None
    counts, ends = read_ends(model, frame, link)
    first, span = ends if ends is not None else (np.full(len(frame), np.nan),) * 2
    return histories.clock, Ends(first, first + span, counts)


def _numbers(frame: pl.DataFrame, name: str) -> Array:
    return frame[name].cast(pl.Float64).to_numpy().copy()
