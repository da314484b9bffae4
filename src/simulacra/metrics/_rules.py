"""Short rules that tell synthetic rows from real ones: found on one half of the rows, verified on the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metrics._case import percent
from simulacra.metrics._conditions import FEWEST, Condition, list_conditions
from simulacra.metrics._verdicts import beyond_chance
from simulacra.schema.types import Column

MOST_RULES = 5
MOST_CONDITIONS = 400
MOST_COLUMNS = 16
SEARCHED = 8_000
"""Rows of each side that rules are searched in."""
BEAM = 40
LONGER = 1.3
"""A further condition must be worth this much more, or the shorter rule is kept."""
LIFT = 1.5
"""A rule holds so many times oftener on one side."""
EXAMPLES = 3


@dataclass(frozen=True)
class Rule:
    """A rule that held on rows that it was not found in.

    Parameters
    ----------
    text : str
        Its conditions.
    fake, real : int
        How many verifying rows of each side fulfil it.
    rows : (int, int)
        How many verifying rows there are of each.
    holds : array of bool
        Which of all rows fulfil it, synthetic ones first.
    """

    text: str
    fake: int
    real: int
    rows: tuple[int, int]
    holds: Array

    @property
    def often(self) -> bool:
        """Whether synthetic rows fulfil it oftener than real ones."""
        return self.fake / self.rows[0] > self.real / self.rows[1]

    @property
    def shares(self) -> tuple[float, float]:
        """The shares of synthetic and of real rows; fewer than 10 real rows count as 10, so that none is pointed at."""
        return self.fake / self.rows[0], max(self.real, FEWEST) / self.rows[1]

    def say(self) -> str:
        """Say how often it holds on either side."""
        ours, theirs = self.shares
        under = "under " if self.real < FEWEST else ""
        return f"{percent(ours)} of synthetic rows, {under}{percent(theirs)} of real rows"


@dataclass(frozen=True)
class Rules:
    """The rules that held, and the share of rows that they tell apart.

    Parameters
    ----------
    found : list of Rule
        At most five, the most telling first.
    value : float
        How many more of one side's rows than of the other's fulfil any of the rules of one direction.
    error : float
        Its standard error.
    """

    found: list[Rule]
    value: float
    error: float


def find_rules(frames: Sequence[pl.DataFrame], columns: Sequence[Column], rng: np.random.Generator) -> Rules:
    """Find rules of at most three conditions that tell the rows of the first frame from those of the second.

    Notes
    -----
    All single conditions and all pairs of them are counted at once (a product of two matrices of marks), the best
    pairs are lengthened by a third; a rule is worth ``(p - q) log(p / q)``, its part of the symmetric
    Kullback-Leibler divergence. Rows that a rule explains are taken out before the next is searched.
    """
    frame = pl.concat([side.select(c.name for c in columns) for side in frames], how="vertical_relaxed")
    height = frames[0].height
    fake = np.arange(frame.height) < height
    searched = np.zeros(frame.height, dtype=bool)
    for start, side in ((0, height), (height, frame.height - height)):
        searched[start + rng.permutation(side)[: min(side // 2, SEARCHED)]] = True
    conditions = list_conditions(frame, fake, searched, columns[:MOST_COLUMNS])[:MOST_CONDITIONS]
    if not conditions:
        return Rules([], 0.0, 0.0)
    found = []
    for members in _search(conditions, fake, searched):
        holds = np.logical_and.reduce([conditions[i].holds for i in members])
        rule = _count(" and ".join(conditions[i].text for i in members), holds, fake, ~searched)
        if _verified(rule, often=bool(_often(holds & searched, fake, searched))):
            found.append(rule)
    return Rules(found, *_tell_apart(found, fake, ~searched))


def _search(conditions: list[Condition], fake: Array, searched: Array) -> list[tuple[int, ...]]:
    """Return the conditions of the best rules, found one after the other."""
    sides = [
        np.stack([condition.holds[searched & side] for condition in conditions], axis=1).astype(np.float32)
        for side in (fake, ~fake)
    ]
    heights = [len(side) for side in sides]
    chosen: list[tuple[int, ...]] = []
    joint = [side.T @ side for side in sides]
    for _ in range(MOST_RULES):
        best = _best(sides, joint, heights)
        if best is None:
            break
        chosen.append(best)
        for place, side in enumerate(sides):
            covered = side[:, list(best)].all(axis=1)
            explained = side[covered]
            joint[place] = joint[place] - explained.T @ explained
            sides[place] = side[~covered]
    return chosen


def _best(sides: list[Array], joint: list[Array], heights: list[int]) -> tuple[int, ...] | None:
    """Return the conditions of the rule that is worth most."""
    worth = np.triu(_worth(joint[0], joint[1], heights))
    single, pair = np.diag(worth), np.triu(worth, 1)
    at = int(single.argmax())
    best: tuple[int, ...] = (at,)
    value = float(single[at])
    order = np.argsort(-pair, axis=None, kind="stable")[:BEAM]
    tops = [(int(a), int(b)) for a, b in zip(*np.unravel_index(order, pair.shape), strict=True)]
    if len(tops) and pair[tops[0]] > LONGER * value:
        best, value = tops[0], float(pair[tops[0]])
    marks = [np.stack([side[:, a] * side[:, b] for a, b in tops], axis=1).T @ side for side in sides]
    triple = _worth(marks[0], marks[1], heights)
    row, third = np.unravel_index(int(triple.argmax()), triple.shape)
    if triple[row, third] > LONGER * value:
        best, value = (*tops[row], int(third)), float(triple[row, third])
    return best if value > 0 else None


def _worth(ours: Array, theirs: Array, heights: list[int]) -> Array:
    """Return what rules are worth by their counts; nothing where too few rows or too small a lift."""
    p, q = (ours + 1) / (heights[0] + 2), (theirs + 1) / (heights[1] + 2)
    worth = (p - q) * np.log(p / q)
    lift = np.maximum(p / q, q / p)
    return np.where((lift >= LIFT) & (np.maximum(ours, theirs) >= FEWEST), worth, 0.0)


def _count(text: str, holds: Array, fake: Array, kept: Array) -> Rule:
    hits, others = (int((holds & kept & side).sum()) for side in (fake, ~fake))
    return Rule(text, hits, others, (int((kept & fake).sum()), int((kept & ~fake).sum())), holds)


def _often(holds: Array, fake: Array, rows: Array) -> bool:
    return bool(holds[fake & rows].mean() > holds[~fake & rows].mean())


def _verified(rule: Rule, *, often: bool) -> bool:
    """Tell whether a rule holds on the other half too: in the same direction, beyond chance, and by enough."""
    hits, rows = (rule.fake, rule.rows) if often else (rule.real, rule.rows[::-1])
    total = rule.fake + rule.real
    if total == 0 or not beyond_chance(hits, total, rows[0] / sum(rows), MOST_RULES):
        return False
    return hits / rows[0] >= LIFT * (total - hits) / rows[1]


def _tell_apart(found: list[Rule], fake: Array, kept: Array) -> tuple[float, float]:
    """Return the larger of: how many more synthetic rows fulfil a rule of theirs, and real rows one of theirs."""
    best = 0.0, 0.0
    for often in (True, False):
        holds = [rule.holds for rule in found if rule.often == often]
        if holds:
            any_holds = np.logical_or.reduce(holds)
            shares = [float(any_holds[kept & side].mean()) for side in (fake, ~fake)]
            rows = [int((kept & side).sum()) for side in (fake, ~fake)]
            error = np.sqrt(sum(s * (1 - s) / n for s, n in zip(shares, rows, strict=True)))
            best = max(best, (abs(shares[0] - shares[1]), float(error)))
    return best


def tabulate_rules(rules: Rules) -> pl.DataFrame:
    """Set down each rule with its support on both sides."""
    shares = [rule.shares for rule in rules.found]
    return pl.DataFrame(
        {
            "rule": [rule.text for rule in rules.found],
            "synthetic": [ours for ours, _ in shares],
            "real": [theirs for _, theirs in shares],
            "ratio": [ours / theirs for ours, theirs in shares],
            "support": [rule.say() for rule in rules.found],
        },
        schema={
            "rule": pl.String,
            "synthetic": pl.Float64,
            "real": pl.Float64,
            "ratio": pl.Float64,
            "support": pl.String,
        },
    )


def example_rows(rules: Rules, frames: Sequence[pl.DataFrame]) -> pl.DataFrame | None:
    """Show some rows of either side that fulfil each rule, for the owner of the data."""
    shown = []
    for rule in rules.found:
        parts = np.split(rule.holds, [frames[0].height])
        for side, frame, holds in zip(("synthetic", "real"), frames, parts, strict=True):
            rows = frame[np.flatnonzero(holds)[:EXAMPLES]]
            told = pl.DataFrame(
                {"rule": [rule.text] * rows.height, "rows": [side] * rows.height},
                schema={"rule": pl.String, "rows": pl.String},
            )
            shown.append(pl.concat([told, rows.rename(lambda name: f"{name} ")], how="horizontal"))
    return pl.concat(shown, how="vertical_relaxed") if shown else None
