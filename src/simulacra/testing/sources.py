"""The contract of sources: what is written is read, the same bytes twice, and one clear error for what is not."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from simulacra.errors import SimulacraError
from simulacra.schema.conformance import conform
from simulacra.schema.types import Column, Table
from simulacra.source import Source

TABLE = Table(
    "t",
    (
        Column("whole", "number", nullable=True, integer=True),
        Column("real", "number", nullable=True),
        Column("word", "category", nullable=True),
        Column("flag", "boolean", nullable=True),
        Column("day", "date", nullable=True),
    ),
)
ROWS = pl.DataFrame({
    "whole": [1, None, -3], "real": [0.1, 2.5, None], "word": ["a,b", 'say "hi"', None],
    "flag": [True, None, False], "day": [date(2024, 2, 29), None, date(1999, 12, 31)],
})  # fmt: skip


def check_source(cls: type[Source]) -> None:
    """Check that a file format keeps its contract.

    Parameters
    ----------
    cls : type
        The source's class.

    Raises
    ------
    AssertionError
        The contract is broken; the message says where.

    Notes
    -----
    Checked: values of all plain kinds, missing ones too, survive; the same frame gives the same bytes; no rows keep
    their columns where the format can hold them; a missing file and a damaged one are a `SimulacraError`.

    Examples
    --------
    >>> from simulacra.registry import SOURCES
    >>> check_source(SOURCES.load("parquet"))
    """
    assert cls.suffixes and all(s.startswith(".") and s == s.lower() for s in cls.suffixes), "suffixes: .abc"
    with TemporaryDirectory() as folder:
        one, two = (Path(folder) / f"{name}{cls.suffixes[0]}" for name in "ab")
        for path in (one, two):
            cls().write(cls().prepare(ROWS, TABLE), path)
        assert one.read_bytes() == two.read_bytes(), "the same frame gives other bytes."
        back, _ = conform(cls().read(one), TABLE)
        assert back.equals(ROWS), "what was written is not what is read."
        cls().write(cls().prepare(ROWS[:0], TABLE), one)
        assert len(cls().read(one)) == 0, "a file of no rows has rows."
        one.write_bytes(b"\x00\x01\x02 nothing of the kind")
        for path in (one, Path(folder) / f"absent{cls.suffixes[0]}"):
            try:
                cls().read(path)
            except SimulacraError:
                continue
            raise AssertionError("a damaged or absent file is read without an error.")
