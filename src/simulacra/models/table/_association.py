"""How much every two columns tell about each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulacra.domain import Array

_BINS = 16
_LEVELS = 32
_LOOK = 50_000
"""Rows looked at for the order of columns."""


def association(
    arrays: Sequence[Array], nominal: Sequence[bool], rng: np.random.Generator, *, first: int = 0
) -> Array:
    """Estimate the mutual information of every pair of digits, in nats, less the bias of a finite table.

    Parameters
    ----------
    arrays : sequence of array of uint8
        One array of codes per digit.
    nominal : sequence of bool
        Which digits have unordered codes.
    rng : Generator
        Chooses the rows to look at when there are many.
    first : int
        Digits before this one are only inputs: pairs of two of them are left out.

    Returns
    -------
    array, shape (digits, digits)
        Symmetric, with a zero diagonal; 0 for pairs left out.

    Notes
    -----
    **Source.** Bias correction: Miller 1955, "Note on the bias of information estimates".
    """
    rows = len(arrays[0]) if arrays else 0
    look = np.sort(rng.choice(rows, _LOOK, replace=False)) if rows > _LOOK else slice(None)
    binned = [_coarsen(a[look], unordered) for a, unordered in zip(arrays, nominal)]
    result = np.zeros((len(arrays), len(arrays)))
    for i, (a, ka) in enumerate(binned):
        for j, (b, kb) in enumerate(binned[:i]):
            if ka > 1 and kb > 1 and i >= first:
                joint = np.bincount(a * kb + b, minlength=ka * kb).reshape(ka, kb)
                result[i, j] = result[j, i] = _information(joint)
    return result


def _information(joint: Array) -> float:
    n = joint.sum()
    p = joint / n
    expected = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    full = p > 0
    value = float((p[full] * np.log(p[full] / expected[full])).sum())
    return max(value - (joint.shape[0] - 1) * (joint.shape[1] - 1) / (2 * n), 0.0)


def _coarsen(codes: Array, nominal: bool) -> tuple[Array, int]:
    counts = np.bincount(codes)
    if nominal:
        rank = np.empty(len(counts), np.int64)
        rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        bins = np.minimum(rank, _LEVELS - 1)
    else:
        middle = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1)
        bins = np.minimum((middle * _BINS).astype(np.int64), _BINS - 1)
    used, dense = np.unique(bins[np.flatnonzero(counts)], return_inverse=True)
    table = np.zeros(len(counts), np.int64)
    table[np.flatnonzero(counts)] = dense
    return table[codes], len(used)
