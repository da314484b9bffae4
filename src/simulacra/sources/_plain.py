"""Typed files: opened with clear errors, read by column, written by block, and given back without nested columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
from polars.io.plugins import register_io_source

from simulacra.errors import DataError
from simulacra.frames import to_polars
from simulacra.source import Stored
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


def stored(lazy: pl.LazyFrame, path: Path, form: str, notes: list[str]) -> Stored:
    """Offer the columns of a lazily read file one by one, with a note for each that becomes text or is renamed."""
    with opened(path, form):
        schema = lazy.collect_schema()
        rows = lazy.select(pl.len()).collect().item()
    plain, layout = to_polars(pl.DataFrame(schema=schema))
    notes.extend(layout.notes)

    def load(name: str) -> pl.Series:
        with opened(path, form):
            column = lazy.select(layout.renamed.get(name, name)).collect()
        return to_polars(column)[0].to_series().alias(name)

    return Stored(tuple(plain.columns), rows, load)


class Blocks:
    """Frames that come one by one, as a lazy frame that Polars can write without holding them all.

    Parameters
    ----------
    blocks : iterator of DataFrame
        Frames of one schema, at least one.

    Notes
    -----
    What goes wrong while the frames are made reaches the caller as it is: as a context manager, this raises it again
    in the place of the error that Polars makes of it.
    """

    def __init__(self, blocks: Iterator[pl.DataFrame]) -> None:
        self._first = next(blocks)
        self._blocks = blocks
        self._error: BaseException | None = None

    @property
    def lazy(self) -> pl.LazyFrame:
        """The frames, one behind the other."""
        return register_io_source(self._give, schema=self._first.schema)

    def _give(self, *pushed_down: Any) -> Iterator[pl.DataFrame]:
        try:
            yield self._first
            yield from self._blocks
        except BaseException as error:  # kept to be raised in the place of Polars' word for it
            self._error = error
            raise

    def __enter__(self) -> Blocks:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._error is not None:
            raise self._error
