"""What is remembered of the rows given so far: values that may not come again, and values that are fixed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.schema.breaches import listed_rows
from simulacra.schema.constraints import Determines


@dataclass
class Seen:
    """The combinations of values that a `Unique` has met, as 64-bit hashes in a few sorted arrays.

    Equal rows have equal hashes, so no repetition passes. Two different rows share one by chance of 3e-8 among a
    million: such a row is drawn anew, which does no harm. A combination costs 8 bytes.
    """

    columns: tuple[str, ...]
    _runs: list[Array] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many different combinations were met."""
        return sum(len(run) for run in self._runs)

    def admit(self, frame: pl.DataFrame) -> Array:
        """Mark the rows that repeat none before them; a row with a missing value repeats none."""
        keys = frame.select(self.columns)
        hashes = _hash(keys)
        # looked up in their order: neighbours then stand beside each other in memory
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        known = np.append(False, hashes[1:] == hashes[:-1])[: len(hashes)]
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            known |= run[place] == hashes
        fresh = np.empty(len(keys), dtype=bool)
        fresh[order] = ~known
        return fresh | _gaps(keys)

    def learn(self, frame: pl.DataFrame) -> None:
        """Remember rows. Runs double in length, so that there are few, and each is merged a few times."""
        keys = frame.select(self.columns)
        run = np.sort(_hash(keys)[~_gaps(keys)])
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        if len(run):
            self._runs.append(run)


@dataclass
class Fixed:
    """The values that a `Determines` has given to each group: those listed, or the commonest where it was first met."""

    rule: Determines
    _groups: pl.DataFrame | None = None

    def learn(self, frame: pl.DataFrame) -> None:
        """Fix the values of groups that were not met before; those that the rule lists are known."""
        by, columns = list(self.rule.by), list(self.rule.columns)
        rows = frame.select(*by, *columns)
        if self._groups is None and self.rule.groups is not None:
            self._groups = listed_rows(self.rule.groups, rows)
        rows = rows.drop_nulls(by)
        if self._groups is not None:
            rows = rows.join(self._groups, on=by, how="anti", maintain_order="left")
        if not len(rows):
            return
        usual = (
            rows.group_by(by + columns, maintain_order=True)
            .agg(_rows=pl.len())
            .sort("_rows", descending=True, maintain_order=True)
            .unique(by, keep="first", maintain_order=True)
            .drop("_rows")
        )
        self._groups = usual if self._groups is None else pl.concat([self._groups, usual])

    def assign(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """Give rows of known groups the group's values, and count those that had others."""
        differs = self._differs(frame)
        if differs is None:
            return frame, 0
        marks, met = differs
        if not marks.any():
            return frame, 0
        new = [met[f"_fixed_{name}"].zip_with(marks, frame[name]).alias(name) for name in self.rule.columns]
        return frame.with_columns(new), int(marks.sum())

    def agrees(self, frame: pl.DataFrame) -> Array:
        """Mark the rows whose group is known and has their values, or that have no group."""
        free = _gaps(frame.select(self.rule.by))
        differs = self._differs(frame)
        if differs is None:
            return free
        marks, met = differs
        return free | (met["_known"].fill_null(False) & ~marks).to_numpy()

    def _differs(self, frame: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame] | None:
        if self._groups is None:
            return None
        by = list(self.rule.by)
        fixed = self._groups.rename({name: f"_fixed_{name}" for name in self.rule.columns})
        met = frame.join(fixed.with_columns(_known=True), on=by, how="left", maintain_order="left")
        apart = met.select(
            apart=pl.col("_known").fill_null(False)
            & pl.any_horizontal(
                pl.col(name).ne_missing(pl.col(f"_fixed_{name}")) for name in self.rule.columns
            )
        )["apart"]
        return apart, met


def _hash(keys: pl.DataFrame) -> Array:
    # 0.0 and -0.0 are equal, and must have one hash
    reals = [pl.col(name) + 0.0 for name, dtype in keys.schema.items() if dtype.is_float()]
    return keys.with_columns(reals).hash_rows(seed=0).to_numpy()


def _gaps(keys: pl.DataFrame) -> Array:
    if not any(keys[name].null_count() for name in keys.columns):
        return np.zeros(len(keys), dtype=bool)
    return keys.select(gap=pl.any_horizontal(pl.all().is_null()))["gap"].to_numpy()
