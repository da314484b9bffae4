"""References: every row that refers leads to a row that is there, whatever the number of either."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.proof.canonical import FIRST, Places, Tally, canonical_pieces
from simulacra.proof.codes import Coding
from simulacra.proof.keys import KeySet, Known
from simulacra.proof.lines import Line
from simulacra.proof.spill import MOST_SUSPECTS, Spill
from simulacra.schema.conformance import canonical_type
from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema, Table
from simulacra.tablefiles import TableFiles


@dataclass
class Lookup:
    """One reference of a table, and what its rows were found to lead to.

    Parameters
    ----------
    table : Table
        The table that refers.
    reference : Reference
        Its reference.
    key : KeySet
        The rows referred to, by `KeySet.known`.
    coding : Coding
        How its values are compared with those.
    """

    table: Table
    reference: Reference
    key: KeySet
    coding: Coding
    tally: Tally = field(default_factory=Tally)
    rows: int = 0
    _spill: Spill | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that refer."""
        return self.reference.columns

    @property
    def known(self) -> Known:
        """The values that rows are looked up in."""
        assert self.key.known is not None
        return self.key.known

    def take(self, frame: pl.DataFrame, start: int) -> None:
        """Look up the rows of a piece; those that lack a value refer to nothing."""
        codes, found = self.coding.rows(frame)
        there = np.ones(len(codes), dtype=bool) if found is None else found
        self.rows += len(codes)
        if self.known.spilled is None:
            self.tally.add(there & ~self.known.contains(codes), start)
            return
        if self._spill is None:
            self._spill = self.known.spilled.alike()
        self._spill.add(codes[there])

    def line(self, files: TableFiles, places: Places) -> Line:
        """Tell what was found, after the last piece."""
        if self._spill is not None and self.known.spilled is not None:
            self._join(files, self._spill, self.known.spilled)
        means = "values looked up" if self.coding.exact else "64-bit hashes looked up"
        return Line(
            self.table.name, self.columns, "reference", f"refers to a row of {self.reference.table}", self.rows,
            self.tally.count, places.find(self.tally.first), means,
        )  # fmt: skip

    def _join(self, files: TableFiles, mine: Spill, theirs: Spill) -> None:
        """Compare file by file, and read the rows again if some lead nowhere."""
        lost: list[Array] = []
        count = 0
        for codes, known in zip(mine.parts(), theirs.parts(), strict=True):
            orphans = codes[~Known(sorted=known).contains(codes)]
            count += len(orphans)
            if len(orphans) and sum(map(len, lost)) < MOST_SUSPECTS:
                lost.append(np.unique(orphans))
        if not count:
            return
        gone = Known(sorted=np.sort(np.concatenate(lost)))
        for frame, piece in canonical_pieces(files, self.table, self.columns):
            codes, there = self.coding.rows(frame)
            marks = gone.contains(codes) if there is None else gone.contains(codes) & there
            self.tally.add(marks, piece.start)
            if len(self.tally.first) >= FIRST:
                break
        self.tally.count = count


def needs_text(schema: Schema, table: Table, reference: Reference) -> bool:
    """Tell whether the two sides of a reference are of different types.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> people = Table("people", (Column("id", "key", integer=True),), ("id",))
    >>> pets = Table("pets", (Column("owner", "category"),), references=(Reference("owner", "people"),))
    >>> needs_text(Schema((people, pets)), pets, Reference("owner", "people", "id"))
    True
    """
    other = schema.table(reference.table)
    return any(
        canonical_type(table[here]) != canonical_type(other[there])
        for here, there in zip(reference.columns, reference.to, strict=True)
    )
