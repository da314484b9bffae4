"""Margins: the shares that users ask for, read, checked, and turned into quotas that keep to all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import OptionError, PredicateError, SimulacraError, UnknownName, unknown
from simulacra.schema._refusals import resolve_name
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table
from simulacra.shares.quotas import label_quotas

Shares = Mapping[str, float | Mapping[Any, float]]
"""``{column: {level, range or predicate: number}}``, or ``{predicate: number}``."""

MISSING = ("", "null", "none", "missing", "nan", "na")
"""What people write for a missing value."""
TEXTS = ("category", "text", "key")


@dataclass(frozen=True)
class Part:
    """Rows of one kind, and how many of them are wanted.

    Parameters
    ----------
    predicate : Predicate
        TRUE for these rows.
    words : str
        How to speak of them.
    share : float or None
        The share wanted; None until it is known.
    factor : float or None
        What the model's share is multiplied by.
    """

    predicate: Predicate
    words: str
    share: float | None = None
    factor: float | None = None


@dataclass(frozen=True)
class Margin:
    """Kinds of rows that exclude each other; what is none of them is the rest.

    Parameters
    ----------
    name : str
        A column, or the predicate itself.
    parts : tuple of Part
        The last one is the rest.
    """

    name: str
    parts: tuple[Part, ...]

    @property
    def shares(self) -> Array:
        """The shares wanted, the rest last; they sum to 1."""
        return np.array([part.share for part in self.parts], dtype=float)

    def label(self, frame: pl.DataFrame) -> Array:
        """Number the rows by their part.

        Raises
        ------
        OptionError
            A row fits two parts.
        """
        named = [part.predicate for part in self.parts[:-1]]
        columns = {name for predicate in named for name in predicate.columns}
        name = next(iter(columns), "")
        if len(columns) == 1 and len(named) > 2 and frame.schema[name] in (pl.String, pl.Boolean):
            # few values and many parts: each value is looked at once
            values = frame[name].unique(maintain_order=True).to_frame()
            values = values.with_columns(pl.Series("part", label_quotas(named, values)).alias(" part"))
            joined = frame.select(name).join(
                values, on=name, how="left", nulls_equal=True, maintain_order="left"
            )
            labels = joined[" part"].to_numpy()
        else:
            labels = label_quotas(named, frame)
        return np.where(labels < 0, len(named), labels)

    def settle(self, measured: Array, said: int) -> Margin:
        """Turn factors into shares and give the rest what is left.

        Parameters
        ----------
        measured : array
            The shares of the parts that the model gives.
        said : int
            The rows that they were measured on.

        Raises
        ------
        OptionError
            The shares would pass 1, or fall short of it with no other rows to fill the rest.
        """
        parts = []
        for part, share in zip(self.parts[:-1], measured, strict=False):
            if part.factor is not None:
                part = replace(part, share=_multiplied(part, float(share), said))
            parts.append(part)
        total = sum(part.share or 0.0 for part in parts)
        if total > 1 + 1e-9:
            raise OptionError(
                f"the shares asked of {self.name!r} sum to {_percent(total)} of the rows. Ask for less."
            )
        left = 0.0 if total > 1 - 1e-9 else 1 - total
        if left and not measured[-1]:
            raise OptionError(
                f"the shares asked of {self.name!r} sum to {_percent(total)}, and none of {said:,} rows drawn is of "
                "another kind. Let them sum to 100 %."
            )
        return replace(self, parts=(*parts, replace(self.parts[-1], share=left)))


def read_margins(
    table: Table, balance: Shares | None = None, bigger: Shares | None = None, smaller: Shares | None = None
) -> tuple[Margin, ...]:
    """Read what users ask for.

    Parameters
    ----------
    table : Table
        Gives names and types.
    balance : mapping or None
        Shares of rows: ``{"fraud": {"yes": 0.5}}`` by level, ``{"age": {(17, 30): 0.5}}`` by range (inclusive),
        ``{"age": {"age < 30": 0.5}}`` or ``{"age": {"< 30": 0.5}}`` by predicate; ``{"age > 60 and sex = 'F'": 0.2}``
        across columns. None as a level means missing.
    bigger, smaller : mapping or None
        Of the same form, with factors of 1 or more: shares are multiplied, or divided, by them.

    Returns
    -------
    tuple of Margin
        One per column named, and one per predicate across columns.

    Raises
    ------
    UnknownName
        There is no such column.
    OptionError
        A share is not between 0 and 1, a factor is below 1, or something is named twice.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("a", "number"), Column("b", "category", levels=("x", "y"))))
    >>> [margin.name for margin in read_margins(table, {"b": {"x": 0.5}, "a > 3": 0.1})]
    ['b', 'a > 3']
    """
    found: dict[str, list[Part]] = {}
    for asked, verb in ((balance, "balance"), (bigger, "bigger"), (smaller, "smaller")):
        for key, wanted in (asked or {}).items():
            name, parts = _read_margin(key, wanted, verb, table)
            known = {part.predicate.sql for part in found.get(name, [])}
            twice = next((part for part in parts if part.predicate.sql in known), None)
            if twice is not None:
                raise OptionError(f"{verb} of {name!r}: {twice.words} is asked for twice. Name it once.")
            found.setdefault(name, []).extend(parts)
    return tuple(_with_rest(name, parts, table) for name, parts in found.items())


def _read_margin(key: str, wanted: Any, verb: str, table: Table) -> tuple[str, list[Part]]:
    if not isinstance(key, str):
        raise OptionError(f"{verb}: columns are named by text, not by {key!r}.")
    if not isinstance(wanted, Mapping):
        _require_number(wanted, verb, key)
        predicate = _read_predicate(key, wanted, verb, table)
        return predicate.sql, [_part(predicate, predicate.sql, float(wanted), verb)]
    try:
        name = resolve_name(key, table)
    except PredicateError:
        raise unknown("column", key, table.names) from None
    parts = []
    for level, number in wanted.items():
        _require_number(number, verb, name)
        parts.append(_part(*_read_level(name, level, verb, table), float(number), verb))
    if not parts or (verb == "balance" and sum(part.share or 0 for part in parts) > 1 + 1e-9):
        raise OptionError(f"{verb} of {name!r}: {_RULES[verb]}.")
    return name, parts


_RULES = {
    "balance": "shares lie between 0 and 1 and sum to at most 1",
    "bigger": "the share is multiplied by a factor of 1 or more",
    "smaller": "the share is divided by a factor of 1 or more",
}


def _require_number(number: Any, verb: str, name: str) -> None:
    fits = isinstance(number, (int, float, np.integer, np.floating)) and not isinstance(number, bool)
    finite = fits and math.isfinite(number)
    if finite and (0 <= number <= 1 if verb == "balance" else number >= 1):
        return
    mend = ""
    if finite and verb == "balance" and 1 < number <= 100:
        mend = f" For {number:g} % write {number / 100:g}."
    elif finite and verb != "balance" and 0 < number < 1:
        other = "bigger" if verb == "smaller" else "smaller"
        way = "large" if other == "bigger" else "small"
        mend = f" To make it {1 / number:.3g} times as {way}, ask for {other} with {1 / number:.3g}."
    raise OptionError(f"{verb} of {name!r}: {_RULES[verb]}, so {number!r} will not do.{mend}")


def _part(predicate: Predicate, words: str, number: float, verb: str) -> Part:
    if verb == "balance":
        return Part(predicate, words, share=number)
    return Part(predicate, words, factor=number if verb == "bigger" else 1 / number)


def _read_predicate(sql: str, wanted: Any, verb: str, table: Table) -> Predicate:
    try:
        return Predicate.parse(sql, table)
    except PredicateError as error:
        if table.names and any(sql.casefold() == name.casefold() for name in table.names):
            raise OptionError(
                f"{verb} of {sql!r}: a column takes its levels with a number each, such as "
                f"{{{sql!r}: {{LEVEL: {wanted!r}}}}}."
            ) from None
        raise OptionError(f"{verb}: {sql!r} is neither a column nor a condition: {error}") from None


def _read_level(name: str, level: Any, verb: str, table: Table) -> tuple[Predicate, str]:
    """Read a key below a column: a level, a range, or a predicate on the column."""
    column = table[name]
    if isinstance(level, str) and level not in (column.levels or ()):
        quoted = '"' + name.replace('"', '""') + '"'
        for sql in (level, f"{quoted} {level}"):
            try:
                predicate = Predicate.parse(sql, table)
            except SimulacraError:
                continue
            if name in predicate.columns:
                return predicate, predicate.sql
        _require_level(name, level, verb, table)
    words = f"{name} = {level!r}" if level is not None else f"{name} is missing"
    if isinstance(level, tuple):
        words = f"{name} from {level[0]} to {level[-1]}" if level else name
    return Predicate.parse({name: level}, table), words


def _require_level(name: str, level: str, verb: str, table: Table) -> None:
    column = table[name]
    missing = level.casefold() in MISSING
    written = name if name.isidentifier() else f'"{name}"'
    way = (
        f" A missing value is asked for as the condition '{written} is null', or None in Python."
        if missing
        else ""
    )
    if missing and column.kind not in TEXTS:
        raise OptionError(f"{verb} of {name!r}: {level!r} is no {column.kind}.{way}")
    if column.kind != "category" or not column.levels:
        return
    if column.sensitive:
        raise OptionError(f"{verb} of {name!r}: the level asked for is none that this column has.{way}")
    raise UnknownName(f"{verb}: {unknown(f'level of {name!r}', level, column.levels)}{way}")


def _with_rest(name: str, parts: list[Part], table: Table) -> Margin:
    # a missing value is none of the kinds named, so it belongs to the rest
    named = " or ".join(f"({part.predicate.sql})" for part in parts)
    rest = Predicate.parse(f"coalesce(not ({named}), true)", table)
    words = f"{name} is another level" if name in table.names else f"not ({name})"
    return Margin(name, (*parts, Part(rest, words)))


def _multiplied(part: Part, share: float, rows: int) -> float:
    if share == 0:
        raise OptionError(
            f"bigger or smaller of `{part.words}`: none of {rows:,} rows that the model drew is of this kind, so there "
            "is no share to change. Ask for a share with balance."
        )
    found = share * (part.factor or 1.0)
    if found > 1:
        raise OptionError(
            f"bigger of `{part.words}`: {_percent(share)} of the rows are of this kind, and {part.factor:g} times as "
            f"many would be {_percent(found)}. Ask for at most {math.floor(100 / share) / 100:g} times."
        )
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
