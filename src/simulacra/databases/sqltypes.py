"""Types of columns as databases name them: read from one system's words, written in those of another."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from simulacra.schema.types import Column

INTEGERS = {"tinyint": 1, "smallint": 2, "mediumint": 3, "integer": 4, "bigint": 8}
"""Whole numbers by their bytes."""

COUNTED = " GENERATED AS IDENTITY"
"""What is remembered behind the type of a column that its database counts."""

TEXTUAL = frozenset({"char", "varchar", "text", "enum", "uuid", "json", "array", "bytes", "other", "bit"})
"""Families whose values are text inside."""

_WORDS = {
    "tinyint": "tinyint", "int1": "tinyint", "smallint": "smallint", "int2": "smallint", "smallserial": "smallint",
    "mediumint": "mediumint", "int": "integer", "integer": "integer", "int4": "integer", "serial": "integer",
    "bigint": "bigint", "int8": "bigint", "bigserial": "bigint", "long": "bigint", "hugeint": "numeric",
    "uhugeint": "numeric", "utinyint": "smallint", "usmallint": "integer", "uinteger": "bigint", "ubigint": "numeric",
    "year": "smallint", "numeric": "numeric", "decimal": "numeric", "dec": "numeric", "number": "numeric",
    "real": "real", "float4": "real", "float": "double", "double": "double", "float8": "double", "double precision":
    "double", "boolean": "boolean", "bool": "boolean", "logical": "boolean", "date": "date", "time": "time",
    "timetz": "text", "datetime": "timestamp", "timestamp": "timestamp", "timestamptz": "timestamptz",
    "timestamp_s": "timestamp", "timestamp_ms": "timestamp", "timestamp_ns": "timestamp", "interval": "interval",
    "char": "char", "character": "char", "bpchar": "char", "nchar": "char", "native character": "char",
    "varchar": "varchar", "character varying": "varchar", "nvarchar": "varchar", "varchar2": "varchar",
    "varying character": "varchar", "string": "text", "text": "text", "tinytext": "text", "mediumtext": "text",
    "longtext": "text", "clob": "text", "citext": "text", "name": "text", "uuid": "uuid", "uniqueidentifier": "uuid",
    "json": "json", "jsonb": "json", "bytea": "bytes", "blob": "bytes", "tinyblob": "bytes", "mediumblob": "bytes",
    "longblob": "bytes", "binary": "bytes", "varbinary": "bytes", "bit": "bit", "bit varying": "bit", "varbit": "bit",
    "enum": "enum", "set": "other",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SqlType:
    """The type of a column, whatever system it is from.

    Parameters
    ----------
    family : str
        ``integer``, ``numeric``, ``timestamp``, ``uuid``, ``array``, ...; ``other`` for one that only its own system
        knows.
    length, scale : int or None
        Digits or characters, and digits behind the point.
    levels : tuple of str
        Values of an enum.
    name : str
        Name of an enum that its system names; the type as the system writes it for ``other`` and ``array``.
    unsigned : bool
        Whether a whole number is never negative.

    Examples
    --------
    >>> SqlType.parse("numeric(10,2)")
    SqlType(family='numeric', length=10, scale=2, levels=(), name='', unsigned=False)
    """

    family: str
    length: int | None = None
    scale: int | None = None
    levels: tuple[str, ...] = ()
    name: str = ""
    unsigned: bool = False

    @classmethod
    def parse(cls, text: str) -> SqlType:
        """Read a type as a system writes it, or as `dump` did.

        Examples
        --------
        >>> SqlType.parse("timestamp(3) with time zone").family, SqlType.parse("ENUM('a', 'b')").levels
        ('timestamptz', ('a', 'b'))
        """
        if text.startswith("{"):
            found = json.loads(text)
            return cls("enum", levels=tuple(found["levels"]), name=found["name"])
        plain = re.sub(r"\s+", " ", text.removesuffix(COUNTED).strip())
        small = plain.lower()
        if small.endswith("]"):
            return cls("array", name=plain)
        if small.startswith("enum"):
            return cls("enum", levels=tuple(_literals(plain)))
        if small.startswith(("struct", "map", "union")):
            return cls("json" if small.startswith("struct") else "other", name=plain)
        unsigned = " unsigned" in small
        small = re.sub(r" (unsigned|zerofill|signed)\b", "", small)
        zone = small.startswith("timestamp") and "with time zone" in small
        if small.startswith("time") and "with time zone" in small and not zone:
            return cls("text")
        small = re.sub(r" with(out)? (local )?time zone", "", small)
        found_parts = re.fullmatch(r"([a-z_0-9 ]+?)\s*(?:\((\d+)(?:\s*,\s*(-?\d+))?\))?( [a-z ]+)?", small)
        word = _WORDS.get(found_parts[1]) if found_parts else None
        if found_parts is None or word is None:
            return cls("other", name=plain)
        if found_parts[4] and word == "interval":
            return cls("interval")
        length = int(found_parts[2]) if found_parts[2] else None
        scale = int(found_parts[3]) if found_parts[3] else None
        if zone:
            word = "timestamptz"
        if word == "numeric":
            scale = 0 if length is not None and scale is None else scale
        elif word in {"real", "double"} and scale is not None:
            word = "numeric"
        elif word == "tinyint" and length == 1:
            word, length = "boolean", None
        elif word == "bit" and length is None:
            length = 1
        elif word in INTEGERS or word in {"boolean", "bytes", "text", "date", "real", "double"}:
            length = None
        return cls(word, length, scale, unsigned=unsigned and word in INTEGERS)

    @classmethod
    def of(cls, column: Column) -> SqlType:
        """Choose a type for a column of a schema.

        Parameters
        ----------
        column : Column
            What is known of it.

        Examples
        --------
        >>> SqlType.of(Column("price", "number", decimals=2, bounds=(0.5, 99.99))).scale
        2
        """
        if column.kind == "number":
            return _number(column)
        if column.kind == "key" and column.integer:
            return cls("bigint")
        if column.kind == "datetime":
            return cls("timestamptz" if column.timezone else "timestamp")
        if column.kind == "category" and column.levels:
            longest = max(map(len, column.levels))
            return cls("varchar", max(32, longest) if longest <= 4000 else None) if longest else cls("text")
        kinds = {"boolean": "boolean", "date": "date", "time": "time", "duration": "interval"}
        if column.kind in kinds:
            return cls(kinds[column.kind])
        return cls("text")

    def dump(self, text: str) -> str:
        """Write the type to be remembered: the system's own words, and an enum with its name and levels."""
        if self.family == "enum" and self.name:
            return json.dumps({"name": self.name, "levels": list(self.levels)}, ensure_ascii=False)
        return text

    @property
    def textual(self) -> bool:
        """Whether its values are text inside."""
        return self.family in TEXTUAL

    def named(self, name: str) -> SqlType:
        """Return it under another name."""
        return replace(self, name=name)


def parse_type(text: str, dialect: str) -> SqlType:
    """Read a type as one system means it, where it means another thing than the others.

    Examples
    --------
    >>> parse_type("timestamp", "mysql").family, parse_type("BIGINTEGER", "sqlite").family
    ('timestamptz', 'bigint')
    """
    small = text.lower()
    if dialect == "mysql" and small.startswith("timestamp"):
        return SqlType("timestamptz")  # an instant, told in the zone of the session, which is UTC
    if dialect in {"mysql", "duckdb"} and small == "float":
        return SqlType("real")
    if dialect != "sqlite":
        return SqlType.parse(text)
    if small in {"json_text", "uuid_text"}:
        return SqlType(small.partition("_")[0])
    found = SqlType.parse(text)
    if found.family != "other":
        return found
    # SQLite takes unknown words for numbers or for text by the letters in them
    if "int" in small:
        return SqlType("bigint")
    return SqlType("double" if any(word in small for word in ("real", "floa", "doub")) else "text")


def _number(column: Column) -> SqlType:
    """Choose the type of a number: whole ones by their bounds, fixed decimals exactly, others as doubles."""
    if column.integer:
        largest = max(map(abs, column.bounds)) if column.bounds else 2**31
        return SqlType("integer" if largest < 2**30 else "bigint")
    if column.decimals is None or column.decimals > 10:
        return SqlType("double")
    # room for a thousand times the largest value seen, so that rows made later fit too
    largest = max(map(abs, column.bounds)) if column.bounds else 10**9
    digits = len(str(int(largest))) + 3 + column.decimals
    return SqlType("numeric", digits, column.decimals) if digits <= 18 else SqlType("double")


def _literals(text: str) -> list[str]:
    """Read the quoted words of an enum."""
    found = re.findall(r"'((?:[^'\\]|''|\\.)*)'", text)
    return [re.sub(r"\\(.)", r"\1", word.replace("''", "'")) for word in found]
