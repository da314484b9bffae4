"""What columns identify: found by form, check digits, names and vocabulary, with few false alarms."""

from __future__ import annotations

import time

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.fakes.making import make_fakes
from simulacra.randomness import Streams
from simulacra.schema.identifiers import find_identifier
from simulacra.schema.types import Column

N = 400


def codes(n: int = N) -> np.ndarray:
    return Streams(5).stream("codes").integers(2**64, size=n, dtype=np.uint64)


def people(locale: str = "de_DE") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": range(N),
            "name": make_fakes("person.name", codes(), locale=locale),
            "contact": pl.Series([f"person{i}.{i * 7}@firm{i % 9}.de" for i in range(N)]),
            "mobile": 4915112340000 + np.arange(N) * 37,
            "tax": make_fakes("national_id.de", codes(), unique=True),
            "card": make_fakes("card", codes(), whole=True).cast(pl.Int64),
            "born": pl.date_range(pl.date(1960, 1, 1), pl.date(2000, 1, 1), "1d", eager=True).head(N),
            "spend": np.arange(N) % 97 + 0.5,
        }
    ).rename({"born": "date_of_birth"})


@pytest.mark.parametrize("name", ["Vorname", "first_name", "PRENOM", "jméno_křestní_first_name", "imię"])
def test_first_names_are_told_in_several_languages(name: str) -> None:
    found = find_identifier(make_fakes("person.first", codes(), locale="fr_FR"), name)
    assert found is not None and (found.kind, found.locale) == ("person.first", "fr_FR")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (["Vienna", "Paris", "Florence", "Austin", "Charlotte"] * 40, "city"),
        (
            [f"{a} {b}" for a in ("Oak", "Pine", "Elm") for b in ("Chair", "Table", "Lamp", "Shelf")],
            "product_name",
        ),
        (["American Airlines Inc.", "Endeavor Air Inc.", "Delta Air Lines Inc."], "name"),
        ([f"{w} Municipal Airport" for w in ("Jackson", "Charlotte", "Madison", "Austin", "Logan")], "name"),
        (["United States", "New Zealand", "Costa Rica", "South Africa"], "country"),
        (["AA", "DL", "UA", "B6"], "carrier"),
        ([f"N{i}AA" for i in range(300)], "tailnum"),
        (list(range(10_000_000, 10_000_400)), "account_to"),
        ([701_213, 450_204, 406_009] * 50, "birth_number"),
        (["2024.1.2.3", "2024.1.2.4", "2024.1.3.1"], "version"),
        ([str(4_000_000_000_000_000 + i) for i in range(300)], "order"),
        ([f"{i:011d}" for i in range(10**9, 10**9 + 300)], "serial"),
        ([202_401_010_000 + i for i in range(300)], "stamp"),
        ([f"SKU-{i:06d}" for i in range(300)], "sku"),
    ],
)
def test_what_names_no_person_is_left_alone(values: list[object], name: str) -> None:
    assert find_identifier(pl.Series(values), name) is None


def test_inference_marks_columns_and_gives_reasons() -> None:
    schema = sim.infer(people())
    table = schema.table()
    found = {c.name: (c.identifying, c.kind) for c in table.columns if c.identifying}
    assert found == {
        "name": ("person.name", "text"), "contact": ("email", "text"), "mobile": ("phone", "text"),
        "tax": ("national_id.de", "text"), "card": ("card", "text"),
    }  # fmt: skip
    assert {c.locale for c in table.columns if c.identifying} == {"de_DE"}
    assert table["card"].integer and table.key == ("customer_id",)
    reasons = schema.reasons[table.name]
    assert "check digits" in reasons["tax"] and "single people out" in reasons["date_of_birth"]


def test_no_value_that_identifies_comes_out_and_types_stay() -> None:
    frame = people()
    model = sim.fit(frame, "independent", seed=1)
    drawn = model.sample(2_000, seed=1).frame
    assert drawn.schema == frame.schema
    for name in ("contact", "mobile", "tax", "card"):
        assert not drawn[name].is_in(frame[name].implode()).any(), name
        assert drawn[name].n_unique() == 2_000, name
    assert drawn["contact"].str.contains(r"^[a-z.\d_]+@example\.(com|org|net)$").all()
    # names meet by chance alone: 400 of about 480,000 pairs are real
    assert drawn["name"].is_in(frame["name"].implode()).mean() < 0.01


def test_no_value_that_identifies_is_in_the_model(tmp_path) -> None:
    frame = people()
    path = tmp_path / "people.sim"
    sim.fit(frame, "independent", seed=1).save(path)
    import zipfile

    with zipfile.ZipFile(path) as archive:
        held = b"".join(archive.read(member) for member in archive.namelist())
    for name in ("contact", "mobile", "tax", "card", "name"):
        assert not any(str(value).encode() in held for value in frame[name].to_list()), name


def test_identifying_keys_are_fakes_that_never_repeat() -> None:
    frame = people().select(mail="contact", spend="spend")
    schema = sim.infer(frame).with_column("mail", kind="key", identifying="email").with_key("mail")
    drawn = sim.fit(frame, "independent", schema=schema, seed=1).sample(3_000, seed=1).frame
    assert drawn["mail"].n_unique() == 3_000 and drawn["mail"].str.contains("@example").all()


def test_a_locale_is_checked() -> None:
    assert Column("a", "text", identifying="email", locale="de_DE").locale == "de_DE"
    with pytest.raises(sim.errors.SchemaError, match="is no locale"):
        Column("a", "text", identifying="email", locale="German")
    with pytest.raises(sim.errors.SchemaError, match="only an identifying column"):
        Column("a", "text", locale="de_DE")


def test_finding_is_quick() -> None:
    rows = 100_000
    given = codes(rows)
    frame = pl.DataFrame(
        {
            "full_name": make_fakes("person.name", given),
            "mail": make_fakes("email", given),
            "ssn": make_fakes("ssn", given),
            "street": make_fakes("address", given),
            "number": given >> np.uint64(20),
        }
    )
    find_identifier(frame["full_name"].head(10), "full_name")
    started = time.process_time()
    found = [find_identifier(values, values.name) for values in frame]
    assert time.process_time() - started < 1
    assert [f.kind if f else None for f in found] == ["person.name", "email", "ssn", "address", None]
