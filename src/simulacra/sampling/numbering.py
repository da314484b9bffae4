"""Keys of rows that come from several draws, counted anew."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulacra.guarantees.constraints import Guarantees
from simulacra.randomness import Streams


def number_keys(frame: pl.DataFrame, guarantees: Guarantees, start: int = 0) -> pl.DataFrame:
    """Write the keys of rows by their places, those that a pattern spells too.

    Parameters
    ----------
    frame : DataFrame
        Canonical rows.
    guarantees : Guarantees
        The table, its encodings, and the keys that are spelt by a pattern.
    start : int
        Place of the first row.

    Examples
    --------
    >>> from simulacra.encodings.key import Key
    >>> from simulacra.schema.types import Column, Table
    >>> column = Column("id", "key", integer=True)
    >>> kept = Guarantees.of(Table("t", (column,)), {"id": Key(column, "")})
    >>> number_keys(pl.DataFrame({"id": [7, 7]}), kept, 10)["id"].to_list()
    [11, 12]
    """
    none = Streams(0).stream("no randomness in keys")
    keys = [
        guarantees.encodings[column.name].decode((np.empty(len(frame)),), rng=none, start=start)
        for column in guarantees.table.columns
        if column.kind == "key" and column.name not in guarantees.serials
    ]
    return guarantees.number(frame.with_columns(keys), start) if len(frame) else frame
