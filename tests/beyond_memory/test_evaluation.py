"""Evaluation of rows in parts: all of them are counted, metrics look at samples, and the report says which."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

import simulacra as sim
from simulacra.cli import group
from simulacra.errors import OptionError, SchemaViolation

from .test_survey import parted, people

METRICS = ["fidelity/marginals", "fidelity/pairs"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("wide")
    people(6_000, 1).write_parquet(root / "real.parquet")
    people(2_000, 2).write_parquet(root / "held.parquet")
    fake = people(20_000, 3)
    fake = pl.concat([fake[:19_000], fake[:900], people(6_000, 1)[:100]])
    odd = pl.int_range(pl.len()) < 40
    fake = fake.with_columns(
        pl.when(odd).then(pl.lit("ZZ")).otherwise("state").alias("state"),
        pl.when(pl.int_range(pl.len()) < 7).then(pl.lit(200)).otherwise("age").alias("age"),
    )
    parted(fake, root / "fake", [5_000, 1, 14_999])
    return root


def test_all_rows_are_counted_and_samples_are_named(folder: Path) -> None:
    report = sim.evaluate(
        folder / "real.parquet", folder / "fake", holdout=folder / "held.parquet", rows=3_000, metrics=METRICS
    )
    summary = report.evaluation.summary
    assert summary["rows"] == {"train": 6_000, "synthetic": 20_000, "holdout": 2_000}
    looked = {"train": 3_000, "synthetic": 3_000, "holdout": 2_000}
    assert summary["rows that metrics looked at"] == looked
    real, fake = pl.read_parquet(folder / "real.parquet"), pl.read_parquet(folder / "fake" / "*.parquet")
    assert summary["missing"]["age"]["synthetic"] == fake["age"].null_count() / 20_000
    # two of the rows that came twice were changed at their first place only
    assert summary["duplicates"]["synthetic"] == (20_000 - fake.n_unique()) / 20_000
    assert (
        summary["rows that equal a training row"]["synthetic"]
        == fake.join(real, on=fake.columns, how="semi", nulls_equal=True).height
    )
    assert summary["violations"] == [
        "column 'state': 40 of 20,000 rows hold a level that the training rows do not have.",
        "column 'age': 7 of 20,000 rows lie outside the range of the training rows.",
    ] or summary["violations"][0].startswith("column 'state': 40 of 20,000")
    cells = report.evaluation.profiles.filter(pl.col("column") == "state")
    shares = dict(cells.select("label", "synthetic").rows())
    assert shares["OH"] == (fake["state"] == "OH").sum() / 20_000
    assert shares["outside"] == 40 / 20_000
    assert any("3,000 of 20,000 synthetic rows" in note for note in report.notes)
    assert report.provenance["synthetic"]["rows"] == 20_000
    assert report.provenance["synthetic"]["sampled rows"] == 3_000
    assert json.loads(json.dumps(report.to_dict()))["summary"]["rows"]["synthetic"] == 20_000


def test_a_sample_gives_the_figures_of_the_whole(folder: Path) -> None:
    few = sim.evaluate(folder / "real.parquet", folder / "fake", rows=3_000, metrics=METRICS)
    all_rows = pl.read_parquet(folder / "fake" / "*.parquet")
    whole = sim.evaluate(folder / "real.parquet", all_rows, metrics=METRICS)
    # mean distances of samples of 3,000 rows: their own noise is below 1.5 sqrt(1/3000) = .027
    assert few["fidelity/marginals"].value == pytest.approx(whole["fidelity/marginals"].value, abs=0.027)


def test_the_same_seed_gives_the_same_figures_however_parts_are_cut(folder: Path, tmp_path: Path) -> None:
    fake = pl.read_parquet(folder / "fake" / "*.parquet")
    other = parted(fake, tmp_path / "fake", [100, 19_900])
    one, two = (
        sim.evaluate(folder / "real.parquet", path, rows=2_000, metrics=METRICS, seed=4)
        for path in (folder / "fake", other)
    )
    assert [score.value for score in one] == [score.value for score in two]


def test_parts_that_fit_are_looked_at_whole(folder: Path) -> None:
    report = sim.evaluate(folder / "real.parquet", folder / "fake", metrics=METRICS)
    whole = sim.evaluate(
        pl.read_parquet(folder / "real.parquet"),
        pl.read_parquet(folder / "fake" / "*.parquet"),
        metrics=METRICS,
    )
    assert report.evaluation.summary["rows that metrics looked at"]["synthetic"] == 20_000
    assert [score.value for score in report] == pytest.approx([score.value for score in whole])


def test_files_that_are_small_are_read_as_before(folder: Path) -> None:
    report = sim.evaluate(folder / "real.parquet", folder / "held.parquet", metrics=METRICS)
    assert "rows that metrics looked at" not in report.evaluation.summary


def test_the_command_takes_parts(folder: Path) -> None:
    out = folder / "report.html"
    given = [
        "evaluate",
        str(folder / "real.parquet"),
        str(folder / "fake"),
        "--rows",
        "1500",
        "-q",
        "-o",
        str(out),
    ]
    done = CliRunner().invoke(group, [*given, "--metric", "fidelity/marginals"])
    assert done.exit_code == 0, done.output
    assert "20,000" in out.read_text(encoding="utf-8")


def test_what_is_wrong_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="rows"):
        sim.evaluate(folder / "real.parquet", folder / "fake", rows=0)
    lacking = parted(people(100, 5).drop("pay"), tmp_path / "fake", [100])
    with pytest.raises(SchemaViolation, match="pay"):
        sim.evaluate(folder / "real.parquet", lacking)
