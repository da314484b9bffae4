"""Every column by itself: right shapes and no relation between columns; the floor for other models.

It learns each column's distribution and nothing else. Fitting and drawing are linear in rows and in columns.

Source: the product of the margins, the usual baseline of the field (for instance Ping, Stoyanovich and Howe
2017,
"DataSynthesizer: privacy-preserving synthetic datasets", independent attribute mode).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from simulacra.domain import Block, Domain
from simulacra.errors import NotFitted, OptionError
from simulacra.generator import Generator, Progress, silent
from simulacra.models.table._views import View
from simulacra.randomness import Streams


@dataclass(kw_only=True)
class Independent(Generator):
    """Product of the columns' own distributions.

    Parameters
    ----------
    max_codes : int
        Bins of a real axis at most.

    Notes
    -----
    A context has no influence on what is drawn: that is what independence means.

    **Cost.** One sort per column.

    **Privacy.** The state holds a histogram per column. There is no formal guarantee.

    **Source.** Ping, Stoyanovich and Howe 2017.

    Examples
    --------
    >>> from simulacra.domain import Axis
    >>> block = Block(Domain((Axis("a", "a", size=3),)), (np.array([0, 2, 2], np.uint8),))
    >>> fake = Independent().fit(block, rng=Streams(1)).sample(50, rng=Streams(2))
    >>> sorted(set(fake.columns[0].tolist()))
    [0, 2]
    """

    relates: ClassVar[bool] = False
    max_codes: int = 4096

    def __post_init__(self) -> None:
        if not isinstance(self.max_codes, int) or self.max_codes < 2:
            raise OptionError(
                f"model 'independent': max_codes is a whole number from 2, not {self.max_codes!r}."
            )

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        self.domain_ = block.domain
        self.views_ = []
        self.counts_ = []
        for place, (axis, values) in enumerate(zip(block.domain.axes, block.columns), 1):
            view = View.fit(axis, values, max_codes=self.max_codes)
            self.views_.append(view)
            self.counts_.append(np.bincount(view.encode(values), block.weights, minlength=view.size))
            progress(place / len(block.domain), f"column {place} of {len(block.domain)}")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        if not hasattr(self, "views_"):
            raise NotFitted("this 'independent' model has learnt nothing yet. Call fit first.")
        columns = []
        for view, counts in zip(self.views_, self.counts_):
            total = np.cumsum(counts)
            uniform = rng.stream("draw", view.axis.name).random(n)
            codes = np.searchsorted(total, uniform * total[-1], side="right")
            columns.append(view.decode(codes, rng.stream("value", view.axis.name)))
        return Block(self.domain_, tuple(columns), rows=n)

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return {
            "domain": self.domain_.dump(),
            "views": [view.dump() for view in self.views_],
            "counts": self.counts_,
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self.domain_ = Domain.restore(state["domain"])
        self.views_ = [View.restore(item) for item in state["views"]]
        self.counts_ = list(state["counts"])
        return self
