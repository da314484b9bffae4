"""Shares of rows: what may be asked, and that rows keep to it and are otherwise what the model draws."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2

import simulacra as sim
from simulacra.cli._shares import read_shares
from simulacra.errors import ImpossibleCondition, OptionError, PredicateError, RareCondition, UnknownName
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table
from simulacra.shares.balance import plan_rows
from simulacra.shares.margins import read_margins
from simulacra.shares.quotas import Quota, deal_blocks, fill_quotas

TABLE = Table(
    "people",
    (
        Column("sex", "category", levels=("F", "M")),
        Column("state", "category", levels=("OH", "NY", "TX", "WY")),
        Column("age", "number", integer=True),
        Column("fraud", "boolean"),
        Column("born", "date"),
    ),
)


def people(n: int, streams: Streams) -> pl.DataFrame:
    """Rows whose columns hang together: fraud is rare, and more frequent among the young of OH."""
    rng = streams.stream("people")
    sex, age = rng.choice(2, n, p=[0.4, 0.6]), rng.integers(18, 80, n)
    steps = np.cumsum([[0.5, 0.3, 0.19], [0.3, 0.3, 0.395]], axis=1)[sex]
    state = (rng.random(n)[:, None] > steps).sum(axis=1)
    fraud = rng.random(n) < 0.01 + 0.05 * (age < 30) * (state == 0)
    levels = pl.Series(np.array(["OH", "NY", "TX", "WY"])[state])
    missing = pl.Series(rng.random(n) < 0.05)
    frame = pl.DataFrame(
        {"sex": np.array(["F", "M"])[sex], "state": levels.set(missing, None), "age": age, "fraud": fraud}
    )
    return frame.with_columns(born=pl.date(2020, 1, 1) - pl.duration(days=365 * pl.col("age")))


POOL = people(300_000, Streams(0))
"""What the stand-in for a model draws from, so that all its shares are known exactly."""


@cache
def fitting(predicate: str | None) -> np.ndarray:
    if predicate is None:
        return np.arange(len(POOL))
    return np.flatnonzero(Predicate.parse(predicate, TABLE).evaluate(POOL).fill_null(False).to_numpy())


def draw(n: int, predicate: Predicate | None, streams: Streams) -> pl.DataFrame:
    """Draw rows of the pool, with replacement: no model is more exact."""
    rows = fitting(None if predicate is None else predicate.sql)
    if not len(rows):
        raise ImpossibleCondition(f"where `{predicate}`: no row fits.")
    return POOL[rows[streams.stream("rows").integers(0, len(rows), n)]]


def balanced(
    n: int, seed: int = 1, where: str | None = None, **asked
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    condition = Predicate.parse(where, TABLE) if where else None
    plan = plan_rows(TABLE, n, draw, Streams(seed), condition=condition, **asked)
    return pl.concat(list(plan.fill(draw, Streams(seed)))), plan.notes


def count(frame: pl.DataFrame, sql: str) -> int:
    return len(Predicate.parse(sql, TABLE).keep(frame))


def test_one_margin_is_exact_by_count_and_missing_is_none_of_the_levels() -> None:
    frame, notes = balanced(1_001, balance={"state": {"WY": 0.5, "OH": 0.2}})
    assert len(frame) == 1_001
    # largest remainders: 500.5, 200.2 and 300.3 rows
    assert count(frame, "state = 'WY'") in (500, 501) and count(frame, "state = 'OH'") == 200
    rest = frame.filter(~pl.col("state").is_in(["WY", "OH"]) | pl.col("state").is_null())
    assert len(rest) in (300, 301) and rest["state"].null_count() > 0
    assert "effective sample size" in notes[0]


def test_several_margins_hold_at_once_to_the_row() -> None:
    frame, _ = balanced(
        9_000,
        balance={
            "sex": {"F": 0.7},
            "state": {"OH": 0.2, "NY": 0.2, None: 0.3},
            "age": {"< 30": 0.1, (30, 49): 0.5},
            "fraud = true and age >= 50": 0.25,
        },
    )
    wanted = {
        "sex = 'F'": 6_300, "state = 'OH'": 1_800, "state = 'NY'": 1_800, "state is null": 2_700, "age < 30": 900,
        "age between 30 and 49": 4_500, "fraud = true and age >= 50": 2_250,
    }  # fmt: skip
    assert {sql: count(frame, sql) for sql in wanted} == wanted


def test_factors_multiply_and_divide_what_the_model_gives() -> None:
    frame, _ = balanced(20_000, bigger={"fraud": {True: 6}}, smaller={"state": {"OH": 4}})
    # pilots grow until six times the share is known to a standard error of .0025
    share = count(POOL, "fraud = true") / len(POOL)
    assert count(frame, "fraud = true") / 20_000 == pytest.approx(6 * share, abs=4 * 0.0025)
    share = count(POOL, "state = 'OH'") / len(POOL)
    assert count(frame, "state = 'OH'") / 20_000 == pytest.approx(share / 4, abs=0.004)


def test_shares_and_factors_of_one_column_are_one_margin() -> None:
    frame, _ = balanced(4_000, balance={"state": {"WY": 0.5}}, smaller={"state": {"OH": 2}})
    assert count(frame, "state = 'WY'") == 2_000
    assert 600 < count(frame, "state = 'OH'") < 820


def test_dates_and_missing_values_can_be_asked_for() -> None:
    frame, _ = balanced(500, balance={"born": {"born >= '1990-01-01'": 0.8}, "state": {"is null": 0.5}})
    assert count(frame, "born >= '1990-01-01'") == 400 and count(frame, "state is null") == 250


def test_margins_hold_among_the_rows_of_a_condition() -> None:
    frame, _ = balanced(2_000, where="age < 30", balance={"sex": {"F": 0.5}, "fraud": {True: 0.5}})
    assert count(frame, "age < 30") == 2_000
    assert count(frame, "sex = 'F'") == count(frame, "fraud = true") == 1_000


def test_within_a_cell_rows_are_what_the_model_draws() -> None:
    frame, _ = balanced(30_000, balance={"sex": {"F": 0.8}, "fraud": {True: 0.3}, "age < 30": 0.6})
    tested = 0
    cells = POOL.group_by("sex", "fraud", young=pl.col("age") < 30)
    for cell, rows in cells:
        drawn = frame.filter(sex=cell[0], fraud=cell[1]).filter((pl.col("age") < 30) == cell[2])
        shares = rows.group_by("state", pl.col("age") // 6).agg(share=pl.len() / len(rows))
        found = drawn.group_by("state", pl.col("age") // 6).len()
        table = shares.join(found, on=["state", "age"], how="left", nulls_equal=True).fill_null(0)
        mean = table["share"].to_numpy() * len(drawn)
        fits = mean >= 5
        statistic = ((table["len"].to_numpy() - mean)[fits] ** 2 / mean[fits]).sum()
        # eight cells, so a chance of 1e-4 for each
        assert statistic < chi2.ppf(1 - 1e-4, fits.sum()), cell
        tested += int(fits.sum())
    assert tested > 100


def test_cells_are_tilted_by_one_factor_per_margin() -> None:
    frame, _ = balanced(40_000, balance={"sex": {"F": 0.7}, "state": {"OH": 0.2, "NY": 0.5}})

    def odds(f: pl.DataFrame) -> float:
        n = [count(f, f"sex = '{s}' and state = '{t}'") for s in "FM" for t in ("OH", "NY")]
        return float(np.log(n[0] * n[3] / (n[1] * n[2])))

    # the pilot's 65,536 rows leave a standard error of the log odds ratio of .02, whole rows add nothing to speak of
    assert odds(frame) == pytest.approx(odds(POOL), abs=0.09)


def test_rare_parts_are_told_apart_within() -> None:
    # one in 600 rows is a WY row of a young F: the pilot draws the thin part for itself
    frame, _ = balanced(6_000, balance={"state": {"WY": 0.5}, "age >= 78": 0.3, "sex": {"F": 0.5}})
    assert count(frame, "state = 'WY'") == 3_000 and count(frame, "age >= 78") == 1_800
    assert count(frame, "sex = 'F'") == 3_000


def test_the_same_seed_gives_the_same_rows_and_every_block_is_mixed() -> None:
    asked = {"balance": {"sex": {"F": 0.9}, "fraud": {True: 0.2}}}
    plan = plan_rows(TABLE, 140_000, draw, Streams(4), **asked)
    blocks = list(plan.fill(draw, Streams(4)))
    assert [len(block) for block in blocks] == [BLOCK_ROWS, BLOCK_ROWS, 140_000 - 2 * BLOCK_ROWS]
    for block in blocks:
        # hypergeometric: a standard error of at most sqrt(.2 x .8 / 8,928) = .0042
        assert count(block, "fraud = true") / len(block) == pytest.approx(0.2, abs=0.019)
        half = block.head(len(block) // 2)
        assert count(half, "fraud = true") / len(half) == pytest.approx(0.2, abs=0.027)
    assert sum(count(block, "sex = 'F'") for block in blocks) == 126_000
    again = list(plan_rows(TABLE, 140_000, draw, Streams(4), **asked).fill(draw, Streams(4)))
    assert all(a.equals(b) for a, b in zip(blocks, again, strict=True))
    assert not balanced(50, 1, **asked)[0].equals(balanced(50, 2, **asked)[0])


def test_no_rows_and_one_row() -> None:
    assert balanced(0, balance={"sex": {"F": 0.5}, "fraud": {True: 0.5}})[0].shape == (0, 5)
    assert len(balanced(1, balance={"sex": {"F": 0.5}, "fraud": {True: 0.5}})[0]) == 1


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"balance": {}}, OptionError, "name no rows"),
        ({"balance": {"sex": {"F": 1.5}}}, OptionError, "shares lie between 0 and 1"),
        ({"balance": {"sex": {}}}, OptionError, "shares lie between 0 and 1"),
        ({"balance": {"sex": {"F": float("nan")}}}, OptionError, "nan"),
        ({"balance": {"sex": {"F": True}}}, OptionError, "True"),
        ({"balance": {"state": {"OH": 0.7, "NY": 0.7}}}, OptionError, "sum to at most 1"),
        ({"balance": {"sx": {"F": 0.5}}}, UnknownName, "did you mean 'sex'"),
        ({"balance": {"sex": 0.5}}, OptionError, "takes its levels"),
        ({"balance": {"sex > ": 0.5}}, OptionError, "neither a column nor a condition"),
        ({"balance": {"age": {"young": 0.5}}}, PredicateError, "young"),
        ({"bigger": {"fraud": {True: 0.5}}}, OptionError, "1 or more"),
        ({"bigger": {"sex": {"F": 3}}}, OptionError, "3 times as many would be 1"),
        ({"bigger": {"sex": {"F": 2}}, "balance": {"sex": {"M": 0.5}}}, OptionError, "sum to 1"),
        ({"bigger": {"age > 200": 2}}, OptionError, "no share to change"),
        ({"bigger": {"state": {"CA": 2}}}, UnknownName, "there is 'OH', 'NY'"),
        ({"balance": {"sex": {"f": 0.5}}}, UnknownName, "balance: no level of 'sex' .* did you mean 'F'"),
        ({"balance": {"SEXX": {"F": 0.5}}}, UnknownName, "did you mean 'sex'"),
        ({"balance": {"sex": {"F": 50}}}, OptionError, "For 50 % write 0.5"),
        ({"smaller": {"sex": {"F": 0.5}}}, OptionError, "2 times as large, ask for bigger with 2"),
        ({"bigger": {"sex": {"F": 0.25}}}, OptionError, "4 times as small, ask for smaller with 4"),
        ({"balance": {"state": {"null": 0.5}}}, UnknownName, "condition 'state is null'"),
        ({"balance": {"fraud": {"null": 0.5}}}, OptionError, "'null' is no boolean.* 'fraud is null'"),
        ({"balance": {"sex": {"F": 0.5}}, "bigger": {"sex": {"F": 2}}}, OptionError, "asked for twice"),
        ({"balance": {"age": {"< 30": 0.5, "< 40": 0.2}}}, OptionError, "exclude each other"),
        ({"balance": {"sex": {"F": 0.3, "M": 0.3}}}, OptionError, "sum to 60 %, and none of"),
        ({"balance": {"age > 60": 0.7, "age < 40": 0.6}}, OptionError, "at most 30 %"),
        ({"balance": {"age > 60": 0.3, "age > 50": 0.2}}, OptionError, "at least 30 %"),
    ],
)
def test_what_can_not_be_is_said(asked: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        balanced(100, **asked)


def test_a_refusal_speaks_of_shares_and_not_of_a_condition_that_nobody_gave() -> None:
    def refusing(n: int, predicate: Predicate | None, streams: Streams) -> pl.DataFrame:
        if predicate is not None and "200" in predicate.sql:
            raise ImpossibleCondition(f"where `{predicate.sql}`: no row can match. Loosen it.")
        return draw(n, predicate, streams)

    with pytest.raises(ImpossibleCondition, match=r"^balance asks for rows with `age > 200`"):
        plan = plan_rows(TABLE, 100, refusing, Streams(1), balance={"age > 200": 0.5})
        list(plan.fill(refusing, Streams(1)))
    older = Predicate.parse("age > 200", TABLE)
    # the user's own condition stays what it is
    with pytest.raises(ImpossibleCondition, match=r"^where"):
        plan_rows(TABLE, 100, refusing, Streams(1), balance={"sex": {"F": 0.5}}, condition=older)


def test_shares_far_beyond_the_model_are_told_in_plain_words() -> None:
    def notes(n: int = 1_000, **asked: object) -> list[str]:
        return [*plan_rows(TABLE, n, draw, Streams(1), **asked).notes]

    # WY holds 1 % of the women and .5 % of the men; with an age and fraud it is far below a thousandth
    rare = "state = 'WY' and age = 40"
    told = notes(balance={rare: 0.8})
    assert any("80 % of the rows are of a kind that the model gives about once in" in note for note in told)
    assert any("guess" in note and "state = 'WY'" in note for note in told)
    assert not any("guess" in note for note in notes(balance={"sex": {"F": 0.9}}))
    assert any("weights on 1 row of" in note for note in notes(1, balance={"sex": {"F": 1}}))
    several = notes(balance={rare: 0.4, "sex": {"F": 0.5}})
    assert any("of kinds that the model gives" in note and "and 1 more" in note for note in several)


def test_a_kind_that_is_never_drawn_is_the_engines_to_refuse() -> None:
    with pytest.raises((ImpossibleCondition, RareCondition)):
        balanced(100, balance={"age > 200": 0.5})
    with pytest.raises((ImpossibleCondition, RareCondition)):
        balanced(100, balance={"age > 200": 0.5, "sex": {"F": 0.5}})


def test_names_ignore_case_and_a_level_beats_a_predicate() -> None:
    table = Table("t", (Column("Sex", "category", levels=("< 30", "M")), Column("n", "number")))
    first, second = read_margins(table, {"sex": {"< 30": 0.5}, "N": {3: 0.1}})
    assert first.name == "Sex" and first.parts[0].predicate.sql == "\"Sex\" = '< 30'"
    assert second.name == "n" and second.parts[0].predicate.evaluate(
        pl.DataFrame({"n": [3.0, 4.0]})
    ).to_list() == [
        True,
        False,
    ]


def test_quotas_without_shares_known_are_filled_exactly() -> None:
    kinds = ["fraud = true and sex = 'F'", "fraud = true and sex = 'M'", "fraud = false and state = 'WY'"]
    quotas = [Quota(Predicate.parse(sql, TABLE), sql, 100 * (k + 1)) for k, sql in enumerate(kinds)]
    frame = pl.concat(list(fill_quotas(quotas, draw, Streams(3))))
    assert [count(frame, sql) for sql in kinds] == [100, 200, 300] and len(frame) == 600


def test_quotas_that_overlap_are_refused() -> None:
    quotas = [Quota(Predicate.parse(sql, TABLE), sql, 10) for sql in ("age < 40", "sex = 'F'")]
    with pytest.raises(OptionError, match="can fit both"):
        list(fill_quotas(quotas, draw, Streams(3)))


def test_blocks_share_quotas_as_a_shuffle_would() -> None:
    rows = np.array([100_000, 50_000, 3, 0])
    blocks = list(deal_blocks(rows, Streams(5)))
    assert sum(blocks).tolist() == rows.tolist()
    assert [int(block.sum()) for block in blocks] == [BLOCK_ROWS, BLOCK_ROWS, 150_003 - 2 * BLOCK_ROWS]


def test_hundreds_of_cells_ask_seldom() -> None:
    calls: list[int] = []

    def counted(n: int, predicate: Predicate | None, streams: Streams) -> pl.DataFrame:
        calls.append(n)
        return draw(n, predicate, streams)

    ages = {(low, low + 1): 1 / 31 for low in range(18, 80, 2)}
    asked = {"age": ages, "state": {"OH": 0.25, "NY": 0.25, "TX": 0.25}, "sex": {"F": 0.5}}
    plan = plan_rows(TABLE, 20_000, counted, Streams(6), balance=asked)
    assert len(plan.quotas) > 200
    frame = pl.concat(list(plan.fill(counted, Streams(6))))
    assert count(frame, "sex = 'F'") == 10_000 and len(calls) < 30
    ages_found = frame.group_by(pl.col("age") // 2).len()["len"]
    assert ages_found.min() >= 645 and ages_found.max() <= 646


def test_a_fitted_model_is_balanced_on_three_margins() -> None:
    model = sim.fit(people(4_000, Streams(2)), seed=1)
    asked = {"sex": {"F": 0.5}, "fraud": {True: 0.3}, "age > 60": 0.5}
    drawn = model.sample(5_000, seed=1, balance=asked)
    assert len(drawn) == 5_000 and any("effective sample size" in note for note in drawn.notes)
    kinds = ("sex = 'F'", "fraud = true", "age > 60")
    assert [count(drawn.polars(), sql) for sql in kinds] == [2_500, 1_500, 2_500]
    assert model.sample(5_000, seed=1, balance=asked).digest == drawn.digest


# --- the command line


def test_shares_are_read_from_the_command_line() -> None:
    names = ["fraud", "hours-per-week", "at:place", "age"]
    texts = [
        "fraud:yes=0.5",
        "fraud:a=b=0.1",
        "Hours-per-week:< 30=.2",
        "at:place:x=.3",
        "age > 60 and fraud = 'no'=.2",
    ]
    assert read_shares(texts, "--balance", names) == {
        "fraud": {"yes": 0.5, "a=b": 0.1},
        "Hours-per-week": {"< 30": 0.2},
        "at:place": {"x": 0.3},
        "age > 60 and fraud = 'no'": 0.2,
    }
    assert read_shares([], "--bigger", names) is None
    # a time in a condition is no level
    assert read_shares(["t > '10:30'=2"], "--bigger", names) == {"t > '10:30'": 2}
    # an unknown column is left for the model to name
    assert read_shares(["frod:yes=.5"], "--balance", names) == {"frod": {"yes": 0.5}}


def test_missing_values_and_percentages_on_the_command_line() -> None:
    missing = read_shares(["state is null=0.2"], "--balance", TABLE.names)
    below = read_shares(["state:is null=0.2"], "--balance", TABLE.names)
    for asked in (missing, below):
        assert balanced(100, balance=asked)[0]["state"].null_count() == 20
    with pytest.raises(OptionError, match=r"'sex:F=0\.5'"):
        read_shares(["sex:F=50%"], "--balance", TABLE.names)
    with pytest.raises(OptionError, match=r"a decimal: 'sex:F=0\.125'"):
        read_shares(["sex:F=12.5 %"], "--balance", TABLE.names)
    # how a missing value is written
    with pytest.raises(OptionError, match=r"'age is null=0\.1'"):
        read_shares(["state:=0.2"], "--balance", TABLE.names)


@pytest.mark.parametrize("text", ["fraud:yes", "fraud:yes=much", "fraud:=.5", "=.5", "", "fraud:yes=nan"])
def test_shares_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match="--balance takes COLUMN:LEVEL=NUMBER or PREDICATE=NUMBER"):
        read_shares([text], "--balance", ["fraud"])


def test_a_share_named_twice_is_refused() -> None:
    with pytest.raises(OptionError, match="twice"):
        read_shares(["fraud:yes=.5", "fraud:yes=.4"], "--balance", ["fraud"])
