"""Nothing that could be a real person's: ranges kept for fiction, tests and documentation, and right check digits."""

from __future__ import annotations

import ipaddress

import polars as pl
import pytest
from field_cases import LOCALES, draw, number

from simulacra.fakes.validity import RULES, find_valid
from simulacra.fields._faker import LOCALES as ALL
from simulacra.fields._places import locale_of_country
from simulacra.fields.documents import NATIONAL
from simulacra.fields.finding import find_field

ROWS = 5_000
# Ofcom, ARCEP, Bundesnetzagentur, PTS, ACMA, ComReg; elsewhere areas that no subscriber has
PHONES = {
    "en_US": r"\([2-9]\d\d\) 555-01\d\d", "en_CA": r"\([2-9]\d\d\) 555-01\d\d",
    "en_GB": r"\+44 (1\d\d 496 0\d{3}|163 296 0\d{3}|191 498 0\d{3}|207 946 0\d{3}|289 649 6\d{3}|292 018 0\d{3}"
    r"|770 090 0\d{3})",
    "fr_FR": r"\+33 (1 99 00|2 61 91|3 53 01|4 65 71|5 36 49|6 39 98) \d\d \d\d",
    "de_DE": r"\+49 (302 3125|406 6969|699 0009|899 9998|221 4710)\d{3}",
    "sv_SE": r"\+46 (31 390 06|40 628 04|84 650 04) \d\d",
    "en_AU": r"\+61 [2378] (5550|7010) \d{4}", "en_IE": r"\+353 20 91\d \d{4}",
    "ja_JP": r"\+81 00 \d{3} \d{4}", "no_NO": r"\+47 00 \d{3} \d{4}", "zh_CN": r"\+86 00 \d{3} \d{4}",
}  # fmt: skip


@pytest.mark.parametrize("locale", PHONES)
def test_phones_reach_nobody(locale: str) -> None:
    # where the kept numbers run out, others follow that begin with an area 00
    for phones, more in (
        (draw("phone", ROWS, locale=locale), ""),
        (number("phone", range(2_000), locale=locale), r"|\+\d+ 00 .*"),
    ):
        wrong = phones.filter(~phones.str.contains(f"^(?:{PHONES[locale]}{more})$"))
        assert not len(wrong), wrong.head(5).to_list()


def test_phones_of_all_other_countries_have_an_area_that_nobody_has() -> None:
    kept = {"1", "44", "33", "49", "46", "61", "353"}
    elsewhere = {"34": "55", "39": "55", "31": "05", "55": "1", "48": "0", "420": "0", "91": "0"}
    for locale in ALL:
        phone = draw("phone", 20, locale=locale)
        if phone[0].startswith("("):
            continue
        code = phone[0][1:].partition(" ")[0]
        area = phone.str.extract(r"^\+\d+ (\d+)")
        assert code in kept or code in elsewhere or (area == "00").all(), (locale, phone[0])


def test_social_security_numbers_were_never_given_out() -> None:
    parts = draw("ssn", ROWS).str.extract_groups(r"^(\d{3})-(\d\d)-(\d{4})$").struct
    assert parts.field("1").cast(pl.Int64).is_between(900, 999).all()
    # tax numbers of persons have groups from 50 up
    assert (parts.field("2").cast(pl.Int64) < 50).all() and (parts.field("3") != "0000").all()
    assert draw("tax_id", ROWS).str.contains(r"^00-\d{7}$").all()


@pytest.mark.parametrize("locale", LOCALES)
def test_addresses_on_the_net_are_nobodys(locale: str) -> None:
    assert draw("email", ROWS, locale=locale).str.contains(r"@example\.(com|org|net)$").all()
    assert draw("company.email", ROWS, locale=locale).str.contains(r"@[a-z]+\.example$").all()
    names = draw("name", ROWS, locale=locale)
    assert (
        draw("email", ROWS, name=names, locale=locale)
        .str.contains(r"^[a-z]+\.[a-z]+@example\.(com|org|net)$")
        .all()
    )


def test_pages_and_machines_lead_nowhere() -> None:
    assert draw("url", ROWS).str.contains(r"^https://example\.com/").all()
    assert draw("host", ROWS).str.contains(r"\.example\.com$").all()
    nets = [
        ipaddress.ip_network(net)
        for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")
    ]
    assert all(any(ipaddress.ip_address(ip) in net for net in nets) for ip in draw("ip", 1_000))
    documented = ipaddress.ip_network("2001:db8::/32")
    assert all(ipaddress.ip_address(ip) in documented for ip in draw("ipv6", 1_000))
    assert all(ipaddress.ip_address(ip).is_private for ip in draw("ip.private", 1_000))
    # the second lowest bit of the first byte says locally administered, the lowest one that it is one machine
    assert all(int(mac[:2], 16) & 3 == 2 for mac in draw("mac", 1_000))


@pytest.mark.parametrize("provider", ["Visa", "Mastercard", "Discover", "American Express"])
def test_cards_begin_as_test_cards_do(provider: str) -> None:
    starts = {"Visa": "400000", "Mastercard": "555555", "Discover": "601100", "American Express": "378282"}
    for cards in (draw("card", ROWS, provider=provider), number("card", range(2_000), provider=provider)):
        assert cards.str.starts_with(starts[provider]).all() and find_valid("card", cards).all()
        assert (cards.str.len_chars() == (15 if provider == "American Express" else 16)).all()


def test_a_card_goes_with_its_provider() -> None:
    providers = draw("card.provider", ROWS)
    cards = draw("card", ROWS, provider=providers)
    first = {"Visa": "4", "Mastercard": "5", "Discover": "6", "American Express": "3"}
    assert all(card[0] == first[provider] for card, provider in zip(cards, providers))


@pytest.mark.parametrize("locale", [*LOCALES, "de_AT", "de_CH", "nl_BE", "pt_PT", "tr_TR", "en_IE"])
def test_accounts_are_of_a_bank_that_does_not_exist(locale: str) -> None:
    accounts = draw("iban", 2_000, locale=locale)
    assert find_valid("iban", accounts).all()
    # Italy has a check letter before its bank
    assert accounts.str.contains(r"^[A-Z]{2}\d\d(9999|ZZZZ|Z999)").all(), accounts[0]
    assert draw("bic", 200, locale=locale).str.contains(r"^[A-Z]{4}[A-Z]{2}[A-Z]0$").all()


@pytest.mark.parametrize("country", NATIONAL)
def test_national_numbers_have_right_check_digits(country: str) -> None:
    name = f"national_id.{country}"
    assert name in RULES
    assert find_valid(name, draw(name, 2_000)).all()
    own = locale_of_country({"gb": "GB"}.get(country, country))
    assert find_valid(name, draw("national_id", 2_000, locale=own)).all()


def test_goods_have_numbers_for_use_within_a_shop() -> None:
    numbers = draw("ean", 500)
    weights = [1, 3] * 6 + [1]
    assert all(sum(int(digit) * weight for digit, weight in zip(code, weights)) % 10 == 0 for code in numbers)
    assert numbers.str.starts_with("2").all() and find_field("ean").identifying is None
