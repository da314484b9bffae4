"""Whether references lead to rows: what is missing, orphaned or childless, and how many rows each parent has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema

FIRST = 5
"""How many orphans are told by the number of their row."""


@dataclass(frozen=True, slots=True)
class ReferenceFacts:
    """How the rows of a table refer to those of another.

    Parameters
    ----------
    table : str
        The table that refers.
    reference : Reference
        From which columns to which.
    rows : int
        Its rows.
    nulls : int
        Rows that refer to nothing, because a value is missing.
    orphans : int
        Rows that name a row that is not there.
    first_orphans : tuple of int
        Numbers of the first of them; the first row is 1.
    parents : int
        Rows of the other table that can be referred to, each value once.
    childless : int
        Of these, how many no row refers to.
    fewest, most : int
        Rows that refer to one parent, at least and at most.
    mean : float
        The mean of that, childless parents among them.
    repeated : int
        Rows of the other table that have the values of an earlier one, so that it is not clear which is meant.

    Examples
    --------
    >>> facts = ReferenceFacts("orders", Reference("customer", "customers", "id"), 10, 2, 2, (3, 8), 4, 1, 0, 1.5, 3, 0)
    >>> facts.orphan_share, facts.null_share
    (0.25, 0.2)
    >>> print(facts)
    customer -> customers(id): 0 to 3 rows for each, 1.5 in the mean; 2 orphans (25.0 %); 2 rows refer to nothing
    """

    table: str
    reference: Reference
    rows: int
    nulls: int
    orphans: int
    first_orphans: tuple[int, ...]
    parents: int
    childless: int
    fewest: int
    mean: float
    most: int
    repeated: int

    @property
    def orphan_share(self) -> float:
        """Share of orphans among the rows that refer at all."""
        return self.orphans / (self.rows - self.nulls) if self.rows > self.nulls else 0.0

    @property
    def null_share(self) -> float:
        """Share of the rows that refer to nothing."""
        return self.nulls / self.rows if self.rows else 0.0

    @property
    def cardinality(self) -> str:
        """How many rows stand on either side, as ``"1 : 0..3"``."""
        if self.fewest == self.most:
            return f"1 : {self.most:,}"
        return f"1 : {self.fewest:,}..{self.most:,}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        facts = asdict(self)
        facts["reference"] = {**facts["reference"], "columns": list(self.reference.columns)}
        facts["reference"]["to"] = list(self.reference.to)
        return {
            **facts,
            "first_orphans": list(self.first_orphans),
            "orphan_share": self.orphan_share,
            "null_share": self.null_share,
        }

    def __str__(self) -> str:
        if self.fewest == self.most:
            each = f"{self.most:,} row{'s' if self.most != 1 else ''} for each"
        else:
            word = "row" if self.most == 1 else "rows"
            each = f"{self.fewest:,} to {self.most:,} {word} for each, {_short(self.mean)} in the mean"
        parts = [each]
        if self.orphans:
            word = "orphan" if self.orphans == 1 else "orphans"
            parts.append(f"{self.orphans:,} {word} ({_percent(self.orphan_share)})")
        if self.nulls:
            parts.append(f"{self.nulls:,} row{' refers' if self.nulls == 1 else 's refer'} to nothing")
        if self.repeated:
            parts.append(f"{self.repeated:,} rows of {self.reference.table} repeat what is referred to")
        return f"{self.reference}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """How far the key of a table identifies its rows.

    Parameters
    ----------
    table : str
        The table.
    key : tuple of str
        Its key.
    rows : int
        Its rows.
    nulls : int
        Rows of which a part of the key is missing.
    repeated : int
        Rows that have the key of an earlier row.
    first_repeated : tuple of int
        Numbers of the first of them; the first row is 1.

    Examples
    --------
    >>> KeyFacts("people", ("id",), 10, 0, 0, ()).holds
    True
    """

    table: str
    key: tuple[str, ...]
    rows: int
    nulls: int
    repeated: int
    first_repeated: tuple[int, ...]

    @property
    def holds(self) -> bool:
        """Whether every row has a key of its own."""
        return not self.nulls and not self.repeated


def check_references(frames: Mapping[str, pl.DataFrame], schema: Schema) -> tuple[ReferenceFacts, ...]:
    """Count what every reference of a schema leads to.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Canonical values of every table of the schema.
    schema : Schema
        With references.

    Returns
    -------
    tuple of ReferenceFacts
        One for each reference, in the order of tables. Nothing is judged: orphans are a property of data.

    Notes
    -----
    **Cost**: linear in rows.

    **Privacy**: counts and numbers of rows, never values.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> people = Table("people", (Column("id", "key", integer=True),), ("id",))
    >>> pets = Table("pets", (Column("owner", "key", integer=True),), references=(Reference("owner", "people"),))
    >>> frames = {"people": pl.DataFrame({"id": [1, 2, 3]}), "pets": pl.DataFrame({"owner": [1, 1, 9, None]})}
    >>> facts = check_references(frames, Schema((people, pets)))[0]
    >>> facts.orphans, facts.first_orphans, facts.childless, facts.most
    (1, (3,), 2, 2)
    """
    return tuple(
        count_reference(frames[table.name], table.name, reference, frames[reference.table])
        for table in schema.tables
        for reference in table.references
    )


def count_reference(
    child: pl.DataFrame, table: str, reference: Reference, parent: pl.DataFrame
) -> ReferenceFacts:
    """Count what one reference leads to; see `check_references`.

    Parameters
    ----------
    child, parent : DataFrame
        The rows that refer, and those referred to.
    table : str
        Name of the table that refers.
    reference : Reference
        With the columns that it leads to.

    Examples
    --------
    >>> ids, owners = pl.DataFrame({"id": [1, 2]}), pl.DataFrame({"owner": [2, 2]})
    >>> count_reference(owners, "pets", Reference("owner", "people", "id"), ids).most
    2
    """
    names = [f"part {number}" for number in range(len(reference.columns))]
    rows, keys = _alike(child.select(reference.columns), parent.select(reference.to), names)
    distinct = keys.drop_nulls().unique()
    valued = rows.with_row_index("row").drop_nulls()
    orphans = valued.join(distinct, on=names, how="anti")["row"].sort()
    held = valued.join(distinct, on=names, how="semi").group_by(names).len()["len"]
    parents, found = len(distinct), int(held.sum())
    childless = parents - len(held)
    return ReferenceFacts(
        table=table,
        reference=reference,
        rows=len(rows),
        nulls=len(rows) - len(valued),
        orphans=len(orphans),
        first_orphans=tuple(row + 1 for row in orphans.head(FIRST).to_list()),
        parents=parents,
        childless=childless,
        fewest=0 if childless or held.is_empty() else int(held.to_numpy().min()),
        mean=found / parents if parents else 0.0,
        most=0 if held.is_empty() else int(held.to_numpy().max()),
        repeated=len(keys.drop_nulls()) - parents,
    )


def check_keys(frames: Mapping[str, pl.DataFrame], schema: Schema) -> tuple[KeyFacts, ...]:
    """Count the rows of which the key is missing or that of an earlier row.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Canonical values of every table of the schema.
    schema : Schema
        Tables without a key are passed over.

    Returns
    -------
    tuple of KeyFacts
        One for each table with a key.

    Notes
    -----
    **Cost**: linear in rows.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> people = Table("people", (Column("id", "key", integer=True),), ("id",))
    >>> check_keys({"people": pl.DataFrame({"id": [1, 2, 2]})}, Schema((people,)))[0].first_repeated
    (3,)
    """
    return tuple(
        _count_key(frames[table.name], table.name, table.key) for table in schema.tables if table.key
    )


def _count_key(frame: pl.DataFrame, table: str, key: tuple[str, ...]) -> KeyFacts:
    keys = frame.select(key)
    valued = keys.drop_nulls()
    repeated = len(valued) - valued.n_unique() if len(valued) else 0
    first: tuple[int, ...] = ()
    if repeated:
        rows = keys.with_row_index("\x00row").drop_nulls(list(key))
        later = rows.filter(~pl.struct(key).is_first_distinct())["\x00row"]
        first = tuple(row + 1 for row in later.head(FIRST).to_list())
    return KeyFacts(table, key, len(keys), len(keys) - len(valued), repeated, first)


def _alike(child: pl.DataFrame, parent: pl.DataFrame, names: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give both sides the same names, and the same types where a schema by hand says otherwise."""
    left, right = (
        child.rename(dict(zip(child.columns, names, strict=True))),
        parent.select(pl.col(old).alias(new) for old, new in zip(parent.columns, names, strict=True)),
    )
    for name in names:
        if left[name].dtype != right[name].dtype:
            left, right = left.with_columns(_plain(left[name])), right.with_columns(_plain(right[name]))
    return left, right


def _plain(values: pl.Series) -> pl.Series:
    """Write values as text, whole numbers without a point."""
    if values.dtype.is_float():
        whole = values.cast(pl.Int64, strict=False)
        if values.drop_nulls().is_finite().all() and (whole.cast(pl.Float64) == values).all():
            values = whole
    return values.cast(pl.String)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %") if share >= 0.001 else "under 0.1 %"
