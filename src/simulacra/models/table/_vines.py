"""Vine copulas: pairs of columns, and pairs given others, each with a copula of its own.

Source: Aas, Czado, Frigessi and Bakken 2009, "Pair-copula constructions of multiple dependence", sections 2 and 3;
Dißmann, Brechmann, Czado and Kurowicka 2013, "Selecting and estimating regular vine copulae", sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pyvinecopulib as pv
from scipy.special import ndtr

from simulacra.domain import Array
from simulacra.models.table._elliptical import pick_rows
from simulacra.models.table._laws import Inverted
from simulacra.models.table._scores import Margin, draw_between
from simulacra.randomness import Streams

FAMILIES = {
    "independence": pv.BicopFamily.indep,
    "gaussian": pv.BicopFamily.gaussian,
    "t": pv.BicopFamily.student,
    "clayton": pv.BicopFamily.clayton,
    "gumbel": pv.BicopFamily.gumbel,
    "frank": pv.BicopFamily.frank,
    "joe": pv.BicopFamily.joe,
}
_NAMES = {family: name for name, family in FAMILIES.items()}
_ROWS = 5_000
"""Rows that pairs are fitted to at most."""
_TREES = 3
_FEWEST = 10
"""With fewer rows all pairs are independent."""
_SWEEPS = 10
_LOOSER = 0.02
"""Share of independence that correlations are given while scores are drawn, without which they would hardly move."""
_EDGE = 1e-10


@dataclass(frozen=True)
class Vine:
    """Levels that a vine of pair copulas joins.

    Parameters
    ----------
    copula : Vinecop
        The fitted vine.

    Notes
    -----
    A variable is drawn through its column of the structure: its own uniform number goes through the inverse of one
    conditional distribution function for each tree, from the last tree to the first (the inverse Rosenblatt
    transformation). So the distribution of a variable, given all those before, is known exactly, and so are masses of
    limits.
    """

    copula: Any
    pairs: dict[tuple[int, int], Any] = field(default_factory=dict, compare=False)
    partners: dict[tuple[int, int], tuple[str, int, int]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        structure, size = self.copula.structure, self.copula.dim
        for tree in range(min(self.copula.trunc_lvl, size - 1)):
            for own in range(size - 1 - tree):
                other = structure.min_array(tree, own) - 1
                direct = structure.struct_array(tree, own, natural_order=True) == other + 1
                self.pairs[tree, own] = self.copula.get_pair_copula(tree, own)
                self.partners[tree, own] = ("direct" if direct else "indirect", tree, other)

    @classmethod
    def fit(
        cls,
        correlation: Array,
        margins: Sequence[Margin],
        codes: Sequence[Array],
        weights: Array,
        *,
        known: int,
        kind: str,
        truncate: int | None,
        families: Sequence[str],
        rng: Streams,
    ) -> Self:
        """Choose a structure, families and parameters.

        Parameters
        ----------
        correlation : array, shape (axes, axes)
            Correlations of the normals behind the columns.
        margins : sequence of Margin
            The columns.
        codes : sequence of array, shape (rows,)
            Their codes.
        weights : array, shape (rows,)
            Weights of the rows, of sum 1.
        known : int
            So many first columns are known before the others are drawn.
        kind : {"regular", "canonical", "drawable"}
            What vine.
        truncate : int or None
            Trees; pairs of later ones are independent. When None 3 of a regular vine, and all of the others, whose
            trees can not be chosen by strength.
        families : sequence of str
            Names in `FAMILIES`.
        rng : Streams
            Where randomness comes from.
        """
        size = len(margins)
        chosen = pick_rows(weights, _ROWS, rng.stream("rows"))
        levels = draw_levels(correlation, margins, [own[chosen] for own in codes], rng.stream("levels"))
        depth = truncate or (_TREES if kind == "regular" else size)
        controls = pv.FitControlsVinecop(
            family_set=[FAMILIES[name] for name in families],
            parametric_method="itau",
            selection_criterion="bic",
            trunc_lvl=depth,
            num_threads=1,
        )
        if size < 2:
            return cls(pv.Vinecop(max(size, 1)))
        order = [place + 1 for place in _line_up(correlation, known, chain=kind != "canonical")][::-1]
        if len(levels) < _FEWEST:
            return cls(pv.Vinecop.from_structure(structure=pv.DVineStructure(order, 1)))
        if kind == "regular":
            controls.conditioning_set = list(range(1, known + 1))
            return cls(pv.Vinecop.from_data(levels, controls=controls))
        make = pv.DVineStructure if kind == "drawable" else pv.CVineStructure
        structure = make(order, min(depth, size - 1))
        return cls(pv.Vinecop.from_data(levels, controls=controls, structure=structure))

    @property
    def order(self) -> tuple[int, ...]:
        """The places of the axes in the order in which they are drawn."""
        return tuple(int(place) - 1 for place in reversed(self.copula.order))

    def law(self, past: Mapping[Any, Array], place: int, rows: int) -> Conditional:
        """Return what the next level is drawn from, given those before."""
        own = self._column(place)
        steps = [(self.pairs[tree, own], past[self.partners[tree, own]]) for tree in range(self._depth(own))]
        return Conditional(tuple(steps), rows)

    def put(self, past: MutableMapping[Any, Array], place: int, told: Array) -> None:
        """Remember what was drawn, as far as later variables need it."""
        own = self._column(place)
        needed = set(self.partners.values())
        level = np.clip(told, _EDGE, 1 - _EDGE)
        direct = indirect = level
        for tree in range(self._depth(own) + 1):
            for way, value in (("direct", direct), ("indirect", indirect)):
                if (way, tree, own) in needed:
                    past[way, tree, own] = value
            if tree == self._depth(own):
                break
            pair = np.asfortranarray(np.stack([direct, past[self.partners[tree, own]]], axis=1))
            copula = self.pairs[tree, own]
            if ("indirect", tree + 1, own) in needed:
                indirect = np.clip(copula.hfunc1(pair), _EDGE, 1 - _EDGE)
            direct = np.clip(copula.hfunc2(pair), _EDGE, 1 - _EDGE)

    def say(self) -> str:
        """Say in a sentence how levels hang together."""
        return "Correlations of the normals behind the columns, which are joined by the pairs of a vine."

    def list_pairs(self, trees: int = 3) -> list[dict[str, Any]]:
        """Say the pairs of the first trees: which two, given which, and by what copula."""
        structure, order = self.copula.structure, list(self.copula.order)
        found = []
        for (tree, own), pair in sorted(self.pairs.items()):
            if tree >= trees:
                continue
            given = [structure.struct_array(t, own) - 1 for t in range(tree)]
            parameters = ", ".join(f"{value:.3g}" for value in np.ravel(pair.parameters))
            found.append(
                {
                    "tree": tree + 1,
                    "one": order[own] - 1,
                    "other": structure.struct_array(tree, own) - 1,
                    "given": given,
                    "family": _NAMES[pair.family],
                    "rotation": int(pair.rotation),
                    "parameters": parameters,
                    "tau": float(pair.tau),
                }
            )
        return found

    def dump(self) -> dict[str, Any]:
        """Return the state: the vine's own JSON."""
        return {"vine": self.copula.to_json()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """Make the joint distribution from what `dump` gave."""
        return cls(pv.Vinecop.from_json(state["vine"]))

    def _column(self, place: int) -> int:
        return list(self.copula.order).index(place + 1)

    def _depth(self, own: int) -> int:
        """Return in how many trees a variable is conditioned on one before it."""
        return int(min(self.copula.trunc_lvl, self.copula.dim - 1 - own))


@dataclass(frozen=True)
class Conditional(Inverted):
    """The level of a variable, given those before it.

    Parameters
    ----------
    steps : tuple
        For each tree the pair copula, and the other variable's level at that tree, shape (rows,).
    count : int
        How many rows.
    """

    steps: tuple[tuple[Any, Array], ...]
    count: int

    def __len__(self) -> int:
        return self.count

    def take(self, index: Array | slice) -> Self:
        """Return the law of some of the rows."""
        return type(self)(
            tuple((pair, other[index]) for pair, other in self.steps), len(np.arange(self.count)[index])
        )

    def cuts(self, margin: Margin) -> Array:
        """Return where codes start and end, as levels."""
        return margin.levels()

    def tails(self, score: Array | float) -> tuple[Array, Array]:
        """Return the chances of lying below a level, and above."""
        level = np.broadcast_to(score, (self.count,))
        below = np.clip(level, _EDGE, 1 - _EDGE)
        for pair, other in self.steps:
            below = np.clip(
                pair.hfunc2(np.asfortranarray(np.stack([below, other], axis=1))), _EDGE, 1 - _EDGE
            )
        below = np.where(level <= 0, 0.0, np.where(level >= 1, 1.0, below))
        return below, 1 - below

    def invert(self, level: Array, upper: Array) -> Array:
        """Return the level with such a chance below it, or above."""
        found = np.clip(np.where(upper, 1 - level, level), _EDGE, 1 - _EDGE)
        for pair, other in reversed(self.steps):
            found = np.clip(pair.hinv2(np.asfortranarray(np.stack([found, other], axis=1))), _EDGE, 1 - _EDGE)
        return np.asarray(found)

    def tell(self, scores: Array) -> Array:
        """Return the levels as they are."""
        return scores


def draw_levels(
    correlation: Array, margins: Sequence[Margin], codes: Sequence[Array], rng: np.random.Generator
) -> Array:
    """Draw where in the intervals of their codes rows lie, were all normal.

    Parameters
    ----------
    correlation : array, shape (axes, axes)
        Correlations of the normals.
    margins : sequence of Margin
        The columns.
    codes : sequence of array, shape (rows,)
        Their codes.
    rng : Generator
        Where randomness comes from.

    Returns
    -------
    array, shape (rows, axes)
        Levels between 0 and 1.

    Notes
    -----
    A level that is drawn evenly would hide how strongly columns of few codes hang together. Here each is drawn in turn
    given all others (a Gibbs sampler), so that pairs of copulas can be fitted as if columns were continuous.

    **Source.** Geweke 1991, section 3; Chib and Greenberg 1998, "Analysis of multivariate probit models", section 2.
    """
    size = len(margins)
    precision = np.linalg.inv((1 - _LOOSER) * correlation + _LOOSER * np.eye(size))
    rows = len(codes[0]) if size else 0
    low, high, scores = np.empty((3, size, rows))
    for place, (margin, own) in enumerate(zip(margins, codes)):
        at, _ = margin.intervals(own)
        cuts = margin.cuts()
        low[place], high[place] = cuts[at], cuts[at + 1]
        scores[place], _ = draw_between(low[place], high[place], rng.random(rows))
    for _ in range(_SWEEPS):
        for place in range(size):
            sd = 1 / np.sqrt(precision[place, place])
            # row by row, so that the bytes do not depend on how a matrix product is threaded
            mean = np.zeros(rows)
            for other in range(size):
                if other != place:
                    mean -= precision[place, other] * sd**2 * scores[other]
            z, _ = draw_between((low[place] - mean) / sd, (high[place] - mean) / sd, rng.random(rows))
            scores[place] = np.clip(mean + sd * z, low[place], high[place])
    return np.asfortranarray(np.clip(ndtr(scores), 1e-9, 1 - 1e-9).T)


def _line_up(correlation: Array, known: int, *, chain: bool) -> list[int]:
    """Put columns in order, known ones first: each beside the last one (a chain), or by what it shares with all."""
    strength = np.abs(correlation) - np.eye(len(correlation))
    total = strength.sum(1)
    given = list(range(known))
    if chain:
        # a chain goes on from the last known column, which had better be one that tells of the others
        given.sort(key=lambda place: float(strength[place, known:].max(initial=0.0)))
    else:
        given.sort(key=lambda place: float(-total[place]))
    order, left = given, list(range(known, len(correlation)))
    while left:
        best = max(
            left, key=lambda place: float(strength[order[-1], place] if chain and order else total[place])
        )
        order.append(best)
        left.remove(best)
    return order
