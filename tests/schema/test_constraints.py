"""Constraints: what breaks each kind, how they are written, and what a fit makes of rows that break them."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import simulacra as sim
from simulacra.errors import DataError, PredicateError, SchemaError, UnknownName
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.constraints import (
    Check,
    Combination,
    Constraint,
    Determines,
    Equality,
    Implies,
    Monotone,
    OneHot,
    Pattern,
    Unique,
)
from simulacra.schema.files import dump_schema, format_schema, json_schema, load_schema, parse_schema
from simulacra.schema.types import Column, Schema, Table
from simulacra.schema.validation import validate

COLUMNS = (
    Column("a", "number", integer=True, nullable=True),
    Column("b", "number", integer=True, nullable=True),
    Column("x", "number", decimals=2, nullable=True),
    Column("y", "number", nullable=True),
    Column("s", "category", nullable=True),
    Column("t", "text", nullable=True),
    Column("p", "boolean", nullable=True),
    Column("q", "boolean", nullable=True),
    Column("d", "date", nullable=True),
    Column("m", "datetime", nullable=True),
    Column("w", "duration", nullable=True),
)
TABLE = Table("t", COLUMNS)
EVERY: list[Constraint] = [
    Check("a <= b"),
    Implies("s = 'shipped'", "d is not null"),
    Equality("x", "y * 2", tolerance=0.5),
    Equality("b", "a + 1"),
    Unique("t"),
    Unique(("s", "d")),
    Determines("s", ("a", "b")),
    Determines("s", ("d", "a"), (("open", None, 1), ("shut", date(2024, 2, 29), 2))),
    Combination(("s", "p")),
    Combination(("s", "a", "d"), (("1.50", 2, date(2024, 2, 29)), ("no", 3, None))),
    Combination(("m", "w"), ((datetime(2024, 1, 1, 12, 30), timedelta(minutes=90)),)),
    OneHot(("p", "q")),
    Monotone("x", "d"),
    Monotone("x", "m", by=("s", "a"), strict=True, falling=True),
    Pattern("t", r"[A-Z]{3}-\d{4}"),
]


def broken(constraint: Constraint, **values: list[Any]) -> list[int]:
    """Return the rows, from 0, that break a constraint."""
    kinds = {c.name: c for c in COLUMNS}
    types: dict[str, Any] = {
        "number": pl.Float64, "category": pl.String, "text": pl.String, "boolean": pl.Boolean, "date": pl.Date,
        "datetime": pl.Datetime("us"), "duration": pl.Duration("us"),
    }  # fmt: skip
    frame = pl.DataFrame(
        {
            name: pl.Series(found, dtype=pl.Int64 if kinds[name].integer else types[kinds[name].kind])
            for name, found in values.items()
        }
    )
    return find_broken(constraint, frame, TABLE).arg_true().to_list()


def test_checks_and_implications_fail_only_on_false() -> None:
    assert broken(Check("a <= b"), a=[1, 2, None, 3], b=[1, 1, 0, None]) == [1]
    rule = Implies("s = 'shipped'", "a > 0")
    assert broken(rule, s=["shipped", "shipped", "open", None, "shipped"], a=[1, 0, 0, 0, None]) == [1]


@pytest.mark.parametrize(
    ("constraint", "values", "rows"),
    [
        (Equality("x", "y * 2"), {"x": [2.01, 2.0, 2.02, None], "y": [1.003, 1.0, 1.0, 1.0]}, [2]),
        (Equality("x", "y * 2", tolerance=0.5), {"x": [2.5, 2.51], "y": [1.0, 1.0]}, [1]),
        (Equality("b", "a + 1"), {"b": [2**60 + 1, 2**60], "a": [2**60, 2**60]}, [1]),
        # reals: 0.1 + 0.2 is not 0.3 in doubles, and that is no breach
        (Equality("y", "0.1 + 0.2"), {"y": [0.3, 0.30001]}, [1]),
        (Equality("t", "s || '!'"), {"t": ["a!", "b", None], "s": ["a", "b", "c"]}, [1]),
        (
            Equality("m", "d + interval '1 day'"),
            {"m": [datetime(2024, 1, 2), datetime(2024, 1, 3)], "d": [date(2024, 1, 1)] * 2},
            [1],
        ),
        (
            Equality("a", "d - date '2024-01-01'"),
            {"a": [0, 2], "d": [date(2024, 1, 1), date(2024, 1, 2)]},
            [1],
        ),
    ],
)
def test_equalities_allow_what_rounding_loses(
    constraint: Equality, values: dict[str, list[Any]], rows: list[int]
) -> None:
    assert broken(constraint, **values) == rows


def test_a_repeated_key_is_broken_by_all_but_its_first_row() -> None:
    assert broken(Unique("t"), t=["a", "b", "a", None, None, "a"]) == [2, 5]
    pair = Unique(("s", "a"))
    assert broken(pair, s=["x", "x", "x", None, None], a=[1, 2, 1, 1, 1]) == [2]


def test_a_dependency_is_broken_by_rows_unlike_most_of_their_group() -> None:
    rule = Determines("s", ("a", "b"))
    found = broken(
        rule, s=["x", "x", "x", "y", None, None], a=[1, 1, 2, 5, 1, 2], b=[None, None, None, 1, 1, 1]
    )
    assert found == [2]
    # a tie goes to the smaller value, wherever it stands
    assert broken(Determines("s", "a"), s=["x", "x"], a=[2, 1]) == [0]


def test_combinations_with_a_list_pass_where_a_value_is_missing() -> None:
    rule = Combination(("s", "a"), (("x", 1), ("y", 2)))
    assert broken(rule, s=["x", "x", None, "y"], a=[1, 2, 9, None]) == [1]
    # what a fit filled in may hold missing values; then they are values like others
    assert broken(
        Combination(("s", "a"), (("x", 1), ("y", None))), s=["y", "x", None], a=[None, None, 1]
    ) == [1, 2]
    assert broken(Combination(("s", "a")), s=["x"], a=[7]) == []


def test_exactly_one_of_a_group_is_true() -> None:
    found = broken(OneHot(("p", "q")), p=[True, True, False, None, None], q=[False, True, False, None, True])
    assert found == [1, 2]
    assert broken(OneHot(("a", "b")), a=[1, 2, 0], b=[0, -1, 1]) == [1]


def test_a_rise_is_broken_below_the_highest_value_before() -> None:
    rows = {"s": ["u", "u", "u", "v", "v"], "d": [date(2024, 1, d) for d in (3, 1, 2, 1, 1)]}
    rise = Monotone("x", "d", by="s")
    assert broken(rise, x=[3.0, 1.0, 2.0, 9.0, 1.0], **rows) == []  # rows of one day are free
    assert broken(rise, x=[1.5, 1.0, 2.0, 9.0, 1.0], **rows) == [0]
    assert broken(Monotone("x", "d"), x=[9.0, None, 2.0, 3.0, 1.0], **rows) == [2]
    assert broken(Monotone("x", "d", falling=True), x=[2.0, 9.0, 3.0, 8.0, 8.0], **rows) == []
    assert broken(Monotone("x", "d", strict=True), x=[3.0, 1.0, 2.0, 1.0, 2.0], **rows) == [2]


def test_a_pattern_matches_in_full() -> None:
    assert broken(Pattern("t", "[A-Z]|[0-9]"), t=["A", "AB", "7", None, "A\n"]) == [1, 4]
    with pytest.raises(SchemaError, match="look-around"):
        broken(Pattern("t", "(?=x)"), t=["a"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 5)), max_size=12))
def test_a_rise_is_found_as_by_looking_at_every_pair(rows: list[tuple[str, int, int]]) -> None:
    frame = {"s": [r[0] for r in rows], "b": [r[1] for r in rows], "a": [r[2] for r in rows]}
    expected = [
        place
        for place, (group, moment, value) in enumerate(rows)
        if any(g == group and m < moment and v > value for g, m, v in rows)
    ]
    assert broken(Monotone("a", "b", by="s"), **frame) == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), min_size=1, max_size=12))
def test_dropping_what_breaks_a_set_leaves_a_set_that_keeps_it(rows: list[tuple[str, int]]) -> None:
    frame = pl.DataFrame(
        {"s": [r[0] for r in rows], "a": [r[1] for r in rows]}, schema={"s": pl.String, "a": pl.Int64}
    )
    for rule in (Unique(("s", "a")), Unique("a"), Determines("s", "a")):
        kept = frame.filter(~find_broken(rule, frame, TABLE))
        assert not find_broken(rule, kept, TABLE).any()


def test_every_kind_says_itself_in_one_plain_line_and_names_its_columns() -> None:
    for rule in EVERY:
        assert "\n" not in str(rule) and len(str(rule)) < 120
        assert columns_of(rule, TABLE)
        assert set(rule.columns) <= set(columns_of(rule, TABLE))
    assert str(Monotone("balance", "day", by="account")) == '"balance" rises with "day" within "account"'
    assert columns_of(Implies("S = 'x'", "A > 1"), TABLE) == ("a", "s")


@pytest.mark.parametrize(
    ("constraint", "match"),
    [
        (Unique("tt"), "no column named 'tt'"),
        (OneHot(("p", "x")), "'x' is a number, and must be a boolean"),
        (Monotone("s", "d"), "'s' is a category, and must be one of number"),
        (Pattern("a", "x"), "'a' is a number"),
        (Combination(("s", "t")), "'t' is a text"),
        (Combination(("s", "a"), (("x", "y"),)), "has str for it"),
    ],
)
def test_what_has_no_meaning_is_refused_where_it_is_declared(constraint: Constraint, match: str) -> None:
    with pytest.raises(SchemaError, match=match):
        Table("t", COLUMNS, constraints=(constraint,))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Unique(()), "expected 1 or more"),
        (lambda: Unique(("a", "a")), "named twice"),
        (lambda: Combination(("a",)), "expected 2 or more"),
        (lambda: Combination(("a", "b"), ((1,),)), "combination 1 has 1 values, not 2"),
        (lambda: Combination(("a", "b"), ()), "no combination is allowed"),
        (lambda: Determines("a", "a"), "can not determine itself"),
        (lambda: Monotone("a", "a"), "named twice"),
        (lambda: Equality("a", "b", tolerance=-1), "0 or more"),
        (lambda: Check(3), "SQL text"),
        (lambda: Pattern("t", "[A-"), "pattern of 't': '\\[A-' is no regular expression"),
        (lambda: Pattern("t", "a(?=b)"), "look-around"),
        (lambda: Pattern("t", ""), "empty"),
    ],
)
def test_arguments_are_checked(make: Any, match: str) -> None:
    with pytest.raises(SchemaError, match=match):
        make()


def test_constraints_are_added_and_taken_away() -> None:
    schema = Schema((TABLE,)).with_constraint("a <= b", Unique("t")).with_constraint(Unique("t"))
    assert schema.table().constraints == (Check("a <= b"), Unique("t"))
    assert schema.without_constraint("a <= b").table().constraints == (Unique("t"),)
    assert schema.without_constraint(Unique("t")).table().constraints == (Check("a <= b"),)
    assert schema.without_constraint().table().constraints == ()
    with pytest.raises(UnknownName, match="no constraint named"):
        schema.without_constraint("a <= c")
    with pytest.raises(PredicateError, match="no column named 'z'"):
        schema.with_constraint("z > 1")
    with pytest.raises(SchemaError, match="stands on both sides"):
        schema.with_constraint(Equality("a", "a + 1"))
    with pytest.raises(SchemaError, match="gives a text"):
        schema.with_constraint(Equality("a", "lower(s)"))


@pytest.mark.parametrize("rule", EVERY, ids=str)
def test_schema_files_give_constraints_back(rule: Constraint) -> None:
    schema = Schema((Table("t", COLUMNS, constraints=(rule, Check("a > 0"))),))
    text = format_schema(schema)
    assert parse_schema(text) == schema
    assert load_schema(yaml.safe_load(text)) == schema
    content = json.loads(json.dumps(dump_schema(schema)))
    assert load_schema(content) == schema
    jsonschema.validate(content, json_schema())


def test_a_file_as_people_write_it_is_read() -> None:
    text = """
version: 1
tables:
  t:
    columns: {a: {kind: number, integer: true}, b: {kind: number, integer: true}, s: category, d: date, t: text}
    constraints:
      - a <= b
      - if: "s = 'x'"
        then: d is not null
      - unique: t
      - determines: s
        columns: [a, b]
      - combination: [s, d]
        allowed: [[x, 2024-01-31], [1, null]]
      - monotone: a
        order: d
        by: s
"""
    assert parse_schema(text).table().constraints == (
        Check("a <= b"),
        Implies("s = 'x'", "d is not null"),
        Unique("t"),
        Determines("s", ("a", "b")),
        Combination(("s", "d"), (("x", date(2024, 1, 31)), ("1", None))),
        Monotone("a", "d", by="s"),
    )


@pytest.mark.parametrize(
    ("rule", "match"),
    [
        ("{uniqe: a}", "constraint 1: no kind of constraint named 'uniqe'; did you mean 'unique'"),
        ("{monotone: a}", "constraint 1, 'monotone': 'order' is missing"),
        ("{unique: a, order: d}", "constraint 1, 'unique': no field named 'order'"),
        ("{unique: 3}", "expected a column or a list of columns"),
        ("{monotone: a, order: d, strict: 1}", "expected true or false"),
        ("{combination: [s, d], allowed: [[x, soon]]}", "is not a date"),
        ("{if: a > 1}", "'then' is missing"),
        ("3", "expected SQL text or a mapping"),
        ("{pattern: a, regex: x}", "'a' is a number"),
    ],
)
def test_a_wrong_constraint_is_told_with_its_place(rule: str, match: str) -> None:
    text = (
        "version: 1\ntables: {t: {columns: {a: number, s: category, d: date}, constraints: [" + rule + "]}}"
    )
    with pytest.raises(SchemaError, match=match):
        parse_schema(text)


def test_validation_counts_every_kind_and_shows_the_first_rows() -> None:
    table = Table(
        "t", (Column("a", "number"), Column("b", "number")), constraints=(Unique("a"), Check("a < b"))
    )
    found = validate(pl.DataFrame({"a": [1.0, 1.0, 5.0], "b": [2.0, 2.0, 3.0]}), table)
    assert [(v.rule, v.count, v.first) for v in found] == [
        ('"a" differs in every row', 1, (2,)),
        ("a < b", 1, (3,)),
    ]
    assert '1 of 3 rows breaks `"a" differs in every row` (first: row 2).' in str(found[0])


@pytest.fixture
def cars() -> pl.DataFrame:
    pairs = [("VW", "Golf")] * 120 + [("Fiat", "Panda")] * 60 + [("VW", "Panda")] * 3
    return pl.DataFrame(
        {
            "make": [p[0] for p in pairs],
            "model": [p[1] for p in pairs],
            "year": list(range(1990, 2020)) * 6 + [2000] * 3,
        }
    )


def test_a_fit_lists_the_combinations_that_enough_rows_hold(cars: pl.DataFrame, tmp_path: Path) -> None:
    schema = sim.infer(cars).with_constraint(Combination(("make", "model")), "year >= 1992")
    model = sim.fit(cars, "independent", schema=schema, seed=1)
    listed, check = model.table.constraints
    assert isinstance(listed, Combination) and check == Check("year >= 1992")
    assert listed.allowed == (("Fiat", "Panda"), ("VW", "Golf"))
    told = " ".join(model.notes)
    assert "3 of 183 training rows break" in told and '12 of 183 training rows break "year >= 1992"' in told
    assert sim.load(model.save(tmp_path / "m.sim")).table.constraints == model.table.constraints
    # without protection every combination seen is allowed
    open_model = sim.fit(cars, "independent", schema=schema, seed=1, protect=False)
    assert len(open_model.table.constraints[0].allowed) == 3


def test_a_fit_refuses_combinations_that_no_rows_share() -> None:
    frame = pl.DataFrame({"u": [f"u{i}" for i in range(40)] * 2, "v": [f"v{i // 2}" for i in range(80)]})
    schema = sim.infer(frame).with_column("u", kind="category").with_column("v", kind="category")
    with pytest.raises(DataError, match="no combination is held by 10 rows"):
        sim.fit(frame, "independent", schema=schema.with_constraint(Combination(("u", "v"))), seed=1)


METADATA = {
    "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
    "columns": {name: {"sdtype": "numerical" if name < "e" else "categorical"} for name in "abcdef"},
    "constraints": [
        {"constraint_class": "Inequality", "constraint_parameters": {"low_column_name": "a", "high_column_name": "b"}},
        {"constraint_class": "Range", "constraint_parameters": {
            "low_column_name": "a", "middle_column_name": "b", "high_column_name": "c", "strict_boundaries": False}},
        {"constraint_class": "ScalarInequality", "constraint_parameters": {
            "column_name": "a", "relation": ">", "value": -1}},
        {"constraint_class": "ScalarRange", "constraint_parameters": {
            "column_name": "a", "low_value": 0, "high_value": 99}},
        {"constraint_class": "Positive", "constraint_parameters": {"column_name": "b"}},
        {"constraint_name": "FixedCombinations", "column_names": ["e", "f"]},
        {"constraint_class": "FixedIncrements", "constraint_parameters": {"column_name": "d", "increment_value": 5}},
        {"constraint_class": "Unique", "constraint_parameters": {"column_names": ["a", "e"]}},
        {"constraint_class": "MyOwn", "constraint_parameters": {}},
        {"constraint_class": "Positive", "constraint_parameters": {"column_name": "zz"}},
        {"constraint_class": "Negative", "constraint_parameters": {}},
    ],
}  # fmt: skip


def test_constraints_of_sdv_metadata_are_translated_or_told(tmp_path: Path) -> None:
    rng = np.random.Generator(np.random.Philox(1))
    low = rng.integers(0, 50, 200)
    frame = pl.DataFrame(
        {"a": low, "b": low + 3, "c": low + 9, "d": low * 5, "e": ["x", "y"] * 100, "f": ["u", "v"] * 100}
    )
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(METADATA))
    read = sim.read(frame, schema=path)
    assert [str(rule) for rule in read.schema.table().constraints] == [
        '"a" <= "b"', '"b" <= "c"', '"a" > -1', '"a" > 0 and "a" < 99', '"b" >= 0',
        '"e", "f" are in a combination that real rows have', '"d" % 5 = 0', '"a", "e" together differ in every row',
    ]  # fmt: skip
    left_out = [note for note in read.notes if "left out" in note]
    assert [note.partition(" is left")[0] for note in left_out] == [
        "metadata, constraint 9 (MyOwn)", "metadata, constraint 10 (Positive)", "metadata, constraint 11 (Negative)",
    ]  # fmt: skip
    model = sim.fit(frame, "independent", schema=sim.infer(frame), seed=1)
    assert not any("left out" in note for note in model.notes)


def test_a_time_may_be_off_by_seconds_of_tolerance() -> None:
    table = Table("t", (Column("u", "time"), Column("v", "time")))
    frame = pl.DataFrame({"u": [time(12, 0, 30), time(12, 1)], "v": [time(12)] * 2})
    assert find_broken(Equality("u", "v", tolerance=30), frame, table).to_list() == [False, True]


def test_listed_groups_bind_and_others_need_only_agree() -> None:
    rule = Determines("s", "a", (("x", 1), ("y", None)))
    frame = pl.DataFrame({"s": ["x", "x", "y", "y", "z", "z", "z", None], "a": [1, 2, 3, None, 5, 5, 6, 7]})
    broken = find_broken(rule, frame, TABLE)
    assert broken.to_list() == [False, True, True, False, False, False, True, False]


def test_groups_are_learnt_from_rows_enough_of_which_hold_them_and_texts_never_are() -> None:
    frame = pl.DataFrame(
        {
            "s": ["x"] * 30 + ["rare"] * 3 + ["y"] * 30,
            "a": [1] * 28 + [2] * 2 + [9] * 3 + [None] * 30,
            "t": [f"text {place}" for place in range(63)],
        }
    )
    schema = (
        sim.infer(frame)
        .with_column("t", kind="text")
        .with_constraint(Determines("s", "a"), Determines("s", "t"))
    )
    model = sim.fit(frame, "independent", schema=schema, seed=1)
    learnt, text = model.table.constraints
    assert isinstance(learnt, Determines) and learnt.groups == (("x", 1), ("y", None))
    assert isinstance(text, Determines) and text.groups is None


@pytest.mark.parametrize("groups", [(("x", 1), ("x", 2)), (("x",),)])
def test_groups_that_contradict_or_lack_a_value_are_refused(groups: tuple[tuple[Any, ...], ...]) -> None:
    with pytest.raises(SchemaError, match="group"):
        Determines("s", "a", groups)


def test_groups_have_the_types_of_their_columns() -> None:
    with pytest.raises(SchemaError, match="'a' is a number"):
        TABLE.__class__("t", COLUMNS, constraints=(Determines("s", "a", (("x", "one"),)),))
