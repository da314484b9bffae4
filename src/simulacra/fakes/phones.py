"""Telephone numbers in the forms of a country, in ranges kept for fiction where there are such."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.fakes._numbers import Numbers, cut, times
from simulacra.fakes._writing import fill, lay, to_signs, to_texts, wild_places
from simulacra.fakes.maker import Maker

COUNTRIES = {
    "1": "en_US", "31": "nl_NL", "33": "fr_FR", "34": "es_ES", "39": "it_IT", "420": "cs_CZ", "44": "en_GB",
    "46": "sv_SE", "48": "pl_PL", "49": "de_DE", "55": "pt_BR", "91": "en_IN",
}  # fmt: skip
"""Locales by calling code."""

_FORMS = {
    "en_US": "(###) ###-####", "en_GB": "+44 ### ### ####", "de_DE": "+49 ### #######", "fr_FR": "+33 # ## ## ## ##",
    "es_ES": "+34 ### ### ###", "it_IT": "+39 ### #######", "nl_NL": "+31 ## ### ####", "pt_BR": "+55 ## ####-####",
    "pl_PL": "+48 ### ### ###", "cs_CZ": "+420 ### ### ###", "sv_SE": "+46 ## ### ## ##", "en_IN": "+91 ##### #####",
}  # fmt: skip
# What comes after the calling code or the 0: ranges that regulators keep for films and books (Ofcom, ARCEP,
# Bundesnetzagentur, PTS), and for the other countries beginnings that are not given to subscribers.
_STARTS: dict[str, tuple[str, ...]] = {
    "en_GB": (
        "1134960", "1144960", "1154960", "1164960", "1174960", "1184960", "1214960", "1314960", "1414960", "1514960",
        "1614960", "1632960", "1914980", "2079460", "2896496", "2920180", "7700900",
    ),
    "fr_FR": ("19900", "26191", "35301", "46571", "53649", "63998"),
    "de_DE": ("3023125", "4066969", "6990009", "8999998", "2214710"),
    "sv_SE": ("3139006", "4062804", "8465004"),
    "es_ES": ("555", "550"), "it_IT": ("555", "550"), "nl_NL": ("055", "059"), "pt_BR": ("105", "205"),
    "pl_PL": ("015", "095"), "cs_CZ": ("055", "015"), "en_IN": ("055", "015"),
}  # fmt: skip
_AREAS, _LINES = 800, 100
# calling codes have one to three digits (ITU-T E.164); those of other countries stay as they are
_FOREIGN = (
    r"^((?:\+|00)(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9]\d\d)(?:[ ().\-/]|\d))"
)
_BEYOND = "00"
"""No country has numbers whose area begins so."""


@dataclass(frozen=True)
class Phones(Maker):
    """Numbers that reach nobody, as far as that can be had: 555-0100 to 555-0199 in North America.

    Examples
    --------
    >>> maker = Phones("phone", "en_US")
    >>> maker.write(np.array([7], dtype=np.uint64), maker.default).to_list()
    ['(207) 555-0100']
    """

    kinds: ClassVar[tuple[str, ...]] = ("phone",)

    @property
    def default(self) -> str:
        """The international form, or the national one of North America."""
        return _FORMS[self.locale]

    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Write digits as ``#``, and keep the calling code and the 0 before an area."""
        code = {locale: code for code, locale in COUNTRIES.items()}[self.locale]
        text = texts.str.strip_chars().str.replace_all(r"[^0-9+() ./\-x]", " ")
        inside = (
            rf"^(\+{code}|00{code}|\({code}\)|0)"
            if self.locale != "en_US"
            else r"^(\+1|001|1(?:[ .\-]|\d{10}$))"
        )
        own = text.str.extract(inside)
        # the regular expression looks one sign too far, to know that a number follows
        abroad = text.str.extract(_FOREIGN).str.replace(r".$", "")
        start = pl.select(pl.coalesce(abroad, own, pl.lit(""))).to_series()
        rest = text.str.slice(start.str.len_chars()).str.replace_all(r"\d", "#")
        kept = start.str.replace(r"^1\d{10}$", "1")
        style = pl.DataFrame({"a": kept, "b": rest, "t": text}).select(
            pl.when(pl.col("t").str.contains(r"^1\d{10}$"))
            .then(pl.lit("1##########"))
            .otherwise(pl.col("a") + pl.col("b"))
        )
        found = style.to_series()
        return found.set(found.str.count_matches("#") < 5, None)

    def room(self, style: str) -> tuple[int, int]:
        """Count the numbers; where a kept range is full, others that can not be dialled follow."""
        free, behind = self._places(style)
        if self._american_form(style, free):
            return times(_AREAS, _LINES, 10**behind), times(_AREAS, 200 * 10_000 + _LINES, 10**behind)
        starts = self._starts(style, free)
        plain = times(len(starts), 10 ** (free - len(starts[0])), 10**behind)
        return plain, max(plain, times(10 ** max(free - 2, 1), 10**behind))

    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Write the kept range and the rest into the places of the style."""
        free, behind = self._places(style)
        plain = np.uint64(self.room(style)[0])
        extension, number = cut(numbers, [10**behind])
        plain //= np.uint64(10**behind)
        number = number.astype(np.uint64)
        body = (
            self._american(number, plain)
            if self._american_form(style, free)
            else self._other(number, self._starts(style, free), free, plain)
        )
        tail = fill("#" * behind, extension.astype(np.uint64))
        return to_texts(lay(np.column_stack([body, tail]), style))

    def _places(self, style: str) -> tuple[int, int]:
        """Count the places of the number, and those of an extension behind an x."""
        number, _, extension = style.partition("x")
        most = 10 if self.locale == "en_US" else 15
        free = wild_places(number)
        return min(free, most), wild_places(extension) + max(free - most, 0)

    def _american_form(self, style: str, free: int) -> bool:
        return self.locale == "en_US" and free >= 10 and not self._is_foreign(style)

    def _is_foreign(self, style: str) -> bool:
        """Tell whether a style has the calling code of another country."""
        code = re.match(r"(?:\+|00)(\d+)", style)
        own = {locale: code for code, locale in COUNTRIES.items()}[self.locale]
        return code is not None and code[1] != own

    def _starts(self, style: str, free: int) -> tuple[str, ...]:
        """Take the beginnings of one length: those that leave places free, cut to half of a short number."""
        if self._is_foreign(style):
            return (_BEYOND[: max(free - 2, 1)],)
        starts = _STARTS.get(self.locale, ("555",))
        size = min(max(len(start) for start in starts), max(free - 2, 1))
        fitting = [start for start in starts if len(start) <= size]
        longest = max((len(start) for start in fitting), default=0)
        return tuple(start for start in fitting if len(start) == longest) or (starts[0][:size],)

    def _american(self, numbers: Numbers, plain: np.uint64) -> np.ndarray:
        area, rest = cut(numbers, [_AREAS])
        first = rest < _LINES
        exchange, line = rest.astype(np.int64) - _LINES, rest.astype(np.int64) + 100
        # no exchange starts with 0 or 1, so these numbers can not be given out
        local = np.where(first, 5_550_000 + line, np.maximum(exchange, 0))
        return fill("#" * 10, ((200 + area) * 10**7 + local).astype(np.uint64))

    def _other(self, numbers: Numbers, starts: tuple[str, ...], free: int, plain: np.uint64) -> np.ndarray:
        which, line = cut(numbers, [len(starts)])
        head = to_signs(pl.Series(starts).gather(which), len(starts[0]))
        kept = np.column_stack([head, fill("#" * (free - len(starts[0])), line.astype(np.uint64))])
        beyond = numbers >= plain
        if beyond.any():
            # an area code of two zeros exists nowhere
            kept[beyond] = np.column_stack(
                [
                    np.full((int(beyond.sum()), min(2, free - 1)), 48),
                    fill("#" * (free - min(2, free - 1)), numbers[beyond]),
                ]
            )
        return kept
