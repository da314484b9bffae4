"""Which locale the rows of a field are of: a constant, a column of locales, or a column of countries."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import polars as pl
from faker.providers.date_time import Provider as Calendar

from simulacra.errors import OptionError, unknown
from simulacra.fakes.vocabulary import FALLBACK
from simulacra.field import Drawn, Given
from simulacra.fields._faker import LOCALES, resolve_faker_locale
from simulacra.fields._words import Codes

# of countries with several languages the one that most people write
_FIRST = {
    "BA": "bs_BA", "BD": "bn_BD", "BE": "nl_BE", "CA": "en_CA", "CH": "de_CH", "DK": "da_DK", "DZ": "ar_DZ",
    "IE": "en_IE", "IN": "en_IN", "LU": "de_LU", "NG": "en_NG", "PH": "en_PH", "TH": "th_TH",
}  # fmt: skip
_ALSO = {
    "usa": "US", "u.s.": "US", "united states of america": "US", "uk": "GB", "u.k.": "GB", "great britain": "GB",
    "england": "GB", "scotland": "GB", "wales": "GB", "netherlands": "NL", "the netherlands": "NL", "holland": "NL",
    "ireland": "IE", "china": "CN", "czechia": "CZ", "korea": "KR", "gambia": "GM", "türkiye": "TR", "turkiye": "TR",
    "russian federation": "RU", "deutschland": "DE", "österreich": "AT", "schweiz": "CH", "suisse": "CH",
    "españa": "ES", "italia": "IT", "brasil": "BR", "polska": "PL", "sverige": "SE", "danmark": "DK", "norge": "NO",
    "suomi": "FI", "nederland": "NL", "belgique": "BE", "belgië": "BE", "česko": "CZ", "méxico": "MX", "日本": "JP",
    "中国": "CN", "viet nam": "VN",
}  # fmt: skip


def plain(value: str | pl.Series | Drawn | None) -> str | pl.Series | None:
    """Take the values of what another field drew."""
    return value.values if isinstance(value, Drawn) else value


@cache
def country_code(country: str) -> str | None:
    """Find the two letters of a country by its name or code; None if there is no such country.

    Examples
    --------
    >>> country_code("Germany"), country_code("usa"), country_code("gb"), country_code("FRA")
    ('DE', 'US', 'GB', 'FR')
    """
    wanted = country.strip().casefold()
    if wanted in _ALSO:
        return _ALSO[wanted]
    for known in Calendar.countries:
        names = {known.alpha_2_code, known.alpha_3_code, known.name}
        if wanted in {name.casefold() for name in names}:
            return str(known.alpha_2_code)
    return None


@cache
def locale_of_country(country: str) -> str | None:
    """Find the locale of a country; None where there is none.

    Examples
    --------
    >>> locale_of_country("Switzerland"), locale_of_country("JP"), locale_of_country("Peru")
    ('de_CH', 'ja_JP', None)
    """
    code = country_code(country)
    if code in _FIRST:
        return _FIRST[code]
    return next((locale for locale in LOCALES if code and locale.endswith(f"_{code}")), None)


def read_locales(given: Given) -> str | tuple[Codes, list[str]]:
    """Find the locale of a field: one, or a code for each row and the locales of the codes.

    Raises
    ------
    UnknownName
        There is no such locale.
    OptionError
        A country has no locale, and none is given for such.
    """
    locale, country = plain(given.get("locale")), plain(given.get("country"))
    usual = locale if isinstance(locale, str) else None
    if country is None:
        if not isinstance(locale, pl.Series):
            return resolve_faker_locale(usual or FALLBACK)
        return _each(locale, resolve_faker_locale)
    if isinstance(country, str):
        return _locale_of(country, usual)
    return _each(country, lambda one: _locale_of(one, usual))


def _locale_of(country: str, usual: str | None) -> str:
    found = locale_of_country(country)
    if found is not None:
        return found
    if usual is not None:
        return resolve_faker_locale(usual)
    if country_code(country) is None:
        raise unknown("country", country, [str(known.name) for known in Calendar.countries])
    raise OptionError(
        f"there is no locale of the country {country!r}. Give a locale too: it serves countries that have none."
    )


def _each(values: pl.Series, find: Callable[[str], str]) -> tuple[Codes, list[str]]:
    texts = values.cast(pl.String)
    different = texts.unique(maintain_order=True).sort(nulls_last=True)
    found = [FALLBACK if text is None else find(text) for text in different]
    locales = sorted(set(found))
    codes = texts.replace_strict(different, [locales.index(one) for one in found], return_dtype=pl.UInt32)
    return np.asarray(codes.to_numpy(), dtype=np.uint32), locales
