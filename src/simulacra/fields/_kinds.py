"""What most fields are: a list of words, a grammar, or a kind of fake, of each locale."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import OptionError
from simulacra.fakes._numbers import MOST, Numbers, permute, times
from simulacra.fakes.maker import Maker
from simulacra.fakes.making import maker
from simulacra.field import Drawn, Field, Given, Parts
from simulacra.fields._grammar import Join, Node, by_code, draw_texts
from simulacra.fields._numbering import number_grammar
from simulacra.fields._places import plain, read_locales
from simulacra.fields._words import Codes, Words

Places = npt.NDArray[Any]


@dataclass(frozen=True)
class MixedParts:
    """Parts of names of several locales."""

    pieces: tuple[Parts, ...]
    back: Codes

    def text(self, what: str) -> pl.Series:
        """Return one part for each row."""
        return pl.concat([piece.text(what) for piece in self.pieces]).gather(self.back)


@dataclass(frozen=True)
class LocalField(Field):
    """A field of which every locale has its own values; rows of several locales are drawn locale by locale."""

    def __reduce__(self) -> tuple[Callable[[str], Field], tuple[str]]:
        # a worker of its own finds the field by name: what it draws from is read there
        return _find, (self.name,)

    def draw(self, rows: int, rng: np.random.Generator, given: Given | None = None) -> Drawn:
        """Draw the rows of each locale."""
        inputs = given or {}
        where = read_locales(inputs)
        if isinstance(where, str):
            return self.draw_in(where, rows, rng, inputs)
        codes, locales = where
        pieces, places = [], []
        for code, locale in enumerate(locales):
            mine = np.flatnonzero(codes == code)
            pieces.append(self.draw_in(locale, len(mine), rng, take(inputs, mine)))
            places.append(mine)
        if not pieces:
            return Drawn(pl.Series(dtype=pl.String))
        back = np.empty(len(codes), dtype=np.uint32)
        back[np.concatenate(places)] = np.arange(len(codes), dtype=np.uint32)
        values = [piece.values for piece in pieces]
        if len({str(value.dtype) for value in values}) > 1 or isinstance(values[0].dtype, pl.Enum):
            values = [value.cast(pl.String) for value in values]
        parts = tuple(piece.parts for piece in pieces if piece.parts is not None)
        mixed = MixedParts(parts, back) if len(parts) == len(pieces) else None
        return Drawn(pl.concat(values).gather(back), mixed)

    def room(self, given: Given | None = None) -> int | None:
        """Count the different values of the locale; None where the locale is a column."""
        where = read_locales(given or {})
        return self.room_in(where, given or {}) if isinstance(where, str) else None

    def number(self, places: Places, rng: np.random.Generator, given: Given | None = None) -> pl.Series:
        """Number the values of the locale."""
        where = read_locales(given or {})
        if not isinstance(where, str):
            raise OptionError(
                f"field {self.name!r} can not be unique where its locale changes from row to row. "
                "Give one locale, or let values repeat."
            )
        size = self.room_in(where, given or {})
        if size is None:
            raise OptionError(f"field {self.name!r} can not be unique. Let its values repeat.")
        if len(places) and int(places.max()) >= size:
            raise OptionError(
                f"field {self.name!r} has {size:,} different values, and more are asked for. Let them repeat."
            )
        return self.number_in(where, places, rng, given or {})

    def levels(self, given: Given | None = None) -> tuple[str, ...] | None:
        """List all values of the locale, where there are few."""
        where = read_locales(given or {})
        return self.levels_in(where) if isinstance(where, str) else None

    @abstractmethod
    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw rows of one locale."""

    def room_in(self, locale: str, given: Given) -> int | None:
        """Count the different values; None where they can not be numbered."""
        return None

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Give each place a value of its own."""
        raise OptionError(f"field {self.name!r} can not be unique. Let its values repeat.")

    def levels_in(self, locale: str) -> tuple[str, ...] | None:
        """List all values, where there are few."""
        return None


def _find(name: str) -> Field:
    return cast(Field, importlib.import_module("simulacra.fields.finding").find_field(name))


def take(given: Given, rows: Codes) -> dict[str, Any]:
    """Take some rows of the inputs.

    Examples
    --------
    >>> take({"a": pl.Series([1, 2]), "b": "x"}, np.array([1]))["a"].to_list()
    [2]
    """
    out: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Drawn):
            parts = None if value.parts is None else MixedParts((value.parts,), rows)
            out[name] = Drawn(value.values.gather(rows), parts)
        else:
            out[name] = value.gather(rows) if isinstance(value, pl.Series) else value
    return out


def order_key(rng: np.random.Generator) -> int:
    """Draw what decides the order of numbered values."""
    return int(rng.integers(2**60))


def shuffled(places: Places, size: int, rng: np.random.Generator) -> Numbers:
    """Give each place a number below the size, one to one."""
    return permute(places.astype(np.uint64), size, order_key(rng))


@dataclass(frozen=True)
class Listed(LocalField):
    """Words of a list.

    Parameters
    ----------
    words : callable
        Gives the list of a locale.
    """

    words: Callable[[str], Words] = lambda locale: Words(("",))
    kind: str = "category"

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw codes, and gather the words."""
        words = self.words(locale)
        return Drawn(words.levels.gather(words.draw(rows, rng)))

    def room_in(self, locale: str, given: Given) -> int:
        """Count the words."""
        return len(self.words(locale))

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Shuffle the words."""
        words = self.words(locale)
        return words.series.gather(shuffled(places, len(words), rng).astype(np.uint32))

    def levels_in(self, locale: str) -> tuple[str, ...]:
        """List the words."""
        return self.words(locale).texts


@dataclass(frozen=True)
class Written(LocalField):
    """Texts of a grammar.

    Parameters
    ----------
    node : callable
        Gives the grammar of a locale.
    """

    node: Callable[[str], Node] = lambda locale: Join(())

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw the pieces, and put them together."""
        return Drawn(draw_texts(self.node(locale), rows, rng))

    def room_in(self, locale: str, given: Given) -> int | None:
        """Count the texts of its widest way; None if no way can be numbered."""
        numbered = number_grammar(self.node(locale))
        return None if numbered is None else numbered.room

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Shuffle the texts of its widest way."""
        numbered = number_grammar(self.node(locale))
        assert numbered is not None
        return numbered.write(shuffled(places, numbered.room, rng))


@dataclass(frozen=True)
class Faked(LocalField):
    """Fakes of a kind: numbers of kept ranges with right check digits.

    Parameters
    ----------
    fake : callable
        Gives the kind of fake of a locale, the locale of its maker, and the styles that it is written in.
    """

    fake: Callable[[str], tuple[str, str, tuple[str, ...]]] = lambda locale: ("phone", locale, ("",))

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw numbers evenly, and write them."""
        made_by, styles = self._read(locale)
        which = rng.integers(len(styles), size=rows) if len(styles) > 1 else np.zeros(rows, dtype=np.int64)

        def write(code: int, mine: Codes) -> pl.Series:
            room = made_by.room(styles[code])[0]
            return made_by.write(rng.integers(room, size=len(mine), dtype=np.uint64), styles[code])

        return Drawn(by_code(which, len(styles), write))

    def room_in(self, locale: str, given: Given) -> int:
        """Count the fakes, those among them that come when the plain ones have run out."""
        made_by, styles = self._read(locale)
        if len(styles) == 1:
            return made_by.room(styles[0])[1]
        return sum(made_by.room(style)[0] for style in styles)

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Shuffle the plain ones, and behind them the others."""
        made_by, styles = self._read(locale)
        rooms = [made_by.room(style)[0] for style in styles]
        ordinary, most = sum(rooms), self.room_in(locale, given)
        key = order_key(rng)
        numbers = places.astype(np.uint64)
        early = numbers < ordinary
        out = np.empty(len(numbers), dtype=np.uint64)
        out[early] = permute(numbers[early], ordinary, key)
        if not early.all():
            behind = numbers[~early] - np.uint64(ordinary)
            out[~early] = permute(behind, most - ordinary, key + 1) + np.uint64(ordinary)
        if len(styles) == 1:
            return made_by.write(out, styles[0])
        starts = np.concatenate([[0], np.cumsum(rooms)]).astype(np.uint64)
        which = np.searchsorted(starts, out, side="right") - 1
        return by_code(
            which, len(styles), lambda code, mine: made_by.write(out[mine] - starts[code], styles[code])
        )

    def _read(self, locale: str) -> tuple[Maker, tuple[str, ...]]:
        kind, own, styles = self.fake(locale)
        made_by = _maker(kind, own)
        return made_by, styles or (made_by.default,)


@cache
def _maker(kind: str, locale: str) -> Maker:
    return maker(kind, locale)


__all__ = [
    "MOST",
    "Faked",
    "Listed",
    "LocalField",
    "MixedParts",
    "Written",
    "plain",
    "shuffled",
    "take",
    "times",
]
