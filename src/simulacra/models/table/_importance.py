"""How much of each axis its trees explain by each earlier one: read off the counts in their leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from simulacra.domain import Array
from simulacra.models.table._forest import Forest
from simulacra.models.table._growth import Layout


def weigh_axes(layout: Layout, forests: Mapping[int, Forest], unit: float) -> Array:
    """Share out what the trees of every axis explain among the axes that they split by.

    Parameters
    ----------
    layout : Layout
        Where digits and derived features stand.
    forests : mapping of int to Forest
        By target digit.
    unit : float
        What a row of mean weight counts.

    Returns
    -------
    array, shape (axes, axes)
        For each axis (row), the share of its spread that splits by each axis (column) remove.

    Notes
    -----
    The mean decrease of impurity of Breiman 2001, "Random forests": entropy for unordered digits, the variance of
    the rank for ordered ones. What a split by chance would remove is taken off every split, so that predictors of
    many codes are not favoured (Nembrini, König and Wright 2018, "The revival of the Gini importance?").

    Splits by an axis' own coarser digits explain nothing and count neither way. The digits of an axis weigh as much
    as they are uncertain (their entropy); of an ordered axis that is no calendar only the coarsest counts, as the
    others are detail.
    """
    places = len(layout.digits)
    owner = np.array([*layout.owner, *layout.derived], np.int64)
    found = np.zeros((places, places))
    for axis, digits in enumerate(layout.digits):
        own = layout.places(axis)
        ordered = not digits.nominal[0] and digits.view.calendar is None
        mass = 0.0
        for place in own[:1] if ordered else own:
            if place not in forests:
                continue
            forest = forests[place]
            gains, spread = _gains(forest, unit)
            by_axis = np.bincount(owner, np.bincount(*gains, minlength=len(owner)), minlength=places)
            left = spread - by_axis[axis]
            by_axis[axis] = 0.0
            weight = _uncertainty(forest) * left / spread if spread > 0 else 0.0
            if weight > 0:
                found[axis] += weight * by_axis / left
                mass += weight
        if mass > 0:
            found[axis] /= mass
    return found


def describe_axis(layout: Layout, forests: Mapping[int, Forest], axis: int) -> str:
    """Say in words how an axis is drawn."""
    own = [forests[place] for place in layout.places(axis) if place in forests]
    if not own:
        return "always the same value"
    features = np.unique(np.concatenate([forest.feature for forest in own]))
    owners = [*layout.owner, *layout.derived]
    columns = [digits.view.axis.column for digits in layout.digits]
    used = {
        columns[owners[feature]] for feature in features[features >= 0].tolist() if owners[feature] != axis
    }
    if not used:
        return "from its own distribution"
    trees = max(len(forest.nodes) for forest in own)
    leaves = sum(int((forest.feature < 0).sum()) / len(forest.nodes) for forest in own)
    of = "1 earlier column" if len(used) == 1 else f"{len(used)} earlier columns"
    return f"from {trees} {'tree' if trees == 1 else 'trees'} by {of}; {leaves:,.0f} leaves on average"


def _gains(forest: Forest, unit: float) -> tuple[tuple[Array, Array], float]:
    """Return the feature and gain of every split, and the spread at the roots, all in rows and over all trees."""
    roots, feature, _, right, _, _, first, last, _, summed, *_ = forest.walk
    measure = _scatter if forest.ordered else _entropy
    held = (summed[last].astype(np.float64) - summed[first]) / unit
    spread, chance = measure(forest, first, last, held, unit)
    split = np.flatnonzero(feature >= 0)
    gain = spread[split] - spread[split + 1] - spread[right[split]] - chance[split]
    return (feature[split].astype(np.int64), np.maximum(gain, 0.0)), float(spread[roots].sum())


def _scatter(forest: Forest, first: Array, last: Array, held: Array, unit: float) -> tuple[Array, Array]:
    """Return each node's sum of squared distances of ranks, and what a split by chance takes off it."""
    share = np.diff(forest.walk[-1])
    rank = np.cumsum(share) - share / 2 - 0.5
    counts = forest.counts / unit
    sums, squares = (
        np.append(0.0, np.cumsum(counts * rank[forest.codes] ** power))[np.stack([first, last])]
        for power in (1, 2)
    )
    rows = np.maximum(held, 1e-9)
    spread = np.maximum(squares[1] - squares[0] - (sums[1] - sums[0]) ** 2 / rows, 0.0)
    return spread, spread / np.maximum(rows, 1.0)


def _entropy(forest: Forest, first: Array, last: Array, held: Array, unit: float) -> tuple[Array, Array]:
    """Return each node's entropy times its rows, and what a split by chance takes off it (Miller 1955)."""
    order = np.argsort(forest.codes, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(forest.codes[order])) + 1)
    spread, kinds = _times_log(held), np.zeros(len(held))
    for entries in groups:
        below = np.append(0.0, np.cumsum(forest.counts[entries] / unit))
        own = below[np.searchsorted(entries, last)] - below[np.searchsorted(entries, first)]
        spread -= _times_log(own)
        kinds += own > 0
    return np.maximum(spread, 0.0), np.maximum(kinds - 1, 0.0) / 2


def _uncertainty(forest: Forest) -> float:
    """Return the entropy of the target's codes."""
    share = np.diff(forest.walk[-1])
    return float(-_times_log(share).sum())


def _times_log(values: Array | Sequence[float]) -> Array:
    values = np.asarray(values, np.float64)
    return values * np.log(np.where(values > 0, values, 1.0))
