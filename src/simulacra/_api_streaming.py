"""Learning from more rows than memory holds: all of them are counted, and a sample of them is learnt from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulacra._api_schema import Contract, contract
from simulacra._api_survey import UNTYPED, find_files
from simulacra.dataset import Dataset
from simulacra.errors import DataError, OptionError, SchemaViolation
from simulacra.frames import Layout, to_polars
from simulacra.generator import Progress
from simulacra.intake import Intake
from simulacra.memory import free_bytes
from simulacra.randomness import Streams
from simulacra.schema.combinations import list_combinations
from simulacra.schema.crossing import set_apart
from simulacra.schema.files import read_schema
from simulacra.schema.types import Schema, Table
from simulacra.survey.guessing import guess_table, widen
from simulacra.survey.survey import Ask, Survey, survey
from simulacra.survey.totals import Counted
from simulacra.tablefiles import SCHEMA_FILE, TableFiles

FIT_ROWS = 1_000_000
"""Rows of a folder of parts that are learnt from, unless the user says otherwise."""
FILE_ROWS = 20_000_000
"""A single file of typed columns is read column by column up to here."""
_GUESSED_BY = 200_000
_COPIES = 6
"""How many times its size a text file takes in memory while it is read."""


def stream_intake(
    data: Any,
    schema: Contract | None,
    *,
    weight: str | None,
    holders: int,
    rows: int | None,
    seed: int,
    progress: Progress,
) -> Intake | None:
    """Open rows that are more than are learnt from: count all, and take a sample.

    Parameters
    ----------
    data : path or anything else
        A folder of parts of one table, or one large file.
    schema : Contract or None
        The contract; the ``schema.yaml`` of the folder, or inferred, when None.
    weight : str or None
        A column that weighs rows.
    holders : int
        k of the protection, which is looked for among all rows.
    rows : int or None
        How many rows to learn from at most; 1,000,000 when None.
    seed : int
        Names the sample.
    progress : callable
        Told the share done.

    Returns
    -------
    Intake or None
        None where the data are no such path, or fit.

    Raises
    ------
    SchemaViolation
        Rows break the facts of their columns.
    """
    if rows is not None and rows < 1:
        raise OptionError(f"rows (--rows) is how many rows to learn from, not {rows!r}.")
    files = find_files(data)
    if rows is not None and not isinstance(data, (str, Path)):
        raise OptionError(
            "rows= (--rows) is how many rows of files to learn from. Take a sample of a frame before it is given."
        )
    if files is None or not _is_wide(Path(data).expanduser(), files, rows):
        return None
    known = contract(schema, None) if schema is not None else _schema_beside(Path(data).expanduser())
    if known is not None and len(known.tables) != 1:
        return None
    table = None if known is None else known.tables[0].renamed(files.name)
    if table is not None and any(reference.table == table.name for reference in table.references):
        return None
    limit, streams = rows or FIT_ROWS, Streams(seed).at("fit", files.name)
    typed = not files.suffixes & UNTYPED
    guessed = table is None
    if table is None:
        table = guess_table(files, min(limit, _GUESSED_BY), streams.at("guess"), typed=typed)
    if weight is not None:
        table = Schema((table,)).with_weight(weight).table()
    told = _Told(progress, max(files.rows or 0, 1))
    table, found = _count(files, table, limit, holders, streams, told, guessed)
    notes = _notes(found, files, known)
    frame = found.sample
    given = Dataset(
        Schema((table,)), {table.name: frame}, {table.name: _layout(files, table, typed, found)}, notes
    )
    intake = Intake.of(given)
    if not found.whole:
        intake.whole = Counted.of(found, holders)
    return intake


class _Told:
    """Tells how many rows have passed."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, total

    def __call__(self, rows: int) -> None:
        self._progress(min(rows / self._total, 1.0), "counting all rows")


def _is_wide(path: Path, files: TableFiles, rows: int | None) -> bool:
    if path.is_dir():
        return True
    count = files.rows
    if count is None:
        return rows is not None or _COPIES * files.bytes > (free_bytes() or files.bytes)
    return count > (rows or FILE_ROWS)


def _schema_beside(path: Path) -> Schema | None:
    beside = path / SCHEMA_FILE
    return read_schema(beside) if path.is_dir() and beside.is_file() else None


def _count(
    files: TableFiles, table: Table, limit: int, holders: int, streams: Streams, told: _Told, guessed: bool
) -> tuple[Table, Survey]:
    """Count all rows; a guessed schema is widened, and rows are read again where it was too narrow."""
    ask = Ask(limit, tails=holders, rules=None if guessed else set_apart(table)[0])
    found = survey(files, table, streams, ask, told)
    if not found.rows:
        raise DataError(f"table {table.name!r} has no rows, so there is nothing to learn. Give it rows.")
    if guessed:
        table, again = widen(table, found)
        if again:
            found = survey(files, table, streams, ask, told)
            table, _ = widen(table, found)
        return table, found
    wrong = [
        line for line in found.lines if line.violations and line.kind in {"readable", "not null", "value"}
    ]
    if wrong:
        first = sorted(wrong, key=lambda line: -(line.violations or 0))[:3]
        raise SchemaViolation("\n".join(f"{line} Correct the data, or the schema." for line in first))
    return list_combinations(table, found.sample, holders), found


def _notes(found: Survey, files: TableFiles, known: Schema | None) -> tuple[str, ...]:
    parts = f"{len(files.parts):,} files" if len(files.parts) > 1 else "1 file"
    notes = list(known.notes if known is not None else ())
    if found.whole:
        notes.append(f"all {found.rows:,} rows of {parts} are learnt from.")
    else:
        notes.append(
            f"learnt from a uniform sample of {found.sample.height:,} of {found.rows:,} rows in {parts}; missing "
            "values, levels, ends and how many rows hold each are counted over all rows. Choose how many with "
            "rows=... (--rows)."
        )
    for line in found.lines:
        if line.violations and line.kind == "check":
            notes.append(
                f"{line.violations:,} of {line.rows:,} rows break {line.rule!r}; drawn rows keep it, and what was "
                "wrong is learnt from as it is."
            )
    for name, bad in found.unread.items():
        notes.append(
            f"column {name!r}: {bad:,} of {found.rows:,} rows can not be read; they count as missing."
        )
    return tuple(notes)


def _layout(files: TableFiles, table: Table, typed: bool, found: Survey) -> Layout:
    """Give rows back in the types of the files."""
    if not typed:
        return to_polars(found.sample)[1]
    first = next(files.pieces(list(table.names), rows=1)).frame
    return to_polars(first)[1]
