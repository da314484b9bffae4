"""Logs of events in `evaluate`: every side is parted into entities and events in one and the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from simulacra._api_schema import Contract, contract
from simulacra.dataset import Dataset, dataset
from simulacra.errors import DataError, OptionError, SchemaViolation
from simulacra.relational.database import DatabaseSynthesizer
from simulacra.relational.logs import ENTITIES, split_log
from simulacra.schema.conformance import conform
from simulacra.schema.types import Schema, Table

SHARED = 0.5
"""A holdout with more of its entities among the training rows than this share is no control."""


@dataclass(frozen=True)
class Log:
    """Whose event each row of a table is.

    Parameters
    ----------
    entity : str
        The column that says so.
    order : str or None
        The column by which the events of one follow each other.
    """

    entity: str
    order: str | None


@dataclass(frozen=True)
class Parted:
    """The sides of a comparison of several tables.

    Parameters
    ----------
    train : Dataset
        The rows that were learnt from.
    synthetic : path, mapping or Dataset
        Those under test.
    holdout : path, mapping, Dataset or None
        Unseen ones.
    """

    train: Dataset
    synthetic: Any
    holdout: Any


def find_log(
    entity: str | None, order: str | None, schema: Contract | None, model: Any, data: Any
) -> Log | None:
    """Say whose event each row is: as the user says, or as the model or the schema of a log has it.

    Raises
    ------
    OptionError
        There is an order, and nothing says whose event each row is.
    """
    shaped = schema if isinstance(schema, Schema) and is_log(schema) else None
    if shaped is None and isinstance(model, DatabaseSynthesizer) and model.log is not None:
        shaped = model.schema
    if shaped is not None and (entity is not None or _may_be_one(data)):
        events = shaped.tables[1]
        return Log(entity or events.references[0].columns[0], order or events.order)
    if entity is None and order is not None:
        raise OptionError(
            "order= (--order) needs entity= (--entity), the column that says whose event each row is."
        )
    return None if entity is None else Log(entity, order)


def _may_be_one(data: Any) -> bool:
    """Tell whether data may be one table, before they are read."""
    if isinstance(data, (Dataset, Mapping)):
        return len(data.frames if isinstance(data, Dataset) else data) == 1
    return not (isinstance(data, (str, Path)) and Path(data).is_dir())


def is_log(schema: Schema) -> bool:
    """Tell whether a schema is that of a model of a log: its entities, and the events that refer to them."""
    if len(schema.tables) != 2:
        return False
    entities, events = schema.tables
    return entities.name == ENTITIES.format(events.name) and len(events.references) == 1


def read_log(data: Any, schema: Contract | None) -> Dataset:
    """Read the training rows of a log, whose schema may be that of a model with entities and events apart.

    Raises
    ------
    DataError
        The data have several tables.
    """
    if isinstance(schema, Schema) and is_log(schema):
        entities, events = schema.tables
        known = {c.name: c for c in (*entities.columns, *events.columns)}
        loose = dataset(data)
        _require_one("training", loose)
        names = [name for name in loose.polars().columns if name in known]
        names += [name for name in known if name not in names]
        schema = Schema((Table(events.name, tuple(known[name] for name in names)),), schema.reasons)
    found = dataset(data, schema=contract(schema, data))
    _require_one("training", found)
    return found


def part_log(train: Dataset, synthetic: Any, holdout: Any, log: Log) -> Parted:
    """Part all sides of a comparison into entities and events.

    Parameters
    ----------
    train : Dataset
        One table.
    synthetic, holdout : path, frame, Dataset or None
        The others.
    log : Log
        Whose event each row is.

    Returns
    -------
    Parted
        Columns that never differ within an entity of any side stand with the entities. One that differs in synthetic
        rows alone stays with the events, where metrics see that.

    Raises
    ------
    DataError
        A side has several tables or no rows, or most entities of the holdout are in the training rows.
    SchemaViolation
        A side lacks a column.
    """
    parted = split_log(train, log.entity, log.order)
    own = tuple(name for name in parted.schema.tables[0].names if name != log.entity)
    notes = list(train.notes)
    sides = {"train": train.polars()}
    for role, data in (("synthetic", synthetic), ("holdout", holdout)):
        if data is not None:
            sides[role] = _bring(role, data, train, notes)
    for role, frame in sides.items():
        unsteady = [name for name in _find_varying(frame, log.entity, own) if role != "train"]
        notes += [
            f"{role}, column {name!r} differs within entities, and never does in the training rows."
            for name in unsteady
        ]  # fmt: skip
        own = tuple(name for name in own if name not in unsteady)
    notes += [
        f"column {name!r} is the same in all rows of an entity, and is judged as its own." for name in own
    ]
    if "holdout" in sides:
        _require_unseen(sides["train"], sides["holdout"], log.entity)
    schema = _shape(parted.schema, train.schema.table(), own)
    made = {
        role: Dataset(schema, _frames(frame, schema), parted.layouts, tuple(notes) if role == "train" else ())
        for role, frame in sides.items()
    }
    return Parted(made["train"], made["synthetic"], made.get("holdout"))


def _require_one(role: str, data: Dataset) -> None:
    if len(data.frames) != 1:
        raise DataError(
            f"entity= (--entity) is for one table, and the {role} data have {len(data.frames)}: "
            f"{', '.join(data.frames)}. For several, the schema says what belongs to whom; leave entity= out."
        )


def _bring(role: str, data: Any, train: Dataset, notes: list[str]) -> pl.DataFrame:
    """Bring rows under the schema of the training rows."""
    loose = data if isinstance(data, Dataset) else dataset(data)
    _require_one(role, loose)
    if not len(loose):
        raise DataError(f"the {role} data hold no rows. Give the rows, or none of that part.")
    try:
        frame, told = conform(loose.polars(), train.schema.table(), extra="drop", unreadable="null")
    except SchemaViolation as error:
        raise SchemaViolation(f"the {role} rows do not fit the training rows: {error}") from error
    notes += [f"{role}: {note}" for note in told]
    return frame


def _find_varying(frame: pl.DataFrame, entity: str, names: Sequence[str]) -> list[str]:
    """Name the columns that differ within some entity."""
    counted = frame.drop_nulls(entity).group_by(entity).agg(pl.col(*names).n_unique()) if names else frame
    return [name for name in names if (counted[name] > 1).any()]


def _require_unseen(train: pl.DataFrame, holdout: pl.DataFrame, entity: str) -> None:
    there = holdout[entity].drop_nulls().unique()
    known = int(there.is_in(train[entity].unique().implode()).sum())
    if len(there) and known > SHARED * len(there):
        raise DataError(
            f"column {entity!r}: {known:,} of {len(there):,} entities of the holdout are in the training rows too, so "
            f"it is no control. Part whole entities: sim.split(log, entity={entity!r}), or simulacra split --entity."
        )


def _shape(schema: Schema, table: Table, own: Sequence[str]) -> Schema:
    """Return the schema of a parted log with these columns for the entities, and all others with the events."""
    entities, events = schema.tables
    known = {c.name: c for c in (*entities.columns, *events.columns)}
    rows = tuple(
        known[name] if name != entities.key[0] else events[name] for name in table.names if name not in own
    )
    kept = tuple(column for column in entities.columns if column.name in {*own, *entities.key})
    return Schema((replace(entities, columns=kept), replace(events, columns=rows)), schema.reasons)


def _frames(frame: pl.DataFrame, schema: Schema) -> dict[str, pl.DataFrame]:
    entities, events = schema.tables
    key = entities.key[0]
    own = frame.select(entities.names).drop_nulls(key).unique(key, keep="first", maintain_order=True)
    return {entities.name: own, events.name: frame.select(events.names)}
