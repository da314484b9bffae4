"""How many rows each table has and how they are cut into units, each of which can be made alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulacra.randomness import BLOCK_ROWS


@dataclass(frozen=True)
class Extent:
    """The units of one table.

    Parameters
    ----------
    starts : array of int64, shape (units + 1,)
        The number of each unit's first row, and at the end the number of all rows.
    parents : array of int64, shape (units,), or None
        For a table of children the unit of the parents that each unit belongs to.
    runs : array of int64, shape (units,), or None
        Which of the runs of whole parents, that the parents' unit is cut into, it is.
    """

    starts: npt.NDArray[np.int64]
    parents: npt.NDArray[np.int64] | None = None
    runs: npt.NDArray[np.int64] | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.starts[-1])

    @property
    def units(self) -> int:
        """How many units there are."""
        return len(self.starts) - 1

    def size(self, unit: int) -> int:
        """How many rows a unit has."""
        return int(self.starts[unit + 1] - self.starts[unit])

    def below(self, parent: int) -> range:
        """The units that belong to a unit of the parents."""
        assert self.parents is not None
        return range(*np.searchsorted(self.parents, [parent, parent + 1]).tolist())


def cut_rows(rows: int) -> Extent:
    """Cut the rows of a table of its own into blocks.

    Examples
    --------
    >>> cut_rows(70_000).starts.tolist()
    [0, 65536, 70000]
    """
    starts = np.arange(0, max(rows, 1), BLOCK_ROWS, dtype=np.int64)
    return Extent(np.append(starts, rows))


def cut_runs(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Cut parents into runs that have about a block of children each, or one parent with more.

    Parameters
    ----------
    counts : array of int64, shape (parents,)
        How many children each parent has.

    Returns
    -------
    array of int64, shape (runs + 1,)
        The first parent of each run, and at the end the number of parents; one run where there are no children.

    Examples
    --------
    >>> cut_runs(np.full(100, 2_000)).tolist()
    [0, 32, 64, 96, 100]
    """
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    if total <= BLOCK_ROWS:
        return np.array([0, len(counts)], dtype=np.int64)
    borders = [0]
    while borders[-1] < len(counts):
        before = int(ends[borders[-1] - 1]) if borders[-1] else 0
        most = int(np.searchsorted(ends, before + BLOCK_ROWS, side="right"))
        borders.append(max(most, borders[-1] + 1))
    return np.array(borders, dtype=np.int64)
