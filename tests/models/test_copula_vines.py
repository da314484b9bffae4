"""Vines: pairs with copulas of their own, exact steps along the structure, and the package that they need."""

from __future__ import annotations

import copy
import json
import sys
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.domain import Array, Axis, Block, Domain, Support
from simulacra.errors import MissingExtra, OptionError
from simulacra.figures import Cells, Figures
from simulacra.models.table.copula import Copula
from simulacra.packing import pack
from simulacra.randomness import Streams
from simulacra.testing import check_generator

SIGMAS = 5.0


def clayton(theta: float, n: int, seed: int = 1) -> tuple[Array, Array]:
    """Pairs of a Clayton copula, by the inverse of its conditional distribution (Nelsen 2006, exercise 4.14)."""
    u, w = np.random.default_rng(seed).random((2, n))
    return u, (u**-theta * (w ** (-theta / (1 + theta)) - 1) + 1) ** (-1 / theta)


def reals(*columns: Array) -> Block:
    return Block(Domain(tuple(Axis(f"x{place}", f"x{place}") for place in range(len(columns)))), columns)


def four(n: int = 3_000) -> Block:
    rng = np.random.default_rng(2)
    u, v = clayton(2.0, n)
    w = u + 0.3 * rng.normal(size=n)
    return reals(u, v, w, rng.normal(size=n) - v)


def test_a_lopsided_pair_is_found_and_drawn() -> None:
    u, v = clayton(3.0, 5_000)
    model = Copula(family="vine").fit(reals(u, v), rng=Streams(1))
    pairs = model.exhibits()[1].detail
    # the tau of a Clayton copula is theta / (theta + 2), with a standard error of about .01 from 5,000 rows
    assert pairs["family"].to_list() == ["clayton"] and pairs["rotation"].to_list() == [0]
    assert pairs["tau"][0] == pytest.approx(0.6, abs=0.05)
    x, y = model.sample(20_000, rng=Streams(2)).columns
    # lower tails hang together and upper ones hardly do: C(q, q) / q is near 2 ** (-1 / theta) = .79
    low = ((x < 0.05) & (y < 0.05)).mean() / 0.05
    high = ((x > 0.95) & (y > 0.95)).mean() / 0.05
    assert low == pytest.approx((2 * 0.05**-3.0 - 1) ** (-1 / 3) / 0.05, abs=0.06)
    assert high < 0.35


@pytest.mark.parametrize("vine", ["regular", "canonical", "drawable"])
def test_steps_are_the_conditional_distributions_of_the_vine(vine: str) -> None:
    model = Copula(family="vine", vine=vine, truncate=9).fit(four(), rng=Streams(1))
    joint: Any = model.joint_
    levels = np.asfortranarray(np.random.default_rng(3).uniform(0.02, 0.98, (200, 4)))
    exact = joint.copula.rosenblatt(levels)
    past: dict[Any, Array] = {}
    for place in joint.order:
        law = joint.law(past, place, 200)
        below, above = law.tails(levels[:, place])
        np.testing.assert_allclose(below, exact[:, place], atol=1e-7)
        np.testing.assert_allclose(above, 1 - exact[:, place], atol=1e-7)
        back = law.invert(np.minimum(below, above), below > above)
        np.testing.assert_allclose(back, levels[:, place], atol=1e-5)
        joint.put(past, place, levels[:, place])


class Undesigned(Copula):
    design: Any = None
    """A vine is not made from figures; a test below asks what it says to them."""


def test_vines_keep_the_contract() -> None:
    check_generator(partial(Undesigned, family="vine", max_codes=40), seed=3)


def test_only_a_vine_has_an_order_of_its_own() -> None:
    for family in ("gaussian", "t", "vine"):
        for model in (Copula(family=family), copy.copy(Copula(family=family))):
            assert hasattr(model, "ordered") == (family != "vine")


def test_limits_have_the_mass_of_plain_draws_inside() -> None:
    model = Copula(family="vine").fit(four(), rng=Streams(1))
    n = 20_000
    draft, rng, log = model.start(n), Streams(3), np.zeros(n)
    box = {0: [0.0, 0.1], 1: [0.0, 0.1], 2: [-1.0, 0.2]}
    for axis in model.order:
        support = Support(ranges=np.array([box[axis]])) if axis in box else None
        log += model.step(draft, axis, support=support, rng=rng)
    plain = model.sample(n, rng=Streams(4)).columns
    share = np.all(
        [(plain[axis] >= low) & (plain[axis] <= high) for axis, (low, high) in box.items()], axis=0
    )
    mass = np.exp(log)
    error = np.sqrt(mass.var() / n + share.mean() / n)
    assert abs(mass.mean() - share.mean()) <= SIGMAS * error


def test_columns_of_two_values_are_not_thought_weaker_than_they_are() -> None:
    rng, n = np.random.default_rng(5), 6_000
    z = np.linalg.cholesky([[1, 0.8], [0.8, 1]]) @ rng.normal(size=(2, n))
    codes = (z > np.array([[0.2], [1.0]])).astype(np.uint8)
    domain = Domain((Axis("a", "a", size=2, ordered=True), Axis("b", "b", size=2, ordered=True)))
    model = Copula(family="vine").fit(Block(domain, tuple(codes)), rng=Streams(1))
    made = np.stack(model.sample(20_000, rng=Streams(2)).columns)
    # two coefficients from 6,000 and 20,000 rows differ by .015 at one standard error
    assert np.corrcoef(made)[0, 1] == pytest.approx(np.corrcoef(codes)[0, 1], abs=SIGMAS * 0.015)


@pytest.mark.parametrize("vine", ["regular", "canonical", "drawable"])
def test_a_vine_follows_its_context(vine: str) -> None:
    rng, n = np.random.default_rng(4), 3_000
    side, noise = rng.normal(size=(2, n))
    own = reals(noise, side + 0.1 * rng.normal(size=n), noise + rng.normal(size=n))
    context = Block(Domain((Axis("other", "other"), Axis("side", "side"))), (rng.normal(size=n), side))
    model = Copula(family="vine", vine=vine).fit(own, context=context, rng=Streams(1))
    assert sorted(model.order) == [0, 1, 2]
    fake = model.sample(n, context=context, rng=Streams(2)).columns
    assert np.corrcoef(fake[1], side)[0, 1] > 0.97
    assert abs(np.corrcoef(fake[0], side)[0, 1]) < 0.1
    assert np.corrcoef(fake[0], fake[2])[0, 1] == pytest.approx(0.71, abs=0.06)


def test_only_the_pairs_asked_for_are_used_and_trees_are_cut() -> None:
    model = Copula(family="vine", pairs="frank,independence", truncate=2).fit(four(), rng=Streams(1))
    pairs = model.exhibits()[1].detail
    assert set(pairs["family"]) <= {"frank", "independence"} and "frank" in set(pairs["family"])
    assert pairs["tree"].to_list() == [1, 1, 1, 2, 2]
    assert pairs.filter(pl.col("tree") == 2)["given"].str.len_chars().min() > 0


def test_weights_count() -> None:
    u, v = clayton(3.0, 4_000)
    shuffled = np.random.default_rng(1).permutation(v)
    block = reals(np.append(u, u), np.append(v, shuffled))
    weights = np.repeat([1.0, 0.0], 4_000)
    model = Copula(family="vine").fit(Block(block.domain, block.columns, weights), rng=Streams(1))
    # half of the rows, which say that there is nothing, count for nothing
    assert model.exhibits()[1].detail["tau"][0] == pytest.approx(0.6, abs=0.06)


def test_the_state_is_json_and_arrays() -> None:
    model = Copula(family="vine", margins="parametric").fit(four(), rng=Streams(1))
    arrays: list[Array] = []
    text = json.dumps(pack(model.dump(), arrays), allow_nan=False)
    assert "Clayton" in text
    back = Copula(family="vine", margins="parametric").restore(model.dump())
    one, two = (own.sample(500, rng=Streams(2)).columns for own in (model, back))
    assert all((a == b).all() for a, b in zip(one, two))


def test_a_saved_vine_draws_under_conditions(tmp_path: Any) -> None:
    u, v = clayton(3.0, 1_500)
    frame = pl.DataFrame({"u": u, "v": v, "side": np.where(u > 0.5, "high", "low")})
    sim.fit(frame, "copula", family="vine", seed=1).save(tmp_path / "vine.sim")
    model = sim.load(tmp_path / "vine.sim")
    rows = model.sample(300, where="u between 0.1 and 0.2 and v > 0.3", seed=2).polars()
    assert rows["u"].is_between(0.1, 0.2).all() and (rows["v"] > 0.3).all()
    assert (rows["side"] == "low").mean() > 0.8


def test_without_the_package_a_vine_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvinecopulib", None)
    monkeypatch.delitem(sys.modules, "simulacra.models.table._vines", raising=False)
    with pytest.raises(
        MissingExtra, match=r"family 'vine' .* needs 'pyvinecopulib'\. Install it with: pip install"
    ):
        Copula(family="vine")
    assert Copula(family="t").family == "t"


def test_a_vine_is_not_made_from_figures() -> None:
    cells = Cells(np.array([0.5, 0.5]))
    with pytest.raises(OptionError, match="gaussian or t"):
        Copula(family="vine").design(
            Domain((Axis("a", "a", size=2),)), Figures(cells=(cells,), told=("",)), rng=Streams(0)
        )
