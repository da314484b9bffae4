"""The contract that a model fulfils."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from simulacra.domain import Block
from simulacra.randomness import Streams

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and a word for the present step."""


def silent(share: float, step: str) -> None:
    """Report progress to nobody."""


@dataclass(kw_only=True)
class Generator(ABC):
    """A model of the rows of one block.

    A generator is a keyword-only dataclass. Its fields are its hyperparameters; what `fit` learns is kept in
    attributes whose names end in ``_``. `fit` may be called again and forgets what it learnt before.

    Every generator works with any number of rows from one, with constant axes, with axes of one code, with real
    axes that are all NaN, and with no axis at all; `sample(0)` gives an empty block of the same domain. What it
    gives back lies in the domain: codes below `size`, whole numbers on a lattice, NaN only where `missing`.
    """

    stores_rows: ClassVar[bool] = False
    """True if the fitted state holds training rows (bootstrap, noise): saving such a model must be allowed."""

    relates: ClassVar[bool] = True
    """False for a model that takes every column by itself: exact relations between columns are then not kept."""

    @abstractmethod
    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row.

        Parameters
        ----------
        block : Block
            The training rows.
        context : Block or None
            More columns of the same rows, known beforehand when sampling.
        rng : Streams
            Where randomness comes from; ask for streams by name.
        progress : callable
            Told the share done, 0 to 1.
        """

    @abstractmethod
    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows. The same `n`, `context` and `rng` give the same rows."""

    @abstractmethod
    def dump(self) -> dict[str, Any]:
        """Return the fitted state: nested dicts and lists of JSON values and NumPy arrays, nothing else."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave, on a new object with the same hyperparameters."""

    def options(self) -> dict[str, Any]:
        """Return the hyperparameters by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.name.endswith("_")}
