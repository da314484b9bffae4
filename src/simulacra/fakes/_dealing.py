"""Numbers dealt to the rows of a sample so that no two rows get the same, whatever blocks they are drawn in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulacra.fakes._numbers import Numbers, permute

_BLOCK = 65_536
_SLICE = 2**17


@dataclass(frozen=True)
class Deck:
    """A range of numbers in slices: every block of rows draws from a slice of its own.

    Parameters
    ----------
    low : int
        The first number.
    size : int
        How many there are.

    Examples
    --------
    >>> dealt = Deck(100, 10).deal(np.arange(10), np.random.default_rng(0))
    >>> sorted(dealt.tolist()) == list(range(100, 110))
    True
    """

    low: int
    size: int

    @property
    def slice(self) -> int:
        """Numbers in a slice: as many as can be, so that blocks drawn twice seldom share one."""
        return min(max(_SLICE, self.size >> 10), max(self.size, 1))

    @property
    def slices(self) -> int:
        """Whole slices."""
        return self.size // self.slice

    @property
    def block(self) -> int:
        """Rows that draw from one slice."""
        return min(_BLOCK, self.slice)

    @property
    def places(self) -> int:
        """Rows that can be served."""
        return self.slices * self.block

    @property
    def end(self) -> int:
        """The first number after all whole slices."""
        return self.low + self.slices * self.slice

    def deal(self, places: npt.NDArray[Any], rng: np.random.Generator) -> Numbers:
        """Give a number to each place, all of them below `places`; the stream decides once for all slices."""
        key = int(rng.integers(2**60))
        slots = places // self.block
        numbers = np.empty(len(places), dtype=np.uint64)
        for slot in np.unique(slots).tolist():
            mine = slots == slot
            offsets = (places[mine] - slot * self.block).astype(np.uint64)
            numbers[mine] = permute(offsets, self.slice, key + slot) + np.uint64(slot * self.slice)
        # neighbours of a slice would look alike, so slices are scattered over the whole range
        return permute(numbers, max(self.slices * self.slice, 1), 17) + np.uint64(self.low)
