"""Figures over children mean what they mean in SQL, and keep the kind of what they are made of."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
import yaml

import simulacra as sim
from simulacra.errors import SchemaError

RULES = """
tables:
  orders:
    rows: 40
    columns:
      id: sequence
      open: {aggregate: {of: lines, count: "case when state = 'open' then 1 end"}}
      noted: {aggregate: {of: lines, count: note}}
      lines: {aggregate: {of: lines, count: "*"}}
      total: {aggregate: {of: lines, sum: quantity}}
      most: {aggregate: {of: lines, max: quantity}}
      usual: {aggregate: {of: lines, mean: quantity}}
      first: {aggregate: {of: lines, min: at}}
      code: {formula: "'SKU-' || (total * 10)"}
  lines:
    columns:
      id: sequence
      order_id: {reference: {to: orders, children: {int: [1, 4]}}}
      state: {choice: {open: 0.5, shut: 0.5}}
      note: {choice: [a, b], missing: 0.5}
      quantity: {int: [1, 9]}
      at: {timetable: {from: 2024-01-01, to: 2024-02-01}}
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> sim.Dataset:
    path = tmp_path_factory.mktemp("rules") / "orders.yaml"
    path.write_text(RULES)
    return sim.load(path).sample(seed=1)  # type: ignore[call-overload, no-any-return]


def test_a_count_is_of_the_rows_in_which_the_expression_has_a_value(drawn: sim.Dataset) -> None:
    lines = drawn.polars("lines")
    told = lines.group_by("order_id").agg(
        open=(pl.col("state") == "open").sum(), noted=pl.col("note").count(), lines=pl.len()
    )
    both = drawn.polars("orders").join(told, left_on="id", right_on="order_id", suffix="_told")
    assert len(both) == 40
    for name in ("open", "noted", "lines"):
        assert both[name].to_list() == both[f"{name}_told"].to_list()
    assert both["open"].sum() < both["lines"].sum() > both["noted"].sum()


def test_figures_of_whole_numbers_are_whole_and_those_of_times_are_times(drawn: sim.Dataset) -> None:
    orders = drawn.polars("orders")
    assert [orders[name].dtype for name in ("total", "most", "usual")] == [pl.Int64, pl.Int64, pl.Float64]
    assert isinstance(orders["first"][0], datetime)
    least = drawn.polars("lines").group_by("order_id").agg(pl.col("at").min())
    both = orders.join(least, left_on="id", right_on="order_id")
    assert both["first"].to_list() == both["at"].to_list()


def test_products_of_whole_numbers_are_whole_in_texts(drawn: sim.Dataset) -> None:
    orders = drawn.polars("orders")
    assert orders["code"].to_list() == [f"SKU-{total * 10}" for total in orders["total"]]


def test_a_sum_of_texts_is_refused() -> None:
    with pytest.raises(SchemaError, match="sum needs numbers, and 'state' gives a category"):
        sim.compose(yaml.safe_load(RULES.replace("sum: quantity", "sum: state")))
