"""A mixture of several models: each row is drawn from one of them, with shares that unseen rows like best.

A fifth of the rows is held out. Each member learns from the others, and draws rows; the mixture starts with the member
whose rows are hardest to tell from held-out ones, and takes in from any member as long as that makes its rows harder to
tell. Then all members that have a share learn from all rows. If the mixture is no better than its best member on
held-out rows that its shares were not found by, that member is drawn from alone, and the report says so.

It learns whatever any of its members learns; a column that all of them get wrong stays wrong. Conditions are met by
drawing anew. Cost: the fits of all members twice, and some twenty classifiers of at most 20,000 rows.

Source: Caruana, Niculescu-Mizil, Crew and Ksikes 2004, "Ensemble selection from libraries of models", section 2 (greedy
selection with replacement); Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Block, Domain
from simulacra.errors import NotFitted, OptionError
from simulacra.exhibit import Exhibit
from simulacra.generator import Exhibiting, Generator, Progress, part, silent
from simulacra.models.table._contest import MOST_ROWS, Judge
from simulacra.models.table._members import dump_member, make_members, read_members, restore_member
from simulacra.randomness import Streams
from simulacra.registry import MODELS

MEMBERS = "trees,cart,bayes-net,mixture"
_STEPS = 6
"""Shares are found in so many steps at most; the first member has all of the first."""
_LEAST = 100


@dataclass(kw_only=True)
class Ensemble(Generator):
    """A mixture of fitted models.

    Parameters
    ----------
    members : str
        Two or more names joined by commas.

    Notes
    -----
    **Cost.** Two fits of each member that has a share, one of each other.

    **Privacy.** As that of its members; models that keep rows can not be members.

    **Source.** Caruana et al. 2004, section 2; Lopez-Paz and Oquab 2017.

    Examples
    --------
    >>> from simulacra.domain import Axis
    >>> x = np.linspace(-1, 1, 400)
    >>> block = Block(Domain((Axis("x", "x"), Axis("y", "y"))), (x, x**2))
    >>> model = Ensemble(members="copula,trees").fit(block, rng=Streams(1))
    >>> round(sum(model.shares().values()), 6)
    1.0
    """

    members: str = MEMBERS

    def __post_init__(self) -> None:
        self._names = read_members(self.members, "ensemble", "members", least=2)

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        self.domain_ = block.domain
        models, lacking = make_members(self._names)
        if lacking:
            raise OptionError(f"model 'ensemble': {next(iter(lacking.values()))}")
        self.lines_: list[dict[str, Any]] = []
        shares = {next(iter(models)): 1.0}
        if len(block) >= _LEAST:
            shares = self._select(models, block, context, rng, part(progress, 0.0, 0.6))
        else:
            self.lines_.append({"drawn from": next(iter(models)), "said": "too few rows to hold any out"})
        self.shares_ = np.array(list(shares.values()))
        self.models_: dict[str, Generator] = {}
        for place, name in enumerate(shares):
            model: Generator = MODELS.load(name)()
            own = part(progress, 0.6 + 0.4 * place / len(shares), 0.6 + 0.4 * (place + 1) / len(shares))
            self.models_[name] = model.fit(block, context=context, rng=rng.at("member", name), progress=own)
        progress(1.0, "members fitted")
        return self

    def _select(
        self,
        models: Mapping[str, Generator],
        block: Block,
        context: Block | None,
        rng: Streams,
        progress: Progress,
    ) -> dict[str, float]:
        """Fit all members to a part of the rows, and find the shares of the best mixture."""
        order = rng.stream("held-out").permutation(len(block))
        held, learn = np.sort(order[: len(block) // 5]), np.sort(order[len(block) // 5 :])
        # one half finds the shares, the other half says what they are worth
        halves = held[::2], held[1::2]
        inside, around = (None if context is None else context.take(rows) for rows in (learn, held))
        drawn: dict[str, Block] = {}
        for place, (name, model) in enumerate(models.items()):
            own = part(progress, place / len(models), (place + 1) / len(models))
            model.fit(block.take(learn), context=inside, rng=rng.at("try", name), progress=own)
            drawn[name] = model.sample(len(held), context=around, rng=rng.at("draw", name))
        choose, tell = (
            Judge(block.take(learn), block.take(half), None, rng.at("judge", place))
            for place, half in enumerate(halves)
        )
        counts = self._grow(drawn, choose, rng)
        total = sum(counts.values())
        shares = {name: count / total for name, count in counts.items() if count}
        for name, rows in drawn.items():
            alone = tell.tell_apart(rows)
            self.lines_.append(
                {"drawn from": name, "share": shares.get(name, 0.0), "C2ST AUC": alone, "said": ""}
            )
        best = min(self.lines_, key=lambda line: line["C2ST AUC"])
        mixed = tell.tell_apart(_mix(drawn, shares, len(held), rng.at("final")))
        better = len(shares) > 1 and mixed < best["C2ST AUC"]
        said = (
            "better than its best member"
            if better
            else "no better than its best member, which is drawn from alone"
        )
        self.lines_.append({"drawn from": "the mixture", "share": 1.0, "C2ST AUC": mixed, "said": said})
        return shares if better else {best["drawn from"]: 1.0}

    def _grow(self, drawn: Mapping[str, Block], judge: Judge, rng: Streams) -> dict[str, int]:
        """Take members in, again and again, as long as that makes rows harder to tell."""
        alone = {name: judge.tell_apart(rows) for name, rows in drawn.items()}
        first = min(alone, key=lambda name: alone[name])
        counts = dict.fromkeys(drawn, 0) | {first: 1}
        now = alone[first]
        for step in range(1, _STEPS):
            found = {}
            for name in drawn:
                more = counts | {name: counts[name] + 1}
                if sum(count > 0 for count in more.values()) == 1:
                    continue  # the same member alone
                shares = {one: count / (step + 1) for one, count in more.items() if count}
                rows = _mix(drawn, shares, min(len(judge.unseen), MOST_ROWS), rng.at("grow", step, name))
                found[name] = judge.tell_apart(rows)
            if not found:
                break
            name = min(found, key=lambda one: found[one])
            if found[name] >= now and step > 1:
                break
            if found[name] >= now:
                counts[first] += 1  # the others may be wanted in smaller shares
                continue
            counts[name] += 1
            now = found[name]
        return counts

    def shares(self) -> dict[str, float]:
        """Return the share of rows that each member draws."""
        self._require_fitted()
        return dict(zip(self.models_, self.shares_.tolist()))

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        self._require_fitted()
        who = np.searchsorted(np.cumsum(self.shares_)[:-1], rng.stream("member").random(n), side="right")
        columns: list[Array] | None = None
        for place, (name, model) in enumerate(self.models_.items()):
            rows = np.flatnonzero(who == place)
            own = None if context is None else context.take(rows)
            drawn = model.sample(len(rows), context=own, rng=rng.at("member", name))
            if columns is None:
                columns = [np.empty(n, values.dtype) for values in drawn.columns]
            for values, new in zip(columns, drawn.columns):
                values[rows] = new
        return Block(self.domain_, tuple(columns or ()), rows=n)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Show what was measured of each member and of the mixture; see `Exhibiting`."""
        self._require_fitted()
        text = (
            "How well boosted trees tell rows of each member, and of the mixture, from unseen rows (C2ST AUC, .5 is "
            "perfect; measured on rows that neither the members nor their shares were learnt from)."
        )
        shown = [
            Exhibit("The mixture", text, pl.DataFrame(self.lines_, infer_schema_length=None)),
        ]
        for name, model in self.models_.items():
            if isinstance(model, Exhibiting):
                shown += [Exhibit(f"{one.name} ({name})", one.text, one.detail) for one in model.exhibits()]
        return tuple(shown)

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        self._require_fitted()
        return {
            "domain": self.domain_.dump(), "shares": self.shares_, "lines": self.lines_,
            "members": [dump_member(name, model) for name, model in self.models_.items()],
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self.domain_ = Domain.restore(state["domain"])
        self.shares_, self.lines_ = state["shares"], list(state["lines"])
        self.models_ = dict(restore_member(item) for item in state["members"])
        return self

    def _require_fitted(self) -> None:
        if not hasattr(self, "models_"):
            raise NotFitted("this 'ensemble' model has learnt nothing yet. Call fit first.")


def _mix(drawn: Mapping[str, Block], shares: Mapping[str, float], n: int, rng: Streams) -> Block:
    """Put rows of several members together in given shares; rows of one member come at most once."""
    names = list(shares)
    n = min(n, *(len(drawn[name]) for name in names))
    who = np.searchsorted(np.cumsum(list(shares.values()))[:-1], rng.stream("who").random(n), side="right")
    columns = [values[:n].copy() for values in drawn[names[0]].columns]
    for place, name in enumerate(names):
        own = who == place
        for values, new in zip(columns, drawn[name].columns):
            values[own] = new[:n][own]
    return Block(drawn[names[0]].domain, tuple(columns), rows=n)
