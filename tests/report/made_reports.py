"""Reports to test with, made by hand: no metric runs here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from simulacra.evaluation import Evaluation
from simulacra.metric import Score
from simulacra.report.document import Report

HOSTILE = "</script><img src=x onerror=alert(1)>"


def profile_of(name: str, kind: str, labels: list[str], seed: int = 0) -> list[dict[str, object]]:
    draws = np.random.default_rng(seed).dirichlet(np.ones(len(labels)), size=3)
    return [
        {
            "column": name,
            "kind": kind,
            "cell": cell,
            "label": label,
            "low": float(cell) if kind == "number" else None,
            "high": float(cell + 1) if kind == "number" else None,
            "real": draws[0, cell],
            "synthetic": draws[1, cell],
            "holdout": draws[2, cell],
            "real_count": 25,
        }
        for cell, label in enumerate(labels)
    ]


def report_of(names: list[str], *, seed: int = 0) -> Report:
    """A report on columns of these names, numbers and categories by turns, with every usual score."""
    rng = np.random.default_rng(seed)
    cells, marginals = [], []
    for i, name in enumerate(names):
        kind = "number" if i % 2 else "category"
        labels = (
            [f"{j} to {j + 1}" for j in range(8)]
            if kind == "number"
            else ["red", "green", "<b>blue</b>", "other"]
        )
        cells += profile_of(name, kind, labels, seed=i)
        marginals.append({
            "column": name, "kind": kind, "distance": float(rng.uniform(0, 0.1)), "baseline": 0.01,
            "low": 0.0,
            "high": 0.1, "missing_real": 0.0, "missing_synthetic": 0.02,
        })  # fmt: skip
    pairs = [
        {"column_a": a, "column_b": b, "real": 0.4, "synthetic": 0.3, "distance": 0.1, "baseline": 0.02}
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    ][:2000]
    scores = (
        Score(
            "fidelity/marginals", 0.05, (0.04, 0.06), 0.01, "pass", "Columns are alike.",
            detail=pl.DataFrame(marginals),
        ),
        Score(
            "fidelity/pairs", 0.1, (0.09, 0.11), 0.02, "look", "Pairs are alike.", detail=pl.DataFrame(pairs)
        ),
        Score(
            "fidelity/detection", 0.61, (0.6, 0.62), 0.5, "look", "It is right 61 % of the time.",
            detail=pl.DataFrame({"column": names, "importance": [0.01 * i for i in range(len(names))]}),
        ),
        Score("utility/transfer", 0.91, (0.9, 0.92), 0.926, "pass", "Nearly as useful.", "higher"),
        Score(
            "privacy/copies", 0.034, (0.030, 0.038), 0.0, "fail", "Rows are repeated.", "lower",
            pl.DataFrame({"match": ["exact"], "synthetic": [0.03], "holdout": [0.0]}),
            pl.DataFrame({"synthetic_row": [4], "train_row": [918273645]}),
        ),
    )  # fmt: skip
    summary = {
        "rows": {"train": 26048, "synthetic": 26048, "holdout": None},
        "columns": len(names),
        "missing": {name: {"train": 0.0, "synthetic": 0.02} for name in names},
        "duplicates": {"train": 0.001, "synthetic": 0.0},
        "violations": [],
    }
    profiles = pl.DataFrame(cells, infer_schema_length=None)
    return Report(
        "A table",
        Evaluation(scores, profiles, summary, {"fidelity/pairs": 2.5}, ("capped",)),
        {"seed": 7, "model": {"name": "trees", "options": {"depth": None}}, "privacy": {"formal": False}},
        ("rare levels were merged",),
    )  # fmt: skip


def rich_report() -> Report:
    """A report in which every kind of picture occurs, and every verdict."""
    made = report_of(["age", "sex", "pay"])
    groups = pl.DataFrame({
        "group": ["f", "m"], "rows": [400, 600], "real": [0.4, 0.6], "real_low": [0.37, 0.57],
        "real_high": [0.43, 0.63], "synthetic": [0.3, 0.7], "synthetic_low": [0.27, 0.67],
        "synthetic_high": [0.33, 0.73],
    })  # fmt: skip
    rules = pl.DataFrame({
        "rule": ["age <= 21 and education is Doctorate", "pay = 999"], "synthetic": [0.023, 0.004],
        "real": [0.0002, 0.0],
    })  # fmt: skip
    curve = pl.DataFrame({"alpha": [0.0, 0.5, 1.0], "synthetic": [0.0, 0.45, 1.0], "real": [0.0, 0.5, 1.0]})
    attacks = [
        Score(f"privacy/{name}/auc", 0.5 + i / 10, (0.45 + i / 10, 0.55 + i / 10), 0.5, verdict,
              f"An attack on members, by {name}.", title=f"Members ranked by {name} (AUC)")
        for i, (name, verdict) in enumerate([("membership", "pass"), ("density", "look"), ("classifier", "fail")])
    ]  # fmt: skip
    extra = [
        Score("fidelity/detection/rules", 0.03, None, 0.0, "info", "Two rules.", detail=rules),
        Score("diversity/recall", 0.45, (0.4, 0.5), 0.5, "pass", "Varied.", "higher", curve),
        Score("fairness/groups", 0.1, (0.05, 0.15), 0.02, "look", "Groups differ.", detail=groups),
        Score("privacy/k-map", float("nan"), verdict="not computed", words="no quasi-identifier is named."),
    ]
    cells = pl.DataFrame({
        "column_a": "sex", "column_b": "pay", "cell_a": [0, 0, 1, 1], "cell_b": [0, 1, 0, 1],
        "label_a": ["f", "f", "m", "m"], "label_b": ["0 to 9", "10 to 19"] * 2, "real": [0.25, 0.5, None, 0.2],
        "synthetic": [0.5, 0.25, 0.05, 0.2],
    })  # fmt: skip
    scores = (*made.scores, *attacks, *extra)
    return replace(made, evaluation=replace(made.evaluation, scores=scores, joints=cells))


def with_verdicts(name: str, value: float, verdicts: dict[str, str]) -> Report:
    """A report with the headline figure and further scores of given verdicts."""
    scores = [
        Score(
            "fidelity/detection", value, (value, value), 0.5, "info", "A headline.", title="Told apart (AUC)"
        )
    ]
    scores += [Score(one, 0.2, None, 0.1, verdict) for one, verdict in verdicts.items()]
    return Report(name, Evaluation(tuple(scores), pl.DataFrame(), {}, {}, ()), {})
