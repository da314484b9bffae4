"""Kernel density for mixed types: a training row is picked, and each of its values moved a little; keeps rows.

Numbers have normal kernels on the scale of their ranks, categories and spikes (zeros, round values that many rows hold,
"no value") kernels that keep a level or draw it anew from the margin. One bandwidth for each column is found by
cross-validation; a column that says nothing of the others is smoothed out. It learns relations of any form between few
columns; with many columns it lives on being near to single rows. Fitting is linear in rows and in columns. A kernel
leaves every column its own distribution: nothing crosses a bound, and spread is not made larger. Conditions are met by
filtering.

The fitted model holds the training rows, as codes. Draws lie near them: the report shows how many keep every level of a
row. It is no model for rows that must not be told.

Source: Silverman 1986, "Density estimation for statistics and data analysis", sections 6.4 and 3.4; Aitchison and
Aitken 1976, "Multivariate binary discrimination by the kernel method"; Li and Racine 2003, "Nonparametric estimation of
distributions with categorical and continuous data".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Block, Domain, code_dtype
from simulacra.errors import NotFitted, OptionError
from simulacra.exhibit import Exhibit
from simulacra.generator import Generator, Progress, silent
from simulacra.models.table._bandwidths import Kernels, Places, find_kernels, weigh_kernels
from simulacra.models.table._codes import draw_codes
from simulacra.models.table._components import pick
from simulacra.models.table._parted import Parted
from simulacra.models.table._views import View
from simulacra.randomness import Streams

_LOOKED = 2_000
"""Rows that are drawn to see how near they come to those of training."""
_NEAR = 0.1
"""Scores of so many standard deviations apart are near."""
_WARNED = 0.05
"""The share of near rows from which the report warns."""
_BESIDE = 4_096
"""Kernels that rows of a context are held against."""
_TOGETHER = 512
"""Rows of a context that are held against the same kernels."""


@dataclass(kw_only=True)
class Kde(Generator):
    """Kernel density with a product kernel.

    Parameters
    ----------
    bandwidth : float
        Times the bandwidths that cross-validation finds: below 1 rows come nearer to those of training, above 1
        relations are blurred and rows are less near.
    max_codes : int
        Bins of a real axis at most.

    Notes
    -----
    A number becomes a code, an interval of a standard normal. From a score z there, the kernel draws a normal with mean
    ``sqrt(1 - h**2) z`` and standard deviation h: it leaves the standard normal as it is, so the variance is not made
    larger (Silverman's correction), and since the scale of ranks has no bounds, no mass is lost at those of the column.
    A level is kept, or with a chance drawn anew from the margin, where Aitchison and Aitken draw it from all levels
    evenly: so rare levels stay rare, and a chance of 1 smooths the column out.

    Where there is a context, rows are picked by the kernels of what is known, out of some thousand taken by chance.

    **Cost.** Cross-validation looks at some million pairs of rows, whatever their number. A draw is linear in rows.

    **Privacy.** The state holds all rows. There is no guarantee of any kind.

    **Source.** Silverman 1986, section 6.4.1 (the smoothed bootstrap); Aitchison and Aitken 1976; Li and Racine 2003.

    Examples
    --------
    >>> from simulacra.domain import Axis
    >>> x = np.linspace(-1, 1, 500)
    >>> block = Block(Domain((Axis("x", "x"), Axis("y", "y"))), (x, x**2))
    >>> fake = Kde().fit(block, rng=Streams(1)).sample(500, rng=Streams(2))
    >>> bool(np.corrcoef(fake.columns[0] ** 2, fake.columns[1])[0, 1] > 0.9)
    True
    """

    stores_rows: ClassVar[bool] = True
    bandwidth: float = 1.0
    max_codes: int = 4096

    def __post_init__(self) -> None:
        number = isinstance(self.bandwidth, (int, float)) and not isinstance(self.bandwidth, bool)
        if not (number and 0 < self.bandwidth <= 100):
            raise OptionError(
                f"model 'kde': bandwidth is a number above 0 and at most 100, not {self.bandwidth!r}."
            )
        if not isinstance(self.max_codes, int) or self.max_codes < 2:
            raise OptionError(f"model 'kde': max_codes is a whole number from 2, not {self.max_codes!r}.")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        self.domain_ = block.domain
        self.context_: Domain | None = None if context is None else context.domain
        known = () if context is None else tuple(zip(context.domain.axes, context.columns))
        own = tuple(zip(block.domain.axes, block.columns))
        weights = np.ones(len(block)) if block.weights is None else block.weights.astype(np.float64)
        self.weights_ = weights
        self.views_: list[View] = []
        self.codes_: list[Array] = []
        self.parted_: list[Parted] = []
        for axis, values in (*known, *own):
            view = View.fit(axis, values, max_codes=self.max_codes, owners=block.owners)
            codes = view.encode(values)
            self.views_.append(view)
            self.codes_.append(codes)
            self.parted_.append(Parted.fit(view, np.bincount(codes, weights, minlength=max(view.size, 1))))
        progress(0.2, "columns coded")
        places = Places.of(self.parted_, self.codes_, weights, rng.at("scores"))
        self.kernels_ = find_kernels(places, self._margins, rng.at("bandwidths")).scaled(self.bandwidth)
        progress(0.8, "bandwidths found")
        self.nearness_ = self._look(rng.at("look"))
        progress(1.0, "rows kept")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        self._require_fitted()
        donors = self._pick(n, context, rng)
        columns = []
        for place in range(self._inputs, len(self.views_)):
            view = self.views_[place]
            codes, _ = self._move(place, donors, rng.at("move", view.axis.name))
            columns.append(view.decode(codes, rng.stream("value", view.axis.name)))
        return Block(self.domain_, tuple(columns), rows=n)

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Show bandwidths, and how near draws are to training rows; see `Exhibiting`."""
        self._require_fitted()
        share, near = self.nearness_
        bodies = [len(parted.body) > 0 for parted in self.parted_]
        levels = [parted.count > 1 + (not body) for parted, body in zip(self.parted_, bodies)]
        table = pl.DataFrame(
            {
                "column": [view.axis.name for view in self.views_],
                "level drawn anew": [
                    float(own) if has else None for own, has in zip(self.kernels_.chance, levels)
                ],
                "bandwidth of numbers": [
                    float(own) if has else None for own, has in zip(self.kernels_.width, bodies)
                ],
            },
            schema={"column": pl.String, "level drawn anew": pl.Float64, "bandwidth of numbers": pl.Float64},
        )
        text = (
            "The chance that a level is drawn anew from the margin, and the bandwidth of numbers in standard "
            "deviations of their normal scores; 1 means that the column was smoothed out."
        )
        told = (
            f"Every draw starts from one training row. {share:.1%} keep all levels of their row, and {near:.1%} keep "
            f"them and have every number within {_NEAR} standard deviations of the row's."
        )
        if near > _WARNED:
            told += (
                " Such rows are near copies: do not pass them on as if they were not real. A larger bandwidth makes "
                "them fewer."
            )
        nearness = pl.DataFrame(
            {"draws": ["keep all levels of a training row", "are near copies of it"], "share": [share, near]}
        )
        return (Exhibit("Bandwidths", text, table), Exhibit("Nearness to training rows", told, nearness))

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        self._require_fitted()
        return {
            "domain": self.domain_.dump(),
            "context": None if self.context_ is None else self.context_.dump(),
            "views": [view.dump() for view in self.views_],
            "parted": [parted.dump() for parted in self.parted_],
            "codes": self.codes_,
            "weights": self.weights_,
            "chance": self.kernels_.chance,
            "width": self.kernels_.width,
            "nearness": list(self.nearness_),
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self.domain_ = Domain.restore(state["domain"])
        self.context_ = None if state["context"] is None else Domain.restore(state["context"])
        self.views_ = [View.restore(item) for item in state["views"]]
        self.parted_ = [Parted.restore(item) for item in state["parted"]]
        self.codes_ = list(state["codes"])
        self.weights_ = state["weights"]
        self.kernels_ = Kernels(state["chance"], state["width"])
        self.nearness_ = (float(state["nearness"][0]), float(state["nearness"][1]))
        return self

    @property
    def _inputs(self) -> int:
        """Number of axes of the context."""
        return len(self.views_) - len(self.domain_)

    @property
    def _margins(self) -> list[Array]:
        return [parted.margin() for parted in self.parted_]

    def _require_fitted(self) -> None:
        if not hasattr(self, "nearness_"):
            raise NotFitted("this 'kde' model has learnt nothing yet. Call fit first.")

    def _pick(self, n: int, context: Block | None, rng: Streams) -> Array:
        """Pick a training row for each row: by its weight, and by the kernels of what is known."""
        uniform = rng.stream("row").random(n)
        if self.context_ is None:
            return draw_codes(self.weights_, uniform)
        if context is None or context.domain != self.context_ or len(context) != n:
            raise OptionError(
                f"this model was fitted with a context of {len(self.context_)} axes: "
                f"sample needs a context of the same axes with {n:,} rows."
            )
        known, inputs = self.parted_[: self._inputs], self._inputs
        codes = [view.encode(values) for view, values in zip(self.views_, context.columns)]
        asked = Places.of(known, codes, np.ones(n), rng.at("context"))
        every = Places.of(known, self.codes_[:inputs], self.weights_, rng.at("rows"))
        donors = np.empty(n, np.int64)
        for turn, first in enumerate(range(0, n, _TOGETHER)):
            part = slice(first, min(first + _TOGETHER, n))
            some = np.arange(len(self.weights_))
            if len(some) > _BESIDE:
                some = rng.stream("beside", turn).choice(len(some), _BESIDE, replace=False)
            weights = weigh_kernels(
                every.take(some), asked.classes[part], asked.scores[part], self._margins, self.kernels_
            )
            chosen = np.empty(len(weights), np.int64)
            pick(weights.cumsum(1), np.arange(len(weights)), uniform[part], chosen)
            donors[part] = some[chosen]
        return donors

    def _move(self, place: int, donors: Array, rng: Streams) -> tuple[Array, Array]:
        """Move one value of every row; return codes, and by how much scores moved: infinite to another class."""
        parted, view, n = self.parted_[place], self.views_[place], len(donors)
        own = self.codes_[place][donors].astype(np.int64)
        before = parted.classes[own]
        again = rng.stream("again").random(n) < self.kernels_.chance[place]
        drawn = draw_codes(parted.margin(), rng.stream("class").random(n))
        after = np.where(again, drawn, before)
        found = parted.home()[after]
        moved = np.where(after == before, 0.0, np.inf)
        if len(parted.body):
            width = float(self.kernels_.width[place])
            noise = rng.stream("noise").standard_normal(n)
            score = np.zeros(n)
            stayed, inside = before == 0, after == 0
            score[stayed] = parted.spread(own[stayed], rng.stream("within").random(int(stayed.sum())))
            new = np.where(stayed, np.sqrt(1 - width**2) * score + width * noise, noise)
            found[inside] = parted.settle(new[inside])
            both = stayed & inside
            moved[both] = np.where(found[both] == own[both], 0.0, np.abs(new - score)[both])
        return found.astype(code_dtype(max(view.size, 1))), moved

    def _look(self, rng: Streams) -> tuple[float, float]:
        """Tell the shares of draws that keep all classes of their row, and that come near to it besides."""
        n = min(_LOOKED, 20 * len(self.weights_))
        donors = draw_codes(self.weights_, rng.stream("row").random(n))
        furthest = np.zeros(n)
        for place in range(self._inputs, len(self.views_)):
            np.maximum(furthest, self._move(place, donors, rng.at(place))[1], out=furthest)
        return float(np.isfinite(furthest).mean()), float((furthest <= _NEAR).mean())
