"""Searches for orders: columns that are never above others, and columns that only rise with another one."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from simulacra.domain import Array
from simulacra.mining._look import FEWEST, ORDERED, Found, Look, quote
from simulacra.schema.constraints import Check, Monotone
from simulacra.schema.types import Column

BROKEN = 0.05
"""Share of randomly paired rows that must break an order, else it says nothing."""
FALLS = 0.2
"""Share of steps that must go either way in the order of the rows' other columns, else a rise says nothing."""
GROUPS = 12
"""Columns at most that are tried as groups of a rise."""


def find_orders(
    look: Look, linked: Collection[frozenset[str]], copies: Collection[str] = ()
) -> Iterator[Found]:
    """Find pairs of comparable columns of which one is never above the other.

    An order counts if pairing the rows at random would break it, and if the two columns lie in the same range.
    """
    columns = [c for c in look.listed(ORDERED) if c.format != "HHMM" and c.name not in copies]
    held: dict[tuple[str, str], Found] = {}
    for low in columns:
        for high in columns:
            if low is high or _label(low) != _label(high) or frozenset((low.name, high.name)) in linked:
                continue
            found = _order(look, low.name, high.name)
            if found is not None:
                held[low.name, high.name] = found
    whole = {name for pair in held for name in pair if not np.isnan(look.numbers(name)).any()}
    for (low_name, high_name), found in held.items():
        middle = {b for a, b in held if a == low_name} & {a for a, b in held if b == high_name} & whole
        follows = any(held[low_name, m].exceptions + held[m, high_name].exceptions == 0 for m in middle)
        if not follows:
            yield found


def _label(column: Column) -> object:
    return (column.kind, column.unit, column.timezone is None)


def _order(look: Look, low: str, high: str) -> Found | None:
    below, above = look.numbers(low)[look.shuffle], look.numbers(high)[look.shuffle]
    both = ~np.isnan(below) & ~np.isnan(above)
    if both.sum() < FEWEST or (below > above)[both].mean() > look.limit or not (below < above)[both].any():
        return None
    turned = np.roll(below, 1)
    known = ~np.isnan(turned) & ~np.isnan(above)
    chance = float((turned > above)[known].mean()) if known.any() else 0.0
    if chance < BROKEN or not _overlap(below[both], above[both]):
        return None
    test = "<" if _is_sharp(look.numbers(high) - look.numbers(low)) else "<="
    constraint = Check(f"{quote(low)} {test} {quote(high)}")
    broken = look.breaks(constraint)
    if broken is None:
        return None
    rows = int((~np.isnan(look.numbers(low)) & ~np.isnan(look.numbers(high))).sum())
    why = f"pairing rows at random would break it in {100 * chance:.0f} % of them"
    return Found(constraint, rows - broken, broken, why)


def _overlap(below: Array, above: Array) -> bool:
    """Tell whether the middle of either lies in the range of the other: else they only differ in size."""
    ends = [np.quantile(values, (0.005, 0.5, 0.995)) for values in (below, above)]
    return bool(ends[0][1] >= ends[1][0] and ends[1][1] <= ends[0][2])


def _is_sharp(gap: Array) -> bool:
    """Tell whether equal values are missing though the smallest step between the two is common."""
    known = gap[~np.isnan(gap) & (gap >= 0)]
    if not len(known) or (known == 0).any():
        return False
    return int((known == known.min()).sum()) >= FEWEST


def find_rises(
    look: Look, linked: Collection[frozenset[str]], given: Collection[str] = ()
) -> Iterator[Found]:
    """Find columns that never fall (or rise) as a moment or a counter rises, in all rows or within groups.

    A rise counts if the values go up and down where rows are not sorted, and take enough steps where they are.
    """
    orders = [c for c in look.table.columns if c.kind in {"date", "datetime"} and c.name not in given]
    orders += [c for c in look.table.columns if _counts(look, c)]
    values = [c for c in look.listed(ORDERED) if c.name not in given]
    said: set[frozenset[str]] = set()
    groups = [c for c in look.listed(("category", "key", "number")) if _is_group(look, c)][:GROUPS]
    for order in orders[:4]:
        settled: set[str] = set()
        for by in ((), *((group.name,) for group in groups)):
            for value in values:
                names = (value.name, order.name, *by)
                if len(set(names)) < len(names) or value.name in settled or _is_linked(names, linked):
                    continue
                if frozenset(names) in said:
                    continue
                found = _rise(look, value.name, order.name, by)
                if found is not None:
                    settled.add(value.name)
                    said.add(frozenset(names))
                    yield found


def _counts(look: Look, column: Column) -> bool:
    """Tell whether a whole number may be a counter: nearly as many values as rows."""
    return column.integer and column.kind in {"number", "key"} and look.size(column.name) > 0.5 * len(look)


def _is_group(look: Look, column: Column) -> bool:
    codes = column.kind == "category" or column.integer
    return codes and 2 <= look.size(column.name) <= len(look) / 4


def _is_linked(names: tuple[str, ...], linked: Collection[frozenset[str]]) -> bool:
    return any(frozenset((a, b)) in linked for a in names for b in names if a != b)


def _rise(look: Look, value: str, order: str, by: tuple[str, ...]) -> Found | None:
    steps, ends = _steps(look, value, order, by)
    moved = steps[steps != 0]
    if len(moved) < FEWEST or len(moved) < 0.02 * ends:
        return None
    up = float((moved > 0).mean())
    if min(up, 1 - up) > 2 * look.limit or not _varies(look, value, by):
        return None
    falling = up < 0.5
    constraint = Monotone(value, order, by, strict=bool((steps != 0).all()), falling=falling)
    broken = look.breaks(constraint)
    if broken is None:
        return None
    verb = "falls" if falling else "rises"
    return Found(
        constraint,
        len(moved) - broken,
        broken,
        f"it {verb} in {len(moved) - broken:,} of {len(moved):,} steps",
    )


def _steps(look: Look, value: str, order: str, by: tuple[str, ...]) -> tuple[Array, int]:
    """Return the changes of a value from one moment to the next, within groups."""
    numbers, moments = look.numbers(value), look.numbers(order)
    groups = look.codes(by[0]) if by else np.zeros(len(look), dtype=np.int64)
    known = np.flatnonzero(~np.isnan(numbers) & ~np.isnan(moments))
    known = known[np.lexsort((numbers[known], moments[known], groups[known]))]
    next_moment = (np.diff(groups[known]) == 0) & (np.diff(moments[known]) > 0)
    return np.diff(numbers[known])[next_moment], int(next_moment.sum())


def _varies(look: Look, value: str, by: tuple[str, ...]) -> bool:
    """Tell whether the value goes up and down within groups when rows are in no order: else nothing rises."""
    rows = look.shuffle
    groups = look.codes(by[0])[rows] if by else np.zeros(len(rows), dtype=np.int64)
    rows = rows[np.argsort(groups, kind="stable")]
    change = np.diff(look.numbers(value)[rows])[np.diff(np.sort(groups, kind="stable")) == 0]
    change = change[np.nan_to_num(change) != 0]
    return len(change) >= FEWEST // 3 and FALLS < float((change > 0).mean()) < 1 - FALLS
