"""The kinds, facts and reasons that are guessed from data."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from time import perf_counter

import numpy as np
import polars as pl
import pytest

from simulacra.cli._demo import find_data
from simulacra.formatting import FIXED, format_frame
from simulacra.schema.conformance import canonical_type, conform
from simulacra.schema.inference import infer_schema, infer_table
from simulacra.schema.types import Column
from simulacra.schema.validation import validate

ROWS = 60


def guess(
    values: list[object] | pl.Series, name: str = "x", *, typed: bool = False, after: bool = True
) -> Column:
    """Infer one column, standing behind another one unless `after` is False."""
    series = values.alias(name) if isinstance(values, pl.Series) else pl.Series(name, values)
    frame = pl.DataFrame([pl.Series("before", ["same"] * len(series)), series] if after else [series])
    table, reasons = infer_table(frame, "t", typed=typed)
    assert set(reasons) == set(frame.columns)
    assert all(reasons.values())
    assert not validate(conform(frame, table)[0], table), "a guess must hold for the data that it came from"
    return table[name]


def spread(values: list[object]) -> list[object]:
    """Repeat values so that they make a column of some length."""
    return (values * (ROWS // len(values) + 1))[:ROWS]


def test_whole_numbers_keep_their_bounds() -> None:
    column = guess([str(i % 37 - 5) for i in range(200)])
    assert (column.kind, column.integer, column.bounds, column.step) == ("number", True, (-5, 31), None)


@pytest.mark.parametrize("token", ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "NAN", "-", "?"])
def test_marks_of_no_value_are_missing_among_numbers(token: str) -> None:
    column = guess([token, *[str(i * i) for i in range(50)]])
    assert (column.kind, column.nullable, column.bounds) == ("number", True, (0, 2401))


@pytest.mark.parametrize("token", ["NA", "?", "None", "-"])
def test_marks_of_no_value_are_levels_of_a_category(token: str) -> None:
    column = guess(spread([token, "DE", "FR"]))
    assert column.kind == "category"
    assert not column.nullable
    assert token in (column.levels or ())


def test_leading_zeros_are_never_lost() -> None:
    assert guess(spread(["01234", "94105", "10001"])).levels == ("01234", "10001", "94105")
    assert guess([f"{i:05d}" for i in range(ROWS)]).kind in {"key", "text"}


def test_numbers_too_long_for_64_bits_stay_text() -> None:
    assert guess([f"9{i:029d}" for i in range(ROWS)]).kind in {"key", "text"}


def test_telephone_numbers_with_plus_keep_it() -> None:
    column = guess([f"+49301234{i:03d}" for i in range(ROWS)], "contact")
    assert (column.kind, column.identifying) == ("text", "phone")


@pytest.mark.parametrize(
    ("texts", "style", "first"),
    [
        (["1,234.5", "12.5", "1,000,000.0"], "1,234.5", 1234.5),
        (["1,234", "999", "12,345"], "1,234.5", 1234),
        (["1.234,5", "12,5", "1.000.000,0"], "1.234,5", 1234.5),
        (["1 234,5", "12,5", "1 000 000,0"], "1 234,5", 1234.5),
        (["1'234.5", "12.5", "1'000'000.0"], "1'234.5", 1234.5),
    ],
)
def test_consistent_grouping_makes_numbers(texts: list[object], style: str, first: float) -> None:
    column = guess(spread(texts))
    assert (column.kind, column.format) == ("number", style)
    frame = pl.DataFrame({"x": texts})
    values = conform(frame, infer_table(frame, "t", typed=False)[0])[0]["x"]
    assert values[0] == first


def test_inconsistent_grouping_is_no_number() -> None:
    assert guess(spread(["1,234", "12,34", "1234"])).kind == "category"


def test_a_decimal_comma_needs_many_values() -> None:
    assert guess([f"{i // 4},{i % 4 * 25}" for i in range(100)]).format == "1234,5"
    assert guess(spread(["1,2", "3", "1,3"])).levels == ("1,2", "1,3", "3"), "a list of answers"


def test_decimals_are_counted_only_where_they_are_short() -> None:
    assert guess(["0.5", "1.25", "3"] * 20).decimals == 2
    rng = np.random.default_rng(1)
    assert guess(pl.Series(rng.normal(size=500)), typed=True).decimals is None
    assert guess(pl.Series(np.round(rng.normal(size=500) * 1e3, 3)), typed=True).decimals == 3
    assert guess(pl.Series(rng.integers(0, 99, 500) / 10, dtype=pl.Float32), typed=True).decimals == 1
    assert guess(pl.Series([Decimal("1.10"), Decimal("2.25")] * 20), typed=True).decimals == 2


def test_prices_keep_their_places() -> None:
    frame = pl.DataFrame({"x": [f"{i}.{i % 2 * 50:02d}" for i in range(50)]})
    table, _ = infer_table(frame, "t", typed=False)
    assert (table["x"].decimals, table["x"].format) == (2, FIXED)
    assert format_frame(conform(frame, table)[0], table).equals(frame)


def test_whole_floats_with_missing_values_are_integers() -> None:
    column = guess(pl.Series([1.0, None, float("nan"), 40.0] * 20), typed=True)
    assert (column.integer, column.nullable, column.bounds) == (True, True, (1, 40))


def test_steps_are_found_only_with_enough_values() -> None:
    assert guess(pl.Series([i % 40 * 5 for i in range(400)]), typed=True).step == 5
    assert guess(pl.Series([i % 10 * 5 for i in range(400)]), typed=True).step is None


def test_clock_times_are_told_from_other_numbers() -> None:
    minutes = np.random.default_rng(2).integers(0, 1440, 3_000)
    assert guess(pl.Series(minutes // 60 * 100 + minutes % 60), typed=True).format == "HHMM"
    assert guess(pl.Series(minutes), typed=True).format is None
    assert guess(pl.Series(minutes % 60), typed=True).format is None, "minutes alone are no clock times"
    assert guess([f"{m // 60:02d}{m % 60:02d}" for m in minutes]).kind == "time", (
        "leading zeros would be lost"
    )


@pytest.mark.parametrize(
    ("words", "format"),
    [
        (["TRUE", "FALSE"], "FALSE|TRUE"),
        (["true", "false"], "false|true"),
        (["True", "False"], "False|True"),
        (["yes", "no"], "no|yes"),
        (["Y", "N"], "N|Y"),
        (["t", "f"], "f|t"),
        (["TRUE"], "FALSE|TRUE"),
    ],
)
def test_booleans_are_spelt_as_found(words: list[object], format: str) -> None:
    column = guess(spread([*words, None]))
    assert (column.kind, column.format, column.nullable) == ("boolean", format, True)


@pytest.mark.parametrize("words", [["F", "M"], ["Yes", "no"], ["Y"], ["F"], ["yes", "no", "maybe"]])
def test_other_words_are_categories(words: list[object]) -> None:
    assert guess(spread(words)).kind == "category"


def test_codes_are_categories_and_counts_are_numbers() -> None:
    codes: list[object] = [str(i % 9) for i in range(900)]
    for name in ("OperatingSystems", "region", "TrafficType", "status_code", "zip", "district_id"):
        column = guess(codes, name)
        assert (name, column.kind, column.levels) == (name, "category", tuple("012345678"))
    for name in ("children", "education-num", "type_count", "month", "class size", "rooms"):
        assert (name, guess(codes, name).kind) == (name, "number")


def test_large_codes_far_apart_are_categories() -> None:
    assert guess(pl.Series([10_001, 94_105, 60_614, 73_301] * 60), "where", typed=True).kind == "category"
    assert guess(pl.Series([10_000, 90_000, 60_000, 70_000] * 60), "pay", typed=True).kind == "number"


def test_digits_stored_as_text_in_a_typed_file_are_codes() -> None:
    texts: list[object] = [str(i % 7) for i in range(700)]
    assert guess(texts, typed=True).kind == "category"
    assert guess(texts, typed=False).kind == "number"


def test_keys_are_unique_and_complete() -> None:
    ids = [7 * i + i % 3 for i in range(ROWS)]
    assert guess(pl.Series(ids), "order_id", typed=True).kind == "key"
    assert guess(pl.Series(ids), "customerId", typed=True).kind == "key"
    assert guess(pl.Series(ids), "thing", typed=True, after=False).kind == "key", "the first column"
    assert guess(pl.Series(ids), "thing", typed=True).kind == "number"
    assert guess(pl.Series(range(100, 100 + ROWS)), "rank", typed=True).kind == "key", "it counts up"
    assert guess(pl.Series([*ids[1:], None]), "order_id", typed=True).kind == "number"
    assert guess(pl.Series([*ids[1:], ids[1]]), "order_id", typed=True).kind == "number"
    assert guess(pl.Series(range(1950, 1950 + ROWS)), "year", typed=True, after=False).kind == "number"
    assert guess(pl.Series([i + 0.5 for i in ids]), "order_id", typed=True).kind == "number"


def test_a_table_has_a_key_only_where_one_is_obvious() -> None:
    ids = list(range(ROWS))
    both = pl.DataFrame({"card_id": ids, "client_id": ids[::-1], "amount": [1.5] * ROWS})
    assert infer_table(both, "cards")[0].key == ("card_id",)
    assert infer_table(both.select("client_id", "card_id"), "card")[0].key == ("card_id",)
    assert infer_table(both.select("amount"), "cards")[0].key == ()


def test_few_rows_make_a_key_only_by_name() -> None:
    assert guess(["a1", "b2", "c3"], "id", after=False).kind == "key"
    assert guess(["a1", "b2", "c3"], "name", after=False).kind == "category"


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        ([f"C{i:05d}" for i in range(ROWS)], r"C\d{5}"),
        ([f"AB-{i}.x" for i in range(ROWS)], r"AB-\d{1,2}\.x"),
        ([f"{chr(65 + i % 26)}{i:02d}" for i in range(ROWS)], r"[A-Z]\d{2}"),
        ([f"{i:08x}" for i in range(0, 10**9, 10**9 // ROWS)], "[0-9a-f]{8}"),
    ],
)
def test_keys_tell_their_shape(texts: list[object], pattern: str) -> None:
    column = guess(texts, "code_id")
    assert (column.kind, column.pattern) == ("key", pattern)


def test_repeated_words_are_categories_and_others_are_text() -> None:
    assert guess([f"city {i % 50}" for i in range(2_000)]).kind == "category"
    assert guess([f"city {i} north" for i in range(2_000)]).kind == "text"
    said = [f"the goods came {i % 40} days late and were wet" for i in range(ROWS)]
    assert guess(said, "remark").kind == "text"


def test_more_than_a_thousand_levels_are_not_listed() -> None:
    column = guess([f"town {i % 1_500}" for i in range(30_000)])
    assert (column.kind, column.levels) == ("category", None)


@pytest.mark.parametrize(
    ("texts", "format", "first"),
    [
        (["2013-01-31", "2013-02-01"], "%Y-%m-%d", date(2013, 1, 31)),
        (["2013/01/31", "2013/02/01"], "%Y/%m/%d", date(2013, 1, 31)),
        (["31/01/2013", "01/02/2013"], "%d/%m/%Y", date(2013, 1, 31)),
        (["01/31/2013", "02/01/2013"], "%m/%d/%Y", date(2013, 1, 31)),
        (["1/31/2013", "2/1/2013"], "%-m/%-d/%Y", date(2013, 1, 31)),
        (["31.01.2013", "01.02.2013"], "%d.%m.%Y", date(2013, 1, 31)),
        (["31.01.13", "01.02.13"], "%d.%m.%y", date(2013, 1, 31)),
        (["Jan 31, 2013", "Feb 1, 2013"], "%b %-d, %Y", date(2013, 1, 31)),
        (["January 31, 2013", "May 1, 2013"], "%B %-d, %Y", date(2013, 1, 31)),
        (["31 Jan 2013", "01 Feb 2013"], "%d %b %Y", date(2013, 1, 31)),
        (["2013-01-31 13:05:00", "2013-02-01 00:00:00"], "%Y-%m-%d %H:%M:%S", datetime(2013, 1, 31, 13, 5)),
        (["2013-01-31T13:05", "2013-02-01T00:00"], "%Y-%m-%dT%H:%M", datetime(2013, 1, 31, 13, 5)),
        (["31.01.2013 13:05", "01.02.2013 00:00"], "%d.%m.%Y %H:%M", datetime(2013, 1, 31, 13, 5)),
        (["1/31/2013 1:05 PM", "2/1/2013 9:10 AM"], "%-m/%-d/%Y %-I:%M %p", datetime(2013, 1, 31, 13, 5)),
        (
            ["2013-01-31 13:05:00.250", "2013-02-01 00:00:00.000"],
            "%Y-%m-%d %H:%M:%S%.3f",
            datetime(2013, 1, 31, 13, 5, 0, 250_000),
        ),
        (["13:05", "00:10"], "%H:%M", time(13, 5)),
        (["13:05:07", "00:10:00"], "%H:%M:%S", time(13, 5, 7)),
        (["1:05 PM", "12:10 AM"], "%-I:%M %p", time(13, 5)),
    ],
)
def test_moments_are_read_and_written_as_found(texts: list[str], format: str, first: object) -> None:
    frame = pl.DataFrame({"before": ["same"] * ROWS, "x": spread([*texts, None])})
    column = guess(frame["x"])
    table = infer_table(frame, "t", typed=False)[0]
    values = conform(frame, table)[0]["x"]
    assert (column.format, values[0], column.nullable) == (format, first, True)
    assert values.dt.strftime(format).to_list() == frame["x"].to_list()


@pytest.mark.parametrize(
    "texts",
    [
        ["2013-01-31T13:05:00Z", "2013-02-01T00:00:00Z"],
        ["2013-01-31T13:05:00.5Z", "2013-02-01T00:00:00Z"],
        ["2013-01-31T15:05:00+02:00", "2013-02-01T00:00:00-05:00"],
        ["2013-01-31 13:05:00+0000", "2013-02-01 00:00:00+0000"],
    ],
)
def test_zones_become_utc(texts: list[object]) -> None:
    column = guess(spread(texts))
    assert (column.kind, column.timezone) == ("datetime", "UTC")
    assert column.bounds is not None
    assert column.bounds[0].replace(microsecond=0).isoformat() == "2013-01-31T13:05:00+00:00"


def test_swapped_day_and_month_are_admitted() -> None:
    frame = pl.DataFrame({"x": spread(["01/02/2013", "03/04/2013", "05/11/2013"])})
    table, reasons = infer_table(frame, "t", typed=False)
    assert table["x"].format == "%m/%d/%Y"
    assert "could be swapped" in reasons["x"]
    firsts = pl.DataFrame({"x": spread(["01/02/2013", "01/03/2013", "01/11/2013"])})
    assert infer_table(firsts, "t", typed=False)[0]["x"].format == "%d/%m/%Y", "all on the first of a month"


def test_mixed_spellings_are_read_where_they_can_not_be_confused() -> None:
    frame = pl.DataFrame({"x": spread(["2013-01-31", "02.02.2013", "Mar 3, 2013"])})
    table, reasons = infer_table(frame, "t", typed=False)
    assert (table["x"].kind, table["x"].format) == ("date", None)
    assert "3 spellings" in reasons["x"]
    assert conform(frame, table)[0]["x"][1] == date(2013, 2, 2)
    assert guess(spread(["31/01/2013", "01/31/2013", "05/06/2013"])).kind == "category", "which one is 05/06?"


def test_numbers_are_dates_only_by_name() -> None:
    texts: list[object] = ["20130131", "20130201", "20121231"] * 20
    column = guess(texts, "order_date")
    assert (column.kind, column.format, column.bounds) == (
        "date",
        "%Y%m%d",
        (date(2012, 12, 31), date(2013, 2, 1)),
    )
    assert guess([int(str(text)) for text in texts], "order_date", typed=True).kind == "date"
    assert guess(texts, "amount").kind == "number"


@pytest.mark.parametrize(
    "texts",
    [
        ["PT90M", "P1DT2H"],
        ["0 days 01:30:00", "1 days 02:00:00"],
        ["1:30:00", "26:00:00"],
        ["1h 30m", "1d 2h"],
    ],
)
def test_durations_are_read(texts: list[object]) -> None:
    column = guess(spread(texts))
    assert (column.kind, column.bounds) == ("duration", (timedelta(minutes=90), timedelta(hours=26)))


@pytest.mark.parametrize(
    ("make", "name", "what"),
    [
        (lambda i: f"user{i}@mail.example", "contact", "email"),
        (lambda i: f"https://example.org/{i}", "page", "url"),
        (lambda i: f"10.0.{i}.1", "host", "ip"),
        (lambda i: f"{100 + i}-45-6789", "tax", "ssn"),
        (lambda i: f"(030) 12345-{i:02d}", "line", "phone"),
        (lambda i: 3_012_345_000 + i, "mobile", "phone"),
        (lambda i: f"{'ABCDEFGHIJ'[i % 10]}nna O'Neil-{'KLMNOPQ'[i % 7]}ee", "customer_name", "person.name"),
        (
            lambda i: f"{['Anna', 'Zyx', 'Wei'][i % 3]} Ab{'cdefghijklmnopqrst'[i % 18]}",
            "name",
            "person.name",
        ),
    ],
)
def test_identifying_texts_are_marked(make: object, name: str, what: str) -> None:
    column = guess([make(i) for i in range(ROWS)], name)  # type: ignore[operator]
    assert (column.kind, column.identifying) == ("text", what)


def test_bank_accounts_are_told_by_their_check_digits() -> None:
    def account(i: int, shift: int) -> str:
        bank = f"37040044{i:010d}"
        check = 98 - int(bank + "131400") % 97
        return f"DE{(check + shift) % 97:02d}{bank}"

    assert guess([account(i, 0) for i in range(ROWS)], "payee").identifying == "iban"
    assert guess([account(i, 5) for i in range(ROWS)], "payee").identifying is None


def test_places_are_not_taken_for_people() -> None:
    assert (
        guess(
            [f"Port {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[i % 26]}oint {i}" for i in range(ROWS)], "name"
        ).identifying
        is None
    )
    assert (
        guess([f"Lake {chr(65 + i % 26)}{chr(97 + i // 26)}ville" for i in range(ROWS)], "name").identifying
        is None
    )


def test_typed_columns_keep_their_kind() -> None:
    frame = pl.DataFrame(
        {
            "flag": [True, False, None] * 20,
            "day": [date(2024, 1, 1)] * ROWS,
            "at": pl.Series([datetime(2024, 1, 1, 5)] * ROWS).dt.replace_time_zone("Europe/Paris"),
            "clock": [time(5, 6)] * ROWS,
            "took": [timedelta(seconds=5)] * ROWS,
            "level": pl.Series(["a", "01"] * 30, dtype=pl.Categorical),
            "list": [[1, 2]] * ROWS,
            "struct": [{"a": 1}] * ROWS,
            "bytes": [b"\x00\xff"] * ROWS,
        }
    )
    table, _ = infer_table(frame, "t")
    kinds = [column.kind for column in table.columns]
    assert kinds == ["boolean", "date", "datetime", "time", "duration", "category", "text", "text", "text"]
    assert table["at"].timezone == "Europe/Paris"
    assert table["level"].levels == ("01", "a")
    values, _ = conform(frame, table)
    assert values["struct"][0] == '{"a": 1}'
    assert not validate(values, table)


def test_columns_without_values() -> None:
    frame = pl.DataFrame(
        {"text": [None, None], "number": [None, None], "day": [None, None], "void": [None, None]},
        schema={"text": pl.String, "number": pl.Float64, "day": pl.Date, "void": pl.Null},
    )
    table, reasons = infer_table(frame, "t")
    assert [column.kind for column in table.columns] == ["category", "number", "date", "category"]
    assert all(column.nullable for column in table.columns)
    assert table["text"].levels == ()
    assert reasons["void"] == "no value at all"
    empty, reasons = infer_table(frame.clear(), "t")
    assert [column.kind for column in empty.columns] == ["category", "number", "date", "category"]
    assert not any(column.nullable for column in empty.columns)
    assert set(reasons.values()) == {"no rows"}
    assert infer_table(pl.DataFrame(), "t")[0].columns == ()


def test_infinite_numbers_do_not_become_bounds() -> None:
    frame = pl.DataFrame({"x": [1.5, float("inf"), float("-inf"), 2.25]})
    table, reasons = infer_table(frame, "t")
    assert table["x"].bounds == (1.5, 2.25)
    assert "2 infinite" in reasons["x"]


def test_reasons_show_no_text_value() -> None:
    secret = "Secretville"
    frame = pl.DataFrame({"a": spread([secret, "1", "2"]), "b": [f"{secret} {i}" for i in range(ROWS)]})
    for typed in (True, False):
        assert secret not in str(infer_table(frame, "t", typed=typed)[1])


def test_mixed_columns_say_so_with_counts() -> None:
    _, reasons = infer_table(pl.DataFrame({"x": ["1", "2", "3", "4", "many"]}), "t", typed=False)
    assert "4 of 5 rows read as numbers" in reasons["x"]


def test_row_order_and_repetition_change_nothing() -> None:
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({"a": rng.integers(0, 50, 500).astype(str), "b": rng.choice(["x", "yy", "NA"], 500)})
    expected = infer_table(frame, "t", typed=False)
    for seed in range(3):
        assert infer_table(frame.sample(fraction=1.0, shuffle=True, seed=seed), "t", typed=False) == expected


def test_several_tables_make_a_schema() -> None:
    schema = infer_schema({"a": pl.DataFrame({"x": ["1"]}), "b": pl.DataFrame({"y": [1.5]})}, {"a": False})
    assert schema.names == ("a", "b")
    assert set(schema.reasons) == {"a", "b"}


def test_flights_are_understood_and_soon() -> None:
    with zipfile.ZipFile(find_data("flights")) as archive:
        text = archive.read(archive.namelist()[0])
    frame = pl.read_csv(text, infer_schema=False)
    start = perf_counter()
    table, _ = infer_table(frame, "flights", typed=False)
    assert perf_counter() - start < 10, "half a second on two quiet cores"
    kinds = {column.name: column.kind for column in table.columns}
    numbers = "year month day dep_delay arr_delay air_time distance hour minute flight"
    assert all(kinds[name] == "number" and table[name].integer for name in numbers.split())
    clocks = "dep_time sched_dep_time arr_time sched_arr_time"
    assert all(table[name].format == "HHMM" for name in clocks.split())
    assert all(kinds[name] == "category" for name in ("carrier", "origin", "dest", "tailnum"))
    assert (kinds["time_hour"], table["time_hour"].timezone) == ("datetime", "UTC")
    assert table["dep_time"].nullable
    values, notes = conform(frame, table)
    assert not notes
    assert [values.schema[c.name] for c in table.columns] == [canonical_type(c) for c in table.columns]
    assert values["dep_time"].null_count() == 8_255
    assert not validate(values, table)


@pytest.mark.parametrize(
    ("texts", "format", "values"),
    [
        (["$1,234.50", "$-7.25", "$50,000.00"], "$1,234.5", [1234.5, -7.25, 50000.0]),
        (["12%", "3.5%", "-1%"], "1234.5%", [12.0, 3.5, -1.0]),
        (["1.200,50 €", "7,25 €", "12,00 €"], "1.234,5 €", [1200.5, 7.25, 12.0]),
        (["£5", "£12", "£100"], "£1234.5", [5, 12, 100]),
    ],
)
def test_currency_and_percent_signs_are_read_and_written_back(texts, format, values):
    frame = pl.DataFrame({"price": texts * 20})
    table, _ = infer_table(frame, "t", typed=False)
    column = table["price"]
    assert (column.kind, column.format) == ("number", format)
    read, notes = conform(frame, table)
    assert read["price"][:3].to_list() == values and not notes
    written = format_frame(read, table)["price"][:3].to_list()
    assert read.equals(conform(pl.DataFrame({"price": written * 20}), table)[0])
    assert all(text.strip("-")[0] == texts[0][0] or text[-1] == texts[0][-1] for text in written)


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Float64])
def test_floats_of_any_width_fit_the_schema_inferred_from_them(dtype):
    for seed in range(6):
        values = pl.Series("a", np.random.default_rng(seed).normal(size=500)).cast(dtype)
        frame = values.to_frame()
        table, _ = infer_table(frame, "t")
        assert validate(conform(frame, table)[0], table) == []


def test_long_whole_numbers_are_no_numbers():
    ids = [10**17 + 7 * i for i in range(60)]
    for values in (ids, ids[:30] * 2):
        table, _ = infer_table(pl.DataFrame({"big": values}), "t")
        assert table["big"].kind in {"key", "text", "category"}
