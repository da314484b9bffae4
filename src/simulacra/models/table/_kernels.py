"""Compiled loops of the forest: grow a tree, count its donors, walk down it."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulacra.domain import Array

DIM = 8
"""Width of a target's embedding: one weight and seven coordinates."""
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
    total: Array,
    min_leaf: int,
    hist: Array,
    count: Array,
) -> tuple[float, int, bool]:
    """Return the gain and the code of the best cut of one predictor, and whether it varies at all."""
    low, high = CODES - 1, 0
    for i in range(start, stop):
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
    seen, size = 0, stop - start
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
def grow(
    x: Array,
    y: Array,
    w: Array,
    rows: Array,
    table: Array,
    tries: int,
    min_leaf: int,
    leads: Array,
    groups: int,
    seed: int,
) -> tuple[Array, Array, Array]:
    """Grow one tree.

    Parameters
    ----------
    x : array of uint8, shape (predictors, all rows)
        Codes, nominal ones already in the order of this tree.
    y : array of uint8, shape (all rows,)
        The target's codes.
    w : array of float32, shape (all rows,)
        Row weights.
    rows : array of int32
        The rows to grow on; reordered in place.
    table : array of float32, shape (codes, DIM)
        The target's embedding; column 0 is 1.
    tries : int
        Random predictors per node.
    min_leaf : int
        Rows that each side keeps.
    leads : array of int
        Predictors that every leaf must hold constant.
    groups : int
        Number of different rows that the leads have.
    seed : int
        Where this tree's random numbers start.

    Returns
    -------
    feature, threshold, right : arrays, shape (nodes,)
        Nodes in preorder: rows with a code up to the threshold go to the next node, the others to `right`; a
        leaf has feature -1.
    """
    predictors = x.shape[0]
    room = 2 * (len(rows) // min_leaf + groups) + 2
    feature = np.full(room, -1, np.int16)
    threshold = np.zeros(room, np.uint8)
    right = np.zeros(room, np.int32)
    hist = np.zeros((CODES, DIM), np.float32)
    count = np.zeros(CODES, np.int32)
    order = np.arange(predictors)
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed)
    stack = np.empty((room, 3), np.int32)
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, len(rows), -1
    depth, nodes = 1, 0
    total = np.zeros(DIM, np.float32)
    while depth > 0:
        depth -= 1
        start, stop, parent = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        node = nodes
        nodes += 1
        if parent >= 0:
            right[parent] = node
        best_feature, best_cut = -1, -1
        for lead in leads:
            best_cut = _middle_cut(x[lead], rows, start, stop)
            if best_cut >= 0:
                best_feature = lead
                break
        if best_feature < 0 and stop - start >= 2 * min_leaf:
            total[:] = 0
            pure, first = True, y[rows[start]]
            for i in range(start, stop):
                r = rows[i]
                pure = pure and y[r] == first
                v = table[y[r]]
                total[0] += w[r]
                for d in range(1, DIM):
                    total[d] += w[r] * v[d]
            if not pure and total[0] > 0:
                base = np.float32(0)
                for d in range(1, DIM):
                    base += total[d] * total[d]
                base /= total[0]
                best = base
                tried = 0
                for i in range(predictors):
                    if tried >= tries:
                        break
                    j = i + _next(state) % (predictors - i)
                    order[i], order[j] = order[j], order[i]
                    p = order[i]
                    gain, cut, varies = _best_cut(
                        x[p], y, w, table, rows, start, stop, total, min_leaf, hist, count
                    )
                    tried += varies
                    if cut >= 0 and gain > best:
                        best, best_feature, best_cut = gain, p, cut
        if best_feature < 0:
            continue
        feature[node], threshold[node] = best_feature, best_cut
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
        depth += 2
    return feature[:nodes].copy(), threshold[:nodes].copy(), right[:nodes].copy()


@njit(cache=True, nogil=True)
def count_donors(
    x: Array, y: Array, w: Array, unit: float, feature: Array, threshold: Array, right: Array
) -> tuple[Array, Array, Array]:
    """Send all rows down a tree and count the target's codes in every leaf.

    Returns
    -------
    kinds : array, shape (leaves,)
        Number of distinct codes of each leaf, in preorder.
    codes, counts : arrays, shape (sum of kinds,)
        The codes, and the weight of the rows that hold them times `unit`, rounded.
    """
    nodes = len(feature)
    leaf_of = np.full(nodes, -1, np.int32)
    leaves = 0
    for node in range(nodes):
        if feature[node] < 0:
            leaf_of[node] = leaves
            leaves += 1
    n = len(y)
    leaf = np.empty(n, np.int32)
    begin = np.zeros(leaves + 1, np.int64)
    for i in range(n):
        node = 0
        while feature[node] >= 0:
            node = node + 1 if x[feature[node], i] <= threshold[node] else right[node]
        leaf[i] = leaf_of[node]
        begin[leaf[i] + 1] += 1
    for k in range(leaves):
        begin[k + 1] += begin[k]
    rows = np.empty(n, np.int32)
    put = begin[:-1].copy()
    for i in range(n):
        rows[put[leaf[i]]] = i
        put[leaf[i]] += 1
    kinds = np.zeros(leaves, np.int32)
    codes = np.empty(n, np.uint8)
    counts = np.empty(n, np.uint32)
    weight = np.zeros(CODES, np.float64)
    held = np.zeros(CODES, np.int32)
    entry = 0
    for k in range(leaves):
        for i in range(begin[k], begin[k + 1]):
            r = rows[i]
            weight[y[r]] += w[r]
            held[y[r]] += 1
        for code in range(CODES):
            if held[code] > 0:
                codes[entry] = code
                counts[entry] = np.uint32(weight[code] * unit + 0.5)
                entry += 1
                kinds[k] += 1
                weight[code], held[code] = 0.0, 0
    return kinds, codes[:entry].copy(), counts[:entry].copy()


@njit(cache=True, nogil=True)
def link(
    feature: Array,
    right: Array,
    kinds: Array,
    codes: Array,
    summed: Array,
    first_entry: int,
    first_node: int,
    lead: int,
    backoff: float,
    unit: float,
) -> tuple[Array, Array, Array, Array]:
    """Work out what walking up a tree needs: each node's parent, range of entries and chance of going up.

    `summed` holds the counts of all entries before each one. With S codes that only one of n donors has, the
    chance to go up is d / (n + d), d = `backoff` S / n: none where all donors agree or each code is common
    (singletons as in method X of Witten and Bell 1991), and less for larger groups, which need no help. It is
    0 at the root, and where the lead becomes constant, because codes beyond that node mean something else.
    """
    nodes = len(feature)
    first = np.zeros(nodes, np.int32)
    last = np.zeros(nodes, np.int32)
    parent = np.full(nodes, -1, np.int32)
    up = np.zeros(nodes, np.float32)
    entry, leaf = first_entry, 0
    for node in range(nodes):
        first[node] = entry
        if feature[node] >= 0:
            parent[node + 1] = first_node + node
            parent[right[node]] = first_node + node
        else:
            entry += kinds[leaf]
            last[node] = entry
            leaf += 1
    for node in range(nodes - 1, -1, -1):
        if feature[node] >= 0:
            last[node] = last[right[node]]
    held = np.zeros(CODES, np.int64)
    for node in range(1, nodes):
        above = feature[parent[node] - first_node]
        if lead >= 0 and above == lead:
            continue
        for e in range(first[node], last[node]):
            held[codes[e]] += summed[e + 1] - summed[e]
        single = 0
        for e in range(first[node], last[node]):
            if 0 < held[codes[e]] < 1.5 * unit:
                single += 1
            held[codes[e]] = 0
        n = (summed[last[node]] - summed[first[node]]) / unit
        if n > 0 and single > 0:
            drift = backoff * single / n
            up[node] = drift / (n + drift)
    return first, last, parent, up


@njit(cache=True, nogil=True)
def draw(
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
    uniform: Array,
    out: Array,
) -> None:
    """Draw one code per row: a random tree, down to its leaf, some way up again, one of the donors' codes.

    Parameters
    ----------
    z : array of uint8, shape (rows, digits)
        The codes drawn so far.
    roots : array, shape (trees,)
        Index of each tree's first node; `right` and `parent` count from the start of all nodes.
    map_row, maps : arrays, shapes (trees, digits) and (maps, 256)
        How each tree orders the codes of a nominal predictor; row -1 leaves them as they are.
    uniform : array, shape (2, rows)
        Random numbers in [0, 1).
    out : array of uint8, shape (rows,)
        Where the codes go.
    """
    trees = len(roots)
    for i in range(len(out)):
        share = uniform[0, i] * trees
        tree = min(int(share), trees - 1)
        share -= tree
        node = roots[tree]
        f = feature[node]
        while f >= 0:
            code = z[i, f]
            row = map_row[tree, f]
            if row >= 0:
                code = maps[row, code]
            node = node + 1 if code <= threshold[node] else right[node]
            f = feature[node]
        while share < up[node]:
            share /= up[node]
            node = parent[node]
        a, b = first[node], last[node]
        low, high = summed[a], summed[b]
        target = low + np.int64(uniform[1, i] * (high - low))
        while b - a > 1:
            middle = (a + b) // 2
            if summed[middle] <= target:
                a = middle
            else:
                b = middle
        out[i] = codes[a]
