"""The verb `make_edge_cases`: a contract or a model in, rows at and beyond its limits out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from simulacra._api_schema import Contract, contract
from simulacra.dataset import dataset
from simulacra.edges.edge_cases import EdgeCases, make_edges
from simulacra.errors import SchemaError, SchemaViolation
from simulacra.filing import known_suffixes, table_name
from simulacra.modelfile import read_model, require_single
from simulacra.randomness import resolve_seed
from simulacra.schema.types import Schema, Table
from simulacra.synthesizer import Synthesizer, restore


def make_edge_cases(
    schema: Contract | Table | Synthesizer,
    *,
    table: str | None = None,
    seed: int = 0,
    as_text: bool = False,
    into: Any = None,
    prefix: str = "_",
) -> EdgeCases:
    """Make rows at and beyond the limits of a contract, flagged with what they test and break, for testing software.

    Parameters
    ----------
    schema : Schema, Table, mapping, path or Synthesizer
        A contract (or its file), or a fitted model (or its ``.sim`` file), from which typical values are then drawn.
    table : str or None
        The table, where the schema has several.
    seed : int
        The same seed gives the same rows.
    as_text : bool
        True: all columns are text, and what no value of a column's type can be (``NaN``, 29 February 2023, a fraction
        of a whole number, an hour that clocks skip) is among the cases. False: typed columns, without these.
    into : path, frame, Dataset or None
        Rows that keep the contract, to stand in front.
    prefix : str
        What the names of the four flags start with.

    Returns
    -------
    EdgeCases
        ``frame`` with the columns ``_case``, ``_column``, ``_breaks``, ``_valid``; and `valid`, `invalid`, `write`.
        The rows marked as valid keep the contract together; each other row, put beside them, breaks it
        (or a relation that the model keeps in every row).

    Raises
    ------
    SchemaError, PredicateError
        The contract leaves no row; or `schema` names a file of data.
    SchemaViolation
        `into` breaks the contract, or holds other columns.
    OptionError
        A flag has the name of a column.

    Notes
    -----
    See `simulacra.edges.edge_cases.make_edges` for the cases.

    **Cost**: a few hundred rows, some seconds for wide tables.

    **Privacy**: bounds and levels of the contract stand in the rows.

    Examples
    --------
    >>> import simulacra as sim
    >>> made = sim.make_edge_cases({"version": 1, "tables": {"t": {"columns": {"born": {"kind": "date"}}}}})
    >>> made.frame.filter(made.frame["_case"] == "leap day").row(0)
    (datetime.date(2024, 2, 29), 'leap day', 'born', None, True)
    """
    source = _source(schema, table)
    known = source.table if isinstance(source, Synthesizer) else source
    rows = None if into is None else _rows(into, known)
    return make_edges(source, seed=resolve_seed(seed), as_text=as_text, into=rows, prefix=prefix)


def _rows(into: Any, table: Table) -> pl.DataFrame:
    try:
        return dataset(into, schema=Schema((table,))).polars()
    except SchemaViolation as error:
        given = dataset(into).schema.tables[0]
        lacking = [name for name in table.names if name not in given.names]
        if not lacking:
            raise
        what = f"{str(into)!r}" if isinstance(into, (str, Path)) else "into"
        shown = ", ".join(map(repr, lacking[:8])) + (f" and {len(lacking) - 8} more" if lacking[8:] else "")
        raise SchemaViolation(
            f"{what} holds no rows of {table.name!r}: it lacks {shown}. Give rows that keep the contract."
        ) from error


def _source(schema: Contract | Table | Synthesizer, table: str | None) -> Table | Synthesizer:
    if isinstance(schema, (Synthesizer, Table)):
        return schema
    if not isinstance(schema, Schema):
        require_single(schema)
    if isinstance(schema, (str, Path)) and str(schema).lower().endswith(".sim"):
        return restore(read_model(Path(schema)))
    if isinstance(schema, (str, Path)):
        _require_contract(Path(schema))
    read = contract(schema, None)
    assert read is not None
    only = read.table(table)
    # cases are of one table: what its references lead to is not there
    return read.select([only.name]).table() if only.references else only


def _require_contract(path: Path) -> None:
    """Refuse data where a contract should be."""
    data = path.is_dir() or path.name.lower().endswith(tuple(known_suffixes().keys() - {".json"}))
    if data and path.exists():
        raise SchemaError(
            f"{str(path)!r} is data, and edge cases are made of a schema or a model. Make the schema with: "
            f"simulacra inspect {path} -o {table_name(path)}.schema.yaml"
        )
