"""What `trees` must keep of columns that real tables have: dates, clock times, large vocabularies, gaps, ties."""

from __future__ import annotations

import numpy as np
import pytest

from simulacra.domain import Axis, Block, Domain
from simulacra.models.table._calendar import Calendar, choose_rule, phases
from simulacra.models.table._digits import Digits, split_axes
from simulacra.models.table._views import View
from simulacra.models.table.trees import Trees
from simulacra.randomness import Streams

ROWS = 12_000
DATE = {"ordered": True, "lattice": True, "calendar": True, "holders": 10}
NUMBER = {"ordered": True, "holders": 10}
FIRST = int(np.datetime64("2019-01-01").astype(int))


def make(**columns: tuple[np.ndarray, dict]) -> Block:
    axes = tuple(Axis(name, name, **facts) for name, (_, facts) in columns.items())
    return Block(Domain(axes), tuple(values for values, _ in columns.values()))


def draw(block: Block, n: int = ROWS, seed: int = 1, **options: int) -> tuple[Trees, dict[str, np.ndarray]]:
    model = Trees(**options).fit(block, rng=Streams(seed))
    fake = model.sample(n, rng=Streams(seed + 1))
    again = Trees(**options).restore(model.dump()).sample(n, rng=Streams(seed + 1))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(fake.columns, again.columns))
    return model, dict(zip(fake.domain.names, fake.columns))


def days(rng: np.random.Generator, years: int, n: int = ROWS) -> np.ndarray:
    return FIRST + rng.integers(0, 365 * years, n)


def shares(codes: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(codes.astype(np.int64), minlength=size) / len(codes)


def five_errors(share: float, n: int = ROWS, m: int = ROWS) -> float:
    """Five standard errors of the difference of one share in two samples."""
    return 5 * np.sqrt(share * (1 - share) * (1 / n + 1 / m))


# dates ---------------------------------------------------------------------------------------------------------


def test_no_weekend_is_invented_on_a_table_of_working_days() -> None:
    d = days(np.random.default_rng(0), 3, 16_000)
    d = d[phases("weekday", d) < 5][:4000]  # some 5 rows a day: nearly no day has the 10 holders to be exact
    _, fake = draw(make(d=(d.astype(float), DATE)))
    found = shares(phases("weekday", fake["d"]), 7)
    assert found[5:].sum() == 0
    np.testing.assert_allclose(found[:5], shares(phases("weekday", d), 7)[:5], atol=five_errors(0.2, 4000))
    assert fake["d"].min() >= d.min() and fake["d"].max() <= d.max()
    thirds = shares((fake["d"] - FIRST) // 365, 3) - shares((d - FIRST) // 365, 3)
    assert np.abs(thirds).max() < five_errors(1 / 3, 4000)


def test_month_ends_stay_month_ends_also_in_leap_years() -> None:
    rng = np.random.default_rng(1)
    d = days(rng, 20, 200_000)
    d = d[phases("month_end", d) == 30].astype(float)
    d[rng.random(len(d)) < 0.1] = np.nan
    # 240 month ends with some 25 rows each: protection of 40 leaves none of them exact
    _, fake = draw(make(d=(d, {**DATE, "holders": 40, "missing": True})))
    held = fake["d"][~np.isnan(fake["d"])].astype(int)
    assert (phases("month_end", held) == 30).all()
    dates = held.astype("datetime64[D]")
    february = dates.astype("datetime64[M]").astype(int) % 12 == 1
    assert set(phases("month", held[february]) + 1) == {28, 29}
    assert abs(np.isnan(fake["d"]).mean() - 0.1) < five_errors(0.1, len(d))


def test_pay_days_keep_their_share_and_no_day_is_made_that_does_not_exist() -> None:
    rng = np.random.default_rng(2)
    d = days(rng, 4, 40_000)
    kept = (phases("month", d) == 14) | (rng.random(len(d)) < 0.1)
    d = d[kept]
    _, fake = draw(make(d=(d.astype(float), DATE)))
    found, real = ((phases("month", x) == 14).mean() for x in (fake["d"], d))
    assert abs(found - real) < five_errors(real, len(d))
    assert np.array_equal(fake["d"], np.rint(fake["d"]))
    assert fake["d"].min() >= d.min() and fake["d"].max() <= d.max()


@pytest.mark.parametrize("rule", ["weekday", "month", "month_end"])
def test_a_calendar_gives_every_day_back_and_draws_only_days_of_the_kind(rule: str) -> None:
    every = np.arange(FIRST, FIRST + 3000)
    calendar = Calendar(rule, 2019, 2027, np.arange(31))
    np.testing.assert_array_equal(calendar.days(calendar.positions(every)), every)
    rng = np.random.default_rng(3)
    d = np.sort(days(rng, 8, 3000)).astype(float)
    view = View.fit(Axis("d", "d", **DATE), d, max_codes=255).arrange(rule, d, max_codes=255, max_exact=255)
    back = view.decode(view.encode(d), rng)
    kept = np.isin(phases(rule, d), view.calendar.kept)
    assert kept.mean() > 0.9
    np.testing.assert_array_equal(phases(rule, back)[kept], phases(rule, d)[kept])
    # one phase has at least 1,500 / 31 of 8 years' rows, and a bin 10 to 20: it spans a few years at most
    assert np.abs(back - d).max() < 6 * 366


def test_a_day_is_exact_only_if_enough_rows_hold_it() -> None:
    rng = np.random.default_rng(4)
    d = days(rng, 3, 8000)
    d = np.append(d[phases("weekday", d) < 5], np.full(3, FIRST + 4))
    d = np.append(d, [FIRST + 5, FIRST + 5]).astype(float)  # two rows on a Saturday
    view = View.fit(Axis("d", "d", **DATE), d, max_codes=255).arrange(
        "weekday", d, max_codes=255, max_exact=255
    )
    exact = view.calendar.days(view.low[view.exact])
    counts = dict(zip(*np.unique(d, return_counts=True)))
    assert len(exact) and min(counts[day] for day in exact) >= 10
    assert 5 not in view.calendar.kept
    assert view.decode(view.encode(np.full(500, FIRST + 5.0)), rng).max() <= FIRST + 7 * 8


def test_the_rule_is_chosen_by_the_data() -> None:
    rng = np.random.default_rng(5)
    d = days(rng, 3, 20_000)
    for keep, rules in (
        (np.ones(len(d), bool), {None}),
        ((phases("weekday", d) < 5) | (rng.random(len(d)) < 0.6), {"weekday"}),
        # both rules tell the first of the month from all others
        ((phases("month", d) == 0) | (rng.random(len(d)) < 0.5), {"month", "month_end"}),
        ((phases("month_end", d) == 30) | (rng.random(len(d)) < 0.5), {"month_end"}),
    ):
        assert choose_rule(*np.unique(d[keep], return_counts=True), []) in rules


def test_a_column_that_depends_on_the_weekday_keeps_that_when_all_days_are_alike() -> None:
    rng = np.random.default_rng(6)
    d = np.arange(FIRST, FIRST + 2000)  # one row a day
    closed = phases("weekday", d) >= 5
    sales = np.where(closed, 1.0, 5.0) + 0.3 * rng.normal(size=len(d))
    _, fake = draw(make(d=(d.astype(float), DATE), sales=(sales, NUMBER)))
    weekend = phases("weekday", fake["d"]) >= 5
    # groups lie 13 standard deviations apart; leaves and back-off mix a few rows
    assert np.corrcoef(weekend, fake["sales"] < 3)[0, 1] > 0.9


def test_a_column_that_depends_on_the_season_keeps_that_over_years() -> None:
    rng = np.random.default_rng(7)
    d = days(rng, 6)
    warm = np.sin(2 * np.pi * d / 365.25) + 0.2 * rng.normal(size=ROWS)
    model, fake = draw(make(d=(d.astype(float), DATE), warm=(warm, NUMBER)))
    assert "month" in model.digits_[0].features
    real, found = (
        np.corrcoef(np.sin(2 * np.pi * x / 365.25), y)[0, 1]
        for x, y in ((d, warm), (fake["d"], fake["warm"]))
    )
    # the standard error is (1 - .96^2) / sqrt(12,000) = .0007; a bin is a few days, a leaf a month or less
    assert found > real - 0.03


def test_two_dates_a_few_days_apart_stay_so() -> None:
    rng = np.random.default_rng(8)
    ordered = days(rng, 2, 50_000)
    ordered = ordered[phases("weekday", ordered) < 5]
    shipped = ordered + rng.integers(1, 4, len(ordered))
    shipped += np.where(phases("weekday", shipped) >= 5, 2, 0)
    _, fake = draw(make(a=(ordered.astype(float), DATE), b=(shipped.astype(float), DATE)))
    gap = fake["b"] - fake["a"]
    assert (phases("weekday", fake["b"]) < 5).all() and (phases("weekday", fake["a"]) < 5).all()
    # a leaf holds the rows of about half a day: nearly all gaps are of 1 to 5 days, the others a week off
    assert ((gap >= 1) & (gap <= 5)).mean() > 0.75 and ((gap >= -6) & (gap <= 12)).mean() > 0.99
    assert np.abs(np.median(gap) - np.median(shipped - ordered)) <= 1


def test_clock_times_keep_their_heaps() -> None:
    rng = np.random.default_rng(9)
    minute = rng.integers(480, 1080, ROWS)
    kind = rng.random(ROWS)
    minute = np.where(kind < 0.4, minute // 60 * 60, np.where(kind < 0.6, minute // 60 * 60 + 30, minute))
    _, fake = draw(
        make(t=(minute.astype(float), {"ordered": True, "lattice": True, "holders": 10, "period": 1440}))
    )
    for heap in (0, 30):
        real, found = ((x % 60 == heap).mean() for x in (minute, fake["t"]))
        assert abs(real - found) < five_errors(real)
    assert np.abs(shares(minute // 60, 24) - shares(fake["t"] // 60, 24)).max() < five_errors(0.1)


# large vocabularies ----------------------------------------------------------------------------------------------


def test_a_hundred_thousand_levels_stay_within_their_regions() -> None:
    rng = np.random.default_rng(10)
    n, levels = 300_000, 100_000
    names, regions = rng.permutation(levels), rng.permutation(1000)
    level = rng.integers(0, levels, n)
    region = level // 100
    block = make(
        level=(names[level].astype(np.uint32), {"size": levels}),
        region=(regions[region].astype(np.uint16), {"size": 1000}),
        amount=(region / 300 + rng.normal(size=n), {"ordered": True}),
    )
    model, fake = draw(block, n=20_000, trees=1)
    assert len(model.digits_[0].sizes) == 3
    assert np.isin(fake["level"], block.columns[0]).all()
    home = np.argsort(names)[fake["level"]] // 100
    assert (regions[home] == fake["region"]).mean() > 0.995
    real = np.corrcoef(region, block.columns[2])[0, 1]
    assert abs(np.corrcoef(home, fake["amount"])[0, 1] - real) < 0.03
    # equal levels: 20,000 draws of 95,000 levels repeat few; a collapsed digit would repeat many
    assert len(np.unique(fake["level"])) > 0.8 * 20_000


def test_digits_of_any_depth_give_every_code_back() -> None:
    rng = np.random.default_rng(11)
    for size in (1, 200, 256, 60_000, 70_000, 300_000):
        codes = np.append(rng.integers(0, size, 100), np.arange(0, size, 2)).astype(np.uint32)
        axis = Axis("x", "x", size=size)
        digits = Digits.fit(View.fit(axis, codes, max_codes=255), codes, rng.random(size))
        parts = digits.split(codes)
        assert max(digits.sizes) <= 255 and all(part.dtype == np.uint8 for part in parts)
        np.testing.assert_array_equal(digits.join(parts), codes)
        np.testing.assert_array_equal(Digits.restore(digits.dump()).join(parts), codes)


def test_repeated_numbers_beyond_65025_stay_exact_where_they_are_sparse() -> None:
    rng = np.random.default_rng(12)
    known = np.sort(rng.choice(50_000_000, 80_000, replace=False)).astype(float)
    values = np.tile(known, 6)
    axis = Axis("x", "x", ordered=True, lattice=True, holders=5)
    split = split_axes(Block(Domain((axis,)), (values,)), rng)
    view = split.digits[0].view
    assert len(split.arrays[0]) == 3
    back = view.decode(split.digits[0].join(split.arrays[0]), rng)
    np.testing.assert_array_equal(back, values)


# gaps, ties, constants -------------------------------------------------------------------------------------------


def test_zero_inflation_and_heavy_ties_stay() -> None:
    rng = np.random.default_rng(13)
    group = rng.integers(0, 2, ROWS)
    amount = np.where(rng.random(ROWS) < np.where(group, 0.9, 0.3), 0.0, rng.lognormal(3, 1, ROWS))
    amount[rng.random(ROWS) < 0.1] = 99.99
    block = make(g=(group.astype(np.uint8), {"size": 2}), amount=(amount, NUMBER))
    _, fake = draw(block)
    for value in (0.0, 99.99):
        for g in (0, 1):
            here, there = amount[group == g], fake["amount"][fake["g"] == g]
            real = (here == value).mean()
            assert abs((there == value).mean() - real) < five_errors(real, len(here), len(there))


def test_constant_and_near_constant_columns_stay() -> None:
    rng = np.random.default_rng(14)
    flag = np.zeros(ROWS)
    flag[rng.choice(ROWS, 30, replace=False)] = 1.0
    block = make(
        same=(np.full(ROWS, 3.5), NUMBER),
        code=(np.zeros(ROWS, np.uint8), {"size": 1}),
        never=(np.full(ROWS, np.nan), {**NUMBER, "missing": True}),
        day=(np.full(ROWS, FIRST + 30.0), DATE),
        flag=(flag, {**NUMBER, "lattice": True}),
        x=(rng.normal(size=ROWS), NUMBER),
    )
    _, fake = draw(block)
    assert (fake["same"] == 3.5).all() and (fake["code"] == 0).all() and (fake["day"] == FIRST + 30).all()
    assert np.isnan(fake["never"]).all()
    assert set(fake["flag"]) <= {0.0, 1.0}
    assert abs(fake["flag"].sum() - 30) < 5 * np.sqrt(60)


def test_missing_values_that_depend_on_another_column_stay_informative() -> None:
    rng = np.random.default_rng(15)
    age = rng.uniform(0, 90, ROWS)
    income = np.where(rng.random(ROWS) < np.where(age < 18, 0.95, 0.05), np.nan, 1000 + 30 * age)
    block = make(age=(age, NUMBER), income=(income, {**NUMBER, "missing": True}))
    _, fake = draw(block)
    for young in (True, False):
        here, there = ((x < 17) == young for x in (age, fake["age"]))
        real, found = np.isnan(income[here]).mean(), np.isnan(fake["income"][there]).mean()
        # five standard errors, and bins of the age at the border of 18: one of 255 on either side
        assert abs(real - found) < five_errors(real, here.sum(), there.sum()) + 0.02


def test_a_date_that_is_missing_with_another_one_stays_so() -> None:
    rng = np.random.default_rng(16)
    start = days(rng, 3).astype(float)
    start[rng.random(ROWS) < 0.2] = np.nan
    end = start + rng.integers(0, 60, ROWS)
    end[rng.random(ROWS) < 0.3] = np.nan
    gap = {**DATE, "missing": True}
    _, fake = draw(make(start=(start, gap), end=(end, gap)))
    no_start, no_end = np.isnan(fake["start"]), np.isnan(fake["end"])
    # never an end without a start; back-off mixes a few rows
    assert (~no_end & no_start).mean() < 0.002
    assert abs(no_start.mean() - 0.2) < five_errors(0.2)
    assert abs(no_end.mean() - np.isnan(end).mean()) < five_errors(0.44)


# views -----------------------------------------------------------------------------------------------------------


def test_values_far_from_all_others_are_found_without_a_table_of_all_between() -> None:
    rng = np.random.default_rng(17)
    values = np.append(rng.integers(0, 300, 5000), np.full(50, -10_000_000_000)).astype(float)
    values = np.append(values, np.full(50, 999_999_999_999.0))
    view = View.fit(Axis("x", "x", ordered=True, lattice=True, holders=10), values, max_codes=255)
    back = view.decode(view.encode(values), rng)
    np.testing.assert_array_equal(back[-100:], values[-100:])
    assert np.abs(back - values).max() < 300


def test_encoding_agrees_with_the_codes_edges() -> None:
    rng = np.random.default_rng(18)
    values = np.concatenate([rng.exponential(size=3000), np.zeros(1000), np.full(200, 1.0), [np.nan] * 50])
    for lattice in (False, True):
        real = np.rint(values * 40) if lattice else values
        view = View.fit(
            Axis("x", "x", ordered=True, lattice=lattice, missing=True, holders=10), real, max_codes=64
        )
        codes = view.encode(real)
        held = ~np.isnan(real)
        assert (codes[~held] == 0).all() and (codes[held] > 0).all()
        at = codes[held].astype(int) - 1
        inside = np.clip(real[held], view.low.min(), view.high.max())  # extremes of few holders are left out
        assert (view.low[at] <= inside).all() and (inside <= view.high[at]).all()
        exact = np.isin(real[held], view.low[view.exact])
        np.testing.assert_array_equal(view.exact[at], exact)
