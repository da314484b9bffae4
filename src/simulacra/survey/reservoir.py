"""A uniform sample of rows that pass by, which depends on their numbers alone and not on how they are cut."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.randomness import Streams

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SLACK = 6.0
"""Standard errors by which more rows are held at first than are wanted."""
_ALL = np.uint64(2**64 - 1)


def rank_rows(key: int, start: int, count: int) -> Array:
    """Give each row number a 64-bit rank that looks random.

    Parameters
    ----------
    key : int
        Which ranking; see `Streams.key`.
    start : int
        The first row number.
    count : int
        How many.

    Notes
    -----
    **Source**: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators" (SplitMix64). It is a
    permutation, so no two rows have the same rank.

    Examples
    --------
    >>> bool((rank_rows(7, 0, 10)[4:] == rank_rows(7, 4, 6)).all())
    True
    """
    with np.errstate(over="ignore"):
        mixed = (np.arange(start, start + count, dtype=np.uint64) + np.uint64(key % 2**64)) * _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        return mixed ^ (mixed >> np.uint64(31))


class Reservoir:
    """Keeps the rows of the lowest ranks.

    Parameters
    ----------
    size : int
        How many rows are wanted.
    streams : Streams
        Names the ranking.
    rows : int or None
        How many rows will pass, where that is known: then hardly more than `size` are ever held.

    Examples
    --------
    >>> cut, whole = (Reservoir(3, Streams(1)) for _ in range(2))
    >>> frame = pl.DataFrame({"a": range(10)})
    >>> for start in (0, 4, 8):
    ...     cut.take(frame[start : start + 4], start)
    >>> whole.take(frame, 0)
    >>> cut.finish().equals(whole.finish()), len(whole.finish())
    (True, 3)
    """

    def __init__(self, size: int, streams: Streams, rows: int | None = None) -> None:
        self.size = size
        self.seen = 0
        self._key = streams.key("reservoir")
        self._limit = _ALL
        if rows is not None and rows > size:
            share = min((size + _SLACK * math.sqrt(size) + _SLACK**2) / rows, 1.0)
            self._limit = np.uint64(min(int(share * 2.0**64), 2**64 - 1))
        self._frames: list[pl.DataFrame] = []
        self._ranks: list[Array] = []
        self._rows: list[Array] = []
        self._held = 0

    def choose(self, start: int, count: int) -> Array:
        """Tell which of these row numbers are to be given to `keep`, as positions among them."""
        self.seen += count
        ranks = rank_rows(self._key, start, count)
        chosen = np.flatnonzero(ranks <= self._limit)
        self._ranks.append(ranks[chosen])
        self._rows.append(chosen + start)
        return chosen

    def keep(self, frame: pl.DataFrame) -> None:
        """Take the rows that `choose` named last."""
        self._frames.append(frame)
        self._held += frame.height
        if self._held > 2 * max(self.size, 1):
            self._drop()

    def take(self, frame: pl.DataFrame, start: int) -> None:
        """Look at the rows that follow so many others."""
        self.keep(frame[self.choose(start, frame.height)])

    def finish(self) -> pl.DataFrame:
        """Return the sample, in the order of the rows."""
        self._drop()
        return self._frames[0]

    @property
    def numbers(self) -> Array:
        """The row numbers of the sample, after `finish`."""
        return self._rows[0]

    def _drop(self) -> None:
        if not self._frames:
            raise ValueError("no rows were taken")
        ranks, rows = np.concatenate(self._ranks), np.concatenate(self._rows)
        stay = np.arange(len(ranks))
        if len(ranks) > self.size:
            stay = np.argpartition(ranks, self.size - 1)[: self.size] if self.size else stay[:0]
            stay = stay[np.argsort(rows[stay])]
            ranks, rows = ranks[stay], rows[stay]
            self._limit = ranks.max() if self.size else np.uint64(0)
        # one column after the other, so that the rows are never held twice
        columns = []
        for name in self._frames[0].columns:
            whole = pl.concat(
                [frame.select(name) for frame in self._frames], how="vertical_relaxed"
            ).to_series()
            columns.append(whole.gather(stay) if len(stay) < len(whole) else whole.rechunk())
            self._frames = [frame.drop(name) for frame in self._frames]
        frame = pl.DataFrame(columns)
        self._frames, self._ranks, self._rows, self._held = [frame], [ranks], [rows], frame.height
