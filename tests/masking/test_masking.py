"""Masking: equal values stay equal and others differ, everywhere; nothing identifying is left; relations hold."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import OptionError, SchemaError, UnknownName
from simulacra.masking._checks import code_cards, code_ibans, luhn, mod97
from simulacra.masking._codes import code_numbers, code_texts
from simulacra.masking._permuting import LARGEST, permute
from simulacra.masking._texts import make_texts
from simulacra.masking.secret import Secret

KEY = "a key that only tests know"
SECRET = Secret.make(KEY)
PEOPLE = 400


def points(text: str) -> np.ndarray:
    return np.array([[ord(sign) for sign in text]])


def shop() -> sim.Dataset:
    """Customers with e-mails, their orders with the same e-mails, visits, and the public places they are in."""
    rng = np.random.default_rng(1)
    mails = [
        f"{a}.{b}{i}@firm.com" for i, (a, b) in enumerate(zip(["ann", "bob"] * 200, ["lee", "kim"] * 200))
    ]
    owner = rng.integers(0, PEOPLE, 900)
    day = [date(2020, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 300, 900)]
    frames = {
        "customers": pl.DataFrame({
            "id": [f"C{i:05d}" for i in range(PEOPLE)],
            "mail": [None if i == 3 else m for i, m in enumerate(mails)],
            "city": [f"city{i % 5}" for i in range(PEOPLE)],
            "since": [date(2015, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 900, PEOPLE)],
            "note": [f"Likes tea, call {i} after noon please" for i in range(PEOPLE)],
        }),
        "orders": pl.DataFrame({
            "id": range(1, 901), "customer": [f"C{i:05d}" for i in owner], "contact": [mails[i] for i in owner],
            "ordered": day, "shipped": [datetime(d.year, d.month, d.day, 9) + timedelta(3) for d in day],
        }),
        "places": pl.DataFrame({"id": [f"city{i}" for i in range(5)], "mayor": [f"m{i}@city.org" for i in range(5)]}),
    }  # fmt: skip
    schema = sim.infer(frames)
    for table in schema.names:
        schema = schema.with_key("id", table=table).without_reference(table)
    schema = schema.with_column("mail", table="customers", kind="text", identifying="email")
    schema = schema.with_column("contact", table="orders", kind="text", identifying="email")
    schema = schema.with_column("mayor", table="places", kind="text", identifying="email")
    schema = schema.with_column("note", table="customers", kind="text")
    for table, column in (
        ("customers", "id"),
        ("customers", "city"),
        ("orders", "customer"),
        ("places", "id"),
    ):
        schema = schema.with_column(column, table=table, kind="key")
    schema = schema.with_column("id", table="orders", kind="key", integer=True)
    schema = schema.with_reference("orders", "customer", "customers").with_reference(
        "customers", "city", "places"
    )
    return sim.read(frames, schema=schema.with_role("places", "reference"))


@pytest.fixture(scope="module")
def data() -> sim.Dataset:
    return shop()


@pytest.fixture(scope="module")
def masked(data: sim.Dataset) -> sim.Dataset:
    return sim.mask(data, keys=True, shift_dates=30, key=KEY)


# --- tables


def test_rows_and_relations_stay(data: sim.Dataset, masked: sim.Dataset) -> None:
    assert {n: f.shape for n, f in masked.frames.items()} == {n: f.shape for n, f in data.frames.items()}
    joined, before = (
        d.polars("orders").join(
            d.polars("customers"), left_on="customer", right_on="id", how="left", maintain_order="left"
        )
        for d in (masked, data)
    )
    # the same customer behind every order, told by a column that stays
    assert joined["city"].to_list() == before["city"].to_list()
    assert (joined["mail"] == joined["contact"]).sum() == (before["mail"] == before["contact"]).sum() > 800


def test_nothing_that_identifies_is_left(data: sim.Dataset, masked: sim.Dataset) -> None:
    for table, column in (("customers", "mail"), ("customers", "note"), ("orders", "contact")):
        old, new = data.polars(table)[column], masked.polars(table)[column]
        assert not set(old.drop_nulls()) & set(new.drop_nulls())
        assert old.is_null().to_list() == new.is_null().to_list()
        assert old.n_unique() == new.n_unique()
    assert masked.polars("customers")["mail"].drop_nulls().str.contains(r"@example\.(com|org|net)$").all()
    assert all(one.collisions == 0 for one in masked.replaced)


def test_keys_keep_their_shape_and_public_tables_their_values(data: sim.Dataset, masked: sim.Dataset) -> None:
    keys = masked.polars("customers")["id"]
    assert keys.str.contains(r"^C\d{5}$").all() and keys.n_unique() == PEOPLE
    assert keys.to_list() != data.polars("customers")["id"].to_list()
    old, new = data.polars("orders")["id"], masked.polars("orders")["id"]
    assert (
        new.n_unique() == len(new) and (old.cast(str).str.len_chars() == new.cast(str).str.len_chars()).all()
    )
    assert masked.polars("places").equals(data.polars("places"))
    assert masked.polars("customers")["city"].equals(data.polars("customers")["city"])


def test_dates_move_together_and_within_bounds(data: sim.Dataset, masked: sim.Dataset) -> None:
    owner = data.polars("orders")["customer"]
    moves = pl.DataFrame({
        "owner": owner,
        "a": masked.polars("orders")["ordered"] - data.polars("orders")["ordered"],
        "b": masked.polars("orders")["shipped"] - data.polars("orders")["shipped"],
    })  # fmt: skip
    assert (moves["a"] == moves["b"]).all()
    assert moves.group_by("owner").agg(pl.col("a").n_unique())["a"].max() == 1
    days = moves["a"].dt.total_days()
    assert days.abs().max() <= 30 and days.n_unique() > 30 and (days == 0).mean() < 0.05
    theirs = dict(
        zip(
            data.polars("customers")["id"],
            masked.polars("customers")["since"] - data.polars("customers")["since"],
        )
    )
    assert moves.select(same=pl.col("owner").replace_strict(theirs) == pl.col("a"))["same"].all()
    for table, column in (("orders", "ordered"), ("orders", "shipped"), ("customers", "since")):
        old, new = data.polars(table)[column], masked.polars(table)[column]
        assert old.min() <= new.min() and new.max() <= old.max()


def test_the_key_decides(data: sim.Dataset, masked: sim.Dataset) -> None:
    again = sim.mask(data, keys=True, shift_dates=30, key=KEY)
    other = sim.mask(data, keys=True, shift_dates=30, key=KEY + "!")
    fresh, other_fresh = sim.mask(data), sim.mask(data)
    assert again.digest == masked.digest and len({d.digest for d in (masked, other, fresh, other_fresh)}) == 4


def test_codes_do_not_depend_on_the_other_rows(data: sim.Dataset, masked: sim.Dataset) -> None:
    part = sim.subset(data, table="customers", n=20, seed=1)
    few = sim.mask(part, keys=True, key=KEY).polars("customers")
    known = dict(zip(data.polars("customers")["id"], masked.polars("customers")["id"]))
    assert few["id"].to_list() == [known[i] for i in part.polars("customers")["id"]]


def test_the_environment_gives_a_key(data: sim.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    given_key = sim.mask(data, key=KEY)
    monkeypatch.setenv("SIMULACRA_MASK_KEY", KEY)
    from_outside = sim.mask(data)
    assert from_outside.digest == given_key.digest and from_outside.key == "from the environment"


def test_the_key_is_in_nothing_that_comes_back(data: sim.Dataset, masked: sim.Dataset) -> None:
    told = (
        json.dumps(masked.to_dict()) + repr(masked) + repr(SECRET) + str(masked.notes) + repr(masked.schema)
    )
    assert KEY not in told and SECRET._bytes.hex() not in told and str(SECRET._bytes) not in told


def test_the_notes_say_that_it_is_not_anonymous(masked: sim.Dataset) -> None:
    assert "pseudonymised, not anonymous" in masked.notes[-1]
    assert masked.to_dict()["anonymous"] is False
    left = {one.table: one for one in masked.remains}
    assert "places" not in left and left["orders"].columns == ("ordered (year)", "shipped (year)")


def test_the_contract_knows_no_old_value() -> None:
    names = ["Ann Lee", "Bob Kim", "Eve Fox"]
    frame = pl.DataFrame(
        {"who": pl.Series(names * 40, dtype=pl.Enum(names)), "n": [71_000_123, 71_000_456, 71_000_789] * 40}
    )
    done = sim.mask(frame, columns={"who": "person.name", "n": "code"}, key=KEY)
    told = repr(done.schema) + repr(done.layouts) + str(done.schema.reasons) + str(done.frame.schema)
    assert not any(name in told for name in names) and "71000" not in told and "71,000" not in told
    assert done.frame["who"].n_unique() == done.frame["n"].n_unique() == 3


def test_widths_of_a_database_are_kept(data: sim.Dataset) -> None:
    frame = pl.DataFrame({"mail": [f"a{i}@b.cd" for i in range(80)]})
    short = sim.read(frame, schema=sim.infer(frame).with_column("mail", kind="text", identifying="email"))
    layout = short.layouts["table"]
    object.__setattr__(layout, "types", {"mail": "varchar(12)"})
    mails = sim.mask(short, key=KEY).polars()["mail"]
    assert (
        mails.str.len_chars().max() <= 12 and mails.n_unique() == 80 and not set(mails) & set(frame["mail"])
    )


def test_what_is_named_is_replaced_and_what_is_kept_stays(data: sim.Dataset) -> None:
    done = sim.mask(
        data, columns={"customers.city": ""}, keep=["orders", "customers.mail"], texts="blank", key=KEY
    )
    assert done.polars("orders").equals(data.polars("orders"))
    assert done.polars("customers")["mail"].equals(data.polars("customers")["mail"])
    assert done.polars("customers")["note"].unique().to_list() == [""]
    # naming a column that refers to a public table replaces what it refers to as well
    assert (
        set(done.polars("customers")["city"])
        == set(done.polars("places")["id"])
        != set(data.polars("places")["id"])
    )


def test_wrong_wishes_are_errors(data: sim.Dataset) -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'customers\.mail'"):
        sim.mask(data, columns=["customers.mial"])
    with pytest.raises(UnknownName, match="no way to replace"):
        sim.mask(data, columns={"mail": "emial"})
    with pytest.raises(SchemaError, match="refers to the other"):
        sim.mask(data, keys=True, keep=["orders.customer"])
    with pytest.raises(SchemaError, match="--shift-dates"):
        sim.mask(data, columns=["since"])
    with pytest.raises(OptionError, match="can be guessed"):
        sim.mask(data, key="short")
    with pytest.raises(OptionError, match="both"):
        sim.mask(data, columns=["mail"], keep=["mail"])
    with pytest.raises(OptionError, match="1 to 36,500"):
        sim.mask(data, shift_dates=0)


def test_numbers_that_identify_stay_numbers() -> None:
    cards = [4_000_000_000_000_000 + 97 * i for i in range(300)]
    done = sim.mask(pl.DataFrame({"card": cards}), columns={"card": "card"}, key=KEY).frame["card"]
    assert done.dtype == pl.Int64 and done.n_unique() == 300 and not set(done) & set(cards)
    assert all(luhn(points(str(number)))[0] == 0 for number in done)


# --- codes


@settings(max_examples=100, deadline=None)
@given(st.sets(st.text(max_size=14), max_size=40))
def test_different_texts_become_different_ones_of_the_same_shape(texts: set[str]) -> None:
    old = sorted(texts)
    new = code_texts(old, SECRET, "t")
    assert len(set(new)) == len(old)
    for a, b in zip(old, new, strict=True):
        assert len(a) == len(b)
        assert [s.isdigit() for s in a if s.isascii()] == [s.isdigit() for s in b if s.isascii()]
        assert all(x == y for x, y in zip(a, b, strict=True) if x.isascii() and not x.isalnum())


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 70_000), max_size=60))
def test_different_numbers_become_different_ones_of_as_many_digits(numbers: set[int]) -> None:
    old = sorted(numbers)
    new = code_numbers(np.array(old, dtype=np.int64), SECRET, "n").tolist()
    assert len(set(new)) == len(old)
    assert all((a < 0) == (b < 0) for a, b in zip(old, new, strict=True))
    for bits in (8, 16, 32):
        fits = [-(2 ** (bits - 1)) <= a < 2 ** (bits - 1) for a in old]
        assert fits == [-(2 ** (bits - 1)) <= b < 2 ** (bits - 1) for b in new]
    assert all(len(str(a)) == len(str(b)) for a, b in zip(old, new, strict=True) if a >= 0)


@pytest.mark.parametrize("size", [1, 2, 9, 4096, 4097, 10_007])
def test_a_permutation_reaches_every_number_once(size: int) -> None:
    out = permute(np.arange(size), np.full(size, size), SECRET, "p")
    assert sorted(out.tolist()) == list(range(size))
    # a random permutation has one fixed point in the mean; 12 or more have a chance below 1e-8
    assert size < 10 or int((out == np.arange(size)).sum()) < 12


def test_a_permutation_looks_random() -> None:
    out = permute(np.arange(20_000), np.full(20_000, LARGEST), SECRET, "p") / LARGEST
    # neighbours tell nothing of each other: five standard errors of a correlation of 20,000
    assert abs(np.corrcoef(out[:-1], out[1:])[0, 1]) < 5 / np.sqrt(20_000)
    assert abs(out.mean() - 0.5) < 5 / np.sqrt(12 * 20_000)


def test_uuids_stay_uuids() -> None:
    old = ["550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440001"]
    new = code_texts(old, SECRET, "t")
    assert (
        all(n[14] == "4" and n[19] == "a" and set(n) <= set("0123456789abcdef-") for n in new)
        and new[0] != new[1]
    )


def test_check_digits_stay_right_or_wrong() -> None:
    cards = ["4111111111111111", "3782-822463-10005", "4111111111111112"]
    assert [int(luhn(points(card))[0]) for card in code_cards(cards, SECRET)] == [0, 0, 1]
    ibans = ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "DE88370400440532013000"]
    made = code_ibans(ibans, SECRET)
    assert [int(mod97(points(iban))[0]) for iban in made] == [1, 1, 0]
    assert [iban[:2] for iban in made] == ["DE", "GB", "DE"] and len(set(made) | set(ibans)) == 6
    assert code_cards(["unknown"], SECRET)[0] != "unknown"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=10))
def test_made_up_texts_keep_blanks_capitals_and_length(texts: list[str]) -> None:
    for old, new in zip(texts, make_texts(texts, SECRET), strict=True):
        assert len(old) == len(new)
        assert [s for s in old if s.isascii() and not s.isalnum()] == [
            s for s in new if s.isascii() and not s.isalnum()
        ]
        assert [s.isupper() for s in old if s.isascii()] == [s.isupper() for s in new if s.isascii()]


# --- the command


@pytest.fixture
def folder(data: sim.Dataset, tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    for name, frame in data.frames.items():
        frame.write_csv(tmp_path / "shop" / f"{name}.csv")
    return tmp_path


def test_a_folder_is_masked_into_another(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "mask",
        str(folder / "shop"),
        "-o",
        str(folder / "out"),
        "--keys",
        "--subset",
        "0.1",
        "--table",
        "customers",
    ]
    assert run([*arguments, "--seed", "1", "--json", "--columns", "note=blank"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tables"]["customers"] == 40 and told["anonymous"] is False
    out = sim.read(folder / "out")
    assert set(out.polars("orders")["customer"]) <= set(out.polars("customers")["id"])
    assert not set(out.polars("customers")["mail"].drop_nulls()) & set(shop().polars("customers")["mail"])


def test_a_dry_run_writes_nothing_and_shows_no_value(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["mask", str(folder / "shop"), "--dry-run", "--shift-dates", "10"]) == 0
    said = capsys.readouterr()
    assert "email" in said.out and "@" not in said.out + said.err and "not anonymous" in said.err
    assert sorted(path.name for path in folder.iterdir()) == ["shop"]


def test_the_command_refuses_what_would_destroy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mask", str(folder / "shop"), "-o", str(folder / "shop")]) == 2
    assert run(["mask", str(folder / "shop")]) == 2
    assert run(["mask", str(folder / "shop"), "--dry-run", "--key-env", "NO_SUCH_VARIABLE"]) == 2
    said = capsys.readouterr().err
    assert "overwritten" in said and "--dry-run" in said and "NO_SUCH_VARIABLE" in said


def test_a_subset_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "subset",
        str(folder / "shop"),
        "-o",
        str(folder / "small"),
        "--table",
        "customers",
        "-n",
        "7",
    ]
    assert run([*arguments, "--seed", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"]["customers"] == 7


# --- databases


def test_a_database_becomes_a_masked_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        shop.executescript(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, mail VARCHAR(24) NOT NULL UNIQUE, "
            "boss INTEGER REFERENCES customers (id));"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id), "
            "contact VARCHAR(30), more JSON);"
        )
        for i in range(1, 201):
            shop.execute(
                "INSERT INTO customers VALUES (?, ?, ?)", (i, f"ann.lee{i}@firm.com", i // 2 or None)
            )
            more = json.dumps({"name": f"Ann Lee {i}", "gift": None})
            shop.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", (i + 900, i, f"ann.lee{i}@firm.com", more))
        shop.commit()
    target = tmp_path / "masked.db"
    assert (
        run(["mask", f"sqlite:///{tmp_path / 'shop.db'}", "-o", f"sqlite:///{target}", "--keys", "-q"]) == 0
    )
    with closing(sqlite3.connect(target)) as shop:
        rows = shop.execute(
            "SELECT c.mail, o.contact, o.more, b.id IS NULL FROM orders o JOIN customers c ON c.id = o.customer "
            "LEFT JOIN customers b ON b.id = c.boss"
        ).fetchall()
    assert len(rows) == 200 and all(mail == contact and len(mail) <= 24 for mail, contact, _, _ in rows)
    assert sum(alone for *_, alone in rows) == 1
    assert len({mail for mail, *_ in rows}) == 200 and not any("firm" in mail for mail, *_ in rows)
    documents = [json.loads(more) for _, _, more, _ in rows]
    assert all(set(d) == {"name", "gift"} and d["gift"] is None and "Ann" not in d["name"] for d in documents)


def test_entities_are_those_of_the_schema(data: sim.Dataset) -> None:
    roles = data.schema.with_role("orders", "event")
    one = sim.mask(data, schema=roles, shift_dates=20, key=KEY)
    own = sim.mask(
        data,
        schema=roles.with_role("customers", "child").with_role("orders", "entity"),
        shift_dates=20,
        key=KEY,
    )
    owner = data.polars("orders")["customer"]

    def spread(done: sim.Dataset) -> int:
        moved = done.polars("orders")["ordered"] - data.polars("orders")["ordered"]
        return int(
            pl.DataFrame({"o": owner, "m": moved}).group_by("o").agg(pl.col("m").n_unique())["m"].max()
        )

    assert spread(one) == 1 < spread(own)
