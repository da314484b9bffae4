"""Whether synthetic rows help to guess a sensitive value of a training record, more than that of an unseen one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from sklearn.tree import DecisionTreeClassifier

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import LEVEL_KINDS, comparable_columns, not_computed, percent, unassessable
from simulacra.metrics._contrast import Contrast, seen, sightless, too_few, worst
from simulacra.metrics._knowledge import (
    CELLS,
    MISSING,
    Records,
    draw_rows,
    gather,
    matches,
    nearest_without,
    positions,
)
from simulacra.metrics._verdicts import beyond_chance
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "privacy/inference"
MOST_SECRETS = 8
MOST_LEVELS = 50
QUERIES = 10_000
REFERENCES = 20_000
TREE_ROWS = 20_000
OFTEN = 0.1
"""Share of real records from which on an attacker who finds no agreeing row is taken to guess blindly."""
NEARNESS = CELLS // 20
"""A guessed number is right within 5 % of its robust range."""


class Inference(Metric):
    """How much oftener a sensitive value is guessed right for training records than for unseen ones.

    An attacker knows a record but for one value (or only its quasi-identifiers, where they are named) and
    guesses that value from the synthetic rows in three ways: the commonest value among synthetic rows that
    agree in all that is known, the value of the nearest synthetic row, and a decision tree grown on synthetic
    rows. Where 10 % of the real records or more find agreeing rows, the others are guessed blindly, as the
    commonest value; else they are not guessed, and agreeing rows must tell more than a blind guess to count.
    The same is done to holdout records: what is guessed of them is general knowledge and no leak. Value:
    (share guessed of training records - share of holdout records) / (1 - share of holdout records), of the
    column and the way that chance explains least (where it explains all, of those that see most sharply).
    Columns: the sensitive ones; where none are named, the target and others by lot, 8 at most. A number is
    right within 5 % of the range of its middle 90 %. The baseline is 0.

    Notes
    -----
    **Verdict** pass unless Fisher's exact test, corrected for the number of columns and ways, is below 1e-4; then
    look, and fail above 0.02.

    **Interval** 95 % for all columns and ways at once, from Wilson intervals of both shares, combined after
    Newcombe.

    **Detail** per column and way: both shares, the blind guess (the commonest synthetic value), the excess
    with its interval, its chance, and the excess that would have been seen with 95 % power.

    **Privacy** aggregates only. Passing says that these attacks found no leak, and no more than that.

    **Cost** agreement: all rows, a sort per column; nearest rows: 20,000 records x 20,000 synthetic rows x
    columns; trees: 20,000 synthetic rows. Rows are drawn where there are more, and the words say so.

    **Source** Giomi et al. 2022, "A unified framework for quantifying privacy risk in synthetic data",
    section 5.3; Fredrikson et al. 2014, "Privacy in pharmacogenetics" (attribute inference from what is
    known).

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> Inference().score(Comparison(table, train, train, holdout))[0].verdict
    'fail'
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Sensitive values guessed (share beyond chance)"
    limits: ClassVar[tuple[float, float]] = (0.0, 0.02)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = unassessable(case, columns, "what can be inferred is not assessable without a holdout")
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "")
        why = too_few(case.train.height, case.holdout.height)
        if why is not None:
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        secrets = _choose_secrets(case, columns, streams)
        known = positions(columns, case.quasi_identifiers) or list(range(len(columns)))
        secrets = [secret for secret in secrets if set(known) - {secret}]
        if not secrets:
            return not_computed(self, NAME, _no_secret(case))
        attacks = _attack(gather(case), secrets, known, streams)
        looks = len(attacks)
        telling = [attack for attack in attacks if attack.telling]
        chosen = telling[worst([attack.contrast for attack in telling], looks)]
        found = chosen.contrast
        why = sightless(found, looks, "general knowledge alone guesses nearly everything right")
        if why is not None:
            return not_computed(self, NAME, why)
        detail = pl.DataFrame([attack.record(looks, self.limits[0]) for attack in attacks])
        verdict = found.judge(self.limits, looks)
        words = _say(chosen, verdict == "pass", looks, self.limits) + _scope(case, secrets, columns)
        interval = found.interval(looks)
        return [
            Score(NAME, found.value, interval, 0.0, verdict, words, self.better, detail, title=self.title),
        ]


@dataclass(frozen=True)
class _Attack:
    column: Column
    way: str
    blind: float
    contrast: Contrast
    telling: bool = True

    def record(self, looks: int, least: float) -> dict[str, object]:
        names = {"column": self.column.name, "attack": self.way, "blind guess": self.blind}
        return names | self.contrast.record(looks, least)


def _choose_secrets(case: Comparison, columns: list[Column], streams: Streams) -> list[int]:
    """Return the positions of the columns to guess: those that are sensitive, else the target and some by lot."""
    marked = [c.name for c in case.table.columns if c.sensitive]
    named = positions(columns, case.sensitive or marked)
    if case.sensitive or marked:
        return named
    order = streams.stream("columns").permutation(len(columns)).tolist()
    target = positions(columns, case.targets)[:1]
    fitting = [i for i in order if i not in target and _worth_guessing(case, columns[i])]
    fitting = [i for i in target if _worth_guessing(case, columns[i])] + fitting
    return sorted(fitting[:MOST_SECRETS])


def _worth_guessing(case: Comparison, column: Column) -> bool:
    levels = case.train[column.name].drop_nulls().n_unique()
    return 2 <= levels <= MOST_LEVELS or (levels > 1 and column.kind not in LEVEL_KINDS)


def _attack(records: Records, secrets: list[int], known: list[int], streams: Streams) -> list[_Attack]:
    rows = [draw_rows(records.rows("train"), QUERIES, streams.stream("train"))]
    rows.append(draw_rows(records.rows("holdout"), QUERIES, streams.stream("holdout")))
    queries, cut = np.concatenate(rows), len(rows[0])
    # the order is by lot, so that of equally near rows any may be the first
    references = draw_rows(records.rows("synthetic"), REFERENCES, streams.stream("synthetic"))
    sets = sorted({tuple(i == secret for i in known) for secret in secrets})
    nearest = nearest_without(records, known, queries, references, np.array(sets, dtype=bool), 1)[:, :, 0]
    whole = records.keys(known)
    attacks = []
    for secret in secrets:
        column, codes = records.columns[secret], records.codes[secret]
        hidden = tuple(i == secret for i in known)
        keys = whole - records.part(secret) if any(hidden) else whole
        by_nearest = codes[references[nearest[:, sets.index(hidden)]]]
        others = [i for i in known if i != secret]
        by_tree = _guess_by_tree(records, secret, others, references[:TREE_ROWS], queries, streams)
        blind = _blind_guess(codes[records.rows("synthetic")])
        naive = float(_right(column, np.full(len(queries), blind), codes[queries])[:cut].mean())
        attacks.append(_guess_by_agreement(records, secret, keys))
        for way, guesses in (("nearest row", by_nearest), ("decision tree", by_tree)):
            right = _right(column, guesses, codes[queries])
            contrast = _compare(right, slice(0, cut), slice(cut, None))
            attacks.append(_Attack(column, way, naive, contrast))
    return attacks


def _right(column: Column, guesses: Array, truth: Array) -> Array:
    """Tell which guesses are right; a missing value can be guessed too."""
    gap = np.abs(guesses.astype(np.int64) - truth)
    return np.asarray(gap == 0 if column.kind in LEVEL_KINDS else gap <= NEARNESS)


def _guess_by_agreement(records: Records, secret: int, keys: Array) -> _Attack:
    """Guess the commonest value of the synthetic rows that agree in all that is known."""
    side, column = records.rows("synthetic"), records.columns[secret]
    codes = records.codes[secret]
    order = np.lexsort((codes[side], keys[side]))
    key, code = keys[side][order], codes[side][order]
    starts = np.flatnonzero(np.append(True, (key[1:] != key[:-1]) | (code[1:] != code[:-1])))
    runs = np.diff(np.append(starts, len(key)))
    # by key, the longest run last: it is the one that stands before the next key
    ranked = np.lexsort((runs, key[starts]))
    last = np.append(key[starts][ranked][1:] != key[starts][ranked][:-1], True)
    commonest = starts[ranked[last]]
    real, blind = codes[: side.start], _blind_guess(codes[side])
    place, agree = matches(keys[: side.start], key[commonest])
    right = agree & _right(column, code[commonest][place], real)
    lucky = _right(column, np.full(len(real), blind), real)
    train, holdout = records.rows("train"), records.rows("holdout")
    naive = float(lucky[train].mean())
    if agree.mean() >= OFTEN:
        contrast = _compare(np.where(agree, right, lucky), train, holdout)
        return _Attack(column, "agreeing rows, else blind", naive, contrast)
    # few are guessed at all, so a leak of a few shows, but so would rows that agree and say nothing
    ours = agree[train]
    gained = int((ours & right[train] & ~lucky[train]).sum())
    spoilt = int((ours & ~right[train] & lucky[train]).sum())
    telling = beyond_chance(gained, gained + spoilt, 0.5)
    return _Attack(column, "agreeing rows", naive, _compare(right, train, holdout), telling)


def _compare(right: Array, train: slice, holdout: slice) -> Contrast:
    ours, theirs = right[train], right[holdout]
    return Contrast(int(ours.sum()), len(ours), int(theirs.sum()), len(theirs))


def _guess_by_tree(
    records: Records, secret: int, known: list[int], learnt: Array, queries: Array, streams: Streams
) -> Array:
    """Guess by a decision tree that is grown on synthetic rows."""
    column, codes = records.columns[secret], records.codes
    seed = int(streams.stream("tree", column.name).integers(2**31))
    answers = codes[secret, learnt].astype(np.int64)
    if column.kind not in LEVEL_KINDS:
        # a guess in the middle of a cell is right for all of it; far tails share their outermost cell
        middle = np.clip(answers, -CELLS, 2 * CELLS) // (2 * NEARNESS) * (2 * NEARNESS) + NEARNESS
        answers = np.where(answers == MISSING, MISSING, middle)
    tree = DecisionTreeClassifier(min_samples_leaf=3, random_state=seed)
    tree.fit(codes[known][:, learnt].T.astype(np.float32), answers)
    return np.asarray(tree.predict(codes[known][:, queries].T.astype(np.float32)))


def _blind_guess(codes: Array) -> int:
    values, counts = np.unique(codes, return_counts=True)
    return int(values[np.argmax(counts)])


def _no_secret(case: Comparison) -> str:
    if case.sensitive:
        return (
            "no sensitive column holds values that can be guessed from others: texts and identifiers are looked at by "
            "'privacy/extremes'; name other columns with sensitive=... (--sensitive)."
        )
    return "no column holds values that can be guessed from other columns; name some with sensitive=... (--sensitive)."


def _say(chosen: _Attack, passed: bool, looks: int, limits: tuple[float, float]) -> str:
    found, name = chosen.contrast, chosen.column.name
    ways = {
        "agreeing rows": "by synthetic rows that agree in all that is known (else not guessed)",
        "agreeing rows, else blind": "by synthetic rows that agree in all that is known (else blindly)",
        "nearest row": "by the nearest synthetic row",
        "decision tree": "by a tree grown on the synthetic rows",
    }
    said = (
        f"{name!r} is guessed right {ways[chosen.way]} for {percent(found.share)} of the training records and for "
        f"{percent(found.control)} of real records that the model never saw (a blind guess is right for "
        f"{percent(chosen.blind)})"
    )
    if passed:
        return f"No leak found by this attack: {said}; {seen(found, looks, limits)}."
    return f"The synthetic rows give away values of training records: {said}."


def _scope(case: Comparison, secrets: list[int], columns: list[Column]) -> str:
    count = len(secrets)
    said = ""
    if not case.sensitive and not any(c.sensitive for c in case.table.columns):
        said = (
            f" No sensitive column is named, so {count} {'was' if count == 1 else 'were'} chosen; name yours."
        )
    if case.quasi_identifiers and positions(columns, case.quasi_identifiers):
        said += " The attacker knows the quasi-identifiers only."
    most = max(case.train.height, case.reference.height)
    if most > QUERIES or case.synthetic.height > TREE_ROWS:
        said += (
            f" (Nearest rows and trees: at most {QUERIES:,} records of each side, {REFERENCES:,} and {TREE_ROWS:,} "
            "synthetic rows, by lot.)"
        )
    return said
