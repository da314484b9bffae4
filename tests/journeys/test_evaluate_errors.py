"""What a newcomer gets wrong in an evaluation is said in one sentence; a report shows no value of a single person."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import DataError, SchemaViolation, UnknownName

REAL = pl.DataFrame(
    {
        "age": [21, 34, 45, 58] * 50,
        "income": [13769 + 6271 * row for row in range(200)],
        "sex": ["f", "m"] * 100,
    }
)
LOWEST, HIGHEST = 13769, 13769 + 6271 * 199
ONE = ["fidelity/marginals"]


@pytest.mark.parametrize("ending", ["html", "json", "md"])
def test_reports_do_not_show_the_ends_of_a_guessed_range(ending: str, tmp_path: Path, capsys: Any) -> None:
    train, fake = tmp_path / "train.csv", tmp_path / "fake.csv"
    REAL.write_csv(train)
    REAL.with_columns(income=pl.when(pl.int_range(200) == 7).then(2_000_000).otherwise(50_000)).write_csv(
        fake
    )
    out = tmp_path / f"report.{ending}"
    # `fidelity/violations` carries a detail of rules of its own
    call = ["evaluate", str(train), str(fake), "--metric", "fidelity/violations", "-o", str(out), "-q"]
    assert run(call) == 0
    told = " ".join((capsys.readouterr().out + out.read_text()).split())
    assert "outside the range of the training rows" in told
    ends = "|".join([str(LOWEST), str(HIGHEST), f"{LOWEST:,}", f"{HIGHEST:,}"])
    assert re.search(rf"(?<![\w.])({ends})(?!\w)", told) is None


def test_declared_bounds_stay_in_the_report() -> None:
    schema = sim.read(REAL).schema.with_column("age", bounds=(0, 50), declared=True)
    young = REAL.filter(pl.col("age") < 50)
    lines = sim.evaluate(young, REAL, schema=schema, metrics=ONE).evaluation.summary["violations"]
    assert any("between 0 and 50" in line for line in lines)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ({"synthetic": REAL.head(0)}, "the synthetic data hold no rows. Give the rows to be judged."),
        ({"synthetic": REAL, "holdout": REAL.head(0)}, "the holdout data hold no rows."),
    ],
)
def test_no_rows_are_an_error(frames: dict[str, pl.DataFrame], words: str) -> None:
    with pytest.raises(DataError, match=words):
        sim.evaluate(REAL, **frames, metrics=ONE)


def test_a_file_without_rows_ends_with_two(tmp_path: Path, capsys: Any) -> None:
    REAL.write_csv(tmp_path / "train.csv")
    REAL.head(0).write_csv(tmp_path / "fake.csv")
    assert run(["evaluate", str(tmp_path / "train.csv"), str(tmp_path / "fake.csv"), "-q"]) == 2
    assert "no rows" in capsys.readouterr().err


def test_a_candidate_without_rows_could_not_be_judged() -> None:
    ranking = sim.compare(REAL, {"good": REAL, "empty": REAL.head(0)}, metrics=ONE)
    said = json.dumps(ranking.to_dict())
    assert ranking.names[0] == "good" and "the synthetic data hold no rows" in said


@pytest.mark.parametrize(
    ("synthetic", "words"),
    [
        (
            REAL.select("sex"),
            "the synthetic rows lack the columns 'age', 'income', which the training rows have. Add them, or leave "
            "them out of the training rows and the holdout as well.",
        ),
        (
            REAL.rename({"age": "Age"}),
            "the synthetic rows lack the column 'age', which the training rows have ('Age' may be 'age'). Add it, or "
            "leave it out of the training rows and the holdout as well.",
        ),
    ],
)
def test_lacking_columns_are_named(synthetic: pl.DataFrame, words: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        sim.evaluate(REAL, synthetic, metrics=ONE)
    assert str(caught.value) == words


@pytest.mark.parametrize("what", ["target", "groups", "sensitive", "quasi_identifiers"])
def test_a_column_that_is_not_there_has_a_near_one(what: str) -> None:
    for name in ("Sexx", "SEX"):
        with pytest.raises(UnknownName, match="did you mean 'sex'"):
            sim.evaluate(REAL, REAL, metrics=ONE, **{what: name})


def test_no_more_than_six_columns_are_listed() -> None:
    wide = pl.DataFrame({f"column_{letter}": [1, 2] * 20 for letter in "abcdefgh"})
    with pytest.raises(UnknownName) as caught:
        sim.evaluate(wide, wide, metrics=ONE, groups="zzz")
    assert str(caught.value).count("column_") == 6 and str(caught.value).endswith(", ....")
