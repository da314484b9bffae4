"""Fields numbered without repeats: any rows, in any order."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from field_cases import draw, number, stream

from simulacra.errors import OptionError
from simulacra.fields.finding import find_field, list_fields

NUMBERED = [field.name for field in list_fields() if field.room({"locale": "en_US"})]
MANY = 20_000


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.parametrize("locale", ["en_US", "de_DE", "ja_JP", "zh_CN", "cs_CZ"])
def test_numbered_values_are_all_different(name: str, locale: str) -> None:
    if name == "national_id" and locale == "ja_JP":
        return
    room = find_field(name).room({"locale": locale})
    if room is None:
        return
    rows = min(room, MANY)
    values = number(name, range(rows), locale=locale)
    assert values.n_unique() == rows and values.null_count() == 0
    if room <= MANY:
        with pytest.raises(OptionError, match=f"has {room:,} different values, and more are asked for"):
            number(name, [room], locale=locale)


@pytest.mark.parametrize("name", NUMBERED)
def test_any_rows_are_numbered_in_any_order(name: str) -> None:
    rows = min(find_field(name).room(), 3_000)
    whole = number(name, range(rows))
    order = stream("order").permutation(rows)
    assert number(name, order).equals(whole.gather(order))
    assert number(name, range(rows // 2, rows)).equals(whole.slice(rows // 2))
    if rows > 100:
        assert not number(name, range(rows), seed=2).equals(whole)


@pytest.mark.parametrize("name", ["person.name", "email", "username", "uuid", "ssn", "iban", "phone"])
def test_far_rows_differ_too(name: str) -> None:
    room = find_field(name).room()
    far = np.unique(np.linspace(0, min(room, 2**40) - 1, 50_000).astype(np.int64))
    assert number(name, far).n_unique() == len(far)


@pytest.mark.parametrize("name", ["email", "username"])
def test_addresses_of_equal_names_differ(name: str) -> None:
    same = pl.Series(["Ann Lee"] * 5_000)
    values = number(name, range(5_000), name=same)
    assert values.n_unique() == 5_000 and values.str.contains(r"^(ann\.|a)lee").all()


def test_addresses_of_several_countries_differ() -> None:
    countries = pl.Series(["DE", "US", "JP"] * 2_000)
    values = number("email", range(6_000), country=countries)
    assert values.n_unique() == 6_000
    part = number("email", range(3_000, 6_000), country=countries.slice(3_000))
    assert part.equals(values.slice(3_000))


def test_addresses_of_given_names_are_written_as_their_country_does() -> None:
    countries = pl.Series(["DE", "FR"] * 3)
    given = {"first": pl.Series(["Jürgen"] * 6), "last": pl.Series(["Weiß"] * 6)}
    told = number("email", range(6), country=countries, **given)
    assert told[:2].to_list() == ["juergen.weiss.1@example.com", "jurgen.weiss.2@example.com"]
    whole = number("email", range(6), country=countries, name=pl.Series(["Jürgen Weiß"] * 6))
    assert whole.equals(told)


def test_what_can_not_be_numbered_says_so() -> None:
    with pytest.raises(OptionError, match=r"'text.sentence' can not be unique"):
        number("text.sentence", range(3))
    with pytest.raises(OptionError, match=r"'address.city' can not be unique where its locale changes"):
        number("city", range(2), country=pl.Series(["DE", "US"]))
    assert find_field("city").room({"country": pl.Series(["DE", "US"])}) is None
    assert find_field("text.sentence").room() is None


def test_a_whole_vocabulary_can_be_dealt_out() -> None:
    towns = find_field("city").levels({"locale": "de_DE"})
    assert sorted(number("city", range(len(towns)), locale="de_DE")) == sorted(towns)
    assert len(draw("city", 10, locale="de_DE")) == 10
