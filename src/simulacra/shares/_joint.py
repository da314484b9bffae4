"""The table of strata, groups and levels that a definition of parity is planned on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import OptionError, unknown
from simulacra.randomness import Streams
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table
from simulacra.shares._crossing import Crossing, Parts
from simulacra.shares._definitions import DEFINITIONS, Parity
from simulacra.shares._relabel import LogDensity, Relabelling
from simulacra.shares._tilts import deal, keep_within, make_independent, set_rates
from simulacra.shares.quotas import Cells, Quota

MOST_TRIED = 128
"""Pairs of a level and a group that the model is asked about for every row."""
NAMED = 3


@dataclass(frozen=True)
class Plan:
    """How to draw rows that keep to a definition.

    Parameters
    ----------
    quotas : tuple of Quota
        Rows of each kind, n in all; empty where any rows will do.
    cells : Cells or None
        How rows are told apart, for `fill_quotas`.
    relabelling : Relabelling or None
        What changes the target of drawn rows.
    notes : tuple of str
        What could not be had, and what was chosen.
    """

    quotas: tuple[Quota, ...] = ()
    cells: Cells | None = None
    relabelling: Relabelling | None = None
    notes: tuple[str, ...] = ()

    def transform(self, frame: pl.DataFrame, streams: Streams) -> tuple[pl.DataFrame, int]:
        """Change the target of drawn rows as the definition asks, and count the changed rows."""
        if self.relabelling is None or not len(frame):
            return frame, 0
        name = self.relabelling.target.column.name
        done = self.relabelling.apply(frame, streams)
        return done, int(frame[name].ne_missing(done[name]).sum())

    def tell(self, changed: int, rows: int) -> tuple[str, ...]:
        """Say how many rows were changed, if rows are changed at all."""
        if self.relabelling is None:
            return ()
        share = f"{100 * changed / max(rows, 1):.2g} %"
        name = self.relabelling.target.column.name
        return (f"fair: {changed:,} of {rows:,} rows ({share}) have a new value of {name!r}.",)


@dataclass(frozen=True)
class Joint:
    """The table of strata, groups and levels in the pilot, and what is made of it."""

    asked: Parity
    table: Table
    target: Parts
    groups: Crossing
    strata: Crossing
    pilot: pl.DataFrame

    def label(self, frame: pl.DataFrame) -> Array:
        """Number the cell of each row, strata first and levels last; -1 for none."""
        strata, groups = self.strata.codes(frame), self.groups.codes(frame)
        levels = self.target.codes(frame[self.asked.target])
        cell = (strata * len(self.groups) + groups) * len(self.target) + levels
        return np.where((strata < 0) | (groups < 0) | (levels < 0), -1, cell)

    @property
    def counts(self) -> Array:
        """Rows of the pilot, shape (strata, groups, levels)."""
        shape = (len(self.strata), len(self.groups), len(self.target))
        return np.bincount(self.label(self.pilot), minlength=int(np.prod(shape))).reshape(shape)

    @property
    def positive(self) -> int:
        """The level whose rate counts: the one named, or the rarest."""
        names = self.target.values.cast(pl.String).to_list()
        if self.asked.positive is None:
            return int(self.counts.sum(axis=(0, 1))[: len(names)].argmin())
        if self.asked.positive not in names:
            if self.target.column.sensitive:
                raise OptionError(
                    f"fair: 'positive' is no level of {self.asked.target!r} among the rows drawn."
                )
            raise unknown(f"level of {self.asked.target!r}", self.asked.positive, names)
        return names.index(self.asked.positive)

    def tilt(self, n: int) -> Plan:
        """Turn the definition into quotas."""
        counts = self.counts
        if self.asked.definition == "group-shares":
            wanted = self._shared(counts)
        elif self.asked.definition == "base-rates":
            positive = self.positive
            overall = counts[..., positive].sum() / counts.sum()
            wanted = set_rates(
                counts, positive, float(overall if self.asked.rate is None else self.asked.rate)
            )
        else:
            wanted = make_independent(counts)
        wanted, lost = keep_within(wanted, counts)
        rows = deal(n, wanted)
        return Plan(
            self._quotas(rows),
            self._cells(counts, rows),
            None,
            (*self._told(counts, wanted), *self._lost(lost, counts)),
        )

    def _shared(self, counts: Array) -> Array:
        """Give the groups their shares, and let the levels keep theirs within each group."""
        sizes = counts.sum(axis=(0, 2))
        shares = np.full(len(self.groups), 1 / len(self.groups))
        if self.asked.shares is not None:
            names = [self.groups.words(group) for group in range(len(self.groups))]
            for name in self.asked.shares:
                if name not in names:
                    if any(part.column.sensitive for part in self.groups.parts):
                        raise OptionError(
                            "fair: 'shares' names a group that does not occur among the rows drawn."
                        )
                    raise unknown("group", str(name), names)
            shares = np.array([float(self.asked.shares.get(name, 0.0)) for name in names])
        return counts / sizes[None, :, None] * shares[None, :, None]

    def _quotas(self, rows: Array) -> tuple[Quota, ...]:
        return tuple(
            Quota(Predicate.parse(self._sql(*cell), self.table), self._words(*cell), int(rows[cell]))
            for cell in map(tuple, np.argwhere(rows > 0).tolist())
        )

    def _cells(self, counts: Array, rows: Array) -> Cells:
        """Tell rows apart by arrays, not by one predicate after the other."""
        held = np.flatnonzero(rows.ravel() > 0)
        place = np.full(rows.size + 1, -1)
        place[held] = np.arange(len(held))
        return Cells(lambda frame: place[self.label(frame)], counts.ravel()[held] / counts.sum())

    def _sql(self, stratum: int, group: int, level: int) -> str:
        parts = [self.strata.sql(stratum, self.table), self.groups.sql(group, self.table)]
        return " AND ".join(filter(None, (*parts, self.target.sql(level, self.table))))

    def _words(self, stratum: int, group: int, level: int) -> str:
        names = [f"{self.asked.target} = {self.target.words(level)!r}", f"group {self.groups.words(group)!r}"]
        return ", ".join(names + ([f"stratum {self.strata.words(stratum)!r}"] if self.strata.parts else []))

    def _told(self, counts: Array, wanted: Array) -> list[str]:
        """Say what the tilt costs: as how many independent rows of the model the tilted ones count."""
        shares = counts / counts.sum()
        ratio = np.divide(wanted, shares, out=np.zeros_like(wanted), where=shares > 0)
        effective = 1 / max(float((shares * ratio**2).sum()), 1e-12)
        return [
            f"fair: {self.asked.definition} ({DEFINITIONS[self.asked.definition]}), counted over {len(self.pilot):,} "
            f"rows of the model; the tilt keeps {100 * min(effective, 1):.0f} % of the effective sample size."
        ]

    def _lost(self, lost: Array, counts: Array) -> list[str]:
        """Name the groups that never have a level that the definition asks for."""
        if not lost.any():
            return []
        if self.strata.parts:
            share = 100 * counts.sum(axis=2)[lost].sum() / counts.sum()
            return [
                f"fair: in {int(lost.sum()):,} of {lost.size:,} cells of group and stratum ({share:.2g} % of the rows) "
                f"some level of {self.asked.target!r} never occurs; the definition holds as far as those that do."
            ]
        names = [repr(self.groups.words(int(group))) for group in np.flatnonzero(lost[0])]
        shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        return [
            f"fair: some level of {self.asked.target!r} never occurs among {len(self.pilot):,} rows of the model in "
            f"group {shown}; such a group keeps to the levels that it has, and the definition does not hold for it."
        ]

    def relabel(self, density: LogDensity) -> Plan:
        """Turn the definition into a change of drawn rows."""
        tried = len(self.target) * (len(self.groups) if self.asked.definition == "no-direct-path" else 1)
        if tried > MOST_TRIED:
            raise OptionError(
                f"fair: {self.asked.definition!r} would ask the model about {tried:,} pairs of a level and a group for "
                f"every row; at most {MOST_TRIED:,} are asked. Name fewer groups, or columns of fewer levels."
            )
        rate, positive = None, self.positive
        if self.asked.definition == "relabel":
            counts = self.counts.sum(axis=(0, 1))
            rate = (
                float(counts[positive] / counts.sum()) if self.asked.rate is None else float(self.asked.rate)
            )
        said = f"fair: {self.asked.definition} ({DEFINITIONS[self.asked.definition]})."
        return Plan((), None, Relabelling(self.target, self.groups, positive, rate, density), (said,))
