"""A model of rules: what `load` makes of a schema file in which every column has a rule."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import polars as pl

from simulacra.dataset import Dataset
from simulacra.errors import OptionError, SchemaError, unknown
from simulacra.frames import to_polars
from simulacra.generator import Progress, silent
from simulacra.memory import require_memory
from simulacra.modelfile import ModelFile, write_model
from simulacra.parting import Receipt, refuse_without_target, write_in_parts
from simulacra.provenance import versions
from simulacra.randomness import resolve_seed
from simulacra.rules.book import Book
from simulacra.rules.expansion import expand_schema
from simulacra.rules.making import Maker
from simulacra.schema.breaches import columns_of
from simulacra.schema.files import dump_schema, load_schema
from simulacra.schema.types import Schema, Table
from simulacra.storage import require_writable
from simulacra.synthesizer import Synthesizer, restore

KIND = "rules"
"""What a model file of rules says that it is."""
DEFAULT_ROWS = 1_000
"""Rows of a table of which nothing says how many it has."""


@dataclass(frozen=True, repr=False)
class RuleSynthesizer:
    """A model that needs no data: every column of its schema has a rule.

    Parameters
    ----------
    schema : Schema
        With a rule in every column, as `simulacra.rules.expansion.expand_schema` gives it.
    models : mapping
        Fitted models of tables of which some columns are learnt.
    notes : tuple of str
        What there is to say.

    Examples
    --------
    >>> import simulacra as sim
    >>> model = sim.compose({"id": "sequence", "income": {"lognormal": [40000, 0.5], "decimals": 2}})
    >>> model.sample(3, seed=1).frame.shape
    (3, 2)
    """

    schema: Schema
    models: Mapping[str, Synthesizer] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, content: Mapping[str, Any] | Schema, models: Mapping[str, Synthesizer] | None = None
    ) -> RuleSynthesizer:
        """Make it of a schema, complete or in short forms, and of fitted models of some of its tables.

        Raises
        ------
        SchemaError
            A rule can not be understood, or columns are made from each other.
        """
        schema = expand_schema(dump_schema(content) if isinstance(content, Schema) else content)
        found = dict(models or {})
        made = cls(schema, found, tuple(note for model in found.values() for note in model.notes))
        made.book  # noqa: B018 - reads the rules, so that an error comes now
        return made

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What made the fitted models among it: of the only one, all that is known; else the versions."""
        if len(self.models) == 1:
            return next(iter(self.models.values())).provenance
        return {"versions": versions()}

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

    def maker(self, sizes: Mapping[str, int], seed: int) -> Maker:
        """Return what makes units of the tables, given how many rows those have that are nobody's children."""
        return Maker(self.book, sizes, seed, self.models)

    def save(self, path: str | Path, *, allow_rows: bool = False) -> Path:
        """Write the rules, and the models that belong to them, to one file.

        Parameters
        ----------
        path : str or Path
            Ends in ``.sim``.
        allow_rows : bool
            Allow it where a model keeps training rows.

        Raises
        ------
        ModelFileError
            A model keeps training rows and `allow_rows` is false.
        """
        require_writable(path, suffixes=(".sim",))
        return write_model(self.dump(), Path(path), allow_rows=allow_rows)

    def dump(self) -> ModelFile:
        """Return what a model file holds."""
        files = {name: model.dump() for name, model in self.models.items()}
        state = {
            "models": {
                name: {"model": f.model, "options": f.options, "schema": f.schema, "state": f.state,
                       "notes": list(f.notes), "provenance": f.provenance, "stores_rows": f.stores_rows}
                for name, f in files.items()
            }
        }  # fmt: skip
        stores = any(file.stores_rows for file in files.values())
        return ModelFile(
            KIND, {}, stores, dump_schema(self.schema), state, self.notes, {"versions": versions()}
        )

    def _fixed(self, name: str) -> bool:
        """Tell whether a table is public knowledge, of which there is no more or less."""
        return self.schema.table(name).role == "reference"

    @overload
    def sample(
        self, n: int | Mapping[str, int] | None = None, *, to: str | Path, **options: Any
    ) -> Receipt: ...

    @overload
    def sample(
        self, n: int | Mapping[str, int] | None = None, *, to: None = None, **options: Any
    ) -> Dataset: ...

    def sample(
        self,
        n: int | Mapping[str, int] | None = None,
        *,
        scale: float | None = None,
        seed: int | None = None,
        to: str | Path | None = None,
        progress: Progress = silent,
        **how: Any,
    ) -> Dataset | Receipt:
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
        to : str, Path or None
            A folder, a URL of an object store, or a database: rows are written there in parts, by any number of
            workers, and a run that was cut short goes on; see `simulacra.scale.writing.write_parts`.
        progress : callable
            Told the share done.
        **how
            With `to`: ``format``, ``engine``, ``workers``, ``memory``, ``partition``, ``if_exists``,
            ``storage_options``.

        Returns
        -------
        Dataset or Manifest
            All tables; what was written where `to` is given.

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
        >>> model = sim.compose({"name": "person.name", "sex": {"choice": ["F", "M"]}})
        >>> model.sample(2, seed=1).frame.columns
        ['name', 'sex']
        """
        if to is not None:
            return write_in_parts(self, n, to, {"scale": scale, "seed": seed}, how, progress)
        refuse_without_target(how)
        used = resolve_seed(seed)
        maker = self.maker(self.sizes(n, scale), used)
        frames = {}
        total = sum(maker.extent(name).rows for name in self.schema.names)
        done = 0
        for name in self.schema.names:
            pieces: list[pl.DataFrame] = []
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
        return Dataset(release(self.schema), frames, layouts, notes)


def release(schema: Schema) -> Schema:
    """Return the schema that made rows go out with: what holds of them, without the rules that made them.

    A model that is fitted to such rows learns them like any others. Columns that are hidden are not given out.

    Examples
    --------
    >>> model = RuleSynthesizer.of({"columns": {"age": {"int": [18, 99]}, "help": {"int": [0, 1], "hidden": True}}})
    >>> release(model.schema).table().names, release(model.schema).table()["age"].rule
    (('age',), None)
    """
    return Schema(tuple(_release(table) for table in schema.tables))


def _release(table: Table) -> Table:
    hidden = {column.name for column in table.columns if (column.rule or {}).get("hidden")}
    shown = tuple(replace(column, rule=None) for column in table.columns if column.name not in hidden)
    if not hidden:
        return replace(table, rows=None, columns=shown)
    if not shown:
        raise SchemaError(f"table {table.name!r}: all columns are hidden. Show one of them.")
    return replace(
        table, rows=None, columns=shown, key=() if set(table.key) & hidden else table.key,
        constraints=tuple(rule for rule in table.constraints if not set(columns_of(rule, table)) & hidden),
        references=tuple(link for link in table.references if not set(link.columns) & hidden),
        weight=None if table.weight in hidden else table.weight, order=None if table.order in hidden else table.order,
    )  # fmt: skip


def restore_rules(file: ModelFile) -> RuleSynthesizer:
    """Make the model of what a model file holds."""
    models = {
        name: restore(
            ModelFile(f["model"], f["options"], f["stores_rows"], f["schema"], f["state"], tuple(f["notes"]),
                      f["provenance"], file.version)
        )
        for name, f in file.state["models"].items()
    }  # fmt: skip
    return RuleSynthesizer(load_schema(file.schema), models, tuple(file.notes))


def make_units(maker: Maker, table: str) -> Iterator[pl.DataFrame]:
    """Make the units of a table in order, several at a time, as canonical frames."""
    units = maker.extent(table).units
    names = _release(maker.book.tables[table].own).names

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
