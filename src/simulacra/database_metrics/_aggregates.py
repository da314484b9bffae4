"""Entities as flat rows: their own columns, and what the rows that belong to them add up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.database_metric import DatabaseComparison, Side
from simulacra.database_metrics._case import is_common, pointers, references
from simulacra.domain import Array
from simulacra.lineage import MISSING
from simulacra.metrics._case import LEVEL_KINDS, NUMERIC_KINDS
from simulacra.profile import as_numbers
from simulacra.schema.types import Column, Table

MOST_COLUMNS = 30
"""Columns of one path that are added up; more would make a matrix of statistics of statistics."""


@dataclass(frozen=True)
class Path:
    """A way on which rows lead to an entity.

    Parameters
    ----------
    label : str
        What it is called in the names of features.
    rows : str
        The table whose rows are counted and added up.
    steps : tuple of (str, int)
        References to follow from these rows to the entity, by table and place.
    values : (str, int) or None
        A reference of the rows to follow to the table whose columns are added up; their own columns when None.
    """

    label: str
    rows: str
    steps: tuple[tuple[str, int], ...]
    values: tuple[str, int] | None = None


def plain_columns(table: Table) -> list[Column]:
    """List the columns that say something of a row: neither keys nor references, texts nor identifiers."""
    naming = {r.columns[0] for r in table.references if len(r.columns) == 1}
    naming |= set(table.key) if len(table.key) == 1 else set()
    return [
        c
        for c in table.columns
        if c.kind in NUMERIC_KINDS | LEVEL_KINDS and c.identifying is None and c.name not in naming
    ]


def list_paths(case: DatabaseComparison, entity: str) -> list[Path]:
    """List the ways to an entity: its children, theirs, and what link tables tie it to."""
    found = []
    for table, at, reference in references(case):
        if reference.table != entity:
            continue
        several = sum(r.table == entity for r in table.references) > 1
        label = f"{table.name} ({', '.join(reference.columns)})" if several else table.name
        found.append(Path(label, table.name, ((table.name, at),)))
        if table.name == entity:
            continue
        for lower, place, up in references(case):
            if up.table == table.name and lower.name not in {table.name, entity}:
                found.append(
                    Path(f"{label}.{lower.name}", lower.name, ((lower.name, place), (table.name, at)))
                )
        if table.role == "link":
            found += [
                Path(f"{label}.{other.table}", table.name, ((table.name, at),), (table.name, place))
                for place, other in enumerate(table.references)
                if place != at and not is_common(case, other.table)
            ]
    return found


def find_single(case: DatabaseComparison, paths: list[Path], every: Sequence[Side]) -> set[Path]:
    """Tell on which ways an entity has one row at most, on all sides: there the value itself can stand."""
    return {
        path
        for path in paths
        if all(int(np.bincount(up[up >= 0], minlength=1).max()) <= 1
               for up in (_follow(case, path, side) for side in every))
    }  # fmt: skip


def flatten(
    case: DatabaseComparison, entity: str, paths: list[Path], single: set[Path], side: Side
) -> tuple[Table, pl.DataFrame]:
    """Return the entities of one side as flat rows with their schema; the columns are the same for every side."""
    table = case.schema.table(entity)
    frame = case.side(side)[entity]
    own = plain_columns(table)
    columns: list[Column] = list(own)
    series: list[pl.Series] = [frame[c.name] for c in own]
    for path in paths:
        for column, values in _add_up(case, path, side, len(frame), path in single):
            columns.append(column)
            series.append(values.alias(column.name))
    return Table(entity, tuple(columns)), pl.DataFrame(series)


def _add_up(
    case: DatabaseComparison, path: Path, side: Side, entities: int, once: bool
) -> Iterator[tuple[Column, pl.Series]]:
    up = _follow(case, path, side)
    counts = np.bincount(up[up >= 0], minlength=entities)
    if path.values is None:
        yield Column(f"{path.label}: rows", "number", integer=True), pl.Series(counts, dtype=pl.Int64)
        source, frame = case.schema.table(path.rows), case.side(side)[path.rows]
        rows = np.arange(len(frame))
    else:
        table, at = path.values
        other = case.schema.table(table).references[at].table
        source, frame = case.schema.table(other), case.side(side)[other]
        rows = pointers(case, side)[table, at]
    held = (up >= 0) & (rows >= 0)
    picked, owner = frame[rows[held]], up[held]
    for column in plain_columns(source)[:MOST_COLUMNS]:
        name = f"{path.label}.{column.name}"
        yield from _describe(picked[column.name], owner, column, name, entities, once)


def _follow(case: DatabaseComparison, path: Path, side: Side) -> Array:
    """Return the entity's row of each row, negative where there is none."""
    known = pointers(case, side)
    up = known[path.steps[0]]
    for step in path.steps[1:]:
        further = known[step]
        if len(further) == 0:
            return np.full(len(up), MISSING)
        up = np.where(up >= 0, further[np.maximum(up, 0)], MISSING)
    return up


def _describe(
    values: pl.Series, owner: Array, column: Column, name: str, entities: int, once: bool
) -> Iterator[tuple[Column, pl.Series]]:
    """Describe the values of each entity's rows: distinct levels; or mean, spread and ends."""
    if column.kind in LEVEL_KINDS:
        levels = pl.DataFrame({"owner": owner, "v": values.cast(pl.String)})
        if once:
            # an only child's level is the level itself
            placed = (
                pl.DataFrame({"owner": np.arange(entities)})
                .join(levels.unique("owner"), on="owner", how="left", maintain_order="left")["v"]
            )  # fmt: skip
            yield Column(name, "category", nullable=True, sensitive=column.sensitive), placed
            return
        found = levels.group_by("owner").agg(pl.col("v").n_unique().cast(pl.Int64).alias("levels"))
        yield (
            Column(f"{name}: distinct", "number", nullable=True, integer=True, sensitive=column.sensitive),
            _place(found, "levels", entities),
        )
        return
    numbers = pl.DataFrame({"owner": owner, "v": pl.Series(as_numbers(values), nan_to_null=True)})
    v = pl.col("v")
    figures = {": mean": v.mean(), ": sd": v.std(), ": min": v.min(), ": max": v.max()}
    if once:
        figures = {"": v.mean()}
    found = numbers.group_by("owner").agg(*(figure.alias(f"f{title}") for title, figure in figures.items()))
    for title in figures:
        made = Column(f"{name}{title}", "number", nullable=True, sensitive=column.sensitive)
        yield made, _place(found, f"f{title}", entities)


def _place(found: pl.DataFrame, name: str, entities: int) -> pl.Series:
    rows = pl.DataFrame({"owner": np.arange(entities)})
    return rows.join(found.select("owner", name), on="owner", how="left", maintain_order="left")[name]
