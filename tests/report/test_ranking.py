"""Rankings: the stated rule, one bad candidate among good ones, all forms, the same seeds for all, exit codes."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_reports import HOSTILE, rich_report, with_verdicts

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import DataError, FileError, OptionError, UnknownName
from simulacra.metric import Score
from simulacra.report.policy import hold, read_policy
from simulacra.report.ranking import Candidate, nearest, rank
from simulacra.report.ranking_page import fragment, render

ONE = ["fidelity/marginals"]


def named(*entries: tuple[str, float, dict[str, str]]) -> list[Candidate]:
    return [Candidate(name, with_verdicts(name, value, verdicts)) for name, value, verdicts in entries]


def test_failures_come_before_looks_and_looks_before_the_headline() -> None:
    found = rank("t", named(
        ("fails", 0.5, {"a/x": "fail", "a/y": "pass"}), ("looks", 0.5, {"a/x": "look", "a/y": "pass"}),
        ("told", 0.8, {"a/x": "pass", "a/y": "pass"}), ("good", 0.6, {"a/x": "pass", "a/y": "pass"}),
        ("two", 0.5, {"a/x": "look", "a/y": "look"}),
    ))  # fmt: skip
    assert found.names == ("good", "told", "looks", "two", "fails")


def test_candidates_that_the_rule_can_not_tell_apart_share_a_place() -> None:
    found = rank("t", named(
        ("b", 0.6, {"a/x": "pass"}), ("a", 0.6, {"a/x": "pass"}), ("c", 0.7, {"a/x": "pass"}),
    ))  # fmt: skip
    assert found.places == {"b": 1, "a": 1, "c": 3}
    assert [one["place"] for one in found.to_dict()["candidates"]] == [1, 1, 3]


def test_a_test_that_only_others_could_make_counts_as_a_look() -> None:
    found = rank("t", named(("gap", 0.5, {"a/x": "pass"}), ("full", 0.6, {"a/x": "pass", "a/y": "pass"})))
    assert found.names == ("full", "gap")


def test_broken_requirements_come_first_and_the_rule_says_so() -> None:
    house = read_policy({"require": ["fidelity/detection <= 0.55"]})
    strict = [Candidate(one.name, hold(one.report, house)) for one in named(
        ("broken", 0.6, {"a/x": "pass"}), ("kept", 0.5, {"a/x": "look"}))]  # fmt: skip
    found = rank("t", strict)
    assert found.names == ("kept", "broken") and "policy" in found.rule
    assert "policy" not in rank("t", named(("a", 0.5, {}))).rule


def test_the_star_is_for_those_that_lose_least_against_real_data() -> None:
    def score(value: float, better: str = "lower") -> Score:
        return Score("a/b", value, None, 0.5, "pass", better=better)

    assert nearest([score(0.9), score(0.6)]) == [False, True]
    # better than real data loses nothing, but wins nothing either
    assert nearest([score(0.4), score(0.3), score(0.6)]) == [True, True, False]
    assert nearest([score(0.4, "higher"), score(0.7, "higher")]) == [False, True]
    assert nearest([score(0.6)]) == [False] and nearest([None, score(0.6)]) == [False, False]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name == "src" for name, _ in attrs)


def test_the_page_is_inert_and_shows_every_score() -> None:
    made = rich_report()
    found = rank(
        HOSTILE, [Candidate(HOSTILE, made), Candidate("b", made), Candidate("c", None, error=HOSTILE)]
    )
    text = render(found)
    tags = Tags(text).tags
    assert not {"script", "img", "link", "iframe"} & set(tags)
    for score in made:
        assert score.name in text
    assert "was left out" in text and 'class="plane"' in text
    assert "918273645" not in text.replace(",", "")
    assert not {"script", "img"} & set(Tags(fragment(found)).tags)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for name, rows in (("train", 400), ("test", 200), ("same", 400)):
        age = rng.integers(18, 70, rows)
        pl.DataFrame(
            {"age": age, "sex": rng.choice(["f", "m"], rows), "pay": age * 2 + rng.integers(0, 9, rows)}
        ).write_csv(f"{name}.csv")
    train = pl.read_csv("train.csv")
    train.with_columns(pl.lit(30).alias("age")).write_csv("flat.csv")
    return tmp_path


def test_rows_and_models_are_compared_and_one_failure_is_told(place: Path) -> None:
    given = {
        "flat": "flat.csv",
        "same": pl.read_csv("same.csv"),
        "gone": "gone.csv",
        "other": pl.DataFrame({"z": [1]}),
    }
    found = sim.compare("train.csv", given, models=["independent"], holdout="test.csv", metrics=ONE, seed=3)
    assert set(found.reports) == {"flat", "same", "independent"} and found.names[2] == "flat"
    errors = {one.name: one.error for one in found if one.error}
    assert "gone.csv" in errors["gone"] and set(errors) == {"gone", "other"}
    made = next(one for one in found if one.name == "independent")
    assert made.seconds is not None and made.source == "model independent"
    # the report of a candidate is what evaluate gives with the same seed
    alone = sim.evaluate("train.csv", "flat.csv", holdout="test.csv", metrics=ONE, seed=3)
    assert found["flat"]["fidelity/marginals"].interval == alone["fidelity/marginals"].interval
    again = sim.compare("train.csv", given, models=["independent"], holdout="test.csv", metrics=ONE, seed=3)
    assert again["independent"].provenance["synthetic"] == found["independent"].provenance["synthetic"]
    assert "flat" in str(found) and str(found).isascii() and "was left out" in str(found)
    with pytest.raises(UnknownName, match="'flat'"):
        found["flot"]


def test_a_fitted_model_and_its_file_are_candidates(place: Path) -> None:
    model = sim.fit("train.csv", "independent", seed=1)
    model.save("m.sim")
    found = sim.compare("train.csv", {"model": model, "file": "m.sim"}, metrics=ONE)
    assert [one.error for one in found] == ["", ""]
    assert all(report.provenance["synthetic"]["rows"] == 400 for report in found.reports.values())


def test_what_can_not_work_is_refused_before_the_first_fit(place: Path) -> None:
    for options, error in (
        ({"models": ["tree"]}, UnknownName), ({"models": []}, OptionError), ({"models": "trees"}, OptionError),
        ({"models": ["trees", "trees"]}, OptionError),
        ({"models": ["trees"], "metrics": ["fidelity/pair"]}, UnknownName),
        ({"models": ["trees"], "target": "ago"}, UnknownName), ({"models": ["trees"], "targets": "age"}, UnknownName),
        ({"models": ["trees"], "policy": {"require": ["a/b < 1"]}}, UnknownName),
    ):  # fmt: skip
        with pytest.raises(error):
            sim.compare("train.csv", {}, **options)
    with pytest.raises(FileError):
        sim.compare("absent.csv", {"a": "same.csv"})
    with pytest.raises(DataError, match=r"gone\.csv"):
        sim.compare("train.csv", {"a": "gone.csv"}, metrics=ONE)


def test_the_command_writes_all_forms(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = [
        "compare",
        "train.csv",
        "same=same.csv",
        "flat.csv",
        "--holdout",
        "test.csv",
        "--metric",
        ONE[0],
        "-q",
    ]
    outputs = [part for form in ("html", "json", "md", "csv") for part in ("-o", f"r.{form}")]
    assert run([*call, *outputs, "--reports", "each"]) == 0
    assert "same" in capsys.readouterr().out
    ranking = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in ranking["candidates"]] == [
        "same",
        "flat",
    ] and "Nothing is averaged" in ranking["rule"]
    assert sim.Report.from_dict(ranking["candidates"][0]["report"]).title.startswith("same")
    assert pl.read_csv("r.csv")["candidate"].unique(maintain_order=True).to_list() == ["same", "flat"]
    assert "| 1 | same |" in Path("r.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in Path("each").iterdir()) == [
        "1-same.html", "1-same.json", "2-flat.html", "2-flat.json"]  # fmt: skip


def test_exit_codes_of_the_command(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["compare", "train.csv", "--metric", ONE[0], "-q"]
    assert run([*call, "same.csv", "gone.csv"]) == 2
    assert "1 of 2 candidates were left out: gone" in capsys.readouterr().err
    Path("house.yaml").write_text("require: [fidelity/marginals <= 0.2]", encoding="utf-8")
    assert run([*call, "same.csv", "flat.csv", "--policy", "house.yaml"]) == 0
    assert run([*call, "flat.csv", "--policy", "house.yaml"]) == 1
    assert run([*call, "same.csv", "x=same.csv", "x=flat.csv"]) == 2
    assert run([*call, "same.csv", "-o", "same.csv"]) == 2
