"""Data from rules alone: what each rule promises, that references hold, and that any part can be made alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import OptionError, SchemaError
from simulacra.registry import RULES
from simulacra.rules.extents import cut_runs
from simulacra.schema._yaml import load_yaml
from simulacra.schema.files import dump_schema

SHOP = """
tables:
  customers:
    rows: 3000
    columns:
      id: sequence
      code: {shuffle: {low: 10000, high: 99999, form: "C-{:05}"}}
      sex: {choice: {F: 0.52, M: 0.48}}
      country: {choice: {DE: 0.5, FR: 0.3, US: 0.2}}
      born: {uniform: [1940-01-01, 2005-12-31]}
      joined: {timetable: {from: 2020-01-01, to: 2023-12-31, growth: 0.3, precision: day}}
      income: {cases: {on: country, DE: {lognormal: {median: 42000, sigma: 0.5}}, else: {const: 1}}, decimals: 2}
      age: {formula: "2024 - extract(year from born)"}
      phone: {pattern: "555-01[0-9]{2}", missing: 0.2}
      spent: {aggregate: {of: orders, sum: total}, decimals: 2}
  products:
    rows: 100
    columns:
      id: {shuffle: {}}
      price: {lognormal: [20, 1], decimals: 2, min: 1}
      kind: {choice: [food, tools, toys]}
  orders:
    columns:
      id: sequence
      customer_id: {reference: {to: customers, children: {poisson: 3}}}
      at: {timetable: {from: customers.joined, to: 2024-12-31, hours: {9-17: 4}, weekdays: {sun: 0}}}
      status: {choice: {paid: 0.9, open: 0.1}}
      paid: {formula: "at + interval '3 days'", missing: "status = 'open'"}
      total: {aggregate: {of: lines, sum: "price * quantity"}, decimals: 2}
  lines:
    key: [order_id, line]
    columns:
      order_id: {reference: {to: orders, children: {geometric: 2.5}}}
      line: {position: 1}
      product_id: {reference: {to: products, pick: {zipf: 1.1}, distinct: true}}
      price: {formula: products.price}
      quantity: {geometric: 1.5}
      note: {text: "{quantity} x {products.kind}"}
"""


@pytest.fixture(scope="module")
def shop() -> dict[str, pl.DataFrame]:
    return dict(sim.generate(load_yaml(SHOP), seed=1).frames)


def one(rule: Any, n: int = 20_000, **beside: Any) -> pl.Series:
    """Make one column, beside others that it reads."""
    made = sim.generate({**beside, "x": rule}, n, seed=3).frame["x"]
    assert isinstance(made, pl.Series)
    return made


def test_every_reference_leads_to_a_row(shop: dict[str, pl.DataFrame]) -> None:
    customers, products, orders, lines = (shop[name] for name in ("customers", "products", "orders", "lines"))
    assert orders["customer_id"].is_in(customers["id"].implode()).all()
    assert lines["order_id"].is_in(orders["id"].implode()).all()
    assert lines["product_id"].is_in(products["id"].implode()).all()
    assert not lines.select("order_id", "line").is_duplicated().any()
    assert not lines.select("order_id", "product_id").drop_nulls().is_duplicated().any()


def test_children_follow_their_distribution(shop: dict[str, pl.DataFrame]) -> None:
    counts = shop["orders"].group_by("customer_id").len()["len"]
    n, total = len(shop["customers"]), len(shop["orders"])
    # the sum of 3,000 Poisson numbers of mean 3 has a standard deviation of 95
    assert abs(total - 3 * n) < 4 * np.sqrt(3 * n)
    none = n - len(counts)
    expected = n * np.exp(-3)
    assert abs(none - expected) < 4 * np.sqrt(expected)


def test_what_parents_add_up_is_what_their_children_have(shop: dict[str, pl.DataFrame]) -> None:
    sums = shop["lines"].group_by("order_id").agg(own=(pl.col("price") * pl.col("quantity")).sum())
    joined = (
        shop["orders"]
        .join(sums, left_on="id", right_on="order_id", how="left")
        .with_columns(pl.col("own").fill_null(0))
    )
    assert (joined["total"] - joined["own"]).abs().max() < 0.006
    spent = shop["orders"].group_by("customer_id").agg(own=pl.col("total").sum())
    joined = shop["customers"].join(spent, left_on="id", right_on="customer_id", how="left")
    assert (joined["spent"] - joined["own"].fill_null(0)).abs().max() < 0.006


def test_columns_of_parents_and_picked_rows_are_copied_right(shop: dict[str, pl.DataFrame]) -> None:
    joined = shop["lines"].join(shop["products"], left_on="product_id", right_on="id", how="left")
    assert (joined["price"] == joined["price_right"]).all()
    assert (joined["note"] == joined["quantity"].cast(pl.String) + " x " + joined["kind"]).all()


def test_moments_keep_their_period_their_order_and_their_weights(shop: dict[str, pl.DataFrame]) -> None:
    orders = shop["orders"].join(shop["customers"], left_on="customer_id", right_on="id")
    assert (orders["at"].dt.date() >= orders["joined"]).all()
    assert orders["at"].max() < pl.Series(["2025-01-01"]).str.to_datetime().item()
    assert (orders["at"].dt.weekday() < 7).all()
    assert (
        orders.group_by("customer_id", maintain_order=True)
        .agg(pl.col("at").diff().drop_nulls().dt.total_seconds().min() >= 0)["at"]
        .drop_nulls()
        .all()
    )
    busy = orders["at"].dt.hour().is_between(9, 17).mean()
    expected = 9 * 4 / (9 * 4 + 15)
    assert isinstance(busy, float)
    assert abs(busy - expected) < 4 * np.sqrt(expected * (1 - expected) / len(orders)) + 0.002
    assert (orders["paid"].is_null() == (orders["status"] == "open")).all()


def test_a_table_of_its_own_rises_in_time_over_the_whole_period() -> None:
    at = one({"timetable": {"from": "2024-01-01", "to": "2024-12-31"}}, 70_000)
    assert (at.diff().drop_nulls().dt.total_seconds() >= 0).all()
    assert at.dt.month().value_counts().height == 12


def test_keys_do_not_repeat_over_blocks() -> None:
    made = sim.generate(
        {"id": "sequence", "a": {"shuffle": {}}, "b": {"pattern": "[A-Z]{4}", "unique": True},
         "c": {"int": [1, 100_000], "unique": True}},
        100_000, seed=2,
    ).frame  # fmt: skip
    for name in made.columns:
        assert made[name].n_unique() == len(made), name
    assert sorted(made["c"]) == list(range(1, 100_001))
    # a shuffled key tells nothing of the place of its row
    correlation = np.corrcoef(np.arange(len(made)), made["a"].to_numpy())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(made))


def test_more_rows_than_values_are_refused() -> None:
    with pytest.raises(OptionError, match=r"101 rows are to differ, and the rule has 100 values"):
        sim.generate({"x": {"pattern": "[0-9]{2}", "unique": True}}, 101)
    with pytest.raises(SchemaError, match="can not be told to differ"):
        sim.generate({"x": {"normal": [0, 1], "unique": True}}, 3)


@pytest.mark.parametrize(
    ("rule", "mean", "sd"),
    [
        ({"uniform": [2, 10]}, 6, 8 / np.sqrt(12)),
        ({"int": [1, 6]}, 3.5, np.sqrt(35 / 12)),
        ({"normal": [170, 10]}, 170, 10),
        ({"lognormal": {"median": 100, "sigma": 0.5}}, 100 * np.exp(0.125),
         100 * np.exp(0.125) * np.sqrt(np.expm1(0.25))),
        ({"lognormal": {"mean": 50, "sd": 20}}, 50, 20),
        ({"exponential": 3.5}, 3.5, 3.5),
        ({"gamma": [2, 3]}, 6, np.sqrt(18)),
        ({"beta": [2, 5]}, 2 / 7, np.sqrt(10 / (49 * 8))),
        ({"weibull": [2, 10]}, 10 * np.sqrt(np.pi) / 2, 10 * np.sqrt(1 - np.pi / 4)),
        ({"pareto": [5, 100]}, 125, np.sqrt(100**2 * 5 / (16 * 3))),
        ({"triangular": [0, 2, 10]}, 4, np.sqrt((100 + 4 - 20) / 18)),
        ({"student": [10, 1, 2]}, 1, 2 * np.sqrt(10 / 8)),
        ({"laplace": [0, 2]}, 0, 2 * np.sqrt(2)),
        ({"logistic": [0, 2]}, 0, 2 * np.pi / np.sqrt(3)),
        ({"poisson": 3}, 3, np.sqrt(3)),
        ({"binomial": [10, 0.3]}, 3, np.sqrt(2.1)),
        ({"geometric": 3}, 3, np.sqrt(6)),
        ({"negative-binomial": [5, 1.5]}, 5, np.sqrt(5 + 25 / 1.5)),
        ({"quantiles": [0, 0, 10]}, 2.5, np.sqrt(100 / 6 - 6.25)),
        ({"mixture": [{"weight": 3, "of": {"const": 0}}, {"weight": 1, "of": {"uniform": [4, 8]}}]}, 1.5,
         np.sqrt(0.25 * (36 + 16 / 12) - 2.25)),
    ],
)  # fmt: skip
def test_distributions_have_their_moments(rule: dict[str, Any], mean: float, sd: float) -> None:
    n = 200_000
    drawn = one(rule, n).to_numpy().astype(float)
    assert abs(drawn.mean() - mean) < 4.5 * sd / np.sqrt(n)
    fourth = ((drawn - drawn.mean()) ** 4).mean()
    error = np.sqrt(max(fourth - sd**4, 0) / n)
    assert abs(drawn.var() - sd**2) < 5 * error + 1e-9


def test_ranks_fall_like_a_power() -> None:
    drawn = one({"zipf": [1.0, 1000]}, 200_000)
    share = {rank: (drawn == rank).mean() for rank in (1, 2, 10)}
    for rank, own in share.items():
        expected = np.log((rank + 1) / rank) / np.log(1001)
        assert isinstance(own, float)
        assert abs(own - expected) < 4.5 * np.sqrt(expected / 200_000)
    assert drawn.min() == 1
    assert drawn.max() <= 1000  # type: ignore[operator]


def test_bounds_cut_a_distribution_off_and_pile_nothing_up() -> None:
    drawn = one({"normal": {"mean": 0, "sd": 1, "min": 0, "max": 1}})
    assert drawn.is_between(0, 1).all()
    assert drawn.n_unique() > 19_000


@pytest.mark.parametrize(("values", "n"), [(("a", "b", "c"), 3), (tuple(f"v{i}" for i in range(300)), 300)])
def test_choices_have_their_weights(values: tuple[str, ...], n: int) -> None:
    weights = {value: 1 + place % 5 for place, value in enumerate(values)}
    counts = dict(one({"choice": weights}, 100_000).value_counts().iter_rows())
    total = sum(weights.values())
    chi = sum((counts.get(v, 0) - 1e5 * w / total) ** 2 / (1e5 * w / total) for v, w in weights.items())
    assert chi < n + 4.5 * np.sqrt(2 * n)


def test_kinds_are_kept() -> None:
    made = sim.generate(
        {"whole": {"int": [1, 9]}, "money": {"lognormal": [20, 1], "decimals": 2},
         "flag": {"choice": {"true": 1, "false": 3}}, "day": {"uniform": ["2024-02-28", "2024-03-01"]},
         "moment": {"uniform": ["2024-01-01T00:00:00", "2024-01-02T00:00:00"]},
         "clock": {"uniform": ["08:00", "18:00"]}, "took": {"exponential": "PT5M"}, "size": {"choice": [36, 38, 40]}},
        5_000, seed=1,
    ).frame  # fmt: skip
    assert made.schema == {
        "whole": pl.Int64, "money": pl.Float64, "flag": pl.Boolean, "day": pl.Date, "moment": pl.Datetime("us"),
        "clock": pl.Time, "took": pl.Duration("us"), "size": pl.Int64,
    }  # fmt: skip
    assert (made["money"] - made["money"].round(2)).abs().max() == 0
    # leap day and last day are as likely as the first
    days = dict(made["day"].cast(pl.String).value_counts().iter_rows())
    assert set(days) == {"2024-02-28", "2024-02-29", "2024-03-01"}
    assert min(days.values()) > 5000 / 3 - 4.5 * np.sqrt(5000 * 2 / 9)


def test_missing_values_by_share_and_by_condition() -> None:
    made = sim.generate(
        {"a": {"int": [1, 10], "missing": 0.3}, "b": {"choice": ["x", "y"]}, "c": {"int": [1, 2], "missing": "b = 'x'"},
         "d": {"int": [1, 2], "missing": {"if": "b = 'x'", "share": 0.5}}},
        20_000, seed=4,
    ).frame  # fmt: skip
    assert abs(made["a"].null_count() / 20_000 - 0.3) < 4.5 * np.sqrt(0.21 / 20_000)
    assert (made["c"].is_null() == (made["b"] == "x")).all()
    assert made.filter(pl.col("b") == "y")["d"].null_count() == 0
    assert 0.45 < made.filter(pl.col("b") == "x")["d"].null_count() / (made["b"] == "x").sum() < 0.55


def test_parameters_may_be_formulas_of_other_columns() -> None:
    made = sim.generate(
        {"size": {"int": [1, 5]}, "weight": {"normal": {"mean": "10 * size", "sd": 1}}}, 20_000, seed=1
    ).frame
    means = made.group_by("size").agg(pl.col("weight").mean(), n=pl.len())
    assert ((means["weight"] - 10 * means["size"]).abs() < 4.5 / means["n"].sqrt()).all()


def test_constraints_are_kept_in_every_row() -> None:
    made = sim.generate(
        {"tables": {"t": {"rows": 70_000, "columns": {"id": "sequence", "a": {"int": [1, 10]}, "b": {"int": [1, 10]}},
                          "constraints": ["a < b"]}}},
        seed=1,
    ).frame  # fmt: skip
    assert (made["a"] < made["b"]).all()
    assert made["id"].to_list() == list(range(1, 70_001))
    # of 45 pairs that are left, all are equally likely
    counts = made.group_by("a", "b").len()["len"].to_numpy()
    assert len(counts) == 45
    assert ((counts - 70_000 / 45) ** 2 / (70_000 / 45)).sum() < 44 + 4.5 * np.sqrt(88)


def test_steps_go_on_within_each_parent() -> None:
    made = sim.generate(
        {"tables": {
            "a": {"rows": 500, "columns": {"id": "sequence", "start": {"uniform": ["2024-01-01", "2024-12-31"]}}},
            "b": {"columns": {"a_id": {"reference": {"to": "a", "children": {"int": [0, 6]}}},
                              "at": {"steps": {"from": "a.start", "by": {"exponential": "P3D"}}},
                              "n": {"steps": {"from": 100, "by": {"choice": [-1, 2]}}}}},
        }}, seed=1,
    )  # fmt: skip
    rows = made.polars("b").join(made.polars("a"), left_on="a_id", right_on="id")
    assert (rows["at"] >= rows["start"]).all()
    later = rows.with_columns(
        pl.col("at").diff().over("a_id").alias("gap"), pl.col("n").diff().over("a_id").alias("step")
    )
    assert (later["gap"].drop_nulls().dt.total_seconds() >= 0).all()
    assert set(later["step"].drop_nulls()) == {-1, 2}
    assert set(later.filter(pl.col("gap").is_null())["n"]) == {99, 102}


def test_a_table_may_refer_to_itself_without_circles() -> None:
    made = sim.generate(
        {"tables": {"staff": {"rows": 1_000, "columns": {"id": "sequence", "boss": {"reference": "staff"}}}}},
        seed=1,
    ).frame
    assert made["boss"][0] is None
    assert made["boss"].null_count() == 1
    assert (made["boss"].drop_nulls() < made.filter(pl.col("boss").is_not_null())["id"]).all()


def test_picks_may_match_a_column() -> None:
    made = sim.generate(
        {"tables": {
            "branches": {"rows": 30, "columns": {"id": "sequence", "country": {"choice": ["DE", "FR"]}}},
            "accounts": {"rows": 500, "columns": {"id": "sequence", "country": {"choice": ["DE", "FR"]},
                         "branch": {"reference": {"to": "branches", "match": "country"}}}},
        }}, seed=1,
    )  # fmt: skip
    joined = made.polars("accounts").join(made.polars("branches"), left_on="branch", right_on="id")
    assert len(joined) == 500
    assert (joined["country"] == joined["country_right"]).all()


def test_any_unit_can_be_made_alone_and_in_any_order() -> None:
    model = sim.compose(load_yaml(SHOP))
    sizes = model.sizes({"customers": 40_000})
    whole = model.sample({"customers": 40_000}, seed=9)
    for table in ("lines", "orders", "customers"):
        maker = model.maker(sizes, 9)
        extent = maker.extent(table)
        unit = extent.units - 1
        made = maker.unit(table, unit)
        rows = whole.polars(table).slice(int(extent.starts[unit]))
        for name in rows.columns:
            assert made[name].cast(rows[name].dtype).equals(rows[name], null_equal=True), (table, name)
    assert len(whole.polars("lines")) > 4 * 65_536


def test_parents_with_many_children_are_units_of_their_own() -> None:
    counts = np.array([10, 200_000, 5, 60_000, 10_000])
    borders = cut_runs(counts).tolist()
    assert borders == [0, 1, 2, 4, 5]
    assert cut_runs(np.zeros(3, dtype=np.int64)).tolist() == [0, 3]


def test_the_same_seed_gives_the_same_rows_and_another_seed_does_not() -> None:
    rules = load_yaml(SHOP)
    first, again, other = (sim.generate(rules, 200, seed=seed) for seed in (5, 5, 6))
    assert first.digest == again.digest != other.digest


def test_a_schema_of_rules_written_out_in_full_makes_the_same_rows() -> None:
    model = sim.compose(load_yaml(SHOP))
    again = sim.compose(dump_schema(model.schema))
    assert again.schema == model.schema
    assert again.sample(50, seed=1).digest == model.sample(50, seed=1).digest


def test_a_schema_without_rules_is_enough() -> None:
    schema = {"version": 1, "tables": {"t": {"key": ["id"], "columns": {
        "id": {"kind": "key", "integer": True}, "age": {"kind": "number", "integer": True, "bounds": [18, 99]},
        "plan": {"kind": "category", "levels": ["basic", "pro"]}, "mail": {"kind": "text", "identifying": "email"},
        "code": {"kind": "text", "pattern": "[A-Z]{2}[0-9]{3}"},
        "since": {"kind": "date", "nullable": True}}}}}  # fmt: skip
    made = sim.generate(schema, 500, seed=1)
    sim.read(made.frame, schema=made.schema)
    frame = made.frame
    assert frame["age"].is_between(18, 99).all()
    assert set(frame["plan"]) == {"basic", "pro"}
    assert frame["mail"].str.contains("@example.").all()
    assert frame["code"].str.contains("^[A-Z]{2}[0-9]{3}$").all()
    assert 0 < frame["since"].null_count() < 500


@pytest.mark.parametrize("word", [name for name in RULES.names() if name not in {"learnt", "entry"}])
def test_every_kind_of_rule_says_how_it_is_written(word: str) -> None:
    example = RULES.load(word).example
    rule = load_yaml(f"rule: {example}")["rule"]
    beside: dict[str, Any] = {
        "country": {"choice": ["DE", "FR"]}, "price": {"uniform": [1, 9]}, "quantity": {"int": [1, 3]},
        "id": "sequence",
    }  # fmt: skip
    parent = {"id": "sequence", "name": "person.name", "joined": {"uniform": ["2020-01-01", "2022-01-01"]}}
    if word == "aggregate":
        parent["x"] = rule
        rule = {"int": [1, 2]}
    own = (
        {"customers_id": {"reference": {"to": "customers", "children": {"poisson": 2}}}}
        if word != "reference"
        else {}
    )
    made = sim.generate(
        {
            "tables": {
                "customers": {"rows": 50, "columns": parent},
                "lines": {"columns": {**beside, **own, "x": rule}},
            }
        },
        seed=1,
    )
    assert made.polars("lines")["x"].null_count() == 0
    assert len(made.polars("lines")) > 50


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"x": {"chioce": ["a"]}}, r"column 'x': no rule named 'chioce'; did you mean 'choice'"),
        ({"x": {"normal": [1]}}, r"column 'x': normal takes mean, sd; sd is missing"),
        ({"x": {"normal": [1, -1]}}, "sd of normal must be above 0, not -1"),
        ({"x": "person.nmae"}, r"column 'x': no field named 'person.nmae'; did you mean 'person.name'"),
        ({"x": {"formula": "y + 1"}}, r"column 'x': no column named 'y'"),
        ({"x": {"formula": "y + 1"}, "y": {"formula": "x + 1"}}, "made from each other"),
        ({"x": {"reference": "nowhere"}}, "there is no table 'nowhere'"),
        ({"x": None}, "nothing says how it is made"),
        ({"x": {"choice": {"a": 0}}}, "all weights are 0"),
        ({"x": {"pattern": "(?=a)"}}, "column 'x'"),
        ({"x": {"timetable": {"from": "2024-01-01"}}}, "needs 'to'"),
        ({"x": {"int": [5, 1]}}, "low is above high"),
        ({"x": {"position": 1}}, "counts the rows of a parent"),
    ],
)
def test_a_rule_that_can_not_be_understood_says_what_and_where(rules: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        sim.generate(rules, 3, seed=1)


def test_sizes_by_number_name_and_scale() -> None:
    model = sim.compose(load_yaml(SHOP))
    assert model.sizes() == {"customers": 3000, "products": 100}
    assert model.sizes(300) == {"customers": 300, "products": 10}
    assert model.sizes({"products": 5}) == {"customers": 3000, "products": 5}
    assert model.sizes(scale=2) == {"customers": 6000, "products": 200}
    with pytest.raises(OptionError, match="follow from those of its parent"):
        model.sizes({"orders": 5})


def test_rules_beside_a_fitted_model(tmp_path: Path) -> None:
    frame = pl.DataFrame({"age": [23, 31, 45, 52] * 100, "sex": ["F", "M"] * 200})
    schema = sim.infer(frame)
    rules = dump_schema(schema)
    columns = rules["tables"]["table"]["columns"]
    columns["id"] = {"kind": "key", "integer": True, "rule": {"sequence": 1}}
    columns["mail"] = {"kind": "text", "rule": {"field": "email"}}
    columns["old"] = {"kind": "boolean", "rule": {"formula": "age > 40"}}
    model = sim.fit(frame, schema=rules, seed=1)
    drawn = model.sample(70_000, seed=2)
    rows = drawn.frame
    assert rows.columns == ["age", "sex", "id", "mail", "old"]
    assert (rows["old"] == (rows["age"] > 40)).all()
    assert rows["id"].n_unique() == 70_000
    shares = dict(rows["sex"].value_counts().iter_rows())
    assert abs(shares["F"] / 70_000 - 0.5) < 0.02
    path = model.save(tmp_path / "mixed.sim")
    assert sim.load(path).sample(70_000, seed=2).digest == drawn.digest
    sim.fit(frame, "independent", seed=1).save(tmp_path / "people.sim")
    (tmp_path / "rules.yaml").write_text(
        "tables: {people: {rows: 10, model: people.sim, columns: {id: sequence}}}", encoding="utf-8"
    )
    named = sim.load(tmp_path / "rules.yaml").sample(seed=1).frame
    assert named.columns == ["age", "sex", "id"]


def test_rows_that_rules_made_are_learnt_like_any_others() -> None:
    made = sim.generate({"age": {"int": [18, 99]}, "sex": {"choice": ["F", "M"]}}, 500, seed=1)
    assert all(column.rule is None for column in made.schema.table().columns)
    assert isinstance(sim.fit(made, "independent", seed=1), sim.Synthesizer)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_parts_have_the_values_of_one_draw(tmp_path: Path, workers: int) -> None:
    model = sim.compose(load_yaml(SHOP))
    done = model.sample(
        {"customers": 30_000}, seed=3, to=tmp_path / "shop", workers=workers, engine="threads"
    )
    whole = model.sample({"customers": 30_000}, seed=3)
    again = sim.read(tmp_path / "shop")
    for name in whole.schema.names:
        assert again.polars(name).equals(whole.polars(name)), name
    assert done.digest == model.sample({"customers": 30_000}, seed=3, to=tmp_path / "other").digest


def test_a_distribution_may_be_taken_from_a_real_column(tmp_path: Path) -> None:
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2022, 12, 31), eager=True)
    real = pl.DataFrame(
        {"age": [20 + i % 50 for i in range(1_000)], "sex": ["F", "M", "F", "F"] * 250, "day": days[:1_000],
         "odd": ["x"] * 997 + ["rare"] * 3}
    )  # fmt: skip
    real.write_csv(tmp_path / "people.csv")
    (tmp_path / "rules.yaml").write_text(
        "columns: {age: {data: people.csv:age}, sex: {data: people.csv:sex}, day: {data: people.csv:day}, "
        "odd: {data: people.csv:odd}}",
        encoding="utf-8",
    )
    made = sim.load(tmp_path / "rules.yaml").sample(20_000, seed=1).frame
    assert made.schema == {"age": pl.Int64, "sex": pl.String, "day": pl.Date, "odd": pl.String}
    assert abs(made["age"].mean() - real["age"].mean()) < 1  # type: ignore[operator]
    assert abs((made["sex"] == "F").mean() - 0.75) < 0.02  # type: ignore[operator]
    assert made["day"].min() >= real["day"].min()  # type: ignore[operator]
    assert set(made["odd"]) == {"x"}


def test_short_rules_are_a_schema_wherever_one_is_asked_for(tmp_path: Path) -> None:
    frame = pl.DataFrame({"age": [23, 31, 45, 52] * 100})
    rules = {
        "columns": {
            "age": {"kind": "number", "integer": True},
            "mail": "email",
            "old": {"formula": "age > 40"},
        }
    }
    drawn = sim.fit(frame, schema=rules, seed=1).sample(50, seed=1).frame
    assert drawn.columns == ["age", "mail", "old"]
    assert (drawn["old"] == (drawn["age"] > 40)).all()
    (tmp_path / "rules.yaml").write_text(
        "columns: {age: {int: [18, 99]}, plan: {choice: [a, b]}}", encoding="utf-8"
    )
    cases = sim.make_edge_cases(schema=tmp_path / "rules.yaml")
    assert len(cases) > 0


def test_hidden_columns_help_and_do_not_come_out(tmp_path: Path) -> None:
    model = sim.compose(
        {"base": {"normal": [100, 5], "hidden": True}, "double": {"formula": "2 * base", "decimals": 1}}
    )
    made = model.sample(1_000, seed=1)
    assert made.frame.columns == ["double"]
    assert made.schema.table().names == ("double",)
    assert abs(made.frame["double"].mean() - 200) < 4.5 * 10 / np.sqrt(1_000)  # type: ignore[operator]
    model.sample(1_000, seed=1, to=tmp_path / "parts")
    assert sim.read(tmp_path / "parts").frame.equals(made.frame)
    with pytest.raises(SchemaError, match="all columns are hidden"):
        sim.generate({"a": {"int": [1, 2], "hidden": True}}, 3)


def test_vocabularies_count_among_the_versions_wherever_a_field_stands() -> None:
    inside = {"cases": [{"if": "a = 1", "then": "person.name"}, {"else": "email"}]}
    assert "fields" in sim.compose({"a": {"int": [1, 2]}, "x": inside}).book.versions
    assert "fields" not in sim.compose({"a": {"int": [1, 2]}}).book.versions
