"""What augmentation is held against: class weights, rows drawn again, and SMOTE."""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np

from simulacra.domain import Array
from simulacra.randomness import Streams
from simulacra.rare._learners import Lesson

NOTHING, WEIGHTS, OVERSAMPLING, SMOTE, SYNTHETIC = (
    "doing nothing",
    "class weights",
    "random oversampling",
    "SMOTE",
    "synthetic rows",
)
RIVALS = (WEIGHTS, OVERSAMPLING, SMOTE)


def shortfall(codes: Array, rare: tuple[int, ...]) -> dict[int, int]:
    """Return how many rows each rare level lacks to be as common as the commonest level."""
    counts = np.bincount(codes)
    return {code: int(counts.max() - counts[code]) for code in rare}


def rival_lesson(
    method: str, lesson: Lesson, categorical: Array, rare: tuple[int, ...], streams: Streams
) -> Lesson:
    """Return what a model learns from under one of the methods; each makes rare levels count as the commonest does."""
    needed = shortfall(lesson.codes, rare)
    if method == WEIGHTS:
        return Lesson(lesson.matrix, lesson.codes, _weights(lesson.codes, rare))
    if method == OVERSAMPLING:
        rng = streams.stream("oversampling")
        again = [rng.choice(np.flatnonzero(lesson.codes == code), rows) for code, rows in needed.items()]
        drawn = np.concatenate(again)
        return lesson.with_rows(lesson.matrix[drawn], lesson.codes[drawn])
    # a leaf of its own, since its library is optional
    leaf = importlib.import_module("simulacra.rare._smote")
    matrix, codes = leaf.interpolate(lesson, categorical, needed, streams.stream("smote"))
    return lesson.with_rows(matrix, codes)


def missing_smote() -> str | None:
    """Say how to get SMOTE, where its library is not installed."""
    if importlib.util.find_spec("imblearn") is not None:
        return None
    return "not computed: it needs 'imblearn'. Install it with: pip install imbalanced-learn"


def _weights(codes: Array, rare: tuple[int, ...]) -> Array:
    counts = np.bincount(codes)
    each = np.ones(len(counts))
    for code in rare:
        each[code] = counts.max() / counts[code]
    return each[codes]
