"""Chances of one axis' codes given those of others, backing off to fewer of these where rows are few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from simulacra.domain import Array
from simulacra.privacy.holders import count_holders

_BELOW_ONE = float(np.nextafter(1.0, 0.0))


@dataclass(frozen=True)
class Rung:
    """Chances of codes by the groups of so many parents.

    Parameters
    ----------
    keys : array of int64
        Ascending: a line of the rung above times `groups`, plus the group of the parent that is added here.
    groups : int
        Groups of that parent.
    starts : array of int64, shape (lines + 1,)
        Where the entries of each line start.
    codes : array of int64
        Of each entry, ascending in a line.
    shares : array of float64
        Of each entry; a line sums to 1.
    trust : array of float64, shape (lines,)
        Chance of staying on this rung; the rest goes to the line above.
    """

    keys: Array
    groups: int
    starts: Array
    codes: Array
    shares: Array
    trust: Array

    @cached_property
    def totals(self) -> Array:
        """Running sums of shares, each line shifted by its number, so that one search serves all lines."""
        running = np.cumsum(self.shares)
        line = np.repeat(np.arange(len(self.trust)), np.diff(self.starts))
        return running - np.append(0.0, running)[self.starts[:-1]][line] + line

    def below(self, line: Array, group: Array) -> Array:
        """Return the lines that belong to lines above and groups of the parent; -1 where there is none."""
        if not len(self.keys):
            return np.full(len(line), -1)
        key = line * self.groups + group
        at = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        return np.where((line >= 0) & (group >= 0) & (self.keys[at] == key), at, -1)

    def draw(self, line: Array, uniform: Array) -> Array:
        """Draw a code of each line."""
        at = np.searchsorted(self.totals, line + uniform, side="right")
        return self.codes[np.clip(at, self.starts[line], self.starts[line + 1] - 1)]

    @cached_property
    def entries(self) -> tuple[Array, int]:
        """What each entry is known by, ascending: its line times a base, plus its code; and the base."""
        base = int(self.codes.max(initial=0)) + 1
        return np.repeat(np.arange(len(self.trust)), np.diff(self.starts)) * base + self.codes, base

    def weigh(self, line: Array, codes: Array) -> Array:
        """Return the share of a code of each line; 0 for code -1."""
        entry, base = self.entries
        key = line * base + codes
        at = np.minimum(np.searchsorted(entry, key), len(entry) - 1)
        return np.where((codes >= 0) & (codes < base) & (entry[at] == key), self.shares[at], 0.0)

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        return {name: getattr(self, name) for name in Rung.__dataclass_fields__}


@dataclass(frozen=True)
class Ladder:
    """Chances of codes given groups of parents: the more parents, the lower the rung.

    A line of a rung mixes what its own rows hold with the line above it, which has one parent less: the fewer rows and
    the more different codes they hold, the more of the latter (Witten and Bell 1991, "The zero-frequency problem",
    method C; a Dirichlet prior whose mean is the line above says the same). A line that fewer than `least` hold is not
    kept.

    Examples
    --------
    >>> a, b = np.arange(400) % 2, np.arange(400) % 4
    >>> ladder = Ladder.fit(b, 4, [(a, 2)], least=10)
    >>> ladder.weigh([np.array([0, 1])], np.array([0, 0])).round(2).tolist()
    [0.5, 0.0]
    """

    size: int
    rungs: tuple[Rung, ...]

    @classmethod
    def fit(
        cls,
        codes: Array,
        size: int,
        parents: Sequence[tuple[Array, int]],
        *,
        least: int = 1,
        backoff: float = 0.0,
        fixed: int = 0,
        weights: Array | None = None,
        owners: Array | None = None,
    ) -> Self:
        """Count.

        Parameters
        ----------
        codes : array of int, shape (rows,)
            Codes of the axis.
        size : int
            How many there are.
        parents : sequence of (array of int, int)
            Groups of each parent, the most telling first, and their number.
        least : int
            Rows, or owners, that a line has at least.
        backoff : float
            How readily a draw leaves its line for the one above.
        fixed : int
            Rungs of so many first parents are never left and never left out.
        weights, owners : array or None
            Of the rows.
        """
        mass = np.ones(len(codes)) if weights is None else weights / max(weights.mean(), 1e-300)
        rows = np.flatnonzero(mass > 0) if weights is not None else np.arange(len(codes))
        line = np.zeros(len(codes), np.int64)
        rungs: list[Rung] = []
        for number, (group, groups) in enumerate([(line, 1), *parents]):
            key = line[rows] * groups + group[rows]
            keys, place = np.unique(key, return_inverse=True)
            whose = None if owners is None else owners[rows]
            if number > fixed:
                keep = count_holders(place, len(keys), whose) >= least
                rows = rows[keep[place]]
                place, keys = (np.cumsum(keep) - 1)[place[keep[place]]], keys[keep]
            entries, at = np.unique(place * size + codes[rows], return_inverse=True)
            counts = np.bincount(at, mass[rows], minlength=len(entries))
            own = entries // size
            starts = np.searchsorted(own, np.arange(len(keys) + 1))
            total = np.bincount(own, counts, minlength=len(keys))
            distinct = np.diff(starts)
            trust = np.ones(len(keys)) if number <= fixed else total / (total + backoff * distinct)
            rungs.append(Rung(keys, groups, starts, entries % size, counts / total[own], trust))
            line[rows] = place
        return cls(size, tuple(rungs))

    @classmethod
    def told(cls, table: Array, chances: Array) -> Self:
        """Make a ladder of a table of chances: its last dimension is the codes, those before it are the parents.

        Parameters
        ----------
        table : array
            Its last dimension sums to 1; nothing is smoothed.
        chances : array, shape (codes,)
            The chances whatever the parents are.
        """
        size, lines = table.shape[-1], 1
        rungs = [_tell(np.zeros(1, np.int64), 1, np.asarray(chances, np.float64)[None])]
        for depth, groups in enumerate(table.shape[:-1], 1):
            lines *= groups
            last = depth == table.ndim - 1
            shares = np.asarray(table, np.float64).reshape(lines, size) if last else np.empty((lines, 0))
            rungs.append(_tell(np.arange(lines), groups, shares))
        return cls(size, tuple(rungs))

    def walk(self, parents: Sequence[Array], rows: int) -> list[Array]:
        """Return the line of each row on each rung; -1 from where it has none."""
        lines = [np.zeros(rows, np.int64)]
        for rung, group in zip(self.rungs[1:], parents, strict=True):
            lines.append(rung.below(lines[-1], group))
        return lines

    def draw(self, parents: Sequence[Array], uniform: Array) -> Array:
        """Draw a code for each row; `uniform` has the shape (2, rows)."""
        stay, pick = uniform
        codes = np.zeros(len(pick), np.int64)
        left = np.arange(len(pick))
        stay = stay.copy()
        for rung, line in zip(reversed(self.rungs), reversed(self.walk(parents, len(pick)))):
            own = line[left]
            trust = np.where(own >= 0, rung.trust[own] if len(rung.trust) else 0.0, 0.0)
            done = stay[left] < trust
            codes[left[done]] = rung.draw(own[done], pick[left[done]])
            # what is left of the random number is as good as a new one
            stay[left] = np.minimum((stay[left] - trust) / np.maximum(1 - trust, 1e-300), _BELOW_ONE)
            left = left[~done]
        return codes

    def weigh(self, parents: Sequence[Array], codes: Array) -> Array:
        """Return the chance of a code of each row."""
        found, left = np.zeros(len(codes)), np.ones(len(codes))
        for rung, line in zip(reversed(self.rungs), reversed(self.walk(parents, len(codes)))):
            at = np.flatnonzero((line >= 0) & (left > 0))
            at = at[rung.trust[line[at]] > 0]
            if len(at):
                trust = rung.trust[line[at]]
                found[at] += left[at] * trust * rung.weigh(line[at], codes[at])
                left[at] *= 1 - trust
        return found

    def add(self, out: Array, parents: Sequence[Array], scale: Array) -> None:
        """Add the chances of all codes, times a scale, to the rows of a table of shape (rows, size)."""
        left = scale.copy()
        for rung, line in zip(reversed(self.rungs), reversed(self.walk(parents, len(out)))):
            at = np.flatnonzero((line >= 0) & (left > 0))
            own = line[at]
            many = np.diff(rung.starts)[own]
            entry = np.arange(many.sum()) + np.repeat(rung.starts[own] - np.cumsum(many) + many, many)
            part = left[at] * rung.trust[own]
            # a row has a code once in a line, so no cell is added to twice
            out[np.repeat(at, many), rung.codes[entry]] += np.repeat(part, many) * rung.shares[entry]
            left[at] -= part

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        return {"size": self.size, "rungs": [rung.dump() for rung in self.rungs]}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the ladder from what `dump` gave."""
        return cls(int(state["size"]), tuple(Rung(**rung) for rung in state["rungs"]))


def _tell(keys: Array, groups: int, shares: Array) -> Rung:
    """Make a rung of dense lines, which are never left; lines of no codes are always left."""
    lines = len(keys)
    line, codes = np.nonzero(shares)
    starts = np.searchsorted(line, np.arange(lines + 1))
    total = shares.sum(axis=1)
    own = shares[line, codes] / total[line]
    return Rung(keys, groups, starts, codes, own, np.full(lines, float(shares.shape[1] > 0)))
