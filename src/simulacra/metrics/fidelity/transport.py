"""How far synthetic rows must be moved to become real rows, and how differently both fill the space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm, t

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._embedding import Cloud, distances, embed, unplaceable
from simulacra.metrics._verdicts import ALARM, judge_excess

NAME = "fidelity/transport"
MOST_BLOCK = 256
MOST_BLOCKS = 32
FEWEST_BLOCKS = 8


class Transport(Metric):
    """The Wasserstein distance from synthetic to real rows, and their maximum mean discrepancy (MMD).

    The rows of each side are dealt into blocks of at most 256. In each block every synthetic row is assigned to one
    real row so that the sum of their distances is smallest; value: the mean distance, as a share of the columns (two
    rows that agree in nothing are 1 apart). Few rows never match exactly: real rows in place of synthetic ones get far
    more than 0, which the baseline shows, and the excess counts. ``mmd`` is the squared MMD, estimated without bias in
    the same blocks, with the kernel exp(-distance / median distance of real rows); it is 0 on average for real rows,
    and may come out below.

    Notes
    -----
    **Verdict** on the value minus the baseline, where it is more than blocks of real rows differ among themselves (t
    test over blocks): pass up to 0.005 (mmd: 0.002), look up to 0.02 (0.01), fail above.

    **Interval** 95 %, t over blocks; for blocks of this size.

    **Detail** for each block: both figures for the synthetic and for the training rows.

    **Privacy** aggregates only.

    **Cost** 64 assignments of 256 rows; at most 8,192 rows of each side.

    **Source** Peyré & Cuturi 2019, "Computational optimal transport", section 2.2; Gretton et al. 2012, "A kernel
    two-sample test", equation 3, in blocks as in Zaremba et al. 2013, "B-tests: low variance kernel two-sample tests".

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout, fake = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(3))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> [score.verdict for score in Transport().score(Comparison(table, train, fake + 1, holdout))]
    ['fail', 'fail']
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Transport to real rows (mean distance, 0 to 1)"
    limits: ClassVar[tuple[float, float]] = (0.005, 0.02)
    mmd_limits: ClassVar[tuple[float, float]] = (0.002, 0.01)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        if (unable := unplaceable(self, NAME, case)) is not None:
            return unable
        cloud = embed(case, "holdout")
        blocks = _blocks(len(cloud))
        detail = _measure(cloud, blocks)
        columns = [detail[name].to_numpy() for name in detail.columns]
        used = len(blocks) * len(blocks[0])
        note = cloud.note
        if len(cloud) > used:
            note += f" ({used:,} rows of each side were used, in {len(blocks)} blocks.)"
        return [
            self._score(NAME, columns[0], columns[1], detail, self.limits, note),
            self._score(f"{NAME}/mmd", columns[2], columns[3], None, self.mmd_limits, note),
        ]

    def _score(
        self,
        name: str,
        ours: Array,
        real: Array,
        detail: pl.DataFrame | None,
        limits: tuple[float, float],
        note: str,
    ) -> Score:
        value, baseline = float(ours.mean()), float(real.mean())
        half = float(t.isf(0.025, len(ours) - 1)) * _error(ours)
        if name == NAME:
            title = self.title
            words = (
                f"To become a real row, a synthetic row must change by {value:.3f} of all its columns on average (real "
                f"rows: {baseline:.3f}), in blocks of rows matched one to one."
            )
        else:
            title = "Discrepancy of the joint shape (squared MMD, 0 is the same)"
            words = (
                "By the likeness of every row to every other, the synthetic rows fill the space of all columns "
                "differently "
                f"from the real ones by {value:.4f} (squared MMD; real data: {baseline:.4f}), where 0 is the same "
                "shape and "
                "chance alone goes to either side of it."
            )
        return Score(
            name,
            value,
            (value - half, value + half),
            baseline,
            judge_excess(value - baseline, _tail(len(ours)) * _error(ours - real), limits),
            words + note,
            self.better,
            detail,
            title=title,
        )


def transport(between: Array) -> float:
    """Return the Wasserstein-1 distance of two samples of one size, from the distances between them.

    Examples
    --------
    >>> transport(np.abs(np.array([[0.0], [1.0]]) - np.array([[1.5, 0.5]])))
    0.5
    """
    rows, columns = linear_sum_assignment(between)
    return float(between[rows, columns].mean())


def squared_mmd(within: Array, theirs: Array, between: Array) -> float:
    """Return the unbiased estimate of the squared MMD of two samples from the kernel's values.

    Parameters
    ----------
    within, theirs : array
        Square: the kernel inside one sample, and inside the other.
    between : array
        The kernel between both.
    """
    sums = [
        (kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1)) for kernel in (within, theirs)
    ]
    return float(sums[0] + sums[1] - 2 * between.mean())


def _blocks(rows: int) -> list[Array]:
    size = min(MOST_BLOCK, rows // FEWEST_BLOCKS)
    return list(np.arange(min(MOST_BLOCKS, rows // size) * size).reshape(-1, size))


def _measure(cloud: Cloud, blocks: list[Array]) -> pl.DataFrame:
    records = []
    width = 0.0
    for block in blocks:
        reference, synthetic, control = (
            side.take(block) for side in (cloud.reference, cloud.synthetic, cloud.control)
        )
        inside = distances(reference, reference)
        # one width for all blocks, and from real rows alone
        width = width or float(np.median(inside[np.triu_indices(len(block), 1)])) or 1.0
        own = np.exp(-inside.astype(np.float64) / width)
        costs, discrepancies = [], []
        for side in (synthetic, control):
            between, within = distances(side, reference), distances(side, side)
            costs.append(transport(between) / cloud.columns)
            kernels = [np.exp(-found.astype(np.float64) / width) for found in (within, between)]
            discrepancies.append(squared_mmd(kernels[0], own, kernels[1]))
        records.append((*costs, *discrepancies))
    return pl.DataFrame(records, schema=["synthetic", "real", "synthetic mmd", "real mmd"], orient="row")


def _error(figures: Array) -> float:
    return float(figures.std(ddof=1) / np.sqrt(len(figures)))


def _tail(blocks: int) -> float:
    """Return by how much a t test over so few blocks asks for more than a normal one."""
    return float(t.isf(ALARM, blocks - 1) / norm.isf(ALARM))
