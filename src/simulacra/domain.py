"""What a generator sees: axes of codes and reals, never dates, nulls, keys or SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """One array of a block.

    Parameters
    ----------
    name : str
        Unique in its domain: the column, and the part where a column has several (``"when.clock"``).
    column : str
        The column it came from.
    part : str
        Which part of the column: ``"value"``, ``"day"``, ``"clock"``, ``"shape"``.
    size : int or None
        Number of codes (0 to size - 1), or None for a real axis (float64).
    ordered : bool
        Whether the order of codes means something. Real axes are always ordered.
    lattice : bool
        A real axis that holds whole numbers only; whatever is drawn is rounded.
    missing : bool
        A real axis where NaN stands for "no value", to be modelled like any other value. (A coded axis gives
        "no value" a code of its own.)
    holders : int
        A value may be given back exactly only if at least this many rows hold it, or rows of so many owners (k of
        the protection); 1 means that any value may.
    unit : float
        What one step of a lattice is worth: 0.01 for cents. Only its ratio to the unit of another axis matters.
    period : int or None
        Steps after which a lattice starts again: 1,440 for clock times in minutes.
    calendar : bool
        A lattice whose positions are days since 1970-01-01, so that weekdays and months can be told. A difference
        of two dates is not one.
    first : bool
        A model that draws axis by axis had better draw this one before those that are not: what it is given says most
        of it.
    """

    name: str
    column: str
    part: str = "value"
    size: int | None = None
    ordered: bool = False
    lattice: bool = False
    missing: bool = False
    holders: int = 1
    unit: float = 1.0
    period: int | None = None
    calendar: bool = False
    first: bool = False

    def dump(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return {field: getattr(self, field) for field in Axis.__dataclass_fields__}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Axis:
        """Make the axis from what `dump` gave."""
        return cls(**state)


@dataclass(frozen=True, slots=True)
class Domain:
    """The axes of a block, in order."""

    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        return len(self.axes)

    @property
    def names(self) -> tuple[str, ...]:
        """The axes' names."""
        return tuple(axis.name for axis in self.axes)

    def dump(self) -> list[dict[str, Any]]:
        """Return the axes as JSON."""
        return [axis.dump() for axis in self.axes]

    @classmethod
    def restore(cls, state: Sequence[dict[str, Any]]) -> Domain:
        """Make the domain from what `dump` gave."""
        return cls(tuple(Axis.restore(item) for item in state))


@dataclass(frozen=True, slots=True)
class Block:
    """Rows as a generator sees them: one array per axis.

    Parameters
    ----------
    domain : Domain
        What the arrays mean.
    columns : tuple of array
        One array of shape (rows,) per axis: unsigned integers for codes, float64 for reals.
    weights : array or None
        Row weights, shape (rows,); None means all equal.
    rows : int or None
        Number of rows; needed only when there is no axis at all.
    owners : array or None
        Whose row each is, shape (rows,), from 0: where rows belong to entities, these are the holders that
        `Axis.holders` counts. None where every row stands for itself.
    """

    domain: Domain
    columns: tuple[Array, ...]
    weights: Array | None = None
    rows: int | None = None
    owners: Array | None = None

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else (self.rows or 0)

    def take(self, index: Array | slice) -> Block:
        """Return some of the rows."""
        weights, owners = (None if own is None else own[index] for own in (self.weights, self.owners))
        rows = None if self.columns else len(np.arange(len(self))[index])
        columns = tuple(c[index] for c in self.columns)
        return replace(self, columns=columns, weights=weights, rows=rows, owners=owners)


@dataclass(frozen=True, slots=True)
class Support:
    """The values of an axis that are allowed.

    Parameters
    ----------
    levels : array or None
        For a coded axis: a weight from 0 to 1 per code, shape (size,).
    ranges : array or None
        For a real axis: closed ranges, shape (ranges, 2), ascending and apart.
    missing : bool
        For a real axis: whether "no value" is allowed.
    bias : array or None
        A weight from 0 to 1 per code of the *model's own* discretisation of the axis (`Sequential.cells` of them),
        multiplied with what levels or ranges allow: codes are drawn in proportion to it. It limits no value, so
        `holds` does not look at it; whoever asks for a bias corrects the rows for it.
    lines : array or None
        For models that are `Tabled`: the line of the bias that is each row's own, which then has the shape (lines,
        cells).

    Notes
    -----
    ``Support(missing=True)`` allows "no value" and nothing else. With a bias, and neither levels nor ranges,
    everything is allowed, "no value" too. A bias with "no value" alone has ``ranges`` of shape (0, 2).

    Examples
    --------
    >>> Support(ranges=np.array([[20.0, 30.0]])).holds(np.array([25.0, 31.0, np.nan])).tolist()
    [True, False, False]
    >>> Support(bias=np.array([0.5, 1.0])).holds(np.array([25.0, np.nan])).tolist()
    [True, True]
    """

    levels: Array | None = None
    ranges: Array | None = None
    missing: bool = False
    bias: Array | None = None
    lines: Array | None = None

    @property
    def limited(self) -> bool:
        """Whether some values may be barred: False for a bias alone."""
        return self.bias is None or self.levels is not None or self.ranges is not None

    def holds(self, values: Array) -> Array:
        """Tell which values of the axis are allowed at all."""
        if not self.limited:
            return np.ones(len(values), bool)
        if self.levels is not None:
            return np.asarray(self.levels)[values] > 0
        ranges = np.reshape(self.ranges if self.ranges is not None else [], (-1, 2))
        place = np.searchsorted(ranges[:, 0], values, side="right") - 1
        inside = (place >= 0) & (values <= np.append(ranges[:, 1], -np.inf)[place])
        return np.where(np.isnan(values), self.missing, inside)


def join_runs(points: Array, fits: Array, *, lattice: bool) -> Array:
    """Join neighbouring points that fit to closed ranges, shape (ranges, 2).

    A range that holds the first or last point has no end there, since decoding holds what lies beyond to it.

    Examples
    --------
    >>> join_runs(np.arange(5.0), np.array([0, 1, 1, 0, 1]), lattice=True).tolist()
    [[0.75, 2.25], [3.75, inf]]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], fits.astype(np.int8), [0]])))
    starts, stops = points[edges[::2]], points[edges[1::2] - 1]
    if lattice:
        # what is drawn is rounded to the lattice
        starts, stops = starts - 0.25, stops + 0.25
    ranges = np.stack([starts, stops], axis=1).astype(np.float64)
    if len(ranges) and fits[0]:
        ranges[0, 0] = -np.inf
    if len(ranges) and fits[-1]:
        ranges[-1, 1] = np.inf
    return ranges


def code_dtype(size: int) -> type[np.unsignedinteger[Any]]:
    """Return the smallest unsigned type that holds codes 0 to size - 1.

    Examples
    --------
    >>> code_dtype(256).__name__
    'uint8'
    """
    return np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.uint32
