"""A log is one table to its user: conditions see all its columns, and what can not be ordered is refused."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import DataError, OptionError, PredicateError, SimulacraError
from simulacra.randomness import Streams
from simulacra.relational.database import DatabaseSynthesizer
from simulacra.relational.logs import split_log


def make_log(users: int = 150) -> pl.DataFrame:
    """Purchases: a country for each user, days that rise, amounts, and where they were made."""
    rng = Streams(3).stream("log")
    rows: list[tuple[Any, ...]] = []
    for user in range(users):
        day, country = date(2024, 1, 1), ["US", "FR", "DE"][int(rng.choice(3, p=[0.3, 0.5, 0.2]))]
        for _ in range(1 + int(rng.poisson(3))):
            day += timedelta(1 + int(rng.integers(20)))
            via = "app" if rng.random() < 0.7 else "web"
            rows.append((f"u{user:03d}", country, day, int(rng.integers(1, 100)), via))
    return pl.DataFrame(rows, schema=["user", "country", "day", "amount", "via"], orient="row")


@pytest.fixture(scope="module")
def model() -> DatabaseSynthesizer:
    fitted = sim.fit(sim.read(make_log(), name="log"), entity="user", order="day", seed=1)
    assert isinstance(fitted, DatabaseSynthesizer)
    return fitted


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("country = 'US'", pl.col("country") == "US"),
        ("log.Country = 'US' and amount < 60", (pl.col("country") == "US") & (pl.col("amount") < 60)),
        ("country in ('US', 'FR') and (via = 'app' and country <> 'FR')",
         (pl.col("country") == "US") & (pl.col("via") == "app")),
        ({"log": {"country": "FR", "via": "app"}}, (pl.col("country") == "FR") & (pl.col("via") == "app")),
        ({"log": "amount < 60", "entities of log": "country = 'DE'"},
         (pl.col("amount") < 60) & (pl.col("country") == "DE")),
        ({"log": "country <> 'DE'", "entities of log": {"country": ["DE", "US"]}}, pl.col("country") == "US"),
        ("country = 'US' and (select count(*) from log) >= 4",
         (pl.col("country") == "US") & (pl.len().over("user") >= 4)),
        ("(select count(*) from log where amount > 50) >= 2", (pl.col("amount") > 50).sum().over("user") >= 2),
    ],
)  # fmt: skip
def test_a_condition_sees_all_columns_of_a_log(model: DatabaseSynthesizer, where: Any, kept: pl.Expr) -> None:
    drawn = model.sample(30, where=where, seed=1).polars()
    assert drawn["user"].n_unique() == 30
    assert drawn.select(kept.all()).item()


def test_events_are_drawn_within_a_condition_and_not_left_out_of_histories(
    model: DatabaseSynthesizer,
) -> None:
    free, asked = (model.sample(400, where=where, seed=2).polars() for where in (None, "via = 'web'"))
    assert set(asked["via"]) == {"web"}
    # left-out events would leave 30 % of them; the mean of 400 Poisson numbers has an error of about 0.1
    assert len(asked) / 400 == pytest.approx(len(free) / 400, abs=0.8)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (
            "country = 'US' or amount > 50",
            "it holds 'country', which is the same in all rows of one 'user', against",
        ),
        ("contry = 'US'", "no column named 'contry'; did you mean 'country'"),
        ("user = 'u001'", "'user' is a key"),
        (7, "it is a mapping of tables to conditions"),
    ],
)
def test_what_a_log_can_not_be_asked_is_said(model: DatabaseSynthesizer, where: Any, said: str) -> None:
    with pytest.raises(PredicateError, match=said):
        model.sample(5, where=where, seed=1)


def test_the_command_line_asks_in_the_same_way(
    model: DatabaseSynthesizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, out = model.save(tmp_path / "log.sim"), tmp_path / "out.parquet"
    asked = ["sample", str(saved), "-n", "30", "--seed", "1", "-q", "-o", str(out)]
    assert run([*asked, "--where", "country = 'US'", "--where", "log: amount < 60"]) == 0
    expected = model.sample(30, where="(country = 'US') and (amount < 60)", seed=1).polars()
    assert pl.read_parquet(out)["amount"].to_list() == expected["amount"].to_list()
    assert set(expected["country"]) == {"US"}
    assert run([*asked, "--where", "country = 'US' or amount < 60"]) != 0
    assert "join these by AND" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"order": "day"}, DataError, r"column 'day': 6 of 6\d\d rows have no value.* leave order="),
        ({"order": "user"}, OptionError, r"order= .* names 'user', as entity= .* does"),
        ({"order": "user", "reference": "user"}, OptionError, "as entity="),
        ({"reference": "usr"}, OptionError, "reference='usr'"),
    ],
)
def test_logs_that_can_not_be_learnt_are_refused(
    how: dict[str, Any], error: type[SimulacraError], said: str
) -> None:
    log = make_log()
    gone = log.with_columns(day=pl.when(pl.int_range(pl.len()) < 6).then(None).otherwise("day"))
    with pytest.raises(error, match=said):
        sim.fit(gone, entity="user", seed=1, **how)


def test_rows_of_nobody_are_counted() -> None:
    nobody = pl.when(pl.int_range(pl.len()) < 6).then(None).otherwise("user")
    notes = split_log(sim.read(make_log().with_columns(user=nobody)), "user", "day").notes
    assert any("column 'user': 6 of" in note and "name none" in note for note in notes)
    assert not any("name none" in note for note in split_log(sim.read(make_log()), "user", "day").notes)


def test_one_public_table_may_be_named_without_a_list() -> None:
    fitted = sim.fit(make_log(40), entity="user", order="day", reference="user", seed=1)
    assert set(fitted.sample(seed=1).polars()["user"]) <= set(make_log(40)["user"])
