"""Logs of events in split and evaluate: whole entities are dealt, and every side is parted in one way."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import DataError, OptionError, SchemaViolation, UnknownName
from simulacra.randomness import Streams
from simulacra.report.database import DatabaseReport

LINKS = ["relational"]
BY = {"entity": "user", "order": "day"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detect with fewer trees: how well is not asked."""
    monkeypatch.setattr("simulacra.metrics.fidelity.detection.ROUNDS", 15)


def make_log(users: int = 200, seed: int = 1) -> pl.DataFrame:
    """Purchases: what a user spends is alike, plans never change, days rise."""
    rng = Streams(seed).stream("log")
    rows: list[tuple[Any, ...]] = []
    for user in range(users):
        usual, day = float(rng.lognormal(3, 0.8)), date(2024, 1, 1) + timedelta(int(rng.integers(90)))
        for _ in range(1 + int(rng.poisson(3))):
            amount = round(usual * float(rng.lognormal(0, 0.3)), 2)
            rows.append((seed * 10_000 + user, "gold" if usual > 20 else "free", day, amount))
            day += timedelta(1 + int(rng.exponential(20)))
    return pl.DataFrame(rows, schema=["user", "plan", "day", "amount"], orient="row")


def test_whole_entities_are_dealt() -> None:
    log = make_log().with_columns(user=pl.when(pl.int_range(pl.len()) % 50 == 0).then(None).otherwise("user"))
    nobodies = log["user"].null_count()
    train, held = (part.polars() for part in sim.split(log, 0.25, entity="user", seed=3))
    assert not set(train["user"].drop_nulls()) & set(held["user"].drop_nulls())
    # each row of nobody is dealt by itself
    dealt = [part["user"].drop_nulls().n_unique() + part["user"].null_count() for part in (train, held)]
    assert dealt[1] == round(0.25 * (200 + nobodies)) and sum(dealt) == 200 + nobodies
    assert train.equals(log.filter(pl.col("user").is_in(train["user"].to_list()) | False)) or nobodies
    again = sim.split(log, 0.25, entity="user", seed=3)[1].polars()
    assert again.equals(held) and len(train) + len(held) == len(log)
    for part in (train, held):
        assert part.select(pl.col("day").is_sorted().over("user").all()).item() or part["user"].null_count()


def test_how_an_entity_is_called_does_not_matter_for_its_part() -> None:
    log = make_log()
    renamed = log.with_columns(user=pl.format("u{}", pl.col("user")))
    one, two = (sim.split(frame, entity="user", seed=1)[1].polars() for frame in (log, renamed))
    assert one["amount"].equals(two["amount"])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda log: sim.split(log, entity="usr"), UnknownName, "did you mean 'user'"),
        (lambda log: sim.split(log.with_columns(user=1), entity="user"), DataError, "all rows have one 'user'"),
        (lambda log: sim.split({"a": log, "b": log}, entity="user"), OptionError, "entity= .* is for one table"),
        (lambda log: sim.evaluate(log, log, order="day"), OptionError, "order= .* needs entity="),
        (lambda log: sim.evaluate(log, log, entity="usr"), UnknownName, "did you mean 'user'"),
        (lambda log: sim.evaluate(log, log, target="plan", **BY), OptionError, "target=.* single rows"),
        (lambda log: sim.evaluate(log, log.drop("amount"), **BY), SchemaViolation, "synthetic .* 'amount'"),
        (lambda log: sim.evaluate(log, log.head(0), **BY), DataError, "the synthetic data hold no rows"),
        (lambda log: sim.evaluate(log, {"a": log, "b": log}, **BY), DataError, "the synthetic data have 2: a, b"),
        (lambda log: sim.evaluate({"a": log, "b": log}, log, **BY), DataError, "the training data have 2: a, b"),
        (lambda log: sim.evaluate(log, log, holdout=log, **BY), DataError, "200 of 200 entities of the holdout"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_said(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call(make_log())


def test_fresh_real_histories_pass_and_keep_their_columns() -> None:
    train, fake, held = make_log(300, 1), make_log(300, 2), make_log(300, 3)
    report = sim.evaluate(train, fake, holdout=held, **BY)
    assert isinstance(report, DatabaseReport) and report.title == "Synthetic table"
    assert {s.verdict for s in report.evaluation.scores} <= {"pass", "info", "not computed"}
    assert report["relational/detection/entities of table"].baseline is not None
    aspects = set(report["relational/order"].detail["aspect"])
    assert {"events per entity", "first event", "last event", "time between events"} <= aspects
    assert any("'plan' is the same in all rows of an entity" in note for note in report.notes)
    assert report.structure is not None and report.structure.tables[0].names == ("user", "plan")
    assert report.provenance["evaluation"]["entity"] == "user"


def test_distances_of_histories_are_those_of_all_values() -> None:
    real, fake = make_log(120, 1), make_log(150, 2)
    detail = sim.evaluate(real, fake, metrics=["relational/order"], **BY)["relational/order"].detail

    def parts(log: pl.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
        own = log.group_by("user").agg(
            n=pl.len(), first=pl.col("day").min().cast(pl.Int32), last=pl.col("day").max().cast(pl.Int32)
        )  # fmt: skip
        gaps = log.select(pl.col("day").cast(pl.Int32).diff().over("user")).to_series().drop_nulls()
        return {
            "events per entity": own["n"].to_numpy(), "first event": own["first"].to_numpy(),
            "last event": own["last"].to_numpy(), "time between events": gaps.to_numpy(),
            "time from first to last": (own["last"] - own["first"]).to_numpy(),
        }  # fmt: skip

    ours, theirs = parts(fake), parts(real)
    told = dict(detail.select("aspect", "distance").iter_rows())
    for aspect in ours:
        assert told[aspect] == pytest.approx(ks_2samp(ours[aspect], theirs[aspect]).statistic), aspect


def test_values_between_those_of_real_rows_are_seen() -> None:
    real = pl.DataFrame({"user": np.repeat(np.arange(60), 2), "at": [0, 10] * 60})
    fake = real.with_columns(at=pl.Series([0, 5] * 60))
    detail = sim.evaluate(real, fake, entity="user", order="at", metrics=["relational/order"])[
        "relational/order"
    ]
    assert dict(detail.detail.select("aspect", "distance").iter_rows())["time between events"] == 1.0


def test_rows_of_others_are_noticed() -> None:
    train, held = make_log(300, 1), make_log(300, 3)
    loose = train.with_columns(pl.col("user").shuffle(seed=1), pl.col("plan").shuffle(seed=2))
    report = sim.evaluate(train, loose, holdout=held, metrics=LINKS, **BY)
    assert report["relational/detection"].verdict == "fail"
    # a plan that changes from row to row is seen, though no real one does
    detail = report["relational/siblings"].detail
    plans = detail.filter(pl.col("what").str.contains("plan")).row(0, named=True)
    assert plans["real"] == 1.0 and plans["synthetic"] < 0.7
    assert any("'plan' differs within entities" in note for note in report.notes)


def test_a_holdout_of_whole_entities_is_a_control_and_of_other_ones_is_none() -> None:
    log = make_log(500)
    # what all events of a user have nearly in common tells whose they are, and so on which side they stand
    usual = pl.col("amount").first().over("user") + 0.01 * (pl.int_range(pl.len()) % 5 == 0)
    train, held = (
        part.polars() for part in sim.split(log.with_columns(usual=usual), 0.4, entity="user", seed=1)
    )
    asked = {**BY, "metrics": ["fidelity/detection"]}
    fair, other = (
        sim.evaluate(train, train, holdout=rows, **asked)
        for rows in (held, held.with_columns(pl.col("amount") * 3))
    )
    baseline = fair["fidelity/detection@table"].baseline
    assert baseline is not None and baseline > 0.6
    assert not any("not like the training rows" in note for note in fair.evaluation.notes)
    assert any("one of each entity, are told apart" in note for note in other.evaluation.notes)


def test_entities_and_events_are_counted_apart(tmp_path: Path) -> None:
    train, held = make_log(60, 1), make_log(40, 2)
    report = sim.evaluate(train, train, holdout=held, metrics=["relational/keys"], **BY)
    summary = report.evaluation.summary
    assert summary["rows"] == {"train": len(train), "synthetic": len(train), "holdout": len(held)}
    assert summary["entities"] == {"train": 60, "synthetic": 60, "holdout": 40}
    assert summary["columns"] == train.width and report.provenance["train"]["rows"] == len(train)
    assert (
        f"{len(train):,} real rows learnt from, of 60 entities" in report.save(tmp_path / "r.md").read_text()
    )


def test_a_model_or_its_schema_says_whose_rows_they_are(tmp_path: Path) -> None:
    log = make_log()
    train, held = sim.split(log, 0.4, entity="user", seed=1)
    model = sim.fit(train, seed=1, **BY)
    fake = model.sample(len(set(train.frame["user"])), seed=2)
    told = [
        sim.evaluate(train, fake, holdout=held, metrics=["relational/order"], **how).to_dict()["scores"]
        for how in (BY, {"model": model}, {"schema": model.schema}, {"schema": model.schema, **BY})
    ]
    assert all(scores == told[0] for scores in told)
    with pytest.raises(OptionError, match="maker is a model"):
        sim.evaluate(train, fake, maker=model)
    with pytest.raises(OptionError, match=r"synthetic is a model, and should be rows: model.sample"):
        sim.evaluate(train, model)


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, train, held, fake = (tmp_path / f"{name}.csv" for name in ("log", "train", "held", "fake"))
    make_log(150, 1).write_csv(log)
    make_log(150, 2).write_csv(fake)
    cut = [
        "split",
        str(log),
        "--entity",
        "user",
        "--train",
        str(train),
        "--holdout",
        str(held),
        "--seed",
        "1",
    ]
    assert run(cut) == 0
    assert not set(pl.read_csv(train)["user"]) & set(pl.read_csv(held)["user"])
    call = ["evaluate", str(train), str(fake), "--holdout", str(held), "--metric", "relational/order", "-q"]
    out = tmp_path / "report.html"
    assert run([*call, "--entity", "user", "--order", "day", "-o", str(out)]) == 0
    assert "Events in their order" in capsys.readouterr().out and "entities of train" in out.read_text()
    assert run([*call, "--order", "day"]) != 0
    assert "needs --entity" in " ".join(capsys.readouterr().err.split())
