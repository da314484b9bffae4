"""Parametric distributions: each column by itself, as the family that fits best.

For every number, date, time and duration it fits normal, Student t, uniform, beta, exponential, gamma, Weibull,
lognormal and Pareto distributions, and for counts Poisson, geometric, negative binomial and binomial ones, and takes
the one that Akaike's criterion (or the distance of Kolmogorov and Smirnov) likes best. Each is cut to the range of the
column; values that stand out, such as zeros, and missing ones have shares of their own beside it. Categories have their
own shares. What is told of a column is a handful of parameters, so it is smooth, private and readable; it can not learn
two humps or any relation between columns. Conditions are exact. Fitting is one sort per column; the likelihood is that
of 256 groups of values, so everything after the sort costs the same for any number of rows.

Source: Akaike 1974, "A new look at the statistical model identification"; maximum likelihood of grouped data by
scoring, Rao 1973, "Linear statistical inference and its applications", section 5g; zeros apart after Mullahy 1986,
"Specification and testing of some modified count data models", and Lambert 1992, "Zero-inflated Poisson regression".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, Block, Domain
from simulacra.errors import OptionError, unknown
from simulacra.exhibit import Exhibit
from simulacra.figures import Figures
from simulacra.generator import Progress, silent
from simulacra.models.table._designs import view_of
from simulacra.models.table._families import CHOICES
from simulacra.models.table._product import Product
from simulacra.models.table._shapes import Shape
from simulacra.models.table._views import View
from simulacra.randomness import Streams

_SHOWN: dict[str, type[pl.DataType]] = {
    "column": pl.String,
    "family": pl.String,
    "parameters": pl.String,
    "aic": pl.Float64,
    "ks": pl.Float64,
    "runner_up": pl.String,
    "runner_up_aic": pl.Float64,
}


@dataclass(kw_only=True)
class Distributions(Product):
    """Product of parametric distributions.

    Parameters
    ----------
    families : sequence of str, str or None
        Those to choose from, such as ``("normal", "gamma")`` or ``"normal,gamma"``; all when None. A column that none
        of them can describe gets a uniform distribution, and the exhibit says so.
    by : {"aic", "ks"}
        What the chosen one has the smallest of: Akaike's criterion (where it differs by less than 2, the fewest
        parameters), or the largest difference of the distribution functions.

    Notes
    -----
    A family is fitted twice, with tails that go on beyond the range of the column, and cut at it, which counts for two
    more parameters. Either way nothing outside of the range is drawn. A value has a share of its own where at least 1 %
    of rows hold it and, on a lattice, it stands out from its neighbours and Akaike's criterion is for it: zeros beside
    a family are the zero-inflated one.

    **Cost.** One sort per column, and some 30 ms for its families.

    **Privacy.** The state holds a few parameters per column, its bounds, values with a share of their own, which at
    least k rows hold, and the shares of levels. There is no formal guarantee.

    **Source.** Akaike 1974; Rao 1973, section 5g.

    Examples
    --------
    >>> waits = Streams(1).stream("waits").standard_exponential(2_000)
    >>> model = Distributions().fit(Block(Domain((Axis("wait", "wait"),)), (waits,)), rng=Streams(1))
    >>> model.exhibits()[0].detail["family"].to_list()
    ['exponential']
    """

    families: Sequence[str] | str | None = None
    by: str = "aic"

    def __post_init__(self) -> None:
        if self.by not in {"aic", "ks"}:
            raise OptionError(f"model 'distributions': by is 'aic' or 'ks', not {self.by!r}.")
        if self.families is None:
            return
        listed = self.families.split(",") if isinstance(self.families, str) else self.families
        self.families = tuple(str(name).strip() for name in listed)
        for name in self.families:
            if name not in CHOICES:
                raise OptionError(f"model 'distributions': {unknown('family', name, CHOICES)}")
        if not self.families:
            raise OptionError("model 'distributions': families names none. Leave it out to try all.")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        self.domain_ = block.domain
        self.views_, self.counts_ = [], []
        self.shapes_: list[Shape | None] = []
        self.told_: list[str] = []
        for place, (axis, values) in enumerate(zip(block.domain.axes, block.columns), 1):
            if axis.size is None:
                self._learn_shape(axis, values, block)
            else:
                self.views_.append(View(axis, np.empty(0), np.empty(0)))
                self.counts_.append(
                    np.bincount(values, block.weights, minlength=axis.size).astype(np.float64)
                )
                self.shapes_.append(None)
                self.told_.append(f"shares of {axis.size} levels")
            progress(place / len(block.domain), f"column {place} of {len(block.domain)}")
        return self

    def design(self, domain: Domain, figures: Figures, *, rng: Streams) -> Self:
        """Take distributions as they are told; see `Designed.design`."""
        self.domain_ = domain
        self.views_ = [view_of(axis, cells) for axis, cells in zip(domain.axes, figures.cells)]
        self.counts_ = [np.asarray(cells.chances(), np.float64) for cells in figures.cells]
        self.shapes_ = [None] * len(domain)
        self.told_ = list(figures.told)
        return self

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Show the family of every column, how well it fits, and which came next; see `Exhibiting.exhibits`."""
        self._require_fitted()
        rows = []
        for axis, shape, told in zip(self.domain_.axes, self.shapes_, self.told_):
            known = shape is not None and not math.isnan(shape.aic)
            rows.append(
                {
                    "column": axis.name,
                    "family": told.partition(",")[0] if shape is None else shape.name(axis),
                    "parameters": told,
                    "aic": round(shape.aic, 1) if shape is not None and known else None,
                    "ks": round(shape.distance, 4) if shape is not None and known else None,
                    "runner_up": shape.second if shape is not None and shape.second else None,
                    "runner_up_aic": round(shape.second_aic, 1) if shape is not None and shape.second else None,
                }
            )  # fmt: skip
        text = (
            "The distribution that each column is drawn from. The smaller Akaike's criterion (aic), the better a "
            "family explains the rows for its number of parameters; ks is the largest gap between the distribution "
            "functions of the family and of what it is fitted to."
        )
        return (Exhibit("Chosen distributions", text, pl.DataFrame(rows, schema=_SHOWN)),)

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        shapes = [None if shape is None else shape.dump() for shape in self.shapes_]
        return self._dump_views() | {"shapes": shapes, "told": self.told_}

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self._restore_views(state)
        self.shapes_ = [None if item is None else Shape.restore(item) for item in state["shapes"]]
        self.told_ = list(state["told"])
        return self

    def _learn_shape(self, axis: Axis, values: Array, block: Block) -> None:
        families = CHOICES if self.families is None else tuple(self.families)
        shape = Shape.fit(axis, values, block.weights, block.owners, families, self.by)
        cells = shape.cells(axis)
        self.views_.append(view_of(axis, cells))
        self.counts_.append(cells.chances())
        self.shapes_.append(shape)
        strange = shape.law is not None and shape.law.word not in families
        self.told_.append(shape.told(axis) + ("; none of the families asked for can be" if strange else ""))
