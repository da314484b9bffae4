"""Tests of networks need torch, which is large: without it they are left out, and the head of the run says so."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
MISSING = find_spec("torch") is None
collect_ignore = [
    path.name
    for path in sorted(HERE.glob("test_*.py"))
    if MISSING and "import torch" in path.read_text(encoding="utf-8")
]


def pytest_report_header() -> str | None:
    """Say what is left out."""
    return f"without torch: {', '.join(collect_ignore)} are left out" if collect_ignore else None
