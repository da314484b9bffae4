"""What membership attacks share: the candidates, what attackers know, and how well they are told apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy.stats import hypergeom, norm, rankdata

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import comparable_columns, draw, judge, not_computed, percent, unassessable
from simulacra.metrics._neighbours import PAIR_CELLS, nearest_several, place
from simulacra.metrics._roc import area, area_interval, caught, members_above
from simulacra.metrics._verdicts import ALARM
from simulacra.schema.types import Column

FALSE_ALARMS = 0.01
RATES = (0.001, 0.01, 0.1)
ISOLATED = 0.01
FEWEST_ISOLATED = 10
FEWEST_ROWS = 50
NEIGHBOURS = 16
EVIDENCE_ROWS = 20
LIMITS = (0.02, 0.05)
AREA_LIMITS = (0.55, 0.60)


@dataclass(frozen=True)
class Trial:
    """Candidates, half of them training rows, and what an attacker knows besides.

    Parameters
    ----------
    columns : list of Column
        What is compared.
    members, strangers, others, synthetic : DataFrame
        Candidates from the training rows and from the holdout; training rows that are no candidates; rows under test.
    rows, stranger_rows : array
        The members' positions among the training rows, and the strangers' in the holdout.
    near, known : array
        Shape (candidates, `NEIGHBOURS`): distances to the nearest synthetic and to the nearest other rows.
    isolated : array
        Positions of the candidates of both kinds that lie farthest from the other rows.
    used : str
        A note where candidates were drawn.
    """

    columns: list[Column]
    members: pl.DataFrame
    strangers: pl.DataFrame
    others: pl.DataFrame
    synthetic: pl.DataFrame
    rows: Array
    stranger_rows: Array
    near: Array
    known: Array
    isolated: Array
    used: str

    @property
    def inside(self) -> Array:
        """Which candidates are members; these come first."""
        return np.repeat([True, False], [self.members.height, self.strangers.height])

    @property
    def least(self) -> float:
        """Distance below which two rows count as equally near: it keeps ratios finite."""
        return 0.01 * max(float(np.median(self.known[:, 0])), 0.01)


def gather(case: Comparison) -> Trial | str:
    """Choose the candidates, the same for all attacks, or say why there can be none."""
    columns = comparable_columns(case.table)
    why = unassessable(case, columns, "membership is not assessable without a holdout")
    if why is not None or case.holdout is None:
        return why or ""
    available = min(case.train.height // 2, case.holdout.height)
    if available < FEWEST_ROWS:
        return (
            f"it needs at least {2 * FEWEST_ROWS} training rows and {FEWEST_ROWS} holdout rows, and there "
            f"are {case.train.height} and {case.holdout.height}; give more."
        )
    return case.remember(("attack", "trial"), lambda: _gather(case, columns, available))


def _gather(case: Comparison, columns: list[Column], available: int) -> Trial:
    streams = case.streams.at("privacy/attack")
    synthetic = draw(case.synthetic, case.max_rows, streams.stream("synthetic"))
    spare = min(case.train.height - available, case.max_rows)
    affordable = PAIR_CELLS // (2 * len(columns) * (synthetic.height + spare))
    count = min(available, max(FEWEST_ROWS, affordable))
    order = streams.stream("members").permutation(case.train.height)
    inside, rest = case.train[order[:count]], case.train[order[count : count + spare]]
    strange = np.sort(streams.stream("strangers").permutation(case.reference.height)[:count])
    outside = case.reference[strange]
    members, strangers, others, fakes = place([inside, outside, rest, synthetic], columns, 3)
    near, known = (
        np.vstack([nearest_several(side, rows, NEIGHBOURS) for side in (members, strangers)])
        for rows in (fakes, others)
    )
    # whoever lies far from others is chosen without regard to who is a member, and ties are broken at random: else
    # chance would no longer deal the two kinds evenly
    lonely = np.lexsort((streams.stream("ties").random(2 * count), -known[:, 0]))
    isolated = np.sort(lonely[: 2 * max(FEWEST_ISOLATED, math.ceil(ISOLATED * count))])
    used = "" if count == available else f" (A random {count:,} candidates of each kind were used.)"
    if synthetic.height < case.synthetic.height:
        used += f" (A random {synthetic.height:,} synthetic rows were used.)"
    near, known = near.astype(np.float64), known.astype(np.float64)
    return Trial(
        columns, inside, outside, rest, synthetic, order[:count], strange, near, known, isolated, used
    )


@dataclass(frozen=True)
class Suspicion:
    """An attack's scores of candidates, higher for more suspect, and which of these are members."""

    scores: Array
    inside: Array

    def take(self, rows: Array) -> Suspicion:
        """Keep some candidates."""
        return Suspicion(self.scores[rows], self.inside[rows])

    def caught(self, rate: float = FALSE_ALARMS) -> tuple[float, tuple[float, float]]:
        """Return the share of members above the score that a share of strangers reach, with its 95 % interval."""
        value, (low, high) = caught(self.scores, self.inside, rate)
        # what the exact test rules out is no part of the interval, however few strangers set the threshold
        if low < rate < value and self.chance(rate) < 0.025:
            low = rate
        return value, (low, high)

    def chance(self, rate: float = FALSE_ALARMS) -> float:
        """Return how likely guessing catches so many members: an exact test by ranks.

        If members and strangers are alike, then of any number of most suspect candidates chance picks who is a
        stranger; so many members come before the j-th stranger if fewer than j strangers are among the first ones.
        """
        strangers = int((~self.inside).sum())
        members = len(self.inside) - strangers
        rank = min(strangers, max(1, math.ceil(rate * (strangers + 1))))
        before = math.floor(members_above(self.scores, self.inside)[rank] * members + 1e-9)
        return (
            float(hypergeom.cdf(rank - 1, len(self.inside), strangers, before + rank - 1)) if before else 1.0
        )

    def ranked(self) -> float:
        """Return how likely guessing reaches such an area under the curve (rank sum, with its correction for ties)."""
        members = int(self.inside.sum())
        strangers = len(self.inside) - members
        variance = float(rankdata(self.scores).var(ddof=1)) / (members * strangers * len(self.inside))
        gap = area(self.scores, self.inside) - 0.5
        return float(norm.sf(gap / math.sqrt(variance))) if variance else 1.0

    def record(self, who: str, attack: str) -> dict[str, float | int | str]:
        """Return a row of the detail."""
        rates = {f"tpr_{rate:g}": self.caught(rate)[0] for rate in RATES}
        auc = area(self.scores, self.inside)
        return {"candidates": who, "attack": attack, "members": int(self.inside.sum()), **rates, "auc": auc}

    def ceiling(self) -> str:
        """Say how far the figure could go, where strangers are too few to tell 1 % of them."""
        most = FALSE_ALARMS * (int((~self.inside).sum()) + 1)
        return (
            ""
            if most >= 1
            else f"; with so few unseen rows beside them, no attack can be seen to name more than {percent(most)}"
        )


def judge_caught(found: Suspicion, limits: tuple[float, float] = LIMITS) -> Verdict:
    """Judge the share of members caught; what guessing explains passes."""
    return "pass" if found.chance() >= ALARM else judge(found.caught()[0], limits)


def report_attack(
    metric: Metric,
    name: str,
    how: str,
    scores: Array,
    trial: Trial,
    train: pl.DataFrame,
    plain: Sequence[tuple[str, Array]] = (),
) -> list[Score]:
    """Make the three scores of an attack.

    Parameters
    ----------
    metric : Metric
        Whose scores they are.
    name : str
        Its public name.
    how : str
        By what the attack goes, in plain words.
    scores : array
        Of all candidates, higher for more suspect.
    trial : Trial
        The candidates.
    train : DataFrame
        The training rows, for the evidence.
    plain : sequence of (str, array)
        Simpler attacks beside it, for the detail alone.
    """
    every = Suspicion(scores, trial.inside)
    lonely = every.take(trial.isolated)
    first, last = _all(metric, name, how, every, trial, train), _ranked(metric, name, how, every)
    records = [every.record("all", how)]
    hard = _isolated(metric, name, how, lonely)
    if hard.verdict != "not computed":
        records.append(lonely.record("most isolated", how))
    for what, values in plain:
        other = Suspicion(values, trial.inside)
        records.append(other.record("all", what))
        if hard.verdict != "not computed":
            records.append(other.take(trial.isolated).record("most isolated", what))
    return [replace(first, detail=pl.DataFrame(records)), hard, last]


def _all(metric: Metric, name: str, how: str, found: Suspicion, trial: Trial, train: pl.DataFrame) -> Score:
    value, interval = found.caught()
    words = (
        f"Somebody who knows a person's record, and goes by {how}, names {percent(value)} of {trial.members.height:,} "
        f"training rows as members (rows that the generator learnt from) while wrongly naming 1 % of unseen rows; "
        f"guessing names 1 %.{trial.used}"
    )
    verdict = judge_caught(found)
    return Score(
        name, value, interval, FALSE_ALARMS, verdict, no_leak(words, verdict), metric.better,
        private=_exposed(found, trial, train), title=metric.title,
    )  # fmt: skip


def _isolated(metric: Metric, name: str, how: str, found: Suspicion) -> Score:
    name += "/isolated"
    title = f"The most isolated 1 % of members named by {how} (share, at 1 % false alarms)"
    members = int(found.inside.sum())
    if members in (0, len(found.inside)):
        why = "all of the most isolated candidates are of one kind by chance; give more rows."
        return not_computed(metric, name, why, title=title)[0]
    value, interval = found.caught()
    # of so few, the share caught alone would miss a leak that shows in the ranks, so either can raise the alarm
    verdict: Verdict = "pass" if found.chance() >= ALARM / 2 else judge(value, LIMITS)
    if verdict == "pass" and found.ranked() < ALARM / 2:
        verdict = "look"
    words = (
        f"Of the {members:,} training rows among the candidates that lie farthest from all other real rows an attack "
        f"by {how} names {percent(value)} (guessing names 1 %{found.ceiling()})."
    )
    return Score(
        name, value, interval, FALSE_ALARMS, verdict, no_leak(words, verdict), metric.better, title=title
    )


def _ranked(metric: Metric, name: str, how: str, found: Suspicion) -> Score:
    value, interval = area_interval(found.scores, found.inside)
    verdict: Verdict = "pass" if found.ranked() >= ALARM else judge(value, AREA_LIMITS)
    words = (
        f"Going by {how}, an attack finds a training row more suspect than an unseen one {percent(value)} of the time "
        "(50 % is guessing); this is a mean over everybody, which hides a leak of a few."
    )
    return Score(
        f"{name}/auc", value, interval, 0.5, verdict, no_leak(words, verdict), metric.better,
        title=f"Members ranked above others by {how} (AUC, 0.5 is guessing)",
    )  # fmt: skip


def no_leak(words: str, verdict: Verdict) -> str:
    """Begin with what was not found, where nothing was."""
    return f"No leak found by this attack: {words[0].lower()}{words[1:]}" if verdict == "pass" else words


def _exposed(found: Suspicion, trial: Trial, train: pl.DataFrame) -> pl.DataFrame:
    """Show the training rows that the attack names first, for their owner."""
    members = found.scores[: trial.members.height]
    strangers = np.sort(found.scores[trial.members.height :])[::-1]
    limit = strangers[max(0, math.floor(FALSE_ALARMS * (len(strangers) + 1)) - 1)]
    order = np.argsort(-members, kind="stable")[:EVIDENCE_ROWS]
    order = order[members[order] > limit]
    rows = trial.rows[order]
    shown = pl.DataFrame(
        {
            "train_row": rows + 1,
            "suspicion": members[order],
            "isolated": np.isin(order, trial.isolated),
        },
        schema={"train_row": pl.Int64, "suspicion": pl.Float64, "isolated": pl.Boolean},
    )
    return shown.hstack([train[c.name][rows].alias(f"train: {c.name}") for c in trial.columns])
