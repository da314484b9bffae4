"""Columns made of distributions: numbers, levels, ranges, dates and times, each with its encoding and its cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from simulacra.distributions.cutting import Piece, cut
from simulacra.distributions.functions import Law
from simulacra.domain import Array, Axis
from simulacra.encoding import Encoding
from simulacra.errors import OptionError, SchemaError
from simulacra.figures import Cells
from simulacra.registry import ENCODINGS
from simulacra.rules.moments import DAY, PRECISIONS
from simulacra.schema._fields import load_column
from simulacra.schema.types import Column

_EXACT = 2**53
_LONG = 60
_LEAST = 1e-9
"""Share of a family's numbers that must lie within the bounds."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One column, ready to be drawn.

    Parameters
    ----------
    encoding : Encoding
        Its values as axes; with the column.
    cells : tuple of Cells
        The distribution of each axis.
    told : str
        The distribution in words.
    """

    encoding: Encoding
    cells: tuple[Cells, ...]
    told: str

    @property
    def column(self) -> Column:
        """What the schema says of it."""
        return self.encoding.column

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of the column."""
        return self.encoding.axes


def plan_ranges(
    name: str, facts: Mapping[str, Any], low: Array, high: Array, share: Array, whole: bool, place: str
) -> Planned:
    """Make a column of numbers that lie in ranges, evenly in each."""
    facts = {"kind": "number", **({"integer": True} if whole and "decimals" not in facts else {}), **facts}
    column = load_column(name, facts, place)
    step = _step_of(column)
    if step is not None:
        low, high = np.ceil(np.round(low / step, 9)), np.floor(np.round(high / step, 9))
    cells = Cells(share, low, high)
    return Planned(_encode_numbers(column, low.min(), high.max(), step), (cells,), f"{len(share)} ranges")


def plan_levels(
    name: str, facts: Mapping[str, Any], levels: list[str], weights: Array, place: str
) -> Planned:
    """Make a category, or a boolean, with shares of its levels in their order."""
    boolean = facts.get("kind", "category" if set(levels) - {"true", "false"} else "boolean") == "boolean"
    if boolean:
        if set(levels) - {"true", "false"}:
            raise SchemaError(
                f"{place}: the levels of a boolean are true and false, not {', '.join(levels)}."
            )
        shares = dict(zip(levels, weights))
        levels, weights = ["false", "true"], np.array([shares.get("false", 0.0), shares.get("true", 0.0)])
        column = load_column(name, {"kind": "boolean", **facts}, place)
    else:
        told = {"kind": "category", **facts, "levels": levels, "declared": True}
        column = load_column(name, told, place)
    kind = pl.Boolean if boolean else pl.String
    encoding = ENCODINGS.load(column.kind).fit(pl.Series(name, [], dtype=kind), column)
    share = np.append(weights / weights.sum(), 0.0) if column.nullable else weights / weights.sum()
    return Planned(encoding, (Cells(share),), f"shares of {len(levels)} levels")


def plan_numbers(
    name: str,
    facts: Mapping[str, Any],
    pieces: list[tuple[float, Piece]],
    place: str,
    most: int,
    *,
    whole: bool,
) -> Planned:
    """Make a column of numbers."""
    facts = {"kind": "number", **({"integer": True} if whole and "decimals" not in facts else {}), **facts}
    column = load_column(name, facts, place)
    if column.format == "HHMM":
        raise SchemaError(
            f"{place}: a clock time has a distribution of times, such as {{uniform: ['08:00', '17:00']}}."
        )
    step = _step_of(column)
    if column.bounds is not None:
        pieces = [(weight, _hold(piece, column.bounds)) for weight, piece in pieces]
    least = min(
        piece.kept if isinstance(piece, Law) and piece.word != "const" else 1.0 for _, piece in pieces
    )
    low, high, share = cut(pieces, step=step, most=most)
    if least < _LEAST:
        raise OptionError(f"{place}: none of its numbers lie within the bounds. Widen them.")
    if step is not None and max(abs(low[0]), abs(high[-1])) >= _EXACT:
        raise OptionError(
            f"{place}: its numbers go beyond 2**53 steps of {step:g}, and are not exact there. Cut them with max:."
        )
    told = " + ".join(
        _tell(piece) if weight == 1 else f"{weight:.3g} x {_tell(piece)}" for weight, piece in pieces
    )
    told = told if len(told) <= _LONG or len(pieces) == 1 else f"mixture of {len(pieces)} distributions"
    return Planned(_encode_numbers(column, low[0], high[-1], step), (Cells(share, low, high),), told)


def _hold(piece: Piece, bounds: tuple[Any, Any]) -> Piece:
    """Cut a law at the bounds of its column."""
    if not isinstance(piece, Law):
        return piece
    return replace(piece, low=max(piece.low, float(bounds[0])), high=min(piece.high, float(bounds[1])))


def _tell(piece: Piece) -> str:
    if not isinstance(piece, Law):
        return "quantiles"
    said = ", ".join([piece.word, *(f"{name} {value:.5g}" for name, value in piece.parameters.items())])
    return f"{said}, {'from' if piece.sign > 0 else 'below'} {piece.origin:.5g}" if piece.origin else said


def _step_of(column: Column) -> float | None:
    if column.step is not None:
        return float(column.step)
    if column.integer:
        return 1.0
    return None if column.decimals is None else 10.0**-column.decimals


def _encode_numbers(column: Column, low: float, high: float, step: float | None) -> Encoding:
    ends = np.array([low, high]) * (step or 1.0)
    values = pl.Series(column.name, ends.round().astype(np.int64) if column.integer else ends)
    encoding = ENCODINGS.load("number").fit(values, replace(column, bounds=None))
    return _public(encoding, column)


def _public(encoding: Any, column: Column) -> Encoding:
    """Give an encoding its column back: what is told is public."""
    found: Encoding = replace(encoding, column=replace(column, declared=True))
    return found


def plan_time(
    name: str, facts: dict[str, Any], pieces: list[tuple[float, Piece]], precision: str, place: str, most: int
) -> Planned:
    """Make a column of dates, datetimes, times or durations: distributions of microseconds, rounded down."""
    column = load_column(name, facts, place)
    tick = DAY if column.kind == "date" else PRECISIONS[precision]
    unit = DAY if column.kind == "datetime" else tick
    low, high, share = cut(pieces, step=float(unit), above=(unit - 1) / unit, most=most)
    first, last = int(low[0]) * unit, int(high[-1]) * unit
    if column.kind == "time" and not (first >= 0 and last < DAY):
        raise OptionError(
            f"{place}: a time of day lies between 00:00 and 24:00. Cut the distribution with min and max."
        )
    cells = [Cells(share, low, high)]
    if column.kind == "datetime":
        # the time of day is even, whatever the day
        clock = np.arange(0, DAY // tick, max(DAY // tick // 96, 1), dtype=np.float64)
        ends = np.append(clock[1:], DAY // tick) - 1
        cells.append(Cells((ends - clock + 1) / (DAY // tick), clock, ends))
        last += DAY - tick
    # two neighbours tell the unit
    values = _series(column, sorted({first, min(first + tick, last), last}))
    encoding = ENCODINGS.load(column.kind).fit(values, replace(column, bounds=None))
    words = " + ".join(piece.word if isinstance(piece, Law) else "quantiles" for _, piece in pieces)
    return Planned(_public(encoding, column), tuple(cells), f"{words}, {values[0]} to {values[-1]}")


def _series(column: Column, micros: list[int]) -> pl.Series:
    """Make values of microseconds."""
    whole = pl.Series(column.name, micros, dtype=pl.Int64)
    if column.kind == "date":
        return (whole // DAY).cast(pl.Int32).cast(pl.Date)
    if column.kind == "time":
        return (whole * 1_000).cast(pl.Time)
    if column.kind == "duration":
        return whole.cast(pl.Duration("us"))
    values = whole.cast(pl.Datetime("us"))
    return values if column.timezone is None else values.dt.replace_time_zone(column.timezone)
