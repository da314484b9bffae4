"""Reading the rows that a draw starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from simulacra.completion.partial import open_partial
from simulacra.dataset import Dataset, dataset
from simulacra.domain import Array
from simulacra.errors import DataError, OptionError, unknown
from simulacra.relational.given.given import Given, Known, attach, read_instant
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.histories.histories import Histories
from simulacra.relational.naming import asked, counted, first_of, member_column, span_of
from simulacra.relational.plan import Link, locate
from simulacra.schema.conformance import canonical_type
from simulacra.schema.types import Table

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


def open_start(
    model: DatabaseSynthesizer, given: Any, steps: int | None, after: Any, n: Any, where: Any
) -> Given | None:
    """Read what a draw starts from, if it starts from anything.

    Raises
    ------
    OptionError
        `steps` or `after` are asked of nothing, or a condition or number of given rows is asked for too.
    """
    if given is None:
        for name, value in (("steps", steps), ("after", after)):
            if value is not None:
                raise OptionError(f"{name}= is about rows that are there already. Give these with given=.")
        return None
    if where:
        raise OptionError(
            "given rows are what they are, so where= can not be asked with given=. Leave one of them out."
        )
    start = read_given(model, given, steps, after)
    sizes = n if isinstance(n, Mapping) else {} if n is None else dict.fromkeys(start.roots(model), n)
    for name in start.roots(model):
        if name in sizes:
            raise OptionError(
                f"n says how many rows {name!r} has, and its rows are given. Leave the number out."
            )
    return start


def read_given(model: DatabaseSynthesizer, given: Any, steps: int | None, after: Any) -> Given:
    """Read rows that a draw starts from.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    given : mapping of str to frame, or a frame
        By table; a frame alone is meant for the only root.
    steps : int or None
        More rows for each history.
    after : date, datetime, number, str or None
        Until when nothing else happened.

    Raises
    ------
    UnknownName
        A table or a column is not the model's.
    OptionError
        Rows of a table are given, and those that they belong to are not.
    DataError
        A row belongs to none that is given, or has no place in its history.
    """
    frames = {name: _open(model, name, data) for name, data in _named(model, given).items()}
    if steps is not None and (
        isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0
    ):
        raise OptionError(f"steps is a whole number of rows from 0, not {steps!r}.")
    reader = _Reader(model, frames)
    for unit in model.plan.units:
        reader.arrange(unit)
    kept = {name: reader.places[name] for name in frames if name in model.plan.kept}
    found = Given(
        reader.units, kept, None if steps is None else int(steps), read_instant(after), reader.tell_loose()
    )
    _require_before(model, found)
    return found


def _require_before(model: DatabaseSynthesizer, given: Given) -> None:
    """Refuse a time until which all is known that lies before what is known."""
    for name, known in given.units.items():
        histories = model.units[name].model
        if known.now is None or not isinstance(histories, Histories):
            continue
        late = int((known.now > given.since(histories.clock)).sum()) if given.after is not None else 0
        if late and np.isfinite(given.since(histories.clock)):
            raise OptionError(
                f"after={given.after!s}: {late:,} given rows of {name!r} are later, so more is known than until then. "
                "Give only the rows until then, or a later time."
            )


def _named(model: DatabaseSynthesizer, given: Any) -> Mapping[str, Any]:
    tables = model.schema.names
    if model.log is not None:
        return _part_log(model, given)
    if isinstance(given, (str, Path, Dataset)):
        whole = dataset(given)
        if len(whole.frames) > 1 or set(whole.frames) & set(tables):
            given = whole.frames
    if isinstance(given, Mapping) and given and all(isinstance(name, str) for name in given):
        strange = [name for name in given if name not in tables]
        if not strange:
            return given
        if len(strange) < len(given) or len(model.roots) != 1:
            raise unknown("table", strange[0], tables)
    if len(model.roots) != 1:
        raise OptionError(
            f"given= names its tables here: given={{{tables[0]!r}: rows}}, one of {', '.join(tables)}."
        )
    return {model.roots[0]: given}


def _part_log(model: DatabaseSynthesizer, given: Any) -> Mapping[str, Any]:
    """Part rows of a log into its entities and, where more is given than these, their events."""
    assert model.log is not None
    entities, events = model.schema.tables
    known = {column.name: column for table in (entities, events) for column in table.columns}
    table, key = Table(events.name, tuple(known[name] for name in model.log)), entities.key[0]
    frame = open_partial(table, given).polars()
    if key not in frame.columns or frame[key].null_count():
        raise DataError(
            f"given rows of the log have no {key!r}, which says whose they are. Add it to all of them."
        )
    strange = [name for name in frame.columns if name not in table.names]
    if strange:
        raise unknown("column of the log in the model", strange[0], table.names)
    own = frame.select(name for name in entities.names if name in frame.columns)
    parts = {entities.name: own.unique(key, keep="first", maintain_order=True)}
    varying = [
        name
        for name in own.columns
        if name != key and own.select(key, name).n_unique() > len(parts[entities.name])
    ]
    if varying:
        raise DataError(
            f"{varying[0]!r} is the same in all rows of one {key!r} in this model, and differs within some of the "
            "given ones. Give each its one value."
        )
    has_events = any(name in frame.columns for name in events.names if name != key)
    if not has_events and len(own) > len(parts[entities.name]):
        raise DataError(
            f"some {key!r} are given twice. Give each once, or whole events, with their other columns."
        )
    if has_events:
        parts[events.name] = frame.select(name for name in frame.columns if name in events.names)
    return parts


def _open(model: DatabaseSynthesizer, name: str, data: Any) -> pl.DataFrame:
    table = model.schema.table(name)
    frame = open_partial(table, data).polars()
    strange = [column for column in frame.columns if column not in table.names]
    if strange:
        raise unknown(f"column of {name!r} in the model", strange[0], table.names)
    return frame


@dataclass
class _Reader:
    """Tables on their way to what the units know."""

    model: DatabaseSynthesizer
    frames: Mapping[str, pl.DataFrame]
    units: dict[str, Known] = field(default_factory=dict)
    places: dict[str, Array] = field(default_factory=dict)
    """By table: where each of its given rows stands among the known rows of its unit."""

    def __post_init__(self) -> None:
        for name in self.frames:
            self._require_keys(name)
            if name in self.model.plan.kept:
                self.places[name] = self._find_kept(name)

    def arrange(self, unit: str) -> None:
        """Put the given rows of a unit in order."""
        plan = self.model.plan
        members = [name for name in plan.members(unit) if name in self.frames]
        if not members:
            return
        if unit not in members:
            raise OptionError(
                f"given: rows of {members[0]!r} are drawn together with those of {unit!r}. Give both, or neither."
            )
        own, link = self.frames[unit], plan.driving(unit)
        entity = now = None
        order = np.arange(len(own))
        if link is not None:
            entity = self._owners(link)
            clock = self._clock(unit)
            now = self._times(own, unit, clock) if clock is not None else None
            order = np.lexsort((order, np.zeros(len(own)) if now is None else now, entity))
            entity, now = entity[order], None if now is None else now[order]
        tables = {unit: own[order]}
        self.places[unit] = np.argsort(order)
        for member in members[1:]:
            joined = next(found for found in plan.of(unit, "joined") if found.reference.table == member)
            at = locate(tables[unit], self.frames[member], joined.reference).fill_null(-1).to_numpy()
            self._require_found(at, unit, member)
            tables[member] = self.frames[member][at]
            back = np.full(len(self.frames[member]), -1, np.int64)
            back[at] = np.arange(len(at))
            self.places[member] = back
        self.units[unit] = Known(self._told(unit, tables), tables, entity, now)
        if link is not None:
            self._tell_finished(unit)

    def tell_loose(self) -> tuple[str, ...]:
        """Say which references of given rows lead to rows that are drawn anew."""
        notes = []
        for known in self.units.values():
            for member, frame in known.tables.items():
                for link in self.model.plan.of(member, "coded", "matched"):
                    parent, names = link.reference.table, link.reference.columns
                    if (
                        parent in self.frames
                        or parent in self.model.plan.kept
                        or not set(names) <= set(frame.columns)
                    ):
                        continue
                    listed = " and ".join(map(repr, names))
                    notes.append(
                        f"table {member!r}: {listed} of given rows leads to rows of {parent!r}, which are drawn anew, "
                        f"and so is the reference. To keep it, give {parent!r} too."
                    )
        return tuple(notes)

    def _told(self, unit: str, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """Return the columns that the unit's model has."""
        own = self.model.units[unit].synthesizer
        names = own.table.names if own is not None else ()
        clock = self._clock(unit)
        followers = {c.name for c in clock.followers} if clock is not None else set()
        columns: list[pl.Series] = []
        for member, frame in tables.items():
            for column in frame.columns:
                name = member_column(unit, member, column)
                if own is None or name not in names:
                    continue
                series = frame[column]
                if clock is not None and column in followers:
                    series = clock.distances(frame, self.model.schema.table(member)[column])[1]
                    if column in clock.chains:  # the next row tells it
                        series = series.clear(len(series))
                columns.append(series.cast(canonical_type(own.table[name])).alias(name))
            for link in self.model.plan.of(member, "coded"):
                parent = link.reference.table
                if parent in self.model.plan.kept and set(link.reference.columns) <= set(frame.columns):
                    at = locate(frame, self.model.kept[parent], link.reference)
                    columns.append(at.cast(pl.String).alias(asked(link)))
        known = {series.name for series in columns}
        if self.model.plan.driving(unit) is not None:
            lacking = [name for name in names if not name.startswith("#") and name not in known]
            if lacking:
                raise DataError(
                    f"the given rows of {unit!r} have no column {lacking[0]!r}, and what has happened must be known "
                    "whole. Add it."
                )
        return (
            pl.DataFrame(columns) if columns else pl.DataFrame({"": np.zeros(len(tables[unit]))}).select([])
        )

    def _tell_finished(self, unit: str) -> None:
        """Tell rows that belong to others how many rows they have themselves: what has happened is finished."""
        link = self.model.plan.driving(unit)
        assert link is not None
        home = self.model.plan.home(link.reference.table)
        above = self.units.get(home)
        if above is None or self.model.plan.driving(home) is None:
            return
        known = self.units[unit]
        columns = [pl.Series(counted(link), known.counts(len(above)).astype(np.int64))]
        clock = self._clock(unit)
        if clock is not None:
            first, span = known.ends(len(above))
            columns.append(clock.places(first).alias(first_of(link)))
            columns.append(pl.Series(span_of(link), span, nan_to_null=True).cast(pl.Int64))
        names, parent = self.model.units[home].synthesizer, self._clock(home)
        assert names is not None
        if (
            parent is not None
            and above.now is not None
            and first_of(link) in {c.name for c in parent.followers}
        ):
            frame = pl.DataFrame([parent.values(above.now), columns[1]])
            columns[1] = parent.distances(
                frame, next(c for c in parent.followers if c.name == first_of(link))
            )[1]
        told = attach(above.frame, [series for series in columns if series.name in names.table.names])
        self.units[home] = Known(told, above.tables, above.entity, above.now)

    def _clock(self, unit: str) -> Clock | None:
        model = self.model.units[unit].model
        return model.clock if isinstance(model, Histories) else None

    def _times(self, frame: pl.DataFrame, unit: str, clock: Clock) -> Array:
        name = clock.column.name
        if name not in frame.columns:
            raise DataError(
                f"the given rows of {unit!r} have no column {name!r}, by which they follow each other."
            )
        now = clock.positions(frame[name])
        if np.isnan(now).any():
            raise DataError(
                f"{int(np.isnan(now).sum()):,} given rows of {unit!r} have no {name!r}, by which they follow each "
                "other. Fill them in, or leave these rows out."
            )
        return now

    def _owners(self, link: Link) -> Array:
        """Return which known row of the parent each given row belongs to."""
        parent, reference = link.reference.table, link.reference
        if parent not in self.frames:
            raise OptionError(
                f"given: rows of {link.table!r} belong to rows of {parent!r}. Give these too: "
                f"given={{{parent!r}: ..., {link.table!r}: ...}}."
            )
        self._require_columns(link.table, reference.columns)
        self._require_columns(parent, reference.to)
        at = locate(self.frames[link.table], self.frames[parent], reference).fill_null(-1).to_numpy()
        self._require_found(at, link.table, parent)
        return np.asarray(self.places[parent][at])

    def _find_kept(self, name: str) -> Array:
        """Return where rows of a table that is kept as it is stand in it."""
        table, kept = self.model.schema.table(name), self.model.kept[name]
        on = list(table.key) or list(self.frames[name].columns)
        found = (
            self.frames[name]
            .select(on)
            .join(
                kept.select(on).with_row_index("#row"),
                on=on,
                how="left",
                maintain_order="left",
                nulls_equal=True,
            )["#row"]
        )
        if found.null_count() or len(found) != len(self.frames[name]):
            raise DataError(
                f"{found.null_count():,} given rows of {name!r} are none of the reference table's, which is kept as it "
                "is. Leave them out."
            )
        return found.cast(pl.Int64).to_numpy()

    def _require_columns(self, table: str, names: tuple[str, ...]) -> None:
        lacking = [name for name in names if name not in self.frames[table].columns]
        if lacking:
            raise DataError(
                f"the given rows of {table!r} have no column {lacking[0]!r}, which says whose they are."
            )

    def _require_keys(self, name: str) -> None:
        frame = self.frames[name]
        key = [column for column in self.model.schema.table(name).key if column in frame.columns]
        if len(key) < len(self.model.schema.table(name).key) or not key:
            return
        twice = len(frame) - frame.select(key).n_unique()
        if twice or frame.select(pl.any_horizontal(pl.col(key).is_null()).any()).item():
            raise DataError(
                f"the given rows of {name!r} have a key ({', '.join(key)}) that is missing or there twice. Each row "
                "needs one of its own."
            )

    def _require_found(self, at: Array, table: str, parent: str) -> None:
        if (at < 0).any():
            raise DataError(
                f"{int((at < 0).sum()):,} given rows of {table!r} belong to no given row of {parent!r}. Give these, or "
                "leave the rows out."
            )
