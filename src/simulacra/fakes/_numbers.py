"""Whole numbers that decide what a fake is: mixed from codes, cut into digits of any base, permuted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint64]

MOST = 2**62
"""Rooms larger than this count as this large."""

_STEP = np.uint64(0x9E3779B97F4A7C15)


def mix(codes: Numbers, salt: int = 0) -> Numbers:
    """Scramble 64-bit codes, one to one (splitmix64, Steele et al. 2014).

    Examples
    --------
    >>> codes = np.arange(3, dtype=np.uint64)
    >>> len(set(mix(codes).tolist())), bool((mix(codes) == mix(codes, 1)).any())
    (3, False)
    """
    with np.errstate(over="ignore"):
        z = codes + _STEP * np.uint64((salt + 1) % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def cut(numbers: Numbers, bases: Sequence[int]) -> list[npt.NDArray[Any]]:
    """Write numbers in a mixed base, the first digit the one that changes fastest; the rest is the last element.

    Examples
    --------
    >>> [digit.tolist() for digit in cut(np.array([7], dtype=np.uint64), [2, 3])]
    [[1], [0], [1]]
    """
    digits: list[npt.NDArray[Any]] = []
    rest = numbers
    for base in bases:
        quotient = rest // np.uint64(base)
        digits.append((rest - quotient * np.uint64(base)).astype(np.int64))
        rest = quotient
    return [*digits, rest]


def permute(numbers: Numbers, size: int, key: int) -> Numbers:
    """Shuffle the numbers below a size, one to one: a Feistel network that walks its cycles back below the size.

    Notes
    -----
    **Cost**: at most four walks of four rounds in the mean.

    Examples
    --------
    >>> sorted(permute(np.arange(10, dtype=np.uint64), 10, key=3).tolist()) == list(range(10))
    True
    """
    half = np.uint64(max((max(size - 1, 1).bit_length() + 1) // 2, 1))
    mask = np.uint64((1 << int(half)) - 1)
    out = numbers.astype(np.uint64, copy=True)
    walking = np.arange(len(out))
    while len(walking):
        left, right = out[walking] >> half, out[walking] & mask
        for turn in range(4):
            left, right = right, left ^ (mix(right, key * 4 + turn) & mask)
        out[walking] = (left << half) | right
        walking = walking[out[walking] >= size]
    return out


def times(*factors: int) -> int:
    """Multiply, up to `MOST`."""
    product = 1
    for factor in factors:
        product = min(product * factor, MOST)
    return product
