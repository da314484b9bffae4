"""In rows that belong to entities, what one entity holds many times is held once, and is not given out."""

import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.domain import Axis, Block, Domain
from simulacra.models.table._views import View
from simulacra.privacy.holders import count_holders, find_ends, list_holders
from simulacra.privacy.protection import protect
from simulacra.randomness import Streams
from simulacra.relational.histories.seasons import Season
from simulacra.relational.released import level_groups, round_counts, soften_ends
from simulacra.schema.types import Column, Reference, Schema, Table

SECRET, SHARED = "Hiddenham", "Openville"
PRICE = 77_777.75
"""A price that one entity pays fifty times, between cheap ones and dear ones."""


def make_log() -> pl.DataFrame:
    """300 people; number 0 alone is in one place fifty times, and twelve are in another one once each."""
    rng = np.random.default_rng(5)
    who = np.concatenate(
        [np.repeat(np.arange(300), rng.integers(3, 9, 300)), np.zeros(50, int), np.arange(20, 32)]
    )
    n = len(who)
    place = np.array(["Aby", "Bex", "Cov"], object)[rng.integers(0, 3, n)]
    price = np.where(
        rng.random(n) < 0.5, rng.integers(100, 900, n) / 4, rng.integers(400_000, 480_000, n) / 4
    )
    own = slice(n - 62, n - 12)
    place[own], price[own] = SECRET, PRICE
    place[n - 12 :] = SHARED
    day = [date(2023, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 300, n)]
    day[own] = [date(2031, 5, 7) + timedelta(days=i) for i in range(50)]
    note = np.array(
        [f"met {a} at noon" for a in np.array(["Ann", "Bob", "Eve"])[rng.integers(0, 3, n)]], object
    )
    note[own] = "met Xanthippe at noon"
    return pl.DataFrame(
        {"who": who, "place": place.tolist(), "price": price, "day": day, "note": note.tolist()}
    ).sort("day", maintain_order=True)


def read_members(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def holds_number(path: Path, value: float) -> bool:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as file:
                    array = np.load(file, allow_pickle=False)
                if array.dtype.kind in "fiu" and (array.astype(float) == value).any():
                    return True
    return False


@pytest.mark.parametrize("model", ["trees", "copula", "independent"])
def test_what_one_entity_holds_often_is_not_given_out(model, tmp_path):
    fitted = sim.fit(make_log(), model, entity="who", order="day", seed=1)
    path = fitted.save(tmp_path / "log.sim")
    content = read_members(path)
    assert SECRET.encode() not in content and b"Xanthippe" not in content
    assert SHARED.encode() in content
    assert (
        not holds_number(path, PRICE)
        and not holds_number(path, PRICE * 4)
        and not holds_number(path, PRICE * 100)
    )
    assert SECRET not in str(fitted.schema)
    fake = fitted.sample(600, seed=2).polars()
    assert SECRET not in fake["place"].to_list() and (fake["price"] != PRICE).all()
    assert SHARED in fake["place"].to_list()
    assert fake["day"].max() < date(2024, 1, 1)
    assert not fake["note"].str.contains("Xanthippe").any()
    told = " ".join(fitted.notes)
    assert "'place'" in told and "counted by rows of 'entities of table'" in told


def test_without_protection_all_is_given_out():
    fake = sim.fit(make_log(), "independent", entity="who", order="day", seed=1, protect=False)
    assert SECRET in fake.sample(600, seed=2).polars()["place"].to_list()


def test_the_holder_of_a_row_is_the_entity_that_stands_first():
    # 60 customers with some orders of some lines; all lines of one customer, of many orders, hold a rare level
    rng = np.random.default_rng(7)
    customers = pl.DataFrame({"id": np.arange(60), "town": np.array(["A", "B"])[rng.integers(0, 2, 60)]})
    owner = np.repeat(np.arange(60), 4)
    orders = pl.DataFrame({"id": np.arange(240), "customer": owner, "paid": rng.integers(1, 50, 240)})
    of = np.repeat(np.arange(240), 3)
    item = np.array(["nut", "nail"])[rng.integers(0, 2, 720)].astype(object)
    item[owner[of] == 8] = SECRET
    item[np.arange(0, 720, 12)] = SHARED
    lines = pl.DataFrame({"order": of, "item": item.astype(str)})
    key = Column("id", "key", integer=True)
    schema = Schema((
        Table("customers", (key, Column("town", "category")), ("id",)),
        Table(
            "orders", (key, Column("customer", "key", integer=True), Column("paid", "number", integer=True)), ("id",),
            references=(Reference(("customer",), "customers"),),
        ),
        Table(
            "lines", (Column("order", "key", integer=True), Column("item", "category")),
            references=(Reference(("order",), "orders"),),
        ),
    ))  # fmt: skip
    fitted = sim.fit({"customers": customers, "orders": orders, "lines": lines}, schema=schema, seed=0)
    items = fitted.sample(seed=1).polars("lines")["item"]
    assert SECRET not in items.to_list() and SHARED in items.to_list()
    assert SECRET not in (fitted.schema.table("lines")["item"].levels or ())


def test_too_few_entities_are_refused():
    rng = np.random.default_rng(1)
    people = pl.DataFrame({"id": np.arange(50), "age": rng.integers(20, 60, 50)})
    visits = pl.DataFrame({"person": np.arange(50) % 5, "cost": rng.integers(1, 9, 50)})
    schema = Schema((
        Table("people", (Column("id", "key", integer=True), Column("age", "number", integer=True)), ("id",)),
        Table(
            "visits", (Column("person", "key", integer=True), Column("cost", "number", integer=True)),
            references=(Reference(("person",), "people"),),
        ),
    ))  # fmt: skip
    with pytest.raises(sim.errors.DataError, match="'visits' has rows of 5 different entities only"):
        sim.fit({"people": people, "visits": visits}, schema=schema)


def make_pupils(sizes: list[int]) -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(2)
    schools = pl.DataFrame({"name": [f"school {i}" for i in range(len(sizes))]})
    of = np.repeat(np.arange(len(sizes)), sizes)
    came = np.sort(rng.integers(0, 900, len(of)))
    pupils = pl.DataFrame({
        "school": [f"school {i}" for i in of],
        "came": [datetime(2020, 1, 1) + timedelta(days=int(d)) for d in came],
        "mark": rng.integers(1, 7, len(of)),
    })  # fmt: skip
    return {"schools": schools, "pupils": pupils}


PUPILS = Schema((
    Table("schools", (Column("name", "key"),), ("name",), role="reference"),
    Table(
        "pupils", (Column("school", "key"), Column("came", "datetime"), Column("mark", "number", integer=True)),
        references=(Reference(("school",), "schools"),), role="event", order="came",
    ),
))  # fmt: skip


def test_counts_below_public_rows_are_rounded_and_it_is_said():
    sizes = [1, 4, 23, 57, 88, 0, 141]
    fitted = sim.fit(make_pupils(sizes), schema=PUPILS, seed=0)
    drawn = fitted.sample(seed=1).polars("pupils").group_by("school").len()
    counts = dict(drawn.iter_rows())
    assert all(count % 10 == 0 for count in counts.values()) and "school 5" not in counts
    assert all(abs(counts.get(f"school {i}", 0) - size) < 10 for i, size in enumerate(sizes))
    assert any("'pupils'" in note and "multiple of 10" in note for note in fitted.notes)
    assert "pupils" in fitted.provenance["privacy"]["rows below public tables"]
    exact = sim.fit(make_pupils(sizes), schema=PUPILS, seed=0, protect=False)
    assert len(exact.sample(seed=1).polars("pupils")) == sum(sizes)


def test_rounding_is_right_on_average_and_keeps_the_sum():
    counts = np.array([3, 12, 0, 45, 7, 10])
    drawn = np.array([round_counts(counts, 10, np.random.default_rng(i)) for i in range(4_000)])
    # a rounded count has a standard error of at most 5 / sqrt(4000) = .08; five of them: one false alarm in a million
    assert np.abs(drawn.mean(axis=0) - counts).max() < 0.4
    assert (np.abs(drawn.sum(axis=1) - counts.sum()) < 10).all() and (drawn[:, [2, 5]] == [0, 10]).all()
    assert round_counts(counts, 1, np.random.default_rng(0)).tolist() == counts.tolist()


def test_ends_of_regular_histories_stay_and_lone_ones_are_hidden():
    hourly = np.arange(1_000.0)
    now = np.concatenate([hourly, hourly, [5.0, 70_000.0]])
    first, span = soften_ends(now, np.array([1_000, 1_000, 2]), 10, np.random.default_rng(0))
    # two rows an hour: the tenth is of the fourth, and the twentieth of the ninth
    assert first.tolist() == [0, 0, 0] and (first + span).max() == 999
    lone = np.concatenate([[-5e5], np.sort(np.random.default_rng(1).normal(size=500)), [9e5]])
    first, span = soften_ends(lone, np.array([502]), 10, np.random.default_rng(0))
    assert -6 < first[0] < 0 < span[0] < 12
    assert level_groups(np.array([1] * 12 + [500]), 10).max() == 1


def test_levels_and_ends_count_owners():
    owners = np.array([0] * 50 + list(range(1, 31)))
    codes = np.array([0] * 50 + [1] * 12 + [2] * 18, np.uint8)
    assert count_holders(codes, 3).tolist() == [50, 12, 18]
    assert count_holders(codes, 3, owners).tolist() == [1, 12, 18]
    assert list_holders(codes, owners)[0].tolist() == [0] + [1] * 12 + [2] * 18
    axes = (Axis("c", "c", size=3, holders=10), Axis("x", "x", ordered=True, missing=True, holders=10))
    values = np.concatenate([np.full(50, 1e6), np.arange(30.0)])
    done = protect(Block(Domain(axes), (codes, values), owners=owners), Streams(0))
    assert done.kept["c", "value"].tolist() == [1, 2]
    # nine of the thirty and the one with a million are beyond the tenth owner from above
    assert done.limits["x", "value"] == (9, 21) and done.block.columns[1].max() == 21
    assert done.block.owners is not None
    few = np.where(np.arange(80) < 50, values, np.nan)
    done = protect(Block(Domain(axes[1:]), (few,), owners=owners), Streams(0))
    assert np.isnan(done.block.columns[0]).all()


def test_ends_by_owners_match_a_plain_count():
    rng = np.random.default_rng(3)
    for _ in range(50):
        owners, values = rng.integers(0, 30, 400), rng.normal(size=400).round(1)
        found = find_ends(values, 10, owners)
        low = min(v for v in values if len(set(owners[values <= v])) >= 10)
        high = max(v for v in values if len(set(owners[values >= v])) >= 10)
        assert found == (low, max(low, high))


def test_codes_of_a_view_have_enough_owners():
    rng = np.random.default_rng(4)
    # a few owners have most rows, and values of their own
    owners = np.concatenate([np.repeat(np.arange(8), 200), rng.integers(8, 200, 1_200)])
    values = np.concatenate(
        [rng.integers(300, 330, 1_600) + np.repeat(np.arange(8), 200) * 40, rng.integers(0, 900, 1_200)]
    )
    # values beyond the tenth owner's count as that one
    held = np.clip(values, *find_ends(values, 10, owners))
    for lattice in (True, False):
        axis = Axis("x", "x", ordered=True, lattice=lattice, holders=10)
        view = View.fit(axis, values.astype(float), max_codes=255, owners=owners)
        assert view.size > 20
        # what comes out of a code exactly is held by ten owners, and so many have values in each bin's range
        for low, high in zip(view.low, view.high, strict=True):
            inside = held == low if low == high else (held >= low) & (held <= high)
            assert len(np.unique(owners[inside])) >= 10


def test_bins_that_no_ten_owners_share_do_not_arise():
    axis = Axis("x", "x", ordered=True, holders=10)
    owners = np.repeat(np.arange(12), 100)
    values = owners * 1_000.0 + np.tile(np.arange(100.0), 12)
    view = View.fit(axis, values, max_codes=255, owners=owners)
    assert view.size == 1
    assert View.fit(axis, values[:500], max_codes=255, owners=owners[:500]).size == 0


def test_calendar_kinds_of_day_have_enough_owners():
    days = np.concatenate([np.arange(19_000, 19_700) // 7 * 7.0, np.full(60, 19_003.0)])
    owners = np.concatenate([np.arange(700) % 100, np.full(60, 500)])
    axis = Axis("d", "d", ordered=True, lattice=True, calendar=True, holders=10)
    view = View.fit(axis, days, max_codes=255, owners=owners)
    turned = view.arrange("weekday", days, max_codes=255, max_exact=255, owners=owners)
    drawn = turned.decode(np.arange(turned.size), np.random.default_rng(0))
    assert 19_003 not in view.low and (drawn != 19_003).all()


def test_levels_of_seasons_count_owners():
    days = np.repeat(np.arange(400), 30)
    values = np.sin(days / 60) * 50 + np.tile(np.arange(30), 400)
    values[days < 40] += 500
    alone = np.where(days < 40, 0, np.tile(np.arange(30), 400))
    axis = Axis("t", "t")
    known, hidden = (Season.of(axis, values, days, 10, owners) for owners in (None, alone))
    assert known is not None and hidden is not None
    assert known.at(np.array([5]))[0] > 400 and hidden.at(np.array([5]))[0] < 150
