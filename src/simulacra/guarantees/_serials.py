"""Keys that a pattern spells: a different text for every position, in an order that looks random."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import ImpossibleCondition, SchemaError
from simulacra.guarantees._languages import Language
from simulacra.guarantees._spelling import LARGEST

ROUNDS = 4


@dataclass(frozen=True)
class Serial:
    """The keys of one column, each spelt from its position.

    A position is sent through a small Feistel network, which permutes the numbers below a power of four, until
    it lands below the number of texts: so positions give different texts without a memory.

    Notes
    -----
    **Source**: Black & Rogaway, "Ciphers with arbitrary finite domains" (2002), section 4 (cycle walking).
    """

    column: str
    language: Language
    half: int

    @classmethod
    def of(cls, column: str, language: Language) -> Serial:
        """Prepare the keys of a column.

        Raises
        ------
        SchemaError
            The pattern may spell one text in two ways.
        """
        if not language.plain:
            raise SchemaError(
                f"key {column!r}: pattern {language.regex!r} may spell one text in several ways, so keys could repeat. "
                "Write it without alternatives that overlap and without open repetitions side by side."
            )
        room = min(language.count, LARGEST)
        return cls(column, language, max((max(room - 1, 1).bit_length() + 1) // 2, 1))

    def require_room(self, n: int) -> None:
        """Refuse more rows than there are keys.

        Raises
        ------
        ImpossibleCondition
            The pattern has fewer texts.
        """
        if n > self.language.count:
            raise ImpossibleCondition(
                f"key {self.column!r}: {self.language.regex!r} spells {self.language.count:,} different keys, and "
                f"{n:,} rows are asked for. Widen the pattern, or ask for fewer rows."
            )

    def spell(self, start: int, n: int) -> pl.Series:
        """Spell the keys of n positions."""
        self.require_room(start + n)
        index = self._permute(np.arange(start, start + n, dtype=np.uint64))
        room = min(self.language.count, LARGEST)
        while (outside := index >= room).any():
            index[outside] = self._permute(index[outside])
        return pl.Series(self.column, self.language.spell(index.astype(np.int64)), dtype=pl.String)

    def _permute(self, index: Array) -> Array:
        half = np.uint64(self.half)
        mask = np.uint64((1 << self.half) - 1)
        left, right = index >> half, index & mask
        for key in self._keys:
            mixed = (right + key) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
            mixed ^= mixed >> np.uint64(32)
            left, right = right, left ^ (mixed & mask)
        return (left << half) | right

    @property
    def _keys(self) -> Array:
        """Round keys that depend on the pattern alone: a row's key is a function of its position."""
        return np.frombuffer(hashlib.sha256(self.language.regex.encode()).digest(), dtype="<u8")[:ROUNDS]
