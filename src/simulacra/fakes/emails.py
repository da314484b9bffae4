"""E-mail addresses at domains kept for examples, and user names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.fakes._numbers import Numbers, cut, times
from simulacra.fakes._templates import people, template_room, write_template
from simulacra.fakes.maker import Maker
from simulacra.fakes.vocabulary import known_words

DOMAINS = ("example.com", "example.org", "example.net")
"""Domains that no one can own (RFC 2606)."""

_MOST_SUFFIXES = 10**9


@dataclass(frozen=True)
class Emails(Maker):
    """Addresses whose local part follows the column's pattern: ``anna.berg``, ``aberg``, ``anna7``.

    Examples
    --------
    >>> maker = Emails("email", "en_US")
    >>> maker.find_styles(pl.Series(["ann.lee@firm.com", "alee42@firm.com"])).to_list()
    ['{first}.{last}', '{f}{last}##']
    """

    kinds: ClassVar[tuple[str, ...]] = ("email", "username")

    @property
    def default(self) -> str:
        """First and last name; a user name has digits behind."""
        return "{first}.{last}" if self.kind == "email" else "{first}{last}##"

    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Find which names an address is made of, and how many digits end it."""
        frame = pl.DataFrame({"t": texts}).select(
            local=pl.col("t").str.strip_chars().str.to_lowercase().str.replace(r"[@+].*$", "")
        )
        frame = frame.select(
            core=pl.col("local").str.replace(r"\d+$", ""),
            digits=pl.col("local").str.extract(r"(\d+)$").str.len_chars().fill_null(0).clip(0, 4),
        )
        core = pl.col("core")
        mark = core.str.extract(r"([._\-])").fill_null("")
        frame = frame.with_columns(
            mark=mark,
            parts=core.str.count_matches(r"[^._\-]+").clip(0, 3),
            short=core.str.contains(r"^[^._\-][._\-]"),
            brief=core.str.contains(r"[._\-][^._\-]$"),
            alone=_one_word(frame["core"]),
        ).drop("core")
        kinds = frame.unique()
        styles = [_style(**row) for row in kinds.iter_rows(named=True)]
        told = kinds.with_columns(style=pl.Series(styles, dtype=pl.String))
        found = frame.join(told, on=frame.columns, how="left", maintain_order="left")["style"]
        other = texts.str.contains("@", literal=True) != (self.kind == "email")
        return found.set(other, None)

    def room(self, style: str) -> tuple[int, int]:
        """Count the addresses; when names run out, a number is put behind."""
        plain = times(template_room(style, people(self.locale, folded=True)), self._domains)
        return plain, times(plain, _MOST_SUFFIXES)

    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Write the local part, and the domain."""
        who = people(self.locale, folded=True)
        plain = np.uint64(template_room(style, who))
        which, rest = cut(numbers, [self._domains])
        more = rest // plain
        made = write_template(style, rest % plain, who, small=True)
        if more.any():
            # the mark keeps a number that was put behind apart from digits of the style
            suffix = "_" + pl.Series(more).cast(pl.String)
            made = made.zip_with(pl.Series(more == 0), made + suffix)
        return made + "@" + pl.Series(DOMAINS).gather(which) if self.kind == "email" else made

    @property
    def _domains(self) -> int:
        return len(DOMAINS) if self.kind == "email" else 1


def _one_word(core: pl.Series) -> pl.Series:
    """Tell what a local part of one word is made of, by first and last names that are known."""
    words = pl.DataFrame({"w": core})
    first = known_words("first")["word"].unique().implode()
    last = known_words("last")["word"].unique().implode()
    return words.select(
        pl.when(pl.col("w").is_in(first))
        .then(pl.lit("{first}"))
        .when(pl.col("w").is_in(last))
        .then(pl.lit("{last}"))
        .when(pl.col("w").str.slice(1).is_in(last))
        .then(pl.lit("{f}{last}"))
        .when(pl.col("w").str.len_chars() >= 9)
        .then(pl.lit("{first}{last}"))
        .otherwise(pl.lit("{first}"))
    )["literal"]


def _style(*, mark: str, parts: int, short: bool, brief: bool, alone: str, digits: int) -> str:
    if parts <= 1 or not mark:
        core = alone
    elif parts >= 3:
        core = f"{{first}}{mark}{{m}}{mark}{{last}}"
    else:
        core = f"{'{f}' if short else '{first}'}{mark}{'{l}' if brief else '{last}'}"
    return core + "#" * digits
