"""Whole numbers between two bounds in an order without pattern, none of them twice: keys that tell nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import SchemaError
from simulacra.randomness import Streams
from simulacra.rule import Rows, Rule
from simulacra.rules.kinds.sequence import _FORM, write_form
from simulacra.rules.reading import as_mapping, require_word
from simulacra.schema.types import Table
from simulacra.shuffling import shuffle


@dataclass(frozen=True)
class Shuffle(Rule):
    """Row i has the number that a permutation of low to high gives to i.

    Notes
    -----
    **Cost**: O(1) memory for any number of rows.

    Examples
    --------
    >>> rule = Shuffle.read({"shuffle": [100, 109]}, "here")
    >>> from simulacra.randomness import Streams
    >>> sorted(rule.number(np.arange(10), 10, Streams(0)).to_list()) == list(range(100, 110))
    True
    """

    word: ClassVar[str] = "shuffle"
    example: ClassVar[str] = "{shuffle: [10000000, 99999999]}"
    low: int | None = None
    high: int | None = None
    form: str | None = None

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Shuffle:
        """Read ``{shuffle: [low, high]}``, ``{shuffle: {low:, high:, form:}}`` or ``{shuffle: {}}``."""
        given = require_word(content, "shuffle", (), place)
        if isinstance(given, (list, tuple)):
            if len(given) != 2:
                raise SchemaError(
                    f"{place}: shuffle takes low and high, as in {cls.example}, not {list(given)!r}."
                )
            given = {"low": given[0], "high": given[1]}
        given = as_mapping(given or {}, "shuffle", ("low", "high", "form"), place, cls.example)
        for name in ("low", "high"):
            value = given.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
                raise SchemaError(f"{place}: {name} of shuffle is a whole number, not {value!r}.")
        low, high, form = given.get("low"), given.get("high"), given.get("form")
        if high is not None and high < (low or 0):
            raise SchemaError(f"{place}: shuffle from {low or 0} to {high}: low is above high. Swap them.")
        if form is not None and (not isinstance(form, str) or not _FORM.match(form)):
            raise SchemaError(
                f"{place}: the form of shuffle has one number, as in 'C-{{:08}}', not {form!r}."
            )
        return cls(low, high, form)

    def facts(self, table: Table) -> dict[str, Any]:
        """A key: a whole number, or a text."""
        return {"kind": "key", "integer": self.form is None}

    def room(self) -> int:
        """Count the numbers from low to high; without an upper bound there are as many as there are rows."""
        return 2**62 if self.high is None else self.high - (self.low or 0) + 1

    def number(self, places: npt.NDArray[np.int64], total: int, streams: Streams) -> pl.Series:
        """Give the values of the rows with these numbers; they start again where there are more rows than numbers."""
        size = total if self.high is None else self.room()
        low = (1 if self.high is None else 0) if self.low is None else self.low
        numbers = pl.Series(shuffle(places % max(size, 1), max(size, 1), streams.key("shuffle")) + low)
        return numbers if self.form is None else write_form(numbers, self.form)

    def draw(self, rows: Rows) -> pl.Series:
        """Give the numbers of these rows."""
        return self.number(rows.numbers, rows.total, rows.fixed)
