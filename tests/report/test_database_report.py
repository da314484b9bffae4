"""The report on a database: figures by name, forms on file, the page, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import polars as pl
import pytest
from shop import SHOP, make_shop

import simulacra as sim
from simulacra.cli import run
from simulacra.dataset import dataset
from simulacra.errors import CheckFailed, DataError, OptionError
from simulacra.report.database import DatabaseReport
from simulacra.report.document import Report
from simulacra.schema.files import write_schema

METRICS = ["relational", "fidelity/marginals", "fidelity/pairs", "privacy/copies"]


@pytest.fixture(scope="module")
def report() -> DatabaseReport:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("simulacra.metrics.fidelity.detection.ROUNDS", 10)
        train, held = dataset(make_shop(300, 1), schema=SHOP).split(0.4, seed=1)
        made = sim.evaluate(train, make_shop(180, 2), holdout=held, metrics=METRICS, title="Shop <1>")
    assert isinstance(made, DatabaseReport)
    return made


def test_scores_are_found_by_name_and_tables_have_reports_of_their_own(report: DatabaseReport) -> None:
    assert report["relational/keys"].value == 0
    assert report["fidelity/pairs@orders"].title.startswith("orders: pairs of columns")
    assert report.table("orders")["fidelity/pairs"].value == report["fidelity/pairs@orders"].value
    report.require("relational/keys <= 0 and privacy/copies@orders < 0.5")
    with pytest.raises(CheckFailed, match="relational/keys is 0"):
        report.forbid("relational/keys <= 0")
    with pytest.raises(DataError, match="no table 'regions'"):
        report.table("regions")


def test_a_report_is_the_same_after_a_file(report: DatabaseReport, tmp_path: Path) -> None:
    document = report.to_dict()
    jsonschema.validate(document, Report.schema())
    path = report.save(tmp_path / "shop.json")
    again = Report.read(path)
    assert isinstance(again, DatabaseReport)
    assert again.to_dict() == document
    assert again.table("orders")["fidelity/pairs"].title == report.table("orders")["fidelity/pairs"].title
    pages = [one.save(tmp_path / f"{at}.html").read_text("utf-8") for at, one in enumerate((report, again))]
    assert pages[0] == pages[1]


def test_a_report_to_share_holds_no_level_or_bound_of_the_schema(report: DatabaseReport) -> None:
    kept = report.to_dict()["database"]["tables"]["customers"]
    assert kept["columns"]["segment"] == "category" or "levels" not in kept["columns"]["segment"]
    assert "constraints" not in kept


def test_the_page_shows_links_tables_and_the_diagram(report: DatabaseReport, tmp_path: Path) -> None:
    page = report.save(tmp_path / "shop.html").read_text("utf-8")
    assert "Shop &lt;1&gt;" in page
    assert "Shop <1>" not in page
    assert "Do the tables hang together?" in page
    assert "orders.customer -&gt; customers" in page
    assert "kept as it is" in page
    assert '<figure class="diagram"><svg' in page
    for name in ("customers", "orders", "lines"):
        assert f'<span class="title">{name}</span>' in page
    assert page.count('data-chart="column"') == sum(
        found.profiles["column"].n_unique() for found in report.tables.values()
    )
    assert "Is it useful for your task?" not in page
    # ids are what links lead to
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


def test_all_forms_and_the_terminal_hold_the_scores(report: DatabaseReport, tmp_path: Path) -> None:
    table = pl.read_csv(report.save(tmp_path / "shop.csv"))
    assert set(table["name"]) == {score.name for score in report}
    assert "relational/orphans" in report.save(tmp_path / "shop.md").read_text("utf-8")
    assert "Do the tables hang together?" in str(report)
    assert "Do the tables hang together?" in report._repr_html_()


def test_what_is_asked_of_one_table_is_refused_with_advice() -> None:
    shop = dataset(make_shop(50, 1), schema=SHOP)
    with pytest.raises(OptionError, match=r"target=\.\.\. is about one table"):
        sim.evaluate(shop, shop, target="segment")
    with pytest.raises(DataError, match="the synthetic data have no table 'lines'"):
        sim.evaluate(shop, {name: frame for name, frame in shop.frames.items() if name != "lines"})


def test_a_policy_judges_a_database() -> None:
    shop = dataset(make_shop(60, 1), schema=SHOP)
    rules = {"metrics": ["relational/keys"], "require": ["relational/keys <= 0"]}
    found = sim.evaluate(shop, make_shop(60, 2), policy=rules)
    assert found.policy is not None
    assert not found.broken


def test_the_command_splits_and_judges_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset(make_shop(200, 1), schema=SHOP).write("shop")
    dataset(make_shop(150, 2), schema=SHOP).write("fake")
    write_schema(SHOP, "shop.yaml")
    parts = ["split", "shop", "--schema", "shop.yaml", "--train", "train", "--holdout", "held", "--seed", "1"]
    assert run(parts) == 0
    judge = ["evaluate", "train", "fake", "--holdout", "held", "--schema", "shop.yaml", "-q"]
    chosen = ["--metric", "relational/orphans", "--metric", "privacy/copies"]
    assert run([*judge, *chosen, "--fail-if", "privacy/copies@orders > 0.9", "--json", "-o", "r.html"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["summary"]["tables"]["customers"]["holdout"] == 40
    assert Path("r.html").exists()
    assert run([*judge, *chosen, "--fail-if", "relational/orphans <= 1"]) == 1
    assert "must not be" in capsys.readouterr().err
