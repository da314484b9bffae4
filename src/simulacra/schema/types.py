"""The data contract: columns, constraints, tables and schemas, all frozen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from simulacra.errors import SchemaError, unknown

Kind = Literal["number", "category", "boolean", "date", "datetime", "time", "duration", "text", "key"]
KINDS: tuple[str, ...] = get_args(Kind)
Bound = int | float | date | datetime | time | timedelta

IDENTIFYING = ("email", "iban", "ip", "person.name", "phone", "ssn", "url")
"""What a text can identify; such a column is replaced by fakes."""

FIXED = "fixed"
"""`Column.format` of a number that is always written with all its decimals (1.50)."""

_BOUND_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float),
    "date": (date,),
    "datetime": (datetime,),
    "time": (time,),
    "duration": (timedelta,),
}


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds.

    Parameters
    ----------
    name : str
        Its name, unique in the table.
    kind : str
        ``number``, ``category``, ``boolean``, ``date``, ``datetime``, ``time``, ``duration``, ``text`` or ``key``.
    nullable : bool
        Whether a value may be missing.
    integer : bool
        A number without a fractional part.
    decimals : int or None
        Digits after the point that a number keeps; None when there is no such limit.
    step : float or None
        A number (an integer one) that is always a multiple of this: 5 for 0, 5, 10, ...
    timezone : str or None
        IANA name of a datetime's zone; None for local (naive) times.
    levels : tuple of str or None
        The values of a category, as text.
    bounds : (low, high) or None
        Smallest and largest value, inclusive, in the column's own type.
    unit : str or None
        For people: ``"minutes"``.
    pattern : str or None
        Regular expression that every text or key matches in full.
    format : str or None
        How values are written where they stand as text: a strptime pattern for dates and times, ``"no|yes"``
        (false and true) for a boolean; for a number ``"HHMM"`` if it is a clock time (1305 is 13:05), ``"fixed"`` if
        it always has all its decimals (1.50), or 1234.5 as the column writes it: ``"1,234.5"``, ``"1.234,5"``,
        ``"1 234,5"``, ``"1 234.5"``, ``"1'234.5"``, ``"1234,5"``, also with a sign: ``"$1,234.5"``, ``"1234.5%"``.
    identifying : str or None
        What it identifies (``email``, ``iban``, ``ip``, ``person.name``, ``phone``, ``ssn`` or ``url``): such a column
        is of kind text, is replaced by fakes and never learnt.
    sensitive : bool
        Its values are never shown in messages or in the part of a report that may be shared.
    declared : bool
        True: levels and bounds are public knowledge, so rare levels and extremes are given out. False: they were read
        from the data. Single values inside the bounds are protected either way.
    protect : bool
        False switches the protection of rare levels, extremes and unique values off for this column.

    Examples
    --------
    >>> Column("age", "number", integer=True, bounds=(17, 90)).kind
    'number'
    """

    name: str
    kind: Kind
    nullable: bool = False
    integer: bool = False
    decimals: int | None = None
    step: float | None = None
    timezone: str | None = None
    levels: tuple[str, ...] | None = None
    bounds: tuple[Any, Any] | None = None
    unit: str | None = None
    pattern: str | None = None
    format: str | None = None
    identifying: str | None = None
    sensitive: bool = False
    declared: bool = False
    protect: bool = True

    def __post_init__(self) -> None:
        where = f"column {self.name!r}"
        if self.kind not in KINDS:
            raise SchemaError(f"{where}: {unknown('kind', str(self.kind), KINDS)}")
        if self.levels is not None:
            if self.kind != "category":
                raise SchemaError(f"{where}: only a category has levels, and this is a {self.kind}.")
            object.__setattr__(self, "levels", tuple(str(level) for level in self.levels))
            if len(set(self.levels)) != len(self.levels):
                raise SchemaError(f"{where}: a level is listed twice. List each level once.")
        if self.bounds is not None:
            self._check_bounds(where)
        if self.integer and self.kind not in {"number", "key"}:
            raise SchemaError(
                f"{where}: only a number or a key can be an integer, and this is a {self.kind}."
            )
        if self.decimals is not None and (self.kind != "number" or self.decimals < 0):
            raise SchemaError(
                f"{where}: decimals is a count for numbers, not {self.decimals!r} on a {self.kind}."
            )
        if self.kind == "boolean" and self.format is not None and self.format.count("|") != 1:
            raise SchemaError(
                f"{where}: the format of a boolean is its two words, such as 'no|yes', not {self.format!r}."
            )
        if self.identifying is not None:
            if self.identifying not in IDENTIFYING:
                raise SchemaError(f"{where}: {unknown('kind of identifier', self.identifying, IDENTIFYING)}")
            if self.kind != "text":
                raise SchemaError(
                    f"{where}: an identifying column is replaced by fakes. Make its kind 'text'."
                )
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (OSError, ValueError, KeyError) as error:
                raise SchemaError(
                    f"{where}: {self.timezone!r} is no time zone. Use an IANA name such as 'Europe/Paris'."
                ) from error

    def _check_bounds(self, where: str) -> None:
        types = _BOUND_TYPES.get(self.kind)
        if types is None:
            raise SchemaError(f"{where}: a {self.kind} has no bounds. Remove them.")
        if not isinstance(self.bounds, (tuple, list)) or len(self.bounds) != 2:
            raise SchemaError(f"{where}: bounds are two values, low and high.")
        low, high = self.bounds
        if not all(isinstance(b, types) and not isinstance(b, bool) for b in (low, high)):
            raise SchemaError(f"{where}: the bounds of a {self.kind} must be of that kind too.")
        if self.kind == "date":
            low, high = (b.date() if isinstance(b, datetime) else b for b in (low, high))
        if low > high:
            raise SchemaError(f"{where}: the lower bound is above the upper one. Swap them.")
        object.__setattr__(self, "bounds", (low, high))


@dataclass(frozen=True, slots=True)
class Check:
    """A predicate that every row keeps: it fails only where it is FALSE, so a missing value passes.

    Parameters
    ----------
    sql : str
        A SQL predicate over one row: ``"shipped_at >= ordered_at"``.
    """

    sql: str


Constraint = Check


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of one table and what holds among them.

    Parameters
    ----------
    name : str
        Its name.
    columns : tuple of Column
        In order; names are unique.
    key : tuple of str
        Columns that together identify a row.
    constraints : tuple of Check
        Predicates that every row keeps.
    weight : str or None
        A number that says how many of the population a row stands for: models learn the population, not the sample.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    weight: str | None = None

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise SchemaError(f"table {self.name!r}: column {column.name!r} is listed twice. Rename one.")
            seen.add(column.name)
        for name in self.key:
            if name not in seen:
                raise SchemaError(f"table {self.name!r}: key {name!r} is not one of its columns.")
        self._check_weight()

    def _check_weight(self) -> None:
        if self.weight is None:
            return
        column = next((c for c in self.columns if c.name == self.weight), None)
        if column is None:
            raise SchemaError(
                f"table {self.name!r}: weight {self.weight!r} is not one of its columns. Name one of them."
            )
        if column.kind != "number":
            raise SchemaError(
                f"table {self.name!r}: weight {self.weight!r} is a {column.kind}, not a number. "
                "Name another column, or correct its kind in the schema."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise unknown("column", name, self.names)

    def with_column(self, name: str, **changes: Any) -> Table:
        """Return the table with some facts of one column changed; see `Column` for their names.

        A column that is said to be identifying becomes a text.

        Raises
        ------
        UnknownName
            There is no such column, or no such fact.
        """
        old = self[name]
        known = {f.name for f in fields(Column)} - {"name"}
        for fact in changes:
            if fact not in known:
                raise unknown("property of a column", fact, sorted(known))
        if changes.get("identifying") is not None:
            changes.setdefault("kind", "text")
        if "kind" in changes and changes["kind"] != old.kind:
            old = Column(
                old.name, changes["kind"], nullable=old.nullable, unit=old.unit, sensitive=old.sensitive,
                protect=old.protect,
            )  # fmt: skip
        new = replace(old, **changes)
        return replace(self, columns=tuple(new if c.name == name else c for c in self.columns))


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a data set.

    Parameters
    ----------
    tables : tuple of Table
        Names are unique.
    reasons : dict
        Why each column was guessed as it was: ``{table: {column: sentence}}``. Not part of equality.

    Examples
    --------
    >>> schema = Schema((Table("people", (Column("age", "number", integer=True),)),))
    >>> schema.with_column("age", bounds=(0, 120), declared=True).table()["age"].bounds
    (0, 120)
    """

    tables: tuple[Table, ...]
    reasons: dict[str, dict[str, str]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        names = [table.name for table in self.tables]
        for name in names:
            if names.count(name) > 1:
                raise SchemaError(f"table {name!r} is listed twice. Rename one.")

    @property
    def names(self) -> tuple[str, ...]:
        """The tables' names."""
        return tuple(table.name for table in self.tables)

    def table(self, name: str | None = None) -> Table:
        """Return a table by name, or the only one.

        Raises
        ------
        UnknownName
            There is no such table.
        SchemaError
            No name was given and there is not exactly one table.
        """
        if name is None:
            if len(self.tables) != 1:
                raise SchemaError(
                    f"this schema has {len(self.tables)} tables: {', '.join(self.names)}. Name one."
                )
            return self.tables[0]
        for table in self.tables:
            if table.name == name:
                return table
        raise unknown("table", name, self.names)

    def with_table(self, table: Table) -> Schema:
        """Return the schema with one table put in the place of the one of its name."""
        self.table(table.name)
        return replace(self, tables=tuple(table if t.name == table.name else t for t in self.tables))

    def with_column(self, column: str, *, table: str | None = None, **changes: Any) -> Schema:
        """Return the schema with some facts of one column changed.

        Parameters
        ----------
        column : str
            The column's name.
        table : str or None
            Its table; may be left out when there is one table.
        **changes
            Fields of `Column`: ``kind``, ``bounds``, ``levels``, ``declared``, ...

        Examples
        --------
        >>> schema = Schema((Table("t", (Column("a", "number"),)),))
        >>> schema.with_column("a", unit="kg").table()["a"].unit
        'kg'
        """
        return self.with_table(self.table(table).with_column(column, **changes))

    def with_weight(self, column: str | None, *, table: str | None = None) -> Schema:
        """Return the schema with a column that says how many of the population each row stands for.

        Parameters
        ----------
        column : str or None
            A number; None takes the weight away.
        table : str or None
            Its table; may be left out when there is one table.

        Raises
        ------
        UnknownName
            There is no such column.
        SchemaError
            The column is not a number.

        Examples
        --------
        >>> schema = Schema((Table("people", (Column("age", "number"), Column("w", "number"))),))
        >>> schema.with_weight("w").table().weight
        'w'
        """
        old = self.table(table)
        if column is not None:
            old[column]
        return self.with_table(replace(old, weight=column))

    def with_constraint(self, sql: str, *, table: str | None = None) -> Schema:
        """Return the schema with one more predicate that every row keeps.

        Raises
        ------
        PredicateError
            The predicate can not be parsed, or names a column that does not exist.
        """
        from simulacra.schema.predicates import Predicate  # the parser is heavy, and types are imported first

        old = self.table(table)
        Predicate.parse(sql, old)
        return self.with_table(replace(old, constraints=(*old.constraints, Check(sql))))

    def select(self, names: Iterable[str]) -> Schema:
        """Return the schema of some of the tables."""
        chosen = tuple(self.table(name) for name in names)
        return Schema(chosen, {t.name: self.reasons[t.name] for t in chosen if t.name in self.reasons})
