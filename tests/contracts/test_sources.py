"""Every file format gives back what was written, finds its dialect, and says what is wrong and where."""

import bz2
import csv
import datetime as dt
import gzip
import io
import lzma
import random
import zipfile

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from simulacra.cli._demo import find_data
from simulacra.errors import DataError, FileError, UnknownName
from simulacra.filing import known_suffixes, read_path, source_for, table_name, write_path
from simulacra.registry import SOURCES
from simulacra.schema.types import Column, Table
from simulacra.sources.csv import Csv
from simulacra.sources.excel import Excel
from simulacra.sources.jsonl import Jsonl
from simulacra.testing import check_source

VALUES = pl.DataFrame(
    {
        "n": [1, None, -3],
        "x": [0.1, 2.5, None],
        "c": ["a,b", 'say "hi"', None],
        "line": ["two\nlines", " spaces ", "ünï"],
        "b": [True, None, False],
        "d": [dt.date(2024, 2, 29), None, dt.date(1999, 12, 31)],
        "t": [dt.datetime(2024, 2, 29, 13, 5, 7), None, dt.datetime(1999, 12, 31, 23, 59, 59)],
        "clock": [dt.time(1, 2, 3), None, dt.time(23, 0)],
    }
)
KINDS = {"n": "number", "x": "number", "c": "category", "line": "text"}
KINDS |= {"b": "boolean", "d": "date", "t": "datetime", "clock": "time"}
TABLE = Table("t", tuple(Column(name, kind, integer=name == "n") for name, kind in KINDS.items()))  # type: ignore[arg-type]
WRITABLE = sorted(s for s in known_suffixes() if not s.endswith((".zip", ".xls", ".xlsm", ".xlsb", ".ods")))
WRITABLE = [s for s in WRITABLE if not (s.startswith((".json", ".ndjson")) and s.endswith(".zst"))]


def read_csv(tmp_path, text, **options):
    path = tmp_path / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = Csv(**options)
    return source.read(path), source.notes


@pytest.mark.parametrize("suffix", WRITABLE)
def test_what_is_written_is_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_path(VALUES, path, TABLE)
    loaded = read_path(path)["a"]
    assert loaded.frame.columns == VALUES.columns and loaded.frame.height == 3
    assert loaded.frame.null_count().row(0) == VALUES.null_count().row(0)
    frame = loaded.frame
    if frame.schema != VALUES.schema:
        parsed = {"d": pl.Date, "t": pl.Datetime("us"), "clock": pl.Time, "n": pl.Int64, "x": pl.Float64}
        texts = {name: frame[name] for name in parsed if frame[name].dtype == pl.String}
        frame = frame.with_columns(
            s.str.strptime(parsed[n], "%Y-%m-%dT%H:%M:%S" if n == "t" else None)
            if n in {"d", "t", "clock"}
            else s.cast(parsed[n])
            for n, s in texts.items()
        )
        if frame["b"].dtype == pl.String:
            frame = frame.with_columns(pl.col("b").replace_strict({"true": True, "false": False}))
    assert frame.equals(VALUES), frame
    assert loaded.typed == source_for(path).typed
    again = path.with_name(f"b{suffix}")
    write_path(VALUES, again, TABLE)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", ".jsonl", ".xlsx"])
def test_a_file_of_no_rows(tmp_path, suffix):
    write_path(VALUES[:0], tmp_path / f"a{suffix}", TABLE)
    frame = read_path(tmp_path / f"a{suffix}")["a"].frame
    assert frame.height == 0
    if suffix != ".jsonl":
        assert frame.columns == VALUES.columns


@pytest.mark.parametrize("name", SOURCES.names())
def test_source_keeps_the_contract(name):
    check_source(SOURCES.load(name))


@pytest.mark.parametrize("name", SOURCES.names())
def test_a_damaged_or_missing_file_is_told(tmp_path, name):
    suffix = SOURCES.load(name).suffixes[0]
    path = tmp_path / f"a{suffix}"
    with pytest.raises(FileError, match="there is no file"):
        read_path(path)
    with pytest.raises(FileError, match="there is no file"):
        source_for(path).read(path)
    path.write_bytes(b"\x00\x01\x02PAR1 nothing")
    with pytest.raises(DataError, match=r"'a\.\w+' is not") as told:
        read_path(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("final", [True, False])
def test_separators_and_line_ends_are_found(tmp_path, separator, end, final):
    rows = [["name", "price", "note"], ["Ada", "1,5", "x; y"], ["Bob", "", "a|b\tc"], ["Cy", "3", "last"]]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=separator, lineterminator=end).writerows(rows)
    text = buffer.getvalue() if final else buffer.getvalue().removesuffix(end)
    frame, notes = read_csv(tmp_path, text)
    assert [frame.columns, *map(list, frame.rows())] == [[v or None for v in row] for row in rows]
    assert notes == []


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a,b\n"x\ny",1\n"",2\n', [("x\ny", "1"), (None, "2")]),
        ("a,b\n\n1,2\n\n\n", [("1", "2")]),
        ("a\n1\n\n3\n\n", [("1",), (None,), ("3",)]),
        ('a\n1\n""\n', [("1",), (None,)]),
        ('size,n\n5" pipe,1\n6" x,2\n7",3\n', [('5" pipe', "1"), ('6" x', "2"), ('7"', "3")]),
        ("a, b\n1, x\n2, y\n", [("1", "x"), ("2", "y")]),
        ('a, b\n1, "x, z"\n2, y\n', [("1", "x, z"), ("2", "y")]),
        ("a;b\n'x;1';2\n'y';3\n", [("x;1", "2"), ("y", "3")]),
        ("sep=;\na;b\n1;2,5\n", [("1", "2,5")]),
        ("a,b\n1,2,\n3,4,\n", [("1", "2"), ("3", "4")]),
        ("only\nit's\nok\n", [("it's",), ("ok",)]),
    ],
)
def test_odd_but_honest_files(tmp_path, text, rows):
    assert read_csv(tmp_path, text)[0].rows() == rows


def test_names_are_made_unique_and_that_is_told(tmp_path):
    frame, notes = read_csv(tmp_path, "a,a,,b\nx,y,z,w\n")
    assert frame.columns == ["a", "a_2", "column_3", "b"] and len(notes) == 2
    frame, _ = read_csv(tmp_path, "b,c\n0,x,y\n1,z,w\n")
    assert frame.columns == ["column_1", "b", "c"]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("39,State-gov,77516\n50,Private,83311\n38,Private,215646\n", False),
        ("2024-01-01,5\n2024-01-02,6\n", False),
        ("country,1990,1991\nFR,1,2\nDE,3,4\n", True),
        ("0,1,2\n5.5,x,y\n6.5,z,w\n", True),
        ("a,b\nx,y\n", True),
        ("name,age\nx,3\n", True),
    ],
)
def test_the_header_is_found(tmp_path, text, header):
    frame, notes = read_csv(tmp_path, text)
    assert frame.height == text.count("\n") - header
    assert bool(notes) is not header
    forced, quiet = read_csv(tmp_path, text, header=not header)
    assert forced.height == text.count("\n") - (not header) and quiet == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "latin-1"])
def test_encodings_are_found_and_guesses_told(tmp_path, encoding):
    frame, notes = read_csv(tmp_path, "né,b\nà,1\nü,2\n".encode(encoding))
    assert frame.columns == ["né", "b"] and frame["né"].to_list() == ["à", "ü"]
    assert len(notes) == (encoding in {"cp1252", "latin-1"})
    assert read_csv(tmp_path, "né\nЖ\n".encode("cp1251", "replace"), encoding="cp1251")[0].item() == "Ж"


def test_compression_is_known_by_content(tmp_path):
    text = b"a,b\n1,x\n2,y\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inner.csv", text)
    for packed in (gzip.compress(text), bz2.compress(text), lzma.compress(text), archive.getvalue()):
        assert read_csv(tmp_path, packed)[0].rows() == [("1", "x"), ("2", "y")]
    with pytest.raises(DataError, match="damaged or cut off"):
        read_csv(tmp_path, gzip.compress(text * 1000)[:40])
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("second.csv", text)
    with pytest.raises(DataError, match="archive of 2 files"):
        read_csv(tmp_path, archive.getvalue())
    with pytest.raises(FileError, match="can not write into an archive"):
        write_path(VALUES, tmp_path / "a.csv.zip", TABLE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'a.csv' is empty"),
        ("\n \n", "'a.csv' is empty"),
        (b"a,b\n1,\x00\n", "NUL bytes"),
        (b"\x01\x02\x03\xff" * 50, "not a text file"),
        (
            "a,b\n1,2\n1,2,3\n4,5\n6\n",
            r"line 3 has 3 field\(s\), the header has 2; 2 of 4 rows differ \(first: lines 3, 5\)",
        ),
        ('a,b\n"x\ny",2\n1,2,3\n', r"line 4 has 3 field"),
        ('a,b\n1,2\n"x,2\n', "record at line 3"),
        ('a\n"x\ny\n', "record at line 2"),
    ],
)
def test_broken_files_are_told_with_the_line(tmp_path, text, words):
    with pytest.raises(DataError, match=words) as told:
        read_csv(tmp_path, text)
    assert "\n" not in str(told.value)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), width=st.integers(2, 4))
def test_any_text_survives_csv(tmp_path_factory, data, width):
    cell = st.text(st.sampled_from("ab1,;|\t\"' \n."), max_size=5)
    rows = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=6))
    frame = pl.DataFrame(rows, schema={f"name{j}": pl.String for j in range(width)}, orient="row")
    path = tmp_path_factory.mktemp("any") / "a.csv"
    Csv().write(frame, path)
    back = Csv(separator=",", header=True, quote='"').read(path)
    assert back.rows() == [tuple(v or None for v in row) for row in rows]


def test_the_line_count_is_right_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("simulacra.sources._dialect._CHUNK", 7)
    rng = random.Random(0)
    rows = [[rng.choice(["", "x", 'q"', "n\nl", "a,b", "long text"]), str(i)] for i in range(200)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([["a", "b"], *rows])
    frame, _ = read_csv(tmp_path, buffer.getvalue())
    assert frame.rows() == [(a or None, b) for a, b in rows]


def test_flights_are_read_whole():
    path = find_data("flights")
    loaded = read_path(path)["flights"]
    assert loaded.frame.shape == (336_776, 19) and loaded.notes == () and not loaded.typed
    assert (loaded.frame["dep_time"] == "NA").sum() == 8_255
    assert set(loaded.frame.dtypes) == {pl.String}


def test_values_stand_in_text_as_the_schema_says(tmp_path):
    table = Table(
        "t",
        (
            Column("d", "date", format="%d.%m.%Y"),
            Column("b", "boolean", format="no|yes"),
            Column("p", "number", decimals=2, format="fixed"),
            Column("x", "number"),
            Column("clock", "number", integer=True, format="HHMM"),
        ),
    )
    day = dt.date(2024, 2, 1)
    frame = pl.DataFrame({"d": [day], "b": [True], "p": [3.1], "x": [0.1 + 0.2], "clock": [5]})
    write_path(frame, tmp_path / "a.csv", table)
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "01.02.2024,yes,3.10,0.30000000000000004,5"
    write_path(frame, tmp_path / "a.jsonl", table)
    line = '{"d":"01.02.2024","b":"yes","p":3.1,"x":0.30000000000000004,"clock":5}\n'
    assert (tmp_path / "a.jsonl").read_text() == line


def test_json_lines_and_lists(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1, "n": {"k": [1]}}\n\n{"a": 2.5, "b": "x"}\n')
    source = Jsonl()
    frame = source.read(path)
    assert frame.drop("n").rows() == [(1.0, None), (2.5, "x")]
    assert frame["n"].to_list() == ['{"k": [1]}', None] and "'n'" in source.notes[0]
    path.write_text('[{"a": 1}, {"a": null, "b": "x"}, {"b": 3}]')
    assert Jsonl().read(path).rows() == [(1, None), (None, "x"), (None, "3")]
    for text, words in [
        ('{"a": 1}\n{"a": \n', "line 2: this is no JSON object"),
        ("a,b\n1,2\n", "line 1: this is no JSON object"),
        ('[{"a": 1}, 3]', "item 2 of the list"),
        ('[{"a": 1},\n}', "line 2: this is not JSON"),
    ]:
        path.write_text(text)
        with pytest.raises(DataError, match=words):
            Jsonl().read(path)


def test_sheets_of_a_workbook(tmp_path):
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("one").write_row(0, 0, ["a", "a"])
    book.add_worksheet("two").write_row(0, 0, ["b"])
    book.add_worksheet("none")
    book.close()
    loaded = read_path(path)["book"]
    assert loaded.frame.columns == ["a", "a_2"] and loaded.frame.height == 0
    assert any("3 sheets" in note for note in loaded.notes)
    assert read_path(f"{path}#two")["two"].frame.columns == ["b"]
    with pytest.raises(UnknownName, match="no sheet named 'tow'; did you mean 'two'"):
        read_path(f"{path}#tow")
    with pytest.raises(DataError, match=r"sheet 'none' of 'book\.xlsx' is empty"):
        Excel(sheet="none").read(path)
    with pytest.raises(DataError, match="texts beyond 32,767 characters"):
        Excel().write(pl.DataFrame({"a": ["x" * 32_768]}), path)
    big = pl.DataFrame({"a": [2**53 + 1], "z": [dt.datetime(2024, 1, 1)], "f": ["=1+1"]}).with_columns(
        pl.col("z").dt.replace_time_zone("Europe/Paris")
    )
    Excel().write(big, path)
    assert Excel().read(path).row(0) == ("9007199254740993", "2024-01-01T00:00:00+01:00", "=1+1")


def test_a_folder_is_a_set_of_tables(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\nq,w\n")
    write_path(VALUES, tmp_path / "b.2024.parquet", TABLE)
    (tmp_path / "notes.md").write_text("hello")
    (tmp_path / ".hidden.csv").write_text("")
    loaded = read_path(tmp_path)
    assert list(loaded) == ["a", "b.2024"] and "notes.md" in loaded["a"].notes[-1]
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"x\nq\n"))
    with pytest.raises(DataError, match=r"'a\.csv' and 'a\.csv\.gz' would both be table 'a'"):
        read_path(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no data files"):
        read_path(tmp_path / "empty")


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    path = tmp_path / "a.sav"
    path.touch()
    with pytest.raises(FileError, match=r"suffix '\.sav' is not known\. Use one of .*\.csv.*\.parquet"):
        read_path(path)
    with pytest.raises(FileError, match="no suffix"):
        write_path(VALUES, tmp_path / "a", TABLE)
    with pytest.raises(FileError, match=r"'a\.ods' can not be written.*Use one of [^:]*\.xlsx \(") as told:
        source_for("a.ods")
    assert ".xls," not in str(told.value) and ".xlsb" not in str(told.value)
    with pytest.raises(FileError, match="it is a folder"):
        write_path(VALUES, tmp_path, TABLE)
    assert table_name("x/A.CSV.GZ") == "A" and table_name(".csv") == ".csv"


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "a.csv"
    target.write_text("old")

    def fail(*args, **kwargs):
        raise OSError("No space left on device (os error 28)")

    monkeypatch.setattr(pl.DataFrame, "write_csv", fail)
    with pytest.raises(
        FileError, match=rf"^no space left on the device while writing '{target}'; nothing was"
    ):
        write_path(VALUES, target, TABLE)
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_quoted_and_bare_empty_fields_side_by_side_are_told(tmp_path):
    frame, notes = read_csv(tmp_path, 'n,t,u\n1,"",\n2,,\n3,x,y\n')
    assert frame["t"].to_list() == [None, None, "x"]
    assert len(notes) == 1 and "with quotes and without in 't'; all are taken for missing" in notes[0]
    assert read_csv(tmp_path, 'n,t\n"1",""\n"2","x"\n')[1] == []
