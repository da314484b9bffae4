"""What a proof says of rows in files: nothing where the schema is kept, and every planted defect where it is not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulacra.proof.proof as proving
from simulacra.errors import CheckFailed, DataError, FileError, OptionError
from simulacra.proof.lines import Line, Place
from simulacra.proof.proof import prove
from simulacra.schema.constraints import (
    Check,
    Combination,
    Determines,
    Equality,
    Implies,
    Monotone,
    OneHot,
    Pattern,
    Running,
    Unique,
)
from simulacra.schema.files import write_schema
from simulacra.schema.reference import Reference
from simulacra.schema.types import Column, Schema, Table
from simulacra.schema.validation import validate
from simulacra.sources.csv import Csv

ROWS = 3_000

PEOPLE = Table(
    "people",
    (
        Column("id", "key", integer=True),
        Column("code", "text", pattern="[A-Z]{2}[0-9]{4}"),
        Column("state", "category", levels=("OH", "NY", "CA")),
        Column("capital", "category", levels=("Columbus", "Albany", "Sacramento")),
        Column("age", "number", integer=True, bounds=(0, 120)),
        Column("born", "date"),
        Column("income", "number", nullable=True, decimals=2),
        Column("tax", "number", nullable=True, decimals=2),
        Column("old", "boolean"),
        Column("young", "boolean"),
    ),
    ("id",),
    constraints=(
        Check("age < 110"),
        Implies("old", "age >= 65"),
        Equality("tax", "income * 0.5"),
        Unique("code"),
        Determines("state", "capital"),
        Combination(("state", "capital"), (("OH", "Columbus"), ("NY", "Albany"), ("CA", "Sacramento"))),
        OneHot(("old", "young")),
        Pattern("code", "[A-Z].*"),
    ),
)
ORDERS = Table(
    "orders",
    (
        Column("person", "key", integer=True, nullable=True),
        Column("number", "number", integer=True),
        Column("amount", "number", integer=True),
        Column("balance", "number", integer=True),
        Column("bought", "date"),
    ),
    ("person", "number"),
    constraints=(
        Monotone("bought", "number", by="person"),
        Running("balance", "amount", "person", "number", "0"),
        Check("bought >= people.born"),
    ),
    references=(Reference("person", "people", "id"),),
)
SHOP = Schema((PEOPLE, ORDERS))


def make_shop() -> dict[str, pl.DataFrame]:
    rng = np.random.Generator(np.random.Philox(key=5))
    place = rng.integers(0, 3, ROWS)
    age = rng.integers(0, 100, ROWS)
    income = pl.Series(rng.integers(100, 9_999, ROWS) * 2.0)
    people = pl.DataFrame(
        {
            "id": rng.permutation(ROWS) + 10,
            "code": [f"AB{number:04d}" for number in rng.permutation(ROWS)],
            "state": np.array(["OH", "NY", "CA"])[place],
            "capital": np.array(["Columbus", "Albany", "Sacramento"])[place],
            "age": age,
            "born": pl.Series(rng.integers(0, 9_000, ROWS)).cast(pl.Int32).cast(pl.Date),
            "income": income,
            "tax": income * 0.5,
            "old": age >= 65,
            "young": age < 65,
        }
    )
    count = 4
    person = np.repeat(people["id"].to_numpy(), count)
    amount = rng.integers(1, 50, ROWS * count)
    orders = pl.DataFrame(
        {
            "person": person,
            "number": np.tile(np.arange(1, count + 1), ROWS),
            "amount": amount,
            "balance": np.cumsum(amount.reshape(ROWS, count), axis=1).ravel(),
            "bought": pl.Series(9_000 + np.tile(np.arange(count), ROWS)).cast(pl.Int32).cast(pl.Date),
        }
    )
    return {"people": people, "orders": orders}


def write_shop(folder: Path, frames: dict[str, pl.DataFrame], parts: int = 4) -> Path:
    for name, frame in frames.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        size = -(-len(frame) // parts)
        for number in range(parts):
            part = frame.slice(number * size, size)
            part.write_parquet(folder / name / f"part-{number:05d}.parquet", row_group_size=400)
    write_schema(SHOP, folder / "schema.yaml")
    return folder


def spoil(frame: pl.DataFrame, row: int, column: str, value: object) -> pl.DataFrame:
    values = frame[column].to_list()
    values[row] = value
    return frame.with_columns(pl.Series(column, values, dtype=frame[column].dtype))


def broken(folder: Path, **options: object) -> list[Line]:
    return list(prove(folder, **options).violated)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def frames() -> dict[str, pl.DataFrame]:
    return make_shop()


def test_what_keeps_its_schema_is_proved(tmp_path: Path, frames: dict[str, pl.DataFrame]) -> None:
    proof = prove(write_shop(tmp_path, frames))
    assert proof.holds, str(proof)
    assert proof.rows == {"people": ROWS, "orders": 4 * ROWS}
    assert proof.files == 8
    kinds = {(line.table, line.kind) for line in proof.lines}
    wanted = {"readable", "not null", "value", "check", "unique", "key", "among rows"}
    assert {kind for table, kind in kinds if table == "people"} == wanted
    assert {"reference", "key", "among rows"} <= {kind for table, kind in kinds if table == "orders"}
    proof.require()
    assert json.loads(json.dumps(proof.to_dict()))["holds"] is True
    assert proof.frame["holds"].all()


DEFECTS = [
    ("people", 1_700, "age", 140, "between 0 and 120"),
    ("people", 1_700, "age", 115, "age < 110"),
    ("people", 1_700, "age", None, "has a value"),
    ("people", 1_700, "state", "TX", "one of its 3 levels"),
    ("people", 1_700, "code", "nope", "matches [A-Z]{2}[0-9]{4}"),
    ("people", 1_700, "income", 1.234, "at most 2 decimals"),
    ("people", 1_700, "tax", 1.0, '"tax" = income * 0.5'),
    ("orders", 5_000, "person", 9, "refers to a row of people"),
    ("orders", 5_000, "balance", -1, None),
    ("orders", 5_001, "bought", np.datetime64("1960-01-01").item(), "bought >= people.born"),
]


@pytest.mark.parametrize(("table", "row", "column", "value", "rule"), DEFECTS)
def test_one_wrong_value_is_found_where_it_is(
    tmp_path: Path,
    frames: dict[str, pl.DataFrame],
    table: str,
    row: int,
    column: str,
    value: object,
    rule: str | None,
) -> None:
    spoiled = {**frames, table: spoil(frames[table], row, column, value)}
    found = broken(write_shop(tmp_path, spoiled))
    size = -(-len(frames[table]) // 4)
    place = Place(f"{table}/part-{row // size:05d}.parquet", row % size + 1)
    named = [line for line in found if rule is None or line.rule == rule]
    assert named, [str(line) for line in found]
    assert any(place in line.first for line in named), [str(line) for line in found]
    assert all(line.violations == 1 for line in named if rule is not None)


def test_a_proof_says_what_the_validation_of_frames_in_memory_says(
    tmp_path: Path, frames: dict[str, pl.DataFrame]
) -> None:
    people = frames["people"]
    for row, column, value in ((3, "age", 200), (9, "age", -5), (2_999, "state", "TX"), (40, "old", None)):
        people = spoil(people, row, column, value)
    people = spoil(people, 2_500, "code", people["code"][7])
    proof = prove(write_shop(tmp_path, {**frames, "people": people}))
    mine = {line.rule: line.violations for line in proof.violated if line.table == "people"}
    assert mine == {found.rule: found.count for found in validate(people, PEOPLE)}


def test_repeated_keys_are_told_by_the_later_row(tmp_path: Path, frames: dict[str, pl.DataFrame]) -> None:
    people = spoil(frames["people"], 2_000, "id", frames["people"]["id"][1])
    found = {line.kind: line for line in broken(write_shop(tmp_path, {**frames, "people": people}))}
    assert found["key"].violations == 1
    assert found["key"].first == (Place("people/part-00002.parquet", 501),)
    # the orders of the person whose key is gone are orphans
    assert found["reference"].violations == 4


def test_composite_keys_with_repeats_and_gaps(tmp_path: Path, frames: dict[str, pl.DataFrame]) -> None:
    orders = spoil(frames["orders"], 11, "number", 3)
    orders = spoil(orders, 500, "person", None)
    found = {
        (line.kind, line.rule): line.violations
        for line in broken(write_shop(tmp_path, {**frames, "orders": orders}))
    }
    assert found["key", "different in every row"] == 1
    assert found["key", "has a value in every column of the key"] == 1
    assert ("reference", "refers to a row of people") not in found


def test_little_memory_changes_nothing(
    tmp_path: Path, frames: dict[str, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    people = spoil(frames["people"], 2_000, "code", frames["people"]["code"][1])
    orders = spoil(frames["orders"], 5_000, "person", 9)
    orders = spoil(orders, 700, "number", 3 if orders["number"][700] != 3 else 2)
    folder = write_shop(tmp_path, {"people": people, "orders": orders})
    whole = prove(folder)
    monkeypatch.setattr(proving, "_LEAST", 1)
    tight = prove(folder, memory=40_000)
    said = [(line.rule, line.violations, line.first) for line in whole.lines]
    assert [(line.rule, line.violations, line.first) for line in tight.lines] == said
    assert whole.violated


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "arrow", "csv.gz"])
def test_other_formats(tmp_path: Path, frames: dict[str, pl.DataFrame], suffix: str) -> None:
    people = spoil(frames["people"], 1_234, "age", 140).with_columns(pl.col("born").cast(pl.String))
    path = tmp_path / f"people.{suffix}"
    if suffix == "jsonl":
        people.write_ndjson(path)
    elif suffix == "arrow":
        people.write_ipc(path)
    else:
        Csv().write(people, path)
    found = list(prove(path, Schema((PEOPLE,))).violated)
    assert {line.rule for line in found} == {"between 0 and 120", "age < 110"}
    assert found[0].first == (Place(path.name, 1_235),)


def test_values_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2020-01-01\nx,2020-13-01\n3,\n")
    schema = Schema(
        (Table("t", (Column("a", "number", integer=True), Column("b", "date", format="%Y-%m-%d"))),)
    )
    found = {
        (line.columns, line.rule): line.violations for line in prove(tmp_path / "t.csv", schema).violated
    }
    assert found == {
        (("a",), "can be read as a whole number"): 1,
        (("b",), "can be read as a date"): 1,
        (("b",), "has a value"): 1,
    }


def test_columns_that_only_folders_tell(tmp_path: Path) -> None:
    for state, rows in (("OH", 3), ("NY", 2)):
        (tmp_path / f"state={state}").mkdir()
        pl.DataFrame({"id": range(rows)}).write_parquet(tmp_path / f"state={state}" / "part-00000.parquet")
    columns = (Column("id", "number", integer=True), Column("state", "category", levels=("OH",)))
    proof = prove(tmp_path, Schema((Table("people", columns, constraints=(Unique(("id", "state")),)),)))
    assert proof.rows == {"people": 5}
    assert [(line.rule, line.violations) for line in proof.violated] == [("one of its 1 levels", 2)]
    assert proof.violated[0].first[0].file == "state=NY/part-00000.parquet"


def test_references_between_numbers_and_texts(tmp_path: Path) -> None:
    pl.DataFrame({"id": [1, 2, 3]}).write_parquet(tmp_path / "people.parquet")
    pl.DataFrame({"owner": ["1", "3", "4", None]}).write_parquet(tmp_path / "pets.parquet")
    people = Table("people", (Column("id", "key", integer=True),), ("id",))
    pets = Table(
        "pets", (Column("owner", "category", nullable=True),), references=(Reference("owner", "people"),)
    )
    found = prove(tmp_path, Schema((people, pets))).violated
    assert [(line.kind, line.violations, line.first[0].row) for line in found] == [("reference", 1, 3)]


def test_a_table_that_refers_to_itself(tmp_path: Path) -> None:
    pl.DataFrame({"id": [5, 6, 7], "boss": [None, 5, 8]}).write_parquet(tmp_path / "staff.parquet")
    columns = (Column("id", "key", integer=True), Column("boss", "key", integer=True, nullable=True))
    staff = Table("staff", columns, ("id",), references=(Reference("boss", "staff"),))
    (found,) = prove(tmp_path, Schema((staff,))).violated
    assert (found.kind, found.violations, found.first[0].row) == ("reference", 1, 3)


def test_tables_without_rows(tmp_path: Path, frames: dict[str, pl.DataFrame]) -> None:
    proof = prove(write_shop(tmp_path, {name: frame.clear() for name, frame in frames.items()}, 1))
    assert proof.holds
    assert set(proof.rows.values()) == {0}


def test_what_is_wrong_with_the_question(tmp_path: Path, frames: dict[str, pl.DataFrame]) -> None:
    with pytest.raises(FileError, match="no file"):
        prove(tmp_path / "nowhere", SHOP)
    folder = write_shop(tmp_path / "shop", frames, 1)
    (folder / "schema.yaml").unlink()
    with pytest.raises(OptionError, match=r"schema\.yaml"):
        prove(folder)
    with pytest.raises(DataError, match="has a table 'orders'"):
        prove(folder / "people", SHOP)
    frames["people"].drop("age").write_parquet(folder / "people" / "part-00001.parquet")
    with pytest.raises(DataError, match=r"part-00001\.parquet' lacks the column 'age'"):
        prove(folder, SHOP)
    (folder / "people" / "part-00001.parquet").write_bytes(b"PAR1 this is none")
    with pytest.raises(DataError, match=r"part-00001\.parquet' can not be read"):
        prove(folder, SHOP)


def test_a_broken_proof_is_an_error_when_required(tmp_path: Path, frames: dict[str, pl.DataFrame]) -> None:
    proof = prove(write_shop(tmp_path, {**frames, "people": spoil(frames["people"], 3, "age", 140)}))
    with pytest.raises(CheckFailed, match=r"1 of 3,000 rows breaks \"between 0 and 120\""):
        proof.require()
    assert "BROKEN" in str(proof)
    assert "140" not in json.dumps(proof.to_dict()["lines"])


@pytest.mark.parametrize("memory", ["1 GB", 40_000])
@pytest.mark.parametrize("kind", ["numbers", "texts"])
def test_references_to_keys_that_lie_far_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: int | str, kind: str
) -> None:
    rng = np.random.Generator(np.random.Philox(key=8))
    ids = pl.Series(rng.permutation(10_000) * 10**13 - 10**16)
    owners = ids.sample(25_000, with_replacement=True, seed=1)
    owners[24_000] = 7
    owners[100] = 8
    whole = kind == "numbers"
    for name, column, values in (("people", "id", ids), ("pets", "owner", owners)):
        (tmp_path / name).mkdir()
        frame = pl.DataFrame({column: values if whole else values.cast(pl.String)})
        for number, part in enumerate(frame.iter_slices(7_000)):
            part.write_parquet(tmp_path / name / f"part-{number}.parquet")
    people = Table("people", (Column("id", "key", integer=whole),), ("id",))
    pets = Table("pets", (Column("owner", "key", integer=whole),), references=(Reference("owner", "people"),))
    monkeypatch.setattr(proving, "_LEAST", 1)
    proof = prove(tmp_path, Schema((people, pets)), memory=memory)
    (found,) = proof.violated
    assert (found.kind, found.violations) == ("reference", 2)
    assert found.first == (Place("pets/part-0.parquet", 101), Place("pets/part-3.parquet", 3_001))


BANK = Schema(
    (
        Table(
            "accounts",
            (
                Column("id", "key"), Column("opening", "number", integer=True), Column("total", "number", integer=True),
                Column("opened", "date"),
            ),
            ("id",),
            constraints=(Check("total = (select sum(amount) from moves)"),),
        ),
        Table(
            "moves",
            (
                Column("account", "key"), Column("step", "number", integer=True),
                Column("amount", "number", integer=True), Column("balance", "number", integer=True),
                Column("day", "date"),
            ),
            constraints=(
                Running("balance", "amount", "account", "step", "accounts.opening"),
                Check("day >= accounts.opened"),
            ),
            references=(Reference("account", "accounts"),),
        ),
    )
)  # fmt: skip


@pytest.mark.parametrize("memory", ["1 GB", 1_000_000, 200_000])
def test_rules_over_two_tables_need_no_memory_for_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: int | str
) -> None:
    rng = np.random.Generator(np.random.Philox(key=3))
    accounts, steps = 2_000, 6
    amount = rng.integers(1, 90, (accounts, steps))
    opening = rng.integers(0, 9, accounts)
    order = rng.permutation(accounts * steps)
    names = np.array([f"a{number}" for number in range(accounts)])
    balance = opening[:, None] + np.cumsum(amount, axis=1)
    balance[7, 5] += 1
    total = amount.sum(axis=1)
    total[[4, 9]] += 1
    day = np.full((accounts, steps), 100)
    day[3, 2] = 5
    moves = pl.DataFrame(
        {
            "account": np.repeat(names, steps), "step": np.tile(np.arange(steps), accounts), "amount": amount.ravel(),
            "balance": balance.ravel(), "day": pl.Series(day.ravel()).cast(pl.Int32).cast(pl.Date),
        }
    )[order]  # fmt: skip
    frame = pl.DataFrame({"id": names, "opening": opening, "total": total}).with_columns(
        opened=pl.lit(100, dtype=pl.Int32).cast(pl.Date)
    )
    for name, rows in (("accounts", frame), ("moves", moves)):
        (tmp_path / name).mkdir()
        for number, part in enumerate(rows.iter_slices(1_500)):
            part.write_parquet(tmp_path / name / f"part-{number}.parquet")
    monkeypatch.setattr(proving, "_LEAST", 1)
    proof = prove(tmp_path, BANK, memory=memory)
    assert not proof.unproved
    found = {line.rule: line for line in proof.violated}
    assert {rule: line.violations for rule, line in found.items()} == {
        "total = (select sum(amount) from moves)": 2,
        str(BANK.table("moves").constraints[0]): 1,
        "day >= accounts.opened": 1,
    }
    assert [place.row for place in found["total = (select sum(amount) from moves)"].first] == [5, 10]
    row = int(np.flatnonzero(order == 3 * steps + 2)[0])
    assert found["day >= accounts.opened"].first == (
        Place(f"moves/part-{row // 1_500}.parquet", row % 1_500 + 1),
    )


def test_what_can_not_be_seen_together_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pl.DataFrame({"at": range(9_000), "level": range(9_000)}).write_parquet(tmp_path / "t.parquet")
    columns = (Column("at", "number", integer=True), Column("level", "number", integer=True))
    schema = Schema((Table("t", columns, constraints=(Monotone("level", "at"),)),))
    assert prove(tmp_path, schema).holds
    monkeypatch.setattr(proving, "_LEAST", 1)
    proof = prove(tmp_path, schema, memory=100_000)
    assert not proof.holds
    assert [line.violations for line in proof.unproved] == [None]
    assert "is not proved: its 9,000 rows must be seen together" in str(proof.unproved[0])
    with pytest.raises(CheckFailed, match="not proved"):
        proof.require()
