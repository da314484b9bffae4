"""Contracts written as JSON or YAML: data packages, JSON Schema, dbt, data contracts, SDV metadata."""

from __future__ import annotations

import copy
import random
from contextlib import suppress
from datetime import date
from typing import Any

import pytest

from simulacra.errors import SchemaError, SimulacraError
from simulacra.schema._yaml import load_yaml
from simulacra.schema.constraints import Check, Pattern, Unique
from simulacra.schema.files import format_schema, parse_schema
from simulacra.schema.importers.dbt import read_dbt
from simulacra.schema.importers.json_schema import read_json_schema
from simulacra.schema.importers.odcs import read_data_contract
from simulacra.schema.importers.recognition import find_reader
from simulacra.schema.importers.sdv import read_metadata
from simulacra.schema.importers.table_schema import read_table_schema
from simulacra.schema.types import Reference, Schema

PACKAGE: dict[str, Any] = {
    "name": "shop",
    "resources": [
        {
            "name": "customers",
            "path": "data/people.csv",
            "schema": {
                "fields": [
                    {"name": "id", "type": "integer", "constraints": {"required": True}},
                    {"name": "mail", "type": "string", "format": "email", "constraints": {"unique": True}},
                    {"name": "born", "type": "date", "format": "%d.%m.%Y", "constraints": {"minimum": "1900-01-01"}},
                    {"name": "size", "type": "string", "constraints": {"enum": ["S", "M", "L"]}},
                    {
                        "name": "code", "type": "string",
                        "constraints": {"pattern": "^[A-Z]{2}[0-9]{3}$", "required": True},
                    },
                    {"name": "nick", "type": "string", "constraints": {"minLength": 2, "maxLength": 9}},
                    {"name": "paid", "type": "boolean", "trueValues": ["ja"], "falseValues": ["nein"]},
                    {"name": "debt", "type": "number", "decimalChar": ",", "groupChar": "."},
                    {"name": "where", "type": "geopoint"},
                ],
                "primaryKey": "id",
                "missingValues": ["", "none of it"],
            },
        },
        {
            "name": "visits",
            "path": "visits.csv",
            "schema": {
                "fields": [
                    {"name": "customer", "type": "integer"},
                    {"name": "no", "type": "integer"},
                    {"name": "stars", "type": "integer", "constraints": {"minimum": 1, "maximum": 5}},
                    {"name": "after", "type": "integer"},
                ],
                "primaryKey": ["customer", "no"],
                "uniqueKeys": [["no", "stars"]],
                "foreignKeys": [
                    {"fields": "customer", "reference": {"resource": "customers", "fields": "id"}},
                    {"fields": ["customer", "after"], "reference": {"resource": "", "fields": ["customer", "no"]}},
                ],
            },
        },
        {"name": "photos", "path": "photos.zip"},
    ],
}  # fmt: skip

OBJECTS: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        "customer": {
            "type": "object",
            "title": "a customer",
            "required": ["id", "mail"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "mail": {"type": "string", "format": "email"},
                "name": {"type": ["string", "null"], "maxLength": 40, "pattern": "^[A-Z]"},
                "address": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}, "country": {"enum": ["DE", "FR", None]}},
                    "required": ["city"],
                },
                "tags": {"type": "array", "items": {"type": "string"}},
            },
        },
    },
    "type": "object",
    "properties": {
        "customers": {"type": "array", "items": {"$ref": "#/$defs/customer"}},
        "orders": {
            "type": "array",
            "items": {
                "allOf": [
                    {
                        "type": "object", "required": ["order_id"],
                        "properties": {"order_id": {"type": "integer", "minimum": 1}},
                    },
                    {
                        "properties": {
                            "customer": {"$ref": "#/$defs/customer"},
                            "placed": {"type": "string", "format": "date-time"},
                            "stars": {"type": "integer", "enum": [1, 2, 3]},
                            "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "multipleOf": 0.01},
                            "lines": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["sku", "count"],
                                    "properties": {
                                        "sku": {"type": "string", "pattern": "^[a-z]{3}$"},
                                        "count": {"type": "integer", "minimum": 1, "maximum": 99},
                                        "parts": {"$ref": "#/properties/orders/items/allOf/1/properties/lines"},
                                    },
                                },
                            },
                        },
                        "required": ["customer", "placed"],
                    },
                ],
                "if": {},
            },
        },
    },
}  # fmt: skip

DBT = """
version: 2
models:
  - name: customers
    columns:
      - name: customer_id
        data_type: bigint
        data_tests: [unique, not_null]
      - name: mail
        data_type: varchar(80)
        meta: {contains_pii: true}
        tests:
          - dbt_expectations.expect_column_values_to_match_regex: {regex: "^[^@]+@[^@]+$"}
      - name: score
        data_type: integer
        tests:
          - dbt_utils.accepted_range: {min_value: 0, max_value: 100}
          - not_null: {config: {where: "customer_id > 10"}}
  - name: stg_orders
    config: {alias: orders}
    constraints:
      - {type: primary_key, columns: [order_id, line]}
      - {type: check, expression: "shipped >= placed"}
    tests:
      - dbt_utils.unique_combination_of_columns:
          arguments: {combination_of_columns: [order_id, customer_id]}
      - dbt_utils.equal_rowcount: {compare_model: ref('x')}
    columns:
      - {name: order_id, data_type: int}
      - {name: line, data_type: int}
      - name: customer_id
        tests:
          - not_null
          - relationships: {to: "ref('customers')", field: customer_id}
      - name: status
        data_type: string
        tests:
          - accepted_values: {values: [placed, shipped, 'on']}
      - name: level
        data_type: int
        data_tests:
          - accepted_values: {arguments: {values: [1, 2, 3], quote: false}}
      - {name: placed, data_type: date}
      - {name: shipped, data_type: date}
      - name: amount
        data_type: numeric(12, 2)
        constraints: [{type: not_null}, {type: check, expression: "amount > 0"}]
sources:
  - name: raw
    tables:
      - name: countries
        columns:
          - {name: code, data_type: char(2), constraints: [{type: primary_key}]}
          - name: parent
            constraints: [{type: foreign_key, to: "source('raw', 'countries')", to_columns: [code]}]
"""

ODCS = """
apiVersion: v3.1.0
kind: DataContract
id: 1
schema:
  - name: customers
    physicalName: sales.tbl_customer
    properties:
      - {name: id, physicalName: cust_id, logicalType: integer, physicalType: bigint, primaryKey: true, required: true}
      - name: mail
        logicalType: string
        logicalTypeOptions: {format: email}
        classification: restricted
        unique: true
      - name: born
        logicalType: date
        logicalTypeOptions: {format: dd.MM.yyyy, minimum: "1900-01-01", maximum: "2020-12-31"}
      - name: grade
        logicalType: string
        quality:
          - {metric: invalidValues, arguments: {validValues: [a, b, c]}, mustBe: 0}
          - {metric: rowCount, mustBeGreaterThan: 10}
  - name: orders
    properties:
      - {name: customer, logicalType: integer, primaryKey: true, primaryKeyPosition: 2,
         relationships: [{to: customers.id}]}
      - {name: no, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}
      - {name: price, logicalType: number, physicalType: "DECIMAL(8,2)", required: true,
         logicalTypeOptions: {minimum: 0, maximum: 999}}
      - {name: things, logicalType: array}
  - name: parcels
    properties:
      - {name: c, logicalType: integer}
      - {name: n, logicalType: integer}
    relationships:
      - {from: [parcels.n, parcels.c], to: [orders.no, orders.customer]}
"""

OLD_CONTRACT = """
dataContractSpecification: 1.1.0
id: shop
models:
  orders:
    fields:
      order_id: {$ref: "#/definitions/order_id", primaryKey: true, required: true}
      total: {type: decimal, precision: 10, scale: 2, required: true, minimum: 0, maximum: 500}
      mail: {type: string, format: email, pii: true}
      state: {type: string, enum: [new, done]}
      at: {type: timestamp_ntz}
  lines:
    primaryKey: [order_id, no]
    fields:
      order_id: {type: text, references: orders.order_id}
      no: {type: int}
definitions:
  order_id: {type: text, pattern: "^[A-Z]{4}$"}
"""


def reread(schema: Schema) -> Schema:
    """The schema, after it was written to a file and read again."""
    again = parse_schema(format_schema(schema))
    assert again == schema
    return again


def test_a_data_package_is_read() -> None:
    schema = read_table_schema(PACKAGE)
    people, visits = schema.tables
    assert schema.names == ("customers", "visits") and people.key == ("id",)
    assert people["mail"].identifying == "email" and Unique("mail") in people.constraints
    assert people["born"].format == "%d.%m.%Y" and Check("\"born\" >= '1900-01-01'") in people.constraints
    assert people["size"].levels == ("S", "M", "L") and people["size"].nullable
    assert people["code"].pattern == "[A-Z]{2}[0-9]{3}" and not people["code"].nullable
    assert Check('length("nick") >= 2') in people.constraints
    assert people["paid"].format == "nein|ja" and people["debt"].format == "1.234,5"
    assert visits["stars"].bounds == (1, 5) and visits["stars"].declared
    assert visits.references == (
        Reference(("customer",), "customers", ("id",)),
        Reference(("customer", "after"), "visits", ("customer", "no")),
    )
    assert Unique(("no", "stars")) in visits.constraints
    notes = " ".join(schema.notes)
    assert "'photos' is left out" in notes and "'none of it'" in notes and "geopoint" in notes
    reread(schema)


def test_a_json_schema_of_several_tables_is_read() -> None:
    schema = read_json_schema(OBJECTS)
    assert schema.names == ("customers", "orders", "orders_lines")
    customers, orders, lines = schema.tables
    assert customers.key == ("id",) and orders.key == ("order_id",)
    assert customers["name"].nullable and customers["name"].pattern == "[A-Z].*"
    assert customers["address_country"].levels == ("DE", "FR") and customers["address_city"].nullable
    assert customers["tags"].kind == "text"
    assert orders.references == (Reference(("customer_id",), "customers", ("id",), "customer"),)
    assert not orders["customer_id"].nullable and orders["customer_id"].kind == "key"
    assert orders["placed"].kind == "datetime" and orders["stars"].bounds == (1, 3)
    assert orders["share"].decimals == 2 and Check('"share" > 0') in orders.constraints
    assert lines.role == "child" and lines.references[0].table == "orders"
    assert lines["sku"].pattern == "[a-z]{3}" and lines["count"].bounds == (1, 99)
    notes = " ".join(schema.notes)
    assert "nests itself" in notes and "'if' is left out" in notes
    reread(schema)


def test_one_object_is_one_table_under_its_title_or_the_name_given() -> None:
    content = {
        "type": "object",
        "properties": {"age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150}},
    }
    assert read_json_schema(content, name="people").table("people")["age"].bounds == (0, 149)
    assert read_json_schema({**content, "title": "person"}).names == ("person",)
    assert read_json_schema({"type": "array", "items": {**content, "title": "x"}}).names == ("x",)
    assert set(read_json_schema({"$defs": {"a": content, "b": content, "c": {"type": "string"}}}).names) == {
        "a",
        "b",
    }


def test_other_documents_are_not_fetched_and_circles_end() -> None:
    content: dict[str, Any] = {
        "type": "object",
        "properties": {
            "far": {"$ref": "https://example.org/other.json"},
            "round": {"$ref": "#/$defs/a"},
            "self": {"$ref": "#"},
            "age": {"type": "integer"},
        },
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
    }
    schema = read_json_schema(content)
    assert schema.table()["age"].integer
    assert any("example.org" in note for note in schema.notes)


def test_a_file_of_dbt_is_read() -> None:
    schema = read_dbt(load_yaml(DBT))
    customers, orders, countries = schema.tables
    assert schema.names == ("customers", "orders", "countries")
    assert customers.key == ("customer_id",) and customers["mail"].sensitive
    assert customers["score"].bounds == (0, 100) and customers["score"].nullable
    assert orders.key == ("order_id", "line") and orders["customer_id"].kind == "key"
    assert orders.references == (Reference(("customer_id",), "customers", ("customer_id",)),)
    assert orders["status"].levels == ("placed", "shipped", "on")
    assert orders["level"].bounds == (1, 3) and Check('"level" in (1, 2, 3)') in orders.constraints
    assert {Unique(("order_id", "customer_id")), Check("shipped >= placed"), Check("amount > 0")} <= set(
        orders.constraints
    )
    assert orders["amount"].decimals == 2 and not orders["amount"].nullable
    assert countries.references == (Reference(("parent",), "countries", ("code",)),)
    notes = " ".join(schema.notes)
    assert "equal_rowcount" in notes and "does not hold for every row" in notes
    reread(schema)


def test_a_data_contract_is_read() -> None:
    schema = read_data_contract(load_yaml(ODCS))
    customers, orders, parcels = schema.tables
    assert schema.names == ("tbl_customer", "orders", "parcels")
    assert (
        customers.key == ("cust_id",)
        and customers["mail"].sensitive
        and customers["mail"].identifying == "email"
    )
    assert customers["born"].format == "%d.%m.%Y"
    assert customers["born"].bounds == (date(1900, 1, 1), date(2020, 12, 31))
    assert customers["grade"].levels == ("a", "b", "c")
    assert orders.key == ("no", "customer")
    assert orders.references == (Reference(("customer",), "tbl_customer", ("cust_id",)),)
    assert orders["price"].decimals == 2 and orders["price"].bounds == (0, 999)
    assert parcels.references == (Reference(("n", "c"), "orders", ("no", "customer")),)
    notes = " ".join(schema.notes)
    assert "'rowCount' on quality is left out" in notes and "'array' are kept as text" in notes
    reread(schema)


def test_the_older_form_of_data_contracts_is_read() -> None:
    schema = read_data_contract(load_yaml(OLD_CONTRACT))
    orders, lines = schema.tables
    assert orders.key == ("order_id",) and orders["order_id"].pattern == "[A-Z]{4}"
    assert orders["total"].bounds == (0, 500) and orders["total"].decimals == 2
    assert orders["mail"].identifying == "email" and orders["state"].levels == ("new", "done")
    assert orders["at"].timezone is None
    assert lines.key == ("order_id", "no") and lines.references[0].table == "orders"
    assert lines["order_id"].kind == "key"


def test_metadata_of_several_tables_have_references() -> None:
    content = {
        "METADATA_SPEC_VERSION": "V1",
        "tables": {
            "guests": {
                "primary_key": "id",
                "alternate_keys": ["card", ["room", "day"]],
                "columns": {
                    "id": {"sdtype": "id"}, "card": {"sdtype": "credit_card_number", "pii": True},
                    "room": {"sdtype": "categorical"}, "day": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"},
                },
            },
            "stays": {
                "sequence_key": "guest", "sequence_index": "at",
                "columns": {
                    "guest": {"sdtype": "id"}, "at": {"sdtype": "datetime"}, "nights": {"sdtype": "numerical"},
                },
            },
        },
        "relationships": [
            {"parent_table_name": "guests", "parent_primary_key": "id", "child_table_name": "stays",
             "child_foreign_key": "guest"},
        ],
    }  # fmt: skip
    schema = read_metadata(content)
    guests, stays = schema.tables
    assert guests.constraints == (Unique("card"), Unique(("room", "day")))
    assert guests["card"].identifying == "card" and guests["card"].sensitive and guests["day"].kind == "date"
    assert (stays.role, stays.order) == ("event", "at")
    assert stays.references == (Reference(("guest",), "guests", ("id",)),)
    reread(schema)


@pytest.mark.parametrize(
    "content",
    [PACKAGE, OBJECTS, load_yaml(DBT), load_yaml(ODCS), load_yaml(OLD_CONTRACT)],
    ids=["package", "json schema", "dbt", "odcs", "older contract"],
)
def test_each_format_is_told_by_its_content(content: Any) -> None:
    reader = find_reader(content)
    assert reader is not None and len(reader(None).tables) >= 2


@pytest.mark.parametrize(
    "content",
    [
        {"fields": []}, {"resources": [{"name": "a"}]}, {"$schema": "https://json-schema.org/x", "type": "string"},
        {"models": []}, {"models": [{"name": "a"}]}, {"kind": "DataContract"},
        {"dataContractSpecification": "1", "models": 3},
        {"resources": [3, None]}, {"properties": {}}, {"models": [{"name": "a", "columns": [3]}]},
    ],
)  # fmt: skip
def test_documents_without_a_table_are_refused_in_words(content: Any) -> None:
    reader = find_reader(content)
    if reader is not None:
        with pytest.raises(SchemaError, match="describes no table"):
            reader(None)


def test_patterns_that_can_not_be_checked_are_told() -> None:
    fields = [
        {"name": "a", "type": "string", "constraints": {"pattern": "(?=x)y"}},
        {"name": "b", "type": "string"},
    ]
    schema = read_table_schema({"fields": fields})
    assert schema.table()["a"].pattern is None
    assert any("look-around" in note for note in schema.notes)


def test_a_pattern_of_a_category_is_a_constraint() -> None:
    from simulacra.schema.types import Column, Table

    seen = Schema((Table("t", (Column("a", "category", levels=("x1", "x2")),)),))
    fields = [{"name": "a", "type": "string", "constraints": {"pattern": "x[0-9]"}}]
    schema = read_table_schema({"fields": fields}, seen)
    assert schema.table()["a"].levels == ("x1", "x2")
    assert schema.table().constraints == (Pattern("a", "x[0-9]"),)


def places(content: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all parts of a document."""
    inner = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    return [above, *(place for key, value in inner for place in places(value, (*above, key)))]


@pytest.mark.parametrize("seed", range(6))
def test_damaged_documents_raise_nothing_but_our_errors(seed: int) -> None:
    dice = random.Random(seed)
    whole = [PACKAGE, OBJECTS, load_yaml(DBT), load_yaml(ODCS), load_yaml(OLD_CONTRACT)]
    junk = [
        None,
        3,
        -1.5,
        "x",
        "",
        [],
        {},
        [1],
        [None],
        {"a": 1},
        True,
        ["id", "id"],
        float("nan"),
        "2020-13-45",
    ]
    read = 0
    for _ in range(60):
        content = copy.deepcopy(dice.choice(whole))
        for _ in range(dice.choice([1, 2, 4])):
            *way, last = dice.choice(places(content)[1:])
            part: Any = content
            for key in way:
                part = part[key]
            part[last] = copy.deepcopy(dice.choice(junk))
        reader = find_reader(content)
        with suppress(SimulacraError):
            read += reader is not None and len(reader(None).tables) > 0
    # damage in one place does not make the rest unreadable
    assert read > 30
