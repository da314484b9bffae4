"""Whether synthetic rows are as plausible as real ones: how likely the model finds each, compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.stats import kstwobign

from simulacra.domain import Array
from simulacra.errors import SimulacraError
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import draw, judge, not_computed, percent, too_few
from simulacra.metrics._likelihood import FEWEST_ROWS, Logs, times, unanswerable
from simulacra.metrics._resampling import plan_both, recentred_interval
from simulacra.metrics._shapes import kolmogorov
from simulacra.metrics._verdicts import ALARM

NAME = "fidelity/plausibility"
CELLS = 200
BINS = 40
FEWEST = 10
"""Real rows of each kind that a bin of the picture stands for."""
ODDEST = 5
KOLMOGOROV_MEAN = float(np.sqrt(np.pi / 2) * np.log(2))
"""Mean of the limit distribution of the Kolmogorov-Smirnov distance, in units of sqrt(1/n + 1/m)."""


class Plausibility(Metric):
    """How differently likely the model finds its own rows and unseen real ones (KS distance).

    The model that made the rows tells the log-probability of every row. A model that is too sure finds its own rows
    more likely than unseen real ones; a model that misses part of the data finds some real rows all but impossible.

    Notes
    -----
    **Value** the Kolmogorov-Smirnov distance between the log-probabilities of synthetic rows and of the holdout.

    **Baseline** what two samples of one distribution of these sizes get on average.

    **Verdict** value minus baseline: pass up to 0.15 and where the Kolmogorov-Smirnov test gives so large a distance a
    chance of 1e-4 or more, look up to 0.30, fail above.

    **Interval** 95 %, from a bootstrap of groups of rows.

    **Detail** shares of training, synthetic and holdout rows in bins of log-probability. **Private** up to five of the
    least plausible synthetic rows, with the column that is to blame.

    **Privacy** bins of the picture stand for at least 10 training and 10 holdout rows.

    **Cost** linear in rows: some microseconds for each value.

    **Source** Kolmogorov 1933; the mean of the limit distribution in Marsaglia, Tsang and Wang 2003, "Evaluating
    Kolmogorov's distribution". Comparing by the model's own density is the "typicality" of Nalisnick et al. 2019,
    "Detecting out-of-distribution inputs to deep generative models using typicality".

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> frame = pl.DataFrame({"x": [float(i) for i in range(100)]})
    >>> Plausibility().score(Comparison(Table("t", (Column("x", "number"),)), frame, frame))[0].verdict
    'not computed'
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Plausibility of rows to the model (distance, 0 to 1)"
    limits: ClassVar[tuple[float, float]] = (0.15, 0.30)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        why = unanswerable(case)
        if why is None and case.holdout is not None:
            rows = min(case.synthetic.height, case.holdout.height)
            why = too_few(rows, FEWEST_ROWS)
        if why is not None or case.likelihood is None or case.holdout is None:
            return not_computed(self, NAME, why or "", asked=case.likelihood is not None)
        streams = case.streams.at(NAME)
        frames = {
            role: draw(frame, case.max_rows, streams.stream(role))
            for role, frame in (
                ("train", case.train),
                ("synthetic", case.synthetic),
                ("holdout", case.holdout),
            )
        }
        try:
            logs = {role: Logs.of(case.likelihood, frame) for role, frame in frames.items()}
        except SimulacraError as error:
            return not_computed(self, NAME, str(error))
        if not logs["synthetic"].columns.width:
            return not_computed(self, NAME, "the model learns no column: all are keys.")
        ours, theirs = logs["synthetic"].rows, logs["holdout"].rows
        value = kolmogorov(ours, theirs)
        baseline = KOLMOGOROV_MEAN * float(np.sqrt(1 / len(ours) + 1 / len(theirs)))
        one, two = plan_both(streams, len(ours), len(theirs))
        edges = np.unique(np.quantile(np.concatenate([ours, theirs]), np.linspace(0, 1, CELLS + 1)[1:-1]))
        shares = [
            plan.shares(np.searchsorted(edges, side), len(edges) + 1)
            for plan, side in ((one, ours), (two, theirs))
        ]
        repeated = np.abs(np.cumsum(shares[0] - shares[1], axis=1)).max(axis=1)
        return [
            Score(
                NAME, value, recentred_interval(value, repeated), baseline,
                _judge(value, baseline, (len(ours), len(theirs)), self.limits),
                _say(ours, theirs, value, baseline), self.better,
                _histogram({role: log.rows for role, log in logs.items()}),
                _oddest(frames["synthetic"], logs["synthetic"]),
                title=self.title,
            )
        ]  # fmt: skip


def _judge(value: float, baseline: float, rows: tuple[int, int], limits: tuple[float, float]) -> Verdict:
    """Judge the distance by its excess; what chance explains passes (the limit distribution is on the safe side)."""
    if kstwobign.sf(value / np.sqrt(1 / rows[0] + 1 / rows[1])) >= ALARM:
        return "pass"
    return judge(value - baseline, limits)


def _say(ours: Array, theirs: Array, value: float, baseline: float) -> str:
    gap = float(np.median(ours) - np.median(theirs))
    odd = float((theirs < np.quantile(ours, 0.01)).mean())
    return (
        f"Under the model the middle synthetic row is {times(gap)} the middle unseen real row; {percent(odd)} of the "
        "unseen rows are less plausible than all but 1 % of the synthetic ones (1 % is ideal). All in all the two are "
        f"{value:.3f} apart (real data: {baseline:.3f}), where 0 is alike and 1 has nothing in common."
    )


def _histogram(rows: dict[str, Array]) -> pl.DataFrame:
    """Count rows in even bins, joined until each stands for enough real rows of either kind."""
    real = np.concatenate([rows["train"], rows["holdout"]])
    low, high = np.quantile(real, [0.002, 0.998])
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    counts = {
        role: np.bincount(_place(values, edges), minlength=len(edges) - 1) for role, values in rows.items()
    }
    kept, held = [0], dict.fromkeys(rows, 0)
    for bin_ in range(len(edges) - 1):
        held = {role: held[role] + int(counts[role][bin_]) for role in rows}
        if min(held["train"], held["holdout"]) >= FEWEST:
            kept.append(bin_ + 1)
            held = dict.fromkeys(rows, 0)
    # what is left over joins the last bin that had enough
    kept = [*kept[:-1], len(edges) - 1] if len(kept) > 1 else [0, len(edges) - 1]
    starts = kept[:-1]
    return pl.DataFrame(
        {"low": edges[starts], "high": edges[kept[1:]]}
        | {role: np.add.reduceat(counts[role], starts) / len(values) for role, values in rows.items()}
    )


def _place(values: Array, edges: Array) -> Array:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _oddest(frame: pl.DataFrame, logs: Logs) -> pl.DataFrame:
    """Show the least plausible rows, and for each the column that lies farthest below its mean."""
    order = np.argsort(logs.rows, kind="stable")[:ODDEST]
    values = logs.columns.to_numpy()
    lacking = (values.mean(axis=0) - values)[order]
    blamed = [logs.columns.columns[at] for at in lacking.argmax(axis=1)]
    told = pl.DataFrame({"log-probability": logs.rows[order], "least likely": blamed})
    return pl.concat([told, frame[order].rename(lambda name: f"{name} ")], how="horizontal")
