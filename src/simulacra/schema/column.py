"""One column of a table: its kind, and every fact about its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from simulacra.errors import SchemaError, unknown
from simulacra.schema.recipe import Recipe

Kind = Literal["number", "category", "boolean", "date", "datetime", "time", "duration", "text", "key"]
KINDS: tuple[str, ...] = get_args(Kind)
Bound = int | float | date | datetime | time | timedelta

IDENTIFYING = (
    "address", "address.city", "address.postcode", "bic", "card", "email", "iban", "ip", "licence", "mac",
    "national_id.br", "national_id.cn", "national_id.cz", "national_id.de", "national_id.es", "national_id.fr",
    "national_id.gb", "national_id.in", "national_id.it", "national_id.nl", "national_id.pl", "national_id.se",
    "passport", "person.first", "person.last", "person.name", "phone", "plate", "ssn", "url", "username",
)  # fmt: skip
"""What a text can identify; such a column is replaced by fakes."""

FIXED = "fixed"
"""`Column.format` of a number that is always written with all its decimals (1.50)."""

_LOCALE = re.compile(r"[a-z]{2}[_-][A-Za-z]{2}")
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
        A number without a fractional part. An identifying text that is digits only, and goes out as a whole number.
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
        What it identifies: ``email``, ``phone``, ``person.name``, ``person.first``, ``person.last``, ``username``,
        ``address``, ``address.city``, ``address.postcode``, ``card``, ``iban``, ``bic``, ``ssn``, ``national_id.XX``
        (XX: br, cn, cz, de, es, fr, gb, in, it, nl, pl or se), ``passport``, ``licence``, ``plate``, ``ip``, ``mac`` or
        ``url``. Such a column is of kind text (or key), is replaced by fakes and never learnt.
    locale : str or None
        Language and country of the fakes of an identifying column, such as ``de_DE``; None to go by the values.
    sensitive : bool
        Its values are never shown in messages or in the part of a report that may be shared.
    declared : bool
        True: levels and bounds are public knowledge, so rare levels and extremes are given out. False: they were read
        from the data. Single values inside the bounds are protected either way.
    protect : bool
        False switches the protection of rare levels, extremes and unique values off for this column.
    required : bool
        True: a contract or a database says that no value may be missing, and a database that it is written to says so
        too. `nullable` alone may only tell what data show.
    default : str or None
        What a database puts in where a row says nothing: a SQL expression such as ``'new'`` or ``CURRENT_TIMESTAMP``.
    rule : mapping or None
        How values are made without data, such as ``{"lognormal": [10, 0.5]}``; see `simulacra.rules`. Such a column is
        never learnt.

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
    locale: str | None = None
    sensitive: bool = False
    declared: bool = False
    protect: bool = True
    required: bool = False
    default: str | None = None
    rule: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        where = f"column {self.name!r}"
        if self.rule is not None:
            if not isinstance(self.rule, Mapping):
                raise SchemaError(
                    f"{where}: a rule is a mapping such as {{uniform: [0, 1]}}, not {self.rule!r}."
                )
            object.__setattr__(self, "rule", Recipe(self.rule))
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
        if (
            self.integer
            and self.kind not in {"number", "key"}
            and not (self.kind == "text" and self.identifying)
        ):
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
            if self.kind not in {"text", "key"}:
                raise SchemaError(
                    f"{where}: an identifying column is replaced by fakes. Make its kind 'text', or 'key'."
                )
        if self.locale is not None:
            self._check_locale(where)
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (OSError, ValueError, KeyError) as error:
                raise SchemaError(
                    f"{where}: {self.timezone!r} is no time zone. Use an IANA name such as 'Europe/Paris'."
                ) from error

    def _check_locale(self, where: str) -> None:
        if self.identifying is None:
            raise SchemaError(
                f"{where}: only an identifying column has a locale. Say what it identifies, or remove it."
            )
        if not isinstance(self.locale, str) or not _LOCALE.fullmatch(self.locale):
            raise SchemaError(
                f"{where}: {self.locale!r} is no locale. Write language and country, such as 'de_DE'."
            )

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
