"""Suffixes of each source, read off its file without importing it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from simulacra.registry import SOURCES

_NAMES = {"suffixes", "compressed", "read_only"}
_COMPRESSED = (".gz", ".zst", ".bz2", ".xz", ".zip")


@dataclass(frozen=True)
class Suffixes:
    """Endings of file names of one format: those that can be read, and those of them that can not be written."""

    suffixes: tuple[str, ...]
    read_only: tuple[str, ...] = ()


@cache
def suffixes_of(name: str, file: Path) -> Suffixes:
    """Read the suffixes off a source's class without importing it, where they are literals."""
    facts: dict[str, Any] = {}
    for part in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(part, ast.ClassDef):
            facts |= _literals(part)
    if "suffixes" not in facts:
        source = SOURCES.load(name)
        facts = {key: getattr(source, key) for key in _NAMES}
    plain = tuple(str(suffix) for suffix in facts["suffixes"])
    more = tuple(suffix + end for suffix in plain for end in _COMPRESSED) if facts.get("compressed") else ()
    return Suffixes(plain + more, tuple(facts.get("read_only", ())))


def _literals(body: ast.ClassDef) -> dict[str, object]:
    found: dict[str, object] = {}
    for line in body.body:
        if isinstance(line, ast.Assign):
            names, value = [t.id for t in line.targets if isinstance(t, ast.Name)], line.value
        elif isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None:
            names, value = [line.target.id], line.value
        else:
            continue
        if _NAMES & set(names) and isinstance(value, (ast.Tuple, ast.Constant)):
            found |= dict.fromkeys(names, ast.literal_eval(value))
    return found
