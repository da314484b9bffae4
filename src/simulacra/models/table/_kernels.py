"""Compiled loops that grow a tree and count its donors."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulacra.domain import Array

DIM = 12
"""Width of a target's embedding: one weight and eleven coordinates."""
CODES = 256


@njit(cache=True, nogil=True)
def _next(state: Array) -> np.int64:
    """Draw 63 bits: splitmix64 (Steele, Lea and Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((z ^ (z >> np.uint64(31))) >> np.uint64(1))


@njit(cache=True, nogil=True)
def _middle_cut(codes: Array, rows: Array, start: int, stop: int) -> int:
    """Return the code that halves the rows best, or -1 if all rows share one code."""
    count = np.zeros(CODES, np.int64)
    for i in range(start, stop):
        count[codes[rows[i]]] += 1
    size, seen, best, cut = stop - start, 0, -1, -1
    for code in range(CODES):
        seen += count[code]
        if count[code] > 0 and seen < size:
            smaller = min(seen, size - seen)
            if smaller > best:
                best, cut = smaller, code
    return cut


@njit(cache=True, nogil=True)
def _best_cut(
    codes: Array,
    y: Array,
    w: Array,
    table: Array,
    rows: Array,
    start: int,
    stop: int,
    stride: int,
    total: Array,
    min_leaf: int,
    hist: Array,
    count: Array,
) -> tuple[float, int, bool]:
    """Return the gain and the code of the best cut of one predictor, and whether it varies at all.

    Only one row in `stride` is looked at; `total` is the sum of these rows.
    """
    low, high, size = CODES - 1, 0, 0
    for i in range(start, stop, stride):
        size += 1
        r = rows[i]
        b = codes[r]
        low, high = min(low, b), max(high, b)
        count[b] += 1
        v, h = table[y[r]], hist[b]
        s = w[r]
        for d in range(DIM):
            h[d] += s * v[d]
    best, cut, last = -1.0, -1, -1
    left = np.zeros(DIM, np.float32)
    seen = 0
    for b in range(low, high + 1):
        if count[b] == 0:
            continue
        if seen >= min_leaf and size - seen >= min_leaf and left[0] > 0 and total[0] > left[0]:
            on_left, on_right = np.float32(0), np.float32(0)
            for d in range(1, DIM):
                on_left += left[d] * left[d]
                rest = total[d] - left[d]
                on_right += rest * rest
            gain = on_left / left[0] + on_right / (total[0] - left[0])
            if gain > best:
                best, cut = gain, (last + b - 1) // 2 if b - last > 1 else last
        seen += count[b]
        last = b
        for d in range(DIM):
            left[d] += hist[b, d]
    for b in range(low, high + 1):
        if count[b] > 0:
            count[b] = 0
            for d in range(DIM):
                hist[b, d] = 0
    return best, cut, low < high


@njit(cache=True, nogil=True)
def _by_chance(total: Array, square: Array, twice: float, evidence: float) -> np.float32:
    """Return what a cut at random explains at most: its mean, and `evidence` standard deviations more.

    It explains the variance of each dimension, over the number of rows that the weights are worth, times a chi-square
    of one degree of freedom; the sum has as many degrees as there are dimensions of equal variance (Satterthwaite
    1946, "An approximate distribution of estimates of variance components").
    """
    whole, squares = 0.0, 0.0
    for d in range(1, DIM):
        own = max(square[d] - total[d] * total[d] / total[0], np.float32(0))
        whole += own
        squares += own * own
    if whole <= 0:
        return np.float32(0)
    return np.float32((whole + evidence * np.sqrt(2 * squares)) * twice / (total[0] * total[0]))


@njit(cache=True, nogil=True)
def _rank(best: Array, gains: Array, predictor: int, gain: float) -> None:
    """Put a predictor in its place among the best ones."""
    place = len(best)
    while place > 0 and gain > gains[place - 1]:
        place -= 1
        if place + 1 < len(best):
            best[place + 1], gains[place + 1] = best[place], gains[place]
    if place < len(best):
        best[place], gains[place] = predictor, gain


@njit(cache=True, nogil=True)
def _sort(best: Array, gains: Array, size: int) -> None:
    """Sort predictors by what they explain, most first."""
    for i in range(1, size):
        p, gain = best[i], gains[i]
        j = i
        while j > 0 and gains[j - 1] < gain:
            best[j], gains[j] = best[j - 1], gains[j - 1]
            j -= 1
        best[j], gains[j] = p, gain


@njit(cache=True, nogil=True)
def grow(
    x: Array,
    y: Array,
    w: Array,
    table: Array,
    tries: int,
    min_leaf: int,
    evidence: float,
    leads: Array,
    groups: int,
    keen: int,
    look: int,
    seed: int,
) -> tuple[Array, Array, Array, Array]:
    """Grow one tree.

    Parameters
    ----------
    x : array of uint8, shape (predictors, rows)
        Codes, nominal ones already in the order of this tree.
    y : array of uint8, shape (rows,)
        The target's codes.
    w : array of float32, shape (rows,)
        Row weights.
    table : array of float32, shape (codes, DIM)
        The target's embedding; column 0 is 1.
    tries : int
        Random predictors per node.
    min_leaf : int
        Rows that each side keeps.
    evidence : float
        Standard deviations by which a split must explain more than a cut at random does on average.
    leads : array of int
        Predictors that every leaf must hold constant.
    groups : int
        Number of different rows that the leads have.
    keen : int
        If not 0: large nodes look at a sample of their rows and try only so many predictors on all of them, those that
        explain most there; nodes further down try these, and as many others at random.
    look : int
        Rows that such a sample has at least.
    seed : int
        Where this tree's random numbers start.

    Returns
    -------
    feature, threshold, right : arrays, shape (nodes,)
        Nodes in preorder: rows with a code up to the threshold go to the next node, the others to `right`; a
        leaf has feature -1.
    worth : array, shape (nodes,)
        What each split explains.
    """
    predictors = x.shape[0]
    rows = np.arange(len(y)).astype(np.int32)
    room = 2 * (len(rows) // min_leaf + groups) + 2
    feature = np.full(room, -1, np.int16)
    threshold = np.zeros(room, np.uint8)
    right = np.zeros(room, np.int32)
    worth = np.zeros(room, np.float32)
    hist = np.zeros((CODES, DIM), np.float32)
    count = np.zeros(CODES, np.int32)
    order = np.arange(predictors)
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed)
    stack = np.empty((room, 3), np.int32)
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, len(rows), -1
    depth, nodes = 1, 0
    total = np.zeros(DIM, np.float32)
    square = np.zeros(DIM, np.float32)
    sample = np.zeros(DIM, np.float32)
    # what explained most above, by place on the stack
    above = np.full((room if keen else 1, keen), -1, np.int16)
    near, gains = np.full(keen, -1, np.int16), np.zeros(keen, np.float32)
    while depth > 0:
        depth -= 1
        start, stop, parent = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        node = nodes
        nodes += 1
        if parent >= 0:
            right[parent] = node
        best_feature, best_cut, gained = -1, -1, np.float32(0)
        if keen:
            near[:] = above[depth]
        for lead in leads:
            best_cut = _middle_cut(x[lead], rows, start, stop)
            if best_cut >= 0:
                best_feature = lead
                break
        if best_feature < 0 and stop - start >= 2 * min_leaf:
            total[:] = 0
            square[:] = 0
            pure, first, twice = True, y[rows[start]], np.float32(0)
            for i in range(start, stop):
                r = rows[i]
                pure = pure and y[r] == first
                v = table[y[r]]
                total[0] += w[r]
                twice += w[r] * w[r]
                for d in range(1, DIM):
                    total[d] += w[r] * v[d]
                    square[d] += w[r] * v[d] * v[d]
            if not pure and total[0] > 0:
                base = np.float32(0)
                for d in range(1, DIM):
                    base += total[d] * total[d]
                base /= total[0]
                best = base + _by_chance(total, square, twice, evidence)
                stride = (stop - start) // look if keen else 0
                known = 0
                if stride > 1:
                    sample[:] = 0
                    rough = max(1, min_leaf // stride)
                    for i in range(start, stop, stride):
                        v = table[y[rows[i]]]
                        for d in range(DIM):
                            sample[d] += w[rows[i]] * v[d]
                    near[:] = -1
                    gains[:] = -1
                    tried = 0
                    for i in range(predictors):
                        if tried >= tries:
                            break
                        j = i + _next(state) % (predictors - i)
                        order[i], order[j] = order[j], order[i]
                        gain, cut, varies = _best_cut(
                            x[order[i]], y, w, table, rows, start, stop, stride, sample, rough, hist, count
                        )
                        tried += varies
                        if cut >= 0:
                            _rank(near, gains, order[i], gain)
                gains[:] = -1
                if keen and near[0] >= 0:
                    while known < keen and near[known] >= 0:
                        p = near[known]
                        gain, cut, _ = _best_cut(
                            x[p], y, w, table, rows, start, stop, 1, total, min_leaf, hist, count
                        )
                        gains[known] = gain
                        known += 1
                        if cut >= 0 and gain > best:
                            best, best_feature, best_cut = gain, p, cut
                    _sort(near, gains, known)
                tried = 0
                wanted = tries if not known else 0 if stride > 1 else min(tries, keen)
                for i in range(predictors):
                    if tried >= wanted:
                        break
                    j = i + _next(state) % (predictors - i)
                    order[i], order[j] = order[j], order[i]
                    p = order[i]
                    told = False
                    for k in range(known):
                        told = told or near[k] == p
                    if told:
                        continue
                    gain, cut, varies = _best_cut(
                        x[p], y, w, table, rows, start, stop, 1, total, min_leaf, hist, count
                    )
                    tried += varies
                    if cut >= 0:
                        if keen:
                            _rank(near, gains, p, gain)
                        if gain > best:
                            best, best_feature, best_cut = gain, p, cut
                if best_feature >= 0:
                    gained = best - base
        if best_feature < 0:
            continue
        feature[node], threshold[node], worth[node] = best_feature, best_cut, gained
        codes = x[best_feature]
        i, j = start, stop - 1
        while i <= j:
            if codes[rows[i]] <= best_cut:
                i += 1
            else:
                rows[i], rows[j] = rows[j], rows[i]
                j -= 1
        stack[depth, 0], stack[depth, 1], stack[depth, 2] = i, stop, node
        stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = start, i, -1
        if keen:
            above[depth], above[depth + 1] = near, near
        depth += 2
    return feature[:nodes].copy(), threshold[:nodes].copy(), right[:nodes].copy(), worth[:nodes].copy()


@njit(cache=True, nogil=True)
def count_donors(
    digits: Array,
    y: Array,
    mass: Array,
    feature: Array,
    threshold: Array,
    right: Array,
    map_row: Array,
    maps: Array,
) -> tuple[Array, Array, Array]:
    """Send all rows down a tree and count the target's codes in every leaf.

    Parameters
    ----------
    digits : array of uint8, shape (digits, rows)
        Codes; `feature` counts in them.
    y : array of uint8, shape (rows,)
        The target's codes.
    mass : array of uint32, shape (rows,) or (1,)
        Row weights as whole numbers; one for all if there is only one. Rows of weight 0 are no donors.
    map_row, maps : arrays, shapes (digits,) and (maps, 256)
        How this tree orders the codes of nominal digits.

    Returns
    -------
    kinds : array, shape (leaves,)
        Number of distinct codes of each leaf, in preorder.
    codes, counts : arrays, shape (sum of kinds,)
        The codes, and the weight of the rows that hold them.
    """
    leaf_of = np.full(len(feature), -1, np.int32)
    leaves = 0
    for node in range(len(feature)):
        if feature[node] < 0:
            leaf_of[node] = leaves
            leaves += 1
    width = 1
    for i in range(len(y)):
        width = max(width, int(y[i]) + 1)
    held = np.zeros((leaves, width), np.uint32)
    equal = len(mass) == 1
    for i in range(len(y)):
        node = 0
        while feature[node] >= 0:
            code = digits[feature[node], i]
            row = map_row[feature[node]]
            if row >= 0:
                code = maps[row, code]
            node = node + 1 if code <= threshold[node] else right[node]
        held[leaf_of[node], y[i]] += mass[0] if equal else mass[i]
    kinds = np.zeros(leaves, np.int32)
    entries = 0
    for leaf in range(leaves):
        for code in range(width):
            kinds[leaf] += held[leaf, code] > 0
        entries += kinds[leaf]
    codes = np.empty(entries, np.uint8)
    counts = np.empty(entries, np.uint32)
    entry = 0
    for leaf in range(leaves):
        for code in range(width):
            if held[leaf, code] > 0:
                codes[entry], counts[entry] = code, held[leaf, code]
                entry += 1
    return kinds, codes, counts
