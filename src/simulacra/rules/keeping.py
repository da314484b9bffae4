"""Which rows of a unit break a constraint of their table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.schema.breaches import find_broken
from simulacra.schema.types import Table


def find_broken_rows(columns: Mapping[str, pl.Series], table: Table) -> npt.NDArray[np.int64]:
    """Find the rows that break any of the constraints that look at one row.

    Parameters
    ----------
    columns : mapping
        What is made of them, at least all that the constraints read.
    table : Table
        The table with its constraints.

    Returns
    -------
    array of int64
        Places of rows, each once.

    Examples
    --------
    >>> from simulacra.schema.types import Check, Column
    >>> find_broken_rows({"a": pl.Series([1, 5])}, Table("t", (Column("a", "number"),), constraints=(Check("a < 3"),)))
    array([1])
    """
    frame = pl.DataFrame(
        {n: c.cast(pl.String) if c.dtype in (pl.Enum, pl.Categorical) else c for n, c in columns.items()}
    )
    broken = np.zeros(frame.height, dtype=bool)
    for constraint in table.constraints:
        broken |= find_broken(constraint, frame, table).to_numpy()
    return np.flatnonzero(broken)
