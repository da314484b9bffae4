"""The contract of a field: a named vocabulary of which a column is drawn, or numbered without repeats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl


class Parts(Protocol):
    """What a drawn name is made of, so that an e-mail address need not take the text apart."""

    def text(self, what: str) -> pl.Series:
        """Return ``"first"`` or ``"last"``, or ``"slug.first"`` or ``"slug.last"`` in letters a to z, for each row."""
        ...


@dataclass(frozen=True)
class Drawn:
    """The values of a field, and what they were made of.

    Parameters
    ----------
    values : Series
        One for each row; an Enum where the field has few different values.
    parts : Parts or None
        The parts of names. Who changes values (makes some missing, say) passes the Series on, without the parts.
    """

    values: pl.Series
    parts: Parts | None = None


Given = Mapping[str, str | pl.Series | Drawn | None]
"""Inputs of a field by name: a constant, a column of the same rows, or what another field drew for them."""


@dataclass(frozen=True)
class Field(ABC):
    """A named vocabulary.

    Parameters
    ----------
    name : str
        Its public name, such as ``"person.first"``.
    summary : str
        One line for people.
    inputs : tuple of str
        What may be given: ``locale``, ``country``, ``sex``, ``name``, ``first``, ``last``, ...
    kind : str
        The kind of column that it gives, as in `simulacra.schema.types.Column`.
    identifying : str or None
        What `Column.identifying` says of it.
    integer : bool
        Whether a number is a whole one.
    decimals : int or None
        Digits after the point of a number.
    """

    name: str
    summary: str
    inputs: tuple[str, ...] = ("locale", "country")
    kind: str = "text"
    identifying: str | None = None
    integer: bool = False
    decimals: int | None = None

    @abstractmethod
    def draw(self, rows: int, rng: np.random.Generator, given: Given | None = None) -> Drawn:
        """Draw independent values.

        Parameters
        ----------
        rows : int
            How many.
        rng : Generator
            The stream that decides them.
        given : mapping or None
            Inputs; those that the field has no use for are passed over.
        """

    @abstractmethod
    def room(self, given: Given | None = None) -> int | None:
        """Count the different values; None where the field can not be numbered."""

    @abstractmethod
    def number(
        self, places: npt.NDArray[Any], rng: np.random.Generator, given: Given | None = None
    ) -> pl.Series:
        """Give every place of a table a value of its own.

        Parameters
        ----------
        places : array of int
            Places of rows in the whole table, from 0 and below `room`; any rows in any order.
        rng : Generator
            The same stream, at its start, for all rows of the column: it decides the order, once.
        given : mapping or None
            Inputs; the columns among them have a value for each place.
        """

    @abstractmethod
    def levels(self, given: Given | None = None) -> tuple[str, ...] | None:
        """List all values in the order of the codes that `draw` gives; None where they are not few."""
