"""What rows are wanted of a fitted model, and the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from simulacra.blocks import Draw, draw_blocks
from simulacra.domain import Array
from simulacra.errors import OptionError, unknown
from simulacra.generator import Progress
from simulacra.guarantees._possibility import require_possible
from simulacra.guarantees.constraints import Guarantees
from simulacra.guarantees.keeping import keep_draws
from simulacra.guarantees.settling import settle_rows
from simulacra.guarantees.tallies import Tally as RuleTally
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.sampling.conditions import require_no_key
from simulacra.sampling.drawing import Drawer
from simulacra.sampling.numbering import number_keys
from simulacra.sampling.particles import Tally
from simulacra.schema._kinds import said
from simulacra.schema._literals import quoted
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import Constraint
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table
from simulacra.shares.balance import plan_rows
from simulacra.shares.margins import Shares
from simulacra.shares.parity import LogDensity, fill_parity, plan_parity, read_parity

MOST_FORMS = 4
"""Computed columns of which a condition may be asked in their own values, or in those that they come from."""


@dataclass(frozen=True)
class Request:
    """What rows are wanted.

    Parameters
    ----------
    n : int
        How many rows.
    where : str, mapping or None
        A condition.
    balance, bigger, smaller : mapping or None
        Shares of kinds of rows, or factors by which shares grow or shrink; see `simulacra.shares.margins`.
    fair : mapping or None
        A definition of parity between groups; see `simulacra.shares.parity`.
    """

    n: int
    where: str | Mapping[str, Any] | None = None
    balance: Shares | None = None
    bigger: Shares | None = None
    smaller: Shares | None = None
    fair: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, (int, np.integer)) or self.n < 0:
            raise OptionError(f"the number of rows must be a whole number of 0 or more, not {self.n!r}.")
        if self.fair and self.shared:
            raise OptionError(
                "fair and balance both decide how many rows of which kind there are. Ask for one of them."
            )

    @classmethod
    def of(cls, n: Any, asked: Mapping[str, Any]) -> Request:
        """Make a request from options by name; one that does not exist is named with the nearest that does."""
        known = [f.name for f in fields(cls) if f.name != "n"]
        for name in asked:
            if name not in known:
                raise OptionError(str(unknown("option of a draw", name, known)))
        return cls(n, **asked)

    @property
    def shared(self) -> bool:
        """Whether shares are asked for."""
        return any(shares is not None for shares in (self.balance, self.bigger, self.smaller))

    @property
    def plain(self) -> bool:
        """Whether every row will do."""
        return self.where is None and not self.shared and not self.fair


@dataclass
class Filling:
    """A request on its way: how rows are drawn, and what there is to tell of them.

    Parameters
    ----------
    request : Request
        What is wanted.
    drawer : Drawer
        Draws rows of the model.
    streams : Streams
        Where randomness comes from.
    progress : callable
        Told the share done.
    notes : list of str
        Gets what there is to say, once all rows are drawn.
    """

    request: Request
    drawer: Drawer
    streams: Streams
    progress: Progress
    notes: list[str]

    def __post_init__(self) -> None:
        self._tallies: dict[tuple[Any, ...], Tally] = {}
        self._mismatched: dict[Constraint, int] = {}
        self._rules = RuleTally()

    @property
    def table(self) -> Table:
        """The model's schema."""
        return self.drawer.table

    @cached_property
    def condition(self) -> Predicate | None:
        """The parsed condition, if there is one."""
        where = self.request.where
        return Predicate.parse(where, self.table) if where is not None else None

    @cached_property
    def guarantees(self) -> Guarantees:
        """How the schema's constraints are kept."""
        return Guarantees.of(self.table, self.drawer.decoder.encodings)

    def rows(self) -> Iterator[pl.DataFrame]:
        """Give exactly the rows asked for, piece by piece, at least one piece.

        Raises
        ------
        ImpossibleCondition
            A term of the condition is true for no value that the model can draw; or constraints leave no row.
        RareCondition
            Too few rows were found within the draws allowed.
        """
        if self.request.plain and not self.guarantees.needed:
            yield from self._told(draw_blocks(self.request.n, self.drawer.free, self.streams))
            return
        self.require_possible()
        kinds, pieces = self._pieces(self._kept)
        if self.guarantees.needed:
            pieces = settle_rows(
                pieces, self._kept, self.guarantees, kinds, self.streams.at("settle"), self._rules
            )
        yield from self._told(self._numbered(pieces))
        self._tell()

    @property
    def divisible(self) -> bool:
        """Whether any block of 65,536 rows can be drawn without those before it."""
        shared = self.request.shared or bool(self.request.fair)
        return not shared and not self.guarantees.over_rows

    def block(self, number: int) -> pl.DataFrame:
        """Draw one block alone: the same rows that `rows` gives there, where the request is `divisible`."""
        start = number * BLOCK_ROWS
        n, own = min(BLOCK_ROWS, self.request.n - start), self.streams.at("block", number)
        if self.request.plain and not self.guarantees.needed:
            return self.drawer.free(n, start, own)
        return number_keys(self._kept(n, self.condition, own), self.guarantees, start)

    def require_possible(self) -> None:
        """Refuse constraints that leave no row, before any is drawn."""
        if self.guarantees.needed:
            require_possible(self.request.n, self.guarantees, self.condition)

    def _pieces(self, kept: Draw) -> tuple[Sequence[Predicate | None], Iterator[pl.DataFrame]]:
        """Return the kinds of rows whose numbers are fixed, and the rows."""
        request, condition = self.request, self.condition
        if request.fair is not None:
            own = self.streams.at("fair")
            asked = read_parity(request.fair, self.table)
            plan = plan_parity(
                asked, request.n, self.table, kept, own.at("plan"), condition=condition,
                density=self._density, model=self.drawer.name,
            )  # fmt: skip
            pieces = fill_parity(plan, request.n, kept, own, self.notes, condition=condition)
            quotas = plan.quotas
        elif request.shared:
            allotment = plan_rows(
                self.table, request.n, kept, self.streams, balance=request.balance, bigger=request.bigger,
                smaller=request.smaller, condition=condition,
            )  # fmt: skip
            self.notes += allotment.notes
            pieces, quotas = allotment.fill(kept, self.streams), allotment.quotas
        else:
            pieces = draw_blocks(request.n, lambda n, start, own: kept(n, condition, own), self.streams)
            quotas = ()
        for quota in quotas:
            require_no_key(quota.predicate, self.drawer.decoder.encodings)
        return [quota.predicate.joined(condition) for quota in quotas] or [condition], pieces

    @property
    def _density(self) -> LogDensity | None:
        """The model's density, and minus infinity for rows that the request would not give."""
        density = self.drawer.density
        if density is None:
            return None

        def within(frame: pl.DataFrame) -> Array:
            fits = self.guarantees.fits(frame, RuleTally())
            if self.condition is not None:
                fits = fits & self.condition.evaluate(frame).fill_null(False).to_numpy()
            return np.where(fits, density(frame), -np.inf)

        return within

    @cached_property
    def _kept(self) -> Draw:
        """Draw rows under a condition that keep the constraints on single rows."""
        if not self.guarantees.needed:
            return self._draw
        return keep_draws(self._draw, self.guarantees, self._rules, self._led)

    def _draw(self, n: int, condition: Predicate | None, streams: Streams) -> pl.DataFrame:
        return self.drawer.draw(n, condition, (), streams, self._tally(condition, streams))

    def _led(self, n: int, condition: Predicate | None, streams: Streams) -> pl.DataFrame:
        return self.drawer.draw(n, condition, self.guarantees.predicates, streams, Tally())

    def _tally(self, condition: Predicate | None, streams: Streams) -> Tally:
        """Return what counts draws under the request's own condition, one for each: threads come in any order."""
        if condition is None or condition.sql not in self._asked:
            return Tally()
        return self._tallies.setdefault(streams.path, Tally())

    @cached_property
    def _asked(self) -> frozenset[str]:
        """The request's own condition, in every form in which it may be asked of draws."""
        if self.condition is None:
            return frozenset()
        computed = [rule.column for rule in self.guarantees.equalities][:MOST_FORMS]
        held = (names for count in range(len(computed) + 1) for names in combinations(computed, count))
        forms = (self.guarantees.before(self.condition, names) for names in held)
        return frozenset({self.condition.sql, *(form.sql for form in forms if form is not None)})

    def _numbered(self, pieces: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Count keys anew over the rows that were kept, unless a pattern spells them."""
        start = 0
        for piece in pieces:
            piece = number_keys(piece, self.guarantees, start)
            for rule in self.guarantees.about_keys:
                self._mismatched[rule] = self._mismatched.get(rule, 0) + int(
                    find_broken(rule, piece, self.table).sum()
                )
            yield piece
            start += len(piece)

    def _told(self, pieces: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        done = 0
        for piece in pieces:
            done += len(piece)
            self.progress(done / max(self.request.n, 1), "drawing rows")
            yield piece

    def _tell(self) -> None:
        if self.condition is not None and self.request.n:
            total = Tally()
            for path in sorted(self._tallies, key=str):
                total.join(self._tallies[path])
            # a condition on what is only made after drawing was tried on finished rows; the rules' notes tell of that
            if total.drawn or not self.guarantees.needed:
                self.notes.append(_tell_chance(quoted(self.condition.sql), total, self.drawer.exact))
        self.notes += self._rules.notes()
        self.notes += [
            f"{count:,} of {self.request.n:,} rows break {said(rule)}: it reads a key, and keys number the rows anew."
            for rule, count in self._mismatched.items()
            if count
        ]


def _tell_chance(words: str, tally: Tally, exact: bool) -> str:
    if not tally.drawn:
        return f"{words} holds in every row."
    if not exact:
        return f"{words} held in {100 * tally.chance:.3g} % of the rows drawn."
    return (
        f"{words} has a probability of about {100 * tally.chance:.3g} % in this model; the rows were picked from "
        f"{tally.drawn:,} drawn within it, worth {tally.effective:,.0f} independent ones."
    )
