"""Searches for columns that others give: copies, sums, differences, products, days between dates, parts of dates."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations

import numpy as np

from simulacra.domain import Array
from simulacra.mining._arithmetic import find_clock_sums, find_long_sums
from simulacra.mining._look import FEWEST, Found, Look, quote
from simulacra.schema.breaches import formula_of, tolerance
from simulacra.schema.constraints import Equality
from simulacra.schema.types import Column, Table

FIRST = 300
"""Rows that all sums and products of two columns are tried on."""
PARTS = ("year", "quarter", "month", "week", "day", "isodow", "dow", "hour", "minute")


def find_equalities(look: Look) -> Iterator[Found]:
    """Find columns that an expression over one or two others gives; each column once, by the shortest expression.

    An equality counts if pairing the rows at random would break it.
    """
    given: set[str] = set()
    used: set[frozenset[str]] = set()
    # what has been found by then leaves less to try
    for equality in chain(_candidates(look), _lazily(look, given)):
        reads = formula_of(equality, look.table).columns
        family = frozenset((equality.column, *reads))
        # a = b + c says b = a - c too, and what rests on a column that rests on it says nothing
        if equality.column in given or family in used:
            continue
        found = _confirm(look, equality, reads)
        if found is not None:
            given.add(equality.column)
            used.add(family)
            yield found


def _lazily(look: Look, given: set[str]) -> Iterator[Equality]:
    yield from find_long_sums(look, given)


def _candidates(look: Look) -> Iterator[Equality]:
    yield from _copies(look)
    yield from _date_parts(look)
    yield from _differences_of_dates(look)
    yield from _sums_and_products(look)
    yield from find_clock_sums(look)


def _confirm(look: Look, equality: Equality, reads: tuple[str, ...]) -> Found | None:
    broken = look.breaks(equality)
    if broken is None:
        return None
    left = look.frame[equality.column]
    right = formula_of(equality, look.table).evaluate(look.frame)
    both = (left.is_not_null() & right.is_not_null()).to_numpy()
    rows = look.shuffle[both[look.shuffle]]
    if int(both.sum()) < FEWEST or len(rows) < FEWEST:
        return None
    turned = look.frame.select(
        left.gather(np.roll(rows, 1)).alias(equality.column),
        *(look.frame[name].gather(rows) for name in reads),
    )
    trial = Look(turned, Table("t", tuple(look.table[n] for n in turned.columns)), 1.0, look.holders)
    chance = (trial.breaks(equality) or 0) / len(rows)
    if chance * int(both.sum()) < FEWEST or chance < 0.2:
        return None
    why = f"pairing rows at random would break it in {100 * chance:.0f} % of them"
    return Found(equality, int(both.sum()) - broken, broken, why)


def _copies(look: Look) -> Iterator[Equality]:
    columns = look.listed(("number", "category", "boolean", "date", "datetime", "time", "duration"))
    for first, second in combinations(columns, 2):
        if (first.kind, first.timezone) != (second.kind, second.timezone):
            continue
        values = look.frame.select(first.name, second.name)[look.glance]
        same = (values[:, 0] == values[:, 1]).drop_nulls()
        if len(same) >= FEWEST and 1 - float(same.mean() or 0.0) <= look.limit:  # type: ignore[arg-type]
            yield Equality(second.name, quote(first.name))


def _date_parts(look: Look) -> Iterator[Equality]:
    numbers = [column for column in look.listed(("number",)) if column.integer]
    for column in look.listed(("date", "datetime")):
        for part in PARTS[: 7 if column.kind == "date" else None]:
            sql = f"extract({part} from {quote(column.name)})"
            for number in numbers:
                equality = Equality(number.name, sql)
                if _holds_at_first(look, equality):
                    yield equality


def _differences_of_dates(look: Look) -> Iterator[Equality]:
    numbers = [column for column in look.listed(("number",)) if column.integer]
    dates = look.listed(("date",))
    for start in dates:
        for end in dates:
            if start is not end:
                for number in numbers:
                    equality = Equality(number.name, f"{quote(end.name)} - {quote(start.name)}")
                    if _holds_at_first(look, equality):
                        yield equality


def _holds_at_first(look: Look, equality: Equality) -> bool:
    rows = look.frame.select(equality.columns)[look.glance[:FIRST]]
    trial = Look(rows, Table("t", tuple(look.table[name] for name in rows.columns)), 1.0, look.holders)
    return (trial.breaks(equality) or 0) <= look.limit * len(rows)


def _sums_and_products(look: Look) -> Iterator[Equality]:
    """Try every sum and product of two columns against all columns at once, on a few rows."""
    columns = [column for column in look.listed(("number",)) if column.format != "HHMM"]
    if len(columns) < 3:
        return
    rows = look.shuffle[:FIRST]
    values = np.array([look.numbers(column.name)[rows] for column in columns])
    allowed = np.array([_slack(column, line) for column, line in zip(columns, values, strict=True)])
    for a, b in combinations(range(len(columns)), 2):
        for sign, result in (("+", values[a] + values[b]), ("*", values[a] * values[b])):
            for target in _matching(values, allowed, result, look.limit, {a, b}):
                left, right = quote(columns[a].name), quote(columns[b].name)
                sql = f"{left} {sign} {right}"
                whole = columns[target].integer and not (columns[a].integer and columns[b].integer)
                yield Equality(columns[target].name, f"round({sql})" if whole else sql)


def _slack(column: Column, values: Array) -> Array:
    within = tolerance(Equality(column.name, "0"), column)
    if column.integer:
        within = 0.5
    return np.abs(values) * 1e-9 + (1e-12 if within is None else within)


def _matching(values: Array, allowed: Array, result: Array, limit: float, parts: set[int]) -> Iterator[int]:
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(values) & ~np.isnan(result)
        off = (np.abs(values - result) > allowed) & known
    # zeros prove nothing: a sum of zeros and a product with zero always fit
    moved = known & (values != 0) & (result != 0)
    for target in np.flatnonzero(
        (off.sum(axis=1) <= limit * known.sum(axis=1)) & (moved.sum(axis=1) >= FEWEST)
    ):
        if int(target) not in parts and len(np.unique(values[target][moved[target]])) > 2:
            yield int(target)


def linked(found: list[Found], look: Look) -> set[frozenset[str]]:
    """List the pairs of columns that equalities hold together, of which orders and rises say nothing new."""
    pairs: set[frozenset[str]] = set()
    for one in found:
        if isinstance(one.constraint, Equality):
            reads = formula_of(one.constraint, look.table).columns
            pairs |= {frozenset((one.constraint.column, name)) for name in reads}
    return pairs


def copies(found: list[Found], look: Look) -> set[str]:
    """List the columns that repeat another one."""
    return {
        one.constraint.column
        for one in found
        if isinstance(one.constraint, Equality)
        and one.constraint.sql in {quote(name) for name in formula_of(one.constraint, look.table).columns}
    }
