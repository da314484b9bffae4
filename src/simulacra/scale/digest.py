"""Digests of drawn rows: of a unit, of a table, of all tables; the same however they were cut, made and stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from simulacra.schema.types import Column, Table

_NO_TEXT = 2**32 - 1
"""Length that a missing text is counted with."""


def digest_unit(frame: pl.DataFrame, table: Table) -> str:
    """Hash the rows of one unit.

    Parameters
    ----------
    frame : DataFrame
        Canonical values; a category may be an Enum.
    table : Table
        Its schema.

    Returns
    -------
    str
        SHA-256 in hexadecimal, over names and the values of each column in the order of rows.

    Notes
    -----
    A category whose levels the schema lists is hashed by their places there, so an Enum costs a byte a value. The types
    in which the values happen to stand do not matter.

    **Cost**: half a nanosecond a byte; texts twice that.

    Examples
    --------
    >>> table = Table("t", (Column("a", "category", levels=("x", "y")),))
    >>> texts = pl.DataFrame({"a": ["y", None]})
    >>> digest_unit(texts, table) == digest_unit(texts.cast(pl.Enum(["x", "y"])), table)
    True
    """
    whole = hashlib.sha256()
    for column in table.columns:
        whole.update(f"{column.name}\x1f{column.kind}\x1f{len(frame)}\x1e".encode())
        _add(frame[column.name], column, whole)
    return whole.hexdigest()


def digest_table(units: Iterable[str]) -> str:
    """Hash the digests of a table's units, in their order.

    Examples
    --------
    >>> digest_table(["00", "ff"])[:8]
    '06eb7d6a'
    """
    whole = hashlib.sha256()
    for unit in units:
        whole.update(bytes.fromhex(unit))
    return whole.hexdigest()


def digest_all(tables: Mapping[str, str], names: Iterable[str]) -> str:
    """Hash the digests of tables, in the order of their names in the schema.

    Examples
    --------
    >>> digest_all({"b": "00", "a": "ff"}, ["b", "a"]) == digest_table(["00", "ff"])
    True
    """
    return digest_table(tables[name] for name in names)


def _add(values: pl.Series, column: Column, whole: Any) -> None:
    if column.kind == "category" and column.levels:
        codes = _codes(values, column.levels)
        if codes is not None:
            whole.update(b"\x01" + codes.tobytes())
            return
    if values.dtype in (pl.String, pl.Enum, pl.Categorical):
        texts = values.cast(pl.String)
        whole.update(b"\x02" + texts.str.len_bytes().fill_null(_NO_TEXT).to_numpy().tobytes())
        whole.update(texts.str.join("").item().encode())
        return
    gaps = values.null_count() > 0
    whole.update(b"\x03" + (np.packbits(values.is_null().to_numpy()).tobytes() if gaps else b""))
    physical = values.cast(pl.UInt8) if values.dtype == pl.Boolean else values.to_physical()
    # rows that are cut from a longer column are not copied, so they are hashed where they lie
    whole.update(np.ascontiguousarray((physical.fill_null(0) if gaps else physical).to_numpy()))


def _codes(values: pl.Series, levels: tuple[str, ...]) -> np.ndarray[Any, Any] | None:
    """Return the places of values among levels; None where a value is none of them."""
    if values.dtype != pl.Enum or tuple(values.dtype.categories) != levels:  # type: ignore[attr-defined]
        known = values.cast(pl.String).cast(pl.Enum(list(levels)), strict=False)
        if known.null_count() != values.null_count():
            return None
        values = known
    width: Any = pl.UInt8 if len(levels) < 2**8 - 1 else pl.UInt16 if len(levels) < 2**16 - 1 else pl.UInt32
    codes = values.to_physical().cast(width)
    most = {pl.UInt8: 2**8, pl.UInt16: 2**16, pl.UInt32: 2**32}[width] - 1
    return (codes.fill_null(most) if codes.null_count() else codes).to_numpy()
