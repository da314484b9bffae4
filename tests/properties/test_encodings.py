"""decode(encode(x)) == x for every lossless encoding, missing values included; protection and lattices hold."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulacra.encoding import Encoding
from simulacra.errors import DataError
from simulacra.packing import pack, unpack
from simulacra.registry import ENCODINGS
from simulacra.schema.types import Column

RNG = np.random.default_rng(0)
QUICK = settings(max_examples=60, deadline=None)


def fit(values: pl.Series, column: Column, holders: int = 1) -> Encoding:
    return ENCODINGS.load(column.kind).fit(values, column, holders=holders)


def round_trip(values: pl.Series, column: Column) -> None:
    encoding = fit(values, column)
    arrays = encoding.encode(values)
    for axis, array in zip(encoding.axes, arrays, strict=True):
        assert len(array) == len(values)
        if axis.size is not None:
            assert array.dtype.kind == "u" and (array < axis.size).all()
        else:
            held = array[~np.isnan(array)]
            assert axis.missing or len(held) == len(array)
            assert not axis.lattice or (held == np.rint(held)).all()
    back = encoding.decode(arrays, rng=RNG)
    assert back.dtype == values.dtype
    assert back.to_list() == values.to_list()
    stored: list = []
    again = type(encoding).restore(unpack(pack(encoding.dump(), stored), stored), encoding.column)
    assert again.decode(arrays, rng=RNG).to_list() == values.to_list()


def maybe(strategy):
    return st.lists(st.none() | strategy, min_size=1, max_size=30)


@QUICK
@given(maybe(st.text(max_size=6)))
def test_categories_survive(values):
    round_trip(pl.Series("c", values, dtype=pl.String), Column("c", "category", nullable=None in values))


@QUICK
@given(maybe(st.booleans()))
def test_booleans_survive(values):
    round_trip(pl.Series("c", values, dtype=pl.Boolean), Column("c", "boolean"))


@QUICK
@given(maybe(st.integers(-(2**53) + 1, 2**53 - 1)))
def test_whole_numbers_survive(values):
    round_trip(pl.Series("c", values, dtype=pl.Int64), Column("c", "number", integer=True))


@QUICK
@given(st.integers(0, 6), maybe(st.integers(-(10**9), 10**9)))
def test_decimals_survive_exactly(decimals, values):
    numbers = [None if v is None else v / 10**decimals for v in values]
    round_trip(pl.Series("c", numbers, dtype=pl.Float64), Column("c", "number", decimals=decimals))


@QUICK
@given(maybe(st.floats(allow_nan=False, allow_infinity=False, width=64)))
def test_reals_survive(values):
    round_trip(pl.Series("c", values, dtype=pl.Float64), Column("c", "number"))


@QUICK
@given(maybe(st.dates(date(1600, 1, 1), date(2900, 1, 1))))
def test_dates_survive(values):
    round_trip(pl.Series("c", values, dtype=pl.Date), Column("c", "date"))


@QUICK
@given(maybe(st.datetimes(datetime(1600, 1, 1), datetime(2200, 1, 1))))
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris", "America/New_York"])
def test_datetimes_survive_in_any_zone(zone, values):
    utc = pl.Series("c", values, dtype=pl.Datetime("us"))
    series = utc if zone is None else utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    round_trip(series, Column("c", "datetime", timezone=zone))


@QUICK
@given(maybe(st.times()))
def test_times_survive(values):
    round_trip(pl.Series("c", values, dtype=pl.Time), Column("c", "time"))


@QUICK
@given(maybe(st.timedeltas(timedelta(days=-5000), timedelta(days=5000))))
def test_durations_survive(values):
    round_trip(pl.Series("c", values, dtype=pl.Duration("us")), Column("c", "duration"))


def test_clock_numbers_never_leave_the_clock():
    column = Column("t", "number", integer=True, format="HHMM")
    values = pl.Series("t", [1, 59, 100, 1259, 2359, 2400])
    encoding = fit(values, column)
    round_trip(values, column)
    drawn = encoding.decode((np.arange(1, 1441, dtype=float),), rng=RNG)
    assert ((drawn % 100) < 60).all() and drawn.is_between(1, 2400).all()


def test_steps_and_cents_stay_on_their_lattice():
    fives = fit(pl.Series("n", [0, 5, 100]), Column("n", "number", integer=True, step=5))
    assert (fives.decode((np.linspace(0, 20, 50),), rng=RNG) % 5 == 0).all()
    cents = fit(pl.Series("n", [0.25, 9.99]), Column("n", "number", decimals=2))
    drawn = cents.decode((np.linspace(25, 999, 77),), rng=RNG)
    assert (drawn.round(2) == drawn).all() and drawn.is_between(0.25, 9.99).all()


def test_draws_outside_the_range_are_brought_back():
    encoding = fit(pl.Series("n", [3, 9]), Column("n", "number", integer=True))
    assert encoding.decode((np.array([-50.0, 50.0]),), rng=RNG).to_list() == [3, 9]


def test_numbers_too_large_to_be_exact_are_refused():
    with pytest.raises(DataError, match="2\\*\\*53"):
        fit(pl.Series("n", [2**60]), Column("n", "number", integer=True))


def test_full_hours_stay_full_hours():
    values = pl.Series(
        "t", [datetime(2013, 1, d, h) for d in (1, 2) for h in (5, 17)], dtype=pl.Datetime("us")
    )
    encoding = fit(values, Column("t", "datetime"))
    drawn = encoding.decode((np.array([15706.0, 15707.0]), np.array([6.0, 11.0])), rng=RNG)
    assert (drawn.dt.minute() == 0).all()


def test_integer_keys_count_on_from_the_row():
    key = fit(pl.Series("id", [501, 502]), Column("id", "key", integer=True))
    assert key.axes == () and key.decode((np.empty(3),), rng=RNG, start=10).to_list() == [11, 12, 13]


@pytest.mark.parametrize("sample", [["C017", "C203"], ["AB-1", "XY-9"], ["a", "b"], ["9f2c", "03bb"]])
def test_text_keys_are_unique_and_none_is_copied_on_purpose(sample):
    key = fit(pl.Series("id", sample * 20), Column("id", "key"), holders=10)
    one = key.decode((np.empty(5000),), rng=RNG, start=0)
    two = key.decode((np.empty(5000),), rng=RNG, start=5000)
    assert pl.concat([one, two]).n_unique() == 10_000


def test_uuid_keys_are_uuids():
    values = pl.Series("id", ["6fa459ea-ee8a-3ca4-894e-db77e160355e", "16fd2706-8baf-433b-82eb-8c7fada847da"])
    key = fit(values, Column("id", "key"))
    drawn = key.decode((np.empty(100),), rng=RNG)
    assert drawn.n_unique() == 100 and drawn.str.len_chars().unique().to_list() == [36]


NAMES = [
    f"{a} {b}" for a in ("Anna", "Bert", "Cleo", "Dora", "Emil") for b in ("Berg", "Smith", "Jones", "Okoye")
]
REVIEWS = [
    f"the {thing} was {how} and the {other} {verb} us"
    for thing in ("room", "soup", "view") for how in ("great", "cold", "loud")
    for other in ("staff", "bill") for verb in ("pleased", "shocked")
]  # fmt: skip


def test_words_of_one_count_are_in_an_order_that_no_process_changes():
    words = fit(pl.Series("t", REVIEWS * 20), Column("t", "text"), holders=10).vocabulary
    counts = dict(zip(words["words"], words["weights"], strict=True))
    assert list(counts) == sorted(counts, key=lambda word: (-counts[word], word)) and len(counts) > 10


@pytest.mark.parametrize("texts", [NAMES, REVIEWS])
def test_text_is_never_verbatim(texts):
    values = pl.Series("t", texts * 20 + [None])
    encoding = fit(values, Column("t", "text", nullable=True), holders=10)
    drawn = encoding.decode(encoding.encode(values), rng=np.random.default_rng(1))
    assert drawn.null_count() == 1 and drawn[-1] is None
    assert not set(drawn.drop_nulls()) & set(texts)
    assert drawn.drop_nulls().str.len_chars().mean() == pytest.approx(
        values.drop_nulls().str.len_chars().mean(), rel=0.3
    )


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("email", r"@example\.(com|org|net)$"),
        ("phone", r"555-01\d\d$"),
        ("ssn", r"^9\d\d-\d\d-\d{4}$"),
        ("ip", r"^(192\.0\.2|198\.51\.100|203\.0\.113|198\.1[89]\.\d+)\."),
        ("url", r"^https://example\.com/"),
        ("iban", r"^GB\d\dZZZZ\d{14}$"),
    ],
)
def test_identifying_columns_get_stand_ins_from_reserved_ranges(what, pattern):
    values = pl.Series("t", ["someone@company.org", "other@firm.net"] * 10)
    encoding = fit(values, Column("t", "text", identifying=what), holders=10)
    assert encoding.decode(encoding.encode(values), rng=RNG).str.contains(pattern).all()


def test_rare_words_and_shapes_are_not_kept():
    texts = ["plain words in every row"] * 50 + ["only Xanthippe9 wrote this here"]
    encoding = fit(pl.Series("t", texts), Column("t", "text"), holders=10)
    assert "Xanthippe9" not in str(encoding.dump())
