"""Compiled walks through grown trees: down to a leaf, up again, and what may be drawn there."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulacra.domain import Array
from simulacra.models.table._kernels import CODES

_FAINT = 1e-3
"""Chance below which a node higher up is not looked at any more."""


@njit(cache=True, nogil=True)
def link(
    feature: Array,
    right: Array,
    kinds: Array,
    codes: Array,
    summed: Array,
    first_entry: int,
    first_node: int,
    bounds: Array,
    backoff: float,
    unit: float,
) -> tuple[Array, Array, Array, Array]:
    """Work out what walking up a tree needs: each node's parent, range of entries and chance of going up.

    `summed` holds the counts of all entries before each one. With S codes that only one of n donors has, the
    chance to go up is d / (n + d), d = `backoff` S / n: none where all donors agree or each code is common
    (singletons as in method X of Witten and Bell 1991), and less for larger groups, which need no help. It is
    0 at the root, and where one of `bounds` is split, because codes beyond that node mean something else. A node
    without donors is always left.
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
        if first[node] == last[node]:
            up[node] = 1.0
            continue
        above = feature[parent[node] - first_node]
        fixed = False
        for digit in bounds:
            fixed = fixed or above == digit
        if fixed:
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
def open_windows(
    kinds: Array, codes: Array, summed: Array, alone: Array, donors: float, low: Array, high: Array
) -> None:
    """Give every entry of every leaf the range of codes that it may be drawn from.

    Neighbouring codes of a leaf share a window until it has `donors` donors. A code that has as many by itself, or is
    `alone`, has its own, and no window reaches across one that is alone.
    """
    entry = 0
    for leaf in range(len(kinds)):
        stop = entry + kinds[leaf]
        while entry < stop:
            first = entry
            held = 0.0
            while entry < stop and held < donors:
                code = codes[entry]
                own = summed[entry + 1] - summed[entry]
                barred = alone[code] or own >= donors
                if entry > first:
                    for between in range(np.int64(codes[entry - 1]) + 1, np.int64(code)):
                        barred = barred or alone[between]
                    if barred:
                        break
                held += own
                entry += 1
                if barred:
                    break
            for e in range(first, entry):
                low[e], high[e] = codes[first], codes[entry - 1]


@njit(cache=True, nogil=True)
def _leaf(
    z: Array,
    i: int,
    node: int,
    tree: int,
    feature: Array,
    threshold: Array,
    right: Array,
    map_row: Array,
    maps: Array,
) -> int:
    """Walk from a root down to the leaf of row i."""
    f = feature[node]
    while f >= 0:
        code = z[i, f]
        row = map_row[tree, f]
        if row >= 0:
            code = maps[row, code]
        node = node + 1 if code <= threshold[node] else right[node]
        f = feature[node]
    return node


@njit(cache=True, nogil=True)
def _place(rising: Array, start: int, stop: int, wanted: float) -> int:
    """Find the last position from `start` to below `stop` whose value is not above `wanted`."""
    a, b = start, stop
    while b - a > 1:
        middle = (a + b) // 2
        if rising[middle] <= wanted:
            a = middle
        else:
            b = middle
    return a


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
    low: Array,
    high: Array,
    whole: Array,
    uniform: Array,
    out: Array,
) -> None:
    """Draw one code per row: a random tree, down to its leaf, some way up again, a donor, a code of its window.

    Parameters
    ----------
    z : array of uint8, shape (rows, digits)
        The codes drawn so far.
    roots : array, shape (trees,)
        Index of each tree's first node; `right` and `parent` count from the start of all nodes.
    map_row, maps : arrays, shapes (trees, digits) and (maps, 256)
        How each tree orders the codes of a nominal predictor; row -1 leaves them as they are.
    low, high : arrays of uint8, shape (entries,)
        Each entry's window.
    whole : array of float64, shape (257,)
        Share of all rows with a code below each one: inside a window codes are drawn by it.
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
        node = _leaf(z, i, roots[tree], tree, feature, threshold, right, map_row, maps)
        while share < up[node]:
            share /= up[node]
            node = parent[node]
        a, b = first[node], last[node]
        start = summed[a]
        place = start + uniform[1, i] * (summed[b] - start)
        entry = _place(summed, a, b, place)
        if low[entry] == high[entry]:
            out[i] = codes[entry]
        else:
            left = (place - summed[entry]) / (summed[entry + 1] - summed[entry])
            begin, end = np.int64(low[entry]), np.int64(high[entry]) + 1
            wanted = whole[begin] + left * (whole[end] - whole[begin])
            out[i] = _place(whole, begin, end, wanted)


@njit(cache=True, nogil=True)
def draw_within(
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
    allowed: Array,
    reached: Array,
    uniform: Array,
    out: Array,
    mass: Array,
) -> None:
    """Draw one code per row among those allowed, and tell how likely that was beforehand.

    Parameters
    ----------
    allowed : array of float64, shape (257,)
        Like `whole`, each code counted by its weight.
    reached : array of float64, shape (entries + 1,)
        Like `summed`, each entry counted by the allowed share of its window.
    uniform : array, shape (2, rows)
        Random numbers in [0, 1).
    out : array of uint8, shape (rows,)
        Where the codes go; 0 where nothing allowed can be drawn.
    mass : array of float64, shape (rows,)
        The chance, over all trees, that a draw without the restriction is allowed.
    """
    trees = len(roots)
    leaves = np.empty(trees, np.int64)
    chances = np.empty(trees, np.float64)
    looked = np.empty(trees, np.float64)
    for i in range(len(out)):
        total = 0.0
        for tree in range(trees):
            node = _leaf(z, i, roots[tree], tree, feature, threshold, right, map_row, maps)
            leaves[tree] = node
            chance, stays, seen = 0.0, 1.0, 0.0
            while node >= 0 and stays > _FAINT:
                a, b = first[node], last[node]
                here = stays * (1 - up[node])
                if b > a:
                    chance += here * (reached[b] - reached[a]) / (summed[b] - summed[a])
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
        # the share of the way through this tree's chance says how far up the draw goes
        node, found, stays = leaves[tree], leaves[tree], 1.0
        while node >= 0 and stays > _FAINT:
            a, b = first[node], last[node]
            if b > a and reached[b] > reached[a]:
                here = (
                    stays
                    * (1 - up[node])
                    * (reached[b] - reached[a])
                    / (summed[b] - summed[a])
                    / looked[tree]
                )
                if here > 0:
                    found = node
                    if wanted < here:
                        break
                    wanted -= here
            stays *= up[node]
            node = parent[node]
        a, b = first[found], last[found]
        place = reached[a] + uniform[1, i] * (reached[b] - reached[a])
        entry = _place(reached, a, b, place)
        while reached[entry + 1] <= reached[entry]:
            entry -= 1
        begin, end = np.int64(low[entry]), np.int64(high[entry]) + 1
        left = (place - reached[entry]) / (reached[entry + 1] - reached[entry])
        code = _place(allowed, begin, end, allowed[begin] + left * (allowed[end] - allowed[begin]))
        while allowed[code + 1] <= allowed[code]:
            code -= 1
        out[i] = code


@njit(cache=True, nogil=True)
def weigh(
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
    y: Array,
    mass: Array,
) -> None:
    """Tell how likely every row's own code `y` is to be drawn, over all trees; into `mass`, shape (rows,)."""
    trees = len(roots)
    for i in range(len(y)):
        code = np.int64(y[i])
        total = 0.0
        for tree in range(trees):
            node = _leaf(z, i, roots[tree], tree, feature, threshold, right, map_row, maps)
            chance, stays, seen = 0.0, 1.0, 0.0
            while node >= 0 and stays > _FAINT:
                a, b = first[node], last[node]
                here = stays * (1 - up[node])
                if b > a:
                    held = 0.0
                    for e in range(a, b):
                        if low[e] <= code <= high[e]:
                            own = np.float64(summed[e + 1] - summed[e])
                            if low[e] < high[e]:
                                begin, end = np.int64(low[e]), np.int64(high[e]) + 1
                                own *= (whole[code + 1] - whole[code]) / (whole[end] - whole[begin])
                            held += own
                    chance += here * held / (summed[b] - summed[a])
                    seen += here
                stays *= up[node]
                node = parent[node]
            total += chance / seen
        mass[i] = total / trees
