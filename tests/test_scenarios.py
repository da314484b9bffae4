"""Scenarios: what a file asks for is what comes out, and mistakes are told before anything is drawn."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import ImpossibleCondition, OptionError, PredicateError, SimulacraError, UnknownName
from simulacra.sampling.shifts import Moves, apply_shifts, read_shifts
from simulacra.scenarios import EXAMPLE, read_scenarios
from simulacra.schema.types import Column, Table


def people(rows: int = 4_000) -> pl.DataFrame:
    rng = sim.randomness.Streams(5).stream("people")
    pay = rng.integers(10, 100, rows)
    return pl.DataFrame(
        {
            "id": range(1, rows + 1),
            "sex": [("f", "m")[n] for n in rng.integers(2, size=rows)],
            "pay": pay,
            "bonus": rng.integers(0, 20, rows),
            "rich": [
                "yes" if p + n > 75 else "no" for p, n in zip(pay.tolist(), rng.normal(0, 9, rows).tolist())
            ],
        }
    ).with_columns(total=pl.col("pay") + pl.col("bonus"))


@pytest.fixture(scope="module")
def model() -> sim.Synthesizer:
    frame = people()
    schema = (
        sim.infer(frame).with_column("id", kind="key").with_column("bonus", bounds=(0, 25), declared=True)
    )
    return sim.fit(
        frame, schema=schema.with_constraint(sim.Equality("total", "pay + bonus"), "bonus < pay"), seed=1
    )


def draw(
    model: sim.Synthesizer, *scenarios: dict[str, object], seed: int = 1
) -> sim.report.scenarios.Outcomes:
    return sim.play(model, list(scenarios), seed=seed)


WOMEN = {"name": "women", "rows": 400, "where": "sex = 'f' and pay > 50", "balance": {"rich": {"yes": 0.25}}}
RAISE = {"name": "raise", "rows": 500, "shift": {"pay": "pay * 1.1", "bonus": "bonus + 10"}}


def test_rows_are_those_asked_for(model: sim.Synthesizer) -> None:
    rows = draw(model, WOMEN)["women"].polars()
    assert len(rows) == 400 and rows["sex"].unique().to_list() == ["f"] and rows["pay"].min() > 50
    assert rows["rich"].sum() == 100


def test_other_scenarios_change_no_byte(model: sim.Synthesizer) -> None:
    alone = draw(model, WOMEN)["women"].digest
    together = draw(model, RAISE, {"name": "x", "rows": 3}, WOMEN)
    assert together["women"].digest == alone
    assert draw(model, WOMEN, seed=2)["women"].digest != alone
    assert sim.play(model, [RAISE, WOMEN], seed=1, only="women")["women"].digest == alone


def test_shifts_keep_types_bounds_and_constraints(model: sim.Synthesizer) -> None:
    drawn = draw(model, RAISE)
    data = drawn["raise"]
    rows = data.polars()
    assert rows.schema["pay"] == pl.Int64 and rows["bonus"].max() == 25
    assert (rows["total"] == rows["pay"] + rows["bonus"]).all() and (rows["bonus"] < rows["pay"]).all()
    assert any("'bonus'" in note and "held at them" in note for note in data.notes)
    # a raise of 10 % goes beyond the highest pay of the training rows, which is no declared bound
    assert data.schema.table()["pay"].bounds[1] == rows["pay"].max() > 100
    move = drawn.outcomes[0].moves[0]
    assert move.column == "pay" and move.after > move.before


def test_shifted_shares_stay_exact(model: sim.Synthesizer) -> None:
    rows = draw(model, {**RAISE, "shift": {"bonus": "bonus + 15"}, "balance": {"rich": {"yes": 0.2}}})[
        "raise"
    ].polars()
    assert (rows["bonus"] < rows["pay"]).all() and len(rows) == 500
    assert rows["rich"].sum() == 100


def test_a_mix_has_rows_of_both_and_its_own_keys(model: sim.Synthesizer) -> None:
    mix = {"name": "both", "rows": 1_000, "mix": [{"scenario": "women", "share": 0.3}, {"share": 0.7}]}
    rows = draw(model, WOMEN, mix)["both"].polars()
    assert rows["id"].to_list() == list(range(1, 1_001))
    # 300 women, and half of 700 others: 650, give or take 5 standard errors of 13
    assert abs((rows["sex"] == "f").sum() - 650) < 66


def test_shifts_that_a_column_can_not_hold() -> None:
    table = Table(
        "t",
        (
            Column("clock", "number", integer=True, format="HHMM"),
            Column("fives", "number", integer=True, step=5),
            Column("level", "category", levels=("a", "b")),
            Column("d", "date"),
        ),
    )
    frame = pl.DataFrame(
        {"clock": [1250, 5], "fives": [5, 10], "level": ["a", "b"], "d": ["2024-01-31", "2024-02-29"]}
    )
    frame = frame.with_columns(pl.col("d").str.to_date())
    moves = Moves()
    asked = {"clock": "clock + 25", "fives": "fives * 1.3", "d": "d + interval '1 month'"}
    shifted = apply_shifts(frame, read_shifts(asked, table), {}, moves)
    assert shifted["clock"].to_list() == [1315, 30] and shifted["fives"].to_list() == [5, 15]
    assert [str(day) for day in shifted["d"]] == ["2024-02-29", "2024-03-29"]
    assert shifted.schema == frame.schema
    with pytest.raises(OptionError, match="none of its 2 levels"):
        apply_shifts(frame, read_shifts({"level": "level || '!'"}, table), {}, moves)
    kept = apply_shifts(frame, read_shifts({"level": "case when level = 'a' then 'b' end"}, table), {}, moves)
    assert kept["level"].to_list() == ["b", "b"] and moves.kept["level"] == 1


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"where": "payy > 3"}, PredicateError, r"scenario 'a', field 'where': .*'payy'.*did you mean 'pay'"),
        ({"where": "pay > 1000000"}, ImpossibleCondition, "scenario 'a', field 'where'"),
        ({"wher": "pay > 3"}, UnknownName, "scenario 'a': no field named 'wher'; did you mean 'where'"),
        ({"balance": {"richh": {"yes": 0.5}}}, UnknownName, "field 'balance': .*'richh'.*'rich'"),
        ({"balance": {"rich": {"yes": 1.5}}}, OptionError, "field 'balance'"),
        ({"shift": {"total": "total * 2"}}, OptionError, "a constraint computes it"),
        ({"shift": {"pay": "sex"}}, OptionError, "field 'shift': .*it is a number"),
        ({"shift": {"pay": "pay *"}}, PredicateError, "field 'shift'"),
        ({"shift": {"id": "id + 1"}}, OptionError, "made anew"),
        ({"balance": {"rich": {"yes": 0.5}}, "bigger": {"rich": {"yes": 2}}}, OptionError, "asked for twice"),
        ({"mix": [{"share": 1.0}], "where": "pay > 3"}, OptionError, "'where' can not stand beside it"),
        ({"mix": [{"share": 0.5}]}, OptionError, "sum to 0.5"),
        ({"mix": [{"scenario": "b", "share": 1}]}, UnknownName, "no scenario named 'b'"),
        ({"fair": {"target": "rich", "group": "sex", "definition": "independence"}, "bigger": {"pay > 50": 2}},
         OptionError, "scenario 'a': fair and balance"),
        ({"rows": -1}, OptionError, "whole number"),
        ({"output": "../a.csv"}, OptionError, "name of a file"),
        ({"says": 3}, OptionError, "field 'says'"),
    ],
)  # fmt: skip
def test_mistakes_are_told_before_anything_is_drawn(
    model: sim.Synthesizer, wrong: dict[str, object], error: type[SimulacraError], words: str
) -> None:
    with pytest.raises(error, match=words):
        draw(model, {"name": "fine", "rows": 10**12}, {"name": "a", "rows": 5, **wrong})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scenarios: []", "no list of scenarios"),
        ("scenario:\n  - {name: a, rows: 1}", "did you mean 'scenarios'"),
        ("scenarios:\n  - {rows: 1}", "scenario 1: it lacks a name"),
        ("scenarios:\n  - {name: a}", "lacks the number of rows"),
        ("scenarios:\n  - {name: a, rows: 1}\n  - {name: A, rows: 1}", "stands there twice"),
        ("scenarios: [", "not valid YAML"),
    ],
)
def test_mistakes_of_a_file_name_the_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(SimulacraError, match=words):
        read_scenarios(path)


def test_the_example_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(EXAMPLE)
    assert [one.name for one in read_scenarios(path)] == [
        "spring",
        "more-late-flights",
        "higher-incomes",
        "both",
    ]


def test_the_page_says_what_was_asked_and_got(model: sim.Synthesizer, tmp_path: Path) -> None:
    fair = {
        "name": "fair",
        "rows": 300,
        "fair": {"target": "rich", "group": "sex", "definition": "independence"},
    }
    drawn = draw(model, {**WOMEN, "says": "Well-paid <women>"}, RAISE, fair)
    page = drawn.save(tmp_path / "s.html").read_text()
    assert "Well-paid &lt;women&gt;" in page and "<script" not in page and "//" not in page
    assert page.count('class="scenario"') == 3 and "pay * 1.1" in page
    facts = json.loads(drawn.save(tmp_path / "s.json").read_text())
    shares = facts["scenarios"][0]["shares"]
    assert [kind["scenario"] for kind in shares] == [1.0, 0.25] and shares[0]["model"] < 0.5
    with pytest.raises(OptionError, match="saved as"):
        drawn.save(tmp_path / "s.txt")


def test_the_page_and_the_notes_tell_one_probability(model: sim.Synthesizer, tmp_path: Path) -> None:
    drawn = draw(model, {"name": "a", "rows": 200, "where": "sex = 'f' and pay > 50"})
    told = re.search(r"probability of about ([\d.]+) %", " ".join(drawn["a"].notes))
    assert told is not None
    facts = drawn.to_dict()["scenarios"][0]["shares"][0]
    assert facts["model"] == pytest.approx(float(told.group(1)) / 100)
    assert f'<td class="number">{told.group(1)} %</td>' in drawn.save(tmp_path / "s.html").read_text()


def test_a_bar_that_pools_a_tail_is_open_and_ticks_are_where_their_bars_are(tmp_path: Path) -> None:
    pay = [n % 50 for n in range(3_000)] + [200] * 12
    fitted = sim.fit(pl.DataFrame({"pay": pay, "b": ["x", "y"] * 1_506}), "independent", seed=1)
    page = sim.play(fitted, [{"name": "x", "rows": 500, "where": "pay > 10"}], seed=1).save(
        tmp_path / "s.html"
    )
    ticks = re.findall(r'class="(start|middle|end)" style="left: ([\d.]+)%">([^<]+)<', page.read_text())
    sides = {side: (float(place), text) for side, place, text in ticks}
    assert sides["end"] == (100.0, "50+") and sides["start"] == (0.0, "0")
    # 25 bars of two and one of the tail: the bar at a tick starts with the tick's value
    for side, place, text in ticks:
        if side == "middle":
            assert float(text) == pytest.approx(2 * float(place) / (100 / 26), abs=0.01)


def test_what_a_scenario_does_is_said_plainly(model: sim.Synthesizer, tmp_path: Path) -> None:
    page = draw(model, {"name": "none", "rows": 0}, RAISE).save(tmp_path / "s.html").read_text()
    assert "No rows were asked for." in page and "Rows of the model as it is." not in page
    assert "pay becomes <code>pay * 1.1</code>" in page and "of rows moved" in page
    assert page.index('class="keys"') < page.index("Means before and after")


def test_notes_of_a_mix_speak_of_the_model(model: sim.Synthesizer) -> None:
    mix = {"name": "both", "rows": 10, "mix": [{"scenario": "women", "share": 0.1}, {"share": 0.9}]}
    notes = draw(model, WOMEN, mix)["both"].notes
    assert "1 row of 'women'." in notes and "9 rows of the model as it is." in notes
