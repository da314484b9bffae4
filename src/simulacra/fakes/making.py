"""Fakes of any kind: as a function of 64-bit codes, or in a row without repeats."""

from __future__ import annotations

import zlib
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import OptionError, unknown
from simulacra.fakes._dealing import Deck
from simulacra.fakes._numbers import Numbers, mix
from simulacra.fakes.accounts import Accounts
from simulacra.fakes.addresses import Addresses
from simulacra.fakes.emails import Emails
from simulacra.fakes.maker import Maker
from simulacra.fakes.names import Names
from simulacra.fakes.national_ids import NationalIds
from simulacra.fakes.networks import Networks
from simulacra.fakes.phones import Phones
from simulacra.fakes.shapes import Shapes
from simulacra.fakes.urls import Urls
from simulacra.fakes.vocabulary import resolve_locale

_MAKERS: tuple[type[Maker], ...] = (
    Accounts, Addresses, Emails, Names, NationalIds, Networks, Phones, Shapes, Urls,
)  # fmt: skip
KINDS = tuple(sorted(kind for maker in _MAKERS for kind in maker.kinds))
"""What fakes there are: the words of `Column.identifying`."""

_ROOMY = 4
_TURNS = 64


@cache
def maker(kind: str, locale: str | None = None) -> Maker:
    """Return what makes fakes of one kind.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    locale : str or None
        Language and country; the nearest one that there is gets taken (`resolve_locale`).

    Raises
    ------
    UnknownName
        There is no such kind.

    Examples
    --------
    >>> maker("email", "de_DE").default
    '{first}.{last}'
    """
    for made in _MAKERS:
        if kind in made.kinds:
            return made(kind, resolve_locale(locale))
    raise unknown("kind of identifier", kind, KINDS)


def make_fakes(
    kind: str,
    codes: Numbers,
    *,
    locale: str | None = None,
    style: str | pl.Series | None = None,
    unique: bool = False,
    whole: bool = False,
) -> pl.Series:
    """Make one fake for every code.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    codes : array of uint64
        Random or hashed codes. Fake i is a function of code i alone; equal codes give equal fakes.
    locale : str or None
        Language and country of names, forms and places.
    style : str, Series or None
        How they are written, as `find_styles` finds it; a Series has one for every code, and null for the usual one.
    unique : bool
        Whether different codes give different fakes. Then a fake depends, where two codes meet, on the other codes too.
    whole : bool
        Whether the fakes are to be whole numbers: digits only, without leading zeros.

    Returns
    -------
    Series
        Texts, one for each code.

    Raises
    ------
    OptionError
        There are not as many different fakes of this kind.
    UnknownName
        There is no such kind.

    Notes
    -----
    **Cost**: 0.2 to 2 seconds for a million.

    **Privacy**: nothing of the values that codes were made of is in the fakes but what the style shows.

    Examples
    --------
    >>> codes = np.array([1, 2, 1], dtype=np.uint64)
    >>> names = make_fakes("person.name", codes, locale="it_IT")
    >>> names[0] == names[2], names[0] == names[1]
    (True, False)
    """
    made_by = maker(kind, locale)
    if unique:
        return _without_repeats(made_by, np.asarray(codes, dtype=np.uint64), style, whole)
    return _write(made_by, np.asarray(codes, dtype=np.uint64), style, whole, crowd=0)


def number_fakes(
    kind: str,
    places: npt.NDArray[np.int64],
    *,
    locale: str | None = None,
    style: str | None = None,
    rng: np.random.Generator,
    whole: bool = False,
) -> pl.Series:
    """Make fakes for rows by their places in a whole sample, so that no two rows have the same one.

    Parameters
    ----------
    kind, locale, style, whole
        As for `make_fakes`.
    places : array of int
        Places of the rows, from 0.
    rng : Generator
        Decides which of the fakes set aside for a block of 65,536 rows are taken; the same stream gives the same fake
        to the same place, whatever other places are asked for.

    Returns
    -------
    Series
        Texts, one for each place. Places for which there are no more different fakes start again.

    Notes
    -----
    **Cost**: 1 to 2 seconds for a million.

    Examples
    --------
    >>> from simulacra.randomness import Streams
    >>> made = number_fakes("email", np.arange(1_000), locale="en_US", rng=Streams(0).stream("mail"))
    >>> made.n_unique()
    1000
    """
    made_by = maker(kind, locale)
    style = style or made_by.default
    plain, most = made_by.room(style)
    ordinary = Deck(0, plain)
    behind = Deck(ordinary.end, most - ordinary.end)
    places = places % max(ordinary.places + behind.places, 1)
    early = places < ordinary.places
    numbers = np.empty(len(places), dtype=np.uint64)
    numbers[early] = ordinary.deal(places[early], rng)
    numbers[~early] = behind.deal(places[~early] - ordinary.places, rng)
    return _finish(made_by.write(numbers, style), whole)


def find_styles(kind: str, texts: pl.Series, *, locale: str | None = None) -> pl.Series:
    """Find how values of one kind are written.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    texts : Series
        Texts.
    locale : str or None
        Language and country.

    Returns
    -------
    Series
        One style for every text; null where it is not written like one of this kind. Names, words and digits of the
        text are not in it; a calling code, the country of an account and a title (``Dr.``) are.

    Examples
    --------
    >>> find_styles("person.name", pl.Series(["Dr. Ann Lee", "LEE, ANN"])).to_list()
    ['Dr. {first} {last}', 'upper|{last}, {first}']
    """
    return maker(kind, locale).find_styles(texts)


def _write(
    made_by: Maker, codes: Numbers, style: str | pl.Series | None, whole: bool, crowd: int
) -> pl.Series:
    if style is None or isinstance(style, str):
        return _finish(_write_one(made_by, codes, style or made_by.default, crowd), whole)
    styles = style.cast(pl.String).fill_null(made_by.default)
    out = pl.Series("made", [None] * len(codes), dtype=pl.String)
    pieces, places = [], []
    for one, rows in (
        pl.DataFrame({"s": styles})
        .with_row_index("row")
        .group_by("s", maintain_order=True)
        .agg("row")
        .iter_rows()
    ):
        where = np.asarray(rows, dtype=np.int64)
        pieces.append(_write_one(made_by, codes[where], one, crowd))
        places.append(where)
    if pieces:
        order = np.argsort(np.concatenate(places), kind="stable")
        out = pl.concat(pieces).gather(order)
    return _finish(out, whole)


def _write_one(made_by: Maker, codes: Numbers, style: str, crowd: int) -> pl.Series:
    plain, most = made_by.room(style)
    size = plain
    for wider in (plain, min(plain * 1_000, most), most):
        size = wider
        if wider >= _ROOMY * crowd:
            break
    # a salt for each kind: the name and the street of one code are not to be alike
    return made_by.write(mix(codes, zlib.crc32(made_by.kind.encode())) % np.uint64(size), style)


def _finish(made: pl.Series, whole: bool) -> pl.Series:
    if not whole:
        return made
    return made.str.replace_all(r"\D", "").str.strip_chars_start("0").replace("", "0")


def _without_repeats(made_by: Maker, codes: Numbers, style: str | pl.Series | None, whole: bool) -> pl.Series:
    """Make fakes of the different codes, smallest code first; one that is taken already makes its code try again."""
    distinct, back = np.unique(codes, return_inverse=True)
    if isinstance(style, pl.Series):
        first = np.zeros(len(distinct), dtype=np.int64)
        first[back[::-1]] = np.arange(len(codes))[::-1]
        style = style.gather(first)
    crowd = len(distinct)
    made = _write(made_by, distinct, style, whole, crowd)
    for turn in range(1, _TURNS):
        again = (~made.is_first_distinct()).arg_true()
        if not len(again):
            return made.gather(back)
        own = style.gather(again) if isinstance(style, pl.Series) else style
        tried = _write(made_by, mix(distinct[again.to_numpy()], turn), own, whole, crowd)
        made = made.scatter(again, tried)
    raise OptionError(
        f"there are not {crowd:,} different fakes of kind {made_by.kind!r} in this form. Let the column repeat."
    )
