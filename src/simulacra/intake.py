"""One table on its way to a model, column by column: no more than one column is held as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from simulacra._frames_types import type_text
from simulacra.databases.urls import is_database, require_known
from simulacra.dataset import Dataset, dataset
from simulacra.domain import Array, Block
from simulacra.encoding import Encoding
from simulacra.errors import DataError
from simulacra.filing import open_path, table_name
from simulacra.frames import Layout, is_frame, to_polars
from simulacra.privacy.protection import Totals
from simulacra.provenance import Fingerprint
from simulacra.schema.combinations import list_combinations
from simulacra.schema.conformance import check_names, conform_column, unreadable_values
from simulacra.schema.crossing import say_apart, set_apart
from simulacra.schema.inference import infer_table
from simulacra.schema.types import Column, Schema, Table
from simulacra.schema.validation import (
    Violation,
    columns_of_rules,
    validate_column,
    validate_constraints,
    validate_key,
    violated,
)
from simulacra.source import Stored


class Whole(Protocol):
    """What is known of all rows, where the columns are those of a sample; see `simulacra.survey.totals`."""

    @property
    def rows(self) -> int:
        """How many there are."""
        ...

    def totals(self, encodings: Mapping[str, Encoding], block: Block, left: Block) -> Totals:
        """Tell how many of all rows hold what the sample holds.

        Parameters
        ----------
        encodings : mapping
            By which the sample was encoded.
        block : Block
            The encoded rows.
        left : Block
            What is left of them where columns follow from others: such axes hold something else.
        """
        ...


class Intake:
    """The columns of one table, read, inferred, conformed and checked one at a time.

    Parameters
    ----------
    stored : Stored
        The columns as they lie.
    table : Table or None
        Their schema; inferred when None, which reads every column once more.
    name : str
        Name of the table.
    typed : bool
        False if all columns are text and must be parsed.
    layout : Layout or None
        The kind of frame they came as; that of a file's columns when None.
    notes : tuple of str
        What happened before.
    canonical : bool
        Whether the values are canonical already.

    Notes
    -----
    **Cost**: linear; memory for one column, and for what `stored` holds itself: nothing for a Parquet or Arrow file.

    Examples
    --------
    >>> intake = Intake.open(pl.DataFrame({"age": [31, 45]}))
    >>> [(column.name, values.to_list()) for column, values in intake.columns()]
    [('age', [31, 45])]
    """

    def __init__(
        self,
        stored: Stored,
        table: Table | None,
        name: str,
        *,
        typed: bool = True,
        layout: Layout | None = None,
        notes: tuple[str, ...] = (),
        canonical: bool = False,
    ) -> None:
        self.stored = stored
        if table is None:
            table = infer_table((stored.load(column) for column in stored.names), name, typed=typed)[0]
        table, apart = set_apart(table)
        self.table = table.renamed(name)
        check_names(stored.names, self.table)
        self.notes = (*notes, *(say_apart(rule, name) for rule in apart))
        self.whole: Whole | None = None
        self._sha256 = ""
        self._typed, self._layout, self._canonical = typed, layout, canonical
        self._types: dict[str, str] = {}

    @classmethod
    def open(cls, data: Any, schema: Schema | None = None) -> Intake:
        """Open a path, a frame or a Dataset of one table.

        Parameters
        ----------
        data : path, frame or Dataset
            The rows. Parquet and Arrow files are read column by column; other files are read whole.
        schema : Schema or None
            The contract; the data set's own, or inferred, when None.

        Raises
        ------
        DataError
            There are several tables.
        """
        single = schema is None or len(schema.tables) == 1
        table = schema.tables[0] if schema is not None else None
        left_out = schema.notes if schema is not None else ()
        require_known(data)
        is_file = isinstance(data, (str, Path)) and not is_database(data)
        if single and is_file and not Path(data).expanduser().is_dir():
            opened = open_path(data)
            return cls(
                opened.stored, table, table_name(data), typed=opened.typed, notes=opened.notes + left_out
            )
        if single and is_frame(data):
            frame, layout = to_polars(data)
            return cls(Stored.of(frame), table, "table", layout=layout, notes=layout.notes + left_out)
        given = dataset(data, schema=schema)
        if len(given.frames) != 1:
            raise DataError(
                f"fit takes one table, and these data have {len(given.frames)}: {', '.join(given.frames)}. "
                "Choose one with data.select('NAME') (--table NAME)."
            )
        return cls.of(given)

    @classmethod
    def of(cls, given: Dataset) -> Intake:
        """Take the only table of a Dataset."""
        name = given.name
        return cls(
            Stored.of(given.polars()), given.schema.table(), name, layout=given.layouts[name], notes=given.notes,
            canonical=True,
        )  # fmt: skip

    def __len__(self) -> int:
        return self.stored.rows

    @property
    def facts(self) -> dict[str, Any]:
        """Fingerprint and shape of the data; known once all columns have passed."""
        shape = {"sha256": self._sha256, "rows": len(self), "columns": len(self.table.columns)}
        return shape if self.whole is None else {**shape, "sampled of": self.whole.rows}

    @property
    def layout(self) -> Layout:
        """The kind of frame, and its column types, to give back; known once all columns have passed."""
        if self._layout is not None:
            return self._layout
        order = self.stored.names if self._typed else self.table.names
        return Layout("polars", {name: self._types[name] for name in order})

    def frame(self, names: Sequence[str], rows: Array) -> pl.DataFrame:
        """Read some rows of some columns as they lie, one column after the other."""
        return pl.DataFrame([self.stored.load(name).gather(rows) for name in names])

    def like(self, frame: pl.DataFrame) -> Intake:
        """Make the intake of a frame that `frame` gave, under the same schema without rules over rows."""
        kept = tuple(column for column in self.table.columns if column.name in frame.columns)
        table = Table(self.table.name, kept)
        return Intake(
            Stored.of(frame),
            table,
            table.name,
            typed=self._typed,
            layout=self._layout,
            canonical=self._canonical,
        )

    def columns(self, holders: int = 1) -> Iterator[tuple[Column, pl.Series]]:
        """Give every column once, in the order of the schema, as canonical values.

        Parameters
        ----------
        holders : int
            How many rows must hold a combination before `Combination` may list it; see `list_combinations`.

        Yields
        ------
        (Column, Series)
            What the schema says, and the values. Nothing more is given after the first column that breaks the schema.
            Rows that break a constraint are given too, and counted in the notes.

        Raises
        ------
        SchemaViolation
            Values can not be read, or break the facts of their column or the key; raised when all columns have been
            looked at.
        """
        named = columns_of_rules(self.table)
        found: list[Violation] = []
        if named and not self._unread(named):
            found = self._hold_rows(pl.DataFrame([self._conformed(name)[0] for name in named]), holders)
        fingerprint = Fingerprint()
        problems: list[str] = []
        for column in self.table.columns:
            values, notes, problem = self._conformed(column.name)
            self.stored.drop(column.name)
            self.notes += tuple(notes)
            if problem:
                problems.append(problem)
            found += validate_column(values, column, self.table)
            fingerprint.add(values)
            if not found and not problems:
                yield column, values
            del values
        if problems:
            raise unreadable_values(problems)
        if found:
            raise violated(found)
        self._sha256 = fingerprint.hexdigest()

    def _hold_rows(self, frame: pl.DataFrame, holders: int) -> list[Violation]:
        """Note which constraints rows break, and return what repeats the key."""
        self.table = list_combinations(self.table, frame, holders)
        self.notes += tuple(
            f"{broken.count:,} of {broken.rows:,} training rows {'breaks' if broken.count == 1 else 'break'} "
            f"{broken.quoted}; drawn rows keep it, and what was wrong is learnt from as it is."
            for broken in validate_constraints(frame, self.table)
        )
        return validate_key(frame, self.table)

    def _conformed(self, name: str) -> tuple[pl.Series, list[str], str]:
        raw = self.stored.load(name)
        column = self.table[name]
        values, notes, problem = (
            (raw, [], "") if self._canonical else conform_column(raw, column, self.table.name)
        )
        self._types[name] = type_text((raw if self._typed else values).dtype)
        return values, notes, problem

    def _unread(self, names: tuple[str, ...]) -> bool:
        """Tell whether one of the columns has values that can not be read, which is said first."""
        return any(self._conformed(name)[2] for name in names)
