"""A log of events in one table: entities get a table of their own, which only the model sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from simulacra.dataset import Dataset
from simulacra.errors import DataError, OptionError, SchemaError, unknown
from simulacra.frames import to_polars
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
        There is an order and no entity.
    UnknownName
        A column is not there.
    DataError
        The data have several tables.

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
        ),
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


def _is_constant(frame: pl.DataFrame, entity: str, column: Column) -> bool:
    if column.kind == "key":
        return False
    counted = frame.group_by(entity).agg(
        pl.len().alias("rows"), pl.col(column.name).n_unique().alias("values")
    )
    many = counted.filter(pl.col("rows") > 1)
    return len(many) >= _TELLS and many["values"].max() == 1
