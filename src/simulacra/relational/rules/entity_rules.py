"""Constraints across tables and over whole entities: which rows break them, and values that mend those."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from simulacra.relational.rules._entity_repairs import Held, hold, repair_values
from simulacra.schema._kinds import said
from simulacra.schema.constraints import Check, Constraint, Equality, Monotone
from simulacra.schema.crossing import crosses, reads_others
from simulacra.schema.routes import Frames, Rows
from simulacra.schema.types import Schema
from simulacra.schema.validation import Violation

_ADVICE = "Correct the data, or drop the constraint from the schema."
_SHOWN_ROWS = 5


@dataclass(frozen=True)
class EntityRules:
    """The constraints of a schema that no table keeps alone: those that read other tables, and those over entities.

    Make one with `EntityRules.of`.

    Parameters
    ----------
    schema : Schema
        The tables.
    held : tuple of Held
        The rules, each after those whose columns it reads.

    Examples
    --------
    >>> from simulacra.schema.types import Check, Column, Reference, Table
    >>> orders = Table("orders", (Column("id", "key", integer=True), Column("total", "number", decimals=2)), ("id",),
    ...     constraints=(Check("total = (select sum(price) from lines)"),))
    >>> lines = Table("lines", (Column("order", "key", integer=True), Column("price", "number", decimals=2)),
    ...     references=(Reference(("order",), "orders"),))
    >>> rules = EntityRules.of(Schema((orders, lines)))
    >>> frames = {"orders": pl.DataFrame({"id": [1, 2], "total": [0.3, 7.0]}),
    ...     "lines": pl.DataFrame({"order": [1, 1, 2], "price": [0.1, 0.2, 5.0]})}
    >>> [found.count for found in rules.find_violations(frames)]
    [1]
    >>> mended, notes = rules.repair(frames)
    >>> mended["orders"]["total"].to_list(), rules.find_violations(mended)
    ([0.3, 5.0], [])
    """

    schema: Schema
    held: tuple[Held, ...]

    @classmethod
    def of(cls, schema: Schema) -> EntityRules:
        """Collect the rules of a schema.

        Raises
        ------
        PredicateError
            SQL in one can not be understood.
        """
        found = [
            hold(constraint, table.name, schema)
            for table in schema.tables
            for constraint in table.constraints
            if crosses(constraint, table) or (isinstance(constraint, Monotone) and constraint.by)
        ]
        return cls(schema, tuple(_in_order([*found, *_followers(schema, found)])))

    @property
    def rules(self) -> tuple[tuple[str, Constraint], ...]:
        """The rules, each with its table."""
        return tuple((rule.table, rule.constraint) for rule in self.held)

    @property
    def computed(self) -> frozenset[tuple[str, str]]:
        """The columns that a rule gives, with their tables: a repair computes them, whatever was drawn."""
        return frozenset(
            (rule.table, rule.column) for rule in self.held if rule.gives and rule.column is not None
        )

    def find_complete(self, frames: Frames) -> frozenset[tuple[str, str]]:
        """Find the columns that rules give in every row of these tables: their values, and whether there is one.

        Nothing of such a column is left to be learnt.

        Parameters
        ----------
        frames : mapping
            Canonical values of all tables.

        Notes
        -----
        **Cost**: linear in rows.
        """
        rows = Rows(frames)
        return frozenset(
            (rule.table, rule.column)
            for rule in self.held
            if rule.sign == "=" and rule.column is not None
            and not (frames[rule.table][rule.column].is_null() != rule.formulas[0].evaluate(rows).is_null()).any()
        )  # fmt: skip

    def find_sources(self, columns: Collection[tuple[str, str]]) -> frozenset[str]:
        """Find the tables that repairs of some columns read, at once or by what these stand on."""
        needed, tables = set(columns), set[str]()
        left = list(self.held)
        while left:
            used = [rule for rule in left if (rule.table, rule.column) in needed]
            if not used:
                break
            for rule in used:
                left.remove(rule)
                needed |= rule.reads
                tables |= rule.tables
        return frozenset(tables)

    def broken(self, frames: Frames) -> list[pl.Series]:
        """Mark for each of `rules` the rows of its table that break it: boolean, without nulls.

        Notes
        -----
        **Cost**: linear in rows; rules along an order sort.
        """
        rows = Rows(frames)
        return [rule.broken(rows).fill_null(False).rename("broken") for rule in self.held]

    def find_violations(self, frames: Frames) -> list[Violation]:
        """List the rules over several tables that rows break, with the number of such rows and the first of them.

        Rules over the rows of one table are told by `simulacra.schema.validation.validate`.

        Parameters
        ----------
        frames : mapping
            Canonical values of all tables.
        """
        found = []
        for rule, broken in zip(self.held, self.broken(frames), strict=True):
            count = int(broken.sum())
            if count and reads_others(rule.constraint, self.schema.table(rule.table)):
                first = tuple(row + 1 for row in broken.arg_true().head(_SHOWN_ROWS).to_list())
                found.append(
                    Violation(rule.table, "", str(rule.constraint), count, len(broken), first, _ADVICE)
                )
        return found

    def repair(
        self, frames: Frames, empty: Collection[tuple[str, str]] = ()
    ) -> tuple[dict[str, pl.DataFrame], list[str]]:
        """Give the rows that break a rule other values, where the rule says which.

        Parameters
        ----------
        frames : mapping
            Canonical values of all tables.
        empty : collection of (str, str)
            Columns, with their tables, that are computed in all rows if no row has a value: no model drew them.

        Returns
        -------
        (dict of DataFrame, list of str)
            The tables, and what was done.

        Notes
        -----
        A column that equals an expression, and a running sum, are computed; a missing value stays missing. A column
        that must rise within groups is sorted in the groups where it does not. A column on the wrong side of a value
        of another row (``bought >= customers.created``) is reflected at that value, or put on it where it would leave
        its own bounds. Other conditions need rows drawn anew: `broken` tells which. Nothing is drawn at random.

        **Cost**: linear in rows; rules along an order sort.
        """
        current: dict[str, pl.DataFrame] = dict(frames)
        notes = []
        for rule in self.held:
            rows = Rows(current)
            if rule.column is None:
                continue
            broken = rule.broken(rows).fill_null(False)
            old = current[rule.table]
            if (rule.table, rule.column) in empty and old[rule.column].null_count() == len(old):
                broken = pl.repeat(True, len(old), dtype=pl.Boolean, eager=True)
            if not broken.any():
                continue
            values = repair_values(rule, rows, broken)
            if values is None:
                continue
            changed = int(values.ne_missing(old[rule.column]).sum())
            current[rule.table] = old.with_columns(values.alias(rule.column))
            if changed:
                notes.append(
                    f"table {rule.table!r}, constraint {said(rule.constraint)}: {changed:,} of {len(old):,} values of "
                    f"{rule.column!r} {'was' if changed == 1 else 'were'} {rule.verb}."
                )
        return current, notes


def _followers(schema: Schema, found: list[Held]) -> list[Held]:
    """Collect the rules within rows that stand on columns which others change: they are mended after those."""
    changed = {(rule.table, rule.column) for rule in found if rule.column is not None}
    given = {(rule.table, rule.column) for rule in found if rule.gives}
    left = [
        hold(constraint, table.name, schema, spared={name for own, name in changed if own == table.name})
        for table in schema.tables
        if any(own == table.name for own, _ in changed)
        for constraint in table.constraints
        if isinstance(constraint, (Check, Equality)) and not crosses(constraint, table)
    ]
    followers: list[Held] = []
    more = True
    while more:
        more = False
        for rule in left:
            if rule.column is None or not rule.reads & changed:
                continue
            name = (rule.table, rule.column)
            if name in given:
                continue
            followers.append(rule)
            changed.add(name)
            given |= {name} if rule.gives else set()
            left.remove(rule)
            more = True
            break
    return followers


def _in_order(found: list[Held]) -> list[Held]:
    """Order rules so that a column is given before another rule reads it; a ring stays as it was written."""
    # keys first: they say which rows others read
    left, done = sorted(found, key=lambda rule: not rule.keys), []
    while left:
        given = {(rule.table, rule.column) for rule in left if rule.column is not None}
        ready = next((rule for rule in left if not rule.reads & given), left[0])
        left.remove(ready)
        done.append(ready)
    return done
