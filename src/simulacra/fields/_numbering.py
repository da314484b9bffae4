"""Grammars numbered one to one: the widest of their ways of which no two texts look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl

from simulacra.fakes._numbers import Numbers, cut, times
from simulacra.fields._grammar import Node, Pick, glue
from simulacra.fields._words import Words


@dataclass(frozen=True, eq=False)
class Numbered:
    """Pieces of which every choice gives another text."""

    parts: tuple[Words | str, ...]

    @property
    def room(self) -> int:
        """How many texts there are."""
        return times(*(len(part) for part in self.parts if isinstance(part, Words)))

    def write(self, numbers: Numbers) -> pl.Series:
        """Write numbers below `room`."""
        bases = [len(part) for part in self.parts if isinstance(part, Words)]
        digits = iter(cut(numbers, bases)[:-1])
        return glue(
            [part if isinstance(part, str) else part.series.gather(next(digits)) for part in self.parts]
        )


@cache
def number_grammar(node: Node) -> Numbered | None:
    """Find the widest way of a grammar that can be numbered; None if there is none.

    Notes
    -----
    A text can be read back where its first or last piece is told from the rest: by its length, or by a sign behind
    it that none of its words has. Words that have the sign are left out where nothing else helps.

    Examples
    --------
    >>> from simulacra.fields._grammar import join
    >>> number_grammar(join([Words(("a", "b")), "-", Words(("c", "d-e"))])).room
    4
    """
    ways = sorted((_flatten(way) for way in _ways(node)), key=_size, reverse=True)
    found = [made for parts in ways if (made := _readable(parts)) is not None]
    return max((Numbered(tuple(parts)) for parts in found), key=lambda made: made.room, default=None)


def _ways(node: Node | str) -> list[Node | str]:
    return [inner for way in node.ways for inner in _ways(way)] if isinstance(node, Pick) else [node]


def _flatten(node: Node | str) -> list[Words | str]:
    """Take the widest way of every choice inside."""
    if isinstance(node, (Words, str)):
        return [node]
    if isinstance(node, Pick):
        return max((_flatten(way) for way in node.ways), key=_size)
    return [piece for part in node.parts for piece in _flatten(part)]


def _size(parts: Sequence[Words | str]) -> int:
    return times(*(len(part) for part in parts if isinstance(part, Words)))


def _readable(parts: list[Words | str]) -> list[Words | str] | None:
    """Peel pieces off both ends while they can be told; leave out words that stand in the way."""
    kept = [_without_repeats(part) for part in parts if part != ""]
    low, high = 0, len(kept) - 1
    while low < high:
        if _told(kept, low, +1):
            low += 1
        elif _told(kept, high, -1):
            high -= 1
        else:
            end, step = (high, -1) if isinstance(kept[high - 1], str) else (low, +1)
            beside = kept[end + step]
            word = kept[end]
            if not isinstance(beside, str) or not isinstance(word, Words):
                return None
            fewer = tuple(text for text in word.texts if beside[0 if step > 0 else -1] not in text)
            if not fewer:
                return None
            kept[end] = Words(fewer)
    return kept


def _told(parts: Sequence[Words | str], place: int, step: int) -> bool:
    """Tell whether the piece at an end can be read: a fixed text, words of one length, or a sign that ends them."""
    part, beside = parts[place], parts[place + step]
    if isinstance(part, str) or len(part) == 1:
        return True
    if len({len(text) for text in part.texts}) == 1:
        return True
    return isinstance(beside, str) and any(not any(sign in text for text in part.texts) for sign in beside)


def _without_repeats(part: Words | str) -> Words | str:
    return part if isinstance(part, str) else Words(tuple(text for text in dict.fromkeys(part.texts) if text))
