"""The model that is chosen: by what is measured on rows held out, and handed over as itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import DataError, OptionError, UnknownName
from simulacra.randomness import Streams


@pytest.fixture(scope="module")
def curved() -> pl.DataFrame:
    rng = Streams(1).stream("curved")
    x = rng.normal(size=1_500)
    return pl.DataFrame(
        {"x": x, "y": x**2 + rng.normal(0, 0.1, 1_500), "up": np.where(x**2 > 0.5, "yes", "no")}
    )


def test_the_chosen_model_takes_the_place_of_auto(curved: pl.DataFrame, tmp_path: Path) -> None:
    model = sim.fit(curved, "auto", candidates="copula,trees", seed=1)
    # a copula of monotone relations can not learn a parabola
    assert model.model == "trees" and model.provenance["model"] == "trees"
    assert "model 'auto' chose 'trees'; the report says by what." in model.notes
    assert len(model.sample(100, seed=1, where="x > 1")) == 100
    back = sim.load(model.save(tmp_path / "m.sim"))
    assert back.sample(50, seed=1).digest == model.sample(50, seed=1).digest
    (shown,) = back.exhibits
    lines = {line["model"]: line for line in shown.detail.to_dicts()}
    assert (
        lines["trees"]["said"] == "chosen" and lines["trees"]["C2ST AUC"] < lines["copula"]["C2ST AUC"] - 0.1
    )


def test_the_same_seed_gives_the_same_file(curved: pl.DataFrame, tmp_path: Path) -> None:
    files = [
        sim.fit(curved, "auto", candidates="copula,trees", seed=1).save(tmp_path / name).read_bytes()
        for name in ("a.sim", "b.sim")
    ]
    assert files[0] == files[1]


def test_use_is_measured_on_the_target(curved: pl.DataFrame) -> None:
    model = sim.fit(curved, "auto", candidates="independent,trees", goal="utility", target="up", seed=1)
    lines = {line["model"]: line for line in model.exhibits[0].detail.to_dicts()}
    assert model.model == "trees"
    # drawn apart, the columns tell nothing of the target: guessing, within some errors of 300 unseen rows
    assert lines["trees"]["utility"] > 0.95 and abs(lines["independent"]["utility"] - 0.5) < 0.2


def test_privacy_prefers_what_keeps_away_among_the_likest(curved: pl.DataFrame) -> None:
    model = sim.fit(curved, "auto", candidates="independent,copula,trees", goal="privacy", seed=1)
    assert model.model == "trees", "the others are far from the best"


def test_a_budget_that_is_spent_leaves_candidates_out(curved: pl.DataFrame) -> None:
    wide = pl.concat([curved] * 3)
    model = sim.fit(wide, "auto", candidates="copula,trees", budget=1e-6, seed=1)
    said = {line["model"]: line["said"] for line in model.exhibits[0].detail.to_dicts()}
    assert model.model == "copula" and said["trees"].startswith("left out")


def test_a_goal_needs_what_it_is_measured_by(curved: pl.DataFrame) -> None:
    with pytest.raises(OptionError, match="needs a target"):
        sim.fit(curved, "auto", goal="utility")
    with pytest.raises(DataError, match="no column to predict named 'upp'; did you mean 'up'"):
        sim.fit(curved, "auto", goal="utility", target="upp", candidates="copula")
    with pytest.raises(OptionError, match="goal"):
        sim.fit(curved, "auto", goal="beauty")
    with pytest.raises(OptionError, match="keeps training rows"):
        sim.fit(curved, "auto", candidates="bootstrap")
    with pytest.raises(UnknownName, match="no model named 'forest'"):
        sim.fit(curved, "auto", candidates="forest")


def test_few_rows_take_the_first_candidate() -> None:
    frame = pl.DataFrame({"a": [1, 2] * 10})
    assert sim.fit(frame, "auto", candidates="independent,copula", seed=1).model == "independent"


def test_it_is_fitted_on_the_command_line_and_told_in_the_report(
    curved: pl.DataFrame, tmp_path: Path
) -> None:
    curved.write_csv(tmp_path / "c.csv")
    model, page = str(tmp_path / "c.sim"), tmp_path / "r.html"
    data = str(tmp_path / "c.csv")
    assert (
        run(["fit", data, "-m", "auto", "--set", "candidates=copula,trees", "--seed", "1", "-o", model]) == 0
    )
    fake = str(tmp_path / "f.csv")
    assert run(["sample", model, "-n", "300", "--seed", "1", "-o", fake]) == 0
    assert (
        run(["evaluate", data, fake, "--model", model, "--metric", "fidelity/marginals", "-o", str(page)])
        == 0
    )
    assert "How the model was chosen" in page.read_text(encoding="utf-8")
