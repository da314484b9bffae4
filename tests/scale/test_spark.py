"""Spark: the same digest from its executors, also when one is killed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scale_jobs import Deadly, Payments, Wrong

from simulacra.errors import FileError
from simulacra.scale.plan import HELD
from simulacra.scale.verification import verify
from simulacra.scale.writing import write_parts

pyspark = pytest.importorskip("pyspark.sql")
if shutil.which("java") is None:
    pytest.skip("Java is not installed", allow_module_level=True)
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
JOB = Payments(41_000, size=1_000)
UNIT = 34_125


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    made = (
        pyspark.SparkSession.builder.master("local[2,2]")
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "OFF")
        .getOrCreate()
    )
    yield made
    made.stop()


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_parts(JOB, tmp_path_factory.mktemp("whole") / "rows", workers=1).digest


@pytest.mark.parametrize("parts", [2, 7])
def test_the_digest_is_that_of_every_engine(parts: int, session: Any, digest: str, tmp_path: Path) -> None:
    memory = HELD * 2 * UNIT * -(-41 // (2 * parts))
    done = write_parts(JOB, tmp_path / "rows", engine="spark", workers=2, memory=memory)
    assert parts <= len(done.files) / 2 <= parts + 1
    assert done.digest == digest
    assert verify(tmp_path / "rows", deep=True).whole


def test_a_killed_worker_costs_nothing_but_time(session: Any, digest: str, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.touch()
    job = Deadly(41_000, size=1_000, trap=str(trap))
    done = write_parts(job, tmp_path / "rows", engine="spark", workers=2, memory=3_000_000)
    assert not trap.exists()
    assert done.digest == digest


def test_a_part_that_kills_every_worker_ends_the_run(session: Any, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Spark could not make a part"):
        write_parts(Deadly(3_000, size=1_000, always=True), tmp_path / "rows", engine="spark", memory=200_000)
    assert not session.sparkContext._jsc.sc().isStopped()


def test_what_a_part_says_is_heard(session: Any, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="drawn values are of type Float32, not Float64"):
        write_parts(Wrong(10), tmp_path / "rows", engine="spark")
