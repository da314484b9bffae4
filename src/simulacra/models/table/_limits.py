"""Compiled draws within limits that differ from row to row."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulacra.domain import Array
from simulacra.models.table._walks import _FAINT, _leaf, _place


@njit(cache=True, nogil=True)
def _held(
    a: int,
    b: int,
    codes: Array,
    summed: Array,
    low: Array,
    high: Array,
    whole: Array,
    weights: Array,
    allowed: Array,
) -> float:
    """Count the donors of entries a to b, each by the allowed share of its window."""
    held = 0.0
    for e in range(a, b):
        own = np.float64(summed[e + 1] - summed[e])
        if low[e] == high[e]:
            held += own * weights[codes[e]]
        else:
            begin, end = np.int64(low[e]), np.int64(high[e]) + 1
            held += own * (allowed[end] - allowed[begin]) / (whole[end] - whole[begin])
    return held


@njit(cache=True, nogil=True)
def draw_each(
    z: Array,
    roots: Array,
    feature: Array,
    threshold: Array,
    right: Array,
    parent: Array,
    up: Array,
    first: Array,
    last: Array,
    codes: Array,
    summed: Array,
    map_row: Array,
    maps: Array,
    low: Array,
    high: Array,
    whole: Array,
    line: Array,
    weights: Array,
    uniform: Array,
    out: Array,
    mass: Array,
) -> None:
    """Draw one code per row as `draw_within` does, each row among codes that count by a line of its own.

    Parameters
    ----------
    line : array of int, shape (rows,)
        Which line of `weights` is the row's.
    weights : array of float64, shape (lines, 256)
        What each code counts.
    """
    trees = len(roots)
    leaves = np.empty(trees, np.int64)
    chances = np.empty(trees, np.float64)
    looked = np.empty(trees, np.float64)
    allowed = np.zeros((len(weights), weights.shape[1] + 1), np.float64)
    for own in range(len(weights)):
        for code in range(weights.shape[1]):
            allowed[own, code + 1] = allowed[own, code] + (whole[code + 1] - whole[code]) * weights[own, code]
    for i in range(len(out)):
        mine, below = weights[line[i]], allowed[line[i]]
        total = 0.0
        for tree in range(trees):
            node = _leaf(z, i, roots[tree], tree, feature, threshold, right, map_row, maps)
            leaves[tree] = node
            chance, stays, seen = 0.0, 1.0, 0.0
            while node >= 0 and stays > _FAINT:
                a, b = first[node], last[node]
                here = stays * (1 - up[node])
                if b > a and here > 0:
                    held = _held(a, b, codes, summed, low, high, whole, mine, below)
                    chance += here * held / (summed[b] - summed[a])
                    seen += here
                stays *= up[node]
                node = parent[node]
            chances[tree], looked[tree] = chance / seen, seen
            total += chances[tree]
        mass[i] = total / trees
        out[i] = 0
        if total <= 0:
            continue
        wanted = uniform[0, i] * total
        tree = 0
        while tree < trees - 1 and (wanted >= chances[tree] or chances[tree] <= 0):
            wanted -= chances[tree]
            tree += 1
        while chances[tree] <= 0:
            tree -= 1
        node, found, stays, most = leaves[tree], -1, 1.0, 0.0
        while node >= 0 and stays > _FAINT:
            a, b = first[node], last[node]
            here = stays * (1 - up[node])
            if b > a and here > 0:
                held = _held(a, b, codes, summed, low, high, whole, mine, below)
                here *= held / (summed[b] - summed[a]) / looked[tree]
                if here > 0:
                    found, most = node, held
                    if wanted < here:
                        break
                    wanted -= here
            stays *= up[node]
            node = parent[node]
        place, entry = uniform[1, i] * most, -1
        for e in range(first[found], last[found]):
            held = _held(e, e + 1, codes, summed, low, high, whole, mine, below)
            if held > 0:
                entry, most = e, held
                if place < held:
                    break
                place -= held
        begin, end = np.int64(low[entry]), np.int64(high[entry]) + 1
        if end - begin == 1:
            out[i] = codes[entry]
            continue
        left = min(place / most, 1.0)
        code = _place(below, begin, end, below[begin] + left * (below[end] - below[begin]))
        while below[code + 1] <= below[code]:
            code -= 1
        out[i] = code
