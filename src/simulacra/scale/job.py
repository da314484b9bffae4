"""What is to be drawn, cut into units of which each can be drawn alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from simulacra.schema.types import Schema


@dataclass(frozen=True)
class Group:
    """Tables whose rows are drawn together.

    Parameters
    ----------
    name : str
        Any name; that of the table where there is one.
    tables : tuple of str
        Their names.
    units : int
        Into how many units their rows are cut; at least one.
    rows : int or None
        Rows of the first table, all units together, where that is known before they are drawn.

    Examples
    --------
    >>> Group("people", ("people",), 2, 70_000).tables
    ('people',)
    """

    name: str
    tables: tuple[str, ...]
    units: int
    rows: int | None = None


class Job(Protocol):
    """What is to be drawn.

    A job is sent to other processes and machines, so it holds plain content and opens it when it is first asked. It may
    also have ``origin``, a mapping of JSON values that says what made the rows, and ``sequential``, which is true where
    units can only be drawn one after the other.
    """

    @property
    def schema(self) -> Schema:
        """The tables."""
        ...

    @property
    def identity(self) -> str:
        """Hex digest of everything that decides the values: content, request, seed, versions."""
        ...

    @property
    def groups(self) -> tuple[Group, ...]:
        """Which tables are drawn together; every table of the schema is in one group."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be told of the rows."""
        ...

    def draw(self, group: str, unit: int) -> Mapping[str, pl.DataFrame]:
        """Draw one unit: a function of its arguments alone, safe to call from several threads.

        Parameters
        ----------
        group : str
            Name of a group.
        unit : int
            Number of the unit, from 0.

        Returns
        -------
        mapping of str to DataFrame
            Canonical values of each table of the group; a category with levels may be an Enum.
        """
        ...


def origin_of(job: Job) -> dict[str, Any]:
    """Return what a job says of where its rows come from.

    Examples
    --------
    >>> origin_of(object())
    {}
    """
    return dict(getattr(job, "origin", {}))


def is_sequential(job: Job) -> bool:
    """Tell whether the units of a job can only be drawn one after the other.

    Examples
    --------
    >>> is_sequential(object())
    False
    """
    return bool(getattr(job, "sequential", False))
