"""The contract that a metric fulfils, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import polars as pl

from simulacra.randomness import Streams
from simulacra.schema.types import Table

Verdict = Literal["pass", "look", "fail", "info", "not computed"]
Made = TypeVar("Made")


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
    title : str
        A short name in plain words, with the unit or scale in brackets.
    asked : bool
        False where it was not computed because the user gave nothing to ask about: no groups, no queries, no target.
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
    title: str = ""
    asked: bool = True


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


class Maker(Protocol):
    """Makes synthetic rows from any real rows, in the way in which those under test were made."""

    def seconds(self, rows: int) -> float:
        """Estimate how long `make` takes to learn from this many rows, in seconds."""
        ...

    def make(self, frame: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
        """Learn from a frame and draw rows, canonical values under the comparison's table."""
        ...


Task = Callable[[pl.DataFrame], "float | Mapping[str, float]"]
"""A user's own analysis: rows in, one figure or several figures by name out."""


@dataclass(frozen=True)
class Remembering:
    """A comparison that keeps what several metrics need of it."""

    _made: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def remember(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made under a key, and make it the first time.

        For what several metrics need and what takes time (features, trained models); it must depend on this
        comparison and the key alone, so that a metric gives the same figures alone and among others.

        Parameters
        ----------
        key : hashable
            Starts with the name of the helper that makes it.
        make : callable
            Makes it.
        """
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made


@dataclass(frozen=True)
class Comparison(Remembering):
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
    targets : tuple of str
        The columns that people will predict, the chief one first.
    streams : Streams
        Where randomness comes from; ask by metric name.
    max_rows : int
        Costly metrics draw at most this many rows of each frame, seeded.
    likelihood : Likelihood or None
        That of the model that made the synthetic rows, where it is known.
    groups : tuple of str
        The columns that say to which group a person belongs, for fairness.
    sensitive : tuple of str
        The columns that nobody may learn about a person; they become sensitive columns of the table.
    quasi_identifiers : tuple of str
        The columns that others may know about a person.
    queries : mapping
        The user's own questions in SQL, by name.
    task : callable or None
        The user's own analysis of a frame.
    maker : Maker or None
        Makes rows anew from other real rows, for attacks by shadow models.
    shadows : int
        How many shadow models the user allows; 0 for none.
    review : DataFrame or None
        What an expert said in a blind test: ``record``, ``real`` (what it is), ``marked`` (as real or not; null where
        left open) and ``reason``.
    entities : mapping
        Where rows belong together: the entity of each row of ``train`` and of ``holdout``, as numbers. Empty where
        every row stands for itself.
    """

    table: Table
    train: pl.DataFrame
    synthetic: pl.DataFrame
    holdout: pl.DataFrame | None = None
    targets: tuple[str, ...] = ()
    streams: Streams = field(default_factory=lambda: Streams(0))
    max_rows: int = 50_000
    likelihood: Likelihood | None = None
    groups: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    quasi_identifiers: tuple[str, ...] = ()
    queries: Mapping[str, str] = field(default_factory=dict)
    task: Task | None = None
    maker: Maker | None = None
    shadows: int = 0
    review: pl.DataFrame | None = None
    entities: Mapping[str, pl.Series] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # metrics and pictures ask the column whether its values may be shown
        if any(column.name in self.sensitive and not column.sensitive for column in self.table.columns):
            marked = (
                replace(c, sensitive=c.sensitive or c.name in self.sensitive) for c in self.table.columns
            )
            object.__setattr__(self, "table", replace(self.table, columns=tuple(marked)))

    @property
    def target(self) -> str | None:
        """The chief column to predict, if one was named."""
        return self.targets[0] if self.targets else None

    @property
    def reference(self) -> pl.DataFrame:
        """The rows that synthetic ones are held against: the holdout if there is one, else the training rows."""
        return self.train if self.holdout is None else self.holdout


class Metric(ABC):
    """One question about a comparison.

    `title` names its first score where that was not computed.
    """

    family: ClassVar[str]
    title: ClassVar[str] = ""
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    @abstractmethod
    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; never raise for data that can not answer it, but give a score 'not computed'."""
