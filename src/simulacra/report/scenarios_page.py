"""Scenarios drawn as one HTML file without scripts: what was asked, shares before and after, the columns that moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from markupsafe import Markup

from simulacra.metric import Comparison
from simulacra.profile import profile
from simulacra.report.html import environment
from simulacra.report.scenarios import PLAIN_ROWS, Outcome, Outcomes
from simulacra.sampling.shifts import read_shifts
from simulacra.schema.predicates import Predicate
from simulacra.shares.margins import read_margins
from simulacra.shares.parity import DEFINITIONS, read_parity

_STYLE = Path(__file__).parent / "templates" / "report.css"
MOST_ASKED, MOST_OTHERS = 6, 6
"""Pictures of columns that a scenario speaks of, and of others."""
BEYOND_CHANCE = 2.0
"""A column has moved when its distance is so many times what chance alone gives."""
MOST_BARS = 8
POOLED = 1.5
"""An outermost bar so many times as wide as others pools a tail."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One cell of a column: its place and the two shares, in per cent of the picture."""

    label: str
    place: float
    width: float
    plain: float
    own: float
    told: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A value below the bars: its place in per cent, and the side of it that is there ("start", "middle", "end")."""

    place: float
    text: str
    side: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A column in the model's own rows and in a scenario's; `behind` names the bars that stand behind its values."""

    name: str
    ordered: bool
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    behind: str
    top: str
    distance: float
    asked: bool


def render(drawn: Outcomes) -> str:
    """Write scenarios as a page; it holds no real row and no script.

    Parameters
    ----------
    drawn : Outcomes
        What `play` gave.

    Returns
    -------
    str
        HTML that needs nothing beside itself.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> model = sim.fit(pl.DataFrame({"a": [1, 2] * 50}), "independent", seed=0)
    >>> page = render(sim.play(model, [{"name": "twos", "rows": 50, "where": "a = 2"}], seed=1, title="T"))
    >>> "<title>T</title>" in page, "twos" in page
    (True, True)
    """
    template = environment().get_template("scenarios.html.j2")
    return template.render(
        drawn=drawn,
        sections=[_section(drawn, one) for one in drawn.outcomes],
        plain_rows=PLAIN_ROWS,
        style=Markup(_STYLE.read_text(encoding="utf-8")),
        percent=percent,
        share=lambda part: f"{100 * part:.3g} %",
    ).lstrip()


def percent(share: float) -> str:
    """Write a share as per cent, rare ones with more digits."""
    return f"{100 * share:.1f} %" if share >= 0.001 or share == 0 else f"{100 * share:.2g} %"


def _section(drawn: Outcomes, one: Outcome) -> dict[str, Any]:
    shares = [
        {"field": kind.field, "words": kind.words, "before": drawn.before(kind, one), "after": kind.share}
        for kind in one.kinds
    ]
    pictures = _pictures(drawn, one) if len(one.data) else []
    moves = [
        {"column": move.column, "sql": move.sql, "before": _mean(move.before), "after": _mean(move.after)}
        for move in one.moves
    ]
    return {
        "one": one,
        "asked": list(_asked(one, drawn)),
        "shares": shares,
        "moves": moves,
        "asked_pictures": [p for p in pictures if p.asked][:MOST_ASKED],
        "others": [p for p in pictures if not p.asked][:MOST_OTHERS],
        "notes": one.data.notes,
    }


def _mean(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _asked(one: Outcome, drawn: Outcomes) -> Iterable[tuple[str, str]]:
    """Say what was asked for in words."""
    scenario = one.scenario
    if scenario.where:
        yield "only rows where", Predicate.parse(scenario.where, drawn.model.table).sql
    for kind in one.kinds:
        if kind.field in ("balance", "bigger", "smaller"):
            said = {"balance": "share of rows", "bigger": "more rows", "smaller": "fewer rows"}[kind.field]
            yield said, f"{kind.words} ({_wanted(scenario, kind.field, kind.words, drawn)})"
    if scenario.fair:
        parity = read_parity(scenario.fair, drawn.model.table)
        yield (
            f"fair ({parity.definition})",
            f"{DEFINITIONS[parity.definition]}: {parity.target} by {', '.join(parity.group)}",
        )
    for column, sql in (scenario.shift or {}).items():
        yield f"{column} becomes", str(sql)
    for part in scenario.mix:
        yield f"{percent(part.share)} of the rows", part.scenario or "any rows of the model"


def _wanted(scenario: Any, field: str, words: str, drawn: Outcomes) -> str:
    for margin in read_margins(drawn.model.table, **{field: getattr(scenario, field)}):
        for part in margin.parts:
            if part.words == words and part.share is not None:
                return percent(part.share)
            if part.words == words and part.factor is not None:
                return (
                    f"{part.factor:g} times as many"
                    if part.factor >= 1
                    else f"divided by {1 / part.factor:g}"
                )
    return ""


def _touched(one: Outcome, drawn: Outcomes) -> list[str]:
    """List the columns that a scenario speaks of, in its own order."""
    table, scenario = drawn.model.table, one.scenario
    names: list[str] = []
    for kind in one.kinds:
        names += kind.predicate.columns
        names += kind.among.columns if kind.among is not None else ()
    if scenario.shift:
        names += [shift.column.name for shift in read_shifts(scenario.shift, table)]
    if scenario.fair:
        parity = read_parity(scenario.fair, table)
        names += [parity.target, *parity.group, *parity.given]
    return list(dict.fromkeys(names))


def _pictures(drawn: Outcomes, one: Outcome) -> list[Picture]:
    """Draw the columns asked for, then those that moved beyond chance, the most moved first."""
    plain, own = drawn.plain, one.data.polars()
    cells = profile(Comparison(drawn.model.table, plain, own))
    touched = _touched(one, drawn)
    found, moved = {}, []
    for (name,), rows in cells.group_by(["column"], maintain_order=True):
        shares = rows.select("real", "synthetic").to_numpy()
        distance = float(np.abs(shares[:, 0] - shares[:, 1]).sum() / 2)
        chance = _chance(shares[:, 0], len(plain), len(own))
        made = _picture(str(name), rows, distance, name in touched)
        if name in touched:
            found[str(name)] = made
        elif distance > BEYOND_CHANCE * chance:
            moved.append(made)
    return [found[name] for name in touched if name in found] + sorted(moved, key=lambda p: -p.distance)


def _chance(shares: np.ndarray, one: int, other: int) -> float:
    """Return the distance that two samples of the same rows have on average, cell by cell a half-normal one."""
    return float(np.sqrt(2 / np.pi * shares * (1 - shares) * (1 / max(one, 1) + 1 / max(other, 1))).sum() / 2)


def _picture(name: str, rows: pl.DataFrame, distance: float, asked: bool) -> Picture:
    ordered = bool(rows["low"].is_not_null().any())
    if ordered:
        shown = rows.filter(pl.col("low").is_not_null() | (pl.max_horizontal("real", "synthetic") > 0))
    else:
        best = rows.with_columns(most=pl.max_horizontal("real", "synthetic")).sort(
            "most", descending=True, maintain_order=True
        )
        shown = best.head(MOST_BARS).sort("cell")
    shown = _alike(shown)
    top = max(float(shown.select(pl.max_horizontal("real", "synthetic")).max().item() or 0), 1e-9)
    bars = tuple(_bars(shown.iter_rows(named=True), len(shown), top))
    behind = ", ".join(shown.filter(pl.col("low").is_null())["label"]) if ordered else ""
    return Picture(name, ordered, bars, _ticks(shown), behind, percent(top), distance, asked)


def _alike(cells: pl.DataFrame) -> pl.DataFrame:
    """Write the thousands of all labels alike; those of years and dates have no comma in any."""
    if not cells["label"].str.contains(r"\d,\d{3}").any():
        return cells
    return cells.with_columns(pl.col("label").str.replace_all(r"\b(\d)(\d{3})\b", "${1},${2}"))


def _ticks(cells: pl.DataFrame) -> tuple[Tick, ...]:
    """Name edges of bars where they are; an outermost bar that pools a tail is open: "78+", "below 20"."""
    held = cells.filter(pl.col("low").is_not_null())
    if not len(held):
        return ()
    width = 100 / len(cells)
    widths = (held["high"] - held["low"]).to_numpy()
    pools = widths > POOLED * np.median(widths)
    labels = held["label"].to_list()
    starts = [label.partition(" to ")[0] for label in labels]
    many = len(held) > 2
    first = f"below {starts[1]}" if many and pools[0] else starts[0]
    last = f"{starts[-1]}+" if many and pools[-1] else labels[-1].rpartition(" to ")[2]
    longest = max(map(len, (first, last, *starts)))
    between = 0 if len(held) < 8 or longest > 10 else 1 if longest > 5 else 2
    places = [round(len(held) * part / (between + 1)) for part in range(1, between + 1)]
    inner = (Tick(round(place * width, 3), starts[place], "middle") for place in places)
    return Tick(0.0, first, "start"), *inner, Tick(round(len(held) * width, 3), last, "end")


def _bars(rows: Iterable[Mapping[str, Any]], count: int, top: float) -> Iterable[Bar]:
    width = 100 / max(count, 1)
    for place, row in enumerate(rows):
        told = f"{row['label']}: {percent(row['real'])} in the model, {percent(row['synthetic'])} here"
        plain, own = (round(100 * row[side] / top, 2) for side in ("real", "synthetic"))
        yield Bar(row["label"], round(place * width, 3), round(width, 3), plain, own, told)
