"""Conditional probability tables that are told: read, put in the order of codes, and held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import product
from typing import Any

import numpy as np

from simulacra._designing_columns import plan_column, read_shares, says_distribution
from simulacra._designing_plans import Planned, plan_levels, plan_ranges
from simulacra._designing_ranges import cut_ranges, is_range
from simulacra.domain import Array
from simulacra.errors import SchemaError, unknown
from simulacra.figures import Chances

_FEW = 200
"""Cells of a column without a table."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Table:
    """One table as it is told.

    Parameters
    ----------
    parents : tuple of str
        The columns that it is given.
    labels : tuple of str
        Of its own values.
    rows : dict
        Shares by the parents' labels.
    """

    parents: tuple[str, ...]
    labels: tuple[str, ...]
    rows: dict[tuple[str, ...], Array]


@dataclass(frozen=True, slots=True)
class Network:
    """Columns with the chances of their values, parents given.

    Parameters
    ----------
    columns : dict
        By name, in the order in which they are told.
    chances : tuple of Chances
        One for each column; parents are places among the columns.
    """

    columns: dict[str, Planned]
    chances: tuple[Chances, ...]


def plan_network(
    tables: Mapping[str, Any], columns: Mapping[str, Any], edges: Iterable[Sequence[str]] | None
) -> Network:
    """Make columns and chances of conditional probability tables.

    Parameters
    ----------
    tables : mapping
        By column: ``{"yes": 0.2, "no": 0.8}``, or ``{"given": ["rain"], "rows": [{"rain": "yes", "on": 0.01, "off":
        0.99}, ...]}`` with a row for each combination of the parents. Values that are ranges (``0-17``, ``65+``) make a
        number.
    columns : mapping
        Facts of columns (``{"age": {"bounds": [0, 99], "unit": "years"}}``), and distributions of columns that have
        no table.
    edges : iterable of (str, str) or None
        Parent and child; they must be those of the tables.

    Returns
    -------
    Network
        The columns with their chances.

    Raises
    ------
    SchemaError, UnknownName
        A table is not complete, its shares do not sum to 1, columns go in a circle, or edges contradict the tables.

    Examples
    --------
    >>> rows = [{"rain": "yes", "on": 0.1, "off": 0.9}, {"rain": "no", "on": 0.4, "off": 0.6}]
    >>> told = {"sprinkler": {"given": ["rain"], "rows": rows}, "rain": {"yes": 0.2, "no": 0.8}}
    >>> plan_network(told, {}, None).chances[0].table.tolist()
    [[0.1, 0.9], [0.4, 0.6]]
    """
    if not isinstance(tables, Mapping):
        raise SchemaError(
            f"tables are told by column, as in {{rain: {{yes: 0.2, no: 0.8}}}}, not as {tables!r}."
        )
    read = {str(name): _read_table(str(name), told) for name, told in tables.items()}
    alone = [str(name) for name in columns if str(name) not in read]
    for name in alone:
        if not says_distribution(columns[name]):
            raise SchemaError(f"column {name!r}: nothing tells its values. Add a table, or a distribution.")
    for name, table in read.items():
        for parent in table.parents:
            if parent not in read:
                _refuse_parent(name, parent, read, alone)
    if edges is not None:
        _compare_edges(edges, {name: table.parents for name, table in read.items()})
    order = _order({**dict.fromkeys(alone, ()), **{name: table.parents for name, table in read.items()}})
    planned: dict[str, Planned] = {}
    labels: dict[str, tuple[str, ...]] = {}
    found: dict[str, Chances] = {}
    told = [*read, *alone]
    for name in order:
        if name in alone:
            planned[name] = plan_column(name, columns[name], most=_FEW)
            found[name] = Chances((), planned[name].cells[0].chances())
            continue
        table = read[name]
        shares = _fill(name, table, [labels[parent] for parent in table.parents])
        planned[name], sorted_labels = _plan(name, columns.get(name, {}), table.labels, shares)
        labels[name] = sorted_labels
        at = [table.labels.index(label) for label in sorted_labels]
        places = tuple(told.index(parent) for parent in table.parents)
        found[name] = Chances(places, shares[..., at])
    return Network({name: planned[name] for name in told}, tuple(found[name] for name in told))


def _refuse_parent(name: str, parent: str, read: Mapping[str, _Table], alone: Sequence[str]) -> None:
    if parent in alone:
        raise SchemaError(
            f"table of {name!r}: {parent!r} has a distribution and no table, so its rows can not be told apart. Give "
            "it a table of ranges, such as {0-17: 0.2, 18-64: 0.6, 65-99: 0.2}."
        )
    raise SchemaError(f"table of {name!r}: {unknown('table', parent, read)}")


def _read_table(name: str, told: Any) -> _Table:
    place = f"table of {name!r}"
    if not isinstance(told, Mapping) or not told:
        raise SchemaError(f"{place}: expected shares such as {{yes: 0.2, no: 0.8}}, not {told!r}.")
    if "rows" not in told and "given" not in told:
        labels = tuple(_label(label) for label in told)
        return _Table((), labels, {(): read_shares(list(told.values()), place)})
    for word in ("given", "rows"):
        if word not in told:
            raise SchemaError(f"{place}: {word!r} is missing. Write given: [PARENTS] and rows: [...].")
    given = told["given"]
    parents = (given,) if isinstance(given, str) else tuple(str(parent) for parent in given)
    if len(set(parents)) < len(parents) or name in parents:
        raise SchemaError(
            f"{place}: it is given {', '.join(parents)}. Name each parent once, and not the column itself."
        )
    rows: dict[tuple[str, ...], Array] = {}
    labels = ()
    for number, (key, shares) in enumerate(_list_rows(told["rows"], parents, place), 1):
        where = f"{place}, row {number}"
        own = tuple(shares)
        labels = labels or own
        if set(own) != set(labels):
            raise SchemaError(
                f"{where}: its values are {', '.join(own)}, and those of the first row {', '.join(labels)}. Write the "
                "same in all."
            )
        if key in rows:
            raise SchemaError(f"{where}: {_combination(parents, key)} stands there twice. Keep one.")
        rows[key] = read_shares([shares[label] for label in labels], where)
    return _Table(parents, labels, rows)


def _list_rows(
    rows: Any, parents: tuple[str, ...], place: str
) -> Iterable[tuple[tuple[str, ...], dict[str, Any]]]:
    """Read rows as parents' labels and shares by own labels."""
    if isinstance(rows, Mapping) and len(parents) == 1:
        rows = [{parents[0]: label, **shares} for label, shares in rows.items()]
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        raise SchemaError(f"{place}: rows are a list such as [{{{parents[0]}: yes, on: 0.1, off: 0.9}}].")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise SchemaError(f"{place}, row {number}: expected the parents and shares, not {row!r}.")
        lacking = [parent for parent in parents if parent not in row]
        if lacking:
            raise SchemaError(
                f"{place}, row {number}: {lacking[0]!r} is missing. Say which value the row is for."
            )
        shares = {_label(label): value for label, value in row.items() if label not in parents}
        if not shares:
            raise SchemaError(f"{place}, row {number}: it has no shares. Write each value with its share.")
        yield tuple(_label(row[parent]) for parent in parents), shares


def _label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def _combination(parents: Sequence[str], key: Sequence[str]) -> str:
    return " and ".join(f"{parent} = {label}" for parent, label in zip(parents, key))


def _fill(name: str, table: _Table, labels: Sequence[tuple[str, ...]]) -> Array:
    """Lay rows out by the codes of the parents; the last dimension has the labels as they are told."""
    place = f"table of {name!r}"
    for key in table.rows:
        for parent, label, known in zip(table.parents, key, labels):
            if label not in known:
                raise SchemaError(f"{place}: {unknown(f'value of {parent!r}', label, known)}")
    lacking = [key for key in product(*labels) if key not in table.rows]
    if lacking:
        shown = "; ".join(_combination(table.parents, key) for key in lacking[:_SHOWN])
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        raise SchemaError(f"{place}: no row is for {shown}{more}. Add it.")
    shape = [len(known) for known in labels]
    return np.array([table.rows[key] for key in product(*labels)]).reshape(*shape, len(table.labels))


def _plan(name: str, facts: Any, labels: tuple[str, ...], shares: Array) -> tuple[Planned, tuple[str, ...]]:
    """Make the column of a table, and return its labels in the order of codes."""
    place = f"column {name!r}"
    if says_distribution(facts):
        raise SchemaError(f"{place}: it has a table, and a distribution as well. Keep one.")
    mean = shares.reshape(-1, len(labels)).mean(0)
    numeric = all(is_range(label) for label in labels)
    if facts.get("kind", "number" if numeric else "") == "number":
        low, high = facts.get("bounds") or (-np.inf, np.inf)
        ranges = cut_ranges(labels, float(low), float(high), place)
        planned = plan_ranges(name, facts, ranges.low, ranges.high, mean[ranges.order], ranges.whole, place)
        return planned, tuple(labels[at] for at in ranges.order)
    planned = plan_levels(name, facts, list(labels), mean, place)
    if planned.column.kind == "boolean":
        if len(labels) < 2:
            raise SchemaError(f"{place}: a boolean has shares of true and of false. Add the other.")
        return planned, ("false", "true")
    return planned, labels


def _order(parents: Mapping[str, tuple[str, ...]]) -> list[str]:
    try:
        return list(TopologicalSorter(parents).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise SchemaError(
            f"tables: these columns are given each other: {circle}. Take one of the arrows out."
        ) from None


def _compare_edges(edges: Iterable[Sequence[str]], parents: Mapping[str, tuple[str, ...]]) -> None:
    told = set()
    for edge in edges:
        if isinstance(edge, str) or len(edge) != 2:
            raise SchemaError(
                f"edges are pairs of a parent and a child, as in [rain, sprinkler], not {edge!r}."
            )
        told.add((str(edge[0]), str(edge[1])))
    known = {(parent, name) for name, own in parents.items() for parent in own}
    for parent, child in sorted(told ^ known):
        if (parent, child) in told:
            raise SchemaError(
                f"edge {parent} -> {child}: the table of {child!r} is not given {parent!r}. Add it there."
            )
        raise SchemaError(
            f"table of {child!r}: it is given {parent!r}, and edges do not say so. Add [{parent}, {child}]."
        )
