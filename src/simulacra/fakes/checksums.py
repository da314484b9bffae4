"""Check digits, for many numbers at once: tell which are right, and find those that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from simulacra.fakes._writing import Bytes

Digits = npt.NDArray[np.int64]

_DIHEDRAL = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7], [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3], [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ]
)  # fmt: skip
_TURNS = [np.arange(10), np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])]
for _ in range(6):
    _TURNS.append(_TURNS[-1][_TURNS[1]])


def digits_of(signs: Bytes) -> Digits:
    """Read characters as numbers: digits as themselves, letters from A = 10.

    Examples
    --------
    >>> digits_of(np.array([[48, 57, 65, 90]], dtype=np.uint8)).tolist()
    [[0, 9, 10, 35]]
    """
    codes = signs.astype(np.int64)
    return np.where(codes < 65, codes - 48, codes - 55)


def luhn(digits: Digits) -> Digits:
    """Find the last digit that makes a number right by Luhn's rule (ISO/IEC 7812-1), for numbers without it.

    Examples
    --------
    >>> luhn(np.array([[7, 9, 9, 2, 7, 3, 9, 8, 7, 1]])).tolist()
    [3]
    """
    doubled = digits.copy()
    doubled[:, ::-1][:, ::2] *= 2
    return np.asarray(-(doubled - 9 * (doubled > 9)).sum(axis=1) % 10, dtype=np.int64)


def modulo(digits: Digits, by: int) -> Digits:
    """Take numbers of any length modulo a small one; a value of 10 or more counts as two digits (ISO 13616).

    Examples
    --------
    >>> modulo(np.array([[1, 0, 0]]), 97).tolist(), modulo(np.array([[11, 0]]), 97).tolist()
    ([3], [13])
    """
    rest = np.zeros(len(digits), dtype=np.int64)
    for place in range(digits.shape[1]):
        column = digits[:, place]
        rest = (rest * np.where(column > 9, 100, 10) + column) % by
    return rest


def weighted(digits: Digits, weights: Sequence[int]) -> Digits:
    """Add digits up, each times its weight.

    Examples
    --------
    >>> weighted(np.array([[1, 2]]), [3, 1]).tolist()
    [5]
    """
    return np.asarray(digits @ np.array(weights, dtype=np.int64), dtype=np.int64)


def chained(digits: Digits) -> Digits:
    """Find the last digit by the chain modulo 11 and 10 (ISO/IEC 7064, MOD 11,10), for numbers without it.

    Examples
    --------
    >>> chained(np.array([[3, 6, 5, 7, 4, 2, 6, 1, 8, 0]])).tolist()
    [9]
    """
    product = np.full(len(digits), 10)
    for place in range(digits.shape[1]):
        total = (digits[:, place] + product) % 10
        product = np.where(total == 0, 10, total) * 2 % 11
    return np.asarray((11 - product) % 10, dtype=np.int64)


def dihedral(digits: Digits) -> Digits:
    """Find the last digit by Verhoeff's rule, for numbers without it.

    Examples
    --------
    >>> dihedral(np.array([[2, 3, 6]])).tolist()
    [3]
    """
    check = np.zeros(len(digits), dtype=np.int64)
    for place in range(digits.shape[1]):
        turned = _TURNS[(place + 1) % 8][digits[:, -1 - place]]
        check = _DIHEDRAL[check, turned]
    inverse = np.array([0, 4, 3, 2, 1, 5, 6, 7, 8, 9])
    return np.asarray(inverse[check], dtype=np.int64)


def cpf(digits: Digits) -> Digits:
    """Find the two last digits of Brazilian numbers, for those without them: shape (rows, 2).

    Examples
    --------
    >>> cpf(np.array([[1, 1, 1, 4, 4, 4, 7, 7, 7]])).tolist()
    [[3, 5]]
    """
    first = weighted(digits, range(10, 1, -1)) * 10 % 11 % 10
    second = weighted(np.column_stack([digits, first]), range(11, 1, -1)) * 10 % 11 % 10
    return np.column_stack([first, second])


_ODD = np.array(
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
)


def fiscal(values: Digits) -> Digits:
    """Find the last letter (0 for A) of Italian tax codes from the 15 characters before it, letters from A = 10.

    Examples
    --------
    >>> code = np.array([[ord(sign) for sign in "RSSMRA85T10A562"]], dtype=np.uint8)
    >>> chr(65 + int(fiscal(digits_of(code))[0]))
    'S'
    """
    plain = np.where(values > 9, values - 10, values)
    odd: Any = _ODD[plain[:, ::2]].sum(axis=1)
    return np.asarray((odd + plain[:, 1::2].sum(axis=1)) % 26, dtype=np.int64)
