"""Frames at the edges: pandas, Polars and Arrow in, Polars inside, the same kind of frame out."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal

import polars as pl

from simulacra._frames_types import NESTED, as_json_text, fit_to, parse_type, type_text
from simulacra.errors import DataError
from simulacra.formatting import format_series, natural_text
from simulacra.schema.types import Table

FrameKind = Literal["polars", "pandas", "arrow"]

_MIXED = "column {} holds values of several types, or of one that has no other form; they are read as text."


@dataclass(frozen=True, slots=True)
class Layout:
    """What a frame looked like when it came in, so that what goes out looks the same.

    Parameters
    ----------
    kind : str
        ``"polars"``, ``"pandas"`` or ``"arrow"``.
    types : dict
        The native type of each column as text.
    renamed : dict
        New names of columns whose own were empty, used twice or not text, and what they were.
    notes : tuple of str
        Sentences for the user on what had to be changed on the way in.
    dialect : str
        The database system that the table is from; empty for frames and files.
    sql : dict
        The type of each column in the words of that system.

    Notes
    -----
    **Privacy**: the vocabulary of a Polars Enum, of an ordered pandas category or of an enum of a database is part of
    its type and is kept; nothing else of the data is.

    Examples
    --------
    >>> Layout.restore(Layout("polars", {"a": "Int16"}).dump()).types
    {'a': 'Int16'}
    """

    kind: FrameKind
    types: dict[str, str]
    renamed: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dialect: str = ""
    sql: dict[str, str] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """Return the layout as JSON."""
        plain = {"kind": self.kind, "types": self.types, "renamed": self.renamed, "notes": list(self.notes)}
        return {**plain, "dialect": self.dialect, "sql": self.sql} if self.dialect else plain

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Layout:
        """Make the layout from what `dump` gave."""
        return cls(
            state["kind"], dict(state["types"]), dict(state["renamed"]), tuple(state["notes"]),
            state.get("dialect", ""), dict(state.get("sql", {})),
        )  # fmt: skip


def is_frame(obj: object) -> bool:
    """Tell whether an object is a frame that `to_polars` takes.

    Parameters
    ----------
    obj : object
        Anything.

    Returns
    -------
    bool
        True for Polars (lazy too), pandas and PyArrow frames.

    Examples
    --------
    >>> is_frame(pl.DataFrame()), is_frame([1, 2])
    (True, False)
    """
    return isinstance(obj, (pl.DataFrame, pl.LazyFrame)) or _foreign(obj) is not None


def to_polars(frame: Any) -> tuple[pl.DataFrame, Layout]:
    """Turn a frame into a Polars frame, and write down what it was.

    Parameters
    ----------
    frame : DataFrame, LazyFrame, pandas.DataFrame, pyarrow.Table or pyarrow.RecordBatch
        Any frame. A lazy one is collected; the index of a pandas one is left behind.

    Returns
    -------
    frame : polars.DataFrame
        The same values; names are unique, non-empty text. Missing values of pandas are null.
    layout : Layout
        What `from_polars` needs to give back the same kind of frame.

    Raises
    ------
    DataError
        The object is no frame.

    Notes
    -----
    **Cost**: linear; pandas object columns are read value by value. pandas frames need no pyarrow unless
    their columns have Arrow types.

    Examples
    --------
    >>> frame, layout = to_polars(pl.DataFrame({"a": [1]}, schema={"a": pl.Int16}))
    >>> layout.types
    {'a': 'Int16'}
    """
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, pl.DataFrame):
        labels: list[Any] = frame.columns
        columns, types = [], []
        for values in frame.get_columns():
            types.append(type_text(values.dtype))
            columns.append(values)
        kind: FrameKind = "polars"
    else:
        found = _foreign(frame)
        if found is None:
            name = f"{type(frame).__module__}.{type(frame).__qualname__}"
            raise DataError(
                f"{name!r} is no frame. Give a pandas, Polars or PyArrow frame, or the path of a file."
            )
        kind = found
        labels, columns, types = _leaf(kind).read(frame)
    names, notes = unique_names(labels)
    columns, more = _plain(columns, names)
    more += [_MIXED.format(repr(name)) for name, native in zip(names, types) if native == "object:mixed"]
    changed = {new: str(old) for new, old in zip(names, labels) if new != old}
    layout = Layout(kind, dict(zip(names, types)), changed, (*notes, *more))
    return pl.DataFrame([s.alias(name) for s, name in zip(columns, names)]), layout


def from_polars(frame: pl.DataFrame, layout: Layout, table: Table | None = None) -> Any:
    """Turn a Polars frame into the kind of frame that a layout describes.

    Parameters
    ----------
    frame : DataFrame
        The values; columns that the layout does not name keep a type of their own.
    layout : Layout
        What `to_polars` gave.
    table : Table or None
        The schema of canonical values; with it, what came in as text goes out as its column's
        format says, and else in its natural form.

    Returns
    -------
    polars.DataFrame, pandas.DataFrame or pyarrow.Table
        The same values in the native types. A type that can not hold the values gives way to the nearest one
        that can (a whole number with missing values in pandas becomes float64, as pandas does itself).

    Raises
    ------
    MissingExtra
        pandas or pyarrow is needed and not installed.

    Examples
    --------
    >>> from_polars(pl.DataFrame({"a": [1, 2]}), Layout("polars", {"a": "Int16"})).schema
    Schema([('a', Int16)])
    """
    columns = []
    for values in frame.get_columns():
        native = layout.types.get(values.name)
        if native is not None and _is_text(native):
            values = _as_text(values, table)
        if layout.kind == "polars" and native is not None:
            values = fit_to(values, parse_type(native))
        columns.append(values)
    out = pl.DataFrame(columns) if columns else frame
    return out if layout.kind == "polars" else _leaf(layout.kind).write(out, layout.types)


def unique_names(labels: Sequence[Any]) -> tuple[list[str], list[str]]:
    """Make every column name unique, non-empty text.

    Parameters
    ----------
    labels : sequence
        The names as they came.

    Returns
    -------
    names : list of str
        One per label: ``a``, ``a_2`` for the second ``a``, ``column_3`` for an empty third one.
    notes : list of str
        One sentence for each kind of change.

    Examples
    --------
    >>> unique_names(["a", "a", ""])[0]
    ['a', 'a_2', 'column_3']
    """
    texts = ["" if label is None else str(label) for label in labels]
    taken = {text for text in texts if text.strip()}
    seen: set[str] = set()
    names: list[str] = []
    empty: list[str] = []
    twice: list[str] = []
    for position, text in enumerate(texts, start=1):
        name = text
        if not text.strip():
            name = _free(f"column_{position}", taken)
            empty.append(name)
        elif text in seen:
            name = _free(text, taken, start=2)
            twice.append(name)
        seen.add(name)
        taken.add(name)
        names.append(name)
    notes = []
    if empty:
        notes.append(f"{len(empty)} column(s) have no name and are called {_shown(empty)}.")
    if twice:
        notes.append(
            f"{len(twice)} column(s) have the name of an earlier one and are called {_shown(twice)}."
        )
    if any(not isinstance(label, str) for label in labels if label is not None):
        notes.append("some column names are not text; they are turned into text.")
    return names, notes


def _free(stem: str, taken: set[str], start: int | None = None) -> str:
    if start is None:
        if stem not in taken:
            return stem
        start = 2
    while f"{stem}_{start}" in taken:
        start += 1
    return f"{stem}_{start}"


def _shown(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")


def _plain(columns: list[pl.Series], names: list[str]) -> tuple[list[pl.Series], list[str]]:
    """Turn nested, binary and object columns into text."""
    notes, plain = [], []
    for values, name in zip(columns, names):
        if isinstance(values.dtype, NESTED):
            notes.append(f"column {name!r} holds {values.dtype.base_type()} values; they are read as text.")
            values = as_json_text(values)
        plain.append(values)
    return plain, notes


def _as_text(values: pl.Series, table: Table | None) -> pl.Series:
    if isinstance(values.dtype, (pl.String, pl.Categorical, pl.Enum)):
        return values
    if table is not None and values.name in table.names:
        return format_series(values, table[values.name])
    return natural_text(values)


def _is_text(native: str) -> bool:
    """Tell whether a native type holds text; categories of text count too."""
    return (
        native
        in {
            "String",
            "str",
            "object:str",
            "object:mixed",
            "string",
            "large_string",
            "string_view",
            "Categorical",
        }
        or native.startswith(
            ("string[", "Enum[", "dictionary[string", "dictionary[large_string", "arrow:string")
        )
        or (
            native.startswith("category:") and json.loads(native[9:])["values"] in {"str", "object", "string"}
        )
    )


def _foreign(obj: object) -> FrameKind | None:
    """Recognise a frame of another library by its class's name, without importing that library."""
    for base in type(obj).__mro__:
        top = base.__module__.partition(".")[0]
        if top == "pandas" and base.__name__ == "DataFrame":
            return "pandas"
        if top == "pyarrow" and base.__name__ in {"Table", "RecordBatch"}:
            return "arrow"
    return None


def _leaf(kind: FrameKind) -> ModuleType:
    return importlib.import_module(f"simulacra._frames_{kind}")
