"""Metrics of several tables: fresh real entities pass, broken links are noticed, and by the right score."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest
from shop import SHOP, make_shop

from simulacra.database_evaluation import evaluate_database
from simulacra.database_metric import DatabaseComparison
from simulacra.errors import UnknownName
from simulacra.metric import Score
from simulacra.randomness import Streams
from simulacra.registry import DATABASE_METRICS
from simulacra.schema.constraints import Check, Unique
from simulacra.schema.types import Schema


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detect with fewer trees: how well is not asked."""
    monkeypatch.setattr("simulacra.metrics.fidelity.detection.ROUNDS", 15)


def make_case(schema: Schema = SHOP, **changed: pl.DataFrame) -> DatabaseComparison:
    """Compare two shops of 600 customers, some tables of the synthetic one replaced."""
    synthetic = {**make_shop(600, 2), **changed}
    return DatabaseComparison(schema, make_shop(600, 1), synthetic, make_shop(400, 3), Streams(0))


def scores(case: DatabaseComparison, *names: str) -> dict[str, Score]:
    return {
        s.name: s for name in names or DATABASE_METRICS.names() for s in DATABASE_METRICS.load(name)().score(case)
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_fresh_real_entities_pass_with_and_without_a_holdout(seed: int) -> None:
    # shops are drawn from one law, so any other verdict is a false alarm: 1 in 10,000 for each score
    schema = SHOP.with_constraint("pieces > 0", table="lines")
    train, synthetic, held = (make_shop(300, 10 * seed + k) for k in (1, 2, 3))
    names = [name for name in DATABASE_METRICS.names() if seed == 0 or name != "relational/detection"]
    for holdout in (held, None):
        case = DatabaseComparison(schema, train, synthetic, holdout, Streams(seed))
        for score in scores(case, *names).values():
            assert score.verdict in {"pass", "info"}, score
            assert math.isfinite(score.value)
            assert score.title, score.name
            if score.interval is not None:
                assert score.interval[0] <= score.value <= score.interval[1]
            if holdout is not None:
                assert score.baseline is not None
            elif score.baseline is None:
                assert "no holdout" in score.words.lower()


def test_the_same_seed_gives_the_same_figures() -> None:
    schema = SHOP.with_constraint("pieces > 0", table="lines")
    train, synthetic, held = (make_shop(120, seed) for seed in (1, 2, 3))
    first, again = (
        [
            replace(score, detail=None, private=None)
            for score in scores(
                DatabaseComparison(schema, train, synthetic, held, Streams(0), max_rows=100)
            ).values()
        ]
        for _ in range(2)
    )
    assert first == again


def test_shuffled_references_are_noticed_by_what_hangs_on_them() -> None:
    orders = make_shop(600, 2)["orders"].with_columns(pl.col("customer").shuffle(seed=1))
    found = scores(make_case(orders=orders))
    assert found["relational/detection"].verdict == "fail"
    assert found["relational/detection/customers"].value > 0.75
    assert "orders" in found["relational/detection/customers"].words
    assert found["relational/trends/worst"].verdict == "fail"
    assert found["relational/siblings"].verdict == "fail"
    # the multiset of references is what it was, and so are keys
    assert found["relational/cardinality"].verdict == "pass"
    assert found["relational/keys"].verdict == "pass"
    assert found["relational/orphans"].verdict == "pass"
    detail = found["relational/trends"].detail
    assert detail is not None
    assert {1, 2} == set(detail["hops"])
    worst = detail.row(0, named=True)
    assert (worst["column_a"].split(".")[0], worst["column_b"].split(".")[0]) in {
        ("orders", "customers"), ("lines", "orders"),
    }  # fmt: skip


def test_one_orphan_fails_where_real_references_hold_and_a_share_passes_where_real_data_have_it() -> None:
    lines = make_shop(600, 2)["lines"]
    broken = lines.with_columns(
        order=pl.when(pl.int_range(pl.len()) == 3).then(-1).otherwise("order").cast(pl.Int64)
    )
    found = scores(make_case(lines=broken), "relational/orphans")["relational/orphans"]
    assert found.verdict == "fail"
    assert "1 of" in found.words
    case = make_case()
    astray = {}
    for side in ("train", "synthetic", "holdout"):
        tables = dict(getattr(case, side))
        lost = pl.int_range(pl.len()) % 20 == 0
        tables["lines"] = tables["lines"].with_columns(
            order=pl.when(lost).then(-1 - pl.col("order")).otherwise("order")
        )
        astray[side] = tables
    alike = scores(replace(case, **astray), "relational/orphans")["relational/orphans"]
    assert alike.verdict == "pass"
    assert alike.detail is not None
    assert 0.04 < alike.detail.filter(pl.col("reference").str.starts_with("lines"))["orphans_real"][0] < 0.06


def test_references_left_empty_too_often_are_noticed() -> None:
    orders = make_shop(600, 2)["orders"].with_columns(
        customer=pl.when(pl.int_range(pl.len()) % 10 > 0).then("customer")
    )
    found = scores(make_case(orders=orders), "relational/orphans")
    assert found["relational/orphans/missing"].verdict == "fail"
    assert found["relational/orphans"].verdict == "pass"
    assert found["relational/orphans/missing"].value == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("column", ["line", "order"])
def test_repeated_and_missing_composite_keys_are_counted(column: str) -> None:
    lines = make_shop(600, 2)["lines"]
    spoilt = pl.concat([lines, lines.head(4)]).with_columns(
        pl.when(pl.int_range(pl.len()) != 9).then(column).alias(column)
    )
    found = scores(make_case(lines=spoilt), "relational/keys")["relational/keys"]
    assert found.verdict == "fail"
    assert found.value == 5 / len(spoilt)
    assert found.detail is not None
    assert found.detail.row(0, named=True)["repeated"] == 4


def test_unique_constraints_and_rules_are_counted_and_what_real_rows_break_too_is_a_look() -> None:
    schema = SHOP.with_constraint(Unique(("age", "segment")), Check("age >= 20"), table="customers")
    found = scores(make_case(schema), "relational/keys", "relational/rules")
    assert found["relational/keys"].value > 0.5
    assert found["relational/keys"].verdict in {"look", "fail"}
    assert found["relational/rules"].baseline is not None
    assert found["relational/rules"].baseline > 0
    assert "age >= 20" in str(found["relational/rules"].detail)
    strict = scores(make_case(SHOP.with_constraint("pieces > 1", table="lines")), "relational/rules")
    assert strict["relational/rules"].value > 0.1


def test_a_child_for_everybody_is_noticed_by_the_number_of_children() -> None:
    shop = make_shop(600, 2)
    orders = shop["orders"].unique("customer", keep="first", maintain_order=True)
    found = scores(make_case(orders=orders), "relational/cardinality")["relational/cardinality"]
    assert found.verdict == "fail"
    assert "orders.customer" in found.words


def test_events_out_of_order_are_noticed() -> None:
    orders = make_shop(600, 2)["orders"]
    late = orders.with_columns(day=pl.col("day") * 3)
    found = scores(make_case(orders=late), "relational/order")["relational/order"]
    assert found.verdict == "fail"
    mixed = orders.with_columns(pl.col("amount").shuffle(seed=1))
    found = scores(make_case(orders=mixed), "relational/order")["relational/order"]
    assert found.verdict == "fail"
    assert "correlation with the event before" in found.words


def test_reference_tables_are_compared_with_as_many_children_on_both_sides() -> None:
    train, held = make_shop(900, 1), make_shop(150, 3)
    case = DatabaseComparison(SHOP, train, make_shop(900, 2), held)
    found = scores(case, "relational/cardinality")["relational/cardinality"]
    assert found.verdict == "pass"
    assert found.detail is not None
    row = found.detail.filter(pl.col("reference").str.starts_with("customers.region")).row(0, named=True)
    assert row["real"] == pytest.approx(row["synthetic"], rel=0.15)


def test_odd_databases_give_scores_or_reasons() -> None:
    case = make_case()
    none = {name: frame.head(0) for name, frame in case.synthetic.items()}
    few = {name: frame.head(3) for name, frame in case.synthetic.items()}
    blank = {
        name: frame.with_columns(pl.lit(None, dtype=frame[c].dtype).alias(c) for c in frame.columns)
        for name, frame in case.synthetic.items()
    }
    bare = Schema(tuple(replace(t, references=(), key=(), order=None) for t in SHOP.tables))
    odd = [
        replace(case, synthetic=none), replace(case, synthetic=few), replace(case, synthetic=blank),
        replace(case, holdout=none), replace(case, train=few, holdout=None), replace(case, schema=bare),
    ]  # fmt: skip
    for one in odd:
        for score in scores(one).values():
            if score.verdict == "not computed":
                assert score.words.startswith("not computed, because ")
            else:
                assert math.isfinite(score.value), score


def test_what_was_not_declared_is_told_from_what_could_not_be_made() -> None:
    bare = Schema(tuple(replace(t, references=(), key=(), order=None) for t in SHOP.tables))
    assert not any(score.asked for score in scores(make_case(bare)).values())


def test_every_table_is_evaluated_by_itself_and_chosen_metrics_only() -> None:
    found = evaluate_database(make_case(), metrics=["relational/keys", "fidelity/marginals"])
    names = {score.name for score in found.whole.scores}
    assert names == {
        "relational/keys", *(f"fidelity/marginals{more}@{table}" for more in ("", "/worst")
                             for table in ("customers", "orders", "lines")),
    }  # fmt: skip
    assert "regions" not in found.tables
    assert any("'regions'" in note for note in found.whole.notes)
    assert found.whole.summary["tables"]["customers"] == {"train": 600, "synthetic": 600, "holdout": 400}
    with pytest.raises(UnknownName, match="did you mean 'relational/keys'"):
        evaluate_database(make_case(), metrics=["relational/key"])


def test_limits_hold_for_all_tables_or_for_one() -> None:
    case = make_case()
    limits = {"fidelity/marginals": (-1.0, -1.0), "relational/cardinality": (-1.0, 2.0)}
    found = evaluate_database(
        case, metrics=["relational/cardinality", "fidelity/marginals"], thresholds=limits
    )
    assert found.whole["fidelity/marginals@orders"].verdict == "fail"
    assert found.whole["relational/cardinality"].verdict == "look"
    one = evaluate_database(
        case, metrics=["fidelity/marginals"], thresholds={"fidelity/marginals@orders": (-1.0, -1.0)}
    )
    assert one.whole["fidelity/marginals@orders"].verdict == "fail"
    assert one.whole["fidelity/marginals@lines"].verdict == "pass"


def test_a_broken_metric_is_seen_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(self: object, case: DatabaseComparison) -> list[Score]:
        raise KeyError("secret value")

    monkeypatch.setattr("simulacra.database_metrics.relational.keys.Keys.score", explode)
    found = evaluate_database(make_case(), metrics=["relational/keys", "relational/orphans"]).whole
    assert "KeyError" in found["relational/keys"].words
    assert "secret" not in found["relational/keys"].words
    assert found["relational/orphans"].verdict == "pass"


def test_a_table_of_one_column_besides_keys_has_no_copies() -> None:
    found = evaluate_database(make_case(), metrics=["privacy/copies"]).whole
    assert found["privacy/copies@lines"].verdict == "not computed"
    assert "one column" in found["privacy/copies@lines"].words
    assert found["privacy/copies@orders"].verdict == "pass"
