"""Drawing exactly the rows that a condition asks for, whatever the model can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import RareCondition
from simulacra.generator import Generator, Reorderable, Sequential
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.sampling.conditions import is_possible, require_possible
from simulacra.sampling.decoding import UNMADE, Decoder
from simulacra.sampling.lookahead import GOOD, HOPELESS, Scouted, glance, scout
from simulacra.sampling.particles import Pool, Tally, Walker, keeps
from simulacra.sampling.supports import Wish, make_plan
from simulacra.schema._literals import quoted
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table

MOST_DRAWS = 20_000_000
"""Particles, or rows, drawn for one block before a condition is given up."""
_SURE = 10_000
"""Effective particles by which the parts of an OR are weighed against each other."""


class Way(Protocol):
    """How rows are drawn that keep some wishes."""

    def rows(self, n: int, streams: Streams, tally: Tally) -> pl.DataFrame:
        """Draw n rows, and add what was drawn for them to a tally."""
        ...

    @property
    def chance(self) -> float:
        """How likely a row keeps the wishes, as far as is known before rows are drawn; NaN where it is not."""
        ...


@dataclass
class Drawer:
    """Draws rows of a fitted model, free or under conditions; safe to use from several threads.

    Parameters
    ----------
    model : Generator
        The fitted model.
    decoder : Decoder
        Turns what it draws into rows.
    table : Table
        The columns.
    name : str
        The model's registered name.
    density : callable or None
        Log-probability of the rows of a frame, where the model can tell.
    """

    model: Generator
    decoder: Decoder
    table: Table
    name: str = ""
    density: Callable[[pl.DataFrame], Array] | None = None
    _ways: dict[tuple[str, tuple[str, ...]], Way] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def exact(self) -> bool:
        """Whether conditions are drawn axis by axis, and not by filtering."""
        return isinstance(self.model, Sequential)

    def free(self, n: int, start: int, streams: Streams) -> pl.DataFrame:
        """Draw n rows, whatever they are."""
        block = self.model.sample(n, rng=streams.at("model"))
        return self.decoder.frame(block.columns, n, start, streams)

    def draw(
        self, n: int, condition: Predicate | None, rules: Sequence[Predicate], streams: Streams, tally: Tally
    ) -> pl.DataFrame:
        """Draw n rows for which a condition is TRUE and no rule is FALSE: a function of its arguments alone.

        Raises
        ------
        ImpossibleCondition
            No row of the model can satisfy it.
        RareCondition
            None of `HOPELESS` particles satisfied it, or too few for n rows.
        """
        pieces = [
            self._block(min(BLOCK_ROWS, n - start), condition, rules, own, tally)
            for start in range(0, max(n, 1), BLOCK_ROWS)
            for own in (streams.at("part", start) if start else streams,)
        ]
        return pl.concat(pieces)

    def _block(
        self, n: int, condition: Predicate | None, rules: Sequence[Predicate], streams: Streams, tally: Tally
    ) -> pl.DataFrame:
        if condition is None and not rules:
            return self.free(n, 0, streams)
        return self._way(condition, rules).rows(n, streams, tally)

    def _way(self, condition: Predicate | None, rules: Sequence[Predicate]) -> Way:
        key = (condition.sql if condition is not None else "", tuple(rule.sql for rule in rules))
        with self._lock:
            if key not in self._ways:
                if condition is not None:
                    require_possible(condition, self.decoder.encodings)
                self._ways[key] = self._find_way(condition, list(rules))
            return self._ways[key]

    def _find_way(self, condition: Predicate | None, rules: list[Predicate]) -> Way:
        wishes = Wish.split(rules, unknown=True)
        words = quoted(condition.sql if condition is not None else " and ".join(rule.sql for rule in rules))
        if not isinstance(self.model, Sequential):
            return Filtering(
                self, [*wishes, *Wish.split([condition] if condition is not None else [])], words
            )
        # what pilots find out depends on model and wishes alone, so that it may be kept between requests
        rng = Streams(0).at("scout", words)
        own, walker = self._walker(self.model, condition, wishes)
        branches = condition.branches() if condition is not None else ()
        if len(branches) > 1 and not any(self._is_late(part) for part in branches):
            first = glance(walker, rng.at("whole"))
            if first.yield_ < GOOD or not first.total:
                return self._branch(self.model, branches, wishes, words, rng, first.chance)
        if walker.plan.bars_all():
            raise _never(words, 0)
        scouted = scout(walker, rng)
        if not scouted.tally.total:
            raise _never(words, scouted.tally.drawn)
        return Leading(self.decoder, Pool(scouted.walker, scouted.expected), own, scouted.tally, words)

    def _walker(
        self, model: Sequential, condition: Predicate | None, wishes: list[Wish]
    ) -> tuple[list[Wish], Walker]:
        asked = Wish.split([condition] if condition is not None else [])
        if asked and isinstance(model, Reorderable):
            # what is asked of most rows anyway (rules) is not worth another order
            model = model.ordered(make_plan(asked, self.decoder, model.order).asked)
        own = [*asked, *wishes]
        return own, Walker(model, make_plan(own, self.decoder, model.order), self.decoder)

    def _branch(
        self,
        model: Sequential,
        branches: Sequence[Predicate],
        wishes: list[Wish],
        words: str,
        rng: Streams,
        whole: float,
    ) -> Branching:
        """Scout the parts of an OR of which all together are about so likely."""
        ways = []
        tried = 0
        for number, part in enumerate(branches):
            own, walker = self._walker(model, part, wishes)
            barred = walker.plan.bars_all() or not is_possible(part, self.decoder.encodings)
            found = (
                Scouted(walker, 1.0, Tally(drawn=1))
                if barred
                else scout(walker, rng.at(number), beside=whole)
            )
            tried += 0 if barred else found.tally.drawn
            ways.append(Leading(self.decoder, Pool(found.walker, found.expected), own, found.tally, words))
        total = sum(way.chance for way in ways)
        if not total:
            raise _never(words, tried)
        for number, way in enumerate(ways):
            # the error of every part's chance is held against that of the whole
            need, turn = _SURE * (way.chance / total) ** 2, 0
            while way.chance and way.scouted.effective < need and turn < 64:
                _, weights = way.pool.walker.walk(BLOCK_ROWS, rng.at(number, "sure", turn))
                way.scouted.add(BLOCK_ROWS, weights)
                turn += 1
        return Branching(tuple(ways))

    def _is_late(self, part: Predicate) -> bool:
        """Tell whether only finished rows show how likely a part of an OR is."""
        return any(self.decoder.encodings[name].column.kind in UNMADE for name in part.columns)


@dataclass(frozen=True)
class Leading:
    """Weighted particles within limits."""

    decoder: Decoder
    pool: Pool
    wishes: list[Wish]
    scouted: Tally
    words: str

    @property
    def chance(self) -> float:
        """The probability that pilots found."""
        return self.scouted.chance

    def rows(self, n: int, streams: Streams, tally: Tally) -> pl.DataFrame:
        """Draw n rows; see `Way.rows`."""
        pieces = [self._finished(0, streams, Tally())]
        held = drawn = turn = 0
        while held < n:
            # texts and keys are judged on finished rows, so some may fail
            share = max(held, 0.5) / drawn if drawn else 1.0
            size = int(np.clip((n - held) / share * (1.05 if drawn else 1.0), 1, BLOCK_ROWS))
            frame = self._finished(size, streams.at("turn", turn) if turn else streams, tally)
            fitting = frame.filter(pl.Series(keeps(self.wishes, frame)))
            pieces.append(fitting.head(n - held))
            held, drawn, turn = held + len(pieces[-1]), drawn + size, turn + 1
            if held < n and drawn > HOPELESS and held * MOST_DRAWS < n * drawn:
                raise _too_rare(self.words, n, held, drawn, self.chance)
        if drawn:
            tally.late_kept += held
            tally.late_drawn += drawn
        return pl.concat(pieces)

    def _finished(self, n: int, streams: Streams, tally: Tally) -> pl.DataFrame:
        own = Tally()
        block = self.pool.rows(n, streams.at("particles"), own, MOST_DRAWS)
        tally.join(own)
        if block is None:
            raise _too_rare(self.words, n, int(own.effective), own.drawn, own.chance)
        return self.decoder.frame(block.columns, n, 0, streams)


@dataclass(frozen=True)
class Branching:
    """The parts of an OR, each drawn by itself as often as it is likely."""

    ways: tuple[Leading, ...]

    @property
    def chance(self) -> float:
        """The probability that pilots found."""
        return sum(way.chance for way in self.ways)

    def rows(self, n: int, streams: Streams, tally: Tally) -> pl.DataFrame:
        """Draw n rows; see `Way.rows`."""
        shares = np.array([way.chance for way in self.ways])
        counts = streams.stream("branches").multinomial(n, shares / shares.sum())
        parts = []
        own = Tally()
        for number, (way, count) in enumerate(zip(self.ways, counts.tolist())):
            if way.chance:
                parts.append(way.rows(count, streams.at("branch", number), own))
        tally.join_branches(own, self.chance)
        return pl.concat(parts)[streams.stream("mix").permutation(n)]


@dataclass(frozen=True)
class Filtering:
    """Rows drawn until enough keep the wishes: for models that can not draw within limits."""

    drawer: Drawer
    wishes: list[Wish]
    words: str

    @property
    def chance(self) -> float:
        """Not known beforehand."""
        return float("nan")

    def rows(self, n: int, streams: Streams, tally: Tally) -> pl.DataFrame:
        """Draw n rows; see `Way.rows`."""
        pieces = [self.drawer.free(0, 0, streams)]
        held = drawn = turn = 0
        while held < n:
            share = max(held, 0.5) / drawn if drawn else 0.5
            size = int(np.clip((n - held) / share * 1.1, 1_024, BLOCK_ROWS))
            frame = self.drawer.free(size, 0, streams.at("turn", turn))
            fitting = frame.filter(pl.Series(keeps(self.wishes, frame)))
            tally.add(size, np.ones(len(fitting)))
            pieces.append(fitting.head(n - held))
            held, drawn, turn = held + len(pieces[-1]), drawn + size, turn + 1
            if not held and drawn >= HOPELESS // 2:
                raise _never(self.words, drawn)
            if held < n and drawn >= HOPELESS // 2 and n * drawn > held * MOST_DRAWS:
                raise _too_rare(self.words, n, int(MOST_DRAWS * held / drawn), drawn, held / drawn)
        return pl.concat(pieces)


def _never(words: str, drawn: int) -> RareCondition:
    if not drawn:
        return RareCondition(f"where {words}: its parts rule each other out in this model. Loosen it.")
    # no success in N draws: the 95 % upper limit of the probability is 3 / N
    return RareCondition(
        f"where {words}: none of {drawn:,} rows drawn satisfies it (probability below {3 / drawn:.2g}), "
        "though each part of it can occur. Loosen it."
    )


def _too_rare(words: str, n: int, possible: int, drawn: int, chance: float) -> RareCondition:
    most = max(possible, 1)
    return RareCondition(
        f"where {words}: too rare (probability about {chance:.2g}) for {n:,} different rows: {drawn:,} draws gave "
        f"{possible:,}. Ask for at most {most:,} {'row' if most == 1 else 'rows'}, or loosen it."
    )
