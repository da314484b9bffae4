"""The contract of metrics: a figure in its interval beside its ceiling, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from simulacra.metric import Comparison, Metric, Score
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Table

TABLE = Table(
    "mixed",
    (
        Column("id", "key", integer=True),
        Column("x", "number", nullable=True),
        Column("n", "number", integer=True),
        Column("c", "category", nullable=True),
        Column("b", "boolean"),
        Column("d", "date"),
        Column("t", "datetime"),
        Column("clock", "time"),
        Column("took", "duration"),
        Column("note", "text", nullable=True),
        Column("email", "text", identifying="email"),
    ),
)


def make_frame(rows: int, seed: int) -> pl.DataFrame:
    """Make rows of every kind of column, some values missing."""
    rng = Streams(seed).stream("example")
    n = rng.poisson(5, rows)
    seconds = pl.Series(rng.integers(0, 86_400, rows))
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "x": pl.Series(rng.normal(size=rows) + n).set(pl.Series(rng.random(rows) < 0.1), None),
            "n": n,
            "c": pl.Series(
                [("red", "green", "blue", None)[i] for i in rng.integers(0, 4, rows)], dtype=pl.String
            ),
            "b": n > 5,
            "d": pl.Series(rng.integers(15_000, 16_000, rows)).cast(pl.Int32).cast(pl.Date),
            "t": (pl.Series(rng.integers(15_000, 16_000, rows)) * 86_400_000_000).cast(pl.Datetime("us")),
            "clock": (seconds * 1_000_000_000).cast(pl.Time),
            "took": (seconds * 1_000_000).cast(pl.Duration("us")),
            "note": pl.Series(["word " * int(k) for k in rng.integers(0, 4, rows)]),
            "email": [f"p{k}@example.org" for k in range(rows)],
        },
        schema_overrides={"id": pl.Int64, "n": pl.Int64},
    )


@dataclass(frozen=True)
class ExampleLikelihood:
    """A likelihood that knows how `make_frame` draws two of its columns; it learns nothing."""

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return log-probabilities of whichever of the columns ``n`` and ``c`` are there."""
        n = pl.col("n").cast(pl.Float64)
        known = {
            "n": pl.when(pl.col("n") >= 0).then(n * math.log(5) - 5 - (n + 1).log() * n),
            "c": pl.when(pl.col("c").is_null()).then(-1.5).otherwise(-1.3),
        } if frame.width else {}  # fmt: skip
        return frame.select(
            expression.fill_null(-27.0).alias(name)
            for name, expression in known.items()
            if name in frame.columns
        )

    def refit(self, frame: pl.DataFrame, seed: int) -> ExampleLikelihood:
        """Return itself."""
        return self


@dataclass(frozen=True)
class ExampleMaker:
    """A maker that draws from the rows that it is given, and so leaks every one of them."""

    def seconds(self, rows: int) -> float:
        """Say that it takes no time."""
        return 0.0

    def make(self, frame: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
        """Draw rows with replacement."""
        chosen = Streams(seed).stream("example").integers(0, max(1, frame.height), rows)
        return frame[chosen] if frame.height else frame


def _share(frame: pl.DataFrame) -> dict[str, float]:
    return {"share": float(frame["b"].cast(pl.Float64).to_numpy().mean()) if frame.height else 0.0}


def make_case(rows: int = 300, target: str = "b") -> Comparison:
    """Make a comparison of three samples of one population."""
    return Comparison(
        TABLE,
        make_frame(rows, 1),
        make_frame(rows, 2),
        make_frame(rows, 3),
        targets=(target,),
        streams=Streams(5),
        likelihood=ExampleLikelihood(),
        groups=("b", "c"),
        sensitive=("c",),
        quasi_identifiers=("n", "d"),
        queries={"mean of n": "select avg(n) as n from data"},
        task=_share,
        maker=ExampleMaker(),
        shadows=4,
        review=pl.DataFrame(
            {
                "record": list(range(20)),
                "real": [True, False] * 10,
                "marked": [True, True, False, False] * 5,
                "reason": [""] * 20,
            }
        ),
    )


def odd_cases() -> Iterator[tuple[str, Comparison]]:
    """Give comparisons that a metric may be unable to answer, but must not break on."""
    case = make_case(60)
    frame = case.synthetic
    empty = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in frame.schema.items()]
    constant = [pl.col(name).first() for name in frame.columns]
    yield "no synthetic rows", replace(case, synthetic=frame.head(0))
    yield "one synthetic row", replace(case, synthetic=frame.head(1))
    yield "no training rows", replace(case, train=frame.head(0))
    yield "no holdout rows", replace(case, holdout=frame.head(0))
    yield (
        "one row everywhere",
        replace(case, train=frame.head(1), synthetic=frame.head(1), holdout=frame.head(1)),
    )
    yield "synthetic all missing", replace(case, synthetic=frame.with_columns(empty))
    all_missing = frame.with_columns(empty)
    yield "everything missing", replace(case, train=all_missing, synthetic=all_missing, holdout=all_missing)
    yield "synthetic constant", replace(case, synthetic=frame.with_columns(constant))
    same = frame.with_columns(constant)
    yield "everything constant", replace(case, train=same, synthetic=same, holdout=same)
    yield "all frames identical", replace(case, train=frame, synthetic=frame, holdout=frame)
    yield "a class is lost", replace(case, synthetic=frame.with_columns(b=pl.lit(False)))
    yield "target with one class", replace(case, holdout=frame.with_columns(b=pl.lit(True)))
    yield "a number to predict", replace(case, targets=("x",))
    yield "a date to predict", replace(case, targets=("d",))
    yield "a text to predict", replace(case, targets=("note",))
    yield "levels never seen", replace(case, synthetic=frame.with_columns(c=pl.lit("violet")))
    huge = frame.with_columns(pl.col("x") * 1e12, c=pl.int_range(pl.len()).cast(pl.String))
    yield "huge numbers, unique levels", replace(case, synthetic=huge)
    no_columns = pl.DataFrame()
    nothing = Table("nothing", ())
    yield "no columns", Comparison(nothing, no_columns, no_columns, no_columns)
    only_key = Table("only", (Column("id", "key", integer=True),))
    ids = frame.select("id")
    yield "only a key", Comparison(only_key, ids, ids, ids)
    yield "no holdout", replace(case, holdout=None)


SECRETS = {"red": "secret-1", "green": "secret-2", "blue": "secret-3"}
"""Levels of the sensitive column, so that they are found wherever they are named."""


def sensitive_cases() -> Iterator[tuple[str, Comparison]]:
    """Give comparisons with a sensitive column whose levels no figure that is shared may name."""
    case = make_case(target="c")
    train, synthetic, holdout = (
        frame.with_columns(pl.col("c").replace(SECRETS))
        for frame in (case.train, case.synthetic, make_frame(case.train.height, 3))
    )
    case = replace(
        case,
        train=train,
        synthetic=synthetic,
        holdout=holdout,
        groups=("b",),
        quasi_identifiers=("n", "c"),
        queries={"mean of n": "select avg(n) as n from data"},
    )
    yield "a sensitive target", case
    tied = pl.when("b").then(pl.lit("secret-1")).otherwise(pl.lit("secret-3"))
    lost = replace(case, synthetic=synthetic.with_columns(c=tied), targets=("b",))
    yield "a sensitive level is lost, others are tied to a column", lost


def check_score(score: Score, name: str, metric: Metric) -> None:
    """Check one score: a title, a sentence, and a figure inside its interval beside its ceiling, or a reason."""
    assert score.name == name or score.name.startswith(name + "/")
    assert score.better == metric.better
    assert score.title, f"{score.name} has no title"
    assert not score.title.startswith("The same"), "a title stands on its own"
    assert score.words.rstrip(")").endswith("."), "a score says in a sentence what it means"
    if score.verdict == "not computed":
        assert math.isnan(score.value)
        assert score.words.startswith("not computed, because ")
        return
    assert score.asked
    assert math.isfinite(score.value)
    assert "anonym" not in score.words.lower()
    if score.interval is not None:
        low, high = score.interval
        assert low <= score.value <= high
    if score.baseline is None:
        assert "no holdout" in score.words.lower(), "without a ceiling the words say why"
    else:
        assert math.isfinite(score.baseline)


def check_secrecy(score: Score) -> None:
    """Check that what is shared names no level of the sensitive column."""
    shared = score.name + score.title + score.words
    if score.detail is not None:
        shared += score.detail.write_json() + str(score.detail.columns)
    assert "secret-" not in shared, f"{score.name} shows a level of a sensitive column"


def check_metric(metric: Metric, name: str) -> None:
    """Check that a metric answers, repeats itself, and says why where it can not answer.

    Parameters
    ----------
    metric : Metric
        The metric.
    name : str
        Its public name, ``family/file``.

    Raises
    ------
    AssertionError
        The contract is broken; the message says where.

    Notes
    -----
    Checked: on an ordinary comparison every score is finite, lies in its interval, has a title, a ceiling and words,
    and comes again to the last bit; on 20 odd comparisons (no rows, constants, all missing, a lost class, no columns,
    no holdout, ...) a score is finite or "not computed, because ...", and nothing is raised; where a column is
    sensitive, nothing but `Score.private` names its levels.

    Examples
    --------
    >>> from simulacra.registry import METRICS
    >>> check_metric(METRICS.load("fidelity/marginals")(), "fidelity/marginals")
    """
    assert metric.family == name.split("/")[0], "the family is the folder."
    case = make_case()
    first, again = metric.score(case), metric.score(case)
    assert len(first) == len(again) > 0
    for score, repeated in zip(first, again, strict=True):
        check_score(score, name, metric)
        assert score.verdict != "not computed", score.words
        assert score.baseline is not None, "with a holdout there is a ceiling"
        assert replace(score, detail=None, private=None) == replace(repeated, detail=None, private=None)
        if score.detail is not None:
            assert repeated.detail is not None
            assert score.detail.equals(repeated.detail)
    for title, odd in odd_cases():
        scores = metric.score(odd)
        assert scores, title
        for score in scores:
            check_score(score, name, metric)
    for title, hidden in sensitive_cases():
        scores = metric.score(hidden)
        assert scores, title
        for score in scores:
            check_score(score, name, metric)
            check_secrecy(score)
