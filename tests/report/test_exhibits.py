"""What a model shows of itself comes into every form of a report."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from simulacra.errors import DataError
from simulacra.evaluation import Evaluation
from simulacra.exhibit import Exhibit
from simulacra.report import _exhibits
from simulacra.report.document import Report

CURVES = pl.DataFrame(
    {"step": [0, 10, 0, 10], "curve": ["training"] * 2 + ["held-out"] * 2, "value": [3.0, 1.0, 3.5, 2.0]}
)
ARROWS = pl.DataFrame({"source": ["a", "a", "b"], "target": ["b", "c", "c"], "strength": [0.5, 0.1, -0.2]})
TABLE = pl.DataFrame({"column": ["pay"], "family": ["gamma"], "AIC": [12.5]})


@pytest.fixture
def report() -> Report:
    shown = tuple(
        Exhibit(name, f"What {name} says <of itself>.", frame)
        for name, frame in (("Training", CURVES), ("Graph", ARROWS), ("Families", TABLE))
    )
    return Report("t", Evaluation((), pl.DataFrame(), {}, {}, ()), {}, (), shown)


def test_exhibits_are_drawn_on_the_page(report: Report, tmp_path: Path) -> None:
    page = report.save(tmp_path / "r.html").read_text()
    assert '<section id="model">' in page and 'class="curve training"' in page and 'class="graph"' in page
    assert "What Training says &lt;of itself&gt;." in page, "texts are escaped"
    assert "gamma" in page and "a → b: 0.500" in page


def test_a_report_without_exhibits_has_no_section_of_them(tmp_path: Path) -> None:
    report = Report("t", Evaluation((), pl.DataFrame(), {}, {}, ()))
    assert 'id="model"' not in report.save(tmp_path / "r.html").read_text()
    assert "exhibits" not in report.to_dict()


def test_exhibits_come_back_from_json(report: Report, tmp_path: Path) -> None:
    back = Report.read(report.save(tmp_path / "r.json"))
    assert [(e.name, e.text) for e in back.exhibits] == [(e.name, e.text) for e in report.exhibits]
    assert back.exhibits[1].detail.equals(ARROWS)


def test_damaged_exhibits_are_refused(report: Report) -> None:
    with pytest.raises(DataError, match=r"exhibits\[0\].detail is not a list"):
        Report.from_dict(report.to_dict() | {"exhibits": [{"name": "x", "text": "y", "detail": 5}]})


def test_exhibits_stand_in_markdown(report: Report, tmp_path: Path) -> None:
    text = report.save(tmp_path / "r.md").read_text()
    assert "## The model: Families" in text and "| pay | gamma |" in text


def test_a_graph_puts_every_name_after_those_that_point_to_it() -> None:
    made = _exhibits.graph(ARROWS)
    assert made is not None
    across = {node.name: node.x for node in made.nodes}
    assert across["a"] < across["b"] < across["c"]


def test_a_circle_of_arrows_is_drawn_all_the_same() -> None:
    made = _exhibits.graph(pl.DataFrame({"source": ["a", "b"], "target": ["b", "a"], "strength": [1.0, 1.0]}))
    assert made is not None and len(made.nodes) == 2


def test_one_step_is_no_curve() -> None:
    assert _exhibits.curves(CURVES.head(1)) is None
