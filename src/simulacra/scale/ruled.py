"""Jobs of rules: the units that a maker makes, each alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import polars as pl

from simulacra.provenance import versions
from simulacra.randomness import resolve_seed
from simulacra.rules.making import Maker
from simulacra.rules.model import RuleSynthesizer, release, restore_rules
from simulacra.scale.job import Group
from simulacra.scale.stored import StoredJob
from simulacra.schema.types import Schema


class RuleJob(StoredJob):
    """Rows that rules make: those of `RuleSynthesizer.sample`.

    Notes
    -----
    A table is a group of its own. A unit is a block of 65,536 rows, or for children the rows of a run of whole parents.

    Examples
    --------
    >>> job = make_rule_job(RuleSynthesizer.of({"columns": {"id": "sequence"}}), 70_000, seed=1)
    >>> job.groups[0].units, job.draw("table", 1)["table"]["id"][0]
    (2, 65537)
    """

    def __getstate__(self) -> dict[str, Any]:
        """Leave what was opened here, but for how the tables are cut: that took a look at all parents."""
        return {**super().__getstate__(), "extents": dict(self.maker.extents)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        extents = state.pop("extents")
        super().__setstate__(state)
        self.maker.extents.update(extents)

    @cached_property
    def schema(self) -> Schema:
        """The tables, without their rules."""
        return release(super().schema)

    @cached_property
    def maker(self) -> Maker:
        """What makes the units."""
        return restore_rules(self.file).maker(self.asked["rows"], self.seed)

    @property
    def versions(self) -> dict[str, str]:
        """The versions that the values depend on, those of vocabularies among them."""
        return {**versions(), **self.maker.book.versions}

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """A group for each table."""
        extents = {name: self.maker.extent(name) for name in self.schema.names}
        return tuple(Group(name, (name,), extent.units, extent.rows) for name, extent in extents.items())

    def draw(self, group: str, unit: int) -> dict[str, pl.DataFrame]:
        """Make one unit; see `Job.draw`."""
        made = self.maker.unit(group, unit)
        return {group: pl.DataFrame({name: made[name] for name in self.schema.table(group).names})}


def make_rule_job(
    model: RuleSynthesizer,
    n: int | Mapping[str, int] | None = None,
    *,
    scale: float | None = None,
    seed: int | None = None,
) -> RuleJob:
    """Make the job of rules.

    Parameters
    ----------
    model : RuleSynthesizer
        The rules.
    n, scale, seed
        As for `RuleSynthesizer.sample`.

    Examples
    --------
    >>> make_rule_job(RuleSynthesizer.of({"columns": {"id": "sequence"}}), 3, seed=1).asked
    {'rows': {'table': 3}}
    """
    used = resolve_seed(seed)
    notes = (*model.notes, *(() if seed is not None else (f"seed {used}",)))
    return RuleJob(model.dump(), {"rows": model.sizes(n, scale)}, used, notes)
