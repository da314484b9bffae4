"""The best of several models for this table: each is tried on rows held out, within a time budget.

A fifth of the rows is held out. Each candidate learns from a few rows first, which tells how long it would take; those
that fit into the time that is left learn from all others, and draw as many rows as are held out. The goal tells what is
measured of these: `fidelity` (boosted trees must not tell them from unseen rows; among models within one standard error
of the best, the one that keeps farthest from learnt rows), `utility` (a model that learns from
them predicts a target column of unseen rows), `privacy` (they lie no nearer to learnt rows than to unseen ones, among
models of nearly the best fidelity). The best one learns from all rows, and is the model. Which one that is depends on
how fast the machine is, unless the budget is ample.

Cost: that of the candidates, within the budget; at least the first of them is tried.

Source: Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests"; utility as in Esteban, Hyland and Rätsch
2017, "Real-valued (medical) time series generation with recurrent conditional GANs", section 4 (train on synthetic,
test on real).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Block, Domain
from simulacra.errors import DataError, NotFitted, OptionError, unknown
from simulacra.exhibit import Exhibit
from simulacra.generator import Generator, Progress, part, silent
from simulacra.models.table._contest import Judge
from simulacra.models.table._members import dump_member, make_members, read_members, restore_member
from simulacra.randomness import Streams
from simulacra.registry import MODELS

GOALS = ("fidelity", "utility", "privacy")
CANDIDATES = (
    "trees", "bayes-net", "cart", "mixture", "copula", "autoregressive", "vae", "gan", "wgan",
)  # fmt: skip
_PILOT = 1_000
_HELD_OUT = 0.2
_LEAST = 50
"""Rows below which nothing can be held out: the first candidate is taken."""
_NEARLY = 0.05
"""How much larger an AUC than the best one is nearly as good, where the goal is privacy."""


@dataclass(kw_only=True)
class Auto(Generator):
    """The best of several models.

    Parameters
    ----------
    goal : str
        ``fidelity``, ``utility`` (needs `target`) or ``privacy``.
    target : str or None
        The column that people will predict.
    budget : float
        Seconds for the whole fit, about.
    candidates : str
        Names joined by commas, in the order in which they are tried.

    Notes
    -----
    `chosen` is the fitted model itself: a fit gives that back, so that it draws under conditions, tells densities and
    is saved as any other.

    **Cost.** See `budget`; memory is that of the largest candidate.

    **Privacy.** As that of the chosen model; models that keep rows are no candidates.

    **Source.** Lopez-Paz and Oquab 2017; Esteban, Hyland and Rätsch 2017.

    Examples
    --------
    >>> from simulacra.domain import Axis
    >>> x = np.linspace(-1, 1, 2_000)
    >>> block = Block(Domain((Axis("x", "x"), Axis("y", "y"))), (x, x**2))
    >>> model = Auto(candidates="copula,trees").fit(block, rng=Streams(1))
    >>> model.chosen()[0]
    'trees'
    """

    goal: str = "fidelity"
    target: str | None = None
    budget: float = 300.0
    candidates: str = ",".join(CANDIDATES)

    def __post_init__(self) -> None:
        if self.goal not in GOALS:
            raise OptionError(str(unknown("goal", str(self.goal), GOALS)))
        if self.goal == "utility" and not self.target:
            raise OptionError(
                "model 'auto': the goal 'utility' needs a target: the column that people will predict."
            )
        if isinstance(self.budget, bool) or not isinstance(self.budget, (int, float)) or not self.budget > 0:
            raise OptionError(f"model 'auto': budget is seconds above 0, not {self.budget!r}.")
        asked = self.candidates
        if asked == ",".join(CANDIDATES):
            known = set(MODELS.names())
            asked = ",".join(name for name in CANDIDATES if name in known)
        self._names = read_members(asked, "auto", "candidates")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        self.domain_ = block.domain
        begun = time.monotonic()
        models, lacking = make_members(self._names)
        if not models:
            raise OptionError(
                f"model 'auto': none of its candidates can be used. {next(iter(lacking.values()))}"
            )
        self.lines_: list[dict[str, Any]] = [
            {"model": name, "said": f"left out: {why}"} for name, why in lacking.items()
        ]
        if len(block) < _LEAST:
            name = next(iter(models))
            self.lines_.insert(0, {"model": name, "said": "chosen: too few rows to hold any out"})
        else:
            name = self._try(models, block, context, rng, begun, part(progress, 0.0, 0.8))
        model: Generator = MODELS.load(name)()
        model.fit(block, context=context, rng=rng.at("chosen"), progress=part(progress, 0.8, 1.0))
        self.name_, self.model_ = name, model
        return self

    def _try(
        self, models: dict[str, Generator], block: Block, context: Block | None, rng: Streams, begun: float,
        progress: Progress,
    ) -> str:  # fmt: skip
        """Try candidates as long as there is time, and return the name of the best."""
        learn, held = _part(block, rng)
        judge = Judge(block.take(learn), block.take(held), self._target(block.domain), rng.at("judge"))
        tried: dict[str, dict[str, float | None]] = {}
        slowest = 0.0
        for place, (name, model) in enumerate(models.items()):
            own = part(progress, place / len(models), (place + 1) / len(models))
            own(0.0, f"trying {name}")
            needed = _foresee(model, block, context, learn, rng)
            left = self.budget - (time.monotonic() - begun)
            # the chosen one is fitted once more in the end
            if tried and needed + max(needed, slowest) > left:
                said = f"left out: some {needed:.0f} s each time, and {max(left, 0):.0f} s were left"
                self.lines_.append({"model": name, "said": said})
                continue
            start = time.monotonic()
            inside = None if context is None else context.take(learn)
            model.fit(block.take(learn), context=inside, rng=rng.at("try", name), progress=own)
            around = None if context is None else context.take(held)
            fake = model.sample(len(held), context=around, rng=rng.at("draw", name))
            tried[name] = self._measure(judge, fake)
            slowest = max(slowest, time.monotonic() - start)
        best = self._best(tried, judge.chance)
        for name, line in tried.items():
            self.lines_.append({"model": name, **line, "said": "chosen" if name == best else ""})
        self.lines_.sort(key=lambda line: (line["said"] != "chosen", line.get("C2ST AUC", 2.0)))
        return best

    def _measure(self, judge: Judge, fake: Block) -> dict[str, float | None]:
        found: dict[str, float | None] = {
            "C2ST AUC": judge.tell_apart(fake),
            "nearer to learnt rows": judge.come_near(fake),
        }
        if judge.target is not None:
            served = judge.serve(fake)
            found["utility"] = None if np.isnan(served) else served
        return found

    def _best(self, tried: dict[str, dict[str, Any]], chance: float) -> str:
        if self.goal == "utility":
            return max(
                tried, key=lambda name: -np.inf if tried[name]["utility"] is None else tried[name]["utility"]
            )
        least = min(line["C2ST AUC"] for line in tried.values())
        # one standard error, as trees are pruned (Breiman et al. 1984, section 3.4.3): a copy must not win by a hair
        nearly = _NEARLY if self.goal == "privacy" else chance
        near = [name for name, line in tried.items() if line["C2ST AUC"] <= least + nearly]
        return min(near, key=lambda name: tried[name]["nearer to learnt rows"])

    def _target(self, domain: Domain) -> int | None:
        if self.target is None:
            return None
        places = [place for place, axis in enumerate(domain.axes) if axis.column == self.target]
        if not places:
            known = list(dict.fromkeys(axis.column for axis in domain.axes))
            raise DataError(str(unknown("column to predict", self.target, known)))
        return places[0]

    def chosen(self) -> tuple[str, Generator]:
        """Return the name of the chosen model, and the fitted model."""
        if not hasattr(self, "model_"):
            raise NotFitted("this 'auto' model has learnt nothing yet. Call fit first.")
        return self.name_, self.model_

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Show what was measured of each candidate; see `Exhibiting`."""
        best, _ = self.chosen()
        rows = pl.DataFrame(self.lines_, infer_schema_length=None)
        text = (
            f"Models tried for the goal '{self.goal}' on a fifth of the rows, which none of them saw; {best!r} was "
            "taken. C2ST AUC: .5 is perfect. Nearer to learnt rows: how much more often than to unseen ones; 0 is best."
        )
        return (Exhibit("How the model was chosen", text, rows),)

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        return self.chosen()[1].sample(n, context=context, rng=rng)

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return {
            "domain": self.domain_.dump(), "chosen": dump_member(*self.chosen()), "lines": self.lines_
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self.domain_ = Domain.restore(state["domain"])
        self.name_, self.model_ = restore_member(state["chosen"])
        self.lines_ = list(state["lines"])
        return self


def _part(block: Block, rng: Streams) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Part rows into those to learn from and those to hold out: whole owners where rows have owners."""
    who = np.arange(len(block)) if block.owners is None else np.unique(block.owners, return_inverse=True)[1]
    out = np.zeros(int(who.max()) + 1, bool)
    out[rng.stream("held-out").permutation(len(out))[: max(int(len(out) * _HELD_OUT), 1)]] = True
    return np.flatnonzero(~out[who]), np.flatnonzero(out[who])


def _foresee(
    model: Generator, block: Block, context: Block | None, learn: np.ndarray[Any, Any], rng: Streams
) -> float:
    """Return the seconds that a fit will take, by one to a few rows."""
    few = learn[:: max(len(learn) // _PILOT, 1)]
    if len(few) > len(learn) // 2:
        return 0.0
    inside = None if context is None else context.take(few)
    axes = len(block.domain) + (0 if context is None else len(context.domain))
    start = time.monotonic()
    model.fit(block.take(few), context=inside, rng=rng.at("pilot"))
    return (time.monotonic() - start) * model.work(len(learn), axes) / max(model.work(len(few), axes), 1e-9)
