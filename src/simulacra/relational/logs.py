"""A log of events in one table: entities get a table of their own, which only the model sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from sqlglot import exp

from simulacra.dataset import Dataset
from simulacra.errors import DataError, OptionError, PredicateError, SchemaError, unknown
from simulacra.frames import to_polars
from simulacra.schema._mappings import write_mapping
from simulacra.schema._refusals import flatten
from simulacra.schema.predicates import Predicate, parse_sql, write_sql
from simulacra.schema.reference import Reference
from simulacra.schema.types import Column, Schema, Table

ENTITIES = "entities of {}"
"""Name of the table of entities."""
_TELLS = 20
"""Entities with several rows from which a column that never differs within one is taken for the entity's."""


def split_log(data: Dataset, entity: str | None, order: str | None) -> Dataset:
    """Part a log into its entities and their events.

    Parameters
    ----------
    data : Dataset
        One table.
    entity : str or None
        The column that says whose event each row is.
    order : str or None
        The column by which the events of an entity follow each other; as they lie when None.

    Returns
    -------
    Dataset
        A table of entities, with the columns that never differ within one, and a table of events that refers to it.

    Raises
    ------
    OptionError
        There is an order and no entity, or both are one column.
    UnknownName
        A column is not there.
    DataError
        The data have several tables, or rows without a value in the column of the order.

    Examples
    --------
    >>> import simulacra as sim
    >>> log = sim.read(pl.DataFrame({"who": ["a", "a", "b"] * 30, "amount": [1, 2, 3] * 30}), name="log")
    >>> split_log(log, "who", None).schema.table("log").references[0].table
    'entities of log'
    """
    if entity is None:
        raise OptionError("order= needs entity=, the column that says whose event each row is.")
    if len(data.frames) != 1:
        raise DataError(
            "entity= is for one table. For several, say it in the schema: with_reference, with_order, with_role."
        )
    table, frame = data.schema.table(), data.polars()
    for name in (entity, order):
        if name is not None and name not in table.names:
            raise unknown("column", name, table.names)
    if order is not None:
        _require_order(frame, entity, order)
    nobody = frame[entity].null_count()
    constant = [
        column for column in table.columns if column.name != entity and _is_constant(frame, entity, column)
    ]
    constant = [column for column in constant if column.name != order]
    taken = [column.name for column in constant]
    whole = frame[entity].dtype.is_integer()
    key = Column(entity, "key", nullable=table[entity].nullable, integer=whole)
    own = replace(key, nullable=False)
    entities = (
        frame.select(entity, *taken).drop_nulls(entity).unique(entity, keep="first", maintain_order=True)
    )
    name = ENTITIES.format(table.name)
    rows = tuple(
        key if column.name == entity else column for column in table.columns if column.name not in taken
    )
    try:
        events = replace(
            table, columns=rows, key=tuple(k for k in table.key if k not in taken and k != entity), role="event",
            references=(Reference((entity,), name, (entity,)),), order=order,
            constraints=(),
        )  # fmt: skip
    except SchemaError as error:
        raise OptionError(str(error)) from error
    schema = Schema(
        (Table(name, (own, *constant), (entity,)), events), data.schema.reasons, data.schema.notes
    )
    return Dataset(
        schema,
        {name: entities, table.name: frame.select(column.name for column in rows)},
        {name: to_polars(entities)[1], table.name: data.layouts[table.name]},
        (
            *data.notes,
            *(
                f"column {c.name!r} is the same in all rows of an entity, and is learnt as its own."
                for c in constant
            ),
            *(
                [f"column {entity!r}: {nobody:,} of {len(frame):,} rows name none, and stand for themselves."]
                if nobody
                else []
            ),
        ),
    )


def _require_order(frame: pl.DataFrame, entity: str, order: str) -> None:
    """Refuse a column that does not say how the rows of an entity follow each other."""
    if order == entity:
        raise OptionError(
            f"order= (--order) names {order!r}, as entity= (--entity) does. Name the column that says when an event "
            "was, or leave it out: rows are then taken as they lie."
        )
    lacking = frame[order].null_count()
    if lacking:
        raise DataError(
            f"column {order!r}: {lacking:,} of {len(frame):,} rows have no value, so their place in the order is not "
            "known. Fill these values in, leave these rows out, or leave order= (--order) out: rows are then taken as "
            "they lie."
        )


def make_public(log: Dataset, names: Sequence[str]) -> Dataset:
    """Declare the entities of a log public, such as stations: they are given out as they are.

    Parameters
    ----------
    log : Dataset
        Of `split_log`.
    names : sequence of str
        What the user calls public: the column of the entity.

    Raises
    ------
    OptionError
        Something else is called so.
    """
    entities = log.schema.tables[0]
    for name in names:
        if name != entities.key[0]:
            raise OptionError(
                f"reference={name!r} (--reference): of a log only its entities can be public, which "
                f"{entities.key[0]!r} names. Name this column, or leave it out."
            )
    return log.with_schema(log.schema.with_role(entities.name, "reference"))


def join_log(schema: Schema, frames: dict[str, pl.DataFrame], columns: tuple[str, ...]) -> pl.DataFrame:
    """Put the columns of entities back to their events.

    Parameters
    ----------
    schema : Schema
        Of `split_log`.
    frames : dict
        Drawn tables.
    columns : tuple of str
        The columns of the log in their order.
    """
    entities, events = schema.tables
    key = entities.key[0]
    joined = frames[events.name].join(frames[entities.name], on=key, how="left", maintain_order="left")
    return joined.select(columns)


def whole_table(schema: Schema, columns: Sequence[str]) -> Table:
    """Return the table that a log was, before its entities got one of their own.

    Parameters
    ----------
    schema : Schema
        Of `split_log`.
    columns : sequence of str
        The columns of the log in their order.
    """
    known = {column.name: column for table in schema.tables for column in table.columns}
    return Table(schema.tables[1].name, tuple(known[name] for name in columns))


def part_conditions(
    where: str | Mapping[str, Any], schema: Schema, columns: Sequence[str]
) -> Mapping[str, Any]:
    """Part what is asked of the rows of a log into what is asked of entities and of events.

    Parameters
    ----------
    where : str or mapping
        SQL over the columns of the log, or conditions by table; the table of events stands for the whole log.
    schema : Schema
        Of `split_log`.
    columns : sequence of str
        The columns of the log in their order.

    Returns
    -------
    dict
        Conditions by table. What looks at the events of an entity together (``(select count(*) from log) > 3``) is
        asked of entities.

    Raises
    ------
    PredicateError
        It can not be understood, or a part of it holds columns of entities against those of events.

    Examples
    --------
    >>> import simulacra as sim
    >>> people = [f"p{n % 30}" for n in range(90)]
    >>> frame = pl.DataFrame({"who": people, "of": ["x", "y", "z"] * 30, "paid": range(90)})
    >>> log = split_log(sim.read(frame, name="log"), "who", None)
    >>> part_conditions("of = 'x' and paid > 3", log.schema, ("who", "of", "paid"))
    {'entities of log': "of = 'x'", 'log': 'paid > 3'}
    """
    entities, events = schema.tables
    named = {events.name: where} if isinstance(where, str) else dict(where)
    condition = named.pop(events.name, None)
    if not isinstance(condition, (str, Mapping)):
        return dict(where) if isinstance(where, Mapping) else {}
    whole = whole_table(schema, columns)
    node = parse_sql(_as_text(condition, whole), whole).unnest()
    found: dict[str, list[str]] = {}
    if entities.name in named:
        found[entities.name] = [_as_text(named.pop(entities.name), entities)]
    for part in flatten(node) if isinstance(node, exp.And) else [node]:
        term = part.unnest().copy()
        found.setdefault(_home(term, whole, entities, events), []).append(write_sql(term))
    joined = {
        table: terms[0] if len(terms) == 1 else " AND ".join(f"({term})" for term in terms)
        for table, terms in found.items()
    }
    return {**named, **joined}


def _as_text(condition: str | Mapping[str, Any], table: Table) -> str:
    return write_mapping(condition, table) if isinstance(condition, Mapping) else condition.strip()


def _home(term: exp.Expression, whole: Table, entities: Table, events: Table) -> str:
    """Name the table of which a part of a condition is asked; names of the log itself are taken off its columns."""
    if term.find(exp.Query) is not None:
        return entities.name
    for column in term.find_all(exp.Column):
        if column.table.casefold() == whole.name.casefold():
            column.set("table", None)
    if any(column.table for column in term.find_all(exp.Column)):
        return events.name
    text, key = write_sql(term), entities.key[0]
    read = Predicate.parse(text, whole).columns
    own = [name for name in read if name in entities.names and name != key]
    others = [name for name in read if name not in entities.names]
    if own and others:
        raise PredicateError(
            f'where "{text}": it holds {own[0]!r}, which is the same in all rows of one {key!r}, against '
            f"{others[0]!r}, which is not; ask for each in a part of its own, and join these by AND."
        )
    return entities.name if own else events.name


def _is_constant(frame: pl.DataFrame, entity: str, column: Column) -> bool:
    if column.kind == "key":
        return False
    counted = frame.group_by(entity).agg(
        pl.len().alias("rows"), pl.col(column.name).n_unique().alias("values")
    )
    many = counted.filter(pl.col("rows") > 1)
    return len(many) >= _TELLS and many["values"].max() == 1
