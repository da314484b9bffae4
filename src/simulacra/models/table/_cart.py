"""Compiled loops that grow one classic tree: the best cut of all at every node."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulacra.domain import Array

BINS = 256
_TURNS = 3
"""Power iterations towards the direction in which the levels of a predictor differ most."""
_CUTS = 5
"""Cuts of one predictor that tell different things: the others are like them."""


@njit(cache=True, nogil=True)
def _sort_bins(order: Array, score: Array, size: int) -> None:
    """Sort bins by their scores."""
    for i in range(1, size):
        b = order[i]
        j = i
        while j > 0 and score[order[j - 1]] > score[b]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = b


@njit(cache=True, nogil=True)
def _present(codes: Array, rows: Array, start: int, stop: int, count: Array, order: Array) -> int:
    """Count the rows of every bin, and list the bins that occur in their own order."""
    low, high = BINS - 1, 0
    for i in range(start, stop):
        b = codes[rows[i]]
        low, high = min(low, b), max(high, b)
        count[b] += 1
    size = 0
    for b in range(low, high + 1):
        if count[b] > 0:
            order[size] = b
            size += 1
    return size


@njit(cache=True, nogil=True)
def _cut_numbers(
    codes: Array,
    rows: Array,
    start: int,
    stop: int,
    v: Array,
    w: Array,
    nominal: bool,
    min_leaf: int,
    count: Array,
    order: Array,
    mass: Array,
    sums: Array,
) -> tuple[float, int, int]:
    """Return what the best cut leaves explained of numbers, how many bins go left, and how many there are.

    Levels in the order of their means have the best cut of all among their cuts (Breiman et al. 1984, theorem 4.5).
    """
    size = _present(codes, rows, start, stop, count, order)
    for k in range(size):
        mass[order[k]] = 0.0
        sums[order[k]] = 0.0
    whole, total = 0.0, 0.0
    if size > 1:
        for i in range(start, stop):
            r = rows[i]
            b = codes[r]
            mass[b] += w[r]
            sums[b] += w[r] * v[r]
        for k in range(size):
            b = order[k]
            whole += mass[b]
            total += sums[b]
        if nominal:
            for k in range(size):
                b = order[k]
                # the means are needed for the order only; the sums come back by the mass
                sums[b] = sums[b] / mass[b] if mass[b] > 0 else 0.0
            _sort_bins(order, sums, size)
            for k in range(size):
                sums[order[k]] *= mass[order[k]]
    best, cut = -1.0, 0
    seen, held, sum_ = 0, 0.0, 0.0
    for k in range(size - 1):
        b = order[k]
        seen += count[b]
        held += mass[b]
        sum_ += sums[b]
        if seen >= min_leaf and stop - start - seen >= min_leaf and held > 0 and whole > held:
            gain = sum_ * sum_ / held + (total - sum_) * (total - sum_) / (whole - held)
            if gain > best:
                best, cut = gain, k + 1
    for k in range(size):
        count[order[k]] = 0
    return best, cut, size


@njit(cache=True, nogil=True)
def _cut_classes(
    codes: Array,
    rows: Array,
    start: int,
    stop: int,
    y: Array,
    w: Array,
    nominal: bool,
    min_leaf: int,
    count: Array,
    order: Array,
    totals: Array,
    whole: float,
    squares: float,
    usual: int,
    left: Array,
    turned: Array,
    own_y: Array,
    own_w: Array,
    begin: Array,
    score: Array,
) -> tuple[float, int, int]:
    """Return what the best cut leaves explained of classes by the Gini index, as `_cut_numbers` does.

    Levels are put in order along the first principal component of their shares of classes (Coppersmith, Hong and
    Hosking 1999), found by power iterations.
    """
    size = _present(codes, rows, start, stop, count, order)
    best, cut = -1.0, 0
    if size > 1:
        place = 0
        for k in range(size):
            begin[order[k]] = place
            place += count[order[k]]
        for i in range(start, stop):
            r = rows[i]
            b = codes[r]
            own_y[begin[b]], own_w[begin[b]] = y[r], w[r]
            begin[b] += 1
        for k in range(size):
            begin[order[k]] -= count[order[k]]
        for i in range(stop - start):
            left[own_y[i]] = 0.0
        if nominal:
            for i in range(stop - start):
                turned[own_y[i]] = 0.0
            _lean(own_y, own_w, stop - start, count, order, size, begin, usual, turned, score)
            _sort_bins(order, score, size)
        seen, held, on_left, on_right = 0, 0.0, 0.0, squares
        for k in range(size - 1):
            b = order[k]
            for i in range(begin[b], begin[b] + count[b]):
                c, s = own_y[i], own_w[i]
                on_left += s * (2 * left[c] + s)
                on_right += s * (s - 2 * (totals[c] - left[c]))
                left[c] += s
                held += s
            seen += count[b]
            if seen >= min_leaf and stop - start - seen >= min_leaf and held > 0 and whole > held:
                gain = on_left / held + on_right / (whole - held)
                if gain > best:
                    best, cut = gain, k + 1
    for k in range(size):
        count[order[k]] = 0
    return best, cut, size


@njit(cache=True, nogil=True)
def _lean(
    own_y: Array,
    own_w: Array,
    rows: int,
    count: Array,
    order: Array,
    size: int,
    begin: Array,
    usual: int,
    way: Array,
    score: Array,
) -> None:
    """Score bins along the first principal component of their shares of classes, from the usual class on."""
    way[usual] = 1.0
    for turn in range(_TURNS):
        whole, mean = 0.0, 0.0
        for k in range(size):
            b = order[k]
            held, total = 0.0, 0.0
            for i in range(begin[b], begin[b] + count[b]):
                held += own_w[i]
                total += own_w[i] * way[own_y[i]]
            score[b] = total / held if held > 0 else 0.0
            whole += held
            mean += total
        mean = mean / whole if whole > 0 else 0.0
        if turn == _TURNS - 1:
            return
        for i in range(rows):
            way[own_y[i]] = 0.0
        for k in range(size):
            b = order[k]
            for i in range(begin[b], begin[b] + count[b]):
                way[own_y[i]] += own_w[i] * (score[b] - mean)


@njit(cache=True, nogil=True)
def grow(
    x: Array,
    nominal: Array,
    rows: Array,
    y: Array,
    v: Array,
    w: Array,
    classes: int,
    min_leaf: int,
    max_depth: int,
    complexity: float,
) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
    """Grow one tree.

    Parameters
    ----------
    x : array of uint8, shape (predictors, rows)
        Bins of the predictors.
    nominal : array of bool, shape (predictors,)
        Which have unordered bins.
    rows : array of int32
        The rows to grow on; changed.
    y : array of int32, shape (rows,)
        The target's classes.
    v : array of float64, shape (rows,)
        The target as a number; used where there are no classes.
    w : array of float64, shape (rows,)
        Row weights.
    classes : int
        How many classes there are; 0 for a number.
    min_leaf : int
        Rows of a leaf at least; a node is cut if it has three times as many, as in Therneau and Atkinson's rpart.
    max_depth : int
        Cuts on the way to a leaf at most.
    complexity : float
        Share of the whole spread that a cut must explain.

    Returns
    -------
    feature, cut, right, subset : arrays, shape (nodes,)
        Nodes in preorder: rows with a bin up to the cut, or in the subset, go to the next node, the others to `right`;
        a leaf has feature -1, an ordered predictor subset -1.
    sets : array of uint8, shape (subsets, 32)
        The bins of each subset, one bit each.
    leaf_of : array of int32, shape (rows,)
        The leaf of each row, in preorder; -1 for rows left out.
    worth : array, shape (predictors,)
        The share of the whole spread that cuts by each explain, less what the best of all cuts explains by chance:
        about 2 log m of the spread per row, of m cuts that tell different things.
    """
    chance = 2 * np.log(1.0 + _CUTS * len(x))
    worth = np.zeros(len(x))
    room = 2 * max(len(rows) // max(min_leaf, 1), 1) + 2
    feature = np.full(room, -1, np.int32)
    cuts = np.zeros(room, np.uint8)
    right = np.zeros(room, np.int32)
    subset = np.full(room, -1, np.int32)
    sets = np.zeros((room // 2 + 1, BINS // 8), np.uint8)
    leaf_of = np.full(len(y), -1, np.int32)
    count = np.zeros(BINS, np.int64)
    order = np.zeros(BINS, np.int64)
    best_order = np.zeros(BINS, np.int64)
    mass, sums = np.zeros(BINS), np.zeros(BINS)
    begin = np.zeros(BINS, np.int64)
    left = np.zeros(classes)
    turned = np.zeros(classes)
    totals = np.zeros(classes)
    own_y = np.zeros(len(rows) if classes else 0, np.int32)
    own_w = np.zeros(len(rows) if classes else 0)
    goes = np.zeros(BINS, np.bool_)
    stack = np.empty((room, 4), np.int32)
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = 0, len(rows), -1, 0
    waiting, nodes, leaves, subsets = 1, 0, 0, 0
    least, start_spread = 0.0, 0.0
    while waiting > 0:
        waiting -= 1
        start, stop, parent, depth = (
            stack[waiting, 0],
            stack[waiting, 1],
            stack[waiting, 2],
            stack[waiting, 3],
        )
        node = nodes
        nodes += 1
        if parent >= 0:
            right[parent] = node
        whole, total, squares, usual = 0.0, 0.0, 0.0, 0
        for i in range(start, stop):
            r = rows[i]
            whole += w[r]
            if classes:
                totals[y[r]] = 0.0
            else:
                total += w[r] * v[r]
                squares += w[r] * v[r] * v[r]
        base, spread = 0.0, 0.0
        if classes:
            for i in range(start, stop):
                r = rows[i]
                # the sum of squares grows by what the class gains
                base += w[r] * (2 * totals[y[r]] + w[r])
                totals[y[r]] += w[r]
            usual = y[rows[start]] if stop > start else 0
            for i in range(start, stop):
                if totals[y[rows[i]]] > totals[usual]:
                    usual = y[rows[i]]
            base = base / whole if whole > 0 else 0.0
            spread = whole - base
        else:
            base = total * total / whole if whole > 0 else 0.0
            spread = squares - base
        if node == 0:
            least, start_spread = max(complexity, 1e-12) * spread, spread
        best, best_feature, best_cut, best_size = base + least, -1, 0, 0
        if stop - start >= 3 * min_leaf and depth < max_depth and spread > 1e-9 * whole:
            for p in range(len(x)):
                if classes:
                    gain, cut, size = _cut_classes(
                        x[p], rows, start, stop, y, w, nominal[p], min_leaf, count, order, totals, whole,
                        base * whole, usual, left, turned, own_y, own_w, begin, mass,
                    )  # fmt: skip
                else:
                    gain, cut, size = _cut_numbers(
                        x[p], rows, start, stop, v, w, nominal[p], min_leaf, count, order, mass, sums
                    )
                if gain > best:
                    best, best_feature, best_cut, best_size = gain, p, cut, size
                    best_order[:size] = order[:size]
        if best_feature < 0:
            for i in range(start, stop):
                leaf_of[rows[i]] = leaves
            leaves += 1
            continue
        feature[node] = best_feature
        worth[best_feature] += max(best - base - chance * spread / (stop - start), 0.0) / start_spread
        codes = x[best_feature]
        if nominal[best_feature]:
            on_left = 0
            goes[:] = False
            for k in range(best_cut):
                goes[best_order[k]] = True
            for i in range(start, stop):
                on_left += goes[codes[rows[i]]]
            if 2 * on_left > stop - start:
                # bins that no row has here go where most rows go
                goes[:] = True
                for k in range(best_cut, best_size):
                    goes[best_order[k]] = False
            subset[node] = subsets
            for b in range(BINS):
                if goes[b]:
                    sets[subsets, b >> 3] |= np.uint8(1 << (b & 7))
            subsets += 1
        else:
            last, following = best_order[best_cut - 1], best_order[best_cut]
            cuts[node] = (last + following - 1) // 2 if following - last > 1 else last
            for b in range(BINS):
                goes[b] = b <= cuts[node]
        i, j = start, stop - 1
        while i <= j:
            if goes[codes[rows[i]]]:
                i += 1
            else:
                rows[i], rows[j] = rows[j], rows[i]
                j -= 1
        stack[waiting, 0], stack[waiting, 1], stack[waiting, 2], stack[waiting, 3] = i, stop, node, depth + 1
        waiting += 1
        stack[waiting, 0], stack[waiting, 1], stack[waiting, 2], stack[waiting, 3] = start, i, -1, depth + 1
        waiting += 1
    return (
        feature[:nodes].copy(), cuts[:nodes].copy(), right[:nodes].copy(), subset[:nodes].copy(),
        sets[:subsets].copy(), leaf_of, worth,
    )  # fmt: skip
