"""The blind test for an expert: page and key, answers counted, and the answers in a report."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import DataError, FileError, OptionError
from simulacra.metrics._marks import Tally
from simulacra.report.marks import read_marks
from simulacra.report.review import key_path
from simulacra.schema.types import Column, Schema, Table

HOSTILE = "</script><img src=x onerror=alert(1)>&<b>"


def visits(rows: int, mark: str, seed: int) -> pl.DataFrame:
    """Rows in which one level tells where they come from."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": np.arange(rows) + 10_000 * seed,
            "ward": [f"{mark}{HOSTILE}" if k % 2 else f"{mark} ward" for k in range(rows)],
            "cost": rng.random(rows).round(2),
            "day": [date(2024, 3, 1 + k % 28) for k in range(rows)],
            "seen": [datetime(2024, 3, 1, k % 24, 30) for k in range(rows)],
            "urgent": pl.Series([k % 3 == 0 for k in range(rows)]).set(
                pl.Series([k == 4 for k in range(rows)]), None
            ),
            "note": [
                f"a note of {mark} that is long enough to be no level, number {k} of {rows}"
                for k in range(rows)
            ],
        }
    )


TABLE = Table(
    "visits",
    (
        Column("id", "key", integer=True),
        Column("ward", "category"),
        Column("cost", "number", unit="pounds"),
        Column("day", "date"),
        Column("seen", "datetime"),
        Column("urgent", "boolean", nullable=True),
        Column("note", "text"),
    ),
)


@pytest.fixture(scope="module")
def made() -> object:
    return sim.review(visits(60, "true", 1), visits(60, "fake", 2), n=20, seed=3, schema=Schema((TABLE,)))


def answers(review: object, marks: list[str | None], **more: object) -> dict[str, object]:
    """What the page would save."""
    return {
        "format": "simulacra-review-answers",
        "version": 1,
        "review": review.name,
        "answers": [{"record": i + 1, "marked": mark, **more} for i, mark in enumerate(marks)],
    }


def test_half_are_real_in_random_order_and_the_key_is_right(made) -> None:
    ward = made.columns.index("ward")
    assert [record[ward].startswith("true") for record in made.records] == list(made.real)
    assert sum(made.real) == 10
    assert list(made.real) != sorted(made.real) and list(made.real) != sorted(made.real, reverse=True)
    assert "id" not in made.columns and "note" not in made.columns
    assert "cost (pounds)" in made.columns
    again = sim.review(visits(60, "true", 1), visits(60, "fake", 2), n=20, seed=3, schema=Schema((TABLE,)))
    other = sim.review(visits(60, "true", 1), visits(60, "fake", 2), n=20, seed=4, schema=Schema((TABLE,)))
    assert again == made and other.records != made.records


def test_values_are_written_for_people(made) -> None:
    by_name = dict(zip(made.columns, zip(*made.records)))
    assert all(re.fullmatch(r"2024-03-\d\d", value) for value in by_name["day"])
    assert all(re.fullmatch(r"2024-03-01 \d\d:30:00", value) for value in by_name["seen"])
    assert set(by_name["urgent"]) <= {"yes", "no", ""}
    assert all(re.fullmatch(r"0(\.\d\d?)?|1", value) for value in by_name["cost (pounds)"])


def test_text_is_shown_on_demand() -> None:
    shown = sim.review(
        visits(30, "a", 1), visits(30, "b", 2), n=10, seed=3, schema=Schema((TABLE,)), text=True
    )
    assert "note" in shown.columns and "id" not in shown.columns


def test_the_page_holds_no_key_and_data_can_not_break_out(made, tmp_path: Path) -> None:
    page, key = made.save(tmp_path / "review.html")
    text = page.read_text(encoding="utf-8")
    assert key == tmp_path / "review.key.json"
    assert json.loads(key.read_text())["real"] == list(made.real)
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
    assert set(data) == {"review", "title", "columns", "records"}
    assert [tuple(record) for record in data["records"]] == list(made.records)
    assert HOSTILE not in text and "onerror" in text
    assert "default-src 'none'" in html.unescape(text) and "http" not in text.replace("http-equiv", "")
    assert "Real records are shown" in text
    assert text.count("<script") == 2


def test_wrong_wishes_are_refused(tmp_path: Path, made) -> None:
    few = visits(8, "a", 1)
    for n in (9, 4, 1000):
        with pytest.raises(OptionError, match="even number"):
            sim.review(few, few, n=n)
    with pytest.raises(DataError, match="needs 10 real rows and there are 8"):
        sim.review(few, few, n=20)
    with pytest.raises(DataError, match="no column can be shown"):
        sim.review(few.select("id"), few.select("id"), n=10, schema=Schema((Table("t", (TABLE["id"],)),)))
    with pytest.raises(FileError, match=r"\.html"):
        key_path(tmp_path / "review.pdf")


def test_counts_against_closed_forms() -> None:
    # Clopper & Pearson for 0 of n: 1 - 0.025 ** (1 / n)
    assert Tally(0, 10).interval == pytest.approx((0, 1 - 0.025 ** (1 / 10)))
    assert Tally(10, 10).interval == pytest.approx((0.025 ** (1 / 10), 1))
    assert Tally(10, 10).chance == pytest.approx(2 / 2**10)
    assert Tally(0, 0).share == 0.5
    limits = (0.6, 0.75)
    assert Tally(20, 40).verdict(limits) == "pass"
    assert Tally(30, 40).verdict(limits) == "look"
    assert Tally(36, 40).verdict(limits) == "fail"
    # whoever is always wrong tells the two apart as well
    assert Tally(4, 40).verdict(limits) == "fail"


def test_guessers_are_told_from_real_experts_hardly_ever() -> None:
    # an exact level of 1 % at most: of 2,000 guessers 20 in expectation, and more than 40 once in 10,000
    right = np.random.default_rng(0).binomial(40, 0.5, 2_000)
    assert sum(Tally(int(k), 40).verdict((0.6, 0.75)) != "pass" for k in right) <= 40


def test_damaged_and_foreign_answers_are_refused(made, tmp_path: Path) -> None:
    _, key = made.save(tmp_path / "review.html")
    good, path = answers(made, ["real"] * 20), tmp_path / "answers.json"
    spoilt = {
        "another test": good | {"review": "0" * 16},
        "is not the answers": good | {"format": "x"},
        "newer version": good | {"version": 2},
        "has 19 records": good | {"answers": good["answers"][1:]},
        "neither real nor made": good | {"answers": [{"marked": ["real"]}] * 20},
        "no list of records": good | {"answers": {}},
    }
    for message, document in spoilt.items():
        path.write_text(json.dumps(document))
        with pytest.raises(DataError, match=message):
            read_marks(path, key)
    path.write_text("[" * 100_000)
    with pytest.raises(DataError, match="not JSON"):
        read_marks(path, key)
    with pytest.raises(FileError, match="there is no file"):
        read_marks(tmp_path / "none.json", key)
    with pytest.raises(OptionError, match="two files"):
        sim.evaluate(
            visits(30, "a", 1), visits(30, "b", 2), review="answers.json", metrics=["fidelity/review"]
        )


def test_the_whole_street(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    visits(300, "true", 1).drop("note").write_csv("real.csv")
    visits(300, "fake", 2).drop("note").write_csv("fake.csv")
    assert run(["review", "real.csv", "fake.csv", "-n", "20", "--seed", "1", "-o", "review.html"]) == 0
    told = capsys.readouterr().err
    assert "10 real records" in told and "keep it from the expert" in told
    key = json.loads(Path("review.key.json").read_text())
    marks = ["real" if real else "made" for real in key["real"]]
    document = {
        "format": "simulacra-review-answers", "version": 1, "review": key["review"],
        "answers": [{"record": i + 1, "marked": m, "sure": i < 5, "reason": "[b]the ward[/b]" if i == 2 else ""}
                    for i, m in enumerate(marks)],
    }  # fmt: skip
    document["answers"][7]["marked"] = None
    Path("answers.json").write_text(json.dumps(document))
    count = ["review", "--answers", "answers.json", "--key", "review.key.json"]
    assert run(count) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "right for 19 of them, 100 %" in printed and "1 record was left open" in printed
    assert "[b]the ward[/b]" in printed
    assert run([*count, "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted["accuracy"] == 1.0 and counted["interval"][0] > 0.8
    assert counted["counts"][0]["marked"] == 19
    call = [
        "evaluate",
        "real.csv",
        "fake.csv",
        "--metric",
        "fidelity/review",
        "--review",
        "answers.json",
        "-q",
    ]
    assert run([*call, "--review-key", "review.key.json", "-o", "all.json", "--private"]) == 0
    report = sim.Report.read("all.json")
    score = report["fidelity/review"]
    assert (score.value, score.baseline, score.verdict) == (1.0, 0.5, "fail")
    assert score.private["reason"].to_list() == ["[b]the ward[/b]"]
    assert "the ward" not in report.save("open.json").read_text()
    capsys.readouterr()
    assert run(call) == 2 and "go together" in capsys.readouterr().err
    assert run(["review", "real.csv"]) == 2
    assert run(["review", "real.csv", "fake.csv", "-o", "x.html", "--answers", "answers.json"]) == 2


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node to read the script")
def test_the_script_can_be_parsed() -> None:
    script = Path(sim.__file__).parent / "report" / "templates" / "review.js"
    done = subprocess.run(["node", "--check", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
