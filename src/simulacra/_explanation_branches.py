"""A small tree of rules, in values, that sums up how one column of drawn rows depends on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from simulacra._explanation_words import between, list_levels, said
from simulacra.domain import Array
from simulacra.schema.types import Column

_CUTS = 64
_MOST_LEVELS = 30
"""Levels of an unordered column that count one by one; the rarer ones count as one."""
_LEAST_GAIN = 0.01
"""Share of the spread that a split removes at least."""
_SHOWN_LEVELS = 3


@dataclass(frozen=True)
class Branch:
    """Rows that fulfil a condition, and how a column is distributed among them.

    Parameters
    ----------
    condition : str
        In words; ``"all rows"`` at the top.
    share : float
        Share of all rows.
    levels : tuple of (str, float)
        The most frequent levels with their shares in this branch; empty for an ordered column.
    middle, low, high : str or None
        Median, and the ends of the middle 80 %, of an ordered column.
    missing : float
        Share without a value.
    branches : tuple of Branch
        None, or the two halves.
    """

    condition: str
    share: float
    levels: tuple[tuple[str, float], ...] = ()
    middle: str | None = None
    low: str | None = None
    high: str | None = None
    missing: float = 0.0
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True)
class _Predictor:
    """A column as numbers: codes of levels (-1 for missing), or positions (NaN for missing)."""

    column: Column
    values: Array
    levels: tuple[str, ...] | None


@dataclass(frozen=True)
class _Split:
    gain: float
    left: Array
    words: tuple[str, str]


def grow_branches(
    frame: pl.DataFrame,
    target: str,
    predictors: Sequence[str],
    columns: Mapping[str, Column],
    *,
    depth: int,
    least: float,
    few: float,
) -> Branch:
    """Grow a small tree on rows that a model drew.

    Parameters
    ----------
    frame : DataFrame
        Drawn rows, canonical values.
    target : str
        The column to account for.
    predictors : sequence of str
        Columns that may be split.
    columns : mapping of str to Column
        Their schema.
    depth : int
        Splits below one another at most.
    least : float
        Share of rows that a branch has at least.
    few : float
        Share of all rows from which a level is told within a branch.

    Returns
    -------
    Branch
        All rows, with the branches below.

    Notes
    -----
    **Cost**: for each branch, one pass over its rows for each predictor.

    **Source**: regression trees of Breiman, Friedman, Olshen and Stone 1984, on the levels of the target, or on its
    rank; levels of a predictor in the order of the first principal component of their means (Coppersmith, Hong and
    Hosking 1999, "Partitioning nominal attributes in decision trees").
    """
    known = [_predictor(frame[name], columns[name]) for name in predictors]
    spread = _embed(frame[target])
    whole = float((spread**2).sum())

    def grow(rows: Array, condition: str, left: int) -> Branch:
        found: list[_Split] = []
        if left:
            found = [s for p in known if (s := _best(p, spread[rows], rows, least * len(frame))) is not None]
        best = max(found, key=lambda split: split.gain, default=None)
        below: tuple[Branch, ...] = ()
        if best is not None and best.gain > _LEAST_GAIN * whole:
            sides = (rows[best.left], rows[~best.left])
            below = tuple(grow(side, words, left - 1) for side, words in zip(sides, best.words))
        return _branch(frame[target][rows], columns[target], condition, len(rows) / len(frame), few, below)

    return grow(np.arange(len(frame)), "all rows", depth)


def _predictor(values: pl.Series, column: Column) -> _Predictor:
    if values.dtype in (pl.String, pl.Boolean):
        texts = values.cast(pl.String)
        levels = tuple(texts.drop_nulls().unique().sort().to_list())
        codes = texts.cast(pl.Enum(levels)).to_physical().cast(pl.Int64).fill_null(-1)
        return _Predictor(column, codes.to_numpy(), levels)
    return _Predictor(column, _positions(values), None)


def _positions(values: pl.Series) -> Array:
    return values.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _embed(values: pl.Series) -> Array:
    """Place values so that a mean describes a group: an axis for each level, or the rank and whether one is missing."""
    if values.dtype in (pl.String, pl.Boolean):
        texts = values.cast(pl.String)
        often = texts.drop_nulls().value_counts(sort=True, name="count")[texts.name].head(_MOST_LEVELS)
        parts = [(texts == level).fill_null(False).to_numpy() for level in often.to_list()]
        parts.append(texts.is_null().to_numpy())
    else:
        rank = values.rank("average").fill_null(float(values.len() - values.null_count() + 1) / 2).to_numpy()
        parts = [rank / max(len(values), 1) * np.sqrt(12), values.is_null().to_numpy()]
    table = np.stack(parts, axis=1).astype(np.float64)
    return np.asarray(table - table.mean(0))


def _best(predictor: _Predictor, spread: Array, rows: Array, least: float) -> _Split | None:
    """Find the best split of some rows by one predictor, both sides having at least `least` rows."""
    values = predictor.values[rows]
    if predictor.levels is not None:
        used, codes = np.unique(values, return_inverse=True)
        sums, counts = _sums(codes, spread, len(used))
        codes = np.argsort(np.argsort(_line(sums, counts), kind="stable"), kind="stable")[codes]
        gain, cut = _scan(*_sums(codes, spread, len(used)), least)
        # levels in the order of their means explain something by chance alone, the more the more there are
        gain -= float(spread.var(0).sum()) * (len(used) - 1)
        if cut < 0:
            return None
        left = codes <= cut
        names = [
            [None if i < 0 else predictor.levels[i] for i in _by_frequency(values[side])]
            for side in (left, ~left)
        ]
        words = (
            list_levels(predictor.column.name, names[0], names[1]),
            list_levels(predictor.column.name, names[1], names[0]),
        )
        return _Split(gain, left, words)
    return _best_cut(predictor.column, values, spread, least)


def _best_cut(column: Column, values: Array, spread: Array, least: float) -> _Split | None:
    gaps = np.isnan(values)
    held = values[~gaps]
    if not len(held):
        return None
    cuts = np.unique(np.quantile(held, np.arange(1, _CUTS) / _CUTS, method="lower"))
    codes = np.searchsorted(cuts, held)
    full = np.zeros(len(values), np.int64)
    best: tuple[float, int, str] = (0.0, -1, "")
    # those without a value stand below all others, above them, or alone
    for place in ("below", "above") if gaps.any() else ("below",):
        full[~gaps] = codes + 1
        full[gaps] = 0 if place == "below" else len(cuts) + 2
        sums, counts = _sums(full, spread, len(cuts) + 3)
        gain, cut = _scan(sums, counts, least)
        if cut >= 0 and gain > best[0]:
            best = (gain, cut, place)
    gain, cut, place = best
    if cut < 0:
        return None
    full[gaps] = 0 if place == "below" else len(cuts) + 2
    left, name = full <= cut, column.name
    low, high = left & ~gaps, ~left & ~gaps
    if not low.any() or not high.any():
        words = (f"{name} is missing", f"{name} is not missing")
        return _Split(gain, left, words if not low.any() else (words[1], words[0]))
    words = between(column, float(values[low].max()), float(values[high].min()))
    if gaps.any():
        words = (
            (f"{words[0]} or missing", words[1]) if place == "below" else (words[0], f"{words[1]} or missing")
        )
    return _Split(gain, left, words)


def _sums(codes: Array, spread: Array, size: int) -> tuple[Array, Array]:
    sums = np.stack([np.bincount(codes, part, minlength=size) for part in spread.T], axis=1)
    return sums, np.bincount(codes, minlength=size)


def _scan(sums: Array, counts: Array, least: float) -> tuple[float, int]:
    """Return how much spread the best cut between codes removes, and the last code below it (-1: none)."""
    total, rows = sums.sum(0), counts.sum()
    below, under = sums.cumsum(0)[:-1], counts.cumsum()[:-1]
    allowed = (under >= max(least, 1)) & (rows - under >= max(least, 1))
    if not allowed.any():
        return 0.0, -1
    safe = np.where(allowed, under, 1)
    gain = (below**2).sum(1) / safe + ((total - below) ** 2).sum(1) / np.where(allowed, rows - under, 1)
    gain = np.where(allowed, gain - (total**2).sum() / rows, -np.inf)
    cut = int(gain.argmax())
    return float(gain[cut]), cut


def _line(sums: Array, counts: Array) -> Array:
    """Put levels on the line along which their means differ most."""
    means = sums / np.maximum(counts, 1)[:, None] - sums.sum(0) / counts.sum()
    way = np.linalg.svd(means * np.sqrt(counts)[:, None], full_matrices=False)[2][0]
    # the sign of a singular vector is arbitrary
    return np.asarray(means @ (way * np.sign(way[np.abs(way).argmax()] or 1.0)))


def _by_frequency(codes: Array) -> list[int]:
    used, counts = np.unique(codes, return_counts=True)
    return [int(code) for code in used[np.argsort(-counts, kind="stable")]]


def _branch(
    values: pl.Series, column: Column, condition: str, share: float, few: float, below: tuple[Branch, ...]
) -> Branch:
    missing = values.null_count() / max(len(values), 1)
    held = values.drop_nulls()
    facts: dict[str, Any] = {"missing": missing, "branches": below}
    if values.dtype in (pl.String, pl.Boolean):
        counts = held.cast(pl.String).value_counts(sort=True, name="count").head(_SHOWN_LEVELS).rows()
        enough = [(str(level), rows / len(values)) for level, rows in counts]
        facts["levels"] = tuple(pair for pair in enough if pair[1] * share >= few)
    elif len(held):
        ordered = held.sort()
        places = [len(held) // 2, len(held) // 10, len(held) - 1 - len(held) // 10]
        facts |= zip(("middle", "low", "high"), said(ordered.gather(places), column))
    return Branch(condition, share, **facts)
