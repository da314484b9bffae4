"""One of several values, each with its weight: texts, numbers, or true and false."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import SchemaError
from simulacra.rule import Rows, Rule
from simulacra.rules.reading import require_word
from simulacra.schema.types import Table

_FEW = 24
_CELLS = 2**16


@dataclass(frozen=True)
class Choice(Rule):
    """A value of a list, drawn by weight.

    Examples
    --------
    >>> Choice.read({"choice": {"yes": 0.2, "no": 0.8}}, "here").weights
    (0.2, 0.8)
    """

    word: ClassVar[str] = "choice"
    example: ClassVar[str] = "{choice: {EUR: 0.7, USD: 0.2, GBP: 0.1}}"
    values: tuple[Any, ...]
    weights: tuple[float, ...]

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Choice:
        """Read ``{choice: [a, b]}``, ``{choice: {a: 3, b: 1}}`` or ``{choice: [a, b], weights: [3, 1]}``."""
        given = require_word(content, "choice", ("weights",), place)
        if isinstance(given, Mapping):
            values, weights = tuple(given), list(given.values())
            if "weights" in content:
                raise SchemaError(
                    f"{place}: weights stand behind the values, or in a list of their own, not both."
                )
            values = tuple(_number(value) for value in values) if all(map(_is_number, values)) else values
            if set(values) <= {"true", "false"}:
                values = tuple(value == "true" for value in values)
        elif isinstance(given, (list, tuple)):
            values, weights = tuple(given), list(content.get("weights", [1] * len(given)))
        else:
            raise SchemaError(
                f"{place}: a choice is a list or values with weights, as in {cls.example}, not {given!r}."
            )
        if not values:
            raise SchemaError(f"{place}: a choice needs a value. Add one.")
        if len(weights) != len(values):
            raise SchemaError(
                f"{place}: {len(values)} values have {len(weights)} weights. Give one for each."
            )
        for value, weight in zip(values, weights):
            if (
                isinstance(weight, bool)
                or not isinstance(weight, (int, float))
                or not 0 <= weight < float("inf")
            ):
                raise SchemaError(f"{place}: the weight of {value!r} is a number from 0, not {weight!r}.")
            if isinstance(value, (list, tuple, Mapping)):
                raise SchemaError(f"{place}: a value of a choice is a text, a number or null, not {value!r}.")
        if not sum(weights) > 0:
            raise SchemaError(f"{place}: all weights are 0. Make one of them larger.")
        if len(set(map(repr, values))) != len(values):
            raise SchemaError(f"{place}: a value stands twice in the choice. Keep one.")
        return cls(values, tuple(float(weight) for weight in weights))

    @property
    def known(self) -> tuple[Any, ...]:
        """The values that are there."""
        return tuple(value for value in self.values if value is not None)

    def facts(self, table: Table) -> dict[str, Any]:
        """A category with these levels; numbers if all are, and a boolean if all are true or false."""
        known = self.known
        facts: dict[str, Any] = {"nullable": True} if len(known) < len(self.values) else {}
        if known and all(isinstance(value, bool) for value in known):
            return {**facts, "kind": "boolean"}
        if known and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
            return {**facts, "kind": "number", "integer": all(isinstance(value, int) for value in known)}
        return {
            **facts,
            "kind": "category",
            "levels": tuple(_text(value) for value in known),
            "declared": True,
        }

    def draw(self, rows: Rows) -> pl.Series:
        """Draw codes by weight and give their values."""
        codes = draw_codes(self.weights, rows.count, rows.rng)
        kind = self.facts(rows.table)["kind"]
        if kind != "category":
            values = pl.Series(self.values, dtype=None if kind == "boolean" else pl.Float64, strict=False)
            if kind == "number" and all(isinstance(value, int) for value in self.known):
                values = values.cast(pl.Int64)
            return values.gather(codes)
        return write_levels(codes, tuple(None if value is None else _text(value) for value in self.values))


def draw_codes(weights: tuple[float, ...], count: int, rng: np.random.Generator) -> npt.NDArray[np.uint32]:
    """Draw places in a list by weight.

    Parameters
    ----------
    weights : tuple of float
        One for each place.
    count : int
        How many to draw.
    rng : Generator
        The stream.

    Notes
    -----
    **Cost**: some nanoseconds a draw for lists of any length: comparisons for short ones, a guide table for long ones
    (Chen and Asau 1974, "On generating random variates from an empirical distribution").
    """
    if len(set(weights)) == 1:
        return rng.integers(0, len(weights), count, dtype=np.uint32)
    if len(weights) <= _FEW:
        # half the bytes of a real number are plenty to tell a few weights apart, and twice as fast
        ends = np.cumsum(weights)[:-1] / np.sum(weights) * 2**32
        u = rng.integers(0, 2**32, count, dtype=np.uint32)
        codes = np.zeros(count, dtype=np.uint8)
        for end in ends.tolist():
            if end < 2**32 - 1:
                codes += u >= np.uint32(round(end))
        return codes.astype(np.uint32)
    bounds = np.cumsum(weights) / np.sum(weights)
    bounds[-1] = 1
    place = rng.random(count)
    guide = np.searchsorted(bounds, np.arange(_CELLS) / _CELLS, side="right")
    placed = guide[(place * _CELLS).astype(np.int64)]
    while True:
        # the guide is at most as far as the cell's lower end: few rows have to go on from there
        late = np.flatnonzero(place >= bounds[placed])
        if not len(late):
            return placed.astype(np.uint32)
        placed[late] += 1


def write_levels(codes: npt.NDArray[np.uint32], levels: tuple[str | None, ...]) -> pl.Series:
    """Give codes their levels, as a column that keeps each level once."""
    kept = [level for level in levels if level is not None]
    if len(kept) == len(levels):
        return pl.Series(codes).cat.to(pl.Enum(kept))
    place, shift = [], 0
    for level in levels:
        place.append(None if level is None else shift)
        shift += level is not None
    return pl.Series(place, dtype=pl.UInt32).gather(codes).cat.to(pl.Enum(kept))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_number(text: Any) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    # 007 and 1e5 are codes that people write, not numbers
    return str(_number(text)) == str(text)


def _number(text: Any) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
