"""Models that predict a target, trained on real and on synthetic rows and asked about the same unseen real rows.

Several metrics look at the same models, so each is trained once per comparison (`Comparison.remember`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from threadpoolctl import threadpool_limits

from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.metrics._boosting import fit as fit_boosting
from simulacra.metrics._case import (
    LEVEL_KINDS,
    NUMERIC_KINDS,
    as_levels,
    empty_side,
    predictive_columns,
)
from simulacra.metrics._features import extract
from simulacra.metrics._linear import Linear, encode, fit_linear
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

MOST_CLASSES = 20
MOST_ROWS = 30_000
"""Rows that a model learns from: more change no verdict, and cost."""
MOST_TEST_ROWS = 20_000
FEWEST_ROWS = 50
FEWEST_OF_A_CLASS = 10
SHRINKAGE = 10.0
"""L2 penalty on leaves: without it the steps of rare classes, of tiny curvature, run away (AUC 0.66 for 1.00)."""
TREES = 40
FOREST_ROWS = 5_000
REACH = 1e30
"""Numbers as large as forests, which count in 32 bits, can hold."""

Learner = Literal["boosting", "linear", "forest"]
Side = Literal["synthetic", "real", "test"]
SIDES: tuple[Side, ...] = ("synthetic", "real", "test")
MODELS: tuple[Side, ...] = ("real", "synthetic")


@dataclass(frozen=True)
class Question:
    """One target, and the rows of each side that have it.

    Parameters
    ----------
    target : Column
        What is predicted.
    columns : tuple of Column
        What it is predicted from.
    classes : tuple of str or None
        The real classes, the commonest first, then ``all others`` and ``unknown`` (what only synthetic rows have)
        where there are such; None for a number.
    merged : int
        How many rare classes were put into ``all others``.
    frames : dict
        The rows of each side: as many synthetic as real ones.
    answers : dict
        Their answers: codes of classes, or numbers.
    rows : array
        Positions of the test rows in the holdout.
    available : int
        How many rows there were to learn from on the shorter side.
    """

    target: Column
    columns: tuple[Column, ...]
    classes: tuple[str, ...] | None
    merged: int
    frames: dict[Side, pl.DataFrame]
    answers: dict[Side, Array]
    rows: Array
    available: int

    @property
    def used(self) -> int:
        """How many rows each model learns from."""
        return self.frames["real"].height


@dataclass(frozen=True)
class View:
    """The same rows as one kind of learner sees them: a matrix per side."""

    matrices: dict[Side, Array]
    categorical: Array
    owners: Array


@dataclass(frozen=True)
class Predictions:
    """What two models of one target say about the same unseen real rows.

    Parameters
    ----------
    question : Question
        The target; `question.rows` are the positions of the rows in ``case.holdout``, `question.classes` its classes.
    truth : array
        The true answers: codes into `question.classes`, or numbers.
    real : array
        What the model trained on real rows says: shape (rows, classes), the chance of each class; (rows,) for a number.
    synthetic : array
        The same from the model trained on as many synthetic rows.
    """

    question: Question
    truth: Array
    real: Array
    synthetic: Array


def predictions(case: Comparison, target: str, learner: Learner = "boosting") -> Predictions | str:
    """Predict a target on holdout rows by a model trained on real rows and by one trained on synthetic rows.

    Parameters
    ----------
    case : Comparison
        The comparison; it remembers the models.
    target : str
        One of the table's columns.
    learner : str
        ``"boosting"``, ``"linear"`` or ``"forest"``.

    Returns
    -------
    Predictions or str
        The predictions, or in words why there are none (after "not computed, because").

    Notes
    -----
    **Cost** two models of at most 30,000 rows, once per comparison, target and learner.
    """
    question = pose(case, target)
    if isinstance(question, str):
        return question
    real, fake = (_told(case, question, learner, side) for side in MODELS)
    return Predictions(question, question.answers["test"], real, fake)


def _told(case: Comparison, question: Question, learner: Learner, side: Side) -> Array:
    def make() -> Array:
        test = view(case, question, learner).matrices["test"]
        return predict(trained(case, question, learner, side), test, question)

    return case.remember(("learners", "predictions", question.target.name, learner, side), make)


def pose(case: Comparison, target: str) -> Question | str:
    """Gather the rows with a target, or say why it can not be predicted."""
    return case.remember(("learners", "question", target), lambda: _pose(case, target))


def _pose(case: Comparison, name: str) -> Question | str:
    why = _obstacle(case, name)
    if why is not None or case.holdout is None:
        return why or "there is no holdout."
    target = case.table[name]
    whole = dict(zip(SIDES, (case.synthetic, case.train, case.holdout), strict=True))
    known = {side: np.flatnonzero(_known(frame[name], target)) for side, frame in whole.items()}
    fewest = min(len(places) for places in known.values())
    if fewest < FEWEST_ROWS:
        return f"it needs {FEWEST_ROWS} rows with a target and some data have {fewest}."
    streams = case.streams.at("utility/transfer")
    available = min(len(known["synthetic"]), len(known["real"]))
    rows = min(available, case.max_rows, MOST_ROWS)
    most = {"synthetic": rows, "real": rows, "test": min(case.max_rows, MOST_TEST_ROWS)}
    for side, stream in zip(SIDES, ("synthetic", "train", "test"), strict=True):
        if len(known[side]) > most[side]:
            chosen = streams.stream(stream).choice(len(known[side]), most[side], replace=False)
            known[side] = known[side][np.sort(chosen)]
    frames = {side: whole[side][known[side]] for side in SIDES}
    columns = tuple(c for c in predictive_columns(case.table) if c.name != name)
    if target.kind in LEVEL_KINDS:
        codes, classes, merged = _classes({side: as_levels(frames[side][name]) for side in SIDES})
        counts = np.bincount(codes["test"], minlength=len(classes))
        if len(asked_classes(counts)) == 0:
            return "fewer than two classes of the target have 10 rows in the holdout; give more, or another target."
        return Question(target, columns, classes, merged, frames, codes, known["test"], available)
    numbers = {side: as_numbers(frames[side][name]) for side in SIDES}
    if numbers["test"].min() == numbers["test"].max():
        return "the target is constant in the holdout; choose another target."
    numbers = _within_reach(numbers)
    if numbers["test"].min() == numbers["test"].max():
        return "the target is the same in nearly all rows of the holdout; choose another target."
    return Question(target, columns, None, 0, frames, numbers, known["test"], available)


def asked_classes(counts: Array) -> Array:
    """Return the classes with enough rows inside and outside to say how well they are told apart."""
    asked = np.flatnonzero((counts >= FEWEST_OF_A_CLASS) & (counts <= counts.sum() - FEWEST_OF_A_CLASS))
    return asked[-1:] if len(counts) == 2 else asked


def _known(values: pl.Series, target: Column) -> Array:
    return values.is_not_null().to_numpy() if target.kind in LEVEL_KINDS else ~np.isnan(as_numbers(values))


def _within_reach(numbers: dict[Side, Array]) -> dict[Side, Array]:
    """Take answers far outside the real ones for the end of their range, so that no single row decides."""
    low, middle, high = np.quantile(numbers["real"], [0.005, 0.5, 0.995])
    ends = 2 * low - middle, 2 * high - middle
    if low == high:
        ends = float(numbers["real"].min()), float(numbers["real"].max())
    return {side: np.clip(values, *ends) for side, values in numbers.items()}


def _obstacle(case: Comparison, name: str) -> str | None:
    """Say why the question can not be asked of these data, if it can not."""
    if (why := empty_side(case)) is not None:
        return why
    if name not in case.table.names:
        return f"the table has no column {name!r}; name one of its columns with target=... (--target)"
    if case.holdout is None:
        return "it needs real rows that the model never saw; give them with holdout=... (--holdout)"
    column = case.table[name]
    if column.kind not in LEVEL_KINDS | NUMERIC_KINDS or column.identifying is not None:
        what = column.kind if column.identifying is None else "column of identifiers"
        return f"{name!r} is a {what} and can not be predicted; choose another target."
    if len([c for c in predictive_columns(case.table) if c.name != name]) == 0:
        return "there is no other column to predict the target from."
    return None


def _classes(answers: dict[Side, pl.Series]) -> tuple[dict[Side, Array], tuple[str, ...], int]:
    """Number the classes, real ones by frequency, and merge the rarest beyond `MOST_CLASSES`."""
    real = pl.DataFrame({"level": pl.concat([answers["real"], answers["test"]])})
    counts = real.group_by("level").len().sort(["len", "level"], descending=[True, False])["level"].to_list()
    kept = counts if len(counts) <= MOST_CLASSES else counts[: MOST_CLASSES - 1]
    position = {level: i for i, level in enumerate(kept)}
    classes = [*kept, "all others"] if len(kept) < len(counts) else list(kept)
    # a class that only the synthetic rows have counts as one more that the test never asks for
    unknown = len(kept)
    codes = {
        side: answer.replace_strict(position, default=unknown, return_dtype=pl.Int64).to_numpy()
        for side, answer in answers.items()
    }
    if len(kept) == len(counts) and bool((codes["synthetic"] == unknown).any()):
        classes = [*classes, "unknown"]
    return codes, tuple(classes), len(counts) - len(kept)


def view(case: Comparison, question: Question, learner: Learner) -> View:
    """Return the rows as a learner sees them."""
    if learner == "linear":
        return case.remember(
            ("learners", "linear view", question.target.name), lambda: _linear_view(question)
        )
    plain = case.remember(("learners", "view", question.target.name), lambda: _tree_view(question))
    if learner == "boosting":
        return plain
    bounded = {side: np.clip(matrix, -REACH, REACH) for side, matrix in plain.matrices.items()}
    return View(bounded, plain.categorical, plain.owners)


def _tree_view(question: Question) -> View:
    features = extract([question.frames[side] for side in SIDES], question.columns)
    return View(dict(zip(SIDES, features.matrices, strict=True)), features.categorical, features.owners)


def _linear_view(question: Question) -> View:
    coding = encode(question.frames["real"], question.columns)
    matrices = {side: coding.matrix(question.frames[side]) for side in SIDES}
    return View(matrices, np.zeros(len(coding.owners), dtype=bool), coding.owners)


def trained(case: Comparison, question: Question, learner: Learner, side: Side) -> Any:
    """Return the model that learnt from the rows of one side."""
    return case.remember(
        ("learners", "model", question.target.name, learner, side),
        lambda: train(
            question,
            learner,
            view(case, question, learner),
            view(case, question, learner).matrices[side],
            question.answers[side],
            case.streams.at("utility/transfer").stream("forest", question.target.name, side),
        ),
    )


def train(
    question: Question, learner: Learner, seen: View, matrix: Array, answers: Array, rng: np.random.Generator
) -> Any:
    """Train one model, in one thread: sums over threads differ in their last bits."""
    maker: dict[Learner, Callable[[], Any]] = {
        "boosting": lambda: _boost(question, seen.categorical, matrix, answers),
        "linear": lambda: fit_linear(
            matrix, answers, None if question.classes is None else len(question.classes)
        ),
        "forest": lambda: _grow(question, matrix, answers, rng),
    }
    if question.classes is not None and len(np.unique(answers)) == 1:
        return int(answers[0])
    with threadpool_limits(1):
        return maker[learner]()


def _boost(question: Question, categorical: Array, matrix: Array, answers: Array) -> Any:
    smallest_leaf = int(np.clip(len(matrix) // 10, 2, 20))
    if question.classes is None:
        number = HistGradientBoostingRegressor(
            learning_rate=0.1,
            min_samples_leaf=smallest_leaf,
            categorical_features=categorical,
            early_stopping=False,
            random_state=0,
        )
        return fit_boosting(number, matrix, answers)
    present = len(np.unique(answers))
    level = HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=100 if present == 2 else int(np.clip(300 // present, 30, 100)),
        min_samples_leaf=smallest_leaf,
        l2_regularization=SHRINKAGE,
        categorical_features=categorical,
        early_stopping=False,
        random_state=0,
    )
    return fit_boosting(level, matrix, answers)


def _grow(question: Question, matrix: Array, answers: Array, rng: np.random.Generator) -> Any:
    kind = RandomForestRegressor if question.classes is None else RandomForestClassifier
    forest = kind(
        n_estimators=TREES,
        max_depth=14,
        min_samples_leaf=3,
        max_features="sqrt" if question.classes is not None else 0.5,
        max_samples=min(len(matrix), FOREST_ROWS),
        random_state=int(rng.integers(2**31)),
    )
    return forest.fit(matrix, answers)


def predict(model: Any, matrix: Array, question: Question) -> Array:
    """Return the chance of each class, shape (rows, classes), or the predicted numbers."""
    with threadpool_limits(1):
        if question.classes is None:
            return np.asarray(model.predict(matrix), dtype=np.float64)
        found = np.zeros((len(matrix), len(question.classes)))
        if isinstance(model, int):
            found[:, model] = 1.0
        elif isinstance(model, Linear):
            return model.predict(matrix)
        else:
            found[:, model.classes_] = model.predict_proba(matrix)
        return found


def some(question: Question, rows: int, rng: np.random.Generator) -> Array:
    """Return the positions of some of the test rows, in order."""
    available = question.frames["test"].height
    return np.arange(available) if available <= rows else np.sort(rng.choice(available, rows, replace=False))
