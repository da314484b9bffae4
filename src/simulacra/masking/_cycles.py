"""Names and cities that lists know: each becomes the next one of its list, in an order that the key decides.

So no two become one, none stays, women stay women, and what a name becomes does not hang on what else is in the data.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from simulacra.fakes.vocabulary import Vocabulary, vocabulary
from simulacra.masking.secret import Secret

LISTED = ("person.first", "person.last", "address.city")
"""Kinds of which there are lists."""


def turn_words(texts: pl.Series, kind: str, locales: pl.Series, secret: Secret) -> pl.Series:
    """Replace the words that the lists of their locale have.

    Parameters
    ----------
    texts : Series
        Different values.
    kind : str
        One of `LISTED`.
    locales : Series
        Where each is from.
    secret : Secret
        The key.

    Returns
    -------
    Series
        Words of the same list, in the same case; null for a word that is in none.

    Examples
    --------
    >>> words, locales = pl.Series(["Anna", "Zzyzx"]), pl.Series(["de_DE", "de_DE"])
    >>> made = turn_words(words, "person.first", locales, Secret.make(b"0123456789abcdef"))
    >>> made[0] in vocabulary("de_DE").female.to_list(), made[1]
    (True, None)
    """
    maps = [
        _turn(words, secret, kind, locale, number).with_columns(locale=pl.lit(locale))
        for locale in locales.unique().sort()
        for number, words in enumerate(_lists(vocabulary(str(locale)), kind))
    ]
    text = pl.col("text").str.strip_chars()
    found = (
        pl.DataFrame({"text": texts, "locale": locales})
        .with_columns(word=text.str.to_lowercase())
        .join(pl.concat(maps), on=["word", "locale"], how="left", maintain_order="left")
    )
    made = (
        pl.when(text == text.str.to_uppercase())
        .then(pl.col("made").str.to_uppercase())
        .when(text == text.str.to_lowercase())
        .then(pl.col("made").str.to_lowercase())
        .otherwise(pl.col("made"))
    )
    return found.select(made=made)["made"]


def _lists(words: Vocabulary, kind: str) -> Iterator[pl.Series]:
    """List the words of a kind, no word twice."""
    if kind == "address.city":
        both = (words.cities, words.cities.clear())
    else:
        both = (words.female, words.male) if kind == "person.first" else (words.last_female, words.last_male)
    first = both[0].filter(both[0].str.to_lowercase().is_first_distinct())
    second = both[1].filter(both[1].str.to_lowercase().is_first_distinct())
    yield first
    yield second.filter(~second.str.to_lowercase().is_in(first.str.to_lowercase().implode()))


def _turn(words: pl.Series, secret: Secret, *names: str | int) -> pl.DataFrame:
    codes = secret.hash_texts(words.to_list(), "cycle", *names)[:, 0]
    order = np.argsort(codes, kind="stable")
    return pl.DataFrame(
        {"word": words.gather(order).str.to_lowercase(), "made": words.gather(np.roll(order, -1))}
    )
