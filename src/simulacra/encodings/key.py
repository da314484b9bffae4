"""Keys: made anew by counting, never learnt."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis
from simulacra.encoding import Encoding
from simulacra.fakes.making import find_styles, maker, number_fakes
from simulacra.privacy.holders import count_owners
from simulacra.randomness import Streams
from simulacra.schema.locales import find_locale
from simulacra.schema.types import Column

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
BASES = {"9": (ord("0"), 10), "A": (ord("A"), 26), "a": (ord("a"), 26)}
"""First character and number of characters of each counting place."""


@dataclass(frozen=True)
class Key(Encoding):
    """An identifier as the position of its row: no axis, no value of the training data.

    Whole-number keys count from 1. Text keys follow the shape that most training keys have (`C00417`, `AB-12`):
    the literal part stays, digits and letters count; a shape that runs out of room gets more digits. UUIDs
    are made from the position. Keys that identify people (an e-mail address) are fakes of the kind.

    Examples
    --------
    >>> key = Key.fit(pl.Series("id", ["C017", "C203", "C044"]), Column("id", "key"))
    >>> key.decode((np.zeros(2),), rng=np.random.default_rng(0), start=8).to_list()
    ['C009', 'C010']
    """

    lossless: ClassVar[bool] = False
    column: Column
    shape: str
    locale: str = ""

    @classmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """Find the shape that most keys share: 9 for a digit, A and a for letters, the common prefix as it is."""
        texts = values.drop_nulls()
        whose = None if owners is None else owners[values.is_not_null().to_numpy()]
        if column.identifying is not None:
            return cls(column, *_common_style(texts.cast(pl.String), column, holders, whose))
        if column.integer:
            return cls(column, "")
        if not len(texts):
            return cls(column, "99999999")
        if texts.str.contains(f"^{UUID.pattern}$").all():
            return cls(column, "uuid")
        shapes = texts.str.replace_all(r"\d", "9").str.replace_all("[A-Z]", "A").str.replace_all("[a-z]", "a")
        counts = shapes.rename("shape").value_counts().sort("count", "shape", descending=[True, False])
        shape = str(counts["shape"][0])
        same = shapes == shape
        shared = same.sum() if whose is None else count_owners(whose[same.to_numpy()])
        return cls(column, _with_prefix(shape, texts.filter(same).to_list(), shared >= holders))

    @property
    def axes(self) -> tuple[Axis, ...]:
        """No axis: a key is never learnt."""
        return ()

    def encode(self, values: pl.Series) -> tuple[Array, ...]:
        """Give nothing to learn from."""
        return ()

    def decode(self, arrays: tuple[Array, ...], *, rng: np.random.Generator, start: int = 0) -> pl.Series:
        """Count on from the position of the first row."""
        return self.number(np.arange(start, start + len(arrays[0]), dtype=np.int64))

    def number(self, positions: Array) -> pl.Series:
        """Make the keys of rows by their positions, which count from 0."""
        name, kind = self.column.name, self.column.identifying
        if kind is not None:
            # always the same stream: a key is a function of its place, as references to it are
            stream = Streams(0).stream("keys", kind)
            whole = self.column.integer
            made = number_fakes(
                kind, positions, locale=self.locale, style=self.shape, rng=stream, whole=whole
            )
            return made.cast(pl.Int64 if whole else pl.String).alias(name)
        if self.column.integer:
            return pl.Series(name, positions + 1)
        if self.shape == "uuid":
            return pl.Series(
                name, [str(uuid.uuid5(uuid.NAMESPACE_OID, str(p))) for p in positions], dtype=pl.String
            )
        return pl.Series(name, _count_in(_signs(self.shape), positions + 1), dtype=pl.String)

    def narrow(self, kept: dict[str, Array], limits: dict[str, tuple[float, float]]) -> Self:
        """Keep everything: a key holds no value."""
        return self

    def dump(self) -> dict[str, Any]:
        """Return the shape."""
        return {"shape": self.shape, "locale": self.locale}

    @classmethod
    def restore(cls, state: dict[str, Any], column: Column) -> Self:
        """Make the encoding from what `dump` gave."""
        return cls(column, str(state["shape"]), str(state.get("locale", "")))


def _common_style(texts: pl.Series, column: Column, holders: int, owners: Array | None) -> tuple[str, str]:
    """Find the commonest style of identifying keys, if enough rows (or their owners) share it, and the locale."""
    kind = str(column.identifying)
    locale = column.locale or find_locale(texts, kind) or ""
    styles = find_styles(kind, texts, locale=locale).alias("style").to_frame()
    shared = pl.len() if owners is None else pl.col("owner").n_unique()
    if owners is not None:
        styles = styles.with_columns(owner=pl.Series(owners))
    counts = styles.drop_nulls("style").group_by("style").agg(pl.len().alias("rows"), shared.alias("holders"))
    kept = counts.filter(pl.col("holders") >= holders).sort("rows", "style", descending=[True, False])
    return (str(kept["style"][0]) if len(kept) else maker(kind, locale).default), locale


def _count_in(signs: list[str], counts: Array) -> list[str]:
    """Write numbers in the places of a shape, the last place first; what does not fit is put behind."""
    places = np.zeros((len(counts), max(len(signs), 1)), dtype=np.uint32)
    rest = counts.astype(np.int64)
    for place in range(len(signs) - 1, -1, -1):
        first, base = BASES.get(signs[place], (ord(signs[place][-1]), 1))
        if base == 1:
            places[:, place] = first
        else:
            rest, digit = np.divmod(rest, base)
            places[:, place] = first + digit
    texts: list[str] = places.view(f"U{places.shape[1]}").ravel().tolist()
    if rest.any():
        return [f"{text}{more}" if more else text for text, more in zip(texts, rest.tolist(), strict=True)]
    return texts


def _signs(shape: str) -> list[str]:
    """Split a shape into places; a backslash makes the next character stand for itself."""
    return re.findall(r"\\.|.", shape, flags=re.DOTALL)


def _with_prefix(shape: str, alike: list[str], shared: bool) -> str:
    """Write the letters that all keys of a shape have as themselves, if enough rows share them."""
    out = []
    for place, sign in enumerate(shape):
        first = alike[0][place]
        common = shared and all(text[place] == first for text in alike)
        literal = sign not in "9Aa" or (sign in "Aa" and common)
        out.append("\\" + first if literal else sign)
    return "".join(out)
