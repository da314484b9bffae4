"""A list of words with weights, drawn as codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Codes = npt.NDArray[Any]

_HALF = 2**32


@dataclass(frozen=True, eq=False)
class Words:
    """Different texts, each with its weight.

    Parameters
    ----------
    texts : tuple of str
        The texts; without repeats.
    weights : tuple of float or None
        How often each is drawn; None for equally often.
    whole : bool
        Whether these are all that there are; False for what a harvest found.

    Examples
    --------
    >>> words = Words(("a", "b"), (1.0, 0.0))
    >>> words.series.gather(words.draw(3, np.random.Generator(np.random.Philox(key=1)))).to_list()
    ['a', 'a', 'a']
    """

    texts: tuple[str, ...]
    weights: tuple[float, ...] | None = None
    whole: bool = True

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def series(self) -> pl.Series:
        """The texts."""
        return pl.Series(self.texts, dtype=pl.String)

    @cached_property
    def levels(self) -> pl.Series:
        """The texts as an Enum of themselves: gathering from it writes no text."""
        return self.series.cast(pl.Enum(self.texts))

    def draw(self, rows: int, rng: np.random.Generator) -> Codes:
        """Draw codes by the alias method (Walker 1977), or evenly: constant time a row, exact to 2**-32."""
        size = np.uint64(len(self.texts))
        if self.weights is None:
            # the product of 32 random bits and the size: no code is off by more than one part in 2**32 / size
            bits = rng.integers(_HALF, size=rows, dtype=np.uint32)
            return np.asarray((bits * size) >> np.uint64(32), dtype=np.uint32)
        bound, other = self._aliases
        bits = rng.integers(2**64, size=rows, dtype=np.uint64)
        code = (((bits >> np.uint64(32)) * size) >> np.uint64(32)).astype(np.uint32)
        coin = bits.astype(np.uint32)
        return np.where(coin < bound[code], code, other[code])

    @cached_property
    def _aliases(self) -> tuple[Codes, Codes]:
        """For every code: below which coin it stays, and what it becomes above."""
        weights = np.asarray(self.weights, dtype=np.float64)
        size = len(weights)
        share = (weights * (size / weights.sum())).tolist()
        other = list(range(size))
        poor = [code for code in range(size) if share[code] < 1.0]
        rich = [code for code in range(size) if share[code] >= 1.0]
        while poor and rich:
            low, high = poor.pop(), rich[-1]
            other[low] = high
            share[high] -= 1.0 - share[low]
            if share[high] < 1.0:
                poor.append(rich.pop())
        # what is left over is 1 but for rounding; its alias is itself
        for code in [*poor, *rich]:
            share[code] = 1.0
        bound = np.minimum(np.round(np.asarray(share) * _HALF), _HALF - 1).astype(np.uint32)
        return bound, np.asarray(other, dtype=np.uint32)


def make_words(texts: Iterable[str], weights: Sequence[float] | None = None) -> Words:
    """Make a list without repeats; the weights of equal texts are added.

    Examples
    --------
    >>> make_words(["a", "b", "a"]).weights
    (2.0, 1.0)
    """
    added: dict[str, float] = {}
    for place, text in enumerate(texts):
        weight = 1.0 if weights is None else float(weights[place])
        if weight > 0:
            added[text] = added.get(text, 0.0) + weight
    even = len(set(added.values())) <= 1
    return Words(tuple(added), None if even else tuple(added.values()))
