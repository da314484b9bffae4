"""What is counted of the data beside what models learn: lost references, and keys that are made by counting."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from simulacra.dataset import Dataset
from simulacra.domain import Array
from simulacra.relational.extension import Extended
from simulacra.relational.plan import Plan, find_facts, locate
from simulacra.relational.references.composite import serial_key, structural_key
from simulacra.relational.references.nesting import is_nested


def find_serials(plan: Plan, data: Dataset, extended: Mapping[str, Extended]) -> dict[str, dict[str, int]]:
    """Find the columns that number the rows of an entity, and where they start."""
    found = {}
    for unit in plan.units:
        name = serial_key(data.schema.table(unit), plan, extended[unit].clock)
        least = data.frames[unit][name].min() if name is not None else None
        if name is not None:
            found[unit] = {name: int(least) if isinstance(least, (int, float)) else 1}
    return found


def count_absent(plan: Plan, data: Dataset) -> dict[str, int]:
    """Count the different rows that are referred to and not there; of nested references, those that refer."""
    found = {}
    for link in plan.links:
        if is_nested(plan, link):
            found[link.name] = find_facts(link.table, link.reference, data.frames).orphans
        elif link.way in {"coded", "matched"} and find_facts(link.table, link.reference, data.frames).orphans:
            at = locate(data.frames[link.table], data.frames[link.reference.table], link.reference)
            lost = data.frames[link.table].filter((at == -1).fill_null(False)).select(link.reference.columns)
            found[link.name] = lost.n_unique()
    return found


def find_patterns(plan: Plan, data: Dataset) -> dict[str, dict[str, Array]]:
    """Number the values of composite keys in the order in which they occur, or of their size where they count."""
    found = {}
    for unit in plan.units:
        names = structural_key(data.schema.table(unit), plan)
        if names:
            frame = data.frames[unit]
            ranks = frame.select(pl.col(name).rank("dense").cast(pl.Int64) - 1 for name in names)
            found[unit] = {name: ranks[name].to_numpy() for name in names}
    return found
