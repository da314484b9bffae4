"""Rows with a known defect are noticed by the scores that are there for it, and real rows pass every score."""

from __future__ import annotations

import zipfile

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.cli._demo import find_data
from simulacra.metric import Comparison
from simulacra.metrics.privacy.copies import Copies
from simulacra.randomness import Streams
from simulacra.report.document import Report
from simulacra.schema.types import Column, Table
from simulacra.testing.pathologies import pathologies, with_an_outlier

COLUMNS = [
    "month",
    "dep_time",
    "dep_delay",
    "arr_delay",
    "carrier",
    "origin",
    "dest",
    "air_time",
    "distance",
    "hour",
]
ROWS = 4_000


@pytest.fixture(scope="module")
def flights() -> tuple[sim.Dataset, pl.DataFrame, sim.Dataset]:
    """Training rows, unseen rows and holdout: real, and none of them twice."""
    archive = find_data("flights")
    with zipfile.ZipFile(archive) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") and not n.startswith("__"))
        frame = pl.read_csv(packed.read(name), null_values="NA").select(COLUMNS)
    frame = frame.sample(ROWS * 5 // 2, seed=11, shuffle=True)
    schema = sim.infer(frame)
    train, fresh, holdout = (
        sim.read(part, schema=schema) for part in (frame[:ROWS], frame[ROWS : 2 * ROWS], frame[2 * ROWS :])
    )
    return train, fresh.polars(), holdout


def judge(
    flights: tuple[sim.Dataset, pl.DataFrame, sim.Dataset], fake: pl.DataFrame, metrics: list[str] | None
) -> Report:
    train, _, holdout = flights
    return sim.evaluate(
        train, fake, holdout=holdout, target="arr_delay", groups="origin", quasi_identifiers=["carrier", "dest"],
        queries={"late": "select count(*) as n from data where arr_delay > 30"}, metrics=metrics,
    )  # fmt: skip


def alarms(report: Report) -> dict[str, str]:
    return {score.name: score.verdict for score in report if score.verdict in {"look", "fail"}}


DEFECTS = (
    "training rows copied", "a few rows copied", "a hair of noise", "columns shuffled", "a column times 1,000",
    "mode collapse", "labels shuffled", "a level dropped", "a subgroup dropped",
)  # fmt: skip


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_noticed(flights: tuple[sim.Dataset, pl.DataFrame, sim.Dataset], name: str) -> None:
    train, fresh, _ = flights
    defect = pathologies(train.schema.table(), train.polars(), fresh, "arr_delay")[name]
    metrics = sorted({"/".join(score.split("/")[:2]) for score in defect.noticed_by})
    raised = alarms(judge(flights, defect.frame, metrics))
    assert set(defect.noticed_by) <= set(raised), f"{defect.why}: raised {raised}"


def test_unseen_real_rows_pass_everything(flights: tuple[sim.Dataset, pl.DataFrame, sim.Dataset]) -> None:
    report = judge(flights, flights[1], None)
    assert alarms(report) == {}
    broken = [score.name for score in report if "unexpected" in score.words]
    assert broken == []


def test_one_absurd_value_moves_no_score(flights: tuple[sim.Dataset, pl.DataFrame, sim.Dataset]) -> None:
    train = flights[0]
    families = ["fidelity", "diversity", "privacy/copies", "privacy/membership", "utility/transfer"]
    copy = judge(flights, train.polars(), families)
    spoilt = judge(flights, with_an_outlier(train.polars(), train.schema.table()), families)
    for score in copy:
        if score.verdict in {"pass", "look", "fail"}:
            other = spoilt[score.name]
            # one of 4,000 rows: a hundredth is forty times its share
            assert abs(score.value - other.value) <= 0.01 * max(1.0, abs(score.value)), score.name
            assert score.verdict == other.verdict, score.name


@pytest.mark.parametrize(("rows", "copied"), [(4_000, 40), (100_000, 100)])
def test_copies_of_a_few_are_found(rows: int, copied: int) -> None:
    streams = Streams(3)
    table = Table("t", (*(Column(name, "number") for name in "abcd"), Column("e", "category")))

    def draw(role: str, n: int) -> pl.DataFrame:
        values = streams.stream(role).normal(size=(n, 4))
        levels = pl.Series("e", np.floor(values[:, 0])).cast(pl.Int64).cast(pl.String)
        return pl.DataFrame(dict(zip("abcd", values.T, strict=True))).with_columns(levels)

    train, fresh, holdout = draw("train", rows), draw("fresh", rows), draw("holdout", rows // 2)
    fake = pl.concat([fresh[copied:], train[:copied]])
    score = Copies().score(Comparison(table, train, fake, holdout, streams=streams))[0]
    assert score.verdict in {"look", "fail"}
    assert score.interval is not None
    assert score.interval[0] > 0
    honest = Copies().score(Comparison(table, train, fresh, holdout, streams=streams))[0]
    assert honest.verdict == "pass"
