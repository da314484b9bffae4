"""Rows drawn again: which, how often, smoothed, for a context; and the label that says that it is not private."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import simulacra as sim
from simulacra.cli import group
from simulacra.domain import Axis, Block, Domain
from simulacra.errors import ModelFileError, OptionError
from simulacra.models.table._neighbours import Donors
from simulacra.models.table._spread import Spread
from simulacra.models.table.bootstrap import Bootstrap
from simulacra.randomness import Streams
from simulacra.registry import MODELS
from simulacra.report import markdown, words

SIGMAS = 5.0
"""A false alarm in 6e-7 of comparisons."""


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    rng = Streams(1).stream("people")
    kind = rng.integers(3, size=400)
    return pl.DataFrame(
        {
            "kind": np.array(["a", "b", "c"])[kind],
            "age": rng.integers(18, 80, size=400),
            "pay": rng.normal(100 * kind),
        }
    )


def test_rows_are_training_rows_in_proportion_to_their_weights() -> None:
    weights = np.array([1.0, 0.0, 3.0, 6.0])
    block = Block(
        Domain((Axis("a", "a"), Axis("b", "b", size=4))),
        (np.arange(4.0), np.arange(4, dtype=np.uint8)),
        weights,
    )
    fake = Bootstrap().fit(block, rng=Streams(1)).sample(20_000, rng=Streams(2))
    assert (fake.columns[0] == fake.columns[1]).all()
    share = np.bincount(fake.columns[1], minlength=4) / 20_000
    wanted = weights / 10
    assert (np.abs(share - wanted) <= SIGMAS * np.sqrt(wanted * (1 - wanted) / 20_000)).all()


def test_smoothing_adds_the_spread_that_it_says_and_keeps_spikes_gaps_and_lattices() -> None:
    rng = Streams(3).stream("rows")
    x = rng.normal(50.0, 10.0, size=5000)
    zeros = np.where(rng.random(5000) < 0.4, 0.0, rng.exponential(30.0, size=5000))
    gaps = np.where(rng.random(5000) < 0.3, np.nan, np.floor(rng.normal(100, 20, size=5000)))
    axes = (Axis("x", "x"), Axis("zeros", "zeros"), Axis("gaps", "gaps", missing=True, lattice=True))
    block = Block(Domain(axes), (x, zeros, gaps))
    rough, smooth = (
        Bootstrap(smooth=size).fit(block, rng=Streams(1)).sample(20_000, rng=Streams(2))
        for size in (0.0, 0.5)
    )
    # the same rows are drawn, so the differences are the noise
    moved = smooth.columns[0] - rough.columns[0]
    spread = (np.quantile(x, 0.75) - np.quantile(x, 0.25)) / 1.349
    assert abs(moved.std() / (0.5 * spread) - 1) < 0.05 and abs(
        moved.mean()
    ) < SIGMAS * moved.std() / np.sqrt(20_000)
    assert ((smooth.columns[1] == 0) == (rough.columns[1] == 0)).all()
    assert (np.isnan(smooth.columns[2]) == np.isnan(rough.columns[2])).all()
    known = smooth.columns[2][~np.isnan(smooth.columns[2])]
    assert (
        (known == np.rint(known)).all() and known.min() >= np.nanmin(gaps) and known.max() <= np.nanmax(gaps)
    )


def test_spikes_are_values_far_above_those_beside_them() -> None:
    ages = np.repeat(np.arange(20.0, 60.0), 25)
    values = np.concatenate([ages, np.full(150, 40.0), np.full(5, np.nan)])
    spread = Spread.fit(Axis("age", "age", missing=True, lattice=True), values, np.ones(len(values)))
    assert spread.spikes.tolist() == [40.0] and (spread.low, spread.high) == (20.0, 59.0)
    assert spread.stays(np.array([40.0, 41.0, np.nan])).tolist() == [True, False, True]
    shaken = spread.move(np.full(20_000, 30.0), np.full(20_000, 0.25), Streams(1).stream("lattice"))
    assert set(shaken) == {30.0, 31.0} and abs((shaken == 31).mean() - 0.25) < SIGMAS * np.sqrt(0.19 / 20_000)


def test_a_context_takes_rows_of_the_same_context_by_their_weights() -> None:
    side = np.repeat(np.array([0, 1, 2], np.uint8), [500, 500, 2])
    number = np.arange(1002.0)
    weights = np.where(number == 7, 500.0, 1.0)
    context = Block(Domain((Axis("side", "side", size=3),)), (side,))
    block = Block(Domain((Axis("number", "number"),)), (number,), weights)
    model = Bootstrap().fit(block, context=context, rng=Streams(1))
    given = Block(context.domain, (np.repeat(np.array([2, 0, 1], np.uint8), 3000),))
    fake = model.sample(9000, context=given, rng=Streams(2)).columns[0]
    assert set(fake[:3000]) == {1000.0, 1001.0}
    assert fake[3000:6000].max() < 500 and (fake[6000:] >= 500).all() and (fake[6000:] < 1000).all()
    wanted = 500 / 999
    assert abs((fake[3000:6000] == 7).mean() - wanted) < SIGMAS * np.sqrt(wanted * (1 - wanted) / 3000)


def test_an_unknown_context_takes_the_nearest_rows() -> None:
    x = np.arange(0.0, 100.0)
    donors = Donors.fit(Block(Domain((Axis("x", "x"),)), (x,)), np.ones(100), Streams(1).stream("contexts"))
    between = Block(Domain((Axis("x", "x"),)), (np.full(2000, 50.4),))
    rows = donors.draw(between, Streams(2).stream("rows").random(2000))
    assert set(rows.tolist()) == {48, 49, 50, 51, 52}


def test_wrong_settings_are_told() -> None:
    with pytest.raises(OptionError, match="smooth is a number from 0"):
        Bootstrap(smooth=-1)


def test_the_label_says_that_it_is_not_private(people: pl.DataFrame, tmp_path: Path) -> None:
    model = sim.fit(people, "bootstrap", seed=1)
    assert any(note.startswith("not private: model 'bootstrap' keeps training rows") for note in model.notes)
    assert model.provenance["privacy"]["stores_rows"] is True
    fake = model.sample(400, seed=2)
    report = sim.evaluate(
        people, fake, model=model, holdout=people.head(50), metrics=["privacy/copies"], seed=1
    )
    said = words.guarantee(report.provenance)[1]
    assert said.startswith("Not private: the model keeps training rows") and "privacy/copies" in said
    page = report.save(tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"<strong>{said}</strong>" in page
    assert "**Not private" in markdown.render(report) and "Not private" in str(report)


def test_the_file_must_be_allowed_and_comes_back(people: pl.DataFrame, tmp_path: Path) -> None:
    model = sim.fit(people, "bootstrap", seed=1)
    with pytest.raises(ModelFileError, match="keeps training rows"):
        model.save(tmp_path / "a.sim")
    back = sim.load(model.save(tmp_path / "a.sim", allow_rows=True))
    assert back.sample(50, seed=3).frame.equals(model.sample(50, seed=3).frame)


def test_the_list_of_models_marks_all_that_keep_rows() -> None:
    rows = {row["name"]: row for row in json.loads(CliRunner().invoke(group, ["models", "--json"]).output)}
    assert rows["bootstrap"]["stores_rows"] and not rows["trees"]["stores_rows"]
    lines = CliRunner().invoke(group, ["models"]).output.splitlines()
    marked = {line.split()[0] for line in lines if line.endswith("(not private)")}
    assert (
        marked
        == {name for name, row in rows.items() if row["stores_rows"]}
        >= {"bootstrap", "noise", "smote"}
    )


@pytest.mark.parametrize("name", ["bootstrap", "cart", "copula", "independent", "noise", "smote", "trees"])
def test_the_mark_is_what_the_class_says(name: str) -> None:
    assert MODELS.sets(name, "stores_rows") == MODELS.load(name).stores_rows


def test_tables_of_a_database_are_labelled_too() -> None:
    rng = Streams(4).stream("shop")
    shops = pl.DataFrame({"id": np.arange(1, 61), "town": rng.choice(["x", "y"], 60)})
    sales = pl.DataFrame({"shop": rng.integers(1, 61, size=400), "price": rng.integers(1, 9, size=400)})
    data = sim.read({"shops": shops, "sales": sales})
    tables = tuple(
        sim.Table(t.name, t.columns, ("id",) if t.name == "shops" else ()) for t in data.schema.tables
    )
    schema = sim.Schema(tables).with_reference("sales", "shop", "shops", "id")
    model = sim.fit(data, {"sales": "bootstrap"}, schema=schema, seed=1)
    assert model.provenance["privacy"]["stores_rows"] is True
    assert any(note.startswith("table 'sales': not private") for note in model.notes)
    assert len(model.sample(seed=2).frames["sales"]) > 0
