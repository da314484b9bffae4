"""Object stores: parts under URLs, as if they were folders."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scale_jobs import Payments, Shop

from simulacra.errors import FileError, MissingExtra, OptionError
from simulacra.scale.store import open_store
from simulacra.scale.verification import verify
from simulacra.scale.writing import write_parts

JOB = Payments(9_000, size=1_000)


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_parts(JOB, tmp_path_factory.mktemp("whole") / "rows").digest


def test_memory_is_a_store(digest: str) -> None:
    done = write_parts(JOB, "memory://stores/rows", workers=3)
    assert done.digest == digest
    assert verify("memory://stores/rows", deep=True).whole
    store = open_store("memory://stores/rows")
    assert set(store.sizes()) == {"manifest.json", "schema.yaml", *(file.name for file in done.files)}
    store.remove(done.files[0].name)
    assert verify("memory://stores/rows").problems == ("'part-00000.parquet' is missing",)
    assert write_parts(JOB, "memory://stores/rows").made == 3_000
    assert verify("memory://stores/rows", deep=True).whole


def test_passwords_are_not_told() -> None:
    done = write_parts(JOB, "memory://ada:secret@stores/rows")
    assert done.place == "memory://ada@stores/rows"
    assert "secret" not in done.summary + str(done.dump())


def test_memory_is_of_one_process() -> None:
    with pytest.raises(OptionError, match="seen by this process only"):
        write_parts(JOB, "memory://stores/other", engine="processes")


def test_a_file_url_is_a_folder(digest: str, tmp_path: Path) -> None:
    done = write_parts(JOB, f"file://{tmp_path}/rows")
    assert done.digest == digest
    assert verify(tmp_path / "rows").whole


def test_stores_that_rename_write_beside(tmp_path: Path, digest: str) -> None:
    # of the kinds that any machine has, this one writes files in pieces, as network file systems do
    done = write_parts(JOB, f"local://{tmp_path}/rows", engine="processes", workers=2)
    assert done.digest == digest
    assert {path.name for path in (tmp_path / "rows").rglob("*") if path.is_file()} == {
        "manifest.json", "schema.yaml", *(file.name for file in done.files)
    }  # fmt: skip


def test_unknown_stores_are_refused() -> None:
    with pytest.raises(OptionError, match="can not be opened"):
        write_parts(JOB, "nowhere://bucket/rows")
    with pytest.raises(MissingExtra, match="Install it with: pip install"):
        write_parts(JOB, "gs://bucket/rows")


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, Any]]:
    """An S3 server on this machine, and how to reach it."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    options = {"key": "test", "secret": "test", "endpoint_url": f"http://{host}:{port}"}
    try:
        import s3fs

        s3fs.S3FileSystem(**options).mkdir("rows")
        yield options
    finally:
        server.stop()


@pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning")
@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_an_s3_bucket_is_a_store(engine: str, bucket: dict[str, Any], digest: str) -> None:
    url = f"s3://rows/{engine}/payments"
    done = write_parts(JOB, url, engine=engine, workers=2, storage_options=bucket)
    assert done.digest == digest
    assert verify(url, deep=True, storage_options=bucket).whole
    open_store(url, bucket).remove(done.files[0].name)
    assert verify(url, storage_options=bucket).problems == ("'part-00000.parquet' is missing",)
    assert write_parts(JOB, url, engine="threads", storage_options=bucket).made == done.files[0].rows
    assert verify(url, deep=True, storage_options=bucket).whole
    assert "secret" not in str((done.dump(), done.place))


@pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning")
def test_a_bucket_that_is_not_there_is_told_at_once(bucket: dict[str, Any]) -> None:
    with pytest.raises(FileError, match="s3://elsewhere/rows"):
        write_parts(Shop(), "s3://elsewhere/rows", storage_options=bucket)
