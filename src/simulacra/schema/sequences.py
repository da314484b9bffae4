"""Constraints along an order: what rises, and what runs up."""

from __future__ import annotations

from dataclasses import dataclass

from simulacra.errors import SchemaError
from simulacra.schema._requirements import (
    names_in,
    quote,
    quote_all,
    require_name,
    require_names,
    require_sql,
)


@dataclass(frozen=True, slots=True)
class Monotone:
    """A column that never falls (or never rises) as another one rises. Rows that lack either of them are free.

    Parameters
    ----------
    column : str
        A number, date, datetime, time or duration.
    order : str
        What it rises with; rows of equal `order` (and equal `by`) may stand in any order.
    by : tuple of str
        Within which groups; all rows are one group when empty.
    strict : bool
        Whether it may not stay the same where `order` goes on.
    falling : bool
        Whether it falls and not rises.

    Examples
    --------
    >>> print(Monotone("balance", "day", by="account"))
    "balance" rises with "day" within "account"
    """

    column: str
    order: str
    by: tuple[str, ...] = ()
    strict: bool = False
    falling: bool = False

    def __post_init__(self) -> None:
        require_name(self.column, "monotone")
        require_name(self.order, "monotone, 'order'")
        object.__setattr__(self, "by", require_names(self.by, "monotone, 'by'", fewest=0))
        if len(set(self.columns)) != len(self.columns):
            raise SchemaError(f"monotone of {self.column!r}: a column is named twice. Name each once.")

    def __str__(self) -> str:
        verb = ("strictly " if self.strict else "") + ("falls" if self.falling else "rises")
        within = f" within {quote_all(self.by)}" if self.by else ""
        return f"{quote(self.column)} {verb} with {quote(self.order)}{within}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column, what it rises with, and the groups."""
        return (self.column, self.order, *self.by)


@dataclass(frozen=True, slots=True)
class Running:
    """A running sum: the column adds up an expression over the rows of its group so far, along an order.

    Parameters
    ----------
    column : str
        The number or duration that runs up: ``"balance"``.
    of : str
        A SQL expression over the row; a missing one adds nothing: ``"amount"``.
    by : tuple of str
        Within which groups; all rows are one group when empty.
    order : tuple of str
        Along what: one column, or several for rows of the same moment. Rows that agree in all of them stand in the
        order of the table.
    opening : str or None
        What a group starts from: a constant, or an expression that may read rows above (``"accounts.opening"``). None:
        what the group's first row shows, less what that row adds.

    Notes
    -----
    Rows that lack the column, or a column of `by` or `order`, are free; so is a group whose opening is missing. It
    holds over whole entities, so that one table alone does not keep it.

    Examples
    --------
    >>> print(Running("balance", "amount", by="account", order="day"))
    "balance" = running sum of amount along "day" within "account", from 0
    """

    column: str
    of: str
    by: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    opening: str | None = "0"

    def __post_init__(self) -> None:
        require_name(self.column, "running")
        require_sql(self.of, "running, 'of'")
        object.__setattr__(self, "by", require_names(self.by, "running, 'by'", fewest=0))
        object.__setattr__(self, "order", require_names(self.order, "running, 'order'"))
        if self.opening is not None:
            require_sql(self.opening, "running, 'opening'")
        named = (self.column, *self.by, *self.order)
        if len(set(named)) != len(named):
            raise SchemaError(f"running sum in {self.column!r}: a column is named twice. Name each once.")

    def __str__(self) -> str:
        within = f" within {quote_all(self.by)}" if self.by else ""
        start = "what each group starts with" if self.opening is None else self.opening
        return f"{quote(self.column)} = running sum of {self.of} along {quote_all(self.order)}{within}, from {start}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column, the groups and the order, and what is added up as it is written."""
        return tuple(dict.fromkeys((self.column, *self.by, *self.order, *names_in(self.of))))
