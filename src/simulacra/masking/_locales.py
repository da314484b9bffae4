"""Where each value is from: by its own calling code, words or street, and else by its column."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from simulacra.fakes.phones import COUNTRIES
from simulacra.fakes.vocabulary import FALLBACK, known_words, resolve_locale
from simulacra.schema.locales import STREETS

_WORDS = {
    "person.first": ("first", r"^\s*([\p{L}'’]+)"),
    "person.last": ("last", r"([\p{L}'’]+)\s*$"),
    "person.name": ("last", r"^([^,]+),|([\p{L}'’]+)\s*$"),
    "address.city": ("cities", r"^\s*(.+?)\s*$"),
}
_CODE = rf"^\s*(?:\+|00)({'|'.join(sorted(COUNTRIES, key=len, reverse=True))})"


def find_locales(texts: pl.Series, kind: str, columns: pl.Series) -> pl.Series:
    """Find the locale of every value.

    Parameters
    ----------
    texts : Series
        Values.
    kind : str
        What they identify.
    columns : Series
        The locale of the column that each stands in; null where that is not known.

    Returns
    -------
    Series
        Locales of fakes. A word that several countries know is from that of its column, if that is one of them.

    Examples
    --------
    >>> phones = pl.Series(["+49 30 1234567", "(614) 555-0100"])
    >>> find_locales(phones, "phone", pl.Series(["fr_FR", "en_US"])).to_list()
    ['de_DE', 'en_US']
    """
    own: dict[str, str] = {name: resolve_locale(name) for name in columns.drop_nulls().unique()}
    default = columns.replace_strict(own, default=None, return_dtype=pl.String)
    if kind == "phone":
        found = texts.str.extract(_CODE).replace_strict(COUNTRIES, default=None, return_dtype=pl.String)
    elif kind == "address":
        found = _by_street(texts, STREETS)
    elif kind in _WORDS:
        found = _by_word(texts, default, *_WORDS[kind])
    else:
        found = pl.Series([None] * len(texts), dtype=pl.String)
    return pl.select(pl.coalesce(found, default, pl.lit(FALLBACK))).to_series()


def _by_word(texts: pl.Series, default: pl.Series, what: str, pattern: str) -> pl.Series:
    frame = pl.DataFrame({"text": texts, "own": default}).with_row_index("row")
    groups = [
        pl.col("text").str.extract(pattern, group)
        for group in range(1, pattern.count("(") + 1 - pattern.count("(?"))
    ]
    frame = frame.with_columns(word=pl.coalesce(groups).str.to_lowercase())
    known = frame.join(known_words(what), on="word")
    # the rank does not depend on the other values, so that a part of the data is masked like the whole
    ranked = known.sort(
        pl.col("row"), (pl.col("locale") == pl.col("own")).fill_null(False), pl.col("locale") == FALLBACK, "locale",
        descending=[False, True, True, False],
    )  # fmt: skip
    first = ranked.group_by("row", maintain_order=True).first().select("row", "locale")
    return frame.join(first, on="row", how="left", maintain_order="left")["locale"]


def _by_street(texts: pl.Series, patterns: Mapping[str, str]) -> pl.Series:
    frame = pl.DataFrame({"t": texts})
    ways = [
        pl.when(pl.col("t").str.contains(pattern)).then(pl.lit(locale))
        for locale, pattern in patterns.items()
    ]
    return frame.select(pl.coalesce(ways))["literal"]
