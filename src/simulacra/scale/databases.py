"""Jobs of fitted models of several tables, and of logs: shards, each drawn alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from threading import Lock
from typing import Any

import polars as pl

from simulacra.dataset import Dataset
from simulacra.errors import OptionError, unknown
from simulacra.relational.asking.conditions import Conditions, read_conditions
from simulacra.relational.asking.plans import plan_requests
from simulacra.relational.database import DatabaseSynthesizer, restore_database
from simulacra.relational.logs import join_log, whole_table
from simulacra.relational.shards.cutting import CELLS, Shards, cut
from simulacra.relational.shards.drawing import Shared, draw_shard, draw_shared
from simulacra.scale._levels import list_levels
from simulacra.scale.job import Group
from simulacra.scale.stored import StoredJob
from simulacra.schema.types import Schema

_OPENING = Lock()
_ASKED = ("n", "scale", "where")


class DatabaseJob(StoredJob):
    """A database, or a log, that a fitted model draws.

    Notes
    -----
    What is small is one unit: the rows that `DatabaseSynthesizer.sample` gives. What is large is a unit for each shard:
    so many rows of each root with all that belongs to them; small tables that all shards refer to are a group of their
    own. Shards depend on the model and on what is asked alone.

    Examples
    --------
    >>> import simulacra as sim
    >>> log = pl.DataFrame({"who": [f"p{n // 3}" for n in range(300)], "paid": [5, 7, 9] * 100})
    >>> model = sim.fit(log, entity="who", seed=0)
    >>> job = make_database_job(model, 1_000, seed=1, cells=5_000)
    >>> job.groups[0].units, job.draw("table", 1)["table"]["who"].n_unique()
    (3, 333)
    """

    @cached_property
    def schema(self) -> Schema:
        """The tables as released; that of a log as the one table that it was."""
        whole = self._model.schema
        return whole if self._model.log is None else Schema((whole_table(whole, self._model.log),))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """All tables, or those that are divided and those that are drawn once."""
        names = self.schema.names
        if self.shards.number == 1 or self._model.log is not None:
            return (Group("database" if len(names) > 1 else names[0], names, self.shards.number),)
        plan = self._model.plan
        divided = {member for unit in self.shards.divided for member in plan.members(unit)}
        root = next(unit for unit in self.shards.divided if unit in self.shards.sizes)
        first = [root, *(name for name in names if name in divided and name != root)]
        groups = [Group("database", tuple(first), self.shards.number, self.shards.sizes[root])]
        others = tuple(name for name in names if name not in divided)
        return (*groups, *([Group("shared", others, 1)] if others else []))

    @cached_property
    def shards(self) -> Shards:
        """How it is cut."""
        asked = self._conditions
        roots = tuple(request.root for request in plan_requests(self._model, asked)) if asked else ()
        sizes = self._model.sizes(self.asked.get("n"), self.asked.get("scale"), roots)
        scale = self.asked.get("scale") or 1.0
        return cut(self._model, sizes, scale, asked=asked is not None, cells=self.asked["cells"])

    @cached_property
    def _model(self) -> DatabaseSynthesizer:
        return restore_database(self.file)

    @property
    def _conditions(self) -> Conditions | None:
        where = self.asked.get("where")
        return read_conditions(self._model.named(where), self._model.schema) if where else None

    @cached_property
    def _shared(self) -> Shared:
        return draw_shared(self._model, self.shards, self.seed)

    def draw(self, group: str, unit: int) -> dict[str, pl.DataFrame]:
        """Draw one shard, or what all share; see `Job.draw`."""
        with _OPENING:
            model, shards = self._model, self.shards
            shared = self._shared if shards.number > 1 else Shared()
        if shards.number == 1:
            asked = {name: self.asked[name] for name in _ASKED if name in self.asked}
            frames = self._whole(model.sample(**asked, seed=self.seed))
        elif group == "shared":
            frames = shared.frames
        else:
            # conditions count what they look at, so each draw reads them anew
            frames = draw_shard(model, shards, shared, self.seed, unit, self._conditions)
            if model.log is not None:
                frames = {self.schema.names[0]: join_log(model.schema, frames, model.log)}
        return {
            table.name: frames[table.name].with_columns(list_levels(frames[table.name], table))
            for table in self.schema.tables
            if table.name in frames
        }

    def _whole(self, drawn: Dataset) -> dict[str, pl.DataFrame]:
        return {table.name: drawn.frames[table.name] for table in self.schema.tables}


def make_database_job(
    model: DatabaseSynthesizer,
    n: int | Mapping[str, int] | None = None,
    *,
    seed: int,
    notes: tuple[str, ...] = (),
    cells: int = CELLS,
    **asked: Any,
) -> DatabaseJob:
    """Make the job of a model of several tables.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    n : int, mapping or None
        Rows of roots, as for `DatabaseSynthesizer.sample`.
    seed : int
        The seed.
    notes : tuple of str
        What there is to tell already.
    cells : int
        Values of a shard, about.
    **asked
        ``scale`` and ``where``.

    Raises
    ------
    OptionError
        It can not be asked for.
    PredicateError
        A condition can not be understood.

    Examples
    --------
    >>> import simulacra as sim
    >>> log = pl.DataFrame({"who": [f"p{n // 3}" for n in range(300)], "paid": [5, 7, 9] * 100})
    >>> job = make_database_job(sim.fit(log, entity="who", seed=0), 50, seed=1)
    >>> job.groups[0].units, len(job.draw("table", 0)["table"])
    (1, 150)
    """
    for name in asked:
        if name not in _ASKED:
            raise OptionError(str(unknown("option of a draw in parts", name, _ASKED)))
    job = DatabaseJob(model.dump(), {"n": n, **asked, "cells": cells}, seed, notes)
    job.__dict__["_model"] = model
    told = _tell(job.shards)
    if told:
        job = replace(job, notes=(*notes, told))
        job.__dict__["_model"] = model
    return job


def _tell(shards: Shards) -> str:
    """Say how it is cut."""
    if shards.reason:
        return f"{shards.reason}, so all tables are drawn at once, in memory, and make one part each."
    if shards.number == 1:
        return ""
    return (
        f"drawn in {shards.number:,} shards of about {round(shards.rows):,} rows; rows refer to rows of their own shard"
        + (f", or of {', '.join(shards.shared)}, drawn once for all." if shards.shared else ".")
    )
