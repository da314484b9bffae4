"""Balance: from shares that users ask for to quotas of whole rows, and to the rows."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.blocks import Draw
from simulacra.domain import Array
from simulacra.errors import ImpossibleCondition, OptionError, RareCondition
from simulacra.generator import Progress, silent
from simulacra.randomness import Streams
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table
from simulacra.shares._pilot import Pilot, measure_cells
from simulacra.shares.margins import Margin, Shares, read_margins
from simulacra.shares.quotas import Cells, Quota, fill_quotas
from simulacra.shares.raking import divergence, effective_share, rake, round_cells, round_shares

NEAR = 1e-6
"""Margins that raking reaches to this share are reached."""
SELDOM = 1e-3
"""Cells that hold less than this share of the model's rows, and"""
FAR = 100
"""are asked for at least so many times as often, are far from what the model knows."""


@dataclass(frozen=True)
class Allotment:
    """How many rows of which kind will be drawn.

    Parameters
    ----------
    quotas : tuple of Quota
        One per cell that gets rows.
    cells : Cells
        How rows are told apart, and how common the cells are.
    condition : Predicate or None
        What every row satisfies besides.
    notes : tuple of str
        The effective sample size, and margins that could not be met exactly.
    """

    quotas: tuple[Quota, ...]
    cells: Cells
    condition: Predicate | None
    notes: tuple[str, ...]

    def fill(self, draw: Draw, streams: Streams, progress: Progress = silent) -> Iterator[pl.DataFrame]:
        """Draw the rows, in blocks of 65,536; see `simulacra.shares.quotas.fill_quotas`."""
        own = _name_refusals(draw, self.condition)
        return fill_quotas(
            self.quotas, own, streams.at("rows"), self.condition, cells=self.cells, progress=progress
        )


def plan_rows(
    table: Table,
    n: int,
    draw: Draw,
    streams: Streams,
    *,
    balance: Shares | None = None,
    bigger: Shares | None = None,
    smaller: Shares | None = None,
    condition: Predicate | None = None,
) -> Allotment:
    """Find how many rows of which kind meet all shares asked for.

    Parameters
    ----------
    table : Table
        Gives names and types.
    n : int
        Number of rows in all.
    draw : callable
        Draws rows that satisfy a predicate.
    streams : Streams
        Where randomness comes from.
    balance, bigger, smaller : mapping or None
        As `simulacra.shares.margins.read_margins` takes them.
    condition : Predicate or None
        Shares hold among the rows that satisfy it.

    Returns
    -------
    Allotment
        Quotas that sum to `n`.

    Raises
    ------
    OptionError
        Shares contradict each other, or can not be reached.
    ImpossibleCondition, RareCondition
        A kind of rows that is asked for can not be drawn.

    Notes
    -----
    Shares of one margin are met exactly by count. With several, the cells that the margins make up are counted in
    a pilot of 16,384 to 262,144 rows (more where a factor needs it), raked to the margins, and rounded so that every
    margin is still exact by count. So rows are weighted by a product of one factor per margin, and within a cell
    they are what the model draws.

    **Cost**: the pilot, and cells times margins.

    **Source**: Deming and Stephan 1940 and Ireland and Kullback 1968 (raking is the tilt nearest to the model);
    Cox 1987 and Deville and Tille 2004 (rounding).

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("a", "number", integer=True),))
    >>> def draw(n, predicate, streams):
    ...     rows = pl.DataFrame({"a": streams.stream("a").integers(0, 10, 40 * n + 40)})
    ...     return (rows if predicate is None else predicate.keep(rows)).head(n)
    >>> plan = plan_rows(table, 100, draw, Streams(1), balance={"a = 0": 0.5})
    >>> [(quota.words, quota.rows) for quota in plan.quotas]
    [('a = 0', 50), ('not (a = 0)', 50)]
    """
    margins = read_margins(table, balance, bigger, smaller)
    if not margins:
        raise OptionError(
            "balance, bigger and smaller name no rows. Name a column with its levels, or a condition."
        )
    streams = streams.at("balance")
    pilot = measure_cells(margins, n, condition, _name_refusals(draw, condition), streams.at("pilot"))
    margins = tuple(
        margin.settle(shares, pilot.rows) for margin, shares in zip(margins, pilot.measured, strict=True)
    )
    totals = [round_shares(margin.shares, n) for margin in margins]
    if len(margins) == 1:
        labels, shares, rows, aim = _single(margins[0], pilot, totals[0])
    else:
        labels, shares, rows, aim = _joint(margins, pilot, totals, n, streams)
    told = [*_told(shares, aim, n), *_far(margins, labels, shares, rows, pilot.rows)]
    notes = [*told, *_missed(margins, labels, rows, totals)]
    kept = rows > 0
    return Allotment(
        tuple(_quota(margins, cell, int(number)) for cell, number in zip(labels[kept], rows[kept], strict=True)),
        _cells(margins, labels[kept], shares[kept]), condition, tuple(notes),
    )  # fmt: skip


def _single(margin: Margin, pilot: Pilot, total: Array) -> tuple[Array, Array, Array, Array]:
    """Make one cell of each part, those that the pilot never saw among them."""
    labels = np.arange(len(margin.parts))[:, None]
    return labels, pilot.measured[0], total, margin.shares


def _joint(
    margins: Sequence[Margin], pilot: Pilot, totals: Sequence[Array], n: int, streams: Streams
) -> tuple[Array, Array, Array, Array]:
    """Rake the cells to the margins and round them."""
    targets = [total / max(n, 1) for total in totals] if n else [margin.shares for margin in margins]
    raked = rake(pilot.shares, pilot.labels, targets)
    if raked.error > NEAR:
        # the linear program is heavy to import, and only needed to say why shares can not be had
        importlib.import_module("simulacra.shares._reach").explain_reach(
            margins, pilot.labels, targets, pilot.rows
        )
    rows = round_cells(raked.shares * n, pilot.labels, totals, streams.stream("rounding"))
    return pilot.labels, pilot.shares, rows, raked.shares


def _quota(margins: Sequence[Margin], cell: Array, rows: int) -> Quota:
    parts = [margin.parts[part] for margin, part in zip(margins, cell.tolist(), strict=True)]
    predicate = parts[0].predicate
    for part in parts[1:]:
        predicate = predicate.joined(part.predicate)
    return Quota(predicate, " and ".join(part.words for part in parts), rows)


def _cells(margins: Sequence[Margin], labels: Array, shares: Array) -> Cells:
    sizes = [len(margin.parts) for margin in margins]
    keys = np.ravel_multi_index(tuple(labels.T), sizes) if len(labels) else np.zeros(0, dtype=np.int64)

    def label(frame: pl.DataFrame) -> Array:
        found = np.ravel_multi_index([margin.label(frame) for margin in margins], sizes)
        place = np.minimum(np.searchsorted(keys, found), len(keys) - 1)
        return np.where(keys[place] == found, place, -1)

    wider = tuple(
        (part.predicate, labels[:, k] == number)
        for k, margin in enumerate(margins)
        for number, part in enumerate(margin.parts)
        if len(margins) > 1 and (labels[:, k] == number).sum() > 1
    )
    return Cells(label, shares, wider)


def _told(shares: Array, aim: Array, n: int) -> list[str]:
    if not n or (shares[aim > 0] == 0).any():
        return []
    worth = effective_share(shares, aim) * n
    return [
        f"balance: weights on {n:,} {'row' if n == 1 else 'rows'} of the model would give these shares with an "
        f"effective sample size of {worth:,.0f}; rows are drawn anew instead, so that all count (Kullback-Leibler "
        f"distance from the model {divergence(shares, aim):.3g})."
    ]


def _far(margins: Sequence[Margin], labels: Array, shares: Array, rows: Array, drawn: int) -> list[str]:
    """Say in plain words where far more rows of a kind are asked for than the model knows."""
    total = max(int(rows.sum()), 1)
    far = np.flatnonzero((rows > 0) & (shares < SELDOM) & (rows / total >= FAR * shares))
    if not len(far):
        return []
    largest = far[np.argmax(rows[far])]
    words = _quota(margins, labels[largest], 0).words
    given = float(shares[far].sum())
    often = (
        f"about once in {_rounded(1 / given):,} rows" if given * drawn >= 0.5 else f"never in {drawn:,} rows"
    )
    kinds = "a kind" if len(far) == 1 else "kinds"
    return [
        f"balance: {100 * rows[far].sum() / total:.2g} % of the rows are of {kinds} that the model gives {often}: "
        f"{words}{'' if len(far) == 1 else f', and {len(far) - 1:,} more'}. It learnt them from few real rows or none, "
        "so take them for its guess."
    ]


def _rounded(number: float) -> int:
    return int(float(f"{number:.2g}"))


def _name_refusals(draw: Draw, condition: Predicate | None) -> Draw:
    """Let a refusal speak of the shares, since the user may have given no condition."""

    def own(n: int, predicate: Predicate | None, streams: Streams) -> pl.DataFrame:
        try:
            return draw(n, predicate, streams)
        except (ImpossibleCondition, RareCondition) as error:
            if predicate is condition:
                raise
            said = str(error).removeprefix("where ")
            raise type(error)(f"balance asks for rows with {said}") from None

    return own


def _missed(margins: Sequence[Margin], labels: Array, rows: Array, totals: Sequence[Array]) -> list[str]:
    """Name the parts whose rows could not be met to the row."""
    notes = []
    for k, (margin, total) in enumerate(zip(margins, totals, strict=True)):
        found = np.bincount(labels[:, k], rows, minlength=len(total)).astype(int)
        notes += [
            f"balance: {margin.parts[part].words}: {found[part]:,} rows instead of {total[part]:,}, since the shares "
            "asked for can not all be met to the row."
            for part in np.flatnonzero(found != total)
        ]
    return notes
