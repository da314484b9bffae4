"""Definitions of fairness side by side, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from simulacra.cli import run
from simulacra.randomness import Streams


def people(rows: int, seed: int) -> pl.DataFrame:
    luck = Streams(seed).stream("people").random((3, rows))
    sex = np.where(luck[0] < 0.4, "f", "m")
    years = (40 * luck[1]).astype(int)
    paid = luck[2] < 0.1 + 0.015 * years + np.where(sex == "m", 0.2, 0.0)
    return pl.DataFrame({"sex": sex, "years": years, "paid": np.where(paid, "more", "less")})


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    people(3_000, 1).write_csv(tmp_path / "train.csv")
    people(1_500, 2).write_csv(tmp_path / "test.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


ASK = [
    "fair",
    "train.csv",
    "--holdout",
    "test.csv",
    "--target",
    "paid",
    "--group",
    "sex",
    "--positive",
    "more",
    "-q",
]


def test_all_definitions_are_compared_and_written(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "train.csv", "-o", "model.sim", "--seed", "1", "-q"]) == 0
    capsys.readouterr()
    assert run([*ASK, "-m", "model.sim", "--given", "years", "-o", "fair.html", "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)["treatments"]}
    assert list(found) == [
        "real", "as learnt", "independence", "conditional-independence", "base-rates", "group-shares",
        "no-direct-path", "relabel",
    ]  # fmt: skip
    # with two levels it would be independence again, and the report says so
    assert "same rows as 'independence'" in found["base-rates"]["error"]
    gaps = {name: one["figures"]["parity_gap"]["value"] for name, one in found.items() if not one["error"]}
    # the gap is 0.2 by construction, known to 0.018 (one standard error of 3,000 rows)
    assert all(abs(gaps[name] - 0.2) < 0.09 for name in ("real", "as learnt", "group-shares"))
    assert gaps["independence"] < 0.002 and gaps["relabel"] < 0.002
    # years do not differ between groups, so they explain nothing, and all of the path is direct
    assert gaps["conditional-independence"] < 0.05 and gaps["no-direct-path"] < 0.08
    assert any("new value of 'paid'" in note for note in found["relabel"]["notes"])
    assert "Definitions of fairness side by side" in (files / "fair.html").read_text()


def test_a_wrong_call_exits_with_2_and_says_why(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ASK, "--definition", "parity"]) == 2
    assert "no definition of fairness named 'parity'" in capsys.readouterr().err
    assert run([*ASK, "-o", "fair.txt"]) == 2
    assert not (files / "fair.txt").exists()


def test_stated_rates_and_shares_are_compared_and_names_are_whole_at_80_columns(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stated = ["--rate", "0.4", "--share", "f=0.25", "--share", "m=0.75", "-m", "independent", "-n", "1000"]
    assert run([*ASK, *stated, "-o", "fair.json"]) == 0
    shown = capsys.readouterr().out
    found = {one["name"]: one for one in json.loads((files / "fair.json").read_text())["treatments"]}
    # less than a row of each group is rounded
    assert found["base-rates"]["figures"]["parity_gap"]["value"] < 0.01
    assert all(abs(group["rate"]["value"] - 0.4) < 0.01 for group in found["base-rates"]["groups"])
    assert {group["name"]: group["rows"] for group in found["group-shares"]["groups"]} == {"f": 250, "m": 750}
    assert "stated: f 25.0 %" in found["group-shares"]["words"]
    # what nobody named and can not be compared is told, with the reason
    assert "it needs a column" in found["conditional-independence"]["error"]
    assert "conditional-independence was left out: it needs" in shown
    assert "predictive gap" in shown and "…" not in shown
    for name in ("independence", "base-rates", "group-shares"):
        assert sum(line.startswith(f"{name} ") for line in shown.splitlines()) == 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--share", "f"], "--share takes GROUP=SHARE"),
        (["--share", "f=.5", "--share", "f=.5"], "twice"),
        (["--share", "f=half"], "'half' is no number"),
        (["--rate", "30"], "For 30 % write 0.3"),
        (["--rate", "0.3", "--definition", "independence"], "'base-rates' and 'relabel'"),
        (["--group", "sex,years"], "Name each by itself"),
    ],
)
def test_a_wrong_rate_share_or_group_is_told(
    files: Path, capsys: pytest.CaptureFixture[str], wrong: list[str], words: str
) -> None:
    assert run([*ASK, *wrong, "-m", "independent"]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
