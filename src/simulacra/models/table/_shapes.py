"""The shape of one column: exact values with a share of their own, and a family for all others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from simulacra.distributions.cutting import cut
from simulacra.distributions.functions import Law
from simulacra.domain import Array, Axis
from simulacra.errors import DataError
from simulacra.figures import Cells
from simulacra.models.table._bins import COMMON, Tally, count_values, cut_bins
from simulacra.models.table._families import Grouped, fit_families, tell

_BOUNDS = 1_024
"""Bins whose outermost edges are the bounds."""
_OFTEN = 0.01
"""Share of rows from which a value can have a share of its own."""
_ABOVE = 4.0
"""Times as often as its neighbours a value of a lattice occurs that has."""
_BESIDE = 5
_MOST = 32
_FIGURES = ("aic", "distance", "parameters", "second_aic")
_LARGEST = 1e140
_NEAR = 2.0
"""Differences of the criterion up to here say nothing."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The distribution of one real axis.

    Parameters
    ----------
    missing : float
        Share of rows without a value.
    spikes : dict
        Shares of exact values.
    law : Law or None
        The distribution of all others; None where there are none.
    aic, distance : float
        Akaike's criterion of the whole shape, and the distance of the distribution functions of what the law is of.
    parameters : int
        How many figures the values chose.
    second : str
        The family that came next, with its criterion in `second_aic`; empty where there was no other.
    """

    missing: float
    spikes: dict[float, float]
    law: Law | None
    aic: float = math.nan
    distance: float = math.nan
    parameters: int = 0
    second: str = ""
    second_aic: float = math.nan

    @classmethod
    def fit(
        cls,
        axis: Axis,
        values: Array,
        weights: Array | None,
        owners: Array | None,
        families: Sequence[str],
        by: str,
    ) -> Self:
        """Choose the shape of an axis.

        Parameters
        ----------
        axis : Axis
            A real one.
        values : array
            Its values.
        weights, owners : array or None
            As in `Block`.
        families : sequence of str
            Families to choose from; the even distribution is taken where none of them can be.
        by : {"aic", "ks"}
            What is to be smallest; of families within 2 of the smallest criterion the one with the fewest parameters is
            taken (Burnham and Anderson 2002, "Model selection and multimodel inference", section 2.6).
        """
        tally = count_values(axis, values, owners)
        if len(tally.distinct) and max(-tally.distinct[0], tally.distinct[-1]) > _LARGEST:
            raise DataError(
                f"axis {axis.name!r} holds numbers beyond {_LARGEST:g}, to which no family can be fitted. Give the "
                "column another unit."
            )
        mass, gaps = _weigh(tally, values, weights)
        total = float(mass.sum()) + gaps
        missing = gaps / total if total else 1.0
        if not len(tally.distinct):
            return cls(1.0, {}, None)
        sets = _list_spikes(axis, tally, mass)
        found = [
            shape
            for spikes in sets
            for shape in cls._list(axis, tally, mass, spikes, sets[-1], tuple(families))
        ]
        found.sort(key=lambda own: own.distance if by == "ks" else own.aic)
        near = [own for own in found if own.aic <= found[0].aic + _NEAR]
        best = found[0] if by == "ks" else min(near, key=lambda own: (own.parameters, own.aic))
        others = [shape for shape in found if shape.name(axis) != best.name(axis)]
        kept = {value: share * (1 - missing) for value, share in best.spikes.items()}
        best = replace(best, missing=missing, spikes=kept)
        return replace(best, second=others[0].name(axis), second_aic=others[0].aic) if others else best

    @classmethod
    def _list(
        cls, axis: Axis, tally: Tally, mass: Array, spikes: Array, alone: Array, families: tuple[str, ...]
    ) -> list[Self]:
        """Fit all families to what is left beside some exact values; likelihoods tell other such values apart."""
        total, held = float(mass.sum()), mass[spikes]
        shares = dict(zip(tally.distinct[spikes].tolist(), (held / total).tolist()))
        said = float(held @ np.log(np.maximum(held / total, 1e-300)))
        rest = np.setdiff1d(np.arange(len(tally.distinct)), spikes)
        left = float(mass[rest].sum())
        others = tally.moved(tally.distinct[rest], rest)
        bounds = _bounds(axis, others) if left > 0 else None
        if bounds is None:
            # what too few rows hold beside exact values is left out
            known = {value: share * total / held.sum() for value, share in shares.items()}
            return [cls(0.0, known, None, 2 * max(len(spikes) - 1, 0) - 2 * said, 0.0)]
        counts = (
            axis.lattice and axis.unit == 1 and bounds[0] >= 0 and not axis.calendar and axis.period is None
        )
        grouped = Grouped.of(
            others.distinct,
            mass[rest],
            *bounds,
            lattice=axis.lattice,
            counts=counts,
            one=1 / axis.unit,
            alone=tally.distinct[alone],
        )
        tried = fit_families(grouped, families) or fit_families(grouped, ("uniform",))
        apart = 2 * len(shares) - 2 * (said + left * math.log(left / total))
        return [
            cls(0.0, shares, own.law, own.aic + apart, own.distance, own.parameters + len(shares))
            for own in tried
        ]

    def cells(self, axis: Axis) -> Cells:
        """Cut the shape into cells."""
        points = np.array(sorted(self.spikes))
        share = np.array([self.spikes[point] for point in points.tolist()])
        rest = max(1.0 - self.missing - float(share.sum()), 0.0)
        if self.law is None:
            return Cells(share / max(share.sum(), 1e-300) * (1 - self.missing), points, points, self.missing)
        low, high, own = cut([(1.0, self.law)], step=1.0 if axis.lattice else None)
        taken = np.isin(low, points) & (low == high)
        if axis.lattice and taken.any() and not taken.all():
            low, high, own = low[~taken], high[~taken], own[~taken]
        own = own / own.sum() * rest
        joined = [np.append(a, b) for a, b in ((low, points), (high, points), (own, share))]
        order = np.argsort(joined[0] + joined[1], kind="stable")
        return Cells(joined[2][order], joined[0][order], joined[1][order], self.missing)

    def name(self, axis: Axis) -> str:
        """Say which family it is, and what stands beside it."""
        family = "exact values only" if self.law is None else self.law.word
        if not self.spikes or self.law is None:
            return family
        if list(self.spikes) == [0.0]:
            return f"zero-inflated {family}"
        listed = ", ".join(f"{value * axis.unit:.6g}" for value in sorted(self.spikes)[:3])
        more = f" and {len(self.spikes) - 3} more" if len(self.spikes) > 3 else ""
        return f"{family} beside {listed}{more}"

    def told(self, axis: Axis) -> str:
        """Say the shape with its parameters."""
        parts = [
            f"{share:.3g} exactly {value * axis.unit:.6g}" for value, share in sorted(self.spikes.items())[:8]
        ]
        parts += [f"{len(self.spikes) - 8} more exact values"] if len(self.spikes) > 8 else []
        parts += [f"{self.missing:.3g} missing"] if self.missing else []
        law = [] if self.law is None else [tell(self.law, axis.unit if axis.lattice else 1.0)]
        return "; ".join([*law, *parts])

    def dump(self) -> dict[str, Any]:
        """Return the shape as JSON."""
        law = None
        if self.law is not None:
            names = ("word", "origin", "sign", "low", "high")
            law = {name: getattr(self.law, name) for name in names}
            law |= {"parameters": dict(self.law.parameters)}
        figures = {name: getattr(self, name) for name in _FIGURES}
        known = {name: None if math.isnan(value) else value for name, value in figures.items()}
        spikes = [list(item) for item in self.spikes.items()]
        return {"missing": self.missing, "spikes": spikes, "law": law, "second": self.second, **known}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the shape from what `dump` gave."""
        law = None if state["law"] is None else Law(**state["law"])
        figures: dict[str, Any] = {n: math.nan if state[n] is None else state[n] for n in _FIGURES}
        spikes = {float(value): float(share) for value, share in state["spikes"]}
        return cls(float(state["missing"]), spikes, law, second=str(state["second"]), **figures)


def _weigh(tally: Tally, values: Array, weights: Array | None) -> tuple[Array, float]:
    """Return the weight of each distinct value, and that of rows without one."""
    if weights is None:
        return tally.counts.astype(np.float64), float(tally.gaps)
    held = ~np.isnan(values)
    at = np.searchsorted(tally.distinct, values[held])
    mass = np.bincount(np.minimum(at, len(tally.distinct) - 1), weights[held], minlength=len(tally.distinct))
    return mass, float(weights[~held].sum())


def _list_spikes(axis: Axis, tally: Tally, mass: Array) -> list[Array]:
    """List sets of places that may have a share of their own: on a lattice none, zero, or all that stand out."""
    shown = tally.holders >= axis.holders
    often = shown & (tally.counts >= min(COMMON, tally.counts.sum())) & (mass >= _OFTEN * mass.sum())
    if len(tally.distinct) == 1:
        return [np.flatnonzero(shown)]
    if not axis.lattice:
        places = np.flatnonzero(often)
        return [places[np.argsort(-mass[places], kind="stable")][:_MOST] if len(places) > _MOST else places]
    distinct = tally.distinct
    reach = max(_BESIDE, round((distinct[-1] - distinct[0]) / 100))
    chosen = [
        place
        for place in np.flatnonzero(often).tolist()
        if mass[place] > _ABOVE * _around(distinct, mass, place, reach)
    ]
    chosen = chosen[:_MOST]
    zero = [place for place in chosen if distinct[place] == 0]
    sets: list[list[int]] = [[], zero, chosen]
    return [np.array(own, np.int64) for place, own in enumerate(sets) if own not in sets[:place]]


def _around(distinct: Array, mass: Array, place: int, reach: int) -> float:
    """Return what a neighbour on the lattice has in the middle, as far as the column goes; many have nothing."""
    first, stop = np.searchsorted(distinct, [distinct[place] - reach, distinct[place] + reach + 1])
    near = np.delete(mass[first:stop], place - first)
    ends = max(distinct[place] - reach, distinct[0]), min(distinct[place] + reach, distinct[-1])
    points = int(ends[1] - ends[0])
    empty = points - len(near)
    middle = (points - 1) // 2 - empty
    return float(np.sort(near)[middle]) if middle >= 0 else 0.0


def _bounds(axis: Axis, tally: Tally) -> tuple[float, float] | None:
    """Return bounds that give no single value away; None if too few hold values."""
    low, high = cut_bins(tally, axis.holders, _BOUNDS)
    if not len(low):
        return None
    ends = float(low[0]), float(high[-1])
    if not axis.lattice:
        return ends if ends[0] < ends[1] else (ends[0] - 0.5, ends[1] + 0.5)
    first, last = math.ceil(ends[0]), math.floor(ends[1])
    return (float(first), float(last)) if first <= last else (float(round(ends[0])),) * 2
