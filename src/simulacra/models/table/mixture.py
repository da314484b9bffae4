"""Mixture of components: within each, numbers are normal and categories independent; as many as the data ask for.

Every row is of one component, and a component has a chance for each level of each category, and a normal for each
number. It learns clusters, curved relations and relations between columns of any kind, as far as components can tell
them; a rule of every row it learns only roughly. Numbers are normal on the scale of their ranks, or on that of their
values; zeros, round values that many rows hold, and "no value" are levels beside the normal. Fitting and drawing are
linear in rows, in columns and in components, and with full or tied covariances quadratic in columns of numbers.
Conditions are exact: given what is drawn so far, the chance of each component is known, and so is that of each value.

Source: McLachlan and Peel 2000, "Finite mixture models", chapters 2, 3, 5 and 6; mixed types after Hunt and Jorgensen
2011, "Clustering mixed data", section 2; expectation and maximisation after Dempster, Laird and Rubin 1977, "Maximum
likelihood from incomplete data via the EM algorithm".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self, cast, get_args

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from simulacra.domain import Array, Block, code_dtype
from simulacra.errors import OptionError
from simulacra.exhibit import Exhibit
from simulacra.generator import Progress, part, silent
from simulacra.models.table._climbing import (
    LADDER,
    Covariance,
    Rows,
    climb,
    count_parameters,
    expect,
    prune,
    start,
)
from simulacra.models.table._coded import Coded
from simulacra.models.table._codes import Draft
from simulacra.models.table._components import Components, pick
from simulacra.models.table._parted import Parted
from simulacra.privacy.holders import count_owners
from simulacra.randomness import Streams

_CHOICES, _SCALES = ("auto", "bic"), ("rank", "value")
_LOOKED = 40_000
"""Rows on which the number of components is chosen."""
_HELD_OUT = 0.2
_TRIED, _SETTLED, _FINISHED = 12, 20, 8
"""Steps for each number tried, for the one chosen, and on all rows where they are many."""
_LEANING = 48
"""Components that are tried at most where numbers lean on each other."""
_DOUBT = 1.5
"""The largest number is taken that is not worse than the best by so many nats over the root of the held-out rows."""
_BLOCK = 32_768


@dataclass
class Weighed(Draft):
    """Rows of which some axes are drawn, and how likely each is of each component.

    Parameters
    ----------
    logs : array or None, shape (rows, components)
        Logs of the chances of components, but for a number that all of a row share.
    counted : tuple of int
        The axes that these know of.
    """

    logs: Array | None = None
    counted: tuple[int, ...] = ()

    def take(self, index: Array) -> Self:
        """Return some of the rows; one may be taken several times."""
        return replace(super().take(index), logs=None if self.logs is None else self.logs[index])


@dataclass(kw_only=True)
class Mixture(Coded):
    """Finite mixture for mixed types.

    Parameters
    ----------
    components : int, "auto" or "bic"
        How many; "auto" takes the largest number that makes held-out rows as likely as any, "bic" the one of the best
        Bayesian information criterion, which is smaller, and so are its likeness and its nearness to single rows.
    covariance : "diagonal", "full" or "tied"
        Whether numbers are independent within a component, lean on each other, or do so alike in all components.
    scale : "rank" or "value"
        The scale on which numbers are normal within a component: that of their ranks keeps the shape of every column
        with any number of components; that of their values gives the textbook's mixture of normals.
    max_codes : int
        Bins of a real axis at most.

    Notes
    -----
    Each number is cut into codes, which are intervals of a standard normal; a component has a normal on that scale, and
    the chance of a code is that of its interval. With full or tied covariances the mean of each normal is linear in the
    scores of the numbers before it: that is the normal of all numbers together where no value is a level by itself.
    Components start from single rows; a little of the margins is mixed into each. A component of fewer rows than
    protection asks for is left out.

    The criterion counts a level as a parameter where a component holds at least one row of it: the chances of levels
    that it does not have lie at the border and were not estimated.

    **Cost.** Each of some hundred steps is a sparse product of rows times axes times components.

    **Privacy.** The state holds a histogram for each column and chances and means for each component. There is no
    formal guarantee; the more components, the nearer rows come to those of training.

    **Source.** McLachlan and Peel 2000; Hunt and Jorgensen 2011; the criterion: Schwarz 1978, "Estimating the dimension
    of a model".

    Examples
    --------
    >>> from simulacra.domain import Axis, Domain
    >>> kind = (np.arange(900) % 2).astype(np.uint8)
    >>> x = np.where(kind == 0, -3.0, 3.0) + np.linspace(-1, 1, 900)
    >>> block = Block(Domain((Axis("kind", "kind", size=2), Axis("x", "x"))), (kind, x))
    >>> fake = Mixture(components=4).fit(block, rng=Streams(1)).sample(500, rng=Streams(2))
    >>> bool(((fake.columns[1] > 0) == (fake.columns[0] == 1)).mean() > 0.95)
    True
    """

    components: int | str = "auto"
    covariance: str = "diagonal"
    scale: str = "rank"
    max_codes: int = 512

    def __post_init__(self) -> None:
        number = isinstance(self.components, int) and not isinstance(self.components, bool)
        if not (self.components in _CHOICES or (number and 1 <= int(self.components) <= 4096)):
            raise OptionError(
                "model 'mixture': components is a whole number from 1 to 4,096, 'auto' or 'bic', "
                f"not {self.components!r}."
            )
        if self.covariance not in get_args(Covariance):
            raise OptionError(
                f"model 'mixture': covariance is 'diagonal', 'full' or 'tied', not {self.covariance!r}."
            )
        if self.scale not in _SCALES:
            raise OptionError(f"model 'mixture': scale is 'rank' or 'value', not {self.scale!r}.")
        if not isinstance(self.max_codes, int) or self.max_codes < 2:
            raise OptionError(f"model 'mixture': max_codes is a whole number from 2, not {self.max_codes!r}.")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        codes = self._learn_views(block, context, max_codes=self.max_codes)
        sizes = [max(view.size, 1) for view in self.views_]
        weights = np.ones(len(block)) if block.weights is None else block.weights.astype(np.float64)
        parted = [
            Parted.fit(view, np.bincount(own, weights, minlength=size), ranked=self.scale == "rank")
            for view, own, size in zip(self.views_, codes, sizes)
        ]
        progress(0.05, "columns coded")
        rows = Rows.of(codes, weights, sizes)
        scores = [own.scores(view.missing) for own, view in zip(parted, self.views_)]
        least: float = max([3, *(axis.holders for axis in block.domain.axes)])
        if block.owners is not None:
            least *= len(block) / max(count_owners(block.owners), 1)
        self.curves_: list[tuple[int, str, float]] = []
        # threads of so small products wait for each other longer than they work
        with threadpool_limits(1, user_api="blas"):
            self.found_ = self._learn(rows, parted, scores, least, rng, progress)
        progress(1.0, f"{len(self.found_)} components found")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows: a component for each, then its values; see `Generator.sample`."""
        draft = self.start(n, context=context)
        chosen = np.empty(n, np.int64)
        uniform = rng.stream("component").random(n)
        if self.context_ is None:
            pick(self.found_.share.cumsum()[None], np.zeros(n, np.int64), uniform, chosen)
        else:
            for rows in self._parts(n, 1):
                weights = self._weigh(draft, 0, rows)
                pick(weights.cumsum(1), np.arange(len(weights)), uniform[rows], chosen[rows])
        known = {place: draft.codes[place - self._inputs] for place in range(self._inputs)}
        for axis in self.order:
            view, place = self._view(axis), axis + self._inputs
            known[place] = self.found_.draw(
                place, known, chosen, rng.stream("draw", view.axis.name).random((2, n))
            ).astype(code_dtype(max(view.size, 1)))
            draft.codes[axis] = known[place]
        return self.finish(draft, rng)

    def start(self, n: int, *, context: Block | None = None) -> Weighed:
        """Return n rows of which nothing is drawn yet; see `Sequential.start`."""
        return Weighed(n, codes=super().start(n, context=context).codes)

    def log_density(self, block: Block, *, context: Block | None = None) -> Array:
        """Return the log-probability of every value; see `Dense.log_density`."""
        # rows times components of all rows would be much
        told = [
            super(Mixture, self).log_density(
                block.take(rows), context=None if context is None else context.take(rows)
            )
            for rows in (slice(first, first + _BLOCK) for first in range(0, max(len(block), 1), _BLOCK))
        ]
        return np.concatenate(told)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Show how the number of components was chosen, and their shares; see `Exhibiting`."""
        self._require_fitted()
        shown = []
        if self.curves_:
            curves = pl.DataFrame(
                self.curves_, schema={"step": pl.Int64, "curve": pl.String, "value": pl.Float64}, orient="row"
            )
            by = "held-out rows no less likely" if self.components == "auto" else "the best criterion"
            text = (
                f"{len(self.found_)} components were kept, of the largest number with {by}. "
                "Both curves are nats per row, and higher is better; each step is a number of components."
            )
            shown.append(Exhibit("Number of components", text, curves))
        order = np.argsort(-self.found_.share, kind="stable")
        table = pl.DataFrame({"component": np.arange(1, len(order) + 1), "share": self.found_.share[order]})
        text = f"Shares of rows of the {len(order)} components ({self.covariance} covariance), largest first."
        return (*shown, Exhibit("Components", text, table))

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return {
            **self._dump_views(),
            "components": self.found_.dump(),
            "curves": [list(c) for c in self.curves_],
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self._restore_views(state)
        self.found_ = Components.restore(state["components"])
        self.curves_ = [(int(step), str(curve), float(value)) for step, curve, value in state["curves"]]
        return self

    def room(self, rows: int, axes: int) -> float:
        """Return the bytes that fitting needs beside the block itself."""
        return 16.0 * rows * axes

    @property
    def _covariance(self) -> Covariance:
        return cast(Covariance, self.covariance)

    def _learn(
        self,
        rows: Rows,
        parted: list[Parted],
        scores: list[Array],
        least: float,
        rng: Streams,
        progress: Progress,
    ) -> Components:
        """Find components on some rows, settle them on all, and leave out those of too few rows."""
        many = len(rows)
        some = rows
        if many > _LOOKED:
            some = rows.take(np.sort(rng.stream("looked").permutation(many)[:_LOOKED]))
        begin = self._search(some, parted, scores, least * len(some) / many, rng, part(progress, 0.05, 0.7))
        found = climb(rows, begin, _FINISHED if many > _LOOKED else _SETTLED, self._covariance)
        for _ in range(3):
            kept = prune(found, expect(rows, found).members, least)
            if len(kept) == len(found):
                break
            found = climb(rows, kept, 2, self._covariance)
        return found

    def _search(
        self,
        rows: Rows,
        parted: list[Parted],
        scores: list[Array],
        least: float,
        rng: Streams,
        progress: Progress,
    ) -> Components:
        """Find components of the number that is wanted, or of the best one."""
        most = max(int(len(rows) / max(least, 1)), 1)
        if isinstance(self.components, int):
            seeds = rng.stream("seeds").choice(len(rows), min(self.components, most), replace=False)
            return climb(rows, start(rows, parted, seeds, scores), _TRIED, self._covariance)
        kept, told = rows, None
        shuffled = rng.stream("held out").permutation(len(rows))
        if self.components == "auto" and len(rows) >= 50:
            cut = int(len(rows) * _HELD_OUT)
            told, kept = rows.take(np.sort(shuffled[:cut])), rows.take(np.sort(shuffled[cut:]))
        best, chosen = -np.inf, None
        doubt = 0.0 if told is None else _DOUBT / np.sqrt(len(told))
        # components whose numbers lean on each other are fewer, and each costs more
        top = most if self.covariance == "diagonal" else min(most, _LEANING)
        ladder = [number for number in LADDER if number <= top]
        for turn, number in enumerate(ladder):
            progress(turn / len(ladder), f"{number} components")
            seeds = rng.stream("seeds", number).choice(len(kept), number, replace=False)
            found = climb(kept, start(kept, parted, seeds, scores), _TRIED, self._covariance)
            value = self._judge(found, kept, told, number)
            best = max(best, value)
            # likelihood hardly sees what a few components more would tell apart: in doubt they are taken
            if chosen is not None and value < best - doubt:
                break
            chosen = found
        assert chosen is not None
        return chosen

    def _judge(self, found: Components, kept: Rows, told: Rows | None, number: int) -> float:
        """Tell how good a number of components is, and remember it."""
        sums = expect(kept, found, [()] * len(found.parted))
        size = kept.weights.sum()
        penalty = count_parameters(sums, found) * np.log(len(kept)) / 2 / len(kept)
        value = float(sums.likelihood / size - penalty)
        self.curves_.append((number, "Bayesian information criterion", value))
        if told is not None:
            value = expect(told, found).likelihood / float(told.weights.sum())
            self.curves_.append((number, "held-out log-likelihood", value))
        return value

    def _chances(self, draft: Draft, axis: int, rows: slice) -> Array:
        """Return the chance of each code, given what is drawn; see `Coded`."""
        assert isinstance(draft, Weighed)
        codes = {own + self._inputs: values for own, values in draft.codes.items()}
        return self.found_.chances(axis + self._inputs, codes, rows, self._weigh(draft, axis, rows))

    def _weigh(self, draft: Weighed, axis: int, rows: slice) -> Array:
        """Return how likely some rows are of each component, given the axes before one; shape (rows, components)."""
        codes = {own + self._inputs: values for own, values in draft.codes.items()}
        if draft.logs is None:
            logs = np.log(np.maximum(self.found_.share, 1e-30)).astype(np.float32)
            draft.logs = np.repeat(logs[None], len(draft), axis=0)
        for place in range(axis + self._inputs):
            if place not in draft.counted:
                for some in self._parts(len(draft), 1):
                    draft.logs[some] += self.found_.log_chances(place, codes, some)
                draft.counted = (*draft.counted, place)
        logs = draft.logs[rows].astype(np.float64)
        np.exp(logs - logs.max(1, keepdims=True), out=logs)
        return np.asarray(logs / logs.sum(1, keepdims=True))

    def _parts(self, rows: int, cells: int) -> Iterator[slice]:  # type: ignore[override]
        """Cut rows so that their chances, of codes and of components, fit in memory."""
        return super()._parts(rows, max(cells, len(self.found_)))
