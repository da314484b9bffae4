"""A folder of parts is learnt from and judged only when it is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import FileError, OptionError
from simulacra.scale.plan import PLAN_FILE


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows") / "rows"
    rules = {"id": "sequence", "a": {"int": [1, 9]}, "b": {"choice": ["x", "y"]}}
    sim.compose(rules).sample(200_000, seed=1, to=folder, workers=1, memory="300MB")
    return folder


@pytest.mark.parametrize("verb", ["fit", "evaluate", "read"])
def test_a_folder_that_lacks_a_part_is_refused(whole: Path, tmp_path: Path, verb: str) -> None:
    folder = tmp_path / "rows"
    shutil.copytree(whole, folder)
    next(folder.rglob("part-*.parquet")).unlink()
    _refused(folder, verb, "lacks 1 of the files")


@pytest.mark.parametrize("verb", ["fit", "evaluate"])
def test_a_folder_that_is_not_finished_is_refused(whole: Path, tmp_path: Path, verb: str) -> None:
    folder = tmp_path / "rows"
    shutil.copytree(whole, folder)
    (folder / PLAN_FILE).parent.mkdir(parents=True, exist_ok=True)
    (folder / PLAN_FILE).write_text("{}")
    _refused(folder, verb, "is not finished")


def _refused(folder: Path, verb: str, why: str) -> None:
    real = pl.DataFrame({"id": [1, 2], "a": [1, 2], "b": ["x", "y"]})
    with pytest.raises(FileError, match=why):
        if verb == "fit":
            sim.fit(folder, "independent", seed=1)
        elif verb == "read":
            sim.read(folder)
        else:
            sim.evaluate(real, folder, metrics=["fidelity/marginals"])


@pytest.mark.parametrize(
    ("url", "said"), [("file:///tmp/rows", "Give '/tmp/rows'"), ("s3://bucket/rows", "Copy the folder here")]
)
def test_stores_are_written_and_not_read(url: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        sim.read(url)
    with pytest.raises(OptionError, match=said):
        sim.fit(url, "independent")
