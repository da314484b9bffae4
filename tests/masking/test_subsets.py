"""Subsets: every reference that led to a row still does, whatever the shape of the schema."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulacra as sim
from simulacra.errors import DataError, OptionError, SchemaError, UnknownName
from simulacra.schema.types import Column, Reference, Schema, Table


def orphans(data: sim.Dataset) -> dict[tuple[str, Reference], set[tuple]]:
    """The values that refer to nothing, by reference."""
    found = {}
    for table in data.schema.tables:
        for reference in table.references:
            own = data.frames[table.name].select(reference.columns).drop_nulls().rows()
            known = set(data.frames[reference.table].select(reference.to).drop_nulls().rows())
            found[table.name, reference] = set(own) - known
    return found


@st.composite
def databases(draw: st.DrawFn) -> tuple[dict[str, pl.DataFrame], Schema]:
    """Up to four tables with keys of one or two columns, and references of every kind among them, cycles included."""
    count = draw(st.integers(1, 4))
    wide = [draw(st.booleans()) for _ in range(count)]
    rows = [draw(st.integers(1, 8)) for _ in range(count)]
    tables, frames = [], {}
    for i in range(count):
        key = ("a", "b") if wide[i] else ("a",)
        columns = {"a": [r // 2 if wide[i] else r for r in range(rows[i])]}
        if wide[i]:
            columns["b"] = [r % 2 for r in range(rows[i])]
        references = []
        for number, j in enumerate(draw(st.lists(st.integers(0, count - 1), max_size=3))):
            names = tuple(f"r{number}{end}" for end in ("ab" if wide[j] else "a"))
            # values beyond the parent's are orphans
            value = st.none() | st.integers(0, rows[j])
            for name in names:
                columns[name] = draw(st.lists(value, min_size=rows[i], max_size=rows[i]))
            references.append(Reference(names, f"t{j}"))
        kinds = tuple(Column(n, "number", integer=True, nullable=True) for n in columns)
        tables.append(Table(f"t{i}", kinds, key, references=tuple(references)))
        frames[f"t{i}"] = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64))
    return frames, Schema(tuple(tables))


@settings(max_examples=150, deadline=None)
@given(databases(), st.integers(0, 2**20), st.floats(0.05, 1.0))
def test_no_reference_loses_its_row(
    case: tuple[dict[str, pl.DataFrame], Schema], seed: int, share: float
) -> None:
    data = sim.read(case[0], schema=case[1])
    before = orphans(data)
    part = sim.subset(data, table="t0", share=share, seed=seed)
    assert all(left <= before[place] for place, left in orphans(part).items())
    for name, frame in part.frames.items():
        # rows are rows of the whole, in their order: the key, which is sorted, stays sorted
        assert frame.rows() == sorted(frame.rows(), key=data.frames[name].rows().index)
    assert len(part.frames["t0"]) >= max(round(share * len(data.frames["t0"])), 1)


@settings(max_examples=80, deadline=None)
@given(databases(), st.integers(0, 2**20))
def test_what_belongs_to_a_kept_row_by_one_reference_is_kept(
    case: tuple[dict[str, pl.DataFrame], Schema], seed: int
) -> None:
    data = sim.read(case[0], schema=case[1])
    part = sim.subset(data, table="t0", share=1.0, seed=seed)
    for table in data.schema.tables:
        for reference in table.references:
            if reference.table == "t0" and table.name != "t0":
                parents = data.frames["t0"].select(reference.to)
                theirs = data.frames[table.name].join(
                    parents, left_on=list(reference.columns), right_on=list(reference.to), how="semi"
                )
                assert set(theirs.rows()) <= set(part.frames[table.name].rows())


def company() -> sim.Dataset:
    """Ten people with managers (0 is at the top), orders of theirs, and lines of orders."""
    frames = {
        "people": pl.DataFrame({"id": range(10), "boss": [None, 0, 0, 1, 1, 2, 2, 3, 3, 4], "state": ["OH", "NY"] * 5}),
        "orders": pl.DataFrame({"id": range(20), "person": [*range(10)] * 2, "place": [i % 3 for i in range(20)]}),
        "lines": pl.DataFrame({"order": [i // 2 for i in range(40)], "n": range(40)}),
        "places": pl.DataFrame({"id": range(5), "size": [3, 1, 2, 5, 4]}),
        "apart": pl.DataFrame({"x": [1.5, 2.5]}),
    }  # fmt: skip
    schema = sim.infer(frames)
    for table in schema.tables:
        schema = schema.without_reference(table.name)
    for name in ("people", "orders", "places"):
        schema = schema.with_key("id", table=name)
    schema = schema.with_reference("people", "boss", "people").with_reference("orders", "person", "people")
    schema = schema.with_reference("lines", "order", "orders").with_reference("orders", "place", "places")
    return sim.read(frames, schema=schema)


def ids(data: sim.Dataset, table: str, column: str = "id") -> list[int]:
    return data.polars(table)[column].to_list()


def test_children_grandchildren_and_managers_come_along() -> None:
    part = sim.subset(company(), table="people", where="id = 7")
    assert ids(part, "people") == [0, 1, 3, 7]
    # the orders of the one who was chosen, not of the managers
    assert ids(part, "orders") == [7, 17]
    assert ids(part, "lines", "order") == [7, 7, 17, 17]
    assert ids(part, "places") == [1, 2]
    assert ids(part, "apart", "x") == [1.5, 2.5]
    assert any("'apart'" in note for note in part.notes)


def test_public_tables_are_kept_whole() -> None:
    data = company()
    part = sim.subset(data, table="people", n=1, seed=3, schema=data.schema.with_role("places", "reference"))
    assert ids(part, "places") == [0, 1, 2, 3, 4]


def test_the_seed_decides_and_the_number_is_kept() -> None:
    data = company()
    one, two = (sim.subset(data, table="lines", n=4, seed=5) for _ in range(2))
    assert one.digest == two.digest and len(one.polars("lines")) == 4
    assert sim.subset(data, table="lines", n=4, seed=6).digest != one.digest
    assert len(sim.subset(data, table="orders", share=0.25, where="person < 4", seed=1).polars("orders")) == 2
    assert any("seed" in note for note in sim.subset(data, table="lines", n=4).notes)


def test_long_chains_take_linear_time() -> None:
    rows = 30_000
    frame = pl.DataFrame({"id": range(rows), "before": [None, *range(rows - 1)]})
    schema = (
        sim.infer({"log": frame})
        .with_key("id")
        .without_reference("log")
        .with_reference("log", "before", "log")
    )
    part = sim.subset({"log": frame}, schema=schema, where=f"id = {rows - 1}")
    assert len(part) == rows


def test_what_can_not_be_chosen_is_said() -> None:
    data = company()
    with pytest.raises(OptionError, match="which rows to choose"):
        sim.subset(data, table="people")
    with pytest.raises(OptionError, match="Give one of them"):
        sim.subset(data, table="people", n=1, share=0.5)
    with pytest.raises(OptionError, match="above 0"):
        sim.subset(data, table="people", share=1.5)
    with pytest.raises(UnknownName, match="did you mean 'people'"):
        sim.subset(data, table="peple", n=1)
    with pytest.raises(DataError, match="no row of table 'people'"):
        sim.subset(data, table="people", where="id = 99")
    with pytest.raises(SchemaError, match="Name the one"):
        sim.subset({"a": pl.DataFrame({"x": [1.5]}), "b": pl.DataFrame({"y": [1.5]})}, n=1)


def test_the_two_sides_of_a_reference_have_one_type() -> None:
    data = sim.read({"a": pl.DataFrame({"id": [1, 2]}), "b": pl.DataFrame({"a": ["1", "x"]})})
    schema = data.schema.with_key("id", table="a").without_reference("b").with_reference("b", "a", "a")
    with pytest.raises(DataError, match="of one kind"):
        sim.subset(data, table="a", n=1, schema=schema)
