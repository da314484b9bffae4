"""Distribution functions and quantiles of families: how likely a number lies below another, and the way back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.special import (
    bdtr,
    betainc,
    betaincinv,
    expit,
    gammainc,
    gammaincinv,
    log_expit,
    ndtr,
    ndtri,
    pdtr,
    stdtr,
    stdtrit,
)

from simulacra.distributions.families import FAMILIES, Numbers

Parameters = Mapping[str, Any]
Function = Callable[[Numbers, Parameters], Numbers]

_HALVINGS = 200


def _spread(p: Parameters) -> tuple[float, float]:
    """Return mean and standard deviation of the logarithm."""
    if "mean" not in p:
        return math.log(p["median"]), p["sigma"]
    sigma = math.sqrt(math.log1p((p["sd"] / p["mean"]) ** 2))
    return math.log(p["mean"]) - sigma**2 / 2, sigma


def _lognormal(x: Numbers, p: Parameters) -> Numbers:
    mu, sigma = _spread(p)
    with np.errstate(divide="ignore"):
        return ndtr((np.log(np.maximum(x, 0)) - mu) / sigma)


def _lognormal_quantile(q: Numbers, p: Parameters) -> Numbers:
    mu, sigma = _spread(p)
    return np.exp(mu + sigma * ndtri(q))


def _triangular(x: Numbers, p: Parameters) -> Numbers:
    low, mode, high = p["low"], p["mode"], p["high"]
    x = np.clip(x, low, high)
    rising = (x - low) ** 2 / max((high - low) * (mode - low), 1e-300)
    falling = 1 - (high - x) ** 2 / max((high - low) * (high - mode), 1e-300)
    return np.where(x < mode, rising, falling)


def _triangular_quantile(q: Numbers, p: Parameters) -> Numbers:
    low, mode, high = p["low"], p["mode"], p["high"]
    rising = low + np.sqrt(q * (high - low) * (mode - low))
    falling = high - np.sqrt((1 - q) * (high - low) * (high - mode))
    return np.where(q * (high - low) < mode - low, rising, falling)


def _gompertz(x: Numbers, p: Parameters) -> Numbers:
    passed = math.exp((p["after"] - p["mode"]) / p["spread"])
    return -np.expm1(passed - np.exp((np.maximum(x, p["after"]) - p["mode"]) / p["spread"]))


def _gompertz_quantile(q: Numbers, p: Parameters) -> Numbers:
    passed = math.exp((p["after"] - p["mode"]) / p["spread"])
    return p["mode"] + p["spread"] * np.log(passed - np.log1p(-q))


def _pareto(x: Numbers, p: Parameters) -> Numbers:
    return 1 - (p["low"] / np.maximum(x, p["low"])) ** p["shape"]


def _laplace(x: Numbers, p: Parameters) -> Numbers:
    z = (x - p["mean"]) / p["scale"]
    return np.where(z < 0, np.exp(np.minimum(z, 0)) / 2, 1 - np.exp(-np.maximum(z, 0)) / 2)


def _laplace_quantile(q: Numbers, p: Parameters) -> Numbers:
    return p["mean"] + p["scale"] * np.where(q < 0.5, np.log(2 * q), -np.log(2 * (1 - q)))


def _negative_binomial(x: Numbers, p: Parameters) -> Numbers:
    count = np.floor(x)
    chance = p["size"] / (p["size"] + p["mean"])
    return np.where(count < 0, 0.0, betainc(p["size"], np.maximum(count, 0) + 1, chance))


def _geometric(x: Numbers, p: Parameters) -> Numbers:
    count = np.maximum(np.floor(x), 0)
    return -np.expm1(count * math.log1p(-1 / p["mean"])) if p["mean"] > 1 else (count > 0).astype(float)


def _zipf(x: Numbers, p: Parameters) -> Numbers:
    size, s = float(p["size"]), float(p["exponent"])
    rank = np.clip(np.floor(x), 0, int(size)) + 1
    if abs(s - 1) < 1e-9:
        return np.log(rank) / math.log(size + 1)
    return (rank ** (1 - s) - 1) / ((size + 1) ** (1 - s) - 1)


def _counted(function: Callable[..., Numbers], *names: str) -> Function:
    """Make the function of a family of counts: 0 below 0."""

    def below(x: Numbers, p: Parameters) -> Numbers:
        count = np.floor(x)
        return np.where(count < 0, 0.0, function(np.maximum(count, 0), *(p[name] for name in names)))

    return below


def _beta(x: Numbers, p: Parameters) -> Numbers:
    return betainc(p["a"], p["b"], np.clip((x - p["low"]) / (p["high"] - p["low"]), 0, 1))


BELOW: dict[str, Function] = {
    "uniform": lambda x, p: np.clip((x - p["low"]) / max(p["high"] - p["low"], 1e-300), 0, 1),
    "int": lambda x, p: np.clip((np.floor(x) - p["low"] + 1) / (p["high"] - p["low"] + 1), 0, 1),
    "normal": lambda x, p: ndtr((x - p["mean"]) / p["sd"]),
    "lognormal": _lognormal,
    "exponential": lambda x, p: -np.expm1(-np.maximum(x, 0) / p["mean"]),
    "gamma": lambda x, p: gammainc(p["shape"], np.maximum(x, 0) / p["scale"]),
    "beta": _beta,
    "weibull": lambda x, p: -np.expm1(-((np.maximum(x, 0) / p["scale"]) ** p["shape"])),
    "gompertz": _gompertz,
    "pareto": _pareto,
    "triangular": _triangular,
    "student": lambda x, p: stdtr(p["df"], (x - p["mean"]) / p["sd"]),
    "laplace": _laplace,
    "logistic": lambda x, p: expit((x - p["mean"]) / p["scale"]),
    "poisson": _counted(pdtr, "mean"),
    "binomial": _counted(lambda x, n, p: bdtr(np.minimum(x, n), int(n), p), "trials", "p"),
    "geometric": _geometric,
    "negative-binomial": _negative_binomial,
    "zipf": _zipf,
    "const": lambda x, p: (x >= p["value"]).astype(float),
}
"""By family: the chance that a number is at most x."""

QUANTILE: dict[str, Function] = {
    "uniform": lambda q, p: p["low"] + q * (p["high"] - p["low"]),
    "normal": lambda q, p: p["mean"] + p["sd"] * ndtri(q),
    "lognormal": _lognormal_quantile,
    "exponential": lambda q, p: -p["mean"] * np.log1p(-q),
    "gamma": lambda q, p: p["scale"] * gammaincinv(p["shape"], q),
    "beta": lambda q, p: p["low"] + (p["high"] - p["low"]) * betaincinv(p["a"], p["b"], q),
    "weibull": lambda q, p: p["scale"] * (-np.log1p(-q)) ** (1 / p["shape"]),
    "gompertz": _gompertz_quantile,
    "pareto": lambda q, p: p["low"] * (1 - q) ** (-1 / p["shape"]),
    "triangular": _triangular_quantile,
    "student": lambda q, p: p["mean"] + p["sd"] * stdtrit(p["df"], q),
    "laplace": _laplace_quantile,
    "logistic": lambda q, p: p["mean"] + p["scale"] * (log_expit(_logit(q)) - log_expit(-_logit(q))),
}
"""By family of numbers that are not whole: the number below which a share lies."""


def _logit(q: Numbers) -> Numbers:
    return np.log(q) - np.log1p(-q)


@dataclass(frozen=True, slots=True)
class Law:
    """One member of a family, moved, turned round and cut.

    Parameters
    ----------
    word : str
        The family.
    parameters : mapping
        By name, numbers.
    origin : float
        What is added to its numbers.
    sign : int
        -1 where its numbers are subtracted from the origin.
    low, high : float
        Numbers outside do not occur: the others are that much more likely.

    Examples
    --------
    >>> law = Law("exponential", {"mean": 2.0}, low=1.0, high=3.0)
    >>> law.below(np.array([0.0, 1.0, 3.0])).tolist()
    [0.0, 0.0, 1.0]
    >>> round(float(law.quantile(np.array([0.5]))[0]), 3)
    1.76
    """

    word: str
    parameters: Parameters = field(default_factory=lambda: MappingProxyType({}))
    origin: float = 0.0
    sign: int = 1
    low: float = -math.inf
    high: float = math.inf

    @property
    def whole(self) -> bool:
        """Whether it gives whole numbers only, or always the same number."""
        return FAMILIES[self.word].whole or self.word == "const"

    def below(self, x: Numbers) -> Numbers:
        """Return the chance of at most x."""
        if self.low == -math.inf and self.high == math.inf:
            return self._plain(x)
        first, last = self._ends()
        inside = np.clip(self._plain(x), first, last)
        share = (inside - first) / max(last - first, 1e-300)
        return np.where(x < self.low, 0.0, np.where(x >= self.high, 1.0, share))

    def quantile(self, q: Numbers) -> Numbers:
        """Return the number below which a share lies; for whole numbers, the smallest with at least that share."""
        first, last = self._ends()
        at = first + np.asarray(q, np.float64) * (last - first)
        if self.word in QUANTILE:
            with np.errstate(divide="ignore", over="ignore"):
                found = QUANTILE[self.word](1 - at if self.sign < 0 else at, self.parameters)
            found = self.origin + self.sign * found
        elif self.word == "const":
            found = np.full(at.shape, self.origin + self.sign * float(self.parameters["value"]))
        else:
            found = np.array([self._first_above(share) for share in at.ravel()]).reshape(at.shape)
        return np.clip(found, self.low, self.high)

    @property
    def kept(self) -> float:
        """The share of the family's numbers that the cut leaves."""
        first, last = self._ends()
        return last - first

    def _plain(self, x: Numbers) -> Numbers:
        y = self.sign * (np.asarray(x, np.float64) - self.origin)
        with np.errstate(over="ignore"):
            if self.sign > 0:
                return np.asarray(BELOW[self.word](y, self.parameters), np.float64)
            # a whole number turned round counts on its own side
            turned = np.ceil(y) - 1 if self.whole else y
            return np.asarray(1 - BELOW[self.word](turned, self.parameters), np.float64)

    def _ends(self) -> tuple[float, float]:
        """Return the chances of lying below the cut, and up to its end."""
        # what lies on the lower end of counts belongs to them
        start = math.ceil(self.low) - 0.5 if self.whole and self.low > -math.inf else self.low
        first = 0.0 if start == -math.inf else float(self._plain(np.array([start]))[0])
        last = 1.0 if self.high == math.inf else float(self._plain(np.array([self.high]))[0])
        return first, last

    def _first_above(self, share: float) -> float:
        """Find the smallest whole number with at least a share at or below it."""
        if share <= 0:
            share = 1e-300
        low, high = -1.0, 1.0
        while self._plain(np.array([high + self.origin]))[0] < share and high < 1e15:
            high *= 2
        while self._plain(np.array([low + self.origin]))[0] >= share and low > -1e15:
            low *= 2
        for _ in range(_HALVINGS):
            if high - low <= 1:
                break
            middle = math.floor((low + high) / 2)
            if self._plain(np.array([middle + self.origin]))[0] >= share:
                high = middle
            else:
                low = middle
        return math.ceil(high) + self.origin
