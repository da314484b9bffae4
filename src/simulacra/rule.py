"""The contract that a rule fulfils: how the values of one column are made without data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.field import Drawn
from simulacra.randomness import Streams
from simulacra.schema.types import Table


@dataclass(frozen=True)
class Histories:
    """Whose each row of a child is.

    Parameters
    ----------
    owners : array of int64, shape (rows,)
        For each row the place of its parent among the parents at hand.
    counts : array of int64, shape (parents,)
        How many rows each of these parents has; their rows follow each other.
    entries : mapping
        Where rows are entries into states: what is told of each.
    """

    owners: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    entries: Mapping[str, pl.Series] = field(default_factory=dict)

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """The place of each parent's first row."""
        return np.cumsum(self.counts) - self.counts

    @property
    def positions(self) -> npt.NDArray[np.int64]:
        """The place of each row among its parent's, from 0."""
        return np.arange(len(self.owners)) - np.repeat(self.starts, self.counts)


@dataclass
class Rows:
    """The rows that are being made, as far as they are made.

    Parameters
    ----------
    table : Table
        Their columns, and those of other tables that are in reach, such as ``customers.country``.
    start : int
        The number of the first row in the whole table.
    count : int
        How many rows there are.
    total : int
        How many rows the whole table has.
    streams : Streams
        Of the column that is being made and of these rows alone.
    fixed : Streams
        Of the column, the same for all rows of the table.
    values : dict
        The columns that are made, by name.
    histories : Histories or None
        Whose each row is, where the table's rows belong to those of another.
    learnt : callable or None
        Gives what a fitted model of the table draws for these rows.
    """

    table: Table
    start: int
    count: int
    total: int
    streams: Streams
    fixed: Streams
    values: dict[str, pl.Series] = field(default_factory=dict)
    histories: Histories | None = None
    learnt: Callable[[], pl.DataFrame] | None = None

    @property
    def rng(self) -> np.random.Generator:
        """The stream of the column in these rows, at its start."""
        return self.streams.stream("values")

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """The numbers of the rows in the whole table."""
        return np.arange(self.start, self.start + self.count)

    def picked(self, rows: npt.NDArray[np.int64], *names: str | int) -> Rows:
        """Return some of the rows, with streams of their own; histories are lost."""
        values = {name: column.gather(rows) for name, column in self.values.items()}
        return replace(
            self, count=len(rows), streams=self.streams.at(*names), fixed=self.fixed.at(*names), values=values,
            histories=None,
        )  # fmt: skip


class Rule(ABC):
    """How the values of one column are made.

    A rule is a frozen dataclass in a file of its own under ``simulacra/rules/kinds``; the file's name is the word by
    which schema files call it.
    """

    word: ClassVar[str] = ""
    """What it is called; the file's name."""
    example: ClassVar[str] = ""
    """How it stands in a schema file, in one line."""

    @classmethod
    @abstractmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Rule:
        """Make it of the mapping that stands in a schema: its word with what belongs to it, and its options.

        Raises
        ------
        SchemaError
            Something is missing, unknown or of the wrong type; `place` says where.
        """

    def needs(self) -> tuple[str, ...]:
        """List the columns that it reads: of its own rows by name, of others as ``table.column``."""
        return ()

    @abstractmethod
    def facts(self, table: Table) -> dict[str, Any]:
        """Say what is known of the column, as fields of `Column`: at least its kind.

        `table` has the columns that it reads.
        """

    @abstractmethod
    def draw(self, rows: Rows) -> pl.Series:
        """Make the values: a pure function of the rows' streams and finished columns."""


@runtime_checkable
class Counted(Protocol):
    """What a rule can do whose values are numbered: no two rows need to share one, and any row can be made alone."""

    def room(self) -> int:
        """Count the different values; 0 if they can not be told apart by number."""
        ...

    def number(self, places: npt.NDArray[np.int64], total: int, streams: Streams) -> pl.Series:
        """Make the values of the rows with these numbers, out of `total`; `streams` are those of the whole column."""
        ...


@runtime_checkable
class Parted(Protocol):
    """What a rule can do whose values are put together from parts that other columns can go by, such as names."""

    def draw_parts(self, rows: Rows, parts: Mapping[str, Drawn] | None = None) -> Drawn:
        """Draw values with their parts; `parts` has those of columns that are made."""
        ...

    def number_given(self, places: npt.NDArray[np.int64], rows: Rows) -> pl.Series:
        """Make values that differ in all rows and go with the rows' other columns."""
        ...
