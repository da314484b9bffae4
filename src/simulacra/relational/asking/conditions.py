"""Conditions on rows of several tables: one predicate for each table, which may look at rows above and below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from simulacra.errors import OptionError, PredicateError, unknown
from simulacra.relational.rules.bounds import Bound, find_bounds
from simulacra.schema.crossing import Aggregate, Crossing
from simulacra.schema.predicates import Predicate
from simulacra.schema.routes import Frames, Rows
from simulacra.schema.types import Schema


@dataclass(frozen=True)
class Condition:
    """What rows of one table must satisfy.

    Parameters
    ----------
    whole : Crossing
        All of it.
    row : Predicate or None
        The AND-terms that read one row alone.
    rest : tuple of Crossing
        The AND-terms that read other tables.
    bounds : tuple of Bound
        What these ask of the number of rows below: necessary, and not always sufficient.
    """

    whole: Crossing
    row: Predicate | None
    rest: tuple[Crossing, ...]
    bounds: tuple[Bound, ...]

    @property
    def table(self) -> str:
        """The table."""
        return self.whole.table.name

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The figures of rows below that it compares."""
        return self.whole.expression.aggregates

    def __str__(self) -> str:
        return self.whole.sql

    def keep(self, frames: Frames | Rows) -> pl.Series:
        """Mark the rows of the table for which the condition is TRUE: boolean, without nulls.

        Raises
        ------
        DataError
            A table or column that it reads is missing.
        """
        return self.whole.evaluate(frames).fill_null(False).rename("keep")


@dataclass(frozen=True)
class Conditions:
    """What rows of several tables must satisfy, each table by itself.

    Make one with `read_conditions`.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Reference, Table
    >>> people = Table("people", (Column("id", "key", integer=True), Column("state", "category")), ("id",))
    >>> pets = Table("pets", (Column("owner", "key", integer=True), Column("age", "number")), references=(
    ...     Reference(("owner",), "people"),))
    >>> asked = read_conditions(
    ...     {"people": "state = 'OH' and (select count(*) from pets where age > 9) >= 2"}, Schema((people, pets)))
    >>> print(asked["people"].row, "|", *asked["people"].bounds)
    state = 'OH' | at least 2 rows of pets with age > 9
    """

    tables: Mapping[str, Condition] = field(default_factory=dict)

    def __getitem__(self, table: str) -> Condition:
        return self.tables[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def get(self, table: str) -> Condition | None:
        """Return what is asked of one table; None if nothing is."""
        return self.tables.get(table)

    @property
    def reads(self) -> tuple[str, ...]:
        """All tables that are read."""
        return tuple(
            dict.fromkeys(name for condition in self.tables.values() for name in condition.whole.tables)
        )

    def keep(self, frames: Frames) -> dict[str, pl.Series]:
        """Mark for each table that is asked about the rows that satisfy its condition.

        Parameters
        ----------
        frames : mapping
            Canonical values of the tables that are read.

        Returns
        -------
        dict of Series
            Boolean, without nulls. A row is judged with all rows of the other tables there, kept or not.

        Notes
        -----
        **Cost**: linear in rows.
        """
        rows = Rows(frames)
        return {name: condition.keep(rows) for name, condition in self.tables.items()}


INSTEAD = {
    "balance": "where= asks for rows of a kind",
    "bigger": "where= asks for rows of a kind",
    "smaller": "where= asks for rows of a kind",
    "fair": "fit the table alone for it",
    "write": "sample(...).write(path) writes what is drawn",
    "chunks": "sample(...) gives all rows, and .chunks(rows, name=...) of them the pieces",
    "log_density": "evaluate(...) with a holdout tells how well it fits",
    "with_constraint": "put the rule into the schema, schema.with_constraint(..., table=...), and fit again",
}
"""What a model of one table can be asked for, and what there is in its place."""


def refuse_single(asked: Iterable[str], schema: Schema, *, log: bool) -> None:
    """Refuse what only a model of single rows can be asked for.

    Raises
    ------
    OptionError
        It is asked for.
    TypeError
        Nothing is called so.
    """
    for name in asked:
        if name not in INSTEAD:
            raise TypeError(f"sample() got an unexpected keyword argument {name!r}")
        raise OptionError(say_instead(name, schema, log=log))


def say_instead(name: str, schema: Schema, *, log: bool) -> str:
    """Say why a model of several tables, or of a log, has no such option or method, and what it has.

    Examples
    --------
    >>> print(say_instead("write", Schema(()), log=True).partition("; ")[2])
    sample(...).write(path) writes what is drawn.
    """
    kind = "histories" if log else f"{len(schema.tables)} tables"
    return f"{name!r} can be asked of a model of single rows, and this is one of {kind}; {INSTEAD[name]}."


def read_conditions(where: Mapping[str, str | Mapping[str, Any]], schema: Schema) -> Conditions:
    """Read what rows of several tables must satisfy.

    Parameters
    ----------
    where : mapping
        For each table SQL text, or columns with the values wanted; see `Crossing` for what the text may say. All rows
        of a named table satisfy its condition.
    schema : Schema
        The tables, with their references.

    Raises
    ------
    PredicateError
        A condition can not be understood, or a table does not exist.
    ImpossibleCondition
        A condition can not hold whatever the rows are.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> asked = read_conditions({"people": {"age": (20, 30)}}, Schema((Table("people", (Column("age", "number"),)),)))
    >>> asked.keep({"people": pl.DataFrame({"age": [25.0, 31.0, None]})})["people"].to_list()
    [True, False, False]
    """
    if not isinstance(where, Mapping):
        raise PredicateError(
            f"where: with several tables it is a mapping of tables to conditions, not {type(where).__name__!r}. "
            f"Write {{{schema.names[0]!r}: ...}}."
        )
    found = {}
    for name, condition in where.items():
        if name not in schema.names:
            raise PredicateError(f"where: {unknown('table', str(name), schema.names)}")
        found[name] = _read(Crossing.parse(condition, name, schema))
    return Conditions(found)


def _read(whole: Crossing) -> Condition:
    row: Predicate | None = None
    rest = []
    for term in whole.terms():
        plain = term.predicate()
        if plain is None:
            rest.append(term)
        else:
            row = plain if row is None else row.joined(plain)
    return Condition(whole, row, tuple(rest), find_bounds(whole))
