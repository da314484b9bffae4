"""How many synthetic rows break a rule of the schema that real rows keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import ceiling_note, draw, empty_side, judge, not_computed, percent
from simulacra.metrics._shares import chance_of_more, exact_interval
from simulacra.metrics._verdicts import ALARM
from simulacra.schema.types import Table
from simulacra.schema.validation import drop_guesses, rules_of_column, rules_of_rows

NAME = "fidelity/violations"
KEYS_TITLE = "Rows that repeat a key (share)"
DIFFERENT = "different in every row"


class Violations(Metric):
    """The share of synthetic rows that break at least one rule of the schema; 0 is perfect.

    Rules: a value where none may be missing, a whole number, decimals, steps, patterns, the constraints, and the bounds
    and levels of declared columns. Bounds and levels that were only read off the data are no rules: unseen real rows
    break them too. A second score, ``fidelity/violations/keys``, is the share of rows that repeat the key of another.

    Notes
    -----
    **Verdict** on the value minus the baseline (the training rows, without a holdout): pass up to 0.001, look up
    to 0.01, fail above; pass where chance explains the excess (Fisher's exact test), never worse than look without a
    holdout.

    **Interval** Clopper and Pearson's.

    **Detail** for each rule: the shares of synthetic, training and unseen real rows that break it. Repeated keys are
    counted in as many rows of each frame, for they grow with the rows.

    **Privacy** facts of the schema and counts, no values; bounds of sensitive columns are not shown.

    **Cost** linear in rows.

    **Source** Fisher 1935, "The Logic of Inductive Inference"; Clopper & Pearson 1934.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("age", "number", bounds=(0.0, 120.0), declared=True),))
    >>> real, fake = pl.DataFrame({"age": [3.0, 44.0]}), pl.DataFrame({"age": [150.0, 20.0]})
    >>> Violations().score(Comparison(table, real, fake))[0].value
    0.5
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Rows that break a rule (share)"
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
        found = {role: dict(_broken(frame, case.table)) for role, frame in frames.items()}
        hits = {
            role: int(
                np.logical_or.reduce([np.zeros(frames[role].height, dtype=bool), *rules.values()]).sum()
            )
            for role, rules in found.items()
        }
        heights = {role: frame.height for role, frame in frames.items()}
        return [
            self._score(NAME, hits, heights, _tabulate(found)),
            *self._keys(case, frames),
        ]

    def _keys(self, case: Comparison, frames: dict[str, pl.DataFrame]) -> list[Score]:
        name = f"{NAME}/keys"
        keys: list[tuple[str, ...]] = [
            (column.name,) for column in case.table.columns if column.kind == "key"
        ]
        keys += [case.table.key] if case.table.key and case.table.key not in keys else []
        if not keys:
            return not_computed(
                self,
                name,
                "the schema names no key; name the columns that identify a row with key: in the schema.",
                title=KEYS_TITLE,
                asked=False,
            )
        rows = min(frame.height for frame in frames.values())
        drawn = {
            role: draw(frame, rows, case.streams.at(NAME).stream(role)) for role, frame in frames.items()
        }
        found = {
            role: {(", ".join(key), "different in every row"): _repeated(frame, key) for key in keys}
            for role, frame in drawn.items()
        }
        hits = {role: int(np.logical_or.reduce(list(rules.values())).sum()) for role, rules in found.items()}
        return [self._score(name, hits, dict.fromkeys(hits, rows), _tabulate(found))]

    def _score(self, name: str, hits: dict[str, int], rows: dict[str, int], detail: pl.DataFrame) -> Score:
        unseen = "holdout" in hits
        control = "holdout" if unseen else "train"
        value, real = (hits[role] / rows[role] for role in ("synthetic", control))
        what = "repeat the key of another row" if name.endswith("/keys") else "break a rule of the schema"
        kind = "unseen real" if unseen else "training"
        words = f"{percent(value)} of the synthetic rows {what}; of the {kind} rows {percent(real)} do."
        worst = detail.row(0, named=True) if detail.height else None
        if worst is not None and worst["synthetic"] > 0:
            place = f" of {worst['column']!r}" if worst["column"] else ""
            words += f" The rule{place} that most of them break: {worst['rule']}."
        baseline = real if unseen else None
        return Score(
            name,
            value,
            exact_interval(hits["synthetic"], rows["synthetic"]),
            baseline,
            self._judge((hits["synthetic"], rows["synthetic"]), (hits[control], rows[control]), unseen),
            words + ceiling_note(baseline),
            self.better,
            detail,
            title=KEYS_TITLE if name.endswith("/keys") else self.title,
        )

    def _judge(self, ours: tuple[int, int], theirs: tuple[int, int], unseen: bool) -> Verdict:
        (hits, rows), (others, strangers) = ours, theirs
        if chance_of_more(hits, rows, others, strangers) >= ALARM:
            return "pass"
        verdict = judge(hits / rows - others / strangers, self.limits)
        return verdict if unseen or verdict != "fail" else "look"


def _broken(frame: pl.DataFrame, table: Table) -> Iterator[tuple[tuple[str, str], Array]]:
    """Give column, rule, and which rows break it; keys apart."""
    rules = [
        (column.name, rule, broken)
        for column in table.columns
        for rule, broken, _ in rules_of_column(frame[column.name], drop_guesses(column), table)
    ]
    rules += [(columns, rule, broken) for columns, rule, broken, _ in rules_of_rows(frame, table)]
    for column, rule, broken in rules:
        if rule != DIFFERENT:
            yield (column, rule), broken.fill_null(False).to_numpy()


def _repeated(frame: pl.DataFrame, key: tuple[str, ...]) -> Array:
    """Return which rows repeat the key of an earlier one; a key with a gap repeats none."""
    keys = frame.select(key)
    whole = ~keys.select(pl.any_horizontal(pl.all().is_null())).to_series()
    return (~keys.select(first=pl.struct(key).is_first_distinct())["first"] & whole).to_numpy()


def _tabulate(found: dict[str, dict[tuple[str, str], Array]]) -> pl.DataFrame:
    """Set down the shares of every frame's rows that break each rule, the most broken first."""
    records = [
        {"column": column, "rule": rule}
        | {role: float(rules[column, rule].mean()) for role, rules in found.items()}
        for column, rule in found["synthetic"]
    ]
    schema = {"column": pl.String, "rule": pl.String} | dict.fromkeys(found, pl.Float64)
    return pl.DataFrame(records, schema=schema).sort("synthetic", descending=True, maintain_order=True)
