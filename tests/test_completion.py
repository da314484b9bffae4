"""Partial rows completed: what is known stays, rules hold, gaps are filled."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import simulacra as sim
from simulacra import _api_imputation
from simulacra.errors import (
    DataError,
    ImpossibleCondition,
    OptionError,
    PredicateError,
    RareCondition,
    UnknownName,
)
from simulacra.imputation import mark_filled
from simulacra.randomness import Streams
from simulacra.relations import Lookup, Order, Product, Sum

N = 3_000


def table() -> pl.DataFrame:
    rng = Streams(5).stream("table")
    net, tax = rng.integers(10, 500, N), rng.integers(1, 40, N)
    price, quantity = rng.integers(5, 90, N), rng.integers(1, 12, N)
    city = rng.integers(0, 12, N)
    start = rng.integers(0, 300, N)
    begin = datetime(2024, 1, 1)
    return pl.DataFrame({
        "net": net, "tax": tax, "total": net + tax,
        "price": price, "quantity": quantity, "amount": price * quantity,
        "city": [f"city {c}" for c in city], "state": [f"state {c // 3}" for c in city],
        "from": [(begin + timedelta(days=int(d))).date() for d in start],
        "to": [(begin + timedelta(days=int(d + w))).date() for d, w in zip(start, rng.integers(0, 30, N))],
        "paid": rng.random(N) < 0.5,
    })  # fmt: skip


@pytest.fixture(scope="module")
def model() -> sim.Synthesizer:
    return sim.fit(table(), seed=1)


def hidden(frame: pl.DataFrame, share: float, seed: int = 1) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(pl.Series(Streams(seed).stream("hide", name).random(len(frame)) >= share))
        .then(pl.col(name))
        .alias(name)
        for name in frame.columns
    )


def unchanged(before: pl.DataFrame, after: pl.DataFrame) -> bool:
    return all(
        after[name].filter(before[name].is_not_null()).equals(before[name].drop_nulls())
        for name in before.columns
    )


def test_the_model_has_every_kind_of_relation(model: sim.Synthesizer) -> None:
    assert {type(relation) for relation in model.relations} == {Sum, Product, Lookup, Order}


@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
def test_relations_hold_and_known_cells_stay_whatever_is_missing(
    model: sim.Synthesizer, share: float
) -> None:
    partial = hidden(table()[:1_000], share)
    done = sim.impute(partial, model, seed=2)
    out = done.frame
    assert out.schema == partial.schema and unchanged(partial, out)
    assert sum(out.null_count().row(0)) == 0
    assert done.filled == {name: partial[name].null_count() for name in partial.columns}
    assert (out["total"] == out["net"] + out["tax"]).all()
    assert (out["from"] <= out["to"]).all()
    states = pl.DataFrame({"city": table()["city"], "state": table()["state"]}).unique()
    wrong = len(out) - len(out.join(states, on=["city", "state"]))
    products = (out["amount"] != out["price"] * out["quantity"]).sum()
    # known amounts have few pairs of factors, and a city that is not told can be unlike a known state
    told = [note for note in done.notes if "fit no row" in note]
    assert wrong + products <= 5 and (wrong + products == 0 or told)


def test_a_source_is_worked_out_from_the_target(model: sim.Synthesizer) -> None:
    frame = table()[:200]
    out = sim.impute(frame.with_columns(tax=None, quantity=None), model, seed=1).frame
    assert out["tax"].equals(frame["tax"]) and out["quantity"].equals(frame["quantity"])


def test_the_same_seed_gives_the_same_values_and_several_times_differ(model: sim.Synthesizer) -> None:
    partial = hidden(table()[:300], 0.3)
    one, two = (sim.impute(partial, model, seed=4, times=2) for _ in range(2))
    assert_frame_equal(one.frames[0], two.frames[0])
    assert_frame_equal(one.frames[1], two.frames[1])
    assert not one.frames[0].equals(one.frames[1])
    assert_frame_equal(sim.impute(partial, model, seed=4).frame, one.frame)
    assert unchanged(partial, one.frames[1])


def test_columns_that_are_lacking_come_behind_and_unknown_ones_stay(model: sim.Synthesizer) -> None:
    partial = table()[:50].select("city", "total").with_columns(remark=pl.lit("own"))
    out = sim.impute(partial, model, seed=1, columns=["state", "net"]).frame
    assert out.columns == ["city", "total", "remark", "net", "state"]
    assert out.select(partial.columns).equals(partial)
    assert out["state"].equals(table()[:50]["state"]) and (out["net"] <= out["total"]).all()


def test_a_kept_gap_is_a_value_that_tells_of_the_others() -> None:
    rng = Streams(1).stream("phone")
    phone = rng.random(2_000) < 0.5
    frame = pl.DataFrame({
        "phone": ["yes" if x else None for x in phone],
        "calls": np.where(phone, rng.integers(20, 40, 2_000), 0),
    })  # fmt: skip
    model = sim.fit(frame, seed=1)
    partial = frame[:400].with_columns(calls=pl.lit(None, pl.Int64))
    kept = sim.impute(partial, model, seed=1, keep_missing=["phone"]).frame
    assert kept["phone"].equals(partial["phone"])
    assert ((kept["calls"] == 0) == kept["phone"].is_null()).mean() > 0.98
    filled = sim.impute(partial, model, seed=1).frame
    assert filled["phone"].null_count() == 0


def test_without_a_model_one_is_fitted_and_frames_keep_their_kind() -> None:
    frame = pd.DataFrame({"a": ["x", "y", None, "y"] * 50, "b": [1.5, 2.5, 1.5, None] * 50})
    done = sim.impute(frame, seed=1)
    assert isinstance(done.frame, pd.DataFrame) and not done.frame.isna().any().any()
    assert set(done.frame["a"][2::4]) == {"x"} and set(done.frame["b"][3::4]) == {2.5}
    assert sim.impute(frame, seed=1).frame.equals(done.frame)


def test_a_mark_lists_what_was_filled(model: sim.Synthesizer) -> None:
    partial = table()[:4].with_columns(
        city=pl.Series([None, "city 1", None, "city 2"]), paid=pl.Series([None, True, True, False])
    )
    out = sim.impute(partial, model, seed=1, mark="imputed").frame
    assert out["imputed"].to_list() == ["city, paid", "", "city", ""]


def test_a_mark_is_json_where_a_name_has_a_comma() -> None:
    gaps = {"a b": pl.Series([True, False, True]), "c, d": pl.Series([True, False, False])}
    assert mark_filled(gaps, 3).to_list() == ['["a b", "c, d"]', "[]", '["a b"]']


def test_values_that_the_model_can_not_draw_stay_and_are_told(model: sim.Synthesizer) -> None:
    partial = table()[:20].with_columns(
        price=pl.when(pl.int_range(20) == 3).then(10_000).otherwise(pl.col("price")),
        city=pl.when(pl.int_range(20) == 4).then(pl.lit("elsewhere")).otherwise(pl.col("city")),
        paid=None,
    )
    done = sim.impute(partial, model, seed=1)
    assert done.frame["price"][3] == 10_000 and done.frame["city"][4] == "elsewhere"
    assert done.frame["paid"].null_count() == 0
    for name in ("price", "city"):
        assert any(note.startswith(f"column '{name}': 1 known cell") for note in done.notes)


def test_a_condition_holds_in_completed_rows(model: sim.Synthesizer) -> None:
    partial = table()[:300].select("city", "net").filter(pl.col("net") < 300)
    where = "total > 250 and (paid or price < 20) and to < date '2024-09-01'"
    out = sim.impute(partial.filter(pl.col("net") > 230), model, seed=1, where=where).frame
    assert ((out["total"] > 250) & (out["paid"] | (out["price"] < 20))).all()
    assert (out["to"] < datetime(2024, 9, 1).date()).all()
    with pytest.raises(
        ImpossibleCondition, match=r"the known cells of 2 rows .the first is row 2. do not satisfy"
    ):
        sim.impute(
            pl.DataFrame({"city": ["city 1", "city 2", "city 3"]}), model, seed=1, where="city = 'city 1'"
        )
    with pytest.raises(RareCondition, match="no completion was found for row 1"):
        sim.impute(pl.DataFrame({"net": [20]}), model, seed=1, where="total > 400")


def test_constraints_hold_where_known_cells_allow_it(model: sim.Synthesizer) -> None:
    ruled = model.with_constraint("not paid or price >= 30", "quantity <= 10")
    frame = table()[:400].select("price", "city")
    out = sim.impute(frame, ruled, seed=1).frame
    assert (~out["paid"] | (out["price"] >= 30)).all() and (out["quantity"] <= 10).all()
    dirty = frame.with_columns(quantity=pl.Series([11] * 3 + [None] * 397, dtype=pl.Int64))
    done = sim.impute(dirty, ruled, seed=1)
    assert done.frame["quantity"][:3].to_list() == [11] * 3
    assert any("3 rows break it, by known cells" in note for note in done.notes)


def test_what_may_not_repeat_does_not() -> None:
    frame = pl.DataFrame({"room": [f"r{i % 20}" for i in range(400)], "day": [i // 20 for i in range(400)]})
    model = sim.fit(frame, seed=1).with_constraint(sim.Unique(("room", "day")))
    partial = frame[:60].with_columns(day=pl.when(pl.int_range(60) % 3 > 0).then(pl.col("day")))
    out = sim.impute(partial, model, seed=1).frame
    assert out.n_unique() == 60 and unchanged(partial, out)


def test_keys_are_counted_past_those_that_are_known() -> None:
    frame = pl.DataFrame({"id": range(1, 301), "a": ["x", "y", "z"] * 100})
    model = sim.fit(frame, seed=1, schema=sim.infer(frame).with_column("id", kind="key"))
    partial = pl.DataFrame({"id": [2, None, 1, None], "a": ["x", None, "y", "z"]})
    out = sim.impute(partial, model, seed=1).frame
    assert out["id"].to_list() == [2, 3, 1, 4]


def test_clear_errors(model: sim.Synthesizer) -> None:
    with pytest.raises(UnknownName, match="citty"):
        sim.impute(table()[:5], model, columns=["citty"])
    with pytest.raises(OptionError, match="times is a whole number from 1"):
        sim.impute(table()[:5], model, times=0)
    with pytest.raises(DataError, match="none of the model's columns"):
        sim.impute(pl.DataFrame({"other": [1]}), model)
    with pytest.raises(OptionError, match="a column already"):
        sim.impute(table()[:5], model, mark="city")


def test_no_rows_and_no_gaps(model: sim.Synthesizer) -> None:
    assert len(sim.impute(table()[:0], model, seed=1).frame) == 0
    assert sim.impute(table()[:10], model, seed=1).frame.equals(table()[:10])


def test_a_misspelt_column_is_refused_and_a_strange_one_is_told(model: sim.Synthesizer) -> None:
    for rows in (table()[:3].rename({"quantity": "quantty"}), table()[:3].rename({"city": "City"})):
        with pytest.raises(UnknownName, match=r"did you mean '(quantity|city)'"):
            model.sample(given=rows, seed=1)
        with pytest.raises(UnknownName, match="did you mean"):
            sim.impute(rows, model, seed=1)
    # a name that is alike is another column where the rows have all of the model's
    both = table()[:3].with_columns(City=pl.lit("own"), remark=pl.lit(1))
    notes = model.sample(given=both, seed=1).notes
    assert any("columns 'City', 'remark' are none of the model's" in note for note in notes)


def test_known_cells_that_contradict_a_relation_are_counted(model: sim.Synthesizer) -> None:
    frame = table()[:60].with_row_index("i")
    early = pl.col("from") - pl.duration(days=1)
    frame = frame.with_columns(
        tax=pl.when(pl.col("i") < 2).then(pl.col("tax") + 1).otherwise(pl.col("tax")),
        amount=pl.when(pl.col("i") < 3).then(pl.col("amount") + 1).otherwise(pl.col("amount")),
        to=pl.when(pl.col("i") < 5).then(early).otherwise(pl.col("to")),
        state=pl.when(pl.col("city") == "city 0").then(pl.lit("state 3")).otherwise(pl.col("state")),
    ).drop("i")
    wrong = frame.filter(city="city 0").height
    assert wrong > 1
    notes = sim.impute(frame.with_columns(paid=None), model, seed=1).notes
    for words, rows in (
        ("'total' = ", 2),
        ("'amount' = ", 3),
        ("'from' <= 'to'", 5),
        ("determines 'state'", wrong),
    ):
        assert any(words in note and f"{rows} rows break it, by known cells" in note for note in notes), words
    clean = table()[:60].with_columns(paid=None)
    assert not any("by known cells" in note for note in sim.impute(clean, model, seed=1).notes)


def test_a_text_is_one_name(model: sim.Synthesizer) -> None:
    partial = table()[:40].with_columns(tax=None, paid=None)
    done = sim.impute(partial, model, columns="tax", seed=1)
    assert done.filled == {"tax": 40} and done.frame["paid"].null_count() == 40
    kept = sim.impute(partial, model, keep_missing="paid", seed=1)
    assert kept.frame["paid"].null_count() == 40 and kept.frame["tax"].null_count() == 0
    rich = sim.enrich(people(60, 1).select("sex", "age"), people(300, 2), on="age", columns="income", seed=1)
    assert rich.on == ("age",) and list(rich.filled) == ["income"]


def test_values_by_column_are_rows(model: sim.Synthesizer) -> None:
    done = model.sample(given={"city": ["city 1", "city 4"], "quantity": 3}, seed=1).frame
    assert done["city"].to_list() == ["city 1", "city 4"] and done["quantity"].to_list() == [3, 3]
    assert len(model.sample(given={"quantity": 3}, seed=1)) == 1
    assert model.sample(given={"quantity": pd.Series([3, 4])}, seed=1).frame["quantity"].to_list() == [3, 4]
    with pytest.raises(DataError, match="'quantity' has 3 values, and the first one 2"):
        model.sample(given={"city": ["city 1", "city 4"], "quantity": [1, 2, 3]}, seed=1)
    with pytest.raises(DataError, match="'quantity' has values of several kinds"):
        model.sample(given={"quantity": [1, "two"]}, seed=1)


def test_a_level_spelt_otherwise_is_said_to_exist(model: sim.Synthesizer) -> None:
    notes = model.sample(given={"city": "CITY 1"}, seed=1).notes
    assert any("level that the model did not learn" in n and "The model has 'city 1'." in n for n in notes)
    secret = sim.fit(table(), seed=1, schema=sim.infer(table()).with_column("city", sensitive=True))
    assert not any("city 1" in note for note in secret.sample(given={"city": "CITY 1"}, seed=1).notes)


def test_what_is_asked_is_checked_before_a_model_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise AssertionError("fitted")

    monkeypatch.setattr(_api_imputation, "fit_table", fail)
    for options, said in (({"columns": ["citty"]}, "did you mean 'city'"), ({"where": "citty = 'x'"}, "citty"),
                          ({"model": "treees"}, "did you mean 'trees'")):  # fmt: skip
        with pytest.raises((UnknownName, PredicateError), match=said):
            sim.impute(table()[:50], seed=1, **options)
    with pytest.raises(UnknownName, match="did you mean 'trees'"):
        sim.enrich(people(50, 1).select("age"), people(50, 2), model="treees")


# --- enriching


def people(n: int, seed: int) -> pl.DataFrame:
    rng = Streams(seed).stream("people")
    age = rng.integers(20, 70, n)
    sex = rng.choice(["f", "m"], n)
    income = 1_000 + 40 * age + 300 * (sex == "m") + rng.integers(-200, 200, n)
    return pl.DataFrame({"age": age, "sex": sex, "income": income, "coin": rng.choice(["h", "t"], n)})


def test_enriched_columns_follow_the_shared_ones() -> None:
    data = people(2_000, 1).select("sex", "age").with_columns(own=pl.int_range(2_000))
    done = sim.enrich(data, people(4_000, 2), seed=1)
    out = done.frame
    assert out.columns == ["sex", "age", "own", "income", "coin"] and out.select(data.columns).equals(data)
    # the noise alone has a standard deviation of 115 against one of about 600 in all
    gap = out["income"] - (1_000 + 40 * out["age"] + 300 * (out["sex"] == "m").cast(pl.Int64))
    assert gap.std() < 200 and abs(gap.mean()) < 30
    assert done.explained["income"] > 0.85 and done.explained["coin"] < 0.05
    assert done.on == ("sex", "age")
    assert any("have nothing to do with" in note for note in done.notes)
    assert any("'coin'" in note and "next to nothing" in note for note in done.notes)


def test_differences_of_shared_columns_are_told() -> None:
    data = pl.DataFrame({"sex": ["f", "x", "m"] * 20, "age": [30, 99, 40] * 20})
    done = sim.enrich(data, people(500, 2), columns=["income"], seed=1)
    assert done.frame["income"].null_count() == 0 and done.frame["age"].equals(data["age"])
    told = [note for note in done.notes if "'sex': 20 known cells have a level" in note]
    ends = [note for note in done.notes if "'age': 20 known cells have a value" in note]
    # each is said once: whatever the other table does not have the model does not either
    assert len(told) == len(ends) == 1 and sum("'sex':" in n or "'age':" in n for n in done.notes) == 2
    with pytest.raises(DataError, match="'age' is a category in one table and a number"):
        sim.enrich(pl.DataFrame({"age": ["old", "young"] * 20}), people(500, 2), on=["age"], seed=1)
    with pytest.raises(DataError, match="share no column"):
        sim.enrich(pl.DataFrame({"x": [1, 2] * 20}), people(500, 2), seed=1)
    with pytest.raises(UnknownName, match="incom"):
        sim.enrich(data, people(500, 2), columns=["incom"], seed=1)


def test_a_table_too_small_to_learn_from_is_one_error_or_one_note() -> None:
    data = people(200, 1).select("sex", "age")
    with pytest.raises(DataError, match="has 5 rows, and what fewer than 10 of them hold is not learnt"):
        sim.enrich(data, people(5, 2), seed=1)
    few = people(300, 2).with_columns(coin=pl.when(pl.int_range(300) < 12).then(pl.Series(["h", "t"] * 150)))
    done = sim.enrich(data, few, seed=1)
    assert done.frame.columns == ["sex", "age", "income"]
    assert sum("'coin'" in note for note in done.notes) == 1
    with pytest.raises(DataError, match="nothing to tell of 'coin'"):
        sim.enrich(data, few, columns="coin", seed=1)
