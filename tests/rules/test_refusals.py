"""What people get wrong in rules, and how they are told; and short forms that simply work."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

import simulacra as sim
from simulacra.cli import group
from simulacra.errors import SimulacraError


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("time", "09:30:00", time(9, 30)), ("date", "2024-01-05", date(2024, 1, 5)), ("number", "3.5", 3.5),
        ("datetime", "2024-01-05T10:00:00", datetime(2024, 1, 5, 10)), ("duration", "PT5M", timedelta(minutes=5)),
        ("boolean", "true", True),
    ],
)  # fmt: skip
def test_a_choice_of_texts_is_read_as_the_kind_of_its_column(kind: str, text: str, value: object) -> None:
    drawn = sim.generate({"columns": {"a": {"kind": kind, "rule": {"choice": [text]}}}}, 3, seed=1)
    assert drawn.polars()["a"].to_list() == [value] * 3


def _tables(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    return {"tables": {"a": {"columns": {"id": "sequence", **parent}}, "b": {"columns": child}}}


_OF = {"reference": {"to": "a", "children": 2}}


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (_tables({"n": {"aggregate": {"of": "b", "sum": "x"}}}, {"a": _OF, "y": {"int": [1, 2]}}),
         "table 'a', column 'n': no column named 'x'"),
        (_tables({"n": {"aggregate": {"of": "b", "sum": "x"}}}, {"a": _OF, "x": {"formula": "a.n"}}), "made from each"),
        (_tables({"n": {"aggregate": {"of": "b", "count": "*"}}},
                 {"a": {"reference": {"to": "a", "children": {"poisson": "n"}}}}), "made from each other"),
        (_tables({"n": {"aggregate": {"of": "c", "count": "*"}}}, {"a": _OF}), "no table named 'c'"),
        ({"a": {"uniform": ["2024-02-30", "2024-03-01"]}}, "'2024-02-30' in uniform looks like a date"),
        ({"a": {"uniform": ["25:00:00", "26:00:00"]}}, "looks like a date or a time"),
        ({"a": {"uniform": ["2024-02-03", 5]}}, "Write both alike"),
        ({"a": {"uniform": ["2024-02-03", "P1D"]}}, "Write both ends alike"),
        ({"a": {"normal": ["2024-02-03", 10]}}, "no duration such as 'P10D'"),
        ({"a": {"int": ["x", "y"]}}, "takes numbers, dates, or formulas"),
        ({"a": {"int": ["1 + 1", 5]}}, "computed from no column"),
        ({"s": {"choice": ["a", "b"]}, "a": {"uniform": [0, "s"]}}, "'s' is a text"),
        ({"a": {"field": "name", "country": "Germny"}}, "column 'a': there is no country 'Germny'"),
        ({"a": {"field": "name", "locale": "german"}}, "column 'a': there is no locale 'german'"),
        ({"a": {"field": "name", "locale": "de_XX"}}, "column 'a': no locale named 'de_XX'"),
        ({"c": {"choice": ["DE", "FR"]}, "a": {"field": "iban", "country": "c", "unique": True}},
         "table 'table', column 'a': field 'iban'"),
        ({}, "it has no columns"),
        ({"tabels": {"a": {"columns": {"x": "name"}}}}, "did you mean 'tables'"),
        ({"colums": {"x": "name"}}, "did you mean 'columns'"),
        ({"tables": {"a": {"colums": {"x": "name"}}}}, "table 'a': .*did you mean 'columns'"),
        ("shp", "did you mean 'shop'"),
        (["name", "name"], "listed twice"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_place(rules: Any, told: str) -> None:
    with pytest.raises(SimulacraError, match=told):
        sim.generate(rules, 4, seed=1)


def test_a_file_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("tables: [\n")
    with pytest.raises(SimulacraError, match=r"bad\.yaml.*not valid YAML"):
        sim.compose(tmp_path / "bad.yaml")


def test_a_list_of_fields_makes_a_table() -> None:
    assert sim.generate(["name", "city"], 5, seed=1).polars().shape == (5, 2)


def test_a_domain_leaves_mails_going_by_names() -> None:
    drawn = sim.generate({"name": "name", "mail": {"field": "email", "domain": "firm.example"}}, 20, seed=1)
    for name, mail in drawn.polars().iter_rows():
        assert mail.endswith("@firm.example") and mail[0] == name[0].lower()


def test_a_locale_on_the_command_line_goes_to_fields_that_take_one() -> None:
    words = [
        "generate",
        "name",
        "uuid",
        "age={int: [1, 9]}",
        "-n",
        "3",
        "--locale",
        "de_DE",
        "--seed",
        "1",
        "-q",
    ]
    done = CliRunner().invoke(group, words)
    assert done.exit_code == 0, done.output
    assert pl.read_csv(done.stdout.encode()).shape == (3, 3)


def test_hours_wrap_around_midnight_and_months_have_names() -> None:
    table = {"from": "2024-01-01", "to": "2024-12-31", "hours": {"0-23": 0, "22-5": 1},
             "months": {"1-12": 0, "august": 1, "dec": 1}}  # fmt: skip
    drawn = sim.generate({"at": {"timetable": table}}, 2000, seed=1).polars()["at"]
    assert set(drawn.dt.hour()) == {22, 23, 0, 1, 2, 3, 4, 5}
    assert set(drawn.dt.month()) == {8, 12}
