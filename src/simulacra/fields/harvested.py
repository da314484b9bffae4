"""Every other method of Faker as a field: a harvest of its values, drawn by the stream."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import OptionError, unknown
from simulacra.fakes.vocabulary import FALLBACK
from simulacra.field import Drawn, Given
from simulacra.fields._faker import HARVEST, LOCALES, gather, has_method, list_methods, provider_of
from simulacra.fields._kinds import LocalField, shuffled
from simulacra.fields._words import Words

Places = npt.NDArray[Any]

PREFIX = "faker."

_PROBE = 20

# What is left out can be a real person's number or address, hangs on today's date, or is no value of a column.
_OFFERED = {
    "address": r".*", "automotive": r".*", "bank": r"bank|bank_country", "barcode": r".*", "color": r".*",
    "company": r"(bs|catch_phrase|company)\w*", "currency": r".*", "date_time": r"century|timezone", "doi": r".*",
    "emoji": r".*", "file": r".*", "geo": r".*",
    "internet": r"http_method|http_status_code|port_number|tld|uri_extension|uri_page|uri_path|slug|ipv4_private"
    r"|ipv4_network_class|safe_domain_name",
    "isbn": r".*", "job": r".*", "lorem": r"(word|sentence|paragraph|text)s?",
    "misc": r"boolean|md5|sha1|sha256|uuid4|password",
    "person": r"(\w*_)?name\w*|prefix\w*|suffix\w*|romanized\w*|kana\w*|(first|last|middle)_\w+",
    "python": r"py(bool|int|float|decimal|str)",
    "sbn": r".*", "user_agent": r"\w+_(platform_token|processor)|internet_explorer|opera",
}  # fmt: skip
_INSTEAD = {
    "ssn": ("ssn", "national_id", "tax_id"), "passport": ("passport",), "bank": ("iban", "bic"),
    "credit_card": ("card", "card.provider", "card.expiry"), "phone_number": ("phone",),
    "profile": ("person.name", "email", "birthdate"), "date_time": ("date", "datetime", "time", "year"),
    "internet": ("email", "username", "url", "domain", "ip", "mac"), "misc": ("uuid", "file.name"),
    "person": ("national_id", "person.name"), "company": ("company", "tax_id"), "user_agent": ("user_agent",),
}  # fmt: skip


@dataclass(frozen=True)
class Harvested(LocalField):
    """Values of a method of Faker: those different ones that it gives in 4,000 calls.

    Parameters
    ----------
    method : str
        Its name.
    """

    method: str = ""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw as often as they were found."""
        words, values = _values(locale, self.method)
        return Drawn(values.gather(words.draw(rows, rng)))

    def room_in(self, locale: str, given: Given) -> int:
        """Count the values."""
        return len(_values(locale, self.method)[1])

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Shuffle the values."""
        values = _values(locale, self.method)[1]
        return values.gather(shuffled(places, len(values), rng).astype(np.uint32))


@cache
def find_faker(name: str) -> Harvested:
    """Find a method of Faker as a field.

    Parameters
    ----------
    name : str
        Such as ``"faker.safe_color_name"``.

    Raises
    ------
    UnknownName
        No locale of Faker has such a method.
    OptionError
        Its values could be a real person's, hang on today's date, or are no values of a column.

    Examples
    --------
    >>> find_faker("faker.century").kind
    'text'
    """
    method = name.removeprefix(PREFIX)
    found = None
    for locale in (FALLBACK, *LOCALES):
        if not _has(locale, method):
            continue
        found = locale
        _require_offered(locale, method)
        # a method may be there and fail: Faker knows banks of some countries only
        if _probe(locale, method):
            return _make(method, locale)
    if found is None:
        raise unknown("field", name, [PREFIX + known for known in list_offered(FALLBACK)])
    raise OptionError(
        f"field {PREFIX + method!r} can not be drawn: Faker asks for arguments or a package. Use another one."
    )


def list_offered(locale: str) -> list[str]:
    """List the methods that are offered in a locale.

    Examples
    --------
    >>> "century" in list_offered("en_US"), "ssn" in list_offered("en_US")
    (True, False)
    """
    return [
        method for method in list_methods(locale) if _is_offered(locale, method) and _probe(locale, method)
    ]


def _has(locale: str, method: str) -> bool:
    return method in list_methods(locale)


def _theme(locale: str, method: str) -> str:
    return str(provider_of(locale, method).__provider__).rpartition(".")[2]


def _is_offered(locale: str, method: str) -> bool:
    if not has_method(locale, method):
        return False
    return re.fullmatch(_OFFERED.get(_theme(locale, method), r"(?!)"), method) is not None


def _require_offered(locale: str, method: str) -> None:
    if _is_offered(locale, method):
        return
    instead = " or ".join(repr(name) for name in _INSTEAD.get(_theme(locale, method), ("text.word",)))
    raise OptionError(
        f"field {PREFIX + method!r} is not offered: its values could be a real person's, hang on today's date, or are "
        f"no values of a column. Use {instead}."
    )


@cache
def _probe(locale: str, method: str) -> tuple[Any, ...]:
    """Ask for a few values; none if Faker fails, whatever the reason, or does not follow its seed."""
    try:
        found = gather(locale, method, _PROBE)
        return tuple(found) if found == gather(locale, method, _PROBE) else ()
    except Exception:
        return ()


@cache
def _make(method: str, locale: str) -> Harvested:
    kind, integer = _kind(list(_probe(locale, method)))
    return Harvested(
        PREFIX + method, f"what Faker's {method}() gives, up to {HARVEST:,} different values", kind=kind,
        integer=integer, method=method,
    )  # fmt: skip


def _kind(sample: list[Any]) -> tuple[str, bool]:
    types = {type(value) for value in sample}
    if types == {bool}:
        return "boolean", False
    if types == {int}:
        return "number", True
    if types <= {int, float, Decimal}:
        return "number", False
    for kind, known in (("date", date), ("datetime", datetime), ("time", time)):
        if types == {known}:
            return kind, False
    return "text", False


@cache
def _values(locale: str, method: str) -> tuple[Words, pl.Series]:
    """Harvest a method: the different values, and how often each came."""
    if not _has(locale, method) or not _probe(locale, method):
        raise OptionError(
            f"field {PREFIX + method!r} is not there in locale {locale!r}. Take another locale."
        )
    _require_offered(locale, method)
    # columns of one name have one kind, whatever the locale
    kind = find_faker(PREFIX + method).kind
    counts = Counter(
        write_value(value) if kind == "text" else value for value in gather(locale, method, HARVEST)
    )
    found = list(counts)
    if kind == "number":
        found = [value if isinstance(value, int) else float(value) for value in found]
    words = Words(tuple(str(value) for value in found), tuple(float(count) for count in counts.values()))
    return words, words.levels if kind == "text" else pl.Series(found)


def write_value(value: Any) -> str:
    """Write a value of Faker as a text; lists and mappings as JSON.

    Examples
    --------
    >>> write_value((1, "a"))
    '[1, "a"]'
    """
    plain = isinstance(value, (str, Decimal, date, time))
    return str(value) if plain else json.dumps(value, default=str, ensure_ascii=False)
