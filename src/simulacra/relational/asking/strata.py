"""Which rows of a root lead to entities that do: learnt from those drawn so far, one column of the root at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array

LEARNT = 30
"""Entities that do, from which they can tell of what kind their roots are."""
PARTS = 10
"""Parts that numbers are cut into; and three times as many levels may be told apart."""
WORTH = 0.75
"""Share of the cost from which on following fewer roots is not worth it."""
FEWEST = 0.05
"""The smallest chance with which a root is followed."""


@dataclass(frozen=True)
class Strata:
    """Parts of one column of a root, and the chance with which rows of each are followed.

    Parameters
    ----------
    column : str
        The column.
    cuts : tuple
        Where numbers are cut, or the levels.
    chances : array
        One more than parts: the last is for everything else.
    """

    column: str
    cuts: tuple[float, ...] | tuple[str, ...]
    chances: Array

    def of(self, frame: pl.DataFrame) -> Array:
        """Return the chance of each row."""
        return np.asarray(self.chances[_codes(frame[self.column], self.cuts)])


def learn_strata(frames: Sequence[pl.DataFrame], did: Sequence[Array]) -> Strata | None:
    """Learn of what kind the roots are whose entities do.

    Parameters
    ----------
    frames : sequence of DataFrame
        Rows of the root as they were drawn.
    did : sequence of array of bool
        Which of them led to an entity that does.

    Returns
    -------
    Strata or None
        None if too few did, or no column tells much.

    Notes
    -----
    A root is followed with a chance in proportion to the root of its share of success, which costs least for what a
    pool is then worth (Neyman's allocation).

    **Cost**: linear in rows and columns.

    Examples
    --------
    >>> rows = pl.DataFrame({"a": [0] * 900 + [1] * 100})
    >>> found = learn_strata([rows], [np.arange(1_000) >= 940])
    >>> found.column, found.of(pl.DataFrame({"a": [0, 1]})).round(2).tolist()
    ('a', [0.05, 1.0])
    """
    good, rows = np.concatenate(list(did)), pl.concat(list(frames))
    if int(good.sum()) < LEARNT:
        return None
    mean, best = float(good.mean()), WORTH
    found: Strata | None = None
    for series in rows:
        cuts = _cut(series)
        if not cuts:
            continue
        codes = _codes(series, cuts)
        held = np.bincount(codes, minlength=len(cuts) + 2)
        # one more success among as many rows as one takes on average, so that no part is given up
        share = (np.bincount(codes, good, minlength=len(held)) + 1) / (held + 1 / mean)
        cost = float((held / len(rows) * np.sqrt(share)).sum() ** 2 / mean)
        if cost < best:
            chances = np.clip(np.sqrt(share / share[held > 0].max()), FEWEST, 1.0)
            best, found = cost, Strata(series.name, cuts, chances)
    return found


def _cut(series: pl.Series) -> tuple[float, ...] | tuple[str, ...]:
    if series.dtype == pl.String:
        levels = series.drop_nulls().unique().sort().to_list()
        return tuple(levels) if 1 < len(levels) <= 3 * PARTS else ()
    values = _numbers(series)
    values = values[~np.isnan(values)]
    if not len(values):
        return ()
    found = np.unique(np.quantile(values, np.arange(1, PARTS) / PARTS))
    return tuple(found.tolist())


def _codes(series: pl.Series, cuts: tuple[float, ...] | tuple[str, ...]) -> Array:
    if series.dtype == pl.String:
        places = pl.Series(list(range(len(cuts))), dtype=pl.Int64)
        levels = pl.Series(list(cuts), dtype=pl.String)
        return series.replace_strict(levels, places, default=len(cuts)).to_numpy().astype(np.int64)
    values = _numbers(series)
    return np.where(
        np.isnan(values), len(cuts) + 1, np.searchsorted(np.array(cuts, float), values, side="left")
    )


def _numbers(series: pl.Series) -> Array:
    return series.to_physical().cast(pl.Float64, strict=False).to_numpy().astype(float)
