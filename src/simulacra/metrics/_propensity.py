"""Propensity scores of synthetic rows: a design of main effects and interactions, and a logistic model of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl
from scipy.special import expit

from simulacra.domain import Array
from simulacra.metrics._case import LEVEL_KINDS, level_codes
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

MOST_LEVELS = 10
REACH = 5.0
ROUNDS = 30
SETTLED = 1e-6


def design(
    frames: Sequence[pl.DataFrame],
    columns: Sequence[Column],
    most: int,
    fewest: int,
    rng: np.random.Generator,
) -> tuple[Array, list[tuple[int, ...]]]:
    """Turn frames into one matrix of terms: first main effects, then as many products of two as there is room for.

    A number gives its distance from the median in robust units, cut off at 5, and that squared; a level that enough
    rows hold gives an indicator, and so do missing values. Everything is taken from all frames together, without
    regard to the frame a row stands in. The pairs are products of the first terms of two columns, in random order.

    Parameters
    ----------
    frames : sequence of DataFrame
        Rows of all sides.
    columns : sequence of Column
        The columns to use.
    most : int
        Terms that the matrix may have.
    fewest : int
        Rows that must differ from the rest in an indicator.
    rng : Generator
        Orders columns and pairs.

    Returns
    -------
    matrix : array
        Shape (rows of all frames, terms), without an intercept, each of mean 0 and variance 1.
    owners : list of tuple
        For each term, the positions of the columns that it is made from.
    """
    terms: list[Array] = []
    owners: list[tuple[int, ...]] = []
    firsts: dict[int, Array] = {}
    made = {i: _terms([frame[c.name] for frame in frames], c, fewest) for i, c in enumerate(columns)}
    order = [int(i) for i in rng.permutation(len(columns))]
    # the first terms of all columns come before the second terms of any, should there not be room for all
    for depth in range(max((len(found) for found in made.values()), default=0)):
        for i in order:
            if depth < len(made[i]) and len(terms) < most:
                terms.append(made[i][depth])
                owners.append((i,))
                firsts.setdefault(i, made[i][depth])
    pairs = list(combinations(sorted(firsts), 2))
    for k in rng.permutation(len(pairs))[: max(0, most - len(terms))]:
        a, b = pairs[int(k)]
        terms.append(firsts[a] * firsts[b])
        owners.append((a, b))
    rows = sum(frame.height for frame in frames)
    matrix = np.column_stack(terms) if terms else np.empty((rows, 0))
    return _standardise(matrix), owners


def _terms(parts: list[pl.Series], column: Column, fewest: int) -> list[Array]:
    if column.kind in LEVEL_KINDS:
        codes, size = level_codes(*parts)
        whole = np.concatenate(codes)
        counts = np.bincount(whole, minlength=size)
        # the commonest level is the one that the others are held against
        return [
            (whole == code).astype(np.float64)
            for code in range(1, min(size, MOST_LEVELS))
            if counts[code] >= fewest
        ]
    values = np.concatenate([as_numbers(part) for part in parts])
    missing = np.isnan(values)
    known = values[~missing]
    terms = []
    if len(known):
        low, middle, high = np.quantile(known, [0.05, 0.5, 0.95])
        scale = (high - low) / 4 or np.abs(known - middle).mean()
        if scale > 0:
            scaled = np.clip((np.where(missing, middle, values) - middle) / scale, -REACH, REACH)
            terms += [scaled, scaled**2]
    if fewest <= missing.sum() <= len(values) - fewest:
        terms.append(missing.astype(np.float64))
    return terms


def _standardise(matrix: Array) -> Array:
    spread = matrix.std(axis=0)
    return (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def propensities(matrix: Array, fake: Array) -> tuple[Array, int]:
    """Return the probability that each row is synthetic, by logistic regression, and the parameters it needs.

    Parameters
    ----------
    matrix : array
        Terms of every row, without an intercept.
    fake : array of bool
        Whether a row is synthetic.

    Returns
    -------
    scores : array
        Probabilities.
    parameters : int
        Independent parameters, the intercept among them.

    Notes
    -----
    Newton's method with steps that never worsen the likelihood; terms that others explain wholly are left out. Where
    sides are told apart without error the probabilities go to 0 and 1, and the search stops when they stand still.
    """
    with_one = np.column_stack([np.ones(len(matrix)), matrix])
    gram = with_one.T @ with_one / len(matrix)
    values, vectors = np.linalg.eigh(gram)
    kept = values > 1e-7 * values[-1]
    # in these directions the Gram matrix is the identity, so that no step is badly conditioned
    basis = with_one @ (vectors[:, kept] / np.sqrt(values[kept]))
    weights = np.zeros(basis.shape[1])
    scores, loss = np.full(len(matrix), 0.5), np.inf
    link = np.zeros(len(matrix))
    for _ in range(ROUNDS):
        spread = np.maximum(scores * (1 - scores), 1e-6)
        step = np.linalg.solve(basis.T @ (basis * spread[:, None]), basis.T @ (fake - scores))
        change = basis @ step
        size = 1.0
        while True:
            trial = link + size * change
            now = float(np.logaddexp(0, np.where(fake, -trial, trial)).mean())
            if now <= loss or size < 1e-4:
                break
            size /= 2
        gained = loss - now
        weights, link, loss = weights + size * step, trial, now
        scores = expit(link)
        if gained < SETTLED:
            break
    return scores, int(kept.sum())


def pmse(scores: Array, fake: Array) -> float:
    """Return the mean squared distance of propensity scores from the share of synthetic rows.

    Notes
    -----
    **Source** Woo et al. 2009, "Global measures of data utility", and Snoke et al. 2018, equation 1.

    Examples
    --------
    >>> pmse(np.array([0.25, 0.75]), np.array([False, True]))
    0.0625
    """
    return float(np.mean((scores - fake.mean()) ** 2))


def expected_pmse(parameters: int, share: float, rows: int) -> tuple[float, float]:
    """Return mean and standard deviation of pMSE if the true model, fitted to the real rows, made the synthetic ones.

    Parameters
    ----------
    parameters : int
        Of the logistic model, the intercept among them.
    share : float
        Synthetic rows among all.
    rows : int
        Rows of both sides.

    Notes
    -----
    **Source** Snoke et al. 2018, "General and specific utility measures for synthetic data", section 3.

    Examples
    --------
    >>> mean, spread = expected_pmse(9, 0.5, 1000)
    >>> mean, spread
    (0.001, 0.0005)
    """
    unit = (1 - share) ** 2 * share / rows
    return (parameters - 1) * unit, float(np.sqrt(2 * (parameters - 1))) * unit
