"""The verb `prove`: rows in files held against every rule of their schema."""

from __future__ import annotations

from pathlib import Path

from simulacra._api_schema import Contract, contract
from simulacra.generator import Progress, silent
from simulacra.proof.lines import Proof
from simulacra.proof.proof import prove as prove_files


def prove(
    data: str | Path,
    *,
    schema: Contract | None = None,
    memory: int | str | None = None,
    progress: Progress = silent,
) -> Proof:
    """Hold every row of files against every rule of their schema, however many rows there are.

    Parameters
    ----------
    data : str or Path
        A folder that was written, in parts or with a file for each table, or one file: Parquet, Arrow, CSV, JSON lines.
    schema : Schema, mapping, path or None
        The rules; those of the ``schema.yaml`` in the folder when None.
    memory : int, str or None
        How much memory may be used, as bytes or text such as ``"4GB"``; half of what is free, and 2.5 GB at most, when
        None.
    progress : callable
        Told the share done.

    Returns
    -------
    Proof
        ``holds``; ``lines``: for each rule how many rows it was held against, how many break it, and where the first of
        these are; ``violated``, ``frame``, ``require()``.

    Raises
    ------
    FileError
        There is no such path, or a file can not be read.
    DataError
        A table of the schema is not there, or a file lacks a column or is damaged.
    OptionError
        There is no schema.

    Notes
    -----
    **Cost**: about linear in rows: a minute for 100,000,000 rows of seven columns on two cores. Memory does not grow
    with rows, but for keys: one byte for each number of a dense range, else 8 bytes a row, in files where they do not
    fit.

    **Privacy**: a proof tells counts, files and row numbers, never a value of a row.

    Examples
    --------
    >>> import tempfile
    >>> import polars as pl, simulacra as sim
    >>> path = Path(tempfile.mkdtemp()) / "people.csv"
    >>> pl.DataFrame({"age": [31, 145]}).write_csv(path)
    >>> schema = sim.infer(path).with_column("age", bounds=(0, 120))
    >>> print(sim.prove(path, schema=schema).violated[0])
    table 'people', column 'age': 1 of 2 rows breaks "between 0 and 120" (first: people.csv row 2).
    """
    return prove_files(data, contract(schema, None), memory=memory, progress=progress)
