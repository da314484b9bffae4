"""A model of rules: what `load` makes of a schema file in which every column has a rule."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from simulacra.dataset import Dataset
from simulacra.errors import OptionError, unknown
from simulacra.frames import to_polars
from simulacra.generator import Progress, silent
from simulacra.memory import require_memory
from simulacra.randomness import resolve_seed
from simulacra.rules.book import Book
from simulacra.rules.expansion import expand_schema
from simulacra.rules.making import Maker
from simulacra.schema.files import dump_schema
from simulacra.schema.types import Schema

DEFAULT_ROWS = 1_000
"""Rows of a table of which nothing says how many it has."""


@dataclass(frozen=True, repr=False)
class RuleSynthesizer:
    """A model that needs no data: every column of its schema has a rule.

    Parameters
    ----------
    schema : Schema
        With a rule in every column, as `simulacra.rules.expansion.expand_schema` gives it.
    notes : tuple of str
        What there is to say.

    Examples
    --------
    >>> import simulacra as sim
    >>> model = sim.generate({"id": "sequence", "income": {"lognormal": [40000, 0.5], "decimals": 2}})
    >>> model.sample(3, seed=1).frame.shape
    (3, 2)
    """

    schema: Schema
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, content: Mapping[str, Any] | Schema) -> RuleSynthesizer:
        """Make it of a schema, complete or in short forms.

        Raises
        ------
        SchemaError
            A rule can not be understood, or columns are made from each other.
        """
        schema = expand_schema(dump_schema(content) if isinstance(content, Schema) else content)
        made = cls(schema)
        made.book  # noqa: B018 - reads the rules, so that an error comes now
        return made

    def __repr__(self) -> str:
        tables = ", ".join(f"{table.name}: {len(table.columns)} columns" for table in self.schema.tables)
        return f"RuleSynthesizer({tables})"

    @cached_property
    def book(self) -> Book:
        """The rules, read."""
        return Book.of(self.schema)

    @property
    def roots(self) -> tuple[str, ...]:
        """The tables whose number of rows can be chosen: those that are nobody's children."""
        return tuple(name for name in self.schema.names if self.book.tables[name].driver is None)

    def sizes(self, n: int | Mapping[str, int] | None = None, scale: float | None = None) -> dict[str, int]:
        """Say how many rows the tables have that are nobody's children.

        Parameters
        ----------
        n : int, mapping or None
            Rows of the first such table, the others growing with it; or rows of some tables by name.
        scale : float or None
            Times the rows that the schema names.

        Raises
        ------
        OptionError
            A number is negative, both are given, or a table's rows follow from others.
        """
        own = {name: self.schema.table(name).rows for name in self.roots}
        usual = {name: DEFAULT_ROWS if rows is None else rows for name, rows in own.items()}
        if n is not None and scale is not None:
            raise OptionError("n and scale both say how many rows. Give one of them.")
        if scale is not None:
            if not 0 <= scale < float("inf"):
                raise OptionError(f"scale is a number from 0, not {scale!r}.")
            return {name: rows if self._fixed(name) else round(rows * scale) for name, rows in usual.items()}
        if n is None:
            return usual
        if isinstance(n, Mapping):
            for name, rows in n.items():
                if name in self.schema.names and name not in self.roots:
                    raise OptionError(
                        f"the rows of {name!r} follow from those of its parent. Name one of: {', '.join(self.roots)}."
                    )
                if name not in self.roots:
                    raise unknown("table", str(name), self.roots)
                _require_count(rows)
            return {**usual, **{name: int(rows) for name, rows in n.items()}}
        _require_count(n)
        first = next((name for name in self.roots if not self._fixed(name)), self.roots[0])
        share = n / usual[first] if usual[first] else 0
        grown = {
            name: rows if self._fixed(name) else max(round(rows * share), min(rows, 1))
            for name, rows in usual.items()
        }
        return {**grown, first: n}

    def _fixed(self, name: str) -> bool:
        """Tell whether a table is public knowledge, of which there is no more or less."""
        return self.schema.table(name).role == "reference"

    def sample(
        self,
        n: int | Mapping[str, int] | None = None,
        *,
        scale: float | None = None,
        seed: int | None = None,
        progress: Progress = silent,
    ) -> Dataset:
        """Make the rows of all tables.

        Parameters
        ----------
        n : int, mapping or None
            Rows of the first table that is nobody's child, the others growing with it; or by name. When None, as the
            schema says, or 1,000.
        scale : float or None
            Times as many rows as the schema says.
        seed : int or None
            The same seed gives the same bytes. None draws a fresh one, which stands in the result's notes.
        progress : callable
            Told the share done.

        Returns
        -------
        Dataset
            All tables.

        Raises
        ------
        OptionError
            There are not as many different values as are asked for, or the rows do not fit into memory.

        Notes
        -----
        **Cost**: linear in rows.

        **Privacy**: no data are read, so nothing is disclosed; what could be a real person's number comes from
        ranges that are set aside.

        Examples
        --------
        >>> import simulacra as sim
        >>> model = sim.generate({"name": "person.name", "sex": {"choice": ["F", "M"]}})
        >>> model.sample(2, seed=1).frame.columns
        ['name', 'sex']
        """
        used = resolve_seed(seed)
        maker = Maker(self.book, self.sizes(n, scale), used)
        frames = {}
        total = sum(maker.extent(name).rows for name in self.schema.names)
        done = 0
        for name in self.schema.names:
            pieces = []
            for piece in make_units(maker, name):
                if not pieces and piece.height:
                    require_memory(
                        int(piece.estimated_size() / piece.height * total),
                        f"{total:,} rows",
                        "Write them to a folder instead.",
                    )
                pieces.append(piece)
                done += piece.height
                progress(done / max(total, 1), f"making {name}")
            frames[name] = pl.concat(pieces)
        notes = (*self.notes, *(() if seed is not None else (f"seed {used}",)))
        layouts = {name: to_polars(frame.head(0))[1] for name, frame in frames.items()}
        return Dataset(self.schema, frames, layouts, notes)


def make_units(maker: Maker, table: str) -> Iterator[pl.DataFrame]:
    """Make the units of a table in order, several at a time, as canonical frames."""
    units, names = maker.extent(table).units, maker.book.tables[table].own.names

    def make(unit: int) -> pl.DataFrame:
        made = maker.unit(table, unit)
        return pl.DataFrame({n: _canonical(made[n]) for n in names})

    threads = min(os.cpu_count() or 1, units, 8)
    if threads < 2:
        yield from map(make, range(units))
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(make, range(units))


def _canonical(values: pl.Series) -> pl.Series:
    return values.cast(pl.String) if values.dtype in (pl.Enum, pl.Categorical) else values


def _require_count(rows: Any) -> None:
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
        raise OptionError(f"the number of rows must be a whole number of 0 or more, not {rows!r}.")
