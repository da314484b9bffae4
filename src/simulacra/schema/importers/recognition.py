"""Which format a contract is in, told by its content, and the function that reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulacra.errors import SchemaError
from simulacra.schema._yaml import MAX_BYTES, load_yaml
from simulacra.schema.files import read_schema
from simulacra.schema.importers import dbt, ddl, json_schema, odcs, sdv, table_schema
from simulacra.schema.types import Schema
from simulacra.storage import open_error

Reader = Callable[[Schema | None], Schema]
"""Makes the schema, given what data show, or None without data."""

SQL_SUFFIXES = (".sql", ".ddl", ".psql")
_READERS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Schema | None], Schema]], ...] = (
    (sdv.is_metadata, sdv.read_metadata),
    (odcs.is_data_contract, odcs.read_data_contract),
    (table_schema.is_table_schema, table_schema.read_table_schema),
    (dbt.is_dbt, dbt.read_dbt),
)
KNOWN = (
    "a schema of simulacra ('tables'), SQL (.sql), SDV metadata, a data package or Table Schema, a JSON Schema, "
    "properties of dbt, a data contract (ODCS)"
)
"""What can be read, for messages."""


def find_reader(content: Any, name: str = "table") -> Reader | None:
    """Find out what parsed JSON or YAML is, if it is a contract of others.

    Parameters
    ----------
    content : object
        What a file holds.
    name : str
        What to call a table that has no name in it.

    Returns
    -------
    function or None
        Reads it, given what data show; None for a schema of simulacra, and for what is no contract.

    Examples
    --------
    >>> reader = find_reader({"fields": [{"name": "age", "type": "integer"}]})
    >>> reader(None).table()["age"].integer
    True
    >>> find_reader({"version": 1, "tables": {}})
    """
    for recognise, read in _READERS:
        if recognise(content):
            return lambda seen: read(content, seen)
    if json_schema.is_json_schema(content):
        return lambda seen: json_schema.read_json_schema(content, seen, name=name)
    return None


def open_contract(path: str | Path) -> Reader | Schema:
    """Open the file of a contract, of simulacra's own kind or another.

    Parameters
    ----------
    path : path
        SQL, JSON or YAML.

    Returns
    -------
    function or Schema
        What makes the schema, given what data show; the schema itself if the file says all of it.

    Raises
    ------
    FileError
        It can not be opened.
    SchemaError
        It is too long, no text, or none of the formats; with its name.

    Examples
    --------
    >>> open_contract("nowhere.sql")
    Traceback (most recent call last):
        ...
    simulacra.errors.FileError: there is no file 'nowhere.sql'. Check the name and the folder.
    """
    source = Path(path)
    if isinstance(path, str) and (ddl.is_ddl(path) or path.lstrip().startswith(("{", "version:", "tables:"))):
        raise SchemaError(
            f"the schema {' '.join(path.split())[:40]!r}... is the text of a contract, and a file is expected. Write "
            "it to a file that ends in .sql, .yaml or .json, and name that."
        )
    if source.suffix.lower() in SQL_SUFFIXES:
        text = _read_text(source)
        return _named(lambda seen: ddl.read_ddl(text, seen), source)
    content = _parse(source)
    reader = find_reader(content, source.name.partition(".")[0])
    if reader is not None:
        return _named(reader, source)
    if isinstance(content, Mapping) and content and not {"tables", "version"} & set(content):
        fields = ", ".join(repr(str(word)) for word in list(content)[:6])
        raise SchemaError(
            f"{str(source)!r} has {fields}, and is no contract that can be read. Give one of these: {KNOWN}."
        )
    return read_schema(source)


def _named(read: Reader, source: Path) -> Reader:
    """Put the name of the file before what is wrong with it."""

    def read_named(seen: Schema | None) -> Schema:
        try:
            return read(seen)
        except SchemaError as error:
            raise SchemaError(f"{str(source)!r}: {error}") from error

    return read_named


def _read_text(source: Path) -> str:
    try:
        if source.stat().st_size > MAX_BYTES:
            raise SchemaError(
                f"{str(source)!r} is larger than {MAX_BYTES // 2**20} MB, so it is hardly a schema. Of a dump, "
                "take the tables without their rows (schema only)."
            )
        return source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise open_error(source, error) from error
    except UnicodeDecodeError as error:
        raise SchemaError(f"{str(source)!r} is not UTF-8 text, so it is not a schema.") from error


def _parse(source: Path) -> Any:
    text = _read_text(source)
    if source.suffix.lower() == ".json":
        try:
            return json.loads(text)
        except RecursionError as error:
            raise SchemaError(
                f"{str(source)!r}: nested too deeply. A schema is not; is this the right file?"
            ) from error
        except ValueError:
            pass  # YAML tells the line, and reads what only looks like JSON
    try:
        return load_yaml(text)
    except SchemaError as error:
        raise SchemaError(f"{str(source)!r}: {error}") from error
