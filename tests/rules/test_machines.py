"""State machines: walks have the rates, stays and chances that they are given, and any unit can be walked alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import SchemaError

DAY = pl.duration(days=1)
PEOPLE = {"id": "sequence", "sex": {"choice": ["F", "M"]}, "born": {"uniform": ["1940-01-01", "1990-12-31"]}}
FACTS = {
    "state": {"entry": "state"}, "at": {"entry": "at"}, "until": {"entry": "until"}, "before": {"entry": "before"},
    "number": {"entry": "number"},
}  # fmt: skip


def rules(states: Any, rows: int = 20_000, **more: Any) -> dict[str, Any]:
    link = {"reference": {"to": "people", "states": states}}
    return {
        "tables": {
            "people": {"rows": rows, "columns": PEOPLE},
            "events": {"columns": {"id": "sequence", "person_id": link, **FACTS, **more}},
        }
    }


def events(states: Any, rows: int = 20_000, seed: int = 1, **more: Any) -> pl.DataFrame:
    return sim.generate(rules(states, rows, **more), seed=seed).polars("events")


def machine(moves: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"from": "2000-01-01", "to": "2020-01-01", "start": next(iter(moves)), "moves": moves, **more}


def test_a_constant_rate_gives_exponential_times() -> None:
    rows = events(machine({"well": {"rates": {"ill": 0.05}}, "ill": None}, rows="ill"))
    # within 20 years a share of 1 - exp(-1) falls ill: 0.632 with a standard error of 0.0034
    assert rows.height / 20_000 == pytest.approx(1 - np.exp(-1), abs=0.014)
    years = (rows["at"] - datetime(2000, 1, 1)).dt.total_days() / 365.25
    assert years.median() == pytest.approx(-np.log(1 - (1 - np.exp(-1)) / 2) / 0.05, abs=0.35)
    assert rows["person_id"].is_unique().all()
    assert rows["until"].null_count() == rows.height
    assert rows["before"].unique().to_list() == ["well"]


def test_rates_can_depend_on_the_parent_and_change_with_time() -> None:
    rate = "case when years >= 10 then 0.1 else 0 end * case when sex = 'F' then 1 else 0 end"
    moves = {"well": {"rates": {"ill": rate}}, "ill": None}
    rows = events(machine(moves, rows="ill", every="P365D"), sex={"formula": "people.sex"})
    assert set(rows["sex"]) == {"F"}
    assert rows["at"].min() >= datetime(2009, 12, 28)
    # ten years at 0.1 a year for about 10,000 women: 0.632 with a standard error of 0.005
    assert rows.height / 10_000 == pytest.approx(1 - np.exp(-1), abs=0.04)


def test_competing_rates_share_the_moves() -> None:
    rows = events(machine({"on": {"rates": {"a": 0.3, "b": 0.1}}, "a": None, "b": None}, rows=["a", "b"]))
    # a has three of four moves: standard error 0.003
    assert (rows["state"] == "a").mean() == pytest.approx(0.75, abs=0.013)


def test_stays_and_chances() -> None:
    moves = {
        "home": {"rates": {"ward": 0.5}},
        "ward": {"stay": {"uniform": ["P2D", "P4D"]}, "then": {"home": 0.9, "dead": 0.1}},
        "dead": None,
    }
    rows = events(machine(moves))
    stays = rows.filter((pl.col("state") == "ward") & pl.col("until").is_not_null())
    assert stays.height > 50_000
    lasted = stays["until"] - stays["at"]
    assert lasted.min() >= pl.select(2 * DAY - pl.duration(seconds=1)).item()
    assert lasted.max() <= pl.select(4 * DAY + pl.duration(seconds=1)).item()
    deaths = rows.filter(pl.col("state") == "dead")
    assert deaths.height / stays.height == pytest.approx(0.1, abs=0.006)
    assert set(deaths["before"]) == {"ward"}
    # who is dead stays so
    last = rows.group_by("person_id", maintain_order=True).agg(
        pl.col("state").last(), (pl.col("state") == "dead").sum().alias("n")
    )
    assert last.filter(pl.col("n") > 0)["state"].unique().to_list() == ["dead"]


def test_entries_follow_each_other_in_time() -> None:
    rows = events(
        machine({"a": {"stay": {"exponential": "P40D"}, "then": "b"}, "b": {"stay": "P9D", "then": "a"}}), 500
    )
    same = pl.col("person_id") == pl.col("person_id").shift(-1)
    following = rows.filter(same.fill_null(False))
    assert following.height > 10_000
    assert rows.filter(same)["until"].equals(
        rows.select(pl.col("at").shift(-1).filter(same)).to_series(), check_names=False
    )
    assert (rows["at"] < rows["until"]).drop_nulls().all()
    counted = pl.int_range(1, pl.len() + 1).over("person_id", "state")
    assert rows.select((pl.col("number") == counted).all()).item()
    assert rows["until"].null_count() == 500


def test_walks_keep_to_their_period() -> None:
    rows = events(
        {"from": "born + 3650", "to": "born + 7300", "start": {"a": 0.2, "b": 0.8}, "rows": ["a", "b"],
         "moves": {"a": {"rates": {"b": 0.4}}, "b": {"rates": {"a": 0.4}}}},
        born={"formula": "people.born"},
    )  # fmt: skip
    age = (rows["at"] - rows["born"].cast(pl.Datetime("us"))).dt.total_days()
    assert age.min() >= 3650
    assert age.max() < 7300
    first = rows.unique("person_id", keep="first", maintain_order=True)
    assert first.height == 20_000
    assert (first["state"] == "b").mean() == pytest.approx(0.8, abs=0.012)


def test_a_period_that_is_missing_or_empty_gives_no_rows() -> None:
    moves = {"a": {"rates": {"b": 1}}, "b": None}
    assert (
        events(
            {"from": "case when sex = 'X' then born end", "to": "2020-01-01", "start": "a", "moves": moves}
        ).height
        == 0
    )
    assert events({"from": "2020-01-01", "to": "2010-01-01", "start": "a", "moves": moves}).height == 0
    assert events(machine(moves), rows=0).height == 0


def test_machines_side_by_side_see_the_earlier_ones() -> None:
    first = machine({"well": {"rates": {"cause": 0.1}}, "cause": None}, rows="cause")
    second = machine(
        {"free": {"rates": {"effect": "case when at >= cause then 0.5 else 0 end"}}, "effect": None},
        rows="effect",
    )
    rows = events([first, second])
    wide = rows.pivot("state", index="person_id", values="at")
    assert wide["effect"].drop_nulls().len() > 5_000
    assert (wide["effect"] >= wide["cause"]).drop_nulls().all()
    assert wide.filter(pl.col("cause").is_null()).height == 0
    assert rows["person_id"].is_sorted()


def test_any_part_can_be_made_alone_and_is_the_same() -> None:
    moves = {
        "a": {"stay": {"exponential": "P1500D"}, "then": {"a": 0.6, "b": 0.4}},
        "b": {"rates": {"a": 0.5}},
    }
    made = rules(machine(moves), rows=70_000)
    whole = sim.generate(made, seed=4).polars("events")
    model = sim.compose(made)
    maker = model.maker(model.sizes(), 4)
    extent = maker.extent("events")
    assert extent.units > 3
    for unit in (extent.units - 1, 1):
        alone = model.maker(model.sizes(), 4).unit("events", unit)
        part = whole.slice(int(extent.starts[unit]), extent.size(unit))
        for column in ("id", "person_id", "at", "number"):
            assert alone[column].equals(part[column], check_names=False)
        assert alone["state"].cast(pl.String).equals(part["state"], check_names=False)
    assert not whole.equals(sim.generate(made, seed=5).polars("events"))


def test_columns_above_can_count_entries() -> None:
    made = rules(
        machine({"well": {"rates": {"ill": 0.2}}, "ill": {"stay": "P7D", "then": "well"}}, rows="ill"),
        rows=300,
    )
    made["tables"]["people"]["columns"] = {**PEOPLE, "times": {"aggregate": {"of": "events", "count": "*"}}}
    data = sim.generate(made, seed=1)
    counted = data.polars("events")["person_id"].value_counts().rename({"person_id": "id"})
    joined = (
        data.polars("people").join(counted, on="id", how="left").with_columns(pl.col("count").fill_null(0))
    )
    assert (joined["times"] == joined["count"]).all()


BAD = [
    (machine({"a": {"rates": {"c": 1}}, "b": None}), "no state named 'c'"),
    (machine({"a": {"rates": {"b": -1}}, "b": None}), "a number from 0 or a formula"),
    (machine({"a": {"rates": {"b": 1}, "stay": "P1D"}, "b": None}), "rates, or stay and then"),
    (machine({"a": {"stay": "P1D"}, "b": None}), "Give both"),
    (machine({"a": {"stay": {"normal": [3, 1]}, "then": "b"}, "b": None}), "a stay is a duration"),
    (machine({"a": {"rates": {"b": "weight * 2"}}, "b": None}), "weight"),
    (machine({"a": None}, rows=["z"]), "no state named 'z'"),
    (machine({"a": None}, every=3), "every is a duration"),
    ({"from": "sex", "to": "2020-01-01", "start": "a", "moves": {"a": None}}, "no date"),
    ({"from": "born", "start": "a", "moves": {"a": None}}, "'to' is missing"),
    ([machine({"a": None}), machine({"a": None})], "another machine has a state 'a'"),
]  # fmt: skip


@pytest.mark.parametrize(("states", "told"), BAD)
def test_what_can_not_be_walked_is_refused(states: Any, told: str) -> None:
    with pytest.raises(SchemaError, match=told):
        sim.compose(rules(states))


def test_a_state_named_like_a_column_is_refused_where_formulas_could_confuse_them() -> None:
    with pytest.raises(SchemaError, match="'born' is a column"):
        sim.compose(rules([machine({"born": None}), machine({"b": None})]))


def test_a_machine_without_end_is_refused() -> None:
    moves = {"a": {"stay": "PT0S", "then": "b"}, "b": {"stay": "PT0S", "then": "a"}}
    with pytest.raises(SchemaError, match="Let stays last longer"):
        events(machine(moves), rows=1)


def test_children_and_states_exclude_each_other() -> None:
    made = rules(machine({"a": None}))
    made["tables"]["events"]["columns"]["person_id"]["reference"]["children"] = 3
    with pytest.raises(SchemaError, match="children and states"):
        sim.compose(made)


def test_entry_asks_for_states() -> None:
    with pytest.raises(SchemaError, match="Give its reference 'states'"):
        sim.generate({"a": {"entry": "state"}}, 3)
