"""Folders of parts: which files hold which tables, as their manifest says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

from simulacra.errors import FileError
from simulacra.storage import read_bytes

MANIFEST_FILE = "manifest.json"
"""The file in a folder of parts that lists them."""
PLAN_FILE = "_simulacra/plan.json"
"""What stands in its place until all parts are there."""
KIND = "parts"
"""What a manifest says of its folder, so that others with a file of this name are not taken for it."""
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""What Hive calls the folder of missing values."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Tables in parts.

    Parameters
    ----------
    files : dict of str to tuple of str
        The files of each table, below the folder, in the order of their rows.
    size : int
        Bytes that all rows take in memory.
    """

    files: Mapping[str, tuple[str, ...]]
    size: int


def find_parts(folder: Path) -> Parts | None:
    """Read the manifest of a folder of parts; None where it is another kind of folder.

    Raises
    ------
    FileError
        The run that writes the folder is not finished, a part is gone, or the manifest is damaged.
    """
    if (folder / PLAN_FILE).is_file():
        raise FileError(
            f"folder {str(folder)!r} is not finished: parts are missing. Run the call that made it again, which goes "
            "on where it ended."
        )
    content = _manifest(folder)
    if content is None:
        return None
    try:
        files: dict[str, list[str]] = {str(name): [] for name in content["tables"]}
        for part in content["parts"]:
            for file in part["files"]:
                files[file["table"]].append(str(file["name"]))
        found = Parts({name: tuple(own) for name, own in files.items()}, int(content["memory"]))
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(
            f"the manifest of folder {str(folder)!r} is damaged. Make the folder again."
        ) from error
    gone = [name for own in found.files.values() for name in own if not (folder / name).is_file()]
    if gone:
        raise FileError(
            f"folder {str(folder)!r} lacks {len(gone):,} of the files in its manifest, the first is {gone[0]!r}. Run "
            "the call that made it again, which makes what is gone, or bring the files back."
        )
    return found


def _manifest(folder: Path) -> dict[str, Any] | None:
    path = folder / MANIFEST_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(read_bytes(path))
    except ValueError:
        return None
    return content if isinstance(content, dict) and content.get("kind") == KIND else None


def values_of(name: str) -> dict[str, str | None]:
    """Read the columns that stand in the name of a file.

    Examples
    --------
    >>> values_of("orders/country=DE/year=__HIVE_DEFAULT_PARTITION__/part-00000.parquet")
    {'country': 'DE', 'year': None}
    """
    found: dict[str, str | None] = {}
    for folder in name.split("/")[:-1]:
        column, mark, value = folder.partition("=")
        if mark:
            found[unquote(column)] = None if value == NO_VALUE else unquote(value)
    return found


def join_parts(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Join the files of a table, with the columns that stand in their names.

    Examples
    --------
    >>> frames = {f"b={value}/part-00000.csv": pl.DataFrame({"a": [1]}) for value in "xy"}
    >>> join_parts(frames).rows()
    [(1, 'x'), (1, 'y')]
    """
    whole = [
        frame.with_columns(
            pl.lit(value, pl.String).alias(column) for column, value in values_of(name).items()
        )
        for name, frame in frames.items()
    ]
    return pl.concat(whole, how="diagonal_relaxed")
