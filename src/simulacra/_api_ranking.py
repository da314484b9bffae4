"""The verb `compare`: several synthetic tables or models in, a ranking out."""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulacra._api_comparison import as_names
from simulacra._api_evaluation import evaluate
from simulacra._api_schema import Contract, contract
from simulacra.dataset import Dataset, dataset
from simulacra.errors import DataError, OptionError, SimulacraError, unknown
from simulacra.estimation import require_room
from simulacra.evaluation import choose
from simulacra.fitting import fit_table
from simulacra.generator import Progress, silent
from simulacra.intake import Intake
from simulacra.modelfile import read_model, require_single
from simulacra.privacy.protection import HOLDERS
from simulacra.randomness import Streams, resolve_seed
from simulacra.registry import MODELS
from simulacra.report.policy import Policy, read_policy, require_known
from simulacra.report.ranking import Candidate, Ranking, rank
from simulacra.synthesizer import Synthesizer, make_generator, restore

_OWN = (
    "train",
    "synthetic",
    "holdout",
    "entity",
    "order",
    "schema",
    "seed",
    "title",
    "model",
    "maker",
    "shadows",
    "review",
    "progress",
)
_COLUMNS = ("target", "groups", "sensitive", "quasi_identifiers")


def compare(
    train: Any,
    candidates: Mapping[str, Any] | None = None,
    *,
    models: Sequence[str] = (),
    holdout: Any = None,
    schema: Contract | None = None,
    seed: int = 0,
    title: str | None = None,
    progress: Progress = silent,
    **options: Any,
) -> Ranking:
    """Measure several synthetic tables against the same real rows, with the same seeds, and rank them.

    Parameters
    ----------
    train : path, frame or Dataset
        The rows that the generators learnt from.
    candidates : mapping or None
        Names to synthetic rows (paths, frames, Datasets) or to fitted models (or their ``.sim`` files), from which as
        many rows are drawn as `train` has.
    models : sequence of str
        Models to fit here, by the names that ``simulacra models`` lists.
    holdout : path, frame, Dataset or None
        Real rows that no generator saw.
    schema : Schema, mapping, path or None
        The contract of all; that of `train` when None.
    seed : int
        The same seed gives the same ranking; all candidates are measured with it.
    title : str or None
        Heading of the ranking.
    progress : callable
        Told the share done.
    **options
        As for `evaluate`: ``target``, ``groups``, ``queries``, ``metrics``, ``policy`` and the like.

    Returns
    -------
    Ranking
        ``ranking.names``, the best first; ``ranking["a"]`` is the report of candidate a; `save`.

    Raises
    ------
    OptionError
        There is nothing to compare, or two candidates have one name.
    UnknownName
        A model, metric, column or option does not exist.
    DataError
        No candidate could be evaluated.

    Notes
    -----
    A candidate that can not be read, fitted or evaluated does not stop the others; ``ranking`` says why.
    No candidate is measured with what only its own model knows, so that all take the same tests.

    **Cost**: that of an `evaluate` for each candidate, and of the fits. **Privacy**: as `evaluate`.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> real = pl.DataFrame({"a": [1, 2, 3, 4] * 50})
    >>> fake = {"alike": real, "constant": pl.DataFrame({"a": [1] * 200})}
    >>> sim.compare(real, fake, metrics=["fidelity/marginals"]).names
    ('alike', 'constant')
    """
    given = dict(candidates or {})
    _check(given, models, options)
    known = dataset(train, schema=contract(schema, train))
    table = known.schema.table()
    _check_columns(options, table.names)
    control = None if holdout is None else dataset(holdout)
    seed = resolve_seed(seed)
    found: list[Candidate] = []
    named = [*given, *models]
    for done, name in enumerate(named):
        progress(done / len(named), name)
        source = _source(given[name]) if name in given else f"model {name}"
        try:
            rows, seconds = _rows(name, given, known, seed)
            report = evaluate(
                known, rows, holdout=control, seed=seed, title=f"{name}: {table.name}", **options
            )
        except SimulacraError as error:
            found.append(Candidate(name, None, source, error=str(error)))
        except Exception as error:  # one broken candidate must not take the others with it, nor go unseen
            said = f"it met an unexpected {type(error).__name__}; please report this."
            found.append(Candidate(name, None, source, error=said))
        else:
            found.append(Candidate(name, report, source, seconds))
    progress(1.0, "done")
    if not any(one.report for one in found):
        raise DataError("; ".join(f"{one.name!r} could not be compared: {one.error}" for one in found))
    return rank(title or f"Synthetic {table.name}: {len(found)} candidates", found)


def _check(given: Mapping[str, Any], models: Sequence[str], options: Mapping[str, Any]) -> None:
    """Refuse what can not work before the first fit, not after."""
    if isinstance(models, str):
        raise OptionError(f"models takes a list of names: models=[{models!r}].")
    for model in models:
        if model not in MODELS.names():
            raise unknown("model", model, MODELS.names())
        if model in given or list(models).count(model) > 1:
            raise OptionError(f"two candidates are called {model!r}. Give each a name of its own.")
    if not given and not models:
        raise OptionError("there is nothing to compare. Give candidates={...} or models=[...].")
    allowed = [name for name in inspect.signature(evaluate).parameters if name not in _OWN]
    for name in options:
        if name not in allowed:
            raise unknown("option of compare", name, allowed)
    policy = options.get("policy")
    house = Policy() if policy is None else read_policy(policy)
    metrics = as_names(options.get("metrics")) or house.metrics or None
    choose(metrics)
    require_known([*house.require, *house.fail_if], metrics)


def _check_columns(options: Mapping[str, Any], names: Sequence[str]) -> None:
    policy = options.get("policy")
    house = Policy() if policy is None else read_policy(policy)
    for what in _COLUMNS:
        for name in as_names(options.get(what)) or getattr(house, what):
            if name not in names:
                raise unknown("column", name, names)


def _rows(
    name: str, given: Mapping[str, Any], known: Dataset, seed: int
) -> tuple[Any, float | None]:  # fmt: skip
    """Return the rows of a candidate, and how long the fit took where it was fitted here."""
    streams = Streams(seed).at("compare")
    learn, draw = (int(streams.stream(purpose, name).integers(2**62)) for purpose in ("fit", "sample"))
    if name in given:
        rows = given[name]
        if isinstance(rows, (str, Path)) and Path(rows).suffix.lower() == ".sim":
            return restore(read_model(Path(rows))).sample(len(known), seed=draw), None
        require_single(rows)
        if isinstance(rows, Synthesizer):
            return rows.sample(len(known), seed=draw), None
        return rows, None
    start = time.perf_counter()
    intake = Intake.open(known, None)
    require_room(intake, make_generator(name, {}), None)
    model = fit_table(intake, model=name, options={}, seed=learn, holders=HOLDERS)
    spent = time.perf_counter() - start
    return model.sample(len(known), seed=draw), spent


def _source(rows: Any) -> str:
    if isinstance(rows, Synthesizer):
        return f"model {rows.model}"
    if isinstance(rows, (str, Path)):
        return f"file {Path(rows).name}"
    return "rows"
