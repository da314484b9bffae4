"""SMOTE by imbalanced-learn: new rows on the lines between a rare row and its neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC

from simulacra.domain import Array
from simulacra.rare._learners import Lesson

NEIGHBOURS = 5


def interpolate(
    lesson: Lesson, categorical: Array, needed: dict[int, int], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Make as many new rows of each level as are needed.

    Missing numbers are filled with the median, since a line has no end there; a missing code is a code of its own.

    Notes
    -----
    **Source** Chawla et al. 2002, "SMOTE: synthetic minority over-sampling technique", sections 4 and 6.1 (SMOTE-NC
    for mixed columns) and 6.2 (SMOTE-N).
    """
    filled = lesson.matrix.copy()
    for feature in range(filled.shape[1]):
        gaps = np.isnan(filled[:, feature])
        if gaps.any():
            known = filled[~gaps, feature]
            filled[gaps, feature] = _stand_in(known, bool(categorical[feature]))
    counts: list[int] = np.bincount(lesson.codes).tolist()
    options: dict[str, Any] = {
        "sampling_strategy": {code: counts[code] + rows for code, rows in needed.items()},
        "k_neighbors": min(NEIGHBOURS, min(counts[code] for code in needed) - 1),
        "random_state": int(rng.integers(2**31)),
    }
    mixed = categorical.any() and not categorical.all()
    sampler: Any = SMOTEN(**options) if categorical.all() else SMOTE(**options)
    if mixed:
        sampler = SMOTENC(np.flatnonzero(categorical).tolist(), **options)
    matrix, codes = sampler.fit_resample(filled, lesson.codes)
    made = matrix[len(filled) :]
    for feature in np.flatnonzero(categorical & np.isnan(lesson.matrix).any(axis=0)).tolist():
        gap = filled[np.isnan(lesson.matrix[:, feature]), feature][0]
        made[made[:, feature] == gap, feature] = np.nan
    return made, codes[len(filled) :]


def _stand_in(known: Array, categorical: bool) -> float:
    """Return what a gap is filled with: a code that no row has, or the median."""
    if not len(known):
        return 0.0
    return float(known.max()) + 1 if categorical else float(np.median(known))
