"""Heat maps of associations between columns: which pairs to draw, and the three panels."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import polars as pl

from simulacra.errors import DataError
from simulacra.report.document import Report

# Blue and vermilion stay apart for every kind of colour blindness, on light and on dark grounds.
REAL, SYNTHETIC = "#3B82C4", "#D55E00"
MAX_MATRIX = 30


def panels(data: Any, rows: list[dict[str, Any]], order: list[str]) -> tuple[alt.Chart, alt.Chart, alt.Chart]:
    """Draw the three heat maps of `pairs` as charts of their own, each as wide as its place."""
    height = max(120, 15 * len(order) + 20)
    real = _strength(data, order, "real", "Real", height)
    synthetic = _strength(data, order, "synthetic", "Synthetic", height)
    return real, synthetic, _difference(data, order, rows, height)


def rows(report: Report) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the pairs to draw (below the diagonal of the matrix) and the order of the columns."""
    detail = report["fidelity/pairs"].detail
    if detail is None or detail.is_empty():
        raise DataError("'fidelity/pairs' holds no pairs to draw. Evaluate a table with two columns or more.")
    known = detail.select("column_a", "column_b", "real", "synthetic").drop_nulls().with_columns(
        difference=pl.col("synthetic") - pl.col("real")
    )  # fmt: skip
    ends = pl.concat([
        known.select(column=pl.col(side), size=pl.col("difference").abs())
        for side in ("column_a", "column_b")
    ])  # fmt: skip
    order = ends["column"].unique(maintain_order=True).to_list()
    if len(order) > MAX_MATRIX:
        top = (
            ends.group_by("column")
            .agg(pl.col("size").mean())
            .sort(["size", "column"], descending=[True, False])
        )
        kept = set(top["column"].head(MAX_MATRIX).to_list())
        order = [name for name in order if name in kept]
    place = {name: i for i, name in enumerate(order)}
    rows = []
    for row in known.iter_rows(named=True):
        a, b = row["column_a"], row["column_b"]
        if a in place and b in place:
            first, second = (a, b) if place[a] < place[b] else (b, a)
            figures = {name: rounded(row[name]) for name in ("real", "synthetic", "difference")}
            rows.append({"x": first, "y": second, **figures})
    return rows, order


def count_columns(report: Report) -> int:
    """Count the columns of which `fidelity/pairs` knows a pair."""
    detail = report["fidelity/pairs"].detail
    return 0 if detail is None else pl.concat([detail["column_a"], detail["column_b"]]).n_unique()


def _strength(data: Any, order: list[str], field: str, name: str, height: int) -> alt.Chart:
    colour = REAL if field == "real" else SYNTHETIC
    return _matrix(data, order, height, name).encode(
        color=alt.value(colour),
        opacity=alt.Opacity(
            f"{field}:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 1], clamp=True),
            legend=alt.Legend(
                title=None, orient="bottom", tickCount=5, symbolFillColor=colour, symbolType="square"
            ),
        ),
    )  # fmt: skip


def _difference(data: Any, order: list[str], rows: list[dict[str, Any]], height: int) -> alt.Chart:
    sizes = [abs(row["difference"]) for row in rows if row["difference"] is not None]
    top = max(0.1, math.ceil(10 * max(sizes, default=0.0)) / 10)
    return (
        _matrix(data, order, height, "Synthetic − real")
        .transform_calculate(
            size="abs(datum.difference)",
            sign="datum.difference < 0 ? 'too weak in synthetic' : 'too strong in synthetic'",
        )
        .encode(
            color=alt.Color(
                "sign:N",
                scale=alt.Scale(
                    domain=["too weak in synthetic", "too strong in synthetic"], range=[REAL, SYNTHETIC]
                ),
                legend=alt.Legend(title=None, orient="bottom", symbolType="square", columns=1),
            ),
            opacity=alt.Opacity(
                "size:Q",
                scale=alt.Scale(domain=[0, top], range=[0.04, 1], clamp=True),
                legend=alt.Legend(
                    title=None, orient="bottom", tickCount=4, format=".2~f", symbolType="square",
                    symbolFillColor="#777777",
                ),
            ),
        )
    )  # fmt: skip


def _matrix(data: Any, order: list[str], height: int, name: str) -> alt.Chart:
    # Long names differ at their ends as often as at their starts.
    short = "length(datum.label) > 17 ? slice(datum.label, 0, 7) + '…' + slice(datum.label, -8) : datum.label"
    axis = alt.Axis(
        labelExpr=short, labelLimit=110, ticks=False, domain=False, labelOverlap=False, labelFontSize=10
    )
    return (
        alt.Chart(data, title=alt.Title(name, anchor="start"))
        .mark_rect()
        .encode(
            x=alt.X(
                "x:N",
                sort=order[:-1],
                title=None,
                axis=axis,
                scale=alt.Scale(domain=order[:-1], padding=0.06),
            ),
            y=alt.Y(
                "y:N", sort=order[1:], title=None, axis=axis, scale=alt.Scale(domain=order[1:], padding=0.06)
            ),
            tooltip=[
                alt.Tooltip("x:N", title="column"),
                alt.Tooltip("y:N", title="with"),
                alt.Tooltip("real:Q", format=".3f"),
                alt.Tooltip("synthetic:Q", format=".3f"),
                alt.Tooltip("difference:Q", format="+.3f"),
            ],
        )
        .properties(width="container", height=height)
    )


def rounded(value: float | None) -> float | None:
    """Keep four significant digits: a page needs no more."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.4g}")
