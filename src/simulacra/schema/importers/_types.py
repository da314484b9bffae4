"""What the name of a SQL type says of a column: ``numeric(10,2)`` is a number with two decimals."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError

from simulacra.schema._patterns import UUID
from simulacra.schema.importers.drafts import ColumnDraft

_T = exp.DType if hasattr(exp, "DType") else exp.DataType.Type
MAX_NAME = 10_000
_COMMON_LENGTH = 255
"""Lengths from here on are what people write for any text, and say nothing of the values."""

_WHOLE = {
    "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "INT128", "INT256", "SERIAL", "SMALLSERIAL", "BIGSERIAL",
    "YEAR",
}  # fmt: skip
_UNSIGNED = {"UTINYINT", "USMALLINT", "UMEDIUMINT", "UINT", "UBIGINT", "UINT128", "UINT256"}
_REAL = {"FLOAT", "DOUBLE", "BIGDECIMAL", "UDOUBLE", "DECFLOAT", "BFLOAT16", "FLOAT16"}
_DECIMAL = {"DECIMAL", "DECIMAL32", "DECIMAL64", "DECIMAL128", "DECIMAL256", "UDECIMAL"}
_STRINGS = {
    "CHAR", "NCHAR", "VARCHAR", "NVARCHAR", "TEXT", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "BPCHAR", "NAME",
    "FIXEDSTRING", "SYSNAME",
}  # fmt: skip
_ZONED = {"TIMESTAMPTZ", "TIMESTAMPLTZ"}
_NAIVE = {
    "TIMESTAMP", "TIMESTAMPNTZ", "DATETIME", "DATETIME2", "DATETIME64", "SMALLDATETIME", "TIMESTAMP_S", "TIMESTAMP_MS",
    "TIMESTAMP_NS",
}  # fmt: skip
_NAIVE_ZONED = {"sqlite"}
"""Dialects whose clients show a TIMESTAMP without its zone."""
_WORDS: Mapping[str, str] = {
    "string": "text", "str": "text", "integer": "bigint", "long": "bigint", "number": "decimal(38,9)",
    "bytes": "binary",
    "byteint": "tinyint", "int8": "bigint", "short": "smallint", "logical": "boolean", "hugeint": "bigint",
    "bool": "boolean", "float64": "double", "float32": "float", "object": "json", "record": "json",
    "citext": "text", "xml": "json", "tsvector": "json", "clob": "text", "nclob": "text", "rowid": "text",
    "real": "double", "unsigned big int": "bigint", "varying character": "text", "native character": "text",
    "timestamp_tz": "timestamptz", "timestamp_ltz": "timestamptz",
}  # fmt: skip
"""Names of types that documents use, whatever their database calls them."""


def set_type(column: ColumnDraft, kind: exp.DataType, dialect: str) -> str | None:
    """Put into a column what its SQL type says.

    Parameters
    ----------
    column : ColumnDraft
        Changed in place.
    kind : DataType
        As sqlglot parsed it.
    dialect : str
        Whose SQL it is.

    Returns
    -------
    str or None
        What a person should know: values of a type that is kept as text.
    """
    word = kind.this.name if isinstance(kind.this, _T) else str(kind.this).upper()
    given = _numbers(kind)
    if word in _WHOLE | _UNSIGNED:
        if word == "TINYINT" and dialect == "mysql" and given == [1]:
            column.kind = "boolean"
            return None
        column.kind, column.integer = "number", True
        if word in _UNSIGNED:
            column.limits.append((">=", 0))
    elif word in _DECIMAL:
        _set_decimal(column, given, dialect)
    elif word in _REAL:
        column.kind, column.integer = "number", False
    elif word in {"MONEY", "SMALLMONEY"}:
        column.kind, column.integer = "number", False
        column.decimals = 2 if dialect == "postgres" else 4
    elif word in {"BOOLEAN", "BOOL"} or (word == "BIT" and given in ([], [1]) and dialect != "postgres"):
        column.kind = "boolean"
    elif word == "DATE":
        column.kind = "datetime" if dialect == "oracle" else "date"
    elif word in _NAIVE or (word in _ZONED and dialect in _NAIVE_ZONED):
        column.kind = "datetime"
    elif word in _ZONED:
        column.kind, column.timezone = "datetime", "UTC"
    elif word in {"TIME", "TIMETZ", "TIME_NS"}:
        column.kind = "time"
    elif word == "INTERVAL":
        column.kind = "duration"
    elif word in _STRINGS:
        column.kind = "string"
        if given and given[0] < _COMMON_LENGTH:
            column.lengths = (column.lengths[0], given[0])
    elif word in {"ENUM", "ENUM8", "ENUM16"}:
        column.kind = "category"
        column.levels = tuple(dict.fromkeys(_words(kind)))
    elif word in {"UUID", "UNIQUEIDENTIFIER"}:
        column.kind, column.pattern = "string", UUID
    elif word in {"INET", "IPADDRESS", "IPV4", "IPV6"}:
        column.kind, column.identifying = "text", "ip"
    elif word == "NULL" or word == "UNKNOWN":
        return None
    else:
        column.kind = "text"
        return f"values of type {kind.sql(dialect=dialect)} are kept as text"
    return None


def _set_decimal(column: ColumnDraft, given: list[int], dialect: str) -> None:
    column.kind = "number"
    # numeric(10) has no decimals, and so has a bare one in MySQL and SQL Server
    scale = given[1] if len(given) > 1 else 0 if given or dialect in {"mysql", "tsql"} else None
    if scale is None:
        return
    column.integer = scale <= 0
    column.decimals = max(scale, 0) if scale > 0 else None


def _numbers(kind: exp.DataType) -> list[int]:
    found = []
    for part in kind.expressions:
        literal = part.this if isinstance(part, exp.DataTypeParam) else part
        if isinstance(literal, exp.Literal) and not literal.is_string and str(literal.this).isdigit():
            found.append(int(literal.this))
    return found


def _words(kind: exp.DataType) -> list[str]:
    found = []
    for part in kind.expressions:
        literal = part.this if isinstance(part, (exp.DataTypeParam, exp.EQ)) else part
        if isinstance(literal, exp.Literal):
            found.append(str(literal.this))
    return found


def set_type_named(column: ColumnDraft, text: str, dialect: str = "") -> str | None:
    """Put into a column what the written name of a type says; return what a person should know.

    Examples
    --------
    >>> column = ColumnDraft("price")
    >>> set_type_named(column, "NUMERIC(10, 2)")
    >>> column.kind, column.decimals
    ('number', 2)
    """
    words = " ".join(text.split())
    written = _WORDS.get(words.casefold(), words)
    try:
        if len(written) > MAX_NAME:
            raise ValueError(written)
        kind = exp.DataType.build(written, dialect=dialect or None)
    except (SqlglotError, ValueError, RecursionError):
        return f"the type {text[:60]!r} is not known"
    if not isinstance(kind, exp.DataType) or kind.this == _T.USERDEFINED:
        return f"the type {text[:60]!r} is not known"
    return set_type(column, kind, dialect)
