"""Whatever the rows and however they are cut: a proof counts what the validation of frames in memory counts."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from simulacra.proof.proof import prove
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import Check, Combination, Determines, Implies, Monotone, Running, Unique
from simulacra.schema.reference import Reference
from simulacra.schema.types import Column, Schema, Table
from simulacra.schema.validation import validate

RULES = (
    Check("a <= b"),
    Implies("c = 'x'", "a > 1"),
    Unique(("a", "c")),
    Determines("c", "b"),
    Combination(("a", "c"), ((1, "x"), (2, "y"))),
    Monotone("b", "a", by="c"),
    Running("b", "a", "c", "a", "0"),
)
TABLE = Table(
    "t",
    (
        Column("a", "number", integer=True, bounds=(0, 3), nullable=True),
        Column("b", "number", integer=True),
        Column("c", "category", levels=("x", "y"), nullable=True),
        Column("up", "key", integer=True, nullable=True),
    ),
    constraints=RULES,
    references=(Reference("up", "parents", "id"),),
)
PARENTS = Table("parents", (Column("id", "key", integer=True),), ("id",))
ROW = st.tuples(
    st.one_of(st.none(), st.integers(-1, 4)),
    st.one_of(st.none(), st.integers(0, 4)),
    st.sampled_from([None, "x", "y", "z"]),
    st.one_of(st.none(), st.integers(0, 6)),
)
TYPES = {"a": pl.Int64, "b": pl.Int64, "c": pl.String, "up": pl.Int64}


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, max_size=12), cut=st.integers(0, 12), ids=st.lists(st.integers(0, 6), max_size=6))
def test_a_proof_counts_what_validation_counts(
    rows: list[tuple[object, ...]], cut: int, ids: list[int]
) -> None:
    frame = pl.DataFrame(rows, schema=TYPES, orient="row")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for table in ("t", "parents"):
            (folder / table).mkdir()
        for number, part in enumerate((frame[:cut], frame[cut:])):
            part.write_parquet(folder / "t" / f"part-{number}.parquet")
        pl.DataFrame({"id": ids}, schema={"id": pl.Int64}).write_parquet(
            folder / "parents" / "part-0.parquet"
        )
        proof = prove(folder, Schema((TABLE, PARENTS)))
    mine = {(line.columns, line.rule): line for line in proof.lines if line.table == "t"}
    told = {
        line.rule: line.violations for line in mine.values() if line.kind in {"check", "among rows", "unique"}
    }
    assert told == {str(rule): int(find_broken(rule, frame, TABLE).sum()) for rule in RULES}
    alone = Table("t", TABLE.columns, references=())
    wanted = {
        ((found.column,), found.rule): found.count for found in validate(frame, alone) if found.column != "up"
    }
    values = {
        key: line.violations
        for key, line in mine.items()
        if line.violations and line.kind in {"not null", "value", "readable"}
    }
    assert values == wanted
    orphans = frame["up"].drop_nulls().is_in(ids).not_().sum() if len(frame) else 0
    assert mine[("up",), "refers to a row of parents"].violations == orphans
    (keys,) = (
        line for line in proof.lines if line.table == "parents" and line.rule == "different in every row"
    )
    assert keys.violations == len(ids) - len(set(ids))
    for line in proof.lines:
        assert len(line.first) == min(line.violations or 0, 5)
        assert all(1 <= place.row <= len(frame) + len(ids) for place in line.first)
