"""Numbers laid out as characters, for many rows at once."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.fakes._numbers import Numbers, cut, times

Bytes = npt.NDArray[np.uint8]

WILD: dict[str, tuple[int, int]] = {"#": (48, 10), "%": (49, 9), "?": (65, 26), "@": (97, 26)}
"""Signs of a shape that stand for any digit, any digit but 0, a capital and a small letter: first one, and how many."""


def to_texts(signs: Bytes) -> pl.Series:
    """Turn a matrix of Latin characters into texts, one to a row.

    Examples
    --------
    >>> to_texts(np.array([[65, 66], [48, 49]], dtype=np.uint8)).to_list()
    ['AB', '01']
    """
    rows, width = signs.shape
    if not rows:
        return pl.Series(dtype=pl.String)
    lines = np.full((rows, width + 1), 10, dtype=np.uint8)
    lines[:, :width] = signs
    return pl.Series(lines.tobytes().decode("latin-1").split("\n")[:-1], dtype=pl.String)


def to_signs(texts: pl.Series, width: int) -> Bytes:
    """Turn texts of one width, in plain ASCII, into a matrix of characters."""
    joined = "".join(texts.to_list()).encode("ascii")
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, width)


def find_shapes(texts: pl.Series) -> pl.Series:
    """Write each text as its shape: every digit ``#``, every capital ``?``, every small letter ``@``.

    Examples
    --------
    >>> find_shapes(pl.Series(["AB-12c"])).to_list()
    ['??-##@']
    """
    return (
        texts.str.replace_all(r"[#%?@]", "-")
        .str.replace_all(r"\d", "#")
        .str.replace_all(r"\p{Lu}", "?")
        .str.replace_all(r"\p{L}", "@")
        .str.replace_all(r"[^ -~]", " ")
    )


def shape_room(shape: str) -> int:
    """Count the texts of a shape, up to 2**62."""
    return times(*(WILD[sign][1] for sign in shape if sign in WILD))


def fill(shape: str, numbers: Numbers) -> Bytes:
    """Write numbers below `shape_room` in the wild places of a shape, one to one; the last place changes fastest.

    Examples
    --------
    >>> to_texts(fill("A-##", np.array([7, 42], dtype=np.uint64))).to_list()
    ['A-07', 'A-42']
    """
    wild = [place for place, sign in enumerate(shape) if sign in WILD][::-1]
    out = np.tile(np.frombuffer(shape.encode("latin-1"), dtype=np.uint8), (len(numbers), 1))
    digits = cut(numbers, [WILD[shape[place]][1] for place in wild])
    for place, digit in zip(wild, digits):
        out[:, place] = WILD[shape[place]][0] + digit
    return out


def lay(signs: Bytes, style: str) -> Bytes:
    """Put the characters of codes into the wild places of a style, with what stands between them.

    Examples
    --------
    >>> to_texts(lay(np.array([[49, 50, 51]], dtype=np.uint8), "#-##")).to_list()
    ['1-23']
    """
    if len(style) == signs.shape[1] and all(sign in WILD for sign in style):
        return signs
    out = np.tile(np.frombuffer(style.encode("latin-1"), dtype=np.uint8), (len(signs), 1))
    wild = [place for place, sign in enumerate(style) if sign in WILD]
    out[:, wild] = signs
    return out


def wild_places(style: str) -> int:
    """Count the wild places of a style."""
    return len(re.findall(r"[#%?@]", style))
