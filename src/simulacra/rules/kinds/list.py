"""Given values one after the other: row 1 has the first, row 2 the second; they start again after the last."""

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
from simulacra.rules.kinds.choice import write_levels
from simulacra.rules.moments import KINDS, from_micros, read_moment
from simulacra.rules.reading import require_word
from simulacra.schema.types import Table


@dataclass(frozen=True)
class Listed(Rule):
    """Values in the order in which they are given: the rows of a table that is public knowledge.

    Examples
    --------
    >>> rule = Listed.read({"list": ["North", "South"]}, "here")
    >>> from simulacra.randomness import Streams
    >>> rule.number(np.arange(3), 3, Streams(0)).to_list()
    ['North', 'South', 'North']
    """

    word: ClassVar[str] = "list"
    example: ClassVar[str] = "{list: [Kitchen, Garden, Office]}"
    values: tuple[Any, ...]

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Listed:
        """Read ``{list: [VALUE, ...]}``."""
        given = require_word(content, "list", (), place)
        if not isinstance(given, (list, tuple)) or not given:
            raise SchemaError(f"{place}: a list has values in order, as in {cls.example}, not {given!r}.")
        for value in given:
            if isinstance(value, (list, tuple, Mapping)):
                raise SchemaError(f"{place}: a value of a list is a text, a number or null, not {value!r}.")
        return cls(tuple(given))

    @property
    def _kind(self) -> str:
        known = [value for value in self.values if value is not None]
        if known and all(isinstance(value, bool) for value in known):
            return "boolean"
        if known and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
            return "number"
        moments = {found[0] for found in map(read_moment, known) if found is not None}
        return moments.pop() if len(moments) == 1 and all(map(read_moment, known)) else "category"

    def facts(self, table: Table) -> dict[str, Any]:
        """A category with these levels; numbers, moments or a boolean if all values are."""
        known = [value for value in self.values if value is not None]
        facts: dict[str, Any] = {"kind": self._kind}
        if len(known) < len(self.values):
            facts["nullable"] = True
        if self._kind == "number":
            facts["integer"] = all(isinstance(value, int) for value in known)
        if self._kind == "category":
            facts |= {"levels": tuple(dict.fromkeys(map(_text, known))), "declared": True}
        return facts

    def room(self) -> int:
        """Count the different values."""
        return 0 if None in self.values else len(set(map(_text, self.values)))

    def number(self, places: npt.NDArray[np.int64], total: int, streams: Streams) -> pl.Series:
        """Give the values of the rows with these numbers."""
        at = places % len(self.values)
        if self._kind in KINDS:
            counted = [np.nan if found is None else found[1] for found in map(read_moment, self.values)]
            return from_micros(np.asarray(counted, dtype=np.float64)[at], self._kind, "microsecond")
        if self._kind != "category":
            return pl.Series(self.values, strict=False).gather(at)
        levels = tuple(dict.fromkeys(None if value is None else _text(value) for value in self.values))
        code = {level: place for place, level in enumerate(levels)}
        codes = np.array([code[None if v is None else _text(v)] for v in self.values], dtype=np.uint32)
        return write_levels(codes[at], levels)

    def draw(self, rows: Rows) -> pl.Series:
        """Give the values of these rows."""
        return self.number(rows.numbers, rows.total, rows.fixed)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
