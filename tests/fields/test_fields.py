"""Every field in many locales: what it gives, and that the stream alone decides it."""

from __future__ import annotations

import pickle
import re

import polars as pl
import pytest
from field_cases import LOCALES, draw

from simulacra.errors import OptionError, UnknownName
from simulacra.fields.finding import ALIASES, find_field, list_fields, show_example
from simulacra.fields.listing import describe_fields
from simulacra.schema.types import IDENTIFYING, KINDS

NAMES = [field.name for field in list_fields()]
FORMS = {
    "email": r"[a-z]+\.[a-z]+@example\.(com|org|net)", "username": r"[a-z]{2,}\d\d", "uuid":
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "mac": r"([0-9a-f]{2}:){5}[0-9a-f]{2}", "ssn": r"\d{3}-\d\d-\d{4}", "card.code": r"\d{3}",
    "card.expiry": r"(0[1-9]|1[0-2])/(2[7-9]|3[0-2])", "colour.hex": r"#[0-9a-f]{6}", "isbn": r"978\d{10}",
    "ean": r"2\d{12}", "currency": r"[A-Z]{3}", "address.country_code": r"[A-Z]{2}", "bic": r"[A-Z]{6}[A-Z]0",
    "iban": r"[A-Z]{2}\d\d[A-Z0-9]{11,30}", "url": r"https://example\.com/[a-z]+", "domain": r"[a-z]+\.example",
    "company.email": r"[a-z]+@[a-z]+\.example", "password": r"\w{12}", "address.house": r"\d{1,3}",
    "file.name": r"\w+_\w+\.\w+", "mime": r"\w+/[\w.+-]+", "ip": r"(\d{1,3}\.){3}\d{1,3}", "http.status": r"[2-5]\d\d",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_field_gives_values_in_every_locale(name: str) -> None:
    field = find_field(name)
    for locale in LOCALES:
        if name == "national_id" and locale in {"ja_JP", "ru_RU"}:
            with pytest.raises(OptionError, match="no national numbers"):
                draw(name, locale=locale)
            continue
        values = draw(name, 500, locale=locale)
        assert len(values) == 500 and values.null_count() == 0, locale
        texts = values.cast(pl.String)
        assert texts.str.strip_chars().str.len_chars().min() > 0, locale
        assert texts.equals(draw(name, 500, locale=locale).cast(pl.String)), "the stream decides"
        if texts.n_unique() > 2:
            assert not texts.equals(draw(name, 500, seed=2, locale=locale).cast(pl.String))
        if name in FORMS:
            wrong = texts.filter(~texts.str.contains(f"^(?:{FORMS[name]})$"))
            assert not len(wrong), (locale, wrong.head(3).to_list())
        levels = field.levels({"locale": locale})
        if levels is not None:
            assert set(texts.unique()) <= set(levels)
        assert not len(draw(name, 0, locale=locale)), "no rows are no values"


@pytest.mark.parametrize("name", [*NAMES, "faker.century"])
def test_a_field_goes_to_another_process(name: str) -> None:
    assert pickle.loads(pickle.dumps(find_field(name))) is find_field(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_field_says_what_column_it_makes(name: str) -> None:
    field = find_field(name)
    assert field.kind in KINDS and field.summary
    assert field.identifying is None or field.identifying in IDENTIFYING
    kinds = {
        "number": (pl.Int64, pl.Float64),
        "date": (pl.Date,),
        "datetime": (pl.Datetime("us"),),
        "time": (pl.Time,),
    }
    values = draw(name, 10)
    if field.kind in kinds:
        assert values.dtype in kinds[field.kind]
        assert (values.dtype == pl.Int64) == field.integer or field.kind != "number"
    else:
        assert values.dtype in (pl.String, pl.Enum)


def test_every_kind_that_columns_can_identify_has_a_field() -> None:
    assert set(IDENTIFYING) <= set(NAMES)
    assert set(IDENTIFYING) <= {field.identifying for field in list_fields()}


@pytest.mark.parametrize(("typed", "name"), sorted(ALIASES.items()))
def test_other_names_lead_to_fields(typed: str, name: str) -> None:
    assert typed not in NAMES and find_field(typed).name == name
    assert find_field(typed.upper().replace("_", " ")).name == name


@pytest.mark.parametrize(
    "typed", ["name", "street", "city", "state", "zip", "phone", "date", "time", "year", "ssn", "company", "job_title",
              "email", "license_plate"],
)  # fmt: skip
def test_what_pydbgen_offers_is_there(typed: str) -> None:
    assert draw(typed, 3).n_unique() >= 2


def test_an_unknown_name_says_the_nearest() -> None:
    with pytest.raises(
        UnknownName, match=re.escape("no field named 'person.nam'; did you mean 'person.name'?")
    ):
        find_field("person.nam")
    with pytest.raises(UnknownName, match="no locale named 'de_XX'; did you mean 'de_"):
        draw("city", locale="de_XX")
    with pytest.raises(UnknownName, match="no country named 'Germani'; did you mean 'Germany'"):
        draw("city", country="Germani")


def test_a_locale_is_read_as_people_write_it() -> None:
    assert draw("city", locale="DE-de").equals(draw("city", locale="de_DE"))
    assert draw("city", country="Germany").equals(draw("city", locale="de_DE"))
    assert draw("city", country="DEU").equals(draw("city", country="de"))


def test_rows_of_several_countries_are_drawn_country_by_country() -> None:
    countries = pl.Series(["Germany", "Japan", None, "FR"] * 50)
    towns = draw("city", 200, country=countries)
    known = [
        set(find_field("city").levels({"locale": locale})) for locale in ("de_DE", "ja_JP", "en_US", "fr_FR")
    ]
    assert all(town in known[row % 4] for row, town in enumerate(towns))


def test_a_country_without_a_locale_needs_one_beside_it() -> None:
    countries = pl.Series(["Peru", "Spain"] * 20)
    with pytest.raises(OptionError, match=r"no locale of the country 'Peru'\. Give a locale too"):
        draw("city", 40, country=countries)
    assert draw("city", 40, country=countries, locale="es_MX").null_count() == 0


def test_a_town_a_state_and_a_postcode_of_a_row_agree_in_the_united_states() -> None:
    towns = draw("city", 2_000)
    states = draw("state_code", 2_000, city=towns)
    names = draw("state", 2_000, city=towns)
    codes = draw("zip", 2_000, state=names)
    of_town = pl.DataFrame({"t": towns.cast(pl.String), "s": states.cast(pl.String)})
    assert of_town.n_unique() == towns.n_unique()
    assert dict(zip(towns, states))["Seattle"] == "WA"
    washington = codes.filter(states.cast(pl.String) == "WA").cast(pl.Int64)
    assert len(washington) and washington.is_between(98_001, 99_403).all()
    back = draw("city", 2_000, state=names)
    assert draw("state_code", 2_000, city=back).cast(pl.String).equals(states.cast(pl.String))
    lines = draw("address", 2_000, city=towns)
    expected = pl.select(
        pl.lit(", ") + towns.cast(pl.String) + ", " + states.cast(pl.String) + " "
    ).to_series()
    assert all(part in line for line, part in zip(lines, expected))


def test_a_street_of_a_row_stands_in_its_address() -> None:
    streets = draw("street", 100, locale="fr_FR")
    lines = draw("address", 100, locale="fr_FR", street=streets, city="Lyon")
    assert all(
        re.fullmatch(rf"{re.escape(street)}, \d{{5}} Lyon", line) for street, line in zip(streets, lines)
    )


def test_dates_do_not_hang_on_today() -> None:
    born = draw("birthdate", 5_000)
    assert str(born.min())[:4] == "1940" and str(born.max())[:4] == "2007"
    assert draw("year", 5_000).is_between(1950, 2025).all()


def test_the_description_of_fields_holds_an_example_of_each() -> None:
    rows = describe_fields(locale="de_DE")
    assert [row["name"] for row in rows] == NAMES and all(row["example"] for row in rows)
    assert [row["name"] for row in describe_fields(["zip"])] == ["address.postcode"]
    with pytest.raises(UnknownName, match="no field named 'nonsense'"):
        describe_fields(["nonsense"])
    assert show_example(find_field("ssn")) == show_example(find_field("ssn"))


def test_sentences_are_of_the_language() -> None:
    assert draw("text.sentence", 50, locale="en_US").str.contains(r"^[A-Z]\S*( \S+){3,9}\.$").all()
    assert draw("text.sentence", 50, locale="ja_JP").str.contains(r"^\S+。$").all()
    counts = draw("text.paragraph", 300, locale="de_DE").str.count_matches(r"\.")
    assert counts.is_between(3, 6).all() and set(counts) == {3, 4, 5, 6}


def test_coordinates_lie_in_the_country() -> None:
    for country, low, high in (("Italy", 35, 48), ("Japan", 30, 46)):
        assert draw("latitude", country=country).is_between(low, high).all()
    anywhere = draw("longitude", 5_000, locale="ar_AA")
    assert anywhere.min() < -150 and anywhere.max() > 150
