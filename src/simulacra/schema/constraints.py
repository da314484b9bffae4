"""Constraints: what holds in every row, or among the rows, of one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from simulacra.errors import SchemaError
from simulacra.schema._requirements import (
    Names as Names,
)
from simulacra.schema._requirements import (
    names_in,
    quote,
    quote_all,
    require_name,
    require_names,
    require_regex,
    require_sql,
)
from simulacra.schema.sequences import Monotone as Monotone
from simulacra.schema.sequences import Running as Running


@dataclass(frozen=True, slots=True)
class Check:
    """A predicate that every row keeps: it fails only where it is FALSE, so a missing value passes.

    Parameters
    ----------
    sql : str
        A SQL predicate over one row: ``"shipped_at >= ordered_at"``.

    Examples
    --------
    >>> print(Check("shipped_at >= ordered_at"))
    shipped_at >= ordered_at
    """

    sql: str

    def __post_init__(self) -> None:
        require_sql(self.sql, "a check")

    def __str__(self) -> str:
        return self.sql

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, as they are written; see `columns_of` for the table's own names."""
        return names_in(self.sql)


@dataclass(frozen=True, slots=True)
class Implies:
    """A predicate that rows keep where another one holds: it fails only where `when` is TRUE and `then` is FALSE.

    Parameters
    ----------
    when : str
        A SQL predicate over one row: ``"status = 'shipped'"``.
    then : str
        What holds then: ``"shipped_at is not null"``.

    Examples
    --------
    >>> print(Implies("status = 'shipped'", "shipped_at is not null"))
    if status = 'shipped' then shipped_at is not null
    """

    when: str
    then: str

    def __post_init__(self) -> None:
        require_sql(self.when, "the 'if' of a constraint")
        require_sql(self.then, "the 'then' of a constraint")

    def __str__(self) -> str:
        return f"if {self.when} then {self.then}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, as they are written; see `columns_of` for the table's own names."""
        return tuple(dict.fromkeys((*names_in(self.when), *names_in(self.then))))


@dataclass(frozen=True, slots=True)
class Equality:
    """A column that others give: ``total = price * amount``. It holds where either side is missing.

    Parameters
    ----------
    column : str
        The column.
    sql : str
        A SQL expression over the other columns of the row.
    tolerance : float or None
        How far the two may differ, in units of the column (seconds for a duration, a time or a datetime). None: half of
        the column's last decimal, 1e-9 of the value for numbers without a limit of decimals, nothing for whole
        numbers, dates and texts.

    Examples
    --------
    >>> print(Equality("total", "price * amount"))
    "total" = price * amount
    """

    column: str
    sql: str
    tolerance: float | None = None

    def __post_init__(self) -> None:
        require_name(self.column, "equality")
        require_sql(self.sql, "an equality")
        if self.tolerance is not None and not 0 <= self.tolerance < float("inf"):
            raise SchemaError(
                f"equality of {self.column!r}: a tolerance is a number of 0 or more, not {self.tolerance!r}."
            )

    def __str__(self) -> str:
        within = "" if self.tolerance is None else f" within {self.tolerance:g}"
        return f"{quote(self.column)} = {self.sql}{within}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column, and those of the expression as they are written; see `columns_of`."""
        return tuple(dict.fromkeys((self.column, *names_in(self.sql))))


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns that together differ in every row. A row with a missing value in one of them repeats none.

    Parameters
    ----------
    columns : tuple of str
        One column or several.

    Examples
    --------
    >>> print(Unique("email"), "|", Unique(("customer", "day")))
    "email" differs in every row | "customer", "day" together differ in every row
    """

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", require_names(self.columns, "unique"))

    def __str__(self) -> str:
        one = len(self.columns) == 1
        return f"{quote_all(self.columns)} {'differs' if one else 'together differ'} in every row"


@dataclass(frozen=True, slots=True)
class Determines:
    """Columns that give others: rows that agree in `by` agree in `columns`. Rows that lack a value of `by` are free.

    Parameters
    ----------
    by : tuple of str
        What determines: ``("zip",)``.
    columns : tuple of str
        What is determined: ``("city", "state")``; missing counts as a value. `columns_of` lists both.
    groups : tuple of tuples or None
        What is known: values of `by`, then of `columns`, once for each group; rows of other groups need only agree.
        None: a fit fills in what enough training rows hold.

    Examples
    --------
    >>> print(Determines("zip", ("city", "state")))
    "zip" determines "city", "state"
    """

    by: tuple[str, ...]
    columns: tuple[str, ...]
    groups: tuple[tuple[Any, ...], ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", require_names(self.by, "determines"))
        object.__setattr__(self, "columns", require_names(self.columns, "determines"))
        both = set(self.by) & set(self.columns)
        if both:
            raise SchemaError(
                f"determines: {min(both)!r} can not determine itself. Take it out of one of the two lists."
            )
        if self.groups is not None:
            object.__setattr__(self, "groups", self._checked_groups())

    def _checked_groups(self) -> tuple[tuple[Any, ...], ...]:
        """Return the groups, each once; two that differ in `columns` alone contradict each other."""
        width = len(self.by) + len(self.columns)
        given = dict.fromkeys(tuple(row) for row in self.groups or ())
        for place, row in enumerate(given, 1):
            if len(row) != width:
                raise SchemaError(
                    f"determines, group {place}: there are {len(row)} values, not {width}. Give those of "
                    f"{quote_all((*self.by, *self.columns))}, in this order."
                )
        if len({row[: len(self.by)] for row in given}) < len(given):
            raise SchemaError(
                f"determines: a group of {quote_all(self.by)} is listed twice, with different values. List each once."
            )
        return tuple(given)

    def __str__(self) -> str:
        verb = "determines" if len(self.by) == 1 else "together determine"
        return f"{quote_all(self.by)} {verb} {quote_all(self.columns)}"


@dataclass(frozen=True, slots=True)
class Combination:
    """Columns whose values occur in certain combinations only.

    Parameters
    ----------
    columns : tuple of str
        Two columns or more.
    allowed : tuple of tuples or None
        The combinations, in the order of `columns`; a row with a missing value in one of them passes. None: the
        combinations that enough training rows hold (missing counts as a value), which a fit fills in.

    Examples
    --------
    >>> print(Combination(("make", "model"), (("VW", "Golf"), ("Fiat", "Panda"))))
    "make", "model" are one of 2 combinations
    """

    columns: tuple[str, ...]
    allowed: tuple[tuple[Any, ...], ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", require_names(self.columns, "combination", fewest=2))
        if self.allowed is None:
            return
        rows = tuple((row,) if isinstance(row, str) else tuple(row) for row in self.allowed)
        if not rows:
            raise SchemaError(
                f"combination of {quote_all(self.columns)}: no combination is allowed. List at least one."
            )
        for place, row in enumerate(rows, 1):
            if len(row) != len(self.columns):
                raise SchemaError(
                    f"combination of {quote_all(self.columns)}: combination {place} has {len(row)} values, not "
                    f"{len(self.columns)}. Give one value for each column."
                )
        object.__setattr__(self, "allowed", tuple(dict.fromkeys(rows)))

    def __str__(self) -> str:
        if self.allowed is None:
            return f"{quote_all(self.columns)} are in a combination that real rows have"
        count = len(self.allowed)
        which = "the one combination allowed" if count == 1 else f"one of {count:,} combinations"
        return f"{quote_all(self.columns)} are {which}"


@dataclass(frozen=True, slots=True)
class OneHot:
    """Columns of which exactly one is true (or 1) in every row. A row that lacks all of them passes.

    Parameters
    ----------
    columns : tuple of str
        Two booleans, or whole numbers that are 0 or 1, or more.

    Examples
    --------
    >>> print(OneHot(("is_a", "is_b")))
    exactly one of "is_a", "is_b" is true
    """

    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", require_names(self.columns, "one_hot", fewest=2))

    def __str__(self) -> str:
        return f"exactly one of {quote_all(self.columns)} is true"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that matches a regular expression in full; a missing one passes.

    Parameters
    ----------
    column : str
        A text, key or category.
    regex : str
        A regular expression without look-around and back-references.

    Examples
    --------
    >>> print(Pattern("sku", "[A-Z]{3}-[0-9]{4}"))
    "sku" matches [A-Z]{3}-[0-9]{4}
    """

    column: str
    regex: str

    def __post_init__(self) -> None:
        require_name(self.column, "pattern")
        require_regex(self.regex, f"pattern of {self.column!r}")

    def __str__(self) -> str:
        return f"{quote(self.column)} matches {self.regex}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column alone."""
        return (self.column,)


Constraint = (
    Check | Implies | Equality | Unique | Determines | Combination | OneHot | Monotone | Running | Pattern
)
CONSTRAINTS: tuple[type, ...] = get_args(Constraint)
