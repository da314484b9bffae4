"""Policies: read safely, refused early, judged fully, told everywhere; exit codes of the command line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from made_reports import report_of

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import FileError, OptionError, UnknownName
from simulacra.report import html
from simulacra.report.policy import Policy, hold, judge, read_policy

TEXT = """\
thresholds:
  fidelity/marginals: [0.05, 0.1]
require:
  - fidelity/marginals <= 0.2
fail_if:
  - fidelity/marginals > 0.5
target: b
queries: {mean: select avg(a) from data}
metrics: [fidelity/marginals]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("house.yaml").write_text(TEXT, encoding="utf-8")
    real = pl.DataFrame({"a": [i % 7 for i in range(200)], "b": ["x", "y"] * 100})
    real.write_csv("real.csv")
    real.with_columns(a=pl.lit(1)).write_csv("off.csv")
    return tmp_path


def test_a_policy_file_is_read_whole(place: Path) -> None:
    policy = read_policy("house.yaml")
    assert policy.thresholds == {"fidelity/marginals": (0.05, 0.1)} and policy.target == ("b",)
    assert policy.metrics == ("fidelity/marginals",) and policy.queries == {"mean": "select avg(a) from data"}
    assert policy.file == "house.yaml" and policy.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert read_policy(policy) is policy


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("thresholds: {fidelity/pairs: [0.1]}", OptionError, "two numbers"),
        ("thresholds: {fidelity/pairs: [a, b]}", OptionError, "two numbers"),
        ("thresholds: 5", OptionError, "NAME: VALUE"),
        ("requires: [privacy/copies <= 0.01]", UnknownName, "did you mean 'require'"),
        ("require: [privacy/copies]", OptionError, "not a comparison"),
        ("require: {a: b}", OptionError, "list of texts"),
        ("queries: {mean: 5}", OptionError, "SQL"),
        ("- a", OptionError, "list of entries"),
        ("a: [", OptionError, "line 2"),
        ("require: &a [x]\nfail_if: *a", OptionError, "aliases"),
    ],
)
def test_a_bad_policy_is_refused_with_its_place(place: Path, text: str, error: type, said: str) -> None:
    Path("bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=said):
        read_policy("bad.yaml")
    with pytest.raises(FileError):
        read_policy("absent.yaml")


def test_misspelt_names_are_refused_before_the_work_starts(place: Path) -> None:
    # the data do not exist: had the work started, that would be the error
    for entry in ({"require": ["privacy/copie <= 0.1"]}, {"fail_if": ["fidelity/pair > 1"]}):
        with pytest.raises(UnknownName, match="did you mean"):
            sim.evaluate("absent.csv", "absent.csv", policy=entry)


def test_requirements_are_judged_and_stand_in_the_report(place: Path) -> None:
    report = sim.evaluate("real.csv", "real.csv", policy="house.yaml")
    assert {score.name.split("/")[1] for score in report} == {"marginals"} and report.broken == ()
    assert report.policy is not None and [row["met"] for row in report.policy["requirements"]] == [True, True]
    assert report.provenance["evaluation"]["target"] == "b"
    off = sim.evaluate("real.csv", "off.csv", policy="house.yaml")
    assert len(off.broken) == 1 and "fidelity/marginals <= 0.2" in off.broken[0]
    assert off["fidelity/marginals"].verdict == "fail"
    for text in (html.render(off).replace("&lt;", "<"), str(off)):
        said = " ".join(text.split())
        assert "1 of 2 requirements is broken" in said and "fidelity/marginals <= 0.2" in said
    assert hashlib.sha256(TEXT.encode()).hexdigest() in html.render(off)
    assert sim.Report.from_dict(off.to_dict()).broken == off.broken


def test_what_is_given_in_the_call_goes_before_the_policy(place: Path) -> None:
    report = sim.evaluate(
        "real.csv", "off.csv", policy="house.yaml", thresholds={"fidelity/marginals": (0.9, 1.0)}
    )
    assert report["fidelity/marginals"].verdict == "pass"


def test_a_requirement_on_a_missing_score_is_broken() -> None:
    made = report_of(["a", "b"])
    policy = Policy(
        require=("privacy/copies <= 0.1", "privacy/copies/odd <= 0.1"), fail_if=("utility/transfer < 0.5",)
    )
    assert [row["met"] for row in judge(made, policy)] == [True, False, True]
    assert "odd" in hold(made, policy).broken[0]


def test_the_exit_code_tells_of_a_broken_policy(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "real.csv", "real.csv", "--policy", "house.yaml", "-q"]) == 0
    call = [
        "evaluate",
        "real.csv",
        "off.csv",
        "--policy",
        "house.yaml",
        "-q",
        "--json",
        "-o",
        "r.md",
        "-o",
        "r.csv",
    ]
    capsys.readouterr()
    assert run(call) == 1
    said = capsys.readouterr()
    assert "the policy has required: fidelity/marginals <= 0.2" in said.err
    assert json.loads(said.out)["provenance"]["policy"]["file"] == "house.yaml"
    assert "broken" in Path("r.md").read_text(encoding="utf-8")
    assert pl.read_csv("r.csv").filter(name="fidelity/marginals")["verdict"].to_list() == ["fail"]
    Path("house.yaml").write_text("require: [privacy/copie <= 1]", encoding="utf-8")
    assert run(["evaluate", "absent.csv", "absent.csv", "--policy", "house.yaml", "-q"]) == 2
