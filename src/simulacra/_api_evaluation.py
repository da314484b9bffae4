"""The verb `evaluate`: rows in, a report out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulacra._api_comparison import as_names, compare, describe_evaluation, describe_model, make_maker
from simulacra._api_databases import evaluate_databases, refuse_models, refuse_questions
from simulacra._api_logs import Parted, find_log, part_log, read_log
from simulacra._api_review import Marks, take_marks
from simulacra._api_schema import Contract, contract
from simulacra._api_survey import survey_sides
from simulacra.dataset import dataset
from simulacra.errors import OptionError
from simulacra.evaluation import evaluate as evaluate_case
from simulacra.generator import Progress, part, silent
from simulacra.metric import Task
from simulacra.randomness import resolve_seed
from simulacra.relational.database import DatabaseSynthesizer
from simulacra.report.document import Report
from simulacra.report.policy import Policy, hold, read_policy, require_known
from simulacra.rules.model import RuleSynthesizer
from simulacra.synthesizer import Synthesizer


def evaluate(
    train: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    entity: str | None = None,
    order: str | None = None,
    target: str | Sequence[str] | None = None,
    groups: str | Sequence[str] | None = None,
    sensitive: str | Sequence[str] | None = None,
    quasi_identifiers: str | Sequence[str] | None = None,
    queries: Mapping[str, str] | None = None,
    task: Task | None = None,
    shadows: int = 0,
    maker: Callable[[Any, int], Any] | None = None,
    review: Marks | None = None,
    schema: Contract | None = None,
    metrics: Sequence[str] | None = None,
    thresholds: Mapping[str, tuple[float, float]] | None = None,
    policy: Policy | Mapping[str, Any] | str | Path | None = None,
    seed: int = 0,
    title: str | None = None,
    rows: int | None = None,
    model: Synthesizer | DatabaseSynthesizer | RuleSynthesizer | None = None,
    progress: Progress = silent,
) -> Report:
    """Measure synthetic rows against real ones; they may come from any generator.

    Parameters
    ----------
    train : path, frame, mapping or Dataset
        The rows that the generator learnt from. Several tables (a folder, a mapping of names to frames, a Dataset) with
        the references that `schema` declares are compared as a database.
    synthetic : path, frame or Dataset
        The rows under test.
    holdout : path, frame, Dataset or None
        Real rows that the generator never saw: without them privacy and usefulness can not be assessed.
    entity : str or None
        The column of a log of events that says whose event each row is: whole histories are judged then, as in a
        database. That of `model` or `schema` when None, where these are of a log.
    order : str or None
        The column by which the events of an entity follow each other.
    target : str, sequence of str or None
        Columns that people will predict from the data, the chief one first.
    groups : str, sequence of str or None
        Columns that say to which group a person belongs; fairness is audited by them and their intersections.
    sensitive : str, sequence of str or None
        Columns that nobody may learn about a person; those that the schema calls sensitive when None.
    quasi_identifiers : str, sequence of str or None
        Columns that others may know about a person, for linkage and k-map.
    queries : mapping or None
        Your own questions in SQL by name, asked of real and of synthetic rows: ``{"mean": "select avg(pay) from
        data"}``. The table is called ``data``.
    task : callable or None
        Your own analysis: takes a Polars frame, returns a number or a mapping of names to numbers. It is run on real
        and on synthetic rows.
    shadows : int
        How many models an attack may fit to find out about the most isolated records; 0 for none (the report says what
        it would cost). It needs `model` or `maker`.
    maker : callable or None
        ``maker(frame, seed)`` makes synthetic rows from a Polars frame of real ones in the way in which those under
        test were made; for the same attack on data from other generators.
    review : (path, path), frame or None
        What an expert said in a blind test that `review` made: the files of answers and key.
    schema : Schema, mapping, path or None
        The contract of all three; that of `train` when None.
    metrics : sequence of str or None
        Names that ``simulacra metrics`` lists; all when None.
    thresholds : mapping or None
        ``{"fidelity/detection": (0.6, 0.75)}``: limits of pass and of look.
    policy : Policy, mapping, path or None
        Thresholds, requirements and questions that your house has set, in a YAML file. What is given here besides goes
        before it. The report names the file and lists each requirement as met or broken; see `Report.broken`.
    seed : int
        The same seed gives the same figures.
    title : str or None
        Heading of the report.
    rows : int or None
        How many rows of each side metrics look at, at most: a million, or what memory allows, when None. Files of more
        are counted whole, and sampled for metrics; the report says which is which.
    model : Synthesizer, DatabaseSynthesizer or None
        The model that made the rows: its settings and what its protection did go into the report, and metrics can
        ask it how likely rows are.
    progress : callable
        Told the share done.

    Returns
    -------
    Report
        ``report["fidelity/pairs"].value``, `save`, `require`.

    Notes
    -----
    **Cost**: about 30 CPU-seconds for 26,000 rows of 15 columns, 90 for a million; costly metrics look at no more
    than 50,000 rows of each frame, and say so. Of more than `rows` metrics look at a uniform sample, and one pass
    counts all: a Parquet file or a folder of parts may hold more than memory does.

    **Privacy**: figures about a private table tell something about it; see the report's owner part.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> real = pl.DataFrame({"a": [1, 2, 3, 4] * 50})
    >>> report = sim.evaluate(real, real, metrics=["fidelity/marginals"])
    >>> report["fidelity/marginals"].value
    0.0
    """
    house = Policy() if policy is None else read_policy(policy)
    chosen = as_names(metrics) or house.metrics or None
    require_known([*house.require, *house.fail_if], chosen)
    if isinstance(model, RuleSynthesizer):
        raise OptionError("a model of rules knows no chances of rows. Leave model= (--model) out.")
    refuse_models(train=train, synthetic=synthetic, holdout=holdout, maker=maker)
    limits = {**house.thresholds, **(thresholds or {})}
    log = find_log(entity, order, schema, model, train)
    wide = None
    if log is None and not isinstance(model, DatabaseSynthesizer):
        given = {"train": train, "synthetic": synthetic, "holdout": holdout}
        wide = survey_sides(
            given, schema, rows=rows, seed=resolve_seed(seed), progress=part(progress, 0.0, 0.5)
        )
    if wide is not None:
        train, synthetic, holdout = (wide.data(role) for role in ("train", "synthetic", "holdout"))
        schema, progress = None, part(progress, 0.5, 1.0)
    known = dataset(train, schema=contract(schema, train)) if log is None else read_log(train, schema)
    if log is not None or len(known.schema.tables) > 1:
        refuse_questions(
            log, target=target, groups=groups, sensitive=sensitive, quasi_identifiers=quasi_identifiers,
            queries=queries, task=task, shadows=shadows, maker=maker, review=review,
        )  # fmt: skip
        sides = Parted(known, synthetic, holdout) if log is None else part_log(known, synthetic, holdout, log)
        whole = evaluate_databases(
            sides, log, metrics=chosen, thresholds=limits, seed=seed, title=title, model=model, progress=progress
        )  # fmt: skip
        return whole if policy is None else hold(whole, house)
    table = known.schema.table()
    if isinstance(model, DatabaseSynthesizer):
        # what it learnt of one table can not be asked row by row; its settings go into the provenance
        made_by, model = dict(model.provenance), None
    else:
        made_by = {}
    if table.weight is None and model is not None and model.table.weight in table.names:
        table = replace(table, weight=model.table.weight)
    sensitive = (
        as_names(sensitive)
        or house.sensitive
        or tuple(column.name for column in table.columns if column.sensitive)
    )
    questions = {
        "targets": as_names(target) or house.target, "groups": as_names(groups) or house.groups, "sensitive": sensitive,
        "quasi_identifiers": as_names(quasi_identifiers) or house.quasi_identifiers,
        "queries": {**house.queries, **(queries or {})}, "task": task,
        "maker": make_maker(maker, model, table), "shadows": shadows, "review": take_marks(review),
    }  # fmt: skip
    case, notes = compare(known, table, synthetic, holdout, resolve_seed(seed), model, **questions)
    evaluation = evaluate_case(case, metrics=chosen, thresholds=limits, progress=progress)
    provenance = describe_evaluation(case, evaluation, seed, model)
    if wide is not None:
        evaluation, provenance = wide.complete(evaluation, case), wide.describe(provenance)
    if made_by:
        provenance["model"] = {k: v for k, v in made_by.items() if k not in {"versions", "privacy"}}
    made = describe_model(model)
    shown = () if model is None else model.exhibits
    report = Report(title or f"Synthetic {table.name}", evaluation, provenance, (*notes, *made), shown)
    return report if policy is None else hold(report, house)
