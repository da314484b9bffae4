"""Constraints kept by the sampler: no row breaks one, of every kind, alone, in threes, and under conditions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import simulacra as sim
from simulacra.blocks import Draw, draw_blocks
from simulacra.encodings.category import Category
from simulacra.encodings.number import Number
from simulacra.errors import ImpossibleCondition, RareCondition, SchemaError
from simulacra.guarantees._languages import Language
from simulacra.guarantees._memory import Seen
from simulacra.guarantees._possibility import require_possible
from simulacra.guarantees.constraints import Guarantees
from simulacra.guarantees.keeping import keep_draws
from simulacra.guarantees.settling import settle_rows
from simulacra.guarantees.tallies import Tally
from simulacra.randomness import Streams
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import (
    Check,
    Combination,
    Constraint,
    Determines,
    Equality,
    Implies,
    Monotone,
    OneHot,
    Pattern,
    Unique,
)
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table


def keep_rules(n, draw, guarantees, where, streams, notes):
    """Put the stops of a draw under constraints together as `sampling.requests` does, over any way of drawing."""
    require_possible(n, guarantees, where)
    tally = Tally()
    kept = keep_draws(draw, guarantees, tally)
    pieces = draw_blocks(n, lambda rows, start, own: kept(rows, where, own), streams)
    yield from settle_rows(pieces, kept, guarantees, (where,), streams.at("settle"), tally)
    notes += tally.notes()


MODELS = [(make, model) for make in ("VW", "Fiat", "Ford") for model in ("Golf", "Panda", "Focus", "Up")]

KINDS: dict[str, Constraint] = {
    "check": Check("net <= gross"),
    "implies": Implies("net < 20", "note is null"),
    "forbids": Implies("make = 'VW'", "model in ('Golf', 'Up')"),
    "equality": Equality("total", "net + gross"),
    "unique": Unique(("net", "gross", "day")),
    "determines": Determines("zip", ("city",)),
    "combination": Combination(("make", "model"), tuple(MODELS[::2])),
    "one_hot": OneHot(("is_a", "is_b", "is_c")),
    "monotone": Monotone("gross", "day", by="make"),
    "pattern": Pattern("plate", r"[A-Z]{2}-\d{3}[xy]?"),
}
WHERES = (
    None,
    "net > 30",
    "make = 'VW' or city = 'c3'",
    "total between 60 and 140 and day > date '2024-02-01'",
)


def made(n: int = 3_000) -> pl.DataFrame:
    """Rows that break every rule now and then, with missing values."""
    rng = Streams(5).stream("rows")
    net, gross = rng.integers(0, 100, n), rng.integers(0, 100, n)
    gaps = rng.random((n, 3)) < 0.05
    frame = pl.DataFrame(
        {
            "net": net,
            "gross": np.where(rng.random(n) < 0.8, np.maximum(net, gross), gross),
            "total": np.where(rng.random(n) < 0.9, net + np.maximum(net, gross), net),
            "make": rng.choice(["VW", "Fiat", "Ford"], n),
            "model": rng.choice(["Golf", "Panda", "Focus", "Up"], n),
            "zip": rng.choice([f"z{i}" for i in range(20)], n),
            "city": rng.choice([f"c{i}" for i in range(5)], n),
            "note": np.where(rng.random(n) < 0.5, "late", "early"),
            "day": [date(2024, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 300, n)],
            "plate": [f"AB-{v}" for v in rng.integers(100, 9999, n)],
            **{f"is_{name}": rng.random(n) < 0.4 for name in "abc"},
        }
    )
    return frame.with_columns(
        pl.when(pl.Series(~gaps[:, place])).then(pl.col(name)).alias(name)
        for place, name in enumerate(["gross", "note", "city"])
    ).with_columns(pl.when(pl.Series(rng.random(n) < 0.5)).then(pl.col("note")).alias("note"))


@cache
def fitted(model: str = "trees") -> sim.Synthesizer:
    frame = made()
    schema = sim.infer(frame).with_column("plate", kind="text").with_column("zip", kind="category")
    return sim.fit(frame, model, schema=schema, seed=1)


def drawer(model: sim.Synthesizer) -> Draw:
    """Draw with the model, by way of its own conditions."""
    bare = replace(model, table=replace(model.table, constraints=()))

    def draw(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        seed = streams.key("draw") % 2**62
        return bare.sample(n, seed=seed, where=None if where is None else where.sql).polars()

    return draw


def sampled(
    rules: tuple[Constraint, ...],
    n: int = 2_000,
    where: str | None = None,
    model: str = "trees",
    notes: list[str] | None = None,
    seed: int = 3,
) -> tuple[pl.DataFrame, Table]:
    source = fitted(model)
    table = replace(source.table, constraints=rules)
    condition = Predicate.parse(where, table) if where else None
    guarantees = Guarantees.of(table, source.encodings)
    told = notes if notes is not None else []
    rows = keep_rules(n, drawer(source), guarantees, condition, Streams(seed), told)
    return pl.concat(rows), table


def require_kept(frame: pl.DataFrame, table: Table, n: int, where: str | None = None) -> None:
    assert len(frame) == n
    for rule in table.constraints:
        assert not find_broken(rule, frame, table).any(), f"{rule} is broken"
    if where:
        assert Predicate.parse(where, table).evaluate(frame).fill_null(False).all()
    for column in table.columns:
        values = frame[column.name]
        if column.bounds is not None:
            assert values.drop_nulls().is_between(*column.bounds).all(), column.name
        if not column.nullable:
            assert not values.null_count(), column.name


@pytest.mark.parametrize("model", ["trees", "independent"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_kept_though_training_rows_break_it(kind: str, model: str) -> None:
    frame, table = sampled((KINDS[kind],), model=model)
    require_kept(frame, table, 2_000)
    assert find_broken(KINDS[kind], made(), table).any(), "the training rows keep it anyway"


@pytest.mark.parametrize("where", WHERES)
@pytest.mark.parametrize("three", list(combinations(KINDS, 3))[::17])
def test_threes_are_kept_under_conditions(three: tuple[str, ...], where: str | None) -> None:
    frame, table = sampled(tuple(KINDS[kind] for kind in three), 300, where)
    require_kept(frame, table, 300, where)


def test_all_kinds_together() -> None:
    rules = tuple(rule for kind, rule in KINDS.items() if kind != "forbids")
    frame, table = sampled(rules, 1_000, "net > 10")
    require_kept(frame, table, 1_000, "net > 10")


def test_the_types_and_the_gaps_stay() -> None:
    frame, table = sampled(tuple(KINDS.values()), 1_000)
    free = drawer(fitted())(10_000, None, Streams(3))
    assert frame.schema == free.schema
    for rule in (KINDS["check"], KINDS["forbids"], KINDS["combination"]):
        free = free.filter(~find_broken(rule, free, table))
    # no repair fills gaps in: of the rows that keep the rules on their own about 7 % lack the column; standard errors
    # are sqrt(.07 * .93 / 1000) = .0081 and sqrt(.07 * .93 / 3000) = .0047, and four of the difference are .038
    assert abs(frame["gross"].is_null().mean() - free["gross"].is_null().mean()) < 0.038


def test_repairs_are_told_and_rows_that_keep_all_are_left_alone() -> None:
    notes: list[str] = []
    frame, _ = sampled((KINDS["one_hot"],), notes=notes)
    assert len(notes) == 1
    assert "changed so that they keep it" in notes[0]
    source = fitted()
    guarantees = Guarantees.of(replace(source.table, constraints=(KINDS["one_hot"],)), source.encodings)
    assert guarantees.repair(frame, Streams(9), Tally()).equals(frame)


def test_the_same_seed_gives_the_same_rows() -> None:
    rules = tuple(KINDS[kind] for kind in ("one_hot", "unique", "determines", "pattern"))
    assert sampled(rules, 500)[0].equals(sampled(rules, 500)[0])
    assert not sampled(rules, 500)[0].equals(sampled(rules, 500, seed=4)[0])


def test_one_hot_columns_keep_one_of_those_that_are_true() -> None:
    table = Table("t", tuple(Column(n, "boolean") for n in "abc"), constraints=(OneHot(("a", "b", "c")),))
    frame = pl.DataFrame({"a": [True, True], "b": [True, False], "c": [False, False]})
    many = pl.concat([frame] * 500)
    kept = Guarantees.of(table, {}).repair(many, Streams(1), Tally())
    assert not kept["c"].any()
    assert kept.filter(~many["b"])["a"].all()
    # half of 500, with a standard deviation of 11
    assert abs(kept.filter(many["b"])["a"].sum() - 250) < 45


def test_equalities_are_computed_in_the_order_of_what_they_stand_on() -> None:
    columns = tuple(Column(name, "number", decimals=2) for name in "abcd")
    rules = (Equality("d", "c * 2"), Equality("c", "a / b"))
    frame = pl.DataFrame({"a": [1.0, 5.0, 3.0], "b": [3.0, 0.0, None], "c": [9.0] * 3, "d": [9.0] * 3})
    kept = Guarantees.of(Table("t", columns, constraints=rules), {}).repair(frame, Streams(1), Tally())
    # dividing by zero and by nothing gives nothing, and then the equality holds
    assert kept["c"].to_list() == [0.33, 9.0, 9.0]
    assert kept["d"].to_list() == [0.66, 18.0, 18.0]


def test_a_condition_on_a_computed_column_is_asked_of_its_parts() -> None:
    source = fitted("independent")
    table = replace(source.table, constraints=(KINDS["equality"],))
    asked: list[str] = []
    plain = drawer(source)

    def draw(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        asked.append("" if where is None else where.sql)
        return plain(n, where, streams)

    guarantees = Guarantees.of(table, source.encodings)
    condition = Predicate.parse("total > 100", table)
    rows = pl.concat(keep_rules(500, draw, guarantees, condition, Streams(1), []))
    require_kept(rows, table, 500, "total > 100")
    assert any("net" in sql and "gross" in sql for sql in asked)


def test_rows_that_break_a_check_come_out_as_those_that_keep_it() -> None:
    # rows drawn anew are drawn like the others, so the kept rows are the model's rows that keep the check
    frame, _ = sampled((Check("net <= 50"),), 4_000)
    free = drawer(fitted())(10_000, None, Streams(8)).filter(pl.col("net") <= 50)
    # standard errors .46 / sqrt(4000) and .46 / sqrt(5000): four of the difference are .04
    for make in ("VW", "Fiat", "Ford"):
        assert abs((frame["make"] == make).mean() - (free["make"] == make).mean()) < 0.04
    assert abs(frame["net"].mean() - free["net"].mean()) < 4 * 15 * (1 / 4_000 + 1 / 5_000) ** 0.5


def test_unique_rows_are_drawn_until_the_last_one() -> None:
    table = Table(
        "t", (Column("a", "category"), Column("b", "number", integer=True)), constraints=(Unique(("a", "b")),)
    )
    encodings = {
        "a": Category.fit(pl.Series("a", ["x", "y"]), table["a"]),
        "b": Number.fit(pl.Series("b", [0, 49]), table["b"]),
    }

    def draw(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        rng = streams.stream("rows")
        return pl.DataFrame({"a": rng.choice(["x", "y"], n).tolist(), "b": rng.integers(50, size=n)})

    guarantees = Guarantees.of(table, encodings)
    rows = pl.concat(keep_rules(100, draw, guarantees, None, Streams(1), []))
    assert rows.n_unique() == 100
    with pytest.raises(ImpossibleCondition, match="100 different values in this model, and 101 rows"):
        list(keep_rules(101, draw, guarantees, None, Streams(1), []))


def test_what_proves_too_rare_says_what_rows_broke() -> None:
    table = Table("t", (Column("a", "number", integer=True), Column("b", "number", integer=True)))
    table = replace(table, constraints=(Check("a > b"), Unique("a")))

    def draw(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        return pl.DataFrame({"a": np.ones(n, dtype=np.int64), "b": np.zeros(n, dtype=np.int64)})

    with pytest.raises(RareCondition, match=r'`"a" differs in every row`'):
        list(keep_rules(3, draw, Guarantees.of(table, {}), None, Streams(1), []))


@pytest.mark.parametrize(
    ("rules", "where", "words"),
    [
        ((KINDS["combination"],), "make = 'VW' and model = 'Panda'", "nothing that keeps the constraint"),
        ((KINDS["one_hot"],), "is_a and is_b", "nothing that keeps the constraint"),
        ((Check("net > 80"),), "net < 20", "no value of 'net'"),
        ((Check("net > 80"), Check("net < 10")), None, "no value of 'net'"),
        ((Unique("make"),), None, "3 different values"),
        (
            (Implies("make = 'VW'", "zip is null"),),
            "make = 'VW' and zip is not null",
            "if make = 'VW' then zip",
        ),
        (
            (Implies("make = 'VW'", "net < 40 and gross > 0"),),
            "make = 'VW' and net > 40.5",
            "keeps the constraint",
        ),
        ((Unique(("make", "zip")),), "make = 'VW'", "20 different values"),
    ],
)
def test_contradictions_are_told_before_drawing(
    rules: tuple[Constraint, ...], where: str | None, words: str
) -> None:
    with pytest.raises(ImpossibleCondition, match=words):
        sampled(rules, 500, where)


def test_an_implication_that_leaves_room_is_no_contradiction() -> None:
    rows, _ = sampled((Implies("make = 'VW'", "net < 40"),), 200, "make <> 'Ford' and net > 42")
    assert set(rows["make"]) == {"Fiat"}


def test_draws_that_fail_within_a_constraint_name_it() -> None:
    table = Table("t", (Column("a", "number", integer=True),), constraints=(Check("a > 9"),))

    def draw(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        if where is not None:
            raise RareCondition("where `a > 9`: none of 9 rows drawn satisfies it. Loosen it.")
        return pl.DataFrame({"a": np.ones(n, dtype=np.int64)})

    kept = keep_draws(draw, Guarantees.of(table, {}), Tally())
    with pytest.raises(RareCondition, match=r"constraint `?.a > 9.`? is broken by 1,024 of 1,024 rows"):
        kept(5, None, Streams(1))


def test_values_that_run_out_are_given_up_soon_and_counted() -> None:
    table = Table("t", (Column("day", "number", integer=True),), constraints=(Unique("day"),))
    asked = 0

    def draw(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        nonlocal asked
        asked += n
        return pl.DataFrame({"day": 7 * streams.stream("day").integers(300, size=n)})

    encodings = {"day": Number.fit(pl.Series("day", [0, 2_093]), table["day"])}
    with pytest.raises(RareCondition, match=r"300 rows were found that keep .*100 rows lack still"):
        list(keep_rules(400, draw, Guarantees.of(table, encodings), None, Streams(1), []))
    assert asked < 150_000


def test_a_rule_that_many_rows_break_is_told_to_move_other_columns() -> None:
    often, seldom, led = [], [], []
    sampled((Check("net > 30"),), 500, notes=often)
    sampled((Check("net > 1"),), 500, notes=seldom)
    sampled((Check("net > 80"),), 500, notes=led)
    words = "rows are drawn given the rule, so other columns move with it"
    assert words in " ".join(often)
    assert words not in " ".join(seldom)
    assert words in " ".join(led)


def test_combinations_that_no_fit_has_filled_in_are_asked_for() -> None:
    with pytest.raises(SchemaError, match="Fit again, or list them"):
        sampled((Combination(("make", "model")),))


def test_groups_get_their_commonest_value_and_keep_it_over_blocks() -> None:
    columns = (Column("zip", "category"), Column("city", "category", nullable=True))
    table = Table("t", columns, constraints=(Determines("zip", "city"),))
    guarantees = Guarantees.of(table, {})
    first = pl.DataFrame({"zip": ["1", "1", "1", "2"], "city": ["A", "B", "B", None]})
    second = pl.DataFrame({"zip": ["2", "1", "3", None], "city": ["A", "A", "A", "C"]}, schema=first.schema)
    tally = Tally()
    rows = pl.concat(
        settle_rows(
            [first, second], keep_draws(_none, guarantees, tally), guarantees, (None,), Streams(1), tally
        )
    )
    assert rows["city"].to_list() == ["B", "B", "B", None, None, "B", "A", "C"]


def _none(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
    raise AssertionError("nothing has to be drawn")


def test_a_rising_column_keeps_its_values() -> None:
    columns = (Column("t", "number", integer=True), Column("v", "number"), Column("g", "category"))
    rules = (Monotone("v", "t", by="g", falling=True),)
    table = Table("t", columns, constraints=rules)
    rng = Streams(1).stream("rows")
    given = pl.DataFrame(
        {"t": rng.integers(9, size=200), "v": rng.random(200), "g": rng.choice(["x", "y"], 200).tolist()}
    )
    tally, guarantees = Tally(), Guarantees.of(table, {})
    kept = next(settle_rows([given], _none, guarantees, (None,), Streams(1), tally))
    assert not find_broken(rules[0], kept, table).any()
    assert kept.select("g", "v").sort("g", "v").equals(given.select("g", "v").sort("g", "v"))
    assert kept["t"].equals(given["t"])


def test_a_strictly_rising_column_repeats_no_value() -> None:
    columns = (Column("t", "number", integer=True), Column("v", "number", integer=True))
    table = Table("t", columns, constraints=(Monotone("v", "t", strict=True),))

    def draw(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        rng = streams.stream("rows")
        return pl.DataFrame({"t": rng.integers(1_000, size=n), "v": rng.integers(2_000, size=n)})

    rows = pl.concat(keep_rules(300, draw, Guarantees.of(table, {}), None, Streams(1), []))
    require_kept(rows, table, 300)


def test_quotas_stay_what_they_were_when_rows_are_settled() -> None:
    source = fitted()
    table = replace(source.table, constraints=(Unique(("net", "make")), KINDS["determines"]))
    guarantees, tally = Guarantees.of(table, source.encodings), Tally()
    kinds = tuple(Predicate.parse(f"make = '{make}'", table) for make in ("VW", "Ford"))
    kept = keep_draws(drawer(source), guarantees, tally)
    given = [pl.concat([kept(60, kinds[0], Streams(1)), kept(30, kinds[1], Streams(2))])]
    rows = pl.concat(settle_rows(given, kept, guarantees, kinds, Streams(3), tally))
    assert rows["make"].to_list() == ["VW"] * 60 + ["Ford"] * 30
    require_kept(rows, table, 90)


def test_keys_that_a_pattern_spells_never_repeat_and_never_run_dry_silently() -> None:
    columns = (Column("id", "key"), Column("a", "number", integer=True))
    table = Table("t", columns, constraints=(Pattern("id", r"[A-C]\d{2}"),))

    def draw(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        return pl.DataFrame({"id": ["?"] * n, "a": np.arange(n)})

    guarantees = Guarantees.of(table, {})
    rows = pl.concat(keep_rules(300, draw, guarantees, None, Streams(1), []))
    assert rows["id"].n_unique() == 300
    assert rows["id"].str.contains(r"^[A-C]\d{2}$").all()
    assert not rows["id"].is_sorted()
    with pytest.raises(ImpossibleCondition, match="spells 300 different keys, and 301 rows"):
        list(keep_rules(301, draw, guarantees, None, Streams(1), []))
    with pytest.raises(ImpossibleCondition, match="rows can not be chosen by it"):
        list(keep_rules(3, draw, guarantees, Predicate.parse("id like 'A%'", table), Streams(1), []))
    with pytest.raises(SchemaError, match="nothing else can be asked of it"):
        Guarantees.of(replace(table, constraints=(*table.constraints, Check("id <> 'A00'"))), {})
    with pytest.raises(SchemaError, match="may spell one text in several ways"):
        Guarantees.of(replace(table, constraints=(Pattern("id", "a*a*"),)), {})


@pytest.mark.parametrize(
    "regex",
    [
        r"[A-Z]{3}-\d{4}",
        r"^(ab|c\d?)+x*$",
        r"[^a-z]{2,4}\w\s.",
        "a|bc|",
        r"\D{1,3}\.\\",
        "(?:é|ß){2}",
        "x{0}y?",
    ],
)
def test_texts_of_a_pattern_match_it(regex: str) -> None:
    texts = Language.parse(regex).draw(300, Streams(1).stream("texts"))
    assert all(re.fullmatch(regex, text) for text in texts)


@pytest.mark.parametrize("regex", [r"[ab]{0,3}c|\d", "(x|yz){2}", "a?b?", "[ab]+(cd)?"])
def test_texts_are_counted(regex: str) -> None:
    language = Language.parse(regex)
    texts = language.spell(np.arange(language.count))
    assert all(re.fullmatch(regex, text) for text in texts)
    assert len(set(texts)) == language.count


def test_numbers_of_huge_languages_are_spelt() -> None:
    language = Language.parse(r"(\w{30}|x)[a-c]*")
    texts = language.spell(np.array([0, 1, 2**62 - 1]))
    assert len(set(texts)) == 3
    assert all(re.fullmatch(r"(\w{30}|x)[a-c]*", text) for text in texts)


@pytest.mark.parametrize("regex", ["(?i)a", "(?=a)b", r"(a)\1", "[", r"a\bc", r"\p{L}", "a{20000}"])
def test_patterns_without_texts_are_refused(regex: str) -> None:
    with pytest.raises(SchemaError, match=re.escape(repr(regex))):
        Language.parse(regex)


def test_memory_of_a_million_values_is_small_and_exact() -> None:
    rng = Streams(1).stream("values")
    values = rng.integers(200_000, size=300_000)
    seen, kept = Seen(("a",)), []
    for cut in range(0, len(values), 50_000):
        frame = pl.DataFrame({"a": values[cut : cut + 50_000]})
        fresh = frame.filter(pl.Series(seen.admit(frame)))
        seen.learn(fresh)
        kept.append(fresh)
    rows = pl.concat(kept)["a"]
    assert rows.n_unique() == len(rows) == len(np.unique(values))
    assert sum(run.nbytes for run in seen._runs) == 8 * len(rows)


SMALL: dict[str, Callable[[st.DataObject], Constraint]] = {
    "check": lambda data: Check(
        data.draw(st.sampled_from(["a <= b", "a + b < 12", "not (c = 'x' and a > 5)"]))
    ),
    "implies": lambda data: Implies(
        data.draw(st.sampled_from(["a > 4", "c = 'x'"])),
        data.draw(st.sampled_from(["b = 7", "d is null", "b > 2"])),
    ),
    "equality": lambda data: Equality("b", data.draw(st.sampled_from(["a", "9 - a", "floor(a / 2)"]))),
    "determines": lambda data: Determines(data.draw(st.sampled_from(["a", "c", "d"])), "e"),
    "combination": lambda data: Combination(("c", "e"), (("x", "u"), ("y", "u"), ("x", "v"))),
    "monotone": lambda data: Monotone("b", "a", by=data.draw(st.sampled_from([(), ("c",)]))),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_is_given_keeps_its_constraints(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(SMALL)), min_size=1, max_size=3, unique=True))
    # a column that is computed from what it must rise with can leave no row
    assume(not {"equality", "monotone"} <= set(kinds))
    rules = tuple(SMALL[kind](data) for kind in kinds)
    columns = (
        Column("a", "number", integer=True), Column("b", "number", integer=True, nullable=True),
        Column("c", "category"), Column("d", "category", nullable=True), Column("e", "category"),
    )  # fmt: skip
    table = Table("t", columns, constraints=rules)
    where = data.draw(st.sampled_from([None, "a > 2", "c = 'x'", "b is not null"]))

    def draw(n: int, asked: Predicate | None, streams: Streams) -> pl.DataFrame:
        pieces: list[pl.DataFrame] = []
        while sum(map(len, pieces)) < n or not pieces:
            rng = streams.stream("rows", len(pieces))
            b = pl.Series("b", rng.integers(10, size=4 * n + 64))
            frame = pl.DataFrame(
                {"a": rng.integers(10, size=len(b)), "b": b, **{
                    name: rng.choice(levels, len(b)).tolist()
                    for name, levels in (("c", ["x", "y"]), ("d", ["p", "q"]), ("e", ["u", "v"]))
                }}
            ).with_columns(
                pl.when(pl.Series(rng.random(len(b)) < 0.8)).then(pl.col(name)).alias(name) for name in "bd"
            )  # fmt: skip
            pieces.append(frame if asked is None else asked.keep(frame))
        return pl.concat(pieces).head(n)

    some = draw(500, None, Streams(0))
    encodings = {
        column.name: (Number if column.kind == "number" else Category).fit(some[column.name], column)
        for column in columns
    }
    condition = Predicate.parse(where, table) if where else None
    rows = pl.concat(keep_rules(60, draw, Guarantees.of(table, encodings), condition, Streams(1), []))
    require_kept(rows, table, 60, where)


def _drawing(frame: pl.DataFrame) -> Draw:
    """Draw rows of a frame at random, those that a predicate keeps."""

    def draw(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        rows = frame if where is None else where.keep(frame)
        return rows[streams.stream("rows").integers(len(rows), size=n)]

    return draw


def test_groups_get_what_training_rows_say_and_conditions_ask_for_the_groups() -> None:
    rng = Streams(7).stream("zips")
    place = rng.integers(0, 40, 4_000)
    frame = pl.DataFrame(
        {"zip": [f"z{i}" for i in place], "city": [None if i % 5 == 0 else f"c{i % 7}" for i in place]}
    ).with_columns(city=pl.when(pl.int_range(pl.len()) % 50 == 0).then(pl.lit("c1")).otherwise("city"))
    schema = sim.infer(frame).with_constraint(Determines("zip", "city"))
    # the two are drawn on their own, so only the groups that were learnt can tell which city a zip lies in
    model = sim.fit(frame, "independent", schema=schema, seed=1)
    drawn = model.sample(3_000, seed=1).polars()
    told = {f"z{i}": None if i % 5 == 0 else f"c{i % 7}" for i in range(40)}
    assert drawn["city"].to_list() == [told[name] for name in drawn["zip"]]
    asked = model.sample(2_000, seed=1, where="city = 'c3'")
    # 5 of the 40 zips: 12.5 %, with a standard error of sqrt(.125 * .875 / 4000) = .5 % in training, and four of them
    (share,) = re.findall(r"probability of about ([\d.]+) %", " ".join(asked.notes))
    assert abs(float(share) - 100 * sum(city == "c3" for city in told.values()) / 40) < 2.1
    assert asked.polars()["city"].unique().to_list() == ["c3"]
    assert not any("drawn anew" in note for note in asked.notes)


def test_a_strict_rise_holds_where_nothing_had_to_move() -> None:
    columns = (Column("a", "number", integer=True), Column("day", "number", integer=True))
    table = Table("t", columns, constraints=(Monotone("a", "day", strict=True),))
    guarantees = Guarantees.of(table, {})
    sorted_with_ties = pl.DataFrame({"a": [1, 2, 2, 3], "day": [1, 2, 3, 4]})
    kept = keep_draws(_drawing(pl.DataFrame({"a": [7, 8], "day": [9, 10]})), guarantees, Tally())
    rows = next(settle_rows([sorted_with_ties], kept, guarantees, (None,), Streams(1), Tally()))
    assert len(rows) == 4
    assert not find_broken(table.constraints[0], rows, table).any()


def test_rises_that_can_not_be_are_given_up_soon() -> None:
    columns = (Column("a", "number", integer=True), Column("day", "number", integer=True))
    guarantees = Guarantees.of(Table("t", columns, constraints=(Monotone("a", "day", strict=True),)), {})
    few = pl.DataFrame({"a": [1, 2] * 50, "day": range(100)})
    with pytest.raises(RareCondition, match="strictly rises"):
        list(keep_rules(100, _drawing(few), guarantees, None, Streams(1), []))


def test_what_a_rising_column_is_computed_from_moves_along() -> None:
    columns = tuple(Column(name, "number", integer=True) for name in ("total", "a", "b", "day"))
    rules = (Equality("total", "a + b"), Monotone("total", "day"))
    table = Table("t", columns, constraints=rules)
    encodings = {c.name: Number.fit(pl.Series([0, 99]), c) for c in columns}
    rng = Streams(4).stream("rows")
    pool = pl.DataFrame({name: rng.integers(0, 40, 500) for name in table.names})
    tally: list[str] = []
    rows = next(keep_rules(300, _drawing(pool), Guarantees.of(table, encodings), None, Streams(1), tally))
    require_kept(rows, table, 300)
    assert not any("drawn anew" in note for note in tally)


def test_combinations_are_borrowed_from_the_nearest_row() -> None:
    allowed = [(a, b, c) for a in range(5) for b in range(5) for c in range(5) if (a + b + c) % 2 == 0]
    columns = tuple(Column(name, "number", integer=True) for name in "abc")
    table = Table("t", columns, constraints=(Combination(tuple("abc"), tuple(allowed)),))
    guarantees = Guarantees.of(table, {})
    assert len(allowed) > 32
    rng = Streams(4).stream("rows")
    given = pl.DataFrame({name: rng.integers(0, 5, 2_000) for name in "abc"})
    rows = guarantees.repair(given, Streams(1), Tally())
    assert not find_broken(table.constraints[0], rows, table).any()
    # every two columns occur with a third that fits, so one value changes at most
    changed = sum((rows[name] != given[name]).to_numpy().astype(int) for name in "abc")
    assert changed.max() == 1


def test_a_key_of_several_columns_never_repeats() -> None:
    frame = pl.DataFrame({"shop": [n % 40 for n in range(2_000)], "day": [n // 40 for n in range(2_000)]})
    schema = sim.infer(frame)
    table = replace(schema.table(), key=("shop", "day"))
    model = sim.fit(frame, "independent", schema=replace(schema, tables=(table,)), seed=1)
    drawn = model.sample(1_500, seed=1).polars()
    assert drawn.n_unique() == 1_500
    with pytest.raises(ImpossibleCondition, match="2,000 different values"):
        model.sample(2_001, seed=1)
