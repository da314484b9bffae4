"""The verbs: read, infer, split, fit, load, evaluate, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from simulacra.dataset import Dataset, dataset
from simulacra.errors import DataError, ModelFileError, OptionError, SchemaViolation
from simulacra.evaluation import evaluate as evaluate_case
from simulacra.generator import Progress, silent
from simulacra.metric import Comparison
from simulacra.modelfile import read_model
from simulacra.privacy.protection import HOLDERS
from simulacra.provenance import fingerprint, versions
from simulacra.randomness import Streams, resolve_seed
from simulacra.report.document import Report
from simulacra.schema.conformance import conform
from simulacra.schema.files import read_schema
from simulacra.schema.inference import infer_schema
from simulacra.schema.types import Schema, Table
from simulacra.synthesizer import Synthesizer, fit_table, restore


def read(
    data: Any,
    *,
    schema: Schema | str | Path | None = None,
    name: str | None = None,
    extra: Literal["error", "drop"] = "error",
    unreadable: Literal["error", "null"] = "error",
) -> Dataset:
    """Read a data set and say what its columns are.

    Parameters
    ----------
    data : path, frame or mapping
        A data file (.csv, .parquet, .arrow, .jsonl, .xlsx; compressed text too), a folder of them, a pandas, Polars
        or Arrow frame, or a mapping of table names to frames.
    schema : Schema, path or None
        The contract, or the file it is in; inferred when None.
    name : str or None
        A name for the only table.
    extra : {"error", "drop"}
        What to do with columns that the schema does not name.
    unreadable : {"error", "null"}
        What to do with values that can not be read as their column's kind; nulls are counted in the notes.

    Returns
    -------
    Dataset
        The values under their schema.

    Raises
    ------
    FileError
        The path can not be read.
    DataError
        Its contents can not be understood.
    SchemaViolation
        The values do not fit the schema given.

    Notes
    -----
    **Cost**: linear; the data are held in memory.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> sim.read(pl.DataFrame({"age": [31, 45]}))
    Dataset(table: 2 rows x 1 columns)
    """
    return dataset(data, schema=_schema(schema), name=name, extra=extra, unreadable=unreadable)


def infer(data: Any) -> Schema:
    """Guess the schema of data; `schema.reasons` says why each column was guessed so.

    Parameters
    ----------
    data : path, frame, mapping or Dataset
        As for `read`.

    Returns
    -------
    Schema
        To look at, correct with `with_column` and `with_constraint`, and give to `fit`.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> sim.infer(pl.DataFrame({"price": [1.25, 3.5]})).table()["price"].decimals
    2
    """
    given = dataset(data)
    if not isinstance(data, Dataset):
        return given.schema
    again = infer_schema(given.frames, dict.fromkeys(given.frames, True))
    tables = tuple(_refresh(table, again.table(table.name)) for table in given.schema.tables)
    return Schema(tables, {**given.schema.reasons, **again.reasons})


def split(data: Any, holdout: float = 0.2, *, seed: int | None = None) -> tuple[Dataset, Dataset]:
    """Part rows at random into a training part and a holdout that the generator never sees.

    Parameters
    ----------
    data : path, frame or Dataset
        One table.
    holdout : float
        Share of rows in the second part.
    seed : int or None
        The same seed gives the same parts.

    Returns
    -------
    (Dataset, Dataset)
        Training part and holdout.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> train, holdout = sim.split(pl.DataFrame({"a": range(10)}), seed=1)
    >>> len(train), len(holdout)
    (8, 2)
    """
    return dataset(data).split(holdout, seed=seed)


def fit(
    data: Any,
    model: str = "trees",
    *,
    schema: Schema | str | Path | None = None,
    seed: int | None = None,
    protect: bool = True,
    holders: int = HOLDERS,
    progress: Progress = silent,
    **options: Any,
) -> Synthesizer:
    """Learn a generator from one table.

    Parameters
    ----------
    data : path, frame or Dataset
        The training rows.
    model : str
        A name that ``simulacra models`` lists.
    schema : Schema, path or None
        The contract; the data set's own, or inferred, when None.
    seed : int or None
        The same seed, data and versions give the same model. None draws one; it stands in `provenance`.
    protect : bool
        False gives levels, extremes and single values out however few rows hold them.
    holders : int
        k of the protection: rows that must share a value before it may be given out.
    progress : callable
        Told the share done (0 to 1) and the present step.
    **options
        The model's hyperparameters.

    Returns
    -------
    Synthesizer
        The fitted model: `sample`, `save`, `schema`, `notes`.

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
    if holders < 1:
        raise OptionError(f"holders must be 1 or more, not {holders!r}.")
    given = dataset(data, schema=_schema(schema))
    if len(given.frames) != 1:
        raise DataError(
            f"fit takes one table, and these data have {len(given.frames)}: {', '.join(given.frames)}. "
            "Choose one with data.select('NAME') (--table NAME)."
        )
    table = given.schema.table()
    return fit_table(
        given.polars(), table, given.layouts[table.name], model=model, options=options, seed=resolve_seed(seed),
        holders=holders if protect else 1, notes=given.notes, progress=progress,
    )  # fmt: skip


def load(path: str | Path) -> Synthesizer:
    """Read a model that `save` wrote.

    Parameters
    ----------
    path : str or Path
        A .sim file.

    Returns
    -------
    Synthesizer
        The fitted model; it draws the same bytes as the one that was saved.

    Raises
    ------
    FileError
        The file can not be opened.
    ModelFileError
        It is damaged, of a newer format, or no model at all. Nothing in it is executed.

    Examples
    --------
    >>> import simulacra as sim
    >>> try:
    ...     sim.load("absent.sim")
    ... except sim.errors.FileError as error:
    ...     print("absent.sim" in str(error))
    True
    """
    file = read_model(Path(path))
    try:
        return restore(file)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelFileError(f"{Path(path).name!r} is damaged: its state does not fit its schema.") from error


def evaluate(
    train: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    target: str | None = None,
    schema: Schema | str | Path | None = None,
    metrics: Sequence[str] | None = None,
    thresholds: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 0,
    title: str | None = None,
    model: Synthesizer | None = None,
    progress: Progress = silent,
) -> Report:
    """Measure synthetic rows against real ones; they may come from any generator.

    Parameters
    ----------
    train : path, frame or Dataset
        The rows that the generator learnt from.
    synthetic : path, frame or Dataset
        The rows under test.
    holdout : path, frame, Dataset or None
        Real rows that the generator never saw: without them privacy and usefulness can not be assessed.
    target : str or None
        A column that people will predict from the data.
    schema : Schema, path or None
        The contract of all three; that of `train` when None.
    metrics : sequence of str or None
        Names that ``simulacra metrics`` lists; all when None.
    thresholds : mapping or None
        ``{"fidelity/detection": (0.6, 0.75)}``: limits of pass and of look.
    seed : int
        The same seed gives the same figures.
    title : str or None
        Heading of the report.
    model : Synthesizer or None
        The model that made the rows: its settings and what its protection did go into the report.
    progress : callable
        Told the share done.

    Returns
    -------
    Report
        ``report["fidelity/pairs"].value``, `save`, `require`.

    Notes
    -----
    **Cost**: about 10 CPU-seconds for 26,000 rows of 15 columns; costly metrics look at no more than 50,000 rows of
    each frame. **Privacy**: figures about a private table tell something about it; see the report's owner part.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> real = pl.DataFrame({"a": [1, 2, 3, 4] * 50})
    >>> report = sim.evaluate(real, real, metrics=["fidelity/marginals"])
    >>> report["fidelity/marginals"].value
    0.0
    """
    known = dataset(train, schema=_schema(schema))
    table = known.schema.table()
    if target is not None:
        table[target]
    notes: list[str] = list(known.notes)
    rows = {"synthetic": synthetic, "holdout": holdout}
    frames = {}
    for role, data in rows.items():
        if data is None:
            continue
        loose = data if isinstance(data, Dataset) else dataset(data, schema=None)
        try:
            frames[role], told = conform(loose.polars(), table, extra="drop", unreadable="null")
        except SchemaViolation as error:
            raise SchemaViolation(f"the {role} rows do not fit the training rows: {error}") from error
        notes += [f"{role}: {note}" for note in (*loose.notes, *told)]
    case = Comparison(
        table, known.polars(), frames["synthetic"], frames.get("holdout"), target, Streams(resolve_seed(seed))
    )
    metrics = [metrics] if isinstance(metrics, str) else metrics
    evaluation = evaluate_case(case, metrics=metrics, thresholds=thresholds, progress=progress)
    made: dict[str, Any] = dict(model.provenance) if model is not None else {}
    provenance = {
        "train": {"sha256": fingerprint(case.train), "rows": len(case.train)},
        "synthetic": {"sha256": fingerprint(case.synthetic), "rows": len(case.synthetic)},
        **(
            {"holdout": {"sha256": fingerprint(case.holdout), "rows": len(case.holdout)}}
            if case.holdout is not None
            else {}
        ),
        "evaluation": {"seed": seed, "target": target, "seconds": evaluation.seconds},
        "model": {k: v for k, v in made.items() if k not in {"versions", "privacy"}} or None,
        "privacy": made.get("privacy", {"formal": None}),
        "versions": versions(),
    }
    protected = tuple(model.notes) if model is not None else ()
    return Report(title or f"Synthetic {table.name}", evaluation, provenance, (*notes, *protected))


def write(data: Any, path: str | Path) -> Path:
    """Write a data set to a file or folder; nothing is left half done.

    Parameters
    ----------
    data : Dataset or frame
        What to write.
    path : str or Path
        The ending chooses the format.

    Returns
    -------
    Path
        What was written.

    Examples
    --------
    >>> import polars as pl, simulacra as sim, tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sim.write(pl.DataFrame({"a": [1]}), pathlib.Path(folder) / "a.csv").read_text()
    'a\\n1\\n'
    """
    return dataset(data).write(path)


def _schema(schema: Schema | str | Path | None) -> Schema | None:
    return read_schema(Path(schema)) if isinstance(schema, (str, Path)) else schema


def _refresh(known: Table, seen: Table) -> Table:
    """Take bounds, levels and the like from the values at hand, and kinds and formats as they were read from text."""
    columns = []
    for old in known.columns:
        new = seen[old.name]
        fresh = new.kind == old.kind and not old.declared
        marks = (
            replace(new, format=old.format, identifying=old.identifying, pattern=old.pattern)
            if fresh
            else old
        )
        columns.append(marks)
    return replace(known, columns=tuple(columns))
