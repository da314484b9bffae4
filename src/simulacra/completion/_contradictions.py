"""Known cells that contradict what a model takes for always true."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import polars as pl

from simulacra.completion._known import NO_CHANCE
from simulacra.completion._solving import order_ends
from simulacra.domain import Array
from simulacra.relations import Lookup, Order, Relation, Zone
from simulacra.relations.relation import Prediction
from simulacra.sampling.decoding import Decoder

_NEAR = 1e-6


def find_contradictions(
    frame: pl.DataFrame, decoder: Decoder, beside: Collection[frozenset[str]] = ()
) -> Iterator[tuple[Relation, int]]:
    """Count, for each exact relation, the rows whose known cells break it.

    Parameters
    ----------
    frame : DataFrame
        Canonical values of some of the columns; nulls are unknown.
    decoder : Decoder
        Encodings and relations.
    beside : collection of sets of column names
        Relations among just these columns are told of elsewhere.
    """
    for relation in decoder.relations:
        if isinstance(relation, Prediction) and not relation.exact:
            continue
        axes = [decoder.domain.axes[decoder.places[name]] for name in _axes(relation)]
        columns = sorted({axis.column for axis in axes})
        if frozenset(columns) in beside or not set(columns) <= set(frame.columns):
            continue
        rows = frame.select(columns).drop_nulls()
        if len(rows):
            yield relation, int((~_hold(relation, rows, decoder)).sum())


def _axes(relation: Relation) -> list[str]:
    return [*relation.targets, *relation.sources]


def _hold(relation: Relation, rows: pl.DataFrame, decoder: Decoder) -> Array:
    arrays: dict[str, Array] = {}
    readable = np.ones(len(rows), bool)
    for name in rows.columns:
        encoding = decoder.encodings[name]
        own = encoding.encode(rows[name])
        arrays |= {axis.name: values for axis, values in zip(encoding.axes, own, strict=True)}
        if any(axis.size is not None for axis in encoding.axes):
            # a level that the model does not have is not what its code says
            again = encoding.decode(own, rng=NO_CHANCE).cast(pl.String)
            readable &= again.eq_missing(rows[name].cast(pl.String)).to_numpy()
    return ~readable | _kept(relation, arrays)


def _kept(relation: Relation, arrays: dict[str, Array]) -> Array:
    if isinstance(relation, Lookup):
        return relation.holds(arrays)
    if isinstance(relation, Order):
        return order_ends(relation, arrays)
    if isinstance(relation, Zone):
        return np.ones(len(arrays[relation.target]), bool)
    assert isinstance(relation, Prediction)
    left = relation.take_out(arrays)[relation.target]
    return np.isnan(relation.predict(arrays)) | np.isnan(left) | (np.abs(left) <= _NEAR)
