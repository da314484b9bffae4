"""Large tables: column by column into a model, block by block into a file, with the cost told before."""

import json
import os
import subprocess
import sys
import types

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run
from simulacra.compilation import is_cold
from simulacra.errors import FileError, OptionError, RareCondition, SchemaViolation
from simulacra.filing import open_path
from simulacra.intake import Intake
from simulacra.memory import parse_size
from simulacra.provenance import Fingerprint, fingerprint

PEAK = "import re; peak = int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) * 1024\n"


def table(n: int = 3_000) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    age = pl.Series(rng.integers(18, 91, n)).set(pl.Series(rng.random(n) < 0.1), None)
    return pl.DataFrame({
        "id": range(n), "state": rng.choice(["OH", "NY", "CA"], n), "age": age,
        "spend": rng.exponential(20, n).round(2), "at": pl.Series(rng.integers(0, 10**9, n)).cast(pl.Datetime("ms")),
        "member": rng.random(n) < 0.5,
    })  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return sim.fit(table(), "independent", seed=3)


def in_new_process(script: str, *args: object) -> str:
    """Run a script and return its last line."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, args)], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".arrows", ".csv", ".jsonl"])
def test_a_path_gives_the_same_model_as_its_data_set(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    sim.write(table(), path)
    sim.fit(path, "independent", seed=1).save(tmp_path / "a.sim")
    sim.fit(sim.read(path), "independent", seed=1).save(tmp_path / "b.sim")
    assert (tmp_path / "a.sim").read_bytes() == (tmp_path / "b.sim").read_bytes()


def test_a_path_is_held_against_its_schema_like_a_data_set(tmp_path):
    path = tmp_path / "t.parquet"
    frame = table().with_columns(pl.col("spend").cast(pl.String), code=pl.lit("x1"))
    frame.write_parquet(path)
    schema = sim.infer(table().with_columns(code=pl.lit("x1")))
    for wrong in (
        schema.with_column("age", bounds=(0, 60)),
        schema.with_column("code", kind="number"),
        schema.with_column("state", levels=("OH", "NY")),
    ):
        with pytest.raises(SchemaViolation) as lean:
            sim.fit(path, "independent", schema=wrong)
        with pytest.raises(SchemaViolation) as eager:
            sim.fit(sim.read(path, schema=wrong), "independent")
        assert str(lean.value) == str(eager.value)


def test_columns_of_a_parquet_file_are_read_one_by_one(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": [1, 2], "": [[1], None], "b": ["x", None]}).write_parquet(path)
    opened = open_path(path)
    assert opened.stored.names == ("a", "column_2", "b") and opened.stored.rows == 2
    assert opened.stored.load("column_2").to_list() == ["[1]", None]
    assert len(opened.notes) == 2
    assert [values.to_list() for _, values in Intake.open(path).columns()] == [
        [1, 2],
        ["[1]", None],
        ["x", None],
    ]


def test_fitting_a_file_holds_the_encoded_rows_twice_and_one_column(tmp_path):
    path, columns, rows = tmp_path / "t.parquet", 32, 400_000
    rng = np.random.default_rng(1)
    pl.DataFrame({f"x{j}": rng.normal(size=rows) for j in range(columns)}).write_parquet(path)
    script = (
        "import sys, numpy as np, polars as pl, simulacra as sim\n"
        "sim.fit(pl.DataFrame({'a': np.arange(1000.0)}), 'independent', seed=1)\n"
        f"{PEAK}before = peak\nsim.fit(sys.argv[1], 'independent', seed=1)\n{PEAK}print(peak - before)"
    )
    block = 8 * columns * rows
    # twice the block and some copies of one column are needed; a frame beside it would make it three times
    assert int(in_new_process(script, path)) < 2.6 * block


@pytest.mark.parametrize(
    "suffix", [".csv", ".csv.gz", ".csv.zst", ".parquet", ".arrow", ".arrows", ".jsonl", ".json"]
)
def test_a_file_written_block_by_block_is_that_of_the_whole_sample(model, tmp_path, suffix):
    for name, request in {
        "plain": {},
        "where": {"where": "age > 60"},
        "balance": {"balance": {"state": {"OH": 0.9}}},
    }.items():
        n = 70_000 if name == "plain" else 2_000
        whole = model.sample(n, seed=5, **request)
        whole.write(tmp_path / f"whole{suffix}")
        done = model.write(tmp_path / f"blocks{suffix}", n, seed=5, **request)
        assert (tmp_path / f"whole{suffix}").read_bytes() == (tmp_path / f"blocks{suffix}").read_bytes()
        assert (done.rows, done.digest, done.notes) == (n, whole.digest, whole.notes)


def test_threads_change_no_byte(model, monkeypatch):
    two = model.sample(200_000, seed=1).digest
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert model.sample(200_000, seed=1).digest == two


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_what_fails_midway_leaves_nothing_and_is_told_as_it_is(model, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr("simulacra.sampling.drawing.MOST_DRAWS", 1_000)
    with pytest.raises(RareCondition, match="Ask for at most"):
        model.write(tmp_path / f"a{suffix}", 50_000, seed=1, where="spend > 2 * age")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_memory_stays_flat_however_many_rows_are_written(model, tmp_path, suffix):
    model.save(tmp_path / "m.sim")
    script = (
        "import sys, simulacra as sim\n"
        "model = sim.load(sys.argv[1])\nmodel.write(sys.argv[2], 150_000, seed=1)\n"
        f"{PEAK}before = peak\nmodel.write(sys.argv[2], 800_000, seed=1)\n{PEAK}print(peak - before)"
    )
    # 650,000 more rows of 6 columns are 33 MB and more as a frame, twice that while frames are joined
    assert int(in_new_process(script, tmp_path / "m.sim", tmp_path / f"o{suffix}")) < 30e6


def test_a_file_larger_than_the_disk_is_refused_at_once(model, tmp_path):
    with pytest.raises(FileError, match=r"would need at least .* GB are free"):
        model.write(tmp_path / "a.csv", 10**13, seed=1)
    assert not list(tmp_path.iterdir())


def test_fingerprints_do_not_depend_on_the_pieces():
    frame = table(100).with_columns(word=pl.when(pl.col("id") % 3 > 0).then(pl.lit("a") + pl.col("state")))
    by_row, by_column = Fingerprint(), Fingerprint()
    for piece in frame.iter_slices(7):
        by_row.add(piece)
    for column in frame:
        by_column.add(column)
    assert by_row.hexdigest() == by_column.hexdigest() == fingerprint(frame)
    others = (
        frame.reverse(), frame.rename({"age": "old"}), frame.with_columns(pl.col("word").fill_null("")),
        frame.with_columns(pl.col("id").cast(pl.Float64)),
    )  # fmt: skip
    assert len({fingerprint(frame), *map(fingerprint, others)}) == 5
    one, other = pl.DataFrame({"a": ["xy", "z"]}), pl.DataFrame({"a": ["x", "yz"]})
    assert fingerprint(one) != fingerprint(other)


def test_a_fit_that_needs_too_much_memory_is_refused_before_it_starts(monkeypatch):
    with pytest.raises(OptionError, match=r"fitting 3,000 rows of 6 columns would need .* are allowed"):
        sim.fit(table(), "independent", max_memory="10 MB")
    assert sim.fit(table(), "independent", max_memory="4GB", seed=1).provenance["data"]["rows"] == 3_000
    monkeypatch.setattr("simulacra.memory.free_bytes", lambda: 1_000)
    with pytest.raises(OptionError, match="are free"):
        sim.fit(table(), "independent")


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4e9), ("500 mb", 5e8), ("2GiB", 2e9), (10, 10), ("1.5k", 1500)]
)
def test_amounts_of_memory_are_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", 0, -1, True, "0GB", "4 XB"])
def test_what_is_no_amount_of_memory_is_refused(text):
    with pytest.raises(OptionError, match="such as '4GB'"):
        parse_size(text)


@pytest.mark.parametrize(("name", "rows"), [("independent", 400_000), ("trees", 20_000)])
def test_the_memory_told_is_within_a_factor_of_two(tmp_path, name, rows):
    path = tmp_path / "t.parquet"
    rng = np.random.default_rng(1)
    numbers = {f"x{j}": rng.normal(size=rows) for j in range(8)}
    pl.DataFrame({**numbers, "c": rng.choice(["a", "b", "c"], rows)}).write_parquet(path)
    script = (
        "import sys, simulacra as sim\nfrom simulacra.estimation import memory_of\n"
        "from simulacra.intake import Intake\nfrom simulacra.synthesizer import make_generator\n"
        "needed = memory_of(Intake.open(sys.argv[1]), make_generator(sys.argv[2], {}))\n"
        f"sim.fit(sys.argv[1], sys.argv[2], seed=1)\n{PEAK}print(needed / peak)"
    )
    assert 0.5 < float(in_new_process(script, path, name)) < 2


def test_an_estimate_tells_time_and_memory_and_fits_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table().write_parquet("t.parquet")
    assert run(["fit", "t.parquet", "-m", "independent", "--estimate"]) == 0
    assert "3,000 rows x 6 columns: about" in capsys.readouterr().out
    assert run(["fit", "t.parquet", "-m", "independent", "--estimate", "-o", "m.sim", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"rows", "columns", "seconds", "bytes", "tables"} and told["bytes"] > 1e8
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_more_rows_and_columns_are_estimated_to_cost_more():
    broad = pl.concat([table(500).rename(lambda c, j=j: f"{c}{j}") for j in range(9)], how="horizontal")
    small, tall, wide = (sim.estimate(frame, "trees") for frame in (table(500), table(40_000), broad))
    assert tall.bytes > small.bytes < wide.bytes
    assert tall.seconds > small.seconds < wide.seconds


def test_kernels_are_cold_until_one_was_compiled_after_its_source_was_written(tmp_path, monkeypatch):
    source = tmp_path / "_loops.py"
    source.write_text("")
    kernel = types.SimpleNamespace(__name__="walk", stats=types.SimpleNamespace(cache_path=str(tmp_path)))
    module = types.ModuleType("made._loops")
    module.__file__, module.walk = str(source), kernel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "made._loops", module)
    assert is_cold("made") and not is_cold("unmade")
    kept = tmp_path / "_loops.walk-1.py311.nbi"
    kept.write_text("")
    assert not is_cold("made")
    os.utime(source, (kept.stat().st_mtime + 10,) * 2)
    assert is_cold("made")
