"""How unlike groups are treated: by the labels of rows, and by what a classifier decides about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array
from simulacra.metrics._roc import area_interval
from simulacra.metrics._shares import Z, share_interval

FEWEST = 20
"""Rows of a group, and of those of its rows that a rate is about."""
CHOSEN = 0.5


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def rate_of(hits: Array) -> Figure:
    """Return a share of rows, with Wilson's interval."""
    return Figure(float(hits.mean()), *share_interval(int(hits.sum()), len(hits)))


def find_gap(hits: Array, members: Array, size: int) -> Figure | None:
    """Return the largest rate of a group minus the smallest; None where fewer than two groups have 20 rows.

    Notes
    -----
    **Source** Newcombe 1998, method 10, for the two groups that make the gap.

    Examples
    --------
    >>> gap = find_gap(np.array([1] * 30 + [0] * 70), np.repeat([0, 1], 50), 2)
    >>> round(gap.value, 2)
    0.6
    """
    ends = _extremes(hits, members, size)
    if ends is None:
        return None
    (high_hits, high_rows), (low_hits, low_rows) = ends
    above, below = high_hits / high_rows, low_hits / low_rows
    high_ends, low_ends = share_interval(high_hits, high_rows), share_interval(low_hits, low_rows)
    down = float(np.hypot(above - high_ends[0], low_ends[1] - below))
    up = float(np.hypot(high_ends[1] - above, below - low_ends[0]))
    value = float(above - below)
    return Figure(value, max(0.0, value - down), min(1.0, value + up))


def find_ratio(hits: Array, members: Array, size: int) -> Figure | None:
    """Return the smallest rate of a group divided by the largest (disparate impact), half a row added to each.

    Notes
    -----
    **Source** Feldman et al. 2015, "Certifying and removing disparate impact", section 1; Walter 1975 (half a row).
    """
    ends = _extremes(hits, members, size)
    if ends is None:
        return None
    (high_hits, high_rows), (low_hits, low_rows) = (
        (hit + 0.5, rows + 0.5) for hit, rows in (ends[0], ends[1])
    )
    middle = np.log(low_hits / low_rows) - np.log(high_hits / high_rows)
    error = np.sqrt(1 / low_hits - 1 / low_rows + 1 / high_hits - 1 / high_rows)
    return Figure(*(float(min(1.0, np.exp(middle + side * Z * error))) for side in (0, -1, 1)))


def find_conditional_gap(hits: Array, members: Array, size: int, strata: Array) -> Figure | None:
    """Return the gap between groups' rates, standardised to the strata of all rows.

    Each group's rate is taken within every stratum, and averaged with the strata's shares of all rows, so that groups
    that fall into strata unlike are compared as if they did not. Only strata in which every group has rows count.

    Notes
    -----
    **Source** direct standardisation: Rothman, Greenland & Lash 2008, "Modern Epidemiology", chapter 15.
    """
    kept = np.flatnonzero(np.bincount(members, minlength=size) >= FEWEST)
    if len(kept) < 2:
        return None
    number = int(strata.max()) + 1
    cells = members * number + strata
    rows = np.bincount(cells, minlength=size * number).reshape(size, number)[kept]
    ones = np.bincount(cells, hits, minlength=size * number).reshape(size, number)[kept]
    shared = (rows > 0).all(axis=0)
    if not shared.any():
        return None
    rows, ones = rows[:, shared], ones[:, shared]
    weights = np.bincount(strata, minlength=number)[shared].astype(np.float64)
    weights /= weights.sum()
    rates = ones / rows
    standard = (rates * weights).sum(axis=1)
    pooled = (ones.sum(axis=0) + 0.5) / (rows.sum(axis=0) + 1)
    variance = (weights**2 * pooled * (1 - pooled) / rows).sum(axis=1)
    high, low = int(standard.argmax()), int(standard.argmin())
    value, half = float(standard[high] - standard[low]), Z * float(np.sqrt(variance[high] + variance[low]))
    return Figure(value, max(0.0, value - half), min(1.0, value + half))


def describe_labels(hits: Array, members: Array, size: int, strata: Array | None) -> dict[str, Figure | None]:
    """Describe how unlike the labels of groups are.

    Parameters
    ----------
    hits : bool array
        Which rows have the positive level.
    members : int array
        The group of each row.
    size : int
        Number of groups.
    strata : int array or None
        The stratum of each row.
    """
    return {
        "rate": rate_of(hits),
        "parity_gap": find_gap(hits, members, size),
        "impact_ratio": find_ratio(hits, members, size),
        "conditional_gap": None if strata is None else find_conditional_gap(hits, members, size, strata),
    }


def describe_decisions(chances: Array, truth: Array, members: Array, size: int) -> dict[str, Figure | None]:
    """Describe how a classifier decides about unseen real rows: who has a chance of one half or more is chosen.

    Notes
    -----
    **Source** Hardt, Price & Srebro 2016, section 2 (equalised odds); Chouldechova 2017, "Fair prediction with
    disparate impact", section 2 (predictive parity).
    """
    chosen = chances >= CHOSEN
    odds = [find_gap(chosen[among], members[among], size) for among in (truth, ~truth)]
    known = [gap for gap in odds if gap is not None]
    auc, ends = area_interval(chances, truth)
    return {
        "accuracy": rate_of(chosen == truth),
        "auc": Figure(auc, *ends),
        "decision_gap": find_gap(chosen, members, size),
        "odds_gap": max(known, key=lambda gap: gap.value, default=None),
        "predictive_gap": find_gap(truth[chosen], members[chosen], size),
    }


def _extremes(hits: Array, members: Array, size: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return hits and rows of the groups with the largest and the smallest rate."""
    rows = np.bincount(members, minlength=size)
    ones = np.bincount(members, hits, minlength=size)
    kept = np.flatnonzero(rows >= FEWEST)
    if len(kept) < 2:
        return None
    rates = ones[kept] / rows[kept]
    ends = kept[int(rates.argmax())], kept[int(rates.argmin())]
    high, low = ((int(ones[place]), int(rows[place])) for place in ends)
    return high, low
