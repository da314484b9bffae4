"""The picture of plausibility: how likely the model finds training, unseen and synthetic rows."""

from __future__ import annotations

from typing import Any

import altair as alt

from simulacra.errors import DataError
from simulacra.metric import Score
from simulacra.report._matrices import REAL, SYNTHETIC, rounded
from simulacra.report.document import Report

NAME = "fidelity/plausibility"
ROLES = {"holdout": "unseen real", "train": "training", "synthetic": "synthetic"}


def has_bins(report: Report) -> bool:
    """Tell whether a report has what the picture is made of."""
    return NAME in report and _bins(report[NAME])


def _bins(score: Score) -> bool:
    detail = score.detail
    return detail is not None and len(detail) > 1 and {"low", "high", *ROLES} <= set(detail.columns)


def panel(report: Report) -> alt.LayerChart:
    """Draw the shares of rows per nat as three outlines, that of unseen real rows filled."""
    detail = report[NAME].detail if NAME in report else None
    if detail is None or not has_bins(report):
        raise DataError(f"{NAME!r} was not computed, so there is no picture of it. Evaluate with model=...")
    values: list[dict[str, Any]] = []
    for role, said in ROLES.items():
        for row in detail.iter_rows(named=True):
            height = rounded(row[role] / (row["high"] - row["low"]))
            ends = {"low": rounded(row["low"]), "high": rounded(row["high"]), "share": rounded(row[role])}
            values.append({"rows": said, "at": ends["low"], "height": height, **ends})
        # the last step needs its right end
        values.append({**values[-1], "at": values[-1]["high"]})
    x = alt.X(
        "at:Q", title="log-probability of a row, in nats (right: more plausible)",
        scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(tickCount=8, grid=False),
    )  # fmt: skip
    y = alt.Y(
        "height:Q",
        title="share of rows per nat",
        axis=alt.Axis(format=".0%", tickCount=4, domain=False, ticks=False),
    )
    roles = list(ROLES.values())
    colour = alt.Color(
        "rows:N", scale=alt.Scale(domain=roles, range=[REAL, REAL, SYNTHETIC]),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3),
    )  # fmt: skip
    dash = alt.StrokeDash(
        "rows:N", scale=alt.Scale(domain=roles, range=[[1, 0], [4, 3], [1, 0]]), legend=None
    )
    base = alt.Chart(alt.Data(values=values))
    filled = (
        base.transform_filter(alt.datum.rows == ROLES["holdout"])
        .mark_area(interpolate="step-after", opacity=0.18, color=REAL)
        .encode(x=x, y=y)
    )
    lines = base.mark_line(interpolate="step-after", strokeWidth=2).encode(
        x=x, y=y, color=colour, strokeDash=dash,
        tooltip=[
            alt.Tooltip("rows:N"), alt.Tooltip("low:Q", format=".1f", title="from"),
            alt.Tooltip("high:Q", format=".1f", title="to"), alt.Tooltip("share:Q", format=".2%"),
        ],
    )  # fmt: skip
    return alt.layer(filled, lines).properties(width="container", height=200)
