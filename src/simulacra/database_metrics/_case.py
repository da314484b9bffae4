"""What every metric of several tables does with a comparison before it looks at values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from simulacra.database_metric import DatabaseComparison, DatabaseMetric, Side
from simulacra.domain import Array
from simulacra.lineage import Entities, find_drivers, find_entities, resolve
from simulacra.metric import Score
from simulacra.schema.reference import Reference
from simulacra.schema.types import Table

NO_CEILING = " (There is no holdout, so the figure that unseen real rows would get is not known.)"
SHARED = 0.5
"""A table is common ground where more than this share of the holdout's rows are training rows as well."""


def not_computed(metric: DatabaseMetric, name: str, why: str, *, asked: bool = True) -> list[Score]:
    """Make the one score of a question that these databases can not answer."""
    words = f"not computed, because {why}"
    return [
        Score(
            name, float("nan"), verdict="not computed", words=words, better=metric.better, title=metric.title,
            asked=asked,
        )
    ]  # fmt: skip


def sides(case: DatabaseComparison) -> tuple[Side, ...]:
    """List the sides of a comparison: synthetic, what it is held against and, with a holdout, the training rows."""
    return ("synthetic", "reference") if case.holdout is None else ("synthetic", "reference", "train")


def references(case: DatabaseComparison) -> Iterator[tuple[Table, int, Reference]]:
    """Go through all references: the table, the place among its references, and the reference."""
    for table in case.schema.tables:
        for at, reference in enumerate(table.references):
            yield table, at, reference


def say_reference(table: Table, reference: Reference) -> str:
    """Name a reference for people.

    Examples
    --------
    >>> say_reference(Table("pets", ()), Reference(("owner",), "people", ("id",)))
    'pets.owner -> people'
    """
    role = f" as {reference.name}" if reference.name else ""
    return f"{table.name}.{', '.join(reference.columns)} -> {reference.table}{role}"


def pointers(case: DatabaseComparison, side: Side) -> dict[tuple[str, int], Array]:
    """Return, for each reference of one side, the parent's row of each child row; see `simulacra.lineage.point`."""
    return case.remember(("pointers", side), lambda: resolve(case.schema, case.side(side)))


def drivers(case: DatabaseComparison) -> dict[str, int]:
    """Return by which reference the rows of each table belong to an entity."""
    return case.remember("drivers", lambda: find_drivers(case.schema, case.train))


def entities(case: DatabaseComparison, side: Side) -> Entities:
    """Return the entity of each row of one side: rows of one entity are not independent."""
    return case.remember(
        ("entities", side),
        lambda: find_entities(case.schema, case.side(side), pointers(case, side), drivers(case)),
    )


def is_common(case: DatabaseComparison, table: str) -> bool:
    """Tell whether a table is common ground of all parts, such as districts or airports, and holds no entities."""
    if case.schema.table(table).role == "reference":
        return True
    if case.holdout is None:
        return False
    both = in_both(case, table, "reference")
    return bool(len(both)) and float(both.mean()) > SHARED


def in_both(case: DatabaseComparison, table: str, side: Side) -> Array:
    """Tell which rows of a real side the other real side holds too, by their key; none without a holdout or a key."""
    frame = case.side(side)[table]
    if case.holdout is None or side == "synthetic":
        return np.zeros(len(frame), dtype=np.bool_)
    key = list(_naming(case, table))
    if not key:
        return np.zeros(len(frame), dtype=np.bool_)
    other = case.train if side == "reference" else case.holdout
    known = other[table].select(key).unique().with_columns(pl.lit(True).alias("known "))
    found = frame.select(key).join(known, on=key, how="left", maintain_order="left")
    return found["known "].fill_null(False).to_numpy()


def _naming(case: DatabaseComparison, table: str) -> tuple[str, ...]:
    """Return the columns that name a row: the key, or what others refer to."""
    key = case.schema.table(table).key
    return key or next((r.to for _, _, r in references(case) if r.table == table), ())


def empty_side(case: DatabaseComparison, *tables: str) -> str | None:
    """Say which of some tables has no rows on some side, if one has none."""
    words = {"synthetic": "the synthetic data", "train": "the training data", "reference": "the holdout"}
    for side in sides(case):
        for table in tables:
            if len(case.side(side)[table]) == 0:
                name = words["train"] if case.holdout is None and side == "reference" else words[side]
                return f"table {table!r} of {name} has no rows."
    return None
