"""The contract that a metric fulfils, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

import polars as pl

from simulacra.randomness import Streams
from simulacra.schema.types import Table

Verdict = Literal["pass", "look", "fail", "info", "not computed"]


@dataclass(frozen=True, slots=True)
class Score:
    """One figure, beside the figure that real data get.

    Parameters
    ----------
    name : str
        ``family/file`` (``"fidelity/pairs"``), with ``/more`` where a metric gives several.
    value : float
        The figure for the synthetic data; NaN when it was not computed.
    interval : (float, float) or None
        95 % interval of `value`.
    baseline : float or None
        The same metric with held-out real data in place of the synthetic.
    verdict : str
        ``pass``, ``look``, ``fail``, ``info`` or ``not computed``.
    words : str
        One plain sentence: what the figure says, or why it was not computed.
    better : str
        ``"higher"`` or ``"lower"``.
    detail : DataFrame or None
        What the figure is made of (a row per column, pair, ...): aggregates only.
    private : DataFrame or None
        Evidence with real values or rows, for the owner of the data only.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    baseline: float | None = None
    verdict: Verdict = "info"
    words: str = ""
    better: Literal["higher", "lower"] = "lower"
    detail: pl.DataFrame | None = field(default=None, repr=False)
    private: pl.DataFrame | None = field(default=None, repr=False)


class Likelihood(Protocol):
    """Tells how likely the model that made the rows is to draw any row."""

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return log-probabilities in nats: a row per row, a column per column that the model learnt.

        Raises
        ------
        SimulacraError
            This model can not tell.
        """
        ...

    def refit(self, frame: pl.DataFrame, seed: int) -> Likelihood:
        """Learn the same kind of model, with the same settings, from other rows."""
        ...


@dataclass(frozen=True)
class Comparison:
    """What a metric looks at: real and synthetic rows under one schema.

    Parameters
    ----------
    table : Table
        The schema of all frames.
    train : DataFrame
        The rows that the generator learnt from, canonical values.
    synthetic : DataFrame
        The rows under test.
    holdout : DataFrame or None
        Real rows that the generator never saw: the ceiling and the privacy control.
    target : str or None
        The column to predict in the utility metrics.
    streams : Streams
        Where randomness comes from; ask by metric name.
    max_rows : int
        Costly metrics draw at most this many rows of each frame, seeded.
    likelihood : Likelihood or None
        That of the model that made the synthetic rows, where it is known.
    """

    table: Table
    train: pl.DataFrame
    synthetic: pl.DataFrame
    holdout: pl.DataFrame | None = None
    target: str | None = None
    streams: Streams = field(default_factory=lambda: Streams(0))
    max_rows: int = 50_000
    likelihood: Likelihood | None = None

    @property
    def reference(self) -> pl.DataFrame:
        """The rows that synthetic ones are held against: the holdout if there is one, else the training rows."""
        return self.train if self.holdout is None else self.holdout


class Metric(ABC):
    """One question about a comparison."""

    family: ClassVar[str]
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    @abstractmethod
    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; never raise for data that can not answer it, but give a score 'not computed'."""
