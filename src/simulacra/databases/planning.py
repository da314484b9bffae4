"""What to create in a database: types of columns, keys, references, and an order in which rows can be loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from simulacra.databases.described import Described, Field
from simulacra.databases.rendering import quote_name, quote_names, write_type
from simulacra.databases.sqltypes import INTEGERS, SqlType, parse_type
from simulacra.frames import Layout
from simulacra.schema.constraints import Unique
from simulacra.schema.types import Column, Reference, Schema, Table

_NUMBERS = {*INTEGERS, "numeric", "real", "double"}
_MOMENTS = {"date": {"date", "datetime"}, "timestamp": {"date", "datetime"}, "timestamptz": {"date", "datetime"},
            "time": {"time"}, "interval": {"duration"}, "boolean": {"boolean"}}  # fmt: skip
_YEARS = (1971, 2037)
"""Years that a TIMESTAMP of MySQL can hold in any version."""


def plan_tables(
    schema: Schema, layouts: Mapping[str, Layout], dialect: str
) -> tuple[list[Described], list[str]]:
    """Plan the tables of a schema for a system.

    Parameters
    ----------
    schema : Schema
        The tables.
    layouts : mapping of str to Layout
        What types the columns had where they come from; a table may be missing.
    dialect : str
        The system that they go to.

    Returns
    -------
    tables : list of Described
        Those that others refer to first.
    notes : list of str
        What the system can not hold, one sentence each.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> shop = Schema((Table("items", (Column("id", "key", integer=True),), key=("id",)),))
    >>> print(create_table(plan_tables(shop, {}, "postgresql")[0][0], "postgresql"))
    CREATE TABLE "items" (
      "id" bigint NOT NULL,
      PRIMARY KEY ("id")
    )
    """
    notes: list[str] = []
    types = {
        (table.name, column.name): _type_of(table, column, layouts.get(table.name))
        for table in schema.tables
        for column in table.columns
    }
    _share_types(schema, types)
    keyed = _keyed(schema)
    planned = []
    for table in order_tables(schema):
        uniques = tuple(c.columns for c in table.constraints if isinstance(c, Unique))
        fields = tuple(
            _field(table, column, types[table.name, column.name], layouts.get(table.name), dialect,
                   (table.name, column.name) in keyed)
            for column in table.columns
        )  # fmt: skip
        references = []
        for reference in table.references:
            if _is_key(reference, schema):
                references.append(reference)
            else:
                notes.append(
                    f"table {table.name!r}: the reference {reference} leads to columns that are no key, which no "
                    "database allows; it is not declared."
                )
        planned.append(Described(table.name, fields, table.key, tuple(references), uniques))
    return planned, notes


def order_tables(schema: Schema) -> list[Table]:
    """Put tables in an order in which those that others refer to come first, as far as there is one.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> a = Table("a", (Column("b", "key"),), references=(Reference("b", "b"),))
    >>> b = Table("b", (Column("id", "key"),), key=("id",))
    >>> [table.name for table in order_tables(Schema((a, b)))]
    ['b', 'a']
    """
    left = {table.name: table for table in schema.tables}
    ordered: list[Table] = []
    while left:

        def waits(table: Table) -> int:
            return len({r.table for r in table.references} & (left.keys() - {table.name}))

        chosen = min(left.values(), key=waits)  # of a circle the one that waits for the fewest
        ordered.append(left.pop(chosen.name))
    return ordered


def create_table(
    table: Described, dialect: str, *, name: str | None = None, keys: bool = True, references: bool = True
) -> str:
    """Write the statement that makes a table.

    Parameters
    ----------
    table : Described
        What `plan_tables` planned.
    dialect : str
        The system.
    name : str or None
        Another name than its own.
    keys, references : bool
        Whether keys and references are declared at once.

    Examples
    --------
    >>> print(create_table(Described("t", (Field("a", "int", SqlType("integer")),)), "mysql"))
    CREATE TABLE `t` (
      `a` int NULL
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """
    lines = []
    for field in table.fields:
        empty = "" if field.nullable and dialect != "mysql" else " NULL" if field.nullable else " NOT NULL"
        lines.append(f"{quote_name(field.name, dialect)} {field.text}{empty}".rstrip())
    if keys:
        lines += list_keys(table, dialect)
    if references:
        lines += [write_reference(reference, dialect) for reference in table.references]
    # names that differ in case or accents alone are different values, as they are in the other systems
    end = " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin" if dialect == "mysql" else ""
    body = ",\n  ".join(lines)
    return f"CREATE TABLE {quote_name(name or table.name, dialect)} (\n  {body}\n){end}"


def list_keys(table: Described, dialect: str) -> list[str]:
    """Write the key of a table, and what else differs in every row, as parts of a statement.

    Examples
    --------
    >>> list_keys(Described("t", (), ("a", "b"), (), (("c",),)), "sqlite")
    ['PRIMARY KEY ("a", "b")', 'UNIQUE ("c")']
    """
    found = [f"PRIMARY KEY ({quote_names(table.key, dialect)})"] if table.key else []
    return found + [f"UNIQUE ({quote_names(names, dialect)})" for names in table.uniques]


def write_reference(reference: Reference, dialect: str, *, table: str | None = None) -> str:
    """Write a foreign key as part of a statement; the other table may have another name than its own.

    Examples
    --------
    >>> write_reference(Reference(("a",), "other", ("id",)), "sqlite")
    'FOREIGN KEY ("a") REFERENCES "other" ("id")'
    """
    other = quote_name(table or reference.table, dialect)
    ours, theirs = quote_names(reference.columns, dialect), quote_names(reference.to, dialect)
    return f"FOREIGN KEY ({ours}) REFERENCES {other} ({theirs})"


def _type_of(table: Table, column: Column, layout: Layout | None) -> SqlType | None:
    """Take the type that the column had in a database, unless its values are of another kind now."""
    text = layout.sql.get(column.name) if layout is not None else None
    if text is None or layout is None:
        return None
    type = parse_type(text, layout.dialect)
    if type.family in _MOMENTS and column.kind not in _MOMENTS[type.family]:
        return None
    if type.family in _NUMBERS and (column.kind == "key" and not column.integer):
        return None
    return type


def _share_types(schema: Schema, types: dict[tuple[str, str], SqlType | None]) -> None:
    """Give columns the type of those that they refer to, where they have none of their own."""
    ends = [
        ((table.name, here), (reference.table, there))
        for table in schema.tables
        for reference in table.references
        for here, there in zip(reference.columns, reference.to, strict=True)
    ]
    for _ in range(len(ends)):
        for one, two in ends:
            types[one] = types[one] or types[two]
    for table in schema.tables:
        for column in table.columns:
            types[table.name, column.name] = types[table.name, column.name] or SqlType.of(column)
    for _ in range(min(len(ends), 20)):
        for one, two in ends:
            here, there = types[one], types[two]
            if here and there and _width(here) != _width(there) and not (here.name or there.name):
                types[one] = there


def _width(type: SqlType) -> str:
    return type.family


def _keyed(schema: Schema) -> set[tuple[str, str]]:
    found = {(table.name, name) for table in schema.tables for name in table.key}
    for table in schema.tables:
        found |= {(table.name, n) for c in table.constraints if isinstance(c, Unique) for n in c.columns}
        for reference in table.references:
            found |= {(table.name, name) for name in reference.columns}
            found |= {(reference.table, name) for name in reference.to}
    return found


def _is_key(reference: Reference, schema: Schema) -> bool:
    other = schema.table(reference.table)
    uniques = [set(c.columns) for c in other.constraints if isinstance(c, Unique)]
    return set(reference.to) in [set(other.key), *uniques]


def _field(
    table: Table, column: Column, type: SqlType | None, layout: Layout | None, dialect: str, keyed: bool
) -> Field:
    type = type or SqlType.of(column)
    nullable = column.nullable and column.name not in table.key
    own = layout.sql.get(column.name) if layout is not None and layout.dialect == dialect else None
    if own is not None and parse_type(own, dialect) == type and type.family not in {"enum", "bit"}:
        return Field(column.name, own, type, nullable)
    text = write_type(type, dialect, keyed=keyed)
    if dialect == "postgresql" and type.family == "enum":
        type = type if type.name else replace(type, name=f"{table.name}_{column.name}")
    if dialect == "mysql" and type.family == "timestamptz" and column.bounds is not None:
        years = [bound.year for bound in column.bounds if hasattr(bound, "year")]
        if years and all(_YEARS[0] <= year <= _YEARS[1] for year in years):
            text = "timestamp(6)"
    return Field(column.name, text, type, nullable)
