"""How likely single rows are under a fitted model: log-probabilities, and what makes a row implausible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from simulacra.dataset import Dataset, dataset
from simulacra.domain import Array, Block, Domain, code_dtype
from simulacra.encoding import Encoding
from simulacra.errors import DataError, OptionError
from simulacra.filing import open_path
from simulacra.frames import is_frame, to_polars
from simulacra.generator import Dense, Generator
from simulacra.modelfile import require_single
from simulacra.randomness import Streams
from simulacra.relations import Relation
from simulacra.schema.conformance import conform
from simulacra.schema.types import Column, Table

FLOOR = float(np.log(1e-12))
"""Log-probability of a value that the model can never draw."""
CHUNK = 65_536
"""Rows that are encoded at a time."""
DRAWS = 10_000
"""Rows of the model's own that others are ranked among."""


class Fitted(Protocol):
    """What a density needs of a fitted model; `simulacra.Synthesizer` has it."""

    @property
    def table(self) -> Table: ...
    @property
    def model(self) -> str: ...
    @property
    def generator(self) -> Generator: ...
    @property
    def encodings(self) -> Mapping[str, Encoding]: ...
    @property
    def domain(self) -> Domain: ...
    @property
    def relations(self) -> Sequence[Relation]: ...
    def sample(self, n: int, *, seed: int | None = None) -> Dataset: ...


@dataclass(frozen=True)
class Density:
    """Log-probabilities of rows, in nats.

    Parameters
    ----------
    columns : DataFrame
        For every row the log-probability of each column's value, given the columns that the model draws before it.
        Keys and the column of weights are not in it.

    Examples
    --------
    >>> Density(pl.DataFrame({"a": [-1.0, -2.0], "b": [-0.5, 0.0]})).rows.tolist()
    [-1.5, -2.0]
    """

    columns: pl.DataFrame

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def rows(self) -> Array:
        """Log-probability of every row: the sum over its columns."""
        return np.asarray(self.columns.to_numpy().sum(axis=1), dtype=np.float64)


def measure_density(model: Fitted, data: Any) -> Density:
    """Tell how likely a fitted model is to draw each row.

    Parameters
    ----------
    model : Synthesizer
        A model that can tell (``trees``, ``independent``).
    data : path, frame or Dataset
        Rows with the model's columns, any others are left aside. Keys and weights need not be there.

    Returns
    -------
    Density
        Log-probabilities, rows x columns.

    Raises
    ------
    OptionError
        This kind of model can not tell.
    SchemaViolation
        A column is missing, or values can not be read as its kind.

    Notes
    -----
    A value that the model can never draw counts as 1e-12: a level, a range or a combination that protection withheld or
    that never occurred, and what breaks an exact relation that every drawn row keeps. A number on a continuous scale
    counts by its density, a number on a lattice by its probability; text counts by its shape or length.

    **Cost**: linear in rows, some microseconds for each value.

    **Privacy**: a figure for a person's record tells something of whether the model learnt from it; the report's
    ``privacy/likelihood`` measures how much.

    Examples
    --------
    >>> import simulacra as sim
    >>> frame = pl.DataFrame({"a": ["x", "y"] * 200, "b": ["u", "v"] * 200})
    >>> model = sim.fit(frame, seed=0)
    >>> strange = pl.DataFrame({"a": ["x", "x", "z"], "b": ["u", "v", "u"]})
    >>> usual, broken, unknown = measure_density(model, strange).rows
    >>> bool(usual > -1), bool(broken < -5), bool(unknown < -20)
    (True, True, True)
    """
    require_single(model)
    generator = model.generator
    if not isinstance(generator, Dense):
        raise OptionError(
            f"model {model.model!r} can not tell how likely a row is. Fit one that can: 'trees' (-m trees)."
        )
    frame, table = _read(data), model.table
    columns = [column for column in table.columns if column.name != table.weight]
    asked = [column for column in columns if column.kind != "key" or column.name in frame.columns]
    frame = conform(frame, Table(table.name, tuple(asked)), extra="drop")[0]
    counted = [column.name for column in columns if model.encodings[column.name].axes]
    pieces = [
        _measure(model, generator, frame.slice(start, CHUNK), counted)
        for start in range(0, max(len(frame), 1), CHUNK)
    ]
    return Density(pl.DataFrame(np.concatenate(pieces), schema=[(name, pl.Float64) for name in counted]))


def judge_rows(model: Fitted, data: Any, *, seed: int = 0, draws: int = DRAWS) -> pl.DataFrame:
    """Rank rows by how plausible a fitted model finds them, and name the column that is to blame.

    Parameters
    ----------
    model, data
        As for `measure_density`.
    seed : int
        Of the rows that the model draws to compare with.
    draws : int
        How many.

    Returns
    -------
    DataFrame
        A row for each of `data`, in its order: ``row`` (from 1), ``log_density`` (nats), ``percentile`` (per cent of
        the model's own draws that are less likely: near 0 for an outlier), ``column`` (the one that lies farthest
        below what is usual for it) and ``surprise`` (how far, in nats).

    Notes
    -----
    **Cost**: that of `measure_density` for the rows and the draws.

    **Privacy**: as for `measure_density`.

    Examples
    --------
    >>> import simulacra as sim
    >>> frame = pl.DataFrame({"a": ["x", "y"] * 200, "b": ["u", "v"] * 200})
    >>> model = sim.fit(frame, seed=0)
    >>> judge_rows(model, pl.DataFrame({"a": ["x", "y"], "b": ["u", "?"]}), draws=500)["column"].to_list()[1]
    'b'
    """
    if draws < 1:
        raise OptionError(f"draws is a whole number from 1, not {draws!r}.")
    own = measure_density(model, model.sample(draws, seed=seed).polars())
    found = measure_density(model, data)
    if not found.columns.width:
        raise DataError(
            f"table {model.table.name!r} has no column that a model learns. Give one with more columns."
        )
    lacking = own.columns.to_numpy().mean(axis=0) - found.columns.to_numpy()
    worst = lacking.argmax(axis=1) if len(found) else np.empty(0, np.int64)
    ordered = np.sort(own.rows)
    below = (np.searchsorted(ordered, found.rows, "left") + np.searchsorted(ordered, found.rows, "right")) / 2
    return pl.DataFrame({
        "row": np.arange(1, len(found) + 1),
        "log_density": found.rows,
        "percentile": 100 * below / len(own),
        "column": pl.Series([found.columns.columns[at] for at in worst], dtype=pl.String),
        "surprise": lacking[np.arange(len(found)), worst],
    })  # fmt: skip


def _read(data: Any) -> pl.DataFrame:
    """Read rows as they are written, so that the model's schema decides what they mean, and not a guess."""
    if isinstance(data, (str, Path)) and not Path(data).expanduser().is_dir():
        stored = open_path(data).stored
        return pl.DataFrame([stored.load(name) for name in stored.names])
    return to_polars(data)[0] if is_frame(data) else dataset(data).polars()


def _measure(model: Fitted, generator: Dense, frame: pl.DataFrame, counted: list[str]) -> Array:
    """Return log-probabilities, shape (rows, counted columns)."""
    arrays: dict[str, Array] = {}
    strange: dict[str, Array] = {}
    for column in model.table.columns:
        encoding = model.encodings[column.name]
        if column.name in counted:
            own, unknown = _encode(encoding, column, frame[column.name])
        else:
            own, unknown = _usual(encoding, len(frame)), np.zeros(len(frame), bool)
        arrays.update(zip((axis.name for axis in encoding.axes), own, strict=True))
        strange[column.name] = unknown
    left = dict(arrays)
    homes = {axis.name: axis.column for axis in model.domain.axes}
    for relation in model.relations:
        rest = relation.take_out(arrays)
        left |= rest
        # what follows from a strange value is not held against the row twice
        charged = np.logical_or.reduce([strange[homes[name]] for name in relation.sources])
        for name, whole in relation.put_back({**arrays, **rest}).items():
            strange[homes[name]] = (strange[homes[name]] | ~_same(arrays[name], whole)) & ~charged
    block = Block(model.domain, tuple(left[name] for name in model.domain.names), rows=len(frame))
    logs = generator.log_density(block)
    owners = [axis.column for axis in model.domain.axes]
    found = np.empty((len(frame), len(counted)))
    for place, name in enumerate(counted):
        total = logs[:, [owner == name for owner in owners]].sum(axis=1)
        found[:, place] = np.where(strange[name], FLOOR, total)
    return found


def _encode(encoding: Encoding, column: Column, values: pl.Series) -> tuple[tuple[Array, ...], Array]:
    """Encode values, and tell which of them the encoding can not give back: out of range, or never kept."""
    arrays = encoding.encode(values)
    unknown = np.zeros(len(values), bool)
    if not encoding.lossless or not len(values):
        return arrays, unknown
    decoded = encoding.decode(arrays, rng=Streams(0).stream("no randomness"))
    if any(axis.size is not None for axis in encoding.axes):
        unknown = ~decoded.cast(pl.String).eq_missing(values.cast(pl.String)).to_numpy()
    again = encoding.encode(decoded)
    for before, after in zip(arrays, again, strict=True):
        unknown |= ~_same(before, after)
    return arrays, unknown


def _usual(encoding: Encoding, rows: int) -> tuple[Array, ...]:
    """Return the arrays of a column that says nothing about a row, such as its weight."""
    return tuple(
        np.zeros(rows, float if axis.size is None else code_dtype(axis.size)) for axis in encoding.axes
    )


def _same(one: Array, other: Array) -> Array:
    """Tell which values are equal, as far as rounding lets them be."""
    return np.isclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True)
