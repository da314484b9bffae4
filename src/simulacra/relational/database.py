"""A fitted model of several tables: what `fit` and `load` return for a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import polars as pl

from simulacra.dataset import Dataset
from simulacra.domain import Array
from simulacra.errors import OptionError, unknown
from simulacra.frames import Layout
from simulacra.generator import Progress, part, silent
from simulacra.modelfile import ModelFile, write_model
from simulacra.parting import HOW, Receipt, refuse_without_target, write_in_parts
from simulacra.randomness import Streams, resolve_seed
from simulacra.relational.asking.asking import draw_asked
from simulacra.relational.asking.conditions import INSTEAD, read_conditions, refuse_single, say_instead
from simulacra.relational.asking.plans import plan_requests
from simulacra.relational.asking.trees import prune, root_of
from simulacra.relational.assembly import assemble
from simulacra.relational.drawing import Rows, draw_unit
from simulacra.relational.given.simulating import add_silences
from simulacra.relational.given.starting import open_start
from simulacra.relational.logs import join_log, part_conditions, whole_table
from simulacra.relational.numbering import Maker
from simulacra.relational.plan import Link, Plan
from simulacra.relational.rules.upholding import require_kept, uphold
from simulacra.relational.unit import Unit
from simulacra.schema.files import dump_schema, load_schema
from simulacra.schema.types import Schema
from simulacra.storage import require_writable

MODEL = "database"
"""The name that model files of several tables carry."""


@dataclass(frozen=True, repr=False)
class DatabaseSynthesizer:
    """A fitted model of several tables.

    Parameters
    ----------
    schema : Schema
        The tables as released.
    plan : Plan
        In what order and by what ways they are made.
    units : dict
        The fitted models, in that order.
    kept : dict
        Tables that are given out as they are.
    makers : dict
        What makes the keys of each column: ``{table: {column: Maker}}``.
    absent : dict
        By link: how many different rows that are not there are referred to.
    patterns : dict
        By table: the columns of a composite key that no reference fills, as numbers, in the order of the rows.
    serials : dict
        By table: the column of a composite key that numbers the rows of an entity, and where it starts.
    layouts : dict
        The kind of frame of each table, and its column types.
    log : tuple of str or None
        The columns of the table that was parted into entities and events, in their order.
    notes : tuple of str
        What was done.
    provenance : dict
        Versions, seed, options and fingerprints.
    """

    schema: Schema
    plan: Plan
    units: Mapping[str, Unit]
    kept: Mapping[str, pl.DataFrame]
    makers: Mapping[str, Mapping[str, Maker]]
    absent: Mapping[str, int]
    patterns: Mapping[str, Mapping[str, Array]]
    serials: Mapping[str, Mapping[str, int]]
    layouts: Mapping[str, Layout]
    log: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"DatabaseSynthesizer({len(self.schema.tables)} tables: {', '.join(self.schema.names)})"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Say what there is in the place of what a model of one table has."""
            told = f"a model of several tables has no {name!r}"
            raise AttributeError(
                say_instead(name, self.schema, log=self.log is not None) if name in INSTEAD else told
            )

    @property
    def roots(self) -> tuple[str, ...]:
        """Tables whose rows no other table draws: the number of these rows can be chosen."""
        return tuple(name for name in self.plan.units if self.plan.driving(name) is None)

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
        where: str | Mapping[str, str | Mapping[str, Any]] | None = None,
        given: Any = None,
        steps: int | None = None,
        after: Any = None,
        to: str | Path | None = None,
        progress: Progress = silent,
        **others: Any,
    ) -> Dataset | Receipt:
        """Draw a database.

        Parameters
        ----------
        n : int, mapping or None
            Rows of the only root table, or of several by name. A root is a table whose rows belong to no other's; the
            rows of other tables follow from it.
        scale : float or None
            Times as many rows as the data had; 1 when neither it nor `n` is given. Reference tables stay as they are.
        seed : int or None
            The same seed gives the same bytes. None draws a fresh one, which stands in the result's notes.
        where : str, mapping or None
            A text is a condition on the rows of a log, or of the only root: all rows satisfy it. A mapping gives
            for each table what all its rows satisfy, as SQL that may look at other tables:
            ``{"shops": "size > 1 and (select count(*) from sales where amount > 8) >= 2"}``; see
            `simulacra.schema.crossing.Crossing`. `n` then counts rows of the root that is asked for; other roots keep
            the rows that something refers to, unless `n` names them too.
        given : mapping of str to frame, frame or None
            Rows that are there already, by table: entities alone (``{"customers": rows}``), whose columns that are not
            given and all that belongs to them are drawn; and what has happened (``{"customers": ..., "orders": ...}``),
            which is continued. A frame alone is of the only root, or of a log. Of other roots only rows come that
            something refers to, unless `n` names them.
        steps : int or None
            How many more rows each given history gets; None: as many as histories in the data have in the end.
        after : date, datetime, str, number or None
            With `given`: until when it is known that nothing else happened.
        to : str, Path or None
            A folder, a URL of an object store, or a database: rows are written there in parts, by any number of
            workers, and a run that was cut short goes on; see `simulacra.scale.writing.write_parts`. What is large is
            drawn in shards, whose rows are others than those of one draw; see `simulacra.relational.shards.cutting`.
        progress : callable
            Told the share done.
        **others
            With `to`: ``format``, ``engine``, ``workers``, ``memory``, ``partition``, ``if_exists``,
            ``storage_options``.
            What only a model of single rows can be asked for (``balance`` and the like) is refused.

        Returns
        -------
        Dataset or Manifest
            What was written where `to` is given; else all tables, with keys that are unique and references that lead to
            rows, but for the share that led nowhere in the data.

        Raises
        ------
        OptionError
            `n` and `scale` are both given, or `n` names a table that is no root.
        PredicateError
            A condition can not be understood, is impossible, or too rare.

        Notes
        -----
        Under conditions, rows that lead nowhere are left out; see `simulacra.relational.asking.asking.draw_asked`.

        **Cost**: linear in rows; a history takes a step for each of its rows, all histories together. Conditions cost
        more, the rarer they are.

        Examples
        --------
        >>> import polars as pl, simulacra as sim
        >>> from simulacra.schema.types import Reference
        >>> shops = pl.DataFrame({"id": range(100), "size": [1, 2] * 50})
        >>> sales = pl.DataFrame({"shop": [i // 3 for i in range(300)], "amount": [5, 7, 9] * 100})
        >>> real = sim.read({"shops": shops, "sales": sales})
        >>> schema = real.schema.with_key("id", table="shops")
        >>> schema = schema.without_reference("sales").with_reference("sales", "shop", "shops", "id")
        >>> fake = sim.fit(real, schema=schema, seed=0).sample(scale=2, seed=1)
        >>> len(fake.polars("shops")), fake.polars("sales")["shop"].is_in(fake.polars("shops")["id"].to_list()).all()
        (200, True)
        """
        if to is not None:
            asked_for = {
                "scale": scale,
                "seed": seed,
                "where": where,
                "given": given,
                "steps": steps,
                "after": after,
            }
            return write_in_parts(self, n, to, asked_for, others, progress)
        refuse_without_target({name: value for name, value in others.items() if name in HOW})
        refuse_single(others, self.schema, log=self.log is not None)
        used = resolve_seed(seed)
        streams = Streams(used).at("database")
        conditions = read_conditions(self.named(where), self.schema) if where else None
        start = open_start(self, given, steps, after, n, where)
        asked = tuple(request.root for request in plan_requests(self, conditions)) if conditions else ()
        if start is not None:
            start = add_silences(self, start, streams.at("silences"))
            asked += start.roots(self)
        sizes = self.sizes(n, scale, asked)
        told = [*(start.notes if start is not None else ()), *([] if seed is not None else [f"seed {used}"])]
        rows: dict[str, Rows] = {}
        if conditions:
            rows, notes = draw_asked(self, conditions, sizes, scale or 1.0, streams, progress)
            told += notes
        else:
            for place, name in enumerate(self.plan.units):
                own = part(progress, place / len(self.plan.units), (place + 1) / len(self.plan.units))
                lost = 0.0 if root_of(self.plan, name) in asked else scale or 1.0
                rows[name] = draw_unit(
                    self, self.units[name], rows, sizes.get(name), lost, streams, own, given=start
                )
                told += rows[name].notes if start is not None and name in start.units else ()
        frames = assemble(self, rows, streams.at("references"), start)
        if asked:
            frames = prune(self, frames, (*asked, *(n if isinstance(n, Mapping) else ())))
        frames, notes = uphold(self, frames)
        if conditions:
            require_kept(conditions, frames)
        return self._given_out(frames, (*told, *notes))

    def _given_out(self, frames: dict[str, pl.DataFrame], notes: tuple[str, ...]) -> Dataset:
        """Return the tables; those of a log as the one table that it was."""
        if self.log is None:
            return Dataset(self.schema, frames, self.layouts, notes)
        table = whole_table(self.schema, self.log)
        joined = join_log(self.schema, frames, self.log)
        return Dataset(Schema((table,)), {table.name: joined}, {table.name: self.layouts[table.name]}, notes)

    def named(self, where: str | Mapping[str, Any]) -> Mapping[str, Any]:
        """Name the table that a condition is on, where there is only one that it can be."""
        if self.log is not None and isinstance(where, (str, Mapping)):
            return part_conditions(where, self.schema, self.log)
        if not isinstance(where, str):
            return where
        if len(self.roots) != 1:
            raise OptionError(
                f"where= names its table here: where={{{self.roots[0]!r}: {where!r}}}, one of "
                f"{', '.join(self.roots)} or a table that belongs to them."
            )
        return {self.roots[0]: where}

    def sizes(
        self, n: int | Mapping[str, int] | None, scale: float | None, asked: tuple[str, ...]
    ) -> dict[str, int]:
        """Return how many rows each root gets; one number is meant for the only root, or the only one asked for."""
        roots = self.roots
        if n is not None and scale is not None:
            raise OptionError("n and scale both say how many rows. Give one of them.")
        if scale is not None and not 0 <= scale < float("inf"):
            raise OptionError(f"scale is a number from 0, not {scale!r}.")
        if isinstance(n, Mapping):
            for name in n:
                if name not in roots:
                    raise OptionError(
                        f"{unknown('table that can be given a number of rows', name, roots)} "
                        "The rows of other tables follow from these."
                    )
        elif n is not None:
            if len(asked) == 1:
                n = {asked[0]: n}
            elif not roots:
                raise OptionError(
                    "n says how many rows are drawn, and here all rows belong to public ones. Leave it out; given= "
                    "chooses some of these, and steps= says how many rows each gets."
                )
            elif len(roots) != 1:
                raise OptionError(
                    f"this model has {len(roots)} tables whose rows belong to no other's: {', '.join(roots)}. "
                    f"Name them: n={{{roots[0] if roots else 'TABLE'!r}: {n}}}, or give scale=."
                )
            else:
                n = {roots[0]: n}
        sizes = {name: round(self.units[name].rows * (scale if scale is not None else 1.0)) for name in roots}
        for name, rows in (n or {}).items():
            if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)) or rows < 0:
                raise OptionError(f"n is a whole number of rows from 0, not {rows!r}.")
            sizes[name] = int(rows)
        return sizes

    def save(self, path: str | Path, *, allow_rows: bool = False) -> Path:
        """Write the model to a file; see `Synthesizer.save`.

        Notes
        -----
        **Privacy**: reference tables stand in the file as they are.
        """
        require_writable(path, suffixes=(".sim",))
        return write_model(self.dump(), Path(path), allow_rows=allow_rows)

    def dump(self) -> ModelFile:
        """Return what a model file holds."""
        stores = any(
            u.synthesizer is not None and u.synthesizer.generator.stores_rows for u in self.units.values()
        )
        state = {
            "plan": {"kept": list(self.plan.kept), "units": list(self.plan.units),
                     "links": [link.dump() for link in self.plan.links]},
            "units": {name: unit.dump() for name, unit in self.units.items()},
            "kept": {name: _dump_frame(frame) for name, frame in self.kept.items()},
            "makers": {t: {c: maker.dump() for c, maker in own.items()} for t, own in self.makers.items()},
            "absent": dict(self.absent),
            "serials": {table: dict(own) for table, own in self.serials.items()},
            "patterns": {table: dict(own) for table, own in self.patterns.items()},
            "layouts": {name: layout.dump() for name, layout in self.layouts.items()},
            "log": None if self.log is None else list(self.log),
        }  # fmt: skip
        return ModelFile(
            MODEL, {}, stores, dump_schema(self.schema), state, self.notes, dict(self.provenance)
        )


def restore_database(file: ModelFile) -> DatabaseSynthesizer:
    """Make the model from what a model file holds."""
    schema, state = load_schema(file.schema), file.state
    plan = Plan(
        tuple(state["plan"]["kept"]), tuple(state["plan"]["units"]),
        tuple(Link.restore(item) for item in state["plan"]["links"]),
    )  # fmt: skip
    columns = {table.name: {column.name: column for column in table.columns} for table in schema.tables}
    return DatabaseSynthesizer(
        schema,
        plan,
        {name: Unit.restore(state["units"][name], columns[name]) for name in plan.units},
        {name: _restore_frame(state["kept"][name]) for name in plan.kept},
        {t: {c: Maker.restore(item) for c, item in own.items()} for t, own in state["makers"].items()},
        {name: int(number) for name, number in state["absent"].items()},
        {
            name: {c: np.asarray(codes, np.int64) for c, codes in own.items()}
            for name, own in state["patterns"].items()
        },
        {name: {c: int(start) for c, start in own.items()} for name, own in state["serials"].items()},
        {name: Layout.restore(item) for name, item in state["layouts"].items()},
        None if state["log"] is None else tuple(state["log"]),
        tuple(file.notes),
        file.provenance,
    )


def _dump_frame(frame: pl.DataFrame) -> dict[str, Any]:
    return {"rows": len(frame), "columns": {s.name: _dump_series(s) for s in frame}}


def _dump_series(series: pl.Series) -> dict[str, Any]:
    if series.dtype == pl.String:
        return {"type": "text", "values": series.to_list()}
    kind = str(series.dtype.base_type()) if not isinstance(series.dtype, pl.Datetime) else "Datetime"
    zone = series.dtype.time_zone if isinstance(series.dtype, pl.Datetime) else None
    whole: Array = (
        series.to_physical().fill_null(0).cast(pl.Float64 if series.dtype.is_float() else pl.Int64).to_numpy()
    )
    return {"type": kind, "zone": zone, "values": whole, "missing": series.is_null().to_numpy()}


def _restore_frame(state: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([_restore_series(name, item) for name, item in state["columns"].items()])


def _restore_series(name: str, state: Mapping[str, Any]) -> pl.Series:
    if state["type"] == "text":
        return pl.Series(name, state["values"], dtype=pl.String)
    types: dict[str, Any] = {
        "Int64": pl.Int64, "Float64": pl.Float64, "Boolean": pl.Boolean, "Date": pl.Date, "Time": pl.Time,
        "Duration": pl.Duration("us"), "Datetime": pl.Datetime("us", state["zone"]),
    }  # fmt: skip
    values = pl.Series(name, state["values"])
    values = (
        values.cast(pl.Int32).cast(pl.Date) if state["type"] == "Date" else values.cast(types[state["type"]])
    )
    missing = pl.Series(np.asarray(state["missing"], bool))
    return pl.select(pl.when(missing).then(None).otherwise(values)).to_series().alias(name)
