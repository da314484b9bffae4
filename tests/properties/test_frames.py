"""Whatever kind of frame comes in goes out."""

import datetime as dt
import json
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulacra.errors import DataError
from simulacra.frames import Layout, from_polars, is_frame, to_polars, unique_names
from simulacra.schema.types import Column, Table


def through(frame):
    inside, layout = to_polars(frame)
    return from_polars(inside, Layout.restore(json.loads(json.dumps(layout.dump()))))


WHEN = pd.Series(pd.to_datetime(["2020-01-01 00:00:00", None, "2020-07-02 03:04:05"]))
PANDAS = {
    "int16": pd.Series([1, 2, 3], dtype="int16"),
    "uint64": pd.Series([1, 2, 2**63], dtype="uint64"),
    "float32": pd.Series([1.5, None, 3], dtype="float32"),
    "bool": pd.Series([True, False, True]),
    "bool with missing": pd.Series([True, None, False], dtype=object),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "Int64": pd.Series([1, None, 2**62 + 1], dtype="Int64"),
    "UInt8": pd.Series([1, None, 255], dtype="UInt8"),
    "Float64": pd.Series([1, None, 2.5], dtype="Float64"),
    "category": pd.Series(["a", None, "b"], dtype="category"),
    "category of int": pd.Series(pd.Categorical([3, None, 1])),
    "category of bool": pd.Series(pd.Categorical([True, None, False])),
    "ordered": pd.Series(pd.Categorical(["lo", None, "hi"], ["lo", "mid", "hi"], ordered=True)),
    "text": pd.Series(["x", None, ""]),
    "object text": pd.Series(["x", None, ""], dtype=object),
    "string": pd.Series(["x", None, ""], dtype="string[python]"),
    "all missing": pd.Series([None, None, None], dtype=object),
    "datetime us": WHEN.astype("datetime64[us]"),
    "datetime ns": WHEN.astype("datetime64[ns]"),
    "datetime s": WHEN.astype("datetime64[s]"),
    "zone": WHEN.astype("datetime64[ns]").dt.tz_localize("Europe/Paris"),
    "offset": WHEN.dt.tz_localize(dt.timezone(dt.timedelta(hours=2))),
    "timedelta": pd.Series(pd.to_timedelta([1, None, 3], unit="h")),
    "dates": pd.Series([dt.date(2020, 1, 1), None, dt.date(2021, 1, 1)], dtype=object),
    "times": pd.Series([dt.time(1, 2), None, dt.time(3)], dtype=object),
    "decimals": pd.Series([Decimal("1.50"), None, Decimal("-2.25")], dtype=object),
    "object int": pd.Series([1, None, 3], dtype=object),
    "arrow int": pd.Series([1, None, 3], dtype="int32[pyarrow]"),
    "arrow text": pd.Series(["a", None, "b"], dtype=pd.ArrowDtype(pa.string())),
    "arrow zone": pd.Series([WHEN[0], None, WHEN[2]], dtype=pd.ArrowDtype(pa.timestamp("ms"))),
    "arrow decimal": pd.Series(
        [Decimal("1.50"), None, Decimal("2")], dtype=pd.ArrowDtype(pa.decimal128(10, 2))
    ),
}


@pytest.mark.parametrize("name", PANDAS)
def test_pandas_columns_come_back_as_they_were(name):
    frame = pd.DataFrame({"x": PANDAS[name]}, index=[7, 7, 9])
    frame["x"] = PANDAS[name].array
    pd.testing.assert_frame_equal(through(frame), frame.reset_index(drop=True))


def test_an_empty_pandas_frame_keeps_its_types():
    frame = pd.DataFrame({name: column.array[:0] for name, column in PANDAS.items() if "object" not in name})
    back = through(frame)
    plain = [
        n for n in frame if frame[n].dtype != object and not isinstance(frame[n].dtype, pd.CategoricalDtype)
    ]
    assert len(plain) > 15
    assert back[plain].dtypes.to_dict() == frame[plain].dtypes.to_dict()
    assert len(back) == 0


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Int8, pl.Int16, pl.UInt32, pl.UInt64, pl.Int128, pl.Float32, pl.Decimal(12, 2), pl.Boolean,
        pl.String, pl.Categorical, pl.Enum(["1", "0"]), pl.Date, pl.Time, pl.Datetime("ms"),
        pl.Datetime("ns", "Asia/Tokyo"), pl.Duration("ms"), pl.Null,
    ],
    ids=str,
)  # fmt: skip
def test_polars_columns_come_back_as_they_were(dtype):
    plain = (
        ["1", None, "0"]
        if dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum)
        else [1, None, 0]
    )
    values = pl.Series("x", plain).cast(dtype) if dtype != pl.Null else pl.Series("x", [None] * 3)
    frame = values.to_frame()
    back = through(frame)
    assert back.equals(frame) and back.schema == frame.schema
    lazy = through(frame.lazy())
    assert lazy.equals(frame)


ARROW = pa.table(
    {
        "i": pa.array([1, None], pa.int16()),
        "s": ["a", None],
        "l": pa.array(["a", None], pa.large_string()),
        "d": pa.array(["a", None]).dictionary_encode(),
        "ts": pa.array([dt.datetime(2020, 1, 1), None], pa.timestamp("s", "Europe/Paris")),
        "t": pa.array([dt.time(1), None], pa.time32("s")),
        "d64": pa.array([dt.date(2020, 1, 1), None], pa.date64()),
        "dec": pa.array([Decimal("1.5"), None], pa.decimal128(10, 2)),
        "f": pa.array([1.5, None], pa.float32()),
        "dur": pa.array([dt.timedelta(1), None], pa.duration("s")),
        "b": [True, None],
    }
)


def test_arrow_tables_come_back_as_they_were():
    assert through(ARROW).equals(ARROW)
    assert through(ARROW.to_batches()[0]).equals(ARROW)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, width=32)), max_size=8))
def test_numbers_survive_every_kind(values):
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Float32})
    assert through(frame).equals(frame)
    pandas = pd.DataFrame({"x": np.array([np.nan if v is None else v for v in values], dtype="float32")})
    pd.testing.assert_frame_equal(through(pandas), pandas)
    arrow = pa.table({"x": pa.array(values, pa.float32())})
    assert through(arrow).equals(arrow)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))), max_size=6))
def test_text_survives_every_kind(values):
    assert through(pl.DataFrame({"x": values}, schema={"x": pl.String}))["x"].to_list() == values
    pandas = through(pd.DataFrame({"x": pd.Series(values, dtype=object)}))["x"]
    assert [None if pd.isna(v) else v for v in pandas] == values
    assert through(pa.table({"x": pa.array(values, pa.string())}))["x"].to_pylist() == values


def test_missing_values_of_pandas_are_null_inside():
    frame = pd.DataFrame({"f": [1.0, np.nan], "t": pd.to_datetime(["2020-01-01", None]), "s": ["a", None]})
    inside, _ = to_polars(frame)
    assert inside.null_count().row(0) == (1, 1, 1)


def test_a_type_that_can_not_hold_the_values_is_widened():
    layout = to_polars(pd.DataFrame({"a": np.array([1], "int8"), "b": [True]}))[1]
    out = from_polars(pl.DataFrame({"a": [1, None], "b": [True, None]}), layout)
    assert out["a"].dtype == "float64" and out["b"].dtype == object
    out = from_polars(pl.DataFrame({"a": [1, 1000], "b": [True, False]}), layout)
    assert out["a"].dtype == "int64" and out["b"].dtype == bool
    layout = to_polars(pl.DataFrame({"a": [1], "e": ["x"]}, schema={"a": pl.Int8, "e": pl.Enum(["x"])}))[1]
    wide = from_polars(pl.DataFrame({"a": [1, 1000], "e": ["x", "rest"]}), layout)
    assert wide["a"].to_list() == [1, 1000] and wide["e"].to_list() == ["x", "rest"]
    half = from_polars(pl.DataFrame({"a": [0.5]}), layout)
    assert half["a"].to_list() == [0.5]


def test_codes_kept_as_categories_go_back_to_numbers():
    inside = pl.DataFrame({"a": ["3", "1", None]})
    assert from_polars(inside, Layout("polars", {"a": "Int8"}))["a"].to_list() == [3, 1, None]
    assert from_polars(inside, Layout("pandas", {"a": "Int64"}))["a"].tolist()[:2] == [3, 1]
    assert from_polars(inside, Layout("pandas", {"a": "object:int"}))["a"].tolist() == [3, 1, None]
    assert from_polars(inside, Layout("arrow", {"a": "int8"}))["a"].to_pylist() == [3, 1, None]


def test_moments_that_came_as_text_go_out_as_text():
    table = Table("t", (Column("d", "date", format="%d/%m/%Y"), Column("b", "boolean", format="N|Y")))
    inside = pl.DataFrame({"d": [dt.date(2024, 2, 1), None], "b": [True, False]})
    for frame in (pd.DataFrame({"d": ["x"], "b": ["y"]}), pl.DataFrame({"d": ["x"], "b": ["y"]})):
        out = from_polars(inside, to_polars(frame)[1], table)
        assert list(out["d"])[:1] == ["01/02/2024"] and list(out["b"]) == ["Y", "N"]


def test_an_unordered_category_keeps_no_vocabulary():
    layout = to_polars(pd.DataFrame({"a": pd.Categorical(["rare disease"])}))[1]
    assert "rare" not in json.dumps(layout.dump())


def test_names_become_unique_text_and_that_is_told():
    frame = pd.DataFrame([[1, 2, 3, 4]], columns=["a", "a", "", 7])
    inside, layout = to_polars(frame)
    assert inside.columns == ["a", "a_2", "column_3", "7"]
    assert layout.renamed == {"a_2": "a", "column_3": "", "7": "7"}
    assert len(layout.notes) == 3
    assert list(from_polars(inside, layout).columns) == inside.columns
    assert unique_names(["a", "a", "a_2", None, "column_4"])[0] == [
        "a",
        "a_3",
        "a_2",
        "column_4_2",
        "column_4",
    ]


def test_mixed_and_nested_columns_become_text_and_that_is_told():
    inside, layout = to_polars(pd.DataFrame({"m": pd.Series([1, "a", None], dtype=object)}))
    assert inside["m"].to_list() == ["1", "a", None] and "'m'" in layout.notes[0]
    inside, layout = to_polars(pl.DataFrame({"l": [[1, 2], None], "s": [{"k": 1}, {"k": None}]}))
    assert (
        inside["l"].to_list() == ["[1, 2]", None] and inside["s"][0] == '{"k": 1}' and len(layout.notes) == 2
    )


def test_what_is_no_frame_is_refused():
    assert not is_frame({"a": [1]}) and is_frame(pd.DataFrame()) and is_frame(ARROW)
    with pytest.raises(DataError, match=r"'builtins\.list' is no frame"):
        to_polars([1])


def test_pandas_needs_no_pyarrow():
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import pandas as pd\n"
        "from simulacra.frames import to_polars, from_polars\n"
        "f = pd.DataFrame({'a': [1, 2], 's': ['x', None], 'c': pd.Categorical(['u', 'v']),"
        " 'n': pd.array([1, None], dtype='Int64'), 'b': pd.array([True, None], dtype='boolean'),"
        " 'd': pd.to_datetime(['2020-01-01', '2020-01-02']).tz_localize('UTC'), 'o': [1, 'a']})\n"
        "pd.testing.assert_frame_equal(from_polars(*to_polars(f)).drop(columns='o'), f.drop(columns='o'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_polars_frames_load_neither_pandas_nor_pyarrow():
    code = (
        "import sys, polars as pl\n"
        "from simulacra.frames import to_polars, from_polars\n"
        "from_polars(*to_polars(pl.DataFrame({'a': [1]})))\n"
        "assert not {'pandas', 'pyarrow'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
