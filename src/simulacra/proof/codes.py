"""Values as 64-bit codes: exact for whole numbers and times, hashes for everything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.schema.types import Table

_SEED = 0x5EED
_TIMES = {"date", "datetime", "time", "duration"}


@dataclass(frozen=True, slots=True)
class Coding:
    """How the values of some columns become codes.

    Parameters
    ----------
    columns : tuple of str
        The columns.
    exact : bool
        Whether the codes are the values themselves, and not hashes of them.
    text : bool
        Whether values are compared as they are written, since other columns have them in another type.

    Examples
    --------
    >>> Coding(("a",), exact=True).values(pl.DataFrame({"a": [7, None, 9]})).tolist()
    [7, 9]
    """

    columns: tuple[str, ...]
    exact: bool
    text: bool = False

    @classmethod
    def of(cls, table: Table, columns: tuple[str, ...], text: bool = False) -> Coding:
        """Choose the codes for columns of a table."""
        column = table[columns[0]]
        whole = column.kind in _TIMES or (column.kind in {"number", "key"} and column.integer)
        return cls(columns, len(columns) == 1 and whole and not text, text)

    def rows(self, frame: pl.DataFrame) -> tuple[Array, Array | None]:
        """Return a code for each row, and which rows have a value in all columns (None: all)."""
        frame = frame.select(self.columns)
        lacking = [name for name in self.columns if frame[name].null_count()]
        there = None
        if lacking:
            there = frame.select(pl.all_horizontal(pl.col(lacking).is_not_null())).to_series().to_numpy()
        if self.text:
            frame = pl.DataFrame([_text(values) for values in frame.get_columns()])
        if self.exact:
            return frame.to_series().to_physical().cast(pl.Int64).fill_null(0).to_numpy(), there
        whole = frame.to_series() if frame.width == 1 else frame.to_struct("row")
        return whole.hash(_SEED).to_numpy().view(np.int64), there

    def values(self, frame: pl.DataFrame) -> Array:
        """Return the codes of the rows that have a value in all columns."""
        codes, there = self.rows(frame)
        return codes if there is None else codes[there]


def _text(values: pl.Series) -> pl.Series:
    """Write values as text, whole numbers without a point."""
    text = values.cast(pl.String)
    return text.str.replace(r"\.0$", "") if values.dtype.is_float() else text
