"""References of several columns: columns that together differ in every row, and that another table has too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, islice, product

import polars as pl

from simulacra.schema._link_names import is_date_part, is_measure, is_place, words_of
from simulacra.schema._link_values import Side, may_be_key
from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema, Table

Place = tuple[str, str]

_MAX_PARTS = 12
_MAX_SIZE = 6
_MAX_WAYS = 12
_LOOK = 20_000
_LEAST_SHARE = 0.8
_EXPECTED_TWINS = 5.0


@dataclass(frozen=True, slots=True)
class Tuples:
    """Several columns held against the composite key of a table."""

    table: str
    reference: Reference
    rows: int
    nulls: int
    orphans: int
    coverage: float
    evidence: str


def find_tuples(
    frames: Mapping[str, pl.DataFrame], schema: Schema, sides: list[Side], pairs: Mapping[Place, Place]
) -> list[Tuples]:
    """Find references of several columns to tables that no single column identifies.

    Parameters
    ----------
    frames, schema
        As in `find_links`.
    sides : list of Side
        The columns of `schema` whose values may be compared.
    pairs : mapping
        The references of one column: from table and column to table and column.
    """
    known = {side.place: side for side in sides}
    single = {side.table.name for side in sides if may_be_key(side)}
    found: list[Tuples] = []
    taken = {(table.name, reference.table) for table in schema.tables for reference in table.references}
    for table in schema.tables:
        if table.name not in frames or (table.name in single and len(table.key) < 2):
            continue
        parts = list(islice((name for name in table.names if _may_be_part(table, name, known)), _MAX_PARTS))
        for child in schema.tables:
            if child is table or child.name not in frames or (child.name, table.name) in taken:
                continue
            ways = {name: list(_counterparts(child, table, name, known, pairs)) for name in parts}
            shared = [name for name in parts if ways[name]]
            keys = [table.key] if len(table.key) > 1 else find_keys(frames[table.name], shared)
            best = _best(child, table, [key for key in keys if set(key) <= set(shared)], ways, known)
            if best is not None and not _is_reversed(best, found):
                found.append(best)
    return found


def find_keys(frame: pl.DataFrame, names: list[str]) -> list[tuple[str, ...]]:
    """Find the smallest sets of columns, all of one size, that together differ in every row and not by chance.

    Examples
    --------
    >>> frame = pl.DataFrame({"x": [i // 9 for i in range(90)], "y": [i % 9 for i in range(90)], "z": [0] * 90})
    >>> find_keys(frame, ["x", "y", "z"])
    [('x', 'y')]
    """
    if len(names) < 2 or len(frame) < 2:
        return []
    look = frame.select(names).gather_every(max(1, len(frame) // _LOOK))
    twins = {name: _twins(look[name]) for name in names}
    for size in range(2, min(len(names), _MAX_SIZE) + 1):
        found = []
        for group in combinations(names, size):
            expected = len(frame) ** 2 / 2.0
            for name in group:
                expected *= twins[name]
            if expected < _EXPECTED_TWINS or look.select(group).is_duplicated().any():
                continue
            if frame.select(group).n_unique() == len(frame):
                found.append(group)
        if found:
            return found
    return []


def _twins(values: pl.Series) -> float:
    """Return the share of the pairs of rows that hold the same value."""
    counts = values.value_counts(name="rows")["rows"].cast(pl.Float64)
    return float((counts * (counts - 1)).sum()) / max(len(values) * (len(values) - 1), 1)


def _may_be_part(table: Table, name: str, known: Mapping[Place, Side]) -> bool:
    """Tell whether a column may be a part of a key: always there, and no quantity."""
    side = known.get((table.name, name))
    if side is None or side.nulls:
        return False
    kind = side.column.kind
    return kind in {"key", "category", "date", "datetime"} or (
        kind == "number" and (is_date_part(name) or is_place(name) or not is_measure(name))
    )


def _counterparts(
    child: Table, table: Table, name: str, known: Mapping[Place, Side], pairs: Mapping[Place, Place]
) -> Iterator[str]:
    """Yield the columns of another table that may stand for a part: of the same name, or leading to the same rows."""
    part = known[table.name, name]
    words, leads = words_of(name), pairs.get((table.name, name))
    for column in child.names:
        side = known.get((child.name, column))
        if side is None or side.family != part.family:
            continue
        own = words_of(column)
        if (
            column.casefold() == name.casefold()
            or (leads is not None and pairs.get(side.place) == leads)
            or pairs.get(side.place) == part.place
            or (len(words) > 0 and len(own) > len(words) and own[-len(words) :] == words)
        ):
            yield column


def _best(
    child: Table,
    table: Table,
    keys: list[tuple[str, ...]],
    ways: Mapping[str, list[str]],
    known: Mapping[Place, Side],
) -> Tuples | None:
    """Return the reference with the fewest orphans among all ways to match columns; equal names first."""
    best: tuple[tuple[float, int], Tuples] | None = None
    for key in keys:
        for columns in islice(product(*(ways[name] for name in key)), _MAX_WAYS):
            if len(set(columns)) < len(columns):
                continue
            held = _hold(child, table, columns, key, known)
            if held is None:
                continue
            same = sum(a.casefold() == b.casefold() for a, b in zip(columns, key, strict=True))
            rank = (-round(held.orphans / max(held.rows - held.nulls, 1), 3), same)
            if best is None or rank > best[0]:
                best = rank, held
    return None if best is None else best[1]


def _hold(
    child: Table, table: Table, columns: tuple[str, ...], key: tuple[str, ...], known: Mapping[Place, Side]
) -> Tuples | None:
    names = [str(number) for number in range(len(key))]
    rows = pl.DataFrame([known[child.name, c].values.alias(n) for c, n in zip(columns, names, strict=True)])
    keys = pl.DataFrame([known[table.name, c].values.alias(n) for c, n in zip(key, names, strict=True)])
    valued = rows.drop_nulls()
    found = valued.join(keys, on=names, how="semi")
    if not len(valued) or len(found) < _LEAST_SHARE * len(valued):
        return None
    if (
        len(valued) == valued.n_unique()
        and len(child.columns) > 1
        and len(valued) >= len(keys)
        and len(found) < len(valued)
    ):
        return None  # the larger of two tables with the same kind of key is the one referred to
    orphans, distinct = len(valued) - len(found), found.n_unique()
    names_told = (
        "the names are the same"
        if columns == key
        else "the columns lead to the same rows or share their names"
    )
    held = (
        f"the columns {', '.join(key)} together differ in all {len(keys):,} rows of {table.name}; "
        + (
            f"all {len(valued):,} rows with a value name one of them"
            if not orphans
            else f"{orphans / len(valued):.1%} of the rows name no row there"
        )
        + f"; {names_told}"
    )
    reference = Reference(columns, table.name, key)
    return Tuples(
        child.name, reference, len(rows), len(rows) - len(valued), orphans, distinct / len(keys), held
    )


def _is_reversed(new: Tuples, found: list[Tuples]) -> bool:
    """Tell whether a link leads back where another one comes from."""
    return any(old.table == new.reference.table and old.reference.table == new.table for old in found)
