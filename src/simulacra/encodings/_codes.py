"""What category and boolean share: a list of levels, and a code for missing at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, Support, code_dtype
from simulacra.encoding import Encoding, Limits
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column


@dataclass(frozen=True)
class Codes(Encoding):
    """A coded axis: level i is code i; missing, if it occurs, is the last code."""

    column: Column
    levels: tuple[str, ...]
    missing: bool
    holders: int = 1

    @property
    def size(self) -> int:
        """Number of codes."""
        return max(len(self.levels) + self.missing, 1)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """One axis of codes."""
        name = self.column.name
        return (Axis(name, name, size=self.size, ordered=False, holders=self.holders),)

    def encode(self, values: pl.Series) -> tuple[Array, ...]:
        """Turn levels into codes; an unknown level becomes missing, or level 0 where nothing may be missing."""
        codes = self._texts(values).cast(pl.Enum(list(self.levels)), strict=False).to_physical()
        other = len(self.levels) if self.missing else 0
        return (codes.fill_null(other).to_numpy().astype(code_dtype(self.size)),)

    def decode(self, arrays: tuple[Array, ...], *, rng: np.random.Generator, start: int = 0) -> pl.Series:
        """Turn codes into levels."""
        table = pl.Series(self.column.name, [*self.levels, None], dtype=pl.String)
        codes = np.minimum(arrays[0], len(self.levels)).astype(np.uint32)
        return self._values(table.gather(codes))

    def narrow(self, kept: dict[str, Array], limits: dict[str, tuple[float, float]]) -> Self:
        """Keep the levels whose codes stay."""
        if "value" not in kept:
            return self
        codes = [int(code) for code in kept["value"]]
        levels = tuple(self.levels[code] for code in codes if code < len(self.levels))
        missing = not codes or (self.missing and codes[-1] == len(self.levels))
        return replace(self, column=self._released(levels, missing), levels=levels, missing=missing)

    def candidates(self, literals: Sequence[Any] = ()) -> pl.Series | None:
        """List every level, and null where it can be drawn."""
        return self._values(
            pl.Series(self.column.name, [*self.levels, *([None] * self.missing)], dtype=pl.String)
        )

    def restrict(self, term: Predicate, *, unknown: bool = False) -> Limits:
        """Keep the codes whose levels satisfy the condition."""
        values = self.candidates()
        levels = np.zeros(self.size)
        if values is not None:
            fits = term.evaluate(values.to_frame()).fill_null(unknown)
            levels[: len(values)] = fits.to_numpy()
        return Limits({self.column.name: Support(levels=levels)}, exact=True)

    def dump(self) -> dict[str, Any]:
        """Return levels, missing and holders."""
        return {"levels": list(self.levels), "missing": self.missing, "holders": self.holders}

    @classmethod
    def restore(cls, state: dict[str, Any], column: Column) -> Self:
        """Make the encoding from what `dump` gave."""
        return cls(column, tuple(state["levels"]), bool(state["missing"]), int(state["holders"]))

    def _texts(self, values: pl.Series) -> pl.Series:
        return values

    def _values(self, texts: pl.Series) -> pl.Series:
        return texts

    def _released(self, levels: tuple[str, ...], missing: bool) -> Column:
        return replace(self.column, nullable=missing)
