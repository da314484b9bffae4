"""Fields of people that templates name, drawn from the lists of a locale: ``{first} {last}``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from simulacra.fakes._numbers import Numbers, cut, times
from simulacra.fakes.vocabulary import fold, vocabulary

_PIECE = re.compile(r"\{(first2|first|last2|last|m|f|l)\}|([#%])")
_LETTERS = pl.Series([chr(65 + i) for i in range(26)])
_DIGITS = pl.Series([str(i) for i in range(10)])


@dataclass(frozen=True)
class People:
    """First and last names that go together, numbered: women first, then men."""

    first: pl.Series
    last: tuple[pl.Series, pl.Series]
    women: int

    @property
    def pairs(self) -> int:
        """Number of first names with their last names."""
        return self.women * len(self.last[0]) + (len(self.first) - self.women) * len(self.last[1])


@cache
def people(locale: str, *, folded: bool, sex: str = "") -> People:
    """List the people of a locale, in letters a to z if folded; only women or men if `sex` is ``"f"`` or ``"m"``."""
    own = vocabulary(locale)

    def form(words: pl.Series) -> pl.Series:
        if not folded:
            return words.unique(maintain_order=True)
        return pl.Series([fold(word, locale) for word in words]).unique(maintain_order=True)

    female, male = form(own.female), form(own.male)
    if sex == "m":
        female = female.clear()
    elif sex == "f":
        male = male.clear()
    else:
        male = male.filter(~male.is_in(female.implode()))
    return People(pl.concat([female, male]), (form(own.last_female), form(own.last_male)), len(female))


@cache
def _pieces(template: str) -> tuple[tuple[str, str], ...]:
    """Split a template into what stands and (text, "") or fields ("", field)."""
    out: list[tuple[str, str]] = []
    end = 0
    for match in _PIECE.finditer(template):
        if match.start() > end:
            out.append((template[end : match.start()], ""))
        out.append(("", match.group(1) or match.group(2)))
        end = match.end()
    if end < len(template):
        out.append((template[end:], ""))
    return tuple(out)


def template_room(template: str, who: People) -> int:
    """Count the texts of a template."""
    fields = [field for _, field in _pieces(template) if field]
    named = {"first", "last"} & set(fields)
    size = who.pairs if named == {"first", "last"} else 1
    if named == {"first"}:
        size = len(who.first)
    if named == {"last"}:
        size = len(who.last[1])
    factors = {
        "first2": len(who.first),
        "last2": len(who.last[1]),
        "m": 26,
        "f": 26,
        "l": 26,
        "#": 10,
        "%": 9,
    }
    return times(size, *(factors[field] for field in fields if field in factors))


def write_template(template: str, numbers: Numbers, who: People, *, small: bool) -> pl.Series:
    """Write numbers below `template_room` as a template says.

    Parameters
    ----------
    template : str
        Fields: first, last, first2, last2, m (a letter), f and l (letters that stand for a name), # and % (digits).
    numbers : array
        Which of them.
    who : People
        The names.
    small : bool
        Whether single letters are small ones.
    """
    pieces = _pieces(template)
    fields = [field for _, field in pieces if field]
    values: dict[int, pl.Series] = {}
    rest = numbers
    for place, (_, field) in enumerate(pieces):
        base = {"first2": len(who.first), "last2": len(who.last[1]), "#": 10, "%": 9}.get(field, 26)
        if not field or field in {"first", "last"}:
            continue
        digit, rest = cut(rest, [base])
        if field in {"first2", "last2"}:
            values[place] = (who.first if field == "first2" else who.last[1]).gather(digit)
        elif field in "#%":
            values[place] = _DIGITS.gather(digit + (field == "%"))
        else:
            letters = _LETTERS.gather(digit)
            values[place] = letters.str.to_lowercase() if small else letters
    first, last = _pair(rest, who, "first" in fields, "last" in fields)
    columns, parts = {}, []
    for place, (text, field) in enumerate(pieces):
        if not field:
            parts.append(pl.lit(text))
            continue
        columns[f"p{place}"] = first if field == "first" else last if field == "last" else values[place]
        parts.append(pl.col(f"p{place}"))
    if not columns:
        return pl.Series([template] * len(numbers), dtype=pl.String)
    return pl.DataFrame(columns).select(pl.concat_str(parts).alias("made"))["made"]


def _pair(numbers: Numbers, who: People, first: bool, last: bool) -> tuple[pl.Series, pl.Series]:
    none = pl.Series(dtype=pl.String)
    if first and last:
        women, own = who.women * len(who.last[0]), (max(len(who.last[0]), 1), max(len(who.last[1]), 1))
        signed = numbers.astype(np.int64)
        is_woman = signed < women
        which = np.where(is_woman, signed // own[0], who.women + (signed - women) // own[1])
        name = np.where(is_woman, signed % own[0], (signed - women) % own[1] + len(who.last[0]))
        return who.first.gather(which), pl.concat(list(who.last)).gather(name)
    picked = numbers.astype(np.int64)
    return (who.first.gather(picked) if first else none), (who.last[1].gather(picked) if last else none)
