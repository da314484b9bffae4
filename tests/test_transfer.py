"""Fitting to few rows, with a model of related ones to start from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import DataError, OptionError
from simulacra.randomness import Streams


def rows(n: int, seed: int, *, shift: float = 0.0, tied: bool = True) -> pl.DataFrame:
    rng = Streams(seed).stream("rows")
    x = rng.normal(shift, 1.0, n).round(2)
    y = (0.9 * x if tied else 0) + rng.normal(0, 0.3, n)
    kind = np.where((x if tied else rng.normal(shift, 1, n)) > shift, "high", "low")
    return pl.DataFrame({"x": x, "y": y.round(2), "kind": kind, "n": rng.poisson(4, n)})


@pytest.fixture(scope="module")
def big() -> sim.Synthesizer:
    return sim.fit(rows(6_000, 1), seed=1)


def test_a_related_model_helps_and_says_by_how_much(big: sim.Synthesizer) -> None:
    few, unseen = rows(120, 2, shift=0.4), rows(4_000, 3, shift=0.4)
    helped, alone = sim.fit(few, start=big, seed=5), sim.fit(few, seed=5)
    assert "weigh" in helped.notes[-1] and helped.provenance["start"]["weight"] > 0

    def correlation(frame: pl.DataFrame) -> float:
        return frame.select(pl.corr("x", "y")).item()

    real = correlation(unseen)
    errors = [abs(correlation(m.sample(4_000, seed=6).frame) - real) for m in (helped, alone)]
    assert errors[0] < errors[1], "what was learnt elsewhere holds here"
    # the margin is one's own: 120 rows tell the mean with an error of .09, and the start is .4 away
    assert abs(helped.sample(4_000, seed=6).frame["x"].mean() - unseen["x"].mean()) < 0.3


def test_types_and_schema_are_those_of_the_rows(big: sim.Synthesizer) -> None:
    fake = sim.fit(rows(100, 2), start=big, seed=5).sample(50, seed=1).frame
    assert fake.schema == rows(1, 2).schema


def test_the_same_seed_gives_the_same_model(big: sim.Synthesizer) -> None:
    few = rows(100, 2)
    one, two = (sim.fit(few, start=big, seed=5).sample(20, seed=1) for _ in range(2))
    assert one.digest == two.digest


def test_other_columns_are_refused(big: sim.Synthesizer) -> None:
    with pytest.raises(DataError, match=r"'z'.*'n'|'n'.*'z'"):
        sim.fit(rows(100, 2).rename({"n": "z"}), start=big, schema=sim.infer(rows(100, 2).rename({"n": "z"})))


def test_what_can_not_go_together_is_refused(big: sim.Synthesizer) -> None:
    with pytest.raises(OptionError, match="weight="):
        sim.fit(rows(100, 2), start=big, weight="n")
    with pytest.raises(OptionError, match="fitted model of one table"):
        sim.fit(rows(100, 2), start=5)  # type: ignore[arg-type]


def test_the_report_shows_how_the_weight_was_chosen(big: sim.Synthesizer, tmp_path: Path) -> None:
    few = rows(100, 2)
    model = sim.fit(few, start=big, seed=5)
    report = sim.evaluate(few, model.sample(100, seed=1), model=model, metrics=["fidelity/marginals"])
    assert "Related rows" in [exhibit.name for exhibit in report.exhibits]


def test_a_model_file_is_a_start_on_the_command_line(big: sim.Synthesizer, tmp_path: Path) -> None:
    big.save(tmp_path / "big.sim")
    rows(100, 2).write_csv(tmp_path / "few.csv")
    made = tmp_path / "few.sim"
    told = ["--start", str(tmp_path / "big.sim"), "-o", str(made), "--seed", "1"]
    assert run(["fit", str(tmp_path / "few.csv"), *told]) == 0
    assert "start" in sim.load(made).provenance


def test_a_model_without_densities_is_judged_by_trees(big: sim.Synthesizer) -> None:
    model = sim.fit(rows(100, 2), "copula", start=big, seed=5)
    assert model.model == "copula" and "as model 'trees' told" in model.notes[-1]
