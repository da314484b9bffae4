"""Values in a given order, and the family of ages at death."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

import simulacra as sim
from simulacra.distributions.grammar import parse_distribution
from simulacra.errors import OptionError, SchemaError
from simulacra.randomness import Streams


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["b", "a", "b"], "category"),
        ([3, 1, 2], "number"),
        ([1.5, 2, 0], "number"),
        ([True, False, True], "boolean"),
        (["2024-01-01", "2023-01-01", "2022-05-06"], "date"),
        (["x", None, "y"], "category"),
    ],
)
def test_values_come_in_order_and_start_again(values: list[Any], kind: str) -> None:
    made = sim.generate({"v": {"list": values}}, 7, seed=1)
    expected = [date.fromisoformat(v) for v in values] if kind == "date" else values
    assert made.schema.table()["v"].kind == kind
    assert made.frame["v"].to_list() == [expected[row % 3] for row in range(7)]


def test_listed_values_can_be_a_key() -> None:
    rules = {"tables": {"a": {"key": ["code"], "rows": 3, "columns": {"code": {"list": ["x", "y", "z"]}}}}}
    assert sim.generate(rules, seed=1).frame["code"].n_unique() == 3
    with pytest.raises(OptionError, match="4 rows are to differ"):
        sim.generate(rules, 4, seed=1)


@pytest.mark.parametrize("values", [[], "abc", {"a": 1}, [["a"]]])
def test_what_is_no_list_is_refused(values: Any) -> None:
    with pytest.raises(SchemaError, match="list"):
        sim.compose({"v": {"list": values}})


def test_gompertz_has_the_right_survivors() -> None:
    ages = parse_distribution({"gompertz": {"mode": 86, "spread": 10, "after": 60}}).draw(
        100_000, Streams(1).stream("a")
    )
    assert ages.min() >= 60
    hazard = np.exp((np.array([60.0, 70, 80, 90]) - 86) / 10)
    for age, passed in zip((70, 80, 90), hazard[1:] - hazard[0]):
        # shares of 100,000: a standard error of 0.0016 at most
        assert (ages > age).mean() == pytest.approx(np.exp(-passed), abs=0.006)
