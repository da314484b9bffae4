"""Names by locale, sex and weight; e-mail addresses made of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from field_cases import LOCALES, draw, number, stream
from scipy import stats

from simulacra.errors import OptionError
from simulacra.fields._naming import naming
from simulacra.fields._splitting import SplitParts, fold_column
from simulacra.fields._words import make_words
from simulacra.fields.finding import find_field

ROWS = 20_000


def test_weights_are_respected() -> None:
    weights = np.arange(1, 301) ** 2.0
    words = make_words([str(number) for number in range(300)], weights.tolist())
    counts = np.bincount(words.draw(1_000_000, stream()), minlength=300)
    # the chance of a false alarm is one in a million
    assert stats.chisquare(counts, weights / weights.sum() * 1_000_000).pvalue > 1e-6
    even = make_words([str(number) for number in range(300)])
    assert stats.chisquare(np.bincount(even.draw(1_000_000, stream()), minlength=300)).pvalue > 1e-6


@pytest.mark.parametrize("locale", ["en_US", "sv_SE"])
def test_common_names_are_common_as_faker_says(locale: str) -> None:
    own = naming(locale).lasts[0]
    assert own.weights is not None
    counts = dict(draw("last", 200_000, locale=locale).value_counts().iter_rows())
    shares = np.array(own.weights) / sum(own.weights)
    found = np.array([counts.get(text, 0) for text in own.texts])
    assert stats.chisquare(found, shares * 200_000).pvalue > 1e-6


@pytest.mark.parametrize("locale", LOCALES)
def test_first_names_go_by_sex(locale: str) -> None:
    sexes = pl.Series(["F", "male"] * (ROWS // 2))
    female, male = (set(words.texts) for words in naming(locale).firsts)
    names = draw("first", ROWS, locale=locale, sex=sexes)
    assert set(names.gather_every(2)) <= female and set(names.gather_every(2, 1)) <= male
    assert set(draw("first", 500, locale=locale, sex="woman")) <= female
    drawn = find_field("name").draw(ROWS, stream(), {"locale": locale, "sex": sexes})
    assert set(drawn.parts.text("first").gather_every(2)) <= female
    if "last" in locale:
        assert drawn.parts is not None


@pytest.mark.parametrize("locale", ["cs_CZ", "ru_RU", "sk_SK"])
def test_last_names_go_by_sex_where_the_language_does(locale: str) -> None:
    her, his = (draw("last", ROWS, locale=locale, sex=sex) for sex in ("female", "male"))
    both = len(set(her) & set(his)) / len(set(her) | set(his))
    assert both < 0.2
    names = number("name", range(500), locale=locale)
    female, male = naming(locale).lasts
    firsts = [set(words.texts) for words in naming(locale).firsts]
    for name in names:
        words = name.split(" ")
        first, last = (words[1], words[0]) if naming(locale).family_first else (words[0], words[1])
        assert (first in firsts[0] and last in female.texts) or (first in firsts[1] and last in male.texts)


def test_women_and_men_are_drawn_evenly() -> None:
    female = set(naming("de_DE").firsts[0].texts) - set(naming("de_DE").firsts[1].texts)
    share = draw("first", ROWS, locale="de_DE").is_in(list(female)).mean()
    # 5 standard errors
    assert share == pytest.approx(0.5, abs=5 * 0.5 / ROWS**0.5 + 0.01)


@pytest.mark.parametrize("locale", LOCALES)
def test_names_have_no_titles_and_are_in_the_order_of_the_country(locale: str) -> None:
    drawn = find_field("name").draw(2_000, stream(), {"locale": locale})
    first, last = drawn.parts.text("first"), drawn.parts.text("last")
    family_first = locale in {"ja_JP", "zh_CN"}
    for name, one, two in zip(drawn.values, first, last):
        if locale == "ru_RU":
            assert one in name.split(" ") and two in name
            continue
        assert name.startswith(two if family_first else one) and (one if family_first else two) in name


@pytest.mark.parametrize("locale", LOCALES)
def test_an_address_is_made_of_the_name_beside_it(locale: str) -> None:
    drawn = find_field("name").draw(3_000, stream("name"), {"locale": locale})
    mails = draw("email", 3_000, locale=locale, name=drawn)
    expected = drawn.parts.text("slug.first") + "." + drawn.parts.text("slug.last") + "@"
    assert all(mail.startswith(start) for mail, start in zip(mails, expected))
    # a column of names that came from elsewhere serves as well
    simple = drawn.values.str.count_matches(r"[\s-]") == 1
    if locale not in {"ru_RU", "zh_CN", "ja_JP"} and simple.sum() > 100:
        again = draw("email", 3_000, locale=locale, name=drawn.values)
        assert mails.filter(simple).equals(again.filter(simple))
    logins = draw("username", 3_000, locale=locale, name=drawn)
    assert logins.str.contains(r"^[a-z]{2,}\d\d$").all()


def test_names_of_any_column_are_folded() -> None:
    names = pl.Series(
        ["Ann Lee", "Dr. Bob van Dyke Jr.", "Müller, Änne", "Łukasz Żak", "Иван Петров", "O'Néill", None]
    )
    mails = draw("email", 7, name=names, locale="de_DE")
    locals_ = mails.str.extract(r"^(.*)@").to_list()
    assert locals_ == [
        "ann.lee", "bob.dyke", "aenne.mueller", "lukasz.zak", "ivan.petrov", "oneill.oneill", None,
    ]  # fmt: skip
    assert fold_column(pl.Series(["José", "ÆØ"]), "es_ES").to_list() == ["jose", "aeo"]
    parts = SplitParts.of_names(pl.Series(["Nguyen Van An"]), "vi_VN", True)
    assert parts.text("last").to_list() == ["Nguyen"] and parts.text("first").to_list() == ["An"]


def test_a_name_is_made_of_first_and_last_names_beside_it() -> None:
    first, last = pl.Series(["Ann", "Bob"]), pl.Series(["Lee", "Ray"])
    assert draw("name", 2, first=first, last=last).to_list() == ["Ann Lee", "Bob Ray"]
    assert draw("name", 2, first=first, last=last, locale="ja_JP").to_list() == ["Lee Ann", "Ray Bob"]
    mails = draw("email", 2, first=first, last=last, domain="shop.example")
    assert mails.to_list() == ["ann.lee@shop.example", "bob.ray@shop.example"]
    assert draw("first", 2, name=pl.Series(["Ann Lee", "Bob Ray"])).to_list() == ["Ann", "Bob"]
    assert draw("last", 2, name=pl.Series(["Ann Lee", "Bob Ray"])).to_list() == ["Lee", "Ray"]


def test_names_of_several_countries_keep_their_parts() -> None:
    countries = pl.Series(["DE", "JP", "US"] * 200)
    drawn = find_field("name").draw(600, stream(), {"country": countries})
    mails = draw("email", 600, country=countries, name=drawn)
    starts = drawn.parts.text("slug.first") + "." + drawn.parts.text("slug.last")
    assert all(mail.startswith(start) for mail, start in zip(mails, starts))
    assert set(drawn.parts.text("first").gather_every(3, 1)) <= set(naming("ja_JP").first)


def test_sexes_that_are_no_words_for_them_are_drawn() -> None:
    names = draw("first", 1_000, locale="de_DE", sex=pl.Series(["?", None] * 500))
    female = set(naming("de_DE").firsts[0].texts)
    assert 0.35 < sum(name in female for name in names) / 1_000 < 0.65


def test_unique_names_do_not_follow_a_column_of_sexes() -> None:
    with pytest.raises(OptionError, match="can not follow a column of sexes"):
        number("first", range(2), sex=pl.Series(["f", "m"]))
