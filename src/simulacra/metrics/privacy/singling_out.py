"""Whether descriptions taken from synthetic rows fit exactly one person, and oftener one who was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import LEVEL_KINDS, comparable_columns, not_computed, percent, unassessable
from simulacra.metrics._contrast import Contrast, seen, sightless, too_few, worst
from simulacra.metrics._knowledge import MISSING, Records, gather, matches
from simulacra.randomness import Streams

NAME = "privacy/singling-out"
SUBSETS = 40
PER_SUBSET = 100
MOST_ATTRIBUTES = 4


class SinglingOut(Metric):
    """How many descriptions that fit one synthetic row fit one training row alone, in excess of holdout rows.

    The attacker looks for descriptions that fit exactly one synthetic row (or its repetitions) and guesses that
    they fit exactly one real person: a value (a level or a narrow cell of a number) that one row has; the
    smallest or largest number of a column; a combination of 2 to 4 attributes, of columns by lot; a whole
    record. A guess succeeds when exactly one row of the training rows and the holdout together fits, and that
    row is a training row; where it is a holdout row, chance has done it, for the synthetic rows know nothing of
    it. A person counts once, however often he is found. Value: the share of descriptions that single out a
    training row minus that of holdout rows, scaled to the size of the training data, as a share of what the
    latter leaves; of the kind of description that chance explains least (where it explains all, of the one that
    sees most sharply). The baseline is 0.

    Notes
    -----
    **Verdict** pass unless Fisher's exact test, corrected for the number of kinds, is below 1e-4; then look, and fail
    above 0.02.

    **Interval** 95 % for all kinds at once, from Wilson intervals of both shares, combined after Newcombe.

    **Detail** per kind: descriptions tried, the shares that single out training and holdout rows, the excess with
    its interval, its chance, and the excess that would have been seen with 95 % power.

    **Privacy** ``private`` lists up to 20 training rows (from 1) that were singled out and the synthetic rows
    that gave them away. Passing says that this attack found no leak, and no more than that.

    **Cost** a sort of all rows for each column, for 40 combinations and for whole records.

    **Source** the question: Cohen & Nissim 2020, "Towards formalizing the GDPR's notion of singling out"; the
    control: Giomi et al. 2022, "A unified framework for quantifying privacy risk in synthetic data", section
    4. The descriptions are our own.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> SinglingOut().score(Comparison(table, train, train, holdout))[0].verdict
    'fail'
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "People singled out (share of descriptions beyond chance)"
    limits: ClassVar[tuple[float, float]] = (0.0, 0.02)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = unassessable(case, columns, "singling out is not assessable without a holdout")
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "")
        why = too_few(case.train.height, case.holdout.height)
        if why is not None:
            return not_computed(self, NAME, why)
        found = [kind for kind in _attack(gather(case), case.streams.at(NAME)) if kind.tried]
        if not found:
            why = "no description fits exactly one synthetic row, so nobody can be singled out by one."
            return not_computed(self, NAME, why)
        contrasts = [kind.contrast(case) for kind in found]
        looks, place = len(found), worst(contrasts)
        chosen = contrasts[place]
        why = sightless(chosen, looks, "hardly any description fits exactly one synthetic row")
        if why is not None:
            return not_computed(self, NAME, why)
        verdict = chosen.judge(self.limits, looks)
        records = [
            {"description": kind.name, "tried": kind.tried, **contrast.record(looks, self.limits[0])}
            for kind, contrast in zip(found, contrasts, strict=True)
        ]
        return [
            Score(
                NAME,
                chosen.value,
                chosen.interval(looks),
                0.0,
                verdict,
                _say(found[place], chosen, verdict == "pass", looks, self.limits),
                self.better,
                pl.DataFrame(records),
                _evidence(found, case.train.height),
                title=self.title,
            )
        ]


@dataclass(frozen=True)
class _Kind:
    """One kind of description: how many were tried, the real rows singled out and the synthetic rows behind them."""

    name: str
    tried: int
    real: Array
    synthetic: Array

    def contrast(self, case: Comparison) -> Contrast:
        """Count people: those of the training rows (which come first) and those of the holdout."""
        train = case.train.height
        hits = int((self.real < train).sum())
        rows = case.reference.height
        return Contrast(hits, train, len(self.real) - hits, rows, train / self.tried)


def _attack(records: Records, streams: Streams) -> list[_Kind]:
    every = list(range(len(records.columns)))
    whole, side = records.keys(every), records.rows("synthetic")
    # a synthetic row that is there twice is one description all the same
    distinct = side.start + np.sort(np.unique(whole[side], return_index=True)[1])
    values = [_single_out(records.keys([i]), distinct, side.start) for i in every]
    extremes = [_reach_out(records, i, distinct) for i in every if records.columns[i].kind not in LEVEL_KINDS]
    kinds = [_join("value", values), _join("smallest or largest", extremes)]
    if len(every) > MOST_ATTRIBUTES:
        combined = [
            _single_out(records.keys(subset), distinct, side.start, streams.stream("rows", n))
            for n, subset in enumerate(_subsets(len(every), streams))
        ]
        kinds.append(_join("combination", combined))
    if len(every) > 1:
        kinds.append(_join("whole record", [_single_out(whole, distinct, side.start)]))
    return kinds


def _subsets(columns: int, streams: Streams) -> list[list[int]]:
    rng = streams.stream("subsets")
    found = {
        tuple(sorted(rng.permutation(columns)[: 2 + n % (MOST_ATTRIBUTES - 1)].tolist()))
        for n in range(SUBSETS)
    }
    return [list(subset) for subset in sorted(found)]


Found = tuple[int, Array, Array]
"""Descriptions tried; the real rows that they single out; the synthetic rows that they were taken from."""


def _single_out(keys: Array, distinct: Array, real: int, rng: np.random.Generator | None = None) -> Found:
    """Try the keys that one synthetic row has (some by lot) on the real rows, which stand first."""
    unique, first, counts = np.unique(keys[distinct], return_index=True, return_counts=True)
    wanted, source = unique[counts == 1], distinct[first[counts == 1]]
    if rng is not None and len(wanted) > PER_SUBSET:
        some = np.sort(rng.choice(len(wanted), PER_SUBSET, replace=False))
        wanted, source = wanted[some], source[some]
    place, there = matches(keys[:real], wanted)
    rows = np.flatnonzero(there)
    place = place[rows]
    alone = np.bincount(place, minlength=len(wanted))[place] == 1
    return len(wanted), rows[alone], source[place[alone]] - real


def _reach_out(records: Records, column: int, distinct: Array) -> Found:
    """Try 'at most the smallest' and 'at least the largest' synthetic number, where one row has it."""
    start = records.rows("synthetic").start
    real_codes, codes = records.codes[column, :start], records.codes[column, distinct]
    tried, real, source = 0, [], []
    for sign in (-1, 1):
        ours = np.where(codes == MISSING, -MISSING, sign * codes)
        most = ours.max()
        if most == -MISSING or (ours == most).sum() != 1:
            continue
        tried += 1
        beyond = np.flatnonzero((sign * real_codes >= most) & (real_codes != MISSING))
        if len(beyond) == 1:
            real.append(int(beyond[0]))
            source.append(int(distinct[ours.argmax()]) - start)
    return tried, np.array(real, dtype=np.int64), np.array(source, dtype=np.int64)


def _join(name: str, found: list[Found]) -> _Kind:
    """Put descriptions of one kind together; each real row counts once."""
    if not found:
        return _Kind(name, 0, np.empty(0, np.int64), np.empty(0, np.int64))
    real, first = np.unique(np.concatenate([part[1] for part in found]), return_index=True)
    return _Kind(name, sum(part[0] for part in found), real, np.concatenate([p[2] for p in found])[first])


def _evidence(found: list[_Kind], train: int) -> pl.DataFrame:
    parts = [
        pl.DataFrame({"synthetic_row": kind.synthetic[ours] + 1, "train_row": kind.real[ours] + 1}).select(
            pl.all(), description=pl.lit(kind.name)
        )
        for kind in reversed(found)
        for ours in [np.flatnonzero(kind.real < train)[:20]]
    ]
    return pl.concat(parts).head(20)


def _say(kind: _Kind, found: Contrast, passed: bool, looks: int, limits: tuple[float, float]) -> str:
    descriptions = {
        "value": "a single value",
        "smallest or largest": "the smallest or largest number",
        "combination": "2 to 4 attributes",
        "whole record": "all attributes",
    }
    said = (
        f"of {kind.tried:,} descriptions by {descriptions[kind.name]} that fit one synthetic row, "
        f"{percent(found.share)} fit exactly one real person who was trained on, and {percent(found.control)} would "
        "do so by chance, as holdout records show"
    )
    if passed:
        return f"No leak found by this attack: {said}; {seen(found, looks, limits)}."
    return f"Synthetic rows single out people of the training data: {said}."
