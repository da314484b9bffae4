"""Two columns at once as a map of cells: the pairs that are farthest from real data, drawn without a script."""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

from simulacra.report import words
from simulacra.report.document import Report


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a map: its place, how dark it is (0 to 1), and what it says."""

    x: int
    y: int
    shade: float
    said: str
    role: str


@dataclass(frozen=True, slots=True)
class Map:
    """Two columns as a map of cells: real, synthetic, and the difference."""

    first: str
    second: str
    across: tuple[str, ...]
    down: tuple[str, ...]
    panels: tuple[tuple[str, tuple[Cell, ...]], ...]
    withheld: int


def maps(report: Report) -> list[Map]:
    """Draw the pairs of columns that are farthest from real data."""
    frame = report.evaluation.joints
    if frame.is_empty():
        return []
    keys = frame.select("column_a", "column_b").unique(maintain_order=True)
    return [
        _map(first, second, frame.filter((pl.col("column_a") == first) & (pl.col("column_b") == second)))
        for first, second in keys.iter_rows()
    ]


def _map(first: str, second: str, cells: pl.DataFrame) -> Map:
    down, across = (_labels(cells, side) for side in ("a", "b"))
    top = max(1e-12, *(_largest(cells[name]) for name in ("real", "synthetic")))
    gaps = cells["synthetic"] - cells["real"]
    # small differences stay pale: what looks dark differs by a good part of the fullest cell
    widest = max(top / 3, _largest(gaps.abs()))
    panels: dict[str, list[Cell]] = {"Real": [], "Synthetic": [], "Synthetic − real": []}
    for row, gap in zip(cells.iter_rows(named=True), gaps, strict=True):
        x, y = row["cell_b"], row["cell_a"]
        place = f"{across[x]} × {down[y]}"
        for title, value, role in (
            ("Real", row["real"], "real"),
            ("Synthetic", row["synthetic"], "synthetic"),
        ):
            panels[title].append(_cell(x, y, value, top, f"{place}: {words.share(value)}", role))
        role = "withheld" if gap is None else "synthetic" if gap > 0 else "real"
        said = "" if gap is None else f"{place}: {'+' if gap > 0 else ''}{100 * gap:.1f} points"
        panels["Synthetic − real"].append(_cell(x, y, None if gap is None else abs(gap), widest, said, role))
    shown = tuple((title, tuple(found)) for title, found in panels.items())
    return Map(first, second, across, down, shown, cells["real"].null_count())


def _largest(values: pl.Series) -> float:
    return max((float(value) for value in values if value is not None), default=0.0)


def _cell(x: int, y: int, value: float | None, top: float, said: str, role: str) -> Cell:
    if value is None:
        return Cell(x, y, 0.0, "fewer than 10 real rows, or withheld to hide such a cell", "withheld")
    # the square root lets small shares be seen beside large ones
    return Cell(x, y, round(math.sqrt(value / top), 3), said, role)


def _labels(cells: pl.DataFrame, side: str) -> tuple[str, ...]:
    known = cells.select(f"cell_{side}", f"label_{side}").unique().sort(f"cell_{side}")
    return tuple(words.shortened(str(label), 20) for label in known[f"label_{side}"])
