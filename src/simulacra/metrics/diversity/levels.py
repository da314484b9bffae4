"""Which levels of categories real rows hold and synthetic rows lack, though they should hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import (
    LEVEL_KINDS,
    as_levels,
    comparable_columns,
    empty_side,
    judge,
    not_computed,
    percent,
    too_few,
)
from simulacra.metrics._presence import NAMED, PRIVATE, Sides, find_depleted
from simulacra.metrics._shares import share_interval
from simulacra.metrics._verdicts import ALARM
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "diversity/levels"
RARE = f"{NAME}/rare"
KEPT = 0.1
"""A level of which less than this share is left counts as lost, so that a stray row does not bring it back."""
RARE_SHARE = 0.05
RARE_TITLE = "Rare levels fallen short (share of their rows)"
FEWEST_ROWS = 20
SHUFFLES = 20_000


class Levels(Metric):
    """The share of real rows that hold a level which the synthetic rows lost; 0 is perfect.

    A level (of a category or a boolean; a missing value is one too) is lost if synthetic rows hold at most a
    tenth of what real rows let expect, and by chance alone that would happen to any level of the table less than
    once in 10,000 times. The real rows are the training rows and the holdout together. The second score asks
    for rare levels, those of less than 5 % of the training rows: by how much of their share do all of them
    together fall short? Its value is 1 - (rare values in a synthetic row) / (those in a real row); it is
    below 0 where there are more. The baselines are the same for the holdout against the training rows (without
    one: for one half of the training rows against the other).

    Notes
    -----
    **Verdict** lost levels: pass at 0, look up to 0.01, fail above. Rare levels: pass up to 0.10 or where a
    permutation test does not reach one in 10,000, look up to 0.40, fail above.

    **Interval** Wilson's, for the lost levels as they were found; for the rare ones from the spread of both
    means.

    **Detail** for each column: ``levels``, how many could be seen missing (``testable``) and are ``lost``,
    ``rows`` that hold a lost level, their ``names`` where at least 20 real rows hold them and the column is not
    sensitive, and what share rare levels have in ``real`` and ``synthetic`` rows.

    **Privacy** ``private`` lists every lost level with its counts.

    **Cost** one count of every column of levels, over all rows.

    **Source** exact tests as in `simulacra.metrics._presence`; Good 1953, "The population frequencies of
    species", for why the rarest can not be asked for.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> real = pl.DataFrame({"c": ["a", "b", "c", "d"] * 100})
    >>> case = Comparison(Table("t", (Column("c", "category"),)), real, real.filter(pl.col("c") != "d"), real)
    >>> Levels().score(case)[0].value
    0.25
    """

    family: ClassVar[str] = "diversity"
    title: ClassVar[str] = "Levels lost (share of real rows that hold one)"
    limits: ClassVar[tuple[float, float]] = (0.0, 0.01)
    rare_limits: ClassVar[tuple[float, float]] = (0.10, 0.40)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = [c for c in comparable_columns(case.table) if c.kind in LEVEL_KINDS]
        why = empty_side(case)
        if why is None and not columns:
            why = "no column has levels: all are numbers, times, text, keys or identifiers."
        if why is None:
            every = max(case.train.height, case.synthetic.height, case.reference.height)
            sides = Sides.take(case, columns, case.streams.at(NAME), every)
            why = too_few(sides.fewest, FEWEST_ROWS)
        if why is not None:
            return not_computed(self, NAME, why)
        found = _Search(sides, columns)
        return [self._score_lost(found), self._score_rare(found, case.streams.at(NAME))]

    def _score_lost(self, found: _Search) -> Score:
        hits, rows = int(found.without.sum()), len(found.without)
        baseline = float(found.without_baseline.mean())
        lost = int(found.detail["lost"].sum())
        worst = found.detail.filter(pl.col("lost") > 0).select("column", "names").head(3)
        names = "; ".join(f"{column!r}: {levels}" for column, levels in worst.rows())
        real = f"(real data: {percent(baseline)})"
        words = (
            f"No level of a category is lost {real}, of {found.looks:,} whose loss could be seen."
            if lost == 0
            else f"{percent(hits / rows)} of the real rows hold a level that the synthetic rows lost {real}: {lost} of "
            f"{found.looks:,} levels ({names})."
        )
        return Score(
            NAME,
            hits / rows,
            share_interval(hits, rows),
            baseline,
            judge(hits / rows, self.limits),
            words + found.sides.note,
            self.better,
            found.detail,
            found.evidence,
            title=self.title,
        )

    def _score_rare(self, found: _Search, streams: Streams) -> Score:
        fake, known, fresh = found.rare
        if known.sum() == 0:
            words = f"No level of the real rows is rarer than {percent(RARE_SHARE)}, so none can fall short."
            return Score(RARE, 0.0, None, 0.0, "pass", words, self.better, title=RARE_TITLE)
        value, baseline = (float(1 - side.mean() / known.mean()) for side in (fake, fresh))
        error = np.sqrt(fake.var() / len(fake) + known.var() * (fake.mean() / known.mean()) ** 2 / len(known))
        half = float(1.96 * error / known.mean())
        verdict: Verdict = judge(value, self.rare_limits)
        if verdict != "pass" and _shortfall_chance(fake, fresh, streams.stream("shuffles")) >= ALARM:
            verdict = "pass"
        words = (
            f"Levels that fewer than {percent(RARE_SHARE)} of the real rows hold have {percent(1 - value)} of "
            f"the share that they should have (real data: {percent(1 - baseline)})."
        )
        return Score(
            RARE,
            value,
            (value - half, value + half),
            baseline,
            verdict,
            words + found.sides.note,
            self.better,
            title=RARE_TITLE,
        )


class _Search:
    """What was found about the levels of all columns."""

    def __init__(self, sides: Sides, columns: list[Column]) -> None:
        self.sides = sides
        tables = [_count(sides, column) for column in columns]
        frames = (sides.fake, sides.known, sides.fresh)
        counts = np.concatenate([t.select("fake", "known", "fresh").to_numpy() for t in tables]).astype(
            np.int64
        )
        real = counts[:, 1] + counts[:, 2]
        lost, self.looks = find_depleted(
            counts[:, 0], frames[0].height, real, frames[1].height + frames[2].height, KEPT
        )
        lost_baseline, _ = find_depleted(counts[:, 2], frames[2].height, counts[:, 1], frames[1].height, KEPT)
        rare = (counts[:, 1] > 0) & (counts[:, 1] < RARE_SHARE * frames[1].height)
        cuts = np.cumsum([t.height for t in tables])[:-1]
        self.without = np.zeros(frames[1].height + frames[2].height, dtype=bool)
        self.without_baseline = np.zeros(frames[1].height, dtype=bool)
        self.rare = [np.zeros(frame.height, dtype=np.int64) for frame in frames]
        records, evidence = [], []
        parts = zip(
            columns, tables, *(np.split(x, cuts) for x in (lost, lost_baseline, rare, real)), strict=True
        )
        for column, table, gone, gone_baseline, few, held in parts:
            levels = table["level"]
            values = [as_levels(frame[column.name]) for frame in frames]
            whole = pl.concat(values[1:])
            record = {"column": column.name, "levels": int((held > 0).sum()), "lost": int(gone.sum())}
            record["rows"] = int(held[gone].sum())
            record["names"] = (
                _name(levels.filter(pl.Series(gone)), held[gone], column) if gone.any() else None
            )
            if gone.any():
                self.without |= _holds(whole, levels.filter(pl.Series(gone)))
                evidence.append(
                    table.filter(pl.Series(gone)).select(pl.lit(column.name).alias("column"), pl.all())
                )
            if gone_baseline.any():
                self.without_baseline |= _holds(values[1], levels.filter(pl.Series(gone_baseline)))
            shares = []
            for place, side in enumerate(values):
                rares = _holds(side, levels.filter(pl.Series(few)))
                self.rare[place] += rares
                shares.append(float(rares.mean()))
            records.append(
                record | {"rare_synthetic": shares[0], "rare_real": shares[1], "rare_baseline": shares[2]}
            )
        self.detail = pl.DataFrame(records).sort("rows", descending=True, maintain_order=True)
        self.evidence = pl.concat(evidence) if evidence else None


def _count(sides: Sides, column: Column) -> pl.DataFrame:
    """Count the rows of every side that hold each level."""
    table = None
    for side in ("fake", "known", "fresh"):
        values = pl.DataFrame({"level": as_levels(getattr(sides, side)[column.name])})
        counts = values.group_by("level").agg(pl.len().cast(pl.Int64).alias(side))
        table = (
            counts
            if table is None
            else table.join(counts, on="level", how="full", nulls_equal=True, coalesce=True)
        )
    assert table is not None
    return table.with_columns(pl.col("fake", "known", "fresh").fill_null(0)).sort("level")


def _holds(values: pl.Series, levels: pl.Series) -> Array:
    return values.is_in(levels.implode(), nulls_equal=True).to_numpy()


def _name(levels: pl.Series, held: Array, column: Column) -> str:
    """Name lost levels, those of few rows or of a sensitive column by their number only."""
    shown = (
        []
        if column.sensitive
        else [level or "missing" for level, rows in zip(levels, held, strict=True) if rows >= NAMED]
    )
    hidden = len(levels) - len(shown)
    return ", ".join(
        shown[:5]
        + ([f"{len(shown[5:])} more"] if shown[5:] else [])
        + ([f"{hidden} {PRIVATE}"] if hidden else [])
    )


def _shortfall_chance(fake: Array, real: Array, rng: np.random.Generator) -> float:
    """Return the chance of so few rare values in the synthetic rows by chance (permutation test)."""
    sizes = np.arange(int(max(fake.max(), real.max())) + 1)
    pooled = np.bincount(fake, minlength=len(sizes)) + np.bincount(real, minlength=len(sizes))
    drawn = rng.multivariate_hypergeometric(pooled, len(fake), size=SHUFFLES) @ sizes
    return float((1 + (drawn <= fake.sum()).sum()) / (1 + SHUFFLES))
