"""What commands share: progress and messages on stderr, results on stdout."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from simulacra.compilation import COMPILING
from simulacra.generator import Progress as Report
from simulacra.storage import open_error

ERR = Console(stderr=True, highlight=False)
OUT = Console(highlight=False, width=None if sys.stdout.isatty() else 110)


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Report]:
    """Show a bar on stderr while work is done, when stderr is a terminal; that kernels are compiled is always told."""
    if quiet or not ERR.is_terminal:
        yield lambda share, step: None if quiet else _announce(step)
        return
    columns = (
        TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(), TextColumn("so far,"), TimeRemainingColumn(), TextColumn("left  [dim]{task.fields[step]}"),
    )  # fmt: skip
    with Progress(*columns, console=ERR, transient=True) as bar:
        task = bar.add_task(title, total=1.0, step="")

        def report(share: float, step: str) -> None:
            _announce(step)
            bar.update(task, completed=share, step=step)

        yield report


def _announce(step: str) -> None:
    """Say what takes long on the first run only, so that nobody waits for it again."""
    if step == COMPILING:
        say(f"{step}: about 10 seconds")


def say(text: str) -> None:
    """Write a line for people on stderr."""
    ERR.print(text, markup=False, soft_wrap=True)


def tell(notes: tuple[str, ...] | list[str]) -> None:
    """Write notes on stderr, indented."""
    for note in notes:
        say(f"  note: {note}")


def print_json(value: Any) -> None:
    """Write JSON on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str, allow_nan=False) + "\n")


def split_names(text: str | None) -> list[str] | None:
    """Return names that are joined by commas; None where there is no text."""
    return [name.strip() for name in text.split(",")] if text else None


def require_files(*paths: str | None) -> None:
    """Refuse inputs that are not there before any of them is read; ``book.xlsx#May`` is a sheet of a file."""
    for path in paths:
        if path is None:
            continue
        whole = Path(path).expanduser()
        if not whole.exists() and not Path(str(whole).rpartition("#")[0] or whole).exists():
            raise open_error(path, FileNotFoundError(errno.ENOENT, "missing"))
