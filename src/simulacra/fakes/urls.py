"""Web addresses at a domain kept for examples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.fakes._numbers import Numbers, cut, times
from simulacra.fakes.maker import Maker

_SYLLABLES = pl.Series(
    [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "en", "in", "or", "el")]
)
_PIECE = re.compile(r"(\{word\}|\{number\})")
_ENDINGS = {".html", ".htm", ".php", ".pdf", ".jpg", ".png", ".aspx", ".xml", ".txt"}
_NUMBERS = 10_000


@dataclass(frozen=True)
class Urls(Maker):
    """Pages of example.com (RFC 2606) with as many parts as the column's addresses have.

    Examples
    --------
    >>> maker = Urls("url", "en_US")
    >>> maker.find_styles(pl.Series(["http://shop.test/a/17", "www.firm.org/about.html"])).to_list()
    ['http://example.com/{word}/{number}', 'www.example.com/{word}.html']
    """

    kinds: ClassVar[tuple[str, ...]] = ("url",)

    @property
    def default(self) -> str:
        """One page."""
        return "https://example.com/{word}"

    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Keep scheme, www, the number of parts and well-known endings."""
        text = pl.col("t")
        split = text.str.extract_groups(r"(?i)^((?:https?|ftp)://)?(www\.)?[^/?#]*([^?#]*)(\?)?")
        frame = pl.DataFrame({"t": texts.str.strip_chars()}).select(
            scheme=split.struct.field("1").fill_null("").str.to_lowercase(),
            www=split.struct.field("2").fill_null("").str.to_lowercase(),
            path=split.struct.field("3")
            .fill_null("")
            .str.replace_all(r"[^/.]*[^/.0-9][^/.]*", "w")
            .str.replace_all(r"\d+", "9"),
            ending=split.struct.field("3").fill_null("").str.extract(r"(\.[a-z]{3,4})$").fill_null(""),
            query=split.struct.field("4").is_not_null(),
            other=~text.str.contains(r"^[\w:/.\-]+\.[A-Za-z]{2,}([/?#:]|$)"),
        )
        kinds = frame.unique()
        styles = [_style(**row) for row in kinds.iter_rows(named=True)]
        told = kinds.with_columns(style=pl.Series(styles, dtype=pl.String))
        return frame.join(told, on=frame.columns, how="left", maintain_order="left")["style"]

    def room(self, style: str) -> tuple[int, int]:
        """Count the addresses; a number is put behind when words run out."""
        plain = times(*(self._base(piece) for piece in _PIECE.findall(style)))
        return plain, times(plain, 10**9)

    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Write words of two or three syllables, and numbers, into the parts."""
        rest = numbers
        parts: list[pl.Expr] = []
        columns: dict[str, pl.Series] = {}
        for place, piece in enumerate(_PIECE.split(style)):
            if not _PIECE.fullmatch(piece):
                parts.append(pl.lit(piece))
                continue
            digit, rest = cut(rest, [self._base(piece)])
            columns[str(place)] = (
                pl.Series(digit).cast(pl.String) if piece == "{number}" else _words(digit.astype(np.uint64))
            )
            parts.append(pl.col(str(place)))
        if rest.any():
            columns["more"] = pl.Series(rest).cast(pl.String)
            sign = "&" if "?" in style else "?"
            parts.append(
                pl.when(pl.col("more") == "0")
                .then(pl.lit(""))
                .otherwise(pl.lit(f"{sign}p=") + pl.col("more"))
            )
        if not columns:
            return pl.Series([style] * len(numbers), dtype=pl.String)
        return pl.DataFrame(columns).select(pl.concat_str(parts).alias("made"))["made"]

    def _base(self, piece: str) -> int:
        return _NUMBERS if piece == "{number}" else len(_SYLLABLES) ** 3


def _words(numbers: Numbers) -> pl.Series:
    parts = [
        _SYLLABLES.gather(digit).alias(str(place))
        for place, digit in enumerate(cut(numbers, [len(_SYLLABLES)] * 3)[:3])
    ]
    return pl.DataFrame(parts).select(pl.concat_str(pl.all()).alias("word"))["word"]


def _style(*, scheme: str, www: str, path: str, ending: str, query: bool, other: bool) -> str | None:
    if other:
        return None
    end = ending if ending in _ENDINGS else ""
    parts = path.split("/")[1:7]
    written = ["" if not part else "{number}" if part[0] == "9" else "{word}" for part in parts]
    tail = "?id={number}" if query else ""
    host = "example.com" if any(written) or query else "{word}.example.com"
    return f"{scheme}{www}{host}{''.join('/' + part for part in written)}{end if any(written) else ''}{tail}"
