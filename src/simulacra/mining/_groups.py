"""Searches among values: what is unique, what determines what, combinations that never occur, one-hot groups."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

import numpy as np

from simulacra.domain import Array
from simulacra.mining._look import CODED, FEWEST, Found, Look
from simulacra.schema.constraints import Combination, Determines, OneHot, Unique
from simulacra.schema.types import Column

GROUP = 10
"""Rows that a group of equal values has on average, below which what it determines proves nothing."""
LEVELS = 300
EMPTY = 0.25
"""Share of rows that chance would put into combinations that never occur."""
PAIRED = 10
"""Columns at most of which pairs are tried as a source: those with the fewest values."""
DIGITS = 31
"""Values at most of a number or date that may be one of two sources: more are a measure, and single rows out."""
ALONE = 0.9
"""Different values, as a share of the rows, above which a column is a key by itself or none, and part of no pair."""
PAIRS = 25
"""Columns at most of which pairs are tried as a key."""


def find_unique(look: Look) -> Iterator[Found]:
    """Find columns, and pairs of columns, that differ in every row though chance would repeat them."""
    known = [set(look.table.key)] if look.table.key else []
    known += [{column.name} for column in look.table.columns if column.kind == "key"]
    listed = [c for c in look.table.columns if c.name != look.table.weight and _is_discrete(c)]
    listed = [c for c in listed if look.size(c.name) > 1]
    for column in listed:
        if {column.name} not in known and look.size(column.name) > ALONE * len(look):
            found = _unique(look, (column.name,), _repeats_of_range(look, column))
            if found is not None:
                known.append({column.name})
                yield found
    # with a column that hardly repeats, any other one makes a pair that does not
    keyless = [
        c
        for c in listed
        if look.size(c.name) <= ALONE * look.filled(c.name) and not any(key <= {c.name} for key in known)
    ]
    for first, second in combinations(sorted(keyless, key=lambda c: -look.size(c.name))[:PAIRS], 2):
        names = tuple(n for n in look.table.names if n in {first.name, second.name})
        if look.size(first.name) * look.size(second.name) < len(look) or any(
            key <= set(names) for key in known
        ):
            continue
        found = _unique(look, names, look.agreeing(names))
        if found is not None:
            known.append(set(names))
            yield found


def _is_discrete(column: Column) -> bool:
    return column.kind in {"category", "date", "datetime"} or (
        column.kind in {"number", "key"} and column.integer
    )


def _repeats_of_range(look: Look, column: Column) -> float:
    """Return how many pairs would agree if the values were drawn evenly from their range."""
    if column.kind == "category":
        return 0.0
    numbers = look.numbers(column.name)
    span = float(np.nanmax(numbers) - np.nanmin(numbers)) + 1
    return len(look) * (len(look) - 1) / 2 / span


def _unique(look: Look, names: tuple[str, ...], expected: float) -> Found | None:
    if expected < FEWEST:
        return None
    broken = look.breaks(Unique(names))
    if broken is None or broken > 0.1 * expected:
        return None
    why = f"by chance about {expected:,.0f} pairs of rows would agree"
    return Found(Unique(names), len(look) - broken, broken, why)


def find_determined(look: Look, linked: Collection[frozenset[str]]) -> Iterator[Found]:
    """Find columns that another one determines, or two others, those of one source together."""
    columns = [c.name for c in look.listed(CODED) if not (c.kind == "number" and not c.integer)]
    done: set[frozenset[str]] = set()
    for source in columns:
        targets = [c for c in columns if c != source and frozenset((source, c)) not in linked]
        found = list(_determined(look, (source,), targets))
        done |= {frozenset((source, name)) for one in found for name in one.constraint.columns}
        yield from found
    sources = [c for c in columns if look.table[c].kind == "category" or look.size(c) <= DIGITS]
    small = sorted((c for c in sources if look.size(c) > 2), key=look.size)[:PAIRED]
    for first, second in combinations(sorted(small, key=columns.index), 2):
        if frozenset((first, second)) in done:
            continue
        targets = [
            c
            for c in columns
            if c not in {first, second}
            and not any({frozenset((c, s))} & (done | {*linked}) for s in (first, second))
        ]
        yield from _determined(look, (first, second), targets)


def _determined(look: Look, by: tuple[str, ...], targets: list[str]) -> Iterator[Found]:
    source = look.codes(by[0])
    for name in by[1:]:
        source = source * look.size(name) + look.codes(name)
    groups = int((np.bincount(source) > 0).sum())
    if groups * GROUP > len(look):
        return
    tried = [(name, _depends(look, by, source, groups, name)) for name in targets]
    found = [(name, *told) for name, told in tried if told is not None]
    # what is broken now and then is told by itself, what always holds together
    clean = [one for one in found if not one[1]]
    if clean:
        yield _say(look, by, tuple(name for name, _, _ in clean), 0, min(chance for _, _, chance in clean))
    for name, broken, chance in found:
        if broken:
            yield _say(look, by, (name,), broken, chance)


def _say(look: Look, by: tuple[str, ...], names: tuple[str, ...], broken: int, chance: float) -> Found:
    why = f"by chance about {chance:,.0f} rows would differ from their group"
    return Found(Determines(by, names), len(look) - broken, broken, why)


def _depends(
    look: Look, by: tuple[str, ...], source: Array, groups: int, target: str
) -> tuple[int, float] | None:
    """Return the rows that break a dependency, and those that would by chance; None if it is none."""
    # with more targets than groups as many rows break it, at the least, as there are targets too many
    if look.size(target) - groups > look.share * len(look):
        return None
    rows = look.glance
    pairs, counts = np.unique(source[rows] * look.size(target) + look.codes(target)[rows], return_counts=True)
    homes = np.unique(pairs // look.size(target), return_inverse=True)[1]
    most = np.zeros(len(homes), dtype=np.int64)
    np.maximum.at(most, homes, counts)
    if len(rows) - int(most.sum()) > look.limit * len(rows):
        return None
    # rows whose neighbour in the group would differ if the target did not depend on the source
    chance = (len(look) - groups) * (1 - look.alike(target))
    rest = len(look) - int(look.counts(target).max())
    if chance < FEWEST or rest < FEWEST:
        return None
    broken = look.breaks(Determines(by, (target,)))
    return (broken, chance) if broken is not None and broken <= 0.05 * rest else None


def find_combinations(look: Look, determined: Collection[frozenset[str]]) -> Iterator[Found]:
    """Find pairs of categories many of whose combinations never occur though chance would make them."""
    columns = [c for c in look.listed(("category", "boolean")) if look.size(c.name) <= LEVELS]
    for first, second in combinations(columns, 2):
        names = (first.name, second.name)
        if frozenset(names) in determined or first.sensitive or second.sensitive:
            continue
        sizes = look.size(first.name), look.size(second.name)
        if sizes[0] * sizes[1] * 5 > len(look) or min(sizes) < 3:
            continue
        key = look.codes(first.name) * sizes[1] + look.codes(second.name)
        table = np.bincount(key, minlength=sizes[0] * sizes[1]).reshape(sizes)
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(look)
        empty = float(expected[table == 0].sum())
        if empty < EMPTY * len(look) or empty < FEWEST:
            continue
        few = int(table[(table > 0) & (table < look.holders)].sum())
        if few > look.share * len(look):
            continue
        why = (
            f"{int((table == 0).sum()):,} of {table.size:,} combinations never occur, into which chance would put "
            f"{100 * empty / len(look):.0f} % of the rows; {few:,} rows hold one that is too rare to be given out"
        )
        yield Found(Combination(names), len(look) - few, few, why)


def find_one_hot(look: Look) -> Iterator[Found]:
    """Find groups of columns of which exactly one is true, in the order of the table."""
    flags = {c.name: look.frame[c.name].cast(int).fill_null(-1).to_numpy() for c in _flags(look)}
    left = list(flags)
    while left:
        group = [left.pop(0)]
        taken = flags[group[0]] == 1
        for name in list(left):
            hits = flags[name] == 1
            if (taken & hits).mean() <= look.share and taken.sum() * hits.sum() / len(look) >= 1:
                group.append(name)
                taken = taken | hits
        if len(group) < 2:
            continue
        broken = look.breaks(OneHot(tuple(group)))
        shares = np.array([(flags[name] == 1).mean() for name in group])
        chance = 1 - float((shares / np.maximum(1 - shares, 1e-9)).sum() * np.prod(1 - shares))
        if broken is not None and chance * len(look) >= FEWEST:
            left = [name for name in left if name not in group]
            why = f"independent columns would break it in {100 * chance:.0f} % of the rows"
            yield Found(OneHot(tuple(group)), len(look) - broken, broken, why)


def _flags(look: Look) -> list[Column]:
    """List columns that are true or false, or only 0 and 1."""
    return [
        c
        for c in look.table.columns
        if look.size(c.name) > 1 and (c.kind == "boolean" or _is_binary(look, c))
    ]


def _is_binary(look: Look, column: Column) -> bool:
    if column.kind != "number" or not column.integer or look.size(column.name) > 3:
        return False
    return set(look.frame[column.name].drop_nulls().unique().to_list()) == {0, 1}
