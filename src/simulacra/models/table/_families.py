"""Parametric families fitted to counted values: likelihood of grouped data, by scoring, in a few steps each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulacra.distributions.families import FAMILIES
from simulacra.distributions.functions import BELOW, Law
from simulacra.domain import Array

GROUPS = 256
"""Cells that the likelihood of a continuous column is counted in."""
LINE = ("normal", "student")
HALF = ("exponential", "gamma", "weibull", "lognormal")
COUNTS = ("poisson", "geometric", "negative-binomial", "binomial")
CHOICES = ("uniform", *LINE, *HALF, "beta", "pareto", *COUNTS)
"""The families that are tried."""
_ROUNDS, _HALVINGS, _ENOUGH = 20, 8, 1e-5
_LEAST = 1e-12
"""No cell is told to be less likely."""
_FAR, _STEP = 18.0, 1e-5
_NONE = np.empty(0)
_EULER = 0.5772156649
_TAIL = (math.log(0.6), math.log(200.0))
"""Degrees of freedom of Student's t, as logs."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """Counted values in cells that lie side by side.

    Parameters
    ----------
    edges : array
        Where cells begin and end.
    mass : array
        Rows in each.
    mean, sd : float
        Of the values.
    points : array
        A value of each cell.
    whole : bool
        Whether values are counts: on a lattice, from 0 on.
    one : float
        What 1 is: on a lattice of cents, 100.
    """

    edges: Array
    mass: Array
    mean: float
    sd: float
    points: Array
    whole: bool
    one: float = 1.0

    @classmethod
    def of(
        cls,
        values: Array,
        mass: Array,
        low: float,
        high: float,
        *,
        lattice: bool,
        counts: bool,
        one: float = 1.0,
        alone: Array = _NONE,
    ) -> Grouped:
        """Group values, ascending, between bounds: evenly many in each cell, or point by point where they are few.

        Points of a lattice that are `alone` have a cell each.
        """
        half = 0.5 if lattice else 0.0
        clipped = np.clip(values, low, high)
        beside = np.concatenate([alone - half, alone + half]) if lattice else np.empty(0)
        if lattice and high - low < GROUPS:
            edges = np.arange(low, high + 2) - half
        else:
            total = np.cumsum(mass)
            marks = np.unique(np.searchsorted(total, total[-1] * np.arange(1, GROUPS) / GROUPS))
            marks = marks[marks < len(values) - 1]
            between = (clipped[marks] + clipped[marks + 1]) / 2
            between = np.floor(between) + half if lattice else between
            edges = np.unique(np.concatenate([[low - half], between, beside, [high + half]]))
            edges = edges[(edges >= low - half) & (edges <= high + half)]
        at = np.clip(np.searchsorted(edges, clipped, side="left") - 1, 0, len(edges) - 2)
        held = np.bincount(at, mass, minlength=len(edges) - 1)
        sums = np.bincount(at, mass * clipped, minlength=len(edges) - 1)
        points = np.where(held > 0, sums / np.maximum(held, 1e-300), (edges[1:] + edges[:-1]) / 2)
        mean = float((mass * clipped).sum() / mass.sum())
        sd = math.sqrt(float((mass * (clipped - mean) ** 2).sum() / mass.sum()))
        return cls(edges, held, mean, max(sd, 1e-6 * float(edges[-1] - edges[0])), points, counts, one)

    @property
    def total(self) -> float:
        """The number of rows."""
        return float(self.mass.sum())


@dataclass(frozen=True, slots=True)
class Fitted:
    """A family with the parameters that fit best.

    Parameters
    ----------
    law : Law
        The member, cut to the bounds of the values.
    parameters : int
        How many were chosen by the values.
    likelihood : float
        The log-likelihood of the grouped values.
    distance : float
        The largest difference of the distribution functions (Kolmogorov and Smirnov).
    """

    law: Law
    parameters: int
    likelihood: float
    distance: float

    @property
    def aic(self) -> float:
        """Akaike's criterion: the smaller the better."""
        return 2 * self.parameters - 2 * self.likelihood


@dataclass(frozen=True, slots=True)
class _Trial:
    """A family about to be fitted.

    Parameters
    ----------
    law : Law
        Family and origin; parameters that stay as they are.
    names : tuple of str
        Those that are looked for.
    start : tuple of float
        Where from: logs of positive ones, logits of chances.
    extra : int
        Parameters chosen by the values beside these: bounds and origin.
    bounded : bool
        Whether the family ends where the values do.
    """

    law: Law
    names: tuple[str, ...]
    start: tuple[float, ...]
    extra: int = 0
    bounded: bool = False

    def law_at(self, theta: Array) -> Law:
        """Return the member at a place."""
        found = dict(self.law.parameters)
        for name, value in zip(self.names, theta.tolist()):
            if name == "p":
                found[name] = 1 / (1 + math.exp(-value))
            elif name == "mean" and self.law.word == "geometric":
                found[name] = 1 + math.exp(value)
            else:
                found[name] = math.exp(value) if self.positive(name) else value
        return replace(self.law, parameters=found)

    def positive(self, name: str) -> bool:
        """Tell whether the log of a parameter is looked for."""
        return name in FAMILIES[self.law.word].positive or self.law.word == "poisson"


def fit_families(grouped: Grouped, families: tuple[str, ...]) -> list[Fitted]:
    """Fit all families that can have such values.

    Parameters
    ----------
    grouped : Grouped
        The values.
    families : tuple of str
        Which.

    Returns
    -------
    list of Fitted
        The better form of each, with tails that go on beyond the bounds (the outermost cells then hold them) or cut
        there.

    Notes
    -----
    Fisher scoring on the chances of the cells (Rao 1973, "Linear statistical inference and its applications", section
    5g), with steps halved until the likelihood rises.
    """
    found = []
    for trial in _list_trials(grouped, families):
        if grouped.total < 5 * (len(trial.names) + trial.extra) and trial.law.word != "uniform":
            continue
        for cut in (True,) if trial.bounded else (False, True):
            found.append(_fit(trial, grouped, cut))
    return found


def _list_trials(grouped: Grouped, families: tuple[str, ...]) -> Iterator[_Trial]:
    low, high = float(grouped.edges[0]), float(grouped.edges[-1])
    mean, sd = grouped.mean, grouped.sd
    if "uniform" in families:
        yield _Trial(Law("uniform", {"low": low, "high": high}), (), (), 2, True)
    if "normal" in families:
        yield _Trial(Law("normal"), ("mean", "sd"), (mean, math.log(sd)))
    if "student" in families:
        yield _Trial(Law("student"), ("df", "mean", "sd"), (math.log(6.0), mean, math.log(sd * 0.8)))
    if "beta" in families:
        yield _beta(grouped, low, high, 2)
        if low >= 0 and high <= grouped.one:
            yield _beta(grouped, 0.0, grouped.one, 0)
    for origin in (0.0, low) if low > 0 or low == -0.5 else (low,):
        yield from _list_half(grouped, families, origin)
    if "pareto" in families and low > 0:
        logs = float(grouped.mass @ np.log(grouped.points / low)) / grouped.total
        yield _Trial(Law("pareto", {"low": low}), ("shape",), (-math.log(max(logs, 1e-6)),), 1)
    if grouped.whole:
        yield from _list_counts(grouped, families)


def _beta(grouped: Grouped, low: float, high: float, extra: int) -> _Trial:
    m = min(max((grouped.mean - low) / (high - low), 1e-3), 1 - 1e-3)
    size = max(m * (1 - m) / (grouped.sd / (high - low)) ** 2 - 1, 0.1)
    start = (math.log(m * size), math.log((1 - m) * size))
    return _Trial(Law("beta", {"low": low, "high": high}), ("a", "b"), start, extra, extra > 0)


def _list_half(grouped: Grouped, families: tuple[str, ...], origin: float) -> Iterator[_Trial]:
    """List families of positive numbers, counted from an origin."""
    kept = grouped.points > origin
    mass = grouped.mass[kept]
    if mass.sum() <= 0:
        return
    above = grouped.points[kept] - origin
    logs = np.log(above)
    mean, log = float(mass @ above) / mass.sum(), float(mass @ logs) / mass.sum()
    spread = max(math.sqrt(max(float(mass @ (logs - log) ** 2) / mass.sum(), 0.0)), 1e-3)
    extra = int(origin != 0)
    if "exponential" in families:
        yield _Trial(Law("exponential", origin=origin), ("mean",), (math.log(mean),), extra)
    if "gamma" in families:
        s = max(math.log(mean) - log, 1e-6)
        shape = (3 - s + math.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)
        yield _Trial(
            Law("gamma", origin=origin), ("shape", "scale"), (math.log(shape), math.log(mean / shape)), extra
        )
    if "weibull" in families:
        shape = math.pi / math.sqrt(6) / spread
        yield _Trial(
            Law("weibull", origin=origin), ("shape", "scale"), (math.log(shape), log + _EULER / shape), extra
        )
    if "lognormal" in families:
        yield _Trial(Law("lognormal", origin=origin), ("median", "sigma"), (log, math.log(spread)), extra)


def _list_counts(grouped: Grouped, families: tuple[str, ...]) -> Iterator[_Trial]:
    mean, variance = max(grouped.mean, 1e-6), grouped.sd**2
    if "poisson" in families:
        yield _Trial(Law("poisson"), ("mean",), (math.log(mean),))
    if "geometric" in families:
        origin = -1.0 if grouped.edges[0] < 0 else 0.0
        yield _Trial(Law("geometric", origin=origin), ("mean",), (math.log(max(mean - origin - 1, 1e-3)),))
    if "negative-binomial" in families:
        size = mean**2 / max(variance - mean, 0.02 * mean)
        yield _Trial(Law("negative-binomial"), ("mean", "size"), (math.log(mean), math.log(size)))
    least = max(math.floor(grouped.edges[-1]), 1)
    if "binomial" in families and variance < mean:
        for trials in {least, max(round(mean**2 / (mean - variance)), least)}:
            p = min(max(mean / trials, 1e-4), 1 - 1e-4)
            yield _Trial(Law("binomial", {"trials": trials}), ("p",), (math.log(p / (1 - p)),), 1)


def _fit(trial: _Trial, grouped: Grouped, cut: bool) -> Fitted:
    """Find the parameters under which the cells are most likely."""
    law, mass = trial.law, grouped.mass
    below = BELOW[law.word]

    def chances(theta: Array) -> Array:
        with np.errstate(all="ignore"):
            total = below(grouped.edges - law.origin, trial.law_at(theta).parameters)
            total = np.nan_to_num(np.asarray(total, np.float64), nan=0.0)
        if cut:
            total = (total - total[0]) / max(total[-1] - total[0], 1e-300)
        else:
            total[0], total[-1] = 0.0, 1.0
        return np.maximum(np.diff(total), _LEAST)

    # told as a density, so that it can be held against that of other cells
    volume = float(mass @ np.log(np.diff(grouped.edges)))

    def likelihood(p: Array) -> float:
        return float(mass @ np.log(p)) - volume

    theta = np.array(trial.start)
    limit = np.array([_limit(trial, name, grouped.sd) for name in trial.names])
    p = chances(theta)
    best = likelihood(p)
    for _ in range(_ROUNDS if len(theta) else 0):
        step = _score(chances, theta, p, mass, limit)
        gained = False
        for _ in range(_HALVINGS):
            moved = _kept(trial, theta + step)
            here = chances(moved)
            now = likelihood(here)
            if now > best:
                gained = True
                break
            step = step / 2
        if not gained:
            break
        theta, p, before, best = moved, here, best, now
        if best - before < _ENOUGH * max(1.0, abs(best) * 1e-4):
            break
    total = np.cumsum(p)
    distance = float(np.abs(total / total[-1] - np.cumsum(mass) / mass.sum())[:-1].max(initial=0.0))
    # a count is cut at whole numbers
    low, high = float(grouped.edges[0]), float(grouped.edges[-1])
    ends = (math.ceil(low), math.floor(high)) if law.word in COUNTS else (low, high)
    done = replace(trial.law_at(theta), low=ends[0], high=ends[1])
    extra = 0 if trial.bounded or not cut else 2
    return Fitted(done, len(theta) + trial.extra + extra, best, distance)


def _limit(trial: _Trial, name: str, sd: float) -> float:
    """Return how far a parameter may go in one step."""
    return 2.0 if trial.positive(name) or name == "p" or trial.law.word == "geometric" else 2 * sd


def _kept(trial: _Trial, theta: Array) -> Array:
    """Hold logs and logits to what can be reckoned with."""
    out = theta.copy()
    for place, name in enumerate(trial.names):
        if name == "df":
            out[place] = np.clip(out[place], *_TAIL)
        elif name in {"a", "b", "shape", "sigma", "size", "p"}:
            out[place] = np.clip(out[place], -_FAR / 2, _FAR)
    return out


def _score(chances: Callable[[Array], Array], theta: Array, p: Array, mass: Array, limit: Array) -> Array:
    """Return the step of Fisher scoring."""
    slope = np.empty((len(theta), len(p)))
    for place in range(len(theta)):
        moved = theta.copy()
        moved[place] += _STEP * limit[place]
        slope[place] = (chances(moved) - p) / (_STEP * limit[place])
    worth = (slope / p) @ slope.T * mass.sum()
    rise = slope @ (mass / p)
    worth[np.diag_indices(len(theta))] *= 1 + 1e-6
    worth[np.diag_indices(len(theta))] += 1e-12
    step = np.linalg.lstsq(worth, rise, rcond=None)[0]
    return np.asarray(step / max(1.0, float(np.max(np.abs(step) / limit))))


def tell(law: Law, unit: float = 1.0) -> str:
    """Say a law in words, on the scale of the column.

    Examples
    --------
    >>> tell(Law("normal", {"mean": 500.0, "sd": 125.0}), 0.01)
    'normal, mean 5, sd 1.25'
    """
    scaled = {"mean", "sd", "scale", "median", "low", "high"}
    told: Mapping[str, float] = {
        name: value * unit if name in scaled else value for name, value in law.parameters.items()
    }
    parts = [law.word, *(f"{name} {value:.5g}" for name, value in told.items())]
    if law.origin and law.word != "geometric":
        parts.append(f"{'from' if law.sign > 0 else 'below'} {law.origin * unit:.5g}")
    return ", ".join(parts)
