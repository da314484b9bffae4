"""Constraints among rows: rows are settled in their order, and only those that can not stay are drawn anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from simulacra.blocks import Draw
from simulacra.domain import Array
from simulacra.guarantees._memory import Fixed, Seen
from simulacra.guarantees.constraints import Guarantees
from simulacra.guarantees.tallies import MOST_DRAWS, Hope, Tally
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.schema._kinds import said
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import Check, Monotone
from simulacra.schema.predicates import Predicate

FEWEST_DRAWS = 1_000_000
SHARE_DRAWS = 100
"""Rows that may be drawn for values that may not repeat: so many for each row of a block, and a million at least."""


def settle_rows(
    pieces: Iterable[pl.DataFrame],
    kept: Draw,
    guarantees: Guarantees,
    kinds: Sequence[Predicate | None],
    streams: Streams,
    tally: Tally,
) -> Iterator[pl.DataFrame]:
    """Make rows keep what holds among rows, and write the keys that a pattern spells.

    Parameters
    ----------
    pieces : iterable of DataFrame
        Rows in their order; each keeps the constraints on single rows.
    kept : callable
        As `keep_draws` gives it: draws more of them.
    guarantees : Guarantees
        What is to be kept.
    kinds : sequence of Predicate or None
        Kinds of rows whose numbers must not change, the first that is TRUE counting: the quotas, or the condition of
        the request alone. None is any row.
    streams : Streams
        Where randomness comes from.
    tally : Tally
        Gets the counts.

    Yields
    ------
    DataFrame
        As many rows as were given, of the same kinds in the same places.

    Raises
    ------
    RareCondition
        What lacks would take too many draws.

    Examples
    --------
    >>> from simulacra.schema.constraints import Determines
    >>> from simulacra.schema.types import Column, Table
    >>> columns = (Column("zip", "category"), Column("city", "category"))
    >>> kept = Guarantees.of(Table("t", columns, constraints=(Determines("zip", "city"),)), {})
    >>> given = [pl.DataFrame({"zip": ["1", "1", "1"], "city": ["A", "B", "B"]})]
    >>> next(settle_rows(given, None, kept, (None,), Streams(1), Tally()))["city"].to_list()
    ['B', 'B', 'B']
    """
    if guarantees.whole:
        pieces = [pl.concat(pieces)]
    memory = Memory(guarantees, kinds)
    start = 0
    for place, piece in enumerate(pieces):
        if guarantees.over_rows:
            piece = _settle(piece, kept, memory, streams.at("piece", place), tally)
        for cut in range(0, max(len(piece), 1), BLOCK_ROWS):
            part = piece[cut : cut + BLOCK_ROWS]
            yield guarantees.number(part, start)
            start += len(part)


@dataclass
class Memory:
    """What the rows given so far bind those to come to.

    Parameters
    ----------
    guarantees : Guarantees
        What is to be kept.
    kinds : sequence of Predicate or None
        Kinds of rows whose numbers must not change.
    """

    guarantees: Guarantees
    kinds: Sequence[Predicate | None]
    seen: list[Seen] = field(init=False)
    fixed: list[Fixed] = field(init=False)

    def __post_init__(self) -> None:
        self.seen = [Seen(rule.columns) for rule in self.guarantees.unique]
        self.fixed = [Fixed(rule) for rule in self.guarantees.determines]

    def label(self, frame: pl.DataFrame) -> Array:
        """Tell the kind of every row; -1 for none."""
        labels = np.full(len(frame), -1)
        for place in reversed(range(len(self.kinds))):
            kind = self.kinds[place]
            held = True if kind is None else kind.evaluate(frame).fill_null(False).to_numpy()
            labels = np.where(held, place, labels)
        return labels

    def settle(
        self, frame: pl.DataFrame, labels: Array, streams: Streams, tally: Tally
    ) -> tuple[pl.DataFrame, Array]:
        """Change rows so that they agree, and mark those that can stay."""
        frame, changed = self._assign(frame, tally)
        for rule in self.guarantees.monotone:
            frame, moved = _deal(frame, rule, self.guarantees.moved_with(rule))
            tally.mend(said(rule), moved)
            changed += moved
        if not changed:
            return frame, self._fresh(frame, self._risen(frame, tally), tally)
        frame = self.guarantees.repair(frame, streams.at("repair"), tally)
        keep = self.guarantees.fits(frame, tally)
        same = self.label(frame) == labels
        tally.lose("the condition, once settled", int((~same).sum()))
        keep &= same
        for fixed in self.fixed:
            agrees = fixed.agrees(frame)
            tally.lose(said(fixed.rule), int((~agrees).sum()))
            keep &= agrees
        return frame, self._fresh(frame, keep & self._risen(frame, tally), tally)

    def learn(self, frame: pl.DataFrame) -> None:
        """Remember rows that are given out."""
        for seen in self.seen:
            seen.learn(frame)

    def tell(self, tally: Tally) -> str:
        """Say how many rows were found that do not repeat, if that is what most of the others do."""
        worst = [what for what, _ in tally.broken.most_common(1)]
        for seen, rule in zip(self.seen, self.guarantees.unique, strict=True):
            if said(rule) in worst:
                return f"{seen.count:,} {'row was' if seen.count == 1 else 'rows were'} found that keep {said(rule)}"
        return ""

    def _risen(self, frame: pl.DataFrame, tally: Tally) -> Array:
        """Mark the rows that rise, or fall; dealing can not part equal values where the rise is strict."""
        risen = np.ones(len(frame), dtype=bool)
        for rule in self.guarantees.monotone:
            broken = find_broken(rule, frame, self.guarantees.table).to_numpy()
            tally.lose(said(rule), int(broken.sum()))
            risen &= ~broken
        return risen

    def _assign(self, frame: pl.DataFrame, tally: Tally) -> tuple[pl.DataFrame, int]:
        changed = 0
        for fixed in self.fixed:
            fixed.learn(frame)
            frame, count = fixed.assign(frame)
            tally.mend(said(fixed.rule), count)
            changed += count
        return frame, changed

    def _fresh(self, frame: pl.DataFrame, keep: Array, tally: Tally) -> Array:
        """Take out rows that repeat one before them."""
        for seen, rule in zip(self.seen, self.guarantees.unique, strict=True):
            rows = np.flatnonzero(keep)
            admitted = seen.admit(frame if len(rows) == len(frame) else frame[rows])
            tally.lose(said(rule), int((~admitted).sum()))
            keep[rows[~admitted]] = False
        return keep


def _settle(frame: pl.DataFrame, kept: Draw, memory: Memory, streams: Streams, tally: Tally) -> pl.DataFrame:
    """Settle the rows of a piece until all of them can stay; what is drawn anew takes the place of what left."""
    whole = memory.guarantees.whole
    labels = memory.label(frame)
    words = f"table {memory.guarantees.table.name!r}"
    if len(memory.kinds) == 1 and memory.kinds[0] is not None:
        words = f"where {said(Check(memory.kinds[0].sql))}"
    most = max(FEWEST_DRAWS, SHARE_DRAWS * len(frame)) if memory.seen and not whole else MOST_DRAWS
    hope = Hope(words, tally, budget=most)
    frame, keep = memory.settle(frame, labels, streams.at("first"), tally)
    if not whole:
        memory.learn(frame.filter(pl.Series(keep)))
    turn = 0
    while not keep.all():
        own = streams.at("turn", turn)
        lost = np.flatnonzero(~keep)
        if whole:
            frame = _replace(frame, lost, _draw_kinds(labels[lost], kept, memory.kinds, own, tally))
            frame, keep = memory.settle(frame, labels, own, tally)
            lacking = int((~keep).sum())
            hope.add(len(lost), max(len(lost) - lacking, 0), lacking)
            hope.wait(lacking)
        else:
            # a kind is drawn more often than it lacks where many draws repeat what was given
            factor = hope.factor() if turn else 1.0
            asked = np.repeat(labels[lost], min(int(np.ceil(factor)), max(BLOCK_ROWS // len(lost), 1)))
            fresh = _draw_kinds(asked, kept, memory.kinds, own, tally)
            fresh, good = memory.settle(fresh, asked, own, tally)
            places, taken = _match(labels, lost, asked, np.flatnonzero(good))
            memory.learn(fresh[taken])
            frame = _replace(frame, places, fresh[taken])
            keep[places] = True
            hope.found = memory.tell(tally)
            hope.add(len(asked), int(good.sum()), int((~keep).sum()))
        turn += 1
    return frame


def _draw_kinds(
    labels: Array, kept: Draw, kinds: Sequence[Predicate | None], streams: Streams, tally: Tally
) -> pl.DataFrame:
    """Draw one row of each label, in their order."""
    pieces, places = [], []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        for cut in range(0, len(rows), BLOCK_ROWS):
            part = rows[cut : cut + BLOCK_ROWS]
            pieces.append(
                kept(
                    len(part),
                    kinds[label] if label >= 0 else None,
                    streams.at("kind", int(label), "cut", cut),
                )
            )
            places.append(part)
    return pl.concat(pieces)[np.argsort(np.concatenate(places), kind="stable")]


def _match(labels: Array, lost: Array, asked: Array, good: Array) -> tuple[Array, Array]:
    """Pair lost places with good rows of their kind, each as often as both have it."""
    places, taken = [], []
    for label in np.unique(labels[lost]):
        open_places, rows = lost[labels[lost] == label], good[asked[good] == label]
        count = min(len(open_places), len(rows))
        places.append(open_places[:count])
        taken.append(rows[:count])
    return np.concatenate(places), np.concatenate(taken)


def _replace(frame: pl.DataFrame, places: Array, rows: pl.DataFrame) -> pl.DataFrame:
    """Put rows in some places of a frame."""
    order = np.arange(len(frame))
    order[places] = len(frame) + np.arange(len(places))
    return pl.concat([frame, rows])[order]


def _deal(frame: pl.DataFrame, rule: Monotone, along: Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Deal the values of a column anew within each group, in the order of another one; count those that moved.

    What the column is computed from moves along with it.
    """
    groups = list(rule.by)
    rows = frame.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("_row"),
        pl.col(rule.order).alias("_order"),
        pl.col(rule.column).alias("_value"),
        *groups,
    ).drop_nulls(["_order", "_value"])
    # within rows of one moment the values may stand in any order: they keep the one they have
    falls = [False] * (len(groups) + 1) + [rule.falling]
    places = rows.sort([*groups, "_order", "_value"], descending=falls, maintain_order=True)["_row"]
    givers = rows.sort([*groups, "_value"], descending=[*falls[:-2], rule.falling], maintain_order=True)[
        "_row"
    ]
    old = frame[rule.column]
    if not len(places) or old.gather(places).equals(old.gather(givers)):
        return frame, 0
    new = [frame[name].clone().scatter(places, frame[name].gather(givers)) for name in (rule.column, *along)]
    return frame.with_columns(new), int(new[0].ne_missing(old).sum())
