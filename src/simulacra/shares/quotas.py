"""Quotas: how many rows of which kind, filled exactly and block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.blocks import Draw
from simulacra.domain import Array
from simulacra.errors import OptionError
from simulacra.generator import Progress, silent
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.schema.predicates import Predicate

PILOT_ROWS = 16_384
"""Rows drawn to learn how common the quotas are, where nobody says so."""
ROW_COST = 12
"""What a row drawn under a condition costs, in rows drawn without one."""
CALL_COST = 20_000
"""What a condition costs besides its rows: every column's support is built anew."""
MOST_ROUNDS = 24
"""Times that a block draws wider than a single quota before what still lacks is asked for quota by quota."""
MOST_QUOTED = 900_000_000
"""Rows in all quotas together: the hypergeometric sampler takes fewer than 10**9."""


@dataclass(frozen=True)
class Quota:
    """So many rows of one kind.

    Parameters
    ----------
    predicate : Predicate
        TRUE for the rows that count.
    words : str
        How to speak of them.
    rows : int
        How many.
    """

    predicate: Predicate
    words: str
    rows: int


@dataclass(frozen=True)
class Cells:
    """What is known of quotas beforehand, so that hundreds of them are filled fast.

    Parameters
    ----------
    label : callable
        Gives for every row of a frame the position of its quota, or -1.
    shares : array
        The share of the model's rows that each quota holds (of those that satisfy the condition); 0 where unknown.
    wider : tuple of (Predicate, boolean array)
        Kinds of rows that several quotas make up together, and which quotas those are.
    """

    label: Callable[[pl.DataFrame], Array]
    shares: Array
    wider: tuple[tuple[Predicate, Array], ...] = ()


def fill_quotas(
    quotas: Sequence[Quota],
    draw: Draw,
    streams: Streams,
    condition: Predicate | None = None,
    *,
    cells: Cells | None = None,
    progress: Progress = silent,
) -> Iterator[pl.DataFrame]:
    """Draw the rows of all quotas, in an even order.

    Parameters
    ----------
    quotas : sequence of Quota
        No row fits two of them.
    draw : callable
        Draws rows that satisfy a predicate.
    streams : Streams
        Where randomness comes from.
    condition : Predicate or None
        Every row satisfies it besides.
    cells : Cells or None
        How rows are told apart; None evaluates one predicate after the other, and learns how common each is.
    progress : callable
        Told the share done.

    Yields
    ------
    DataFrame
        Blocks of 65,536 rows; one without rows if the quotas ask for none.

    Raises
    ------
    ImpossibleCondition, RareCondition
        A quota can not be filled.
    OptionError
        A row fits two quotas.

    Notes
    -----
    The rows of each quota are rows that the model gives under its predicate, whatever other quotas there are:
    plain draws serve the common quotas (keeping what fits is rejection, which is exact), and a quota that is rare asks
    with a predicate of its own.

    **Cost**: linear in rows. A block asks by the cheapest way: plain rows, rows of a kind that several quotas make up,
    or quota by quota.

    **Source**: the rows of each quota in each block are multivariate hypergeometric, so blocks are what a
    shuffle of all rows at once would give.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> table = Table("t", (Column("a", "number", integer=True),))
    >>> def draw(n, predicate, streams):
    ...     rows = pl.DataFrame({"a": streams.stream("a").integers(0, 10, 40 * n + 40)})
    ...     return (rows if predicate is None else predicate.keep(rows)).head(n)
    >>> zero, more = (Predicate.parse(sql, table) for sql in ("a = 0", "a > 0"))
    >>> blocks = fill_quotas([Quota(zero, "zero", 30), Quota(more, "more", 70)], draw, Streams(1))
    >>> int((next(blocks)["a"] == 0).sum())
    30
    """
    rows = np.array([quota.rows for quota in quotas], dtype=np.int64)
    total = int(rows.sum())
    if total > MOST_QUOTED:
        raise OptionError(
            f"shares of {total:,} rows: at most {MOST_QUOTED:,} are dealt at once. Draw them in several files."
        )
    if not total:
        yield draw(0, condition, streams.at("block", 0))
        return
    known = cells or _learn(quotas, draw, streams, condition)
    filler = _Filler(quotas, draw, condition, known)
    done = 0
    for block, wanted in enumerate(deal_blocks(rows, streams)):
        yield filler.fill(wanted, streams.at("block", block))
        done += int(wanted.sum())
        progress(done / total, "drawing rows")


def deal_blocks(rows: Array, streams: Streams) -> Iterator[Array]:
    """Deal the rows of quotas to blocks as a shuffle of all rows would.

    Parameters
    ----------
    rows : int array
        How many rows each quota has.
    streams : Streams
        Where randomness comes from.

    Yields
    ------
    int array
        How many rows of each quota are in the block; they sum to 65,536, but for the last block.

    Examples
    --------
    >>> blocks = list(deal_blocks(np.array([60_000, 10_000]), Streams(1)))
    >>> [int(block.sum()) for block in blocks], sum(blocks).tolist()
    ([65536, 4464], [60000, 10000])
    """
    rng = streams.stream("deal")
    left = rows.astype(np.int64)
    while left.sum() > BLOCK_ROWS:
        block = rng.multivariate_hypergeometric(left, BLOCK_ROWS, method="marginals")
        left = left - block
        yield block
    yield left


def label_quotas(predicates: Sequence[Predicate], frame: pl.DataFrame) -> Array:
    """Number the rows by the first predicate that is TRUE, -1 for none.

    Raises
    ------
    OptionError
        Two predicates are TRUE for a row.
    """
    labels = np.full(len(frame), -1, dtype=np.int64)
    for number, predicate in enumerate(predicates):
        fits = predicate.evaluate(frame).fill_null(False).to_numpy()
        if (labels[fits] >= 0).any():
            other = predicates[int(labels[fits].max())]
            raise OptionError(
                f"a row can fit both `{other.sql}` and `{predicate.sql}`, so their shares are not clear. "
                "Name kinds of rows that exclude each other."
            )
        labels[fits] = number
    return labels


def _learn(quotas: Sequence[Quota], draw: Draw, streams: Streams, condition: Predicate | None) -> Cells:
    """Tell rows apart by the predicates themselves, and count how common each is in a pilot."""
    predicates = [quota.predicate for quota in quotas]
    pilot = label_quotas(predicates, draw(PILOT_ROWS, condition, streams.at("pilot")))
    counts = np.bincount(pilot[pilot >= 0], minlength=len(quotas))
    return Cells(lambda frame: label_quotas(predicates, frame), counts / PILOT_ROWS)


@dataclass(frozen=True)
class _Filler:
    """Fills the quotas of one block after the other."""

    quotas: Sequence[Quota]
    draw: Draw
    condition: Predicate | None
    cells: Cells

    def fill(self, wanted: Array, streams: Streams) -> pl.DataFrame:
        """Draw the rows of one block and shuffle them."""
        lack = wanted.copy()
        pieces: list[pl.DataFrame] = []
        for number in range(MOST_ROUNDS):
            rows, predicate = self._choose(lack)
            if not rows:
                break
            frame = self.draw(rows, predicate, streams.at("round", number))
            labels = self.cells.label(frame)
            kept = _first_of_each(labels, lack)
            pieces.append(frame[kept])
            lack -= np.bincount(labels[kept], minlength=len(lack))
        for quota in np.flatnonzero(lack).tolist():
            predicate = self.quotas[quota].predicate.joined(self.condition)
            pieces.append(self.draw(int(lack[quota]), predicate, streams.at("quota", quota)))
        order = streams.stream("shuffle").permutation(int(wanted.sum()))
        return pl.concat(pieces)[order]

    def _choose(self, lack: Array) -> tuple[int, Predicate | None]:
        """Choose the rows to draw next, and of which kind: those that spare most; none if single quotas are best."""
        own = ROW_COST if self.condition is not None else 1
        rows, best = _plan_draw(lack, self.cells.shares, own, 0)
        chosen: Predicate | None = None
        for predicate, members in self.cells.wider:
            shares = np.where(members, self.cells.shares, 0)
            if shares.sum() > 0 and (lack[members] > 0).sum() > 1:
                found, spared = _plan_draw(lack, shares / shares.sum(), ROW_COST, CALL_COST)
                if spared > best:
                    rows, best, chosen = found, spared, predicate
        return rows, self.condition if chosen is None else chosen.joined(self.condition)


def _plan_draw(lack: Array, shares: Array, row_cost: float, call_cost: float) -> tuple[int, float]:
    """Find how many rows of a kind to draw, and what that spares against asking quota by quota."""
    active = np.flatnonzero((lack > 0) & (shares > 0))
    if not len(active):
        return 0, 0.0
    wanted, share = lack[active].astype(float), shares[active]
    # two standard errors more than is expected to do, so that few quotas stay a little short
    reach = (wanted + 2 * np.sqrt(wanted) + 1) / share
    order = np.argsort(reach, kind="stable")
    reach, wanted, share = reach[order], wanted[order], share[order]
    filled = np.cumsum(ROW_COST * wanted + CALL_COST)
    started = ROW_COST * reach * (share.sum() - np.cumsum(share))
    spared = filled + started - row_cost * reach - call_cost
    best = int(np.argmax(spared))
    if spared[best] <= 0:
        return 0, 0.0
    return int(min(np.ceil(reach[best]), 4 * BLOCK_ROWS)), float(spared[best])


def _first_of_each(labels: Array, most: Array) -> Array:
    """Keep the first rows of each label, at most so many, in order."""
    order = np.argsort(labels, kind="stable")
    ranked = labels[order]
    starts = np.searchsorted(ranked, np.arange(len(most)))
    fits = ranked >= 0
    order, ranked = order[fits], ranked[fits]
    place = np.arange(len(ranked)) + (~fits).sum() - starts[ranked]
    return np.sort(order[place < most[ranked]])
