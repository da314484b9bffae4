"""Compiled walks down one classic tree, and draws from the donors of a leaf."""

from __future__ import annotations

from numba import njit

from simulacra.domain import Array


@njit(cache=True, nogil=True)
def fall(
    x: Array, feature: Array, cuts: Array, right: Array, subset: Array, sets: Array, leaf: Array, out: Array
) -> None:
    """Send rows down to their leaves; x has the shape (rows, predictors), `leaf` the number of each leaf by node."""
    for i in range(len(out)):
        node = 0
        f = feature[0]
        while f >= 0:
            b = x[i, f]
            own = subset[node]
            goes_left = (sets[own, b >> 3] >> (b & 7)) & 1 == 1 if own >= 0 else b <= cuts[node]
            node = node + 1 if goes_left else right[node]
            f = feature[node]
        out[i] = leaf[node]


@njit(cache=True, nogil=True)
def draw(leaves: Array, first: Array, codes: Array, summed: Array, uniform: Array, out: Array) -> None:
    """Draw a code for every row from the donors of its leaf."""
    for i in range(len(out)):
        a, b = first[leaves[i]], first[leaves[i] + 1]
        wanted = summed[a] + uniform[i] * (summed[b] - summed[a])
        while b - a > 1:
            middle = (a + b) // 2
            if summed[middle] <= wanted:
                a = middle
            else:
                b = middle
        out[i] = codes[a]


@njit(cache=True, nogil=True)
def fill(leaves: Array, first: Array, codes: Array, summed: Array, out: Array) -> None:
    """Write the share of every code among the donors of each row's leaf; out has the shape (rows, codes)."""
    for i in range(len(out)):
        a, b = first[leaves[i]], first[leaves[i] + 1]
        whole = summed[b] - summed[a]
        for e in range(a, b):
            out[i, codes[e]] = (summed[e + 1] - summed[e]) / whole
