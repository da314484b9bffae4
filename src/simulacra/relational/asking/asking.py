"""Rows of several tables under conditions: whole entities are drawn, led to what is asked, and kept if all holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import polars.selectors as cs

from simulacra.domain import Array
from simulacra.errors import ImpossibleCondition, RareCondition
from simulacra.generator import Progress
from simulacra.randomness import Streams
from simulacra.relational.asking.choices import Chooser
from simulacra.relational.asking.conditions import Conditions
from simulacra.relational.asking.plans import Request, plan_requests
from simulacra.relational.asking.rows import Led, View
from simulacra.relational.asking.strata import LEARNT, Strata, learn_strata
from simulacra.relational.asking.trees import (
    above,
    empty_rows,
    find_reads,
    join_trees,
    owners,
    remake,
    take_tree,
)
from simulacra.relational.asking.weights import LOST, Outlook, pick, share_out, worth_of
from simulacra.relational.assembly import assemble, fix_parents
from simulacra.relational.drawing import Rows, draw_unit
from simulacra.relational.histories.histories import Histories
from simulacra.relational.naming import counted
from simulacra.relational.rules.upholding import uphold
from simulacra.schema.constraints import Unique

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer

PILOT = 2_000
"""Rows of a root that are drawn first, to learn how rare the request is."""
LARGEST = 60_000
"""Rows of a root that are drawn at once, at most."""
EASY = 0.1
"""Share of drawn entities that do, from which histories need not be led."""
ENOUGH = 3_000_000
"""Rows drawn in all, after which a request may be given up as too rare."""
MOST = 150_000_000
"""Rows that a request may be expected to need."""


def draw_asked(
    model: DatabaseSynthesizer,
    conditions: Conditions,
    sizes: Mapping[str, int],
    scale: float,
    streams: Streams,
    progress: Progress,
) -> tuple[dict[str, Rows], list[str]]:
    """Draw rows of all units, those of the tables that are named under their conditions.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    conditions : Conditions
        What is asked.
    sizes : mapping of str to int
        Rows of each root.
    scale : float
        Times as many rows that lead nowhere, in trees of which nothing is asked.
    streams : Streams
        Where randomness comes from.
    progress : callable
        Told the share done.

    Returns
    -------
    (dict of Rows, list of str)
        By unit, in the plan's order; what is to be known.

    Raises
    ------
    ImpossibleCondition
        No row can satisfy a condition.
    RareCondition
        Too few rows were found in a great many.

    Notes
    -----
    An entity is a row of a root with all that it draws. Roots are drawn exactly within what the conditions ask of them,
    rows of histories that do not fit are drawn anew, histories are led to counts, and entities that miss anything are
    left out. Weights make up for the leading, and entities are picked by weight, each at most once.

    **Cost**: linear in n over the probability of a request, or far less where it counts rows below.
    """
    requests = plan_requests(model, conditions)
    asked = {unit for request in requests for unit in request.tree}
    rows: dict[str, Rows] = {}
    for name in model.plan.units:
        if name not in asked:
            rows[name] = draw_unit(model, model.units[name], rows, sizes.get(name), scale, streams, _quiet)
    notes: list[str] = []
    for place, request in enumerate(requests):
        progress(place / len(requests), f"looking for rows of {request.root}")
        search = _Search(model, request, dict(rows), streams.at("asked", request.root))
        rows |= search.find(sizes[request.root])
        notes += search.notes
    return {name: rows[name] for name in model.plan.units}, notes


def _quiet(share: float, step: str) -> None:
    """Tell nobody."""


@dataclass
class _Search:
    """The search for rows of one root."""

    model: DatabaseSynthesizer
    request: Request
    others: dict[str, Rows]
    streams: Streams
    notes: list[str] = field(default_factory=list)
    pieces: list[dict[str, Rows]] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)
    leading: bool = False
    strata: Strata | None = None
    seen: list[tuple[pl.DataFrame, Array]] = field(default_factory=list)
    batches: int = 0
    roots: int = 0
    spent: int = 0
    total: float = 0.0
    told: tuple[str, ...] = ()

    def find(self, n: int) -> dict[str, Rows]:
        """Return n rows of the root with all that belongs to them."""
        plan, tree, root = self.model.plan, self.request.tree, self.request.root
        if n and self.model.units[root].synthesizer is None:
            raise ImpossibleCondition(
                f"where: table {root!r} had no rows to learn from, so none can be drawn. Ask for another."
            )
        size = n if not self.request.judged else int(np.clip(1.2 * n, PILOT, LARGEST))
        self._draw(size)
        found = sum(map(len, self.weights))
        if found < n and found < EASY * size and not all(led.idle for led in self._leads()):
            self._lead()
        while not self._enough(n):
            self._require_hope(n)
            if not self.leading and self.strata is None:
                self.strata = learn_strata(*zip(*self.seen, strict=True))
            self._draw(self._next_size(n))
        pool = join_trees(plan, tree, self.pieces)
        weights = np.concatenate(self.weights)
        kept = pick(weights, n, self.streams.stream("pick")) if self.weighted else np.arange(n)
        rows = take_tree(plan, tree, pool, kept)
        for unit in tree:
            if unit in rows:
                read = find_reads(self.request.reads, plan.members(unit))
                remake(self.model.units[unit], rows[unit], read, self.streams.at("finish", unit))
            else:
                rows[unit] = self._draw_below(unit, rows, self.streams.at("finish"))[0]
        self._tell(n, found=len(weights))
        return rows

    def _draw(self, size: int) -> None:
        """Draw entities, and keep those that do."""
        streams = self.streams.at("batch", self.batches)
        self.batches += 1
        plan, request = self.model.plan, self.request
        rows = {request.root: self._draw_root(size, streams)}
        self.told = rows[request.root].notes
        frame = rows[request.root].frame
        weights = np.ones(size)
        self.roots += size
        place = np.arange(size)
        if self.weighted:
            chances = self._chances(rows[request.root])
            held = np.flatnonzero(streams.stream("thin").random(size) < chances)
            rows, weights = take_tree(plan, request.tree, rows, held), 1 / chances[held]
            place = held
        self.spent += len(weights)
        for unit in request.early[1:]:
            rows[unit], chooser = self._draw_below(unit, rows, streams)
            if chooser is not None:
                chooser.close()
                own = owners(plan, request.tree, rows)[above(plan, unit) or request.root]
                np.multiply.at(weights, own, np.where(chooser.failed, 0, chooser.weights))
                self.spent += chooser.drawn
            else:
                self.spent += len(rows[unit])
        held = np.flatnonzero(weights > 0)
        rows, weights, place = take_tree(plan, request.tree, rows, held), weights[held], place[held]
        if request.judged and len(held):
            good = np.flatnonzero(self._judge(rows, streams.at("judge")))
            rows, weights, place = take_tree(plan, request.tree, rows, good), weights[good], place[good]
        if not self.weighted and request.judged:
            self.seen.append(
                (frame.select(cs.numeric() | cs.string() | cs.temporal()), np.isin(np.arange(size), place))
            )
        self.total += float(weights.sum())
        self.pieces.append(rows)
        self.weights.append(weights)
        self._part_doubles()

    def _draw_root(self, size: int, streams: Streams) -> Rows:
        root, request = self.model.units[self.request.root], self.request
        try:
            return draw_unit(self.model, root, self.others, size, 0.0, streams, _quiet, where=request.where)
        except ImpossibleCondition as error:
            asked = request.conditions.get(request.root)
            counts = " and ".join(map(str, request.bounds))
            if not counts or asked is None:
                raise
            raise ImpossibleCondition(
                f'table {request.root!r}, where "{asked}": no row of this model fits that and has {counts}. Loosen it.'
            ) from error

    def _draw_below(self, unit: str, rows: dict[str, Rows], streams: Streams) -> tuple[Rows, Chooser | None]:
        """Draw the rows of a driven unit."""
        own, chooser = self.model.units[unit], None
        tests, led = self.request.tests.get(unit, ()), self.request.led.get(unit, ())
        if isinstance(own.model, Histories) and (tests or led) and unit in self.request.early:
            entities = len(rows[above(self.model.plan, unit) or self.request.root])
            chooser = Chooser(View(own.model), tests, entities, led, self.leading)
        drawn = draw_unit(
            self.model, own, {**self.others, **rows}, None, 0.0, streams, _quiet,
            choose=chooser.choose if chooser is not None else None,
        )  # fmt: skip
        return drawn, chooser

    def _judge(self, rows: dict[str, Rows], streams: Streams) -> Array:
        """Tell which rows of the root satisfy all conditions, with all that belongs to them."""
        plan, request = self.model.plan, self.request
        whole = {
            name: rows.get(name) or self.others.get(name)
            or empty_rows(self.model.units[name], plan.driving(name) is not None)
            for name in plan.units
        }  # fmt: skip
        outward = [link for link in request.outward if plan.home(link.table) in rows]
        fix_parents(self.model, whole, outward, streams)
        frames, _ = uphold(self.model, assemble(self.model, whole, streams))
        owner = owners(plan, request.tree, rows)
        good = np.ones(len(rows[request.root]), bool)
        for table, keep in request.conditions.keep(frames).items():
            good[owner[plan.home(table)][~keep.to_numpy()]] = False
        return good

    def _part_doubles(self) -> None:
        """Leave rows of the root out that several draws have in common where the schema wants them unique."""
        synthesizer = self.model.units[self.request.root].synthesizer
        rules = [r for r in synthesizer.table.constraints if isinstance(r, Unique)] if synthesizer else []
        if not rules or len(self.pieces) < 2:
            return
        pool = join_trees(self.model.plan, self.request.tree, self.pieces)
        frame, held = pool[self.request.root].frame, np.ones(len(pool[self.request.root]), bool)
        for rule in rules:
            held &= frame.select(rule.columns).to_struct().is_first_distinct().to_numpy()
        self.pieces = [take_tree(self.model.plan, self.request.tree, pool, np.flatnonzero(held))]
        self.weights = [np.concatenate(self.weights)[held]]

    def _lead(self) -> None:
        """Start again, with histories that are led by what the pilot has seen."""
        for led in self._leads():
            led.settle()
        self.leading, self.pieces, self.weights, self.total, self.roots = True, [], [], 0.0, 0

    @property
    def weighted(self) -> bool:
        """Whether entities differ in weight."""
        return self.leading or self.strata is not None

    def _leads(self) -> list[Led]:
        return [led for leads in self.request.led.values() for led in leads]

    def _chances(self, roots: Rows) -> Array:
        """Return with what chance each row of the root is followed: the smaller, the less its histories promise."""
        if self.strata is not None:
            return self.strata.of(roots.frame)
        chance = np.ones(len(roots))
        for unit, leads in self.request.led.items():
            link = self.model.plan.driving(unit)
            for led in leads:
                assert link is not None
                rows = roots.frame[counted(link)].fill_null(0).to_numpy().astype(np.int64)
                outlook: Outlook = led.outlook
                chance *= outlook.of(np.maximum(rows, 0), np.zeros(len(rows), np.int64))
        most = float(np.quantile(chance, 0.95)) if len(chance) else 1.0
        # the root of a guess: what an outlook gets wrong must not become weights that differ wildly
        return np.clip(np.sqrt(chance / max(most, 1e-300)), 0.05, 1.0)

    def _enough(self, n: int) -> bool:
        weights = np.concatenate(self.weights) if self.weights else np.ones(0)
        return len(weights) >= n and (not self.weighted or not n or share_out(weights, n)[1] <= LOST)

    def _next_size(self, n: int) -> int:
        """Guess how many rows of the root are still needed."""
        weights = np.concatenate(self.weights) if self.weights else np.ones(0)
        if not self.roots:
            return int(np.clip(4 * n, PILOT, LARGEST))
        # a history takes as many steps in a small batch as in a large one
        if not self.weighted and len(weights) < LEARNT:
            # soon enough to learn which roots to follow
            return int(np.clip(2 * LEARNT * self.roots / max(len(weights), 0.5), PILOT, LARGEST))
        least = min(max(PILOT, self.roots // 3), LARGEST)
        return int(np.clip(self.roots * (1.1 * n / max(self._worth(weights), 0.5) - 1), least, LARGEST))

    def _worth(self, weights: Array) -> float:
        """Return about how many rows could be picked of a pool."""
        return float(worth_of(weights) if self.weighted else len(weights))

    def _require_hope(self, n: int) -> None:
        weights = np.concatenate(self.weights) if self.weights else np.ones(0)
        worth = self._worth(weights)
        if self.spent >= ENOUGH and self.spent * n / max(worth, 0.5) > MOST:
            asked = " and ".join(
                f"{name}: {self.request.conditions[name]}" for name in self.request.conditions
            )
            raise RareCondition(
                f"where ({asked}): too rare for {n:,} rows: {int(worth):,} found among {self.roots:,} rows of "
                f"{self.request.root!r} drawn, {self.spent:,} with those below them. Ask for fewer rows, or loosen it."
            )

    def _tell(self, n: int, found: int) -> None:
        """Say how probable the request was."""
        root = self.request.root
        self.notes += [f"table {root!r}: {note}" for note in self.told]
        if self.request.judged:
            share = self.total / max(self.roots, 1)
            led = ", led to what is asked of the rows below them" if self.leading else ""
            if self.strata is not None:
                led = f", followed the more the likelier they are by {self.strata.column!r}"
            self.notes.append(
                f"table {root!r}: {n:,} rows were picked of {found:,} that satisfy all conditions, found among "
                f"{self.roots:,} drawn{led}; that has a probability of about {share:.3g} in this model"
                + (" among rows that satisfy the part about themselves." if self.request.where else ".")
            )
