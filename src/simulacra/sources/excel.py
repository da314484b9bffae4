"""Excel workbooks (.xlsx; .xls, .xlsb and .ods to read): one sheet, typed; several tables as sheets."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import fastexcel
import polars as pl
import xlsxwriter
from xlsxwriter.exceptions import DuplicateWorksheetName, InvalidWorksheetName

from simulacra.errors import DataError, FileError, unknown
from simulacra.formatting import natural_text
from simulacra.frames import unique_names
from simulacra.source import Source
from simulacra.sources._plain import opened

_MAX_ROWS, _MAX_COLUMNS, _MAX_TEXT = 1_048_576, 16_384, 32_767
_EXACT = 2**53


@dataclass
class Excel(Source):
    """One sheet of an Excel workbook.

    Parameters
    ----------
    sheet : str or None
        The sheet's name; None is the first one. In a path it stands after ``#``: ``"book.xlsx#May"``.

    Notes
    -----
    **Cost**: linear, and slow beside Parquet.

    A sheet has no zones, no lengths of time and no whole numbers beyond 2**53: these are written as text.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.xlsx"
    >>> Excel().write(pl.DataFrame({"a": [1, None], "b": ["x", "y"]}), path)
    >>> Excel().read(path).rows()
    [(1, 'x'), (None, 'y')]
    """

    suffixes = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
    read_only: ClassVar[tuple[str, ...]] = (".xlsm", ".xls", ".xlsb", ".ods")
    sheet: str | None = None
    notes: list[str] = field(default_factory=list)

    def read(self, path: Path) -> pl.DataFrame:
        """Read a sheet.

        Parameters
        ----------
        path : Path
            The workbook.

        Returns
        -------
        DataFrame
            One column per column of the sheet; the first row holds the names.

        Raises
        ------
        FileError
            The workbook can not be opened.
        DataError
            It is no workbook, or the sheet is empty.
        UnknownName
            There is no such sheet.
        """
        self.notes.clear()
        with opened(path, "an Excel workbook") as file:
            content = file.read()
        try:
            book = fastexcel.read_excel(content)
        except fastexcel.FastExcelError as error:
            raise DataError(
                f"{path.name!r} is not an Excel workbook, or is damaged or locked. Save it again."
            ) from error
        sheets = book.sheet_names
        if self.sheet is not None and self.sheet not in sheets:
            raise unknown("sheet", self.sheet, sheets)
        if self.sheet is None and len(sheets) > 1:
            self.notes.append(
                f"{path.name!r} has {len(sheets)} sheets; the first one, {sheets[0]!r}, was read. "
                f"Add '#' and a sheet's name to the path for another."
            )
        return _read_sheet(book, self.sheet or sheets[0], path, self.notes)

    def write(self, frame: pl.DataFrame, path: Path) -> None:
        """Write a frame as the one sheet of a new workbook, at exactly this path."""
        self._write({"": frame}, path)

    def write_tables(self, frames: Mapping[str, pl.DataFrame], path: Path) -> None:
        """Write frames as the sheets of a new workbook, named by their tables.

        Raises
        ------
        DataError
            A frame does not fit a sheet, or its table's name can not be that of one.

        Examples
        --------
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "shop.xlsx"
        >>> Excel().write_tables({"a": pl.DataFrame({"x": [1]}), "b": pl.DataFrame({"x": [2]})}, path)
        >>> Excel(sheet="b").read(path).rows()
        [(2,)]
        """
        self._write(frames, path)

    def _write(self, frames: Mapping[str, pl.DataFrame], path: Path) -> None:
        if path.suffix.lower() != ".xlsx":
            raise FileError(
                f"can not write a workbook of the kind {path.suffix!r}. Choose the suffix '.xlsx'."
            )
        fitting = {name: _fitting(frame) for name, frame in frames.items()}
        # the workbook is made in memory: the library has an error of its own for a full disk
        content = io.BytesIO()
        book = xlsxwriter.Workbook(content, {"in_memory": True})
        book.set_properties({"created": dt.datetime(2000, 1, 1)})  # equal contents give equal bytes
        for name, columns in fitting.items():
            _write_sheet(book, name, columns)
        book.close()
        path.write_bytes(content.getvalue())


def _fitting(frame: pl.DataFrame) -> list[pl.Series]:
    """Return columns as a sheet can hold them."""
    if frame.height >= _MAX_ROWS or frame.width > _MAX_COLUMNS:
        raise DataError(
            f"{frame.height:,} rows and {frame.width:,} columns do not fit a sheet of "
            f"{_MAX_ROWS:,} rows and {_MAX_COLUMNS:,} columns. Write CSV or Parquet."
        )
    columns = [_writable(values) for values in frame.get_columns()]
    for values in columns:
        if values.dtype == pl.String and (values.str.len_chars() > _MAX_TEXT).any():
            raise DataError(
                f"column {values.name!r} has texts beyond {_MAX_TEXT:,} characters. Write CSV or Parquet."
            )
    return columns


def _read_sheet(book: fastexcel.ExcelReader, sheet: str, path: Path, notes: list[str]) -> pl.DataFrame:
    top = book.load_sheet(sheet, header_row=None, n_rows=1, dtypes="string").to_polars()
    if not top.height:
        raise DataError(
            f"sheet {sheet!r} of {path.name!r} is empty. Name another sheet after '#', or fill it."
        )
    names, more = unique_names([(label or "").strip() for label in top.row(0)])
    notes.extend(more)
    body = book.load_sheet(sheet, header_row=None, skip_rows=1, schema_sample_rows=None).to_polars()
    if body.width != len(names):
        raise DataError(
            f"sheet {sheet!r} of {path.name!r} has {len(names)} names and {body.width} columns. "
            "Put the names of all columns into the first row."
        )
    body = body.rename(dict(zip(body.columns, names)))
    full = body.filter(~pl.all_horizontal(pl.all().is_null()))
    if full.height < body.height:
        notes.append(f"{body.height - full.height:,} empty row(s) of sheet {sheet!r} were skipped.")
    return full.select(_natural(s) for s in full.get_columns())


def _natural(values: pl.Series) -> pl.Series:
    """Give whole numbers, dates and times of day their own types: a sheet knows none of them."""
    kept = values.drop_nulls()
    if kept.dtype.is_float() and len(kept) and bool(((kept == kept.round(0)) & (kept.abs() <= _EXACT)).all()):
        return values.cast(pl.Int64)
    if isinstance(kept.dtype, pl.Datetime) and len(kept):
        if (kept.dt.time() == dt.time(0)).all():
            return values.dt.date()
        if kept.dt.date().is_in([dt.date(1899, 12, 31), dt.date(1899, 12, 30)]).all():
            return values.dt.time()
        return values.cast(pl.Datetime("us"))
    return values.cast(pl.String) if kept.dtype == pl.Null else values


def _writable(values: pl.Series) -> pl.Series:
    """Turn what a sheet can not hold into text."""
    dtype = values.dtype
    if isinstance(dtype, pl.Duration) or (isinstance(dtype, pl.Datetime) and dtype.time_zone):
        return natural_text(values)
    if dtype in (pl.Date, pl.Datetime) and (values.dt.year() < 1901).any():
        return natural_text(values)
    if dtype.is_integer() and ((values > _EXACT) | (values < -_EXACT)).any():
        return natural_text(values)
    if dtype.is_float():
        return natural_text(values) if values.is_infinite().any() else values.fill_nan(None)
    if dtype.is_numeric() or dtype == pl.Boolean or dtype.is_temporal():
        return values
    return values.cast(pl.String)


def _write_sheet(book: xlsxwriter.Workbook, name: str, columns: list[pl.Series]) -> None:
    try:
        sheet = book.add_worksheet(name or None)
    except (InvalidWorksheetName, DuplicateWorksheetName) as error:
        raise DataError(
            f"table {name!r} can not be a sheet of that name: at most 31 characters, none of []:*?/\\, and none "
            "that differs from another in case only. Write a folder."
        ) from error
    for j, values in enumerate(columns):
        sheet.write_string(0, j, values.name)
        write: Callable[..., Any] = sheet.write_string
        style = None
        if values.dtype.is_numeric():
            write = sheet.write_number
        elif values.dtype == pl.Boolean:
            write = sheet.write_boolean
        elif values.dtype.is_temporal():
            write, style = sheet.write_datetime, book.add_format({"num_format": _style(values.dtype)})
        for i, value in enumerate(values.to_list(), start=1):
            if value is not None:
                write(i, j, value, style)


def _style(dtype: pl.DataType) -> str:
    if dtype == pl.Date:
        return "yyyy-mm-dd"
    return "hh:mm:ss" if dtype == pl.Time else "yyyy-mm-dd hh:mm:ss"
