"""The figures of all runs so far, and the page that is written from them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from simulacra.storage import atomic_path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"

Record = dict[str, Any]


def load(path: Path) -> list[Record]:
    """Read the records, none where there is no file yet."""
    if not path.exists():
        return []
    records: list[Record] = json.loads(path.read_text(encoding="utf-8"))
    return records


def add(path: Path, new: Iterable[Record]) -> list[Record]:
    """Add records to a file; one of the same kind, table, model and seed is replaced. Return all."""
    found = {_identity(record): record for record in load(path)}
    found |= {_identity(record): record for record in new}
    records = [found[key] for key in sorted(found)]
    with atomic_path(path) as part:
        Path(part).write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return records


def _identity(record: Record) -> tuple[str, str, str, int]:
    return record["kind"], record["table"], record["model"], record["seed"]


def shown_path(path: str) -> str:
    """Shorten a path to its last two parts: enough to know the file, and nothing of the machine."""
    return "/".join(Path(path).parts[-2:])
