"""The verb `augment`: real rows in, real and synthetic rows out, with what the synthetic ones are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from simulacra._api_fitting import require_named
from simulacra._api_schema import Contract, contract
from simulacra.dataset import Dataset, dataset
from simulacra.errors import DataError, OptionError, unknown
from simulacra.fitting import fit_table
from simulacra.generator import Progress, silent
from simulacra.intake import Intake
from simulacra.privacy.protection import HOLDERS
from simulacra.randomness import Streams, resolve_seed
from simulacra.rare._learners import LEARNERS
from simulacra.rare._question import Question, pose
from simulacra.rare._rivals import RIVALS, SMOTE, missing_smote
from simulacra.rare._scores import BALANCED
from simulacra.rare._trials import Amount, Make, Setting
from simulacra.rare.augmentation import GOALS, Effort, augment_table
from simulacra.registry import ENCODINGS
from simulacra.report.augmented import Augmented
from simulacra.schema.conformance import conform
from simulacra.synthesizer import Synthesizer, make_generator

PRESET = {"trees": {"privacy": "fidelity"}}
"""Settings for models that know levels of privacy: real rows stand beside the synthetic ones anyway."""


def augment(
    data: Any,
    target: str,
    *,
    levels: Any = None,
    holdout: Any = None,
    rows: int | None = None,
    goal: str = BALANCED,
    learner: str = "boosting",
    model: str = "trees",
    quick: bool = False,
    mark: str | None = None,
    schema: Contract | None = None,
    protect: bool = False,
    seed: int | None = None,
    progress: Progress = silent,
    **options: Any,
) -> Augmented:
    """Add synthetic rows of a rare level to real ones, as many as cross-validation finds useful.

    Parameters
    ----------
    data : path, frame or Dataset
        The real rows, one table.
    target : str
        The column that is to be predicted: a category, a boolean, or a number with at most 20 values.
    levels : value, sequence or None
        The level or levels that get rows; the rarest when None.
    holdout : path, frame, Dataset or None
        Other real rows, on which scores are measured; out-of-fold predictions of `data` when None.
    rows : int or None
        Add so many rows (shared by several levels as they lack them) instead of choosing a number.
    goal : {"balanced accuracy", "ROC AUC", "average precision"}
        The score that the number of rows is chosen by; no other may fall for it by more than chance explains.
    learner : {"boosting", "linear"}
        The classifier that all methods are judged by.
    model : str
        The generator.
    quick : bool
        Fewer folds and amounts: about a fifth of the time.
    mark : str or None
        Name of a column to add that is true for synthetic rows.
    schema : Schema, mapping, path or None
        The contract; inferred when None.
    protect : bool
        Whether the generator withholds values that fewer than 10 rows hold, as `fit` does.
    seed : int or None
        The same seed gives the same rows and scores. None draws one; it stands in the notes.
    progress : callable
        Told the share done.
    **options
        The model's hyperparameters.

    Returns
    -------
    Augmented
        `frame` (real rows first), `synthetic`, `scores`, `notes`; `write` and `save`.

    Raises
    ------
    DataError
        The target has too few rows of a level, too many levels or one only.
    UnknownName
        There is no such column, level, goal or learner.
    OptionError
        An argument is out of its range.

    Notes
    -----
    The generator learns from all rows, the target among the columns, and rows of the rare level are drawn from it by a
    condition. Amounts from none to as many as make the level as common as the commonest are tried on twice five
    stratified folds, with a generator of its own in each, that never sees the rows predicted. Doing nothing, class
    weights, random oversampling and SMOTE (``pip install imbalanced-learn``) are measured with the same classifier on
    the same rows. Balanced accuracy is given twice: for the likeliest class (a chance of 0.5 of two), and with the
    threshold that is best on out-of-fold training predictions of the same method.

    Intervals are of the test rows (bootstrap within classes); another draw of training rows would add to them.

    **Cost**: about 30 fits of a classifier per repetition and one of the generator per fold: two minutes of processor
    time for 10,000 rows of 15 columns. Amounts are tried on at most 50,000 rows.

    **Privacy**: the result holds the real rows, so the generator withholds nothing and stays close to them unless
    `protect` is set. Do not give the synthetic part away by itself as if it were private.

    **Source**: Chawla et al. 2002, "SMOTE: synthetic minority over-sampling technique"; Menon et al. 2013, "On the
    statistical consistency of algorithms for binary classification under class imbalance".

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> rare = [i % 20 == 0 for i in range(400)]
    >>> frame = pl.DataFrame({"x": [i % 7 + 3 * r for i, r in enumerate(rare)], "fraud": rare})
    >>> found = sim.augment(frame, "fraud", rows=30, quick=True, seed=1)
    >>> len(found.real), len(found.synthetic), len(found.frame), found.synthetic["fraud"].all()
    (400, 30, 430, True)
    """
    _require_options(rows, goal, learner)
    require_named(model)
    given = dataset(data, schema=contract(schema, data))
    table = given.schema.table()
    frame = given.polars()
    if mark is not None and mark in table.names:
        raise OptionError(
            f"the data have a column {mark!r} already, so it can not mark synthetic rows. Choose another name."
        )
    question = pose(frame, table, target, _as_levels(levels))
    used = resolve_seed(seed)
    streams = Streams(used).at("augment")
    settings = {**PRESET.get(model, {}), **options}
    make_generator(model, settings)
    maker = _maker(given, question, model, settings, HOLDERS if protect else 1)
    rivals = tuple(one for one in RIVALS if one != SMOTE or missing_smote() is None)
    notes = [*given.notes, *_say_gaps(frame, question)]
    unseen = None if holdout is None else _unseen(holdout, given, question, notes)
    outcome = augment_table(
        frame, Setting(question, learner, rivals, maker), holdout=unseen,
        rows=None if rows is None else _amount(question, frame, rows), goal=goal, effort=Effort.of(quick=quick),
        streams=streams, progress=progress,
    )  # fmt: skip
    notes = [*outcome.notes, *notes]
    if seed is None:
        notes.append(f"seed {used}")
    synthetic = _count_keys(outcome.synthetic, frame, given)
    chosen = {question.name(code): count for code, count in outcome.chosen.items()}
    return Augmented(
        given, synthetic, target, chosen, outcome.scores, outcome.amounts, tuple(notes), mark,
        "holdout" if unseen is not None else "out-of-fold", outcome.shares,
    )  # fmt: skip


def _require_options(rows: int | None, goal: str, learner: str) -> None:
    if goal not in GOALS:
        raise unknown("goal", str(goal), GOALS)
    if learner not in LEARNERS:
        raise unknown("learner", str(learner), LEARNERS)
    whole = isinstance(rows, (int, np.integer)) and not isinstance(rows, bool)
    if rows is not None and (not whole or rows < 1):
        raise OptionError(f"rows is how many synthetic rows to add, a whole number from 1, not {rows!r}.")


def _as_levels(levels: Any) -> list[Any] | None:
    if levels is None:
        return None
    return (
        list(levels)
        if isinstance(levels, (Sequence, set, frozenset)) and not isinstance(levels, str)
        else [levels]
    )


def _maker(given: Dataset, question: Question, model: str, options: Mapping[str, Any], holders: int) -> Make:
    """Return what fits a generator to some of the rows and draws rare ones."""

    def make(frame: pl.DataFrame, amount: Amount, streams: Streams) -> pl.DataFrame:
        wanted = {code: rows for code, rows in amount.items() if rows}
        if not wanted:
            return frame.clear()
        part = replace(given, frames={given.name: frame})
        fitted = fit_table(
            Intake.of(part), model=model, options=options, seed=_integer(streams, "fit"), holders=holders
        )
        return pl.concat([_draw(fitted, question, code, rows, streams) for code, rows in wanted.items()])

    return make


def _draw(fitted: Synthesizer, question: Question, code: int, rows: int, streams: Streams) -> pl.DataFrame:
    return fitted.sample(rows, where=question.where(code), seed=_integer(streams, "draw", code)).polars()


def _integer(streams: Streams, *names: str | int) -> int:
    """Return a seed for a part of the work that takes a number."""
    return int(streams.stream(*names).integers(2**62))


def _amount(question: Question, frame: pl.DataFrame, rows: int) -> Amount:
    """Share rows among the levels, so that they come closest to being equally common."""
    counts = np.bincount(question.code(frame).clip(0))
    levels = {code: int(counts[code]) for code in question.rare}
    amount = dict.fromkeys(levels, 0)
    top = (sum(levels.values()) + rows) / len(levels)
    lacking = {code: max(0.0, top - count) for code, count in levels.items()}
    whole = sum(lacking.values())
    for code, share in lacking.items():
        amount[code] = int(rows * share / whole)
    amount[max(lacking, key=lambda code: lacking[code])] += rows - sum(amount.values())
    return amount


def _say_gaps(frame: pl.DataFrame, question: Question) -> list[str]:
    """Say how rows without a target are treated."""
    gaps = frame[question.target.name].null_count()
    if not gaps:
        return []
    rows, they = ("row has", "it stays") if gaps == 1 else ("rows have", "they stay")
    return [
        f"{gaps:,} of {len(frame):,} {rows} no {question.target.name!r}: {they} in the result and the generator learns "
        "from what else is known, but the classifiers and the scores leave such rows out."
    ]


def _unseen(holdout: Any, given: Dataset, question: Question, notes: list[str]) -> pl.DataFrame:
    loose = holdout if isinstance(holdout, Dataset) else dataset(holdout)
    frame, told = conform(loose.polars(), question.table, extra="drop", unreadable="null")
    notes += [f"holdout: {note}" for note in told]
    codes = question.code(frame)
    if (codes < 0).any():
        notes.append(
            f"holdout: {int((codes < 0).sum()):,} rows without a known level of the target were left out."
        )
    counts = np.bincount(codes[codes >= 0], minlength=len(question.values))
    for code in question.rare:
        if counts[code] == 0 or counts.sum() == counts[code]:
            raise DataError(
                f"the holdout has {counts[code]:,} rows of {question.name(code)!r} among {counts.sum():,}, so no score "
                "can be measured on it. Give other rows, or none."
            )
    return frame


def _count_keys(synthetic: pl.DataFrame, real: pl.DataFrame, given: Dataset) -> pl.DataFrame:
    """Give synthetic rows keys that no real row has."""
    columns = []
    for column in given.schema.table().columns:
        if column.kind == "key" and len(synthetic):
            columns.append(_fresh_keys(column.name, real[column.name], len(synthetic), given))
    return synthetic.with_columns(columns)


def _fresh_keys(name: str, taken: pl.Series, rows: int, given: Dataset) -> pl.Series:
    column = given.schema.table()[name]
    encoding = ENCODINGS.load("key").fit(taken, column)
    start = max(0, int(taken.max() or 0)) if column.integer else 0  # type: ignore[arg-type]
    none = Streams(0).stream("no randomness in keys")
    counted = encoding.decode((np.empty(rows + len(taken)),), rng=none, start=start)
    free = counted.filter(~counted.is_in(taken.implode()))
    return free.head(rows)
