"""Parts in PostgreSQL: each there once, whatever dies, with keys and references at the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scale_jobs import Deadly, Payments, Shop

import simulacra as sim
from simulacra.errors import FileError, OptionError
from simulacra.scale.writing import write_parts

JOB = Payments(20_000, size=1_000)
SMALL: dict[str, Any] = {"workers": 2, "memory": 1_000_000}


@pytest.fixture
def url(postgresql: Any) -> str:
    made: str = postgresql.database("parts")
    return made


def drawn(job: Any, table: str) -> pl.DataFrame:
    group = job.groups[0]
    frames = [job.draw(group.name, unit)[table] for unit in range(group.units)]
    return pl.concat(frames).with_columns(pl.col(pl.Enum).cast(pl.String))


def test_tables_are_filled_and_linked(url: str) -> None:
    job = Shop()
    done = write_parts(job, url, workers=3)
    found = sim.read(url)
    for name in job.schema.names:
        assert_frame_equal(found.polars(name).sort("id"), drawn(job, name).sort("id"), check_dtypes=False)
    assert found.schema.table("orders").references == job.schema.table("orders").references
    assert found.schema.table("customers").key == ("id",)
    assert done.rows == {name: len(found.polars(name)) for name in job.schema.names}
    assert ":" not in done.place.partition("@")[0].partition("//")[2]
    again = write_parts(job, url)
    assert (again.made, again.digest) == (0, done.digest)


def test_killed_workers_leave_every_part_there_once(url: str, tmp_path: Any) -> None:
    trap = tmp_path / "trap"
    trap.touch()
    job = Deadly(20_000, size=1_000, trap=str(trap))
    done = write_parts(job, url, engine="processes", **SMALL)
    assert not trap.exists()
    assert done.digest == write_parts(JOB, tmp_path / "rows").digest
    assert sim.read(url).polars("payments")["id"].sort().to_list() == list(range(1, 20_001))


def test_a_killed_run_goes_on(url: str, postgresql: Any) -> None:
    script = (
        "from scale_jobs import Deadly; from simulacra.scale.writing import write_parts\n"
        f"write_parts(Deadly(20_000, size=1_000, pause=0.02), {url!r}, workers=2, memory=1_000_000)"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    run = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path})
    there = "\\c parts\nSELECT count(*) FROM pg_namespace WHERE nspname = 'simulacra_parts'"
    count = "\\c parts\nSELECT count(*) FROM simulacra_parts.parts"
    try:
        deadline = time.monotonic() + 60
        while int(postgresql.run(there)) == 0 or int(postgresql.run(count)) < 3:
            assert run.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    done = write_parts(JOB, url, **SMALL)
    assert 0 < done.made < 20_000
    assert sim.read(url).polars("payments")["id"].sort().to_list() == list(range(1, 20_001))


def test_other_rows_are_not_mixed_in(url: str) -> None:
    write_parts(JOB, url, **SMALL)
    with pytest.raises(FileError, match="parts of other rows"):
        write_parts(Payments(10, seed=2), url)
    with pytest.raises(FileError, match="table 'payments' is there already"):
        write_parts(JOB, url, if_exists="error")
    assert write_parts(Payments(10, seed=2), url, if_exists="replace").rows == {"payments": 10}
    assert len(sim.read(url).polars("payments")) == 10


def test_only_postgresql_takes_parts(tmp_path: Any) -> None:
    with pytest.raises(OptionError, match="parts go to PostgreSQL"):
        write_parts(JOB, tmp_path / "rows.db")
    with pytest.raises(OptionError, match="not parted by columns"):
        write_parts(JOB, "postgresql://localhost/rows", partition="status")
