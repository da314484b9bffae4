"""Faults: whatever dies on the way, going on gives what an undisturbed run gives."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from scale_jobs import Deadly, Payments, Wrong

import simulacra as sim
import simulacra.scale.store as stores
from simulacra.errors import DataError, FileError
from simulacra.scale.verification import verify
from simulacra.scale.writing import write_parts

JOB = Payments(41_000, size=1_000)
SMALL = {"workers": 2, "memory": 2_000_000}
"""Cuts the job into parts of some units."""


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_parts(JOB, tmp_path_factory.mktemp("whole") / "rows", workers=1).digest


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def assert_whole(folder: Path, digest: str) -> None:
    """The folder is that of an undisturbed run, with nothing left over."""
    assert verify(folder, deep=True).whole
    names = files_of(folder)
    assert names == ["manifest.json", *(n for n in names if n.startswith("part-")), "schema.yaml"]
    assert sim.read(folder).polars().height == 41_000
    assert write_parts(JOB, folder, **SMALL).digest == digest


def test_a_killed_worker_costs_nothing_but_time(digest: str, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.touch()
    job = Deadly(41_000, size=1_000, trap=str(trap))
    done = write_parts(job, tmp_path / "rows", engine="processes", **SMALL)
    assert not trap.exists()
    assert done.digest == digest
    assert_whole(tmp_path / "rows", digest)


def test_workers_that_always_die_end_the_run_with_advice(tmp_path: Path) -> None:
    job = Deadly(3_000, size=1_000, always=True)
    with pytest.raises(FileError, match=r"workers died 3 times .*\(--workers\).* 1 of 3 parts are there"):
        write_parts(job, tmp_path / "rows", engine="processes", workers=1, memory=200_000)


def test_a_killed_run_goes_on(digest: str, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    script = (
        "from scale_jobs import Deadly; from simulacra.scale.writing import write_parts\n"
        f"write_parts(Deadly(41_000, size=1_000, pause=0.01), {str(folder)!r}, workers=2, memory=2_000_000)"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    run = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path})
    try:
        deadline = time.monotonic() + 60
        while len(list(folder.glob("_simulacra/parts/*/*.json"))) < 2:
            assert run.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    (folder / ".0123456789ab.parquet").write_bytes(b"half")
    with pytest.raises(FileError, match="not finished"):
        sim.read(folder)
    with pytest.raises(FileError, match="not finished"):
        verify(folder)
    done = write_parts(JOB, folder, **SMALL)
    assert done.digest == digest
    assert 0 < done.made < 41_000
    assert_whole(folder, digest)


def test_a_full_disk_keeps_what_is_finished(digest: str, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    done: list[float] = []

    def fill(share: float, step: str) -> None:
        done.append(share)
        if len(done) == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))

    try:
        with pytest.raises(FileError, match=r"no space left .* parts are there\. What is finished stays"):
            write_parts(JOB, tmp_path / "rows", progress=fill, **SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [name for name in files_of(tmp_path / "rows") if name.startswith(".")]
    again = write_parts(JOB, tmp_path / "rows", **SMALL)
    assert again.digest == digest
    assert again.made < 41_000
    assert_whole(tmp_path / "rows", digest)


class Shaky:
    """Stands in for a writing method: every so many calls fail."""

    def __init__(self, write: Any, every: int) -> None:
        self.write, self.every, self.calls, self.failures = write, every, 0, 0

    def __get__(self, store: Any, kind: Any) -> Any:
        def write(*given: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls % self.every == 0:
                self.failures += 1
                raise ConnectionResetError("the other side hung up")
            return self.write(store, *given, **options)

        return write


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_a_store_whose_every_tenth_write_fails(
    kind: str, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "FIRST_WAIT", 0.0)
    owner: Any = stores.Folder if kind == "folder" else MemoryFileSystem
    name = "write" if kind == "folder" else "pipe_file"
    shaky = Shaky(getattr(owner, name), 10)
    monkeypatch.setattr(owner, name, shaky)
    place: Any = tmp_path / "rows" if kind == "folder" else "memory://shaky/rows"
    done = write_parts(JOB, place, workers=2, memory=600_000)
    assert shaky.failures >= 3
    assert done.digest == digest
    assert verify(place, deep=True).whole


def test_a_store_that_takes_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "FIRST_WAIT", 0.0)
    shaky = Shaky(stores.Folder.write, 1)
    monkeypatch.setattr(stores.Folder, "write", shaky)
    with pytest.raises(FileError, match="the other side hung up"):
        write_parts(JOB, tmp_path / "rows", **SMALL)
    assert shaky.calls == stores.ATTEMPTS
    assert files_of(tmp_path / "rows") == []


def test_only_what_is_missing_is_made_again(digest: str, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    first = write_parts(JOB, folder, **SMALL)
    manifest = (folder / "manifest.json").read_bytes()
    before = {name: (folder / name).stat().st_mtime_ns for name in files_of(folder) if "part" in name}
    lost = first.files[1]
    (folder / lost.name).unlink()
    # how many workers there are now does not matter: the run goes on as it was cut
    again = write_parts(JOB, folder, workers=7)
    assert again.made == lost.rows
    changed = [name for name, when in before.items() if (folder / name).stat().st_mtime_ns != when]
    assert changed == [lost.name]
    assert (folder / "manifest.json").read_bytes() == manifest
    assert_whole(folder, digest)


def test_a_changed_file_is_made_again_where_that_is_asked(digest: str, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    file = write_parts(JOB, folder, **SMALL).files[0]
    data = bytearray((folder / file.name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / file.name).write_bytes(data)
    assert write_parts(JOB, folder, **SMALL).made == 0
    assert not verify(folder).whole
    assert write_parts(JOB, folder, check=True, **SMALL).made == file.rows
    assert_whole(folder, digest)


def test_other_rows_are_not_mixed_in(digest: str, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    other = write_parts(Payments(90_000, seed=2, size=1_000), folder, workers=2, memory=1_000_000)
    with pytest.raises(FileError, match="parts of other rows"):
        write_parts(JOB, folder)
    with pytest.raises(FileError, match="these rows as parquet"):
        write_parts(Payments(90_000, seed=2, size=1_000), folder, format="csv")
    with pytest.raises(FileError, match="holds parts already"):
        write_parts(Payments(90_000, seed=2, size=1_000), folder, if_exists="error")
    assert verify(folder, deep=True).manifest.digest == other.digest
    assert write_parts(JOB, folder, if_exists="replace", **SMALL).digest == digest
    assert_whole(folder, digest)


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all my work")
    for if_exists in ("resume", "replace"):
        with pytest.raises(FileError, match="holds other files"):
            write_parts(JOB, tmp_path, if_exists=if_exists)
    assert files_of(tmp_path) == ["thesis.txt"]
    with pytest.raises(FileError, match="there is no folder"):
        write_parts(JOB, tmp_path / "nowhere" / "rows")
    with pytest.raises(FileError, match="is a file"):
        write_parts(JOB, tmp_path / "thesis.txt")


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_what_a_job_draws_is_held_against_its_schema(engine: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column 'amount': drawn values are of type Float32, not Float64"):
        write_parts(Wrong(10), tmp_path / "rows", engine=engine)
