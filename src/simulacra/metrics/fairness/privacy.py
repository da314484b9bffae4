"""Whether the people of one group are more exposed by the synthetic rows than all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._attack import Suspicion
from simulacra.metrics._attack import gather as gather_trial
from simulacra.metrics._case import comparable_columns, judge, not_computed, percent, unassessable
from simulacra.metrics._copies import find_copies
from simulacra.metrics._groups import Groups, gather
from simulacra.metrics._shares import chance_of_more, wilson
from simulacra.metrics._verdicts import ALARM, noise

NAME = "fairness/privacy"
FEWEST_OF_A_GROUP = 20
KINDS = ("exact", "near")


class Exposure(Metric):
    """How many more rows of the most exposed group are copies of training rows than of all others; 0 is perfect.

    Two scores. ``fairness/privacy``: the share of a group's synthetic rows that copy a training row (exactly, or with
    numbers that differ by a hair, as in ``privacy/copies``) in excess of what the group's holdout rows do, minus the
    same for everybody else. ``fairness/privacy/attack``: the share of a group's training rows that the attack of
    ``privacy/membership`` names at 1 % false alarms within the group, minus that of everybody else. Both are those of
    the group in which chance explains them least. The baseline is 0: unseen real rows expose no group.

    Notes
    -----
    **Verdict** pass where chance explains the group's copies (Fisher's exact test against its holdout rows) or members
    named (exact test by ranks), corrected for the number of groups, or where the group is not beyond noise
    above the others; else by the value: copies pass up to 0.005, look up to 0.02; attack 0.02 and 0.05; fail above.

    **Interval** 95 %: Wilson intervals of the shares, combined in quadrature.

    **Detail** for each group with at least 20 rows on each side: rows, shares of copies in synthetic and in holdout
    rows, the excess, and the chance of so many; members, the share named, the AUC and the chance.

    **Privacy** aggregates only. Passing says that no group stands out; whether all are exposed alike is what the
    scores of privacy say.

    **Cost** the search of ``privacy/copies`` once more; the attack is that of ``privacy/membership``.

    **Source** Kulynych et al. 2022, "Disparate vulnerability to membership inference attacks", section 3 (the attack's
    gain by group); Fisher 1935, "The design of experiments", section 21.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> sex = [level for level in "mf" for _ in range(500)]
    >>> train, holdout, fake = (pl.DataFrame({"sex": sex, "pay": rng.normal(size=1000),
    ...     "age": rng.normal(size=1000), "debt": rng.normal(size=1000)}) for _ in range(3))
    >>> fake = pl.concat([fake.filter(sex="m"), train.filter(sex="f")])
    >>> table = Table("t", (Column("sex", "category"), *(Column(c, "number") for c in ("pay", "age", "debt"))))
    >>> found = Exposure().score(Comparison(table, train, fake, holdout, groups=("sex",)))
    >>> [(round(score.value, 1), score.verdict) for score in found]
    [(1.0, 'fail'), (1.0, 'fail')]
    """

    family: ClassVar[str] = "fairness"
    title: ClassVar[str] = "Copies in the most exposed group (excess share)"
    limits: ClassVar[tuple[float, float]] = (0.005, 0.02)
    attack_limits: ClassVar[tuple[float, float]] = (0.02, 0.05)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        groups = gather(case)
        if isinstance(groups, str):
            return not_computed(self, NAME, groups, asked=bool(case.groups))
        columns = comparable_columns(case.table)
        why = unassessable(case, columns, "who is exposed is not assessable without a holdout")
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "")
        matches = find_copies(case.train, [case.synthetic, case.holdout], columns).frames
        copied = list(_copied(groups, [[side.exact >= 0, side.near >= 0] for side in matches]))
        if not copied:
            why = f"no group has {FEWEST_OF_A_GROUP} synthetic and as many holdout rows; give more."
            return not_computed(self, NAME, why)
        return [self._copies(copied, groups), *self._attack(case, groups)]

    def _copies(self, found: list[_Copied], groups: Groups) -> Score:
        worst = min(found, key=lambda group: (group.chance, -group.value))
        alarm = worst.chance < ALARM / len(found)
        clear = worst.value > noise((worst.value - worst.interval[0]) / 1.96, len(found))
        kind = "exact" if worst.kind == "exact" else "exact or near"
        words = (
            f"In group {worst.group!r} {percent(worst.share[0])} of the synthetic rows are {kind} copies of training "
            f"rows ({percent(worst.share[1])} of unseen real rows are so by chance); of everybody else "
            f"{percent(worst.rest[0])} (by chance {percent(worst.rest[1])})."
        )
        if not (alarm and clear):
            words = f"No group stands out by copied rows. {words}"
        detail = pl.DataFrame([group.record() for group in found]).sort("chance", maintain_order=True)
        return Score(
            NAME,
            worst.value,
            worst.interval,
            0.0,
            judge(worst.value, self.limits) if alarm and clear else "pass",
            words + groups.note(),
            self.better,
            detail,
            title=self.title,
        )

    def _attack(self, case: Comparison, groups: Groups) -> list[Score]:
        name, title = f"{NAME}/attack", "Members named in the most exposed group (excess share)"
        trial = gather_trial(case)
        if isinstance(trial, str):
            return not_computed(self, name, trial, title=title)
        ratio = (trial.known[:, 0] + trial.least) / (trial.near[:, 0] + trial.least)
        every = Suspicion(np.log(ratio), trial.inside)
        found = list(_named(groups, every, trial.rows, trial.stranger_rows))
        if not found:
            why = f"no group has {FEWEST_OF_A_GROUP} candidates of each kind; give more rows."
            return not_computed(self, name, why, title=title)
        worst = min(found, key=lambda group: (group.chance, -group.value))
        alarm = worst.chance < ALARM / len(found)
        clear = worst.beyond < ALARM / len(found)
        words = (
            f"In group {worst.group!r} an attack by nearest records names {percent(worst.caught)} of {worst.members:,} "
            f"training rows while wrongly naming 1 % of unseen rows; of everybody else it names {percent(worst.rest)}."
        )
        if not (alarm and clear):
            words = f"No group stands out in this attack. {words}"
        return [
            Score(
                name,
                worst.value,
                worst.interval,
                0.0,
                judge(worst.value, self.attack_limits) if alarm and clear else "pass",
                words + trial.used,
                self.better,
                pl.DataFrame([group.record() for group in found]).sort("chance", maintain_order=True),
                title=title,
            )
        ]


@dataclass(frozen=True)
class _Copied:
    """Copies in one group and outside it: shares of synthetic and of holdout rows."""

    by: str
    group: str
    kind: str
    hits: Array
    rows: Array
    rest_hits: Array
    rest_rows: Array

    @property
    def share(self) -> Array:
        """Shares of copies in the group."""
        return np.asarray(self.hits / self.rows)

    @property
    def rest(self) -> Array:
        """Shares of copies outside the group; none where nobody is outside."""
        return np.asarray(self.rest_hits / np.maximum(1, self.rest_rows))

    @property
    def value(self) -> float:
        """The group's excess minus that of the others."""
        return float(self.share[0] - self.share[1] - (self.rest[0] - self.rest[1]))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the value."""
        below, above = 0.0, 0.0
        for sign, hits, rows in ((1, self.hits, self.rows), (-1, self.rest_hits, self.rest_rows)):
            for place in (0, 1):
                # what counts towards the value from one side counts away from it on the other
                sign_here = sign if place == 0 else -sign
                if rows[place] == 0:
                    continue
                low, high = wilson(hits[place], rows[place])
                share = hits[place] / rows[place]
                down, up = (share - low, high - share) if sign_here > 0 else (high - share, share - low)
                below, above = below + float(down) ** 2, above + float(up) ** 2
        return self.value - below**0.5, self.value + above**0.5

    @property
    def chance(self) -> float:
        """The chance that unseen rows hold so many copies as the group's synthetic rows do."""
        return float(chance_of_more(self.hits[0], self.rows[0], self.hits[1], self.rows[1]))

    def record(self) -> dict[str, Any]:
        """Return a row of the detail."""
        low, high = self.interval
        return {
            "by": self.by, "group": self.group, "copies": self.kind, "rows": int(self.rows[0]),
            "synthetic": float(self.share[0]), "holdout": float(self.share[1]),
            "others_synthetic": float(self.rest[0]), "others_holdout": float(self.rest[1]),
            "excess": self.value, "low": low, "high": high, "chance": self.chance,
        }  # fmt: skip


def _copied(groups: Groups, copies: Sequence[Sequence[Array]]) -> Iterator[_Copied]:
    """Count copies in every group that has enough rows; `copies` are of synthetic and of holdout rows, by kind."""
    for part in groups.partitions:
        counts = part.counts()[1:]
        for position, kind in enumerate(KINDS):
            hits = np.array([
                np.bincount(codes, side[position], minlength=len(part.names))
                for codes, side in zip(part.codes[1:], copies, strict=True)
            ]).astype(np.int64)  # fmt: skip
            for place in np.flatnonzero((counts.min(axis=0) >= FEWEST_OF_A_GROUP) & part.shown()):
                own, rows = hits[:, place], counts[:, place]
                rest, rest_rows = hits.sum(axis=1) - own, counts.sum(axis=1) - rows
                yield _Copied(part.by, part.names[place], kind, own, rows, rest, rest_rows)


@dataclass(frozen=True)
class _Named:
    """Whom the attack names in one group, and outside it."""

    by: str
    group: str
    members: int
    caught: float
    rest: float
    interval: tuple[float, float]
    auc: float
    chance: float
    beyond: float
    """The chance of so many names in the group if others were named as often."""

    @property
    def value(self) -> float:
        """How much more often the group's members are named than others."""
        return self.caught - self.rest

    def record(self) -> dict[str, Any]:
        """Return a row of the detail."""
        return {
            "by": self.by, "group": self.group, "members": self.members, "named": self.caught,
            "others_named": self.rest, "excess": self.value, "low": self.interval[0], "high": self.interval[1],
            "auc": self.auc, "chance": self.chance,
        }  # fmt: skip


def _named(groups: Groups, every: Suspicion, inside: Array, outside: Array) -> Iterator[_Named]:
    """Attack every group that has enough candidates of each kind."""
    for part in groups.partitions:
        codes = np.concatenate([part.codes[0][inside], part.codes[2][outside]])
        for place in np.flatnonzero(part.shown()):
            own = codes == place
            sides = [every.take(np.flatnonzero(rows)) for rows in (own, ~own)]
            if min(_fewer(side) for side in sides) < FEWEST_OF_A_GROUP:
                continue
            (caught, ends), (rest, rest_ends) = (side.caught() for side in sides)
            low = caught - rest - float(np.hypot(caught - ends[0], rest_ends[1] - rest))
            high = caught - rest + float(np.hypot(ends[1] - caught, rest - rest_ends[0]))
            auc = float(sides[0].record("", "")["auc"])
            members = [int(side.inside.sum()) for side in sides]
            hits = [round(share * count) for share, count in zip((caught, rest), members, strict=True)]
            beyond = chance_of_more(*(np.array(x) for x in (hits[0], members[0], hits[1], members[1])))
            yield _Named(
                part.by,
                part.names[place],
                members[0],
                caught,
                rest,
                (low, high),
                auc,
                sides[0].chance(),
                float(beyond),
            )


def _fewer(side: Suspicion) -> int:
    return int(min(side.inside.sum(), (~side.inside).sum()))
