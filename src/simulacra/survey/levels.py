"""How many rows hold each level of a column."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

MOST_LEVELS = 200_000
"""Different levels of a column that are counted; beyond that it is no category."""
_MERGED = 16
"""Tables of counts that are held before they are added up."""


@dataclass
class LevelCounts:
    """How many rows hold each level of a column; nothing once there are too many to be levels.

    Examples
    --------
    >>> counts = LevelCounts()
    >>> counts.add(pl.Series(["a", "b", None, "a"]))
    >>> counts.table.rows()
    [('a', 2), ('b', 1)]
    """

    cut: bool = False
    _tables: list[pl.DataFrame] = field(default_factory=list)

    def add(self, values: pl.Series) -> None:
        """Count the rows of a piece."""
        if self.cut:
            return
        self._tables.append(
            pl.DataFrame({"level": values.cast(pl.String)})
            .drop_nulls()
            .group_by("level")
            .agg(pl.len().cast(pl.Int64))
        )
        if len(self._tables) >= _MERGED:
            self._merge()

    @property
    def table(self) -> pl.DataFrame:
        """``level`` and ``len``, the commonest first."""
        self._merge()
        return self._tables[0] if self._tables else pl.DataFrame(schema={"level": pl.String, "len": pl.Int64})

    def _merge(self) -> None:
        if not self._tables:
            return
        whole = pl.concat(self._tables).group_by("level").agg(pl.col("len").sum())
        self.cut = len(whole) > MOST_LEVELS
        self._tables = [whole.head(0) if self.cut else whole.sort(["len", "level"], descending=[True, False])]
