"""The street: encode, protect, fit; sample, decode. A Synthesizer is a fitted model of one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from simulacra.dataset import Dataset
from simulacra.domain import Block, Domain
from simulacra.encoding import Encoding
from simulacra.errors import DataError, OptionError, unknown
from simulacra.frames import Layout
from simulacra.generator import Generator, Progress, silent
from simulacra.memory import require_memory
from simulacra.modelfile import ModelFile, write_model
from simulacra.privacy.protection import HOLDERS, protect
from simulacra.provenance import describe_fit
from simulacra.randomness import BLOCK_ROWS, Streams, resolve_seed
from simulacra.registry import ENCODINGS, MODELS
from simulacra.relations import Relation, find_relations, put_back, spans, take_out
from simulacra.sampling.conditions import Request, fill
from simulacra.schema.files import dump_schema, load_schema
from simulacra.schema.types import Column, Schema, Table
from simulacra.schema.validation import require_valid
from simulacra.storage import require_writable


@dataclass(frozen=True, repr=False)
class Synthesizer:
    """A fitted model: what `fit` and `load` return.

    Parameters
    ----------
    table : Table
        The schema as released: levels and bounds that protection withheld are not in it.
    model : str
        The model's registered name.
    generator : Generator
        The fitted model of encoded rows.
    encodings : dict
        One encoding per column.
    domain : Domain
        The axes that the generator learnt.
    layout : Layout
        The kind of frame, and its column types, to give back.
    relations : tuple of Relation
        Exact relations between columns: their targets are rebuilt after sampling.
    notes : tuple of str
        What protection did.
    provenance : dict
        Versions, seed, options and fingerprint of the data.
    """

    table: Table
    model: str
    generator: Generator
    encodings: Mapping[str, Encoding]
    domain: Domain
    layout: Layout
    relations: tuple[Relation, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Synthesizer({self.model} of {self.table.name}: {len(self.table.columns)} columns)"

    @property
    def schema(self) -> Schema:
        """The schema as released."""
        return Schema((self.table,))

    def sample(
        self,
        n: int,
        *,
        seed: int | None = None,
        where: str | Mapping[str, Any] | None = None,
        balance: Mapping[str, Mapping[str, float]] | None = None,
        progress: Progress = silent,
    ) -> Dataset:
        """Draw n synthetic rows.

        Parameters
        ----------
        n : int
            Number of rows; 0 is allowed.
        seed : int or None
            The same seed gives the same bytes. None draws a fresh one, which stands in the result's notes.
        where : str, mapping or None
            A SQL predicate that every row satisfies (``"age between 20 and 30 and sex = 'Female'"``), or
            ``{"sex": "Female"}``.
        balance : mapping or None
            Shares of the levels of one column, ``{"fraud": {"yes": 0.5}}``; levels not named keep their proportions.
        progress : callable
            Told the share done.

        Returns
        -------
        Dataset
            Exactly `n` rows, as the kind of frame that was fitted.

        Raises
        ------
        ImpossibleCondition
            No row of this model can satisfy the condition.
        RareCondition
            The condition is too rare for the draws allowed; the message gives its estimated probability.

        Notes
        -----
        **Cost**: linear in `n`; with a condition, in `n` divided by its probability, since rows that fail are
        drawn again. The result's notes give the accepted share.

        Examples
        --------
        >>> import polars as pl, simulacra as sim
        >>> frame = pl.DataFrame({"a": [1, 2] * 50, "b": ["x", "y"] * 50})
        >>> model = sim.fit(frame, "independent", seed=0)
        >>> len(model.sample(5, seed=1, where="a = 2"))
        5
        """
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
            raise OptionError(f"the number of rows must be a whole number of 0 or more, not {n!r}.")
        used = resolve_seed(seed)
        request = Request(self.table, self.encodings, int(n), where=where, balance=balance)
        notes: tuple[str, ...] = ()
        if request.plain:
            frame = self._rows(int(n), Streams(used), progress)
        else:
            frame, notes = fill(request, self._draw, Streams(used), progress)
            frame = self._renumber(frame, request)
        if seed is None:
            notes = (*notes, f"seed {used}")
        return Dataset(self.schema, {self.table.name: frame}, {self.table.name: self.layout}, notes)

    def chunks(self, n: int, *, seed: int) -> Iterator[pl.DataFrame]:
        """Draw n rows in pieces of one block each: the same rows as `sample`.

        Parameters
        ----------
        n : int
            Number of rows in all.
        seed : int
            The same seed gives the same bytes.

        Yields
        ------
        DataFrame
            Canonical values, at most 65,536 rows.

        Notes
        -----
        **Cost**: memory stays flat, unless the schema has constraints: then all rows are drawn first.
        """
        if self.table.constraints:
            yield from self.sample(n, seed=seed).chunks(BLOCK_ROWS)
            return
        streams = Streams(resolve_seed(seed))
        for block, start in enumerate(range(0, n, BLOCK_ROWS)):
            yield self._draw(min(BLOCK_ROWS, n - start), start, streams.at("block", block))

    def _rows(self, n: int, streams: Streams, progress: Progress) -> pl.DataFrame:
        pieces: list[pl.DataFrame] = []
        for block, start in enumerate(range(0, max(n, 1), BLOCK_ROWS)):
            pieces.append(self._draw(min(BLOCK_ROWS, n - start), start, streams.at("block", block)))
            if block == 0:
                _require_room(n, pieces[0])
            progress(min((start + BLOCK_ROWS) / max(n, 1), 1.0), "drawing rows")
        return pl.concat(pieces)

    def _renumber(self, frame: pl.DataFrame, request: Request) -> pl.DataFrame:
        """Count keys anew over the rows that were kept, unless the condition is about a key."""
        asked = request.condition.columns if request.condition is not None else ()
        none = Streams(0).stream("no randomness in keys")
        keys = [
            self.encodings[column.name].decode((np.empty(len(frame)),), rng=none, start=0)
            for column in self.table.columns
            if column.kind == "key" and column.name not in asked
        ]
        return frame.with_columns(keys)

    def _draw(self, n: int, start: int, streams: Streams) -> pl.DataFrame:
        """Draw rows start to start + n, and decode them."""
        block = self.generator.sample(n, rng=streams.at("model"))
        arrays = put_back(dict(zip(self.domain.names, block.columns, strict=True)), self.relations)
        columns = []
        for column in self.table.columns:
            encoding = self.encodings[column.name]
            own = tuple(arrays[axis.name] for axis in encoding.axes) or (np.empty(n),)
            columns.append(encoding.decode(own, rng=streams.stream("decode", column.name), start=start))
        return pl.DataFrame(columns) if columns else pl.DataFrame()

    def save(self, path: str | Path, *, allow_rows: bool = False) -> Path:
        """Write the model to a file.

        Parameters
        ----------
        path : str or Path
            Ends in ``.sim``. Written beside and renamed.
        allow_rows : bool
            Allow it for a model that keeps training rows.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ModelFileError
            The model keeps training rows and `allow_rows` is false.

        Notes
        -----
        **Privacy**: the file holds counts, ranges and vocabularies that at least k rows share, no training row
        (unless `allow_rows`).

        Examples
        --------
        >>> import polars as pl, simulacra as sim, tempfile, pathlib
        >>> model = sim.fit(pl.DataFrame({"a": [1, 2] * 50}), "independent", seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = model.save(pathlib.Path(folder) / "a.sim")
        ...     sim.load(path).sample(2, seed=1).frame.equals(model.sample(2, seed=1).frame)
        True
        """
        require_writable(path, suffixes=(".sim",))
        state = {
            "encodings": {name: encoding.dump() for name, encoding in self.encodings.items()},
            "generator": self.generator.dump(),
            "domain": self.domain.dump(),
            "layout": self.layout.dump(),
            "relations": [relation.dump() for relation in self.relations],
        }
        schema = dump_schema(self.schema)
        file = ModelFile(
            self.model, self.generator.options(), self.generator.stores_rows, schema, state, self.notes,
            dict(self.provenance),
        )  # fmt: skip
        return write_model(file, Path(path), allow_rows=allow_rows)


def _require_room(n: int, piece: pl.DataFrame) -> None:
    """Refuse more rows than fit into memory, judged by the first of them; joining and writing needs them twice."""
    needed = int(2 * piece.estimated_size() / max(len(piece), 1) * n)
    require_memory(
        needed,
        f"{n:,} rows of {piece.width} columns",
        "Draw fewer, or draw them in pieces with model.chunks(n, seed=...).",
    )


def fit_table(
    frame: pl.DataFrame,
    table: Table,
    layout: Layout,
    *,
    model: str = "trees",
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    holders: int = HOLDERS,
    notes: tuple[str, ...] = (),
    progress: Progress = silent,
) -> Synthesizer:
    """Fit a model to one table of canonical values.

    Parameters
    ----------
    frame : DataFrame
        Canonical values, as `simulacra.schema.conformance.conform` gives them.
    table : Table
        Their schema; rows that break it are an error.
    layout : Layout
        What kind of frame to give back when sampling.
    model : str
        A registered model.
    options : mapping or None
        Its hyperparameters.
    seed : int
        Fitting again with the same seed, data and versions gives the same model.
    holders : int
        k of the protection; 1 switches it off.
    notes : tuple of str
        What happened to the data before.
    progress : callable
        Told the share done.

    Returns
    -------
    Synthesizer
        The fitted model.
    """
    generator = make_generator(model, options or {})
    if len(frame) == 0:
        raise DataError(f"table {table.name!r} has no rows, so there is nothing to learn. Give it rows.")
    if len(frame) < holders:
        raise DataError(
            f"table {table.name!r} has {len(frame):,} {'row' if len(frame) == 1 else 'rows'}; protection needs at "
            f"least {holders} that share a value. Give more rows, or switch it off with protect=False (--no-protect)."
        )
    require_valid(frame, table)
    streams = Streams(seed).at(table.name)
    progress(0.0, "encoding")
    encodings = {column.name: _fit_encoding(frame[column.name], column, holders) for column in table.columns}
    declared = [column.name for column in table.columns if column.declared]
    block = encode(frame, encodings)
    relations = find_relations(block, streams.at("relations")) if generator.relates else ()
    guarded = protect(take_out(block, relations), streams, declared=declared)
    limits = {**guarded.limits, **_rebuilt_spans(guarded.block, relations)}
    for name, encoding in encodings.items():
        kept = {part: codes for (column, part), codes in guarded.kept.items() if column == name}
        ends = {part: pair for (column, part), pair in limits.items() if column == name}
        encodings[name] = encoding.narrow(kept, ends)
    generator.fit(guarded.block, rng=streams.at("model"), progress=progress)
    released = replace(table, columns=tuple(encodings[name].column for name in table.names))
    provenance = describe_fit(frame, model=model, options=generator.options(), seed=seed, holders=holders)
    notes += guarded.notes + tuple(
        f"exact relation, kept by rebuilding: {relation}." for relation in relations
    )
    domain = guarded.block.domain
    return Synthesizer(released, model, generator, encodings, domain, layout, relations, notes, provenance)


def _rebuilt_spans(
    block: Block, relations: tuple[Relation, ...]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the ranges of rebuilt axes, under column and part."""
    home = {axis.name: (axis.column, axis.part) for axis in block.domain.axes}
    return {home[name]: ends for name, ends in spans(block, relations).items()}


def make_generator(model: str, options: Mapping[str, Any]) -> Generator:
    """Make a generator by its registered name; an unknown option is named with the nearest one that exists."""
    cls: type[Generator] = MODELS.load(model)
    known = [f.name for f in fields(cls) if f.init]
    for name in options:
        if name not in known:
            raise OptionError(str(unknown(f"option of model {model!r}", name, known)))
    return cls(**options)


def encode(frame: pl.DataFrame, encodings: Mapping[str, Encoding]) -> Block:
    """Turn canonical rows into a block."""
    axes = [axis for encoding in encodings.values() for axis in encoding.axes]
    arrays = [array for name, encoding in encodings.items() for array in encoding.encode(frame[name])]
    return Block(Domain(tuple(axes)), tuple(arrays), rows=len(frame))


def restore(file: ModelFile) -> Synthesizer:
    """Make the model from what a model file holds."""
    table = load_schema(file.schema).table()
    state = file.state
    encodings: dict[str, Encoding] = {
        column.name: ENCODINGS.load(column.kind).restore(state["encodings"][column.name], column)
        for column in table.columns
    }
    generator = make_generator(file.model, file.options).restore(state["generator"])
    return Synthesizer(
        table, file.model, generator, encodings, Domain.restore(state["domain"]), Layout.restore(state["layout"]),
        tuple(Relation.restore(item) for item in state["relations"]), tuple(file.notes), file.provenance,
    )  # fmt: skip


def _fit_encoding(values: pl.Series, column: Column, holders: int) -> Encoding:
    cls: type[Encoding] = ENCODINGS.load(column.kind)
    return cls.fit(values, column, holders=holders if column.protect else 1)
