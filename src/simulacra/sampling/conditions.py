"""Conditions by filtering: rows are drawn until enough satisfy them, and the accepted share is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from simulacra.encoding import Encoding
from simulacra.errors import ImpossibleCondition, OptionError, RareCondition, unknown
from simulacra.generator import Progress
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.sampling.blocks import Draw
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table

MOST_DRAWS = 20_000_000
"""Rows drawn in all before a condition is given up."""
HOPELESS = 2_000_000
"""Rows drawn without one that fits before a condition is given up."""


@dataclass(frozen=True)
class Request:
    """What rows are wanted.

    Parameters
    ----------
    table : Table
        The model's schema; its constraints are kept as well.
    encodings : mapping
        The model's encodings: they know what values can be drawn.
    n : int
        How many rows.
    where : str, mapping or None
        A condition.
    balance : mapping or None
        ``{column: {level: share}}`` for one column.
    """

    table: Table
    encodings: Mapping[str, Encoding]
    n: int
    where: str | Mapping[str, Any] | None = None
    balance: Mapping[str, Mapping[str, float]] | None = None

    @property
    def plain(self) -> bool:
        """Whether every row will do."""
        return self.where is None and not self.balance and not self.table.constraints

    @property
    def condition(self) -> Predicate | None:
        """The parsed condition, if there is one."""
        return Predicate.parse(self.where, self.table) if self.where is not None else None


def fill(
    request: Request, draw: Draw, streams: Streams, progress: Progress, notes: list[str]
) -> Iterator[pl.DataFrame]:
    """Draw exactly the rows that a request asks for.

    Parameters
    ----------
    request : Request
        What is wanted.
    draw : callable
        Draws rows of the model.
    streams : Streams
        Where randomness comes from.
    progress : callable
        Told the share done.
    notes : list of str
        Gets the accepted share of each part, once it is drawn.

    Yields
    ------
    DataFrame
        `request.n` rows in all, piece by piece, all satisfying it. With `balance`, whose parts are shuffled, all of
        them at once.

    Raises
    ------
    ImpossibleCondition
        A term of the condition is true for no value that the model can draw.
    RareCondition
        Too few rows fitted within the draws allowed.

    Notes
    -----
    **Cost**: rows divided by the probability of the condition. Blocks are drawn in a fixed order, so the result is a
    function of model, request and seed alone.
    """
    constraints = tuple(Predicate.parse(check.sql, request.table) for check in request.table.constraints)
    condition = request.condition
    if condition is not None:
        require_possible(condition, request)
    if not request.balance:
        yield from _accepted(request.n, _Wish(condition, constraints), draw, streams, progress, notes)
        return
    pieces: list[pl.DataFrame] = []
    for part, (wanted, words, number) in enumerate(_quotas(request)):
        both = wanted.sql if condition is None else f"({condition.sql}) and ({wanted.sql})"
        predicate = Predicate.parse(both, request.table)
        require_possible(predicate, request)
        wish = _Wish(predicate, constraints, words if condition is None else f"{condition.sql} and {words}")
        pieces += _accepted(number, wish, draw, streams.at("part", part), progress, notes)
    order = streams.stream("shuffle").permutation(request.n)
    yield pl.concat(pieces)[order]


@dataclass(frozen=True)
class _Wish:
    """A condition that must be TRUE, constraints that must not be FALSE, and how to speak of both."""

    condition: Predicate | None
    constraints: tuple[Predicate, ...]
    said: str = ""

    @property
    def words(self) -> str:
        own = self.said or (self.condition.sql if self.condition is not None else "")
        return quoted(own or " and ".join(constraint.sql for constraint in self.constraints))

    def keep(self, frame: pl.DataFrame) -> pl.Series:
        """Mark the rows that fit."""
        fits = pl.Series(np.ones(len(frame), dtype=bool))
        for constraint in self.constraints:
            fits &= constraint.evaluate(frame).fill_null(True)
        return fits if self.condition is None else fits & self.condition.evaluate(frame).fill_null(False)


def _accepted(
    n: int, wish: _Wish, draw: Draw, streams: Streams, progress: Progress, notes: list[str]
) -> Iterator[pl.DataFrame]:
    yield draw(0, 0, streams.at("block", "none"))
    drawn = accepted = block = 0
    while accepted < n:
        rows = _next_rows(n, drawn, accepted)
        frame = draw(rows, drawn, streams.at("block", block))
        fitting = frame.filter(wish.keep(frame))
        yield fitting.head(n - accepted)
        drawn, accepted, block = drawn + rows, accepted + len(fitting), block + 1
        progress(min(accepted / n, 1.0), "drawing rows")
        if accepted < n:
            _require_hope(n, drawn, accepted, wish)
    if n:
        notes.append(f"{wish.words} held in {_share(accepted, drawn)} of the rows drawn.")


def _next_rows(n: int, drawn: int, accepted: int) -> int:
    """Choose how many rows to draw next: enough by the share seen so far, at most one block."""
    if not drawn:
        return int(min(max(2 * n, 1_024), BLOCK_ROWS))
    need = (n - accepted) * drawn / max(accepted, 0.5) * 1.1
    return int(min(max(need, 1_024), BLOCK_ROWS))


def _require_hope(n: int, drawn: int, accepted: int, wish: _Wish) -> None:
    if accepted == 0 and drawn >= HOPELESS:
        # no success in N draws: the 95 % upper limit of the probability is 3 / N
        raise RareCondition(
            f"where {wish.words}: none of {drawn:,} rows drawn satisfies it (probability below {3 / drawn:.2g}), "
            "though each part of it can occur. Loosen it."
        )
    if accepted and drawn >= HOPELESS and n * drawn / accepted > MOST_DRAWS:
        raise RareCondition(
            f"where {wish.words}: held in {accepted:,} of {drawn:,} rows drawn (probability about "
            f"{accepted / drawn:.2g}), so {n:,} rows would need about {n * drawn / accepted:,.0f} draws. "
            f"Ask for at most {int(MOST_DRAWS * accepted / drawn):,} rows, or loosen it."
        )


def quoted(sql: str) -> str:
    """Put a condition in the quotes that it does not use itself.

    Examples
    --------
    >>> print(quoted("age > 3"), quoted('"hours-per-week" > 3'))
    "age > 3" `"hours-per-week" > 3`
    """
    return f"`{sql}`" if '"' in sql else f'"{sql}"'


def require_possible(condition: Predicate, request: Request) -> None:
    """Find a term on one column that no value of that column satisfies.

    Raises
    ------
    ImpossibleCondition
        There is one; the message says what the column can be.
    """
    for term in condition.terms():
        if len(term.columns) != 1:
            continue
        name = term.columns[0]
        values = request.encodings[name].candidates(term.literals())
        if values is None or term.evaluate(values.alias(name).to_frame()).any():
            continue
        if term.is_swapped():
            raise ImpossibleCondition(
                f"where {quoted(condition.sql)}: the limits of {quoted(term.sql)} are swapped, so no row can match "
                "it. Write the lower one first."
            )
        raise ImpossibleCondition(
            f"where {quoted(condition.sql)}: {_range(name, request)} in this model, so no row can match "
            f"{quoted(term.sql)}. Loosen it."
        )


def _range(name: str, request: Request) -> str:
    column = request.encodings[name].column
    if column.bounds is not None and not column.sensitive:
        return f"{name!r} is always between {column.bounds[0]} and {column.bounds[1]}"
    if column.levels is not None and not column.sensitive:
        shown = ", ".join(repr(level) for level in column.levels[:8]) + (
            ", ..." if len(column.levels) > 8 else ""
        )
        return f"{name!r} is one of {shown or 'no level at all'}"
    return f"{name!r} never takes such a value"


def _quotas(request: Request) -> list[tuple[Predicate, str, int]]:
    """Turn balance shares into predicates, words for them, and exact numbers of rows."""
    balance = request.balance or {}
    if len(balance) != 1:
        raise OptionError(f"balance takes one column, and this names {len(balance)}. Name one.")
    name, shares = next(iter(balance.items()))
    if name not in request.table.names:
        raise unknown("column", name, request.table.names)
    if not shares or any(not 0 <= share <= 1 for share in shares.values()) or sum(shares.values()) > 1 + 1e-9:
        raise OptionError(f"balance of {name!r}: shares lie between 0 and 1 and sum to at most 1.")
    numbers = [round(share * request.n) for share in shares.values()]
    rest = request.n - sum(numbers)
    if abs(sum(shares.values()) - 1) < 1e-9 or rest < 0:
        numbers[-1] += rest
        rest = 0
    named = [Predicate.parse({name: level}, request.table) for level in shares]
    parts = [
        (predicate, f"{name} = {level!r}", number)
        for predicate, level, number in zip(named, shares, numbers, strict=True)
    ]
    if rest:
        # a missing value is none of the levels named, so it belongs to the rest
        others = f"coalesce(not ({' or '.join(f'({p.sql})' for p in named)}), true)"
        parts.append((Predicate.parse(others, request.table), f"{name} is another level", rest))
    return parts


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3g} %" if whole else "none"
