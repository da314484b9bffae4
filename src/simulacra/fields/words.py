"""Words, sentences and paragraphs; colours, currencies, languages; numbers of books and goods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.fakes._numbers import Numbers
from simulacra.fakes._writing import Bytes, fill, to_texts
from simulacra.fakes.checksums import weighted
from simulacra.fakes.vocabulary import FALLBACK
from simulacra.field import Drawn, Field, Given
from simulacra.fields._faker import grammar, harvest, provider_of
from simulacra.fields._grammar import Node, join, shape
from simulacra.fields._kinds import Listed, LocalField, Written, shuffled
from simulacra.fields._words import Words

Places = npt.NDArray[Any]

_WORDS = (4, 10)
_SENTENCES = (3, 6)


@cache
def _vocabulary(locale: str) -> Words:
    node = grammar(locale, "word")
    return node if isinstance(node, Words) else harvest(locale, "word")


@cache
def _capitals(locale: str) -> pl.Series:
    return pl.Series([text[:1].upper() + text[1:] for text in _vocabulary(locale).texts])


def _sentences(locale: str, rows: int, rng: np.random.Generator) -> pl.Series:
    """Write between 4 and 10 words, joined and ended as the language does."""
    own, words = provider_of(locale, "word"), _vocabulary(locale)
    low, high = _WORDS
    count = rng.integers(low, high + 1, size=rows)
    first = _capitals(locale).gather(words.draw(rows, rng))
    between = pl.Series([f"{own.word_connector}{text}" for text in words.texts])
    more = [
        between.gather(words.draw(rows, rng)).set(pl.Series(count <= place), "") for place in range(1, high)
    ]
    frame = pl.DataFrame({str(place): column for place, column in enumerate([first, *more])})
    end = own.sentence_punctuation.strip() or "."
    return frame.select(pl.concat_str(pl.all(), pl.lit(end)).alias("s"))["s"]


@dataclass(frozen=True)
class Sentence(LocalField):
    """A few words of the language, that mean nothing together."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw the words."""
        return Drawn(_sentences(locale, rows, rng))


@dataclass(frozen=True)
class Paragraph(LocalField):
    """Three to six sentences."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw the sentences."""
        low, high = _SENTENCES
        count = rng.integers(low, high + 1, size=rows)
        mark = provider_of(locale, "word").word_connector
        columns = [
            (_sentences(locale, rows, rng) if place == 0 else mark + _sentences(locale, rows, rng)).set(
                pl.Series(count <= place), ""
            )
            for place in range(high)
        ]
        frame = pl.DataFrame({str(place): column for place, column in enumerate(columns)})
        return Drawn(frame.select(pl.concat_str(pl.all()).alias("p"))["p"])


@dataclass(frozen=True)
class Coded(LocalField):
    """Numbers of thirteen digits with the check digit of GS1.

    Parameters
    ----------
    form : str
        The first twelve digits, as a shape.
    """

    form: str = "2###########"

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw numbers evenly."""
        return Drawn(self._write(rng.integers(self.room_in(locale, given), size=rows, dtype=np.uint64)))

    def room_in(self, locale: str, given: Given) -> int:
        """Count the numbers."""
        return int(10 ** self.form.count("#"))

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Shuffle the numbers."""
        return self._write(shuffled(places, self.room_in(locale, given), rng))

    def _write(self, numbers: Numbers) -> pl.Series:
        body: Bytes = fill(self.form, numbers)
        check = -weighted(body.astype(np.int64) - 48, [1, 3] * 6) % 10
        return to_texts(np.column_stack([body, check + 48]).astype(np.uint8))


def _harvested(method: str) -> Callable[[str], Words]:
    def words(locale: str) -> Words:
        node = grammar(locale, method)
        return node if isinstance(node, Words) else harvest(locale, method)

    return words


def _english(method: str) -> Callable[[str], Words]:
    return lambda locale: harvest(FALLBACK, method)


_HEX = join(["#", shape("^^^^^^", "0123456789abcdef", "^")])


def _hex(locale: str) -> Node:
    return _HEX


def fields() -> list[Field]:
    """Return the fields of words."""
    return [
        Listed("text.word", "word of the language", words=_vocabulary),
        Sentence("text.sentence", "words of the language in a row"),
        Paragraph("text.paragraph", "three to six sentences"),
        Listed("colour", "name of a colour", words=_harvested("color_name")),
        Written("colour.hex", "colour as #rrggbb", (), node=_hex),
        Listed("currency", "code of a currency", (), words=_english("currency_code")),
        Listed("currency.name", "name of a currency", (), words=_english("currency_name")),
        Listed("language", "name of a language", words=_harvested("language_name")),
        Listed("language.code", "code of a language", (), words=_english("language_code")),
        Listed("locale", "language and country", (), words=_english("locale")),
        Listed("timezone", "IANA name of a time zone", (), words=_english("timezone")),
        Coded("isbn", "number of a book, with its check digit", (), form="978#########"),
        Coded("ean", "number of goods from the range for use within a shop, with its check digit", ()),
    ]
