"""What the page shows as tables: details of scores, counts, provenance, and the strips beside figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from simulacra.metric import Score
from simulacra.report import words
from simulacra.report.document import Report

MAX_DETAIL_ROWS = 40
MAX_COLUMN_ROWS = 2_000
MAX_VIOLATIONS = 200

_HEADS = {
    "column_a": "column", "column_b": "with", "distance": "distance", "baseline": "real data get",
    "low": "from", "high": "to", "missing_real": "missing, real", "missing_synthetic": "missing, synthetic",
}  # fmt: skip
_SHARES = {
    "missing_real", "missing_synthetic", "missing", "share", "share_real", "orphans_real", "orphans_synthetic",
    "none_real", "none_synthetic",
}  # fmt: skip
_LABELS = {
    "sha256": "SHA-256", "seed": "seed", "holders": "smallest group kept (k)", "formal": "formal guarantee",
    "stores_rows": "keeps training rows",
}  # fmt: skip
_ROWS = {"train": "real rows learnt from", "synthetic": "synthetic rows", "holdout": "real rows held out"}


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text, ready to be set, and how many rows there are in all."""

    heads: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int

    @property
    def left_out(self) -> int:
        """Rows that are not shown."""
        return self.total - len(self.rows)


def grid(frame: pl.DataFrame, limit: int = MAX_DETAIL_ROWS) -> Grid:
    """Set a frame as a table of text."""
    names = frame.columns
    numeric = tuple(frame[name].dtype.is_numeric() for name in names)
    heads = tuple(head(name) for name in names)
    rows = tuple(
        tuple(grid_cell(name, value) for name, value in zip(names, row)) for row in frame.head(limit).iter_rows()
    )  # fmt: skip
    return Grid(heads, numeric, rows, len(frame))


def head(name: str) -> str:
    """Return what heads a column of a detail."""
    return _HEADS.get(name, name.replace("_", " "))


def detail(score: Score) -> Grid:
    """Set the detail of a score: the rows farthest from the real data first, where rows have a distance."""
    frame = score.detail
    if frame is None:
        return Grid((), (), (), 0)
    frame = worst_first(frame)
    frame = frame.select(name for name in frame.columns if frame[name].count())
    return grid(frame, MAX_COLUMN_ROWS if score.name == "fidelity/marginals" else MAX_DETAIL_ROWS)


def worst_first(frame: pl.DataFrame) -> pl.DataFrame:
    """Sort a detail by its distance from real data, where its rows have one."""
    for measure in ("distance", "importance"):
        if measure in frame.columns and frame[measure].dtype.is_numeric():
            return frame.sort(measure, descending=True, nulls_last=True, maintain_order=True)
    return frame


def grid_cell(name: str, value: Any) -> str:
    """Write one value of a detail."""
    if value is None:
        return words.MARGIN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return words.count(value)
    if isinstance(value, float):
        return words.share(value) if name in _SHARES else words.figure(value)
    return str(value)


def by_column(report: Report) -> dict[str, dict[str, Any]]:
    """Return what `fidelity/marginals` says of each column."""
    if "fidelity/marginals" not in report:
        return {}
    frame = report["fidelity/marginals"].detail
    if frame is None or "column" not in frame.columns:
        return {}
    return {row["column"]: row for row in frame.iter_rows(named=True)}


def tiles(report: Report) -> list[tuple[str, str]]:
    """Return the counts that head the page."""
    summary = report.evaluation.summary
    rows, entities = summary.get("rows"), summary.get("entities")
    found = []
    if isinstance(rows, Mapping):
        found = [
            (words.count(n), _ROWS.get(str(which), f"{which} rows") + _of_entities(entities, str(which)))
            for which, n in rows.items()
            if isinstance(n, (int, float)) and not isinstance(n, bool)
        ]
    columns = summary.get("columns")
    if isinstance(columns, (list, tuple, dict)):
        columns = len(columns)
    if isinstance(columns, int):
        found.append((words.count(columns), "columns"))
    return found


def _of_entities(counted: Any, which: str) -> str:
    """Say of how many entities the rows of a log are."""
    number = counted.get(which) if isinstance(counted, Mapping) else None
    return f", of {words.count(number)} entities" if isinstance(number, int) else ""


def shape(report: Report) -> list[tuple[str, str]]:
    """Return the rest of the summary, flat: what neither the tiles nor the list of violations show."""
    shown = {"rows", "entities", "columns", "violations", "tables"}
    shown |= {"missing"} if missing(report) is not None else set()
    rest = {
        key: value
        for key, value in report.evaluation.summary.items()
        if key not in shown and value is not None
    }
    shares = rest.pop("duplicates", None)
    if isinstance(shares, Mapping):
        found = [
            (f"repeated rows, {_label(str(which))}", _as_share(share)) for which, share in shares.items()
        ]
        return found + list(_flatten(rest))
    return list(_flatten({**rest, **({} if shares is None else {"duplicates": shares})}))


def missing(report: Report) -> Grid | None:
    """Return the shares of missing values, for the columns that have any; None when nobody counted."""
    by_column = report.evaluation.summary.get("missing")
    if not isinstance(by_column, Mapping) or not all(
        isinstance(item, Mapping) for item in by_column.values()
    ):
        return None
    frames = list(dict.fromkeys(str(which) for item in by_column.values() for which in item))
    rows = tuple(
        (str(name), *(_as_share(item.get(which)) for which in frames))
        for name, item in by_column.items()
        if any(share for share in item.values())
    )
    return Grid(("column", *frames), (False, *(True for _ in frames)), rows, len(rows))


def _as_share(value: Any) -> str:
    return words.share(value) if value is None or isinstance(value, (int, float)) else _shown(value)


def violations(report: Report) -> list[str] | None:
    """Return the sentences on rows that break the schema; None when that was not checked."""
    said = report.evaluation.summary.get("violations")
    if said is None:
        return None
    return [str(item) for item in said][:MAX_VIOLATIONS] if isinstance(said, (list, tuple)) else [str(said)]


def provenance(report: Report) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the provenance as groups of labelled values."""
    single: list[tuple[str, str]] = []
    groups: list[tuple[str, list[tuple[str, str]]]] = []
    for key, value in report.provenance.items():
        if key == "policy":  # it has a section of its own
            continue
        if isinstance(value, Mapping):
            if value:
                # the times of metrics have a table of their own
                rest = {
                    name: item for name, item in value.items() if (key, name) != ("evaluation", "seconds")
                }
                groups.append((_label(str(key)), list(_flatten(rest))))
        else:
            single.append((_label(str(key)), _shown(value)))
    return ([("Run", single)] if single else []) + groups


def _flatten(value: Mapping[Any, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        name = f"{before}{_label(str(key))}"
        if isinstance(item, Mapping) and item:
            yield from _flatten(item, f"{name}, ")
        else:
            yield name, _shown(item)


def _label(key: str) -> str:
    return _LABELS.get(key, key.replace("_", " "))


def _shown(value: Any) -> str:
    if value is None or value in ({}, [], ()):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return words.figure(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_shown(item) for item in value)
    return str(value)


@dataclass(frozen=True, slots=True)
class Strip:
    """Places of a figure on a line from 0 to 100, and what the ends stand for."""

    value: float
    low: float
    high: float
    real: float | None
    start: str
    end: str


def strip(score: Score) -> Strip | None:
    """Place a score on a line; None when there is no figure to place."""
    if not words.is_computed(score) or math.isinf(score.value):
        return None
    ends = (score.value, score.value) if score.interval is None else score.interval
    low, high = (end if math.isfinite(end) else score.value for end in ends)
    real = score.baseline if score.baseline is not None and math.isfinite(score.baseline) else None
    seen = [score.value, low, high, *([] if real is None else [real])]
    bottom, top = round_ends(min(seen), max(seen))

    def place(value: float) -> float:
        return round(100 * (value - bottom) / (top - bottom), 2)

    at_real = None if real is None else place(real)
    return Strip(place(score.value), place(low), place(high), at_real, f"{bottom:g}", f"{top:g}")


def round_ends(low: float, high: float) -> tuple[float, float]:
    """Return round ends of a line that holds two figures."""
    if low >= 0.5 and high <= 1:
        return 0.5, 1.0
    top = _round_up(max(high, 0.0))
    bottom = -_round_up(-low) if low < 0 else 0.0
    return (bottom, top) if top > bottom else (bottom, bottom + 1)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, ... times a power of ten."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))
