"""Statistics of all rows of a table, in one pass: missing values, levels, ends, repeats, and a sample."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.proof.canonical import read_column
from simulacra.proof.keys import Known
from simulacra.proof.lines import Line
from simulacra.proof.rows import RowRules
from simulacra.proof.spill import Spill
from simulacra.randomness import Streams
from simulacra.schema.conformance import check_names
from simulacra.schema.types import Table
from simulacra.survey.levels import LevelCounts
from simulacra.survey.reservoir import Reservoir
from simulacra.survey.rows import Rows
from simulacra.tablefiles import Piece

_ORDERED = {"number", "date", "datetime", "time", "duration"}


@dataclass
class Survey:
    """What a pass over all rows of a table told.

    Parameters
    ----------
    table : Table
        The schema that the rows were read by.
    sample : DataFrame
        Rows chosen at random, canonical values, in order.
    rows : int
        How many rows there are in all.
    missing : dict of str to int
        Rows that lack a value, by column.
    unread : dict of str to int
        Rows of which the value could not be read, by column; they count as missing.
    levels : dict
        How many rows hold each level, of categories and booleans.
    ends : dict
        The smallest and the largest value of each number and time, and length of each text.
    tails : dict
        The k smallest and the k largest values of each number and date, in no order.
    cells : dict of str to array
        Rows in each cell of a column that cells were asked for: between the edges, then outside, then missing.
    repeated : int
        Rows that equal an earlier one.
    known : int
        Rows that equal one of those asked about.
    beyond : dict of str to int
        Rows outside the ends that were asked about, by column.
    lines : tuple of Line
        Rules over single rows, held against all rows.
    """

    table: Table
    sample: pl.DataFrame
    rows: int
    missing: dict[str, int]
    unread: dict[str, int]
    levels: dict[str, LevelCounts]
    ends: dict[str, tuple[Any, Any]]
    cells: dict[str, Array]
    tails: dict[str, tuple[pl.Series, pl.Series]] = field(default_factory=dict)
    repeated: int = 0
    known: int = 0
    beyond: dict[str, int] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the sample is all there is."""
        return self.sample.height == self.rows


Sort = Callable[[pl.Series], Array]
"""Gives each value the number of its cell."""


@dataclass
class CodeList:
    """The codes of all rows of a table.

    Examples
    --------
    >>> codes = CodeList([np.array([5, 3])])
    >>> codes.known().contains(np.array([3, 4])).tolist()
    [True, False]
    """

    held: list[Array] = field(default_factory=list)

    def known(self) -> Known:
        """Put them in order, to look codes up in them."""
        whole = np.concatenate(self.held) if self.held else np.empty(0, dtype=np.int64)
        self.held.clear()
        return Known(sorted=np.sort(whole))


@dataclass(frozen=True)
class Ask:
    """What a survey is to find out, besides counts.

    Parameters
    ----------
    rows : int
        Rows of the sample.
    cells : dict
        For each column, how many cells there are and what sorts values into them.
    repeats : bool
        Whether rows that equal an earlier one are counted.
    among : Known or None
        Codes of rows, to count how many equal one of them; see `code_whole`.
    codes : CodeList or None
        Takes the codes of all rows.
    ends : dict
        Smallest and largest values, to count the rows beyond them.
    rules : Table or None
        Whose rules over single rows are held against all rows.
    levels : bool
        Whether levels are counted.
    tails : int
        k: how many of the smallest and of the largest values are kept of each number and date; 0 for none.
    memory : int
        Bytes that the counting of repeats may use.
    """

    rows: int
    cells: Mapping[str, tuple[int, Sort]] = field(default_factory=dict)
    repeats: bool = False
    among: Known | None = None
    codes: CodeList | None = None
    ends: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    rules: Table | None = None
    levels: bool = True
    tails: int = 0
    memory: int = 400_000_000


def code_whole(frame: pl.DataFrame, names: Sequence[str]) -> Array:
    """Give each row a 64-bit code, in which missing counts as a value.

    Examples
    --------
    >>> codes = code_whole(pl.DataFrame({"a": [1, 1, None], "b": ["x", "x", "x"]}), ["a", "b"])
    >>> bool(codes[0] == codes[1]), bool(codes[0] == codes[2])
    (True, False)
    """
    whole = frame.select(names)
    hashed = whole.to_series() if whole.width == 1 else whole.to_struct("row")
    return hashed.hash(0x5EED).to_numpy().view(np.int64)


def survey(
    source: Rows,
    table: Table,
    streams: Streams,
    ask: Ask,
    step: Callable[[int], None] = lambda rows: None,
) -> Survey:
    """Go through all rows once.

    Parameters
    ----------
    source : Rows
        The rows.
    table : Table
        Their schema; other columns are passed over, and what can not be read counts as missing.
    streams : Streams
        Names the sample.
    ask : Ask
        What to find out.
    step : callable
        Told how many rows have passed.

    Returns
    -------
    Survey
        Counts of all rows, and a sample.

    Raises
    ------
    SchemaViolation
        A column is missing.

    Notes
    -----
    **Cost**: linear in rows; memory for the sample, for the levels, and for one piece of rows. Rows that repeat are
    counted by 64-bit hashes, in files where they do not fit.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> from simulacra.survey.rows import FrameRows
    >>> table = Table("t", (Column("a", "category"),))
    >>> found = survey(FrameRows("t", pl.DataFrame({"a": ["x", "y", None] * 100})), table, Streams(1), Ask(10))
    >>> found.rows, found.missing, found.levels["a"].table.rows(), len(found.sample)
    (300, {'a': 100}, [('x', 100), ('y', 100)], 10)
    """
    reservoir = Reservoir(ask.rows, streams, source.rows)
    kinds = {column.name: column.kind for column in table.columns}
    levels = {
        name: LevelCounts() for name in table.names if ask.levels and kinds[name] in {"category", "boolean"}
    }
    found = Survey(table, pl.DataFrame(), 0, dict.fromkeys(table.names, 0), {}, levels, {}, {})
    found.cells = {name: np.zeros(size, dtype=np.int64) for name, (size, _) in ask.cells.items()}
    rules = None if ask.rules is None else RowRules(ask.rules, ())
    with tempfile.TemporaryDirectory(prefix="simulacra-") as scratch:
        repeats = Spill(source.rows, ask.memory, Path(scratch)) if ask.repeats else None
        for piece in source.pieces(list(table.names) if _has_all(source, table) else None):
            frame, unread = _read(piece, table, found)
            reservoir.take(frame, piece.start)
            found.rows += frame.height
            _count(frame, found, ask)
            if repeats is not None or ask.among is not None or ask.codes is not None:
                codes = code_whole(frame, table.names)
                if repeats is not None:
                    repeats.add(codes)
                if ask.codes is not None:
                    ask.codes.held.append(codes)
                if ask.among is not None:
                    found.known += int(np.count_nonzero(ask.among.contains(codes)))
            if rules is not None:
                rules.judge(frame, unread, piece)
            step(found.rows)
        if repeats is not None:
            found.repeated = repeats.count_repeated()
    found.sample = reservoir.finish()
    if rules is not None:
        found.lines = tuple(rules.lines())
    return found


def _has_all(source: Rows, table: Table) -> bool:
    """Check the names before the work starts."""
    first = next(source.pieces(rows=1))
    check_names(first.frame.columns, table, "drop")
    return True


def _read(piece: Piece, table: Table, found: Survey) -> tuple[pl.DataFrame, pl.DataFrame]:
    columns, unread = [], []
    for column in table.columns:
        read = read_column(piece.frame[column.name], column)
        bad = int(read.bad.sum())
        if bad:
            found.unread[column.name] = found.unread.get(column.name, 0) + bad
        columns.append(read.values)
        unread.append(read.bad.alias(column.name))
    return pl.DataFrame(columns), pl.DataFrame(unread)


def _count(frame: pl.DataFrame, found: Survey, ask: Ask) -> None:
    for column in found.table.columns:
        values = frame[column.name]
        found.missing[column.name] += values.null_count()
        if column.name in found.levels:
            found.levels[column.name].add(values)
        sized = values.str.len_chars() if column.kind == "text" else values
        if (column.kind in _ORDERED or column.kind == "text") and values.null_count() < len(values):
            low, high = sized.min(), sized.max()
            before = found.ends.get(column.name)
            found.ends[column.name] = (
                (low, high) if before is None else (min(low, before[0]), max(high, before[1]))
            )
        if ask.tails and column.kind in {"number", "date"}:
            low_tail, high_tail = values.bottom_k(ask.tails), values.top_k(ask.tails)
            if column.name in found.tails:
                lows, highs = found.tails[column.name]
                low_tail = pl.concat([lows, low_tail]).bottom_k(ask.tails)
                high_tail = pl.concat([highs, high_tail]).top_k(ask.tails)
            found.tails[column.name] = (low_tail, high_tail)
        if column.name in ask.ends:
            least, most = ask.ends[column.name]
            outside = int(((values < least) | (values > most)).sum())
            found.beyond[column.name] = found.beyond.get(column.name, 0) + outside
        if column.name in ask.cells:
            size, sort = ask.cells[column.name]
            found.cells[column.name] += np.bincount(sort(values), minlength=size)
