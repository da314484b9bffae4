"""The trees of one digit: grown apart, kept in flat arrays, drawn from together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Array
from simulacra.models.table import _kernels as kernels
from simulacra.models.table import _limits as limits
from simulacra.models.table import _walks as walks
from simulacra.models.table._samples import Sample
from simulacra.randomness import Streams

_NEIGHBOURS = 3
_TOWERS = 4.0
"""A code of this many times its neighbours' share stands alone: a round number, a spike at zero."""
_LARGE = 0.1
"""And so does a code of this share of all rows."""
_STATE = ("feature", "threshold", "right", "kinds", "codes", "counts", "map_row", "maps")


@dataclass(frozen=True, slots=True)
class Settings:
    """How trees are grown; see `Trees`."""

    min_leaf: int
    share: float
    predictors: float
    evidence: float
    keen: int = 0
    look: int = 1_500


@dataclass(frozen=True, slots=True)
class Drawing:
    """How codes are drawn from grown trees.

    Parameters
    ----------
    backoff : float
        Donors at which half of the draws leave a node that has no code twice.
    window : float
        Donors that share a window of neighbouring codes.
    unit : float
        What a donor of mean weight counts.
    """

    backoff: float
    window: float
    unit: float


@dataclass(frozen=True, slots=True)
class Tree:
    """One grown tree in flat arrays; `maps` says how it orders the levels of its nominal predictors."""

    feature: Array
    threshold: Array
    right: Array
    kinds: Array
    codes: Array
    counts: Array
    maps: dict[int, Array]


def grow_tree(
    digits: Array,
    mass: Array,
    target: int,
    chosen: Sequence[int],
    nominal: Sequence[bool],
    leads: Sequence[int],
    settings: Settings,
    rng: Streams,
) -> Tree:
    """Grow one tree for a digit on some of the rows, and count the donors of all rows.

    Parameters
    ----------
    digits : array of uint8, shape (digits, rows)
        All digits of all rows.
    mass : array of uint32, shape (rows,) or (1,)
        Row weights as whole numbers, or one for all.
    target : int
        The digit to learn.
    chosen : sequence of int
        Its predictors.
    nominal : sequence of bool
        Which digits are unordered.
    leads : sequence of int
        The digits, among the predictors, that must be constant in every leaf.
    settings : Settings
        How to grow.
    rng : Streams
        This tree's streams.

    Returns
    -------
    Tree
        The tree, its features named by digit.
    """
    y = digits[target]
    generator = rng.stream("rows")
    rows = np.flatnonzero(generator.random(len(y), np.float32) < settings.share)
    groups = 0
    if leads:
        key = np.zeros(len(y), np.int64)
        for digit in leads:
            key = key * kernels.CODES + digits[digit]
        one_of_each = np.unique(key, return_index=True)[1]
        groups = len(one_of_each)
        rows = np.union1d(rows, one_of_each)
    if not len(rows):
        rows = np.arange(len(y))
    sample = Sample.of(digits, mass, target, chosen, nominal, rows, generator)
    feature, threshold, right, _ = kernels.grow(
        sample.x,
        sample.y,
        sample.mass,
        sample.table,
        int(np.ceil(settings.predictors * len(chosen))),
        settings.min_leaf,
        settings.evidence,
        np.array([chosen.index(digit) for digit in leads], np.int64),
        groups,
        settings.keen,
        settings.look,
        rng.key("splits") & (2**63 - 1),
    )
    feature = np.array([*chosen, -1], np.int16)[feature]
    maps = sample.maps
    map_row = np.full(len(digits), -1, np.int16)
    map_row[list(maps)] = np.arange(len(maps))
    flat = np.stack(list(maps.values())) if maps else np.empty((0, kernels.CODES), np.uint8)
    kinds, codes, donors = kernels.count_donors(digits, y, mass, feature, threshold, right, map_row, flat)
    return Tree(feature, threshold, right, kinds, codes, donors, maps)


def stand_alone(share: Array, missing: bool) -> Array:
    """Mark the codes of an ordered digit that are never drawn in place of their neighbours.

    Parameters
    ----------
    share : array, shape (256,)
        The share of rows that hold each code.
    missing : bool
        Whether code 0 stands for "no value".

    Returns
    -------
    array of bool, shape (256,)
        Large codes, and those far above the codes around them.
    """
    used = np.flatnonzero(share)
    around = np.pad(share[used], _NEIGHBOURS)
    near = np.convolve(around, np.ones(2 * _NEIGHBOURS + 1), "valid") - share[used]
    seen = np.convolve(np.pad(np.ones(len(used)), _NEIGHBOURS), np.ones(2 * _NEIGHBOURS + 1), "valid") - 1
    alone = np.zeros(len(share), bool)
    alone[used] = (share[used] > _LARGE) | (share[used] * np.maximum(seen, 1) > _TOWERS * near)
    alone[0] |= missing
    return alone


@dataclass(frozen=True, slots=True)
class Forest:
    """All trees of one digit, in preorder one behind the other.

    Parameters
    ----------
    target : int
        The digit that is drawn.
    bounds : tuple of int
        Digits that are constant in every leaf, and that no draw goes beyond when it backs off.
    nodes : tuple of int
        Number of nodes of each tree.
    ordered, missing : bool
        Whether near codes mean near values, and whether code 0 means "no value".
    """

    target: int
    bounds: tuple[int, ...]
    nodes: tuple[int, ...]
    ordered: bool
    missing: bool
    feature: Array
    threshold: Array
    right: Array
    kinds: Array
    codes: Array
    counts: Array
    map_row: Array
    maps: Array
    walk: tuple[Array, ...]

    @classmethod
    def join(
        cls,
        trees: Sequence[Tree],
        target: int,
        bounds: tuple[int, ...],
        digits: int,
        kind: tuple[bool, bool],
        drawing: Drawing,
    ) -> Self:
        """Put grown trees together; `kind` is (ordered, missing)."""
        map_row = np.full((len(trees), digits), -1, np.int16)
        maps: list[Array] = []
        for index, tree in enumerate(trees):
            for digit in np.unique(tree.feature[tree.feature >= 0]):
                if int(digit) in tree.maps:
                    map_row[index, digit] = len(maps)
                    maps.append(tree.maps[int(digit)])
        flat = {
            name: np.concatenate([getattr(tree, name) for tree in trees])
            for name in ("feature", "threshold", "right", "kinds", "codes", "counts")
        }
        flat["map_row"] = map_row
        flat["maps"] = np.stack(maps) if maps else np.empty((0, kernels.CODES), np.uint8)
        return cls.link(target, bounds, tuple(len(tree.feature) for tree in trees), kind, flat, drawing)

    @classmethod
    def link(
        cls,
        target: int,
        bounds: tuple[int, ...],
        nodes: tuple[int, ...],
        kind: tuple[bool, bool],
        flat: dict[str, Array],
        drawing: Drawing,
    ) -> Self:
        """Work out from the bare arrays what drawing needs."""
        summed = np.zeros(len(flat["counts"]) + 1, np.uint32)
        np.cumsum(flat["counts"], out=summed[1:])
        ends = np.cumsum(nodes)
        roots = (ends - np.array(nodes)).astype(np.int32)
        right = flat["right"].astype(np.int32)
        feature = flat["feature"].astype(np.int16)
        fixed = np.array(bounds, np.int64)
        parts, entry, leaf = [], 0, 0
        for root, end in zip(roots, ends):
            leaves = int((feature[root:end] < 0).sum())
            kinds = flat["kinds"][leaf : leaf + leaves].astype(np.int32)
            parts.append(
                walks.link(
                    feature[root:end], right[root:end], kinds, flat["codes"], summed, entry, int(root), fixed,
                    drawing.backoff, drawing.unit,
                )
            )  # fmt: skip
            entry += int(kinds.sum())
            leaf += leaves
        first, last, parent, up = (np.concatenate(part) for part in zip(*parts))
        share = np.bincount(flat["codes"], flat["counts"], minlength=kernels.CODES)
        share = share / max(share.sum(), 1)
        low = high = flat["codes"]
        if kind[0] and drawing.window > 1:
            low, high = flat["codes"].copy(), flat["codes"].copy()
            alone = stand_alone(share, kind[1])
            held = drawing.window * drawing.unit
            walks.open_windows(flat["kinds"], flat["codes"], summed, alone, held, low, high)
        whole = np.append(0.0, np.cumsum(share))
        walk = (
            roots, feature, flat["threshold"], right + np.repeat(roots, nodes), parent, up, first, last,
            flat["codes"], summed, flat["map_row"], flat["maps"], low, high, whole,
        )  # fmt: skip
        return cls(
            target, bounds, nodes, ordered=kind[0], missing=kind[1], walk=walk,
            **{name: flat[name] for name in _STATE},
        )  # fmt: skip

    def draw(self, digits: Array, uniform: Array, out: Array) -> None:
        """Draw the target's code for every row, given the digits drawn so far."""
        walks.draw(digits, *self.walk, uniform, out)

    def draw_within(self, digits: Array, weights: Array, uniform: Array, out: Array) -> Array:
        """Draw among codes that count by `weights`, shape (256,), and return how likely that was, shape (rows,)."""
        *_, codes, summed, _, _, low, high, whole = self.walk
        allowed = np.append(0.0, np.cumsum(np.diff(whole) * weights))
        wide = high > low
        share = weights[codes].astype(np.float64)
        begin, end = low[wide].astype(np.int64), high[wide].astype(np.int64) + 1
        share[wide] = (allowed[end] - allowed[begin]) / (whole[end] - whole[begin])
        reached = np.append(0.0, np.cumsum(np.diff(summed.astype(np.float64)) * share))
        mass = np.empty(len(out))
        walks.draw_within(digits, *self.walk, allowed, reached, uniform, out, mass)
        return mass

    def draw_each(self, digits: Array, line: Array, weights: Array, uniform: Array, out: Array) -> Array:
        """Draw as `draw_within` does, each row by its own line of `weights`, shape (lines, 256)."""
        mass = np.empty(len(out))
        limits.draw_each(digits, *self.walk, line, weights, uniform, out, mass)
        return mass

    def weigh(self, digits: Array) -> Array:
        """Return how likely every row's own code of the target is, given its other digits."""
        mass = np.empty(len(digits))
        walks.weigh(digits, *self.walk, np.ascontiguousarray(digits[:, self.target]), mass)
        return mass


def dump_forests(forests: Sequence[Forest]) -> dict[str, Any]:
    """Return forests as JSON and a few large arrays of the smallest types."""
    state: dict[str, Any] = {
        "heads": [
            {
                "target": f.target,
                "bounds": list(f.bounds),
                "nodes": list(f.nodes),
                "kind": [f.ordered, f.missing],
                "sizes": {name: len(getattr(f, name)) for name in _STATE},
            }
            for f in forests
        ]
    }
    for name in _STATE if forests else ():
        joined = np.concatenate([getattr(f, name) for f in forests])
        signed = name in {"feature", "map_row"}
        state[name] = joined if signed else joined.astype(np.min_scalar_type(int(joined.max(initial=0))))
    return state


def restore_forests(state: dict[str, Any], drawing: Drawing) -> list[Forest]:
    """Make forests from what `dump_forests` gave."""
    wide = {"counts": np.uint32, "right": np.int32, "kinds": np.int32, "threshold": np.uint8}
    wide |= {"codes": np.uint8, "maps": np.uint8, "feature": np.int16, "map_row": np.int16}
    at = dict.fromkeys(_STATE, 0)
    forests = []
    for head in state["heads"]:
        flat = {}
        for name in _STATE:
            stop = at[name] + head["sizes"][name]
            flat[name] = np.ascontiguousarray(state[name][at[name] : stop], wide[name])
            at[name] = stop
        bounds, nodes, (one, two) = tuple(head["bounds"]), tuple(head["nodes"]), map(bool, head["kind"])
        forests.append(Forest.link(head["target"], bounds, nodes, (one, two), flat, drawing))
    return forests
