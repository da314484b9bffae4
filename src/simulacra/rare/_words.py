"""What an augmentation found, as tables and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from simulacra.rare._question import Question
from simulacra.rare._rivals import NOTHING, RIVALS, SMOTE, SYNTHETIC, missing_smote
from simulacra.rare._scores import AUC, BALANCED, CHOSEN, SCORES, Measured
from simulacra.rare._trials import Amount, name_of

SCORE_FIELDS = {
    "method": pl.String, "rows": pl.Int64, "score": pl.String,
    "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "gain": pl.Float64, "gain_low": pl.Float64, "gain_high": pl.Float64, "threshold": pl.Float64, "note": pl.String,
}  # fmt: skip
"""Columns of the scores: the figure of each method, and its difference from doing nothing, with 95 % intervals."""

OUT_OF_FOLD = "the scores are those of out-of-fold predictions. Give a holdout for scores on other rows."
OPTIMISTIC = (
    "the scores are those of out-of-fold predictions, and the amount was chosen by them, so those of the synthetic "
    "rows are a little too good. Give a holdout."
)


def score_table(
    measured: Mapping[str, Measured], thresholds: Mapping[str, float | None], chosen: Amount
) -> pl.DataFrame:
    """Put the methods side by side: doing nothing, the rivals, and the rows that are returned."""
    ours = name_of(chosen)
    nothing = measured[NOTHING]
    rows = []
    for method in (NOTHING, *RIVALS, SYNTHETIC):
        name = ours if method == SYNTHETIC else method
        added = sum(chosen.values()) if method == SYNTHETIC else None
        for score in SCORES:
            row: dict[str, object] = {"method": method, "rows": added, "score": score, "note": ""}
            if name not in measured:
                row["note"] = (missing_smote() if method == SMOTE else None) or "left out"
            else:
                one = measured[name]
                row |= _interval(one.values[score], one.error(score), 0.0, 1.0, "value")
                row |= _interval(*one.gap(nothing, score), -1.0, 1.0, "gain")
                row["threshold"] = thresholds[name] if score == CHOSEN else None
            rows.append(row)
    return pl.DataFrame(rows, schema=SCORE_FIELDS)


def _interval(value: float, error: float, least: float, most: float, name: str) -> dict[str, object]:
    ends = ("low", "high") if name == "value" else (f"{name}_low", f"{name}_high")
    return {
        name: value,
        ends[0]: max(least, value - 1.96 * error),
        ends[1]: min(most, value + 1.96 * error),
    }


def amount_table(amounts: Sequence[Amount], tried: Mapping[str, Measured], chosen: Amount) -> pl.DataFrame:
    """Put the amounts side by side, by their scores on out-of-fold predictions."""
    found = []
    for amount in amounts:
        one = tried[name_of(amount)]
        found.append({
            "rows": sum(amount.values()), **{score: one.values[score] for score in SCORES}, "chosen": amount == chosen,
        })  # fmt: skip
    return pl.DataFrame(found)


def say_choice(
    question: Question, chosen: Amount, amounts: Sequence[Amount], goal: str, *, asked: bool
) -> list[str]:
    """Say how many rows were added, and why so many."""
    target = question.target.name
    parts = [f"{rows:,} rows of {target} = {question.name(code)!r}" for code, rows in chosen.items() if rows]
    if asked:
        return [f"added as asked: {' and '.join(parts)}."]
    tried = ", ".join(f"{sum(amount.values()):,}" for amount in amounts[1:])
    if not parts:
        return [
            f"none of the amounts ({tried}) beats doing nothing by {goal} without loss of the other scores; the "
            "result is the real rows unchanged."
        ]
    return [f"chosen by {goal} on out-of-fold predictions, of {tried}: {' and '.join(parts)}."]


def say_gains(scores: pl.DataFrame, share: float) -> list[str]:
    """Say what synthetic rows gain beyond chance, and what does as much without them.

    Parameters
    ----------
    scores : DataFrame
        Of `score_table`.
    share : float
        The share of rare rows among those that are scored.
    """
    rows = {(row["method"], row["score"]): row for row in scores.iter_rows(named=True)}
    ours = {score: rows[SYNTHETIC, score] for score in SCORES}
    nothing = {score: rows[NOTHING, score] for score in SCORES}
    notes = []
    if ours[AUC]["rows"]:
        told = [
            f"{score} {ours[score]['value']:.3f} (without them {nothing[score]['value']:.3f})"
            for score in SCORES
        ]
        notes.append(
            f"with synthetic rows: {'; '.join(told)}. {100 * share:.3g} % of the rows scored are rare."
        )
        notes += _say_verdict(*beyond_chance(scores))
    return notes + _say_others(rows, nothing)


def beyond_chance(scores: pl.DataFrame) -> tuple[list[str], list[str]]:
    """Return the scores that synthetic rows make better, and those that they make worse, by more than chance explains.

    Parameters
    ----------
    scores : DataFrame
        With ``method``, ``score`` and the ends of the interval of the gain, ``gain_low`` and ``gain_high``.
    """
    ours = scores.filter(method=SYNTHETIC)
    better = ours.filter(pl.col("gain_low") > 0)["score"].to_list()
    return better, ours.filter(pl.col("gain_high") < 0)["score"].to_list()


def _say_verdict(better: Sequence[str], worse: Sequence[str]) -> list[str]:
    """Say which scores gain or lose by more than chance explains."""
    notes = []
    if list(better) == [BALANCED]:
        notes.append(
            "only balanced accuracy at the usual threshold gains beyond chance: what is gained here is the threshold, "
            "which you can have without synthetic rows."
        )
    elif better:
        notes.append(f"better beyond chance: {'; '.join(better)}.")
    if worse:
        notes.append(f"worse beyond chance: {'; '.join(worse)}.")
    if not better:
        notes.append(
            "no score gains beyond chance."
            if worse
            else "no score gains or loses beyond chance: the intervals of all differences from doing nothing hold 0."
        )
    return notes


def _say_others(
    rows: Mapping[tuple[str, str], Mapping[str, Any]], nothing: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Say what else helps: a threshold, or one of the other methods."""
    notes = []
    plain, moved = nothing[BALANCED], nothing[CHOSEN]
    if moved["low"] > plain["value"]:
        at = f" of {moved['threshold']:.2g}" if moved["threshold"] is not None else ""
        notes.append(
            f"for yes-or-no decisions a threshold{at} on a model of the real rows alone takes balanced accuracy from "
            f"{plain['value']:.3f} to {moved['value']:.3f}."
        )
    parts = []
    for method in RIVALS:
        helped = [
            score
            for score in SCORES[:3]
            if (row := rows[method, score])["value"] is not None and row["gain_low"] > 0
            if row["value"] > rows[SYNTHETIC, score]["value"]
        ]
        if helped:
            parts.append(f"{method} by {' and '.join(helped)}")
    if parts:
        more = " and have higher figures than synthetic rows" if rows[SYNTHETIC, AUC]["rows"] else ""
        notes.append(f"other methods that gain beyond chance{more}: {'; '.join(parts)}.")
    return notes
