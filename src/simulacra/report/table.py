"""The scores of a report as a table: one row per score, for a spreadsheet."""

from __future__ import annotations

import math

import polars as pl

from simulacra.report import words
from simulacra.report.document import Report

_SCHEMA = {
    "name": pl.String, "title": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "baseline": pl.Float64, "verdict": pl.String, "better": pl.String, "words": pl.String,
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def frame(report: Report) -> pl.DataFrame:
    """Return the scores as a frame, one row per score.

    Parameters
    ----------
    report : Report
        Any report.

    Returns
    -------
    DataFrame
        ``name``, ``title``, ``value``, ``low`` and ``high`` (95 % interval), ``baseline`` (what real data get),
        ``verdict``, ``better`` and ``words``; null where there is no figure.

    Examples
    --------
    >>> from simulacra.evaluation import Evaluation
    >>> from simulacra.metric import Score
    >>> report = Report("t", Evaluation((Score("privacy/copies", 0.2),), pl.DataFrame(), {}, {}, ()))
    >>> frame(report)["value"].to_list()
    [0.2]
    """
    rows = []
    for score in report:
        low, high = score.interval if score.interval is not None else (None, None)
        rows.append({
            "name": score.name, "title": words.title(score), "value": _finite(score.value), "low": _finite(low),
            "high": _finite(high), "baseline": _finite(score.baseline), "verdict": words.verdict(score),
            "better": score.better, "words": score.words,
        })  # fmt: skip
    return pl.DataFrame(rows, schema=_SCHEMA)


def render(report: Report, *, private: bool = False) -> str:
    """Write the scores as CSV; it holds no evidence, `private` or not.

    Parameters
    ----------
    report : Report
        Any report.
    private : bool
        Taken for the sake of the other forms.

    Returns
    -------
    str
        A head and one line per score. A text that a spreadsheet would run as a formula gets an apostrophe before it.

    Examples
    --------
    >>> from simulacra.evaluation import Evaluation
    >>> render(Report("t", Evaluation((), pl.DataFrame(), {}, {}, ()))).strip()
    'name,title,value,low,high,baseline,verdict,better,words'
    """
    texts = pl.col(pl.String)
    risky = texts.str.slice(0, 1).is_in(_FORMULA)
    return (
        frame(report).with_columns(pl.when(risky).then("'" + texts).otherwise(texts).name.keep()).write_csv()
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
