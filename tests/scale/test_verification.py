"""Folders held against their manifests: whatever is not as it was written is found and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scale_jobs import Payments, Shop

from simulacra.cli import run
from simulacra.errors import FileError
from simulacra.scale.verification import verify
from simulacra.scale.writing import write_parts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_parts(Payments(9_000, size=1_000), tmp_path / "rows", workers=3)
    return tmp_path / "rows"


def flip(folder: Path) -> None:
    path = folder / "part-00001.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(folder: Path) -> None:
    path = folder / "part-00001.parquet"
    path.write_bytes(path.read_bytes()[:-1])


def lose(folder: Path) -> None:
    (folder / "part-00001.parquet").unlink()


def add(folder: Path) -> None:
    (folder / "part-00003.parquet").write_bytes((folder / "part-00001.parquet").read_bytes())


def lie(folder: Path) -> None:
    content = json.loads((folder / "manifest.json").read_text())
    content["tables"]["payments"]["rows"] += 1
    (folder / "manifest.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (flip, "'part-00001.parquet' is changed: it has another SHA-256 than was written"),
        (cut, "'part-00001.parquet' has "),
        (lose, "'part-00001.parquet' is missing"),
        (add, "'part-00003.parquet' is listed in no manifest"),
        (lie, "table 'payments': the parts have 9,000 rows, and the manifest says 9,001"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_damage_is_found_and_named(damage: Callable[[Path], None], words: str, folder: Path) -> None:
    assert verify(folder).whole
    damage(folder)
    found = verify(folder)
    assert len(found.problems) == 1
    assert found.problems[0].startswith(words)


def forge(folder: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change a file, and the manifest so that the bytes agree."""
    path = folder / "part-00001.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
    data = path.read_bytes()
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    file = content["parts"][1]["files"][0]
    file.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    (folder / "manifest.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: pl.concat([frame, frame.head(1)]), "has 3,001 rows, and 3,000 were written"),
        (lambda frame: frame.with_columns(pl.col("amount") + 0.01), "first in unit 3"),
        (lambda frame: pl.concat([frame[:1500], frame[1500:].reverse()]), "first in unit 4"),
        (lambda frame: frame.rename({"amount": "sum"}), "does not fit the schema"),
    ],
)
def test_reading_deep_finds_other_values(
    change: Callable[[pl.DataFrame], pl.DataFrame], words: str, folder: Path
) -> None:
    forge(folder, change)
    assert verify(folder).whole
    found = verify(folder, deep=True)
    assert len(found.problems) == 1
    assert words in found.problems[0]


def test_files_that_are_parted_have_digests_of_their_own(tmp_path: Path) -> None:
    write_parts(Shop(), tmp_path / "shop", partition="country")
    path = tmp_path / "shop" / "orders" / "country=DE" / "part-00000.parquet"
    manifest = tmp_path / "shop" / "manifest.json"
    pl.read_parquet(path).reverse().write_parquet(path)
    content = json.loads(manifest.read_text())
    data = path.read_bytes()
    for file in (file for part in content["parts"] for file in part["files"]):
        if file["name"] == "orders/country=DE/part-00000.parquet":
            file.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    manifest.write_text(json.dumps(content))
    assert verify(tmp_path / "shop").whole
    problems = verify(tmp_path / "shop", deep=True).problems
    assert problems == ("'orders/country=DE/part-00000.parquet' holds other values than were drawn",)


def test_what_is_no_folder_of_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no 'manifest\.json'"):
        verify(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(FileError, match="not that of a folder of parts"):
        verify(tmp_path)
    (tmp_path / "manifest.json").write_text('{"kind": "parts", "format": 99}')
    with pytest.raises(FileError, match="Install a newer"):
        verify(tmp_path)
    (tmp_path / "manifest.json").write_text('{"kind": "parts", "format": 1}')
    with pytest.raises(FileError, match="is damaged"):
        verify(tmp_path)


def test_the_command_tells_and_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(folder), "--deep"]) == 0
    assert "every value agree" in capsys.readouterr().err
    assert run(["verify", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["whole"]
    assert told["rows"] == {"payments": 9_000}
    lose(folder)
    assert run(["verify", str(folder)]) == 1
    err = capsys.readouterr().err
    assert "1 problem" in err
    assert "--check" in err
    assert "'part-00001.parquet' is missing" in err
    assert run(["verify", str(folder / "nowhere")]) == 2
    assert run(["verify", str(folder), "--memory", "1GB"]) == 2


def test_the_command_holds_rows_against_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shop"
    write_parts(Shop(), folder)
    assert run(["verify", str(folder), "--rules", "--deep"]) == 0
    err = capsys.readouterr().err
    assert "every value agree" in err
    assert "rules hold in all of 517 rows" in err
    path = folder / "customers" / "part-00000.parquet"
    pl.read_parquet(path).with_columns(pl.lit(7, pl.Int64).alias("id")).write_parquet(path)
    assert run(["verify", str(folder), "--rules"]) == 1
    err = capsys.readouterr().err
    assert "'customers/part-00000.parquet' has " in err
    assert "table 'customers', column 'id'" in err
    (folder / "manifest.json").unlink()
    assert run(["verify", str(folder), "--rules", "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["proof"]["holds"]
