"""Pictures of details: chosen by the columns that a detail has, so that unknown metrics get one or a table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from made_reports import rich_report

from simulacra._profile_pairs import profile_pairs
from simulacra.metric import Comparison, Score
from simulacra.report import _maps, _pictures, html
from simulacra.report.document import Report
from simulacra.schema.types import Column, Table


def scored(detail: dict[str, list[object]]) -> Score:
    return Score("a/b", 0.1, detail=pl.DataFrame(detail))


def test_figures_with_intervals_become_lines_on_one_scale() -> None:
    detail = {
        "term": ["age", "hours"], "real": [0.4, -0.2], "real_low": [0.3, -0.3], "real_high": [0.5, -0.1],
        "synthetic": [0.5, -0.1], "synthetic_low": [0.4, -0.2], "synthetic_high": [0.6, 0.0],
    }  # fmt: skip
    picture = _pictures.forest(scored(detail))
    assert picture is not None and not picture.own_scales and (picture.start, picture.end) == ("-0.5", "1")
    age = {mark.role: mark for mark in picture.lines[0].marks}
    # -0.5 to 1: 0.4 lies at 60 %, 0.3 at 53.33 %
    assert age["real"].value == 60.0 and age["real"].low == 53.33 and age["synthetic"].high == 73.33
    assert picture.zero == 33.33
    assert age["synthetic"].said == "0.500 (0.400 to 0.600)"


def test_answers_of_very_different_size_get_scales_of_their_own() -> None:
    detail = {"query": ["mean", "sum"], "real": [0.4, 1e6], "synthetic": [0.5, 1.1e6]}
    picture = _pictures.forest(scored(detail))
    assert picture is not None and picture.own_scales
    for line in picture.lines:
        assert all(0 < mark.value < 100 for mark in line.marks)


def test_an_excess_is_not_drawn_beside_what_it_is_the_difference_of() -> None:
    detail = {
        "column": ["a", "b"],
        "train": [0.5, 0.6],
        "excess": [0.1, 0.2],
        "low": [0.0, 0.1],
        "high": [0.2, 0.3],
    }
    picture = _pictures.forest(scored(detail))
    assert picture is not None and not picture.has_real and picture.synthetic == "synthetic"


def test_an_interval_is_drawn_round_the_figure_that_lies_in_it() -> None:
    detail = {
        "copies": ["exact", ""],
        "synthetic": [0.5, 0.6],
        "excess": [0.1, 0.2],
        "low": [0.0, 0.1],
        "high": [0.2, 0.3],
    }
    picture = _pictures.forest(scored(detail))
    assert picture is not None and picture.lines[0].marks[0].said == "0.100 (0 to 0.200)"
    assert [line.label for line in picture.lines] == ["exact", ""]


@pytest.mark.parametrize(
    "detail",
    [
        {"where": ["here"], "figure": [1.0]},
        {"column_a": ["a", "a"], "column_b": ["b", "c"], "real": [0.1, 0.2], "synthetic": [0.1, 0.2]},
        {"name": ["a", "b"], "rows": [10, 20]},
        {"name": ["a", "b"], "synthetic": [None, None], "real": [0.1, 0.2]},
    ],
)
def test_what_has_no_picture_gets_none(detail: dict[str, list[object]]) -> None:
    assert _pictures.forest(scored(detail)) is None and _pictures.curve(scored(detail)) is None


def test_a_rising_scale_becomes_a_curve() -> None:
    detail = {"alpha": [0.0, 0.5, 1.0], "synthetic": [0.0, 0.4, 1.0], "real": [0.0, 0.5, 1.0]}
    picture = _pictures.curve(scored(detail))
    assert picture is not None and picture.name == "alpha"
    assert dict(picture.roles)["synthetic"] == ((0.0, 0.0), (50.0, 40.0), (100.0, 100.0))


def test_rules_become_cards() -> None:
    card = _pictures.cards(scored({"rule": ["age <= 21"], "synthetic": [0.02], "real": [0.001]}))[0]
    assert card.rule == "age <= 21" and dict(card.facts)["synthetic"] == "0.020"


def people(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    return pl.DataFrame({"sex": rng.choice(["f", "m"], rows), "age": rng.integers(0, 90, rows)})


TABLE = Table("t", (Column("sex", "category"), Column("age", "number", integer=True)))


def test_cells_of_pairs_hold_every_row_once() -> None:
    real = people(4000)
    cells = profile_pairs(Comparison(TABLE, real, real.head(1000)), [("sex", "age")])
    assert cells["real"].null_count() == 0
    assert cells["real"].sum() == pytest.approx(1) and cells["synthetic"].sum() == pytest.approx(1)


def test_cells_with_few_real_rows_can_not_be_found_by_subtraction() -> None:
    # 3 young men among 300: their cell, and with it others of its row and column, must not be shown
    real = pl.DataFrame({"sex": ["f"] * 197 + ["m"] * 103, "job": ["x"] * 150 + ["y"] * 50 + ["z"] * 100})
    table = Table("t", (Column("sex", "category"), Column("job", "category")))
    cells = profile_pairs(Comparison(table, real, real), [("sex", "job")])
    counts = real.group_by("sex", "job").len()
    small = counts.filter(pl.col("len") < 10)
    assert small.height == 1
    hidden = cells.filter(pl.col("real").is_null())
    for side, label in (("sex", "label_a"), ("job", "label_b")):
        value = small[side].item()
        of_line = hidden.filter(pl.col(label) == value)
        held = counts.join(of_line, left_on=["sex", "job"], right_on=["label_a", "label_b"], nulls_equal=True)
        assert len(held) >= 2 and held["len"].sum() >= 10


def test_pairs_of_sensitive_or_free_columns_are_not_drawn() -> None:
    hidden = Table("t", (replace(TABLE.columns[0], sensitive=True), TABLE.columns[1]))
    assert profile_pairs(Comparison(hidden, people(100), people(100)), [("sex", "age")]).is_empty()
    assert profile_pairs(Comparison(TABLE, people(5), people(5)), [("sex", "age")]).is_empty()


def test_maps_show_withheld_cells_as_such() -> None:
    picture = _maps.maps(rich_report())[0]
    assert picture.withheld == 1
    real = next(cells for title, cells in picture.panels if title == "Real")
    assert [cell.role for cell in real].count("withheld") == 1
    assert max(cell.shade for cell in real) == 1.0


def test_the_page_draws_what_the_details_hold() -> None:
    page = html.render(rich_report())
    for mark in (
        'class="forest"',
        'class="curve"',
        'class="cards"',
        'class="map"',
        "All attacks beside unseen real rows",
    ):
        assert mark in page
    assert "age &lt;= 21 and education is Doctorate" in page
    assert page.count("<script") == 3


def test_json_of_a_report_with_pictures_draws_the_same_page() -> None:
    made = rich_report()
    assert html.render(Report.from_dict(made.to_dict())) == html.render(made)
