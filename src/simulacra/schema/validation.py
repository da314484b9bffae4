"""Hold data against their schema: every rule that rows break, with counts and the first rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from simulacra.errors import SchemaViolation
from simulacra.schema._rules import column_rules, weight_rules
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.constraints import Constraint
from simulacra.schema.crossing import reads_others
from simulacra.schema.types import Column, Table

_SHOWN_ROWS = 3
_SHOWN_RULES = 3
_CORRECT = "Correct the data, or drop the constraint from the schema."


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of the schema that some rows break.

    Parameters
    ----------
    table : str
        The table's name.
    column : str
        The column, several joined by commas, or ``""`` for a rule over a whole row.
    rule : str
        What the rows break, as it stands after "break".
    count : int
        How many rows break it.
    rows : int
        How many rows there are.
    first : tuple of int
        The first rows that break it; the first data row is row 1.
    advice : str
        What can be done.

    Examples
    --------
    >>> print(Violation("orders", "age", "age >= 0", 2, 9840, (17, 40)))
    table 'orders', column 'age': 2 of 9,840 rows break "age >= 0" (first: rows 17, 40).
    """

    table: str
    column: str
    rule: str
    count: int
    rows: int
    first: tuple[int, ...]
    advice: str = ""

    @property
    def quoted(self) -> str:
        """The rule, in the quotes that it does not use itself."""
        return f"`{self.rule}`" if '"' in self.rule else f'"{self.rule}"'

    def __str__(self) -> str:
        place = f"table {self.table!r}" + (f", column {self.column!r}" if self.column else "")
        rows = ", ".join(str(row) for row in self.first)
        word = "row" if len(self.first) == 1 else "rows"
        breaks = "breaks" if self.count == 1 else "break"
        text = f"{place}: {self.count:,} of {self.rows:,} rows {breaks} {self.quoted} (first: {word} {rows})."
        return f"{text} {self.advice}" if self.advice else text


def validate(frame: pl.DataFrame, table: Table) -> list[Violation]:
    """Find every rule of a table that rows break, the most broken first.

    Parameters
    ----------
    frame : DataFrame
        Canonical values; see `simulacra.schema.conformance.conform`.
    table : Table
        The schema.

    Returns
    -------
    list of Violation
        Empty if the rows keep the schema.

    Raises
    ------
    PredicateError
        A constraint can not be understood.
    SchemaError
        A pattern is no regular expression.

    Notes
    -----
    A missing value breaks only "has a value", and a constraint is broken only where it is false, not
    where it is unknown, as in SQL.

    **Cost**: linear in rows.

    **Privacy**: a violation tells counts, row numbers and facts of the schema, never a value of a row.

    Examples
    --------
    >>> table = Table("t", (Column("age", "number", integer=True, bounds=(0, 120)),))
    >>> [(found.rule, found.count) for found in validate(pl.DataFrame({"age": [3, 150]}), table)]
    [('between 0 and 120', 1)]
    """
    found = [
        broken for column in table.columns for broken in validate_column(frame[column.name], column, table)
    ]
    found += validate_rows(frame, table)
    return sorted(found, key=lambda violation: -violation.count)


def describe_broken(frame: pl.DataFrame, table: Table) -> list[str]:
    """Tell every rule that rows break in sentences that may be shared, the most broken first.

    Parameters
    ----------
    frame : DataFrame
        Canonical values.
    table : Table
        The schema.

    Returns
    -------
    list of str
        As of `validate`; but bounds and levels that were only read off the training rows are not written out: the
        ends of a range are the values of single persons.

    Examples
    --------
    >>> table = Table("t", (Column("age", "number", bounds=(17, 90)),))
    >>> describe_broken(pl.DataFrame({"age": [30.0, 95.0]}), table)
    ["column 'age': 1 of 2 rows lies outside the range of the training rows (first: row 2)."]
    """
    found = validate_rows(frame, table)
    for column in table.columns:
        found += validate_column(frame[column.name], drop_guesses(column), table)
    told = [(violation.count, str(violation)) for violation in found]
    for column in table.columns:
        if not column.declared:
            told += _strangers(frame[column.name], column)
    return [words for _, words in sorted(told, key=lambda one: -one[0])]


def drop_guesses(column: Column) -> Column:
    """Return the column without bounds and levels that were only read off the data.

    Examples
    --------
    >>> drop_guesses(Column("age", "number", bounds=(17, 90))).bounds
    """
    return column if column.declared else replace(column, bounds=None, levels=None)


def _strangers(values: pl.Series, column: Column) -> Iterator[tuple[int, str]]:
    """Count the rows beyond the bounds and levels of the training rows, in words that do not show these."""
    rules: list[tuple[pl.Series, str, str]] = []
    if column.bounds is not None:
        low, high = column.bounds
        words = "outside the range of the training rows"
        rules.append(((values < low) | (values > high), f"lies {words}", f"lie {words}"))
    if column.levels is not None:
        known = values.is_in(pl.Series([list(column.levels)], dtype=pl.List(pl.String)))
        words = "a level that the training rows do not have"
        rules.append((~known, f"holds {words}", f"hold {words}"))
    for broken, one, several in rules:
        found: list[Violation] = []
        _add(found, Table("", (column,)), column.name, "", broken, "")
        for violation in found:
            first = ", ".join(str(row) for row in violation.first)
            word = "row" if len(violation.first) == 1 else "rows"
            yield (
                violation.count,
                f"column {column.name!r}: {violation.count:,} of {violation.rows:,} rows "
                f"{one if violation.count == 1 else several} (first: {word} {first}).",
            )


def validate_column(values: pl.Series, column: Column, table: Table) -> list[Violation]:
    """Find every rule of one column that its values break.

    Parameters
    ----------
    values : Series
        Canonical values.
    column : Column
        The column of the schema.
    table : Table
        The table that it belongs to.

    Examples
    --------
    >>> age = Column("age", "number", integer=True, bounds=(0, 120))
    >>> [str(found.rule) for found in validate_column(pl.Series("age", [3, 150]), age, Table("t", (age,)))]
    ['between 0 and 120']
    """
    found: list[Violation] = []
    for rule, broken, advice in rules_of_column(values, column, table):
        _add(found, table, column.name, rule, broken, advice)
    return found


def rules_of_column(values: pl.Series, column: Column, table: Table) -> Iterator[tuple[str, pl.Series, str]]:
    """Give each rule of one column: its words, the values that break it (null: kept), and advice.

    Examples
    --------
    >>> age = Column("age", "number", integer=True, bounds=(0, 120))
    >>> [broken.to_list() for _, broken, _ in rules_of_column(pl.Series([150]), age, Table("t", (age,)))]
    [[False], [True]]
    """
    referring = any(column.name in reference.columns for reference in table.references)
    shared = referring or (column.name in table.key and len(table.key) > 1)
    yield from column_rules(values, column, distinct=not shared or table.key == (column.name,))
    if column.name == table.weight:
        yield from weight_rules(values, column)


def columns_of_rules(table: Table) -> tuple[str, ...]:
    """Return the columns that the rules over whole rows speak of, in the order of the schema.

    Examples
    --------
    >>> columns_of_rules(Table("t", (Column("a", "number"), Column("b", "number")), key=("b",)))
    ('b',)
    """
    named = set(table.key)
    for constraint in _own_rules(table):
        named |= set(columns_of(constraint, table))
    return tuple(name for name in table.names if name in named)


def _own_rules(table: Table) -> tuple[Constraint, ...]:
    """Return the constraints that the rows of the table alone can tell of."""
    return tuple(rule for rule in table.constraints if not reads_others(rule, table))


def validate_rows(frame: pl.DataFrame, table: Table) -> list[Violation]:
    """Find every rule over whole rows that rows break: a key of several columns, and constraints.

    Parameters
    ----------
    frame : DataFrame
        Canonical values of at least the columns that `columns_of_rules` names.
    table : Table
        The schema.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number"), Column("b", "number")), key=("a", "b"))
    >>> [found.rule for found in validate_rows(pl.DataFrame({"a": [1.0, 1.0], "b": [2.0, 2.0]}), table)]
    ['different in every row']
    """
    return validate_key(frame, table) + validate_constraints(frame, table)


def validate_key(frame: pl.DataFrame, table: Table) -> list[Violation]:
    """Find rows that repeat a key of several columns.

    Parameters
    ----------
    frame : DataFrame
        Canonical values of at least the columns of the key.
    table : Table
        The schema.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number"), Column("b", "number")), key=("a", "b"))
    >>> [found.count for found in validate_key(pl.DataFrame({"a": [1.0, 1.0], "b": [2.0, 2.0]}), table)]
    [2]
    """
    found: list[Violation] = []
    for columns, rule, broken, advice in _key_rules(frame, table):
        _add(found, table, columns, rule, broken, advice)
    return found


def validate_constraints(frame: pl.DataFrame, table: Table) -> list[Violation]:
    """Find the constraints that rows break, in the order of the schema; those that read other tables are left out.

    Parameters
    ----------
    frame : DataFrame
        Canonical values of at least the columns that `columns_of_rules` names.
    table : Table
        The schema.

    Examples
    --------
    >>> from simulacra.schema.types import Check
    >>> table = Table("t", (Column("a", "number"),), constraints=(Check("a > 3"),))
    >>> [(found.rule, found.count) for found in validate_constraints(pl.DataFrame({"a": [1.0, 9.0]}), table)]
    [('a > 3', 1)]
    """
    found: list[Violation] = []
    for constraint in _own_rules(table):
        _add(found, table, "", str(constraint), find_broken(constraint, frame, table), _CORRECT)
    return found


def rules_of_rows(frame: pl.DataFrame, table: Table) -> Iterator[tuple[str, str, pl.Series, str]]:
    """Give each rule over whole rows: the columns of a key, its words, the rows that break it, and advice.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number"), Column("b", "number")), key=("a", "b"))
    >>> [words for _, words, _, _ in rules_of_rows(pl.DataFrame({"a": [1.0], "b": [2.0]}), table)]
    ['different in every row']
    """
    yield from _key_rules(frame, table)
    for constraint in _own_rules(table):
        yield "", str(constraint), find_broken(constraint, frame, table), _CORRECT


def _key_rules(frame: pl.DataFrame, table: Table) -> Iterator[tuple[str, str, pl.Series, str]]:
    one_key = len(table.key) == 1 and table[table.key[0]].kind == "key"  # then the column's own rule says it
    if table.key and not one_key:
        keys = frame.select(table.key)
        taken = keys.is_duplicated() & ~keys.select(pl.any_horizontal(pl.all().is_null())).to_series()
        yield (
            ", ".join(table.key),
            "different in every row",
            taken,
            "Remove the doubles, or choose another key.",
        )


def require_valid(frame: pl.DataFrame, table: Table) -> None:
    """Raise an error if rows break their schema.

    Parameters
    ----------
    frame : DataFrame
        Canonical values.
    table : Table
        The schema.

    Raises
    ------
    SchemaViolation
        With the three rules that most rows break.

    Examples
    --------
    >>> require_valid(pl.DataFrame({"a": ["x"]}), Table("t", (Column("a", "category", levels=("x", "y")),)))
    """
    found = validate(frame, table)
    if found:
        raise violated(found)


def violated(found: Sequence[Violation]) -> SchemaViolation:
    """Make the error for rules that rows break.

    Parameters
    ----------
    found : sequence of Violation
        What was found, at least one; the three that most rows break are told.

    Returns
    -------
    SchemaViolation
        The error, not raised.

    Examples
    --------
    >>> print(violated([Violation("t", "age", "age >= 0", 2, 90, (17, 40))]))
    table 't', column 'age': 2 of 90 rows break "age >= 0" (first: rows 17, 40).
    """
    found = sorted(found, key=lambda violation: -violation.count)
    more = len(found) - _SHOWN_RULES
    tail = (
        [f"{more} more {'rules are' if more > 1 else 'rule is'} broken; see validate()."] if more > 0 else []
    )
    return SchemaViolation("\n".join([str(violation) for violation in found[:_SHOWN_RULES]] + tail))


def _add(
    found: list[Violation], table: Table, column: str, rule: str, broken: pl.Series, advice: str
) -> None:
    broken = broken.fill_null(False)
    count = int(broken.sum())
    if count:
        first = tuple(row + 1 for row in broken.arg_true().head(_SHOWN_ROWS).to_list())
        found.append(Violation(table.name, column, rule, count, len(broken), first, advice))
