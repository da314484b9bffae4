"""Transforms of drawn rows that give the target a new value: fewest flips, and a redraw without the group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.shares._crossing import Crossing, Parts

LogDensity = Callable[[pl.DataFrame], Array]
"""Log-probability of every row under the model; minus infinity for a row that may not be given."""


@dataclass(frozen=True)
class Relabelling:
    """Gives the target of drawn rows new values where a definition asks for it.

    Parameters
    ----------
    target : Parts
        Its levels.
    groups : Crossing
        The groups.
    positive : int
        The level whose rates are made equal.
    rate : float or None
        The rate of the positive level in every group, by fewest flips; None redraws the target without the group.
    density : callable
        How likely the model finds rows.
    """

    target: Parts
    groups: Crossing
    positive: int
    rate: float | None
    density: LogDensity

    def apply(self, frame: pl.DataFrame, streams: Streams) -> pl.DataFrame:
        """Give new values to the target of a frame, block by block."""
        pieces = [
            self._block(frame.slice(start, BLOCK_ROWS), streams.at("relabel", start // BLOCK_ROWS))
            for start in range(0, max(len(frame), 1), BLOCK_ROWS)
        ]
        return pl.concat(pieces)

    def _block(self, frame: pl.DataFrame, streams: Streams) -> pl.DataFrame:
        old = self.target.codes(frame[self.target.column.name])
        if self.rate is None:
            new = self._redraw(frame, old, streams)
        else:
            new = self._flip(frame, old, self.rate)
        return frame.with_columns(_pick(self.target, new, frame[self.target.column.name]))

    def _redraw(self, frame: pl.DataFrame, old: Array, streams: Streams) -> Array:
        """Draw the target from its distribution given all columns but the group.

        A maximal coupling with the value drawn before, so that as few rows change as can: it is kept with chance
        min(1, wanted / given the group), and else drawn from what is wanted beyond that.
        """
        summed, own = self._by_group(frame)
        known = np.flatnonzero(np.isfinite(summed).any(axis=1) & np.isfinite(own).any(axis=1) & (old >= 0))
        wanted, had = _normalise(summed[known]), _normalise(own[known])
        keep, spin = streams.stream("redraw").random((2, len(frame)))[:, known]
        now = (np.arange(len(known)), old[known])
        beyond = np.cumsum(np.maximum(wanted - had, 0), axis=1)
        drawn = np.argmax(beyond >= (spin * beyond[:, -1])[:, None], axis=1)
        new = old.copy()
        new[known] = np.where(keep * had[now] < wanted[now], old[known], drawn)
        return new

    def _flip(self, frame: pl.DataFrame, old: Array, rate: float) -> Array:
        """Flip the labels nearest to the boundary until every group has the rate."""
        logs = self._by_level(frame)
        # a missing label is neither given nor taken
        others = np.delete(np.arange(len(self.target.values)), self.positive)
        best = others[np.argmax(logs[:, others], axis=1)]
        with np.errstate(invalid="ignore"):
            leaning = logs[:, self.positive] - np.logaddexp.reduce(logs[:, others], axis=1)
        members, new = self.groups.codes(frame), old.copy()
        for group in range(len(self.groups)):
            inside = members == group
            lacking = round(rate * int(inside.sum())) - int((old[inside] == self.positive).sum())
            # a row whose other label may not be given has no side to lean to
            up = np.flatnonzero(inside & np.isin(old, others) & (leaning > -np.inf))
            down = np.flatnonzero(inside & (old == self.positive) & (leaning < np.inf))
            if lacking > 0:
                new[up[np.argsort(-leaning[up], kind="stable")[:lacking]]] = self.positive
            else:
                chosen = down[np.argsort(leaning[down], kind="stable")[:-lacking]] if lacking else down[:0]
                new[chosen] = best[chosen]
        return new

    def _by_level(self, frame: pl.DataFrame) -> Array:
        """Return the log-probability of each row with each level put in; shape (rows, levels)."""
        columns = [self.density(self._put(frame, level)) for level in range(len(self.target))]
        return np.column_stack(columns)

    def _by_group(self, frame: pl.DataFrame) -> tuple[Array, Array]:
        """Return the log-probability of each row with each level put in, summed over groups and for its own."""
        summed = np.full((len(frame), len(self.target)), -np.inf)
        own, members = summed.copy(), self.groups.codes(frame)
        for level, group in product(range(len(self.target)), range(len(self.groups))):
            logs = self.density(self._put(frame, level, self.groups.values(group)))
            summed[:, level] = np.logaddexp(summed[:, level], logs)
            own[members == group, level] = logs[members == group]
        return summed, own

    def _put(self, frame: pl.DataFrame, level: int, group: dict[str, Any] | None = None) -> pl.DataFrame:
        """Put a level, and the values of a group, into every row."""
        value = self.target.values[level] if level < len(self.target.values) else None
        put = {**(group or {}), self.target.column.name: value}
        return frame.with_columns(
            pl.lit(what, dtype=frame.schema[name]).alias(name) for name, what in put.items()
        )


def _normalise(logs: Array) -> Array:
    return np.exp(logs - np.logaddexp.reduce(logs, axis=1, keepdims=True))


def _pick(target: Parts, codes: Array, old: pl.Series) -> pl.Series:
    """Return the levels of codes; a value that has no code stays."""
    values = target.values if not target.missing else target.values.extend_constant(None, 1)
    picked = values.gather(np.maximum(codes, 0)).alias(old.name).cast(old.dtype)
    return picked if (codes >= 0).all() else picked.zip_with(pl.Series(codes >= 0), old)
