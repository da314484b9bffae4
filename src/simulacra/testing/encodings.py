"""The contract of encodings: there and back without loss, inside the axes, and nothing that few rows hold."""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis
from simulacra.encoding import Encoding
from simulacra.packing import pack, unpack
from simulacra.randomness import Streams
from simulacra.schema.types import Column


def check_encoding(cls: type[Encoding], values: pl.Series, column: Column) -> None:
    """Check that an encoding keeps its contract on some values.

    Parameters
    ----------
    cls : type
        The encoding's class.
    values : Series
        Canonical values of the column, a few hundred at most; missing ones among them where it is nullable.
    column : Column
        What the schema says of them.

    Raises
    ------
    AssertionError
        The contract is broken; the message says where.

    Notes
    -----
    Checked: one array per axis, codes below the size, whole numbers on a lattice, NaN only where missing may be;
    ``decode(encode(x)) == x`` for lossless encodings; the same rows from the same stream; the state goes through
    JSON and arrays; no rows, one row, all missing; an encoding narrowed to nothing gives only missing values.

    Examples
    --------
    >>> from simulacra.registry import ENCODINGS
    >>> values = pl.Series("a", ["x", "y", None])
    >>> check_encoding(ENCODINGS.load("category"), values, Column("a", "category", nullable=True))
    """
    for case in (values, values[:0], values[:1], pl.Series(values.name, [None] * 3, dtype=values.dtype)):
        _check_round(cls, case, column)
    _check_withheld(cls, values, column)


def _check_round(cls: type[Encoding], values: pl.Series, column: Column) -> None:
    encoding = cls.fit(values, column)
    arrays = encoding.encode(values)
    assert len(arrays) == len(encoding.axes), "encode gives one array per axis."
    for axis, array in zip(encoding.axes, arrays, strict=True):
        _check_axis(axis, array, len(values))
    rows = arrays or (np.empty(len(values)),)
    back = _decode(encoding, rows)
    assert back.dtype == values.dtype, f"decode gives {back.dtype}, and the values are {values.dtype}."
    assert back.name == values.name, "decode gives the column its name."
    if cls.lossless:
        assert back.to_list() == values.to_list(), "decode(encode(x)) is not x."
    assert _decode(encoding, rows).equals(back), "the same stream gives other values."
    stored: list[Array] = []
    text = json.dumps(pack(encoding.dump(), stored), allow_nan=False)
    again = cls.restore(unpack(json.loads(text), stored), encoding.column)
    assert _decode(again, rows).equals(back), "an encoding made anew from its state decodes otherwise."


def _check_axis(axis: Axis, array: Array, rows: int) -> None:
    where = f"axis {axis.name!r}"
    assert len(array) == rows, f"{where} has {len(array)} values for {rows} rows."
    if axis.size is not None:
        assert array.dtype.kind == "u" and (array < axis.size).all(), f"{where}: codes lie in 0 to size - 1."
        return
    gaps = np.isnan(array)
    assert axis.missing or not gaps.any(), f"{where}: NaN, though nothing may be missing."
    assert not axis.lattice or (array[~gaps] == np.rint(array[~gaps])).all(), f"{where}: not whole."


def _check_withheld(cls: type[Encoding], values: pl.Series, column: Column) -> None:
    """Narrow every axis to nothing, as protection does when no value has enough holders."""
    encoding = cls.fit(values, column, holders=10)
    kept = {axis.part: np.empty(0, np.int64) for axis in encoding.axes if axis.size is not None}
    limits = {axis.part: (np.nan, np.nan) for axis in encoding.axes if axis.size is None}
    narrow = encoding.narrow(kept, limits)
    if not narrow.axes:
        return
    nothing = tuple(
        np.full(5, np.nan) if axis.size is None else np.zeros(5, np.uint8) for axis in narrow.axes
    )
    assert _decode(narrow, nothing).null_count() == 5, "what was withheld comes out as a value."


def _decode(encoding: Encoding, arrays: tuple[Array, ...]) -> pl.Series:
    return encoding.decode(arrays, rng=Streams(0).stream("decode"))
