"""Instants worked out from their calendar parts, where all of these are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relations import Calendar, from_wall_clock
from simulacra.sampling.decoding import Decoder

_DAY = 86_400_000_000
_CLOCK = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000}


def derive_instants(decoder: Decoder, whole: dict[str, Array], values: dict[str, Array]) -> bool:
    """Write the day and the clock of instants that known parts tell; return whether there were any.

    Parameters
    ----------
    decoder : Decoder
        Its relations say which columns are parts of what.
    whole, values : dict
        By axis: where its value is known, and the value; both are added to.
    """
    groups: dict[tuple[str, str], list[Calendar]] = {}
    for relation in decoder.relations:
        if isinstance(relation, Calendar) and relation.exact:
            groups.setdefault((relation.measure.column, relation.part.zone), []).append(relation)
    new = False
    for (_, zone), parts in groups.items():
        measure = parts[0].measure
        rows = ~np.logical_or.reduce([whole[name] for name in measure.axes])
        known = {own.part.name: own for own in parts}
        ticks = _tell(known, whole, values, _DAY // (measure.steps or 1))
        if ticks is None:
            continue
        rows &= ~np.isnan(ticks)
        if not rows.any():
            continue
        shown = pl.Series(ticks[rows].astype(np.int64)).cast(pl.Datetime("us"))
        at = from_wall_clock(shown, zone).cast(pl.Int64).cast(pl.Float64).to_numpy()
        told = measure.write(at / (_DAY // (measure.steps or 1)))
        for name in measure.axes:
            values[name], whole[name] = values[name].copy(), whole[name].copy()
            values[name][rows], whole[name][rows] = told[name], True
        new = True
    return new


def _tell(
    known: Mapping[str, Calendar], whole: Mapping[str, Array], values: Mapping[str, Array], unit: int
) -> Array | None:
    """Return what clocks show in each row, in microseconds; NaN where that is not known; None where never."""

    def read(name: str) -> Array:
        target = known[name].target
        return np.where(whole[target], values[target], np.nan)

    if "date" in known:
        day = read("date")
    elif {"year", "month", "day"} <= known.keys():
        day = _number_days(read("year"), read("month"), read("day"))
    else:
        return None
    total = day * _DAY
    if "time of day" in known:
        part = known["time of day"].part
        return total + read("time of day") * (_DAY // part.steps) if _DAY // part.steps <= unit else None
    for name, worth in _CLOCK.items():
        if worth >= unit and unit < _DAY:
            if name not in known:
                return None
            total = total + read(name) * worth
    return total if unit >= _CLOCK["second"] else None


def _number_days(year: Array, month: Array, day: Array) -> Array:
    """Return the number of each date; NaN where there is none."""
    held = ~(np.isnan(year) | np.isnan(month) | np.isnan(day))
    held &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1) & (year <= 9999)
    months = np.where(held, (np.nan_to_num(year) - 1970) * 12 + np.nan_to_num(month) - 1, 0).astype(np.int64)
    first = months.astype("datetime64[M]")
    days = first.astype("datetime64[D]").astype(np.int64) + np.nan_to_num(day) - 1
    exists = days < (first + 1).astype("datetime64[D]").astype(np.int64)
    return np.where(held & exists, days, np.nan)
