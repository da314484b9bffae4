"""Firms, jobs, products and vehicles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from simulacra.fakes.vocabulary import fold
from simulacra.field import Drawn, Field, Given
from simulacra.fields import _goods as goods
from simulacra.fields._faker import grammar, harvest, to_latin
from simulacra.fields._grammar import Node, draw_texts, glue, join
from simulacra.fields._kinds import Listed, LocalField, Written, plain
from simulacra.fields._splitting import fold_column
from simulacra.fields._words import Words, make_words


@cache
def _company(locale: str) -> Node:
    return grammar(locale, "company")


@cache
def jobs(locale: str) -> Words:
    """List the jobs of a locale."""
    node = grammar(locale, "job")
    return node if isinstance(node, Words) else harvest(locale, "job")


@cache
def _suffixes(locale: str) -> Words:
    node = grammar(locale, "company_suffix")
    return node if isinstance(node, Words) else harvest(locale, "company_suffix")


@cache
def _catchphrase(locale: str) -> Node:
    return harvest(locale, "catch_phrase")


@cache
def _slogan(locale: str) -> Node:
    return harvest(locale, "bs")


@dataclass(frozen=True)
class CompanyEmail(LocalField):
    """An address of a firm below ``example``, a top-level domain that no one can own."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Write the firms that are given, or draw some."""
        told = plain(given.get("company"))
        firms = draw_texts(_company(locale), rows, rng) if told is None else told
        box = _BOXES.series.gather(_BOXES.draw(rows, rng))
        if isinstance(firms, str):
            name = fold(firms, locale) or fold(to_latin(firms), locale) or "firm"
            return Drawn(box + f"@{name}.example")
        # a label of a domain has at most 63 letters (RFC 1035)
        return Drawn(glue([box, "@", fold_column(firms, locale).str.slice(0, 40), ".example"]))


_BOXES = Words(("info", "office", "sales", "contact", "support", "service", "hello", "team"))


def _words(texts: tuple[str, ...]) -> Words:
    return make_words(texts)


_ADJECTIVES, _MATERIALS, _THINGS = (
    _words(texts) for texts in (goods.ADJECTIVES, goods.MATERIALS, goods.THINGS)
)
_CATEGORIES, _VEHICLES = _words(goods.CATEGORIES), _words(goods.VEHICLES)
_MAKES = make_words([vehicle.partition(" ")[0] for vehicle in goods.VEHICLES])
_PRODUCT = join([_ADJECTIVES, " ", _MATERIALS, " ", _THINGS])


def _product(locale: str) -> Node:
    return _PRODUCT


def _category(locale: str) -> Words:
    return _CATEGORIES


def _vehicle(locale: str) -> Words:
    return _VEHICLES


def _make(locale: str) -> Words:
    return _MAKES


def fields() -> list[Field]:
    """Return the fields of work and trade."""
    return [
        Written("company", "name of a firm", node=_company),
        Listed("company.suffix", "legal form of a firm", words=_suffixes),
        Written("company.catchphrase", "what a firm says of itself", node=_catchphrase),
        Written("company.slogan", "what a firm promises to do", node=_slogan),
        CompanyEmail(
            "company.email",
            "address of a firm below .example",
            ("locale", "country", "company"),
            identifying="email",
        ),
        Listed("job", "job title", words=jobs),
        Written("product", "made-up product, in English", node=_product),
        Listed("product.category", "kind of product, in English", words=_category),
        Listed("vehicle", "make and model of a car", words=_vehicle),
        Listed("vehicle.make", "make of a car", words=_make),
    ]
