"""Columns added to a table that another table, of other rows, has besides some of the same columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.completion.partial import agree
from simulacra.dataset import Dataset
from simulacra.domain import Array
from simulacra.errors import DataError, unknown
from simulacra.generator import Progress, part, silent
from simulacra.imputation import Fitted, Imputed, Wanted, complete_rows
from simulacra.privacy.protection import HOLDERS
from simulacra.randomness import Streams
from simulacra.schema.column import Column
from simulacra.schema.types import Schema, Table

Learn = Callable[[Dataset, str, Progress], Fitted]
"""Fits a model to rows, under a name for its randomness."""

_HELD_OUT = 0.2
_JUDGED = 5_000
"""Rows held out at most."""
_DRAWS = 5
"""Draws for each row held out."""
_LITTLE = 0.05
"""Below this share explained, a note says that the shared columns tell next to nothing."""
_UNLEARNT = ("text", "key")


@dataclass(frozen=True)
class Enriched(Imputed):
    """Rows with columns from another table.

    Parameters
    ----------
    explained : dict of str to float
        By added column: the share of its spread that the shared columns explain, on rows of the other table that the
        model had not seen; 0 is nothing, 1 all. Columns of text have none.
    on : tuple of str
        The shared columns.
    """

    explained: Mapping[str, float] = field(default_factory=dict)
    on: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what there is to say as JSON."""
        added = {"on": list(self.on), "explained": dict(self.explained)}
        return {**super().to_dict(), **added}


@dataclass(frozen=True)
class Sharing:
    """Two tables brought under one schema.

    Parameters
    ----------
    data : Dataset
        The rows that get columns; shared ones are read as the other table's.
    other : Dataset
        Shared and wanted columns of the other table.
    on, columns : tuple of str
        Shared columns, and those to add.
    notes : tuple of str
        Which columns were left out, and why.
    """

    data: Dataset
    other: Dataset
    on: tuple[str, ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, data: Dataset, other: Dataset, on: Sequence[str] | None, columns: Sequence[str] | None
    ) -> Self:
        """Find shared and wanted columns, and reconcile what the two tables say of them.

        Raises
        ------
        DataError
            There is no shared column, or none to add or to learn of, or a shared one is of another kind.
        UnknownName
            There is no such column.
        """
        own, theirs = data.schema.table(), other.schema.table()
        for name in on or ():
            for table in (own, theirs):
                if name not in table.names:
                    raise unknown(f"column of table {table.name!r}", name, table.names)
        for name in columns or ():
            if name not in theirs.names:
                raise unknown(f"column of table {theirs.name!r}", name, theirs.names)
            if name in own.names:
                raise DataError(
                    f"column {name!r} is to be added, and table {own.name!r} has one of that name. Rename one of them."
                )
        both = [name for name in own.names if name in theirs.names] if on is None else list(on)
        shared = [name for name in both if {own[name].kind, theirs[name].kind}.isdisjoint(_UNLEARNT)]
        added = [name for name in theirs.names if name not in own.names] if columns is None else list(columns)
        added = [name for name in added if theirs[name].kind != "key"]
        if not shared or not added:
            what = "share no column that a model learns" if not shared else "leave no column to add"
            raise DataError(
                f"tables {own.name!r} and {theirs.name!r} {what}. Give them columns of the same name and meaning."
            )
        for name in shared:
            _require_kind(own[name], theirs[name])
        added, notes = _learnable(other, added, named=columns is not None)
        table = Table(theirs.name, tuple(theirs[name] for name in (*shared, *added)))
        kept = replace(
            other, schema=Schema((table,)), frames={theirs.name: other.polars().select(table.names)}, notes=()
        )
        joint = Table("shared", tuple(theirs[name] for name in shared))
        return cls(
            data.with_schema(agree(data.schema, joint)), kept, tuple(shared), tuple(added), tuple(notes)
        )


def enrich_rows(
    sharing: Sharing,
    learn: Learn,
    wanted: Wanted,
    *,
    seed: int,
    told: bool = True,
    progress: Progress = silent,
) -> Enriched:
    """Draw the added columns for every row, and measure what the shared ones tell of them.

    Parameters
    ----------
    sharing : Sharing
        Both tables.
    learn : callable
        Fits a model.
    wanted : Wanted
        How often to draw, and with how many particles.
    seed : int
        The same seed gives the same bytes.
    told : bool
        Whether the user knows the seed; it is a note if not.
    progress : callable
        Told the share done.

    Returns
    -------
    Enriched
        The rows with the added columns behind.

    Notes
    -----
    **Source**: D'Orazio, Di Zio and Scanu 2006, "Statistical Matching: Theory and Practice", chapter 2.
    """
    explained = measure_explained(sharing, learn, seed, part(progress, 0.0, 0.4))
    model = learn(sharing.other, "all", part(progress, 0.4, 0.7))
    data = sharing.data
    shared = replace(wanted, columns=sharing.columns, keep_missing=sharing.on)
    done = complete_rows(model, data, shared, seed=seed, told=told, progress=part(progress, 0.7, 1.0))
    names = ", ".join(map(repr, sharing.on))
    notes = [
        *done.notes, *sharing.notes,
        f"assumed: given {names}, the added columns have nothing to do with the other columns of this table.",
    ]  # fmt: skip
    notes += [
        f"column {name!r}: the shared columns explain {100 * share:.0f} % of it."
        + (" They tell next to nothing of it." if share < _LITTLE else "")
        for name, share in explained.items()
    ]
    datasets = tuple(replace(dataset, notes=tuple(notes)) for dataset in done.datasets)
    return Enriched(datasets, done.filled, tuple(notes), seed, explained, sharing.on)


def measure_explained(
    sharing: Sharing, learn: Learn, seed: int, progress: Progress = silent
) -> dict[str, float]:
    """Measure which share of each added column's spread the shared columns explain, on rows held out.

    Parameters
    ----------
    sharing : Sharing
        Both tables.
    learn : callable
        Fits a model.
    seed : int
        Chooses the rows held out.
    progress : callable
        Told the share done.

    Returns
    -------
    dict of str to float
        ``1 - d / D``: `d` is the mean distance between a value and one that is drawn given the shared columns, `D`
        that between two values at random. Distances are squared (ranks of numbers), or 0 and 1 (levels). Where the
        model is right this is R squared of ranks, and Goodman and Kruskal's tau of levels.
    """
    rows = len(sharing.other)
    held = min(round(_HELD_OUT * rows), _JUDGED)
    order = Streams(seed).stream("enrich", "held out").permutation(rows)
    frame, name = sharing.other.polars(), sharing.other.name
    train, test = frame[np.sort(order[held:])], frame[np.sort(order[:held])]
    model = learn(replace(sharing.other, frames={name: train}), "judge", progress)
    hidden = replace(
        sharing.other, frames={name: test.select(sharing.on)},
        schema=Schema((Table(name, tuple(sharing.other.schema.table()[c] for c in sharing.on)),)),
    )  # fmt: skip
    wanted = Wanted(sharing.columns, sharing.on, None, _DRAWS)
    drawn = complete_rows(model, hidden, wanted, seed=Streams(seed).key("enrich", "judge") % 2**31)
    found = {}
    for column in sharing.columns:
        if sharing.other.schema.table()[column].kind in _UNLEARNT:
            continue
        true = test[column]
        made = [dataset.polars()[column] for dataset in drawn.datasets]
        found[column] = _explained(true, made, train[column])
    return found


def _explained(true: pl.Series, made: list[pl.Series], train: pl.Series) -> float:
    kept = true.is_not_null()
    true, made = true.filter(kept), [values.filter(kept) for values in made]
    if not len(true):
        return 0.0
    if true.dtype in (pl.String, pl.Boolean):
        counts = true.value_counts()["count"].to_numpy() / len(true)
        spread = 1 - float((counts**2).sum())
        # two draws given the shared columns agree as often as a draw and the truth
        agree_ = float(np.mean([(values == true).fill_null(False).mean() for values in made]))
        return max(0.0, 1 - (1 - agree_) / spread) if spread > 0 else 0.0
    scale = np.sort(train.drop_nulls().to_physical().cast(pl.Float64).to_numpy())
    one = _ranks(true, scale)
    gaps = [one - _ranks(values, scale) for values in made]
    distance = float(np.mean([np.mean(gap[~np.isnan(gap)] ** 2) for gap in gaps]))
    spread = 2 * float(np.var(one))
    return max(0.0, 1 - distance / spread) if spread > 0 else 0.0


def _ranks(values: pl.Series, scale: Array) -> Array:
    """Return the share of values below each, ties in the middle."""
    numbers = values.to_physical().cast(pl.Float64).to_numpy()
    low, high = np.searchsorted(scale, numbers, "left"), np.searchsorted(scale, numbers, "right")
    return np.where(np.isnan(numbers), np.nan, (low + high) / 2 / max(len(scale), 1))


def _require_kind(own: Column, theirs: Column) -> None:
    """Refuse a shared column of two kinds."""
    if own.kind != theirs.kind:
        raise DataError(
            f"column {own.name!r} is a {own.kind} in one table and a {theirs.kind} in the other. Rename one, or make "
            "them the same kind in their schemas."
        )


def _learnable(other: Dataset, names: list[str], *, named: bool) -> tuple[list[str], list[str]]:
    """Return the columns of which protection leaves something to learn, and say which were left out.

    Raises
    ------
    DataError
        There is none, or one that was asked for by name is not among them.
    """
    frame, table = other.polars(), other.schema.table()
    held = {name: _most_holders(frame[name]) for name in names}
    poor = [name for name in names if held[name] < HOLDERS]
    if not poor:
        return names, []
    listed = ", ".join(map(repr, poor))
    why = (
        f"table {table.name!r} has {len(frame):,} rows, and what fewer than {HOLDERS} of them hold is not learnt, so "
        f"it has nothing to tell of {listed}"
    )
    if named or len(poor) == len(names):
        raise DataError(f"{why}. Give more rows, or columns of fewer values.")
    return [name for name in names if name not in poor], [f"{why}: left out."]


def _most_holders(values: pl.Series) -> int:
    """Return how many rows hold the commonest level; of numbers and dates, how many have one."""
    known = values.drop_nulls()
    if values.dtype not in (pl.String, pl.Boolean):
        return len(known)
    return int(known.value_counts()["count"].max() or 0)  # type: ignore[arg-type]
