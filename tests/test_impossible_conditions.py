"""Conditions that no row can satisfy, or that every row does: told at once, with what was probably meant."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import ImpossibleCondition, RareCondition
from simulacra.sampling.particles import Walker

ROWS = 600


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "order id": np.arange(1, ROWS + 1),
            "sex": rng.choice(["Male", "Female"], ROWS),
            "work": ["rare"] * 2 + ["state"] * 298 + ["self"] * 300,
            "secret": rng.choice(["Plague", "Gout"], ROWS),
            "age": rng.integers(18, 90, ROWS),
            "qty": rng.integers(1, 9, ROWS),
        }
    )
    schema = sim.infer(frame).with_column("order id", kind="key").with_column("secret", sensitive=True)
    return sim.fit(frame, "independent", schema=schema, seed=1)


@pytest.fixture
def no_draws(monkeypatch):
    """Fail where anything is drawn."""

    def refuse(*_):
        raise AssertionError("particles were drawn")

    monkeypatch.setattr(Walker, "walk", refuse)
    monkeypatch.setattr(Walker, "watch", refuse)


def refusal(model, where):
    with pytest.raises(ImpossibleCondition) as caught:
        model.sample(10, seed=1, where=where)
    return str(caught.value)


@pytest.mark.parametrize(
    "where",
    [
        '"order id" <= 3',
        '"order id" = 1001',
        '"order id" is null',
        "age > 30 or `order id` = 5",
        {"order id": 7},
    ],
)
def test_rows_can_not_be_chosen_by_a_key(model, no_draws, where):
    assert "the key 'order id' numbers the rows anew in every draw" in refusal(model, where)


def test_shares_of_keys_are_refused_too(model):
    with pytest.raises(ImpossibleCondition, match="numbers the rows anew"):
        model.sample(20, seed=1, balance={'"order id" < 9': 0.5})


@pytest.mark.parametrize("where", ["1 = 1", "true", "not 1 = 0", "qty > 2 and 1 = 1", {}])
def test_what_every_row_satisfies_changes_nothing(model, where):
    drawn = model.sample(50, seed=1, where=where).polars()
    kept = drawn.filter(pl.col("qty") > 2) if where == "qty > 2 and 1 = 1" else drawn
    assert len(drawn) == len(kept) == 50


@pytest.mark.parametrize("where", ["1 = 0", "false", "null", "qty > 2 and 1 = 0", "qty > 2 and null = 1"])
def test_what_no_row_satisfies_is_impossible(model, no_draws, where):
    assert "no row can match" in refusal(model, where)


@pytest.mark.parametrize("constant", ["1 = 0", "1 = 1"])
def test_constants_are_parts_of_an_or(model, constant):
    drawn = model.sample(400, seed=1, where=f"qty > 7 or age > 70 or {constant}").polars()
    fitting = drawn.filter((pl.col("qty") > 7) | (pl.col("age") > 70))
    # an unrestricted draw satisfies the rest with probability 0.36: 400 rows that all do can not be chance
    assert (len(fitting) == 400) == (constant == "1 = 0")


def test_an_or_of_impossible_parts_names_them(model, no_draws):
    told = refusal(model, "age > 600 or sex = 'LEX'")
    assert "none of the 2 parts of its OR can hold" in told
    assert '"age > 600"' in told and "\"sex = 'LEX'\"" in told and "'Female', 'Male'" in told


def test_the_parts_of_an_or_are_told_in_one_sentence(model, no_draws):
    told = refusal(model, "age = null or sex = null")
    assert ".;" not in told and told.endswith("Loosen one of them.")


def test_an_or_with_one_impossible_part_gives_the_other(model):
    drawn = model.sample(100, seed=1, where="age > 600 or sex = 'Male'").polars()
    assert (drawn["sex"] == "Male").all()


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("sex = 'female'", "did you mean 'Female'?"),
        ("sex in ('Mal', 'x')", "did you mean 'Male'?"),
        ("work = 'rare'", "too few rows held it to be released"),
        ("work is null", "'work' has no missing values"),
        ("age = null", "Write IS NULL"),
        ("age <> null and qty > 2", "IS NOT NULL"),
        ("\"work\" = 'x'", "where `\"work\" = 'x'`:"),
    ],
)
def test_the_message_says_what_was_probably_meant(model, no_draws, where, words):
    assert words in refusal(model, where)


def test_levels_of_a_sensitive_column_are_not_guessed_aloud(model, no_draws):
    assert "Plague" not in refusal(model, "secret = 'plague'")


def test_one_row_to_be_had_is_one_row(model, monkeypatch):
    for name in ("particles.BLOCK_ROWS", "particles.FEWEST", "drawing.MOST_DRAWS"):
        monkeypatch.setattr(f"simulacra.sampling.{name}", 1)
    with pytest.raises(RareCondition, match="Ask for at most 1 row, or loosen it"):
        model.sample(50, seed=1, where="qty > 3")


def test_a_rule_about_a_counted_key_is_told_when_numbers_break_it() -> None:
    frame = pl.DataFrame({"id": range(1_001, 1_301), "a": [1, 2, 3] * 100})
    for sql, broken in (("id > 1000", True), ("id > 0", False)):
        schema = sim.infer(frame).with_constraint(sql)
        notes = sim.fit(frame, "independent", schema=schema, seed=1).sample(20, seed=1).notes
        assert any("20 of 20 rows break" in note for note in notes) is broken
