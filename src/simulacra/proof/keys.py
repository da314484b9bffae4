"""Values that must differ in every row, or that others refer to: held as 64-bit codes, in memory or on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.proof.canonical import FIRST, Places, Tally, canonical_pieces
from simulacra.proof.codes import Coding
from simulacra.proof.lines import Place
from simulacra.proof.spill import MOST_SUSPECTS, Spill
from simulacra.schema.types import Table
from simulacra.tablefiles import TableFiles

DENSE = 8
"""A flag for every number between the lowest and the highest, if these are at most so many times the rows."""
SUSPECTS = 2_000_000
"""Rows whose values themselves are compared where their hashes repeat."""

_ROW = "\x00row"

Step = Callable[[str], None]


@dataclass(frozen=True)
class KeySet:
    """The values of some columns over all rows of a table.

    Parameters
    ----------
    columns : tuple of str
        The columns.
    rows : int
        Rows of the table.
    nulls : int
        Rows that lack a value of one of them.
    first_nulls : tuple of Place
        The first of these.
    repeated : int
        Rows that have the values of an earlier row.
    first : tuple of Place
        The first of these.
    how : str
        By what this is known.
    known : Known or None
        The values, where rows of others are looked up in them.
    """

    columns: tuple[str, ...]
    rows: int
    nulls: int
    first_nulls: tuple[Place, ...]
    repeated: int
    first: tuple[Place, ...]
    how: str
    known: Known | None = None

    @property
    def bytes(self) -> int:
        """Memory that the values keep."""
        if self.known is None:
            return 0
        return sum(held.nbytes for held in (self.known.flags, self.known.sorted) if held is not None)


@dataclass(frozen=True)
class Known:
    """Codes that exist: as flags over a range, as a sorted array, or sorted in files.

    Examples
    --------
    >>> Known(sorted=np.array([2, 5])).contains(np.array([5, 3, 2])).tolist()
    [True, False, True]
    >>> Known(flags=np.array([True, False, True]), low=7).contains(np.array([7, 8, 9, 10])).tolist()
    [True, False, True, False]
    """

    flags: Array | None = None
    low: int = 0
    sorted: Array | None = None
    spilled: Spill | None = None

    def contains(self, codes: Array) -> Array:
        """Tell which codes exist."""
        if self.flags is not None:
            # beyond the range in either direction the difference wraps to a number above it
            offset = codes.astype(np.uint64) - np.uint64(self.low % 2**64)
            inside = offset < np.uint64(len(self.flags))
            return inside & self.flags[np.where(inside, offset, np.uint64(0)).astype(np.int64)]
        assert self.sorted is not None
        if not len(self.sorted):
            return np.zeros(len(codes), dtype=bool)
        order = np.argsort(codes)
        wanted = codes[order]
        # neighbours in order look at neighbouring memory
        place = np.minimum(np.searchsorted(self.sorted, wanted), len(self.sorted) - 1)
        found = np.empty(len(codes), dtype=bool)
        found[order] = self.sorted[place] == wanted
        return found


def collect_key(
    files: TableFiles,
    table: Table,
    coding: Coding,
    *,
    lookup: bool,
    memory: int,
    scratch: Path,
    step: Step,
) -> KeySet:
    """Read all values of some columns and find which repeat.

    Parameters
    ----------
    files : TableFiles
        Where the rows are.
    table : Table
        Their schema.
    coding : Coding
        The columns that together are to differ, and how they are compared.
    lookup : bool
        Whether rows of others will be looked up.
    memory : int
        Bytes that may be used.
    scratch : Path
        A folder for what does not fit.
    step : callable
        Told what is being done.

    Returns
    -------
    KeySet
        What was found.

    Notes
    -----
    Whole numbers and times are their own codes. Of other values 64-bit hashes are compared: where no hash repeats, no
    value does, and where one does, the values are read again and compared themselves (up to 2,000,000 rows of them).

    **Cost**: about linear in rows: one flag for each number of a dense range, else 8 bytes a row, sorted, in memory or
    in files of which one at a time is in memory.
    """
    columns = coding.columns
    step(f"{table.name}: {', '.join(columns)}")
    held = (_Held.ranged if coding.exact else _Held.hashed)(files, table, coding, memory, scratch)
    rows, places, lacking = 0, Places(), Tally()
    for frame, piece in canonical_pieces(files, table, columns):
        places.enter(piece)
        rows += frame.height
        codes, there = coding.rows(frame)
        held.add(codes if there is None else codes[there])
        if there is not None:
            lacking.add(~there, piece.start)
    repeated, known = held.finish(lookup)
    how = "values compared" if coding.exact else "64-bit hashes compared; none repeats"
    first: tuple[Place, ...] = ()
    if repeated:
        repeated, first, how = _resolve(files, table, coding, held.suspects(), repeated)
    return KeySet(columns, rows, lacking.count, places.find(lacking.first), repeated, first, how, known)


class _Held:
    """Codes on their way to be compared: flags where the range is known to be dense, else numbers."""

    def __init__(
        self, rows: int | None, memory: int, scratch: Path, span: tuple[int, int] | None = None
    ) -> None:
        self.count = 0
        self._flags = None if span is None else np.zeros(span[1] - span[0] + 1, dtype=bool)
        self._low = 0 if span is None else span[0]
        self._spill = None
        if span is None:
            # sorting in place needs the codes once, and a file being sorted as much as it has
            self._spill = Spill(rows, memory, scratch)

    @classmethod
    def hashed(cls, files: TableFiles, table: Table, coding: Coding, memory: int, scratch: Path) -> _Held:
        """Sort hashes."""
        return cls(files.rows, memory, scratch)

    @classmethod
    def ranged(cls, files: TableFiles, table: Table, coding: Coding, memory: int, scratch: Path) -> _Held:
        """Look at the range first, which typed files tell fast."""
        rows = files.rows
        if rows is None or not rows:
            return cls(rows, memory, scratch)
        low = high = None
        for frame, _ in canonical_pieces(files, table, coding.columns):
            codes = coding.values(frame)
            if len(codes):
                least, most = int(codes.min()), int(codes.max())
                low, high = (
                    (least, most) if low is None or high is None else (min(low, least), max(high, most))
                )
            if low is not None and high is not None and high - low >= min(DENSE * rows, memory):
                return cls(rows, memory, scratch)
        return cls(rows, memory, scratch, None if low is None or high is None else (low, high))

    def add(self, codes: Array) -> None:
        """Take the codes of a piece."""
        self.count += len(codes)
        if self._flags is None:
            assert self._spill is not None
            self._spill.add(codes)
            return
        self._flags[codes - self._low] = True

    def finish(self, lookup: bool) -> tuple[int, Known | None]:
        """Count the repeated rows, and keep the values if they are to be looked up."""
        if self._flags is not None:
            repeated = self.count - int(np.count_nonzero(self._flags))
            return repeated, Known(flags=self._flags, low=self._low) if lookup else None
        assert self._spill is not None
        repeated = self._spill.count_repeated()
        if not lookup:
            return repeated, None
        whole = self._spill.whole
        return repeated, Known(sorted=whole) if whole is not None else Known(spilled=self._spill)

    def suspects(self) -> _Suspects:
        """Return what is known of the codes that repeat."""
        if self._flags is not None:
            return _Suspects(None, Known(flags=np.zeros(len(self._flags), dtype=bool), low=self._low))
        assert self._spill is not None
        nothing = Known(sorted=np.empty(0, dtype=np.int64))
        return _Suspects(self._spill.suspects, nothing, self._spill.repeated_codes > MOST_SUSPECTS)


@dataclass
class _Suspects:
    """Codes that repeat: listed (None: any may), and those met on another way through the rows."""

    listed: Array | None
    met: Known
    cut: bool = False

    def mark(self, codes: Array) -> Array:
        """Tell which codes may repeat."""
        return (
            np.ones(len(codes), dtype=bool)
            if self.listed is None
            else Known(sorted=self.listed).contains(codes)
        )

    def meet(self, codes: Array) -> Array:
        """Tell which codes were met before, in earlier pieces or in this one, and remember all."""
        later = self.met.contains(codes) | ~pl.Series(codes).is_first_distinct().to_numpy()
        if self.met.flags is not None:
            self.met.flags[codes - self.met.low] = True
        elif self.met.sorted is not None:
            self.met = Known(sorted=np.union1d(self.met.sorted, codes))
        return later


def _resolve(
    files: TableFiles, table: Table, coding: Coding, suspects: _Suspects, repeated: int
) -> tuple[int, tuple[Place, ...], str]:
    """Read the rows again whose codes repeat, to find the first, and to tell equal hashes from equal values."""
    places, first, kept, gathered = Places(), list[int](), list[pl.DataFrame](), 0
    for frame, piece in canonical_pieces(files, table, coding.columns):
        places.enter(piece)
        codes, there = coding.rows(frame)
        marked = suspects.mark(codes) if there is None else suspects.mark(codes) & there
        rows = np.flatnonzero(marked)
        if coding.exact:
            later = suspects.meet(codes[rows])
            first += [piece.start + int(row) for row in rows[later][: FIRST - len(first)]]
        elif len(rows):
            kept.append(frame[rows].with_columns(pl.Series(_ROW, rows + piece.start)))
            gathered += len(rows)
        if len(first) >= FIRST or gathered > SUSPECTS:
            break
    if coding.exact:
        return repeated, places.find(first), "values compared"
    found = pl.concat(kept)
    later_rows = found.filter(~pl.struct(coding.columns).is_first_distinct())[_ROW]
    first = later_rows.head(FIRST).to_list()
    if suspects.cut or gathered > SUSPECTS:
        return repeated, places.find(first), "64-bit hashes compared; too many repeat to compare all values"
    return len(later_rows), places.find(first), "values compared where their 64-bit hashes repeat"
