"""SQL scripts with CREATE TABLE, from a file or a dump of a database, read as schemas."""

from __future__ import annotations

import re
from collections import Counter

from simulacra.errors import OptionError, SchemaError, unknown
from simulacra.schema.importers._ddl_checks import add_check
from simulacra.schema.importers._ddl_items import Script, add_item, parse_item
from simulacra.schema.importers._ddl_statements import (
    DIALECTS,
    QUALIFIED,
    Statement,
    guess_dialect,
    split_body,
    split_items,
    split_name,
    split_statements,
)
from simulacra.schema.importers._defaults import parse_default
from simulacra.schema.importers.assembly import MAX_COLUMNS, assemble
from simulacra.schema.importers.drafts import ColumnDraft, Draft, TableDraft
from simulacra.schema.types import Schema

MAX_BYTES = 50 * 2**20
"""Characters in the longest script that is read."""
_DEFAULTS = {"public", "dbo", "main"}
"""What tables belong to that nobody has put anywhere."""

_TABLE = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|TRANSIENT|EXTERNAL|FOREIGN|HYBRID|DYNAMIC)\s+)*"
    rf"TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?({QUALIFIED})",
    re.IGNORECASE,
)
_TYPE = re.compile(rf"CREATE\s+TYPE\s+({QUALIFIED})\s+AS\s+ENUM\s*\(", re.IGNORECASE)
_DOMAIN = re.compile(rf"CREATE\s+DOMAIN\s+({QUALIFIED})\s+(?:AS\s+)?(.*)", re.IGNORECASE | re.DOTALL)
_INDEX = re.compile(
    rf"CREATE\s+UNIQUE\s+(?:(?:NON)?CLUSTERED\s+)?INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(?:{QUALIFIED}\s+)?"
    rf"ON\s+(?:ONLY\s+)?({QUALIFIED})",
    re.IGNORECASE,
)
_ALTER = re.compile(
    rf"ALTER\s+TABLE\s+(?:ONLY\s+)?(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?({QUALIFIED})\s+(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ADD = re.compile(
    r"(?:WITH\s+(?:NO)?CHECK\s+)?ADD\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(.*)", re.IGNORECASE | re.DOTALL
)
_SET_NULL = re.compile(rf"ALTER\s+(?:COLUMN\s+)?({QUALIFIED})\s+(SET|DROP)\s+NOT\s+NULL", re.IGNORECASE)
_SET_DEFAULT = re.compile(
    rf"ALTER\s+(?:COLUMN\s+)?({QUALIFIED})\s+SET\s+DEFAULT\s+(.*)", re.IGNORECASE | re.DOTALL
)
_MODIFY = re.compile(r"(?:MODIFY|CHANGE)\s+(?:COLUMN\s+)?(.*)", re.IGNORECASE | re.DOTALL)
_LOST = re.compile(r"(?:DROP|RENAME|ALTER\s+(?:COLUMN\s+)?\S+\s+(?:SET\s+DATA\s+)?TYPE)\b", re.IGNORECASE)
_OTHER = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:[\w=@`%]+\s+){0,4}?(VIEW|TRIGGER|FUNCTION|PROCEDURE|POLICY|RULE)\b",
    re.IGNORECASE,
)


def read_ddl(text: str, seen: Schema | None = None, *, dialect: str | None = None) -> Schema:
    """Read a SQL script as a schema.

    Parameters
    ----------
    text : str
        Statements; those that make no tables are passed over, rows of a dump too.
    seen : Schema or None
        What data show; see `simulacra.schema.importers.assembly.assemble`.
    dialect : str or None
        ``postgres``, ``mysql``, ``sqlite``, ``duckdb``, ``tsql``, ``oracle``, ``snowflake`` or ``bigquery``; guessed
        when None.

    Returns
    -------
    Schema
        Tables with keys, references, unique columns and checks; `Schema.notes` tells what was left out.

    Raises
    ------
    SchemaError
        The script makes no table that can be read, or is too long.

    Notes
    -----
    CHECK with two limits of one column becomes its bounds, with a list of texts its levels; other checks stay SQL.
    Lengths of texts from 255 characters on are not kept: that is how people write "any text".

    **Cost**: linear in the text. Nothing in it is run.

    **Source**: ISO/IEC 9075-2 (SQL/Foundation), section 11 "Schema definition and manipulation".

    Examples
    --------
    >>> schema = read_ddl(
    ...     "create table people (id serial primary key, boss int references people, age int check (age > 17))"
    ... )
    >>> print(schema.table().key, schema.table().references[0], schema.table().constraints[0])
    ('id',) boss -> people(id) "age" >= 18
    """
    if len(text) > MAX_BYTES:
        raise SchemaError(
            f"the SQL is longer than {MAX_BYTES // 2**20} MB. Dump the tables without their rows (schema only)."
        )
    if dialect is not None and dialect not in DIALECTS:
        raise OptionError(str(unknown("dialect", dialect, DIALECTS)))
    script = Script(dialect or guess_dialect(text), Draft("the SQL"))
    left_out: Counter[str] = Counter()
    for statement in split_statements(text, script.dialect):
        _read_statement(script, statement, left_out)
    for table, node, value in script.checks:
        add_check(table, node, value)
    if left_out:
        told = ", ".join(
            f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in sorted(left_out.items())
        )
        script.note(f"the SQL has more than tables, which is left out: {told}.")
    _name_tables(script)
    return assemble(script.draft, seen)


def is_ddl(text: str) -> bool:
    """Tell whether text is a SQL script that makes tables.

    Examples
    --------
    >>> is_ddl("-- mine\\nCREATE TABLE t (a int)"), is_ddl("tables: {}")
    (True, False)
    """
    return _TABLE.search(text[:MAX_BYTES]) is not None


def _read_statement(script: Script, statement: Statement, left_out: Counter[str]) -> None:
    sql = statement.sql
    if match := _TABLE.match(sql):
        _make_table(script, match[1], sql[match.end() :], statement.line)
    elif match := _ALTER.match(sql):
        _change_table(script, match[1], match[2])
    elif match := _INDEX.match(sql):
        _add_index(script, match[1], sql[match.end() :])
    elif match := _TYPE.match(sql):
        body = split_body(sql, script.dialect)
        words = split_items(body[1], script.dialect) if body else []
        name = split_name(match[1])[-1].casefold()
        script.levels[name] = tuple(dict.fromkeys(word.strip("'").replace("''", "'") for word in words))
    elif match := _DOMAIN.match(sql):
        _make_domain(script, match[1], match[2])
    elif match := _OTHER.match(sql):
        left_out[match[1].lower()] += 1


def _parts(script: Script, name: str) -> tuple[str, ...]:
    parts = split_name(name)
    return tuple(part for one in parts for part in one.split(".")) if script.dialect == "bigquery" else parts


def _make_table(script: Script, name: str, rest: str, line: int) -> None:
    parts = _parts(script, name)
    body = split_body(rest, script.dialect)
    if body is None or body[0]:
        if not re.match(r"PARTITION\s+OF\b", rest.strip(), re.IGNORECASE):
            script.note(f"table {parts[-1]!r} (line {line}) is left out: its columns are not listed.")
        return
    key = tuple(part.casefold() for part in parts)
    if key in script.tables:
        script.note(f"table {parts[-1]!r} is made twice; the first one is used.")
        return
    table = script.tables[key] = TableDraft(".".join(parts))
    items = split_items(body[1], script.dialect)
    if len(items) > MAX_COLUMNS:
        raise SchemaError(
            f"table {parts[-1]!r} has {len(items):,} columns; at most {MAX_COLUMNS:,} are read."
        )
    for item in items:
        add_item(script, table, item)
    if re.search(r"\bINHERITS\b", body[2], re.IGNORECASE):
        script.note(f"table {parts[-1]!r} inherits columns of another, which are left out.")
    if not table.columns:
        del script.tables[key]
        script.note(f"table {parts[-1]!r} (line {line}) is left out: it has no column that can be read.")


def _find(script: Script, name: str) -> TableDraft | None:
    """Find a table by its name, with or without what stands before it."""
    parts = tuple(part.casefold() for part in _parts(script, name))
    if parts in script.tables:
        return script.tables[parts]
    near = [
        table
        for key, table in script.tables.items()
        if key[-1] == parts[-1] and (key[-len(parts) :] == parts or parts[-len(key) :] == key)
    ]
    return near[0] if len(near) == 1 else None


def _change_table(script: Script, name: str, actions: str) -> None:
    table = _find(script, name)
    if table is None:
        return
    if match := re.match(rf"ATTACH\s+PARTITION\s+({QUALIFIED})", actions, re.IGNORECASE):
        part = _find(script, match[1])
        script.tables = {key: other for key, other in script.tables.items() if other is not part}
        return
    adding = False
    for action in split_items(actions, script.dialect):
        if match := _ADD.match(action):
            adding = True
            body = split_body(match[1], script.dialect)
            several = body is not None and not body[0] and not body[2]
            for item in split_items(body[1], script.dialect) if several and body else [match[1]]:
                add_item(script, table, item)
        elif adding and re.match(r"CONSTRAINT\b", action, re.IGNORECASE):
            add_item(script, table, action)
        elif match := _SET_NULL.match(action):
            column = table.column(split_name(match[1])[-1])
            if column is not None:
                column.nullable = match[2].upper() == "DROP"
        elif match := _SET_DEFAULT.match(action):
            column = table.column(split_name(match[1])[-1])
            if column is not None:
                column.default = parse_default(match[2], script.dialect)
        elif match := _MODIFY.match(action):
            _modify(script, table, match[1])
        elif _LOST.match(action):
            script.note(f"table {table.name!r}: '{' '.join(action.split())[:60]}' is left out.")


def _modify(script: Script, table: TableDraft, item: str) -> None:
    """Put the new definition of a column in the place of the old one."""
    body = split_body(item, script.dialect)
    item = body[1] if body is not None and not body[0] else item
    trial = TableDraft(table.name)
    add_item(script, trial, item)
    old = table.column(trial.columns[0].name) if trial.columns else None
    if old is None:
        return
    new = trial.columns[0]
    if new.kind is None:
        old.nullable = new.nullable
    else:
        table.columns[table.columns.index(old)] = new


def _add_index(script: Script, name: str, rest: str) -> None:
    table = _find(script, name)
    body = split_body(rest, script.dialect)
    if table is None or body is None:
        return
    if re.search(r"\bWHERE\b", body[2], re.IGNORECASE):
        script.note(f"table {table.name!r}: a unique index over some of the rows is left out.")
        return
    add_item(script, table, f"UNIQUE ({body[1]})")


def _make_domain(script: Script, name: str, rest: str) -> None:
    node = parse_item(f"x {rest}", script.dialect)
    trial = TableDraft(split_name(name)[-1])
    inner = Script(script.dialect, script.draft, levels=script.levels, domains=script.domains)
    if node is not None:
        add_item(inner, trial, f"x {rest}")
    if not trial.columns:
        script.note(f"the type {trial.name!r} is left out: it can not be understood.")
        return
    column: ColumnDraft = trial.columns[0]
    script.domains[trial.name.casefold()] = column, [check for _, check, _ in inner.checks]


def _name_tables(script: Script) -> None:
    """Call each table by its last name, unless two would be called the same; lead references there."""
    for table in script.tables.values():
        for link in table.links:
            quoted = ".".join(f'"{part}"' for part in link.table.split("."))
            other = _find(script, quoted)
            link.table = other.name if other is not None else link.table
    alike = Counter(key[-1] for key in script.tables)
    final = {}
    for key, table in script.tables.items():
        parts = table.name.split(".")
        alone = alike[key[-1]] == 1 or len(key) == 1 or key[-2] in _DEFAULTS
        final[table.name] = parts[-1] if alone else ".".join(parts[-2:])
    for table in script.tables.values():
        for link in table.links:
            link.table = final.get(link.table, link.table)
    for table in script.tables.values():
        table.name = final[table.name]
    script.draft.tables = list(script.tables.values())
