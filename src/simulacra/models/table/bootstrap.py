"""Training rows drawn again with replacement: a perfect likeness, and no privacy.

It keeps whatever the training rows hold, and nothing else: each row that it draws is a training row, so it is **not
private**. It is the yardstick for all others: what a metric says of it is what a copy gets. With `smooth` numbers are
moved a little (the smoothed bootstrap), which makes new rows and hides nobody. Fitting costs nothing, drawing one look
per row. Conditions are met by drawing until enough rows satisfy them.

Source: Efron 1979, "Bootstrap methods: another look at the jackknife", section 2; Silverman and Young 1987, "The
bootstrap: to smooth or not to smooth?", section 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from simulacra.domain import Block
from simulacra.errors import OptionError
from simulacra.generator import Progress, silent
from simulacra.models.table._rows import Keeper
from simulacra.randomness import Streams


@dataclass(kw_only=True)
class Bootstrap(Keeper):
    """Rows drawn with replacement, in proportion to their weights.

    Parameters
    ----------
    smooth : float
        Standard deviation of a normal number that is added to each number, as a share of the column's robust spread;
        0 gives rows out as they are. Spikes and gaps stay, and numbers on a lattice stay on it.

    Notes
    -----
    With a context, a row is drawn among those of the same context, or of the nearest ones.

    **Cost.** Memory for the rows.

    **Privacy.** None: the state holds the training rows, and they are given out.

    **Source.** Efron 1979, section 2; Silverman and Young 1987, section 1.

    Examples
    --------
    >>> from simulacra.domain import Axis, Domain
    >>> block = Block(Domain((Axis("a", "a"), Axis("b", "b"))), (np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    >>> fake = Bootstrap().fit(block, rng=Streams(1)).sample(50, rng=Streams(2))
    >>> sorted(set(zip(*(column.tolist() for column in fake.columns))))
    [(1.0, 3.0), (2.0, 4.0)]
    """

    stores_rows: ClassVar[bool] = True
    smooth: float = 0.0

    def __post_init__(self) -> None:
        if (
            isinstance(self.smooth, bool)
            or not isinstance(self.smooth, (int, float))
            or not 0 <= self.smooth < np.inf
        ):
            raise OptionError(f"model 'bootstrap': smooth is a number from 0, not {self.smooth!r}.")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        self._keep(block, context, rng)
        progress(1.0, "rows kept")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        rows = self._pick(n, context, rng)
        columns = []
        for axis, values, spread in zip(self.rows_.domain.axes, self.rows_.columns, self.spreads_):
            drawn = values[rows]
            if self.smooth and spread is not None:
                stream = rng.stream("smooth", axis.name)
                drawn = spread.move(drawn, self.smooth * spread.scale * stream.standard_normal(n), stream)
            columns.append(drawn)
        return Block(self.rows_.domain, tuple(columns), rows=n)
