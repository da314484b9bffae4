"""The verbs: read, infer, split, estimate, fit, load, evaluate, review, write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from simulacra._api_evaluation import evaluate as evaluate
from simulacra._api_ranking import compare as compare
from simulacra._api_review import review as review
from simulacra._api_schema import Contract, contract, refresh
from simulacra.dataset import Dataset, dataset
from simulacra.errors import ModelFileError, OptionError
from simulacra.estimation import Estimate, estimate_fit, require_room
from simulacra.fitting import fit_table
from simulacra.generator import Progress, silent
from simulacra.intake import Intake
from simulacra.memory import parse_size
from simulacra.modelfile import read_model
from simulacra.privacy.protection import HOLDERS
from simulacra.randomness import resolve_seed
from simulacra.schema.inference import infer_schema
from simulacra.schema.types import Schema
from simulacra.synthesizer import Synthesizer, make_generator, restore


def read(
    data: Any,
    *,
    schema: Contract | None = None,
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
    schema : Schema, mapping, path or None
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
    return dataset(data, schema=contract(schema, data), name=name, extra=extra, unreadable=unreadable)


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
    tables = tuple(refresh(table, again.table(table.name)) for table in given.schema.tables)
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
    schema: Contract | None = None,
    weight: str | None = None,
    seed: int | None = None,
    protect: bool = True,
    holders: int = HOLDERS,
    max_memory: int | str | None = None,
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
    schema : Schema, mapping, path or None
        The contract; the data set's own, or inferred, when None.
    weight : str or None
        A number that says how many of the population each row stands for; the schema's own when None. Drawn rows stand
        for the population equally.
    seed : int or None
        The same seed, data and versions give the same model. None draws one; it stands in `provenance`.
    protect : bool
        False gives levels, extremes and single values out however few rows hold them.
    holders : int
        k of the protection: rows that must share a value before it may be given out.
    max_memory : int, str or None
        Bytes, or text such as ``"4GB"``, that the process may use; what is free when None. A fit that would need more
        is refused before it starts; see `estimate`.
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
    limit = None if max_memory is None else parse_size(max_memory)
    intake = _intake(data, model, schema, weight, holders, options)
    require_room(intake, make_generator(model, options), limit)
    return fit_table(
        intake, model=model, options=options, seed=resolve_seed(seed), holders=holders if protect else 1,
        progress=progress,
    )  # fmt: skip


def estimate(
    data: Any,
    model: str = "trees",
    *,
    schema: Contract | None = None,
    weight: str | None = None,
    protect: bool = True,
    holders: int = HOLDERS,
    progress: Progress = silent,
    **options: Any,
) -> Estimate:
    """Tell what `fit` with the same arguments would cost, without fitting.

    Parameters
    ----------
    data, model, schema, weight, protect, holders, progress, **options
        As for `fit`.

    Returns
    -------
    Estimate
        ``seconds`` of processor time and ``bytes`` of memory, within about a factor of 2.

    Notes
    -----
    **Cost**: reading the data, and small fits of at most 24,000 rows and 40 columns: seconds.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> cost = sim.estimate(pl.DataFrame({"a": [1, 2, 3, 4] * 25}), "independent")
    >>> cost.rows, cost.columns, cost.seconds < 60
    (100, 1, True)
    """
    intake = _intake(data, model, schema, weight, holders, options)
    return estimate_fit(
        intake, model=model, options=options, holders=holders if protect else 1, progress=progress
    )


def _intake(
    data: Any,
    model: str,
    schema: Contract | None,
    weight: str | None,
    holders: int,
    options: Mapping[str, Any],
) -> Intake:
    """Check what a fit is given, and open its data."""
    if holders < 1:
        raise OptionError(f"holders must be 1 or more, not {holders!r}.")
    make_generator(model, options)
    intake = Intake.open(data, contract(schema, data))
    if weight is not None:
        intake.table = Schema((intake.table,)).with_weight(weight).table()
    return intake


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
