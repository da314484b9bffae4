"""The contract of what makes one kind of fake."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from simulacra.fakes._numbers import Numbers


@dataclass(frozen=True)
class Maker(ABC):
    """Writes the numbers below a size as fakes, one to one.

    A style says how values are written: a template of fields for names, a shape for numbers. It is found in real
    values and holds none of them.

    Parameters
    ----------
    kind : str
        What a column identifies, as in `Column.identifying`.
    locale : str
        One of `simulacra.fakes.vocabulary.LOCALES`.
    """

    kinds: ClassVar[tuple[str, ...]] = ()
    kind: str
    locale: str

    @property
    @abstractmethod
    def default(self) -> str:
        """The style to write in when none was learnt."""

    @abstractmethod
    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Find the style of every text; null where it has none of this kind."""

    @abstractmethod
    def room(self, style: str) -> tuple[int, int]:
        """Count the fakes of a style: the plain ones, and with those that are only made when these run out."""

    @abstractmethod
    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Write numbers below the second figure of `room`."""
