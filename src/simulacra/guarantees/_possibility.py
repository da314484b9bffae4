"""What constraints and a condition leave no room for, told before a row is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import polars as pl

from simulacra.errors import ImpossibleCondition
from simulacra.guarantees._repairs import Assign
from simulacra.guarantees.constraints import Guarantees
from simulacra.schema._kinds import said
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.constraints import Check, Combination, Constraint, Implies, OneHot, Pattern
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table


def require_possible(n: int, guarantees: Guarantees, where: Predicate | None) -> None:
    """Refuse a request that constraints leave no room for, as far as can be told from single columns and lists.

    Raises
    ------
    ImpossibleCondition
        No value of a column, or no listed combination, keeps constraints and condition; or there are fewer different
        rows than are asked for.
    """
    if not n:
        return
    for serial in guarantees.serials.values():
        serial.require_room(n)
    terms = [] if where is None else list(where.terms())
    _require_listed(guarantees, terms)
    values = _Values(guarantees, terms)
    for rule in guarantees.table.constraints:
        if isinstance(rule, Check) and len(columns := columns_of(rule, guarantees.table)) == 1:
            values.require(columns[0], rule)
        if isinstance(rule, Implies) and where is not None:
            values.require_agreement(rule, where)
    for rule in guarantees.unique:
        counts = [values.count(name) for name in rule.columns]
        held = [count for count in counts if count is not None]
        # where no value fits at all, the condition itself is what can not be
        if len(held) == len(counts) and 0 < prod(held) < n:
            condition = f" where {said(Check(where.sql))}" if where is not None else ""
            raise ImpossibleCondition(
                f"constraint {said(rule)}: there are {prod(held):,} different values{condition} in this model, and "
                f"{n:,} rows are asked for. Ask for fewer rows, or drop the constraint."
            )


class _Values:
    """The values of single columns that keep the condition and the constraints on that column."""

    def __init__(self, guarantees: Guarantees, terms: Iterable[Predicate]) -> None:
        self.guarantees = guarantees
        table = guarantees.table
        self.terms = [term for term in terms if len(term.columns) == 1]
        self.rules = [
            rule
            for rule in table.constraints
            if isinstance(rule, (Check, Pattern)) and len(columns_of(rule, table)) == 1
        ]
        # what an implication assigns is one of the values that the model can draw
        changing = [repair for repair in guarantees.repairs if not isinstance(repair, Assign)]
        self.computed = {name for repair in changing for name in repair.writes}

    def fitting(self, name: str, *beside: Predicate) -> pl.Series | None:
        """List the values that fit, with the constants of other terms among them.

        None where they can not be listed, or are made after drawing.
        """
        encoding = self.guarantees.encodings.get(name)
        if encoding is None or name in self.computed:
            return None
        terms = [term for term in self.terms if term.columns == (name,)]
        rules = [rule for rule in self.rules if columns_of(rule, self.guarantees.table) == (name,)]
        literals = [literal for term in (*terms, *beside) for literal in term.literals()]
        literals += [
            literal
            for rule in rules
            if isinstance(rule, Check)
            for literal in Predicate.parse(rule.sql, self.guarantees.table).literals()
        ]
        values = encoding.candidates(literals)
        if values is None:
            return None
        frame = values.alias(name).to_frame()
        for term in terms:
            frame = term.keep(frame)
        for rule in rules:
            frame = frame.filter(~find_broken(rule, frame, self.guarantees.table))
        return frame[name]

    def require(self, name: str, rule: Constraint) -> None:
        """Refuse a column of which no value fits."""
        values = self.fitting(name)
        if values is None or len(values):
            return
        terms = " and ".join(term.sql for term in self.terms if term.columns == (name,))
        condition = f" together with where {said(Check(terms))}" if terms else ""
        raise ImpossibleCondition(
            f"constraint {said(rule)}: no value of {name!r} in this model keeps it{condition}. Loosen one of them."
        )

    def require_agreement(self, rule: Implies, where: Predicate) -> None:
        """Refuse a condition under which the 'if' of a rule always holds, and a part of its 'then' never does."""
        table = self.guarantees.table
        when, then = (Predicate.parse(sql, table).terms() for sql in (rule.when, rule.then))
        if not all(self._always(term, True) for term in when):
            return
        if any(self._always(term, False) for term in then):
            raise ImpossibleCondition(
                f"where {said(Check(where.sql))}: no row that satisfies it keeps the constraint {said(rule)}. "
                "Loosen one of them."
            )

    def _always(self, term: Predicate, truth: bool) -> bool:
        """Tell whether a term on one column is TRUE, or FALSE, for every value that fits, as far as can be told."""
        if len(term.columns) != 1:
            return False
        name = term.columns[0]
        asked = [one for one in self.terms if one.columns == (name,)]
        if not asked or not all(_is_plain(one) for one in (term, *asked)):
            return False
        values = self.fitting(name, term)
        if values is None or not len(values):
            return False
        held = term.evaluate(values.alias(name).to_frame())
        return bool((held == truth).fill_null(False).all())

    def count(self, name: str) -> int | None:
        """Count the different values that a column can have; None if they are not limited."""
        axes = self.guarantees.encodings[name].axes if name in self.guarantees.encodings else ()
        listed = all(axis.size is not None or axis.lattice for axis in axes) and bool(axes)
        values = self.fitting(name) if listed else None
        # a missing value repeats none, so rows that have one are not limited
        if values is None or values.null_count() or self.guarantees.table[name].kind == "text":
            return None
        return values.n_unique()


def _is_plain(term: Predicate) -> bool:
    """Tell whether the truth of a term changes at its constants alone, so that few values tell all."""
    return term.compares_constants() or term.is_null_test()


def _require_listed(guarantees: Guarantees, terms: list[Predicate]) -> None:
    """Try the conditions on what a constraint lists."""
    table = guarantees.table
    for rule in table.constraints:
        frame = _listed(rule, table)
        if frame is None:
            continue
        asked = [term for term in terms if term.columns and set(term.columns) <= set(frame.columns)]
        for term in asked:
            frame = term.keep(frame)
        if asked and not len(frame):
            words = " and ".join(term.sql for term in asked)
            raise ImpossibleCondition(
                f"where {said(Check(words))}: nothing that keeps the constraint {said(rule)} satisfies it. "
                "Loosen one of them."
            )


def _listed(rule: Constraint, table: Table) -> pl.DataFrame | None:
    """List all rows of a constraint's columns that keep it, if they are few."""
    if isinstance(rule, Combination) and rule.allowed is not None:
        if any(table[name].nullable for name in rule.columns):
            return None
        return pl.DataFrame(
            {name: [row[place] for row in rule.allowed] for place, name in enumerate(rule.columns)},
            strict=False,
        )
    if isinstance(rule, OneHot) and not any(table[name].nullable for name in rule.columns):
        size = len(rule.columns)
        rows = [[int(a == b) for b in range(size)] for a in range(size)]
        frame = pl.DataFrame(rows, schema=list(rule.columns), orient="row")
        booleans = [name for name in rule.columns if table[name].kind == "boolean"]
        return frame.with_columns(pl.col(booleans).cast(pl.Boolean)) if booleans else frame
    return None
