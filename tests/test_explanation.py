"""Explanations of fitted models: who influences whom, and rules in the words of the values."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra._explanation_branches import Branch
from simulacra._explanation_words import between
from simulacra.cli import run
from simulacra.errors import OptionError, UnknownName
from simulacra.explanation import Account, Explanation, explain
from simulacra.schema.types import Column

ROWS = 4_000


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    role = rng.choice(["Husband", "Wife", "Child", "Guest"], ROWS, p=[0.3, 0.2, 0.3, 0.2])
    age = np.where(np.isin(role, ["Husband", "Wife"]), rng.integers(40, 70, ROWS), rng.integers(10, 40, ROWS))
    pays = np.where(age < 28, rng.random(ROWS) < 0.05, rng.random(ROWS) < 0.9)
    start = date(1990, 1, 1)
    joined = [start + timedelta(days=int(d)) for d in rng.integers(0, 3650, ROWS)]
    plan = ["old" if d < date(1995, 3, 1) else "new" for d in joined]
    return pl.DataFrame({
        "noise": rng.normal(size=ROWS), "role": role, "age": age, "pays": pays, "joined": joined, "plan": plan,
    })  # fmt: skip


@pytest.fixture(scope="module")
def model(frame: pl.DataFrame) -> sim.Synthesizer:
    return sim.fit(frame, seed=1)


def accounts(told: Explanation) -> dict[str, Account]:
    return {account.column: account for account in told.columns}


def leaves(branch: Branch) -> list[Branch]:
    return [leaf for below in branch.branches for leaf in leaves(below)] if branch.branches else [branch]


def between_columns(model: sim.Synthesizer, one: str, other: str) -> Account:
    """The account of whichever of two columns is drawn later."""
    names = [account.column for account in explain(model).columns]
    return accounts(explain(model))[max(one, other, key=names.index)]


def test_a_column_that_follows_from_one_other_is_explained_by_it_alone(model: sim.Synthesizer) -> None:
    for one, other in (("joined", "plan"), ("age", "pays")):
        account = between_columns(model, one, other)
        top = account.influences[0]
        assert {account.column, top.column} == {one, other}
        # other columns come in by chance splits only
        assert top.share > 0.9


def test_noise_explains_nothing_and_is_not_explained(model: sim.Synthesizer) -> None:
    told = accounts(explain(model))
    assert (told["noise"].explained or 0) < 0.05
    for name in ("role", "age", "pays", "plan", "joined"):
        shares = {other.column: other.share for other in told[name].influences}
        assert shares.get("noise", 0) < 0.1 or (told[name].explained or 0) < 0.05


def test_columns_stand_in_the_order_in_which_they_are_drawn(model: sim.Synthesizer) -> None:
    told = explain(model)
    names = [account.column for account in told.columns]
    assert told.ordered and sorted(names) == sorted(model.table.names)
    for place, account in enumerate(told.columns):
        assert {other.column for other in account.influences} <= set(names[:place])
        assert account.explained is not None and 0 <= account.explained <= 1
        assert sum(other.share for other in account.influences) <= 1 + 1e-9
    assert told.columns[0].drawn == "from its own distribution"
    assert "8 trees" in told.columns[-1].drawn


def test_shares_do_not_depend_on_how_many_are_told(model: sim.Synthesizer) -> None:
    few, all_ = (accounts(explain(model, top=top)) for top in (1, 10))
    for name, account in few.items():
        assert account.influences == all_[name].influences[:1]


@pytest.mark.parametrize("name", ["trees", "copula"])
def test_the_rule_of_a_made_table_is_found_in_its_own_values(frame: pl.DataFrame, name: str) -> None:
    small = frame.select("age", "pays").with_columns(
        pays=pl.when("pays").then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    model = sim.fit(small, name, seed=1)
    told = [explain(model, column).rules for column in ("age", "pays")]
    found = [branch for branch in told if branch is not None and branch.branches]
    assert found
    if name == "copula":
        return
    by_age = {branch.condition for rules in found for branch in rules.branches}
    assert by_age in ({"age <= 27", "age > 27"}, {"pays is yes", "pays is no"})


def test_levels_are_named_and_distributions_told_per_branch(frame: pl.DataFrame) -> None:
    model = sim.fit(frame.select("role", "age"), seed=1)
    order = [account.column for account in explain(model).columns]
    last = explain(model, order[-1]).rules
    assert last is not None
    if order[-1] == "age":
        sides = {branch.condition: branch for branch in last.branches}
        old = next(branch for words, branch in sides.items() if "Husband" in words)
        assert old.condition in ("role is Husband or Wife", "role is Wife or Husband")
        assert 50 <= int(old.middle or 0) <= 60 and int(old.low or 0) >= 40
    else:
        assert {branch.condition for branch in last.branches} == {"age <= 39", "age > 39"}
        young = last.branches[0]
        assert {level for level, _ in young.levels} == {"Child", "Guest"}
        assert dict(young.levels)["Child"] == pytest.approx(0.6, abs=0.05)  # 5 errors of 2,000 rows


def test_branches_part_the_rows(model: sim.Synthesizer) -> None:
    for name in model.table.names:
        rules = explain(model, name).rules
        assert rules is not None
        assert rules.condition == "all rows" and rules.share == 1
        ends = leaves(rules)
        assert sum(leaf.share for leaf in ends) == pytest.approx(1)
        # none stands for fewer than 1 % of rows, here 40
        assert min(leaf.share for leaf in ends) >= 0.01
        for leaf in ends:
            assert sum(share for _, share in leaf.levels) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("column", "low", "high", "words"),
    [
        (Column("a", "number", integer=True), 27, 28, ("a <= 27", "a > 27")),
        (Column("a", "number", integer=True), 5013, 7298, ("a <= 6000", "a > 6000")),
        (Column("a", "number", integer=True), -5, 3, ("a <= 0", "a > 0")),
        (Column("a", "number", integer=True), -28, -27, ("a <= -28", "a > -28")),
        (Column("a", "number"), 0.1234, 0.1271, ("a <= 0.124", "a > 0.124")),
        (Column("a", "number"), 1234.5672, 1234.5683, ("a <= 1234.568", "a > 1234.568")),
        (Column("a", "number"), -2.5, -1.25, ("a <= -2", "a > -2")),
        (Column("a", "number", integer=True, format="HHMM"), 1259, 1305, ("a <= 1259", "a > 1259")),
        (Column("a", "date"), 9_180, 9_195, ("a before 1995-03-01", "a from 1995-03-01 on")),
        (Column("a", "date"), 9_100, 9_195, ("a before 1995-01-01", "a from 1995-01-01 on")),
        (Column("a", "date"), 9_194, 9_195, ("a before 1995-03-06", "a from 1995-03-06 on")),
        (Column("a", "time"), 8.5 * 3600e9, 9.25 * 3600e9, ("a before 09:00", "a from 09:00 on")),
        (Column("a", "datetime"), 0, 3_600_000_000, ("a before 1970-01-01 01:00:00", "a from 1970-01-01 01:00:00 on")),
        (Column("a", "datetime"), -10, 86_400_000_001, ("a before 1970-01-01", "a from 1970-01-01 on")),
        (Column("a", "duration"), 1e6, 90e6, ("a below 0:01:00", "a from 0:01:00 on")),
    ],
)  # fmt: skip
def test_a_cut_is_told_by_the_roundest_value_in_its_gap(
    column: Column, low: float, high: float, words: tuple[str, str]
) -> None:
    assert between(column, low, high) == words


def test_all_kinds_of_columns_can_be_explained() -> None:
    rng = np.random.default_rng(1)
    day = rng.integers(0, 1000, 600)
    frame = pl.DataFrame({
        "id": np.arange(600),
        "when": [datetime(2020, 1, 1) + timedelta(days=int(d), hours=int(d) % 24) for d in day],
        "clock": [time(int(d) % 24, 30) for d in day],
        "wait": [timedelta(minutes=int(d) % 50) for d in day],
        "part": [None if d % 7 == 0 else f"p{d % 5}" for d in day],
        "gap": [None if d % 3 == 0 else d / 7 for d in day.tolist()],
        "text": [f"note {d} of {i}" for i, d in enumerate(day)],
        "one": [1] * 600,
    })  # fmt: skip
    model = sim.fit(frame, seed=1)
    assert json.loads(json.dumps(explain(model).dump()))["model"] == "trees"
    for name in frame.columns:
        told = explain(model, name)
        assert str(told).startswith(name)
        kind = model.table[name].kind
        assert (told.rules is None) == (kind in ("key", "text"))
    assert "all rows" in str(explain(model, "gap")) and "missing 3" in str(explain(model, "gap"))


def test_relations_are_told_beside_the_columns_that_they_rebuild() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 500, 2_000), rng.integers(0, 500, 2_000)
    model = sim.fit(pl.DataFrame({"a": a, "b": b, "total": a + b}), seed=1)
    assert model.relations
    rebuilt = [account for account in explain(model).columns if account.relations]
    assert rebuilt and "total" in rebuilt[0].relations[0]
    assert "what the relation leaves" in rebuilt[0].drawn
    assert "rebuilt: " in str(explain(model))


def test_values_of_sensitive_columns_are_not_shown(frame: pl.DataFrame) -> None:
    schema = sim.infer(frame).with_column("role", sensitive=True)
    model = sim.fit(frame, schema=schema, seed=1)
    assert explain(model, "role").rules is None
    shown = str(explain(model)) + "".join(str(explain(model, name)) for name in model.table.names)
    assert "role" in shown
    assert not any(level in shown for level in ("Husband", "Wife", "Child", "Guest"))
    assert "sensitive" in str(explain(model, "role"))


def test_what_can_not_be_explained_says_so(frame: pl.DataFrame, model: sim.Synthesizer) -> None:
    with pytest.raises(OptionError, match="draws every column by itself"):
        explain(sim.fit(frame, "independent", seed=1))
    with pytest.raises(UnknownName, match="did you mean 'age'"):
        explain(model, "agee")
    with pytest.raises(OptionError, match="top must be"):
        explain(model, top=0)


def test_a_saved_model_is_explained_alike(model: sim.Synthesizer, tmp_path) -> None:
    again = sim.load(model.save(tmp_path / "m.sim"))
    assert explain(again) == explain(model)
    assert explain(again, "pays") == explain(model, "pays")
    assert str(explain(again, "pays")) == str(explain(model, "pays"))


def test_the_command_prints_what_the_call_returns(model: sim.Synthesizer, tmp_path, capsys) -> None:
    path = str(model.save(tmp_path / "m.sim"))
    assert run(["explain", path]) == 0
    shown = capsys.readouterr().out
    assert all(
        f"{place}. {account.column}" in shown for place, account in enumerate(explain(model).columns, 1)
    )
    assert run(["explain", path, "--column", "age"]) == 0
    shown = capsys.readouterr().out
    assert "all rows" in shown and "median" in shown
    assert run(["explain", path, "--column", "age", "--top", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(json.dumps(explain(model, "age", top=1).dump()))
    assert run(["explain", path, "--column", "agee"]) == 2
    assert "did you mean 'age'" in capsys.readouterr().err
