"""The contract that an encoding fulfils: one column kind to axes and back, losing nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, Support
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column


@dataclass(frozen=True)
class Limits:
    """What a condition on one column leaves of its axes.

    Parameters
    ----------
    supports : dict
        By axis name: what may be drawn. Every value that satisfies the condition lies within.
    exact : bool
        Whether every value within satisfies it.
    """

    supports: dict[str, Support] = field(default_factory=dict)
    exact: bool = False


class Encoding(ABC):
    """How the values of one column become arrays, and arrays become values again.

    ``decode(encode(x)) == x`` on real rows, missing ones included, for every encoding with `lossless` true. Text
    and keys are not lossless on purpose: their values are made anew and never copied.
    """

    lossless: ClassVar[bool] = True
    column: Column

    @classmethod
    @abstractmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """Learn the vocabulary of a column.

        Parameters
        ----------
        values : Series
            Canonical values (see `simulacra.schema.conformance`).
        column : Column
            What the schema says of it.
        holders : int
            k of the protection; written on the axes, and used here only by encodings that are not lossless.
        owners : array of int or None
            Whose row each is, from 0: these are the holders then, and not rows.
        """

    @classmethod
    def fit_beside(
        cls,
        values: pl.Series,
        column: Column,
        *,
        people: Mapping[str, str],
        holders: int = 1,
        owners: Array | None = None,
    ) -> Self:
        """Learn the vocabulary of a column that stands beside names of people.

        Parameters
        ----------
        values, column, holders, owners
            As for `fit`.
        people : mapping of str to str
            Names in the other columns, in small letters, with ``"first"`` or ``"last"``: they are not to be learnt.
        """
        return cls.fit(values, column, holders=holders, owners=owners)

    @property
    @abstractmethod
    def axes(self) -> tuple[Axis, ...]:
        """The axes of this column: none, one or several."""

    @abstractmethod
    def encode(self, values: pl.Series) -> tuple[Array, ...]:
        """Turn values into one array per axis. Values never seen before become the nearest ones, or missing."""

    @abstractmethod
    def decode(self, arrays: tuple[Array, ...], *, rng: np.random.Generator, start: int = 0) -> pl.Series:
        """Turn arrays into canonical values, all inside the column's bounds.

        Parameters
        ----------
        arrays : tuple of array
            One per axis; for a column without axes, one array whose length is the number of rows.
        rng : Generator
            For what is made anew (text).
        start : int
            Position of the first row in the whole sample: keys count on from it.
        """

    @abstractmethod
    def narrow(self, kept: dict[str, Array], limits: dict[str, tuple[float, float]]) -> Self:
        """Forget what protection withheld: codes that were merged, extremes that were coded away.

        The new encoding's `column` says only what may be released: its levels and bounds are the narrower ones.

        Parameters
        ----------
        kept : dict
            For each part of this column that lost codes, the old codes that stay, ascending; they are numbered
            anew from 0. Empty when none stayed: the column is then all missing.
        limits : dict
            For each real part, the smallest and largest value that stayed; NaN when no value stayed.
        """

    def candidates(self, literals: Sequence[Any] = ()) -> pl.Series | None:
        """List values that a draw can take, enough to tell whether a condition on this column can hold.

        Parameters
        ----------
        literals : sequence
            Values that the condition names; those inside the column's range are added.

        Returns
        -------
        Series or None
            Canonical values (null among them where it can be drawn); None when they can not be listed.
        """
        return None

    def restrict(self, term: Predicate, *, unknown: bool = False) -> Limits:
        """Work out what a condition on this column leaves of its axes.

        Parameters
        ----------
        term : Predicate
            Reads this column only.
        unknown : bool
            Whether a value for which the condition is UNKNOWN is allowed too.
        """
        return Limits()

    @abstractmethod
    def dump(self) -> dict[str, Any]:
        """Return the learnt state: nested dicts and lists of JSON values and NumPy arrays."""

    @classmethod
    @abstractmethod
    def restore(cls, state: dict[str, Any], column: Column) -> Self:
        """Make the encoding from what `dump` gave."""
