"""What columns of one row keep with a column that a rule over several tables changes: it has to hold afterwards too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulacra.mining._equalities import find_equalities, linked
from simulacra.mining._look import Found as Inside
from simulacra.mining._look import Look, quote
from simulacra.mining._orders import find_orders
from simulacra.privacy.protection import HOLDERS
from simulacra.relational.mining.ways import Found, Search
from simulacra.schema.breaches import columns_of, formula_of
from simulacra.schema.constraints import Check, Constraint, Equality

KINDS = ("number", "date", "datetime", "time", "duration")


def follow_equalities(search: Search, table: str) -> None:
    """Find the columns of a table that columns which are computed last give, in the same row.

    With ``unit_price = products.price`` computed last, ``amount = quantity * unit_price`` is no longer what was learnt
    of a row: it becomes a rule of its own, computed after the price.
    """
    given = {name for own, name in search.given if own == table}
    look = _look(search, table)
    if not given & set(look.table.names):
        return
    for one in _equalities(search, table):
        for rule in _solved(one.constraint, look):
            reads = frozenset((table, name) for name in formula_of(rule, look.table).columns)
            if given & {name for _, name in reads} and search.may_give(table, rule.column, reads):
                search.add(Found(table, rule, rule.column, reads, one.support, len(look)), gives=True)
                given.add(rule.column)
                break


def follow_orders(search: Search, table: str) -> None:
    """Find what must stay in order with columns of a table that a rule over several tables changes."""
    changed = {name for own, name in (*search.given, *search.moved) if own == table}
    if not changed & set(_look(search, table).table.names):
        return
    known = {str(rule) for rule in search.schema.table(table).constraints}
    for one, names in inner_orders(search, table):
        free = [name for name in names if (table, name) not in search.given]
        # what moves is a column that nothing else moves, if there is one
        free.sort(key=lambda name: (table, name) in search.moved)
        if not free or not set(names) & changed or str(one.constraint) in known:
            continue
        reads = frozenset((table, name) for name in names if name != free[0])
        if search.may_move(table, free[0], reads):
            search.add(
                Found(table, one.constraint, free[0], reads, one.support, len(_look(search, table))),
                gives=False,
            )


def inner_orders(search: Search, table: str) -> list[tuple[Inside, tuple[str, ...]]]:
    """List the orders of two columns that all rows of a table keep, with the columns."""
    if table not in search.orders:
        look = _look(search, table)
        pairs = linked(list(_equalities(search, table)), look)
        search.orders[table] = [
            (one, columns_of(one.constraint, look.table))
            for one in find_orders(look, pairs)
            if isinstance(one.constraint, Check)
        ]
    return search.orders[table]


def _equalities(search: Search, table: str) -> list[Inside]:
    if table not in search.equalities:
        search.equalities[table] = list(find_equalities(_look(search, table)))
    return search.equalities[table]


def _look(search: Search, table: str) -> Look:
    if table not in search.looks:
        columns = tuple(column for column in search.columns(table) if column.kind in KINDS)
        frame = search.frames[table].select(column.name for column in columns)
        own = replace(
            search.schema.table(table),
            columns=columns,
            key=(),
            references=(),
            constraints=(),
            weight=None,
            order=None,
        )
        search.looks[table] = Look(frame, own, 0.0, HOLDERS)
    return search.looks[table]


def _solved(rule: Constraint, look: Look) -> Iterator[Equality]:
    """Write an equality for each column that it gives exactly."""
    if not isinstance(rule, Equality):
        return
    yield rule
    reads = formula_of(rule, look.table).columns
    target = quote(rule.column)
    if len(reads) == 1 and rule.sql == quote(reads[0]):
        yield Equality(reads[0], target)
    elif len(reads) == 2 and rule.sql == f"{quote(reads[0])} + {quote(reads[1])}":
        yield Equality(reads[0], f"{target} - {quote(reads[1])}")
        yield Equality(reads[1], f"{target} - {quote(reads[0])}")
