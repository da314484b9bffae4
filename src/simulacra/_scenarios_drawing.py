"""Drawing the rows of scenarios, and measuring what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from simulacra.dataset import Dataset
from simulacra.errors import SimulacraError
from simulacra.guarantees.constraints import Guarantees
from simulacra.guarantees.settling import settle_rows
from simulacra.guarantees.tallies import Tally
from simulacra.profile import as_numbers
from simulacra.randomness import Streams
from simulacra.sampling.numbering import number_keys
from simulacra.sampling.shifts import Shift, read_shifts, shift_rows, widen_table
from simulacra.scenarios import Scenario
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Schema, Table
from simulacra.shares.margins import Margin, read_margins
from simulacra.shares.parity import Parity, read_parity
from simulacra.shares.raking import round_shares
from simulacra.synthesizer import Synthesizer

MOST_GROUPS = 10


@dataclass(frozen=True)
class Kind:
    """Rows of a kind that a scenario speaks of, and their share (among some rows) as they were drawn."""

    field: str
    predicate: Predicate
    words: str
    among: Predicate | None
    share: float

    def measure(self, frame: pl.DataFrame) -> float:
        """Return the share of these rows in a frame."""
        return _share(self.predicate, frame if self.among is None else self.among.keep(frame))


@dataclass(frozen=True)
class Move:
    """The mean of a column before and after a shift; None where it has none."""

    column: str
    sql: str
    before: float | None
    after: float | None


@dataclass(frozen=True)
class Drawn:
    """The rows of a scenario, and what there is to tell of them."""

    data: Dataset
    kinds: tuple[Kind, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Director:
    """Draws scenarios; each has streams of its own, by its name.

    Parameters
    ----------
    model : Synthesizer
        The model.
    scenarios : mapping
        All scenarios by name.
    seed : int
        The same seed gives the same bytes.
    """

    model: Synthesizer
    scenarios: Mapping[str, Scenario]
    seed: int

    def draw(self, scenario: Scenario) -> Drawn:
        """Draw one scenario."""
        streams = Streams(self.seed).at("scenario", scenario.name)
        try:
            if scenario.mix:
                return self._mix(scenario, streams)
            return self._plain(scenario, scenario.rows, streams)
        except SimulacraError as error:
            raise type(error)(f"scenario {scenario.name!r}: {error}") from error

    def _plain(self, scenario: Scenario, rows: int, streams: Streams) -> Drawn:
        model, table = self.model, self.model.table
        data = _sample(model, rows, streams.at("rows"), scenario.asked)
        drawn = data.polars()
        kinds = _measure(scenario, table, drawn)
        if not scenario.shift:
            return Drawn(data, kinds, ())
        shifts = read_shifts(scenario.shift, table)
        notes = list(data.notes)
        guarantees = Guarantees.of(table, model.encodings)

        def again(lost: pl.DataFrame, own: Streams) -> pl.DataFrame:
            return _draw_alike(model, scenario, lost, own)

        shifted = shift_rows(drawn, shifts, guarantees, again, streams.at("shift"), notes)
        shifted = number_keys(shifted, guarantees)
        moves = tuple(_move(shift, drawn, shifted) for shift in shifts)
        released = widen_table(table, shifts, shifted)
        return Drawn(_with_rows(data, shifted, released, notes), kinds, moves)

    def _mix(self, scenario: Scenario, streams: Streams) -> Drawn:
        model = self.model
        counts = round_shares(np.array([part.share for part in scenario.mix]), scenario.rows)
        parts, notes, table = [], [], model.table
        kinds: list[Kind] = []
        for place, (part, rows) in enumerate(zip(scenario.mix, counts.tolist(), strict=True)):
            other = Scenario("any rows", rows) if part.scenario is None else self.scenarios[part.scenario]
            origin = "of the model as it is" if part.scenario is None else f"of {other.name!r}"
            label = "rows of the model" if part.scenario is None else repr(other.name)
            drawn = self._plain(other, rows, streams.at("part", place))
            parts.append(drawn.data.polars())
            table = _joined(table, drawn.data.schema.table())
            notes += [
                f"{rows:,} {'row' if rows == 1 else 'rows'} {origin}.",
                *(f"{label}: {n}" for n in drawn.data.notes),
            ]
            kinds += [replace(kind, field=f"{other.name}, {kind.field}") for kind in drawn.kinds]
        order = streams.stream("mix").permutation(scenario.rows)
        whole = pl.concat(parts)[order]
        guarantees = Guarantees.of(model.table, model.encodings)
        if guarantees.over_rows and len(whole):
            whole = self._settle(whole, guarantees, streams, notes)
        whole = number_keys(whole, guarantees)
        data = _sample(model, 0, streams.at("none"), {})
        again = tuple(replace(kind, share=kind.measure(whole)) for kind in kinds)
        return Drawn(_with_rows(data, whole, table, notes), again, ())

    def _settle(
        self, whole: pl.DataFrame, guarantees: Guarantees, streams: Streams, notes: list[str]
    ) -> pl.DataFrame:
        """Make the rows of several draws keep what holds among rows."""
        tally = Tally(drawn=len(whole))

        def kept(n: int, where: Predicate | None, own: Streams) -> pl.DataFrame:
            return _sample(self.model, n, own, {}).polars()

        pieces = settle_rows([whole], kept, guarantees, (None,), streams.at("settle"), tally)
        settled = pl.concat(pieces)
        notes += tally.notes()
        return settled


def draw_plain(model: Synthesizer, rows: int, seed: int) -> pl.DataFrame:
    """Draw rows of the model as it is, to hold scenarios against."""
    return _sample(model, rows, Streams(seed).at("rows of the model"), {}).polars()


def _sample(model: Synthesizer, rows: int, streams: Streams, asked: Mapping[str, Any]) -> Dataset:
    return model.sample(rows, seed=streams.key("draw") % 2**62, **asked)


def _with_rows(data: Dataset, frame: pl.DataFrame, table: Table, notes: list[str]) -> Dataset:
    return replace(data, schema=Schema((table,)), frames={table.name: frame}, notes=tuple(notes))


def _joined(one: Table, other: Table) -> Table:
    """Let the bounds of each column take in those of both."""
    columns = []
    for left, right in zip(one.columns, other.columns, strict=True):
        if left.bounds != right.bounds and left.bounds and right.bounds:
            ends = (min(left.bounds[0], right.bounds[0]), max(left.bounds[1], right.bounds[1]))
            left = replace(left, bounds=ends)
        columns.append(left)
    return replace(one, columns=tuple(columns))


def _margins(scenario: Scenario, table: Table) -> tuple[Margin, ...]:
    return read_margins(table, scenario.balance, scenario.bigger, scenario.smaller)


def _draw_alike(model: Synthesizer, scenario: Scenario, rows: pl.DataFrame, streams: Streams) -> pl.DataFrame:
    """Draw a row of the same kind for each row, so that shares stay what they are."""
    table = model.table
    if scenario.fair:
        asked = read_parity(scenario.fair, table)
        names = [*asked.group, *asked.given, asked.target]
        kinds = [
            dict(zip(names, values, strict=True))
            for values in rows.select(names).unique(maintain_order=True).rows()
        ]
        wheres = [Predicate.parse(kind, table) for kind in kinds]
    else:
        wheres = _crossed(_margins(scenario, table), rows)
    own = Predicate.parse(scenario.where, table) if scenario.where else None
    if not wheres:
        return _sample(model, len(rows), streams, {"where": own.sql} if own else {}).polars()
    pieces, places = [], []
    for number, where in enumerate(wheres):
        held = np.flatnonzero(where.evaluate(rows).fill_null(False).to_numpy())
        pieces.append(
            _sample(model, len(held), streams.at("kind", number), {"where": where.joined(own).sql}).polars()
        )
        places.append(held)
    return pl.concat(pieces)[np.argsort(np.concatenate(places), kind="stable")]


def _crossed(margins: tuple[Margin, ...], rows: pl.DataFrame) -> list[Predicate]:
    """Return a predicate for each kind of rows that is there; they exclude each other."""
    if not margins:
        return []
    labels = np.column_stack([margin.label(rows) for margin in margins])
    found = []
    for cell in np.unique(labels, axis=0):
        where: Predicate | None = None
        for margin, part in zip(margins, cell.tolist(), strict=True):
            where = margin.parts[part].predicate.joined(where)
        assert where is not None
        found.append(where)
    return found


def _measure(scenario: Scenario, table: Table, frame: pl.DataFrame) -> tuple[Kind, ...]:
    """Tell the shares of the kinds of rows that a scenario speaks of."""
    found: list[Kind] = []
    where = Predicate.parse(scenario.where, table) if scenario.where else None
    if where is not None:
        found.append(Kind("where", where, where.sql, None, 0.0))
    for name in ("balance", "bigger", "smaller"):
        if asked := getattr(scenario, name):
            for margin in read_margins(table, **{name: asked}):
                found += [Kind(name, part.predicate, part.words, where, 0.0) for part in margin.parts[:-1]]
    if scenario.fair and len(frame):
        found += _groups(read_parity(scenario.fair, table), table, frame, where)
    return tuple(replace(kind, share=kind.measure(frame)) for kind in found)


def _groups(asked: Parity, table: Table, frame: pl.DataFrame, where: Predicate | None) -> list[Kind]:
    """List the commonest groups: how common each is, or how often it has the positive level."""
    names = list(asked.group)
    counts = frame.group_by(names).len()
    common = counts.sort(["len", *names], descending=[True, *[False] * len(names)], nulls_last=True)
    groups = [dict(zip(names, row[:-1], strict=True)) for row in common.head(MOST_GROUPS).rows()]
    positive = asked.positive or _rarest(frame[asked.target])
    found = []
    for group in groups:
        inside, words = Predicate.parse(group, table), ", ".join(map(str, group.values()))
        if asked.definition == "group-shares":
            found.append(Kind("fair", inside, words, where, 0.0))
        else:
            hits = Predicate.parse({asked.target: positive}, table)
            said = f"{hits.sql}, where {inside.sql}"
            found.append(Kind("fair", hits, said, inside.joined(where), 0.0))
    return found


def _rarest(values: pl.Series) -> object:
    counts = values.drop_nulls().rename("value").to_frame().group_by("value").len()
    return counts.sort(["len", "value"])["value"][0]


def _share(where: Predicate, frame: pl.DataFrame) -> float:
    return float(where.evaluate(frame).fill_null(False).mean() or 0.0) if len(frame) else 0.0  # type: ignore[arg-type]


def _move(shift: Shift, before: pl.DataFrame, after: pl.DataFrame) -> Move:
    name = shift.column.name
    means = [None, None]
    if shift.column.kind in {"number", "duration"} and len(before):
        found = [as_numbers(frame[name]) for frame in (before, after)]
        means = [None if np.isnan(v).all() else float(np.nanmean(v)) for v in found]  # type: ignore[misc]
    return Move(name, shift.formula.sql, means[0], means[1])
