"""The second half of the street: sample, decode. A Synthesizer is a fitted model of one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO, overload

import polars as pl

from simulacra._synthesizer_actions import Acting
from simulacra._synthesizer_options import make_generator as make_generator
from simulacra._synthesizer_writing import require_rows, write_pieces
from simulacra.dataset import Dataset, Written
from simulacra.domain import Array, Domain
from simulacra.encoding import Encoding
from simulacra.exhibit import Exhibit
from simulacra.frames import Layout
from simulacra.generator import Dense, Exhibiting, Generator, Progress, silent
from simulacra.imputation import complete_given
from simulacra.interventions import tell_interventions
from simulacra.modelfile import ModelFile, several_tables, write_model
from simulacra.parting import Receipt, refuse_without_target, write_in_parts
from simulacra.plausibility import Density, measure_density
from simulacra.randomness import Streams, resolve_seed
from simulacra.registry import ENCODINGS
from simulacra.relations import Relation, restore_relation
from simulacra.sampling.decoding import Decoder
from simulacra.sampling.drawing import Drawer
from simulacra.sampling.requests import Filling, Request
from simulacra.schema.constraints import Constraint
from simulacra.schema.files import dump_schema, load_schema
from simulacra.schema.types import Schema, Table
from simulacra.shares.margins import Shares
from simulacra.storage import require_writable


@dataclass(frozen=True, repr=False)
class Synthesizer(Acting):
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

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """What the model shows of itself in reports: training curves, its graph, how it was chosen."""
        fit = tuple(map(Exhibit.restore, self.provenance.get("shown", ())))
        return fit + (self.generator.exhibits() if isinstance(self.generator, Exhibiting) else ())

    @overload
    def sample(self, n: int, *, to: str | Path, **options: Any) -> Receipt: ...

    @overload
    def sample(self, n: int | None = None, *, to: None = None, **options: Any) -> Dataset: ...

    def sample(
        self,
        n: int | None = None,
        *,
        seed: int | None = None,
        where: str | Mapping[str, Any] | None = None,
        do: str | Mapping[str, Any] | None = None,
        balance: Shares | None = None,
        bigger: Shares | None = None,
        smaller: Shares | None = None,
        fair: Mapping[str, Any] | None = None,
        given: Any = None,
        to: str | Path | None = None,
        progress: Progress = silent,
        **how: Any,
    ) -> Dataset | Receipt:
        """Draw n synthetic rows.

        Parameters
        ----------
        n : int or None
            Number of rows; 0 is allowed. Left out with `given`.
        seed : int or None
            The same seed gives the same bytes. None draws a fresh one, which stands in the result's notes.
        where : str, mapping or None
            A SQL predicate that every row satisfies (``"age between 20 and 30 and sex = 'Female'"``), or
            ``{"sex": "Female"}``.
        do : str, mapping or None
            What columns are set to from outside, ``{"smoking": "no"}``, in a model with a graph (``bayes-net``); all
            else is asked of what follows. See `intervene`.
        balance : mapping or None
            Shares of the levels of one or more columns, ``{"fraud": {"yes": 0.5}, "region": {"north": 0.3}}``, or of
            rows that satisfy a predicate, ``{"age > 60": 0.2}``; what is not named keeps its proportions.
        bigger, smaller : mapping or None
            The same with factors: ``bigger={"fraud": {"yes": 3}}`` makes the model's share three times as large.
        fair : mapping or None
            A definition of parity, ``{"target": "income", "group": "sex", "definition": "independence"}``; see
            `simulacra.shares.parity`.
        given : path, frame, mapping of columns to values, Dataset or None
            Rows of which some columns are known: each is completed, given all that is known of it. Gaps are filled too;
            see `simulacra.impute`.
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
            Exactly `n` rows, as the kind of frame that was fitted; what was written where `to` is given.

        Raises
        ------
        ImpossibleCondition
            No row of this model can satisfy the condition.
        RareCondition
            The condition never held in millions of draws, or is too rare for n different rows.

        Notes
        -----
        Under a condition rows are drawn axis by axis within what it allows, weighted, and picked by weight; the notes
        give its probability and what the draws are worth. Models that can not draw so are filtered.

        **Cost**: linear in `n`; a condition costs some ten times as much as a free draw, or more where it
        compares columns, whatever its probability.

        **Source**: `simulacra.sampling.particles`, `balance` and `parity` name the papers.

        Examples
        --------
        >>> import polars as pl, simulacra as sim
        >>> frame = pl.DataFrame({"a": [1, 2] * 50, "b": ["x", "y"] * 50})
        >>> model = sim.fit(frame, "independent", seed=0)
        >>> len(model.sample(5, seed=1, where="a = 2"))
        5
        """
        used, own = resolve_seed(seed), self if do is None else self.intervene(do)
        asked = {"balance": balance, "bigger": bigger, "smaller": smaller, "fair": fair}
        if to is not None:
            more = {"seed": seed, "where": where, "given": given, **asked}
            return write_in_parts(own, n, to, more, how, progress)
        refuse_without_target(how)
        if given is not None:
            done = complete_given(own, given, n, where, asked, used, told=seed is not None, progress=progress)
            return replace(done, notes=(*done.notes, *tell_interventions(own.provenance)))
        request = Request.of(n, {"where": where, **asked})
        notes: list[str] = []
        pieces: list[pl.DataFrame] = []
        for piece in own._pieces(request, Streams(used), progress, notes):
            if len(piece) and not any(map(len, pieces)):
                require_rows(request.n, piece)
            pieces.append(piece)
        if seed is None:
            notes.append(f"seed {used}")
        frame, layout = pl.concat(pieces), self.layout
        return Dataset(self.schema, {self.table.name: frame}, {self.table.name: layout}, tuple(notes))

    def chunks(self, n: int, *, seed: int, **asked: Any) -> Iterator[pl.DataFrame]:
        """Draw n rows in pieces: the same rows as `sample`.

        Parameters
        ----------
        n : int
            Number of rows in all.
        seed : int
            The same seed gives the same bytes.
        **asked
            ``where``, ``do``, ``balance``, ``bigger``, ``smaller``, ``fair``: as for `sample`.

        Yields
        ------
        DataFrame
            Canonical values, at most 65,536 rows; all at once where a constraint makes a column rise or fall.
        """
        own, rest = self._after(asked)
        yield from own._pieces(Request.of(n, rest), Streams(resolve_seed(seed)), silent, [])

    def write(
        self,
        target: str | Path | TextIO,
        n: int,
        *,
        seed: int | None = None,
        progress: Progress = silent,
        **asked: Any,
    ) -> Written:
        """Draw n rows into a file, block by block.

        Parameters
        ----------
        target : str, Path or text file
            A path, whose ending chooses the format as for `Dataset.write`, is written beside and renamed. An open text
            file (``sys.stdout``) gets CSV.
        n, seed, progress
            As for `sample`.
        **asked
            ``where``, ``do``, ``balance``, ``bigger``, ``smaller``, ``fair``: as for `sample`.

        Returns
        -------
        Written
            Number of rows, digest and notes.

        Raises
        ------
        FileError
            It can not be written; nothing is left half done.
        PredicateError
            The condition is impossible or too rare; nothing is left half done.

        Notes
        -----
        The file is the same as that of ``sample(n, ...).write(path)``.

        **Cost**: memory stays flat for CSV, JSON lines, Parquet and Arrow files, unless a constraint makes a column
        rise or fall among rows: then all are drawn first. Workbooks, JSON lists and zstd need all rows at once too.

        Examples
        --------
        >>> import polars as pl, simulacra as sim, tempfile, pathlib
        >>> model = sim.fit(pl.DataFrame({"a": [1, 2] * 50}), "independent", seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = model.write(pathlib.Path(folder) / "a.csv", 5, seed=1)
        >>> done.rows, done.digest == model.sample(5, seed=1).digest
        (5, True)
        """
        used, (own, rest) = resolve_seed(seed), self._after(asked)
        request = Request.of(n, rest)
        notes: list[str] = []
        pieces = own._pieces(request, Streams(used), progress, notes)
        digest = write_pieces(pieces, request.n, target, self.layout, self.table)
        if seed is None:
            notes.append(f"seed {used}")
        return Written(request.n, digest, tuple(notes))

    def _pieces(
        self, request: Request, streams: Streams, progress: Progress, notes: list[str]
    ) -> Iterator[pl.DataFrame]:
        """Give the rows of a request piece by piece, at least one piece."""
        yield from Filling(request, self._drawer, streams, progress, notes).rows()
        notes += tell_interventions(self.provenance)

    @cached_property
    def _drawer(self) -> Drawer:
        decoder = Decoder(self.encodings, self.domain, self.relations)
        density = self._density if isinstance(self.generator, Dense) else None
        return Drawer(self.generator, decoder, self.table, self.model, density)

    def _density(self, frame: pl.DataFrame) -> Array:
        return self.log_density(frame).rows

    def with_constraint(self, *constraints: str | Constraint) -> Synthesizer:
        """Return the model with more constraints, which every row that it draws keeps.

        Parameters
        ----------
        *constraints : str or constraint
            SQL predicates, or any of the kinds in `simulacra.schema.constraints`.

        Examples
        --------
        >>> import polars as pl, simulacra as sim
        >>> model = sim.fit(pl.DataFrame({"a": [1, 2, 3] * 50}), "independent", seed=0)
        >>> model.with_constraint("a < 3").sample(100, seed=1).frame["a"].max()
        2
        """
        return replace(self, table=self.schema.with_constraint(*constraints).table())

    def log_density(self, data: Any) -> Density:
        """Tell how likely each row is to be drawn, column by column; see `simulacra.plausibility.measure_density`."""
        return measure_density(self, data)

    def save(self, path: str | Path, *, allow_rows: bool = False) -> Path:
        """Write the model to a file.

        Parameters
        ----------
        path : str or Path
            Ends in ``.sim``.
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
        return write_model(self.dump(), Path(path), allow_rows=allow_rows)

    def dump(self) -> ModelFile:
        """Return what a model file holds."""
        state = {
            "encodings": {name: encoding.dump() for name, encoding in self.encodings.items()},
            "generator": self.generator.dump(),
            "domain": self.domain.dump(),
            "layout": self.layout.dump(),
            "relations": [relation.dump() for relation in self.relations],
        }
        return ModelFile(
            self.model, self.generator.options(), self.generator.stores_rows, dump_schema(self.schema), state,
            self.notes, dict(self.provenance),
        )  # fmt: skip


def restore(file: ModelFile) -> Synthesizer:
    """Make the model of one table from what a model file holds."""
    schema = load_schema(file.schema)
    if len(schema.tables) != 1:
        raise several_tables(schema, log=bool(file.state.get("log")))
    table = schema.table()
    state = file.state
    encodings: dict[str, Encoding] = {
        column.name: ENCODINGS.load(column.kind).restore(state["encodings"][column.name], column)
        for column in table.columns
    }
    generator = make_generator(file.model, file.options).restore(state["generator"])
    return Synthesizer(
        table, file.model, generator, encodings, Domain.restore(state["domain"]), Layout.restore(state["layout"]),
        tuple(restore_relation(item) for item in state["relations"]), tuple(file.notes), file.provenance,
    )  # fmt: skip
