"""Evaluation of more rows than memory holds: all of them are counted, and metrics look at samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulacra._api_schema import Contract, contract
from simulacra._api_wide import Wide, say_sides
from simulacra.databases.urls import is_database
from simulacra.dataset import dataset
from simulacra.errors import DataError, OptionError
from simulacra.generator import Progress
from simulacra.memory import free_bytes
from simulacra.randomness import Streams
from simulacra.schema.files import read_schema
from simulacra.schema.types import Schema, Table
from simulacra.schema.validation import drop_guesses
from simulacra.survey.cells import as_cells, choose_bins
from simulacra.survey.guessing import guess_table, widen
from simulacra.survey.rows import FrameRows, Rows
from simulacra.survey.survey import Ask, CodeList, Survey, survey
from simulacra.tablefiles import SCHEMA_FILE, TableFiles, find_tables, is_parted

MOST_ROWS = 1_000_000
"""Rows of each side that metrics look at, unless the user says otherwise."""
UNTYPED = frozenset({".csv", ".tsv", ".tab", ".psv", ".jsonl", ".ndjson", ".gz"})
"""Endings of files that have no types."""
LARGE_BYTES = 400_000_000
"""Files whose rows nobody has counted are taken for large beyond this size."""
_CELL_BYTES = 68 * 3
"""Memory that an evaluation of three frames needs for each cell of one of them, as measured."""
_MEMORY = 0.4
_CODED_ROWS = 50_000_000
"""Training rows among which copies are looked for: 8 bytes each."""
_RAW = 200_000


def survey_sides(
    given: Mapping[str, Any], schema: Contract | None, *, rows: int | None, seed: int, progress: Progress
) -> Wide | None:
    """Count all rows of a comparison and take samples, if a side is more than is compared row by row.

    Parameters
    ----------
    given : mapping
        ``train``, ``synthetic`` and ``holdout`` as the user gave them.
    schema : Contract or None
        The contract.
    rows : int or None
        Rows of each side that metrics look at, at most; a million, or what memory allows, when None.
    seed : int
        Names the samples.
    progress : callable
        Told the share done.

    Returns
    -------
    Wide or None
        None where all fits, and where the data are of several tables.
    """
    if rows is not None and rows < 1:
        raise OptionError(f"rows (--rows) is how many rows of each side metrics look at, not {rows!r}.")
    files = {role: find_files(data) for role, data in given.items()}
    found = [one for one in files.values() if one is not None]
    folders = any(one is not None and Path(given[role]).expanduser().is_dir() for role, one in files.items())
    if rows is None and (not found or not (folders or any(_is_more(one) for one in found))):
        return None
    opened: dict[str, Rows] = {}
    tables: dict[str, Table | None] = {}
    known = contract(schema, None) if schema is not None else None
    if known is not None and len(known.tables) != 1:
        return None
    for role, data in given.items():
        if data is None:
            continue
        lying = files[role]
        if lying is None:
            whole = dataset(data, schema=known if role == "train" else None)
            if len(whole.frames) != 1:
                return None
            opened[role], tables[role] = FrameRows(whole.name, whole.polars()), whole.schema.table()
        else:
            opened[role], tables[role] = lying, _schema_beside(Path(data))
    limit = rows if rows is not None else _rows_in_memory(next(opened["train"].pieces(rows=1)).frame.width)
    counts = {role: side.rows for role, side in opened.items()}
    if not folders and all(count is not None and count <= limit for count in counts.values()):
        return None
    table = known.tables[0] if known is not None else tables["train"]
    return _survey_all(opened, table, limit, Streams(seed).at("evaluate"), progress)


def find_files(data: Any) -> TableFiles | None:
    """Return where the rows of one table lie, if they are in parts, or in one file that may be large.

    Examples
    --------
    >>> find_files("nowhere.parquet")
    """
    if not isinstance(data, (str, Path)) or is_database(data) or not Path(data).expanduser().exists():
        return None
    path = Path(data).expanduser()
    if path.is_dir() and not is_parted(path):
        return None
    if path.is_file() and not _may_be_large(path):
        return None
    known = _schema_beside(path)
    tables = find_tables(path, None if known is None else Schema((known,)))
    return next(iter(tables.values())) if len(tables) == 1 else None


def _is_more(files: TableFiles) -> bool:
    """Tell whether files hold more rows than metrics look at."""
    width = next(files.pieces(rows=1)).frame.width
    return files.rows is None or files.rows > _rows_in_memory(width)


def _may_be_large(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in {".parquet", ".pq", ".arrow", ".feather", ".ipc"}:
        # a metadata look is cheap, and small columns compress to almost nothing
        return path.stat().st_size > 1_000_000
    return suffix in {".csv", ".tsv", ".jsonl", ".ndjson"} and path.stat().st_size > LARGE_BYTES


def _schema_beside(path: Path) -> Table | None:
    beside = path.expanduser() / SCHEMA_FILE
    if not beside.is_file():
        return None
    tables = read_schema(beside).tables
    return tables[0] if len(tables) == 1 else None


def _rows_in_memory(width: int) -> int:
    free = free_bytes()
    if free is None:
        return MOST_ROWS
    return max(50_000, min(MOST_ROWS, int(_MEMORY * free / (_CELL_BYTES * max(width, 1)))))


def _survey_all(
    sides: dict[str, Rows], table: Table | None, limit: int, streams: Streams, progress: Progress
) -> Wide:
    start = time.monotonic()
    real = sides["train"]
    known = table
    if known is None:
        known = guess_table(real, min(limit, _RAW), streams.at("guess"), typed=_is_typed(real))
    known = replace(known, name=real.name, references=(), constraints=known.constraints)
    asked = [name for name in sides if name != "train"]
    total = sum(side.rows or 0 for side in sides.values()) + (real.rows or 0)
    passed = _Passed(progress, max(total, 1))
    first = survey(real, known, streams.at("train"), Ask(limit), passed.at("counting training rows"))
    if not first.rows:
        raise DataError("the train data hold no rows. Give the rows that the generator learnt from.")
    notes: list[str] = []
    if table is None:
        known, again = widen(known, first)
        if again:
            first = survey(real, known, streams.at("train"), Ask(limit))
            known, _ = widen(known, first)
    known, notes = _loosened(known, {role: sides[role] for role in asked})
    if notes:
        first = survey(real, known, streams.at("train"), Ask(limit))
    first.table = known
    bins = choose_bins(first)
    codes = CodeList() if first.rows <= _CODED_ROWS else None
    ask = Ask(limit, as_cells(bins), repeats=True, levels=False, codes=codes)
    second = survey(real, known, streams.at("train"), ask, passed.at("counting training rows"))
    first.cells, first.repeated = second.cells, second.repeated
    found = {"train": first}
    among = codes.known() if codes is not None else None
    for role in asked:
        rules = _rules_of(known) if role == "synthetic" else None
        ask = Ask(limit, as_cells(bins), repeats=True, among=among, ends=first.ends, rules=rules)
        found[role] = survey(sides[role], known, streams.at(role), ask, passed.at(f"counting {role} rows"))
        if not found[role].rows:
            raise DataError(f"the {role} data hold no rows. Give the rows to be judged.")
        for name, bad in found[role].unread.items():
            notes.append(
                f"{role}: column {name!r}: {bad:,} of {found[role].rows:,} rows can not be read as the training rows "
                "are; they count as missing"
            )
    ordered: dict[str, Survey] = {
        role: found[role] for role in ("train", "synthetic", "holdout") if role in found
    }
    told = (*notes, *say_sides(ordered, codes is not None))
    return Wide(known, ordered, bins, told, time.monotonic() - start, codes is not None)


def _is_typed(rows: Rows) -> bool:
    if isinstance(rows, TableFiles):
        return not rows.suffixes & UNTYPED
    return True


def _loosened(table: Table, sides: dict[str, Rows]) -> tuple[Table, list[str]]:
    """Let a column of whole numbers hold fractions where the first rows of another side have them."""
    notes: list[str] = []
    for role, side in sides.items():
        frame = next(side.pieces()).frame
        for column in table.columns:
            if column.kind != "number" or not column.integer or column.name not in frame.columns:
                continue
            values = frame[column.name]
            if values.dtype.is_float() and (values.is_finite() & (values != values.round())).any():
                notes.append(
                    f"{role}, column {column.name!r}: values are not whole numbers, as those of the training rows are; "
                    "they are compared as they stand."
                )
                table = table.with_column(column.name, integer=False, decimals=None, step=None)
    return table, notes


def _rules_of(table: Table) -> Table:
    """Return the rules that drawn rows may break, without those that only tell what training rows show."""
    return replace(table, key=(), columns=tuple(drop_guesses(column) for column in table.columns))


class _Passed:
    """How many of all rows have passed."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._before, self._now = progress, total, 0, 0

    def at(self, what: str) -> Callable[[int], None]:
        """Begin with another side."""
        self._before += self._now
        self._now = 0

        def told(rows: int) -> None:
            self._now = rows
            self._progress(min((self._before + rows) / self._total, 1.0), what)

        return told
