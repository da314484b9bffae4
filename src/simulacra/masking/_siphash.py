"""SipHash-2-4 of many 64-bit words at once: a keyed function that nobody without the key can tell from chance.

Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF".
"""

from __future__ import annotations

import numpy as np

from simulacra.domain import Array

_PIECE = 16_384
"""Words at a time: their state stays in the cache of the processor."""
_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_MASK = 2**64 - 1


def siphash(words: Array, key: bytes) -> Array:
    """Hash words of eight bytes each.

    Parameters
    ----------
    words : array of uint64
        What to hash.
    key : bytes
        16 bytes.

    Returns
    -------
    array of uint64
        One hash per word.

    Notes
    -----
    **Cost**: about 60 ns a word.

    Examples
    --------
    >>> message = np.frombuffer(bytes(range(8)), dtype="<u8")
    >>> hex(siphash(message, bytes(range(16)))[0])  # the paper's own test vector of eight bytes
    '0x93f5f5799a932462'
    """
    out = np.empty(len(words), dtype=np.uint64)
    for first in range(0, len(words), _PIECE):
        out[first : first + _PIECE] = _piece(words[first : first + _PIECE], key)
    return out


def _piece(words: Array, key: bytes) -> Array:
    halves = [int.from_bytes(key[at : at + 8], "little") for at in (0, 8)]
    state = [
        np.full(len(words), (start ^ halves[place % 2]) & _MASK, dtype=np.uint64)
        for place, start in enumerate(_START)
    ]
    spare = np.empty(len(words), dtype=np.uint64)
    length = np.uint64(8 << 56)
    for block in (words, length):
        state[3] ^= block
        for _ in range(2):
            _round(state, spare)
        state[0] ^= block
    state[2] ^= np.uint64(0xFF)
    for _ in range(4):
        _round(state, spare)
    out: Array = state[0] ^ state[1] ^ state[2] ^ state[3]
    return out


def _round(v: list[Array], spare: Array) -> None:
    v[0] += v[1]
    _rotate(v[1], 13, spare)
    v[1] ^= v[0]
    _rotate(v[0], 32, spare)
    v[2] += v[3]
    _rotate(v[3], 16, spare)
    v[3] ^= v[2]
    v[0] += v[3]
    _rotate(v[3], 21, spare)
    v[3] ^= v[0]
    v[2] += v[1]
    _rotate(v[1], 17, spare)
    v[1] ^= v[2]
    _rotate(v[2], 32, spare)


def _rotate(word: Array, by: int, spare: Array) -> None:
    np.right_shift(word, np.uint64(64 - by), out=spare)
    np.left_shift(word, np.uint64(by), out=word)
    np.bitwise_or(word, spare, out=word)
