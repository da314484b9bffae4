"""Fakes: functions of codes, right by their own rules, different where they must be, and quick."""

from __future__ import annotations

import time

import numpy as np
import polars as pl
import pytest

from simulacra.errors import OptionError, UnknownName
from simulacra.fakes.making import KINDS, find_styles, make_fakes, maker, number_fakes
from simulacra.fakes.validity import RULES, find_valid
from simulacra.fakes.vocabulary import LOCALES, resolve_locale
from simulacra.randomness import Streams
from simulacra.schema.identifiers import find_identifier
from simulacra.schema.types import IDENTIFYING

NAMED = {
    "person.first": "first_name", "person.last": "last_name", "person.name": "full_name", "address": "address",
    "address.city": "city", "address.postcode": "zip", "username": "login", "passport": "passport", "plate": "plate",
    "licence": "driver_license", "phone": "phone", "bic": "bic", "national_id.nl": "bsn",
}  # fmt: skip
each_kind = pytest.mark.parametrize("kind", KINDS)


def codes(n: int, seed: int = 0) -> np.ndarray:
    return Streams(seed).stream("codes").integers(2**64, size=n, dtype=np.uint64)


def test_every_identifying_kind_has_fakes() -> None:
    assert set(KINDS) == set(IDENTIFYING)
    with pytest.raises(UnknownName, match="did you mean 'email'"):
        make_fakes("emial", codes(1))


@each_kind
def test_a_fake_is_a_function_of_its_code_alone(kind: str) -> None:
    given = codes(500)
    made = make_fakes(kind, given, locale="de_DE")
    order = Streams(1).stream("order").permutation(500)
    assert make_fakes(kind, given[order], locale="de_DE").equals(made.gather(order))
    assert make_fakes(kind, given[:7], locale="de_DE").equals(made.head(7))
    assert made.null_count() == 0 and made.n_unique() > 100


@each_kind
def test_numbers_of_a_room_are_all_different(kind: str) -> None:
    for locale in LOCALES:
        made_by = maker(kind, locale)
        for room in made_by.room(made_by.default):
            numbers = np.unique(codes(2_000) % np.uint64(room))
            assert made_by.write(numbers, made_by.default).n_unique() == len(numbers), (locale, room)


@each_kind
def test_different_codes_give_different_fakes_where_asked(kind: str) -> None:
    given = codes(5_000)
    twice = np.concatenate([given, given[:100]])
    made = make_fakes(kind, twice, locale="pt_BR", unique=True)
    assert made.n_unique() == 5_000
    assert made.tail(100).equals(made.head(100))


def test_too_many_different_fakes_are_refused() -> None:
    with pytest.raises(OptionError, match="there are not 1,001 different"):
        make_fakes("address.postcode", codes(1_001), style="###", unique=True)


@pytest.mark.parametrize("kind", RULES)
def test_check_digits_are_right(kind: str) -> None:
    for locale in LOCALES:
        assert find_valid(kind, make_fakes(kind, codes(2_000), locale=locale)).all(), locale


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("card", "378282246310005", "378282246310006"),
        ("iban", "FR14 2004 1010 0505 0001 3M02 606", "FR14 2004 1010 0505 0001 3M02 607"),
        ("national_id.fr", "255081416802538", "255081416802539"),
        ("national_id.de", "36574261809", "36574261808"),
        ("national_id.es", "X1234567L", "X1234567M"),
        ("national_id.it", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
        ("national_id.br", "111.444.777-35", "111.111.111-11"),
        ("national_id.cn", "11010519491231002X", "110105194912310021"),
        ("national_id.in", "2341 2341 2346", "2341 2341 2347"),
        ("national_id.cz", "736028/5163", "736028/5164"),
        ("national_id.pl", "44051401359", "44051401358"),
        ("national_id.nl", "111222333", "111222334"),
        ("national_id.se", "811218-9876", "811218-9877"),
    ],
)
def test_published_numbers_are_told_from_wrong_ones(kind: str, good: str, bad: str) -> None:
    assert find_valid(kind, pl.Series([good, bad])).to_list() == [True, False]


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("email", r"@example\.(com|org|net)$"),
        ("url", r"^https://example\.com/"),
        ("ssn", r"^9\d\d-[0-4]\d-\d{4}$"),
        ("phone", r"^\(\d{3}\) 555-01\d\d$"),
        ("ip", r"^(192\.0\.2|198\.51\.100|203\.0\.113|198\.1[89]\.\d+)\.\d+$"),
        ("national_id.de", "^0"),
        ("national_id.gb", "^Q"),
        ("national_id.in", "^1"),
        ("national_id.cn", "^99"),
        ("national_id.se", r"-9[89]\d{2}$"),
        ("card", "^400000"),
        ("iban", r"^GB\d\dZZZZ"),
        ("mac", "^02:"),
    ],
)
def test_fakes_are_of_ranges_that_nobody_has(kind: str, pattern: str) -> None:
    assert make_fakes(kind, codes(3_000)).str.contains(pattern).all()


@pytest.mark.parametrize(
    ("kind", "locale", "text"),
    [
        ("person.name", "en_US", "Dr. Ann K. Lee"),
        ("person.name", "es_ES", "García López, Ana"),
        ("person.name", "en_GB", "ANN LEE"),
        ("email", "en_US", "ann_lee@firm.com"),
        ("phone", "de_DE", "+49 30 1234567"),
        ("phone", "en_US", "212-555-1234"),
        ("card", "en_US", "5105 1051 0510 5100"),
        ("iban", "fr_FR", "FR14 2004 1010 0505 0001 3M02 606"),
        ("national_id.br", "pt_BR", "11144477735"),
        ("ip", "en_US", "2001:4860:4860::8888"),
        ("ip", "en_US", "10.1.2.3"),
        ("mac", "en_US", "AA-BB-CC-00-11-22"),
        ("url", "en_US", "http://www.firm.com/a/b.html"),
        ("plate", "de_DE", "KA-XY 123"),
        ("address", "it_IT", "Via Roma 12"),
    ],
)
def test_fakes_keep_the_style_and_nothing_else(kind: str, locale: str, text: str) -> None:
    style = find_styles(kind, pl.Series([text]), locale=locale)
    assert style[0] is not None
    made = make_fakes(kind, codes(200), locale=locale, style=style[0])
    again = find_styles(kind, made, locale=locale)
    assert (again == style[0]).mean() >= 0.8, (style[0], made[:3].to_list(), again[:3].to_list())
    assert text not in made.to_list()


def test_a_style_for_every_code() -> None:
    styles = pl.Series(["{last}, {first}", None, "upper|{first} {last}"])
    made = make_fakes("person.name", codes(3), style=styles)
    assert ", " in made[0] and made[2].isupper() and ", " not in made[1]


@each_kind
def test_fakes_look_like_what_they_stand_for(kind: str) -> None:
    for locale in ("en_US", "de_DE", "fr_FR", "pl_PL"):
        made = make_fakes(kind, codes(400), locale=locale, unique=kind != "address.city")
        found = find_identifier(made, NAMED.get(kind, "column"), rows=made.n_unique())
        assert found is not None and found.kind == kind, (locale, made[:3].to_list(), found)


def test_whole_numbers_have_no_leading_zeros() -> None:
    made = make_fakes("national_id.de", codes(100), whole=True)
    assert made.cast(pl.Int64).cast(pl.String).equals(made)


def test_places_in_a_sample_never_share_a_fake_whatever_the_blocks() -> None:
    def numbered(places: np.ndarray, seed: int = 1) -> pl.Series:
        return number_fakes("person.name", places, locale="pt_BR", rng=Streams(seed).stream("names"))

    places = np.arange(150_000)
    made = numbered(places)
    assert made.n_unique() == 150_000
    assert numbered(places[70_000:70_010]).equals(made[70_000:70_010])
    assert not numbered(places[:10], seed=2).equals(made[:10])


def test_locales_fall_back_to_the_nearest() -> None:
    assert [resolve_locale(x) for x in ("de_AT", "en_NZ", "fr", "xx_CZ", None)] == [
        "de_DE", "en_US", "fr_FR", "cs_CZ", "en_US",
    ]  # fmt: skip


def test_fakes_are_quick() -> None:
    given = codes(200_000)
    make_fakes("person.name", given[:10])
    started = time.process_time()
    make_fakes("person.name", given)
    assert 200_000 / (time.process_time() - started) > 500_000
