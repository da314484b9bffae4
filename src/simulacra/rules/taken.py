"""Distributions taken from a real column: ``{data: people.csv:age}`` becomes quantiles, or levels with weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from simulacra.dataset import dataset
from simulacra.errors import SchemaError
from simulacra.privacy.protection import HOLDERS
from simulacra.schema._fields import dump_bound
from simulacra.schema.types import Column

_POINTS = 101


def take_data(content: Any, folder: Path, place: str = "rules") -> Any:
    """Put distributions in the place of the columns that ``data`` names, wherever it stands.

    Parameters
    ----------
    content : any
        Plain values; ``{data: FILE:COLUMN}`` in them is replaced.
    folder : Path
        Where files are looked for.
    place : str
        Where it stands, for messages.

    Returns
    -------
    any
        The same without ``data``: rules then need the file no more.

    Raises
    ------
    SchemaError
        The column is not there, or has too few values.
    FileError
        The file can not be read.

    Notes
    -----
    **Privacy**: quantiles are at least `HOLDERS` rows apart and from the ends; levels with fewer rows are left out.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     pl.DataFrame({"sex": ["F", "M"] * 50}).write_csv(Path(name) / "people.csv")
    ...     take_data({"x": {"data": "people.csv:sex"}}, Path(name))
    {'x': {'choice': {'F': 50, 'M': 50}}}
    """
    if isinstance(content, (list, tuple)):
        return [take_data(item, folder, place) for item in content]
    if not isinstance(content, Mapping):
        return content
    if isinstance(content.get("data"), str) and not isinstance(content.get("columns"), Mapping):
        beside = {name: take_data(value, folder, place) for name, value in content.items() if name != "data"}
        return {**_read(content["data"], folder, place), **beside}
    return {name: take_data(value, folder, f"{place}, {name!r}") for name, value in content.items()}


def _read(named: str, folder: Path, place: str) -> dict[str, Any]:
    path, colon, name = named.rpartition(":")
    if not colon or not path:
        raise SchemaError(
            f"{place}: data names a file and a column, as in data: people.csv:age, not {named!r}."
        )
    given = dataset(folder / Path(path).expanduser())
    table = given.schema.table()
    return _describe(given.polars()[table[name].name], table[name], place)


def _describe(values: pl.Series, column: Column, place: str) -> dict[str, Any]:
    known = values.drop_nulls()
    if len(known) < 2 * HOLDERS:
        raise SchemaError(
            f"{place}: {column.name!r} has {len(known)} values; {2 * HOLDERS} are needed. Write the rule."
        )
    missing = {"missing": round(values.null_count() / len(values), 6)} if values.null_count() else {}
    if column.identifying is not None:
        return {"field": column.identifying, **missing}
    if column.kind in {"category", "boolean"}:
        counts = known.cast(pl.String).value_counts(sort=True).filter(pl.col("count") >= HOLDERS)
        return {"choice": dict(sorted(counts.iter_rows())), **missing}
    if column.kind not in {"number", "date", "datetime", "time", "duration"}:
        raise SchemaError(
            f"{place}: {column.name!r} is a {column.kind}, which has no distribution. Write a field."
        )
    count = min(_POINTS, len(known) // HOLDERS)
    ordered = known.sort()
    low, high = HOLDERS - 1, len(ordered) - HOLDERS
    picks = (
        [low + round((high - low) * step / (count - 1)) for step in range(count)]
        if count > 1
        else [low, high]
    )
    digits = {"decimals": column.decimals} if column.decimals else {}
    return {
        "quantiles": [dump_bound(value) for value in ordered.gather(picks).to_list()],
        **digits,
        **missing,
    }
