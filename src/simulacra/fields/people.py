"""Names of people, by locale and sex."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import OptionError
from simulacra.fakes._numbers import Numbers, times
from simulacra.field import Drawn, Field, Given, Parts
from simulacra.fields._faker import grammar, harvest
from simulacra.fields._grammar import by_code, draw_texts, glue
from simulacra.fields._kinds import Listed, LocalField, plain, shuffled
from simulacra.fields._naming import FEMALE, MALE, Naming, Template, naming
from simulacra.fields._splitting import SplitParts
from simulacra.fields._words import Codes, Words, make_words

Places = npt.NDArray[Any]

_WOMEN = {
    "f", "female", "w", "woman", "women", "girl", "weiblich", "frau", "femme", "féminin", "mujer", "femenino", "donna",
    "femmina", "vrouw", "kobieta", "mulher", "feminino", "kvinna", "žena", "女", "女性", "여", "ж",
}  # fmt: skip
_MEN = {
    "m", "male", "man", "men", "boy", "männlich", "mann", "homme", "masculin", "hombre", "masculino", "uomo",
    "maschio", "mężczyzna", "homem", "muž", "男", "男性", "남", "м",
}  # fmt: skip
_TITLES = {"fr": ("Mme", "M."), "es": ("Sra.", "Sr."), "nl": ("mevr.", "dhr."), "it": ("Sig.ra", "Sig.")}
_NAMES = ("locale", "country", "sex")


@dataclass(frozen=True, eq=False)
class CodedParts:
    """The parts of names that were drawn from the lists of a locale."""

    own: Naming
    first: Codes
    last: Codes

    def text(self, what: str) -> pl.Series:
        """Gather one part."""
        lists = {
            "first": (self.own.first, self.first),
            "last": (self.own.last, self.last),
            "slug.first": (self.own.slug_first, self.first),
            "slug.last": (self.own.slug_last, self.last),
        }
        words, codes = lists[what]
        return words.gather(codes)

    @cached_property
    def sex(self) -> Codes:
        """Whose lists the first names are of."""
        return np.where(self.first < len(self.own.firsts[0]), FEMALE, MALE)


def read_sex(value: Any, rows: int, rng: np.random.Generator) -> Codes | None:
    """Read a constant or a column as women and men; what is neither is drawn, and None is nothing given.

    Examples
    --------
    >>> read_sex(pl.Series(["F", "man"]), 2, np.random.Generator(np.random.Philox(key=1))).tolist()
    [0, 1]
    """
    given = plain(value)
    if given is None:
        return None
    texts = given.cast(pl.String) if isinstance(given, pl.Series) else pl.repeat(str(given), rows, eager=True)
    words = texts.unique(maintain_order=True).drop_nulls()
    told = [FEMALE if word.strip().casefold() in _WOMEN else MALE if word.strip().casefold() in _MEN else 2
            for word in words]  # fmt: skip
    codes = texts.replace_strict(words, told, default=2, return_dtype=pl.UInt8).to_numpy()
    return np.where(codes == 2, rng.integers(2, size=rows, dtype=np.uint8), codes)


def draw_people(own: Naming, rows: int, rng: np.random.Generator, given: Given) -> CodedParts:
    """Draw first and last names, by sex where it is given."""
    sex = read_sex(given.get("sex"), rows, rng)
    first = own.pooled.draw(rows, rng) if sex is None else own.draw_first(sex, rng)
    if sex is None and own.lasts[0] is own.lasts[1]:
        return CodedParts(own, first, own.lasts[0].draw(rows, rng))
    told = np.where(first < len(own.firsts[0]), FEMALE, MALE) if sex is None else sex
    return CodedParts(own, first, own.draw_last(told, rng))


def write_names(drawn: CodedParts, rng: np.random.Generator) -> pl.Series:
    """Put first and last names together in the ways of the locale."""
    own, rows = drawn.own, len(drawn.first)
    if own.joined is not None:
        head, tail = (drawn.last, drawn.first) if own.family_first else (drawn.first, drawn.last)
        return (own.last if own.family_first else own.first).gather(head) + own.joined.gather(tail)
    ways: list[tuple[int, Template]] = []
    which = np.zeros(rows, dtype=np.uint32)
    for sex in (FEMALE, MALE):
        weights = own.weights[sex]
        draw = Words(tuple(str(place) for place in range(len(weights))), weights).draw(rows, rng)
        which = np.where(drawn.sex == sex, draw + np.uint32(len(ways)), which)
        ways += [(sex, template) for template in own.templates[sex]]

    def write(way: int, mine: Codes) -> pl.Series:
        sex, template = ways[way]
        return _write_way(template, sex, CodedParts(own, drawn.first[mine], drawn.last[mine]), rng)

    return by_code(which, len(ways), write)


def _write_way(template: Template, sex: int, drawn: CodedParts, rng: np.random.Generator) -> pl.Series:
    rows, own = len(drawn.first), drawn.own
    pieces: list[pl.Series | str] = []
    for part in template.parts:
        if part in {"{first}", "{last}"}:
            pieces.append(drawn.text(str(part)[1:-1]))
        elif part in {"{first2}", "{last2}"}:
            words = (own.firsts if part == "{first2}" else own.lasts)[sex]
            pieces.append(words.series.gather(words.draw(rows, rng)))
        else:
            pieces.append(part if isinstance(part, str) else draw_texts(part, rows, rng))
    return glue(pieces)


@dataclass(frozen=True)
class Name(LocalField):
    """First and last name, in the order of the locale, without titles."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw names, or put given first and last names together."""
        own = naming(locale)
        drawn = draw_people(own, rows, rng, given)
        first, last = plain(given.get("first")), plain(given.get("last"))
        if first is None and last is None:
            return Drawn(write_names(drawn, rng), drawn)
        columns = {
            "first": _column(first, rows) if first is not None else drawn.text("first"),
            "last": _column(last, rows) if last is not None else drawn.text("last"),
        }
        order = ("last", "first") if own.family_first else ("first", "last")
        return Drawn(
            glue([columns[order[0]], _between(own), columns[order[1]]]), SplitParts(**columns, locale=locale)
        )

    def room_in(self, locale: str, given: Given) -> int | None:
        """Count pairs of names, and those with a second last name when these run out."""
        pairs = _pairs(locale)
        return times(pairs.size, 1 + len(pairs.last[FEMALE])) if pairs.size else None

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Write numbers as pairs of names."""
        own, pairs = naming(locale), _pairs(locale)
        first, last = pairs.write(shuffled(places % pairs.size, pairs.size, rng))
        again = (places // pairs.size).astype(np.int64)
        if again.any():
            second = "-" + pairs.last[FEMALE].gather(np.maximum(again - 1, 0))
            last = last.zip_with(pl.Series(again == 0), last + second)
        return glue([last, _between(own), first] if own.family_first else [first, _between(own), last])


@dataclass(frozen=True, eq=False)
class _Pairs:
    """First and last names of women and of men of which no two pairs look alike."""

    first: tuple[pl.Series, pl.Series]
    last: tuple[pl.Series, pl.Series]

    @cached_property
    def women(self) -> int:
        return len(self.first[FEMALE]) * len(self.last[FEMALE])

    @cached_property
    def size(self) -> int:
        return self.women + len(self.first[MALE]) * len(self.last[MALE])

    def write(self, numbers: Numbers) -> tuple[pl.Series, pl.Series]:
        """Write numbers as first and last names, women's first."""
        count = [len(names) for names in self.first]
        number = numbers.astype(np.int64)
        woman = number < self.women
        rest = number - self.women
        first = np.where(woman, number % max(count[0], 1), rest % max(count[1], 1) + count[0])
        last = np.where(woman, number // max(count[0], 1), rest // max(count[1], 1) + len(self.last[FEMALE]))
        return pl.concat(self.first).gather(first), pl.concat(self.last).gather(last)


@cache
def _pairs(locale: str) -> _Pairs:
    """Leave out names that hold the sign between; where there is none, last names have one length."""
    own, between = naming(locale), _between(naming(locale))
    female, male = (words.series for words in own.firsts)
    lasts = [words.series for words in own.lasts]
    if between:
        odd = rf"[{re.escape(between)}-]"
        female, male = (names.filter(~names.str.contains(odd)) for names in (female, male))
        lasts = [names.filter(~names.str.contains(odd)) for names in lasts]
    else:
        lengths = pl.concat(lasts).str.len_chars()
        lasts = [names.filter(names.str.len_chars() == lengths.mode().sort()[0]) for names in lasts]
    # a name of both would stand twice
    male = male.filter(~male.is_in(female.implode()))
    return _Pairs((female, male), (lasts[FEMALE], lasts[MALE]))


def _column(value: str | pl.Series, rows: int) -> pl.Series:
    return value.cast(pl.String) if isinstance(value, pl.Series) else pl.repeat(value, rows, eager=True)


def _between(own: Naming) -> str:
    """Find what stands between the names."""
    parts = own.templates[0][0].parts
    low, high = sorted((parts.index("{first}"), parts.index("{last}")))
    return (
        str(parts[low + 1])
        if high == low + 2 and isinstance(parts[low + 1], str)
        else ""
        if high == low + 1
        else " "
    )


@dataclass(frozen=True)
class FirstName(LocalField):
    """First names by sex."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw by sex, or take the first of given names."""
        parts = find_parts(given, locale)
        if parts is not None:
            return Drawn(parts.text("first"))
        drawn = draw_people(naming(locale), rows, rng, given)
        return Drawn(drawn.text("first"))

    def room_in(self, locale: str, given: Given) -> int:
        """Count the first names."""
        return len(_of_sex(naming(locale).firsts, given))

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Shuffle the first names."""
        names = _of_sex(naming(locale).firsts, given)
        return names.gather(shuffled(places, len(names), rng).astype(np.uint32))


@dataclass(frozen=True)
class LastName(LocalField):
    """Last names; by sex where the language has two forms."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw, or take the last of given names."""
        parts = find_parts(given, locale)
        if parts is not None:
            return Drawn(parts.text("last"))
        drawn = draw_people(naming(locale), rows, rng, given)
        return Drawn(drawn.text("last"))

    def room_in(self, locale: str, given: Given) -> int:
        """Count the last names."""
        return len(_of_sex(naming(locale).lasts, given))

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Shuffle the last names."""
        names = _of_sex(naming(locale).lasts, given)
        return names.gather(shuffled(places, len(names), rng).astype(np.uint32))


def _of_sex(lists: tuple[Words, Words], given: Given) -> pl.Series:
    sex = plain(given.get("sex"))
    if isinstance(sex, pl.Series):
        raise OptionError("unique names can not follow a column of sexes. Let them repeat, or give one sex.")
    code = read_sex(sex, 1, np.random.Generator(np.random.Philox(key=0)))
    series = [words.series for words in lists] if code is None else [lists[int(code[0])].series]
    return pl.concat(series).unique(maintain_order=True)


def find_parts(given: Given, locale: str) -> Parts | None:
    """Find first and last names in what is given: what a field drew, columns of both, or whole names."""
    name, first, last = given.get("name"), given.get("first"), given.get("last")
    if isinstance(name, Drawn) and name.parts is not None:
        return name.parts
    if first is not None and last is not None:
        columns = [plain(first), plain(last)]
        rows = next((len(column) for column in columns if isinstance(column, pl.Series)), 1)
        whole = [_column(column, rows) for column in columns if column is not None]
        return SplitParts(first=whole[0], last=whole[1], locale=locale)
    whole_name = plain(name)
    if isinstance(whole_name, pl.Series):
        return SplitParts.of_names(whole_name, locale, naming(locale).family_first)
    return None


@dataclass(frozen=True)
class Titled(LocalField):
    """A name with the titles that the locale writes before and after some."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw from the formats of Faker."""
        sex = read_sex(given.get("sex"), rows, rng)
        told = rng.integers(2, size=rows, dtype=np.uint8) if sex is None else sex
        nodes = [grammar(locale, f"name_{word}") for word in ("female", "male")]
        return Drawn(by_code(told, 2, lambda code, mine: draw_texts(nodes[code], len(mine), rng)))


@dataclass(frozen=True)
class Title(LocalField):
    """Titles before a name, by sex."""

    kind: str = "category"

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw titles."""
        sex = read_sex(given.get("sex"), rows, rng)
        told = rng.integers(2, size=rows, dtype=np.uint8) if sex is None else sex
        nodes = [_titles(locale, word) for word in ("female", "male")]
        return Drawn(by_code(told, 2, lambda code, mine: draw_texts(nodes[code], len(mine), rng)))


def _titles(locale: str, sex: str) -> Words:
    made = grammar(locale, f"prefix_{sex}")
    made = made if isinstance(made, Words) else harvest(locale, f"prefix_{sex}")
    # where Faker has particles of nobility (de, von) in place of titles, common ones are taken
    texts = [text for text in made.texts if text and not text.startswith(("de", "du", "Le", "van", "von"))]
    common = _TITLES.get(locale[:2], ("Ms.", "Mr."))[sex == "male"]
    return make_words(texts if len(texts) == len(made.texts) else [common])


def _sexes(locale: str) -> Words:
    return Words(("female", "male"))


def fields() -> list[Field]:
    """Return the fields of people."""
    names: Callable[..., Any] = lambda *more: (*_NAMES, *more)  # noqa: E731
    return [
        Name("person.name", "first and last name", names("first", "last"), identifying="person.name"),
        FirstName("person.first", "first name, by sex", names("name"), identifying="person.first"),
        LastName("person.last", "last name", names("name"), identifying="person.last"),
        Titled(
            "person.titled", "name with titles as the country writes them", names(), identifying="person.name"
        ),
        Title("person.prefix", "title before a name, by sex", names()),
        Listed("person.sex", "female or male", words=_sexes),
    ]
