"""Runs metrics on two databases: those about links between tables, and those about each table by itself."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from threadpoolctl import threadpool_limits

from simulacra.database_metric import DatabaseComparison
from simulacra.errors import UnknownName, unknown
from simulacra.evaluation import Evaluation, evaluate
from simulacra.evaluation import choose as choose_single
from simulacra.generator import Progress, silent
from simulacra.lineage import Frames, find_drivers, find_entities, resolve
from simulacra.metric import Comparison, Score
from simulacra.registry import DATABASE_METRICS
from simulacra.schema.types import Table
from simulacra.schema.validation import describe_broken

EACH_TABLE = ("fidelity/marginals", "fidelity/pairs", "fidelity/detection", "privacy/copies")
"""The metrics that each table gets unless others are asked for: the whole set for every table takes long."""
COPIES = "privacy/copies"
ONE_COLUMN = Score(
    COPIES,
    math.nan,
    verdict="not computed",
    words="not computed, because the table has one column besides keys, and that two rows share a value is no copy.",
    title="Copies of training rows (share beyond chance)",
)
AT = "@"
FEWEST_HELD = 20
LABEL = " entity of the row"
KNOWN_ROWS = "holdout rows are training rows too"


@dataclass(frozen=True)
class DatabaseEvaluation:
    """What was found out about a synthetic database.

    Parameters
    ----------
    whole : Evaluation
        All scores. Those of a table are called ``score@table``: ``fidelity/pairs@loan``.
    tables : dict
        The evaluation of each table by itself, with the cells of its pictures.
    """

    whole: Evaluation
    tables: dict[str, Evaluation]


def evaluate_database(
    case: DatabaseComparison,
    *,
    metrics: Sequence[str] | None = None,
    thresholds: Mapping[str, tuple[float, float]] | None = None,
    progress: Progress = silent,
) -> DatabaseEvaluation:
    """Run metrics on two databases.

    Parameters
    ----------
    case : DatabaseComparison
        Real and synthetic tables, canonical values.
    metrics : sequence of str or None
        Names or families: ``"relational"``, ``"relational/detection"``, and those of single tables, which are run on
        each table. None for all about links, and for each table marginals, pairs, detection and copies.
    thresholds : mapping or None
        For any score, the limits of pass and look; a name without ``@table`` is meant for all tables.
    progress : callable
        Told the share done, 0 to 1.

    Returns
    -------
    DatabaseEvaluation
        All scores, and each table's own evaluation.

    Raises
    ------
    UnknownName
        There is no such metric or score.

    Notes
    -----
    Tables whose role is ``reference`` are kept as they are and not evaluated by themselves. Keys and references are
    left out of tables: what they say stands in the metrics about links.

    **Cost** the sum of the metrics', about 30 CPU-seconds for the seven tables of Berka.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Reference, Schema
    >>> one = Table("one", (Column("id", "key", integer=True),), ("id",))
    >>> many = Table("many", (Column("of", "key", integer=True),), references=(Reference(("of",), "one"),))
    >>> frames = {"one": pl.DataFrame({"id": range(20)}), "many": pl.DataFrame({"of": range(20)})}
    >>> case = DatabaseComparison(Schema((one, many)), frames, frames)
    >>> evaluate_database(case, metrics=["relational/orphans"]).whole["relational/orphans"].verdict
    'pass'
    """
    linking, single = choose(metrics)
    limits = dict(thresholds or {})
    tables = [t for t in case.schema.tables if t.role != "reference"] if single else []
    steps = max(1, len(linking) + 2 * len(tables))
    scores: list[Score] = []
    seconds: dict[str, float] = {}
    for done, name in enumerate(linking):
        progress(done / steps, name)
        start = time.perf_counter()
        scores += _run(name, case)
        seconds[name] = time.perf_counter() - start
    scores = [_judged(score, limits) for score in scores]
    alone: dict[str, Evaluation] = {}
    for done, table in enumerate(tables):
        progress((len(linking) + 2 * done) / steps, table.name)
        comparison = compare_table(case, table)
        if not comparison.table.columns:
            continue
        asked = [name for name in single if name != COPIES or len(comparison.table.columns) > 1]
        found = evaluate(comparison, metrics=asked, thresholds=_meant(table.name, asked, limits))
        if asked != single:
            found = replace(found, scores=(*found.scores, ONE_COLUMN))
        alone[table.name] = found
        scores += [_of_table(score, table.name) for score in found.scores]
        for name, spent in found.seconds.items():
            seconds[name] = seconds.get(name, 0.0) + spent
    _check_limits(limits, scores)
    progress(1.0, "done")
    whole = Evaluation(tuple(scores), pl.DataFrame(), _summarise(case), seconds, _notes(case, alone))
    return DatabaseEvaluation(whole, alone)


def choose(metrics: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """List the metrics about links and those of single tables that are asked for by name or by family.

    Examples
    --------
    >>> choose(["relational/keys", "privacy/copies"])
    (['relational/keys'], ['privacy/copies'])
    """
    linking = DATABASE_METRICS.names()
    if metrics is None:
        return linking, list(EACH_TABLE)
    links: list[str] = []
    single: list[str] = []
    for name in metrics:
        meant = [one for one in linking if one == name or one.startswith(f"{name}/")]
        links += meant
        if not meant:
            try:
                single += choose_single([name])
            except UnknownName:
                raise unknown("metric", name, [*linking, *choose_single(None)]) from None
    return list(dict.fromkeys(links)), list(dict.fromkeys(single))


def compare_table(case: DatabaseComparison, table: Table) -> Comparison:
    """Return the comparison of one table by itself, without keys and references.

    Rows of the holdout that the training part holds too (parents of rows on either side) are no control, and left
    out.
    """
    naming = {r.columns[0] for r in table.references if len(r.columns) == 1}
    naming |= set(table.key) if len(table.key) == 1 else set()
    columns = tuple(c for c in table.columns if c.kind != "key" and c.name not in naming)
    names = [c.name for c in columns]
    bare = Table(table.name, columns, weight=table.weight if table.weight in names else None)
    held, belong = None, {}
    if case.holdout is not None:
        belong = {"train": _belong(case, case.train, "train")[table.name]}
        labels = _belong(case, case.holdout, "holdout")[table.name]
        held = case.holdout[table.name].with_columns(labels.alias(LABEL))
        if table.key:
            held = held.join(case.train[table.name], on=table.key, how="anti", maintain_order="left")
        belong["holdout"] = held[LABEL]
        held = held.select(names) if held.height >= FEWEST_HELD else None
    return Comparison(
        bare, case.train[table.name].select(names), case.synthetic[table.name].select(names), held,
        streams=case.streams.at("table", table.name), max_rows=case.max_rows,
        entities=belong if any(labels.is_duplicated().any() for labels in belong.values()) else {},
    )  # fmt: skip


def _belong(case: DatabaseComparison, frames: Frames, side: str) -> dict[str, pl.Series]:
    """Return by table the entity that each row of a real side belongs to."""

    def find() -> dict[str, pl.Series]:
        drivers = find_drivers(case.schema, case.train)
        found = find_entities(case.schema, frames, resolve(case.schema, frames), drivers)
        return {name: pl.Series(labels) for name, labels in found.labels.items()}

    return case.remember(("belong", side), find)


def _run(name: str, case: DatabaseComparison) -> list[Score]:
    metric = DATABASE_METRICS.load(name)()
    try:
        with threadpool_limits(1):
            return list(metric.score(case))
    except (
        Exception
    ) as error:  # as in `simulacra.evaluation`: one broken metric stops no other, nor goes unseen
        words = (
            f"not computed, because the metric met an unexpected {type(error).__name__}; please report this."
        )
        return [
            Score(
                name, math.nan, verdict="not computed", words=words, better=metric.better, title=metric.title
            )
        ]


def _of_table(score: Score, table: str) -> Score:
    title = score.title[:1].lower() + score.title[1:] if score.title[1:2].islower() else score.title
    return replace(score, name=f"{score.name}{AT}{table}", title=f"{table}: {title}" if title else "")


def _judged(score: Score, limits: Mapping[str, tuple[float, float]]) -> Score:
    if score.name not in limits or score.verdict == "not computed":
        return score
    passing, looking = limits[score.name]
    verdict = "pass" if score.value <= passing else "look" if score.value <= looking else "fail"
    return replace(score, verdict=verdict)  # type: ignore[arg-type]


def _meant(
    table: str, single: Sequence[str], limits: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Return the limits that are meant for one table."""
    found = {}
    for name, pair in limits.items():
        bare, _, which = name.partition(AT)
        if "/".join(bare.split("/")[:2]) in single and which in {"", table}:
            found[bare] = pair
    return found


def _check_limits(limits: Mapping[str, tuple[float, float]], scores: Sequence[Score]) -> None:
    names = {score.name for score in scores} | {score.name.partition(AT)[0] for score in scores}
    for name in limits:
        if name not in names:
            error: UnknownName = unknown("score", name, sorted(names))
            raise error


def _summarise(case: DatabaseComparison) -> dict[str, Any]:
    """Count the rows of each table, and list what synthetic rows break."""
    sides = {"train": case.train, "synthetic": case.synthetic, "holdout": case.holdout}
    rows = {
        name: {side: len(frames[name]) for side, frames in sides.items() if frames is not None}
        for name in case.schema.names
    }
    violations = [
        line
        for table in case.schema.tables
        for line in describe_broken(case.synthetic[table.name], table)
        if not _is_reference(line, table)
    ]
    return {
        "rows": {
            side: None if frames is None else sum(len(frame) for frame in frames.values())
            for side, frames in sides.items()
        },
        "columns": sum(len(table.columns) for table in case.schema.tables),
        "tables": rows,
        "violations": violations,
    }


def _is_reference(line: str, table: Table) -> bool:
    """Tell whether a line says that a column of keys repeats values, which only the table's own key must not."""
    named = (c.name for c in table.columns if c.kind == "key" and table.key != (c.name,))
    return "different in every row" in line and any(f"column {name!r}:" in line for name in named)


def _notes(case: DatabaseComparison, alone: Mapping[str, Evaluation]) -> tuple[str, ...]:
    notes = []
    if case.holdout is None:
        notes.append(
            "No holdout was given: there is no ceiling to hold the figures against, and privacy is not assessable. "
            "Part the real database with sim.split(database), or a log with sim.split(log, entity=...), and give the "
            "second part with holdout=... (--holdout)"
        )
    kept = [table.name for table in case.schema.tables if table.role == "reference"]
    if kept:
        shown = ", ".join(repr(name) for name in kept)
        notes.append(f"Reference tables are kept as they are and not judged by themselves: {shown}.")
    if case.holdout is not None:
        for name in alone:
            own, held = case.schema.table(name).key, case.holdout[name]
            shared = held.join(case.train[name], on=own, how="semi").height if own and held.height else 0
            if shared:
                notes.append(
                    f"Table {name!r}: {shared:,} of {held.height:,} holdout rows stand in the training part too, "
                    "because rows of both refer to them; they were left out as a control."
                )
            if held.height - shared < FEWEST_HELD:
                notes.append(f"Table {name!r} has too few holdout rows of its own for a control.")
    for name, found in alone.items():
        # whether holdout rows are training rows is known from the keys; without these short rows are often alike
        silent_ones = ("No holdout",) if not case.schema.table(name).key else ("No holdout", KNOWN_ROWS)
        notes += [f"{name}: {note}" for note in found.notes if not any(part in note for part in silent_ones)]
    return tuple(dict.fromkeys(notes))
