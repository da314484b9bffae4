"""Hold every row that was written against every rule of its schema."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from simulacra.errors import DataError, OptionError
from simulacra.generator import Progress, silent
from simulacra.memory import free_bytes, parse_size
from simulacra.proof.among import list_among, prove_among
from simulacra.proof.codes import Coding
from simulacra.proof.desk import Desk
from simulacra.proof.keys import KeySet, collect_key
from simulacra.proof.lines import Line, Proof
from simulacra.proof.references import Lookup, needs_text
from simulacra.proof.rows import RowRules
from simulacra.schema.constraints import Combination, Unique
from simulacra.schema.files import read_schema
from simulacra.schema.types import Schema, Table
from simulacra.tablefiles import SCHEMA_FILE, TableFiles, find_tables

_MOST = 2_500_000_000
_LEAST = 64_000_000

_Name = tuple[str, Coding]


def prove(
    data: str | Path,
    schema: Schema | None = None,
    *,
    memory: int | str | None = None,
    progress: Progress = silent,
) -> Proof:
    """Hold every row of files against every rule of their schema, out of core.

    Parameters
    ----------
    data : str or Path
        A folder that was written, in parts or with a file for each table, or one file: Parquet, Arrow, CSV, JSON lines.
    schema : Schema or None
        The rules; those of the ``schema.yaml`` in the folder when None.
    memory : int, str or None
        How much memory may be used, as bytes or text such as ``"4GB"``; half of what is free, and 2.5 GB at most, when
        None.
    progress : callable
        Called with the share done and the present step.

    Returns
    -------
    Proof
        A line for each rule: how many rows it was held against, how many break it, and where the first of these are.

    Raises
    ------
    FileError
        There is no such path, or a file can not be read.
    DataError
        A table of the schema is not there, or a file lacks a column or is damaged.
    OptionError
        There is no schema.

    Notes
    -----
    What is proved: that every value can be read as its kind, is there where it must be (`required` or not `nullable`),
    and keeps bounds, levels, pattern and decimals; every constraint of the schema; that keys differ in every row; and
    that every reference leads to a row. A rule that rows among each other must keep is unproved, and says so, only
    where it needs more memory than there is.

    **Cost**: about linear in rows: one pass over all columns, and one more over the columns of each key. Memory does
    not grow with rows, but for keys: one byte for each number of a dense range, else 8 bytes a row, in files where
    they do not fit.

    **Privacy**: a proof tells counts, files and row numbers, never a value of a row.

    Examples
    --------
    >>> import tempfile
    >>> import polars as pl
    >>> from simulacra.schema.types import Column
    >>> folder = Path(tempfile.mkdtemp())
    >>> for part in range(2):
    ...     pl.DataFrame({"id": [1, 2]}).write_parquet(folder / f"part-0000{part}.parquet")
    >>> ids = Schema((Table("people", (Column("id", "key", integer=True),), ("id",)),))
    >>> print(prove(folder, ids).violated[0])  # doctest: +ELLIPSIS
    table 'people', column 'id': 2 of 4 rows break "different in every row" (first: part-00001.parquet row 1, ...
    """
    began = time.monotonic()
    schema = _schema_of(Path(data).expanduser()) if schema is None else schema
    files = find_tables(data, schema)
    if len(schema.tables) == len(files) == 1:
        schema = replace(schema, tables=(schema.tables[0].renamed(next(iter(files))),))
    for name in schema.names:
        if name not in files:
            raise DataError(
                f"the schema has a table {name!r} that {str(data)!r} has not: {', '.join(files)}."
            )
    chosen = parse_size(memory) if memory is not None else min(_MOST, (free_bytes() or 2 * _MOST) // 2)
    with tempfile.TemporaryDirectory(prefix="simulacra-") as scratch:
        work = _Work(files, schema, max(chosen, _LEAST), Path(scratch), progress)
        lines = tuple(work.run())
    used = [files[name] for name in schema.names]
    return Proof(
        lines, work.rows, sum(len(one.parts) for one in used), sum(one.bytes for one in used),
        time.monotonic() - began, (*schema.notes, *work.notes, *_unknown_tables(files, schema)),
    )  # fmt: skip


def _schema_of(path: Path) -> Schema:
    beside = path / SCHEMA_FILE if path.is_dir() else path.parent / SCHEMA_FILE
    if not beside.is_file():
        raise OptionError(
            f"{str(path)!r} has no {SCHEMA_FILE!r} beside it, so there is nothing to prove. Give a schema."
        )
    return read_schema(beside)


def _unknown_tables(files: dict[str, TableFiles], schema: Schema) -> list[str]:
    unknown = [name for name in files if name not in schema.names]
    return [f"not in the schema, so not looked at: {', '.join(map(repr, unknown))}."] if unknown else []


class _Work:
    """One proof: keys first, since others are looked up in them, then the rows, then what rows say together."""

    def __init__(
        self, files: dict[str, TableFiles], schema: Schema, memory: int, scratch: Path, progress: Progress
    ) -> None:
        self.files, self.schema, self.memory, self.scratch = files, schema, memory, scratch
        self.rows: dict[str, int] = {}
        self.notes: list[str] = []
        self._progress = progress
        self._done, self._total = 0, 1
        self._keys: dict[_Name, KeySet] = {}

    def run(self) -> Iterator[Line]:
        """Prove table by table."""
        wanted = self._wanted_keys()
        self._total = (
            len(wanted)
            + 2 * len(self.schema.tables)
            + sum(len(list_among(table)) for table in self.schema.tables)
        )
        held = 0
        for (name, coding), lookup in wanted.items():
            found = collect_key(
                self.files[name], self.schema.table(name), coding, lookup=lookup,
                memory=max((self.memory - held) // 2, _LEAST), scratch=self.scratch, step=self._step,
            )  # fmt: skip
            self._keys[name, coding] = found
            held += found.bytes
        for table in self.schema.tables:
            yield from self._prove_table(table)

    def _wanted_keys(self) -> dict[_Name, bool]:
        """List what must differ or is referred to, and whether values are looked up in it."""
        wanted: dict[_Name, bool] = {}
        for table in self.schema.tables:
            for columns, _, _ in _distinct(table):
                wanted.setdefault((table.name, Coding.of(table, columns)), False)
        for table in self.schema.tables:
            for reference in table.references:
                other = self.schema.table(reference.table)
                text = needs_text(self.schema, table, reference)
                wanted[other.name, Coding.of(other, reference.to, text)] = True
        return wanted

    def _prove_table(self, table: Table) -> Iterator[Line]:
        lookups = []
        for reference in table.references:
            text = needs_text(self.schema, table, reference)
            other = Coding.of(self.schema.table(reference.table), reference.to, text)
            mine = replace(other, columns=reference.columns)
            lookups.append(Lookup(table, reference, self._keys[reference.table, other], mine))
        rules = RowRules(table, lookups)
        self._step(table.name)
        for piece in self.files[table.name].pieces():
            rules.take(piece)
        self.rows[table.name] = rules.rows
        yield from rules.lines()
        for columns, kind, words in _distinct(table):
            found = self._keys[table.name, Coding.of(table, columns)]
            yield Line(table.name, columns, kind, words, found.rows, found.repeated, found.first, found.how)
            if columns == table.key:
                yield self._complete(table, columns, found)
        yield from (lookup.line(self.files[table.name], rules.places) for lookup in lookups)
        desk = Desk(self.files, self.schema, self.memory // 2, self.scratch, self._step)
        for rule in list_among(table):
            yield prove_among(rule, table, rules.rows, rules.places, desk)
        self.notes += [*rules.notes, *_open_rules(table)]

    def _complete(self, table: Table, columns: tuple[str, ...], found: KeySet) -> Line:
        return Line(
            table.name, columns, "key", "has a value in every column of the key", found.rows, found.nulls,
            found.first_nulls, "every row",
        )  # fmt: skip

    def _step(self, what: str) -> None:
        self._progress(min(self._done / self._total, 1.0), what)
        self._done += 1


def _distinct(table: Table) -> list[tuple[tuple[str, ...], str, str]]:
    """List the columns that must differ in every row: keys, and what constraints say of."""
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    if table.key:
        found[table.key] = ("key", "different in every row")
    for column in table.columns:
        referring = any(column.name in reference.columns for reference in table.references)
        shared = referring or (column.name in table.key and len(table.key) > 1)
        if column.kind == "key" and not shared:
            found.setdefault((column.name,), ("key", "different in every row"))
    for rule in table.constraints:
        if isinstance(rule, Unique):
            found.setdefault(rule.columns, ("unique", str(rule)))
    return [(columns, kind, words) for columns, (kind, words) in found.items()]


def _open_rules(table: Table) -> list[str]:
    return [
        f"table {table.name!r}: {rule} says nothing until a fit has listed them."
        for rule in table.constraints
        if isinstance(rule, Combination) and rule.allowed is None
    ]
