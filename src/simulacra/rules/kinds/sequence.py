"""Numbers that follow each other: 1, 2, 3, or written into a text such as INV-000001."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import SchemaError
from simulacra.randomness import Streams
from simulacra.rule import Rows, Rule
from simulacra.rules.reading import as_mapping, require_word
from simulacra.schema.types import Table

_FORM = re.compile(r"^([^{}]*)\{(?::(0?)(\d*)d?)?\}([^{}]*)$")


@dataclass(frozen=True)
class Sequence(Rule):
    """Row i has the value start + i x step.

    Examples
    --------
    >>> rule = Sequence.read({"sequence": {"form": "INV-{:06}"}}, "here")
    >>> from simulacra.randomness import Streams
    >>> rule.number(np.array([0, 41]), 100, Streams(0)).to_list()
    ['INV-000001', 'INV-000042']
    """

    word: ClassVar[str] = "sequence"
    example: ClassVar[str] = "{sequence: {start: 1000, step: 1}}"
    start: int = 1
    step: int = 1
    form: str | None = None

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Sequence:
        """Read ``{sequence: START}``, ``{sequence: FORM}`` or ``{sequence: {start:, step:, form:}}``."""
        given = require_word(content, "sequence", (), place)
        given = (
            {"start": given}
            if isinstance(given, int)
            else {"form": given}
            if isinstance(given, str)
            else given
        )
        given = as_mapping(given or {}, "sequence", ("start", "step", "form"), place, cls.example)
        for name in ("start", "step"):
            value = given.get(name, 1)
            if isinstance(value, bool) or not isinstance(value, int) or (name == "step" and value == 0):
                raise SchemaError(
                    f"{place}: {name} of a sequence is a whole number other than 0 for a step, not {value!r}."
                )
        form = given.get("form")
        if form is not None and (not isinstance(form, str) or not _FORM.match(form)):
            raise SchemaError(
                f"{place}: the form of a sequence has one number, as in 'INV-{{:06}}', not {form!r}."
            )
        return cls(given.get("start", 1), given.get("step", 1), form)

    def facts(self, table: Table) -> dict[str, Any]:
        """A key: a whole number, or a text."""
        return {"kind": "key", "integer": self.form is None}

    def room(self) -> int:
        """As many as there are whole numbers."""
        return 2**62

    def number(self, places: npt.NDArray[np.int64], total: int, streams: Streams) -> pl.Series:
        """Give the values of the rows with these numbers."""
        numbers = pl.Series(places * self.step + self.start)
        if self.form is None:
            return numbers
        return write_form(numbers, self.form)

    def draw(self, rows: Rows) -> pl.Series:
        """Count on from the first row."""
        return self.number(rows.numbers, rows.total, rows.fixed)


def write_form(numbers: pl.Series, form: str) -> pl.Series:
    """Write whole numbers into a text such as ``INV-{:06}``."""
    match = _FORM.match(form)
    assert match is not None, form
    before, zero, width, after = match.groups()
    text = numbers.cast(pl.String)
    if width:
        text = text.str.zfill(int(width)) if zero else text.str.pad_start(int(width))
    return pl.select(pl.concat_str([pl.lit(before), text.alias("n"), pl.lit(after)])).to_series()
