"""Cells to fill: which values they may have, and how they are put among those that are known."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulacra.domain import Array, Support
from simulacra.encoding import Encoding
from simulacra.guarantees.constraints import Guarantees
from simulacra.randomness import Streams
from simulacra.sampling.decoding import Decoder


def all_but_missing(encoding: Encoding, decoder: Decoder) -> dict[int, Support]:
    """Return, by axis of a column, a support of all but "no value"."""
    found = {}
    for axis in encoding.axes:
        place = decoder.places[axis.name]
        spec = decoder.domain.axes[place]
        if spec.size is None:
            if spec.missing:
                found[place] = Support(ranges=np.array([[-np.inf, np.inf]]))
            continue
        values = encoding.decode((np.arange(spec.size),), rng=Streams(0).stream("levels"))
        gap = values.is_null().to_numpy()
        if gap.any() and not gap.all():
            found[place] = Support(levels=(~gap).astype(np.float64))
    return found


def keep_known(known: pl.Series, values: pl.Series, held: Array) -> pl.Series:
    """Return the known values where they are held, and others elsewhere."""
    mask = pl.Series(held, dtype=pl.Boolean)
    return pl.select(pl.when(mask).then(known).otherwise(values).alias(known.name)).to_series()


def put_rows(frame: pl.DataFrame, rows: Array, some: pl.DataFrame) -> pl.DataFrame:
    """Replace some rows."""
    index = np.arange(len(frame))
    index[rows] = len(frame) + np.arange(len(rows))
    return pl.concat([frame, some.select(frame.columns)])[index]


def number_keys(out: pl.DataFrame, given: pl.DataFrame, guarantees: Guarantees) -> pl.DataFrame:
    """Count keys for the rows that have none, past those that there are."""
    none = Streams(0).stream("no randomness in keys")
    for column in guarantees.table.columns:
        if column.kind != "key":
            continue
        held = (
            given[column.name].is_not_null()
            if column.name in given.columns
            else pl.Series([False] * len(out))
        )
        lacking = np.flatnonzero(~held.to_numpy())
        # at most as many counted keys are taken as there are rows
        most = len(out) + len(lacking)
        spelt = guarantees.serials.get(column.name)
        counted = (
            spelt.spell(0, most)
            if spelt is not None
            else guarantees.encodings[column.name].decode((np.empty(most),), rng=none)
        )
        taken = given[column.name].drop_nulls() if held.any() else counted.clear()
        fresh = counted.filter(~counted.is_in(taken.implode()))[: len(lacking)]
        place = np.zeros(len(out), np.int64)
        place[lacking] = np.arange(len(lacking))
        if len(lacking):
            out = out.with_columns(keep_known(out[column.name], fresh.gather(place), held.to_numpy()))
    return out


def say_rows(rows: Array, start: int) -> str:
    """Say how many rows, and which is the first; `start` is added to their positions."""
    first = f"row {int(rows[0]) + start + 1:,}"
    return first if len(rows) == 1 else f"{len(rows):,} rows (the first is {first})"
