"""Faker read as grammars: they give what Faker gives; its other methods are harvested, and do not hang on the clock."""

from __future__ import annotations

import datetime as real
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import faker.providers.date_time as clock
import polars as pl
import pytest
from field_cases import LOCALES, draw, number

from simulacra.errors import OptionError, UnknownName
from simulacra.fields import _faker
from simulacra.fields._grammar import Join, Node, Pick
from simulacra.fields._words import Words
from simulacra.fields.finding import find_field, list_fields
from simulacra.fields.harvested import list_offered

METHODS = (
    "name_female", "name_male", "first_name_female", "last_name_male", "city", "street_name", "street_address",
    "address", "postcode", "company", "job", "country", "color_name", "license_plate", "building_number",
)  # fmt: skip


def ends(node: Node | str, text: str, starts: set[int]) -> set[int]:
    """Where a grammar can end in a text that it may begin to read at some places."""
    if isinstance(node, str):
        return {start + len(node) for start in starts if text.startswith(node, start)}
    if isinstance(node, Words) and not node.whole:
        # a harvest holds what Faker gave by chance, a grammar all that it can give
        return set(range(min(starts), len(text) + 1)) if starts else set()
    if isinstance(node, Words):
        words, lengths = entries(node)
        return {start + size for start in starts for size in lengths if text[start : start + size] in words
                and start + size <= len(text)}  # fmt: skip
    if isinstance(node, Pick):
        return set().union(*(ends(way, text, starts) for way in node.ways))
    assert isinstance(node, Join)
    for part in node.parts:
        starts = ends(part, text, starts)
    return starts


@cache
def entries(node: Words) -> tuple[frozenset[str], tuple[int, ...]]:
    return frozenset(node.texts), tuple({len(text) for text in node.texts})


@pytest.mark.parametrize("locale", [*LOCALES, "tr_TR", "hi_IN", "ko_KR", "fi_FI"])
def test_a_grammar_gives_what_faker_gives(locale: str) -> None:
    read = 0
    for method in METHODS:
        node = _faker.grammar(locale, method)
        if isinstance(node, Words) and not node.whole:
            continue
        read += 1
        for value in _faker.gather(locale, method, 200):
            assert len(value) in ends(node, value, {0}), (method, value)
    assert read >= 9


def test_a_grammar_gives_nothing_that_faker_does_not() -> None:
    node = _faker.grammar("de_DE", "first_name_female")
    assert isinstance(node, Words)
    assert set(node.texts) == set(_faker.provider_of("de_DE", "first_name_female").first_names_female)


@pytest.mark.parametrize("locale", _faker.LOCALES)
def test_every_locale_of_faker_works(locale: str) -> None:
    for name in (
        "person.name",
        "email",
        "phone",
        "address",
        "address.city",
        "company",
        "job",
        "iban",
        "plate",
    ):
        values = draw(name, 50, locale=locale).cast(pl.String)
        assert values.null_count() == 0 and (values.str.len_chars() > 0).all(), name
    assert draw("email", 50, locale=locale).str.contains(r"^[a-z]+\.[a-z]+@example\.(com|org|net)$").all()


class Later(real.datetime):
    """A clock that is years ahead."""

    @classmethod
    def now(cls, tz: real.tzinfo | None = None) -> real.datetime:
        return real.datetime.now(tz) + real.timedelta(days=2_000)


class LaterDay(real.date):
    """A calendar that is years ahead."""

    @classmethod
    def today(cls) -> real.date:
        return real.date.today() + real.timedelta(days=2_000)


@pytest.mark.parametrize("locale", ["en_US", "de_DE", "ja_JP"])
def test_no_method_that_is_offered_hangs_on_the_clock(locale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = list_offered(locale)
    before = {method: _faker.gather(locale, method, 30) for method in offered}
    monkeypatch.setattr(clock, "datetime", Later)
    monkeypatch.setattr(clock, "dtdate", LaterDay, raising=False)
    monkeypatch.setattr(clock, "real_date", LaterDay, raising=False)
    assert _faker.gather(locale, "date_time", 5) != before.get("date_time")
    changed = [method for method in offered if _faker.gather(locale, method, 30) != before[method]]
    assert len(offered) > 60 and not changed


def test_any_other_method_of_faker_is_a_field() -> None:
    assert draw("faker.century", 50).cast(pl.String).str.contains("^[IVX]+$").all()
    assert draw("faker.boolean", 50).dtype == pl.Boolean and find_field("faker.boolean").kind == "boolean"
    assert draw("faker.port_number", 50).dtype == pl.Int64 and find_field("faker.port_number").integer
    assert draw("faker.bank", 50, locale="ru_RU").n_unique() > 10
    assert number("faker.cryptocurrency_code", range(30)).n_unique() == 30
    assert draw("faker.century", 50).equals(draw("faker.century", 50))
    assert "faker.century" in [field.name for field in list_fields("en_US")]


@pytest.mark.parametrize(
    ("method", "instead"),
    [("itin", "ssn"), ("msisdn", "phone"), ("free_email", "email"), ("bban", "iban"), ("date_this_year", "date"),
     ("simple_profile", "person.name"), ("credit_card_full", "card"), ("firefox", "user_agent"), ("binary", "uuid")],
)  # fmt: skip
def test_what_could_be_a_real_persons_is_refused(method: str, instead: str) -> None:
    with pytest.raises(OptionError, match=f"field 'faker.{method}' is not offered.*Use '{instead}'"):
        find_field(f"faker.{method}")


def test_methods_that_have_a_field_of_their_own_lead_there() -> None:
    assert find_field("faker.ssn").name == "ssn" and find_field("faker.email").name == "email"
    assert (
        find_field("faker.phone_number").name == "phone" and find_field("faker.city").name == "address.city"
    )
    with pytest.raises(UnknownName, match=r"no field named 'faker.centurie'; did you mean 'faker.century'"):
        find_field("faker.centurie")
    with pytest.raises(OptionError, match=r"'faker.bank' is not there in locale 'de_DE'"):
        draw("faker.bank", 5, locale="de_DE")


def test_a_method_that_does_not_follow_its_seed_is_no_field() -> None:
    with pytest.raises(OptionError, match="does not follow its seed"):
        _faker.harvest("uk_UA", "diplomatic_license_plate")
    assert "diplomatic_license_plate" not in list_offered("uk_UA")
    assert draw("plate", 50, locale="uk_UA").str.contains(r"^[A-Z]{2} \d{4} [A-Z]{2}$").all()


def test_the_order_of_hashing_decides_nothing() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from field_cases import LOCALES, draw; import hashlib; "
        "print(hashlib.sha256(repr([draw(name, 20, locale=locale).to_list() for locale in LOCALES for name in "
        "('person.name', 'email', 'address', 'company', 'job', 'plate', 'text.word', 'mime')]).encode()).hexdigest())"
    )
    folder = str(Path(__file__).parent)
    told = {
        subprocess.run(
            [sys.executable, "-c", code, folder], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1
