"""The signs that a sign may be replaced by, so that a code keeps its shape in every script."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from simulacra.domain import Array

DIGITS, LOWER, UPPER = string.digits, string.ascii_lowercase, string.ascii_uppercase
_BLOCK = 256
_CASES: tuple[Callable[[str], bool], ...] = (str.isdecimal, str.islower, str.isupper, str.isalpha)

Family = Callable[[int], str]
"""Gives the signs that the sign of a code point may become; the sign alone where it stays."""


@cache
def family(point: int) -> str:
    """List the signs of the same script and case: ASCII by itself, others within their block of 256 code points.

    Examples
    --------
    >>> family(ord("7")), family(ord("-"))
    ('0123456789', '-')
    """
    sign = chr(point)
    if sign.isascii():
        return next((signs for signs in (DIGITS, LOWER, UPPER) if sign in signs), sign)
    case = next((case for case in _CASES if case(sign)), None)
    if case is None:
        return sign
    return _members(point // _BLOCK, case)


@cache
def _members(block: int, case: Callable[[str], bool]) -> str:
    signs = (chr(point) for point in range(block * _BLOCK, (block + 1) * _BLOCK))
    first = _CASES.index(case)
    # the first case that fits is a sign's own, so that the lists of one block share no sign
    return "".join(s for s in signs if not s.isascii() and case(s) and not any(c(s) for c in _CASES[:first]))


def hexadecimal(point: int) -> str:
    """List the signs of a hexadecimal number in the case of a sign.

    Examples
    --------
    >>> hexadecimal(ord("A"))
    '0123456789ABCDEF'
    """
    sign = chr(point)
    if sign in "ABCDEF":
        return DIGITS + "ABCDEF"
    return DIGITS + "abcdef" if sign in DIGITS + "abcdef" else sign


def hexadecimal_upper(point: int) -> str:
    """List the signs of a hexadecimal number in capitals."""
    sign = chr(point)
    return DIGITS + "ABCDEF" if sign in DIGITS + "ABCDEF" else sign


@dataclass(frozen=True, eq=False)
class Signs:
    """The signs of many texts as places in their families.

    Parameters
    ----------
    sizes, places : arrays of int64
        How many signs the family of each has, and its own place among them.
    index : array of int64
        Which row of `families` each belongs to.
    families : array of uint32
        Code points.
    """

    sizes: Array
    places: Array
    index: Array
    families: Array

    @classmethod
    def of(cls, points: Array, family: Family) -> Signs:
        """Look up the family of each code point."""
        number = np.zeros(int(points.max(initial=0)) + 1, dtype=np.intp)
        number[points] = 1
        distinct = np.flatnonzero(number)
        number[distinct] = np.arange(len(distinct))
        index = number[points]
        lists = [family(int(point)) for point in distinct]
        sizes = np.array([len(signs) for signs in lists], dtype=np.int64)
        places = np.array(
            [signs.index(chr(p)) for signs, p in zip(lists, distinct.tolist(), strict=True)], dtype=np.int64
        )
        families = np.zeros((len(lists), int(sizes.max(initial=1))), dtype=np.uint32)
        for row, signs in enumerate(lists):
            families[row, : len(signs)] = [ord(sign) for sign in signs]
        return cls(sizes[index], places[index], index, families)

    def write(self, places: Array) -> Array:
        """Return the code points of other places in the same families."""
        out: Array = self.families[self.index, places]
        return out
