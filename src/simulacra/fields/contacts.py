"""E-mail addresses and user names made of names; telephone numbers that reach nobody."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import OptionError
from simulacra.fakes._numbers import MOST, mix
from simulacra.fakes.emails import DOMAINS
from simulacra.fakes.phones import COUNTRIES
from simulacra.fakes.vocabulary import FALLBACK
from simulacra.fakes.vocabulary import LOCALES as FAKED
from simulacra.field import Drawn, Field, Given, Parts
from simulacra.fields._calling import CALLING_CODES, KEPT
from simulacra.fields._grammar import by_code, glue
from simulacra.fields._kinds import Faked, LocalField, order_key, plain, shuffled, take
from simulacra.fields._naming import naming
from simulacra.fields._places import read_locales
from simulacra.fields._words import Codes
from simulacra.fields.people import CodedParts, draw_people, find_parts

Places = npt.NDArray[Any]

_HALF = 2**32 - 1


@cache
def _endings(locale: str, head: str, domains: tuple[str, ...]) -> pl.Series:
    """Write every last name with what stands before and behind: so one gather and one sum write an address."""
    last = naming(locale).slug_last
    ends = pl.Series([f"@{domain}" if domain else "" for domain in domains])
    return pl.concat([head + last + end for end in ends])


def _domain(given: Given, rows: int) -> tuple[str, ...] | pl.Series:
    told = plain(given.get("domain"))
    return DOMAINS if told is None else (told,) if isinstance(told, str) else told


@dataclass(frozen=True)
class Email(LocalField):
    """Addresses ``first.last`` at domains that no one can own."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Write the names that are given, or draw some."""
        parts = find_parts(given, locale) or draw_people(naming(locale), rows, rng, given)
        domain = _domain(given, rows)
        if isinstance(domain, pl.Series):
            return Drawn(
                glue([parts.text("slug.first"), ".", parts.text("slug.last"), "@", domain.cast(pl.String)])
            )
        which = rng.integers(len(domain), size=rows, dtype=np.uint32)
        if isinstance(parts, CodedParts):
            tails = _endings(parts.own.locale, ".", domain)
            tail = tails.gather(parts.last + which * np.uint32(len(parts.own.last)))
            return Drawn(parts.text("slug.first") + tail)
        ends = pl.Series([f"@{one}" for one in domain])
        return Drawn(glue([parts.text("slug.first"), ".", parts.text("slug.last"), ends.gather(which)]))

    def room_in(self, locale: str, given: Given) -> int:
        """Count the addresses: as many as anyone needs, with numbers behind the names."""
        return MOST

    def room(self, given: Given | None = None) -> int:
        """Count the addresses: as many as anyone needs, with numbers behind the names."""
        return MOST

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Take different names first, and put numbers behind them when these run out, or where names are given."""
        parts = find_parts(given, locale)
        domain = plain(given.get("domain"))
        at = "@" + (domain if isinstance(domain, str) else DOMAINS[0])
        if isinstance(domain, pl.Series):
            raise OptionError(
                "unique addresses can not follow a column of domains. Give one domain, or let them repeat."
            )
        if parts is not None:
            return _behind(parts, ".", ".", places, at)
        first, last = _slugs(locale)
        pairs = len(first) * len(last)
        number = shuffled(places % pairs, pairs, rng).astype(np.int64)
        again = places // pairs
        name = glue([first.gather(number % len(first)), ".", last.gather(number // len(first))])
        if again.any():
            more = "." + pl.Series(again).cast(pl.String)
            name = name.zip_with(pl.Series(again == 0), name + more)
        return name + at

    def number(self, places: Places, rng: np.random.Generator, given: Given | None = None) -> pl.Series:
        """Number the addresses; where names are given, or locales change from row to row, each has its row's number."""
        inputs = given or {}
        where = read_locales(inputs)
        if isinstance(where, str):
            return self.number_in(where, places, rng, inputs)
        codes, locales = where
        if any(inputs.get(option) is not None for option in ("name", "first", "last")):
            return by_code(
                codes,
                len(locales),
                lambda code, mine: self.number_in(locales[code], places[mine], rng, take(inputs, mine)),
            )
        key = order_key(rng)

        def write(code: int, mine: Codes) -> pl.Series:
            # the names of a place hang on the place alone, so that any rows can be made in any order
            first, last = _slugs(locales[code])
            bits = mix(places[mine].astype(np.uint64), key)
            parts = _Gathered(
                first.gather((bits & np.uint64(_HALF)) % np.uint64(len(first))),
                last.gather((bits >> np.uint64(32)) % np.uint64(len(last))),
            )
            return self.number_in(
                locales[code], places[mine], rng, {**take(inputs, mine), "name": Drawn(parts.first, parts)}
            )

        return by_code(codes, len(locales), write)


def _behind(parts: Parts, mark: str, before: str, places: Places, at: str) -> pl.Series:
    """Put the place of each row, from 1, behind its name: so no two are alike, whatever the names are."""
    return glue([
        parts.text("slug.first"), mark, parts.text("slug.last"), before,
        pl.Series(places + 1).cast(pl.String), at,
    ])  # fmt: skip


@cache
def _slugs(locale: str) -> tuple[pl.Series, pl.Series]:
    own = naming(locale)
    return own.slug_first.unique(maintain_order=True), own.slug_last.unique(maintain_order=True)


@cache
def _logins(locale: str) -> tuple[pl.Series, pl.Series]:
    """Return first letters, and last names with each two digits behind."""
    own = naming(locale)
    digits = [f"{number:02d}" for number in range(100)]
    tails = [f"{last}{digit}" for last in own.slug_last for digit in digits]
    return own.slug_first.str.slice(0, 1), pl.Series(tails)


@dataclass(frozen=True)
class Username(Email):
    """First letter, last name, two digits: ``alee42``."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Write the names that are given, or draw some."""
        parts = find_parts(given, locale) or draw_people(naming(locale), rows, rng, given)
        digits = rng.integers(100, size=rows, dtype=np.uint32)
        if isinstance(parts, CodedParts):
            heads, tails = _logins(parts.own.locale)
            return Drawn(heads.gather(parts.first) + tails.gather(parts.last * np.uint32(100) + digits))
        texts = pl.Series([f"{number:02d}" for number in range(100)])
        return Drawn(
            glue([parts.text("slug.first").str.slice(0, 1), parts.text("slug.last"), texts.gather(digits)])
        )

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Put a number behind each name."""
        parts = find_parts(given, locale)
        if parts is None:
            first, last = _slugs(locale)
            size = len(first) * len(last)
            number = shuffled(places % size, size, rng).astype(np.int64)
            parts = _Gathered(first.gather(number % len(first)), last.gather(number // len(first)))
        return glue([
            parts.text("slug.first").str.slice(0, 1), parts.text("slug.last"), pl.Series(places + 1).cast(pl.String)
        ])  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Gathered:
    first: pl.Series
    last: pl.Series

    def text(self, what: str) -> pl.Series:
        return self.first if what.endswith("first") else self.last


def _phone(locale: str) -> tuple[str, str, tuple[str, ...]]:
    """Return how numbers of a country are written, in a range that reaches nobody."""
    if locale in FAKED:
        return "phone", locale, ()
    language, _, country = locale.partition("_")
    if country in KEPT:
        return "plate", FALLBACK, KEPT[country]
    code = CALLING_CODES.get(country or language.upper(), "1")
    if code in COUNTRIES:
        return "phone", COUNTRIES[code], ()
    # a foreign number of which the area begins with 00 exists nowhere
    return "phone", FALLBACK, (f"+{code} ## ### ####",)


def fields() -> list[Field]:
    """Return the fields by which people are reached."""
    people = ("locale", "country", "sex", "name", "first", "last")
    return [
        Email(
            "email",
            "address at example.com, .org or .net, made of a name",
            (*people, "domain"),
            identifying="email",
        ),
        Username("username", "login made of a name and two digits", people, identifying="username"),
        Faked(
            "phone",
            "telephone number of a range that is kept for fiction, or reaches nobody",
            fake=_phone,
            identifying="phone",
        ),
    ]
