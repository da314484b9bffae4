"""Texts: a template or a number of words is learnt; letters and words are drawn anew, never copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, code_dtype
from simulacra.encoding import Encoding
from simulacra.encodings._areas import UUID, UUIDS, area_shapes, draw_uuids, find_area
from simulacra.encodings._letters import (
    SOUNDS,
    commonest,
    count_shared,
    draw_words,
    fill_shape,
    letter_chain,
    literal_words,
    loose_shape,
    run_lengths,
    template,
    word_counts,
)
from simulacra.encodings._people import fill_marks, mark_people
from simulacra.fakes.making import find_styles, make_fakes, maker, number_fakes
from simulacra.privacy.holders import find_ends
from simulacra.randomness import Streams
from simulacra.schema.identifiers import says_postcode
from simulacra.schema.locales import find_locale
from simulacra.schema.types import Column

MOST_TEXTS = 100_000
"""Shapes, letters and words are counted on at most this many texts."""
MOST_SHAPES = 200
MOST_WORDS = 20_000
DISTINCT = {
    "address", "bic", "card", "email", "iban", "licence", "mac", "passport", "phone", "plate", "ssn", "url", "username",
}  # fmt: skip
"""Identifying kinds that differ in every row where the training rows' did; national numbers do too."""
WORDY = 5.0
"""From this mean number of words a column is made of words rather than of shapes."""


@dataclass(frozen=True)
class Text(Encoding):
    """One axis: the template of a short text (``9+ A+a+ Street``), or the number of words of a long one.

    A postcode keeps the beginning that enough rows share (``43299``: 432 and any two digits), so that it stays in its
    town; random identifiers (UUID) stay such.

    Notes
    -----
    **Privacy**: shapes, letter pairs, words and word pairs are kept only where at least `holders` rows share them,
    and never fewer than 5; values themselves are never stored. Of a column that identifies people only the styles are
    kept that so many rows share (``{first}.{last}`` for an e-mail address): all else is a fake, see `simulacra.fakes`.
    Names of people, e-mail addresses and numbers in other texts are not learnt, however many rows share them.

    Examples
    --------
    >>> values = pl.Series("plate", ["AB-12", "CD-34", "EF-56"] * 4)
    >>> made = Text.fit(values, Column("plate", "text"), holders=5)
    >>> made.decode(made.encode(values[:1]), rng=np.random.default_rng(0)).str.contains(r"^[A-Z]{2}-\\d{2}$").all()
    True
    """

    lossless: ClassVar[bool] = False
    column: Column
    missing: bool
    holders: int
    shapes: tuple[str, ...]
    lengths: Array
    chain: Array
    runs: dict[str, Array]
    vocabulary: dict[str, Any]
    locale: str = ""
    distinct: bool = False

    @classmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """Count shapes and letters, or words."""
        return cls.fit_beside(values, column, people={}, holders=holders, owners=owners)

    @classmethod
    def fit_beside(
        cls,
        values: pl.Series,
        column: Column,
        *,
        people: Mapping[str, str],
        holders: int = 1,
        owners: Array | None = None,
    ) -> Self:
        """Count shapes and letters, or words, with marks in the place of people."""
        missing = column.nullable or values.null_count() > 0
        shared = max(holders, 5)
        held = values.drop_nulls()
        whose = None if owners is None else owners[values.is_not_null().to_numpy()]
        words: dict[str, Any] = {"words": [], "weights": np.empty(0), "follows": np.empty((0, 3), np.int64)}
        if column.identifying is not None:
            return cls._of_fakes(held, column, missing, holders, words, whose)
        apart = max(len(held) // MOST_TEXTS, 1)
        texts = held.gather_every(apart).to_list()
        some = None if whose is None else whose[::apart].tolist()
        marked = mark_people(texts, people, shared)
        lengths: Array = np.empty(0)
        shapes: tuple[str, ...] = ("",)
        counts = np.array([len(text.split()) for text in texts], dtype=np.float64)
        locale = ""
        if len(texts) and counts.mean() >= WORDY:
            words = word_counts(marked.texts, shared, some)
        if words["words"]:
            lengths = counts
            locale = (
                column.locale or find_locale(pl.Series(marked.names, dtype=pl.String), "person.name") or ""
            )
        else:
            shapes = _find_shapes(column, texts, marked.texts, shared, some)
        low, high = _inner_range(lengths, shared, None if whose is None else whose[::apart])
        runs = run_lengths(texts, shared, some)
        chain = letter_chain(texts, shared, some) if texts else letter_chain(SOUNDS, 1)
        return cls(column, missing, holders, shapes, np.array([low, high]), chain, runs, words, locale)

    @classmethod
    def _of_fakes(
        cls,
        held: pl.Series,
        column: Column,
        missing: bool,
        holders: int,
        words: dict[str, Any],
        owners: Array | None,
    ) -> Self:
        """Keep the styles that enough rows share, and language and country; no letter of the values."""
        kind = str(column.identifying)
        apart = max(len(held) // MOST_TEXTS, 1)
        some = held.gather_every(apart)
        locale = column.locale or find_locale(some, kind) or ""
        found = (
            [style] if style is not None else [] for style in find_styles(kind, some, locale=locale).to_list()
        )
        shared = count_shared(found, max(holders, 5), None if owners is None else owners[::apart].tolist())
        styles = tuple(style for style, _ in commonest(shared, MOST_SHAPES)) or (maker(kind, locale).default,)
        alone = kind in DISTINCT or kind.startswith("national_id.")
        distinct = alone and len(held) >= max(holders, 5) and held.n_unique() == len(held)
        none: Array = np.zeros(2)
        chain = letter_chain(SOUNDS, 1)
        return cls(column, missing, holders, styles, none, chain, run_lengths((), 1), words, locale, distinct)

    @property
    def wordy(self) -> bool:
        """Whether texts are made of words rather than of shapes."""
        return bool(self.vocabulary["words"])

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The number of words (real), or the shape (coded)."""
        name = self.column.name
        if self.wordy:
            return (Axis(f"{name}.words", name, "words", None, True, True, self.missing, self.holders),)
        return (Axis(f"{name}.shape", name, "shape", len(self.shapes) + self.missing, holders=self.holders),)

    def encode(self, values: pl.Series) -> tuple[Array, ...]:
        """Turn texts into numbers of words, or into shapes; the commonest shape stands for unknown ones."""
        if self.wordy:
            words = values.str.split(" ").list.eval(pl.element().filter(pl.element() != "")).list.len()
            return (np.clip(words.cast(pl.Float64).fill_null(np.nan).to_numpy(), *self.lengths),)
        index = {shape: code for code, shape in enumerate(self.shapes)}
        distinct = values.drop_nulls().unique()
        if self.column.identifying is not None:
            styles = find_styles(self.column.identifying, distinct, locale=self.locale)
            codes = [index.get(style, 0) for style in styles.to_list()]
        elif self.shapes == (UUIDS,):
            codes = [0] * len(distinct)
        else:
            common = {word for shape in self.shapes for word in literal_words(shape)}
            areas = says_postcode(self.column.name)
            codes = [_code(text, index, common, areas) for text in distinct.to_list()]
        table = pl.DataFrame({"v": distinct, "c": pl.Series(codes, dtype=pl.Int64)})
        found = values.rename("v").to_frame().join(table, on="v", how="left", maintain_order="left")["c"]
        size = len(self.shapes) + self.missing
        other = len(self.shapes) if self.missing else 0
        return (found.fill_null(other).to_numpy().astype(code_dtype(size)),)

    def decode(self, arrays: tuple[Array, ...], *, rng: np.random.Generator, start: int = 0) -> pl.Series:
        """Draw a text for every number of words, or for every shape."""
        drawn = arrays[0]
        out = np.full(len(drawn), None, dtype=object)
        if self.wordy:
            held = ~np.isnan(drawn)
            texts = draw_words(self.vocabulary, drawn[held].astype(np.int64), rng)
            out[held] = fill_marks(texts, self.locale, rng)
            return pl.Series(self.column.name, out.tolist(), dtype=pl.String)
        if self.column.identifying is not None:
            return self._stand_ins(drawn, np.arange(start, start + len(drawn)), lambda code: rng)
        for code in np.unique(drawn):
            if code >= len(self.shapes):
                continue
            rows = np.flatnonzero(drawn == code)
            shape = self.shapes[code]
            made = (
                draw_uuids(len(rows), rng)
                if shape == UUIDS
                else fill_shape(shape, len(rows), self.chain, self.runs, rng)
            )
            out[rows] = np.array(made, dtype=object)
        return pl.Series(self.column.name, out.tolist(), dtype=pl.String)

    def number(self, values: pl.Series, places: Array, streams: Streams) -> pl.Series:
        """Make stand-ins anew for rows by their places in a whole sample: the same streams give no two rows one."""
        own = streams.at(self.column.name)
        return self._stand_ins(self.encode(values)[0], places, lambda code: own.stream(code))

    def _stand_ins(
        self, drawn: Array, places: Array, rng_of: Callable[[int], np.random.Generator]
    ) -> pl.Series:
        """Make a fake of each row's style, without a list of Python objects in between."""
        order, pieces = [], []
        for code in np.unique(drawn):
            rows = np.flatnonzero(drawn == code)
            order.append(rows)
            gone = code >= len(self.shapes)
            nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))
            pieces.append(
                nothing if gone else self._fakes(self.shapes[code], places[rows], rng_of(int(code)))
            )
        made = pl.concat(pieces) if pieces else pl.Series(dtype=pl.String)
        back = np.argsort(np.concatenate([*order, np.empty(0, dtype=np.int64)]), kind="stable")
        return made.gather(back).alias(self.column.name)

    def _fakes(self, style: str, places: Array, rng: np.random.Generator) -> pl.Series:
        kind, whole = str(self.column.identifying), self.column.integer
        if self.distinct:
            return number_fakes(kind, places, locale=self.locale, style=style, rng=rng, whole=whole)
        codes = rng.integers(2**64, size=len(places), dtype=np.uint64)
        return make_fakes(kind, codes, locale=self.locale, style=style, whole=whole)

    def narrow(self, kept: dict[str, Array], limits: dict[str, tuple[float, float]]) -> Self:
        """Keep the shapes whose codes stay; take the limits for the number of words."""
        if "words" in limits:
            low, high = limits["words"]
            gone = bool(np.isnan(low))
            return replace(
                self, missing=self.missing or gone, lengths=np.array([0.0, 0.0] if gone else [low, high])
            )
        if "shape" not in kept:
            return self
        codes = [int(code) for code in kept["shape"]]
        shapes = tuple(self.shapes[code] for code in codes if code < len(self.shapes))
        missing = not codes or (self.missing and codes[-1] == len(self.shapes))
        return replace(self, column=replace(self.column, nullable=missing), shapes=shapes, missing=missing)

    def dump(self) -> dict[str, Any]:
        """Return shapes, lengths, letter and word counts."""
        return {
            "missing": self.missing, "holders": self.holders, "shapes": list(self.shapes), "lengths": self.lengths,
            "chain": self.chain, "runs": self.runs, "vocabulary": self.vocabulary, "locale": self.locale,
            "distinct": self.distinct,
        }  # fmt: skip

    @classmethod
    def restore(cls, state: dict[str, Any], column: Column) -> Self:
        """Make the encoding from what `dump` gave."""
        return cls(column=column, **{**state, "shapes": tuple(state["shapes"])})


def _common_words(texts: list[str], holders: int, owners: Sequence[int] | None) -> set[str]:
    """List the words that enough texts hold: they may stand in a template."""
    counts = count_shared(map(cache(_words_of), texts), holders, owners)
    return {word for word, _ in commonest(counts, MOST_WORDS) if word.isalpha()}


def _words_of(text: str) -> set[str]:
    return set(text.split(" "))


def _alone(shape: str) -> list[str]:
    return [shape]


def _common_shapes(
    texts: list[str], common: set[str], holders: int, owners: Sequence[int] | None
) -> tuple[str, ...]:
    """List the shapes that enough texts have: templates, then loose shapes for the other texts; at least one."""
    shapes: list[str] = []
    left, whose = texts, owners
    for write in (partial(template, common=common), loose_shape):
        written = list(map(cache(write), left))
        counts = count_shared(map(cache(_alone), written), holders, whose)
        kept = {shape for shape, _ in commonest(counts, MOST_SHAPES)}
        shapes += sorted(kept, key=lambda shape: (-counts[shape], shape))
        over = [place for place, shape in enumerate(written) if shape not in kept]
        left = [left[place] for place in over]
        whose = None if whose is None else [whose[place] for place in over]
    return tuple(dict.fromkeys(shapes)) or ("A+a+",)


def _find_shapes(
    column: Column, texts: list[str], marked: Sequence[str], holders: int, owners: Sequence[int] | None
) -> tuple[str, ...]:
    """List the shapes of short texts: of postcodes first the areas, then what the others have."""
    if texts and all(map(UUID.fullmatch, texts)):
        return (UUIDS,)
    common = _common_words(list(marked), holders, owners)
    areas: list[str] = []
    if says_postcode(column.name):
        areas, others = area_shapes(texts, holders, owners)
        if areas and not others:
            return tuple(areas)
        texts = [texts[place] for place in others]
        owners = None if owners is None else [owners[place] for place in others]
    return tuple(dict.fromkeys([*areas, *_common_shapes(texts, common, holders, owners)]))


def _code(text: str, index: dict[str, int], common: set[str], areas: bool) -> int:
    found = find_area(text, index) if areas else None
    if found is not None:
        return found
    return index.get(template(text, common), index.get(loose_shape(text), 0))


def _inner_range(lengths: Array, holders: int, owners: Array | None) -> tuple[float, float]:
    """Return the range that leaves `holders` values outside on each side."""
    middle = float(np.median(lengths)) if len(lengths) else 0.0
    if len(lengths) <= 2 * holders:
        return middle, middle
    return find_ends(lengths, holders, owners) or (middle, middle)
