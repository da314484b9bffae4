"""Whether synthetic rows link two halves of a training record, more than those of an unseen one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import comparable_columns, not_computed, percent, unassessable
from simulacra.metrics._contrast import Contrast, seen, sightless, too_few, worst
from simulacra.metrics._knowledge import Records, draw_rows, gather, matches, nearest_without, positions
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "privacy/linkage"
QUERIES = 10_000
REFERENCES = 20_000
NEIGHBOURS = 5


class Linkage(Metric):
    """How much oftener the synthetic rows link the two halves of a training record than those of an unseen one.

    Two data sets hold different columns of the same people, and an attacker wants to know who is who. He links
    a half to another if one and the same synthetic row is among the 5 that are nearest to either ("nearest
    rows"), or if exactly one synthetic row agrees with both halves in all columns ("agreeing row"). The same is
    done to holdout records, which show what is linked by chance. Halves: the quasi-identifiers and all other
    columns, where they are named, else the columns are parted by lot. Value: (share of training records linked
    - share of holdout records) / (1 - share of holdout records), of the way that chance explains least (where
    it explains both, of the sharper one). The baseline is 0.

    Notes
    -----
    **Verdict** pass unless Fisher's exact test, corrected for the two ways, is below 1e-4; then look, and fail above
    0.02.

    **Interval** 95 % for both ways at once, from Wilson intervals of both shares, combined after Newcombe.

    **Detail** per way: both shares, the excess with its interval, its chance, and the excess that would have
    been seen with 95 % power.

    **Privacy** aggregates only. Passing says that this attack found no leak, and no more than that.

    **Cost** 20,000 records x 20,000 synthetic rows x twice the columns; a sort of all rows.

    **Source** Giomi et al. 2022, "A unified framework for quantifying privacy risk in synthetic data",
    section 5.2.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abcd"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abcd"))
    >>> Linkage().score(Comparison(table, train, train, holdout))[0].verdict
    'fail'
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Halves of a record linked (share beyond chance)"
    limits: ClassVar[tuple[float, float]] = (0.0, 0.02)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = unassessable(case, columns, "linkage is not assessable without a holdout")
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "")
        why = too_few(case.train.height, case.holdout.height)
        if why is None and len(columns) < 2:
            why = "two halves of a record need two columns that can be compared, and there is one."
        if why is not None:
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        records = gather(case)
        first = _first_half(case, columns, streams)
        ways = {
            "nearest rows": _link_by_nearest(records, first, streams),
            "agreeing row": _link_by_agreement(records),
        }
        contrasts, looks = list(ways.values()), len(ways)
        place = worst(contrasts)
        found = contrasts[place]
        why = sightless(found, looks, "chance alone links nearly all records")
        if why is not None:
            return not_computed(self, NAME, why)
        verdict = found.judge(self.limits, looks)
        detail = pl.DataFrame(
            [{"attack": way, **contrast.record(looks, self.limits[0])} for way, contrast in ways.items()]
        )
        words = _say(list(ways)[place], found, verdict == "pass", looks, self.limits) + _scope(case, columns)
        interval = found.interval(looks)
        return [
            Score(NAME, found.value, interval, 0.0, verdict, words, self.better, detail, title=self.title)
        ]


def _first_half(case: Comparison, columns: list[Column], streams: Streams) -> list[int]:
    named = positions(columns, case.quasi_identifiers)
    if 0 < len(named) < len(columns):
        return named
    order = streams.stream("halves").permutation(len(columns)).tolist()
    return sorted(order[: (len(columns) + 1) // 2])


def _link_by_nearest(records: Records, first: list[int], streams: Streams) -> Contrast:
    known = list(range(len(records.columns)))
    rows = [draw_rows(records.rows(side), QUERIES, streams.stream(side)) for side in ("train", "holdout")]
    references = draw_rows(records.rows("synthetic"), REFERENCES, streams.stream("synthetic"))
    inside = np.isin(known, first)
    found = nearest_without(
        records, known, np.concatenate(rows), references, np.array([inside, ~inside]), NEIGHBOURS
    )
    shared = (found[:, 0, :, None] == found[:, 1, None, :]) & (found[:, 0, :, None] >= 0)
    linked = shared.any(axis=(1, 2))
    cut = len(rows[0])
    return Contrast(int(linked[:cut].sum()), cut, int(linked[cut:].sum()), len(linked) - cut)


def _link_by_agreement(records: Records) -> Contrast:
    keys = records.keys(range(len(records.columns)))
    unique, counts = np.unique(keys[records.rows("synthetic")], return_counts=True)
    linked = [int(matches(keys[records.rows(s)], unique[counts == 1])[1].sum()) for s in ("train", "holdout")]
    train, holdout = records.cuts[0], records.cuts[1] - records.cuts[0]
    return Contrast(linked[0], train, linked[1], holdout)


def _say(way: str, found: Contrast, passed: bool, looks: int, limits: tuple[float, float]) -> str:
    ways = {
        "nearest rows": "by their nearest synthetic rows",
        "agreeing row": "by a synthetic row that agrees with both",
    }
    said = (
        f"the two halves of {percent(found.share)} of the training records are linked {ways[way]}, and those of "
        f"{percent(found.control)} of real records that the model never saw"
    )
    if passed:
        return f"No leak found by this attack: {said}; {seen(found, looks, limits)}."
    return f"Synthetic rows link data of people who were trained on: {said}."


def _scope(case: Comparison, columns: list[Column]) -> str:
    named = positions(columns, case.quasi_identifiers)
    said = " Halves: the quasi-identifiers and the rest." if 0 < len(named) < len(columns) else ""
    said = said or " No quasi-identifiers are named, so the columns were parted by lot."
    if max(case.train.height, case.reference.height) > QUERIES or case.synthetic.height > REFERENCES:
        said += f" (Nearest rows: at most {QUERIES:,} records of each side and {REFERENCES:,} synthetic rows, by lot.)"
    return said
