"""Typed files: opened with clear errors, and given back without nested columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl

from simulacra.errors import DataError
from simulacra.frames import to_polars
from simulacra.storage import error_code, open_error


@contextmanager
def opened(path: Path, form: str) -> Iterator[BinaryIO]:
    """Open a file to read, and turn what the reader says of damaged contents into one sentence."""
    try:
        with path.open("rb") as file:
            yield file
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path.name!r} is not {form}, or is damaged. Check the suffix, or copy it again."
        ) from error
    except OSError as error:
        if error_code(error) is None:
            raise DataError(
                f"{path.name!r} is not {form}, or is damaged. Check the suffix, or copy it again."
            ) from error
        raise open_error(path, error) from error


def plain_columns(frame: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Turn nested and binary columns into text and empty names into real ones, with a note for each."""
    plain, layout = to_polars(frame)
    notes.extend(layout.notes)
    return plain
