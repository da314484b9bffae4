"""What Faker knows of a country, read once: its methods as grammars, or a harvest of what they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import faker
from faker.config import AVAILABLE_LOCALES
from faker.decode import unidecode
from faker.factory import Factory
from faker.providers import BaseProvider

from simulacra.errors import OptionError, unknown
from simulacra.fields._grammar import Node, pick
from simulacra.fields._tracing import UnknownFormat, Untraceable, trace
from simulacra.fields._words import Words, make_words

VERSION: str = faker.VERSION
"""The version of Faker: other versions have other words."""

_RENAMED = {"fr_QC": "fr_CA"}
LOCALES: tuple[str, ...] = tuple(sorted(set(AVAILABLE_LOCALES) - set(_RENAMED)))
"""The locales that Faker has."""

HARVEST = 4_000
_DEEP = 12
_TRIED = 40


class Unsteady(UnknownFormat, OptionError):
    """A method takes random numbers from elsewhere, so that its values can not be had again."""


@cache
def resolve_faker_locale(locale: str) -> str:
    """Find a locale as Faker writes it; a hyphen will do, and capitals do not count.

    Raises
    ------
    UnknownName
        Faker has no such locale.

    Examples
    --------
    >>> resolve_faker_locale("de-at")
    'de_AT'
    """
    wanted = locale.strip().replace("-", "_").casefold()
    for known in (*LOCALES, *_RENAMED):
        if known.casefold() == wanted:
            return _RENAMED.get(known, known)
    language, _, country = wanted.partition("_")
    near = [
        known
        for known in LOCALES
        if language == known[:2] or (country and known.casefold().endswith(country))
    ]
    raise unknown("locale", locale, near or LOCALES)


@cache
def _generator(locale: str) -> Any:
    return Factory.create(locale)


def has_method(locale: str, method: str) -> bool:
    """Tell whether the providers of a locale have a method."""
    return callable(getattr(_generator(locale), method, None))


@cache
def list_methods(locale: str) -> tuple[str, ...]:
    """List the methods of the providers of a locale."""
    helpers = set(dir(BaseProvider))
    names = {
        name
        for provider in _generator(locale).providers
        for name in dir(provider)
        if name not in helpers and not name.startswith("_") and callable(getattr(provider, name))
    }
    return tuple(sorted(name for name in names if name.islower()))


@cache
def provider_of(locale: str, method: str) -> Any:
    """Return the provider that a method belongs to, for the lists and settings that it holds."""
    return getattr(_generator(locale), method).__self__


@cache
def grammar(locale: str, method: str) -> Node:
    """Return the grammar of a method; where it can not be read, the values that a harvest found.

    Parameters
    ----------
    locale : str
        One of `LOCALES`.
    method : str
        Such as ``"city"``.

    Examples
    --------
    >>> len(grammar("de_DE", "first_name_female").texts) > 500
    True
    """
    return _read(locale, method, 0)


def _read(locale: str, method: str, depth: int) -> Node:
    def resolve(name: str) -> Node:
        # some formats of Faker name the list in place of the method that picks from it
        name = name if has_method(locale, name) else name.replace("names", "name")
        if not has_method(locale, name):
            raise UnknownFormat
        return _read_again(locale, name, depth + 1)

    if depth > _DEEP:
        return harvest(locale, method)
    try:
        return trace(getattr(_generator(locale), method), resolve)
    except Untraceable:
        return harvest(locale, method)


@cache
def _read_again(locale: str, method: str, depth: int) -> Node:
    return _read(locale, method, depth)


@cache
def harvest(locale: str, method: str, rows: int = HARVEST) -> Words:
    """Ask Faker for values of a method, and keep the different ones with how often each came.

    Examples
    --------
    >>> len(harvest("en_US", "currency_code")) > 100
    True
    """
    if gather(locale, method, _TRIED) != gather(locale, method, _TRIED):
        raise Unsteady(
            f"Faker's {method}() of locale {locale!r} does not follow its seed, so it is no field. Take another."
        )
    counts = Counter(str(value) for value in gather(locale, method, rows))
    return replace(make_words(list(counts), [float(count) for count in counts.values()]), whole=False)


def gather(locale: str, method: str, rows: int) -> list[Any]:
    """Call a method of a fresh generator with a fixed seed.

    Examples
    --------
    >>> gather("en_US", "boolean", 2) == gather("en_US", "boolean", 2)
    True
    """
    source = Factory.create(locale)
    source.seed_instance(0)
    ask: Callable[[], Any] = getattr(source, method)
    return [ask() for _ in range(rows)]


def to_latin(text: str) -> str:
    """Write a text of any script in Latin letters.

    Examples
    --------
    >>> to_latin("Иван")
    'Ivan'
    """
    return str(unidecode(text))


def either(*nodes: Node) -> Node:
    """Choose evenly among grammars; lists become one list in which each has the same share."""
    lists = [node for node in nodes if isinstance(node, Words)]
    if len(lists) < len(nodes):
        return pick(nodes)
    texts: list[str] = []
    weights: list[float] = []
    for one in lists:
        own = one.weights or (1.0,) * len(one)
        texts += one.texts
        weights += [weight / sum(own) for weight in own]
    return make_words(texts, weights)
