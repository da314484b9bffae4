"""The contract that a metric of several tables fulfils, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import polars as pl

from simulacra.metric import Remembering, Score
from simulacra.randomness import Streams
from simulacra.schema.types import Schema

Side = Literal["synthetic", "reference", "train"]


@dataclass(frozen=True)
class DatabaseComparison(Remembering):
    """What a metric of several tables looks at: real and synthetic databases under one schema.

    Parameters
    ----------
    schema : Schema
        The tables with keys and references.
    train : mapping
        The rows that the generator learnt from, canonical values, by table.
    synthetic : mapping
        The rows under test.
    holdout : mapping or None
        Real entities that the generator never saw, with all that belongs to them; see
        `simulacra.splitting.split_database`.
    streams : Streams
        Where randomness comes from; ask by metric name.
    max_rows : int
        Costly metrics draw at most this many rows of each table, seeded.
    """

    schema: Schema
    train: Mapping[str, pl.DataFrame]
    synthetic: Mapping[str, pl.DataFrame]
    holdout: Mapping[str, pl.DataFrame] | None = None
    streams: Streams = field(default_factory=lambda: Streams(0))
    max_rows: int = 20_000

    @property
    def reference(self) -> Mapping[str, pl.DataFrame]:
        """What synthetic rows are held against: the holdout if there is one, else the training rows."""
        return self.train if self.holdout is None else self.holdout

    def side(self, which: Side) -> Mapping[str, pl.DataFrame]:
        """Return the tables of one side."""
        return {"synthetic": self.synthetic, "reference": self.reference, "train": self.train}[which]


class DatabaseMetric(ABC):
    """One question about two databases.

    `title` names its first score where that was not computed.
    """

    family: ClassVar[str] = "relational"
    title: ClassVar[str] = ""
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    @abstractmethod
    def score(self, case: DatabaseComparison) -> Sequence[Score]:
        """Answer the question; never raise for data that can not answer it, but give a score 'not computed'."""
