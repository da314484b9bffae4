"""Edge cases: rows at and beyond the limits of a contract, each flagged with what it tests and what it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from simulacra.edges._making import Maker
from simulacra.errors import OptionError, SchemaError
from simulacra.filing import write_path
from simulacra.randomness import Streams
from simulacra.schema.constraints import Combination, Constraint
from simulacra.schema.crossing import say_apart, set_apart
from simulacra.schema.types import Column, Table
from simulacra.schema.validation import require_valid
from simulacra.synthesizer import Synthesizer

FLAGS = ("case", "column", "breaks", "valid")


@dataclass(frozen=True, eq=False)
class EdgeCases:
    """Rows at and beyond the limits of a contract; what `make_edge_cases` returns.

    Parameters
    ----------
    frame : DataFrame
        The rows, with the columns ``_case`` (what it tests), ``_column``, ``_breaks`` (the rules that it breaks) and
        ``_valid``.
    table : Table
        What the columns of `frame` are.
    prefix : str
        What the names of the four columns start with.
    notes : tuple of str
        Cases that could not be made.
    """

    frame: pl.DataFrame
    table: Table
    prefix: str = "_"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return f"EdgeCases({len(self.valid):,} valid and {len(self.invalid):,} invalid rows)"

    @property
    def valid(self) -> pl.DataFrame:
        """The rows that keep the contract, without flags."""
        return self._bare(self.frame.filter(pl.col(f"{self.prefix}valid")))

    @property
    def invalid(self) -> pl.DataFrame:
        """The rows of which each, beside the valid ones, breaks the contract, without flags."""
        return self._bare(self.frame.filter(~pl.col(f"{self.prefix}valid")))

    def _bare(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.drop([f"{self.prefix}{flag}" for flag in FLAGS])

    def write(self, path: str | Path) -> Path:
        """Write all rows with their flags; the ending chooses the format.

        Raises
        ------
        FileError
            It can not be written; nothing is left half done.
        """
        write_path(self.frame, path, self.table)
        return Path(path)


def make_edges(
    contract: Table | Synthesizer,
    *,
    seed: int = 0,
    as_text: bool = False,
    into: pl.DataFrame | None = None,
    prefix: str = "_",
) -> EdgeCases:
    """Make rows at and beyond the limits of a contract, for testing software.

    Parameters
    ----------
    contract : Table or Synthesizer
        A contract, or a model of rows under one, from which typical rows are then drawn.
    seed : int
        The same seed gives the same rows.
    as_text : bool
        True: all columns are text, and what no value of a column's type can be (``NaN``, 29 February 2023, a
        fraction of a whole number, an hour that clocks skip) is among the cases. False: typed columns without these.
    into : DataFrame or None
        Canonical rows under the contract to put in front.
    prefix : str
        What the names of the four flags start with.

    Returns
    -------
    EdgeCases
        The rows marked as valid keep the contract together; each other row, beside them, breaks it, or a relation
        that the model keeps.

    Raises
    ------
    OptionError
        A flag has the name of a column.
    PredicateError
        The constraints leave no row.

    Notes
    -----
    Every row is a typical one but for what it tests. Limits of each column: smallest and largest value, a step beyond
    both, zero, negative, missing, the limits of 32 and 64 bits and of exact doubles; empty, 10,000 signs long, 4-byte,
    combining and right-to-left text, quotes, commas, new lines; unknown levels, other case, blanks; leap day, ends of
    a year, changes of clocks (within the bounds where there are any), far dates; a repeated key; every constraint
    broken. The flags are what validation finds, not what was meant. Rows of a model are also held against the
    relations that it keeps in every row: cells that no case is about give way, each relation is broken once on
    purpose, and a note lists them.

    **Cost**: a few hundred rows; a second or less for a contract, a draw for a model.

    **Privacy**: bounds and levels of the contract stand in the rows; a model's are those that it releases.

    Examples
    --------
    >>> table = Table("t", (Column("age", "number", integer=True, bounds=(18, 90)),))
    >>> made = make_edges(table)
    >>> made.frame.filter(pl.col("_case") == "just below the minimum").row(0)
    (17, 'just below the minimum', 'age', 'age: between 18 and 90', False)
    """
    apart: tuple[Constraint, ...] = ()
    if isinstance(contract, Table):
        contract, apart = set_apart(contract)
    table = contract.table if isinstance(contract, Synthesizer) else contract
    clash = next((flag for flag in FLAGS if f"{prefix}{flag}" in table.names), None)
    if clash is not None:
        raise OptionError(
            f"the contract has a column {prefix + clash!r} itself. Choose another prefix for the flags."
        )
    unfilled = next((r for r in table.constraints if isinstance(r, Combination) and r.allowed is None), None)
    if unfilled is not None:
        raise SchemaError(
            f"table {table.name!r}: the combinations of {', '.join(map(repr, unfilled.columns))} are learnt by a fit. "
            "Give a model that was fitted with them, or list them in `allowed`."
        )
    if into is not None:
        require_valid(into, table)
    streams = Streams(seed).at("edge cases")
    maker = Maker(table, contract, streams, as_text, into)
    frame, notes = maker.make()
    flags = tuple(Column(prefix + flag, "boolean" if flag == "valid" else "text") for flag in FLAGS)
    columns = tuple(Column(name, "text") for name in table.names) if as_text else table.columns
    said = [*notes, *(say_apart(rule, table.name) for rule in apart)]
    named = frame.rename({f" {flag}": prefix + flag for flag in FLAGS})
    return EdgeCases(named, Table(table.name, (*columns, *flags)), prefix, tuple(said))
