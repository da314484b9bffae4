"""Tables that refer to themselves come back as trees: as many tops and managers, as deep, and never a circle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulacra as sim
from simulacra.cli import run
from simulacra.dataset import Dataset
from simulacra.domain import Array
from simulacra.randomness import Streams
from simulacra.relational.references.levels import find_levels, match_levels, write_levels
from simulacra.schema.constraints import Check
from simulacra.schema.types import Schema


class Shape(NamedTuple):
    """What a table looks like that refers to itself."""

    rows: int
    tops: int
    managers: int
    depth: int


def boss(rows: int) -> list[int | None]:
    """One top, five below, and all others below these, as in a small company."""
    return [None if row == 0 else 0 if row <= 5 else 1 + row % 5 for row in range(rows)]


def forest(rows: int) -> list[int | None]:
    """Many tops, and rows that choose any of the first fifth."""
    rng = Streams(0).at("forest").stream(str(rows))
    first = max(rows // 5, 2)
    return [None if row < first // 2 else int(rng.integers(min(row, first))) for row in range(rows)]


def ladder(rows: int) -> list[int | None]:
    """Twelve levels of the same size."""
    wide = max(rows // 12, 1)
    return [None if row < wide else row - wide - row % 2 * (row >= wide + 1) for row in range(rows)]


def company(
    parents: Callable[[int], list[int | None]], rows: int, *, own: bool = False
) -> tuple[Dataset, list[int]]:
    """Return staff and sites, and the parents of the staff; tops refer to themselves if `own`."""
    rng = Streams(1).at("company").stream("values")
    above = parents(rows)
    if own:
        above = [row if parent is None else parent for row, parent in enumerate(above)]
    staff = pl.DataFrame(
        {
            "employee_id": range(101, 101 + rows),
            "hired": [date(2010, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 4000, rows)],
            "salary": np.round(30_000 + 30_000 * rng.random(rows), 2),
            "manager_id": [None if parent is None else 101 + parent for parent in above],
        }
    )
    sites = pl.DataFrame({"site": range(30), "size": rng.integers(1, 9, 30)})
    real = sim.read({"staff": staff, "sites": sites})
    schema = real.schema.with_key("employee_id", table="staff").with_key("site", table="sites")
    if not schema.table("staff").references:
        schema = schema.with_reference("staff", "manager_id", "staff", "employee_id")
    if not own:
        schema = schema.with_constraint(Check("manager_id <> employee_id"), table="staff")
    return real.with_schema(schema), [-1 if parent is None else parent for parent in above]


def above(frame: pl.DataFrame) -> Array:
    """Return the position of each row's manager; -1 for none."""
    place = {key: row for row, key in enumerate(frame["employee_id"].to_list())}
    return np.array([-1 if key is None else place[key] for key in frame["manager_id"].to_list()])


def measure(at: Array, *, own: bool = False) -> Shape:
    """Walk up from every row; fail at a circle, and at a row that manages itself unless tops do."""
    itself = at == np.arange(len(at))
    assert own or not itself.any()
    at = np.where(itself, -1, at)
    depth, place = 0, np.flatnonzero(at >= 0)
    while len(place):
        depth += 1
        assert depth <= len(at), "a circle"
        place = at[place]
        place = place[at[place] >= 0]
    return Shape(len(at), int((at < 0).sum()), len(np.unique(at[at >= 0])), depth)


def assert_like(fake: Shape, real: Shape) -> None:
    """Hold a drawn table against the data: numbers of rows within four standard deviations of a Poisson number."""
    times = fake.rows / real.rows
    assert fake.depth <= real.depth + 1
    assert fake.depth >= min(real.depth, 3)
    for drawn, expected in ((fake.tops, real.tops * times), (fake.managers, real.managers * times)):
        assert abs(drawn - expected) <= 4 * expected**0.5 + 2, (fake, real)


@pytest.mark.parametrize("rules", [True, False])
@pytest.mark.parametrize(("parents", "rows"), [(boss, 60), (forest, 400), (ladder, 240), (forest, 5_000)])
def test_trees_come_back_as_trees(parents: Callable[[int], list[int | None]], rows: int, rules: bool) -> None:
    data, real = company(parents, rows)
    model = sim.fit(data, seed=0, rules=rules)
    for seed in range(4):
        for scale in (1, 3):
            fake = measure(above(model.sample(scale=scale, seed=seed).polars("staff")))
            assert_like(fake, measure(np.array(real)))


@pytest.mark.parametrize("n", [1, 2, 12])
def test_few_rows_are_a_tree_too(n: int) -> None:
    data, _ = company(boss, 60)
    model = sim.fit(data, seed=0)
    for seed in range(5):
        fake = measure(above(model.sample(n={"staff": n}, seed=seed).polars("staff")))
        assert fake.tops >= 1 and fake.depth == min(n - 1, 2)


def test_tops_that_refer_to_themselves_do_so_again() -> None:
    data, real = company(boss, 300, own=True)
    model = sim.fit(data, seed=0)
    for seed in range(4):
        frame = model.sample(seed=seed).polars("staff")
        assert not frame["manager_id"].null_count()
        assert_like(measure(above(frame), own=True), measure(np.array(real), own=True))


def test_pairs_stay_pairs_of_different_rows() -> None:
    data, _ = company(lambda rows: [row ^ 1 for row in range(rows)], 200)
    fake = sim.fit(data, seed=0).sample(seed=1).polars("staff")
    at = above(fake)
    assert not (at == np.arange(len(at))).any() and (at >= 0).all()


def test_models_without_protection_keep_trees() -> None:
    data, real = company(boss, 60)
    model = sim.fit(data, seed=0, protect=False)
    for seed in range(5):
        assert_like(measure(above(model.sample(seed=seed).polars("staff"))), measure(np.array(real)))


@given(st.lists(st.integers(-2, 11), max_size=40), st.integers(0, 5), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_any_drawn_levels_make_a_tree(places: list[int], kinds: int, seed: int) -> None:
    rng = Streams(seed).at("levels").stream("kinds")
    drawn, number = np.array(places, np.int64), len(places)
    asks, offers = rng.integers(-2, kinds + 2, number), rng.integers(0, kinds + 1, number)
    found = match_levels(asks, offers, rng.integers(0, 4, number), drawn, rng, nullable=True)
    shape = measure(found, own=True)
    assert not number or shape.tops >= 1
    top = (found < 0) | (found == np.arange(number))
    # what is drawn for the first level stays there, and one row at most moves up to it
    assert (top[drawn <= 1]).all() and top.sum() <= max(1, int((drawn <= 1).sum()))
    assert shape.depth <= max([0, *places]) // 2


def test_levels_count_from_rows_without_a_parent_and_cut_rare_circles() -> None:
    chain = np.arange(-1, 3_000)
    level = find_levels(chain)
    assert level is not None and (np.diff(level) >= 0).all() and level.max() < 1_000
    circle = np.append(np.arange(-1, 20), [22, 21])
    cut = find_levels(circle)
    assert cut is not None and cut[-2:].tolist() == [0, 0] and cut[20] == 20
    assert write_levels(np.array([0, 1]), np.array([0, 0])).tolist() == [-2, 2]


def test_a_table_that_refers_to_itself_needs_no_other_one(tmp_path: Path) -> None:
    data, real = company(boss, 60)
    staff = data.polars("staff")
    alone = Schema((data.schema.table("staff").renamed("people"),))
    for given_as in (staff, {"staff": staff}):
        model = sim.fit(given_as, schema=alone, seed=0)
        fake = model.sample(60, seed=1)
        assert_like(measure(above(fake.polars())), measure(np.array(real)))
    out = tmp_path / "staff.csv"
    model.save(tmp_path / "staff.sim")
    assert run(["sample", str(tmp_path / "staff.sim"), "-n", "30", "--seed", "1", "-o", str(out), "-q"]) == 0
    assert measure(above(pl.read_csv(out))).rows == 30


def test_rows_asked_for_are_a_tree() -> None:
    data, real = company(boss, 60)
    model = sim.fit(data, seed=0)
    fake = model.sample(where={"staff": "salary > 40000"}, seed=1).polars("staff")
    assert (fake["salary"] > 40_000).all()
    assert measure(above(fake)).depth <= measure(np.array(real)).depth
