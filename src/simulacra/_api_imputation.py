"""The verbs `impute` and `enrich`: gaps filled, and columns added that a second table tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulacra._api_fitting import require_named
from simulacra._api_schema import Contract, contract
from simulacra.completion.completion import PARTICLES
from simulacra.completion.partial import open_partial
from simulacra.dataset import Dataset, dataset
from simulacra.enrichment import Enriched, Sharing, enrich_rows
from simulacra.errors import OptionError
from simulacra.estimation import require_room
from simulacra.fitting import fit_table
from simulacra.generator import Progress, part, silent
from simulacra.imputation import Imputed, Wanted, complete_rows
from simulacra.intake import Intake
from simulacra.modelfile import read_model, require_single
from simulacra.privacy.protection import HOLDERS
from simulacra.randomness import Streams, resolve_seed
from simulacra.synthesizer import Synthesizer, make_generator, restore

LEARNING = 0.5
"""Share of the progress that is fitting."""


def impute(
    data: Any,
    model: Any = None,
    *,
    columns: str | Sequence[str] | None = None,
    keep_missing: str | Sequence[str] = (),
    where: str | Mapping[str, Any] | None = None,
    times: int = 1,
    mark: str | None = None,
    particles: int = PARTICLES,
    schema: Contract | None = None,
    seed: int | None = None,
    progress: Progress = silent,
) -> Imputed:
    """Fill the gaps of a table: each is drawn given all that is known of its row.

    Parameters
    ----------
    data : path, frame or Dataset
        One table with missing values. Columns that the model has and the data have not are added.
    model : Synthesizer, path, str or None
        A fitted model or its ``.sim`` file, or the name of one to fit here. None fits ``trees`` on the data themselves.
    columns : str, sequence of str or None
        The columns to fill; None fills all.
    keep_missing : str or sequence of str
        Columns in which a missing value is a value ("has no second phone"): it stays, and tells of the others.
    where : str, mapping or None
        A SQL predicate that the completed rows satisfy.
    times : int
        How many completed data sets to make. Several show how much the gaps leave open.
    mark : str or None
        Name of a column to add that lists, for every row, the columns that were filled: ``age, sex``, or as JSON where
        a name has a comma.
    particles : int
        Draws for each row, among which one is picked; rows that need more get more.
    schema : Schema, mapping, path or None
        The contract when a model is fitted here; inferred when None. A fitted model has its own.
    seed : int or None
        The same seed gives the same values. None draws one; it stands in the notes.
    progress : callable
        Told the share done.

    Returns
    -------
    Imputed
        `frame` (or `frames`), as the kind of frame that came in; `filled`, cells filled by column; `notes`; `write`.

    Raises
    ------
    OptionError
        The model can not be told what is known, or an argument is out of its range.
    DataError
        The data share no column with the model.
    UnknownName
        There is no such column or model, or one is misspelt that the model has and the data lack.
    ImpossibleCondition, RareCondition
        A row has no completion that satisfies `where`; the error names the first.

    Notes
    -----
    What is known comes back unchanged. Exact relations between columns hold (``total = net + tax``), and so do the
    constraints of the schema, wherever the known cells let them; rows in which they do not are counted in the notes.

    A gap is taken for a value that was there and was not written down (missing at random given the known cells).
    A model that is fitted here learns from all rows, also from those with gaps, and nothing is withheld by protection.

    **Cost**: a fit if there is no model; then linear in rows and in `times`: 26,000 rows of 15 columns of which a fifth
    of the cells are missing take about ten seconds of processor time.

    **Privacy**: the result holds the real values that were known. It is no synthetic table.

    **Source**: Doucet and Johansen 2009, "A tutorial on particle filtering and smoothing", sections 3 and 4; Rubin
    1987, "Multiple Imputation for Nonresponse in Surveys", chapter 3.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> frame = pl.DataFrame({"a": ["x", "y"] * 200, "b": ["u", "v", "u", None] * 100})
    >>> done = sim.impute(frame, seed=1)
    >>> done.filled["b"], done.frame["b"][3]
    (100, 'v')
    """
    wanted = Wanted(_names(columns), _names(keep_missing) or (), where, times, mark, particles)
    used = resolve_seed(seed)
    fitted = _find_model(model)
    share = 0.0
    if fitted is None:
        name = model if isinstance(model, str) else "trees"
        make_generator(name, {})
        given = dataset(data, schema=contract(schema, data))
        wanted.check(given.schema.table(), given.schema.table().names)
        fitted, share = _learn(given, name, used, part(progress, 0.0, LEARNING)), LEARNING
    else:
        if schema is not None:
            raise OptionError("a fitted model brings its own schema. Leave schema (--schema) out.")
        given = open_partial(fitted.table, data)
    return complete_rows(
        fitted, given, wanted, seed=used, told=seed is not None, progress=part(progress, share, 1.0)
    )


def enrich(
    data: Any,
    other: Any,
    *,
    on: str | Sequence[str] | None = None,
    columns: str | Sequence[str] | None = None,
    model: str = "trees",
    times: int = 1,
    particles: int = PARTICLES,
    seed: int | None = None,
    progress: Progress = silent,
) -> Enriched:
    """Add columns to a table that another table, of other rows, has besides some of the same columns.

    Parameters
    ----------
    data : path, frame or Dataset
        The rows that get columns.
    other : path, frame or Dataset
        Rows of the same population that have them; no row needs to be in both.
    on : str, sequence of str or None
        The shared columns by which they are drawn; all columns of both names when None.
    columns : str, sequence of str or None
        The columns to add; all that only `other` has when None.
    model : str
        The model that learns `other`.
    times : int
        How many times to draw them.
    particles : int
        Draws for each row, among which one is picked.
    seed : int or None
        The same seed gives the same values. None draws one; it stands in the notes.
    progress : callable
        Told the share done.

    Returns
    -------
    Enriched
        `frame`, the rows with the columns behind; `explained`, how much the shared columns tell about each; `notes`.

    Raises
    ------
    DataError
        There is no shared column, or none to add, or a shared column is of another kind.
    UnknownName
        There is no such column.
    OptionError
        The model can not be told what is known.

    Notes
    -----
    **The assumption**: given the shared columns, the added ones have nothing to do with any other column of `data`: a
    correlation between an added column and another one is only what goes through the shared ones. `explained` says how
    much that can be.

    **Cost**: a fit of `other`, a second one on four fifths of it for `explained`, and some 30 draws for each row.

    **Privacy**: `data` come back as they are; the added values are drawn, and nothing of `other` that fewer than 10
    rows share is given out.

    **Source**: D'Orazio, Di Zio and Scanu 2006, "Statistical Matching: Theory and Practice", chapter 2.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> data = pl.DataFrame({"id": range(100), "sex": ["f", "m"] * 50})
    >>> other = pl.DataFrame({"sex": ["m", "f"] * 100, "voice": ["low", "high"] * 100})
    >>> done = sim.enrich(data, other, columns=["voice"], seed=1)
    >>> done.frame.row(0), done.explained["voice"] > 0.9
    ((0, 'f', 'high'), True)
    """
    used = resolve_seed(seed)
    wanted = Wanted(None, (), None, times, None, particles)
    require_named(model)
    make_generator(model, {})
    sharing = Sharing.of(dataset(data), dataset(other), _names(on), _names(columns))

    def learn(rows: Dataset, name: str, report: Progress) -> Synthesizer:
        key = Streams(used).key("enrich", name) % 2**31
        return _learn(rows, model, key, report, protected=True)

    return enrich_rows(sharing, learn, wanted, seed=used, told=seed is not None, progress=progress)


def _names(names: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return names as a tuple; a text is one name."""
    if names is None:
        return None
    return (names,) if isinstance(names, str) else tuple(names)


def _find_model(model: Any) -> Synthesizer | None:
    if isinstance(model, Synthesizer):
        return model
    if isinstance(model, Path) or (isinstance(model, str) and model.endswith(".sim")):
        return restore(read_model(Path(model)))
    require_single(model)
    if model is not None and not isinstance(model, str):
        raise OptionError(f"model is a fitted model, a .sim file or a name, not a {type(model).__name__}.")
    return None


def _learn(
    data: Dataset, model: str, seed: int, progress: Progress, *, protected: bool = False
) -> Synthesizer:
    intake = Intake.open(data, None)
    require_room(intake, make_generator(model, {}), None)
    holders = min(HOLDERS, len(intake)) if protected else 1
    return fit_table(intake, model=model, seed=seed, holders=holders, progress=progress)
