"""Comma-separated text (.csv, .tsv, .txt), also compressed; separator, encoding and header are found."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import DataError
from simulacra.formatting import format_frame
from simulacra.frames import unique_names
from simulacra.schema.types import Table
from simulacra.source import Source
from simulacra.sources._bytes import is_zstd, open_writer, read_text
from simulacra.sources._dialect import Dialect, count_fields, detect


@dataclass
class Csv(Source):
    """A CSV file: every column is text, and an empty field is a missing value.

    Parameters
    ----------
    separator : str or None
        The character between fields; None finds it among comma, semicolon, tab and bar.
    header : bool or None
        Whether the first line holds names; None looks whether it reads like the lines below.
    quote : str or None
        The character around fields that hold the separator; None finds it, double quote or apostrophe.
    encoding : str or None
        The text encoding; None takes UTF-8, or what the byte order mark says, else Windows-1252 with a note.

    Notes
    -----
    **Cost**: linear; about the file's size in memory twice over while reading.

    **Source**: RFC 4180. Lines may also end in LF or CR.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("name;age\\nAda;36\\nBob;\\n")
    >>> Csv().read(path).rows()
    [('Ada', '36'), ('Bob', None)]
    """

    suffixes = (".csv", ".tsv", ".tab", ".psv", ".txt", ".data")
    compressed: ClassVar[bool] = True
    typed = False

    separator: str | None = None
    header: bool | None = None
    quote: str | None = None
    encoding: str | None = None
    notes: list[str] = field(default_factory=list)

    def read(self, path: Path) -> pl.DataFrame:
        """Read a whole file as text columns.

        Parameters
        ----------
        path : Path
            The file; compressed content is recognised whatever the name says.

        Returns
        -------
        DataFrame
            One String column per field; what was assumed stands in `notes`.

        Raises
        ------
        FileError
            The file can not be opened.
        DataError
            The file is empty or binary, or its lines do not all have the same number of fields.
        """
        self.notes.clear()
        text = _lines(read_text(path, self.notes, self.encoding))
        if not text.strip():
            raise DataError(
                f"{path.name!r} is empty. Give a file with a line of column names and rows below it."
            )
        text, named = _separator_line(text)
        dialect = detect(text, self.separator or named, self.header, self.quote)
        if dialect.quote == "'" and self.quote is None:
            self.notes.append("fields stand in apostrophes, and these were taken for quotes.")
        if dialect.spaced:
            self.notes.append("every separator is followed by a space, which was left out of the values.")
        frame = _read_fast(text, dialect, self.notes)
        if frame is None:
            frame = _read_exact(text, dialect, path.name)
        return self._name(frame, dialect)

    def write(self, frame: pl.DataFrame, path: Path) -> None:
        """Write a frame to exactly this path, compressed as the name says."""
        with open_writer(path) as file:
            if is_zstd(path):
                frame.write_csv(file, separator=_separator(path), compression="zstd", check_extension=False)
            else:
                frame.write_csv(file, separator=_separator(path))

    def write_blocks(self, blocks: Iterator[pl.DataFrame], path: Path) -> None:
        """Write frames behind each other below one header; for zstd they are joined first."""
        if is_zstd(path):
            super().write_blocks(blocks, path)
            return
        with open_writer(path) as file:
            for number, block in enumerate(blocks):
                block.write_csv(file, separator=_separator(path), include_header=not number)

    def prepare(self, frame: pl.DataFrame, table: Table) -> pl.DataFrame:
        """Turn canonical values into text, each as its column's format says."""
        return format_frame(frame, table)

    def _name(self, frame: pl.DataFrame, dialect: Dialect) -> pl.DataFrame:
        """Take the names from the first row, or number the columns."""
        if not dialect.header:
            if self.header is None:
                self.notes.append(
                    "the first line reads like data, so the columns are called 'column_1', 'column_2', ..."
                )
            return frame.rename({old: f"column_{j}" for j, old in enumerate(frame.columns, start=1)})
        labels = [(label or "").strip() for label in frame.row(0)]
        names, notes = unique_names(labels)
        self.notes.extend(notes)
        return frame.slice(1).rename(dict(zip(frame.columns, names)))


def _separator(path: Path) -> str:
    if ".tsv" in path.suffixes or ".tab" in path.suffixes:
        return "\t"
    return "|" if ".psv" in path.suffixes else ","


def _lines(text: bytes) -> bytes:
    """Give old Macintosh line ends their modern form."""
    return text.replace(b"\r", b"\n") if b"\r" in text and b"\n" not in text else text


def _separator_line(text: bytes) -> tuple[bytes, str | None]:
    """Take away the line by which spreadsheets are told the separator: ``sep=;``."""
    line, _, rest = text.partition(b"\n")
    line = line.strip(b'\r "')
    if line.startswith(b"sep=") and len(line) == 5:
        return rest, line[4:].decode("ascii", errors="ignore") or None
    return text, None


def _read_fast(text: bytes, dialect: Dialect, notes: list[str]) -> pl.DataFrame | None:
    """Read with Polars where all records plainly have the same number of fields; else None."""
    if dialect.spaced:
        if b'"' in text:
            return None
        text = text.replace(dialect.separator.encode() + b" ", dialect.separator.encode())
    fields, _ = count_fields(text, dialect.separator, dialect.quote)
    width = int(fields.max())
    blank = fields == 0
    rows = _last_full(blank) if width == 1 else int((~blank).sum())
    if bool((fields[~blank] != width).any()) or (width > 1 and bool(blank[: _last_full(blank)].any())):
        return None
    schema = {f"c{j}": pl.String() for j in range(width)}
    try:
        frame = pl.read_csv(
            io.BytesIO(text),
            has_header=False,
            schema=schema,
            separator=dialect.separator,
            quote_char=dialect.quote,
            n_rows=rows,
        )
    except pl.exceptions.PolarsError:
        return None
    if frame.height != rows:
        return None
    notes.extend(_both_empty(frame, dialect))
    return _missing(frame)


def _read_exact(text: bytes, dialect: Dialect, name: str) -> pl.DataFrame:
    """Read record by record: slower, but it knows stray quotes and says which lines are wrong."""
    rows, starts = [], []
    for line, row in _records(text, dialect, name):
        rows.append(row)
        starts.append(line)
    sizes = np.array([len(row) for row in rows])
    width = int(sizes[0]) if dialect.header else int(np.bincount(sizes).argmax())
    wrong = np.flatnonzero(sizes != width)
    # A separator at every line's end, or an index without a name, is a nameless column and no error.
    if (
        dialect.header
        and len(rows) > 1
        and len(wrong) == len(rows) - 1
        and bool((sizes[1:] == width + 1).all())
    ):
        last = all(not row[-1] for row in rows[1:])
        rows = [rows[0] if last else ["", *rows[0]], *([row[:-1] for row in rows[1:]] if last else rows[1:])]
        width, wrong = len(rows[0]), wrong[:0]
    if len(wrong):
        raise _ragged(name, wrong, sizes, starts, width, dialect)
    columns = {f"c{j}": pl.Series([row[j] for row in rows], dtype=pl.String) for j in range(width)}
    return _missing(pl.DataFrame(columns))


def _records(text: bytes, dialect: Dialect, name: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text.decode(), newline=""),
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        skipinitialspace=dialect.spaced,
        strict=True,
    )
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{name!r}, record at line {line}: a quoted field does not end where its quote closes, "
            "or never ends. Mend that line, or double the quotes inside the field."
        ) from error


def _ragged(
    name: str, wrong: Array, sizes: Array, starts: list[int], width: int, dialect: Dialect
) -> DataError:
    first = int(wrong[0])
    against = "the header has" if dialect.header else "most lines have"
    where = f"{name!r}, line {starts[first]} has {sizes[first]} field(s), {against} {width}"
    count = f"{len(wrong):,} of {len(sizes) - dialect.header:,} rows differ"
    lines = ", ".join(str(starts[int(j)]) for j in wrong[:3])
    advice = "Mend these lines, put fields that hold the separator in quotes, or name the separator."
    return DataError(f"{where}; {count} (first: lines {lines}). {advice}")


def _last_full(blank: Array) -> int:
    """Number of records up to the last one that is not blank."""
    full = np.flatnonzero(~blank)
    return int(full[-1]) + 1 if len(full) else 0


def _both_empty(frame: pl.DataFrame, dialect: Dialect) -> Iterator[str]:
    """Say where empty fields stand with quotes and without, which may mean an empty text and a missing value."""
    body = frame[1:] if dialect.header else frame
    if not len(body):
        return
    both = body.select((pl.all() == "").any() & pl.all().is_null().any()).row(0)
    labels = frame.row(0) if dialect.header else [f"column_{j}" for j in range(1, frame.width + 1)]
    names = [repr((label or "").strip()) for label, told in zip(labels, both, strict=True) if told]
    if names:
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
        yield (
            f"empty fields stand with quotes and without in {shown}; all are taken for missing values. "
            "Parquet keeps empty texts apart."
        )


def _missing(frame: pl.DataFrame) -> pl.DataFrame:
    """Take an empty field for a missing value, quoted or not."""
    return frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
