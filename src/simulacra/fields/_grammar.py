"""Texts put together from words: what Faker's formats become, drawn for many rows at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from simulacra.fields._words import Codes, Words, make_words

_SIGNS = {"#": "0123456789", "%": "123456789", "$": "23456789"}
_MAYBE = {"!": "0123456789", "@": "123456789"}
_RUN = 4
_PIECE = re.compile(r"([#%$]{1,4}|[!@?^])")


@dataclass(frozen=True, eq=False)
class Join:
    """Pieces one after the other."""

    parts: tuple[Node | str, ...]


@dataclass(frozen=True, eq=False)
class Pick:
    """One of several ways, each with its weight (those of the codes of `which`)."""

    ways: tuple[Node | str, ...]
    which: Words


Node = Words | Join | Pick


def pick(ways: Sequence[Node | str], weights: Sequence[float] | None = None) -> Node:
    """Choose among ways; texts alone are a list of words.

    Examples
    --------
    >>> pick(["a", "b"]).texts
    ('a', 'b')
    """
    if all(isinstance(way, str) for way in ways):
        return make_words([str(way) for way in ways], weights)
    # equal texts are one way; other nodes are ways of their own
    kept: dict[object, tuple[Node | str, float]] = {}
    for place, way in enumerate(ways):
        weight = 1.0 if weights is None else float(weights[place])
        name: object = way if isinstance(way, str) else id(way)
        kept[name] = (way, kept.get(name, (way, 0.0))[1] + weight)
    chosen = [(way, weight) for way, weight in kept.values() if weight > 0]
    if len(chosen) == 1:
        return join([chosen[0][0]])
    which = Words(tuple(str(place) for place in range(len(chosen))), tuple(weight for _, weight in chosen))
    return Pick(tuple(way for way, _ in chosen), which)


def join(parts: Sequence[Node | str]) -> Node:
    """Put pieces together; joins inside joins and neighbouring texts become one.

    Examples
    --------
    >>> join(["a", join(["b", Words(("c", "d"))])]).parts[0]
    'ab'
    """
    flat: list[Node | str] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Join) else (part,):
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    if len(flat) == 1 and not isinstance(flat[0], str):
        return flat[0]
    if all(isinstance(piece, str) for piece in flat):
        return Words(("".join(str(piece) for piece in flat),))
    return Join(tuple(flat))


@cache
def shape(text: str, letters: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", signs: str = "#%$!@?") -> Node:
    """Read the signs of a shape: ``#`` a digit, ``%`` one from 1, ``$`` one from 2, ``!`` and ``@`` a digit or nothing.

    Parameters
    ----------
    text : str
        The shape.
    letters : str
        What ``?`` (a letter) and ``^`` (a hexadecimal digit) stand for.
    signs : str
        Which of the signs count.

    Examples
    --------
    >>> len(shape("#").texts), len(shape("A-##").parts)
    (10, 2)
    """
    parts: list[Node | str] = []
    for piece in _PIECE.split(text):
        if not piece or not _PIECE.fullmatch(piece) or piece[0] not in signs:
            parts.append(piece)
        elif piece in "?^":
            parts.append(_letters(letters))
        elif piece in _MAYBE:
            parts.append(_maybe(piece))
        else:
            parts.append(_digits(piece))
    return join(parts)


@cache
def _letters(letters: str) -> Words:
    return make_words(list(letters))


@cache
def _maybe(sign: str) -> Words:
    digits = _MAYBE[sign]
    return Words(("", *digits), (float(len(digits)), *[1.0] * len(digits)))


@cache
def _digits(run: str) -> Words:
    texts = [""]
    for sign in run[:_RUN]:
        texts = [text + digit for text in texts for digit in _SIGNS[sign]]
    return Words(tuple(texts))


def draw_texts(node: Node | str, rows: int, rng: np.random.Generator) -> pl.Series:
    """Draw texts.

    Notes
    -----
    **Cost**: about 20 nanoseconds for every piece of a text.

    Examples
    --------
    >>> draw_texts(shape("A-%"), 2, np.random.Generator(np.random.Philox(key=1))).str.starts_with("A-").to_list()
    [True, True]
    """
    if isinstance(node, str):
        return pl.repeat(node, rows, dtype=pl.String, eager=True)
    if isinstance(node, Words):
        return node.series.gather(node.draw(rows, rng))
    if isinstance(node, Pick):
        which = node.which.draw(rows, rng)
        return by_code(which, len(node.ways), lambda way, mine: draw_texts(node.ways[way], len(mine), rng))
    return glue([part if isinstance(part, str) else draw_texts(part, rows, rng) for part in node.parts])


def by_code(codes: Codes, size: int, make: Callable[[int, Codes], pl.Series]) -> pl.Series:
    """Make the rows of every code apart, and put them back in order."""
    pieces, places = [], []
    for code in range(size):
        mine = np.flatnonzero(codes == code)
        if len(mine):
            pieces.append(make(code, mine))
            places.append(mine)
    if not pieces:
        return pl.Series(dtype=pl.String)
    if len(pieces) == 1:
        return pieces[0]
    back = np.empty(len(codes), dtype=np.uint32)
    back[np.concatenate(places)] = np.arange(len(codes), dtype=np.uint32)
    return pl.concat(pieces).gather(back)


def glue(parts: Sequence[pl.Series | str]) -> pl.Series:
    """Write texts and columns of texts side by side; a missing piece makes the text missing.

    Examples
    --------
    >>> glue([pl.Series(["a", "b"]), "-"]).to_list()
    ['a-', 'b-']
    """
    columns = {str(place): part for place, part in enumerate(parts) if isinstance(part, pl.Series)}
    pieces = [
        pl.lit(part) if isinstance(part, str) else pl.col(str(place)) for place, part in enumerate(parts)
    ]
    return pl.DataFrame(columns).select(pl.concat_str(pieces).alias(""))[""]


def fold_words(node: Node, change: Callable[[str], str]) -> Node:
    """Change every fixed text and every word.

    Examples
    --------
    >>> fold_words(Words(("a", "b")), str.upper).texts
    ('A', 'B')
    """
    if isinstance(node, Words):
        return make_words([change(text) for text in node.texts], node.weights)
    if isinstance(node, Pick):
        ways = [change(way) if isinstance(way, str) else fold_words(way, change) for way in node.ways]
        return pick(ways, node.which.weights)
    return join([change(part) if isinstance(part, str) else fold_words(part, change) for part in node.parts])


def leaves(node: Node | str) -> Iterator[str]:
    """Yield every fixed text and every word.

    Examples
    --------
    >>> sorted(leaves(join(["a", Words(("b", "c"))])))
    ['a', 'b', 'c']
    """
    if isinstance(node, str):
        yield node
    elif isinstance(node, Words):
        yield from node.texts
    else:
        for part in node.parts if isinstance(node, Join) else node.ways:
            yield from leaves(part)
