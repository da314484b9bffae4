"""How many synthetic rows break a rule of the schema that real rows keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.stats import beta, hypergeom

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import empty_side, judge, not_computed, percent
from simulacra.metrics._verdicts import ALARM
from simulacra.schema.types import Column, Table
from simulacra.schema.validation import rules_of_column, rules_of_rows

NAME = "fidelity/violations"
DIFFERENT = "different in every row"


class Violations(Metric):
    """The share of synthetic rows that break at least one rule of the schema; 0 is perfect.

    Rules: a value where none may be missing, a whole number, decimals, steps, patterns, keys that differ in every row,
    the constraints, and the bounds and levels of declared columns. Bounds and levels that were only read off the data
    are no rules: unseen real rows break them too.

    Notes
    -----
    **Verdict** on the value minus the baseline (the training rows, without a holdout): pass up to 0.001, look up
    to 0.01, fail above; pass where chance explains the excess (Fisher's exact test), and never worse than look without a
    holdout.

    **Interval** Clopper and Pearson's.

    **Detail** for each rule: the shares of synthetic, training and unseen real rows that break it. Whether keys differ
    is counted in as many rows of each frame, for repetitions grow with the rows.

    **Privacy** facts of the schema and counts, no values; bounds of sensitive columns are not shown.

    **Cost** linear in rows.

    **Source** Fisher 1935, "The Logic of Inductive Inference"; Clopper & Pearson 1934.

    Examples
    --------
    >>> table = Table("t", (Column("age", "number", bounds=(0.0, 120.0), declared=True),))
    >>> real, fake = pl.DataFrame({"age": [3.0, 44.0]}), pl.DataFrame({"age": [150.0, 20.0]})
    >>> Violations().score(Comparison(table, real, fake))[0].value
    0.5
    """

    family: ClassVar[str] = "fidelity"
    limits: ClassVar[tuple[float, float]] = (0.001, 0.01)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        why = empty_side(case)
        if why is None and not case.table.columns:
            why = "the table has no columns."
        if why is not None:
            return not_computed(self, NAME, why)
        frames = {"synthetic": case.synthetic, "train": case.train}
        if case.holdout is not None:
            frames["holdout"] = case.holdout
        # repeated keys grow with the rows, so they are counted in as many rows of each frame
        fewest = min(frame.height for frame in frames.values())
        shares: dict[tuple[str, str], dict[str, float]] = {}
        broken = {}
        for role, frame in frames.items():
            hits = np.zeros(frame.height, dtype=bool)
            few = _choose(frame.height, fewest, case.streams.at(NAME).stream(role))
            for name, rule, found in _list_rules(frame, case.table, few):
                shares.setdefault((name, rule), {})[role] = float(found.mean())
                hits |= found if len(found) == frame.height else _spread(found, few, frame.height)
            broken[role] = int(hits.sum())
        control = "train" if case.holdout is None else "holdout"
        counts = [(broken[role], frames[role].height) for role in ("synthetic", control)]
        value, real = (hits / rows for hits, rows in counts)
        detail = _tabulate(shares)
        return [
            Score(
                NAME,
                value,
                _interval(*counts[0]),
                None if case.holdout is None else real,
                self._judge(counts, case.holdout is not None),
                _say(value, real, detail, case.holdout is not None),
                self.better,
                detail,
                title="Rows that break a rule of the schema (share)",
            )
        ]

    def _judge(self, counts: list[tuple[int, int]], unseen: bool) -> Verdict:
        (hits, rows), (others, strangers) = counts
        chance = hypergeom.sf(hits - 1, rows + strangers, hits + others, rows)
        if chance >= ALARM:
            return "pass"
        verdict = judge(hits / rows - others / strangers, self.limits)
        return verdict if unseen or verdict != "fail" else "look"


def _choose(rows: int, kept: int, rng: np.random.Generator) -> Array:
    return np.sort(rng.permutation(rows)[:kept])


def _spread(found: Array, at: Array, rows: int) -> Array:
    whole = np.zeros(rows, dtype=bool)
    whole[at[found]] = True
    return whole


def _list_rules(frame: pl.DataFrame, table: Table, few: Array) -> Iterator[tuple[str, str, Array]]:
    """Give column, rule, and which rows break it; for keys which of a few rows."""
    for column in table.columns:
        for rule, found, _ in rules_of_column(frame[column.name], _certain(column), table):
            if rule == DIFFERENT:
                found = next(
                    broken
                    for words, broken, _ in rules_of_column(frame[column.name][few], column, table)
                    if words == DIFFERENT
                )
            yield column.name, rule, found.fill_null(False).to_numpy()
    for columns, rule, found, _ in rules_of_rows(frame, table):
        if rule == DIFFERENT:
            found = next(b for _, words, b, _ in rules_of_rows(frame[few], table) if words == DIFFERENT)
        yield columns, rule, found.fill_null(False).to_numpy()
