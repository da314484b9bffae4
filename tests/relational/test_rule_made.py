"""Databases that rules made are learnt as well as others: what their rules keep is kept, in every row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import simulacra as sim
from simulacra.dataset import Dataset

MACHINES: dict[str, Any] = {
    "tables": {
        "depots": {
            "role": "reference", "rows": 8,
            "columns": {"id": "sequence", "town": {"pattern": "[A-Z]{5}"}},
        },
        "machines": {
            "rows": 150,
            "columns": {
                "id": "sequence", "code": {"pattern": "00[1-4]0[0-9]{4}"}, "depot_id": {"reference": "depots"},
                "installed": {"uniform": ["2015-01-01", "2020-12-31"]},
                "first": {"aggregate": {"of": "events", "min": "began"}},
            },
        },
        "papers": {
            "columns": {
                "id": "sequence", "machine_id": {"reference": {"to": "machines", "children": {"poisson": 3}}},
                "label": {"pattern": "0[1-3]X[0-9]{3}"}, "issued": {"uniform": ["2021-01-01", "2021-06-30"]},
                "checked": {"uniform": ["2021-06-01", "2021-06-30"]},
            }
        },
        "events": {
            "columns": {
                "id": "sequence",
                "machine_id": {"reference": {"to": "machines", "states": {
                    "from": "installed", "to": "2024-12-31", "start": "running",
                    "moves": {
                        "running": {"rates": {"failed": 1.0, "scrapped": 0.05}},
                        "failed": {"stay": {"exponential": "P9D"}, "then": "running"},
                        "scrapped": None,
                    },
                }}},
                "state": {"entry": "state"}, "began": {"entry": "at"}, "ended": {"entry": "until"},
                "before": {"entry": "before"},
            },
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def real() -> Dataset:
    return sim.generate(MACHINES, seed=1)


@pytest.fixture(scope="module")
def model(real: Dataset) -> Any:
    return sim.fit(real, seed=1)


@pytest.fixture(scope="module")
def fake(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = model.save(tmp_path_factory.mktemp("models") / "machines.sim")
    return sim.load(path).sample(seed=2)


def test_walks_and_timetables_are_events_in_order(real: Dataset) -> None:
    events = real.schema.table("events")
    assert (events.role, events.order) == ("event", "began")
    assert (real.schema.table("papers").role, real.schema.table("papers").order) == ("child", None)
    calls = {"to": "a", "children": {"poisson": 2}}
    times = {"timetable": {"from": "2024-01-01", "to": "2024-12-31"}}
    for rule, found in (
        (times, ("event", "at")),
        ({**times, "missing": 0.1}, ("child", None)),
        ({"timetable": {**times["timetable"], "rising": False}}, ("child", None)),
    ):
        tables = {
            "a": {"rows": 3, "columns": {"id": "sequence"}},
            "b": {"columns": {"id": "sequence", "a": {"reference": calls}, "at": rule}},
        }
        table = sim.generate({"tables": tables}, seed=1).schema.table("b")
        assert (table.role, table.order) == found


def test_a_state_ends_when_the_next_one_begins(model: Any, fake: Dataset) -> None:
    assert any("'ended' of each row is told by 'began' of the next one" in note for note in model.notes)
    rows = fake.polars("events").sort("machine_id", "began", maintain_order=True)
    rows = rows.with_columns(pl.col("ended", "state").shift().over("machine_id").name.prefix("last_"))
    later = rows.filter(pl.int_range(pl.len()).over("machine_id") > 0)
    assert len(later) > 500
    assert later["began"].equals(later["last_ended"], check_names=False)
    assert (later["before"] == later["last_state"]).mean() > 0.98
    firsts = fake.polars("events").group_by("machine_id").agg(pl.col("began").min())
    both = fake.polars("machines").join(firsts, left_on="id", right_on="machine_id")
    assert len(both) == len(fake.polars("machines"))
    assert both["first"].equals(both["began"], check_names=False)


def test_public_rows_that_few_refer_to_are_dealt_evenly(real: Dataset) -> None:
    few = sim.fit(real, seed=1, holders=40)
    assert any("8 rows of 'depots' have fewer than 40 holders" in note for note in few.notes)
    drawn = few.sample(seed=2).polars("machines")["depot_id"]
    assert not drawn.null_count()
    # 150 rows over 8 depots: 18.75 each, with a deviation of 4.1
    assert drawn.value_counts()["count"].is_between(4, 36).all() and drawn.n_unique() == 8


def test_patterns_and_declared_bounds_are_kept(fake: Dataset) -> None:
    assert fake.polars("machines")["code"].str.contains("^00[1-4]0[0-9]{4}$").all()
    papers = fake.polars("papers")
    assert papers["label"].str.contains("^0[1-3]X[0-9]{3}$").all()
    for name in ("issued", "checked"):
        bounds = MACHINES["tables"]["papers"]["columns"][name]["uniform"]
        low, high = (pl.select(pl.lit(end).str.to_date()).item() for end in bounds)
        assert papers[name].is_between(low, high).all()
        assert papers[name].n_unique() > 15


def test_a_date_that_a_rule_copies_is_no_distance() -> None:
    columns = {
        "id": "sequence", "a": {"uniform": ["2020-01-01", "2020-06-30"]},
        "ended": {"uniform": ["2021-01-01", "2023-12-31"], "missing": 0.3},
    }  # fmt: skip
    child = {
        "id": "sequence", "of": {"reference": {"to": "parents", "children": {"poisson": 2}}},
        "began": {"uniform": ["2020-07-01", "2020-12-31"]}, "stopped": {"formula": "parents.ended"},
    }  # fmt: skip
    child["of"]["reference"]["as"] = "parents"
    tables = {"parents": {"rows": 200, "columns": columns}, "rows": {"columns": child}}
    drawn = sim.fit(sim.generate({"tables": tables}, seed=1), seed=1).sample(seed=2)
    both = drawn.polars("rows").join(drawn.polars("parents"), left_on="of", right_on="id")
    assert both["stopped"].equals(both["ended"], check_names=False)


def test_capped_numbers_of_rows_are_told() -> None:
    counts = [*([3] * 60), *([60] * 5)]
    parents = pl.DataFrame({"id": range(1, 66)})
    rows = pl.DataFrame({"parent": [n + 1 for n, count in enumerate(counts) for _ in range(count)]})
    rows = rows.with_columns(amount=pl.int_range(pl.len()) % 7)
    schema = sim.read({"parents": parents, "rows": rows}).schema.with_key("id", table="parents")
    schema = schema.without_reference("rows").with_reference("rows", "parent", "parents", "id")
    fitted = sim.fit({"parents": parents, "rows": rows}, schema=schema, seed=1)
    assert any("how many rows of 'rows' each row has: extremes coded" in note for note in fitted.notes)


def test_a_text_beside_tables_is_no_table(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "notes.txt").write_text("Dear all, these are the tables.\n")
    found = sim.read(tmp_path)
    assert found.schema.names == ("a", "b")
    assert any("'notes.txt'" in note and "rename it to .csv" in note for note in found.notes)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).unlink()
    (tmp_path / "stops.txt").write_text("x,y\n1,2\n3,4\n")
    assert sim.read(tmp_path).schema.names == ("notes", "stops")
