"""What is known of rows that are to be completed, as a model sees it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl

from simulacra.domain import Array, code_dtype
from simulacra.encoding import Encoding
from simulacra.randomness import Streams
from simulacra.schema.types import Table

NO_CHANCE = Streams(0).stream("no randomness")


@dataclass(frozen=True)
class Known:
    """Partial rows.

    Parameters
    ----------
    frame : DataFrame
        Canonical values; a column that is absent is all null.
    held : dict of str to array of bool
        By column: the cells that are given back as they are.
    told : dict of str to array of bool
        By axis: the rows in which the model is told its value.
    values : dict of str to array
        By axis: the value, before relations are taken out; where it is not told it means nothing.
    nearest : dict of str to array
        By axis: the nearest value that the model can draw.
    strange : dict of str to int
        By column: cells whose value the model can not draw.
    """

    frame: pl.DataFrame
    held: Mapping[str, Array]
    told: Mapping[str, Array]
    values: Mapping[str, Array]
    nearest: Mapping[str, Array]
    strange: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.frame)

    @classmethod
    def read(
        cls, frame: pl.DataFrame, table: Table, encodings: Mapping[str, Encoding], keep: Collection[str]
    ) -> Self:
        """Encode partial rows.

        Parameters
        ----------
        frame : DataFrame
            Canonical values of some of the columns.
        table : Table
            All columns.
        encodings : mapping of str to Encoding
            The model's.
        keep : collection of str
            Columns in which null is a value, and stays.
        """
        rows = len(frame)
        told: dict[str, Array] = {}
        values: dict[str, Array] = {}
        nearest: dict[str, Array] = {}
        held: dict[str, Array] = {}
        strange: dict[str, int] = {}
        whole = []
        for column in table.columns:
            name, encoding = column.name, encodings[column.name]
            if name in frame.columns:
                series = frame[name]
                held[name] = np.ones(rows, bool) if name in keep else series.is_not_null().to_numpy()
            else:
                series = pl.Series(
                    name, [None] * rows, dtype=encoding.decode(_blank(encoding, 0), rng=NO_CHANCE).dtype
                )
                held[name] = np.zeros(rows, bool)
            whole.append(series)
            arrays, near, known, odd = _encode(encoding, series)
            if odd.any():
                strange[name] = int(odd.sum())
            if name == table.weight:
                known = np.zeros(rows, bool)
            for axis, own, end in zip(encoding.axes, arrays, near, strict=True):
                told[axis.name], values[axis.name], nearest[axis.name] = held[name] & known, own, end
        return cls(pl.DataFrame(whole), held, told, values, nearest, strange)

    def take(self, index: Array) -> Self:
        """Return some of the rows."""
        held, told, values, nearest = (
            {name: array[index] for name, array in part.items()}
            for part in (self.held, self.told, self.values, self.nearest)
        )
        return replace(self, frame=self.frame[index], held=held, told=told, values=values, nearest=nearest)

    def lacking(self) -> Array:
        """Mark the rows that have a cell to fill."""
        return ~np.logical_and.reduce([np.ones(len(self), bool), *self.held.values()])


def _encode(
    encoding: Encoding, values: pl.Series
) -> tuple[tuple[Array, ...], tuple[Array, ...], Array, Array]:
    """Encode values; return them, the nearest ones that the model can draw, where it is told, and where they differ.

    A number out of range is told as the nearest end. A level that the model does not have has no nearest one, and is
    not told.
    """
    rows = len(values)
    nothing, all_ = np.zeros(rows, bool), np.ones(rows, bool)
    if not encoding.axes:
        return (), (), all_, nothing
    arrays = encoding.encode(values)
    gap = values.is_null().to_numpy()
    decoded = encoding.decode(arrays, rng=NO_CHANCE) if rows else values
    told = ~gap | decoded.is_null().to_numpy()
    if not encoding.lossless:
        return arrays, arrays, told, nothing
    again = encoding.encode(decoded)
    same = all_.copy()
    for before, after in zip(arrays, again, strict=True):
        same &= np.isclose(before, after, rtol=1e-9, atol=1e-9, equal_nan=True)
    if any(axis.size is not None for axis in encoding.axes):
        same = decoded.cast(pl.String).eq_missing(values.cast(pl.String)).to_numpy()
        return arrays, arrays, told & (same | gap), ~same & ~gap
    return arrays, again, told, ~same & ~gap


def _blank(encoding: Encoding, rows: int) -> tuple[Array, ...]:
    kinds = [np.float64 if axis.size is None else code_dtype(axis.size) for axis in encoding.axes]
    return tuple(np.zeros(rows, kind) for kind in kinds) or (np.empty(rows),)
