"""Constraints kept by the sampler: rows are drawn so that they fit, mended where that is better, and checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.encoding import Encoding
from simulacra.errors import SchemaError
from simulacra.guarantees._languages import Language
from simulacra.guarantees._planning import FEW, plan_repairs
from simulacra.guarantees._repairs import Assign, LookUp, Recompute, Repair, Respell
from simulacra.guarantees._rewriting import ask_groups, rewrite
from simulacra.guarantees._serials import Serial
from simulacra.guarantees.tallies import Tally
from simulacra.randomness import Streams
from simulacra.schema._kinds import said
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.constraints import (
    Check,
    Combination,
    Constraint,
    Determines,
    Equality,
    Implies,
    Monotone,
    Pattern,
    Unique,
)
from simulacra.schema.crossing import crosses, say_apart
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table
from simulacra.schema.validation import rules_of_column

OVER_ROWS = (Unique, Determines, Monotone)
"""Constraints among rows; all others look at one row alone."""


@dataclass(frozen=True)
class Guarantees:
    """What a table's constraints ask of drawn rows, and how each is kept.

    Make one with `Guarantees.of`, once for a request.

    Parameters
    ----------
    table : Table
        The model's schema.
    encodings : mapping
        The model's encodings.
    repairs : tuple of Repair
        What mends offenders, in the order in which it is done.
    serials : mapping
        Keys that are spelt by a pattern.

    Examples
    --------
    >>> from simulacra.encodings.number import Number
    >>> from simulacra.schema.constraints import Equality
    >>> from simulacra.schema.types import Column
    >>> columns = tuple(Column(name, "number", integer=True) for name in ("total", "a", "b"))
    >>> table = Table("t", columns, constraints=(Equality("total", "a + b"), Check("a < b")))
    >>> encodings = {c.name: Number.fit(pl.Series([0, 9]), c) for c in columns}
    >>> kept = Guarantees.of(table, encodings)
    >>> kept.repair(pl.DataFrame({"total": [7, 5], "a": [1, 4], "b": [2, 1]}), Streams(1), Tally())["total"].to_list()
    [3, 5]
    """

    table: Table
    encodings: Mapping[str, Encoding]
    repairs: tuple[Repair, ...]
    serials: Mapping[str, Serial]

    @classmethod
    def of(cls, table: Table, encodings: Mapping[str, Encoding]) -> Guarantees:
        """Plan how the constraints of a table are kept.

        Raises
        ------
        SchemaError
            Combinations were to be learnt, but the constraint was added after the model was fitted; or a pattern has
            parts from which no texts can be made.
        PredicateError
            SQL in a constraint can not be understood.
        """
        for constraint in table.constraints:
            if crosses(constraint, table):
                raise SchemaError(
                    f"{say_apart(constraint, table.name)} Give it to a schema of all tables before they are fitted."
                )
            if isinstance(constraint, Combination) and constraint.allowed is None:
                raise SchemaError(
                    f"table {table.name!r}, constraint {said(constraint)}: its combinations are learnt by a fit, and "
                    "this model was fitted without it. Fit again, or list them in `allowed`."
                )
        serials = {
            constraint.column: Serial.of(constraint.column, Language.parse(constraint.regex))
            for constraint in _row_rules(table)
            if isinstance(constraint, Pattern) and table[constraint.column].kind == "key"
        }
        for rule in _row_rules(table):
            for name in set(columns_of(rule, table)) & set(serials):
                if not isinstance(rule, Pattern):
                    raise SchemaError(
                        f"table {table.name!r}, constraint {said(rule)}: {name!r} is a key that its pattern spells "
                        "when all else is known, so nothing else can be asked of it. Drop one of the two."
                    )
        return cls(table, encodings, plan_repairs(table.constraints, table, encodings), serials)

    @property
    def needed(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self._judged or self.over_rows or self.serials or self.about_keys)

    @property
    def over_rows(self) -> bool:
        """Whether something holds among rows, so that rows must be settled in their order."""
        return bool(self.unique or self.determines or self.monotone)

    @property
    def whole(self) -> bool:
        """Whether all rows of a request are needed at once."""
        return bool(self.monotone)

    @cached_property
    def unique(self) -> tuple[Unique, ...]:
        """What may not repeat; a key never does, since it is counted."""
        asked = [rule for rule in self.table.constraints if isinstance(rule, Unique)]
        if self.table.key:
            asked.append(Unique(self.table.key))
        kinds = {column.name: column.kind for column in self.table.columns}
        written = {name for repair in self.repairs for name in repair.writes}
        return tuple(
            rule
            for rule in dict.fromkeys(asked)
            if not any(kinds[name] == "key" and name not in written for name in rule.columns)
        )

    @cached_property
    def determines(self) -> tuple[Determines, ...]:
        """What gives what, those first that others stand on."""
        left = [rule for rule in self.table.constraints if isinstance(rule, Determines)]
        done: list[Determines] = []
        while left:
            waits = [
                rule for rule in left
                if any(set(rule.by) & set(other.columns) for other in left if other is not rule)
            ]  # fmt: skip
            # a circle is taken as it stands: what it leaves broken is drawn anew
            free = [rule for rule in left if rule not in waits] or left
            done += free
            left = [rule for rule in left if rule not in free]
        return tuple(done)

    @cached_property
    def monotone(self) -> tuple[Monotone, ...]:
        """What rises or falls."""
        return tuple(rule for rule in self.table.constraints if isinstance(rule, Monotone))

    def moved_with(self, rule: Monotone) -> tuple[str, ...]:
        """List the columns from which a rising column is computed, if none of them says where it rises."""
        for equality in self.equalities:
            if equality.column == rule.column:
                sources = [name for name in columns_of(equality, self.table) if name != rule.column]
                return () if set(sources) & {rule.order, *rule.by} else tuple(sources)
        return ()

    @cached_property
    def _judged(self) -> tuple[Constraint, ...]:
        """Constraints that every row is held against at the end; spelt keys are only written then."""
        return tuple(
            rule
            for rule in _row_rules(self.table)
            if not (isinstance(rule, Pattern) and rule.column in self.serials) and rule not in self.about_keys
        )

    @cached_property
    def about_keys(self) -> tuple[Constraint, ...]:
        """Constraints on one row that read a key which is counted: what numbering makes of them is only known then."""
        counted = {
            column.name
            for column in self.table.columns
            if column.kind == "key" and column.name not in self.serials
        }
        return tuple(rule for rule in _row_rules(self.table) if counted & set(columns_of(rule, self.table)))

    @cached_property
    def equalities(self) -> tuple[Equality, ...]:
        """The equalities whose columns are computed."""
        return tuple(repair.constraint for repair in self.repairs if isinstance(repair, Recompute))

    @property
    def _formulas(self) -> dict[str, str]:
        """The SQL of the columns that are computed, in terms of others."""
        return {rule.column: rule.sql for rule in self.equalities}

    @cached_property
    def _looked(self) -> tuple[Determines, ...]:
        """What is looked up in listed groups."""
        return tuple(repair.constraint for repair in self.repairs if isinstance(repair, LookUp))

    @cached_property
    def _anew(self) -> frozenset[str]:
        """Columns whose values are made after drawing: nothing can be asked of them before."""
        made = {name for repair in self.repairs if isinstance(repair, Respell) for name in repair.writes}
        return frozenset(made | set(self.serials))

    @property
    def predicates(self) -> tuple[Predicate, ...]:
        """What must not be FALSE of a row as it is drawn; the rest is kept by repair."""
        return tuple(predicate for _, predicate in self.leading)

    @cached_property
    def leading(self) -> tuple[tuple[Constraint, Predicate], ...]:
        """The constraints that `predicates` say."""
        mended = {repair.constraint for repair in self.repairs if isinstance(repair, Assign)}
        told = [
            (rule, sql)
            for rule in _row_rules(self.table)
            if rule not in mended and rule not in self.about_keys and (sql := _sql(rule, self.table))
        ]
        rewritten = [
            (rule, self._before(Predicate.parse(sql, self.table), self._formulas)) for rule, sql in told
        ]
        return tuple((rule, predicate) for rule, predicate in rewritten if predicate is not None)

    def before(self, where: Predicate | None, held: Collection[str] = ()) -> Predicate | None:
        """Say a condition of rows as they are drawn: before columns are computed and texts are spelt.

        Parameters
        ----------
        where : Predicate or None
            A condition on rows as they are given.
        held : collection of str
            Computed columns that the model draws right by itself: their own values are asked for.

        Returns
        -------
        Predicate or None
            The part that can be said of drawn rows; None if there is none.
        """
        formulas = {name: sql for name, sql in self._formulas.items() if name not in held}
        if where is None or not (formulas or self._anew or self._looked):
            return where
        given = where.terms()
        asked = [ask_groups(term, self._looked, self.encodings, self.table) for term in given]
        terms = [told for term in asked if (told := self._before(term, formulas)) is not None]
        if not terms:
            return None
        if terms == list(given):
            return where
        return Predicate.parse(" and ".join(f"({term.sql})" for term in terms), self.table)

    def _before(self, condition: Predicate, formulas: Mapping[str, str]) -> Predicate | None:
        told: Predicate | None = condition
        for _ in formulas:  # an expression may stand on another
            told = None if told is None else rewrite(told, formulas, self.table)
        return None if told is None or set(told.columns) & self._anew else told

    def repair(self, frame: pl.DataFrame, streams: Streams, tally: Tally) -> pl.DataFrame:
        """Mend what can be mended, row by row."""
        for place, repair in enumerate(self.repairs):
            frame, count = repair.apply(frame, streams.stream("repair", place))
            tally.mend(said(repair.constraint), count)
        return frame

    def fits(self, frame: pl.DataFrame, tally: Tally) -> Array:
        """Mark the rows that keep every constraint on one row, and whose computed columns keep their own rules."""
        fits = np.ones(len(frame), dtype=bool)
        for rule in self._judged:
            broken = find_broken(rule, frame, self.table)
            if broken.any():
                tally.lose(said(rule), int(broken.sum()))
                fits &= ~broken.to_numpy()
        for name in self._formulas:
            for words, wrong, _ in rules_of_column(frame[name], self.table[name], self.table):
                broken = wrong.fill_null(False)
                if broken.any():
                    tally.lose(f"column {name!r} {words}", int(broken.sum()))
                    fits &= ~broken.to_numpy()
        return fits

    def number(self, frame: pl.DataFrame, start: int) -> pl.DataFrame:
        """Write the keys that a pattern spells, by the places of the rows in the whole sample."""
        return frame.with_columns([serial.spell(start, len(frame)) for serial in self.serials.values()])


def _row_rules(table: Table) -> Sequence[Constraint]:
    return [rule for rule in table.constraints if not isinstance(rule, OVER_ROWS)]


def _sql(rule: Constraint, table: Table) -> str | None:
    """Say a constraint as a condition that must not be FALSE, where draws can be held against it."""
    match rule:
        case Check():
            return rule.sql
        case Implies():
            return f"(not ({rule.when})) or ({rule.then})"
        case Combination() if rule.allowed is not None and len(rule.allowed) <= FEW:
            listed = [
                Predicate.parse(dict(zip(rule.columns, row, strict=True)), table).sql for row in rule.allowed
            ]
            gaps = [Predicate.parse({name: None}, table).sql for name in rule.columns if table[name].nullable]
            return " or ".join(f"({sql})" for sql in listed + gaps)
        case Pattern() if table[rule.column].kind == "category":
            column = '"' + rule.column.replace('"', '""') + '"'
            text = rule.regex.replace("'", "''")
            return f"{column} ~ '^(?:{text})$'"
    return None
