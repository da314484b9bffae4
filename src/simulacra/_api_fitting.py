"""The verbs that learn: fit, load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from simulacra import __version__
from simulacra._api_schema import Contract, contract
from simulacra.databases.urls import is_database
from simulacra.dataset import Dataset, dataset
from simulacra.errors import ModelFileError, OptionError, unknown
from simulacra.estimation import require_room
from simulacra.fitting import fit_table
from simulacra.generator import Progress, part, silent
from simulacra.intake import Intake
from simulacra.memory import parse_size
from simulacra.modelfile import ModelFile, read_model
from simulacra.privacy.protection import HOLDERS
from simulacra.randomness import resolve_seed
from simulacra.rules.templates import is_template
from simulacra.schema.types import Schema
from simulacra.synthesizer import Synthesizer, make_generator, restore

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer
    from simulacra.rules.model import RuleSynthesizer

RULE_FILES = (".yaml", ".yml", ".json", ".sql")
"""Endings of files with rules."""


def fit(
    data: Any,
    model: str | Mapping[str, str] = "trees",
    *,
    schema: Contract | None = None,
    weight: str | None = None,
    entity: str | None = None,
    order: str | None = None,
    reference: str | Sequence[str] = (),
    seed: int | None = None,
    protect: bool = True,
    holders: int = HOLDERS,
    rules: bool = True,
    max_memory: int | str | None = None,
    rows: int | None = None,
    start: Synthesizer | str | Path | None = None,
    progress: Progress = silent,
    **options: Any,
) -> Synthesizer | DatabaseSynthesizer | RuleSynthesizer:
    """Learn a generator from a table, from tables that refer to each other, or from a log of events.

    Parameters
    ----------
    data : path, URL, frame, mapping or Dataset
        The training rows: of one table, or of several (a folder, a database, a mapping of names to frames).
    model : str or mapping
        A name that ``simulacra models`` lists; for several tables a mapping gives some of them another one.
    schema : Schema, mapping, path or None
        The contract; the data set's own, or inferred, when None. Columns that have rules in it are not learnt: they are
        made by these, beside what is learnt.
    weight : str or None
        A number that says how many of the population each row stands for; the schema's own when None. Drawn rows stand
        for the population equally.
    entity : str or None
        The column of a single table that says whose event each row is: its rows are then learnt as histories.
    order : str or None
        The column by which the rows of an entity follow each other; as they lie when None.
    reference : str or sequence of str
        Tables that are public (districts, airports): they are given out as they are. With `entity`, this column: its
        entities are public (stations, shares), keep their names, and each is learnt as itself.
    seed : int or None
        The same seed, data and versions give the same model. None draws one; it stands in `provenance`.
    protect : bool
        False gives levels, extremes and single values out however few rows hold them.
    holders : int
        k of the protection: rows that must share a value before it may be given out.
    rules : bool
        Whether rules over several tables that all rows keep are found and kept: copies, totals, dates in order. Those
        of the schema are kept in any case.
    max_memory : int, str or None
        Bytes, or text such as ``"4GB"``, that the process may use; what is free when None. A fit that would need more
        is refused before it starts; see `estimate`. Several tables are held against what is given, not what is free.
    rows : int or None
        How many rows of one table in a large file, or in a folder of parts, to learn from at most: 1,000,000 of a
        folder when None. All rows are counted, and a uniform sample of them is learnt from; the notes say so.
    start : Synthesizer, path or None
        A model of related rows, with the same columns: for a table of few rows. What it draws joins the fit, with the
        weight that makes held-out rows likeliest; see `simulacra.transfer`.
    progress : callable
        Told the share done (0 to 1) and the present step.
    **options
        The model's hyperparameters.

    Returns
    -------
    Synthesizer, DatabaseSynthesizer or RuleSynthesizer
        The fitted model: `sample`, `save`, `schema`, `notes`; the second for several tables and for histories, the
        third where the schema has rules.

    Raises
    ------
    SchemaViolation
        The data break the schema.
    UnknownName
        There is no such model.
    MissingExtra
        The model needs a package that is not installed.

    Notes
    -----
    **Privacy**: protection is on by default; it is no formal guarantee. Measure with `evaluate` and a holdout.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> frame = pl.DataFrame({"a": [1, 2, 3, 4] * 25})
    >>> sim.fit(frame, "independent", seed=0).sample(3, seed=1).frame.shape
    (3, 1)
    """
    for name in model.values() if isinstance(model, Mapping) else (model,):
        require_named(name)
    if start is not None:
        refuse_beside_start(weight=weight, entity=entity, order=order, reference=reference or None, rows=rows)
        related: Synthesizer = import_module("simulacra._api_transfer").fit_related(
            data, start, only_model(model), schema=schema, seed=seed, holders=checked(holders) if protect else 1,
            options=options, progress=progress, load=load,
        )  # fmt: skip
        return related
    if schema is not None and has_rules(schema := contract(schema, data)):
        more: dict[str, Any] = {
            "weight": weight,
            "seed": seed,
            "protect": protect,
            "holders": holders,
            "max_memory": max_memory,
        }
        mixed: RuleSynthesizer = import_module("simulacra._api_mixing").fit_mixed(
            data, schema, lambda rows: fit(rows, model, progress=progress, **more, **options)
        )
        return mixed
    if entity is None and order is None and not reference:
        streamed = import_module("simulacra._api_streaming").stream_intake(
            data, schema, weight=weight, holders=checked(holders) if protect else 1, rows=rows,
            seed=(seed := resolve_seed(seed)), progress=part(progress, 0.0, 0.3),
        )  # fmt: skip
        if streamed is not None:
            name = only_model(model)
            require_table(model, streamed)
            limit = None if max_memory is None else parse_size(max_memory)
            require_room(streamed, make_generator(name, options), limit)
            return fit_table(
                streamed, model=name, options=options, seed=seed, holders=holders if protect else 1,
                progress=part(progress, 0.3, 1.0),
            )  # fmt: skip
    many, log = read_several(data, schema, weight, entity, order, reference)
    if many is not None:
        if max_memory is not None:
            require = import_module("simulacra._api_estimation").require_room_for
            require(many, model, options, checked(holders) if protect else 1, parse_size(max_memory))
        fit_many = import_module("simulacra.relational.fitting").fit_database
        fitted: DatabaseSynthesizer = fit_many(
            many, model=model, options=options, seed=resolve_seed(seed), holders=checked(holders) if protect else 1,
            progress=progress, log=log, rules=rules,
        )  # fmt: skip
        return fitted
    limit = None if max_memory is None else parse_size(max_memory)
    name = only_model(model)
    intake = open_intake(data, name, schema, weight, holders, options)
    require_table(model, intake)
    require_room(intake, make_generator(name, options), limit)
    return fit_table(
        intake, model=name, options=options, seed=resolve_seed(seed), holders=holders if protect else 1,
        progress=progress,
    )  # fmt: skip


def refuse_beside_start(**given: Any) -> None:
    """Refuse what can not be asked of a fit that starts from another model."""
    for name, value in given.items():
        if value is not None:
            raise OptionError(f"start= (--start) can not be used with {name}=. Leave one of the two out.")


def has_rules(schema: Schema | None) -> TypeGuard[Schema]:
    """Tell whether any column of a schema has a rule."""
    return schema is not None and any(column.rule is not None for t in schema.tables for column in t.columns)


def read_several(
    data: Any,
    schema: Contract | None,
    weight: str | None,
    entity: str | None,
    order: str | None,
    reference: str | Sequence[str],
) -> tuple[Dataset | None, tuple[str, ...] | None]:
    """Read several tables, or one table as histories with its columns; None if the data are one plain table."""
    reference = (reference,) if isinstance(reference, str) else reference
    if entity is not None or order is not None:
        one = dataset(data, schema=contract(schema, data))
        logs = import_module("simulacra.relational.logs")
        log: Dataset = logs.split_log(one, entity, order)
        if reference:
            log = logs.make_public(log, reference)
        return log, one.schema.table().names
    known = contract(schema, data) if schema is not None else None
    if isinstance(data, Dataset):
        given = data if known is None else data.with_schema(known)
    elif (
        isinstance(data, Mapping)
        or is_database(data)
        or (isinstance(data, (str, Path)) and Path(data).is_dir())
        or (known is not None and _is_tree(known))
    ):
        given = dataset(data, schema=known)
    else:
        _refuse_reference(reference)
        return None, None
    if len(given.frames) < 2:
        _refuse_reference(reference)
        if weight is not None or not _is_tree(given.schema):
            return None, None
    if weight is not None:
        raise OptionError(
            "weight= names a column of one table. For several tables put weights into the schema."
        )
    ready = given.schema
    for name in reference:
        ready = ready.with_role(name, "reference")
    return (given if ready is given.schema else given.with_schema(ready)), None


def _is_tree(schema: Schema) -> bool:
    """Tell whether the only table refers to itself: then its rows are learnt as those of a database are."""
    if len(schema.tables) != 1:
        return False
    (table,) = schema.tables
    return table.role != "reference" and any(other.table == table.name for other in table.references)


def _refuse_reference(names: Sequence[str]) -> None:
    if names:
        raise OptionError(
            f"reference={list(names)} (--reference) names tables of a database that are public, and these data are one "
            "table. Leave it out, or give all tables."
        )


def require_named(model: object) -> None:
    """Refuse what is no name of a model, such as a fitted one."""
    if not isinstance(model, str):
        raise OptionError(
            f"model is the name of a kind of model, such as 'trees', not a {type(model).__name__}. See: "
            "simulacra models"
        )


def only_model(model: str | Mapping[str, str]) -> str:
    """Return the model of the only table."""
    return model if isinstance(model, str) else next(iter(model.values()), "trees")


def require_table(model: str | Mapping[str, str], intake: Intake) -> None:
    """Refuse models of other tables than the only one."""
    for name in () if isinstance(model, str) else model:
        if name != intake.table.name:
            raise unknown("table to fit a model to", name, [intake.table.name])


def open_intake(
    data: Any,
    model: str,
    schema: Contract | None,
    weight: str | None,
    holders: int,
    options: Mapping[str, Any],
) -> Intake:
    """Check what a fit is given, and open its data."""
    checked(holders)
    make_generator(model, options)
    intake = Intake.open(data, contract(schema, data))
    if weight is not None:
        intake.table = Schema((intake.table,)).with_weight(weight).table()
    return intake


def checked(holders: int) -> int:
    if holders < 1:
        raise OptionError(f"holders must be 1 or more, not {holders!r}.")
    return holders


def load(path: str | Path) -> Synthesizer | DatabaseSynthesizer | RuleSynthesizer:
    """Read a model that `save` wrote, or one of rules or of figures from a file.

    Parameters
    ----------
    path : str or Path
        A .sim file; a .yaml (.yml, .json, .sql) file of rules, or the name of a template; see `compose`. A .yaml or
        .json file of figures; see `design`.

    Returns
    -------
    Synthesizer, DatabaseSynthesizer or RuleSynthesizer
        The fitted model; it draws the same bytes as the one that was saved.

    Raises
    ------
    FileError
        The file can not be opened.
    ModelFileError
        It is damaged, of a newer format or written by a version with another state, or no model at all. Nothing in it
        is executed.

    Examples
    --------
    >>> import simulacra as sim
    >>> try:
    ...     sim.load("absent.sim")
    ... except sim.errors.FileError as error:
    ...     print("absent.sim" in str(error))
    True
    """
    if Path(path).suffix.lower() in {".yaml", ".yml", ".json"} and Path(path).is_file():
        designed: Synthesizer | None = import_module("simulacra._api_design").load_design(path)
        if designed is not None:
            return designed
    if Path(path).suffix.lower() in RULE_FILES or (not Path(path).is_file() and is_template(path)):
        ruled: RuleSynthesizer = import_module("simulacra._api_rules").compose(path)
        return ruled
    file = read_model(Path(path))
    try:
        return _restore(file)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise _unreadable(Path(path).name, file.version) from error


def _unreadable(name: str, version: str) -> ModelFileError:
    """Say why the state of a model can not be read: another version wrote it, or it is damaged."""
    if version not in {"", __version__}:
        return ModelFileError(
            f"{name!r} was written by simulacra {version}, and simulacra {__version__} can not read the state in it. "
            "Load it with that version, or fit the model again."
        )
    return ModelFileError(f"{name!r} is damaged: its state does not fit its schema.")


def _restore(file: ModelFile) -> Synthesizer | DatabaseSynthesizer | RuleSynthesizer:
    if file.model == "database":
        found: DatabaseSynthesizer = import_module("simulacra.relational.database").restore_database(file)
        return found
    if file.model == "rules":
        ruled: RuleSynthesizer = import_module("simulacra.rules.model").restore_rules(file)
        return ruled
    return restore(file)
