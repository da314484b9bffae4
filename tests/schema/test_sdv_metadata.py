"""Metadata written for SDV are read as they stand, and the data fill in what they do not say."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import SchemaError
from simulacra.schema.importers.sdv import is_metadata

COLUMNS = {
    "guest": {"sdtype": "id", "regex_format": "G[0-9]{3}"},
    "mail": {"sdtype": "email", "pii": True},
    "home": {"sdtype": "address", "pii": True},
    "room": {"sdtype": "categorical"},
    "floor": {"sdtype": "categorical"},
    "nights": {"sdtype": "numerical", "computer_representation": "Int64"},
    "rate": {"sdtype": "numerical"},
    "arrival": {"sdtype": "datetime", "datetime_format": "%d %b %Y"},
    "member": {"sdtype": "boolean"},
    "city": {"sdtype": "city", "pii": False},
}
ONE = {"METADATA_SPEC_VERSION": "SINGLE_TABLE_V1", "primary_key": "guest", "columns": COLUMNS}
SEVERAL = {"METADATA_SPEC_VERSION": "V1", "tables": {"guests": {"primary_key": "guest", "columns": COLUMNS}}}


@pytest.fixture
def guests() -> pl.DataFrame:
    n = 120
    return pl.DataFrame({
        "guest": [f"G{i:03d}" for i in range(n)],
        "mail": [f"g{i}@example.org" for i in range(n)],
        "home": [f"{i} Long Street" for i in range(n)],
        "room": ["single", "double", "suite"] * 40,
        "floor": [1, 2, 3, 4] * 30,
        "nights": [1, 2, 3, 4, 5] * 24,
        "rate": [80.5 + i for i in range(n)],
        "arrival": [f"{1 + i % 28:02d} Mar 2024" for i in range(n)],
        "member": ["True", "False"] * 60,
        "city": ["Oslo", "Lima"] * 60,
    })  # fmt: skip


@pytest.mark.parametrize("metadata", [ONE, SEVERAL])
def test_kinds_come_from_the_metadata_and_facts_from_the_data(
    guests: pl.DataFrame, tmp_path: Path, metadata: dict[str, object]
) -> None:
    path = tmp_path / "metadata.json"
    path.write_text(json.dumps(metadata))
    guests.write_csv(tmp_path / "guests.csv")
    table = sim.read(tmp_path / "guests.csv", schema=path).schema.table()
    kinds = {column.name: column.kind for column in table.columns}
    assert kinds == {
        "guest": "key", "mail": "text", "home": "text", "room": "category", "floor": "category",
        "nights": "number", "rate": "number", "arrival": "date", "member": "boolean", "city": "category",
    }  # fmt: skip
    assert table.key == ("guest",)
    assert table["mail"].identifying == "email"
    assert table["nights"].integer and not table["rate"].integer
    assert {column.name for column in table.columns if column.sensitive} == {"mail", "home"}


def test_data_made_elsewhere_are_evaluated_under_their_own_metadata(guests: pl.DataFrame) -> None:
    report = sim.evaluate(guests, guests, holdout=guests, schema=ONE, metrics=["fidelity/marginals"])
    detail = report["fidelity/marginals"].detail
    assert detail is not None
    compared = set(detail["column"])
    assert {"room", "floor", "nights", "rate", "arrival", "member", "city"} <= compared
    assert not {"guest", "mail"} & compared


def test_a_model_is_fitted_under_metadata(guests: pl.DataFrame) -> None:
    fake = sim.fit(guests, schema=ONE, seed=1).sample(50, seed=1).polars()
    assert set(fake["floor"].unique()) <= {1, 2, 3, 4, "1", "2", "3", "4"}
    assert fake["nights"].dtype.is_integer()


def test_metadata_of_other_data_are_refused(guests: pl.DataFrame) -> None:
    with pytest.raises(SchemaError, match="column 'city' of the data is not there"):
        sim.read(guests, schema={"columns": {k: v for k, v in COLUMNS.items() if k != "city"}})
    with pytest.raises(SchemaError, match="no column 'stars'"):
        sim.read(guests, schema={"columns": COLUMNS | {"stars": {"sdtype": "numerical"}}})
    with pytest.raises(SchemaError, match="no 'sdtype'"):
        sim.read(guests, schema={"columns": COLUMNS | {"city": {}}})
    two = {"tables": {"a": {"columns": COLUMNS}, "b": {"columns": COLUMNS}}, "METADATA_SPEC_VERSION": "V1"}
    with pytest.raises(SchemaError, match="no table 'table'"):
        sim.read(guests, schema=two)


def test_a_schema_of_ours_is_no_metadata() -> None:
    assert not is_metadata({"version": 1, "tables": {"t": {"columns": {"a": {"kind": "number"}}}}})
    assert not is_metadata([1])
