"""Masking as a privacy officer looks at it: people stay consistent, their rows move together, nobody shows through."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import OptionError
from simulacra.fakes.making import make_fakes

KEY = "a key that only tests know"
PEOPLE = 600


def shop() -> sim.Dataset:
    """People of two countries with accounts, orders by two ways, lines, doctors of theirs, and a list of countries."""
    rng = np.random.default_rng(5)

    def names(kind: str) -> list[str]:
        halves = [
            make_fakes(kind, rng.integers(1, 2**62, PEOPLE // 2).astype(np.uint64), locale=locale).to_list()
            for locale in ("de_DE", "en_US")
        ]
        # capitals and addresses write the one letter that has no capital in their own ways
        return [name.replace("ß", "s") for half in halves for name in half]

    first, last = names("person.first"), names("person.last")
    folded = [
        pl.Series(words)
        .str.to_lowercase()
        .str.replace_all("ß", "ss")
        .str.normalize("NFKD")
        .str.replace_all("[^a-z]", "")
        .to_list()
        for words in (first, last)
    ]
    mails = [f"{a}.{b}{i}@firm.com" for i, (a, b) in enumerate(zip(*folded, strict=True))]
    since = [date(2019, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 300, PEOPLE)]
    owner = rng.integers(0, PEOPLE, 1500)
    placed = [
        datetime(since[o].year, since[o].month, since[o].day) + timedelta(int(d))
        for o, d in zip(owner, rng.integers(0, 60, 1500), strict=True)
    ]
    # every third order names its customer by the account alone
    direct = [None if i % 3 == 0 else int(o) + 1 for i, o in enumerate(owner)]
    count = rng.integers(1, 4, 1500)
    order = np.repeat(np.arange(1500), count)
    pairs = list(zip(first, last, strict=True))
    frames = {
        "countries": pl.DataFrame({"code": ["DE", "US", "FR"], "label": ["Germany", "USA", "France"]}),
        "doctors": pl.DataFrame({
            "id": range(1, 21), "name": [f"{a} {b}" for a, b in pairs[:20]],
            "hired": [date(2018, 12, 20) + timedelta(d) for d in range(20)],
        }),
        "people": pl.DataFrame({
            "id": range(1, PEOPLE + 1), "first_name": first,
            "last_name": [x.upper() if i % 9 == 0 else x for i, x in enumerate(last)], "mail": mails,
            "phone": [f"+49 30 {5550000 + i}" if i % 2 else f"+41 44 {6680000 + i}" for i in range(PEOPLE)],
            "country": ["DE"] * 300 + ["US"] * 300, "doctor": rng.integers(1, 21, PEOPLE), "since": since,
        }),
        "accounts": pl.DataFrame({
            "id": range(1, PEOPLE + 1), "person": range(1, PEOPLE + 1), "holder": [f"{b}, {a}" for a, b in pairs],
        }),
        "orders": pl.DataFrame({"id": range(5000, 6500), "person": direct, "account": owner + 1, "placed": placed}),
        "lines": pl.DataFrame({
            "order": order + 5000, "line": np.concatenate([np.arange(1, n + 1) for n in count]),
            "sent": [placed[o].date() + timedelta(2) for o in order],
            "why": [f"{first[owner[o]]} asked for it" for o in order],
        }),
    }  # fmt: skip
    schema = sim.infer(frames)
    for table in schema.names:
        schema = schema.without_reference(table)
        schema = schema.with_key(
            *(("order", "line") if table == "lines" else ("code",) if table == "countries" else ("id",)),
            table=table,
        )
    for table, column, what in (
        ("people", "first_name", "person.first"), ("people", "last_name", "person.last"), ("people", "mail", "email"),
        ("people", "phone", "phone"), ("doctors", "name", "person.name"), ("accounts", "holder", "person.name"),
    ):  # fmt: skip
        schema = schema.with_column(column, table=table, kind="text", identifying=what)
    schema = schema.with_column("why", table="lines", kind="category")
    for child, column, parent in (
        ("people", "country", "countries"), ("people", "doctor", "doctors"), ("accounts", "person", "people"),
        ("orders", "person", "people"), ("orders", "account", "accounts"), ("lines", "order", "orders"),
    ):  # fmt: skip
        schema = schema.with_reference(child, column, parent)
    return sim.read(frames, schema=schema)


@pytest.fixture(scope="module")
def data() -> sim.Dataset:
    return shop()


@pytest.fixture(scope="module")
def masked(data: sim.Dataset) -> sim.Dataset:
    return sim.mask(data, keys=True, shift_dates=30, key=KEY)


def days(masked: sim.Dataset, data: sim.Dataset, table: str, column: str) -> pl.Series:
    return (masked.polars(table)[column] - data.polars(table)[column]).dt.total_days()


# --- dates


def test_all_rows_of_a_person_move_alike_by_whatever_way_they_belong(
    data: sim.Dataset, masked: sim.Dataset
) -> None:
    own = dict(zip(data.polars("people")["id"], days(masked, data, "people", "since"), strict=True))
    # an order without a person belongs to that of its account, who has the account's number here
    orders = [own[account] for account in data.polars("orders")["account"]]
    assert days(masked, data, "orders", "placed").to_list() == orders
    by_order = dict(zip(data.polars("orders")["id"], orders, strict=True))
    assert days(masked, data, "lines", "sent").to_list() == [
        by_order[o] for o in data.polars("lines")["order"]
    ]
    # people do not move with their country, nor with their doctor
    moves = pl.DataFrame({"doctor": data.polars("people")["doctor"], "days": list(own.values())})
    assert (
        moves["days"].n_unique() > 40
        and moves.group_by("doctor").agg(pl.col("days").n_unique())["days"].min() > 3
    )
    assert any(
        "each row of 'people' with all that belongs to it in 'orders', 'lines'" in n for n in masked.notes
    )


def test_order_among_rows_of_different_owners_is_kept(data: sim.Dataset, masked: sim.Dataset) -> None:
    before, after = (
        one.polars("people").join(one.polars("doctors"), left_on="doctor", right_on="id").select(
            days=(pl.col("since") - pl.col("hired")).dt.total_days()
        )["days"]
        for one in (data, masked)
    )  # fmt: skip
    # people came within days after their doctor: moved without regard, some would have come before
    assert 0 <= before.min() < 10 and after.min() >= 0
    assert days(masked, data, "doctors", "hired").n_unique() > 5


def test_rings_empty_tables_and_absent_parents_are_followed() -> None:
    day = [date(2020, 5, 1), date(2021, 5, 1), date(2022, 5, 1)]
    frames = {
        "a": pl.DataFrame({"id": [1, 2, 3], "b": [1, 2, 9], "day": day}),
        "b": pl.DataFrame({"id": [1, 2, 3], "a": [2, None, 1], "day": day}),
        "c": pl.DataFrame({"id": [1, 2, 3], "a": [7, 7, 8], "day": day}),
        "d": pl.DataFrame({"a": [], "day": []}, schema={"a": pl.Int64, "day": pl.Date}),
    }
    schema = sim.infer(frames)
    for table in schema.names:
        schema = schema.without_reference(table)
    for table in "abc":
        schema = schema.with_key("id", table=table)
    for child, column, parent in (("a", "b", "b"), ("b", "a", "a"), ("c", "a", "a"), ("d", "a", "a")):
        schema = schema.with_reference(child, column, parent)
    done = sim.mask(sim.read(frames, schema=schema), shift_dates=9, key=KEY)
    moved = (done.polars("c")["day"] - frames["c"]["day"]).dt.total_days()
    # rows of one absent parent move together
    assert moved[0] == moved[1] and done.polars("d").is_empty()
    alone = sim.mask(frames["c"].drop("a"), shift_dates=9, key=KEY).frame
    assert len(alone) == 3 and (alone["day"] - frames["c"]["day"]).dt.total_days().abs().max() <= 9


# --- people


def test_names_and_addresses_of_one_person_agree(data: sim.Dataset, masked: sim.Dataset) -> None:
    people = masked.polars("people")
    whole = people["last_name"] + ", " + people["first_name"]
    holder = masked.polars("accounts")["holder"]
    assert (holder.str.to_lowercase() == whole.str.to_lowercase()).all()
    folded = [
        people[name]
        .str.to_lowercase()
        .str.replace_all("ß", "ss")
        .str.normalize("NFKD")
        .str.replace_all("[^a-z]", "")
        for name in ("first_name", "last_name")
    ]
    local = people["mail"].str.extract(r"^([a-z]+\.[a-z]+)\d+@example\.(?:com|org|net)$")
    assert (local == folded[0] + "." + folded[1]).mean() > 0.99
    capitals = data.polars("people")["last_name"].str.to_uppercase() == data.polars("people")["last_name"]
    assert (
        people["last_name"].filter(capitals).str.to_uppercase() == people["last_name"].filter(capitals)
    ).all()
    assert people["mail"].n_unique() == PEOPLE
    # nobody keeps a name
    for name in ("first_name", "last_name"):
        assert not (people[name] == data.polars("people")[name]).any()


def test_fakes_are_from_where_the_values_are(masked: sim.Dataset) -> None:
    phones = masked.polars("people")["phone"]
    assert (
        phones.gather_every(2, 1).str.starts_with("+49 ").all()
        and phones.gather_every(2).str.starts_with("+41 00").all()
    )
    german = make_fakes("person.first", np.arange(5000, dtype=np.uint64), locale="de_DE").unique().implode()
    assert masked.polars("people")["first_name"].head(300).is_in(german).mean() > 0.6


def test_a_part_is_masked_like_the_whole(data: sim.Dataset, masked: sim.Dataset) -> None:
    part = sim.mask(sim.subset(data, where="people: country = 'DE'"), keys=True, key=KEY)
    whole = masked.polars("people").select("id", first="first_name", last="last_name")
    both = part.polars("people").join(whole, on="id", how="left")
    assert len(both) >= 300 and (both["first_name"] == both["first"]).mean() > 0.97


def test_names_in_sentences_do_not_stay(data: sim.Dataset, masked: sim.Dataset) -> None:
    names = set(data.polars("people")["first_name"])
    assert not {text.split()[0] for text in masked.polars("lines")["why"]} & names
    told = " ".join(masked.notes)
    assert "lines.why" in told and "made-up words" in told
    kept = sim.mask(data, texts="keep", key=KEY)
    assert kept.polars("lines")["why"].equals(data.polars("lines")["why"]) and "may name anybody" in " ".join(
        kept.notes
    )


# --- keys


def test_only_keys_that_name_rows_are_permuted(data: sim.Dataset, masked: sim.Dataset) -> None:
    assert masked.polars("lines")["line"].equals(data.polars("lines")["line"])
    assert not masked.polars("lines")["order"].equals(data.polars("lines")["order"])
    assert masked.polars("countries").equals(data.polars("countries"))
    assert masked.polars("people")["country"].equals(data.polars("people")["country"])
    named = sim.mask(data, keys=True, columns={"countries.code": "code"}, key=KEY)
    assert (
        set(named.polars("people")["country"]) <= set(named.polars("countries")["code"]) != {"DE", "US", "FR"}
    )


def test_years_in_keys_stay() -> None:
    frame = pl.DataFrame(
        {
            "no": [i // 3 + 7000 for i in range(300)],
            "year": [2000 + i % 3 for i in range(300)],
            "x": range(300),
        }
    )
    schema = sim.infer(frame).with_key("no", "year").with_column("no", kind="key", integer=True)
    done = sim.mask(frame, schema=schema, keys=True, key=KEY).frame
    assert done["year"].equals(frame["year"]) and not done["no"].equals(frame["no"])


# --- subsets


def test_where_names_the_table_and_reads_others(data: sim.Dataset) -> None:
    few = sim.subset(data, where="people: country = 'DE' and (select count(*) from orders) >= 4")
    same = sim.subset(data, where={"people": "country = 'DE' and (select count(*) from orders) >= 4"})
    assert few.digest == same.digest and 0 < len(few.polars("people")) < 300
    assert set(few.polars("people")["country"]) == {"DE"}
    assert "rows of 'people' were chosen" in few.notes[-1] and "of 'doctors'" in few.notes[-1]
    with pytest.raises(OptionError, match="Name one table"):
        sim.subset(data, table="orders", where="people: country = 'DE'")
    with pytest.raises(OptionError, match="Name one; its"):
        sim.subset(data, where={"people": "id = 1", "orders": "id = 1"})


def test_phones_keep_the_calling_code_of_any_country() -> None:
    phones = [
        f"{code} {i:02d} 234 {i:02d} 67" for code in ("+41", "0043", "+353", "+1") for i in range(10, 40)
    ]
    frame = pl.DataFrame({"phone": phones})
    made = sim.mask(frame, columns={"phone": "phone"}, key=KEY).frame["phone"]
    for old, new in zip(phones, made, strict=True):
        assert old.split()[0] == new.split()[0] and [s.isdigit() for s in old] == [s.isdigit() for s in new]
    assert made.n_unique() == len(phones) and not set(made) & set(phones)
