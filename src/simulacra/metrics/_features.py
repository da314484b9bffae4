"""Tables as boosted trees see them: one matrix of numbers and small codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metrics._case import LEVEL_KINDS, as_levels, level_codes
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

MOST_LEVELS = 255
"""Codes that scikit-learn's boosted trees take in one categorical feature."""


@dataclass(frozen=True)
class Features:
    """The same features of several frames.

    Parameters
    ----------
    matrices : list of array
        One float64 array of shape (rows, features) per frame; NaN is missing.
    owners : array
        For each feature, the position of the column it was made from.
    categorical : array of bool
        Whether a feature is a code without order.
    """

    matrices: list[Array]
    owners: Array
    categorical: Array


def extract(frames: Sequence[pl.DataFrame], columns: Sequence[Column]) -> Features:
    """Turn frames into matrices under one joint coding.

    Levels are numbered over all frames together, without regard to which frame a row stands in, so the coding
    itself says nothing about the frame. A column with more than 255 levels gets its commonest levels as
    codes, and beside them each level's frequency and its place in the alphabet.
    """
    cuts = np.cumsum([frame.height for frame in frames])[:-1]
    arrays: list[Array] = []
    owners: list[int] = []
    categorical: list[bool] = []
    for position, column in enumerate(columns):
        values = pl.concat([_plain(frame[column.name], column) for frame in frames])
        for array, is_code in _column_features(values, column):
            arrays.append(array)
            owners.append(position)
            categorical.append(is_code)
    rows = sum(frame.height for frame in frames)
    whole = np.column_stack(arrays) if arrays else np.empty((rows, 0))
    return Features(
        np.split(whole, cuts), np.array(owners, dtype=np.int64), np.array(categorical, dtype=bool)
    )


def _plain(values: pl.Series, column: Column) -> pl.Series:
    """Bring the parts of one column to one dtype, so that they can be put together."""
    return as_levels(values) if column.kind in LEVEL_KINDS | {"text", "key"} else values


def _column_features(values: pl.Series, column: Column) -> list[tuple[Array, bool]]:
    if column.kind in LEVEL_KINDS:
        return _level_features(values)
    if column.kind in {"text", "key"}:
        return [(values.str.len_chars().cast(pl.Float64).to_numpy(), False)]
    features = [(as_numbers(values), False)]
    if column.kind in {"date", "datetime"} and values.dtype != pl.Null:
        features.append((_floats(values.dt.weekday()), False))
        features.append((_floats(values.dt.ordinal_day()), False))
    if column.kind == "datetime" and values.dtype != pl.Null:
        features.append((_floats(values.dt.hour().cast(pl.Float64) * 60 + values.dt.minute()), False))
    return features


def _floats(values: pl.Series) -> Array:
    return values.cast(pl.Float64).to_numpy()


def _level_features(values: pl.Series) -> list[tuple[Array, bool]]:
    (codes,), size = level_codes(values)
    missing = values.is_null().to_numpy()
    common = np.minimum(codes, MOST_LEVELS - 1).astype(np.float64)
    common[missing] = np.nan
    if size <= MOST_LEVELS:
        return [(common, True)]
    frequency = np.bincount(codes)[codes].astype(np.float64)
    alphabet = _floats(values.rank("dense"))
    return [(common, True), (frequency, False), (alphabet, False)]
