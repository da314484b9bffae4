"""What protection asks of all rows where a model learns from a sample: holders of levels, and where the ends are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from simulacra.domain import Array, Block
from simulacra.encoding import Encoding
from simulacra.privacy.protection import Totals
from simulacra.survey.survey import Survey


@dataclass(frozen=True)
class Counted:
    """All rows of a table of which a sample is learnt from.

    Parameters
    ----------
    found : Survey
        Made with as many values of each end as protection asks for; its sample is not held on to.
    held : dict
        The different levels of the sample.
    holders : int
        k of the protection.

    Examples
    --------
    >>> from simulacra.randomness import Streams
    >>> from simulacra.schema.types import Column, Table
    >>> from simulacra.survey.rows import FrameRows
    >>> from simulacra.survey.survey import Ask, survey
    >>> rows = FrameRows("t", pl.DataFrame({"a": ["x", "y"] * 50}))
    >>> Counted.of(survey(rows, Table("t", (Column("a", "category"),)), Streams(1), Ask(10)), 10).rows
    100
    """

    found: Survey
    held: Mapping[str, pl.Series]
    holders: int

    @classmethod
    def of(cls, found: Survey, holders: int) -> Counted:
        """Take what protection asks for out of a survey."""
        held = {name: found.sample[name].unique() for name in found.levels}
        return cls(replace(found, sample=found.sample.clear()), held, holders)

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.found.rows

    def totals(self, encodings: Mapping[str, Encoding], block: Block, left: Block) -> Totals:
        """Tell how many of all rows hold each code, and where the k-th values from the ends are.

        Parameters
        ----------
        encodings : mapping
            By which the sample was encoded.
        block : Block
            The encoded rows.
        left : Block
            What is left of them where columns follow from others: what stands in their place holds something else.
        """
        own = {axis.name: values for axis, values in zip(block.domain.axes, block.columns, strict=True)}
        counts: dict[tuple[str, str], Array] = {}
        ends: dict[tuple[str, str], tuple[float, float]] = {}
        for axis, values in zip(left.domain.axes, left.columns, strict=True):
            if own.get(axis.name) is not values or len(encodings[axis.column].axes) != 1:
                continue
            where, encoding = (axis.column, axis.part), encodings[axis.column]
            if axis.size is not None and axis.column in self.found.levels:
                told = self._codes(axis.column, encoding, axis.size)
                if told is not None:
                    counts[where] = told
            elif axis.size is None and axis.column in self.found.tails:
                lows, highs = (encoding.encode(tail)[0] for tail in self.found.tails[axis.column])
                if min(np.count_nonzero(~np.isnan(side)) for side in (lows, highs)) >= self.holders:
                    ends[where] = (float(np.nanmax(lows)), float(np.nanmin(highs)))
        return Totals(counts, ends)

    def _codes(self, name: str, encoding: Encoding, size: int) -> Array | None:
        counted = self.found.levels[name]
        if counted.cut:
            return None
        held = self.held[name]
        texts = held.cast(pl.String)
        known = dict(counted.table.iter_rows())
        total = np.zeros(size, dtype=np.int64)
        # each level of the sample has a code of its own, and so has what is missing
        for code, level in zip(encoding.encode(held)[0], texts, strict=True):
            total[int(code)] = self.found.missing[name] if level is None else known.get(level, 0)
        return total
