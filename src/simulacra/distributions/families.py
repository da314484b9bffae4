"""Families of distributions: their words, their parameters, and how numbers are drawn from each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
Sampler = Callable[[np.random.Generator, int, Mapping[str, Any]], Numbers]


@dataclass(frozen=True)
class Family:
    """One family of distributions.

    Parameters
    ----------
    word : str
        What it is called.
    summary : str
        What it is, in a few words, with its parameters.
    parameters : tuple of str
        Their names, in the order in which a list gives them.
    sampler : callable
        Draws n numbers, given the stream and the parameters: numbers, or one for each row.
    defaults : mapping
        Parameters that may be left out.
    whole : bool
        Whether it gives whole numbers.
    positive : tuple of str
        Parameters that must be above 0.
    forms : tuple of tuple of str
        Other sets of parameters that say the same, each as long as it must be.
    example : str
        How it stands in a schema file.
    """

    word: str
    summary: str
    parameters: tuple[str, ...]
    sampler: Sampler
    example: str
    defaults: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    whole: bool = False
    positive: tuple[str, ...] = ()
    forms: tuple[tuple[str, ...], ...] = ()


def _lognormal(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    if "mean" in p:
        sigma = np.sqrt(np.log1p((p["sd"] / p["mean"]) ** 2))
        mu = np.log(p["mean"]) - sigma**2 / 2
    else:
        sigma, mu = p["sigma"], np.log(p["median"])
    out = rng.standard_normal(n)
    out *= sigma
    out += mu
    return np.exp(out, out=out)


def _uniform(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    out = rng.random(n)
    out *= p["high"] - p["low"]
    out += p["low"]
    return out


def _normal(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    out = rng.standard_normal(n)
    out *= p["sd"]
    out += p["mean"]
    return out


def _int(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    return rng.integers(p["low"], p["high"], n, endpoint=True)


def _beta(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    return p["low"] + (p["high"] - p["low"]) * rng.beta(p["a"], p["b"], n)


def _triangular(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    return rng.triangular(p["low"], p["mode"], p["high"], n)


def _negative_binomial(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    # numbers of mean m and variance m + m^2 / size
    return rng.negative_binomial(p["size"], p["size"] / (p["size"] + p["mean"]), n)


def _gompertz(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    # the hazard is exp((x - mode) / spread) / spread; what is drawn has outlived `after`
    passed = np.exp((np.asarray(p["after"]) - p["mode"]) / p["spread"])
    return np.asarray(p["mode"] + p["spread"] * np.log(passed + rng.standard_exponential(n)))


def _geometric(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    # from 1, so that a mean of 3 is three rows per parent and never none
    return rng.geometric(1 / p["mean"], n)


def _zipf(rng: np.random.Generator, n: int, p: Mapping[str, Any]) -> Numbers:
    """Draw ranks whose chances fall like a power: by the inverse of the smooth law, cut to ranks."""
    size, s = float(p["size"]), float(p["exponent"])
    u = rng.random(n)
    if abs(s - 1) < 1e-9:
        value = np.exp(u * np.log(size + 1))
    else:
        value = (1 + u * ((size + 1) ** (1 - s) - 1)) ** (1 / (1 - s))
    return np.minimum(value.astype(np.int64), int(size))


FAMILIES: dict[str, Family] = {
    family.word: family
    for family in (
        Family("uniform", "evenly between low and high", ("low", "high"), _uniform, "{uniform: [0, 10]}"),
        Family("int", "whole numbers from low to high, all equally likely", ("low", "high"), _int, "{int: [1, 6]}",
               whole=True),
        Family("normal", "normal with mean and sd", ("mean", "sd"), _normal, "{normal: [170, 10]}", positive=("sd",)),
        Family("lognormal", "lognormal with median and sigma (of the logarithm), or with mean and sd",
               ("median", "sigma"), _lognormal, "{lognormal: {median: 40000, sigma: 0.5}}",
               positive=("median", "sigma", "mean", "sd"), forms=(("mean", "sd"),)),
        Family("exponential", "exponential with mean", ("mean",),
               lambda rng, n, p: rng.standard_exponential(n) * p["mean"], "{exponential: 3.5}", positive=("mean",)),
        Family("gamma", "gamma with shape and scale", ("shape", "scale"),
               lambda rng, n, p: rng.standard_gamma(p["shape"], n) * p["scale"], "{gamma: [2, 3]}",
               positive=("shape", "scale")),
        Family("beta", "beta with a and b, between low and high", ("a", "b", "low", "high"), _beta,
               "{beta: [2, 5]}", defaults={"low": 0, "high": 1}, positive=("a", "b")),
        Family("weibull", "Weibull with shape and scale", ("shape", "scale"),
               lambda rng, n, p: rng.weibull(p["shape"], n) * p["scale"], "{weibull: [1.5, 10]}",
               positive=("shape", "scale")),
        Family("gompertz", "Gompertz: ages at death with mode and spread, of those who outlived after",
               ("mode", "spread", "after"), _gompertz, "{gompertz: {mode: 87, spread: 10, after: 40}}",
               defaults={"after": 0}, positive=("spread",)),
        Family("pareto", "Pareto with shape, from low", ("shape", "low"),
               lambda rng, n, p: (rng.pareto(p["shape"], n) + 1) * p["low"], "{pareto: [2.5, 100]}",
               defaults={"low": 1}, positive=("shape", "low")),
        Family("triangular", "triangular with low, mode and high", ("low", "mode", "high"), _triangular,
               "{triangular: [0, 2, 10]}"),
        Family("student", "Student's t with df, around mean, scaled by sd", ("df", "mean", "sd"),
               lambda rng, n, p: p["mean"] + p["sd"] * rng.standard_t(p["df"], n), "{student: [4, 0, 1]}",
               defaults={"mean": 0, "sd": 1}, positive=("df", "sd")),
        Family("laplace", "Laplace with mean and scale", ("mean", "scale"),
               lambda rng, n, p: rng.laplace(p["mean"], p["scale"], n), "{laplace: [0, 2]}", positive=("scale",)),
        Family("logistic", "logistic with mean and scale", ("mean", "scale"),
               lambda rng, n, p: rng.logistic(p["mean"], p["scale"], n), "{logistic: [0, 2]}", positive=("scale",)),
        Family("poisson", "Poisson with mean", ("mean",), lambda rng, n, p: rng.poisson(p["mean"], n),
               "{poisson: 3}", whole=True),
        Family("binomial", "binomial: successes of so many trials with chance p", ("trials", "p"),
               lambda rng, n, p: rng.binomial(np.asarray(p["trials"]).astype(np.int64), p["p"], n),
               "{binomial: [10, 0.3]}", whole=True),
        Family("geometric", "geometric with mean, from 1", ("mean",), _geometric, "{geometric: 3}", whole=True,
               positive=("mean",)),
        Family("negative-binomial", "negative binomial with mean and size (the smaller, the more uneven)",
               ("mean", "size"), _negative_binomial, "{negative-binomial: [5, 1.5]}", whole=True,
               positive=("mean", "size")),
        Family("zipf", "ranks from 1 to size, with chances that fall like rank to the power of minus exponent",
               ("exponent", "size"), _zipf, "{zipf: [1.1, 1000]}", whole=True, positive=("exponent", "size")),
        Family("const", "always the same number", ("value",), lambda rng, n, p: np.full(n, p["value"]),
               "{const: 1}"),
    )
}  # fmt: skip
"""All families by their words."""
