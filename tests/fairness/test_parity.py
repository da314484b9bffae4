"""Drawn rows keep to the definition of parity that was asked for, and to nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_people import LEVELS, TABLE, draw

from simulacra.blocks import Draw
from simulacra.cli._parity import parse_fair
from simulacra.domain import Array
from simulacra.errors import ImpossibleCondition, OptionError, UnknownName
from simulacra.randomness import Streams
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table
from simulacra.shares._crossing import Crossing
from simulacra.shares._definitions import Parity
from simulacra.shares._tilts import deal, keep_within, make_independent
from simulacra.shares.parity import fill_parity, plan_parity, read_parity

ASKED = {"target": "paid", "group": "group", "definition": "independence"}
PILOT = 20_000


@pytest.fixture(autouse=True)
def small_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulacra.shares.parity.PILOT_ROWS", PILOT)


def filled(
    asked: Parity, n: int, drawn: Draw, seed: int, notes: list[str], condition: Predicate | None = None
) -> Iterator[pl.DataFrame]:
    plan = plan_parity(asked, n, TABLE, drawn, Streams(seed).at("plan"), condition=condition)
    return fill_parity(plan, n, drawn, Streams(seed), notes, condition=condition)


def rows_of(n: int, seed: int = 1, **fair: object) -> tuple[pl.DataFrame, list[str]]:
    notes: list[str] = []
    asked = read_parity({"target": "paid", "group": "group", **fair}, TABLE)
    blocks = filled(asked, n, draw, seed, notes)
    return pl.concat(list(blocks)), notes


def rates(frame: pl.DataFrame, level: str = "yes", by: str = "group") -> dict[str, tuple[int, float]]:
    table = frame.group_by(by).agg(pl.len(), (pl.col("paid") == level).mean().alias("rate"))
    return {row[by]: (row["len"], row["rate"]) for row in table.iter_rows(named=True)}


# --- tilts


def test_independence_is_exact_by_count() -> None:
    frame, notes = rows_of(10_007, definition="independence")
    assert len(frame) == 10_007
    for level in LEVELS:
        overall = float((frame["paid"] == level).mean())
        # a cell is rounded to less than two rows from what was asked: one for each margin
        assert all(abs(rate - overall) * rows < 2 for rows, rate in rates(frame, level).values())
    assert "keeps" in notes[0] and "effective sample size" in notes[0]


def test_independence_keeps_shares_of_groups_and_of_levels() -> None:
    frame, _ = rows_of(20_000, definition="independence")
    plain = draw(200_000, None, Streams(9))
    for column in ("group", "paid"):
        for level, share in plain[column].value_counts(normalize=True).iter_rows():
            # the pilot has 20,000 rows and the plain draws 200,000: five standard errors
            spread = 5 * math.sqrt(share * (1 - share) * (1 / PILOT + 1 / 200_000)) + 1 / 20_000
            assert abs((frame[column] == level).mean() - share) < spread


def test_what_is_not_named_keeps_its_distribution_given_target_and_group() -> None:
    frame, _ = rows_of(60_000, definition="independence")
    plain = draw(60_000, None, Streams(9))
    cells = ["paid", "group"]
    tables = [one.group_by(cells).agg(pl.len(), pl.col("bonus").mean()).sort(cells) for one in (frame, plain)]
    for ours, theirs in zip(*(table.iter_rows(named=True) for table in tables), strict=True):
        spread = math.sqrt(0.25 / ours["len"] + 0.25 / theirs["len"])
        # nine cells at 4.5 standard errors: a false alarm in 16,000 runs
        assert abs(ours["bonus"] - theirs["bonus"]) < 4.5 * spread


def test_conditional_independence_holds_in_every_stratum_and_leaves_what_is_explained() -> None:
    frame, _ = rows_of(40_000, definition="conditional-independence", given=["field"])
    for _, stratum in frame.group_by("field"):
        found = rates(stratum)
        overall = float((stratum["paid"] == "yes").mean())
        assert all(abs(rate - overall) * rows < 2 for rows, rate in found.values())
    found = rates(frame)
    # fields differ between groups and pay differs between fields: by the figures above 0.3 * (0.2 to 0.3)
    assert found["c"][1] - found["a"][1] > 0.05


def test_base_rates_give_every_group_the_stated_rate_and_keep_the_other_levels() -> None:
    frame, _ = rows_of(30_000, definition="base-rates", rate=0.4, positive="yes")
    assert all(abs(rate - 0.4) * rows < 2 for rows, rate in rates(frame).values())
    others, plain = frame.filter(pl.col("paid") != "yes"), draw(150_000, None, Streams(9))
    for group in "abc":
        own, theirs = (
            one.filter((pl.col("group") == group) & (pl.col("paid") != "yes"))["paid"] == "maybe"
            for one in (others, plain)
        )
        spread = math.sqrt(0.2 / len(theirs) + 0.2 / (0.1 * PILOT))
        assert abs(own.mean() - theirs.mean()) < 5 * spread + 2 / len(own)


def test_group_shares_are_exact_and_keep_rates() -> None:
    equal, _ = rows_of(9_000, definition="group-shares")
    assert equal["group"].value_counts()["count"].to_list() == [3_000] * 3
    stated, _ = rows_of(1_000, definition="group-shares", shares={"a": 0.1, "b": 0.2, "c": 0.7})
    assert {name: rows for name, (rows, _) in rates(stated).items()} == {"a": 100, "b": 200, "c": 700}
    plain = rates(draw(150_000, None, Streams(9)))
    for name, (rows, rate) in rates(equal).items():
        # the smallest group has 0.15 of the rows of the pilot, and of the plain rows
        assert abs(rate - plain[name][1]) < 5 * math.sqrt(0.25 / (0.15 * PILOT) + 0.25 / 22_500) + 2 / rows


def test_the_definition_holds_among_rows_that_satisfy_a_condition() -> None:
    condition = Predicate.parse("skill = 'high'", TABLE)
    asked = read_parity({"target": "paid", "group": "group", "definition": "independence"}, TABLE)
    frame = pl.concat(list(filled(asked, 3_000, draw, 1, [], condition)))
    assert frame["skill"].unique().to_list() == ["high"] and len(frame) == 3_000
    overall = float((frame["paid"] == "yes").mean())
    assert all(abs(rate - overall) * rows < 2 for rows, rate in rates(frame).values())


def test_a_group_without_the_level_is_told() -> None:
    def gappy(n: int, predicate: Predicate | None, streams: Streams) -> pl.DataFrame:
        frame = draw(4 * n + 100, None, streams).with_columns(
            paid=pl.when(pl.col("group") == "c").then(pl.lit("no")).otherwise("paid")
        )
        return (frame if predicate is None else predicate.keep(frame)).head(n)

    notes: list[str] = []
    asked = read_parity({"target": "paid", "group": "group", "definition": "independence"}, TABLE)
    frame = pl.concat(list(filled(asked, 2_000, gappy, 1, notes)))
    assert "group 'c'" in notes[1] and "does not hold for it" in notes[1]
    assert rates(frame)["c"][1] == 0 and abs(rates(frame)["a"][1] - rates(frame)["b"][1]) < 0.01


def test_missing_values_are_a_group_and_a_level() -> None:
    def gappy(n: int, predicate: Predicate | None, streams: Streams) -> pl.DataFrame:
        frame = draw(30 * n + 100, None, streams).with_columns(
            pl.when(pl.col(name) == level).then(None).otherwise(name).alias(name)
            for name, level in (("group", "b"), ("paid", "maybe"))
        )
        return (frame if predicate is None else predicate.keep(frame)).head(n)

    asked = read_parity({"target": "paid", "group": "group", "definition": "independence"}, TABLE)
    plan = plan_parity(asked, 1_000, TABLE, lambda n, p, s: gappy(2_000, p, s), Streams(1))
    assert sum(quota.rows for quota in plan.quotas) == 1_000
    assert sum("group 'missing'" in quota.words for quota in plan.quotas) == 3


def test_the_same_seed_gives_the_same_rows() -> None:
    one, other = (rows_of(500, 3, definition="independence")[0] for _ in range(2))
    assert one.equals(other) and not one.equals(rows_of(500, 4, definition="independence")[0])


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_rows_are_given_in_full(n: int) -> None:
    assert len(rows_of(n, definition="independence")[0]) == n


# --- what changes drawn rows


def log_joint(frame: pl.DataFrame) -> Array:
    """The chance of paid (yes or no) given skill and group, in a world where both count."""
    skill, group = (frame["skill"] == "high").to_numpy(), (frame["group"] == "a").to_numpy()
    chance = np.where(skill, 0.7, 0.3) - np.where(group, 0.2, 0.0)
    chance = np.where((frame["paid"] == "yes").to_numpy(), chance, 1 - chance)
    prior = np.where(skill, 0.4, 0.6) * np.where(group == skill, 0.75, 0.25)
    return np.log(chance * prior)


def world(n: int, predicate: Predicate | None, streams: Streams) -> pl.DataFrame:
    """Draw from `log_joint`."""
    luck = streams.stream("world").random((3, n))
    skill = luck[0] < 0.4
    group = skill == (luck[1] < 0.75)
    paid = luck[2] < np.where(skill, 0.7, 0.3) - np.where(group, 0.2, 0.0)
    names = {"group": ("b", "a"), "skill": ("low", "high"), "paid": ("no", "yes")}
    codes = {"group": group, "skill": skill, "paid": paid}
    return pl.DataFrame({name: np.array(names[name])[codes[name].astype(int)] for name in names})


def changed(n: int, density: object = log_joint, **fair: object) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    asked = read_parity({"target": "paid", "group": "group", "positive": "yes", **fair}, TABLE)
    plan = plan_parity(asked, n, TABLE, world, Streams(1), density=density)
    before = world(n, None, Streams(5))
    after, count = plan.transform(before, Streams(6))
    return before, after, count


def test_without_a_direct_path_the_target_depends_on_the_group_only_through_other_columns() -> None:
    before, after, count = changed(100_000, definition="no-direct-path")
    assert before.drop("paid").equals(after.drop("paid"))
    # p(yes | skill): the group weighs by its share among people of that skill (a is 0.75 of the high, 0.25 of the low)
    for skill, rate in (("high", 0.7 - 0.2 * 0.75), ("low", 0.3 - 0.2 * 0.25)):
        for group in "ab":
            cell = after.filter((pl.col("skill") == skill) & (pl.col("group") == group))
            assert abs((cell["paid"] == "yes").mean() - rate) < 4.5 * math.sqrt(0.25 / len(cell))
    # no redraw changes fewer rows than the distance between both: 0.2 * 2 * 0.75 * 0.25 of them on average
    expected = 0.2 * 2 * 0.75 * 0.25
    assert abs(count / 100_000 - expected) < 4.5 * math.sqrt(expected / 100_000)


def test_fewest_labels_are_flipped_and_those_nearest_to_the_boundary() -> None:
    before, after, count = changed(20_000, definition="relabel", rate=0.35)
    wanted = 0
    for group in "ab":
        mine = (pl.col("group") == group) & (pl.col("paid") == "yes")
        members = before.filter(pl.col("group") == group).height
        asked = round(0.35 * members)
        assert after.filter(mine).height == asked
        wanted += abs(before.filter(mine).height - asked)
    assert count == wanted
    flips = before["paid"] != after["paid"]
    lost = before.filter(flips & (before["paid"] == "yes"))
    kept = before.filter(~flips & (before["paid"] == "yes"))
    for group in set(lost["group"]):
        # of two skills the low ones are nearer to "no": no high one goes before the last of them
        if "low" in kept.filter(pl.col("group") == group)["skill"]:
            assert "high" not in lost.filter(pl.col("group") == group)["skill"]


def test_a_label_that_may_not_be_given_is_not_given() -> None:
    def limited(frame: pl.DataFrame) -> Array:
        barred = ((frame["skill"] == "low") & (frame["paid"] == "yes")).to_numpy()
        return np.where(barred, -np.inf, log_joint(frame))

    for definition in ("relabel", "no-direct-path"):
        before, after, _ = changed(20_000, limited, definition=definition)
        new = after.filter((before["paid"] == "no") & (after["paid"] == "yes"))
        assert "low" not in new["skill"] and len(new) > 0


def test_a_missing_label_is_neither_given_nor_taken() -> None:
    def gappy(n: int, predicate: Predicate | None, streams: Streams) -> pl.DataFrame:
        gap = pl.Series(streams.stream("gap").random(n) < 0.2)
        return world(n, predicate, streams).with_columns(paid=pl.when(gap).then(None).otherwise("paid"))

    def density(frame: pl.DataFrame) -> Array:
        return np.where(frame["paid"].is_null().to_numpy(), 0.0, log_joint(frame))

    asked = read_parity({**ASKED, "definition": "relabel", "positive": "yes"}, TABLE)
    plan = plan_parity(asked, 5_000, TABLE, gappy, Streams(1), density=density)
    before = gappy(5_000, None, Streams(5))
    after, count = plan.transform(before, Streams(6))
    assert count > 0 and (before["paid"].is_null() == after["paid"].is_null()).all()


def test_a_boolean_can_be_the_target() -> None:
    asked = read_parity(
        {**ASKED, "target": "bonus", "definition": "base-rates", "positive": True, "rate": 0.5}, TABLE
    )
    blocks = filled(asked, 600, draw, 1, [])
    assert pl.concat(list(blocks))["bonus"].sum() == pytest.approx(300, abs=2)


# --- what is asked


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"definition": "independent"}, UnknownName, "did you mean 'independence'"),
        ({"groups": "x"}, UnknownName, "did you mean 'group'"),
        ({"target": "payed"}, UnknownName, "did you mean 'paid'"),
        ({"group": "paid"}, OptionError, "two things"),
        ({"definition": None}, OptionError, "lacks 'definition'"),
        ({"given": "field"}, OptionError, "belongs to 'conditional-independence'"),
        ({"definition": "conditional-independence"}, OptionError, "lacks 'given'"),
        ({"definition": "base-rates", "rate": 1.5}, OptionError, "from 0 to 1"),
        ({"definition": "group-shares", "shares": {"a": 0.5}}, OptionError, "sum to 1"),
    ],
)
def test_a_wrong_request_is_refused_in_words(change: dict[str, object], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        read_parity({**ASKED, **change}, TABLE)


def test_what_can_not_be_planned_is_refused_in_words() -> None:
    def plan(condition: Predicate | None = None, density: object = log_joint, **change: object) -> None:
        plan_parity(
            read_parity({**ASKED, **change}, TABLE), 10, TABLE, draw, Streams(1), condition=condition,
            density=density, model="fog",
        )  # fmt: skip

    with pytest.raises(OptionError, match="model 'fog' can not tell"):
        plan(density=None, definition="relabel")
    with pytest.raises(OptionError, match="the condition is about it"):
        plan(Predicate.parse("paid = 'yes'", TABLE), definition="no-direct-path")
    with pytest.raises(ImpossibleCondition, match="one group"):
        plan(Predicate.parse("\"group\" = 'a'", TABLE))
    with pytest.raises(UnknownName, match="level of 'paid'"):
        plan(definition="base-rates", positive="yep")
    with pytest.raises(UnknownName, match="group"):
        plan(definition="group-shares", shares={"a": 0.5, "z": 0.5})


def test_values_of_a_sensitive_column_are_not_named() -> None:
    asked = read_parity({**ASKED, "target": "secret"}, TABLE)
    plan = plan_parity(asked, 100, TABLE, draw, Streams(1))
    assert not any("plum" in quota.words or "pear" in quota.words for quota in plan.quotas)
    wrong = read_parity({**ASKED, "target": "secret", "definition": "base-rates", "positive": "fig"}, TABLE)
    with pytest.raises(OptionError) as error:
        plan_parity(wrong, 100, TABLE, draw, Streams(1))
    assert "plum" not in str(error.value) and "pear" not in str(error.value)


def test_cells_agree_with_their_conditions() -> None:
    table = Table(
        "t",
        (Column('a "b"', "category"), Column("day", "date"), Column("x", "number"), Column("ok", "boolean")),
    )
    rng = Streams(2).stream("cells")
    days = [
        None if i % 9 == 0 else date(2024, 2, 1) + timedelta(days=int(i)) for i in rng.integers(0, 400, 600)
    ]
    frame = pl.DataFrame(
        {
            'a "b"': rng.choice(["it's", "b = 1", ""], 600),
            "day": days,
            "x": rng.normal(size=600).round(3),
            "ok": rng.random(600) < 0.5,
        }
    )
    crossing = Crossing.cut(table.columns, frame)
    codes = crossing.codes(frame)
    assert (codes >= 0).all() and len(crossing) > 50
    for cell in range(len(crossing)):
        fits = Predicate.parse(crossing.sql(cell, table), table).evaluate(frame).fill_null(False).to_numpy()
        assert (fits == (codes == cell)).all()


counts = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 4), st.integers(2, 4), st.integers(2, 4)), elements=st.integers(0, 50)
)


@settings(max_examples=60, deadline=None)
@given(counts=counts, n=st.integers(0, 500))
def test_dealt_rows_sum_up_and_leave_empty_cells_empty(counts: Array, n: int) -> None:
    counts[0, 0, 0] += 1
    shares, _ = keep_within(make_independent(counts), counts)
    rows = deal(n, shares)
    assert rows.sum() == n and (rows >= 0).all() and (rows[counts == 0] == 0).all()
    # strata and groups are rounded once
    assert (np.abs(rows.sum(axis=(1, 2)) - n * shares.sum(axis=(1, 2))) < 1 + 1e-6).all()


def test_the_option_of_the_command_line_is_what_python_takes() -> None:
    texts = ("target=paid", "group=group", "definition=group-shares", "shares.a=0.25", "shares.b=0.75")
    found = parse_fair(texts)
    assert read_parity(found, TABLE).shares == {"a": 0.25, "b": 0.75} and parse_fair(()) is None
    for wrong in (("target",), ("goal=paid",), ("rate=much",), ("target=a", "target=b")):
        with pytest.raises(OptionError, match="--fair"):
            parse_fair(wrong)


def test_several_columns_in_one_name_are_told_apart() -> None:
    with pytest.raises(
        OptionError, match=r"is no column but 2 of them.*\['group', 'field'\].*group=group and group=field"
    ):
        read_parity({**ASKED, "group": "group,field"}, TABLE)
    with pytest.raises(UnknownName):
        read_parity({**ASKED, "group": "group,feeld"}, TABLE)
    with pytest.raises(OptionError, match=r"For 40 % write 0\.4"):
        read_parity({**ASKED, "definition": "base-rates", "rate": 40}, TABLE)
