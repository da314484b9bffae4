"""Texts that match a regular expression, all of them equally likely: ORD-[0-9]{6}."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import SchemaError
from simulacra.guarantees._languages import Language
from simulacra.randomness import Streams
from simulacra.rule import Rows, Rule
from simulacra.rules.reading import require_word
from simulacra.schema._patterns import require_regex
from simulacra.schema.types import Table
from simulacra.shuffling import shuffle

_MOST = 2**62


@dataclass(frozen=True)
class PatternRule(Rule):
    """Texts of the language of a regular expression.

    Examples
    --------
    >>> PatternRule.read({"pattern": "[A-C][0-9]"}, "here").room()
    30
    """

    word: ClassVar[str] = "pattern"
    example: ClassVar[str] = "{pattern: '[A-Z]{2}-[0-9]{4}'}"
    language: Language

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> PatternRule:
        """Read ``{pattern: REGEX}``."""
        regex = require_word(content, "pattern", (), place)
        require_regex(regex, place)
        try:
            return cls(Language.parse(regex))
        except SchemaError as error:
            raise SchemaError(f"{place}: {error}") from error

    def facts(self, table: Table) -> dict[str, Any]:
        """A text of this pattern."""
        return {"kind": "text", "pattern": self.language.regex}

    def room(self) -> int:
        """Count the texts; 0 if some can be spelt in two ways."""
        return min(self.language.count, _MOST) if self.language.plain else 0

    def number(self, places: npt.NDArray[np.int64], total: int, streams: Streams) -> pl.Series:
        """Spell different texts for different rows."""
        size = max(self.room(), 1)
        return pl.Series(
            self.language.spell(shuffle(places % size, size, streams.key("shuffle"))), dtype=pl.String
        )

    def draw(self, rows: Rows) -> pl.Series:
        """Draw texts."""
        return pl.Series(self.language.draw(rows.count, rows.rng), dtype=pl.String)
