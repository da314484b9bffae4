"""Mining: rules that are in the data are proposed with counts and reasons, and chance is not."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import OptionError
from simulacra.mining.mining import Proposal, chosen, keep, mine
from simulacra.randomness import Streams
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import (
    Check,
    Combination,
    Determines,
    Equality,
    Implies,
    Monotone,
    OneHot,
    Pattern,
    Unique,
)

ROWS = 4_000


def rng(number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(number))


def orders() -> pl.DataFrame:
    """Rows with a rule of every kind, and columns of noise."""
    draw = rng(1)
    account, day, took = (draw.integers(0, top, ROWS) for top in (200, 1_000, 30))
    price, amount = np.round(draw.gamma(2, 20, ROWS), 2), draw.integers(1, 9, ROWS)
    net, tax = np.round(draw.gamma(2, 50, ROWS), 2), np.round(draw.gamma(2, 5, ROWS), 2)
    kind, zips = draw.integers(0, 3, ROWS), draw.integers(0, 80, ROWS)
    start = [date(2020, 1, 1) + timedelta(int(d)) for d in day]
    return pl.DataFrame(
        {
            "account": [f"A{a:03d}" for a in account],
            "started": start,
            "ended": [s + timedelta(int(t)) for s, t in zip(start, took, strict=True)],
            "price": price,
            "amount": amount,
            "total": np.round(price * amount, 2),
            "net": net,
            "tax": tax,
            "gross": np.round(net + tax, 2),
            "is_a": kind == 0,
            "is_b": kind == 1,
            "is_c": kind == 2,
            "zip": [f"z{z}" for z in zips],
            "city": [f"c{z % 37}" for z in zips],
            "balance": day * 3 + account * 7 + draw.integers(0, 3, ROWS),
            "year": [s.year for s in start],
            "noise": draw.normal(size=ROWS).round(4),
            "code": [
                f"{chr(65 + i % 26)}{chr(65 + i % 7)}-{n:04d}"
                for i, n in enumerate(draw.integers(0, 10_000, ROWS))
            ],
            "status": np.where(took > 20, "open", "shipped"),
            "shipped": [None if t > 20 else t for t in took],
        }
    )


@pytest.fixture(scope="module")
def proposals() -> list[Proposal]:
    schema = sim.infer(orders()).with_column("code", kind="text", pattern=None)
    return mine(orders(), schema=schema)


@pytest.mark.parametrize(
    "constraint",
    [
        Check("started <= ended"),
        Equality("total", "price * amount"),
        Equality("gross", "net + tax"),
        Equality("year", "extract(year from started)"),
        Determines("zip", "city"),
        OneHot(("is_a", "is_b", "is_c")),
        Implies("status = 'open'", "shipped is null"),
        Implies("status = 'shipped'", "shipped is not null"),
        Monotone("balance", "started", by="account", strict=True),
        Pattern("code", "[A-Z]{2}\\-[0-9]{4}"),
    ],
    ids=str,
)
def test_a_rule_of_every_kind_is_found(proposals: list[Proposal], constraint: object) -> None:
    found = [proposal for proposal in proposals if proposal.constraint == constraint]
    assert len(found) == 1, [str(proposal.constraint) for proposal in proposals]
    assert found[0].exceptions == 0 and found[0].support >= 1_000 and found[0].reason


def test_proposals_name_no_noise(proposals: list[Proposal]) -> None:
    for proposal in proposals:
        assert "noise" not in str(proposal.constraint)


def test_counts_are_those_of_the_data(proposals: list[Proposal]) -> None:
    table = sim.infer(orders()).with_column("code", kind="text", pattern=None).table()
    for proposal in proposals:
        assert find_broken(proposal.constraint, orders(), table).sum() == proposal.exceptions
        assert proposal.support + proposal.exceptions <= proposal.rows == ROWS


@pytest.mark.parametrize("seed", range(3))
def test_independent_columns_give_no_proposals(seed: int) -> None:
    """Every proposal needs 30 breaks expected by chance where nearly none is seen: below exp(-20) for one candidate."""
    draw, rows = rng(seed), 5_000
    frame = pl.DataFrame(
        {f"whole{i}": draw.integers(0, 50, rows) for i in range(5)}
        | {f"real{i}": draw.normal(size=rows).round(3) for i in range(5)}
        | {
            f"level{i}": draw.choice(list("abcdef"), rows, p=[0.5, 0.3, 0.1, 0.05, 0.04, 0.01])
            for i in range(5)
        }
        | {f"flag{i}": draw.random(rows) < 0.3 for i in range(3)}
        | {
            f"day{i}": [date(2020, 1, 1) + timedelta(int(d)) for d in draw.integers(0, 2_000, rows)]
            for i in range(2)
        }
        | {"gap": [None if u < 0.3 else float(u) for u in draw.random(rows)]}
    )
    assert [str(proposal) for proposal in mine(frame)] == []


def test_dirty_rows_are_exceptions_up_to_a_share() -> None:
    draw = rng(2)
    low = draw.integers(0, 500, 3_000)
    high = low + draw.integers(0, 300, 3_000)
    high[:9] = low[:9] - 1  # 0.3 %
    frame = pl.DataFrame({"low": low, "high": high})
    found = mine(frame)
    assert [(str(p.constraint), p.exceptions, p.support) for p in found] == [("low <= high", 9, 2_991)]
    assert "2,991 of 3,000 rows speak for it, 9 break it" in str(found[0])
    assert mine(frame, exceptions=0.001) == []
    with pytest.raises(OptionError, match=r"from 0 to 0\.1"):
        mine(frame, exceptions=0.5)


def test_sorted_rows_are_paired_at_random() -> None:
    """Neighbours in a sorted table are alike, so that pairing them would break no order."""
    low = np.arange(2_000) // 2
    frame = pl.DataFrame({"low": low, "high": low + rng(4).integers(0, 30, 2_000)})
    assert Check("low <= high") in [p.constraint for p in mine(frame)]


def test_unique_pairs_and_combinations_are_found_where_chance_would_repeat_or_mix() -> None:
    draw = rng(3)
    pairs = [(c, d) for c in range(60) for d in range(120)]
    keep_rows = np.sort(draw.permutation(len(pairs))[:5_000])
    frame = pl.DataFrame(
        {
            "customer": [f"c{pairs[i][0]}" for i in keep_rows],
            "day": [date(2024, 1, 1) + timedelta(pairs[i][1]) for i in keep_rows],
        }
    )
    assert [p.constraint for p in mine(frame)] == [Unique(("customer", "day"))]
    region = draw.integers(0, 5, 5_000)
    shop = (region + draw.integers(0, 3, 5_000)) % 6
    frame = pl.DataFrame({"region": [f"r{r}" for r in region], "shop": [f"s{s}" for s in shop]})
    assert Combination(("region", "shop")) in [p.constraint for p in mine(frame)]


def test_a_column_that_hardly_repeats_makes_no_unique_pair() -> None:
    """80 values stand twice, each time with both of two groups: any such pair is unique, and says nothing new."""
    values = np.append(np.arange(1_420), np.arange(80)) * 7_919 % 1_000_003
    groups = np.append(np.arange(1_420) % 2, (np.arange(80) + 1) % 2)
    frame = pl.DataFrame({"a": values, "b": [f"g{g}" for g in groups]})
    assert not any(isinstance(p.constraint, Unique) for p in mine(frame))


def test_levels_of_sensitive_columns_are_not_named() -> None:
    schema = sim.infer(orders()).with_column("status", sensitive=True)
    assert not any("open" in str(p) for p in mine(orders(), schema=schema))


def test_little_data_say_nothing() -> None:
    assert mine(orders().head(50)) == []


def test_what_the_schema_says_already_is_not_proposed_again() -> None:
    schema = sim.infer(orders()).with_constraint(Determines("zip", "city"))
    assert Determines("zip", "city") not in [p.constraint for p in mine(orders(), schema=schema)]


def test_proposals_are_accepted_by_number(proposals: list[Proposal]) -> None:
    assert chosen(proposals, "all") == proposals
    assert chosen(proposals, "3, 1-2") == proposals[:3]
    for wrong in ("0", "99", "x", "3-1"):
        with pytest.raises(OptionError):
            chosen(proposals, wrong)
    schema = keep(sim.infer(orders()), [p for p in proposals if not isinstance(p.constraint, Pattern)])
    assert len(schema.table().constraints) >= 9


def test_inspect_proposes_and_writes_what_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, target = str(tmp_path / "orders.csv"), str(tmp_path / "orders.yaml")
    orders().write_csv(data)
    assert run(["inspect", data, "--constraints", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["proposals"]
    assert {"determines": ["zip"], "columns": ["city"]} in [p["constraint"] for p in listed]
    number = 1 + [p["words"] for p in listed].index('"zip" determines "city"')
    assert run(["inspect", data, "--accept", f"{number}", "-o", target]) == 0
    assert f'{number}. `"zip" determines "city"`' in capsys.readouterr().out
    assert sim.read(data, schema=target).schema.table().constraints == (Determines("zip", "city"),)
    assert run(["inspect", data, "--schema", target]) == 0
    assert run(["inspect", data, "--accept", "1"]) == 2
    assert "--accept writes proposals into a schema" in capsys.readouterr().err


def test_longer_sums_and_clock_times_are_said_in_sql() -> None:
    rng = Streams(3).stream("rows")
    n = 1_500
    clock = rng.integers(0, 24, n) * 60 + rng.integers(0, 60, n)
    late = rng.integers(-20, 300, n)
    ends = (clock + late) % 1_440
    frame = pl.DataFrame({name: rng.integers(0, 400, n) for name in "abcd"}).with_columns(
        total=pl.when(pl.int_range(pl.len()) % 500 == 0)
        .then(1)
        .otherwise(pl.col("a") + pl.col("b") + pl.col("c") - pl.col("d")),
        starts=pl.Series(clock // 60 * 100 + clock % 60),
        late=pl.Series(late),
        ends=pl.Series(ends // 60 * 100 + ends % 60),
    )
    schema = sim.infer(frame).with_column("starts", format="HHMM").with_column("ends", format="HHMM")
    found = {
        p.constraint.column: p for p in sim.mine(frame, schema=schema) if isinstance(p.constraint, Equality)
    }
    assert found["total"].constraint.sql == "a + b + c - d"
    assert (found["total"].support, found["total"].exceptions) == (n - 3, 3)
    times = found["ends" if "ends" in found else "starts"]
    assert "% 1440" in times.constraint.sql
    assert (times.support, times.exceptions) == (n, 0)


def test_chance_makes_no_equality() -> None:
    for seed in range(20):
        rng = Streams(seed).stream("chance")
        n = [80, 400, 1_500][seed % 3]
        tops = (3, 20, 1_000, 60, 24)
        frame = pl.DataFrame(
            {
                **{f"i{k}": rng.integers(0, top, n) for k, top in enumerate(tops)},
                **{f"r{k}": rng.gamma(2, 20, n).round(2) for k in range(3)},
                **{f"t{k}": rng.integers(0, 24, n) * 100 + rng.integers(0, 60, n) for k in range(2)},
                **{f"c{k}": rng.choice(list("abcdef"), n) for k in range(2)},
            }
        )
        assert [str(proposal) for proposal in sim.mine(frame)] == []
