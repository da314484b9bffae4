"""An augmentation as one HTML file without scripts: the methods side by side, a dot and an interval each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from simulacra.report.augmented import OURS, Augmented
from simulacra.report.html import environment

NOTHING, PRECISION = "doing nothing", "average precision"
EXPLAINED = {
    "ROC AUC": "the chance that a rare row gets a higher score than another; no threshold is involved",
    PRECISION: "how many of those picked out are rare, over all thresholds; it depends on how rare they are",
    "balanced accuracy": "the mean share of each class that is recognised when the likeliest class is taken",
    "balanced accuracy, threshold chosen": "the same, each with the threshold that is best for it on training rows",
}
_STYLE = Path(__file__).parent / "templates" / "report.css"


@dataclass(frozen=True, slots=True)
class Dot:
    """One method in a panel; places run from 0 to 100."""

    method: str
    role: str
    value: str
    low: float
    place: float
    high: float
    gain: str
    span: str
    note: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One score of all methods on one scale."""

    score: str
    words: str
    dots: tuple[Dot, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]


def render(augmented: Augmented) -> str:
    """Write what an augmentation found as a page; it holds figures only and no row.

    Parameters
    ----------
    augmented : Augmented
        What `augment` returned.

    Returns
    -------
    str
        HTML that needs nothing beside itself.
    """
    panels = [panel(augmented, score) for score in augmented.scores["score"].unique(maintain_order=True)]
    template = environment().get_template("augmented.html.j2")
    return template.render(
        augmented=augmented,
        panels=panels,
        amounts=_amounts(augmented),
        rare=None if augmented.shares is None else percent(augmented.shares[1]),
        style=Markup(_STYLE.read_text(encoding="utf-8")),
    ).lstrip()


def panel(augmented: Augmented, score: str) -> Panel:
    """Place the methods of one score on a scale that holds all their intervals."""
    rows = [row for row in augmented.scores.iter_rows(named=True) if row["score"] == score]
    known = [row for row in rows if row["value"] is not None]
    least, most = min(row["low"] for row in known), max(row["high"] for row in known)
    step = _step(most - least)
    start, end = math.floor(least / step) * step, math.ceil(most / step) * step

    def place(value: float) -> float:
        return round(100 * (value - start) / max(end - start, 1e-9), 2)

    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    count = round((end - start) / step)
    ticks = tuple((place(start + i * step), f"{start + i * step:.{digits}f}") for i in range(count + 1))
    nothing = next(row for row in known if row["method"] == NOTHING)
    dots = tuple(_dot(row, place) if row in known else _absent(row) for row in rows)
    words = EXPLAINED.get(score, "")
    if score == PRECISION and augmented.shares is not None:
        words += (
            f", {percent(augmented.shares[0])} of these rows; guessing would have {augmented.shares[0]:.3f}"
        )
    return Panel(score, words, dots, place(nothing["value"]), ticks)


def percent(share: float) -> str:
    """Write a share with three digits."""
    return f"{100 * share:.3g} %"


def _dot(row: dict[str, Any], place: Any) -> Dot:
    role = "synthetic" if row["method"] == OURS else "real" if row["method"] == NOTHING else "other"
    gain = "" if row["method"] == NOTHING else _signed(row["gain"])
    span = f"{_signed(row['gain_low'])} to {_signed(row['gain_high'])}"
    return Dot(
        _label(row),
        role,
        f"{row['value']:.3f}",
        place(row["low"]),
        place(row["value"]),
        place(row["high"]),
        gain,
        span,
        "",
    )


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def _absent(row: dict[str, Any]) -> Dot:
    return Dot(_label(row), "absent", "", 0.0, 0.0, 0.0, "", "", row["note"])


def _label(row: dict[str, Any]) -> str:
    return f"{row['method']} ({row['rows']:,})" if row["rows"] is not None else row["method"]


def _step(span: float) -> float:
    """Return a round step that cuts a span into three to six parts."""
    rough = max(span, 1e-6) / 4
    base = 10.0 ** math.floor(math.log10(rough))
    return float(min((m * base for m in (1, 2, 5, 10)), key=lambda step: abs(math.log(step / rough))))


def _amounts(augmented: Augmented) -> dict[str, Any]:
    frame = augmented.amounts
    heads = [name for name in frame.columns if name != "chosen"]
    rows = [
        ([f"{row['rows']:,}", *(f"{row[name]:.3f}" for name in heads[1:])], row["chosen"])
        for row in frame.iter_rows(named=True)
    ]
    return {"heads": heads, "rows": rows}
