"""Names, cities and streets of a locale, from lists that come with the package."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

_FOLDER = Path(__file__).parent / "locales"
LOCALES = tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))
"""The locales that fakes can be of."""

FALLBACK = "en_US"
_SPECIAL = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "æ": "ae", "đ": "d", "ı": "i", "œ": "oe"}
)
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})


@dataclass(frozen=True)
class Vocabulary:
    """The lists of one locale.

    Parameters
    ----------
    locale : str
        Language and country: ``de_DE``.
    female, male : Series
        First names.
    last_female, last_male : Series
        Last names; the same ones where the language has one form.
    cities : Series
        Cities and towns.
    streets : Series
        Names of streets.
    line : str
        How a street and a house number stand together.
    postcode : str
        Shape of a postcode.
    """

    locale: str
    female: pl.Series
    male: pl.Series
    last_female: pl.Series
    last_male: pl.Series
    cities: pl.Series
    streets: pl.Series
    line: str
    postcode: str


def fold(text: str, locale: str = FALLBACK) -> str:
    """Write a name in the small letters a to z, as addresses on the net are written.

    Examples
    --------
    >>> fold("Müller", "de_DE"), fold("O'Néill"), fold("Łukasz")
    ('mueller', 'oneill', 'lukasz')
    """
    if locale.startswith("de"):
        text = text.translate(_GERMAN)
    plain = unicodedata.normalize("NFKD", text.translate(_SPECIAL)).lower()
    return "".join(sign for sign in plain if "a" <= sign <= "z")


def resolve_locale(locale: str | None) -> str:
    """Find the locale nearest to one asked for: itself, one of its language, one of its country, or ``en_US``.

    Parameters
    ----------
    locale : str or None
        Such as ``de_AT``; a hyphen will do for the underscore.

    Returns
    -------
    str
        One of `LOCALES`.

    Examples
    --------
    >>> resolve_locale("de-AT"), resolve_locale("pt_PT"), resolve_locale("ja_JP")
    ('de_DE', 'pt_BR', 'en_US')
    """
    language, _, country = (locale or FALLBACK).replace("-", "_").partition("_")
    wanted = f"{language.lower()}_{country.upper()}"
    if wanted in LOCALES:
        return wanted
    if language.lower() == "en":
        return FALLBACK
    near = [name for name in LOCALES if name.startswith(f"{language.lower()}_")]
    return (
        near[0]
        if near
        else next((x for x in LOCALES if country and x.endswith(f"_{country.upper()}")), FALLBACK)
    )


@cache
def vocabulary(locale: str) -> Vocabulary:
    """Read the lists of a locale, once.

    Parameters
    ----------
    locale : str
        One of `LOCALES`.

    Notes
    -----
    **Source**: Faker's lists (MIT licence, in the folder ``locales``).

    Examples
    --------
    >>> "Anna" in vocabulary("de_DE").female
    True
    """
    lists: dict[str, Any] = json.loads((_FOLDER / f"{locale}.json").read_text(encoding="utf-8"))
    last = lists.get("last", [])
    female, male = pl.Series(lists["female"]), pl.Series(lists["male"])
    last_male = pl.Series(lists.get("last_male", last))
    street = lists["street"]
    stems = {"last": last_male.to_list(), "first": lists["female"]}.get(str(street["stems"]), street["stems"])
    streets = [street["form"].format(stem=stem, word=word) for word in street["words"] for stem in stems]
    return Vocabulary(
        locale, female, male, pl.Series(lists.get("last_female", last)), last_male, pl.Series(lists["cities"]),
        pl.Series(list(dict.fromkeys(streets))), street["line"], lists["postcode"],
    )  # fmt: skip


@cache
def known_words(what: str) -> pl.DataFrame:
    """List the first names, last names or cities of all locales, with the locales that have each.

    Parameters
    ----------
    what : str
        ``"first"``, ``"last"`` or ``"cities"``.

    Returns
    -------
    DataFrame
        Columns ``word`` (in small letters) and ``locale``.

    Examples
    --------
    >>> known_words("first").filter(pl.col("word") == "jürgen")["locale"].to_list()
    ['de_DE']
    """
    pieces = []
    for locale in LOCALES:
        own = vocabulary(locale)
        lists = {
            "first": [own.female, own.male],
            "last": [own.last_female, own.last_male],
            "cities": [own.cities],
        }[what]
        words = pl.concat(lists).str.to_lowercase().unique(maintain_order=True)
        pieces.append(pl.DataFrame({"word": words}).with_columns(locale=pl.lit(locale)))
    return pl.concat(pieces)
