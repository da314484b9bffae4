"""Conditions over one row: what they mean, and what is refused with a sentence."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl
import pytest

from simulacra.errors import DataError, PredicateError
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table

TABLE = Table(
    "t",
    (
        Column("age", "number", integer=True, nullable=True),
        Column("hours-per-week", "number"),
        Column("state", "category", levels=("NY", "OH", "?")),
        Column("region", "category", levels=("1", "2", "3")),
        Column("smoker", "boolean", format="no|yes"),
        Column("born", "date", format="%d/%m/%Y"),
        Column("seen", "datetime"),
        Column("paris", "datetime", timezone="Europe/Paris"),
        Column("at", "time"),
        Column("stay", "duration"),
        Column("note", "text"),
        Column("zip", "key"),
        Column("id", "key", integer=True),
    ),
)
FRAME = pl.DataFrame(
    {
        "age": [17, 40, None],
        "hours-per-week": [40.0, 7.5, -2.5],
        "state": ["OH", "NY", "?"],
        "region": ["3", "1", None],
        "smoker": [True, False, None],
        "born": [date(2013, 1, 31), date(2012, 12, 30), None],
        "seen": [datetime(2013, 2, 1, 13, 5, 30, 500_000), datetime(2013, 12, 31), None],
        "paris": [datetime(2013, 7, 1, 0, 30), datetime(2013, 1, 1), None],
        "at": [time(13, 5), time(0, 0), None],
        "stay": [timedelta(days=2), timedelta(hours=3), None],
        "note": ["Ab%c", " x\ny ", None],
        "zip": ["02139", "10001", "x"],
        "id": [1, 2, 3],
    }
).with_columns(
    pl.col("paris").dt.replace_time_zone("Europe/Paris"), pl.col("seen").cast(pl.Datetime("us"))
)  # fmt: skip


def ask(condition: Any) -> list[bool | None]:
    return Predicate.parse(condition, TABLE).evaluate(FRAME).to_list()


T, F, N = True, False, None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("age > 20", [F, T, N]),
        ("AGE > 20 or state = '?'", [F, T, T]),
        ('"hours-per-week" / 2 = 3.75', [F, T, F]),
        ("`hours-per-week` % 3 = -2.5", [F, F, T]),
        ("age / 0 is null", [T, T, T]),
        ("age / 2 = 8.5", [T, F, N]),
        ("round(`hours-per-week`) in (8, -3)", [F, T, T]),
        ("floor(`hours-per-week`) = 7 or ceil(`hours-per-week`) = -2", [F, T, T]),
        ("region = 3", [T, F, N]),
        ("region <> 3", [F, T, N]),
        ("region < 2.5", [F, T, N]),
        ("region in (1, 2)", [F, T, N]),
        ("state = 3", [F, F, F]),
        ("zip = 02139", [T, F, F]),
        ("id = '2'", [F, T, F]),
        ("age = '40'", [F, T, N]),
        ("smoker = 'yes'", [T, F, N]),
        ("smoker", [T, F, N]),
        ("not smoker or smoker is null", [F, T, T]),
        ("smoker is not true", [F, T, T]),
        ("smoker = 1", [T, F, N]),
        ("born >= '2013-01-31'", [T, F, N]),
        ("born = '31/01/2013'", [T, F, N]),
        ("born + interval '1 month' = date '2013-02-28'", [T, F, N]),
        ("born + 2 = '2013-02-02'", [T, F, N]),
        ("date '2013-02-01' - born = 1", [T, F, N]),
        ("seen - interval '36 hours' > born - interval '2 days'", [T, T, N]),
        ("seen > born", [T, T, N]),
        ("seen >= '2013-02-01 13:05' and seen < '2013-02-02'", [T, F, N]),
        ("extract(month from seen) in (2, 3)", [T, F, N]),
        ("extract(dow from born) = 0", [F, T, N]),
        ("extract(isodow from born) = 7", [F, T, N]),
        ("extract(week from born) = 52 and date_part('doy', born) = 365", [F, T, N]),
        ("extract(second from seen) = 30.5", [T, F, N]),
        ("year(seen) = 2013 and quarter(seen) = 4", [F, T, N]),
        ("paris = '2013-07-01 00:30'", [T, F, N]),
        ("paris = timestamptz '2013-06-30 22:30+00:00'", [T, F, N]),
        ("extract(day from paris) = 1", [T, T, N]),
        ("at >= '13:00'", [T, F, N]),
        ("stay > interval '1 day 02:00:00'", [T, F, N]),
        ("extract(epoch from stay) / 3600 = 3", [F, T, N]),
        ("note like 'Ab!%_' escape '!'", [T, F, N]),
        ("note not like '%y_'", [T, F, N]),
        ("note ilike 'ab%'", [T, F, N]),
        ("note ~ '^A' or regexp_like(note, '^ X', 'i')", [T, T, N]),
        ("length(trim(note)) = 3", [F, T, N]),
        ("substring(note, 2, 2) = 'b%' and left(note, 1) || right(note, 1) = 'Ac'", [T, F, N]),
        ("upper(note) = 'AB%C' and lower(state) = 'oh'", [T, F, F]),
        ("case state when 'OH' then 1 when 'NY' then 2 else 3 end = 3", [F, F, T]),
        ("coalesce(age, 0) = 0 and nullif(state, '?') is null", [F, F, T]),
        ("cast(zip as int) = 2139", [T, F, N]),
        ("cast(seen as date) = '2013-12-31' or cast(age as text) = '17'", [T, T, N]),
        ("age in (17, null)", [T, N, N]),
        ("age not between 10 and 20", [F, T, N]),
        ("age is distinct from 17", [F, T, T]),
        ("t.age = 17", [T, F, N]),
        ("true", [T, T, T]),
        ("null", [N, N, N]),
        ({"state": "OH"}, [T, F, F]),
        ({"state": ["OH", "NY"], "age": (10, 20)}, [T, F, F]),
        ({"age": None}, [F, F, T]),
        ({"age": [40, None]}, [F, T, T]),
        ({"born": (date(2013, 1, 1), date(2013, 12, 31)), "at": time(13, 5)}, [T, F, N]),
        ({"seen": datetime(2013, 12, 31), "stay": timedelta(hours=3)}, [F, T, N]),
        ({"paris": datetime(2013, 6, 30, 22, 30, tzinfo=UTC)}, [T, F, N]),
        ({"smoker": True}, [T, F, N]),
        ({"note": "it's"}, [F, F, N]),
        ({}, [T, T, T]),
    ],
)
def test_conditions_mean_what_sql_says(condition: Any, expected: list[bool | None]) -> None:
    assert ask(condition) == expected


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("stat = 'OH'", "no column named 'stat'; did you mean 'state'"),
        ("hours-per-week > 3", 'Write it in double quotes: "hours-per-week"'),
        ('state = "OH"', "A text stands in single quotes"),
        ("state = OH", "A text stands in single quotes: 'OH'"),
        ("count(*) > 1", "looks at many rows"),
        ("sum(age) over () > 1", "looks at many rows"),
        ("age in (select 1)", "List the values"),
        ("exists (select 1)", "is a query"),
        ("foo(age) = 1", "no function named 'foo'"),
        ("sqrt(age) = 1", "no function named 'sqrt'"),
        ("born < current_date", "changes from run to run"),
        ("age = ?", "placeholder"),
        ("age = 1; age = 2", "several statements"),
        ("age >", "can not be read beyond"),
        ("note = 'x", "never closed"),
        ("", "is empty"),
        ("age", "a condition is needed"),
        ("age + 1", "a condition is needed"),
        ("1 < age < 3", "a < b AND b < c"),
        ("age = 'abc'", "'abc' is not a number"),
        ("born = '2013-02-30'", "is not a date"),
        ("smoker = 'perhaps'", "'no', 'yes'"),
        ("state < 3", "no order among numbers"),
        ("note ~ '('", "is not a regular expression"),
        ("note like state", "constant text"),
        ("age between symmetric 3 and 1", "'symmetric'"),
        ("paris = seen", "time zone"),
        ("born + interval '9999999 years' > born", "longer than 10,000 years"),
        ("substring(note, 0) = 'x'", "counts from 1"),
        ("x.age = 1", "is of a table 'x'"),
        ("cast(age as decimal(10, 2)) = 1", "without a length"),
        ("age = 1e999", "too large a number"),
        ("age >= '13:00'", "write 1300"),
        ("born - cast(seen as date) < interval '8 days'", "number of days: write 8 instead"),
        ("born - born < interval '1 month'", "One date minus another is a number of days."),
        ('""zip" = 3', 'where `""zip" = 3`:'),
        ("drop table t", "can not be read beyond"),
        ({"stat": "OH"}, "did you mean 'state'"),
        ({"state": []}, "list is empty"),
        ({"age": (1, 2, 3)}, "(low, high)"),
        ({"age": float("nan")}, "can not be compared with"),
        ("(" * 10_000 + "age = 1" + ")" * 10_000, "nested too deeply"),
        ("not " * 10_000 + "smoker", "nested too deeply"),
        ("age" + " + age" * 10_000 + " > 1", "nested too deeply"),
        ("age = 1 or " * 20_000 + "age = 2", "220,007 characters"),
        (3, "SQL text or a mapping"),
    ],
)
def test_what_can_not_be_meant_is_refused_in_one_short_sentence(condition: Any, words: str) -> None:
    with pytest.raises(PredicateError) as caught:
        Predicate.parse(condition, TABLE)
    message = str(caught.value)
    assert words in message
    assert len(message) < 500
    assert "\n" not in message
    assert "\x1b" not in message


def test_a_name_in_two_spellings_must_be_written_exactly() -> None:
    table = Table("t", (Column("Age", "number"), Column("age", "number")))
    assert Predicate.parse("age > 1", table).columns == ("age",)
    with pytest.raises(PredicateError, match="'Age' or 'age'"):
        Predicate.parse("AGE > 1", table)


def test_long_chains_are_no_nesting() -> None:
    condition = " or ".join(f"age = {i}" for i in range(5_000))
    assert ask(condition) == [T, T, N]
    assert len(Predicate.parse(condition.replace(" or ", " and "), TABLE).terms()) == 5_000


def test_terms_are_the_and_parts_with_their_own_columns() -> None:
    whole = Predicate.parse(
        "state = 'OH' and ((age > 1 and note is not null) and (age < 9 or age > 20))", TABLE
    )
    assert whole.columns == ("age", "state", "note")
    assert [term.columns for term in whole.terms()] == [("state",), ("age",), ("note",), ("age",)]
    assert [str(term) for term in Predicate.parse("age = 1 or age = 2", TABLE).terms()] == [
        "age = 1 or age = 2"
    ]


def test_levels_that_a_category_does_not_have_are_listed_and_never_match() -> None:
    predicate = Predicate.parse(
        "state in ('OH', 'Texas') or region = 7 or state <> 'NY' or note = 'zzz'", TABLE
    )
    assert predicate.unknown_levels() == [("state", "Texas"), ("region", "7")]
    assert ask("state = 'Texas'") == [F, F, F]
    assert Predicate.parse("region = 3", TABLE).unknown_levels() == []


def test_keep_gives_the_rows_for_which_it_is_true() -> None:
    assert Predicate.parse("not (age = 40)", TABLE).keep(FRAME)["age"].to_list() == [17]


def test_conditions_work_on_no_rows_and_name_what_is_missing() -> None:
    for condition in ("age = 1", "true", "case when true then 1 = 1 else age = 1 end"):
        result = Predicate.parse(condition, TABLE).evaluate(FRAME.head(0))
        assert (result.len(), result.dtype) == (0, pl.Boolean)
    with pytest.raises(DataError, match="no column 'age'"):
        Predicate.parse("age = 1", TABLE).evaluate(FRAME.drop("age"))


def test_errors_keep_the_condition_short() -> None:
    with pytest.raises(PredicateError) as caught:
        Predicate.parse("nothing = '" + "x" * 50_000 + "'", TABLE)
    assert len(str(caught.value)) < 400
