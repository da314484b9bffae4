"""What `trees` must keep when rows are drawn step by step, within limits or from what is known; how likely rows are."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from simulacra.domain import Axis, Block, Domain, Support
from simulacra.models.table._calendar import phases
from simulacra.models.table.trees import Trees
from simulacra.randomness import Streams

ROWS = 6_000
DRAWS = 20_000
FIRST = int(np.datetime64("2021-01-01").astype(int))
SIGMAS = 4.5
"""Two-sided, a false alarm in 7e-6 of comparisons of one standard error; seeds are fixed besides."""


@cache
def table(seed: int = 5) -> Block:
    """A table with every kind of axis, all depending on a hidden group; other seeds give other rows of it."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, ROWS)
    kind = (group + (rng.random(ROWS) < 0.2)) % 3
    city = np.minimum(rng.zipf(1.25, ROWS) + 40 * group, 700)
    age = np.clip(np.rint(rng.normal(30 + 10 * group, 8)), 18, 80)
    pay = np.rint(np.exp(rng.normal(9 + group / 2, 0.6)))
    size = rng.normal(3 * group, 1.0)
    size[rng.random(ROWS) < 0.1 + 0.1 * group] = np.nan
    day = FIRST + rng.integers(0, 700, ROWS)
    day = np.where(phases("weekday", day) < 5, day, day + 2).astype(float)
    steps = rng.integers(0, 600, ROWS) * 5.0
    columns: dict[str, tuple[np.ndarray, dict]] = {
        "kind": (kind.astype(np.uint8), {"size": 3}),
        "age": (age, {"lattice": True}),
        "pay": (pay, {"lattice": True, "holders": 10}),
        "size": (size, {"missing": True, "holders": 10}),
        "city": (city.astype(np.uint16), {"size": 701}),
        "day": (day, {"lattice": True, "calendar": True, "holders": 10}),
        "steps": (steps, {"lattice": True}),
    }
    axes = tuple(Axis(name, name, **{"ordered": True, **facts}) for name, (_, facts) in columns.items())
    axes = tuple(Axis(a.name, a.name, size=a.size) if a.size else a for a in axes)
    return Block(Domain(axes), tuple(values for values, _ in columns.values()))


@cache
def model() -> Trees:
    return Trees().fit(table(), rng=Streams(1))


@cache
def plain() -> Block:
    return model().sample(10 * DRAWS, rng=Streams(2))


def steps(
    supports: dict[str, Support] | None = None, n: int = DRAWS, seed: int = 3, fitted: Trees | None = None
) -> tuple[Block, np.ndarray]:
    """Draw step by step; return the rows and the log of their weights."""
    fitted = fitted or model()
    names = fitted.domain_.names
    draft, rng, log = fitted.start(n), Streams(seed), np.zeros(n)
    for axis in fitted.order:
        log += fitted.step(draft, axis, support=(supports or {}).get(names[axis]), rng=rng)
    return fitted.finish(draft, rng), log


def column(block: Block, name: str) -> np.ndarray:
    return block.columns[block.domain.names.index(name)]


def levels(size: int, *allowed: int) -> Support:
    weights = np.zeros(size)
    weights[list(allowed)] = 1.0
    return Support(levels=weights)


def spans(*ranges: tuple[float, float], missing: bool = False) -> Support:
    return Support(ranges=np.array(ranges, float).reshape(-1, 2), missing=missing)


SUPPORTS: dict[str, tuple[str, Support]] = {
    "one level": ("kind", levels(3, 1)),
    "a lattice": ("age", spans((25, 31), (50, 50))),
    "a lattice of bins cut in the middle": ("pay", spans((8_111, 8_789), (20_003, 30_001))),
    "a continuous axis": ("size", spans((0.123, 0.789))),
    "a continuous axis, or missing": ("size", spans((-5, 0), missing=True)),
    "missing only": ("size", spans(missing=True)),
    "some of a large vocabulary": ("city", levels(701, *range(41, 60), *range(90, 120))),
    "a season": ("day", spans((FIRST + 100, FIRST + 161))),
    "one day": ("day", spans((FIRST + 124, FIRST + 124))),
    "exact values in two digits": ("steps", spans((1_000, 1_495), (2_001, 2_004), (2_500, 2_500))),
}
each_support = pytest.mark.parametrize("name", SUPPORTS)


def test_the_table_has_axes_of_every_form() -> None:
    digits = dict(zip(model().domain_.names, model().digits_))
    assert [len(digits[name].address) for name in ("kind", "age", "city", "steps")] == [1, 1, 2, 2]
    assert digits["day"].view.calendar is not None and digits["day"].lent()
    assert not digits["pay"].view.exact.any() and digits["size"].view.missing


def test_steps_without_limits_are_a_sample() -> None:
    fake, log = steps()
    direct = model().sample(DRAWS, rng=Streams(3))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(fake.columns, direct.columns))
    assert (log == 0).all()


@each_support
def test_draws_within_limits_stay_there_and_their_masses_are_the_share_of_plain_draws(name: str) -> None:
    axis, support = SUPPORTS[name]
    fake, log = steps({axis: support})
    mass = np.exp(log)
    worth = mass > 0
    assert support.holds(column(fake, axis))[worth].all()
    inside = support.holds(column(plain(), axis))
    # the mean of masses and the share of plain draws are both estimates of one probability
    share = inside.mean()
    error = np.sqrt(mass.var() / len(mass) + share * (1 - share) / len(inside))
    assert abs(mass.mean() - share) < SIGMAS * error + 1e-9
    assert share > 0.001


@each_support
def test_weighted_draws_match_plain_rows_that_fulfil_the_condition(name: str) -> None:
    axis, support = SUPPORTS[name]
    fake, log = steps({axis: support})
    weights = np.exp(log)
    kept = support.holds(column(plain(), axis))
    for other in ("age", "pay", "size", "day", "steps"):
        _agree(column(fake, other), weights, column(plain(), other)[kept], f"mean of {other}")
    for other, level in (("kind", 0), ("kind", 2), ("city", 1), ("city", 41)):
        own, real = (column(block, other) == level for block in (fake, plain()))
        _agree(own.astype(float), weights, real[kept].astype(float), f"share of {other} {level}")


def test_two_limits_at_once_match_rejection() -> None:
    supports = {"size": spans((1.0, 4.0)), "city": levels(701, *range(41, 200)), "age": spans((30, 44))}
    fake, log = steps(supports)
    kept = np.logical_and.reduce([s.holds(column(plain(), name)) for name, s in supports.items()])
    mass = np.exp(log)
    assert abs(mass.mean() - kept.mean()) < SIGMAS * np.sqrt(
        mass.var() / DRAWS + kept.mean() * (1 - kept.mean()) / len(kept)
    )
    for other in ("age", "pay", "size", "day"):
        _agree(column(fake, other), mass, column(plain(), other)[kept], other)


def test_what_is_impossible_has_no_mass() -> None:
    for axis, support in (("kind", levels(3)), ("age", spans((200, 300))), ("steps", spans((1_001, 1_004)))):
        _, log = steps({axis: support}, n=200)
        assert np.isneginf(log).all(), axis


def test_fractional_weights_of_levels_count() -> None:
    weights = np.array([1.0, 0.5, 0.0])
    fake, log = steps({"kind": Support(levels=weights)})
    shares = np.bincount(column(plain(), "kind"), minlength=3) / len(plain())
    mass = np.exp(log)
    expected = shares * weights
    assert abs(mass.mean() - expected.sum()) < SIGMAS * (
        mass.std() / np.sqrt(DRAWS) + 0.5 / np.sqrt(len(plain()))
    )
    found = np.average(column(fake, "kind") == 1, weights=mass)
    share = expected[1] / expected.sum()
    assert abs(found - share) < SIGMAS * np.sqrt(share * (1 - share) / DRAWS) * 1.5


# known values --------------------------------------------------------------------------------------------------


def impute(
    fitted: Trees, known: dict[str, np.ndarray], held: dict[str, np.ndarray], seed: int
) -> tuple[Block, np.ndarray]:
    n = len(next(iter(known.values())))
    draft, rng, log = fitted.start(n), Streams(seed), np.zeros(n)
    for axis in fitted.order:
        name = fitted.domain_.names[axis]
        log += fitted.step(draft, axis, given=known.get(name), held=held.get(name), rng=rng)
    return fitted.finish(draft, rng), log


def test_known_values_come_back_as_they_were() -> None:
    real = table().take(slice(0, 500))
    known = dict(zip(real.domain.names, real.columns))
    fake, log = impute(model(), known, {}, 7)
    assert all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(fake.columns, real.columns)
    )
    assert all(a.dtype == b.dtype for a, b in zip(fake.columns, real.columns))
    assert np.isfinite(log).mean() > 0.9


def test_only_held_rows_are_set_and_the_others_follow_them() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, ROWS).astype(np.uint8)
    y = np.where(rng.random(ROWS) < 0.8, x, 3 - x).astype(np.uint8)
    block = Block(Domain((Axis("x", "x", size=4), Axis("y", "y", size=4))), (x, y))
    fitted = Trees().fit(block, rng=Streams(0))
    n = 8_000
    given, held = np.full(n, 2, np.uint8), np.arange(n) % 2 == 0
    first = fitted.domain_.names[fitted.order[0]]
    other = "y" if first == "x" else "x"
    fake, log = impute(fitted, {first: given}, {first: held}, 1)
    drawn = column(fake, first)
    assert (drawn[held] == 2).all()
    # the other half is drawn as if nothing was known
    quarter = SIGMAS * np.sqrt(0.25 * 0.75 / (n / 2)) * np.sqrt(1 + n / 2 / ROWS)
    assert (np.abs(np.bincount(drawn[~held], minlength=4) / (n / 2) - 0.25) < quarter).all()
    # and what comes after follows both: y given x is x in 80 % of rows; given y, x is y in 80 %
    error = SIGMAS * np.sqrt(0.8 * 0.2 * (2 / n + 4 / ROWS))
    assert abs((column(fake, other)[held] == 2).mean() - 0.8) < error
    assert abs((column(fake, other)[~held] == drawn[~held]).mean() - 0.8) < error
    assert (log[~held] == 0).all()
    assert np.abs(np.exp(log[held]) - 0.25).max() < SIGMAS * np.sqrt(0.25 * 0.75 / ROWS)


def test_a_known_value_can_stand_beside_a_limit() -> None:
    draft, rng = model().start(400), Streams(4)
    support, held = spans((25, 31)), np.arange(400) < 100
    for axis in model().order:
        if model().domain_.names[axis] == "age":
            model().step(draft, axis, support=support, given=np.full(400, 60.0), held=held, rng=rng)
        else:
            model().step(draft, axis, rng=rng)
    age = column(model().finish(draft, rng), "age")
    assert (age[held] == 60).all() and support.holds(age[~held]).all()


def test_the_chance_of_known_values_is_their_density_times_the_bin() -> None:
    real = table().take(slice(0, 300))
    known = dict(zip(real.domain.names, real.columns))
    axes = [real.domain.names.index(name) for name in ("kind", "age")]  # each code is one value
    draft, rng, found = model().start(300), Streams(0), np.empty((300, len(real.domain)))
    for axis in model().order:
        found[:, axis] = model().step(draft, axis, given=known[real.domain.names[axis]], rng=rng)
    told = model().log_density(real)
    floor = np.log(1e-12)
    np.testing.assert_allclose(np.maximum(found[:, axes], floor), told[:, axes], atol=1e-9)


def test_rows_can_be_taken_several_times() -> None:
    half = len(model().order) // 2
    draft, rng = model().start(100), Streams(8)
    support = spans((25, 70))
    for axis in model().order[:half]:
        age = model().domain_.names[axis] == "age"
        model().step(draft, axis, support=support if age else None, rng=rng)
    index = np.array([5] * 50 + [7] * 50 + [5])
    more = draft.take(index)
    assert len(more) == 101 and len(draft) == 100
    for axis in model().order[half:]:
        age = model().domain_.names[axis] == "age"
        model().step(more, axis, support=support if age else None, rng=rng)
    fake = model().finish(more, rng)
    assert support.holds(column(fake, "age")).all()
    coded = [a for a in model().order[:half] if model().domain_.axes[a].size is not None]
    early = [fake.columns[a] for a in coded]
    assert all((values[index == 5] == values[0]).all() for values in early)
    # the rest is drawn for each of them anew
    assert len(np.unique(np.stack([c[:50] for c in fake.columns]).T, axis=0)) > 25


def test_given_values_travel_with_the_rows_taken() -> None:
    first = model().order[0]
    values = table().columns[first][:60]
    draft, rng = model().start(60), Streams(8)
    model().step(draft, first, given=values, rng=rng)
    index = np.array([3, 3, 59, 0])
    few = draft.take(index)
    for axis in model().order[1:]:
        model().step(few, axis, rng=rng)
    assert np.array_equal(model().finish(few, rng).columns[first], values[index], equal_nan=True)


# density -------------------------------------------------------------------------------------------------------


def test_density_is_the_exact_joint_of_a_small_table() -> None:
    rng = np.random.default_rng(3)
    joint = np.array([[0.30, 0.05, 0.05], [0.02, 0.20, 0.08], [0.10, 0.05, 0.15]])
    cell = rng.choice(9, 30_000, p=joint.ravel())
    block = Block(
        Domain((Axis("a", "a", size=3), Axis("b", "b", size=3))),
        ((cell // 3).astype(np.uint8), (cell % 3).astype(np.uint8)),
    )
    grid = Block(
        block.domain, (np.repeat(np.arange(3), 3).astype(np.uint8), np.tile(np.arange(3), 3).astype(np.uint8))
    )
    told = np.exp(Trees().fit(block, rng=Streams(0)).log_density(grid).sum(1))
    # all rows are donors, so only sampling error is left: 4.5 standard errors of each cell's share
    error = SIGMAS * np.sqrt(joint.ravel() * (1 - joint.ravel()) / 30_000)
    np.testing.assert_array_less(np.abs(told - joint.ravel()), error)
    assert abs(told.sum() - 1) < 1e-6


@pytest.mark.parametrize("name", ["kind", "city"])
def test_density_over_all_levels_is_one(name: str) -> None:
    real = table().take(slice(0, 40))
    place = real.domain.names.index(name)
    size = real.domain.axes[place].size or 0
    many = real.take(np.repeat(np.arange(40), size))
    columns = list(many.columns)
    columns[place] = np.tile(np.arange(size), 40).astype(columns[place].dtype)
    seen = np.isin(np.arange(size), table().columns[place])
    mass = np.exp(model().log_density(Block(real.domain, tuple(columns)))[:, place]).reshape(40, size)
    np.testing.assert_allclose(mass[:, seen].sum(1), 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("age", 10, 90), ("steps", 0, 3_000), ("day", FIRST, FIRST + 710)]
)
def test_density_over_all_points_of_a_lattice_is_one(name: str, low: int, high: int) -> None:
    real = table().take(slice(0, 3))
    place = real.domain.names.index(name)
    # a value that no code stands for is read as its nearest one: only those that can be drawn are asked for
    points = np.intersect1d(np.arange(low, high + 1.0), column(plain(), name))
    many = real.take(np.repeat(np.arange(3), len(points)))
    columns = list(many.columns)
    columns[place] = np.tile(points, 3)
    mass = np.exp(model().log_density(Block(real.domain, tuple(columns)))[:, place]).reshape(3, -1).sum(1)
    np.testing.assert_allclose(mass, 1.0, atol=1e-6)


def test_rows_whose_columns_do_not_belong_together_are_less_likely() -> None:
    rng = np.random.default_rng(1)
    unseen = table(6)
    broken = Block(unseen.domain, tuple(rng.permutation(values) for values in unseen.columns))
    for rows in (unseen, broken):
        assert np.isfinite(model().log_density(rows)).all()
    # values of several levels that the model never saw weigh the same in both
    real, wrong = (np.maximum(model().log_density(rows), -12).sum(1) for rows in (unseen, broken))
    assert real.mean() - wrong.mean() > SIGMAS * np.sqrt((real.var() + wrong.var()) / ROWS)
    strange = Block(unseen.domain, tuple(np.full_like(values[:5], 2) for values in unseen.columns))
    assert np.isfinite(model().log_density(strange)).all()


def _agree(values: np.ndarray, weights: np.ndarray, real: np.ndarray, what: str) -> None:
    """Check a weighted mean against a plain one, both with their errors; missing values are left out."""
    held, known = ~np.isnan(values), real[~np.isnan(real)]
    weights, values = weights[held], values[held].astype(np.float64)
    if not len(known) or not weights.sum():
        assert not len(known) and not weights.sum(), what
        return
    mean = np.average(values, weights=weights)
    error = np.sqrt((weights**2 * (values - mean) ** 2).sum()) / weights.sum()
    assert abs(mean - known.mean()) < SIGMAS * np.hypot(error, known.std() / np.sqrt(len(known))) + 1e-9, what
