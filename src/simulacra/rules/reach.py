"""Which columns of other tables a row can read: those of the rows that it refers to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulacra.errors import SchemaError, unknown
from simulacra.rule import Rule
from simulacra.rules.kinds.aggregate import Aggregate
from simulacra.rules.kinds.reference import ReferenceRule


@dataclass(frozen=True)
class Reach:
    """A table, and by which names it reaches others.

    Parameters
    ----------
    table : str
        The table.
    targets : mapping
        The table behind each name: that of the table itself, or the role that a reference is given.
    """

    table: str
    targets: Mapping[str, str]


def resolve(name: str, reach: Reach, columns: Mapping[str, Sequence[str]], place: str) -> tuple[str, str]:
    """Find the table and the column behind a name: ``price``, or ``products.price`` of the row that is referred to.

    Parameters
    ----------
    name : str
        As a rule names it.
    reach : Reach
        Of the table that the rule stands in.
    columns : mapping
        The columns of every table.
    place : str
        Where the rule stands, for messages.

    Returns
    -------
    (str, str)
        Table and column.

    Raises
    ------
    SchemaError
        There is no such column, or no reference leads to its table.

    Examples
    --------
    >>> resolve("p.price", Reach("lines", {"p": "products"}), {"lines": ["n"], "products": ["price"]}, "here")
    ('products', 'price')
    """
    own = columns[reach.table]
    found = _same(name, own)
    if found is not None:
        return reach.table, found
    alias, dot, column = name.partition(".")
    known = _same(alias, list(reach.targets)) if dot else None
    if known is not None:
        other = reach.targets[known]
        theirs = _same(column, columns[other])
        if theirs is None:
            raise SchemaError(f"{place}: table {other!r}: {unknown('column', column, columns[other])}")
        return other, theirs
    if dot:
        names = ", ".join(reach.targets) or "none"
        raise SchemaError(
            f"{place}: {name!r}: no reference of table {reach.table!r} goes by {alias!r}. There are: {names}."
        )
    raise SchemaError(f"{place}: {unknown('column', name, own)}")


def read_by_others(
    rule: Rule, columns: Mapping[str, Sequence[str]], place: str
) -> tuple[tuple[str, str], ...]:
    """List what a rule reads of other tables without naming them in the row: children, and who decides on them.

    Parameters
    ----------
    rule : Rule
        Any rule.
    columns : mapping
        The columns of every table.
    place : str
        Where it stands, for messages.

    Raises
    ------
    SchemaError
        There is no such table or column.

    Examples
    --------
    >>> from simulacra.rules.words import read_rule
    >>> rule = read_rule({"aggregate": {"of": "lines", "sum": "price"}}, "here")
    >>> read_by_others(rule, {"orders": ["total"], "lines": ["price"]}, "here")
    (('lines', 'price'),)
    """
    if isinstance(rule, Aggregate):
        table, names = rule.child, rule.child_needs
    elif isinstance(rule, ReferenceRule):
        table, names = rule.table, rule.wanted
    else:
        return ()
    if table not in columns:
        raise SchemaError(f"{place}: {unknown('table', table, list(columns))}")
    # what leads out of the other table is found where its own rules are read
    return tuple(
        resolve(name, Reach(table, {}), columns, place) for name in names if _is_near(name, columns[table])
    )


def _is_near(name: str, own: Sequence[str]) -> bool:
    return _same(name, own) is not None or "." not in name


def _same(name: str, names: Sequence[str]) -> str | None:
    if name in names:
        return name
    alike = [one for one in names if one.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None
