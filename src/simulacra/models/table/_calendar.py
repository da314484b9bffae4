"""Calendars as a model sees them: the days of one weekday, or of one day of the month, side by side on a lattice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from scipy.special import gammainccinv

from simulacra.domain import Array
from simulacra.models.table._bins import Tally
from simulacra.privacy.holders import count_holders

RULES = {"weekday": 7, "month": 31, "month_end": 31}
"""Phases of each rule: seven weekdays; 31 days of the month; the same, where the last day is the 31st phase."""
_WEEK = 3
"""1970-01-01 was a Thursday, three days after a Monday."""
_CHANCE = 1e-4
_EFFECT = 5e-4
"""A pattern counts if it tells this many nats about a row, and chance would give it once in `1 / _CHANCE` tables."""
_APART = 4


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days rearranged so that those of one phase (one weekday, say) are neighbours, in order of time.

    A day's position is its phase times a stride, plus its rank among all days of that phase. A bin of
    neighbouring positions is then "Mondays of four weeks" or "month ends of a quarter", and whatever is drawn
    from it is a day of that phase that exists.

    Parameters
    ----------
    rule : str
        One of `RULES`.
    first, last : int
        The years covered, so that no single day needs to be known.
    kept : array
        The phases that enough rows have, ascending; the days of others move to the nearest day of these.

    Examples
    --------
    >>> calendar = Calendar("month_end", 2023, 2024, np.array([30]))
    >>> ends = calendar.days(calendar.positions(np.array([19416, 19782])))
    >>> ends.astype("datetime64[D]").astype(str).tolist()
    ['2023-02-28', '2024-02-29']
    """

    rule: str
    first: int
    last: int
    kept: Array

    @classmethod
    def covering(cls, rule: str, tally: Tally, holders: int) -> Self:
        """Make the calendar of some days; `kept` is empty if no phase has enough holders."""
        days = tally.distinct
        years = days[[0, -1]].astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        phase = phases(rule, days)
        if tally.pairs is None:
            held = np.bincount(phase, tally.counts, minlength=RULES[rule])
        else:
            held = count_holders(phase[tally.pairs[0]], RULES[rule], tally.pairs[1])
        return cls(rule, int(years[0]), int(years[1]), np.flatnonzero(held >= max(holders, 1)))

    @property
    def stride(self) -> int:
        """How far apart the phases lie: further than the days of one, so that the nearest is of the same."""
        return _APART * _grid(self.rule, self.first, self.last).longest

    def positions(self, days: Array) -> Array:
        """Turn day numbers into positions; days outside the years covered count as the nearest inside."""
        grid = _grid(self.rule, self.first, self.last)
        inside = np.clip(days, grid.start, grid.start + len(grid.phase) - 1).astype(np.int64) - grid.start
        stand = np.arange(len(grid.phase))
        held = np.flatnonzero(np.isin(grid.phase, self.kept))
        if 0 < len(held) < len(stand):
            stand = held[np.searchsorted((held[1:] + held[:-1]) / 2, stand)]
        position = grid.phase.astype(np.int64) * self.stride + grid.rank
        return position[stand[inside]]

    def days(self, positions: Array) -> Array:
        """Turn positions into day numbers."""
        grid = _grid(self.rule, self.first, self.last)
        phase, rank = np.divmod(positions.astype(np.int64), self.stride)
        return grid.ordered[grid.begin[phase] + rank]

    def periods(self, days: Array) -> Array:
        """Return the number of each day's week or month."""
        return _periods(self.rule, days)

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        return {
            "rule": self.rule,
            "first": self.first,
            "last": self.last,
            "kept": self.kept.astype(np.uint8),
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the calendar from what `dump` gave."""
        return cls(str(state["rule"]), int(state["first"]), int(state["last"]), state["kept"])


@dataclass(frozen=True, slots=True)
class _Grid:
    """All days of some years: the phase and rank of each, and the days in order of both."""

    start: int
    phase: Array
    rank: Array
    ordered: Array
    begin: Array
    longest: int


@lru_cache(maxsize=64)
def _grid(rule: str, first: int, last: int) -> _Grid:
    start, stop = (
        int(np.datetime64(year - 1970, "Y").astype("datetime64[D]").astype(int)) for year in (first, last + 1)
    )
    days = np.arange(start, stop, dtype=np.int32)
    phase = phases(rule, days)
    order = np.argsort(phase, kind="stable")
    sizes = np.bincount(phase, minlength=RULES[rule])
    begin = np.cumsum(sizes) - sizes
    rank = np.empty(len(days), np.int32)
    rank[order] = np.arange(len(days)) - begin[phase[order]]
    return _Grid(start, phase, rank, days[order], begin, int(sizes.max()))


def phases(rule: str, days: Array) -> Array:
    """Return the phase of day numbers: the weekday from Monday, or the day of the month from 0."""
    if rule == "weekday":
        return ((days.astype(np.int64) + _WEEK) % 7).astype(np.uint8)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    phase = (dates - months.astype("datetime64[D]")).astype(np.int64)
    if rule == "month_end":
        tomorrow = (days + 1).astype("datetime64[D]").astype("datetime64[M]")
        phase[tomorrow != months] = RULES[rule] - 1
    return phase.astype(np.uint8)


def months(days: Array) -> Array:
    """Return the month of the year of day numbers, from 0."""
    return (_periods("month", days) % 12).astype(np.uint8)


def _periods(rule: str, days: Array) -> Array:
    if rule == "weekday":
        return (days.astype(np.int64) + _WEEK) // 7
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def choose_rule(days: Array, counts: Array, means: Sequence[Array]) -> str | None:
    """Choose the rule by which days differ most, in their counts or in what other columns hold on them.

    Parameters
    ----------
    days, counts : array
        The days that occur, ascending, and how many rows each has.
    means : sequence of array
        For some traits of the other columns, of variance 1, the mean over the rows of each day.

    Returns
    -------
    str or None
        One of `RULES`, or None if no rule shows.

    Notes
    -----
    An analysis of variance between phases, within periods, on days: rows of one day that come in a lot count
    as one observation.

    Examples
    --------
    >>> days = np.arange(20_000, 20_364)
    >>> busy = np.where(phases("weekday", days) < 5, 20, 2)
    >>> choose_rule(days, busy, [])
    'weekday'
    """
    effects = {rule: _effect(rule, days, counts, means) for rule in RULES}
    best = max(effects, key=lambda rule: effects[rule])
    return best if effects[best] >= _EFFECT else None


def _effect(rule: str, days: Array, counts: Array, means: Sequence[Array]) -> float:
    every, held = _within_periods(rule, days)
    rows = np.zeros(len(every))
    rows[held] = counts
    period = np.unique(_periods(rule, every), return_inverse=True)[1]
    usual = (np.bincount(period, rows) / np.bincount(period))[period]
    phase = phases(rule, every)
    chance = _CHANCE / (1 + len(means))
    found = [0.0]
    if _between(phase, period, rows / usual, usual, chance):
        share, even = (np.bincount(phase, mass) / rows.sum() for mass in (rows, usual))
        full = share > 0
        found.append(float((share[full] * np.log(share[full] / even[full])).sum()))
    for mean in means:
        found.append(_between(phase[held], period[held], mean, counts, chance))
    return max(found)


def _within_periods(rule: str, days: Array) -> tuple[Array, Array]:
    """List all days of the periods that occur, from the first day to the last, and where those that occur stand."""
    longest = 7 if rule == "weekday" else 31
    steps = np.arange(1 - longest, longest)
    near = days[np.unique(_periods(rule, days), return_index=True)[1]].astype(np.int64)
    around = (near[:, None] + steps).ravel()
    around = around[_periods(rule, around) == np.repeat(_periods(rule, near), len(steps))]
    every = around[(around >= days[0]) & (around <= days[-1])]
    return every, np.searchsorted(every, days)


def _between(phase: Array, period: Array, values: Array, weights: Array, chance: float) -> float:
    """Return half the variance that phases explain within periods; 0 where chance would explain as much."""
    total = np.bincount(period, weights)
    left = values - (np.bincount(period, weights * values) / total)[period]
    mass = np.bincount(phase, weights)
    held = mass > 0
    mean = np.bincount(phase, weights * left)[held] / mass[held]
    between = float((mass[held] * mean**2).sum())
    within = float((weights * left**2).sum()) - between
    groups, free = int(held.sum()) - 1, len(values) - len(total) - int(held.sum()) + 1
    if groups < 1 or free < 1:
        return 0.0
    noise = max(within / free, 1e-12)
    if between / noise < 2 * gammainccinv(groups / 2, chance):
        return 0.0
    return max(between - groups * noise, 0.0) / float(weights.sum()) / 2
