"""The names of people of a locale: lists by sex, and how a name is put together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import polars as pl

from simulacra.fakes.vocabulary import fold
from simulacra.fields._faker import grammar, has_method, provider_of, to_latin
from simulacra.fields._grammar import Node
from simulacra.fields._words import Codes, Words, make_words

FEMALE, MALE = 0, 1
_TOKEN = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_SEXES = ("female", "male")


@dataclass(frozen=True)
class Template:
    """How a name is written: fixed texts, ``{first}`` and ``{last}``, a second ``{last2}``, or grammars."""

    parts: tuple[str | Node, ...]


@dataclass(frozen=True, eq=False)
class Naming:
    """The names of a locale; in each pair women stand first.

    Parameters
    ----------
    locale : str
        Language and country.
    firsts, lasts : pair of Words
        First and last names of women and men; the same list twice where the language makes no difference.
    templates : pair of tuples
        The ways to write the names of women and of men.
    weights : pair of tuples
        How often each way is taken.
    """

    locale: str
    firsts: tuple[Words, Words]
    lasts: tuple[Words, Words]
    templates: tuple[tuple[Template, ...], tuple[Template, ...]]
    weights: tuple[tuple[float, ...], tuple[float, ...]]

    @cached_property
    def first(self) -> pl.Series:
        """All first names: women's, then men's."""
        return pl.concat([words.series for words in self.firsts])

    @cached_property
    def last(self) -> pl.Series:
        """All last names: women's, then men's; once if they are the same."""
        return pl.concat([words.series for words in self._different_lasts])

    @cached_property
    def slug_first(self) -> pl.Series:
        """All first names in letters a to z."""
        return pl.Series([self.slug(text) for text in self.first])

    @cached_property
    def slug_last(self) -> pl.Series:
        """All last names in letters a to z."""
        return pl.Series([self.slug(text) for text in self.last])

    @cached_property
    def _different_lasts(self) -> tuple[Words, ...]:
        return self.lasts[:1] if self.lasts[0] is self.lasts[1] else self.lasts

    @cached_property
    def joined(self) -> pl.Series | None:
        """What follows the other name where all names are of two parts: so one gather and one sum write a name."""
        only = {template.parts for ways in self.templates for template in ways}
        if len(only) != 1:
            return None
        parts = next(iter(only))
        if len(parts) == 3 and parts[0] == "{first}" and parts[2] == "{last}":
            return str(parts[1]) + self.last
        if len(parts) == 3 and parts[0] == "{last}" and parts[2] == "{first}":
            return str(parts[1]) + self.first
        return None

    @property
    def family_first(self) -> bool:
        """Whether the last name is written first."""
        parts = self.templates[0][0].parts
        return parts.index("{last}") < parts.index("{first}")

    @cached_property
    def pooled(self) -> Words:
        """The first names as `first` has them, women's and men's drawn equally often."""
        weights = [words.weights or (1.0,) * len(words) for words in self.firsts]
        shares = [weight / sum(own) for own in weights for weight in own]
        return Words(tuple(text for words in self.firsts for text in words.texts), tuple(shares))

    def draw_sex(self, rows: int, rng: np.random.Generator) -> Codes:
        """Draw women and men evenly."""
        return rng.integers(2, size=rows, dtype=np.uint8)

    def draw_first(self, sex: Codes, rng: np.random.Generator) -> Codes:
        """Draw first names by sex, as places in `first`."""
        female, male = (words.draw(len(sex), rng) for words in self.firsts)
        return np.where(sex == FEMALE, female, male + np.uint32(len(self.firsts[0])))

    def draw_last(self, sex: Codes, rng: np.random.Generator) -> Codes:
        """Draw last names by sex, as places in `last`."""
        if len(self._different_lasts) == 1:
            return self.lasts[0].draw(len(sex), rng)
        female, male = (words.draw(len(sex), rng) for words in self.lasts)
        return np.where(sex == FEMALE, female, male + np.uint32(len(self.lasts[0])))

    def slug(self, text: str) -> str:
        """Write a name as addresses on the net do."""
        return romanized(self.locale).get(text) or fold_name(text, self.locale)


def fold_name(text: str, locale: str) -> str:
    """Write a name of any script in the letters a to z; ``x`` if nothing is left of it.

    Examples
    --------
    >>> fold_name("Иван", "ru_RU"), fold_name("Müller", "de_AT")
    ('ivan', 'mueller')
    """
    return fold(text, locale) or fold(to_latin(text), locale) or "x"


@cache
def romanized(locale: str) -> dict[str, str]:
    """Return the Latin letters of names where Faker gives them name by name."""
    if locale != "ja_JP":
        return {}
    own = provider_of(locale, "name")
    pairs = [*own.first_name_pairs, *own.last_name_pairs]
    return {str(pair[0]): fold(str(pair[2])) for pair in pairs}


@cache
def naming(locale: str) -> Naming:
    """Read the names of a locale.

    Examples
    --------
    >>> naming("ja_JP").family_first, naming("it_IT").family_first
    (True, False)
    """
    lists = {part: tuple(_list(locale, part, sex) for sex in _SEXES) for part in ("first_name", "last_name")}
    first, last = lists["first_name"], lists["last_name"]
    if first[0].texts == first[1].texts:
        first = (first[0], first[0])
    if last[0].texts == last[1].texts:
        last = (last[0], last[0])
    read = [_templates(locale, sex) for sex in _SEXES]
    return Naming(
        locale, (first[0], first[1]), (last[0], last[1]),
        (tuple(read[0]), tuple(read[1])), (tuple(read[0].values()), tuple(read[1].values())),
    )  # fmt: skip


def _list(locale: str, part: str, sex: str) -> Words:
    """Return the names of a sex; those that Faker puts together are drawn once."""
    own = provider_of(locale, part)
    held = getattr(own, f"{part}s_{sex}", None) or getattr(own, f"{part}s", None)
    if locale == "ja_JP":
        pairs = own.last_name_pairs if part == "last_name" else getattr(own, f"{part}_{sex}_pairs")
        weights = list(pairs.values()) if isinstance(pairs, dict) else None
        return make_words([str(pair[0]) for pair in pairs], weights)
    node = grammar(locale, f"{part}_{sex}")
    if isinstance(node, Words):
        return node
    assert held is not None, (locale, part)
    return make_words([str(text) for text in held])


def _templates(locale: str, sex: str) -> dict[Template, float]:
    """Read the formats of names without titles; those of the other sex are left out."""
    own = provider_of(locale, "name")
    formats = getattr(own, f"formats_{sex}", None) or own.formats
    weights = formats if isinstance(formats, dict) else dict.fromkeys(formats, 0.0)
    if not isinstance(formats, dict):
        for one in formats:
            weights[one] += 1.0
    other = _SEXES[1 - _SEXES.index(sex)]
    found: dict[Template, float] = {}
    for text, weight in weights.items():
        if re.search(rf"_{other}\b", text):
            continue
        template = _template(locale, text, sex)
        if template is not None:
            found[template] = found.get(template, 0.0) + float(weight)
    return found or {Template(("{first}", " ", "{last}")): 1.0}


def _template(locale: str, text: str, sex: str) -> Template | None:
    bare = re.sub(r"\{\{\s*(prefix|suffix)\w*\s*\}\}", "", text)
    bare = re.sub(r"\s+", " ", bare).strip(" ,")
    parts: list[str | Node] = []
    seen: set[str] = set()
    for place, piece in enumerate(_TOKEN.split(bare)):
        if place % 2 == 0:
            if piece:
                parts.append(piece)
            continue
        kind = "first" if piece.startswith("first_name") else "last" if piece.startswith("last_name") else ""
        if kind and kind not in seen:
            seen.add(kind)
            parts.append(f"{{{kind}}}")
        elif kind:
            parts.append(f"{{{kind}2}}")
        elif has_method(locale, piece):
            parts.append(grammar(locale, piece))
        else:
            return None
    return Template(tuple(parts)) if seen == {"first", "last"} else None
