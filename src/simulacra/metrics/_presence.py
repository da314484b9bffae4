"""Whether synthetic rows hold what real rows hold: the real side in two parts, and cells that are all but empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import binom

from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.metrics._case import NUMERIC_KINDS, draw, sampled_note
from simulacra.metrics._cells import Cells
from simulacra.metrics._verdicts import ALARM
from simulacra.randomness import Streams
from simulacra.schema.types import Column

FEWEST_HITS = 10
"""Rows of both sides together that a cell needs before anybody may say that it was lost."""
NAMED = 20
"""Real rows that must hold a level before a report that is shared may name it."""
PRIVATE = "(not shown)"


@dataclass(frozen=True)
class Sides:
    """The synthetic rows, and two samples of real rows that share no row.

    Parameters
    ----------
    fake : DataFrame
        Synthetic rows.
    known : DataFrame
        Real rows that limits and cells are made from: the training rows, or half of them without a holdout.
    fresh : DataFrame
        Real rows that stand in for synthetic ones: the holdout, or the other half of the training rows.
    note : str
        Says which rows were left out or split, as a sentence after a blank.
    """

    fake: pl.DataFrame
    known: pl.DataFrame
    fresh: pl.DataFrame
    note: str

    @property
    def fewest(self) -> int:
        """Rows of the smallest side."""
        return min(self.fake.height, self.known.height, self.fresh.height)

    @classmethod
    def take(cls, case: Comparison, columns: list[Column], streams: Streams, most: int) -> Sides:
        """Take the columns of at most this many rows of each side."""
        names = [column.name for column in columns]
        known, fresh, note = case.train.select(names), case.holdout, ""
        if fresh is None:
            order = streams.stream("halves").permutation(known.height)
            cut = known.height // 2
            known, fresh = known[np.sort(order[cut:])], known[np.sort(order[:cut])]
            note = " (There is no holdout, so one half of the training rows stands beside the other.)"
        available = max(case.synthetic.height, known.height, fresh.height)
        fake, known, fresh = (
            draw(frame.select(names), most, streams.stream(purpose))
            for frame, purpose in ((case.synthetic, "fake"), (known, "known"), (fresh, "fresh"))
        )
        return cls(fake, known, fresh, note + sampled_note(most, available, most))


def find_depleted(
    hits: Array, rows: int, their_hits: Array, their_rows: int, share: float
) -> tuple[Array, int]:
    """Tell which cells hold less than this share of what they should, by more than chance ever does.

    Parameters
    ----------
    hits, rows : array of int, int
        Rows under test in each cell, and in all.
    their_hits, their_rows : array of int, int
        The same of real rows.
    share : float
        A cell is depleted if it holds at most this share of what real rows let expect.

    Returns
    -------
    depleted : array of bool
        One per cell.
    looks : int
        Cells in which a loss could have been seen, that is how many the verdict must make up for.

    Notes
    -----
    Given the rows of both sides in a cell, each is one under test with the chance `rows / (rows + their_rows)` or,
    drawn without replacement, has even less spread: the binomial tail is on the safe side. Cells in which no
    outcome could be significant are not counted as looks, for that is known before sides are told apart.

    **Source** Przyborowski & Wilenski 1940, "Homogeneity of results in testing samples from Poisson series";
    Tarone 1990, "A modified Bonferroni method for discrete data".

    Examples
    --------
    >>> find_depleted(np.array([0, 50]), 1000, np.array([50, 50]), 1000, 0.25)[0].tolist()
    [True, False]
    """
    both, chance = hits + their_hits, rows / (rows + their_rows)
    testable = both >= FEWEST_HITS
    for _ in range(3):
        floor = np.log(ALARM / max(1, int(testable.sum())))
        testable = (both >= FEWEST_HITS) & (both * np.log1p(-chance) < floor)
    looks = int(testable.sum())
    depleted = testable & (hits * their_rows <= share * their_hits * rows)
    places = np.flatnonzero(depleted)
    depleted[places] = binom.cdf(hits[places], both[places], chance) < ALARM / max(1, looks)
    return depleted, looks


def name_cells(cells: Cells, column: Column, counts: Array) -> list[str]:
    """Name each cell in words that may be shared: no extreme value, no level that few rows hold.

    Parameters
    ----------
    cells : Cells
        The cells of the column.
    column : Column
        The column.
    counts : array of int
        Real rows in each cell.
    """
    special = ["outside what real rows hold", "missing"]
    if column.sensitive:
        return [f"group {i + 1}" for i in range(cells.inner)] + special
    if column.kind in NUMERIC_KINDS:
        ends = _write(cells.edges if cells.edges is not None else np.empty(0), column)
        names = []
        for i in range(cells.inner):
            first, last = i == 0, i == cells.inner - 1
            names.append(
                "any value" if first and last else f"up to {ends[i]}" if first
                else f"above {ends[i - 1]}" if last else f"above {ends[i - 1]}, up to {ends[i]}"
            )  # fmt: skip
        return names + special
    assert cells.levels is not None
    levels = cells.levels.sort("code", maintain_order=True).group_by("code", maintain_order=True)
    found = levels.agg(pl.first("level"), pl.len())
    names = ["other levels" if size > 1 else level for level, size in found.select("level", "len").rows()]
    return [name if counts[i] >= NAMED else PRIVATE for i, name in enumerate(names)] + special


def _write(edges: Array, column: Column) -> list[str]:
    """Write numbers as people do: dates as dates, the rest in four digits."""
    if column.kind == "date":
        return [str(np.datetime64(int(edge), "D")) for edge in edges]
    if column.kind == "datetime":
        return [str(np.datetime64(int(edge), "s")) for edge in edges]
    unit = " s" if column.kind in {"time", "duration"} else ""
    return [f"{edge:.4g}{unit}" if abs(edge) < 1e4 else f"{edge:,.0f}{unit}" for edge in edges]
