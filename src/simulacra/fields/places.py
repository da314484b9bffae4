"""Where people live and firms are: streets, towns, postcodes, countries, coordinates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from simulacra.errors import OptionError
from simulacra.fakes.vocabulary import LOCALES as FAKED
from simulacra.fakes.vocabulary import vocabulary
from simulacra.field import Drawn, Field, Given
from simulacra.fields._faker import grammar, harvest, has_method, provider_of
from simulacra.fields._grammar import Node, draw_texts, fold_words, glue, join, shape
from simulacra.fields._kinds import Listed, LocalField, Written, plain
from simulacra.fields._places import country_code
from simulacra.fields._us import union
from simulacra.fields._words import Codes, Words, make_words

_STATES = (
    "administrative_unit",
    "state",
    "province",
    "region",
    "prefecture",
    "canton",
    "department",
    "county",
)
_CITIES = 4_096
_US = "en_US"
_WITHIN = ("city", "state", "state_code")


@cache
def cities(locale: str) -> Words:
    """List the towns of a locale; where Faker makes their names up, a fixed few thousand of these."""
    if locale == _US:
        return union().towns
    if locale in FAKED:
        return make_words(vocabulary(locale).cities.to_list())
    node = grammar(locale, "city")
    return node if isinstance(node, Words) else _sample(node)


def _sample(node: Node) -> Words:
    """Draw a fixed list of the texts of a grammar."""
    return make_words(draw_texts(node, _CITIES, np.random.Generator(np.random.Philox(key=0))).to_list(), None)


@cache
def states(locale: str) -> Words:
    """List the states, provinces or regions of a country."""
    if locale == _US:
        return union().names
    for method in _STATES:
        if has_method(locale, method):
            node = grammar(locale, method)
            return node if isinstance(node, Words) else harvest(locale, method)
    raise OptionError(f"locale {locale!r} has no states. Leave the field out, or take another locale.")


@cache
def _state_codes(locale: str) -> Words:
    if locale == _US:
        return union().codes
    for method in ("state_abbr", "administrative_unit_abbr", "province_abbr", "estado_sigla", "canton_code"):
        if has_method(locale, method) and _is_own(locale):
            node = grammar(locale, method)
            return node if isinstance(node, Words) else harvest(locale, method)
    return states(locale)


def _is_own(locale: str) -> bool:
    """Tell whether addresses are of the country, and not of the United States for want of others."""
    return str(getattr(provider_of(locale, "city"), "__lang__", locale)) == locale


@cache
def _postcode(locale: str) -> Node:
    return shape(vocabulary(locale).postcode) if locale in FAKED else grammar(locale, "postcode")


@cache
def _street(locale: str) -> Node:
    """Write streets: of our lists where there are such, so that they stand alone; else of Faker's formats."""
    if locale in FAKED:
        return make_words(vocabulary(locale).streets.to_list())
    return grammar(locale, "street_name")


_HOUSE = make_words(
    [str(number) for number in range(1, 1_000)], [1.0 / (20 + number) for number in range(1, 1_000)]
)


@cache
def _street_line(locale: str) -> Node:
    if locale not in FAKED:
        return grammar(locale, "street_address")
    line = vocabulary(locale).line
    head, _, tail = line.partition("{street}")
    pieces: list[Node | str] = []
    for text in (head, "{street}", tail):
        before, number, behind = text.partition("{number}")
        pieces += [_street(locale)] if text == "{street}" else [before, *([_HOUSE] if number else []), behind]
    return join(pieces)


@cache
def _address(locale: str) -> Node:
    if locale not in FAKED:
        return fold_words(grammar(locale, "address"), lambda text: text.replace("\n", ", "))
    if locale == _US:
        return join([_street_line(locale), ", ", union().places])
    if locale in {"en_GB", "en_IN"}:
        return join([_street_line(locale), ", ", cities(locale), " ", _postcode(locale)])
    return join([_street_line(locale), ", ", _postcode(locale), " ", cities(locale)])


@cache
def _house(locale: str) -> Words:
    return _HOUSE


@cache
def _countries(locale: str) -> Words:
    node = grammar(locale, "country")
    return node if isinstance(node, Words) else harvest(locale, "country")


@cache
def _country_codes(locale: str) -> Words:
    node = grammar(locale, "country_code")
    return node if isinstance(node, Words) else harvest(locale, "country_code")


def _given_states(locale: str, rows: int, rng: np.random.Generator, given: Given) -> Codes | None:
    """Find the states that a row's town or state tell, in the country where they are known."""
    name = next((name for name in _WITHIN if given.get(name) is not None), None)
    told = None if name is None else plain(given[name])
    if locale != _US or told is None:
        return None
    return union().find_states(_column(told, rows), name == "city", rng)


@dataclass(frozen=True)
class Within(Listed):
    """Words of a list that follow the town or the state of the row, in the United States.

    Parameters
    ----------
    of : callable
        Draws the words of given states.
    """

    of: Callable[[Codes, np.random.Generator], pl.Series] = lambda states, rng: pl.Series(states)

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw by state where it is known."""
        states = _given_states(locale, rows, rng, given)
        return super().draw_in(locale, rows, rng, given) if states is None else Drawn(self.of(states, rng))


@dataclass(frozen=True)
class Postcode(Written):
    """Postcodes that follow the town or the state of the row, in the United States."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw by state where it is known."""
        states = _given_states(locale, rows, rng, given)
        if states is None:
            return super().draw_in(locale, rows, rng, given)
        return Drawn(union().draw_postcodes(states, rng))


@dataclass(frozen=True)
class Address(Written):
    """Addresses in one line, made of the given street, town, state and postcode where there are such."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Put the parts together as the country writes them."""
        told = {name: plain(given.get(name)) for name in ("street", "city", "state_code", "postcode")}
        if locale != _US and all(value is None for value in told.values()):
            return super().draw_in(locale, rows, rng, given)
        parts = {name: _column(value, rows) for name, value in told.items() if value is not None}
        if "street" not in parts:
            parts["street"] = draw_texts(_street_line(locale), rows, rng)
        if locale == _US:
            return Drawn(_write_american(parts, _given_states(locale, rows, rng, given), rng))
        for name, node in (("city", cities), ("postcode", _postcode)):
            if name not in parts:
                parts[name] = draw_texts(node(locale), rows, rng)
        ends = ["city", "postcode"] if locale.startswith("en") else ["postcode", "city"]
        return Drawn(glue([parts["street"], ", ", parts[ends[0]], " ", parts[ends[1]]]))


def _write_american(parts: dict[str, pl.Series], states: Codes | None, rng: np.random.Generator) -> pl.Series:
    """Put an address together whose town, state and postcode agree."""
    own, rows = union(), len(parts["street"])
    if states is None:
        towns = own.towns.draw(rows, rng)
        states = own.state[towns]
        parts["city"] = own.towns.series.gather(towns)
    city = parts["city"] if "city" in parts else own.draw_towns(states, rng)
    code = parts["state_code"] if "state_code" in parts else own.codes.series.gather(states)
    postcode = parts["postcode"] if "postcode" in parts else own.draw_postcodes(states, rng)
    return glue([parts["street"], ", ", city, ", ", code, " ", postcode])


def _column(value: str | pl.Series, rows: int) -> pl.Series:
    return value.cast(pl.String) if isinstance(value, pl.Series) else pl.repeat(value, rows, eager=True)


@dataclass(frozen=True)
class Coordinate(LocalField):
    """Degrees within the rough box of a country; anywhere where its box is not known."""

    low: float = -90.0
    high: float = 90.0
    axis: int = 0
    kind: str = "number"
    decimals: int | None = 6

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw evenly."""
        box = _BOXES.get(country_code(locale[-2:]) or "")
        low, high = (self.low, self.high) if box is None else box[2 * self.axis : 2 * self.axis + 2]
        return Drawn(pl.Series(np.round(low + (high - low) * rng.random(rows), 6)))


# rough boxes that hold most of a country's people: south, north, west, east
_BOXES: dict[str, tuple[float, float, float, float]] = {
    "US": (29.0, 47.5, -122.5, -72.0), "GB": (50.8, 55.9, -4.5, 1.0), "DE": (47.8, 54.2, 6.5, 13.9),
    "FR": (43.5, 50.5, -1.0, 7.0), "ES": (36.9, 43.0, -7.5, 1.0), "IT": (40.5, 46.0, 7.5, 16.0),
    "NL": (51.4, 53.2, 4.3, 6.8), "PL": (49.8, 54.2, 15.0, 23.0), "BR": (-30.0, -3.0, -55.0, -38.0),
    "SE": (55.8, 63.0, 12.5, 17.5), "CZ": (48.9, 50.8, 12.8, 18.2), "IN": (10.0, 30.0, 73.0, 87.0),
    "JP": (33.5, 41.0, 131.5, 141.0), "CA": (43.0, 53.0, -123.0, -71.0), "AU": (-37.8, -20.0, 116.0, 152.0),
    "CH": (46.2, 47.6, 6.2, 9.6), "AT": (46.8, 48.6, 10.0, 16.5), "CN": (23.0, 41.0, 103.0, 121.0),
    "KR": (34.8, 37.8, 126.5, 129.3), "RU": (45.0, 60.0, 30.0, 90.0), "MX": (16.5, 28.0, -106.0, -90.0),
}  # fmt: skip


def fields() -> list[Field]:
    """Return the fields of places."""
    here = ("locale", "country")
    return [
        Address("address", "street, house number, postcode and town in one line",
                (*here, "street", "city", "state", "state_code", "postcode"), node=_address, identifying="address"),
        Written("address.street", "street and house number", node=_street_line, identifying="address"),
        Written("address.street_name", "street without a number", node=_street),
        Listed("address.house", "house number", words=_house, kind="text"),
        Within("address.city", "town", (*here, "state", "state_code"), words=cities, identifying="address.city",
               of=lambda states, rng: union().draw_towns(states, rng)),
        Within("address.state", "state, province or region", (*here, "city", "state_code"), words=states,
               of=lambda states, rng: union().names.levels.gather(states)),
        Within("address.state_code", "state in short, where the country has such", (*here, "city", "state"),
               words=_state_codes, of=lambda states, rng: union().codes.levels.gather(states)),
        Postcode("address.postcode", "postcode", (*here, "city", "state", "state_code"), node=_postcode,
                 identifying="address.postcode"),
        Listed("address.country", "country, in the language of the locale", words=_countries),
        Listed("address.country_code", "country by two letters", words=_country_codes),
        Coordinate("address.latitude", "degrees north", low=-60.0, high=70.0),
        Coordinate("address.longitude", "degrees east", low=-180.0, high=180.0, axis=1),
    ]  # fmt: skip
