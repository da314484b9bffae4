"""Any reasonable form of a value becomes the canonical one; nothing else passes unnoticed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulacra.errors import SchemaViolation
from simulacra.formatting import format_frame
from simulacra.schema.conformance import canonical_type, conform, empty_frame
from simulacra.schema.inference import infer_table
from simulacra.schema.types import Column, Table

UTC = ZoneInfo("UTC")


def read(values: object, column: Column, **options: str) -> list[object]:
    """Conform one column and give its values."""
    series = values.alias(column.name) if isinstance(values, pl.Series) else pl.Series(column.name, values)
    frame, _ = conform(pl.DataFrame([series]), Table("t", (column,)), **options)  # type: ignore[arg-type]
    assert frame.schema[column.name] == canonical_type(column)
    return frame[column.name].to_list()


INTEGER = Column("x", "number", nullable=True, integer=True)
REAL = Column("x", "number", nullable=True)
FLAG = Column("x", "boolean", nullable=True, format="no|yes")
CODE = Column("x", "category", levels=("1", "2", "10"))
WORD = Column("x", "category", levels=("no", "yes"))
DAY = Column("x", "date", nullable=True, format="%d/%m/%Y")
AT = Column("x", "datetime", nullable=True)
ZONED = Column("x", "datetime", nullable=True, timezone="UTC")
CLOCK = Column("x", "time", nullable=True)
TOOK = Column("x", "duration", nullable=True)
KEY = Column("x", "key", integer=True)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (INTEGER, ["1", " 2 ", "3.0", "NA", None], [1, 2, 3, None, None]),
        (INTEGER, [1.0, 2.0, None, float("nan")], [1, 2, None, None]),
        (INTEGER, [True, False], [1, 0]),
        (INTEGER, [Decimal("4.0")], [4]),
        (INTEGER, [str(2**62 + 1)], [2**62 + 1]),
        (REAL, ["1.5", "2", "1e3", ".5", "?"], [1.5, 2.0, 1000.0, 0.5, None]),
        (REAL, [1, 2], [1.0, 2.0]),
        (FLAG, ["yes", "no", "TRUE", "f", "1", "", "NA"], [True, False, True, False, True, None, None]),
        (FLAG, [1, 0, None], [True, False, None]),
        (CODE, [1, 2, 10], ["1", "2", "10"]),
        (CODE, [1.0, 2.0, None], ["1", "2", None]),
        (CODE, ["1.0", "2", "10.00", "01", "NA"], ["1", "2", "10", "01", None]),
        (WORD, [True, False], ["yes", "no"]),
        (Column("x", "category"), [True, 2.5], None),
        (DAY, ["31/01/2013", "01/02/2013"], [date(2013, 1, 31), date(2013, 2, 1)]),
        (DAY, ["2013-01-31", "2013-02-01"], [date(2013, 1, 31), date(2013, 2, 1)]),
        (DAY, ["31/01/2013", "2013-02-01", ""], [date(2013, 1, 31), date(2013, 2, 1), None]),
        (DAY, [datetime(2013, 1, 31)], [date(2013, 1, 31)]),
        (AT, ["2013-01-31T13:05", "NA"], [datetime(2013, 1, 31, 13, 5), None]),
        (AT, ["2013-01-31", "2013-02-01"], [datetime(2013, 1, 31), datetime(2013, 2, 1)]),
        (AT, [date(2013, 1, 31)], [datetime(2013, 1, 31)]),
        (ZONED, ["2013-01-31T13:05:00Z"], [datetime(2013, 1, 31, 13, 5, tzinfo=UTC)]),
        (ZONED, ["2013-01-31T13:05:00+02:00"], [datetime(2013, 1, 31, 11, 5, tzinfo=UTC)]),
        (ZONED, ["2013-01-31T13:05:00"], [datetime(2013, 1, 31, 13, 5, tzinfo=UTC)]),
        (CLOCK, ["13:05", "00:00"], [time(13, 5), time(0)]),
        (CLOCK, [timedelta(hours=3)], [time(3)]),
        (TOOK, ["PT1H", "P1D"], [timedelta(hours=1), timedelta(days=1)]),
        (TOOK, ["1 days 02:00:00", "-PT0.5S"], [timedelta(hours=26), timedelta(seconds=-0.5)]),
        (TOOK, [time(3)], [timedelta(hours=3)]),
        (KEY, ["7", "8.0"], [7, 8]),
        (Column("x", "key"), [7, 8], ["7", "8"]),
        (Column("x", "text"), [1.0, 2.0], ["1", "2"]),
        (Column("x", "text"), ["NA", ""], ["NA", ""]),
    ],
)
def test_values_become_canonical(column: Column, values: list[object], expected: list[object] | None) -> None:
    if expected is None:
        values, expected = [True, False], ["true", "false"]
    assert read(values, column) == expected


def test_levels_that_differ_only_in_spelling_are_kept_apart() -> None:
    column = Column("x", "category", levels=("1", "1.0", "NA"))
    assert read(["1", "1.0", "NA"], column) == ["1", "1.0", "NA"]
    assert read(["1.00"], column) == ["1.00"], "which of the two is meant can not be known"


def test_marks_among_levels_are_missing_and_noted() -> None:
    frame = pl.DataFrame({"x": ["1", "?", "?"]})
    values, notes = conform(frame, Table("t", (CODE,)))
    assert values["x"].to_list() == ["1", None, None]
    assert notes == ("table 't', column 'x': 2 rows with a mark for 'no value' count as missing",)


def test_unknown_levels_are_left_to_validation() -> None:
    assert read(["1", "77"], CODE) == ["1", "77"]


@pytest.mark.parametrize(
    ("column", "values", "count"),
    [
        (INTEGER, ["1", "x", "1.5", "3"], 2),
        (INTEGER, [1.5, 2.0], 1),
        (INTEGER, [1e300], 1),
        (INTEGER, [2**63], 1),
        (INTEGER, [date(2013, 1, 1)], 1),
        (REAL, ["1,5"], 1),
        (REAL, [float("inf")], 1),
        (FLAG, ["yes", "perhaps"], 1),
        (FLAG, [2], 1),
        (DAY, ["31/01/2013", "31/02/2013"], 1),
        (DAY, [datetime(2013, 1, 31, 5)], 1),
        (AT, ["2013-01-31 13:05:00", "then"], 1),
        (AT, [5], 1),
        (CLOCK, [timedelta(hours=30)], 1),
        (CLOCK, ["25:00"], 1),
        (TOOK, ["a while"], 1),
        (TOOK, [90], 1),
        (KEY, ["7", "a7"], 1),
    ],
)
def test_unreadable_values_are_counted_never_shown(column: Column, values: list[object], count: int) -> None:
    frame = pl.DataFrame({"x": values})
    table = Table("t", (column,))
    with pytest.raises(SchemaViolation) as raised:
        conform(frame, table)
    message = str(raised.value)
    assert message.startswith(f"table 't', column 'x': {count} of {len(values)} rows can not be read as ")
    assert not any(word in message for word in ("perhaps", "a while", "then)", "a7", "31/02"))
    nulled, notes = conform(frame, table, unreadable="null")
    assert nulled["x"].null_count() == count
    assert notes[-1].endswith("; they count as missing")


def test_the_first_rows_are_named_from_one() -> None:
    with pytest.raises(SchemaViolation, match=r"3 of 5 rows .* a whole number \(first: rows 2, 4, 5\)"):
        conform(pl.DataFrame({"x": ["1", "a", "2", "b", "c"]}), Table("t", (INTEGER,)))


def test_columns_are_ordered_and_names_checked() -> None:
    table = Table("t", (Column("a", "text"), Column("b", "text")))
    frame = pl.DataFrame({"b": ["2"], "c": ["3"], "a": ["1"]})
    assert conform(frame.drop("c"), table)[0].columns == ["a", "b"]
    with pytest.raises(SchemaViolation, match="has the column 'c', which the schema does not know"):
        conform(frame, table)
    kept, notes = conform(frame, table, extra="drop")
    assert kept.columns == ["a", "b"]
    assert notes == ("table 't': not in the schema, so left out: 'c'",)
    with pytest.raises(SchemaViolation, match="lacks the columns 'a', 'b'"):
        conform(pl.DataFrame({"z": [1]}), table, extra="drop")
    with pytest.raises(SchemaViolation, match="'Amount' may be 'amount'"):
        conform(pl.DataFrame({"Amount": [1]}), Table("t", (Column("amount", "number"),)))


def test_a_column_keeps_its_own_reading_of_swapped_dates() -> None:
    assert read(["01/02/2013"], DAY) == [date(2013, 2, 1)]
    month_first = Column("x", "date", format="%m/%d/%Y")
    assert read(["01/02/2013"], month_first) == [date(2013, 1, 2)]


def test_another_spelling_than_the_schema_says_is_noted() -> None:
    _, notes = conform(pl.DataFrame({"x": ["31/01/2013", "2013-02-01"]}), Table("t", (DAY,)))
    assert notes == ("table 't', column 'x': 1 row is not written as %d/%m/%Y; read as %Y-%m-%d",)


def test_zones_are_converted_or_left_out_with_a_note() -> None:
    paris = pl.Series("x", [datetime(2024, 7, 1, 14)]).dt.replace_time_zone("Europe/Paris")
    assert read(paris, ZONED) == [datetime(2024, 7, 1, 12, tzinfo=UTC)]
    values, notes = conform(pl.DataFrame([paris]), Table("t", (AT,)))
    assert values["x"][0] == datetime(2024, 7, 1, 14)
    assert "left out" in notes[0]
    for unit in ("ms", "ns"):
        assert read(paris.dt.cast_time_unit(unit), ZONED) == [datetime(2024, 7, 1, 12, tzinfo=UTC)]  # type: ignore[arg-type]


def test_numbers_keep_to_their_own_punctuation() -> None:
    german = Column("x", "number", format="1.234,5")
    assert read(["1.234", "2,5", "1234,5"], german) == [1234.0, 2.5, 1234.5]
    frame = pl.DataFrame({"x": ["1234.25", "2.5"]})
    values, notes = conform(frame, Table("t", (german,)))
    assert values["x"].to_list() == [1234.25, 2.5]
    assert notes == ("table 't', column 'x': read as numbers written like 1234.5",)


def test_short_floats_lose_their_binary_tail() -> None:
    column = Column("x", "number", decimals=1)
    assert read(pl.Series([0.1, 2.7], dtype=pl.Float32), column) == [0.1, 2.7]


def test_no_rows_and_no_columns() -> None:
    columns = (INTEGER, FLAG, CODE, DAY, AT, ZONED, CLOCK, TOOK, KEY)
    for column in columns:
        for dtype in (pl.String, pl.Float64, pl.Null, canonical_type(column)):
            assert read(pl.Series([], dtype=dtype), column) == []
            assert read(pl.Series([None, None], dtype=dtype), column) == [None, None]
    assert conform(pl.DataFrame(), Table("t", ()))[0].shape == (0, 0)
    assert empty_frame(Table("t", (INTEGER,))).shape == (0, 1)


def test_canonical_values_pass_unchanged() -> None:
    frame = pl.DataFrame(
        {
            "n": pl.Series([1, None], dtype=pl.Int64),
            "r": [1.5, None],
            "c": ["a", "b"],
            "b": [True, None],
            "d": [date(2024, 1, 1), None],
            "t": pl.Series([datetime(2024, 1, 1, 5), None], dtype=pl.Datetime("us")),
            "z": pl.Series([datetime(2024, 1, 1, 5), None]).dt.replace_time_zone("Asia/Tokyo"),
            "p": pl.Series([timedelta(1), None], dtype=pl.Duration("us")),
            "k": [time(1), None],
        }
    )
    table, _ = infer_table(frame, "t")
    once, notes = conform(frame, table)
    assert once.equals(frame)
    assert not notes
    assert conform(once, table)[0].equals(once)


moments = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31))
columns = st.one_of(
    st.lists(st.integers(-(10**15), 10**15), min_size=1),
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1),
    st.lists(st.booleans(), min_size=1),
    st.lists(st.dates(date(1000, 1, 1)), min_size=1),
    st.lists(moments, min_size=1),
    st.lists(st.times(), min_size=1),
    st.lists(st.timedeltas(timedelta(-20_000), timedelta(20_000)), min_size=1),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1),
)


@settings(max_examples=150, deadline=None)
@given(values=columns, missing=st.booleans())
def test_what_is_written_as_text_reads_back_the_same(values: list[object], missing: bool) -> None:
    series = pl.Series("x", [*values, None] if missing else values)
    table, _ = infer_table(pl.DataFrame([series]), "t")
    canonical, _ = conform(pl.DataFrame([series]), table)
    text = format_frame(canonical, table)
    assert conform(text, table)[0].equals(canonical)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.text(max_size=8), st.from_regex(r"[0-9.,:/+-]{1,8}", fullmatch=True)))
)
def test_any_text_conforms_to_its_own_guess(values: list[str | None]) -> None:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.String)})
    for typed in (True, False):
        table, _ = infer_table(frame, "t", typed=typed)
        canonical, _ = conform(frame, table)
        assert canonical.height == frame.height
        assert conform(canonical, table)[0].equals(canonical)
