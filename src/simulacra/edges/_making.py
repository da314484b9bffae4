"""Making the edge cases of one contract: typical rows, each with one case, judged and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from simulacra.edges._cases import Case, one
from simulacra.edges._judging import Judge, Reader
from simulacra.edges._relations import mend_related, relations_as_constraints
from simulacra.edges._rows import model_contract
from simulacra.edges._rules import asker, cases_of_rule
from simulacra.edges._values import cases_of
from simulacra.errors import PredicateError, SchemaError
from simulacra.formatting import format_frame, format_series
from simulacra.guarantees._repairs import Recompute
from simulacra.guarantees.constraints import Guarantees
from simulacra.randomness import Streams
from simulacra.sampling.numbering import number_keys
from simulacra.schema.constraints import Equality
from simulacra.schema.types import Table
from simulacra.synthesizer import Synthesizer

POOL = 64
"""Typical rows that cases are put into."""
TRIED = 16
"""Typical rows that each case is tried in: the one that breaks fewest rules is taken."""
APART = 3
"""Typical rows for each case where something holds among rows: no two cases share one."""
MOST_WAYS = 6
"""Ways in which a constraint is broken, at most."""
SHOWN = 5
"""Typical rows that are given out as they are."""


class Maker:
    """Makes the rows of one contract."""

    def __init__(
        self,
        table: Table,
        contract: Table | Synthesizer,
        streams: Streams,
        as_text: bool,
        into: pl.DataFrame | None,
    ) -> None:
        self.seed = streams.key("draw") % 2**62
        fitted = contract if isinstance(contract, Synthesizer) else None
        # what a model keeps in every row is as good as a rule of its contract
        self.kept = () if fitted is None else relations_as_constraints(fitted, self.seed)
        own = model_contract(table, streams.at("contract"))
        self.table = replace(table, constraints=(*table.constraints, *self.kept))
        self.streams, self.as_text, self.into = streams, as_text, into
        self.model = own if fitted is None else fitted
        self.models = [own] if fitted is None else [fitted, own]
        self.guarantees = Guarantees.of(table, self.model.encodings)
        self.judge = Judge(self.table, self.kept)

    def make(self) -> tuple[pl.DataFrame, list[str]]:
        """Return the rows with flags, and notes."""
        pool = self._pool()
        # a model may draw what its own contract calls wrong: bounds that are its encodings' business
        pool = pool.filter(pl.Series(~self.judge.any_broken(pool)))
        if not len(pool):
            raise SchemaError(
                f"table {self.table.name!r}: no typical row keeps the contract. Loosen its constraints."
            )
        self.reader = Reader(pool, self.table)
        cases = [case for case in self._cases(pool) if self.as_text or case.text is None]
        rows, texts = self._place(cases, pool)
        typical = pool.head(SHOWN)
        start = 0 if self.into is None else len(self.into)
        whole = self._numbered(pl.concat([typical, rows]), [*[None] * len(typical), *cases], start)
        return self._judged(whole, [*[None] * len(typical), *cases], [*[None] * len(typical), *texts])

    def _pool(self) -> pl.DataFrame:
        """Draw typical rows: enough for each case to have its own where something holds among rows."""
        wanted = POOL
        if self.guarantees.over_rows:
            cases = sum(1 for column in self.table.columns for _ in cases_of(column))
            wanted = SHOWN + APART * (cases + MOST_WAYS * len(self.table.constraints))
        while True:
            try:
                return self.model.sample(wanted, seed=self.seed).polars()
            except PredicateError:
                if wanted <= SHOWN:
                    raise
                wanted = max(wanted // 2, SHOWN)

    def _cases(self, pool: pl.DataFrame) -> Iterator[Case]:
        for column in self.table.columns:
            yield from cases_of(column)
            if column.kind == "key":
                yield one(
                    "repeated key",
                    column,
                    pool[column.name][:1],
                    rule=f"{column.name}: different in every row",
                )
        if self.table.key and not (len(self.table.key) == 1 and self.table[self.table.key[0]].kind == "key"):
            names = list(self.table.key)
            values = {name: pool[name][:1] for name in names}
            yield Case(
                "repeated key", ", ".join(names), values, rule=f"{', '.join(names)}: different in every row"
            )
        ask, own = asker(self.models, self.seed), asker(self.models[-1:], self.seed)
        for rule in self.table.constraints:
            # a model would search in vain for rows that break what it keeps
            yield from cases_of_rule(rule, self.table, pool, own if rule in self.kept else ask)

    def _place(self, cases: Sequence[Case], pool: pl.DataFrame) -> tuple[pl.DataFrame, list[str | None]]:
        """Put each case into the typical row in which it breaks fewest rules."""
        tried = APART if self.guarantees.over_rows else min(TRIED, len(pool))
        free = len(pool) - SHOWN if len(pool) > SHOWN else len(pool)
        places = (
            np.arange(len(cases) * tried)
            if self.guarantees.over_rows
            else (np.arange(len(cases))[:, None] + np.arange(tried)[None, :]).ravel()
        )
        picks = len(pool) - 1 - places % free
        frame = pool[picks]
        unread: list[str | None] = []
        touched: dict[str, list[int]] = {}
        for place, case in enumerate(cases):
            values, bad = self._values(case, pool)
            unread.append(bad)
            for name, value in values.items():
                touched.setdefault(name, []).append(place)
                spots = pl.Series(np.arange(place * tried, (place + 1) * tried))
                frame = frame.with_columns(frame[name].clone().scatter(spots, value[0]).alias(name))
        frame = self._recompute(frame, touched, tried)
        if self.kept:
            frame = self._related(frame, cases, touched, tried)
        counts = self.judge.count(frame).reshape(len(cases), tried)
        best = np.arange(len(cases)) * tried + counts.argmin(axis=1)
        return frame[best], unread

    def _values(self, case: Case, pool: pl.DataFrame) -> tuple[dict[str, pl.Series], str | None]:
        """Return what a case sets, as it will be read; and the rule that it breaks by not being readable."""
        if not self.as_text:
            return dict(case.values), None
        texts = (
            {case.column: case.text}
            if case.text is not None
            else {name: format_series(value, self.table[name])[0] for name, value in case.values.items()}
        )
        return self.reader.read(texts)

    def _recompute(self, frame: pl.DataFrame, touched: dict[str, list[int]], tried: int) -> pl.DataFrame:
        """Compute what equalities give, but for the columns that a case is about."""
        rng = self.streams.stream("no randomness in equalities")
        for rule in self.table.constraints:
            if isinstance(rule, Equality):
                own = np.repeat(np.isin(np.arange(len(frame) // tried), touched.get(rule.column, [])), tried)
                made, _ = Recompute(rule, self.table).apply(frame, rng)
                kept = frame[rule.column].zip_with(pl.Series(own), made[rule.column])
                frame = frame.with_columns(kept)
        return frame

    def _related(
        self, frame: pl.DataFrame, cases: Sequence[Case], touched: dict[str, list[int]], tried: int
    ) -> pl.DataFrame:
        """Let the relations of the model hold again, but where a case is there to break one."""
        meant = {str(rule) for rule in self.kept}
        places = np.arange(len(cases))
        about = {name: np.repeat(np.isin(places, touched.get(name, [])), tried) for name in self.table.names}
        rng = self.streams.stream("no randomness in relations")
        mended = mend_related(frame, self.kept, self.table, about, self.judge.count, rng)
        on_purpose = pl.Series(np.repeat([case.rule in meant for case in cases], tried))
        return frame.select(part.zip_with(on_purpose, mended[part.name]) for part in frame.get_columns())

    def _numbered(self, frame: pl.DataFrame, cases: Sequence[Case | None], start: int) -> pl.DataFrame:
        """Give every row keys of its own, but for those that a case is about."""
        numbered = number_keys(frame, self.guarantees, start)
        if self.into is not None:
            while any(
                numbered[c.name].is_in(self.into[c.name].implode()).any()
                for c in self.table.columns
                if c.kind == "key"
            ):
                start = 2 * start + 1
                numbered = number_keys(frame, self.guarantees, start)
        for column in self.table.columns:
            if column.kind != "key":
                continue
            about = [
                case is not None and (column.name in case.values or case.column == column.name)
                for case in cases
            ]
            numbered = numbered.with_columns(
                frame[column.name].zip_with(pl.Series(about), numbered[column.name])
            )
            again = [
                case is not None and case.name == "repeated key" and column.name in case.values
                for case in cases
            ]
            first = numbered[column.name][:1].new_from_index(0, len(numbered))
            numbered = numbered.with_columns(
                first.zip_with(pl.Series(again), numbered[column.name]).alias(column.name)
            )
        return numbered

    def _judged(
        self, frame: pl.DataFrame, cases: Sequence[Case | None], unread: Sequence[str | None]
    ) -> tuple[pl.DataFrame, list[str]]:
        about = self.judge.columns_among
        late = np.array([case is not None and not about.isdisjoint(_columns(case)) for case in cases])
        broken = self.judge.rules(frame, late, unread, self.into)
        kept, met = _choose(cases, broken)
        notes = [
            f"no row was found that breaks `{rule}`: the limits of its columns leave none."
            for rule in self.table.constraints
            if str(rule) not in met
        ]
        if self.kept:
            said = "; ".join(map(str, self.kept))
            notes.append(f"rows were also held against what the model keeps in every row: {said}.")
        out = self._written(frame, cases) if self.as_text else frame
        flags: dict[str, Sequence[Any]] = {
            " case": ["typical" if case is None else case.name for case in cases],
            " column": [None if case is None or not case.column else case.column for case in cases],
            " breaks": ["; ".join(rules) or None for rules in broken],
            " valid": [not rules for rules in broken],
        }
        out = out.with_columns(
            pl.Series(name, values, dtype=pl.Boolean if name == " valid" else pl.String)
            for name, values in flags.items()
        )[kept]
        return (self._behind(out), notes)

    def _written(self, frame: pl.DataFrame, cases: Sequence[Case | None]) -> pl.DataFrame:
        out = format_frame(frame, self.table)
        for name in self.table.names:
            spots, texts = [], []
            for place, case in enumerate(cases):
                if case is None:
                    continue
                if case.text is not None and case.column == name:
                    spots.append(place)
                    texts.append(case.text)
                elif name in case.values and self.table[name].kind != "key":
                    spots.append(place)
                    texts.append(format_series(case.values[name], self.table[name])[0])
            if spots:
                out = out.with_columns(
                    out[name].clone().scatter(pl.Series(spots), pl.Series(texts, dtype=pl.String))
                )
        return out

    def _behind(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Put the rows behind those that were given."""
        if self.into is None:
            return frame
        given = self.into.select(self.table.names)
        given = format_frame(given, self.table) if self.as_text else given
        empty: dict[str, Any] = {" case": None, " column": None, " breaks": None, " valid": True}
        marked = given.with_columns(
            pl.lit(value, dtype=frame.schema[name]).alias(name) for name, value in empty.items()
        )
        return pl.concat([marked, frame])


def _columns(case: Case) -> set[str]:
    return {*case.values} or {case.column}


def _choose(cases: Sequence[Case | None], broken: Sequence[Sequence[str]]) -> tuple[list[int], set[str]]:
    """Keep of the ways to break a rule, for each name, the one that breaks fewest others; and tell the rules."""
    best: dict[tuple[str, str, str], int] = {}
    kept: list[int] = []
    for place, case in enumerate(cases):
        if case is None or not case.rule:
            kept.append(place)
        elif case.rule in broken[place]:
            key = (case.rule, case.name, case.column)
            if key not in best or len(broken[place]) < len(broken[best[key]]):
                best[key] = place
    return sorted([*kept, *best.values()]), {key[0] for key in best}
