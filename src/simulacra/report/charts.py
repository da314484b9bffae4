"""Charts of a report: columns, pairs of columns, scores, and what gives synthetic rows away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import altair as alt

from simulacra.errors import DataError, unknown
from simulacra.metric import Score
from simulacra.report import _densities, _matrices, words
from simulacra.report._matrices import REAL, SYNTHETIC, rounded
from simulacra.report.document import Report

MAX_BARS = 20
MAX_PANELS = 60
LEVEL_HEIGHT = 13

Chart: TypeAlias = (
    alt.Chart | alt.LayerChart | alt.HConcatChart | alt.VConcatChart | alt.ConcatChart | alt.FacetChart
)


def columns(report: Report, columns: Sequence[str] | None = None) -> Chart:
    """Draw the distribution of each column, real beside synthetic, as shares of rows.

    Parameters
    ----------
    report : Report
        A report whose evaluation has profiles.
    columns : sequence of str or None
        Which columns; None for all (the first 60).

    Returns
    -------
    Altair chart
        A grid with one panel per column.

    Raises
    ------
    UnknownName
        The report has no profile of such a column.
    DataError
        The report has no profiles at all.

    Notes
    -----
    **Privacy**: holds the cells of the profiles only, each with at least 10 real records.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.evaluation import Evaluation
    >>> cells = pl.DataFrame({"column": "age", "kind": "number", "cell": [0, 1],
    ...     "label": ["0 to 9", "10 to 19"],
    ...     "low": [0.0, 10.0], "high": [10.0, 20.0], "real": [0.4, 0.6], "synthetic": [0.5, 0.5],
    ...     "holdout": [0.4, 0.6], "real_count": [40, 60]})
    >>> type(columns(Report("t", Evaluation((), cells, {}, {}, ())))).__name__
    'ConcatChart'
    """
    profiles = cells(report)
    if not profiles:
        raise DataError("this report has no profiles of columns to draw. Evaluate with at least one column.")
    chosen = list(profiles)[:MAX_PANELS] if columns is None else list(columns)
    panels = []
    for name in chosen:
        if name not in profiles:
            raise unknown("column", name, profiles)
        rows = profiles[name]
        panel = (
            numbers_panel(alt.Data(values=rows))
            if is_numeric(rows)
            else bars_panel(alt.Data(values=rows), len(rows))
        )
        panels.append(panel.properties(width=260, title=alt.Title(name, anchor="start")))
    return _finish(alt.concat(*panels, columns=3).resolve_scale(x="independent", y="independent"))


def cells(report: Report) -> dict[str, list[dict[str, Any]]]:
    """Return the cells of every column's profile, in order, as rows for a chart.

    Parameters
    ----------
    report : Report
        Any report.

    Returns
    -------
    dict
        For each column, rows of ``cell``, ``label``, ``edge`` (what the axis says), ``real``, ``synthetic``
        and ``holdout``.
    """
    profiles = report.evaluation.profiles
    if profiles.is_empty():
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in profiles.sort("cell", maintain_order=True).iter_rows(named=True):
        numeric, start = row["low"] is not None, row["label"].partition(" to ")[0]
        found.setdefault(row["column"], []).append({
            "cell": row["cell"],
            "label": row["label"],
            "edge": words.edge(row["low"]) if numeric and row["kind"] == "number" else start,
            "numeric": numeric,
            **{name: rounded(row[name]) for name in ("real", "synthetic", "holdout")},
        })  # fmt: skip
    order = profiles["column"].unique(maintain_order=True).to_list()
    return {name: found[name] for name in order}


def is_numeric(rows: Sequence[dict[str, Any]]) -> bool:
    """Tell whether cells are bins of an ordered range (a histogram) and not levels (bars)."""
    return any(row["numeric"] for row in rows)


def numbers_panel(data: Any, *, legend: bool = True) -> alt.LayerChart:
    """Draw one ordered column: real rows as bars, synthetic rows as a line across each bin.

    Bins are drawn equally wide, so that a tail of wide bins does not look heavier than it is.
    """
    axis = alt.Axis(
        labelExpr="slice(datum.label, 6)",
        labelOverlap="greedy", labelAngle=0, labelSeparation=6, ticks=False, title=None, labelLimit=90,
    )  # fmt: skip
    x = alt.X("place:O", axis=axis, scale=alt.Scale(paddingInner=0.06, paddingOuter=0))
    y_axis = alt.Axis(format="%", tickCount=4, title=None, domain=False, ticks=False)
    shown = alt.Legend(title=None, orient="top") if legend else None
    colour = alt.Color(
        "rows:N", scale=alt.Scale(domain=["real", "synthetic"], range=[REAL, SYNTHETIC]), legend=shown
    )
    # the cell of missing values comes first: labels that overlap are dropped from the right, and this one must stay
    base = alt.Chart(data).transform_calculate(
        place="datum.label == 'missing' ? '      missing' : format(datum.cell, '05d') + ' ' + datum.edge"
    )
    real = (
        base.transform_calculate(rows="'real'")
        .mark_bar(opacity=0.55)
        .encode(x=x, y=alt.Y("real:Q", axis=y_axis), color=colour)
    )
    line = (
        base.transform_calculate(rows="'synthetic'")
        .mark_tick(thickness=2.5, width=alt.RelativeBandSize(1.06))
        .encode(x=x, y=alt.Y("synthetic:Q", axis=y_axis), color=colour)
    )
    hover = base.mark_rect(opacity=0).encode(x=x, tooltip=_cell_tooltip())
    return alt.layer(real, line, hover).properties(width="container", height=130)


def bars_panel(data: Any, levels: int, *, legend: bool = True) -> alt.Chart:
    """Draw one column of levels: two bars per level."""
    return (
        alt.Chart(data)
        .transform_fold(["real", "synthetic"], as_=["rows", "share"])
        .mark_bar()
        .encode(
            y=alt.Y(
                "label:N", sort=alt.SortField("cell"), title=None, axis=alt.Axis(labelLimit=110, ticks=False)
            ),
            yOffset=alt.YOffset("rows:N", sort=["real", "synthetic"]),
            x=alt.X(
                "share:Q", title=None, axis=alt.Axis(format="%", tickCount=4, domain=False, ticks=False),
                scale=alt.Scale(domainMin=0),
            ),
            color=alt.Color(
                "rows:N",
                scale=alt.Scale(domain=["real", "synthetic"], range=[REAL, SYNTHETIC]),
                legend=alt.Legend(title=None, orient="top") if legend else None,
            ),
            tooltip=_cell_tooltip(),
        )
        .properties(width="container", height=LEVEL_HEIGHT * levels)
    )  # fmt: skip


def pairs(report: Report) -> Chart:
    """Draw how strongly columns go together: in the real data, in the synthetic data, and the difference.

    Parameters
    ----------
    report : Report
        A report with the score ``fidelity/pairs``.

    Returns
    -------
    Altair chart
        Three heat maps side by side. Beyond 30 columns, the 30 whose associations differ most.

    Raises
    ------
    UnknownName
        The report has no such score.
    DataError
        The score has no pairs.
    """
    rows, order = _matrices.rows(report)
    panels = _matrices.panels(alt.Data(values=rows), rows, order)
    side = 230
    return _finish(
        alt.hconcat(*(panel.properties(width=side, height=side) for panel in panels)).resolve_scale(
            color="independent", opacity="independent", y="shared"
        )
    )


def scores(report: Report) -> Chart:
    """Draw every score that was computed: a dot with its interval, and a tick where real data stand.

    Parameters
    ----------
    report : Report
        Any report with at least one score that was computed.

    Returns
    -------
    Altair chart
        One row per score, each on its own scale.

    Raises
    ------
    DataError
        No score was computed.
    """
    panels = []
    for score in report:
        if not words.is_computed(score):
            continue
        low, high = score.interval if score.interval is not None else (score.value, score.value)
        row = {
            "score": words.title(score), "name": score.name, "value": score.value, "low": low,
            "high": high, "real": score.baseline, "verdict": words.VERDICTS[score.verdict],
        }  # fmt: skip
        panels.append(_score_panel(row))
    if not panels:
        raise DataError("no score of this report was computed, so there is nothing to draw.")
    key = alt.Title("Scores", subtitle="dot: synthetic; line: 95 % interval; tick: real data", anchor="start")
    return _finish(alt.vconcat(*panels, spacing=4, title=key).resolve_scale(x="independent"))


def _score_panel(row: dict[str, Any]) -> alt.LayerChart:
    row = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }
    base = alt.Chart(alt.Data(values=[row]))
    x_axis = alt.Axis(title=None, tickCount=5, grid=True)
    y = alt.Y("score:N", title=None, axis=alt.Axis(labelLimit=300, minExtent=270, ticks=False, domain=False))
    tooltip = [
        alt.Tooltip("name:N"),
        alt.Tooltip("value:Q", format=".4f"),
        alt.Tooltip("low:Q", format=".4f"),
        alt.Tooltip("high:Q", format=".4f"),
        alt.Tooltip("real:Q", format=".4f", title="real data get"),
        alt.Tooltip("verdict:N"),
    ]
    scale = alt.Scale(zero=False, nice=True, padding=12)
    line = base.mark_rule(strokeWidth=3, color=SYNTHETIC, opacity=0.5).encode(
        x=alt.X("low:Q", axis=x_axis, scale=scale), x2="high:Q", y=y, tooltip=tooltip
    )
    real = base.mark_tick(thickness=3, size=18, color=REAL).encode(x="real:Q", y=y, tooltip=tooltip)
    dot = base.mark_point(filled=True, size=70, color=SYNTHETIC, opacity=1).encode(
        x="value:Q", y=y, tooltip=tooltip
    )
    return alt.layer(line, real, dot).properties(width=320, height=26)


def detection(report: Report) -> Chart:
    """Draw which columns give synthetic rows away, most telling first.

    Parameters
    ----------
    report : Report
        A report with the score ``fidelity/detection``.

    Returns
    -------
    Altair chart
        One bar per column, at most 20.

    Raises
    ------
    UnknownName
        The report has no such score.
    DataError
        The score says nothing of columns.
    """
    return _finish(detection_panel(report).properties(width=420))


def detection_panel(report: Report) -> alt.Chart:
    """Draw the bars of `detection` as wide as their place."""
    score = report["fidelity/detection"]
    detail, measure = score.detail, detection_measure(score)
    if detail is None or measure is None:
        raise DataError(
            "'fidelity/detection' does not say which columns give the rows away, so there is no chart."
        )
    top = detail.select("column", measure).drop_nulls().sort(measure, descending=True, maintain_order=True)
    name = {
        "importance": "importance to the classifier",
        "auc": "AUC of this column alone (0.5 is guessing)",
    }[measure]
    rows = [{"column": row[0], "value": rounded(row[1])} for row in top.head(MAX_BARS).iter_rows()]
    start = 0.5 if measure == "auc" else 0.0
    return (
        alt.Chart(alt.Data(values=rows))
        .transform_calculate(start=str(start))
        .mark_bar(color=SYNTHETIC)
        .encode(
            y=alt.Y("column:N", sort=[row["column"] for row in rows], title=None,
                    axis=alt.Axis(labelLimit=160, ticks=False, domain=False)),
            x=alt.X("value:Q", title=name, scale=alt.Scale(zero=start == 0.0), axis=alt.Axis(tickCount=5)),
            x2="start:Q",
            tooltip=[alt.Tooltip("column:N"), alt.Tooltip("value:Q", format=".4f", title=measure)],
        )
        .properties(width="container", height=18 * len(rows))
    )  # fmt: skip


def plausibility(report: Report) -> Chart:
    """Draw how likely the model finds training rows, unseen real rows and synthetic rows.

    Parameters
    ----------
    report : Report
        A report with the score ``fidelity/plausibility``.

    Returns
    -------
    Altair chart
        Three outlines over the log-probability of a row.

    Raises
    ------
    DataError
        The score was not computed.
    """
    return _finish(_densities.panel(report).properties(width=520))


def detection_measure(score: Score) -> str | None:
    """Return what a detection score measures for each column, or None when there is nothing to draw."""
    detail = score.detail
    if detail is None or "column" not in detail.columns:
        return None
    return next((m for m in ("importance", "auc") if m in detail.columns and detail[m].count()), None)


def _cell_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="value"),
        alt.Tooltip("real:Q", format=".2%"),
        alt.Tooltip("synthetic:Q", format=".2%"),
        alt.Tooltip("holdout:Q", format=".2%", title="holdout"),
    ]


def _finish(chart: Any) -> Any:
    return chart.configure(background="transparent").configure_view(stroke=None)
