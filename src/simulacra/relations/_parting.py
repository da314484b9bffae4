"""Finding calendar parts: which numbers, dates and times of day are read from an instant, and on whose clocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import available_timezones

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relations.parts import (
    DATE,
    PERIODS,
    RANGES,
    TIME_OF_DAY,
    Part,
    is_by_day,
    read_wall,
    wall_clock,
)
from simulacra.relations.relation import FEWEST, HOLDS

NUMBER, DAYS, CLOCK = "number", "days", "clock"
GLANCE = 200
"""Distinct instants on which parts and zones are tried first."""
FIRST = 20_000
"""Rows that these are chosen from."""
WRONG = 40
"""Rows that break a candidate, which are tried with the others from then on."""
ROUNDS = 5
NEARLY = 0.98
"""Share of the tried instants on which a candidate must hold; exceptions are counted on all rows."""
BREAKS = 30.0
"""Rows that must be expected to break a part if it did not depend on the instant."""
JUMPS = 4
"""Different distances from UTC that the clocks of one zone may have, one more for a zone that parts an hour."""
APART = 0.3
"""Share of instants for which a day in UTC is the day on the clocks of any zone, at least."""
SHARED = 0.5
"""Share of the rows with the part that must have the instant too."""
WELL_KNOWN = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix",
    "America/Anchorage", "America/Halifax", "America/St_Johns", "America/Sao_Paulo", "America/Mexico_City",
    "America/Bogota", "America/Santiago", "Pacific/Honolulu", "Europe/London", "Europe/Berlin", "Europe/Athens",
    "Europe/Moscow", "Europe/Istanbul", "Africa/Cairo", "Africa/Lagos", "Africa/Johannesburg", "Asia/Jerusalem",
    "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Bangkok", "Asia/Shanghai", "Asia/Tokyo",
    "Australia/Perth", "Australia/Adelaide", "Australia/Brisbane", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip
_REGIONS = (
    "Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/",
)  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A column that may be a part.

    Parameters
    ----------
    values : array
        Positions on its lattice, NaN for missing.
    form : str
        A whole number, a day or a time of day.
    steps : int
        Times of day: how many a day has.
    spelling : str
        Times of day: how they are written.
    """

    values: Array
    form: str = NUMBER
    steps: int = 0
    spelling: str = ""


Pair = tuple[str, str]


def search_parts(
    utc: pl.Series,
    of: str,
    candidates: Mapping[str, Candidate],
    zone: str | None = None,
    *,
    days: bool = False,
) -> dict[str, tuple[Part, float]]:
    """Find the columns that are parts of the instants in one.

    Parameters
    ----------
    utc : Series
        Instants without a zone.
    of : str
        Their column.
    candidates : mapping of str to Candidate
        Columns that may be parts.
    zone : str or None
        The zone of the column itself.
    days : bool
        The column holds dates, which no clock reads.

    Returns
    -------
    dict
        By column: the part, and the share of rows with both in which it holds.

    Notes
    -----
    **Cost**: about 200 instants for each of some 600 zones, where a column is nearly a part; what passes is verified
    on all rows.
    """
    known = utc.is_not_null().to_numpy()
    if known.sum() < FEWEST:
        return {}
    search = _Search(utc, of, candidates, _glance(utc, known), days)
    zones = [""] if days else ["", *([zone] if zone and zone != "UTC" else []), *_ZONES.all()]
    for _ in range(ROUNDS):
        if not search.open or not search.try_zones(zones):
            break
    return search.found


class _Zones:
    """The zones that are tried, listed once when they are asked for."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()

    def all(self) -> tuple[str, ...]:
        if not self.names:
            minutes = [sign * m for m in range(30, 14 * 60 + 1, 30) for sign in (-1, 1)]
            fixed = [f"UTC{'+' if m > 0 else '-'}{abs(m) // 60:02}:{abs(m) % 60:02}" for m in minutes]
            # whole hours first
            fixed.sort(key=lambda name: not name.endswith("00"))
            listed = sorted(name for name in available_timezones() if name.startswith(_REGIONS))
            self.names = tuple(dict.fromkeys([*fixed, *WELL_KNOWN, *listed]))
        return self.names


_ZONES = _Zones()


def _glance(utc: pl.Series, known: Array) -> Array:
    """Choose rows of distinct instants, spread evenly over time."""
    rows = np.flatnonzero(known)
    rows = rows[:: max(len(rows) // FIRST, 1)]
    _, first = np.unique(utc.gather(rows).cast(pl.Int64).to_numpy(), return_index=True)
    return np.asarray(rows[first[np.unique(np.linspace(0, len(first) - 1, GLANCE).astype(int))]])


class _Search:
    """Pairs of a column and a part, tried on some rows, zone by zone, and then on all."""

    def __init__(
        self, utc: pl.Series, of: str, candidates: Mapping[str, Candidate], rows: Array, days: bool
    ) -> None:
        self.utc, self.of, self.candidates, self.rows = utc, of, candidates, rows
        self.found: dict[str, tuple[Part, float]] = {}
        self.tried: set[tuple[str, str, str]] = set()
        some = utc.gather(rows)
        self.open = {
            (column, name)
            for column, candidate in candidates.items()
            for name in _names(candidate, days)
            if self._is_near(candidate, name, read_wall(some, name, candidate.steps))
        }

    def _is_near(self, candidate: Candidate, name: str, read: Array) -> bool:
        """Tell whether a column may be a part on the clocks of some zone."""
        gap = (candidate.values[self.rows] - read)[~np.isnan(candidate.values[self.rows])]
        if len(gap) < 2:
            return False
        if name == DATE:
            return bool((np.abs(gap) <= 1).all())
        period = candidate.steps if name == TIME_OF_DAY else PERIODS.get(name)
        if period is not None:
            return len(np.unique(gap % period)) <= JUMPS
        return bool((gap == 0).mean() >= APART)

    def try_zones(self, zones: list[str]) -> bool:
        """Take the zone that explains most, and verify on all rows; tell whether that taught anything."""
        best = max(self._scores(zones), key=lambda found: found[0], default=((0, 0.0), "", set[Pair]()))
        (number, _), zone, pairs = best
        if not number:
            return False
        wall = wall_clock(self.utc, zone)
        wrong = [self._verify(column, name, zone, wall) for column, name in sorted(pairs, key=_rank)]
        self.open = {pair for pair in self.open if pair[0] not in self.found or self.found[pair[0]][1] < 1}
        self.rows = np.unique(np.concatenate([self.rows, *wrong]))
        return True

    def _scores(self, zones: list[str]) -> Iterator[tuple[tuple[int, float], str, set[Pair]]]:
        """Count what each zone explains on some rows; stop at one that explains all."""
        some = self.utc.gather(self.rows)
        values = {column: self.candidates[column].values[self.rows] for column, _ in self.open}
        for zone in zones:
            wall = wall_clock(some, zone)
            total, pairs, perfect = 0.0, set(), set()
            for column, name in self.open:
                if (column, name, zone) in self.tried:
                    continue
                held = ~np.isnan(values[column])
                read = read_wall(wall, name, self.candidates[column].steps)
                share = float((read == values[column])[held].mean()) if held.any() else 0.0
                if share >= NEARLY:
                    total += share
                    pairs.add((column, name))
                    perfect |= {column} if share == 1 else set()
            yield (len({column for column, _ in pairs}), total), zone, pairs
            if len(perfect) == len(values):
                return

    def _verify(self, column: str, name: str, zone: str, wall: pl.Series) -> Array:
        """Keep a part that holds in nearly all rows, and return some of those that break it."""
        self.tried.add((column, name, zone))
        candidate = self.candidates[column]
        read = read_wall(wall, name, candidate.steps)
        there = ~np.isnan(candidate.values)
        both = there & ~np.isnan(read)
        wrong = np.flatnonzero(both & (read != candidate.values))
        share = 1 - len(wrong) / max(int(both.sum()), 1)
        known = self.found.get(column)
        enough = both.sum() >= max(FEWEST, SHARED * there.sum()) and _means_something(name, read[both])
        if enough and share >= HOLDS and (known is None or share > known[1]):
            steps = candidate.steps if name == TIME_OF_DAY else 0
            part = Part(column, self.of, name, zone, steps, candidate.spelling)
            self.found[column] = (part, share)
        return wrong[:: max(len(wrong) // WRONG, 1)][:WRONG]


def _names(candidate: Candidate, days: bool) -> list[str]:
    """List the parts that a column may be, going by its form and range."""
    if candidate.form == DAYS:
        return [DATE]
    if candidate.form == CLOCK:
        return [] if days else [TIME_OF_DAY]
    held = candidate.values[~np.isnan(candidate.values)]
    if not len(held):
        return []
    low, high = held.min(), held.max()
    fits = [name for name, (least, most) in RANGES.items() if least <= low and high <= most]
    return [name for name in fits if is_by_day(name) or not days]


def _means_something(name: str, read: Array) -> bool:
    """Tell whether a part varies so much that it is not met by chance; a year is known by its digits."""
    shares = np.unique(read, return_counts=True)[1] / max(len(read), 1)
    return name in {"year", "ISO year"} or len(read) * (1 - float((shares**2).sum())) >= BREAKS


def _rank(pair: Pair) -> tuple[str, int]:
    order = [*RANGES, DATE, TIME_OF_DAY]
    return pair[0], order.index(pair[1])
