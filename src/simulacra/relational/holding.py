"""Whose the rows of each table are: who counts as a holder where rows are drawn by others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import DataError
from simulacra.privacy.holders import count_owners
from simulacra.relational.extension import Extended
from simulacra.relational.plan import SHORT, Plan

FEW = 10
"""Times k holders below which much is withheld: then it is said what can be done."""


@dataclass
class Holding:
    """The owners of the rows of each unit, as units are learnt one after the other.

    An owner is a row of the table that stands first where each draws the next: lines belong to the customer whose
    order they are of. Rows below a table that is kept as it is are their own owners, since such a table is public.

    Parameters
    ----------
    plan : Plan
        Which table draws which.
    owners : dict
        By unit: the owner of each row, from 0; None where each row is its own.
    """

    plan: Plan
    owners: dict[str, Array | None] = field(default_factory=dict)

    def add(self, unit: str, made: Extended) -> Array | None:
        """Find the owners of the rows of a unit; those of the unit that draws it are known."""
        link = self.plan.driving(unit)
        self.owners[unit] = None
        if link is None or link.reference.table in self.plan.kept or made.entity is None:
            return None
        above = self.owners[self.plan.home(link.reference.table)]
        above = np.arange(made.parents) if above is None else above
        # who has no parent stands for themselves, and so do all rows of one that is not there
        alone = int(above.max(initial=-1)) + 1 + np.arange(made.nulls + made.orphans)
        self.owners[unit] = found = np.concatenate([above, alone])[made.entity]
        return found

    def of_rows(self, table: str, made: Mapping[str, Extended]) -> Array | None:
        """Return the owner of each row of a table in the order of the data."""
        owners = self.owners.get(table)
        if owners is None:
            return None
        placed = np.empty(len(owners), np.int64)
        placed[made[table].rows] = owners
        return placed

    def first(self, unit: str) -> str:
        """Return the table whose rows own those of a unit."""
        link = self.plan.driving(unit)
        if link is None or link.reference.table in self.plan.kept:
            return unit
        return self.first(self.plan.home(link.reference.table))

    def say(self, holders: int) -> tuple[list[str], dict[str, Any]]:
        """Say who counts: in notes, and for the provenance of a model."""
        if holders <= 1:
            return [], {}
        owned = {unit: owners for unit, owners in self.owners.items() if owners is not None and len(owners)}
        below = [
            unit
            for unit in self.owners
            if (link := self.plan.driving(unit)) and link.reference.table in self.plan.kept
        ]
        notes = []
        for unit, owners in owned.items():
            first, few = self.first(unit), count_owners(owners) < FEW * holders
            advice = f" These are few: if they are public, make {first!r} a reference table." if few else ""
            notes.append(
                f"table {unit!r}: who holds a value is counted by rows of {first!r}, and not by its own.{advice}"
            )
        counted = ", ".join(f"of {unit!r} by {self.first(unit)!r}" for unit in owned)
        facts = {"holders counted": counted} if counted else {}
        if below:
            facts["rows below public tables"] = f"rounded to multiples of {holders}: {', '.join(below)}"
        return notes, facts


def require_owners(plan: Plan, extended: Mapping[str, Extended], holders: int) -> None:
    """Refuse, before anything is learnt, rows of so few entities that no value of theirs could be given out.

    Raises
    ------
    DataError
        The rows of a unit are of fewer than k entities.
    """
    holding = Holding(plan)
    for unit in plan.units:
        owners = holding.add(unit, extended[unit])
        who = 0 if owners is None else count_owners(owners)
        if not 0 < who < holders:
            continue
        first = holding.first(unit)
        raise DataError(
            f"table {unit!r} has rows of {who:,} different entities only, rows of {first!r}; protection needs at least "
            f"{holders} whose rows share a value. If {first!r} is public, as categories and districts are, make it a "
            f"reference table: schema.with_role({first!r}, 'reference') (--reference {first}); else give more rows, "
            f"leave {unit!r} out, or switch protection off: protect=False (--no-protect)."
        )


def tell_lists(plan: Plan, frames: Mapping[str, pl.DataFrame], holders: int) -> list[str]:
    """Name short lists of kinds whose own values are withheld, and what gives them out if they are public."""
    if holders <= 1:
        return []
    coded = dict.fromkeys(link.reference.table for link in plan.links if link.way == "coded")
    return [
        f"table {name!r} has {len(frames[name])} rows, and what fewer than {holders} of them share is withheld. If "
        f"they are public, make it a reference table: schema.with_role({name!r}, 'reference') (--reference {name})."
        for name in coded
        if name not in plan.kept and len(frames[name]) < SHORT
    ]
