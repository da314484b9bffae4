"""Names, types and values as a database system writes them."""

from __future__ import annotations

import re

import polars as pl

from simulacra.databases.sqltypes import INTEGERS, SqlType

_POSTGRESQL = {
    "tinyint": "smallint", "mediumint": "integer", "double": "double precision",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone", "bytes": "bytea", "json": "jsonb", "other": "text", "enum": "text",
    "time": "time without time zone",
}  # fmt: skip
_MYSQL = {
    "integer": "int", "timestamp": "datetime(6)", "timestamptz": "datetime(6)", "time": "time(6)", "bytes": "longblob",
    "json": "json", "other": "longtext", "enum": "longtext", "text": "longtext", "interval": "varchar(64)",
    "uuid": "char(36)", "array": "json", "bit": "varchar(255)", "boolean": "tinyint(1)", "real": "float",
}  # fmt: skip
# In SQLite the name chooses how values are turned, so that every name of what stands as text must say so.
_SQLITE = {
    "double": "REAL", "numeric": "DECIMAL", "timestamptz": "TIMESTAMPTZ", "bytes": "BLOB", "json": "JSON_TEXT",
    "other": "TEXT", "enum": "TEXT", "uuid": "UUID_TEXT", "array": "JSON_TEXT", "interval": "DURATION_TEXT",
    "bit": "TEXT",
}  # fmt: skip
_DUCKDB = {
    "mediumint": "INTEGER", "double": "DOUBLE", "timestamptz": "TIMESTAMP WITH TIME ZONE", "bytes": "BLOB",
    "other": "VARCHAR", "text": "VARCHAR", "bit": "VARCHAR",
}  # fmt: skip
_OWN = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "sqlite": _SQLITE, "duckdb": _DUCKDB}


def quote_name(name: str, dialect: str) -> str:
    """Quote the name of a table or column.

    Examples
    --------
    >>> quote_name("order", "mysql"), quote_name('the "best"', "postgresql")
    ('`order`', '"the ""best\"""')
    """
    if dialect == "mysql":
        return "`" + name.replace("`", "``") + "`"
    return '"' + name.replace('"', '""') + '"'


def quote_names(names: tuple[str, ...], dialect: str) -> str:
    """Quote several names, with commas between.

    Examples
    --------
    >>> quote_names(("a", "b c"), "sqlite")
    '"a", "b c"'
    """
    return ", ".join(quote_name(name, dialect) for name in names)


def quote_text(text: str, dialect: str) -> str:
    """Write a text as a literal.

    Examples
    --------
    >>> quote_text("it's", "sqlite")
    "'it''s'"
    """
    if dialect == "mysql":
        text = text.replace("\\", "\\\\")
    return "'" + text.replace("'", "''") + "'"


def write_type(type: SqlType, dialect: str, *, keyed: bool = False) -> str:
    """Write a type in the words of a system, or the nearest type that it has.

    Parameters
    ----------
    type : SqlType
        The type.
    dialect : str
        The system.
    keyed : bool
        Whether the column stands in a key or is referred to: MySQL wants such texts short.

    Examples
    --------
    >>> write_type(SqlType("uuid"), "mysql"), write_type(SqlType("numeric", 10, 2), "postgresql")
    ('char(36)', 'numeric(10,2)')
    """
    family, own = type.family, _OWN[dialect]
    if dialect == "sqlite" and family in own and family != "numeric":
        return own[family]
    if family == "numeric":
        return _numeric(type, dialect)
    if family in INTEGERS and type.unsigned:
        if dialect == "mysql":
            return f"{own.get(family, family)} unsigned"
        family = {"tinyint": "smallint", "smallint": "integer", "mediumint": "integer"}.get(family, "bigint")
    if family in {"char", "varchar"} and type.length:
        most = 16_000 if dialect == "mysql" else 10_000_000
        return f"{family}({type.length})" if type.length <= most else "text"
    if family == "varchar":
        family = "text"
    if family == "char":
        return "char(1)"
    if family == "enum" and dialect in {"mysql", "duckdb"}:
        return f"ENUM({', '.join(quote_text(level, dialect) for level in type.levels)})"
    if family == "bit" and dialect == "postgresql":
        return f"bit varying({type.length})"
    if family == "array" and dialect in {"postgresql", "duckdb"}:
        element, marks = re.sub(r"(\[\d*\])+$", "", type.name), "[]" * type.name.count("[")
        return write_type(SqlType.parse(element), dialect) + marks
    if keyed and dialect == "mysql" and family in {"text", "other", "enum"}:
        return "varchar(255)"
    return own.get(family, family)


def _numeric(type: SqlType, dialect: str) -> str:
    most = {"mysql": 65, "duckdb": 38}.get(dialect, 1000)
    if type.length is None or not 0 <= (type.scale or 0) <= type.length <= most:
        return {"mysql": "double", "duckdb": "DOUBLE", "sqlite": "NUMERIC"}.get(dialect, "numeric")
    word = "DECIMAL" if dialect in {"sqlite", "duckdb"} else "decimal" if dialect == "mysql" else "numeric"
    return f"{word}({type.length},{type.scale or 0})"


def write_literals(values: pl.Series, type: SqlType, dialect: str) -> pl.Series:
    """Write the values that `write_values` gave as literals of SQL.

    Examples
    --------
    >>> write_literals(pl.Series(["it's", None]), SqlType("text"), "sqlite").to_list()
    ["'it''s'", 'NULL']
    """
    if values.dtype == pl.Boolean:
        words = ["0", "1"] if dialect in {"sqlite", "mysql"} else ["false", "true"]
        texts = values.replace_strict([False, True], words, return_dtype=pl.String)
    elif values.dtype.is_numeric():
        texts = values.cast(pl.String)
        if values.dtype.is_float():
            texts = texts.replace({"inf": "'Infinity'", "-inf": "'-Infinity'"})
    elif type.family == "bytes":
        texts = _hexadecimal(values, dialect)
    else:
        texts = values.str.replace_all("\\", "\\\\", literal=True) if dialect == "mysql" else values
        texts = "'" + texts.str.replace_all("'", "''", literal=True) + "'"
    return texts.fill_null("NULL").alias(values.name)


def _hexadecimal(values: pl.Series, dialect: str) -> pl.Series:
    if dialect == "postgresql":
        return "'\\x" + values + "'"
    if dialect == "duckdb":
        return "unhex('" + values + "')"
    return "x'" + values + "'"
