"""Permutations of the numbers below a size, one number at a time: shuffled keys for any number of rows."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

_ROUNDS = 4
_WORD = 2**64


def shuffle(numbers: npt.NDArray[Any], size: int, key: int) -> npt.NDArray[np.int64]:
    """Give each number below a size another number below it, one to one.

    Parameters
    ----------
    numbers : array of whole numbers, shape (n,)
        Each from 0 to `size` - 1.
    size : int
        How many numbers there are, from 1 to 2**62.
    key : int
        Chooses the permutation.

    Returns
    -------
    array of int64, shape (n,)
        Different numbers for different numbers.

    Notes
    -----
    A Feistel network over two halves of the bits, which walks its cycles back below the size (Black and Rogaway 2002,
    "Ciphers with arbitrary finite domains", sections 2 and 4). It scatters; it is no encryption.

    **Cost**: O(1) memory; about 10 to 20 nanoseconds a number.

    Examples
    --------
    >>> sorted(shuffle(np.arange(10), 10, key=3).tolist()) == list(range(10))
    True
    """
    bits = max((size - 1).bit_length(), 2)
    out = np.empty(len(numbers), dtype=np.int64)
    keys = np.array([(key >> (64 * (turn % 2))) + turn * 0x9E3779B97F4A7C15 & (_WORD - 1) for turn in range(_ROUNDS)],
                    dtype=np.uint64)  # fmt: skip
    _walk(np.ascontiguousarray(numbers, dtype=np.int64), size, bits // 2, bits - bits // 2, keys, out)
    return out


@numba.njit(cache=True, nogil=True)
def _walk(
    numbers: npt.NDArray[np.int64],
    size: int,
    low_bits: int,
    high_bits: int,
    keys: npt.NDArray[np.uint64],
    out: npt.NDArray[np.int64],
) -> None:
    low_mask = (np.uint64(1) << np.uint64(low_bits)) - np.uint64(1)
    high_mask = (np.uint64(1) << np.uint64(high_bits)) - np.uint64(1)
    shift = np.uint64(low_bits)
    for row in range(len(numbers)):
        value = np.uint64(numbers[row])
        while True:
            high, low = value >> shift, value & low_mask
            for turn in range(len(keys)):
                # halves may differ by a bit, so each is changed in its own turn and they never change places
                if turn % 2 == 0:
                    high ^= _mixed(low ^ keys[turn]) & high_mask
                else:
                    low ^= _mixed(high ^ keys[turn]) & low_mask
            value = (high << shift) | low
            if value < np.uint64(size):
                break
        out[row] = np.int64(value)


@numba.njit(cache=True, nogil=True)
def _mixed(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
