"""Dask: the same digest from its workers, also when one is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scale_jobs import Deadly, Payments, Wrong

from simulacra.errors import DataError, FileError, OptionError
from simulacra.scale.plan import HELD
from simulacra.scale.verification import verify
from simulacra.scale.writing import write_parts

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning")
JOB = Payments(41_000, size=1_000)
UNIT = 34_125


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_parts(JOB, tmp_path_factory.mktemp("whole") / "rows", workers=1).digest


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as made:
        yield made


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_the_digest_is_that_of_every_engine(parts: int, cluster: Any, digest: str, tmp_path: Path) -> None:
    memory = HELD * 2 * UNIT * -(-41 // (2 * parts))
    done = write_parts(JOB, tmp_path / "rows", engine=cluster.scheduler_address, workers=2, memory=memory)
    assert parts <= len(done.files) / 2 <= parts + 1
    assert done.digest == digest
    assert verify(tmp_path / "rows", deep=True).whole


def test_a_killed_worker_costs_nothing_but_time(cluster: Any, digest: str, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.touch()
    job = Deadly(41_000, size=1_000, trap=str(trap))
    done = write_parts(job, tmp_path / "rows", engine=cluster.scheduler_address, workers=2, memory=3_000_000)
    assert not trap.exists()
    assert done.digest == digest


def test_a_part_that_kills_every_worker_ends_the_run(cluster: Any, tmp_path: Path) -> None:
    job = Deadly(3_000, size=1_000, always=True)
    with pytest.raises(FileError, match=r"workers of Dask died .*\(--workers\)"):
        write_parts(job, tmp_path / "rows", engine=cluster.scheduler_address, memory=200_000)


def test_what_a_part_says_is_heard(cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="drawn values are of type Float32, not Float64"):
        write_parts(Wrong(10), tmp_path / "rows", engine=cluster.scheduler_address)


def test_a_scheduler_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulacra.scale.engines.dask.PATIENCE", 0.2)
    with pytest.raises(OptionError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        write_parts(JOB, tmp_path / "rows", engine="tcp://127.0.0.1:9")
