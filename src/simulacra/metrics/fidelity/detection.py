"""How well a boosted-tree classifier can tell synthetic rows from real ones that the model never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._boosting import fit, in_parallel
from simulacra.metrics._case import (
    ceiling_note,
    draw,
    empty_side,
    not_computed,
    percent,
    predictive_columns,
    sampled_note,
    too_few,
)
from simulacra.metrics._cellwise import PAIR_CELLS, SINGLE_CELLS, Gain, alone, cut, together
from simulacra.metrics._features import Features, extract
from simulacra.metrics._roc import area, area_interval, judge_area
from simulacra.metrics._rules import Rules, example_rows, find_rules, tabulate_rules
from simulacra.randomness import Streams
from simulacra.schema.column import Column

FOLDS = 5
ROUNDS = 100
FEWEST_ROWS = 50
PERMUTED_ROWS = 2_000
BATCH_CELLS = 2_000_000
PAIRED_COLUMNS = 40
SHOWN_PAIRS = 50
NAME = "fidelity/detection"


@dataclass(frozen=True)
class _Trial:
    """One cross-validated attempt to tell two frames apart."""

    value: float
    interval: tuple[float, float]
    importance: Array
    alone: Array
    gains: dict[tuple[int, int], Gain]


class Detection(Metric):
    """A classifier two-sample test (C2ST): out-of-fold AUC of synthetic rows against unseen real rows.

    0.5 is perfect: the classifier can only guess. The two sides have equal sizes; without a holdout the
    training rows stand in for it, and the words say so.

    Two more scores explain it. ``fidelity/detection/pairs``: which two columns give the rows away together, beyond
    what either does alone or both added up. ``fidelity/detection/rules``: up to five rules that people can read, of at
    most three conditions each; the value is the share of rows that they tell apart.

    Notes
    -----
    **Verdict** on the value minus the baseline, or minus 0.5 where that is larger or there is none: pass up to 0.10,
    look up to 0.25, fail above; pass where the spread of the AUC of guessing explains the excess. Pairs and rules have
    no verdict.

    **Interval** DeLong's variance of the pooled out-of-fold scores; it does not hold the spread over other
    folds, nor, for pairs, the choice of the largest gain.

    **Detail** for each column: ``importance``, the AUC that is lost when the column alone is shuffled among
    out-of-fold rows, and ``auc``, what a test that sees only this column reaches (both with ``baseline`` for
    the AUC from real data). For each pair: the AUC of the likelihood ratio over their joint cells, what the columns
    reach ``apart``, and the ``gain``. For each rule: the shares of ``synthetic`` and of ``real`` rows that fulfil it,
    counted on rows that it was not found in. A rule is shown only if these bear it out beyond chance
    (binomial test, corrected for five rules), at least 1.5 times as often on one side. **Private** up to three rows of
    each side for each rule.

    **Privacy** bounds and levels in rules come from synthetic values, or from at least 10 real rows; fewer than 10 real
    rows that fulfil a rule are shown as 10 ("under"). Sensitive columns are left out of rules.

    **Cost** linear in rows (at most ``case.max_rows`` of each side) and in columns; pairs of the 40 most important
    columns, rules over the 16 most important ones and 8,000 rows of each side.

    **Source** Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests", section 3, with AUC in place
    of accuracy; DeLong et al. 1988 for the interval. Rules: subgroup discovery, Wrobel 1997, "An algorithm for
    multi-relational discovery of subgroups", section 2, with a part of the symmetric Kullback-Leibler divergence
    (Jeffreys 1946) as the quality.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout, fake = (pl.DataFrame({"x": rng.normal(size=200) + shift}) for shift in (0, 0, 5))
    >>> case = Comparison(Table("t", (Column("x", "number"),)), train, fake, holdout)
    >>> Detection().score(case)[0].verdict
    'fail'
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Told apart by a classifier (AUC, 0.5 is guessing)"
    limits: ClassVar[tuple[float, float]] = (0.10, 0.25)
    paired: ClassVar[int] = PAIRED_COLUMNS
    permuted: ClassVar[int] = PERMUTED_ROWS

    def area(self, case: Comparison) -> float | None:
        """Return the value alone, without what explains it; None where it can not be computed."""
        frames, columns, why = self._frames(case)
        if why is not None:
            return None
        return self._attempt(extract(frames[:2], columns), case.streams.at(NAME), explain=False).value

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        frames, columns, why = self._frames(case)
        if why is not None:
            return not_computed(self, NAME, why)
        streams, rows = case.streams.at(NAME), frames[0].height
        names = [column.name for column in columns]
        ceiling = None
        found = self._attempt(extract(frames[:2], columns), streams, explain=True)
        if len(frames) == 3:
            apart = extract([frames[2], frames[1]], columns)
            ceiling = self._attempt(apart, streams, explain=False, like=found)
        readable = [
            columns[at]
            for at in np.argsort(-np.maximum(found.importance, found.alone - 0.5), kind="stable")
            if not columns[at].sensitive and columns[at].name not in case.sensitive
        ]
        with threadpool_limits(1, user_api="blas"):
            rules = find_rules(frames[:2], readable, streams.stream("rules"))
            real = (
                None
                if ceiling is None
                else find_rules([frames[2], frames[1]], readable, streams.stream("rules"))
            )
        available = min(case.synthetic.height, case.reference.height, case.train.height)
        note = sampled_note(rows, available, case.max_rows)
        real_auc = None if ceiling is None else ceiling.value
        scores = [
            Score(
                NAME,
                found.value,
                found.interval,
                real_auc,
                judge_area(found.value, real_auc, rows, self.limits),
                _say(found, ceiling) + note,
                self.better,
                _detail(names, found, ceiling),
                title=self.title,
            )
        ]
        if found.gains:
            scores.append(_score_pairs(names, found, ceiling))
        return [*scores, _score_rules(rules, real, frames)]

    def _frames(self, case: Comparison) -> tuple[list[pl.DataFrame], list[Column], str | None]:
        """Draw as many rows of each side; say why that is not possible."""
        columns = predictive_columns(case.table)
        rows = min(case.synthetic.height, case.reference.height, case.train.height, case.max_rows)
        why = empty_side(case)
        if why is None and not columns:
            why = "no column can be compared: all are keys or identifiers."
        why = why or too_few(rows, FEWEST_ROWS)
        if why is not None:
            return [], columns, why
        streams = case.streams.at(NAME)
        frames = [draw(case.synthetic, rows, streams.stream("synthetic"))]
        frames.append(draw(case.reference, rows, streams.stream("reference")))
        if case.holdout is not None:
            frames.append(draw(case.train, rows, streams.stream("baseline")))
        return frames, columns, None

    def _attempt(
        self, features: Features, streams: Streams, *, explain: bool, like: _Trial | None = None
    ) -> _Trial:
        """Make an attempt, with as many pairs and as much care for importance as the class says."""
        permuted = self.permuted if explain else 0
        paired = self.paired if explain or like is not None else 0
        return _attempt(features, streams, permuted=permuted, paired=paired, like=like)


def _attempt(
    features: Features, streams: Streams, *, permuted: int, paired: int, like: _Trial | None = None
) -> _Trial:
    """Cross-validate a classifier of the first matrix against the second, of as many rows.

    Pairs are those of the most important columns, or the same as those of another attempt.
    """
    rows = len(features.matrices[0])
    matrix = np.vstack(features.matrices)
    fake = np.repeat([True, False], rows)
    rng = streams.stream("folds")
    fold = np.concatenate([rng.permutation(rows) % FOLDS, rng.permutation(rows) % FOLDS])
    columns = int(features.owners.max()) + 1
    scores = np.empty(2 * rows)

    def leave_out(number: int) -> Array:
        inside = fold == number
        model = _classifier(rows, features.categorical)
        fit(model, matrix[~inside], fake[~inside])
        scores[inside] = model.decision_function(matrix[inside])
        if not permuted:
            return np.zeros(columns)
        rng = streams.stream("permute", number)
        return _permuted_loss(model, matrix[inside], fake[inside], features.owners, rng, permuted)

    lost = np.sum(in_parallel(leave_out, range(FOLDS)), axis=0)
    value, interval = area_interval(scores, fake)
    first = [matrix[:, int(np.flatnonzero(features.owners == c)[0])] for c in range(columns)]
    single = [cut(values, SINGLE_CELLS) for values in first]
    auc = np.array([alone(codes, size, fake, fold, FOLDS) for codes, size in single])
    coarse = [cut(values, PAIR_CELLS) for values in first]
    top = np.sort(np.argsort(-np.maximum(lost / FOLDS, auc - 0.5), kind="stable")[:paired])
    pairs = list(combinations(top.tolist(), 2)) if like is None else list(like.gains)
    gains = {
        (a, b): together((coarse[a][0], coarse[b][0]), (coarse[a][1], coarse[b][1]), fake, fold, FOLDS)
        for a, b in pairs
    }
    return _Trial(value, interval, lost / FOLDS, auc, gains)


def _classifier(rows: int, categorical: Array) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=ROUNDS,
        min_samples_leaf=int(np.clip(rows // 20, 5, 20)),
        categorical_features=categorical,
        early_stopping=False,
        random_state=0,
    )


def _permuted_loss(
    model: HistGradientBoostingClassifier,
    matrix: Array,
    fake: Array,
    owners: Array,
    rng: np.random.Generator,
    most: int,
) -> Array:
    """Return the AUC lost when one column's features are shuffled together, for every column."""
    kept = rng.permutation(len(matrix))[:most]
    matrix, fake = matrix[kept], fake[kept]
    whole = area(model.decision_function(matrix), fake)
    rows, columns = len(matrix), int(owners.max()) + 1
    lost = np.zeros(columns)
    batch = max(1, BATCH_CELLS // matrix.size)
    for start in range(0, columns, batch):
        chosen = range(start, min(columns, start + batch))
        shuffled = np.tile(matrix, (len(chosen), 1))
        for place, column in enumerate(chosen):
            own = np.flatnonzero(owners == column)
            shuffled[place * rows : (place + 1) * rows, own] = matrix[rng.permutation(rows)][:, own]
        scores = model.decision_function(shuffled).reshape(len(chosen), rows)
        lost[start : start + batch] = [whole - area(score, fake) for score in scores]
    return lost


def _detail(names: list[str], found: _Trial, ceiling: _Trial | None) -> pl.DataFrame:
    baseline = [None] * len(names) if ceiling is None else ceiling.alone.tolist()
    schema = {"column": pl.String, "importance": pl.Float64, "auc": pl.Float64, "baseline": pl.Float64}
    data = {"column": names, "importance": found.importance, "auc": found.alone, "baseline": baseline}
    return pl.DataFrame(data, schema=schema).sort("importance", "auc", descending=True, maintain_order=True)


def _score_pairs(names: list[str], found: _Trial, ceiling: _Trial | None) -> Score:
    """Say which two columns give the rows away together."""
    records = [
        {
            "column_a": names[a],
            "column_b": names[b],
            "auc": gain.together,
            "apart": gain.apart,
            "gain": gain.value,
            "baseline": None if ceiling is None else ceiling.gains[a, b].value,
        }
        for (a, b), gain in found.gains.items()
    ]
    detail = pl.DataFrame(records, schema_overrides={"baseline": pl.Float64})
    detail = detail.sort("gain", descending=True, maintain_order=True)
    top = max(found.gains.values(), key=lambda gain: gain.value)
    row = detail.row(0, named=True)
    best = None if ceiling is None else max(gain.value for gain in ceiling.gains.values())
    beside = "" if best is None else f"; the best pair in real data gains {best:+.3f}"
    words = (
        f"Seen together, {row['column_a']!r} and {row['column_b']!r} tell synthetic rows from real ones with an AUC of "
        f"{row['auc']:.3f} (0.5 is guessing), and {row['apart']:.3f} seen one by one{beside}.{ceiling_note(best)}"
    )
    return Score(
        f"{NAME}/pairs",
        top.value,
        (top.value - 1.96 * top.error, top.value + 1.96 * top.error),
        best,
        "info",
        words,
        "lower",
        detail.head(SHOWN_PAIRS),
        title="The pair of columns that gives rows away most (AUC gained)",
    )


def _score_rules(rules: Rules, real: Rules | None, frames: Sequence[pl.DataFrame]) -> Score:
    """Say which readable rules give the rows away."""
    beside = "" if real is None else f" (rules for real data tell {percent(real.value)} apart)"
    if rules.found:
        first = rules.found[0]
        number = f"{len(rules.found)} rules" if len(rules.found) > 1 else "One rule"
        words = (
            f"{number} that people can read tell at least {percent(rules.value)} of rows apart{beside}, borne out by "
            f"rows they were not found in. The first is met by {first.say()}: {first.text}."
        )
    else:
        words = f"No short rule tells synthetic rows from real ones beyond chance{beside}."
    words += "" if real is not None else ceiling_note(None)
    half = 1.96 * rules.error
    return Score(
        f"{NAME}/rules",
        rules.value,
        (max(0.0, rules.value - half), min(1.0, rules.value + half)) if rules.found else None,
        None if real is None else real.value,
        "info",
        words,
        "lower",
        tabulate_rules(rules),
        example_rows(rules, frames[:2]),
        title="Rules that give rows away (share of rows)",
    )


def _say(found: _Trial, ceiling: _Trial | None) -> str:
    real = "unseen real rows" if ceiling is not None else "the training rows"
    beside = "50 % is guessing"
    beside += f"; real data get {100 * ceiling.value:.0f} %" if ceiling is not None else ""
    words = (
        f"A classifier that tries to tell synthetic rows from {real} finds the synthetic one "
        f"of two such rows {100 * found.value:.0f} % of the time ({beside})."
    )
    if ceiling is None:
        words += " There is no holdout, so memorised rows look perfect here."
    return words
