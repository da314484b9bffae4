"""Searches for longer arithmetic: sums and differences of three columns or more, and times of day written as HHMM."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import permutations

import numpy as np

from simulacra.domain import Array
from simulacra.mining._look import Look, quote
from simulacra.schema.constraints import Equality
from simulacra.schema.types import Column

DAY = 1_440
TERMS = 3
"""Terms of a sum at least; shorter ones are tried one by one."""
BATCHES = 6
"""Lots of rows on which a sum is solved for, so that a few rows that break it do not hide it from all of them."""
SPARE = 8
"""Rows of a lot beyond those that decide the factors."""
NEAR = 1e-9
"""What arithmetic in doubles may leave of a sum, of the size of its columns."""


def find_long_sums(look: Look, given: Collection[str]) -> Iterator[Equality]:
    """Propose columns that others give when added and subtracted.

    Parameters
    ----------
    look : Look
        The table.
    given : collection of str
        Columns that shorter expressions give: nothing is computed from or for them.

    Notes
    -----
    Factors are solved for by least squares on a few rows more than there are columns: a sum that holds there leaves
    nothing, and its factors are -1, 0 and 1. What passes is verified on all rows as any other equality.
    """
    columns = [c for c in look.listed(("number",)) if c.format != "HHMM" and c.name not in given]
    if len(columns) <= TERMS:
        return
    # the richest columns last: of a = b + c + d it is the total that is proposed
    columns.sort(key=lambda column: look.size(column.name))
    values = np.array([look.numbers(column.name)[look.shuffle] for column in columns])
    values = values[:, ~np.isnan(values).any(axis=0)]
    size = len(columns) + SPARE
    told: set[str] = set()
    for batch in range(min(BATCHES, values.shape[1] // size)):
        rows = values[:, batch * size : (batch + 1) * size]
        for target, parts in _solve(rows):
            name = columns[target].name
            if name not in told and len(parts) >= TERMS:
                told.add(name)
                terms = {columns[i].name: factor for i, factor in parts.items()}
                yield Equality(name, _write_sum([(n, terms[n]) for n in look.table.names if n in terms]))


def _solve(rows: Array) -> Iterator[tuple[int, dict[int, float]]]:
    """Find the columns that earlier ones give with factors of -1 and 1; one that they give otherwise is passed over."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    spread = np.abs(centred).max(axis=1)
    free: list[int] = []
    for target in np.flatnonzero(spread).tolist():
        scaled = (centred[free] / spread[free, None]).T
        solved = np.linalg.lstsq(scaled, centred[target] / spread[target])[0]
        if np.abs(centred[target] / spread[target] - scaled @ solved).max() > NEAR:
            free.append(target)
            continue
        factors = solved * spread[target] / spread[free]
        whole = np.rint(factors)
        off = rows[target] - whole @ rows[free]
        near = np.abs(off).max() <= NEAR * np.abs(rows[[target, *free]]).max()
        if near and np.abs(whole).max() <= 1 and np.abs(factors - whole).max() <= 1e3 * NEAR:
            yield target, {free[i]: float(whole[i]) for i in np.flatnonzero(whole)}


def _write_sum(terms: list[tuple[str, float]]) -> str:
    added = [quote(name) for name, factor in terms if factor > 0]
    taken = [quote(name) for name, factor in terms if factor < 0]
    return " - ".join([" + ".join(added) or "0", *taken])


def find_clock_sums(look: Look) -> Iterator[Equality]:
    """Propose times of day that another one gives with some minutes added, or an hour and a minute."""
    numbers = look.listed(("number",))
    clocks = [column for column in numbers if column.format == "HHMM"]
    plain = [column for column in numbers if column.format != "HHMM" and column.integer]
    for target in clocks:
        values = look.numbers(target.name)[look.shuffle]
        start = int(np.nanmax(values) == 2400)
        yield from _hours_and_minutes(look, target, values, plain)
        for other, number in ((a, b) for a in clocks for b in plain if a is not target):
            for sign in (1, -1):
                whole = (
                    _minutes(look.numbers(other.name)[look.shuffle])
                    + sign * look.numbers(number.name)[look.shuffle]
                )
                made = (whole - start) % DAY + start
                if _agree(look, made, _minutes(values)):
                    yield Equality(target.name, _write_clock(other, number, sign, start, whole))


def _hours_and_minutes(look: Look, target: Column, values: Array, plain: list[Column]) -> Iterator[Equality]:
    low = {c.name: float(np.nanmin(look.numbers(c.name))) for c in plain}
    top = {c.name: float(np.nanmax(look.numbers(c.name))) for c in plain}
    fitting = [c for c in plain if low[c.name] >= 0 and top[c.name] < 60]
    for hour, minute in permutations(fitting, 2):
        made = 100 * look.numbers(hour.name)[look.shuffle] + look.numbers(minute.name)[look.shuffle]
        if top[hour.name] <= 24 and _agree(look, made, values):
            yield Equality(target.name, f"100 * {quote(hour.name)} + {quote(minute.name)}")


def _minutes(values: Array) -> Array:
    return values // 100 * 60 + values % 100


def _agree(look: Look, made: Array, values: Array) -> bool:
    known = ~np.isnan(made) & ~np.isnan(values)
    return bool(known.any()) and float((made[known] != values[known]).mean()) <= look.limit


def _write_clock(other: Column, number: Column, sign: int, start: int, whole: Array) -> str:
    """Write minutes of the day modulo a day, and then as HHMM; SQL's remainder takes the sign of its left side."""
    days = max(int(np.ceil((start - float(np.nanmin(whole))) / DAY)), 0) + 1
    clock = quote(other.name)
    added = f"{'+' if sign > 0 else '-'} {quote(number.name)} + {days * DAY - start}"
    of_day = f"((floor({clock} / 100) * 60 + {clock} % 100 {added}) % {DAY}"
    of_day += f" + {start})" if start else ")"
    return f"{of_day} + 40 * floor({of_day} / 60)"
