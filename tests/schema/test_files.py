"""Schema files: whatever is written reads back the same, and what is wrong is told with its place."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from simulacra.errors import FileError, SchemaError
from simulacra.schema.files import (
    dump_schema,
    format_schema,
    json_schema,
    load_schema,
    parse_schema,
    read_schema,
    write_schema,
)
from simulacra.schema.types import IDENTIFYING, Check, Column, Schema, Table

ODD = [
    "yes", "no", "on", "null", "~", "1", "1.0", "1e5", "0x1f",
    "1:30", "2013-01-01", "", " ", " a", "a ", "a: b", "a #b", "#",
    "- a", "?", "|", ">", "*a", "&a", "!a", "%a", "@a",
    "`a", "'a'", '"a"', "\\", "a\nb", "\t", "\r", "é", "日本",
    "😀", "\u2028", "\x85", "\ufeff", "\x00", "\x1b", "<<", "=", "[a]",
    "{a: b}", "a,b", ".inf", ".nan", "key", "levels", "columns", "n" * 2_000, "é" * 1_500,
]  # fmt: skip


def one(name: str = "t", **facts: Any) -> Schema:
    """Make a schema of one column."""
    facts.setdefault("kind", "text")
    return Schema((Table(name, (Column("x", **facts),)),))


def both_ways(schema: Schema) -> None:
    """Check that text, plain values, JSON and any YAML 1.1 reader give the schema back."""
    text = format_schema(schema)
    assert parse_schema(text) == schema
    assert load_schema(yaml.safe_load(text)) == schema
    content = dump_schema(schema)
    assert load_schema(json.loads(json.dumps(content))) == schema
    jsonschema.validate(content, json_schema())


@pytest.mark.parametrize("name", ODD)
def test_odd_names_round_trip(name: str) -> None:
    levels = tuple(dict.fromkeys([name, "yes", "1", "01", "1.50", "null"]))
    columns = (Column(name, "category", levels=levels), Column(f"{name}-", "text", unit=name, pattern=name))
    both_ways(Schema((Table(name, columns, key=(name,), constraints=(Check(name),)),), {name: {name: name}}))


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "number", "bounds": (0.1, 1e300)},
        {"kind": "number", "bounds": (1e-7, 1e20), "decimals": 0, "step": 0.25},
        {"kind": "number", "integer": True, "bounds": (-(2**62), 2**62), "step": 5},
        {"kind": "date", "bounds": (date(1, 1, 1), date(9999, 12, 31)), "format": "%d.%m.%Y"},
        {"kind": "datetime", "bounds": (datetime(2013, 1, 1), datetime(2013, 1, 1, 1, 2, 3, 45))},
        {
            "kind": "datetime",
            "timezone": "Europe/Paris",
            "bounds": tuple(datetime(2024, m, 1, tzinfo=ZoneInfo("Europe/Paris")) for m in (1, 7)),
        },
        {"kind": "time", "bounds": (time(0), time(23, 59, 59, 999_999))},
        {"kind": "duration", "bounds": (timedelta(days=-1, microseconds=1), timedelta(days=400, hours=3))},
        {"kind": "boolean", "format": "no|yes", "nullable": True, "protect": False, "sensitive": True},
        {"kind": "category", "levels": (), "declared": True},
        {"kind": "category", "levels": tuple(f"level {i}" for i in range(1_000))},
        {"kind": "key", "integer": True},
        {"kind": "text", "identifying": "email"},
    ],
)
def test_facts_round_trip(facts: dict[str, Any]) -> None:
    both_ways(one(**facts))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
optional = st.none() | texts
bounds = {
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60),
    "date": st.dates(),
    "datetime": st.datetimes(),
    "time": st.times(),
    "duration": st.timedeltas(),
}


@st.composite
def any_column(draw: st.DrawFn, name: str) -> Column:
    """Draw a column with any facts that its kind allows."""
    kind = draw(st.sampled_from(["category", "boolean", "text", "key", *bounds]))
    facts: dict[str, Any] = {
        fact: draw(st.booleans()) for fact in ("nullable", "sensitive", "declared", "protect")
    }
    facts |= {fact: draw(optional) for fact in ("unit", "pattern", "format")}
    if kind == "boolean":
        facts["format"] = draw(st.none() | st.just("no|yes"))
    if kind == "text":
        facts["identifying"] = draw(st.none() | st.sampled_from(IDENTIFYING))
    if kind in bounds and draw(st.booleans()):
        facts["bounds"] = tuple(sorted((draw(bounds[kind]), draw(bounds[kind]))))
    if kind == "category" and draw(st.booleans()):
        facts["levels"] = tuple(draw(st.lists(texts, unique=True, max_size=5)))
    if kind in {"number", "key"}:
        facts["integer"] = draw(st.booleans())
    if kind == "number":
        facts["decimals"] = draw(st.none() | st.integers(0, 12))
        facts["step"] = draw(st.none() | st.floats(1e-9, 1e9))
    return Column(name, kind, **facts)


@st.composite
def any_schema(draw: st.DrawFn) -> Schema:
    """Draw a schema of up to two tables, with reasons."""
    tables, reasons = [], {}
    for name in draw(st.lists(texts, unique=True, max_size=2)):
        names = draw(st.lists(texts, unique=True, max_size=4))
        columns = tuple(draw(any_column(column)) for column in names)
        key = tuple(draw(st.lists(st.sampled_from(names), unique=True))) if names else ()
        checks = tuple(Check(sql) for sql in draw(st.lists(texts, max_size=2)))
        tables.append(Table(name, columns, key=key, constraints=checks))
        reasons[name] = {column: draw(texts) for column in names}
    return Schema(tuple(tables), reasons)


@settings(max_examples=60, deadline=None)
@given(any_schema())
def test_any_schema_round_trips(schema: Schema) -> None:
    both_ways(schema)


def test_the_file_is_friendly(tmp_path: Path) -> None:
    column = Column("age", "number", integer=True, bounds=(17, 90))
    schema = Schema((Table("people", (column,), key=("age",), constraints=(Check("age > 0"),)),))
    schema = Schema(schema.tables, {"people": {"age": "whole numbers, 17 to 90"}})
    write_schema(schema, tmp_path / "schema.yaml")
    assert (tmp_path / "schema.yaml").read_text(encoding="utf-8") == (
        "version: 1\n"
        "tables:\n"
        "  people:\n"
        "    key: [age]\n"
        "    columns:\n"
        "      # why: whole numbers, 17 to 90\n"
        "      age: {kind: number, integer: true, bounds: [17, 90]}\n"
        "    constraints:\n"
        "      - age > 0\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["schema.yaml"], "nothing is left beside it"
    assert read_schema(tmp_path / "schema.yaml") == schema


def test_long_lists_are_wrapped() -> None:
    text = format_schema(one(kind="category", levels=tuple(f"level {i}" for i in range(200))))
    assert max(map(len, text.splitlines())) <= 120


def test_people_may_write_it_their_way() -> None:
    schema = parse_schema(
        """
        version: 1
        tables:
          t:
            columns:
              no: {kind: category, levels: [no, NO, 1, 1.50, 2013-01-01, true]}
              1: number
              day:
                kind: date
                bounds: [2013-01-01, "2013-12-31"]
              took: {kind: duration, bounds: [PT90M, P1W], format: null}
        """
    )
    table = schema.table()
    assert table.names == ("no", "1", "day", "took")
    assert table["no"].levels == ("no", "NO", "1", "1.50", "2013-01-01", "true")
    assert table["1"].kind == "number"
    assert table["day"].bounds == (date(2013, 1, 1), date(2013, 12, 31))
    assert table["took"].bounds == (timedelta(minutes=90), timedelta(weeks=1))


HEAD = "version: 1\ntables: {t: {columns: {x: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no 'tables'"),
        ("- 1", "has no 'tables'"),
        ("name,age\nAda,36", "has no 'tables'"),
        ("tables: {}", "field 'version': expected 1, not null"),
        ("version: 2\ntables: {}", "is of version 2, and this simulacra reads up to 1"),
        ("version: one\ntables: {}", "field 'version': expected 1"),
        ("version: 1\ntables: [a]", "field 'tables'"),
        ("version: 1\ntabels: {}\ntables: {}", "no field named 'tabels'; did you mean 'tables'?"),
        ("version: 1\ntables: {t: 3}", "table 't': expected 'columns'"),
        ("version: 1\ntables: {t: {colums: {}}}", "did you mean 'columns'?"),
        (
            "version: 1\ntables: {t: {columns: {}, key: x}}",
            "field 'key': expected a list of texts",
        ),
        ("version: 1\ntables: {t: {columns: {}, key: [x]}}", "table 't': key 'x' is not one of its columns"),
        (
            HEAD + "{kind: nmber}}}}",
            "column 'x', field 'kind': no kind named 'nmber'; did",
        ),
        (HEAD + "[1]}}}", "table 't', column 'x': expected fields such as"),
        (HEAD + "{nullable: true}}}}", "table 't', column 'x': 'kind' is missing"),
        (HEAD + "{kind: number, bound: [1, 2]}}}}", "did you mean 'bounds'?"),
        (HEAD + "{kind: number, nullable: maybe}}}}", "field 'nullable': expected true or false, not text"),
        (HEAD + "{kind: number, decimals: 1.5}}}}", "field 'decimals': expected a whole number or null"),
        (HEAD + "{kind: number, decimals: -1}}}}", "field 'decimals': must be 0 or more"),
        (HEAD + "{kind: number, step: 0}}}}", "field 'step': must be above 0"),
        (HEAD + "{kind: number, bounds: [1, 2, 3]}}}}", "field 'bounds': expected two values"),
        (HEAD + "{kind: number, bounds: [2, 1]}}}}", "table 't', column 'x': the lower bound is above"),
        (HEAD + "{kind: number, bounds: [a, 1]}}}}", "column 'x', bounds: expected a number"),
        (HEAD + "{kind: date, bounds: [2013-02-31, 2013-03-01]}}}}", "'2013-02-31' is not a date"),
        (HEAD + "{kind: text, bounds: [1, 2]}}}}", "a text has no bounds"),
        (HEAD + "{kind: category, levels: [a, a]}}}}", "a level is listed twice"),
        (HEAD + "{kind: category, levels: [[a]]}}}}", "field 'levels': a level must be text"),
        (HEAD + "{kind: datetime, timezone: Mars}}}}", "'Mars' is no time zone"),
        ("version: 1\ntables: {t: {columns: {x: text, x: text}}}", "line 2: 'x' stands there twice"),
        ("version: 1\n  tables: [", "line 2"),
        ("version: 1\ntables: {t: {columns: {x: !!python/object:os.system text}}}", "not valid YAML"),
        ("version: 1\ntables: &a {t: {columns: {}}}\nmore: *a", "line 3: aliases"),
        ("---\nversion: 1\n---\nversion: 1", "line 3"),
        ("version: 1\ntables: " + "[" * 900, "nested more than"),
        ("version: 1\ntables: {? [a] : b}", "a name must be text"),
        ("version: 1\ntables: \x00", "a character that YAML does not allow"),
        ("version: " + "9" * 5_000 + "\ntables: {}", "too long"),
    ],
)
def test_errors_say_where(text: str, message: str) -> None:
    with pytest.raises(SchemaError) as raised:
        parse_schema(text)
    assert message in str(raised.value)


def test_an_alias_bomb_costs_nothing() -> None:
    lines = ["version: 1", "a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    with pytest.raises(SchemaError, match="aliases"):
        parse_schema("\n".join(lines))


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no file"):
        read_schema(tmp_path / "none.yaml")
    with pytest.raises(FileError, match="it is a folder"):
        read_schema(tmp_path)
    with pytest.raises(FileError, match=r"can not write .* there is no folder"):
        write_schema(one(), tmp_path / "none" / "schema.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(SchemaError, match="not UTF-8"):
        read_schema(tmp_path / "binary")
    (tmp_path / "bad.yaml").write_text("version: 1\ntables: {t: 3}")
    with pytest.raises(SchemaError, match=r"bad\.yaml': table 't'"):
        read_schema(tmp_path / "bad.yaml")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(51 * 2**20)
    with pytest.raises(SchemaError, match="larger than 50 MB"):
        read_schema(tmp_path / "huge")


def test_the_json_schema_is_one_and_refuses_what_loading_refuses() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    bad = {"version": 1, "tables": {"t": {"columns": {"x": {"kind": "number", "bound": [1, 2]}}}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, json_schema())
    with pytest.raises(SchemaError):
        load_schema(bad)
