"""Correlations that are told: read, turned into those of the normals of a copula, and held against each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import gammaincinv

from simulacra.domain import Array
from simulacra.errors import OptionError, SchemaError, unknown
from simulacra.frames import is_frame, to_polars

KINDS = ("rank", "pearson", "kendall", "normal")
"""What a correlation can be of: ranks (Spearman), values (Pearson), orders of pairs (Kendall), normals underneath."""
_LEAST = 1e-8
"""The smallest eigenvalue that a matrix may have."""
_ROUNDS = 500
_NODES = 32
_GRID = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 129))
_SHOWN = 3


def read_correlations(given: Any, names: Sequence[str]) -> Array:
    """Read correlations of columns.

    Parameters
    ----------
    given : mapping, sequence, matrix or frame
        ``{("x", "y"): 0.5}``, ``{"x": {"y": 0.5}}``, ``[["x", "y", 0.5]]``; or a matrix in the order of the columns, or
        a frame whose columns are named.
    names : sequence of str
        The columns.

    Returns
    -------
    array, shape (columns, columns)
        Symmetric, with ones on its diagonal, and NaN for pairs that are not named.

    Raises
    ------
    SchemaError, UnknownName
        A column is unknown, a correlation out of range or told twice.

    Examples
    --------
    >>> read_correlations({"x": {"y": 0.5}}, ["x", "y"]).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    matrix = np.where(np.eye(len(names)) > 0, 1.0, np.nan)
    for one, two, value in _list_pairs(given, names):
        for name in (one, two):
            if name not in names:
                raise unknown("column to correlate", name, names)
        number = isinstance(value, (int, float, np.floating, np.integer)) and not isinstance(value, bool)
        if not number or not -1 <= value <= 1:
            raise SchemaError(
                f"correlation of {one!r} and {two!r}: a number from -1 to 1 is expected, not {value!r}."
            )
        if one == two:
            if value != 1:
                raise SchemaError(f"correlation of {one!r} with itself is 1, not {value!r}. Leave it out.")
            continue
        i, j = names.index(one), names.index(two)
        if not math.isnan(matrix[i, j]) and matrix[i, j] != value:
            raise SchemaError(
                f"correlation of {one!r} and {two!r}: {matrix[i, j]:g} and {value:g} are told. Keep one."
            )
        matrix[i, j] = matrix[j, i] = float(value)
    return matrix


def _list_pairs(given: Any, names: Sequence[str]) -> Iterator[tuple[str, str, Any]]:
    if is_frame(given):
        frame = to_polars(given)[0]
        own = frame.columns
        texts = [name for name in own if not frame[name].dtype.is_numeric()]
        labels = frame[texts[0]].to_list() if texts else list(own)
        for name in own:
            if name not in texts:
                yield from ((str(row), name, value) for row, value in zip(labels, frame[name].to_list()))
        return
    if isinstance(given, Mapping):
        for key, value in given.items():
            if isinstance(value, Mapping):
                yield from ((str(key), str(other), own) for other, own in value.items())
            elif isinstance(key, (tuple, list)) and len(key) == 2:
                yield str(key[0]), str(key[1]), value
            else:
                raise SchemaError(
                    f"correlations are told by two columns, as in {{x: {{y: 0.5}}}}, not by {key!r}."
                )
        return
    rows = (
        given.tolist()
        if isinstance(given, np.ndarray)
        else list(given)
        if isinstance(given, Sequence)
        else None
    )
    if rows is None or isinstance(given, str) or not all(isinstance(row, (list, tuple)) for row in rows):
        raise SchemaError(
            "correlations are a mapping such as {x: {y: 0.5}}, a list of [x, y, 0.5], or a matrix."
        )
    if all(len(row) == 3 and isinstance(row[0], str) for row in rows):
        yield from ((str(one), str(two), value) for one, two, value in rows)
        return
    if any(len(row) != len(names) for row in rows) or len(rows) != len(names):
        raise SchemaError(
            f"correlations: a matrix has a row and a column for each of the {len(names)} columns, and this is "
            f"{len(rows)} x {max(map(len, rows), default=0)}."
        )
    yield from ((names[i], names[j], rows[i][j]) for i in range(len(names)) for j in range(len(names)))


def turn_latent(matrix: Array, of: str, df: float | None) -> Array:
    """Turn correlations into those of the normals (or t variates) of a copula.

    Parameters
    ----------
    matrix : array, shape (columns, columns)
        The correlations.
    of : {"rank", "kendall", "normal"}
        What of; those of values are turned into those of ranks before.
    df : float or None
        Degrees of freedom of a t copula; None for a Gaussian one.

    Notes
    -----
    Kendall's is sin(tau pi / 2) in both copulas; Spearman's 2 sin(rho pi / 6) in the Gaussian one. That of a t copula
    is a mean over three scales, and is turned round by a table.

    **Source.** Lindskog, McNeil and Schmock 2003, "Kendall's tau for elliptical distributions"; Heinen and Valdesogo
    2020, "Spearman rank correlation of the bivariate Student t and scale mixtures of normal distributions".

    Examples
    --------
    >>> turn_latent(np.array([[1, 0.5], [0.5, 1]]), "kendall", None)[0, 1].round(4).item()
    0.7071
    """
    if of not in KINDS:
        raise OptionError(f"of={of!r}: {unknown('kind of correlation', of, KINDS)}")
    if of == "normal":
        found = matrix.copy()
    elif of == "kendall":
        found = np.sin(np.pi / 2 * matrix)
    elif df is None:
        found = 2 * np.sin(np.pi / 6 * matrix)
    else:
        found = np.interp(matrix, _rank_table(float(df)), _GRID)
    np.fill_diagonal(found, 1.0)
    return found


@lru_cache(maxsize=8)
def _rank_table(df: float) -> Array:
    """Return Spearman's correlation of a t copula for a grid of its parameter.

    With scales W of three independent rows it is the mean of (6 / pi) asin(r W1 / sqrt((W1 + W2) (W1 + W3))).
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    scale = 1 / gammaincinv(df / 2, (nodes + 1) / 2)
    a, b, c = np.meshgrid(scale, scale, scale, indexing="ij")
    ratio = (a / np.sqrt((a + b) * (a + c))).ravel()
    mass = np.multiply.outer(np.multiply.outer(weights, weights), weights).ravel() / 8
    table = np.array([float(mass @ np.arcsin(r * ratio)) for r in _GRID]) * 6 / np.pi
    # at the ends it is exactly 1
    return table / table[-1]


def settle_correlations(
    matrix: Array, names: Sequence[str], *, repair: bool
) -> tuple[Array, tuple[str, ...]]:
    """Complete correlations, and refuse those that no rows can have together, or take the nearest that they can.

    Parameters
    ----------
    matrix : array, shape (columns, columns)
        Those of normals; NaN for pairs of which nothing is told.
    names : sequence of str
        The columns.
    repair : bool
        Whether to take the nearest.

    Returns
    -------
    array
        Positive definite.
    tuple of str
        What was changed.

    Raises
    ------
    OptionError
        They contradict each other, and are not to be repaired; the nearest that do not are told.
    """
    told = complete(matrix)
    if not len(told) or np.linalg.eigvalsh(told)[0] >= _LEAST:
        return told, ()
    near = find_nearest(told)
    known = [pair for pair in combinations(range(len(names)), 2) if not math.isnan(matrix[pair])]
    moved = sorted(known, key=lambda pair: -abs(near[pair] - matrix[pair]))
    said = ", ".join(
        f"{names[i]} and {names[j]} {near[i, j]:.3f} in place of {matrix[i, j]:.3f}"
        for i, j in moved[:_SHOWN]
    )
    if not repair:
        raise OptionError(
            "these correlations contradict each other: no rows can have all of them. The nearest that rows can have, "
            f"as correlations of normals, change most: {said}. Correct them, or take the nearest with repair=True "
            "(repair: true)."
        )
    return near, (
        f"correlations: they contradicted each other; the nearest were taken, which changed most: {said}.",
    )


def complete(matrix: Array) -> Array:
    """Fill in what is not told: two columns are then independent given all others.

    Parameters
    ----------
    matrix : array
        Correlations, NaN where nothing is told.

    Returns
    -------
    array
        Of all matrices that have these the one of the largest determinant; where there is none, what is not told is 0.

    Notes
    -----
    Each pair in turn is given its correlation (iterative proportional scaling), until all have theirs.

    **Source.** Dempster 1972, "Covariance selection"; Speed and Kiiveri 1986, "Gaussian Markov distributions over
    finite graphs".

    Examples
    --------
    >>> complete(np.array([[1, 0.5, np.nan], [0.5, 1, 0.4], [np.nan, 0.4, 1]]))[0, 2].round(6).item()
    0.2
    """
    free = np.isnan(matrix)
    plain = np.where(free, 0.0, matrix)
    pairs = np.argwhere(np.triu(~free & (plain != 0), 1))
    zeros = np.argwhere(np.triu(~free & (plain == 0), 1))
    if not free.any() or not len(pairs) or np.abs(plain[tuple(pairs.T)]).max() > 1 - _LEAST:
        return plain
    here = np.eye(len(matrix))
    for _ in range(_ROUNDS):
        for i, j in (*pairs.tolist(), *zeros.tolist()):
            at = [i, j]
            block = here[np.ix_(at, at)]
            wanted = plain[np.ix_(at, at)]
            inner = np.linalg.solve(block, here[at])
            here = here + inner.T @ (wanted - block) @ inner
        if np.abs(here - plain)[~free].max() < 1e-9:
            return here
    return plain


def find_nearest(matrix: Array) -> Array:
    """Find the nearest correlation matrix that is positive definite, by alternating projections.

    Notes
    -----
    **Source.** Higham 2002, "Computing the nearest correlation matrix: a problem from finance", algorithm 3.3.

    Examples
    --------
    >>> find_nearest(np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1.0]])).round(3).tolist()
    [[1.0, 0.761, 0.157], [0.761, 1.0, 0.761], [0.157, 0.761, 1.0]]
    """
    here, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(_ROUNDS):
        before = here
        values, vectors = np.linalg.eigh(here - correction)
        projected = (vectors * np.maximum(values, 10 * _LEAST)) @ vectors.T
        correction = projected - (here - correction)
        here = projected.copy()
        np.fill_diagonal(here, 1.0)
        if np.abs(here - before).max() < 1e-9:
            break
    # the last step may have left the cone by a hair
    values, vectors = np.linalg.eigh((here + here.T) / 2)
    whole = (vectors * np.maximum(values, 2 * _LEAST)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(whole))
    return np.asarray(whole * scale[:, None] * scale)


def spread_axes(matrix: Array, places: Sequence[int | None], axes: int) -> Array:
    """Give the axes of columns the correlations of these; an axis beside them has none."""
    whole = np.eye(axes)
    at = np.array([place for place in places if place is not None], np.int64)
    whole[np.ix_(at, at)] = matrix
    return whole


def check_df(df: Any) -> float:
    """Check degrees of freedom.

    Examples
    --------
    >>> check_df(5)
    5.0
    """
    if isinstance(df, bool) or not isinstance(df, (int, float)) or not 0 < df < math.inf:
        raise OptionError(f"df, the degrees of freedom of a t copula, is a number above 0, not {df!r}.")
    return float(df)
