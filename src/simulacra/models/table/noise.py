"""Training rows with noise: numbers are moved, categories randomised (PRAM) or swapped.

The classic of disclosure control: each drawn row is a training row, of which numbers have noise added and categories
are now and then replaced (post randomisation, PRAM) or swapped between rows. Margins of categories are kept; relations
fade with the noise. It is **not private**: with the noise that keeps rows useful, most can be linked to the person that
they are of, and rows stay exact where no cell was touched. Spikes (a number that very many rows hold) and gaps stay as
they are. Fitting sorts each column, drawing is linear in rows and columns.

Source: Kim 1986, "A method for limiting disclosure in microdata based on random noise and transformation", section 2
(noise addition); Gouweleeuw, Kooiman, Willenborg and de Wolf 1998, "Post randomisation for statistical disclosure
control: theory and implementation", section 4 (invariant PRAM); Dalenius and Reiss 1982, "Data-swapping: a technique
for disclosure control", section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, Block
from simulacra.errors import OptionError, unknown
from simulacra.exhibit import Exhibit
from simulacra.generator import Progress, silent
from simulacra.models.table._codes import draw_codes
from simulacra.models.table._rows import Keeper
from simulacra.randomness import Streams

KINDS = ("gaussian", "laplace")


@dataclass(kw_only=True)
class Noise(Keeper):
    """Noise addition, post randomisation and swapping.

    Parameters
    ----------
    kind : str
        The noise of numbers: ``gaussian`` or ``laplace``.
    scale : float
        Its standard deviation, as a share of the column's robust spread (the interquartile range over 1.349).
    pram : float
        Chance that a category is drawn anew from the column's own distribution: the transition matrix is
        ``(1 - pram) I + pram 1 p'``, which leaves the shares p as they are.
    swap : float
        Share of the rows of which each category is swapped with that of another such row.

    Notes
    -----
    With a context, a row is taken among those of the same context, or of the nearest ones.

    **Cost.** One sort per column; memory for the rows.

    **Privacy.** None that can be promised: the state holds the training rows, and what is drawn lies near to them.

    **Source.** Kim 1986, section 2; Gouweleeuw et al. 1998, section 4; Dalenius and Reiss 1982, section 2.

    Examples
    --------
    >>> from simulacra.domain import Axis, Domain
    >>> block = Block(Domain((Axis("a", "a", lattice=True),)), (np.arange(100.0),))
    >>> fake = Noise(scale=0.1).fit(block, rng=Streams(1)).sample(100, rng=Streams(2)).columns[0]
    >>> bool((fake == np.rint(fake)).all()), bool(0 <= fake.min() and fake.max() <= 99)
    (True, True)
    """

    stores_rows: ClassVar[bool] = True
    kind: str = "gaussian"
    scale: float = 0.1
    pram: float = 0.1
    swap: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OptionError(str(unknown("kind of noise", str(self.kind), list(KINDS))))
        for name, most in (("scale", np.inf), ("pram", 1), ("swap", 1)):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not 0 <= value <= most or value == np.inf:
                wanted = "from 0" if most == np.inf else "from 0 to 1"
                raise OptionError(f"model 'noise': {name} is a number {wanted}, not {value!r}.")

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
        for place, (axis, values) in enumerate(zip(self.rows_.domain.axes, self.rows_.columns)):
            stream, spread = rng.stream("noise", axis.name), self.spreads_[place]
            drawn = values[rows]
            if spread is not None:
                drawn = spread.move(drawn, spread.scale * self._noise(n, stream), stream)
            else:
                drawn = self._randomise(place, self._exchange(drawn, stream), stream)
            columns.append(drawn)
        return Block(self.rows_.domain, tuple(columns), rows=n)

    def transition(self, name: str) -> Array:
        """Return the chance of each level of an axis to become each other one, shape (levels, levels).

        Parameters
        ----------
        name : str
            An axis of codes.

        Returns
        -------
        array
            Rows sum to 1. The shares of the levels times it are the shares again: that is what invariant means.
        """
        share = self._share(self.rows_.domain.names.index(name))
        return (1 - self.pram) * np.eye(len(share)) + self.pram * share

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Tell what was done to which column; see `Exhibiting.exhibits`."""
        axes = self.rows_.domain.axes
        told = [self._tell(place, axis) for place, axis in enumerate(axes)]
        detail = pl.DataFrame(
            {
                "column": [axis.name for axis in axes],
                "what": [a for a, _ in told],
                "how much": [b for _, b in told],
            },
            schema={"column": pl.String, "what": pl.String, "how much": pl.Float64},
        )
        text = (
            "Rows are training rows with this noise. Of numbers: its standard deviation, in the column's own unit. "
            "Of categories: the share of values that become others."
        )
        return (Exhibit("Noise", text, detail),)

    def _tell(self, place: int, axis: Axis) -> tuple[str, float]:
        spread = self.spreads_[place]
        if spread is not None:
            return f"{self.kind} noise", float(f"{self.scale * spread.scale * axis.unit:.3g}")
        differ = 1 - float((self._share(place) ** 2).sum())
        return "PRAM and swaps" if self.swap else "PRAM", round(
            (self.pram + self.swap * (1 - self.pram)) * differ, 4
        )

    def _share(self, place: int) -> Array:
        """Return the shares of the levels of an axis."""
        size = self.rows_.domain.axes[place].size
        return (
            np.bincount(self.rows_.columns[place], self._weights, minlength=size or 0) / self._weights.sum()
        )

    def _noise(self, n: int, stream: np.random.Generator) -> Array:
        if self.kind == "gaussian":
            return self.scale * stream.standard_normal(n)
        return stream.laplace(0.0, self.scale / np.sqrt(2), n)

    def _exchange(self, codes: Array, stream: np.random.Generator) -> Array:
        """Swap the codes of some rows among them."""
        some = np.flatnonzero(stream.random(len(codes)) < self.swap)
        codes[some] = codes[stream.permutation(some)]
        return codes

    def _randomise(self, place: int, codes: Array, stream: np.random.Generator) -> Array:
        """Draw some codes anew from the column's own distribution."""
        some = np.flatnonzero(stream.random(len(codes)) < self.pram)
        codes[some] = draw_codes(self._share(place), stream.random(len(some)))
        return codes
