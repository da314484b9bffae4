"""Numbers of people, accounts, cards, papers and plates: of kept ranges where there are such, with check digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import OptionError
from simulacra.fakes.vocabulary import FALLBACK
from simulacra.fakes.vocabulary import LOCALES as FAKED
from simulacra.field import Drawn, Field, Given
from simulacra.fields._faker import grammar, provider_of
from simulacra.fields._grammar import Node, by_code, pick, shape
from simulacra.fields._kinds import Faked, Listed, LocalField, Written, plain
from simulacra.fields._words import Words, make_words

Places = npt.NDArray[Any]

NATIONAL = ("br", "cn", "cz", "de", "es", "fr", "gb", "in", "it", "nl", "pl", "se")
"""Countries whose national numbers can be made."""

# accounts behind the country and its check digits (ISO 13616), of countries whose fakes have none of their own
_IBANS = {
    "AT": "#" * 16, "BE": "#" * 12, "BG": "????" + "#" * 14, "CH": "#" * 17, "CY": "#" * 24, "DK": "#" * 14,
    "EE": "#" * 16, "FI": "#" * 14, "GR": "#" * 23, "HR": "#" * 17, "HU": "#" * 24, "IE": "????" + "#" * 14,
    "IL": "#" * 19, "IS": "#" * 22, "LI": "#" * 17, "LT": "#" * 16, "LU": "#" * 16, "LV": "????" + "#" * 13,
    "NO": "#" * 11, "PT": "#" * 21, "RO": "????" + "#" * 16, "SA": "#" * 20, "SI": "#" * 15, "SK": "#" * 20,
    "TR": "#" * 22,
}  # fmt: skip
# no employer's number begins with 00, and no country has a number of all zeros before its last six digits
_TAX = "00-#######"

# Faker's plates of this country do not follow its seed
_PLATES = {"uk_UA": tuple(f"{region} #### ??" for region in ("AA", "AX", "BC", "BH", "KA", "AE", "CB", "BX"))}

_CARDS = {
    "Visa": "4###############", "Mastercard": "5###############", "Discover": "6###############",
    "American Express": "3##############",
}  # fmt: skip
_PROVIDERS = Words(tuple(_CARDS), (0.52, 0.32, 0.04, 0.12))
_YEARS = range(27, 33)
_EXPIRY = make_words([f"{month:02d}/{year}" for year in _YEARS for month in range(1, 13)])


def _country(locale: str) -> str:
    return locale.partition("_")[2] or locale.upper()


def _iban(locale: str) -> tuple[str, str, tuple[str, ...]]:
    country = _country(locale)
    if locale in FAKED or country not in _IBANS:
        near = next(
            (one for one in FAKED if one.endswith(f"_{country}")), locale if locale in FAKED else FALLBACK
        )
        return "iban", near, ()
    return "iban", FALLBACK, (f"{country}##{_IBANS[country]}",)


def _bic(locale: str) -> tuple[str, str, tuple[str, ...]]:
    country = _country(locale) if len(_country(locale)) == 2 else "US"
    return "bic", FALLBACK, (f"????{country}?#",)


def _national(locale: str) -> tuple[str, str, tuple[str, ...]]:
    country = _country(locale).lower()
    if country in NATIONAL:
        return f"national_id.{country}", FALLBACK, ()
    if country in {"us", "aa"}:
        return "ssn", FALLBACK, ()
    raise OptionError(
        f"there are no national numbers for locale {locale!r}. There are such for us, {', '.join(NATIONAL)}."
    )


def _tax(locale: str) -> tuple[str, str, tuple[str, ...]]:
    country = _country(locale).lower()
    if country in {"br", "de", "es", "it", "nl", "pl"}:
        return f"national_id.{country}", FALLBACK, ()
    return "plate", FALLBACK, (_TAX if country == "us" else f"{country.upper()}000######",)


@cache
def _plate(locale: str) -> Node:
    """Return the plates of a country: from its list of forms where it has one."""
    own = provider_of(locale, "license_plate")
    forms = _PLATES.get(locale) or getattr(own, "license_formats", ())
    if not forms:
        return grammar(locale, "license_plate")
    weights = list(forms.values()) if isinstance(forms, dict) else None
    return pick([shape(form, signs="#%?") for form in forms], weights)


@dataclass(frozen=True)
class Card(LocalField):
    """Card numbers with the beginnings that payment firms use for tests, by provider."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Write numbers of the given providers, or of some."""
        told = plain(given.get("provider"))
        codes = _PROVIDERS.draw(rows, rng) if told is None else _read_providers(told, rows)
        makers = [_card(style) for style in _CARDS.values()]
        return Drawn(by_code(codes, len(makers), lambda code, mine: makers[code].draw(len(mine), rng).values))

    def room_in(self, locale: str, given: Given) -> int | None:
        """Count the numbers of one provider: the given one, or Visa."""
        return self._one(given).room()

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Number the cards of one provider."""
        return self._one(given).number(places, rng)

    def _one(self, given: Given) -> Faked:
        told = plain(given.get("provider"))
        if isinstance(told, pl.Series):
            raise OptionError(
                "unique cards can not follow a column of providers. Give one provider, or let them repeat."
            )
        return _card(list(_CARDS.values())[0 if told is None else int(_read_providers(told, 1)[0])])


@cache
def _card(style: str) -> Faked:
    return Faked("card", "", fake=lambda locale: ("card", FALLBACK, (style,)))


def _read_providers(told: str | pl.Series, rows: int) -> npt.NDArray[Any]:
    """Find providers by the letters that they begin with; what is none of them is a Visa card."""
    texts = told.cast(pl.String) if isinstance(told, pl.Series) else pl.repeat(told, rows, eager=True)
    begin = texts.str.to_lowercase().str.slice(0, 4)
    known = {name[:4].lower(): code for code, name in enumerate(_CARDS)} | {"amex": 3, "maes": 1}
    return np.asarray(begin.replace_strict(known, default=0, return_dtype=pl.UInt8).fill_null(0).to_numpy())


@cache
def _code(locale: str) -> Words:
    return make_words([f"{number:03d}" for number in range(1_000)])


def _fixed(kind: str, *styles: str) -> Any:
    return lambda locale: (kind, FALLBACK, styles)


def _providers(locale: str) -> Words:
    return _PROVIDERS


def _expiry(locale: str) -> Words:
    return _EXPIRY


def _national_of(country: str) -> Field:
    kind = f"national_id.{country}"
    return Faked(kind, f"national number of {country.upper()}", (), identifying=kind, fake=_fixed(kind))


def fields() -> list[Field]:
    """Return the fields of papers and accounts."""
    national = [_national_of(country) for country in NATIONAL]
    return [
        Faked("ssn", "US social security number from 900 up: never given out", (), identifying="ssn",
              fake=_fixed("ssn")),
        Faked("national_id", "national number of the country, with check digits", fake=_national),
        *national,
        Faked("tax_id", "tax number, in a range that is not given out where there is one", fake=_tax),
        Faked("passport", "number of a passport: a letter and eight digits", (), identifying="passport",
              fake=_fixed("passport")),
        Faked("licence", "number of a driving licence: a letter and seven digits", (), identifying="licence",
              fake=_fixed("licence")),
        Written("plate", "number plate as the country has them: it can be somebody's by chance", node=_plate,
                identifying="plate"),
        Faked("iban", "account number of a bank that does not exist, with check digits", identifying="iban",
              fake=_iban),
        Faked("bic", "code of a bank, marked as a test", fake=_bic, identifying="bic"),
        Card("card", "card number with a beginning kept for tests, and its check digit", ("provider",),
             identifying="card"),
        Listed("card.provider", "provider of a card", (), words=_providers),
        Listed("card.expiry", "month and year until which a card is good, from 2027 to 2032", (), words=_expiry),
        Listed("card.code", "three digits on the back of a card", (), kind="text", words=_code),
    ]  # fmt: skip
