"""What references lead to: orphans, nulls, parents without children, and keys that repeat."""

from __future__ import annotations

import json

import polars as pl

from simulacra.schema.integrity import check_keys, check_references
from simulacra.schema.types import Column, Schema, Table

PEOPLE = Table(
    "people", (Column("id", "key", integer=True), Column("boss", "key", integer=True, nullable=True)), ("id",)
)
PETS = Table("pets", (Column("owner", "key", integer=True, nullable=True),))
SCHEMA = (
    Schema((PEOPLE, PETS))
    .with_reference("pets", "owner", "people")
    .with_reference("people", "boss", "people")
)
FRAMES = {
    "people": pl.DataFrame({"id": [1, 2, 3, 4], "boss": [None, 1, 1, 9]}),
    "pets": pl.DataFrame({"owner": [1, 7, None, 1, 2, 8, 1]}),
}  # fmt: skip


def test_rows_are_counted_on_both_sides() -> None:
    own, pets = check_references(FRAMES, SCHEMA)
    assert (pets.rows, pets.nulls, pets.orphans, pets.first_orphans) == (7, 1, 2, (2, 6))
    assert (pets.parents, pets.childless, pets.fewest, pets.most, pets.mean) == (4, 2, 0, 3, 1.0)
    assert (pets.orphan_share, pets.null_share, pets.repeated) == (2 / 6, 1 / 7, 0)
    assert (own.orphans, own.nulls, own.most, own.first_orphans) == (1, 1, 2, (4,))


def test_facts_are_plain_values_and_name_no_value_of_the_data() -> None:
    frames = {"people": pl.DataFrame({"id": [1001, 1002]}), "pets": pl.DataFrame({"owner": [1001, 7777]})}
    people = Table("people", PEOPLE.columns[:1], ("id",))
    (facts,) = check_references(frames, Schema((people, PETS)).with_reference("pets", "owner", "people"))
    text = json.dumps(facts.to_dict()) + str(facts)
    assert "7777" not in text and "1001" not in text
    assert str(facts) == "owner -> people(id): 0 to 1 row for each, 0.5 in the mean; 1 orphan (50.0 %)"


def test_several_columns_refer_together() -> None:
    lines = Table(
        "lines",
        (Column("order", "number", integer=True), Column("no", "number", integer=True)),
        ("order", "no"),
    )
    parcels = Table("parcels", lines.columns)
    schema = Schema((lines, parcels)).with_reference("parcels", ("order", "no"), "lines")
    frames = {
        "lines": pl.DataFrame({"order": [1, 1, 2], "no": [1, 2, 1]}),
        "parcels": pl.DataFrame({"order": [1, 2, None, 2], "no": [2, 2, 1, 1]}),
    }  # fmt: skip
    (facts,) = check_references(frames, schema)
    assert (facts.orphans, facts.first_orphans, facts.nulls, facts.childless) == (1, (2,), 1, 1)


def test_values_of_other_types_are_compared_as_they_are_written() -> None:
    schema = Schema(
        (Table("a", (Column("id", "key"),), ("id",)), Table("b", (Column("a", "number"),)))
    ).with_reference("b", "a", "a")
    frames = {"a": pl.DataFrame({"id": ["1", "2"]}), "b": pl.DataFrame({"a": [1.0, 2.0, 3.0]})}
    assert check_references(frames, schema)[0].orphans == 1


def test_tables_without_rows_have_facts_too() -> None:
    frames = {name: frame.clear() for name, frame in FRAMES.items()}
    own, pets = check_references(frames, SCHEMA)
    assert (own.rows, pets.orphans, pets.parents, pets.mean, pets.orphan_share, pets.null_share) == (
        0,
        0,
        0,
        0,
        0,
        0,
    )


def test_keys_that_repeat_or_lack_are_counted() -> None:
    frames = {"people": pl.DataFrame({"id": [1, None, 1, 2, 2, 2]}), "pets": FRAMES["pets"]}
    (facts,) = check_keys(frames, Schema((Table("people", PEOPLE.columns[:1], ("id",)), PETS)))
    assert (facts.rows, facts.nulls, facts.repeated, facts.first_repeated) == (6, 1, 3, (3, 5, 6))
    assert not facts.holds
    assert check_keys(FRAMES, SCHEMA)[0].holds
