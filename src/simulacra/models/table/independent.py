"""Every column by itself: right shapes and no relation between columns; the floor for other models.

It learns each column's distribution and nothing else. Fitting and drawing are linear in rows and in columns.
Conditions are exact: what is allowed of a column is drawn from its own distribution, cut to that.

Source: the product of the margins, the usual baseline of the field (for instance Ping, Stoyanovich and Howe
2017,
"DataSynthesizer: privacy-preserving synthetic datasets", independent attribute mode).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Block
from simulacra.errors import OptionError
from simulacra.generator import Progress, silent
from simulacra.models.table._product import Product
from simulacra.models.table._views import View
from simulacra.randomness import Streams


@dataclass(kw_only=True)
class Independent(Product):
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
    >>> from simulacra.domain import Axis, Domain
    >>> block = Block(Domain((Axis("a", "a", size=3),)), (np.array([0, 2, 2], np.uint8),))
    >>> fake = Independent().fit(block, rng=Streams(1)).sample(50, rng=Streams(2))
    >>> sorted(set(fake.columns[0].tolist()))
    [0, 2]
    """

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
            view = View.fit(axis, values, max_codes=self.max_codes, owners=block.owners)
            self.views_.append(view)
            self.counts_.append(np.bincount(view.encode(values), block.weights, minlength=view.size))
            progress(place / len(block.domain), f"column {place} of {len(block.domain)}")
        return self

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return self._dump_views()

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self._restore_views(state)
        return self
