"""What every metric does with a comparison before it looks at values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.schema.types import Column, Table

NUMERIC_KINDS = frozenset({"number", "date", "datetime", "time", "duration"})
LEVEL_KINDS = frozenset({"category", "boolean"})
NO_CEILING = " (There is no holdout, so the figure that unseen real rows would get is not known.)"


def not_computed(metric: Metric, name: str, why: str, *, title: str = "", asked: bool = True) -> list[Score]:
    """Make the one score of a question that these data can not answer.

    Parameters
    ----------
    metric : Metric
        Whose score it is.
    name : str
        The score's name.
    why : str
        The reason, and what to do about it.
    title : str
        The score's title; that of the metric where it is left out.
    asked : bool
        False where the user gave nothing to ask about.
    """
    words = f"not computed, because {why}"
    return [
        Score(
            name,
            float("nan"),
            verdict="not computed",
            words=words if words.endswith((".", "...")) else f"{words}.",
            better=metric.better,
            title=title or metric.title,
            asked=asked,
        )
    ]


def comparable_columns(table: Table) -> list[Column]:
    """List the columns whose values a generator is meant to learn: no keys, no text, no identifiers."""
    return [c for c in table.columns if c.kind in NUMERIC_KINDS | LEVEL_KINDS and c.identifying is None]


def predictive_columns(table: Table) -> list[Column]:
    """List the columns that a classifier may look at: no keys, no identifiers; text counts by its length."""
    return [c for c in table.columns if c.kind != "key" and c.identifying is None]


def draw(frame: pl.DataFrame, rows: int, rng: np.random.Generator) -> pl.DataFrame:
    """Take at most this many rows, at random and without repetition, in their old order."""
    if frame.height <= rows:
        return frame
    return frame[np.sort(rng.choice(frame.height, rows, replace=False))]


def empty_side(case: Comparison) -> str | None:
    """Say which frame has no rows at all, if one has none."""
    if case.synthetic.height == 0:
        return "the synthetic data have no rows; sample some."
    if case.train.height == 0:
        return "the training data have no rows; give the rows that the model learnt from."
    if case.holdout is not None and case.holdout.height == 0:
        return "the holdout has no rows; give real rows that the model never saw, or none at all."
    return None


def too_few(rows: int, fewest: int, what: str = "rows of each kind") -> str | None:
    """Say that a question needs more rows than there are, if it does.

    Examples
    --------
    >>> too_few(30, 50), too_few(50, 50)
    ('it needs at least 50 rows of each kind and there are 30; give more.', None)
    """
    return None if rows >= fewest else f"it needs at least {fewest} {what} and there are {rows}; give more."


def unassessable(case: Comparison, columns: Sequence[Column], without_holdout: str) -> str | None:
    """Say why an attack can not be made: no rows, nothing to compare, or no holdout (then as given)."""
    why = empty_side(case)
    if why is None and not columns:
        why = "no column can be compared: all are text, keys or identifiers."
    if why is None and case.holdout is None:
        why = f"{without_holdout}; give real rows that the model never saw with holdout=... (--holdout)"
    return why


def judge(figure: float, limits: tuple[float, float]) -> Verdict:
    """Compare a figure (lower is better) with the limits of pass and look."""
    return "pass" if figure <= limits[0] else "look" if figure <= limits[1] else "fail"


def as_levels(values: pl.Series) -> pl.Series:
    """Return the levels of a category or a boolean as text."""
    return values.cast(pl.String)


def level_codes(*parts: pl.Series) -> tuple[list[Array], int]:
    """Number the levels of several columns jointly, the commonest first; a missing value is a level too.

    Returns
    -------
    codes : list of array
        One int64 array per part.
    size : int
        Number of codes.
    """
    pooled = pl.DataFrame({"level": pl.concat([as_levels(part) for part in parts])})
    counts = pooled.group_by("level").len().sort(["len", "level"], descending=[True, False], nulls_last=True)
    ranks = counts.select("level", pl.int_range(pl.len(), dtype=pl.Int64).alias("code"))
    joined = pooled.join(ranks, on="level", how="left", nulls_equal=True, maintain_order="left")
    cuts = np.cumsum([len(part) for part in parts])[:-1]
    return np.split(joined["code"].to_numpy(), cuts), counts.height


def ceiling_note(baseline: float | None) -> str:
    """Say that nobody knows the figure of other real rows, where it is not known for want of a holdout."""
    return NO_CEILING if baseline is None else ""


def percent(share: float) -> str:
    """Write a share as a percentage for people.

    Examples
    --------
    >>> percent(0.0312), percent(0.5), percent(0.0004)
    ('3.1 %', '50 %', '0.04 %')
    """
    scaled = 100 * share
    digits = 0 if abs(scaled) >= 10 or scaled == 0 else 1 if abs(scaled) >= 1 else 2
    return f"{scaled:.{digits}f} %"


def sampled_note(used: int, available: int, cap: int) -> str:
    """Say that rows were left out to keep the cost down, if they were."""
    if used < cap or available <= cap:
        return ""
    return f" (A random {used:,} rows of each side were used.)"
