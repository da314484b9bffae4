"""JSON lines (.jsonl, .ndjson) and JSON lists of objects (.json), also compressed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, cast

import polars as pl

from simulacra.errors import DataError
from simulacra.formatting import format_series, natural_text
from simulacra.schema.types import Column, Table
from simulacra.source import Source
from simulacra.sources._bytes import is_zstd, open_writer, read_text
from simulacra.sources._plain import plain_columns


@dataclass
class Jsonl(Source):
    """A file of JSON objects: one to a line, or all in one list.

    Numbers, texts and booleans have their JSON types; dates and times stand as text. A key that an object
    lacks is a missing value.

    Notes
    -----
    **Cost**: linear; types are found over all rows.

    **Source**: RFC 8259 (JSON); jsonlines.org.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.jsonl"
    >>> _ = path.write_text('{"a": 1}\\n{"a": 2, "b": "x"}\\n')
    >>> Jsonl().read(path).rows()
    [(1, None), (2, 'x')]
    """

    suffixes = (".jsonl", ".ndjson", ".json")
    compressed: ClassVar[bool] = True
    notes: list[str] = field(default_factory=list)

    def read(self, path: Path) -> pl.DataFrame:
        """Read a whole file.

        Parameters
        ----------
        path : Path
            The file; compressed content is recognised whatever the name says.

        Returns
        -------
        DataFrame
            One column per key, in the order of first appearance; nested values become text, with a note.

        Raises
        ------
        FileError
            The file can not be opened.
        DataError
            A line is no JSON object; the message gives its number.
        """
        self.notes.clear()
        text = read_text(path, self.notes)
        start = text.lstrip()[:1]
        if not start:
            if _is_list(path):
                raise DataError(f"{path.name!r} is empty. Give a list of JSON objects.")
            return pl.DataFrame()
        if start == b"[":
            return plain_columns(_read_list(text, path.name), self.notes)
        _check_start(text, path.name)
        try:
            frame = pl.read_ndjson(io.BytesIO(text), infer_schema_length=None)
        except pl.exceptions.PolarsError as error:
            raise _bad_line(text, path.name, error) from error
        return plain_columns(frame, self.notes)

    def write(self, frame: pl.DataFrame, path: Path) -> None:
        """Write a frame to exactly this path: a list for ``.json``, else one object to a line."""
        if is_zstd(path):
            raise DataError(
                f"can not write JSON as zstd to {path.name!r}. Choose the suffix '.gz', '.bz2' or '.xz'."
            )
        with open_writer(path) as file:
            if _is_list(path):
                frame.write_json(cast(io.IOBase, file))
            else:
                frame.write_ndjson(file)

    def write_blocks(self, blocks: Iterator[pl.DataFrame], path: Path) -> None:
        """Write frames behind each other, one object to a line; for a list they are joined first."""
        if _is_list(path) or is_zstd(path):
            super().write_blocks(blocks, path)
            return
        with open_writer(path) as file:
            for block in blocks:
                block.write_ndjson(file)

    def prepare(self, frame: pl.DataFrame, table: Table) -> pl.DataFrame:
        """Turn dates and times into text, and all values that have a format of their own."""
        known = set(table.names)
        return frame.select(
            _prepare(s, table[s.name] if s.name in known else None) for s in frame.get_columns()
        )


def _prepare(values: pl.Series, column: Column | None) -> pl.Series:
    if values.dtype.is_float():
        places = None if column is None else column.decimals
        return values if places is None else values.round(places)
    if values.dtype == pl.Boolean:
        return values if column is None or not column.format else format_series(values, column)
    if values.dtype.is_temporal():
        return natural_text(values) if column is None else format_series(values, column)
    return values


def _is_list(path: Path) -> bool:
    return ".json" in [suffix.lower() for suffix in path.suffixes[-2:]]


def _read_list(text: bytes, name: str) -> pl.DataFrame:
    try:
        items: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{name!r}, line {error.lineno}: this is not JSON ({error.msg}). Mend that line."
        ) from error
    for position, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise DataError(
                f"{name!r}: item {position} of the list is no JSON object. Give a list of objects only."
            )
    keys = dict.fromkeys(key for item in items for key in item)
    return (
        pl.DataFrame({key: _column([item.get(key) for item in items]) for key in keys})
        if items
        else pl.DataFrame()
    )


def _column(values: list[Any]) -> pl.Series:
    """Make one column; values of several types become text, as Polars does for JSON lines."""
    classes = {type(value) for value in values if value is not None}
    if classes <= {int, float} or len(classes) <= 1:
        try:
            return pl.Series(values, strict=classes != {int, float})
        except (OverflowError, TypeError, pl.exceptions.PolarsError):
            pass  # whole numbers beyond 64 bits, lists of several shapes: text holds them
    texts = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    return pl.Series(texts, dtype=pl.String)


def _check_start(text: bytes, name: str) -> None:
    if not text.lstrip().startswith(b"{"):
        raise DataError(
            f"{name!r}, line 1: this is no JSON object. Give one object to a line, or a list of objects."
        )


def _bad_line(text: bytes, name: str, error: Exception) -> DataError:
    for number, line in enumerate(text.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            good = isinstance(json.loads(line), dict)
        except json.JSONDecodeError:
            good = False
        if not good:
            return DataError(
                f"{name!r}, line {number}: this is no JSON object. Mend that line, or take it out."
            )
    return DataError(
        f"{name!r} can not be read as JSON lines ({type(error).__name__}). Check that it is whole."
    )
