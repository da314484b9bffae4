"""Rows under conditions against brute force: the same margins, the same probability, and every row fits."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

import simulacra as sim
from simulacra.domain import Axis, Block, Domain, Support
from simulacra.errors import RareCondition
from simulacra.randomness import Streams
from simulacra.sampling.decoding import Decoder
from simulacra.sampling.lookahead import scout
from simulacra.sampling.particles import Pool, Tally, Walker, pick, thin
from simulacra.sampling.supports import Wish, intersect, make_plan
from simulacra.schema.predicates import Predicate

BRUTE = 400_000


def rows(n: int = 6_000) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    state = rng.choice(["OH", "NY", "CA", "TX"], n, p=[0.4, 0.3, 0.25, 0.05])
    age = np.clip(rng.normal(np.where(state == "CA", 35, 50), 12), 18, 90).round()
    income = np.exp(rng.normal(3 + age / 60, 0.6)).round(2)
    day = np.datetime64("2024-01-01") + rng.integers(0, 366, n).astype("timedelta64[D]")
    seen = day.astype("datetime64[us]") + rng.integers(0, 24 * 60, n).astype("timedelta64[m]")
    return pl.DataFrame(
        {
            "state": state,
            "region": np.where(np.isin(state, ["OH", "NY"]), "east", "west"),
            "age": pl.Series(age).cast(pl.Int64),
            "income": income,
            "fee": (income * 0.1).round(2),
            "seen": seen,
            "member": pl.Series(rng.random(n) < 0.3).replace_strict({True: "yes", False: "no"}),
            "visits": pl.Series(rng.poisson(2, n)),
        }
    ).with_columns(
        pl.when(pl.Series(rng.random(n) < 0.1)).then(None).otherwise(pl.col("visits")).alias("visits")
    )


@pytest.fixture(scope="module")
def model():
    return sim.fit(rows(), seed=1)


@pytest.fixture(scope="module")
def brute(model):
    return model.sample(BRUTE, seed=99).polars()


CONDITIONS = [
    "member = 'yes' and age between 30 and 34",
    "state in ('TX', 'CA') and visits > 4",
    "visits is null and income > 120",
    "extract(month from seen) = 2 and extract(hour from seen) < 6",
    "income > 3 * age and member = 'no'",
    "(state = 'TX' and age > 60) or (state = 'OH' and visits >= 6)",
    "region = 'east' and not (state = 'OH') and age % 10 = 7",
    "fee > 15 or age < 22",
    "coalesce(visits, 0) + age > 85",
]


@pytest.mark.parametrize("where", CONDITIONS)
def test_rows_under_a_condition_are_those_of_brute_force(model, brute, where):
    fits = Predicate.parse(where, model.table).evaluate(brute).fill_null(False)
    wanted = brute.filter(fits)
    drawn = model.sample(4_000, seed=3, where=where)
    frame = drawn.polars()
    assert Predicate.parse(where, model.table).evaluate(frame).fill_null(False).all()
    # rows picked from 2.5 times as many effective particles vary by a factor 1 + 1 / 2.5 more in variance
    spread = np.sqrt(1.4 / 4_000 + 1 / len(wanted))
    for name in ("state", "region", "member"):
        for level in brute[name].unique():
            p = (wanted[name] == level).mean()
            error = np.sqrt(max(p * (1 - p), 1 / len(wanted))) * spread
            # some 150 comparisons: 4.5 standard errors are passed by chance in 1 of 1,000 runs
            assert abs((frame[name] == level).mean() - p) < 4.5 * error, (name, level)
    for name in ("age", "income", "visits"):
        if not wanted[name].drop_nulls().len():
            continue
        cut = wanted[name].drop_nulls().median()
        p = (wanted[name] <= cut).fill_null(False).mean()
        error = np.sqrt(max(p * (1 - p), 1 / len(wanted))) * spread
        assert abs((frame[name] <= cut).fill_null(False).mean() - p) < 4.5 * error, name


@pytest.mark.parametrize("where", CONDITIONS)
def test_the_probability_told_is_the_long_run_frequency(model, brute, where):
    share = Predicate.parse(where, model.table).evaluate(brute).fill_null(False).mean()
    words = model.sample(4_000, seed=3, where=where).notes[0]
    told = float(words.split("about ")[1].split(" %")[0]) / 100
    # 10,000 effective particles err by 1 % of the probability at most (their weights' spread is in them), the frequency
    # by its binomial error
    error = np.hypot(np.sqrt(share / BRUTE), 0.015 * share)
    assert abs(told - share) < 4 * error


def test_rows_are_different_ones_under_a_rare_condition(model):
    drawn = model.sample(5_000, seed=1, where="state = 'TX' and age > 75 and member = 'yes'").polars()
    assert drawn.n_unique() >= 0.9 * 5_000


def test_rows_do_not_depend_on_what_was_asked_before(model):
    where = "state = 'TX' and age > 60"
    alone = sim.fit(rows(), seed=1).sample(500, seed=5, where=where).digest
    model.sample(10, seed=1, where="age < 30")
    assert model.sample(500, seed=5, where=where).digest == alone


def test_a_looked_up_column_limits_what_it_is_looked_up_by(model):
    condition = Predicate.parse("region = 'west'", model.table)
    decoder = Decoder(model.encodings, model.domain, model.relations)
    plan = make_plan(Wish.split([condition]), decoder, model.generator.order)
    assert not plan.gates and len(plan.supports) == 1


def test_parts_that_exclude_each_other_are_told(model):
    with pytest.raises(RareCondition, match="rule each other out"):
        model.sample(5, seed=1, where="age < 30 and age > 40")


def test_a_condition_on_text_is_judged_on_finished_rows():
    frame = rows(2_000).with_columns(
        note=pl.Series([f"order {i % 7} of {i}" if i % 3 else f"bill {i}" for i in range(2_000)])
    )
    model = sim.fit(frame, seed=1)
    assert model.table["note"].kind == "text"
    drawn = model.sample(300, seed=2, where="note like 'b%' and state = 'OH'").polars()
    assert len(drawn) == 300 and drawn["note"].str.starts_with("b").all() and (drawn["state"] == "OH").all()


def test_a_box_of_a_gaussian_has_its_probability():
    rng = np.random.default_rng(0)
    x = rng.normal(size=40_000)
    frame = pl.DataFrame({"x": x, "y": 0.8 * x + 0.6 * rng.normal(size=40_000)})
    model = sim.fit(frame, "copula", seed=1)
    words = model.sample(1_000, seed=1, where="x > 2 and y < 0").notes[0]
    told = float(words.split("about ")[1].split(" %")[0]) / 100
    grid = np.linspace(2, 6, 4_001)
    exact = np.trapezoid(norm.pdf(grid) * norm.cdf(-0.8 * grid / 0.6), grid)
    # the copula's margins err by 1 / sqrt(40,000 x .023) = 3.3 % at 2, its correlation by .002
    assert abs(told / exact - 1) < 0.2


def test_thinning_keeps_the_sum_and_the_heavy_ones():
    rng = np.random.default_rng(1)
    weights = rng.exponential(size=5_000) ** 3
    totals = []
    for uniform in np.linspace(0, 0.999, 50):
        index, new = thin(weights, 500, float(uniform))
        assert abs(len(index) - 500) <= 1 and (np.diff(index) > 0).all()
        heavy = weights[index] >= new.min() * (1 + 1e-9)
        assert np.allclose(new[heavy], weights[index][heavy])
        totals.append(new.sum())
    # systematic draws differ by one light particle at most
    assert abs(np.mean(totals) / weights.sum() - 1) < 1 / 500


def test_picking_follows_the_weights():
    weights = np.array([1.0, 2.0, 0.0, 5.0])
    assert np.bincount(pick(weights, 80, 0.5), minlength=4).tolist() == [10, 20, 0, 50]


def test_what_two_supports_allow():
    both = intersect(
        Support(ranges=np.array([[0.0, 2.0], [5.0, 9.0]]), missing=True),
        Support(ranges=np.array([[1.0, 6.0]])),
    )
    assert both.ranges.tolist() == [[1.0, 2.0], [5.0, 6.0]] and not both.missing


class Coins:
    """A chain of coins: each shows what the one before showed with a chance of .999."""

    order = tuple(range(6))

    def __init__(self):
        self.domain = Domain(tuple(Axis(f"c{i}", f"c{i}", size=2) for i in range(6)))

    def cells(self, axis):
        return 2

    def start(self, n, *, context=None):
        return _Rows(np.zeros((n, 6), np.uint8))

    def codes(self, draft, axis):
        return draft.z[:, axis]

    def read(self, draft, axis, rng):
        return draft.z[:, axis]

    def step(self, draft, axis, *, support=None, given=None, held=None, rng):
        one = np.where(draft.z[:, axis - 1] == 1, 0.999, 0.001) if axis else np.full(len(draft), 0.001)
        chances = np.stack([1 - one, one], axis=1)
        if support is not None:
            chances = chances * (1 if support.levels is None else support.levels)
            chances = chances * (1 if support.bias is None else support.bias)
        mass = chances.sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            draft.z[:, axis] = rng.stream("coin", axis).random(len(draft)) * mass < chances[:, 1]
            return np.log(mass)

    def finish(self, draft, rng):
        return Block(self.domain, tuple(draft.z.T), rows=len(draft))


class _Rows:
    def __init__(self, z):
        self.z = z

    def __len__(self):
        return len(self.z)

    def take(self, index):
        return _Rows(self.z[index])


def test_a_lead_finds_the_early_cause_of_a_late_wish():
    model = Coins()
    columns = [f"c{i}" for i in range(6)]
    frame = pl.DataFrame({name: ["0", "1"] * 5 for name in columns})
    table = sim.infer(frame.with_columns(pl.all().cast(pl.String))).table()
    table = sim.Schema((table,)).table()
    for name in columns:
        table = table.with_column(name, kind="category", levels=("0", "1"))
    from simulacra.encodings.category import Category

    encodings = {c.name: Category.fit(frame[c.name], c) for c in table.columns}
    decoder = Decoder(encodings, model.domain)
    late = Predicate.parse("c5 = '1'", table)
    walker = Walker(model, make_plan(Wish.split([late]), decoder, model.order), decoder)
    found = scout(walker, Streams(1))
    blind, led = Tally(), Tally()
    for tally, own in ((blind, walker), (led, found.walker)):
        _, weights = own.walk(20_000, Streams(2))
        tally.add(20_000, weights)
    step = np.array([[0.999, 0.001], [0.001, 0.999]])
    exact = (np.array([0.999, 0.001]) @ np.linalg.matrix_power(step, 5))[1]
    for tally in (blind, led):
        # the standard error of a mean weight is sqrt(1 / effective - 1 / drawn) of it
        assert abs(tally.chance / exact - 1) < 4 / np.sqrt(tally.effective)
    assert found.walker.plan.bias and led.effective > 3 * blind.effective
    block = Pool(found.walker, found.expected).rows(2_000, Streams(3), Tally(), 10**6)
    assert (block.columns[5] == 1).all()
    first = 0.001 * np.linalg.matrix_power(step, 5)[1, 1] / exact
    assert abs(block.columns[0].mean() - first) < 4 * np.sqrt(1.4 * first * (1 - first) / 2_000)
