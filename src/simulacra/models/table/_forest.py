"""The trees of one digit: grown apart, kept in flat arrays, drawn from together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Array
from simulacra.models.table import _kernels as kernels
from simulacra.randomness import Streams

_RARE = 0.002
_FREQUENT = 0.03
_WAVES = 3
_STATE = ("feature", "threshold", "right", "kinds", "codes", "counts", "map_row", "maps")


@dataclass(frozen=True, slots=True)
class Settings:
    """How trees are grown."""

    min_leaf: int
    share: float
    predictors: float
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


def embed(share: Array, nominal: bool, rng: np.random.Generator) -> Array:
    """Place the codes of a target in a few dimensions, so that near codes mean near values.

    Parameters
    ----------
    share : array, shape (codes,)
        The share of rows that hold each code.
    nominal : bool
        Whether the codes are unordered.
    rng : Generator
        For the projection.

    Returns
    -------
    array of float32, shape (codes, DIM)
        Column 0 is 1; the others have mean 0.
    """
    width = kernels.DIM - 1
    hot = np.eye(len(share)) / np.sqrt(np.maximum(share, _RARE))[:, None]
    if nominal:
        parts = (
            hot if len(share) <= width else hot @ rng.standard_normal((len(share), width)) / np.sqrt(width)
        )
    else:
        middle = np.cumsum(share) - share / 2
        waves = np.cos(
            np.pi * np.outer(middle, rng.uniform(1, 6, _WAVES)) + rng.uniform(0, 2 * np.pi, _WAVES)
        )
        frequent = hot[:, share > _FREQUENT]
        room = width - 1 - _WAVES
        if frequent.shape[1] > room:
            frequent = frequent @ rng.standard_normal((frequent.shape[1], room)) / np.sqrt(room)
        parts = np.concatenate([np.sqrt(12) * middle[:, None], waves, frequent], axis=1)
    parts = parts - share @ parts
    table = np.zeros((len(share), kernels.DIM), np.float32)
    table[:, 0] = 1
    table[:, 1 : parts.shape[1] + 1] = parts
    return table


def grow_tree(
    digits: Array,
    weights: Array,
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
    weights : array of float32, shape (rows,)
        Row weights, of mean 1.
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
    rows = np.flatnonzero(generator.random(len(y), np.float32) < settings.share).astype(np.int32)
    groups = 0
    if leads:
        key = np.zeros(len(y), np.int64)
        for digit in leads:
            key = key * kernels.CODES + digits[digit]
        one_of_each = np.unique(key, return_index=True)[1]
        groups = len(one_of_each)
        rows = np.union1d(rows, one_of_each).astype(np.int32)
    if not len(rows):
        rows = np.arange(len(y), dtype=np.int32)
    counts = np.bincount(y, weights)
    table = embed(counts / counts.sum(), nominal[target], generator)
    way = table @ generator.standard_normal(kernels.DIM).astype(np.float32)
    x = np.empty((len(chosen), len(y)), np.uint8)
    maps = {}
    for place, digit in enumerate(chosen):
        if nominal[digit]:
            maps[digit] = _order_levels(digits[digit], y, way, rows)
            np.take(maps[digit], digits[digit], out=x[place])
        else:
            x[place] = digits[digit]
    feature, threshold, right = kernels.grow(
        x,
        y,
        weights,
        rows,
        table,
        int(np.ceil(settings.predictors * len(chosen))),
        settings.min_leaf,
        np.array([chosen.index(digit) for digit in leads], np.int64),
        groups,
        rng.key("splits") & (2**63 - 1),
    )
    kinds, codes, held = kernels.count_donors(x, y, weights, settings.unit, feature, threshold, right)
    names = np.array([*chosen, -1], np.int16)
    return Tree(names[feature], threshold, right, kinds, codes, held, maps)


def _order_levels(codes: Array, y: Array, way: Array, rows: Array) -> Array:
    here = codes[rows]
    counts = np.bincount(here, minlength=kernels.CODES)
    sums = np.bincount(here, way[y[rows]], minlength=kernels.CODES)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), way[y[rows]].mean())
    ranks = np.empty(kernels.CODES, np.uint8)
    ranks[np.argsort(means, kind="stable")] = np.arange(kernels.CODES)
    return ranks


@dataclass(frozen=True, slots=True)
class Forest:
    """All trees of one digit, in preorder one behind the other.

    Parameters
    ----------
    target, lead : int
        The digit that is drawn, and the one that must be constant in every leaf (or -1).
    nodes : tuple of int
        Number of nodes of each tree.
    """

    target: int
    lead: int
    nodes: tuple[int, ...]
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
        cls, trees: Sequence[Tree], target: int, lead: int, digits: int, backoff: float, unit: float
    ) -> Self:
        """Put grown trees together."""
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
        return cls.link(target, lead, tuple(len(tree.feature) for tree in trees), flat, backoff, unit)

    @classmethod
    def link(
        cls,
        target: int,
        lead: int,
        nodes: tuple[int, ...],
        flat: dict[str, Array],
        backoff: float,
        unit: float,
    ) -> Self:
        """Work out from the bare arrays what drawing needs."""
        summed = np.zeros(len(flat["counts"]) + 1, np.uint32)
        np.cumsum(flat["counts"], out=summed[1:])
        ends = np.cumsum(nodes)
        roots = (ends - np.array(nodes)).astype(np.int32)
        right = flat["right"].astype(np.int32)
        feature = flat["feature"].astype(np.int16)
        parts, entry, leaf = [], 0, 0
        for root, end in zip(roots, ends):
            leaves = int((feature[root:end] < 0).sum())
            kinds = flat["kinds"][leaf : leaf + leaves].astype(np.int32)
            parts.append(
                kernels.link(
                    feature[root:end], right[root:end], kinds, flat["codes"], summed, entry, int(root), lead,
                    backoff, unit,
                )
            )  # fmt: skip
            entry += int(kinds.sum())
            leaf += leaves
        first, last, parent, up = (np.concatenate(part) for part in zip(*parts))
        walk = (
            roots, feature, flat["threshold"], right + np.repeat(roots, nodes), parent, up, first, last,
            flat["codes"], summed, flat["map_row"], flat["maps"],
        )  # fmt: skip
        return cls(target, lead, nodes, **{name: flat[name] for name in _STATE}, walk=walk)

    def draw(self, digits: Array, uniform: Array, out: Array) -> None:
        """Draw the target's code for every row, given the digits drawn so far."""
        kernels.draw(digits, *self.walk, uniform, out)


def dump_forests(forests: Sequence[Forest]) -> dict[str, Any]:
    """Return forests as JSON and a few large arrays of the smallest types."""
    state: dict[str, Any] = {
        "heads": [
            {
                "target": f.target,
                "lead": f.lead,
                "nodes": list(f.nodes),
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


def restore_forests(state: dict[str, Any], backoff: float, unit: float) -> list[Forest]:
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
        forests.append(Forest.link(head["target"], head["lead"], tuple(head["nodes"]), flat, backoff, unit))
    return forests
