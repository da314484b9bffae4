"""Making one part, wherever that is: drawn, checked, hashed, put into its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from simulacra.errors import DataError
from simulacra.scale._allocator import keep_memory
from simulacra.scale.digest import digest_unit
from simulacra.scale.job import Job
from simulacra.scale.manifest import Record, Units
from simulacra.scale.plan import Part, Plan
from simulacra.scale.target import Target
from simulacra.schema.conformance import canonical_type
from simulacra.schema.types import Table


@dataclass(frozen=True)
class Work:
    """What every worker gets: the job, how it is cut, and where parts go.

    Parameters
    ----------
    job : Job
        What is to be drawn.
    plan : Plan
        How it is cut.
    target : Target
        Where parts go.
    """

    job: Job
    plan: Plan
    target: Target

    def __call__(self, part: Part) -> Record:
        """Make one part.

        Raises
        ------
        FileError
            It can not be written.
        DataError
            The job draws what is not of its schema.
        """
        keep_memory()
        names = self.plan.group(part.group).tables
        frames: dict[str, list[pl.DataFrame]] = {name: [] for name in names}
        digests: dict[str, list[str]] = {name: [] for name in names}
        for unit in part.range:
            drawn = self.job.draw(part.group, unit)
            for name in names:
                table = self.job.schema.table(name)
                frame = _checked(drawn, table)
                frames[name].append(frame)
                digests[name].append(digest_unit(frame, table))
        units = {name: Units(tuple(map(len, frames[name])), tuple(digests[name])) for name in names}
        return self.target.save(self.plan, part, frames, units)


def _checked(drawn: Mapping[str, pl.DataFrame], table: Table) -> pl.DataFrame:
    """Hold a drawn frame against its schema: names and types, which files of all parts must share."""
    frame = drawn[table.name]
    if tuple(frame.columns) != table.names:
        raise DataError(
            f"table {table.name!r}: drawn columns {frame.columns} are not those of the schema, {list(table.names)}."
        )
    for column in table.columns:
        found = frame.schema[column.name]
        listed = column.kind == "category" and isinstance(found, pl.Enum)
        if found != canonical_type(column) and not listed:
            raise DataError(
                f"table {table.name!r}, column {column.name!r}: drawn values are of type {found}, "
                f"not {canonical_type(column)}."
            )
    return frame
