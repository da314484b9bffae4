"""Names of people: whole, first and last."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.fakes._numbers import Numbers, times
from simulacra.fakes._templates import People, people, template_room, write_template
from simulacra.fakes.maker import Maker

_HERS = "Mrs|Miss|Ms|Mme|Mlle|Frau|Sra|Srta|Dña|Sig.ra|Sig.na|Pani|Paní|Mevr|Fru|Lady|Smt"
_HIS = "Mr|Mister|Herr|Sr|Sig|Pan|Sir|Dhr|Don|Shri"
_EITHER = "Dr|Prof|Master|Rev|Mgr|Ing|Doc"
TITLE = rf"(?:{_HERS}|{_HIS}|{_EITHER})"
_FIRST_TITLE = rf"^((?:{TITLE}\.? )+)"
_AFTER_COMMA = rf"^[^,]+, ((?:{TITLE}\.? )+)"
_TWO_LAST = {"es", "pt"}


@dataclass(frozen=True)
class Names(Maker):
    """Names put together from the lists of a locale, so that some are those of living people by chance.

    Examples
    --------
    >>> maker = Names("person.name", "de_DE")
    >>> maker.find_styles(pl.Series(["Berg, Anna", "ANNA BERG", "Anna K. Berg"])).to_list()
    ['{last}, {first}', 'upper|{first} {last}', '{first} {m}. {last}']
    """

    kinds: ClassVar[tuple[str, ...]] = ("person.name", "person.first", "person.last")

    @property
    def default(self) -> str:
        """First and last name, or the one of them."""
        return {"person.first": "{first}", "person.last": "{last}"}.get(self.kind, "{first} {last}")

    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Find order, titles, initials, number of names and case."""
        frame = pl.DataFrame({"t": texts.str.strip_chars()})
        text = pl.col("t")
        title = pl.coalesce(text.str.extract(_AFTER_COMMA), text.str.extract(_FIRST_TITLE), pl.lit(""))
        bare = text.str.replace(rf"((?:{TITLE}\.? )+)", "")
        comma = text.str.contains(", ", literal=True)
        words = bare.str.replace_all(",", "").str.count_matches(r"\S+")
        initial = bare.str.extract(r" (\p{Lu}\.?)(?: |$)")
        dot = pl.when(initial.str.ends_with(".")).then(pl.lit(".")).otherwise(pl.lit(""))
        letters = text.str.replace_all(r"[^\p{L}]", "")
        case = (
            pl.when((letters.str.len_chars() > 2) & (letters == letters.str.to_uppercase()))
            .then(pl.lit("upper|"))
            .when(letters == letters.str.to_lowercase())
            .then(pl.lit("lower|"))
            .otherwise(pl.lit(""))
        )
        parts = frame.select(
            title=title, comma=comma, words=pl.min_horizontal(words, 4), initial=initial.is_not_null(), dot=dot,
            case=case, empty=letters.str.len_chars() == 0,
        )  # fmt: skip
        kinds = parts.unique()
        styles = [None if row["empty"] else self._style(**{k: row[k] for k in row if k != "empty"}) for row in
                  kinds.iter_rows(named=True)]  # fmt: skip
        told = kinds.with_columns(style=pl.Series(styles, dtype=pl.String))
        return parts.join(told, on=parts.columns, how="left", maintain_order="left")["style"]

    def _style(self, *, title: str, comma: bool, words: int, initial: bool, dot: str, case: str) -> str:
        if self.kind != "person.name":
            field = "first" if self.kind == "person.first" else "last"
            middle = " {m}" + dot if initial and field == "first" else ""
            second = f" {{{field}2}}" if words > 1 and not middle else ""
            return f"{case}{{{field}}}{second}{middle}"
        first, last = "{first}", "{last}"
        if initial:
            first += " {m}" + dot
        elif words >= 3 and self.locale[:2] in _TWO_LAST:
            last += " {last2}"
            first += " {first2}" if words > 3 else ""
        elif words >= 3:
            first += " {first2}"
        if comma:
            return f"{case}{last}, {title}{first}"
        return f"{case}{title}{first if words == 1 else f'{first} {last}'}"

    def room(self, style: str) -> tuple[int, int]:
        """Count the names; second names joined by a hyphen are made when these run out."""
        who, template = self._read(style)
        plain = template_room(template, who)
        return plain, times(plain, 1 + (len(who.last[1]) if "{last}" in template else len(who.first)))

    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Gather names and put them together."""
        who, template = self._read(style)
        plain = np.uint64(template_room(template, who))
        field = "last" if "{last}" in template else "first"
        more = numbers // plain
        made = write_template(template, numbers % plain, who, small=False)
        if more.any():
            longer = template.replace(f"{{{field}}}", f"{{{field}}}\x00")
            second = (who.last[1] if field == "last" else who.first).gather(
                np.maximum(more.astype(np.int64) - 1, 0)
            )
            marked = write_template(longer, numbers % plain, who, small=False)
            doubled = pl.DataFrame({"a": marked, "b": "-" + second}).select(
                pl.col("a").str.replace("\x00", pl.col("b"), literal=True)
            )["a"]
            made = made.zip_with(pl.Series(more == 0), doubled)
        if style.startswith("upper|"):
            return made.str.to_uppercase()
        return made.str.to_lowercase() if style.startswith("lower|") else made

    def _read(self, style: str) -> tuple[People, str]:
        template = style.partition("|")[2] if style.startswith(("upper|", "lower|")) else style
        if re.search(rf"\b(?:{_HERS})\b", template):
            return people(self.locale, folded=False, sex="f"), template
        sex = "m" if re.search(rf"\b(?:{_HIS})\b", template) else ""
        return people(self.locale, folded=False, sex=sex), template
