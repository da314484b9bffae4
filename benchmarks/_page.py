"""The page of results: a section for every table, best models first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from benchmarks._records import Record
from simulacra.storage import atomic_path

SHOWN = {
    "fidelity/detection": "C2ST AUC",
    "fidelity/marginals": "columns",
    "fidelity/pairs": "pairs",
    "utility/transfer": "TSTR",
    "privacy/copies": "copies",
    "privacy/distances": "DCR excess",
    "privacy/membership": "TPR at 1 % FPR",
    "privacy/membership/isolated": "the same, isolated 1 %",
}
LEGEND = (
    "C2ST AUC: boosted trees told to separate synthetic rows from the holdout, .5 is perfect. Columns, pairs: "
    "mean distance to the holdout. TSTR: trained on synthetic, tested on the holdout (AUC or R2). Copies: excess "
    "share of exact or near copies. DCR excess: 0 is ideal, 1 is a copy. TPR at 1 % FPR: a nearest-record "
    "membership attack, .01 is guessing. ± is half of a 95 % interval: that of one table, which holds what chance put "
    "into the holdout, or that over seeds (Student's t) where it is wider. CPU seconds and peak memory are of the "
    "whole process (read, fit, sample, write), as the operating system accounts them."
)


def write(records: Sequence[Record], path: Path) -> str:
    """Write the page; return its text."""
    parts = [
        "# Results",
        "Written by `python dev.py bench`; [the guide](../docs/how-to/run-the-benchmarks.md) says how.",
    ]
    starts = [r for r in records if r["kind"] == "start"]
    if starts:
        parts.append(_start(starts))
    quality = sorted((r for r in records if r["kind"] == "quality"), key=lambda r: r["table"])
    for table, group in groupby(quality, key=lambda r: str(r["table"])):
        parts.append(_quality(table, list(group)))
    if quality:
        parts.append(LEGEND)
    speed = [r for r in records if r["kind"] == "speed"]
    if speed:
        parts.append(_speed(speed))
    text = "\n\n".join(parts) + "\n"
    with atomic_path(path) as part:
        Path(part).write_text(text, encoding="utf-8")
    return text


def spread(records: Sequence[Record], name: str) -> tuple[float, float] | None:
    """Return the mean of a score over runs and half of its 95 % interval; None where no run has it.

    All runs are held against one holdout, whose chances no number of seeds averages out. So the margin is
    never less than that of one table.
    """
    found = [r["scores"][name] for r in records if r["scores"].get(name, {}).get("value") is not None]
    if not found:
        return None
    values = [score["value"] for score in found]
    mean = math.fsum(values) / len(values)
    ends = [score["interval"] or (mean, mean) for score in found]
    margin = math.fsum(high - low for low, high in ends) / (2 * len(ends))
    if len(values) > 1:
        deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))
        margin = max(margin, float(student.ppf(0.975, len(values) - 1)) * deviation / math.sqrt(len(values)))
    return mean, margin


def by_model(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    """Group runs by model, the best at detection first and those without figures last."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["model"], []).append(record)
    return sorted(groups.items(), key=lambda item: (_rank(item[1]), item[0]))


def _rank(runs: Sequence[Record]) -> float:
    found = spread(runs, "fidelity/detection")
    return math.inf if found is None else found[0]


def _quality(table: str, records: list[Record]) -> str:
    first = records[0]
    lines = [f"## {table}: {first['rows']:,} rows x {first['columns']} columns", ""]
    lines += _commands(records)
    lines += _head(["model", "seeds", *SHOWN.values(), "fit CPU-s", "all CPU-s", "wall s", "peak MB"])
    real: dict[str, float] = {}
    for record in records:
        real |= {n: s["baseline"] for n, s in record["scores"].items() if s.get("baseline") is not None}
    if real:
        lines.append(
            _row(["*unseen real rows*", "", *(_number(real.get(name)) for name in SHOWN), "", "", "", ""])
        )
    for model, runs in by_model(records):
        good = [run for run in runs if run["problem"] is None]
        if not good:
            lines.append(
                _row([model, str(len(runs)), f"no result: {runs[0]['problem']}", *[""] * (len(SHOWN) + 3)])
            )
            continue
        # a run without a result is said, lest a mean of the others look like one of all
        seeds = f"{len(good)}" if len(good) == len(runs) else f"{len(good)} of {len(runs)}"
        figures = [_with_margin(spread(good, name)) for name in SHOWN]
        fit = _mean([run["steps"].get("fit") for run in good])
        costs = [_mean([run[name] for run in good]) for name in ("cpu", "wall", "peak")]
        lines.append(_row([model, seeds, *figures, f"{fit:.1f}", *(f"{c:,.0f}" for c in costs)]))
    versions = sorted({r["version"] for r in records if r.get("version")})
    return "\n".join([*lines, "", f"On {first['machine']}; {', '.join(versions)}."])


def _speed(records: list[Record]) -> str:
    lines = ["## Speed: made data of mixed columns", "", *_commands(records)]
    names = {
        "fit_cpu": "fit CPU-s", "fit_wall": "fit wall s", "fit_peak": "fit peak MB", "model_mb": "model file MB",
        "frame_rate": "rows/s to a frame", "file_rate": "rows/s to a file", "file_peak": "to a file, peak MB",
    }  # fmt: skip
    lines += _head(["model", "rows", "columns", *names.values()])
    for r in sorted(records, key=lambda r: (r["model"], r["columns"], r["rows"])):
        cells = [r["model"], f"{r['rows']:,}", str(r["columns"])]
        if r["problem"] is not None:
            cells += [f"no result: {r['problem']}"]
        lines.append(
            _row([*cells, *(f"{r[name]:,.1f}" if name in r else "" for name in names)][: 3 + len(names)])
        )
    return "\n".join([*lines, "", f"On {records[0]['machine']}. Every figure is of a whole process."])


def _start(records: list[Record]) -> str:
    lines = ["## Start", "", *_head(["what", "figure"])]
    return "\n".join([*lines, *(_row([r["model"], r["figure"]]) for r in records)])


def _commands(records: list[Record]) -> list[str]:
    commands = sorted({r["command"] for r in records})
    return ["```sh", *commands, "```", ""]


def _head(names: list[str]) -> list[str]:
    return [_row(names), "|" + "---|" * len(names)]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _mean(values: list[Any]) -> float:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else math.nan


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _with_margin(found: tuple[float, float] | None) -> str:
    return "–" if found is None else f"{found[0]:.3f} ± {found[1]:.3f}"
