"""Quantities that can be held against each other: one axis, or the day and the clock of an instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Axis, Block
from simulacra.schema.types import Column, Table

INSTANT = ("day", "clock")


@dataclass(frozen=True)
class Measure:
    """A quantity read from the axes of one column.

    Parameters
    ----------
    column : str
        The column.
    axes : tuple of str
        Its axis, or day and clock.
    unit : float
        What one position is worth.
    lattice : bool
        Positions are whole numbers.
    steps : int
        Positions in a day, for an instant; 0 for a single axis.
    ends : (low, high) or None
        Instants are read within these positions, as they are given out; None before protection is known.
    """

    column: str
    axes: tuple[str, ...]
    unit: float = 1.0
    lattice: bool = False
    steps: int = 0
    ends: tuple[float, float] | None = None

    def read(self, arrays: Mapping[str, Array]) -> Array:
        """Return positions, NaN where missing."""
        first = arrays[self.axes[0]]
        positions = first * self.steps + arrays[self.axes[1]] if self.steps else first
        return positions if self.ends is None else np.clip(positions, *self.ends)

    def write(self, positions: Array) -> dict[str, Array]:
        """Return the axes of positions."""
        if not self.steps:
            return {self.axes[0]: positions}
        day = np.floor(positions / self.steps)
        return {self.axes[0]: day, self.axes[1]: positions - day * self.steps}

    def dump(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the measure from what `dump` gave."""
        ends = state.get("ends")
        return cls(**{**state, "axes": tuple(state["axes"]), "ends": None if ends is None else tuple(ends)})


def find_measures(block: Block, table: Table | None) -> list[tuple[Measure, object]]:
    """List the quantities of a block with a label: those of one label can be held against each other."""
    by_column: dict[str, list[Axis]] = {}
    for axis in block.domain.axes:
        by_column.setdefault(axis.column, []).append(axis)
    found: list[tuple[Measure, object]] = []
    for name, axes in by_column.items():
        label = _label(table[name]) if table is not None else "number"
        if label is None or any(axis.size is not None for axis in axes):
            continue
        if len(axes) == 1:
            axis = axes[0]
            found.append((Measure(name, (axis.name,), axis.unit, axis.lattice), label))
        elif tuple(axis.part for axis in axes) == INSTANT and axes[1].period:
            steps = axes[1].period
            found.append((Measure(name, tuple(a.name for a in axes), 1 / steps, True, steps), label))
    return found


def _label(column: Column) -> object:
    """Say what can be compared: quantities of one kind, in one unit, written the same way."""
    if column.kind == "number":
        return ("number", column.format == "HHMM", column.unit)
    if column.kind == "datetime":
        return ("datetime", column.timezone is None)
    return column.kind if column.kind in {"date", "time", "duration"} else None
