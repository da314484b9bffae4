"""The parts of a regular expression: each can be counted, drawn, and spelt by a number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations
from typing import ClassVar, Protocol

import numpy as np

from simulacra.domain import Array

LARGEST = 2**62
"""Parts of more texts than this are not counted through."""


class Node(Protocol):
    """A part of a regular expression. Texts are rows of code points, with 0 where there is none."""

    @property
    def count(self) -> int:
        """In how many ways it can be spelt."""

    @property
    def width(self) -> int:
        """Characters of its longest text."""

    @property
    def fixed(self) -> bool:
        """Whether all its texts are of one width."""

    @property
    def plain(self) -> bool:
        """Whether each text can be spelt in one way only, as far as that can be told at a glance."""

    @property
    def first(self) -> frozenset[int]:
        """Characters that a text can start with."""

    @property
    def signs(self) -> frozenset[int]:
        """All its characters."""

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n texts, each choice evenly."""

    def spell(self, index: Array) -> Array:
        """Spell texts by their numbers, from 0 to `count` - 1."""


@dataclass(frozen=True)
class Sign:
    """One character of a set."""

    signs: frozenset[int]
    width: ClassVar[int] = 1
    fixed: ClassVar[bool] = True
    plain: ClassVar[bool] = True

    @property
    def count(self) -> int:
        return len(self.signs)

    @property
    def first(self) -> frozenset[int]:
        return self.signs

    @cached_property
    def _codes(self) -> Array:
        return np.array(sorted(self.signs), dtype=np.uint32)

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        return self._codes[rng.integers(len(self._codes), size=n)][:, None]

    def spell(self, index: Array) -> Array:
        return self._codes[index][:, None]


@dataclass(frozen=True)
class Row:
    """Parts one after the other."""

    parts: tuple[Node, ...]

    @cached_property
    def count(self) -> int:
        return int(np.prod([part.count for part in self.parts], dtype=object)) if self.parts else 1

    @cached_property
    def width(self) -> int:
        return sum(part.width for part in self.parts)

    @property
    def fixed(self) -> bool:
        return all(part.fixed for part in self.parts)

    @property
    def plain(self) -> bool:
        loose = [place for place, part in enumerate(self.parts) if not part.fixed]
        # what follows a part of open length must show where it begins
        clear = all(
            place + 1 < len(self.parts)
            and self.parts[place + 1].fixed
            and not self.parts[place + 1].first & self.parts[place].signs
            for place in loose[:-1]
        )
        return clear and all(part.plain for part in self.parts)

    @property
    def first(self) -> frozenset[int]:
        found: frozenset[int] = frozenset()
        for part in self.parts:
            found |= part.first
            if part.fixed and part.width:
                break
        return found

    @property
    def signs(self) -> frozenset[int]:
        return frozenset().union(*(part.signs for part in self.parts))

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        return _beside([part.draw(n, rng) for part in self.parts], n)

    def spell(self, index: Array) -> Array:
        rest, spelt = index, []
        for part in reversed(self.parts):
            # numbers stay below 2**62, so a part of more texts takes all that is left
            rest, own = np.divmod(rest, part.count) if part.count <= LARGEST else (np.zeros_like(rest), rest)
            spelt.append(part.spell(own))
        return _beside(spelt[::-1], len(index))


@dataclass(frozen=True)
class Either:
    """One of several parts."""

    options: tuple[Node, ...]

    @cached_property
    def count(self) -> int:
        return sum(option.count for option in self.options)

    @property
    def width(self) -> int:
        return max(option.width for option in self.options)

    @property
    def fixed(self) -> bool:
        return all(option.fixed and option.width == self.width for option in self.options)

    @property
    def plain(self) -> bool:
        apart = all(
            not a.first & b.first or (a.fixed and b.fixed and a.width != b.width)
            for a, b in combinations(self.options, 2)
        )
        return apart and all(option.plain for option in self.options)

    @property
    def first(self) -> frozenset[int]:
        return frozenset().union(*(option.first for option in self.options))

    @property
    def signs(self) -> frozenset[int]:
        return frozenset().union(*(option.signs for option in self.options))

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        chosen = rng.integers(len(self.options), size=n)
        out = np.zeros((n, self.width), dtype=np.uint32)
        for place, option in enumerate(self.options):
            rows = np.flatnonzero(chosen == place)
            out[rows, : option.width] = option.draw(len(rows), rng)
        return out

    def spell(self, index: Array) -> Array:
        starts = _starts([option.count for option in self.options])
        chosen = np.searchsorted(starts, index, side="right") - 1
        out = np.zeros((len(index), self.width), dtype=np.uint32)
        for place, option in enumerate(self.options):
            rows = np.flatnonzero(chosen == place)
            out[rows, : option.width] = option.spell(index[rows] - starts[place])
        return out


@dataclass(frozen=True)
class Repeat:
    """A part several times, and a number of times from `low` to `high`."""

    part: Node
    low: int
    high: int

    @cached_property
    def count(self) -> int:
        return sum(self.part.count**times for times in range(self.low, self.high + 1))

    @property
    def width(self) -> int:
        return self.part.width * self.high

    @property
    def fixed(self) -> bool:
        return self.low == self.high and self.part.fixed

    @property
    def plain(self) -> bool:
        return self.part.plain and self.part.fixed and self.part.width > 0

    @property
    def first(self) -> frozenset[int]:
        return self.part.first

    @property
    def signs(self) -> frozenset[int]:
        return self.part.signs

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        times = rng.integers(self.low, self.high + 1, size=n)
        out = np.zeros((n, self.width), dtype=np.uint32)
        for turn in range(self.high):
            rows = np.flatnonzero(times > turn)
            out[rows, turn * self.part.width : (turn + 1) * self.part.width] = self.part.draw(len(rows), rng)
        return out

    def spell(self, index: Array) -> Array:
        starts = _starts([self.part.count**times for times in range(self.low, self.high + 1)])
        chosen = np.searchsorted(starts, index, side="right") - 1
        out = np.zeros((len(index), self.width), dtype=np.uint32)
        for place, times in enumerate(range(self.low, self.high + 1)):
            rows = np.flatnonzero(chosen == place)
            if len(rows):
                one = Row((self.part,) * times)
                out[rows, : one.width] = one.spell(index[rows] - starts[place])
        return out


def _starts(counts: list[int]) -> Array:
    """Return the first number of each part, at most 2**62: later ones are never asked for."""
    return np.array([min(total, LARGEST) for total in accumulate([0, *counts[:-1]])], dtype=np.int64)


def _beside(pieces: list[Array], n: int) -> Array:
    return np.concatenate(pieces, axis=1) if pieces else np.zeros((n, 0), dtype=np.uint32)
