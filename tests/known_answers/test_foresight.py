"""Terms over several columns seen ahead: fewer draws in vain, and the same law."""

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.domain import Support
from simulacra.randomness import Streams
from simulacra.sampling.decoding import Decoder
from simulacra.sampling.drawing import Drawer, Leading
from simulacra.sampling.foresight import foresee
from simulacra.sampling.lookahead import scout
from simulacra.sampling.particles import Tally, Walker
from simulacra.sampling.supports import Wish, make_plan
from simulacra.schema.predicates import Predicate

FREE = 200_000


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(5)
    n = 5_000
    hours, age = rng.integers(0, 60, n), rng.integers(18, 80, n)
    where = rng.integers(0, 320, n)
    frame = pl.DataFrame({"hours": hours, "age": age, "where": [f"w{i:03d}" for i in where]})
    frame = frame.with_columns(
        pay=pl.Series((age * np.exp(rng.normal(3, 0.4, n))).round(2)), sex=pl.Series(age % 2)
    )
    return sim.fit(frame, seed=1)


def walker(model, condition):
    decoder = Decoder(model.encodings, model.domain, model.relations)
    plan = make_plan(Wish.split([Predicate.parse(condition, model.table)]), decoder, model.generator.order)
    return Walker(model.generator, plan, decoder)


def walked(one, n=60_000):
    tally = Tally()
    tally.add(n, one.walk(n, Streams(8))[1])
    return tally


@pytest.mark.parametrize(
    "condition",
    ["hours = age", "hours > age + 25 and sex = 1", "age % 7 = 3 and hours % 11 = age % 5", "pay > 60 * age"],
)
def test_a_term_over_two_columns_is_seen_ahead(model, condition):
    blind = walker(model, condition)
    found = scout(blind, Streams(1))
    assert found.walker.plan.foreseen
    seen, plain = walked(found.walker), walked(blind)
    assert seen.yield_ > 0.2 and seen.yield_ > 3 * plain.yield_
    free = model.sample(FREE, seed=3).polars()
    share = Predicate.parse(condition, model.table).evaluate(free).mean()
    # the error of a mean weight is at most 1 / sqrt(effective) of it, that of a frequency 1 / sqrt(hits)
    for tally in (seen, plain):
        assert abs(tally.chance / share - 1) < 4.5 * np.sqrt(1 / tally.effective + 1 / (share * FREE))


def test_every_combination_that_can_keep_a_term_can_be_drawn(model):
    one = walker(model, "pay > 60 * age")
    margins = {
        axis: np.full(model.generator.cells(axis), 1 / model.generator.cells(axis))
        for axis in model.generator.order
    }
    foreseen = foresee(one.plan, model.generator, one.decoder, margins)
    draft = model.generator.start(50_000)
    for axis in model.generator.order[: one.plan.stages]:
        model.generator.step(draft, axis, rng=Streams(2))
    gate = one.plan.gates[one.plan.stages]
    kept = one._judge(draft, gate, Streams(2))
    assert kept.sum() > 20
    for axis, table in foreseen.items():
        weights, line = table.lines([model.generator.codes(draft, own) for own in table.before], len(draft))
        assert (weights[line, model.generator.codes(draft, axis)][kept] > 0).all()


def test_lines_that_are_alike_draw_what_one_bias_draws(model):
    generator = model.generator
    axis = model.domain.names.index("where")
    assert generator.cells(axis) > 255
    bias = (np.arange(generator.cells(axis)) % 7 == 3) * 0.8 + 0.1
    drawn = []
    for support in (
        Support(bias=bias),
        Support(bias=np.stack([bias, bias / 2]), lines=np.arange(4_000) % 2),
    ):
        draft = generator.start(4_000)
        for own in generator.order:
            if own == axis:
                break
            generator.step(draft, own, rng=Streams(1))
        mass = generator.step(draft, axis, support=support, rng=Streams(2))
        drawn.append((generator.codes(draft, axis), np.exp(mass)))
    (one, mass), (two, halved) = drawn
    assert (one == two).mean() > 0.999
    np.testing.assert_allclose(halved, mass / (1 + np.arange(4_000) % 2), rtol=1e-6)


def test_the_mass_of_scattered_levels_of_a_large_vocabulary_is_their_frequency(model):
    generator = model.generator
    axis = model.domain.names.index("where")
    levels = (np.arange(generator.cells(axis)) % 9 == 2).astype(float)
    draft = generator.start(30_000)
    for own in generator.order:
        mass = generator.step(
            draft, own, support=Support(levels=levels) if own == axis else None, rng=Streams(3)
        )
        if own == axis:
            break
    codes = generator.codes(draft, axis)
    assert (levels[codes][mass > -np.inf] == 1).all()
    free = generator.sample(FREE, rng=Streams(4)).columns[axis]
    share = levels[free].mean()
    assert abs(np.exp(mass).mean() - share) < 5 * np.sqrt(share * (1 - share) * (1 / 30_000 + 1 / FREE))


def test_a_common_or_is_not_cut_into_parts(model):
    drawer = Drawer(model.generator, Decoder(model.encodings, model.domain, model.relations), model.table)
    common = drawer._way(Predicate.parse("age > 40 or hours = age", model.table), [])
    assert isinstance(common, Leading)


def test_parts_of_an_or_about_one_column_stay_together(model):
    parts = Predicate.parse("age = 20 or hours > 50 or age = 30", model.table).branches()
    assert [part.sql for part in parts] == [
        "((age = 20) OR (age = 30))", "(NOT COALESCE(((age = 20) OR (age = 30)), FALSE)) AND (hours > 50)",
    ]  # fmt: skip


def test_a_part_that_is_rarer_by_far_is_not_searched_for_long(model):
    one = walker(model, "age % 2 = 0 and sex = 1 and hours < 3")
    assert scout(one, Streams(1), beside=0.2).tally.drawn < 300_000
