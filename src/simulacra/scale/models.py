"""Jobs of fitted models: what `sample` would draw, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any

import polars as pl

from simulacra.errors import OptionError
from simulacra.filing import even_blocks
from simulacra.generator import silent
from simulacra.interventions import tell_interventions
from simulacra.randomness import BLOCK_ROWS, Streams, resolve_seed
from simulacra.rules.model import RuleSynthesizer
from simulacra.sampling.requests import Filling, Request
from simulacra.scale._levels import list_levels
from simulacra.scale.job import Group, Job
from simulacra.scale.ruled import make_rule_job
from simulacra.scale.stored import StoredJob
from simulacra.schema.types import Table
from simulacra.synthesizer import Synthesizer, restore

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer

_OPENING = Lock()


class ModelJob(StoredJob):
    """Rows of a fitted model of one table: those that `Synthesizer.sample` gives.

    Notes
    -----
    A unit is a block of 65,536 rows. Where rows depend on those before them (shares, values that may not repeat,
    columns that rise) the blocks can only be drawn in their order, by one worker.

    Examples
    --------
    >>> import simulacra as sim
    >>> model = sim.fit(pl.DataFrame({"a": [1, 2] * 50}), "independent", seed=0)
    >>> job = make_job(model, 5, seed=1)
    >>> job.draw("table", 0)["table"].equals(model.sample(5, seed=1).frame)
    True
    """

    @cached_property
    def table(self) -> Table:
        """The only table."""
        return self.schema.table()

    @property
    def groups(self) -> tuple[Group, ...]:
        """One group, a unit for each block."""
        n, name = self.asked["n"], self.table.name
        return (Group(name, (name,), max(-(-n // BLOCK_ROWS), 1), n),)

    @cached_property
    def sequential(self) -> bool:
        """Whether blocks can only be drawn one after the other."""
        return not self.filling.divisible

    @cached_property
    def filling(self) -> Filling:
        """The request on its way from the model."""
        return self._fill()

    def _fill(self) -> Filling:
        asked = dict(self.asked)
        return Filling(Request.of(asked.pop("n"), asked), self._model._drawer, Streams(self.seed), silent, [])

    @cached_property
    def _model(self) -> Synthesizer:
        return restore(self.file)

    @cached_property
    def _line(self) -> _Line:
        return _Line(lambda: even_blocks(self._fill().rows()))

    def draw(self, group: str, unit: int) -> dict[str, pl.DataFrame]:
        """Draw one block; see `Job.draw`."""
        with _OPENING:
            filling, sequential = self.filling, self.sequential
        frame = self._line.take(unit) if sequential else filling.block(unit)
        return {self.table.name: frame.with_columns(list_levels(frame, self.table))}


def make_job(
    model: Synthesizer | DatabaseSynthesizer | RuleSynthesizer,
    n: Any = None,
    *,
    seed: int | None = None,
    **asked: Any,
) -> Job:
    """Make the job of a fitted model.

    Parameters
    ----------
    model : Synthesizer, DatabaseSynthesizer or RuleSynthesizer
        The model.
    n : int, mapping or None
        How many rows; of a database as for `DatabaseSynthesizer.sample`.
    seed : int or None
        The same seed gives the same rows; None draws a fresh one, which the manifest tells.
    **asked
        What else `sample` may be asked for: ``where``, ``balance``, ``scale``, ...

    Raises
    ------
    OptionError
        It can not be asked for.

    Examples
    --------
    >>> import simulacra as sim
    >>> make_job(sim.fit(pl.DataFrame({"a": [1, 2] * 50}), "independent", seed=0), 70_000, seed=1).groups[0].units
    2
    """
    if isinstance(model, RuleSynthesizer):
        return make_rule_job(model, n, seed=seed, **asked)
    used = resolve_seed(seed)
    notes = () if seed is not None else (f"seed {used}",)
    if asked.get("given") is not None:
        raise OptionError("given rows are completed in memory, not in parts. Leave out given= or to=.")
    asked = {name: value for name, value in asked.items() if value is not None}
    if not isinstance(model, Synthesizer):
        # what draws databases takes half a second to load, and rules do without
        make_database_job = import_module("simulacra.scale.databases").make_database_job
        several: Job = make_database_job(model, n, seed=used, notes=notes, **asked)
        return several
    notes = (*notes, *tell_interventions(model.provenance))
    job = ModelJob(model.dump(), {"n": n, **asked}, used, notes)
    job.__dict__["_model"] = model
    job.filling.require_possible()
    if job.sequential:
        told = "rows of this request depend on those before them, so one worker draws them in their order."
        job = replace(job, notes=(*notes, told))
        job.__dict__["_model"] = model
    return job


class _Line:
    """Blocks that can only be drawn in their order; asking for an earlier one begins anew."""

    def __init__(self, start: Any) -> None:
        self._start, self._lock = start, Lock()
        self._next = 0
        self._blocks: Iterator[pl.DataFrame] = iter(())

    def take(self, unit: int) -> pl.DataFrame:
        """Return one block."""
        with self._lock:
            if unit < self._next or not self._next:
                self._blocks, self._next = self._start(), 0
            while True:
                block = next(self._blocks)
                self._next += 1
                if self._next > unit:
                    return block
