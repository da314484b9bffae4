"""Runs metrics on a comparison of real and synthetic rows, always beside what real data would get."""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
from numpy.random import Generator
from threadpoolctl import threadpool_limits

from simulacra._profile_pairs import profile_pairs
from simulacra.errors import DataError, MissingExtra, OptionError, UnknownName, unknown
from simulacra.generator import Progress, silent
from simulacra.metric import Comparison, Score, Verdict
from simulacra.profile import profile
from simulacra.registry import METRICS
from simulacra.schema.validation import describe_broken
from simulacra.weights import thin

PERSONS = "privacy/"
"""Metrics of this family are about persons, who count alike whatever they weigh."""


@dataclass(frozen=True)
class Evaluation:
    """What was found out about a synthetic table.

    Parameters
    ----------
    scores : tuple of Score
        The metrics' figures, those that could not be computed among them.
    profiles : DataFrame
        Shares in shared cells, for pictures; see `simulacra.profile.profile`.
    summary : dict
        ``rows`` (train, synthetic, holdout), ``columns``, ``missing`` (shares by column and frame),
        ``duplicates`` (shares of repeated rows), ``violations`` of the schema in the synthetic data, as
        sentences.
    seconds : dict
        Wall time of each metric.
    notes : tuple of str
        What a reader should know: no holdout, rows left out.
    joints : DataFrame
        Shares in the shared cells of the worst pairs of columns; see `simulacra._profile_pairs.profile_pairs`.
    """

    scores: tuple[Score, ...]
    profiles: pl.DataFrame
    summary: dict[str, Any]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()
    joints: pl.DataFrame = field(default_factory=pl.DataFrame)

    def __getitem__(self, name: str) -> Score:
        for score in self.scores:
            if score.name == name:
                return score
        raise unknown("score", name, [score.name for score in self.scores])


DETECTION = "fidelity/detection"
PAIRS = "fidelity/pairs"
DRAWN_PAIRS = 3
LISTED = 6
"""Names of columns that an error lists."""
STRANGE = 0.6
"""Real rows told apart from real rows with this AUC are not of one kind."""
CERTAIN = 3.0
"""Standard errors of guessing by which a few entities must be told apart, besides."""


def evaluate(
    case: Comparison,
    *,
    metrics: Sequence[str] | None = None,
    thresholds: Mapping[str, tuple[float, float]] | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Run metrics on a comparison.

    Parameters
    ----------
    case : Comparison
        Real and synthetic rows, canonical values.
    metrics : sequence of str or None
        Names such as ``"fidelity/pairs"``, or families such as ``"privacy"``; None for all.
    thresholds : mapping or None
        For any score, the limits of pass and look on its own scale: ``{"fidelity/detection": (0.55,
        0.65)}``. They take the place of the metric's own verdict.
    progress : callable
        Told the share done, 0 to 1.

    Returns
    -------
    Evaluation
        Scores, pictures' data, summary and times.

    Raises
    ------
    DataError
        A frame lacks a column of the schema.
    UnknownName
        A metric, a threshold's score or the target does not exist.
    OptionError
        The limits of a threshold are in the wrong order.

    Notes
    -----
    A metric that breaks does not stop the others: its score says "not computed, because ..." with the kind
    of error.

    **Privacy** The figures are made from real rows. Everything but `Score.private` is an aggregate, but
    similarity figures next to a private table can leak too (arXiv 2312.05114).

    **Cost** the sum of the metrics', about 30 CPU-seconds for 26,000 rows of 15 columns.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> frame = pl.DataFrame({"x": [float(i) for i in range(100)]})
    >>> case = Comparison(Table("t", (Column("x", "number"),)), frame, frame)
    >>> evaluate(case, metrics=["fidelity/marginals"])["fidelity/marginals"].verdict
    'pass'
    """
    names = choose(metrics)
    limits = _checked(thresholds or {})
    _check_case(case)
    case, whole, told = thin(case)
    scores: list[Score] = []
    seconds: dict[str, float] = {}
    for done, name in enumerate(names):
        progress(done / (len(names) + 1), name)
        start = time.perf_counter()
        scores += _run(name, whole if name.startswith(PERSONS) else case)
        seconds[name] = time.perf_counter() - start
    progress(len(names) / (len(names) + 1), "profiles")
    judged = tuple(_judge(score, limits[score.name]) if score.name in limits else score for score in scores)
    notes = told + _notes(case, limits) + _doubts(whole, scores)
    joints = profile_pairs(case, _worst_pairs(scores))
    evaluation = Evaluation(judged, profile(case), _summarise(case), seconds, notes, joints)
    progress(1.0, "done")
    return evaluation


def choose(metrics: Sequence[str] | None) -> list[str]:
    """List the metrics that are asked for by name or by family; all for None.

    Examples
    --------
    >>> choose(["utility/transfer", "fidelity/pairs"])
    ['utility/transfer', 'fidelity/pairs']
    """
    known = METRICS.names()
    if metrics is None:
        return known
    families = {name.partition("/")[0] for name in known}
    chosen: list[str] = []
    for name in metrics:
        if name not in known and name not in families:
            raise unknown("metric", name, [*known, *sorted(families)])
        chosen += [name] if name in known else [one for one in known if one.startswith(f"{name}/")]
    return list(dict.fromkeys(chosen))


def _run(name: str, case: Comparison) -> list[Score]:
    try:
        metric = METRICS.load(name)()
    except MissingExtra as error:
        return [Score(name, math.nan, verdict="not computed", words=f"not computed, because {error}")]
    try:
        # the threads of linear algebra meet after every small step and wait by spinning: on a machine with other work
        # they cost more than they bring
        with threadpool_limits(1):
            return list(metric.score(case))
    except Exception as error:  # one broken metric must not take the others' answers with it, nor go unseen
        words = (
            f"not computed, because the metric met an unexpected {type(error).__name__}; please report this."
        )
        return [
            Score(
                name, math.nan, verdict="not computed", words=words, better=metric.better, title=metric.title
            )
        ]


def _check_case(case: Comparison) -> None:
    frames = {"train": case.train, "synthetic": case.synthetic}
    if case.holdout is not None:
        frames["holdout"] = case.holdout
    for title, frame in frames.items():
        absent = [name for name in case.table.names if name not in frame.columns]
        if absent:
            shown = ", ".join(repr(name) for name in absent[:5])
            raise DataError(
                f"the {title} data lack {len(absent)} of {len(case.table.names)} columns of the schema: "
                f"{shown}. "
                "Give frames that follow the schema."
            )
    for name in (*case.targets, *case.groups, *case.sensitive, *case.quasi_identifiers):
        if name not in case.table.names:
            raise _no_column(name, case.table.names)


def nearest_name(name: str, names: Sequence[str], cutoff: float = 0.6) -> str | None:
    """Return the name most like another, whatever the case of their letters; None where none is like it.

    Examples
    --------
    >>> nearest_name("Sexx", ["age", "sex"])
    'sex'
    """
    folded: dict[str, str] = {}
    for one in names:
        folded.setdefault(one.casefold(), one)
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=cutoff)
    return folded[near[0]] if near else None


def _no_column(name: str, names: Sequence[str]) -> UnknownName:
    near = nearest_name(name, names)
    if near is not None:
        return UnknownName(f"no column named {name!r}; did you mean {near!r}?")
    shown = ", ".join(repr(other) for other in names[:LISTED]) + (", ..." if len(names) > LISTED else "")
    return UnknownName(f"no column named {name!r}; there is {shown or 'none'}.")


def _checked(thresholds: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    for name, limits in thresholds.items():
        metric = "/".join(name.split("/")[:2])
        better = METRICS.load(metric).better
        if len(limits) != 2 or not all(math.isfinite(limit) for limit in limits):
            raise OptionError(f"threshold {name!r} needs two numbers: the limits of pass and of look.")
        if (limits[0] > limits[1]) if better == "lower" else (limits[0] < limits[1]):
            order = "above" if better == "lower" else "below"
            raise OptionError(
                f"threshold {name!r}: the limit of pass ({limits[0]}) is {order} the limit of look "
                f"({limits[1]}), and {better} is better. Swap them."
            )
    return dict(thresholds)


def _judge(score: Score, limits: tuple[float, float]) -> Score:
    """Give the verdict that the user's limits call for."""
    if score.verdict == "not computed":
        return score
    sign = 1 if score.better == "lower" else -1
    within = [sign * score.value <= sign * limit for limit in limits]
    verdict: Verdict = "pass" if within[0] else "look" if within[1] else "fail"
    return replace(score, verdict=verdict)


def _summarise(case: Comparison) -> dict[str, Any]:
    frames = {"train": case.train, "synthetic": case.synthetic, "holdout": case.holdout}
    present = {title: frame for title, frame in frames.items() if frame is not None}
    missing = {
        name: {title: frame[name].null_count() / max(1, frame.height) for title, frame in present.items()}
        for name in case.table.names
    }
    return {
        "rows": {title: None if frame is None else frame.height for title, frame in frames.items()},
        "columns": len(case.table.columns),
        "missing": missing,
        "duplicates": {title: _repeated(frame) for title, frame in present.items()},
        "violations": describe_broken(case.synthetic, case.table),
    }


def _worst_pairs(scores: Sequence[Score]) -> list[tuple[str, str]]:
    """Return the pairs of columns that are farthest from real data, for pictures."""
    detail = next((score.detail for score in scores if score.name == PAIRS), None)
    if detail is None or not {"column_a", "column_b", "distance"} <= set(detail.columns):
        return []
    excess = pl.col("distance") - (pl.col("baseline").fill_null(0.0) if "baseline" in detail.columns else 0.0)
    worst = detail.sort(excess, descending=True, nulls_last=True, maintain_order=True).head(DRAWN_PAIRS)
    return list(worst.select("column_a", "column_b").iter_rows())


def _repeated(frame: pl.DataFrame) -> float:
    """Return the share of rows that an earlier row equals."""
    return 0.0 if frame.height == 0 or frame.width == 0 else 1 - frame.n_unique() / frame.height


def _doubts(case: Comparison, scores: Sequence[Score]) -> tuple[str, ...]:
    """Say so when the holdout can not stand for unseen rows like those of training."""
    if case.holdout is None or not len(case.holdout):
        return ()
    found: list[str] = []
    apart = next((s.baseline for s in scores if s.name == DETECTION and s.baseline is not None), 0.5)
    if apart > STRANGE and case.entities:
        apart = _apart_by_entity(case)
    if apart > STRANGE:
        what = "real rows of the two, one of each entity," if case.entities else "real rows of the two"
        found.append(
            f"The holdout is not like the training rows: {what} are told apart with an AUC of "
            f"{apart:.2f} (.50 is chance). A later month or another region is no control: figures of privacy and "
            "fidelity blame the synthetic rows for the difference. Split at random: simulacra split."
        )
    known = case.holdout.join(case.train, on=case.table.names, how="semi", nulls_equal=True).height
    if known > len(case.holdout) / 2 and case.train.n_unique() > len(case.train) / 2:
        found.append(
            f"{known / len(case.holdout):.0%} of the holdout rows are training rows too, so the holdout is no control: "
            "figures of privacy mean nothing. Give rows that the model never saw."
        )
    return tuple(found)


def _apart_by_entity(case: Comparison) -> float:
    """Tell training entities from those of the holdout, by one row of each; 0.5 where that is not beyond chance.

    Rows of one entity are alike. A classifier that has learnt from some of them knows the side of the others, however
    the entities were parted.
    """
    assert case.holdout is not None
    sides = {"train": case.train, "holdout": case.holdout}
    train, held = (
        _one_of_each(frame, case.entities[side], case.streams.at("doubts").stream(side))
        for side, frame in sides.items()
    )
    # the class is behind the registry, since it is heavy
    detection: Any = METRICS.load(DETECTION)()
    with threadpool_limits(1):
        found: float | None = detection.area(
            replace(case, train=train, synthetic=train, holdout=held, entities={})
        )
    error = math.sqrt(1 / (6 * max(1, min(len(train), len(held)))))
    return 0.5 if found is None or found - 0.5 < CERTAIN * error else found


def _one_of_each(frame: pl.DataFrame, entities: pl.Series, rng: Generator) -> pl.DataFrame:
    """Take one row of each entity, at random."""
    order = rng.permutation(len(frame))
    shuffled = pl.DataFrame({"row": order, "entity": entities.gather(order)})
    return frame[shuffled.unique("entity", keep="first", maintain_order=True)["row"].sort()]


def _notes(case: Comparison, limits: dict[str, tuple[float, float]]) -> tuple[str, ...]:
    notes = []
    if case.holdout is None:
        notes.append(
            "No holdout was given: there is no ceiling to hold the figures against, fidelity is measured "
            "against the training rows (which a model may have memorised), and privacy is not assessable. "
            "Give one with holdout=... (--holdout)"
        )
    if limits:
        notes.append(f"Verdicts of {', '.join(sorted(limits))} follow limits that the user set.")
    return tuple(notes)
