"""The picture for the documentation: how well a table passes for real, against how near it is to the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import altair as alt
import polars as pl

from benchmarks._page import by_model, spread
from benchmarks._records import Record
from simulacra.registry import MODELS

QUALITY, NEARNESS = "fidelity/detection", "privacy/distances"
OURS, THEIRS = "simulacra", "others"


def write(records: Sequence[Record], path: Path) -> None:
    """Write one panel per table and a point per model; nothing where no model has both figures."""
    rows = []
    quality = [r for r in records if r["kind"] == "quality" and r["problem"] is None]
    for table in sorted({r["table"] for r in quality}):
        for model, runs in by_model([r for r in quality if r["table"] == table]):
            tells, near = spread(runs, QUALITY), spread(runs, NEARNESS)
            if tells is None or near is None:
                continue
            rows.append(
                {
                    "table": table, "model": model, "whose": OURS if model in MODELS.names() else THEIRS,
                    "auc": tells[0], "auc_low": tells[0] - tells[1], "auc_high": tells[0] + tells[1],
                    "dcr": near[0], "dcr_low": near[0] - near[1], "dcr_high": near[0] + near[1],
                }
            )  # fmt: skip
    if not rows:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _draw(pl.DataFrame(rows)).save(str(path))


def _draw(points: pl.DataFrame) -> alt.FacetChart:
    colour = alt.Color(
        "whose:N",
        title=None,
        scale=alt.Scale(domain=[OURS, THEIRS], range=["#0b6e4f", "#8a8f98"]),
        legend=alt.Legend(orient="top"),
    )
    x = alt.X(
        "auc:Q", title="told apart from unseen real rows (AUC; .5 is perfect)", scale=alt.Scale(zero=False)
    )
    y = alt.Y("dcr:Q", title="nearness to training rows (excess; 0 is ideal)")
    base = alt.Chart(points)
    layers = alt.layer(
        base.mark_rule().encode(x="auc_low:Q", x2="auc_high:Q", y=y, color=colour),
        base.mark_rule().encode(x=x, y="dcr_low:Q", y2="dcr_high:Q", color=colour),
        base.mark_circle(size=70, opacity=1).encode(x=x, y=y, color=colour),
        # names go to the inner side of the point, and the last ones under each other
        base.transform_filter("datum.auc < 0.75")
        .mark_text(align="left", dx=7, dy=-7, fontSize=11)
        .encode(x=x, y=y, text="model:N"),
        base.transform_filter("datum.auc >= 0.75 && datum.auc < 0.995")
        .mark_text(align="right", dx=-7, dy=-7, fontSize=11)
        .encode(x=x, y=y, text="model:N"),
        base.transform_filter("datum.auc >= 0.995")
        .mark_text(align="right", dx=-7, dy=11, fontSize=11)
        .encode(x=x, y=y, text="model:N"),
    ).properties(width=380, height=300)
    return layers.facet(facet=alt.Facet("table:N", title=None), columns=2).resolve_scale(x="independent")
