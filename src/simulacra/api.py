"""The verbs: read, infer, split, estimate, fit, load, evaluate, review, write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from simulacra._api_estimation import estimate as estimate
from simulacra._api_evaluation import evaluate as evaluate
from simulacra._api_fitting import fit as fit
from simulacra._api_fitting import load as load
from simulacra._api_ranking import compare as compare
from simulacra._api_review import review as review
from simulacra._api_schema import Contract, contract, refresh
from simulacra.databases.deposit import Deposit
from simulacra.dataset import Dataset, dataset
from simulacra.schema.inference import infer_schema
from simulacra.schema.types import Schema


def read(
    data: Any,
    *,
    schema: Contract | None = None,
    name: str | None = None,
    extra: Literal["error", "drop"] = "error",
    unreadable: Literal["error", "null"] = "error",
    tables: Sequence[str] | None = None,
    rows: int | None = None,
) -> Dataset:
    """Read a data set and say what its columns are.

    Parameters
    ----------
    data : path, URL, frame or mapping
        A data file (.csv, .parquet, .arrow, .jsonl, .xlsx; compressed text too), a folder of them, a database
        (``postgresql://user@host/name``, ``mysql://``, ``sqlite:///shop.db``, ``duckdb:///shop.duckdb``, or the path of
        a database file), a pandas, Polars or Arrow frame, or a mapping of table names to frames.
    schema : Schema, mapping, path or None
        The contract, or the file it is in. When None: what a database declares, the ``schema.yaml`` of a folder, or
        else inferred.
    name : str or None
        A name for the only table.
    extra : {"error", "drop"}
        What to do with columns that the schema does not name.
    unreadable : {"error", "null"}
        What to do with values that can not be read as their column's kind; nulls are counted in the notes.
    tables : sequence of str or None
        Which tables of a database; all when None.
    rows : int or None
        Read about so many rows of each table of a database at most: some entities with all that belongs to them, and
        what they refer to.

    Returns
    -------
    Dataset
        The values under their schema.

    Raises
    ------
    FileError
        The path can not be read.
    DataError
        Its contents can not be understood.
    SchemaViolation
        The values do not fit the schema given.

    Notes
    -----
    **Cost**: linear; the data are held in memory.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> sim.read(pl.DataFrame({"age": [31, 45]}))
    Dataset(table: 2 rows x 1 columns)
    """
    return dataset(
        data, schema=contract(schema, data, tables=tables, rows=rows), name=name, extra=extra,
        unreadable=unreadable, tables=tables, rows=rows,
    )  # fmt: skip


def infer(data: Any) -> Schema:
    """Guess the schema of data; `schema.reasons` says why each column was guessed so.

    Parameters
    ----------
    data : path, frame, mapping or Dataset
        As for `read`.

    Returns
    -------
    Schema
        To look at, correct with `with_column` and `with_constraint`, and give to `fit`.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> sim.infer(pl.DataFrame({"price": [1.25, 3.5]})).table()["price"].decimals
    2
    """
    given = dataset(data)
    if not isinstance(data, Dataset):
        return given.schema
    again = infer_schema(given.frames, dict.fromkeys(given.frames, True))
    tables = tuple(refresh(table, again.table(table.name)) for table in given.schema.tables)
    return Schema(tables, {**given.schema.reasons, **again.reasons})


def split(
    data: Any, holdout: float = 0.2, *, entity: str | None = None, seed: int | None = None
) -> tuple[Dataset, Dataset]:
    """Part rows at random into a training part and a holdout that the generator never sees.

    Parameters
    ----------
    data : path, frame, mapping or Dataset
        One table, or several: of these entities are parted, with all that belongs to them.
    holdout : float
        Share of rows, or of entities, in the second part.
    entity : str or None
        The column of a log that says whose event each row is: entities are parted then, each with all its rows.
    seed : int or None
        The same seed gives the same parts.

    Returns
    -------
    (Dataset, Dataset)
        Training part and holdout.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> train, holdout = sim.split(pl.DataFrame({"a": range(10)}), seed=1)
    >>> len(train), len(holdout)
    (8, 2)
    """
    return dataset(data).split(holdout, entity=entity, seed=seed)


def write(data: Any, path: str | Path, **options: Any) -> Path | Deposit:
    """Write a data set to a file, a folder, a database or a dump; nothing is left half done.

    Parameters
    ----------
    data : Dataset or frame
        What to write.
    path : str or Path
        The ending chooses the format; a URL names a database.
    **options
        ``format``, ``if_exists`` and ``dialect``, as for `Dataset.write`.

    Returns
    -------
    Path or Deposit
        What was written.

    Examples
    --------
    >>> import polars as pl, simulacra as sim, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sim.write(pl.DataFrame({"a": [1]}), pathlib.Path(folder) / "a.csv").read_text()
    'a\\n1\\n'
    """
    return dataset(data).write(path, **options)
