"""The groups whose treatment is audited: levels, quartile bands of numbers, and their intersections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.metrics._case import LEVEL_KINDS, NUMERIC_KINDS, as_levels, empty_side
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

FEWEST = 50
"""Real rows that a group has at least; smaller ones are merged."""
HIDDEN = 10
"""Merged groups with fewer real rows than this are counted, but not shown."""
MOST = 200
"""Groups of one partition; the rarest beyond are merged."""
BANDS = 4
MOST_VALUES = 8
"""A number with so few distinct values is taken value by value."""
OTHERS = "others"
MISSING = "missing"


@dataclass(frozen=True)
class Partition:
    """One way to divide everybody into groups.

    Parameters
    ----------
    columns : tuple of str
        The columns that it divides by.
    names : tuple of str
        The groups.
    codes : tuple of array
        For the training, the synthetic and the holdout rows (where there are any): the group of each row.
    merged : int
        How many small groups were merged.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...]
    codes: tuple[Array, ...]
    merged: int = 0

    @property
    def by(self) -> str:
        """The column, or the columns with a cross between them."""
        return " × ".join(self.columns)

    def counts(self) -> Array:
        """Count the rows of each group, shape (frames, groups)."""
        return np.array([np.bincount(codes, minlength=len(self.names)) for codes in self.codes])

    def shown(self) -> Array:
        """Tell which groups hold so many real rows, or none, that figures about them name nobody."""
        real = self.counts()[0]
        return (real == 0) | (real >= HIDDEN)


@dataclass(frozen=True)
class Groups:
    """Everything that the audit divides people by: each column alone, then all together."""

    partitions: tuple[Partition, ...]
    skipped: tuple[str, ...] = ()

    @property
    def finest(self) -> Partition:
        """The partition by all columns together."""
        return self.partitions[-1]

    def without(self, column: str) -> tuple[Partition, ...]:
        """Return the partitions that do not divide by a column."""
        return tuple(part for part in self.partitions if column not in part.columns)

    def note(self) -> str:
        """Say which small groups were merged and which columns were left out."""
        merged = sum(p.merged for p in self.partitions)
        said = f" (Groups of fewer than {FEWEST} real rows are merged into {OTHERS!r}.)" if merged else ""
        if self.skipped:
            said += f" (Left out, as texts and keys make no groups: {', '.join(map(repr, self.skipped))}.)"
        return said


def gather(case: Comparison) -> Groups | str:
    """Divide the rows of a comparison into its groups, or say why that can not be done."""
    return case.remember("groups", lambda: _gather(case))


def _gather(case: Comparison) -> Groups | str:
    if (why := empty_side(case)) is not None:
        return why
    if not case.groups:
        return (
            "no groups were named; say which columns hold the groups of people with groups=... (--group), "
            "for example the columns of sex, age or origin."
        )
    if absent := [name for name in case.groups if name not in case.table.names]:
        return f"the table has no column {absent[0]!r}; name its columns with groups=... (--group)."
    columns = [case.table[name] for name in dict.fromkeys(case.groups)]
    usable = [c for c in columns if c.kind in LEVEL_KINDS | NUMERIC_KINDS and c.identifying is None]
    if not usable:
        return "texts, keys and identifiers make no groups; name other columns with groups=... (--group)."
    frames = [case.train, case.synthetic] + ([] if case.holdout is None else [case.holdout])
    single = [divide(column, [frame[column.name] for frame in frames]) for column in usable]
    partitions = [*single, _cross(single)] if len(single) > 1 else single
    if all((partition.counts()[0] >= FEWEST).sum() < 2 for partition in partitions):
        return f"fewer than two groups have {FEWEST} training rows; give more rows, or other groups."
    return Groups(tuple(partitions), tuple(c.name for c in columns if c not in usable))


def divide(column: Column, parts: Sequence[pl.Series]) -> Partition:
    """Divide by one column: levels, or quartile bands of the first part; small groups are merged."""
    names, codes = cut(column, parts)
    return _merge((column.name,), names, codes)


def cut(column: Column, parts: Sequence[pl.Series]) -> tuple[list[str], list[Array]]:
    """Number the levels of a column, or the quartile bands of the first part; missing values come last."""
    if column.kind in LEVEL_KINDS:
        levels = [as_levels(part) for part in parts]
        pooled = pl.DataFrame({"level": pl.concat(levels)})
        known = pooled.drop_nulls().unique().sort("level").with_row_index("code")
        names = known["level"].to_list()
        found = pooled.join(known, on="level", how="left", maintain_order="left")["code"]
        codes = found.cast(pl.Int64).fill_null(len(names)).to_numpy()
        cuts = np.cumsum([len(part) for part in parts])[:-1]
        return [*names, MISSING], np.split(codes, cuts)
    ends, names = _bands(parts[0])
    bands: list[Array] = []
    for part in parts:
        values = as_numbers(part)
        # the last band is open, so that a value beyond what real rows hold has a group too
        band = np.searchsorted(ends[:-1], values, side="left")
        bands.append(np.where(np.isnan(values), len(names), band))
    return [*names, MISSING], bands


def _bands(values: pl.Series) -> tuple[Array, list[str]]:
    """Return the upper ends of the quartile bands, or of each value where they are few, and their names."""
    numbers = as_numbers(values)
    order = np.argsort(numbers, kind="stable")[: int((~np.isnan(numbers)).sum())]
    if len(order) == 0:
        return np.array([np.inf]), ["any value"]
    kept, first = np.unique(numbers[order], return_index=True)
    if len(kept) > MOST_VALUES:
        ranks = np.ceil(np.arange(1, BANDS + 1) / BANDS * len(order)).astype(np.int64) - 1
        kept, place = np.unique(numbers[order[ranks]], return_index=True)
        first = ranks[place]
        said = [_say(value) for value in values.gather(order[first]).to_list()]
        names = [f"up to {said[0]}"] + [f"over {low} to {high}" for low, high in pairwise(said)]
        if len(names) > 1:
            names[-1] = f"over {said[-2]}"
        return kept, names if len(names) > 1 else ["any value"]
    return kept, [_say(value) for value in values.gather(order[first]).to_list()]


def _say(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _cross(parts: Sequence[Partition]) -> Partition:
    """Divide by several columns at once."""
    sizes = [len(part.names) for part in parts]
    frames = range(len(parts[0].codes))
    combined = []
    for frame in frames:
        code = np.zeros(len(parts[0].codes[frame]), dtype=np.int64)
        for part, size in zip(parts, sizes):
            code = code * size + part.codes[frame]
        combined.append(code)
    distinct, inverse = np.unique(np.concatenate(combined), return_inverse=True)
    names = []
    for whole in distinct.tolist():
        said = []
        for part, size in zip(reversed(parts), reversed(sizes)):
            whole, own = divmod(whole, size)
            said.append(part.names[own])
        names.append(", ".join(reversed(said)))
    cuts = np.cumsum([len(code) for code in combined])[:-1]
    return _merge(tuple(part.columns[0] for part in parts), names, np.split(inverse, cuts))


def _merge(columns: tuple[str, ...], names: Sequence[str], codes: Sequence[Array]) -> Partition:
    """Put groups with few training rows, and those beyond the commonest, into one."""
    real = np.bincount(codes[0], minlength=len(names))
    order = np.argsort(-real, kind="stable")
    chosen = np.sort(order[:MOST][real[order[:MOST]] >= FEWEST])
    place = np.full(len(names), len(chosen), dtype=np.int64)
    place[chosen] = np.arange(len(chosen))
    held = np.zeros(len(names), dtype=bool)
    for code in codes:
        held[np.unique(code)] = True
    merged = int(held.sum() - len(chosen))
    kept = [names[i] for i in chosen]
    if merged:
        # a level that is called so itself keeps its name
        kept.append(OTHERS if OTHERS not in kept else f"all {OTHERS}")
    return Partition(columns, tuple(kept), tuple(place[code] for code in codes), merged)
