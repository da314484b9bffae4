"""What conditions leave of the day and the clock that instants, and their calendar parts, are read from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulacra.domain import Array, Support, join_runs
from simulacra.relations import Calendar, Zone
from simulacra.sampling.decoding import Decoder
from simulacra.schema.predicates import Predicate

LONGEST = 1_000_000
"""Instants that are tried at most."""
QUARTERS = 96
"""Quarters of an hour in a day: between them no clock of any zone starts a new day."""


def find_instant(columns: Sequence[str], decoder: Decoder) -> Calendar | Zone | None:
    """Return the relation by which all of some columns are read from one date or instant, and nothing else.

    Parameters
    ----------
    columns : sequence of str
        The columns of a term.
    decoder : Decoder
        Knows what is rebuilt.
    """
    found: dict[str, Calendar | Zone] = {}
    for name in columns:
        for axis in decoder.encodings[name].axes:
            relation = decoder.rebuilt.get(axis.name)
            if isinstance(relation, Zone) or (isinstance(relation, Calendar) and relation.exact):
                found[relation.measure.column] = relation
            elif axis.column not in found and not _is_read(axis.column, columns, decoder):
                return None
    if len(found) != 1:
        return None
    relation = next(iter(found.values()))
    drawn = {type(decoder.rebuilt.get(name)) for name in relation.measure.axes} <= {type(None), Zone}
    return relation if drawn and relation.measure.ends is not None else None


def _is_read(column: str, columns: Sequence[str], decoder: Decoder) -> bool:
    """Tell whether a column is the instant that another one is a part of."""
    relations = [decoder.rebuilt.get(axis.name) for name in columns for axis in decoder.encodings[name].axes]
    return any(isinstance(r, Calendar) and r.measure.column == column for r in relations)


def limit_instant(
    term: Predicate, unknown: bool, relation: Calendar | Zone, decoder: Decoder
) -> tuple[dict[int, Support], bool]:
    """Limit the day and the clock that columns are read from.

    Parameters
    ----------
    term : Predicate
        A condition on these columns alone.
    unknown : bool
        Whether UNKNOWN is enough.
    relation : Calendar or Zone
        How one of them is read.
    decoder : Decoder
        Its axes, and what is rebuilt.

    Returns
    -------
    (dict of int to Support, bool)
        By axis: what it may be, as the model draws it; and whether that says all.
    """
    measure = relation.measure
    steps = measure.steps or 1
    low, high = np.floor(np.array(measure.ends) / steps)
    if np.isnan(low):
        return {}, False
    # clocks elsewhere may show the day before or after
    days, clock = np.arange(low - 1, high + 2), np.arange(steps, dtype=np.float64)
    sure = True
    if len(days) * len(clock) > LONGEST:
        if not all(_by_day(name, decoder) for name in term.columns):
            return {}, False
        marks = np.ceil(np.arange(QUARTERS) * (steps / QUARTERS))
        clock, sure = np.unique(np.append(marks, steps - 1.0)), False
    grid = [part.ravel() for part in np.meshgrid(days, clock, indexing="ij")]
    arrays = dict(zip(measure.axes, grid, strict=False))
    parts = [
        axis for name in term.columns for axis in decoder.encodings[name].axes if axis.name not in arrays
    ]
    arrays |= {axis.name: np.zeros(len(grid[0])) for axis in parts}
    frame = decoder.columns(list(term.columns), arrays, len(grid[0]))
    fits = term.evaluate(frame).fill_null(unknown).to_numpy()
    found: Array = fits.reshape(len(days), len(clock))
    by_day, by_clock = np.any(found, axis=1), np.any(found, axis=0)
    axes = [decoder.domain.axes[decoder.places[name]] for name in measure.axes]
    # a row without an instant keeps a part of its own, and one with an instant may lack the part
    loose = any(axis.missing for axis in (*axes, *parts))
    points = [(days, by_day), (clock, by_clock)]
    supports = {
        decoder.places[axis.name]: Support(ranges=join_runs(at, held, lattice=True), missing=axis.missing)
        for axis, (at, held) in zip(axes, points if sure else points[:1], strict=False)
    }
    product = np.outer(by_day, by_clock) if sure else np.broadcast_to(by_day[:, None], found.shape)
    return supports, not loose and bool((found == product).all())


def _by_day(name: str, decoder: Decoder) -> bool:
    relations = [decoder.rebuilt.get(axis.name) for axis in decoder.encodings[name].axes]
    return all(isinstance(r, Calendar) and r.is_by_day for r in relations)
