"""The contract of where parts go: begun, filled part by part from anywhere, finished."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl

from simulacra.scale.manifest import Manifest, Record, Units
from simulacra.scale.plan import Part, Plan
from simulacra.schema.types import Schema

IfExists = Literal["resume", "replace", "error"]


class Target(ABC):
    """Where parts go; it is sent to other processes and machines.

    Parameters
    ----------
    schema : Schema
        The tables.
    place : str
        What people call it, without a password.
    """

    shared = True
    """Whether other processes can put parts there."""

    def __init__(self, schema: Schema, place: str) -> None:
        self.schema, self.place = schema, place

    @abstractmethod
    def begin(self, plan: Plan, if_exists: IfExists, *, check: bool) -> tuple[Plan, list[Record]]:
        """Make it ready, and look what is there.

        Parameters
        ----------
        plan : Plan
            How a new run would be cut.
        if_exists : {"resume", "replace", "error"}
            What to do with what is there: go on if it is of the same job, take it away, or refuse.
        check : bool
            Whether to read what is there, and make again what was changed.

        Returns
        -------
        plan : Plan
            That of the run that goes on, or the new one, which is kept there now.
        records : list of Record
            The parts that are finished.

        Raises
        ------
        FileError
            Something else is there.
        """

    @abstractmethod
    def save(
        self, plan: Plan, part: Part, frames: Mapping[str, Sequence[pl.DataFrame]], units: Mapping[str, Units]
    ) -> Record:
        """Put a part there, whole or not at all, and then its record; asked from any process.

        Parameters
        ----------
        plan : Plan
            The plan.
        part : Part
            The part.
        frames : mapping of str to sequence of DataFrame
            The units of each table.
        units : mapping of str to Units
            What is known of them.

        Returns
        -------
        Record
            What was put there.
        """

    @abstractmethod
    def finish(self, manifest: Manifest) -> Manifest:
        """Put the manifest there, and take away what it makes needless; return it with what there is to tell."""
