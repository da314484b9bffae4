"""Known rows as histories take them, and where they end up among the rows that are drawn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import polars as pl

from simulacra.domain import Array, code_dtype
from simulacra.encoding import Encoding
from simulacra.randomness import Streams
from simulacra.relational.given.given import Given
from simulacra.relational.histories.beginnings import Beginnings
from simulacra.relational.histories.entities import encode_rows
from simulacra.relational.histories.histories import Histories
from simulacra.relational.histories.wanted import Drawn
from simulacra.relational.plan import Link
from simulacra.relational.unit import Unit
from simulacra.synthesizer import Synthesizer

_NO_CHANCE = Streams(0).stream("no randomness")


def find_beginnings(unit: Unit, given: Given | None, owners: Array, held: Array) -> Beginnings | None:
    """Return the known rows of a table that a parent draws.

    Parameters
    ----------
    unit : Unit
        The table.
    given : Given or None
        What is known.
    owners : array of int
        Where the parent's known rows stand among its rows.
    held : array of int
        The parent's rows whose histories are drawn, ascending.
    """
    if given is None or unit.name not in given.units:
        return None
    known, histories = given.units[unit.name], unit.model
    assert known.entity is not None and isinstance(histories, Histories)
    place = np.searchsorted(held, owners[known.entity])
    own = histories.rows
    lacking = [name for name in own.table.names if name not in known.frame.columns]
    blanks = [_blank(own.encodings[name], name, len(known)) for name in lacking]
    block = encode_rows(own, pl.DataFrame([*known.frame.get_columns(), *blanks]).select(own.table.names))
    unknown = _unknown(own, lacking)
    return Beginnings(
        np.bincount(place, minlength=len(held)), block, tuple(name not in unknown for name in own.domain.names),
        known.now, given.since(histories.clock),
    )  # fmt: skip


def find_known(unit: Unit, given: Given | None, owners: Array, entity: Array) -> Array:
    """Return which drawn rows are known ones: the first of their entities; `entity` is that of each drawn row."""
    if given is None or unit.name not in given.units:
        return np.zeros(0, np.int64)
    known = given.units[unit.name].entity
    assert known is not None
    whose = owners[known]
    rank = np.arange(len(whose)) - np.searchsorted(whose, whose)
    return np.asarray(np.searchsorted(entity, whose) + rank, np.int64)


def continue_kept(
    unit: Unit, link: Link, given: Given, rng: np.random.Generator
) -> tuple[Array, tuple[Array, Array] | None]:
    """Return how many rows each row of a table that is kept as it is draws, and when, where some are known."""
    assert unit.kept_counts is not None
    counts, ends = unit.kept_counts.astype(np.int64).copy(), unit.kept_ends
    chosen = given.kept.get(link.reference.table)
    if chosen is not None:
        counts[np.setdiff1d(np.arange(len(counts)), chosen)] = 0
    known = given.units.get(unit.name)
    k = known.counts(len(counts)) if known is not None else np.zeros(len(counts), np.int64)
    asked = (k > 0) | ((counts > 0) & (chosen is not None))
    usual = counts
    if given.steps is not None:
        counts = np.where(asked, k + given.steps + 1, counts)
    else:
        counts = np.where(k > 0, np.maximum(counts, k), counts)
    if ends is None or (known is not None and known.now is None):
        return counts, ends
    first, span = known.ends(len(counts)) if known is not None else (np.full(len(counts), np.nan),) * 2
    done, whole = np.nan_to_num(span), np.nan_to_num(ends[1])
    pace = whole / np.maximum(usual - 1, 1)
    if given.steps is not None:
        even = known.evenness(len(counts)) if known is not None else 1.0
        several = k > 1
        pace[several] = done[several] / (k[several] - 1)
        more = np.where(k > 0, given.steps + 1, given.steps)
        whole = np.where(asked, done + np.rint(pace * rng.gamma(even * np.maximum(more, 1e-9)) / even), whole)
    else:
        whole = np.where((k > 0) & (counts == k), done, np.maximum(whole, done))
    return counts, (np.where(k > 0, first, ends[0]), whole)


def cut_last(
    drawn: Drawn, given: Given | None, unit: Unit, link: Link, ends: Collection[str] | None = None
) -> Drawn:
    """Leave the last row of each history out where one more was drawn than was asked for."""
    if given is None or given.steps is None:
        return drawn
    kept_parent = ends is None and (unit.name in given.units or link.reference.table in given.kept)
    if not kept_parent and link.name not in (ends or ()):
        return drawn
    inner = np.append(np.diff(drawn.entity) == 0, False)[: len(drawn.entity)]
    rows = np.flatnonzero(inner)
    return replace(
        drawn, block=drawn.block.take(rows), entity=drawn.entity[rows],
        now=None if drawn.now is None else drawn.now[rows],
        beside=None if drawn.beside is None else drawn.beside[rows],
    )  # fmt: skip


def _blank(encoding: Encoding, name: str, rows: int) -> pl.Series:
    """Return values of a column that nothing is known of."""
    kinds = [np.float64 if axis.size is None else code_dtype(axis.size) for axis in encoding.axes]
    arrays = tuple(np.zeros(rows, kind) for kind in kinds) or (np.empty(rows),)
    return encoding.decode(arrays, rng=_NO_CHANCE).alias(name)


def _unknown(model: Synthesizer, lacking: list[str]) -> set[str]:
    """Return the axes that nothing is known of: those of some columns, and what is left of others without them."""
    found = {axis.name for name in lacking for axis in model.encodings[name].axes}
    for relation in model.relations:
        if found & {*relation.sources, *relation.targets}:
            found |= set(relation.targets)
    return found
