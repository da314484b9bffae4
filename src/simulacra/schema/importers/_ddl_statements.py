"""SQL text in parts: statements, the items in their parentheses, names, and whose SQL it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPECIAL = re.compile(
    r"--[^\n]*|^[ \t]*\#[^\n]*|/\*|['\"`;()\[\],>]|\$\w{0,60}\$|\b(?:ARRAY|STRUCT|MAP)\s*<",
    re.MULTILINE | re.IGNORECASE,
)
_ESCAPED = re.compile(r"(?:[^'\\]|\\.)*+'", re.DOTALL)
_ESCAPED_DOUBLE = re.compile(r'(?:[^"\\]|\\.)*+"', re.DOTALL)
_NAME = r'(?:"(?:[^"]|"")+"|`[^`]+`|\[[^\]]+\]|[\w$@#]+)'
QUALIFIED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
"""A pattern for a name, in any quotes, with what it belongs to before it."""
_PARTS = re.compile(_NAME)
_COPY = re.compile(r"^COPY [^;\n]{1,20000} FROM stdin\b[^\n]*;\r?\n", re.IGNORECASE | re.MULTILINE)
_META = re.compile(
    r"^(?:\\[a-z]\S*.*|GO|/|DELIMITER\b.*|SET\s+(?:ANSI_\w+|QUOTED_IDENTIFIER)\b.*|USE\s.*)[ \t\r]*$",
    re.I | re.M,
)
_SIGNS: dict[str, tuple[str, ...]] = {
    "mysql": (r"`", r"\bENGINE\s*=", r"\bAUTO_INCREMENT\b", r"\bDEFAULT CHARSET\b", r"\b(?:medium|long)(?:int|text)\b"),
    "sqlite": (r"\bAUTOINCREMENT\b", r"\bWITHOUT\s+ROWID\b", r"\bPRAGMA\b", r"\bsqlite_", r"\)\s*STRICT\b"),
    "postgres": (
        r"\b(?:big|small)?serial\b", r"::", r"\bcharacter varying\b", r"\bALTER TABLE ONLY\b", r"\bjsonb\b",
        r"\bpg_catalog\b", r"\bbytea\b", r"\bAS ENUM\b", r"\btimestamptz\b", r"\bwith(?:out)? time zone\b",
    ),
    "tsql": (
        r"\[\w[^\]\n]*\]", r"\bIDENTITY\s*\(", r"\bNVARCHAR\b", r"^GO\s*$", r"\bCLUSTERED\b", r"\buniqueidentifier\b",
    ),
    "oracle": (r"\bVARCHAR2\b", r"\bNUMBER\s*\(", r"\bENABLE\b", r"\bPCTFREE\b", r"\bTABLESPACE\b"),
    "snowflake": (
        r"\bcreate or replace (?:transient )?table\b", r"\bVARIANT\b", r"\bTIMESTAMP_[NLT]TZ\b",
        r"\bNUMBER\(38\s*,\s*0\)", r"\bautoincrement start\b",
    ),
    "bigquery": (r"\bINT64\b", r"\bFLOAT64\b", r"\bOPTIONS\s*\(", r"\bSTRUCT<", r"\bARRAY<", r"\bNOT ENFORCED\b"),
    "duckdb": (r"\bHUGEINT\b", r"\bU(?:BIG|SMALL|TINY)?INT(?:EGER)?\b", r"\bVARCHAR\[\]", r"\bSTRUCT\(", r"\bMAP\("),
}  # fmt: skip
_BACKSLASH = {"mysql", "bigquery", "snowflake"}
"""Dialects in which a backslash takes the meaning from a quote."""
DIALECTS = tuple(_SIGNS)
"""The dialects that are guessed among."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its comments, and the line that it ends on."""

    sql: str
    line: int


def scan(text: str, dialect: str) -> Iterator[tuple[str, int, int]]:
    """Give what has a meaning for splitting: ``"comment"``, ``"text"`` (anything quoted) and single signs, with places.

    A quote that is never closed reaches to the end.
    """
    place = 0
    while match := _SPECIAL.search(text, place):
        word, start = match[0], match.start()
        place = match.end()
        if word == "/*":
            place = _after(text, "*/", place)
            yield "comment", start, place
        elif word.startswith("--") or word.lstrip().startswith("#"):
            yield "comment", start, place
        elif word[0] in "'\"`$" or (word == "[" and dialect == "tsql"):
            place = _close(text, word, start, place, dialect)
            yield "text", start, place
        else:
            yield word[-1], start, place


def _close(text: str, opening: str, start: int, place: int, dialect: str) -> int:
    """Find the end of what a quote opens; a quote that is written twice is two texts side by side."""
    if opening in "'\"" and (dialect in _BACKSLASH or text[start - 1 : start] in {"E", "e"}):
        match = (_ESCAPED if opening == "'" else _ESCAPED_DOUBLE).match(text, place)
        return match.end() if match else len(text)
    return _after(text, "]" if opening == "[" else opening, place)


def _after(text: str, end: str, place: int) -> int:
    found = text.find(end, place)
    return len(text) if found < 0 else found + len(end)


def split_statements(text: str, dialect: str = "postgres") -> Iterator[Statement]:
    """Split a script at its semicolons, without comments, rows of data and commands of a client.

    Examples
    --------
    >>> [s.sql for s in split_statements("create table a (x int); -- one; two\\ncreate table b (y text default ';');")]
    ['create table a (x int)', "create table b (y text default ';')"]
    """
    text = _META.sub(";", _without_rows(text))
    parts: list[str] = []
    place = 0
    line, counted = 1, 0
    for kind, start, end in scan(text, dialect):
        if kind not in {"comment", ";"}:
            continue
        parts.append(text[place:start])
        if kind == ";":
            sql = " ".join(parts).strip()
            if sql:
                # the line of the statement's end is near enough to find it, and cheap to count
                line += text.count("\n", counted, start)
                counted = start
                yield Statement(sql, line)
            parts = []
        place = end
    sql = " ".join([*parts, text[place:]]).strip()
    if sql:
        yield Statement(sql, line + text.count("\n", counted))


def _without_rows(text: str) -> str:
    """Take away the rows that a dump has between COPY and a line of ``\\.``."""
    parts: list[str] = []
    place = 0
    while match := _COPY.search(text, place):
        parts.append(text[place : match.start()])
        end = _after(text, "\n\\.", match.end() - 1)
        parts.append("\n" * text.count("\n", match.start(), end))
        place = end
    return "".join([*parts, text[place:]])


def split_items(text: str, dialect: str = "postgres") -> list[str]:
    """Split a list at the commas outside parentheses and quotes.

    Examples
    --------
    >>> split_items("a numeric(10,2), b text default ',', c ARRAY<STRUCT<x INT64, y INT64>>, primary key (a, b)")
    ['a numeric(10,2)', "b text default ','", 'c ARRAY<STRUCT<x INT64, y INT64>>', 'primary key (a, b)']
    """
    items: list[str] = []
    opened: list[str] = []
    place = 0
    for kind, start, end in scan(text, dialect):
        if kind in "([<":
            opened.append(kind)
        elif opened and (kind in ")]" or (kind == ">" and opened[-1] == "<")):
            opened.pop()
        elif kind == "," and not opened:
            items.append(text[place:start].strip())
            place = end
    return [item for item in (*items, text[place:].strip()) if item]


def split_body(sql: str, dialect: str = "postgres") -> tuple[str, str, str] | None:
    """Split a statement into what stands before its first parentheses, in them, and after them.

    Examples
    --------
    >>> split_body("create table t (a int, b numeric(3,1)) engine=x")
    ('create table t', 'a int, b numeric(3,1)', 'engine=x')
    """
    depth = first = 0
    for kind, start, end in scan(sql, dialect):
        if kind == "(":
            first = first if depth else start
            depth += 1
        elif kind == ")" and depth:
            depth -= 1
            if depth == 0:
                return sql[:first].strip(), sql[first + 1 : start], sql[end:].strip()
    return None


def split_name(name: str) -> tuple[str, ...]:
    """Split a qualified name into its parts, without quotes.

    Examples
    --------
    >>> split_name('public."Order"'), split_name("[dbo].[Order Details]"), split_name("`p.d.t`")
    (('public', 'Order'), ('dbo', 'Order Details'), ('p.d.t',))
    """
    parts = []
    for match in _PARTS.finditer(name):
        part = match[0]
        if part[0] in '"`[':
            part = part[1:-1].replace('""', '"')
        parts.append(part)
    return tuple(parts)


def guess_dialect(text: str) -> str:
    """Guess whose SQL a script is, by words that others do not use.

    Examples
    --------
    >>> guess_dialect("create table t (id int auto_increment) engine=InnoDB"), guess_dialect("create table t (a int)")
    ('mysql', 'postgres')
    """
    some = text[:1_000_000]
    counts = {
        dialect: sum(bool(re.search(sign, some, re.IGNORECASE | re.MULTILINE)) for sign in signs)
        for dialect, signs in _SIGNS.items()
    }
    best = max(counts, key=lambda dialect: (counts[dialect], dialect == "postgres"))
    return best if counts[best] else "postgres"
