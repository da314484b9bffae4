"""Jobs in parts: the same values however they are cut, and whoever makes them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scale_jobs import PAYMENTS, Kinds, Payments, Shop

import simulacra as sim
from simulacra.errors import OptionError, UnknownName
from simulacra.scale.digest import digest_unit
from simulacra.scale.executor import make_executor
from simulacra.scale.job import Job
from simulacra.scale.plan import HELD
from simulacra.scale.verification import verify
from simulacra.scale.writing import write_parts

JOB = Payments(41_000, size=1_000)
WORKERS = 2
FORMS = ("parquet", "csv", "csv.gz", "jsonl", "jsonl.gz", "arrow")


def room(job: Job, parts: int) -> int:
    """The memory with which each worker gets so many parts."""
    size = job.draw(job.groups[0].name, 0)["payments"].estimated_size()
    return HELD * WORKERS * size * -(-job.groups[0].units // (WORKERS * parts))


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_parts(JOB, tmp_path_factory.mktemp("whole") / "rows", workers=1).digest


@pytest.mark.parametrize("engine", ["threads", "processes"])
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_the_digest_depends_on_no_cut_and_no_engine(
    engine: str, parts: int, digest: str, tmp_path: Path
) -> None:
    done = write_parts(JOB, tmp_path / "rows", engine=engine, workers=WORKERS, memory=room(JOB, parts))
    assert parts <= len(done.files) / WORKERS <= parts + 1
    assert done.digest == digest
    assert done.rows == {"payments": 41_000}
    assert verify(tmp_path / "rows", deep=True).whole


def test_the_same_cut_gives_the_same_bytes_on_every_engine(tmp_path: Path) -> None:
    for engine in ("threads", "processes"):
        write_parts(JOB, tmp_path / engine, engine=engine, workers=2, memory=room(JOB, 3))
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / engine).rglob("*") if path.is_file()}
        for engine in ("threads", "processes")
    )
    assert one == two
    assert set(one) == {"manifest.json", "schema.yaml", *(f"part-{i:05}.parquet" for i in range(6))}


@pytest.mark.parametrize(
    ("form", "partition"),
    [
        *((form, None) for form in FORMS),
        ("parquet", "country"),
        ("csv", ("country", "paid")),
        ("jsonl.gz", "day"),
    ],
)
def test_what_was_drawn_is_read_back(form: str, partition: object, tmp_path: Path) -> None:
    job = Shop()
    drawn = [job.draw("shop", unit) for unit in range(job.units)]
    done = write_parts(job, tmp_path / "shop", format=form, partition=partition, workers=3)
    found = sim.read(tmp_path / "shop")
    assert verify(tmp_path / "shop", deep=True).whole
    for name in job.schema.names:
        wanted = pl.concat(unit[name] for unit in drawn).with_columns(pl.col(pl.Enum).cast(pl.String))
        got = found.polars(name)
        if name == "orders" and partition:
            wanted, got = wanted.sort("id"), got.sort("id")
        assert_frame_equal(got, wanted)
        assert done.rows[name] == len(wanted)
    assert found.schema == job.schema
    assert done.digest == write_parts(job, tmp_path / "plain", workers=1).digest


@pytest.mark.parametrize("form", FORMS)
def test_values_of_every_kind_are_read_back(form: str, tmp_path: Path) -> None:
    job = Kinds()
    write_parts(job, tmp_path / "all", format=form, workers=2)
    assert verify(tmp_path / "all", deep=True).whole
    folders = {path.name for path in (tmp_path / "all").iterdir() if path.is_dir()}
    assert folders == {"a%2F..%2Fb", "%5Fother"}
    found = sim.read(tmp_path / "all")
    for name in job.schema.names:
        wanted = pl.concat([job.draw("", unit)[name] for unit in (0, 1)])
        assert_frame_equal(found.polars(name), wanted.with_columns(pl.col(pl.Enum).cast(pl.String)))


def test_folders_are_named_as_hive_names_them(tmp_path: Path) -> None:
    write_parts(Shop(1), tmp_path / "shop", partition={"orders": "country"})
    names = {path.name for path in (tmp_path / "shop" / "orders").iterdir()}
    assert names == {"country=DE", "country=FR", "country=a%2Fb%20c", "country=__HIVE_DEFAULT_PARTITION__"}
    scanned = pl.scan_parquet(
        tmp_path / "shop" / "orders" / "**" / "*.parquet", hive_partitioning=True
    ).collect()
    assert set(scanned["country"].cast(pl.String)) == {"DE", "FR", "a/b c", None}


def test_no_rows_are_a_table_too(tmp_path: Path) -> None:
    for partition in (None, "status"):
        folder = tmp_path / str(partition)
        done = write_parts(Payments(0), folder, partition=partition)
        assert done.rows == {"payments": 0}
        assert sim.read(folder).polars().columns == list(PAYMENTS.names)


def test_values_decide_the_digest_of_a_unit_and_types_do_not() -> None:
    frame = JOB.draw("payments", 0)["payments"]
    digest = digest_unit(frame, PAYMENTS)
    texts = frame.with_columns(pl.col("currency", "status").cast(pl.String))
    other = frame.with_columns(pl.col("status").cast(pl.String).cast(pl.Enum(["pending", "ok", "failed"])))
    assert digest_unit(texts, PAYMENTS) == digest == digest_unit(other, PAYMENTS)
    for changed in (
        frame.with_columns(pl.col("amount") + 1e-9),
        frame.with_columns(pl.col("status").fill_null("ok")),
        frame.with_columns(pl.col("currency").reverse()),
        texts.with_columns(pl.lit("YEN").alias("currency")),
        frame.reverse(),
        frame.head(999),
    ):
        assert digest_unit(changed, PAYMENTS) != digest


def test_another_seed_gives_another_digest(digest: str, tmp_path: Path) -> None:
    assert write_parts(Payments(41_000, seed=2, size=1_000), tmp_path / "rows").digest != digest


def test_the_manifest_tells_what_made_the_rows(tmp_path: Path) -> None:
    done = write_parts(Shop(), tmp_path / "shop", workers=2)
    content = json.loads((tmp_path / "shop" / "manifest.json").read_text(encoding="utf-8"))
    assert content["identity"] == Shop().identity
    assert content["notes"] == ["made for tests."]
    assert content["digest"] == done.digest
    assert content["rows"] == sum(done.rows.values())
    assert content["bytes"] == sum(path.stat().st_size for path in (tmp_path / "shop").glob("*/part-*"))
    assert done.summary.startswith(f"wrote {content['rows']} rows in {len(done.files)} files")


def test_progress_tells_rows_and_their_rate(tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    write_parts(
        JOB, tmp_path / "rows", workers=2, memory=room(JOB, 3), progress=lambda *now: told.append(now)
    )
    assert [share for share, _ in told] == pytest.approx([number / 6 for number in range(1, 7)])
    assert told[-1][1].startswith("41,000 rows, ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "xlsx"}, "parts are written as parquet"),
        ({"workers": 0}, "whole number from 1"),
        ({"memory": "lots"}, "an amount of memory"),
        ({"memory": 1}, "from 100,000 bytes, not 1"),
        ({"memory": "120KB"}, "one worker takes about"),
        ({"partition": "color"}, "no table has 'color'"),
        ({"partition": {"payments": "color"}}, "no column 'color'"),
        ({"partition": PAYMENTS.names}, "no column left"),
        ({"if_exists": "append"}, "if_exists="),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=words):
        write_parts(JOB, tmp_path / "rows", **options)
    assert not (tmp_path / "rows").exists()


def test_no_more_workers_than_memory_has_room_for(digest: str, tmp_path: Path) -> None:
    unit = room(JOB, 41) // (HELD * WORKERS)
    done = write_parts(JOB, tmp_path / "rows", workers=9, memory=3 * HELD * unit)
    assert done.notes == (f"3 and not 9 workers at a time fit into memory={3 * HELD * unit} (--memory).",)
    assert len(done.files) == 41
    assert done.digest == digest


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'threads'"):
        make_executor("thread", 1)


def test_too_many_values_to_part_by_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="too many folders") as told:
        write_parts(Payments(20_000), tmp_path / "rows", partition="account")
    assert "same call" not in str(told.value)
    assert not (tmp_path / "rows").exists()


def test_what_was_planned_and_not_begun_is_planned_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulacra.scale.writing._look_ahead", lambda *_: None)
    with pytest.raises(OptionError, match="too many folders"):
        write_parts(Payments(20_000), tmp_path / "rows", partition="account")
    # nothing was finished, so nothing stands in the way of parting these rows otherwise
    assert write_parts(Payments(20_000), tmp_path / "rows").rows == {"payments": 20_000}
