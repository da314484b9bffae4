"""Distributions that have a given mean, variance and skewness, between given ends."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from simulacra.distributions.functions import Law
from simulacra.errors import OptionError

_ALIKE = 1e-3
"""Two skewnesses that differ by less, as a share of the larger, are one."""
_WIDE = 1e6
"""An end so many standard deviations away is none."""


def match_moments(
    mean: float,
    variance: float,
    skew: float | None = None,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    integer: bool = False,
    place: str = "distribution",
) -> Law:
    """Choose a distribution with a given mean, variance and skewness.

    Parameters
    ----------
    mean, variance : float
        The first two moments.
    skew : float or None
        The third standardised moment; whatever the simplest family has, when None.
    low, high : float
        No number lies beyond.
    integer : bool
        Whether numbers are going to be rounded to whole ones; those from 0 on are counts.
    place : str
        Where it stands, for messages.

    Returns
    -------
    Law
        Normal without ends and skewness; counts from 0 are Poisson or negative binomial; from one end a gamma or
        lognormal distribution; between two ends a beta distribution; a skewness without ends makes it Pearson's type
        III, a gamma distribution that is moved and, for a negative one, turned round.

    Raises
    ------
    OptionError
        No distribution has these moments.

    Notes
    -----
    With ends, mean and variance told, the skewness that a distribution can have lies between those of two points, one
    of them at an end. Beta distributions that reach one of the ends have all that lie between.

    **Source.** Pearson 1895, "Contributions to the mathematical theory of evolution II: skew variation in homogeneous
    material", types I and III.

    Examples
    --------
    >>> match_moments(5, 4).word, match_moments(5, 4, 1).word, match_moments(5, 4, low=0, high=20).word
    ('normal', 'gamma', 'beta')
    >>> match_moments(5, 0)
    Traceback (most recent call last):
        ...
    simulacra.errors.OptionError: distribution: a variance is above 0, not 0. For one number only write the number.
    """
    _require_possible(mean, variance, skew, low, high, place)
    sd = math.sqrt(variance)
    if integer and skew is None and low == 0 and high == math.inf and variance >= mean * (1 - _ALIKE):
        if variance <= mean * (1 + _ALIKE):
            return Law("poisson", {"mean": mean})
        return Law("negative-binomial", {"mean": mean, "size": mean**2 / (variance - mean)})
    if integer and variance > 1 / 6:
        # rounding adds the variance of a step (Sheppard)
        third = None if skew is None else skew * (variance / (variance - 1 / 12)) ** 1.5
        variance, skew = variance - 1 / 12, third
        sd = math.sqrt(variance)
    if low == -math.inf and high == math.inf:
        return _without_ends(mean, sd, skew)
    if high == math.inf:
        return _from_end(mean, sd, skew, low)
    if low == -math.inf:
        turned = _from_end(-mean, sd, None if skew is None else -skew, -high)
        return _turned(turned)
    return _between(mean, variance, skew, low, high)


def _require_possible(
    mean: float, variance: float, skew: float | None, low: float, high: float, place: str
) -> None:
    for name, value in (("mean", mean), ("variance", variance), ("skew", 0.0 if skew is None else skew)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise OptionError(f"{place}: {name} is a number, not {value!r}.")
    if variance <= 0:
        raise OptionError(
            f"{place}: a variance is above 0, not {variance:g}. For one number only write the number."
        )
    if not low < mean < high:
        raise OptionError(
            f"{place}: the mean, {mean:g}, is to lie between {low:g} and {high:g}. Correct it, or move the ends."
        )
    most = (mean - low) * (high - mean)
    if variance >= most:
        raise OptionError(
            f"{place}: no numbers from {low:g} to {high:g} with mean {mean:g} have a variance of {variance:g}: it is "
            f"at most {most:g}. Make it smaller, or move the ends."
        )
    least, greatest = _skews(mean, math.sqrt(variance), low, high)
    if skew is not None and not least < skew < greatest:
        told = f"above {least:.4g}" if greatest == math.inf else f"below {greatest:.4g}"
        if least > -math.inf and greatest < math.inf:
            told = f"between {least:.4g} and {greatest:.4g}"
        raise OptionError(
            f"{place}: numbers with mean {mean:g}, standard deviation {math.sqrt(variance):g} and these ends have a "
            f"skewness {told}, not {skew:g}. Correct it, or move the ends."
        )


def _skews(mean: float, sd: float, low: float, high: float) -> tuple[float, float]:
    """Return the skewnesses of two points, the lower one at the low end and the upper one at the high end."""
    least = sd / (mean - low) - (mean - low) / sd if low > -math.inf else -math.inf
    greatest = (high - mean) / sd - sd / (high - mean) if high < math.inf else math.inf
    return least, greatest


def _without_ends(mean: float, sd: float, skew: float | None) -> Law:
    if not skew:
        return Law("normal", {"mean": mean, "sd": sd})
    shape, sign = 4 / skew**2, 1 if skew > 0 else -1
    scale = sd * abs(skew) / 2
    return Law("gamma", {"shape": shape, "scale": scale}, mean - sign * shape * scale, sign)


def _from_end(mean: float, sd: float, skew: float | None, low: float) -> Law:
    reach = mean - low
    ratio = sd / reach
    if skew is not None and abs(skew - (3 * ratio + ratio**3)) <= _ALIKE * abs(skew):
        return Law("lognormal", {"mean": reach, "sd": sd}, low)
    gamma = 2 * ratio
    if skew is None or abs(skew - gamma) <= _ALIKE * gamma:
        return Law("gamma", {"shape": 1 / ratio**2, "scale": sd**2 / reach}, low)
    if skew > gamma:
        return _without_ends(mean, sd, skew)
    return _between(mean, sd**2, skew, low, mean + _WIDE * sd)


def _between(mean: float, variance: float, skew: float | None, low: float, high: float) -> Law:
    """Choose a beta distribution: with both ends, or with one of them and another one further in."""
    plain = _beta(mean, variance, low, high)
    if skew is None:
        return plain
    own = _skew(plain)
    if abs(skew - own) <= _ALIKE * max(abs(own), 1e-6):
        return plain
    if skew < own:
        # the nearer the upper end, the smaller the skewness
        near = mean + variance / (mean - low)
        return _solve(lambda end: _beta(mean, variance, low, end), skew, near, high)
    near = mean - variance / (high - mean)
    return _solve(lambda end: _beta(mean, variance, end, high), skew, near, low)


def _solve(make: Callable[[float], Law], skew: float, near: float, far: float) -> Law:
    """Find the end, between the one of two points and the one that is given, that has a skewness."""

    def end_at(share: float) -> float:
        # ends may be many times as far as the mean
        return near + math.copysign(math.expm1(share * math.log1p(abs(far - near))), far - near)

    found = brentq(lambda share: _skew(make(end_at(share))) - skew, 1e-9, 1.0, xtol=1e-14, rtol=1e-12)
    return make(end_at(float(found)))


def _beta(mean: float, variance: float, low: float, high: float) -> Law:
    width = high - low
    m, v = (mean - low) / width, variance / width**2
    size = m * (1 - m) / v - 1
    return Law("beta", {"a": m * size, "b": (1 - m) * size, "low": low, "high": high})


def _skew(law: Law) -> float:
    a, b = law.parameters["a"], law.parameters["b"]
    return float(2 * (b - a) * np.sqrt(a + b + 1) / ((a + b + 2) * np.sqrt(a * b)))


def _turned(law: Law) -> Law:
    """Return the law of minus a number."""
    if law.word != "beta":
        return Law(law.word, law.parameters, -law.origin, -law.sign)
    p = law.parameters
    return Law("beta", {"a": p["b"], "b": p["a"], "low": -p["high"], "high": -p["low"]})
