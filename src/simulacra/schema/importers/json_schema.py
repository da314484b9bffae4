"""JSON Schema: an object is a table, an array of objects in it a child table, an object in it columns of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulacra.schema.importers._keywords import (
    Facts,
    in_full,
    is_secret,
    names,
    set_format,
    set_levels,
    set_limits,
)
from simulacra.schema.importers.assembly import assemble
from simulacra.schema.importers.drafts import ColumnDraft, Draft, LinkDraft, TableDraft
from simulacra.schema.types import Schema

MAX_DEPTH = 32
"""How deep objects and references may lie in each other."""
_KINDS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}
_DEFINITIONS = ("$defs", "definitions")


def is_json_schema(content: Any) -> bool:
    """Tell whether parsed JSON is a JSON Schema of objects.

    Examples
    --------
    >>> is_json_schema({"type": "object", "properties": {"age": {"type": "integer"}}}), is_json_schema({"tables": {}})
    (True, False)
    """
    if not isinstance(content, Mapping):
        return False
    if "json-schema.org" in str(content.get("$schema", "")):
        return True
    return isinstance(content.get("properties"), Mapping) or any(
        isinstance(content.get(word), Mapping) for word in _DEFINITIONS
    )


def read_json_schema(content: Facts, seen: Schema | None = None, *, name: str = "table") -> Schema:
    """Read a JSON Schema as a schema.

    Parameters
    ----------
    content : mapping
        The parsed JSON: an object, an array of objects, an object of arrays of objects (one table each), or
        definitions alone (one table each).
    seen : Schema or None
        What data show; see `simulacra.schema.importers.assembly.assemble`. What the data have as one column stays one.
    name : str
        What to call a table that has no title.

    Returns
    -------
    Schema
        One table per object. An array of objects is a child table where its parent has a key: a required ``id`` or
        ``TABLE_id``, or what ``x-primary-key`` names.

    Raises
    ------
    SchemaError
        No object is described.

    Notes
    -----
    References within the document are followed; other documents are never fetched. What JSON Schema says of two
    properties at once (``if``, ``dependentRequired``) is left out with a note.

    **Source**: JSON Schema, drafts 4 to 2020-12 ("Core" and "Validation").

    Examples
    --------
    >>> day = {"type": "string", "format": "date"}
    >>> schema = read_json_schema({"title": "visit", "type": "object", "properties": {"day": day}, "required": ["day"]})
    >>> schema.table("visit")["day"].kind
    'date'
    """
    reader = _Reader(content, Draft("the JSON Schema"), seen)
    reader.read_root(name)
    return assemble(reader.draft, seen)


@dataclass(slots=True)
class _Reader:
    """The document, what became of it, and which table each object has become."""

    document: Facts
    draft: Draft
    seen: Schema | None
    homes: dict[int, TableDraft] = field(default_factory=dict)
    known: dict[tuple[str, int], Any] = field(default_factory=dict)
    """What was made of a part of the document: made once, so that each object has one identity."""

    def read_root(self, name: str) -> None:
        """Find out which objects are tables of their own, then read them."""
        root = self.resolve(self.document)
        tables: list[tuple[str, Facts]] = []
        properties = root.get("properties")
        items = self.items(root)
        if items is not None:
            tables = [(_title(items) or _title(root) or name, items)]
        elif isinstance(properties, Mapping) and properties:
            inner = {key: self.items(self.resolve(facts)) for key, facts in properties.items()}
            if all(item is not None for item in inner.values()):
                tables = [(str(key), item) for key, item in inner.items() if item is not None]
            else:
                tables = [(_title(root) or name, root)]
        else:
            for word in _DEFINITIONS:
                defined = self.document.get(word)
                for key, facts in defined.items() if isinstance(defined, Mapping) else ():
                    resolved = self.resolve(facts)
                    if isinstance(resolved.get("properties"), Mapping):
                        tables.append((str(key), resolved))
        # tables first: an object that refers to one of them is a reference, wherever it stands
        for title, facts in tables:
            table = TableDraft(title)
            table.key = _find_key(facts, title)
            self.homes[id(facts)] = table
            self.draft.tables.append(table)
        for title, facts in tables:
            self.fill(self.homes[id(facts)], facts, title, "", frozenset({id(facts)}))

    def fill(self, table: TableDraft, facts: Facts, title: str, prefix: str, above: frozenset[int]) -> None:
        """Add the properties of an object to a table."""
        needed = set(names(facts.get("required")))
        properties = facts.get("properties")
        for key, value in properties.items() if isinstance(properties, Mapping) else ():
            self.add(table, str(key), prefix, value, key in needed, above)
        for word in (
            "if",
            "dependentRequired",
            "dependentSchemas",
            "dependencies",
            "patternProperties",
            "not",
        ):
            if word in facts:
                self.draft.notes.append(f"table {title!r}: {word!r} is left out: it has no counterpart here.")

    def add(
        self, table: TableDraft, key: str, prefix: str, value: Any, needed: bool, above: frozenset[int]
    ) -> None:
        """Add one property: a column, the columns of an object in it, or a table of its rows."""
        facts, optional = self.unwrap(value)
        name = prefix + key
        whole = self.is_column(table, name)
        items = None if whole else self.items(facts)
        nested = isinstance(facts.get("properties"), Mapping)
        inner = items if items is not None else facts
        if not whole and (items is not None or nested):
            if id(inner) in above or len(above) > MAX_DEPTH:
                self.draft.notes.append(f"table {table.name!r}, {name!r} is left out: it nests itself.")
                return
            if items is not None:
                self.add_child(table, name, items, above)
            elif id(facts) in self.homes and self.homes[id(facts)].key:
                self.refer(table, name, self.homes[id(facts)], nullable=optional or not needed)
            else:
                before = len(table.columns)
                self.fill(table, facts, table.name, f"{name}{self.join(table, name)}", above | {id(facts)})
                for column in table.columns[before:]:
                    column.nullable = column.nullable or optional or not needed
            return
        column = ColumnDraft(name, nullable=optional or not needed)
        self.describe(column, facts, table)
        table.columns.append(column)

    def is_column(self, table: TableDraft, name: str) -> bool:
        """Tell whether the data have a property in one column, whatever lies in it."""
        if self.seen is None:
            return False
        tables = self.seen.tables
        known = [t for t in tables if t.name == table.name] or (list(tables) if len(tables) == 1 else [])
        return any(name in t.names for t in known)

    def join(self, table: TableDraft, name: str) -> str:
        """Find out how the data join names of objects and their properties."""
        if self.seen is None:
            return "_"
        names = [column for t in self.seen.tables for column in t.names]
        return next((sign for sign in (".", "__", "_") if any(n.startswith(name + sign) for n in names)), "_")

    def refer(self, table: TableDraft, name: str, other: TableDraft, *, nullable: bool) -> None:
        """Put the key of another table's row in the place of the row."""
        columns = tuple(f"{name}_{part}" for part in other.key)
        table.columns += [ColumnDraft(column, nullable=nullable) for column in columns]
        table.links.append(LinkDraft(columns, other.name, other.key, name))

    def add_child(self, table: TableDraft, name: str, items: Facts, above: frozenset[int]) -> None:
        """Make a table of the rows that lie in a row."""
        if not table.key:
            self.draft.notes.append(
                f"table {table.name!r}, {name!r} is left out: it lists objects, and the table has no key to refer to."
            )
            return
        home = self.homes.get(id(items))
        child = home or TableDraft(f"{table.name}_{name}", role="child")
        self.refer(child, table.name, table, nullable=home is not None)
        if home is None:
            self.draft.tables.append(child)
            self.fill(child, items, child.name, "", above | {id(items)})
        self.draft.notes.append(
            f"table {table.name!r}, {name!r} is the table {child.name!r}, whose rows refer back."
        )

    def describe(self, column: ColumnDraft, facts: Facts, table: TableDraft) -> None:
        """Put the facts of a value into a column."""
        place = f"table {table.name!r}, column {column.name!r}"
        kind = _kind(facts)
        if kind in _KINDS:
            column.kind = _KINDS[kind]  # type: ignore[assignment]
            column.integer = True if kind == "integer" else None
        elif kind in {"object", "array"}:
            column.kind = "text"
            self.draft.notes.append(f"{place}: values of type {kind!r} are kept as text.")
        elif kind is None and any(word in facts for word in ("anyOf", "oneOf")):
            self.draft.notes.append(f"{place}: what it is one of is left out: it may be of several types.")
        if column.kind == "string" and facts.get("format") is not None:
            set_format(column, facts["format"])
        set_limits(column, facts)
        column.pattern = in_full(facts.get("pattern")) or column.pattern
        set_levels(column, [facts["const"]] if "const" in facts else facts.get("enum"))
        column.sensitive = bool(facts.get("x-pii")) or is_secret(facts.get("x-classification"))

    def unwrap(self, value: Any) -> tuple[Facts, bool]:
        """Follow references, merge ``allOf``, and see through "this or null"; tell whether null is allowed."""
        place = ("unwrap", id(value))
        if place not in self.known:
            self.known[place] = self._unwrapped(value)
        facts, optional = self.known[place]
        return facts, optional

    def _unwrapped(self, value: Any) -> tuple[Facts, bool]:
        facts = self.resolve(value)
        optional = bool(facts.get("nullable"))
        kinds = facts.get("type")
        if isinstance(kinds, (list, tuple)) and "null" in kinds:
            optional = True
        for word in ("anyOf", "oneOf"):
            choices = facts.get(word)
            if isinstance(choices, (list, tuple)):
                real = [c for c in map(self.resolve, choices) if c.get("type") != "null"]
                optional = optional or len(real) < len(choices)
                if len(real) == 1:
                    return real[0] if len(facts) == 1 else {**facts, **real[0], word: None}, optional
        return facts, optional

    def resolve(self, value: Any, depth: int = 0) -> Facts:
        """Follow ``$ref`` and merge ``allOf``."""
        if not isinstance(value, Mapping) or depth > MAX_DEPTH:
            return {}
        place = ("resolve", id(value))
        if place not in self.known:
            self.known[place] = self._resolved(value, depth)
        found: Facts = self.known[place]
        return found

    def _resolved(self, value: Facts, depth: int) -> Facts:
        target = value.get("$ref")
        if isinstance(target, str):
            found = self.find(target)
            if found is None:
                self.draft.notes.append(
                    f"{target!r} is not in the document, so what it describes is left out."
                )
                return {}
            return self.resolve(found, depth + 1)
        parts = value.get("allOf")
        if isinstance(parts, (list, tuple)) and parts:
            return _merged([value, *(self.resolve(part, depth + 1) for part in parts)])
        return value

    def find(self, target: str) -> Any:
        """Find what a reference within the document leads to."""
        if not target.startswith("#"):
            return None
        found: Any = self.document
        for part in target[1:].strip("/").split("/") if target not in {"#", "#/"} else ():
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and part in found:
                found = found[part]
            elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            else:
                return None
        return found

    def items(self, facts: Facts) -> Facts | None:
        """Return the objects that an array lists, if it lists objects."""
        inner = facts.get("items")
        if inner is None:
            return None
        resolved, _ = self.unwrap(inner)
        return resolved if isinstance(resolved.get("properties"), Mapping) else None


def _merged(parts: list[Facts]) -> Facts:
    merged: dict[str, Any] = {}
    for part in parts:
        for word, value in part.items():
            if word == "allOf":
                continue
            if word == "properties" and isinstance(value, Mapping):
                known = merged.get(word)
                merged[word] = {**(known if isinstance(known, Mapping) else {}), **value}
            elif word == "required":
                merged[word] = [*names(merged.get(word)), *names(value)]
            else:
                merged.setdefault(word, value)
    return merged


def _kind(facts: Facts) -> str | None:
    """Return the one type that is not null."""
    kinds = [kind for kind in names(facts.get("type")) if kind not in {"null", "None"}]
    return kinds[0] if len(kinds) == 1 else "number" if set(kinds) == {"integer", "number"} else None


def _title(facts: Facts) -> str | None:
    title = facts.get("title")
    return title if isinstance(title, str) and title else None


def _find_key(facts: Facts, title: str) -> tuple[str, ...]:
    """Find the key of an object: said, or a required property that is called like one."""
    said = facts.get("x-primary-key", facts.get("primaryKey"))
    if said:
        return (said,) if isinstance(said, str) else tuple(map(str, said))
    return tuple(_named_keys(facts, title))[:1]


def _named_keys(facts: Facts, title: str) -> Iterator[str]:
    plain = re.sub(r"[^a-z0-9]", "", title.casefold())
    wanted = ("id", f"{plain}id", f"{plain.removesuffix('s')}id")
    for name in names(facts.get("required")):
        if re.sub(r"[^a-z0-9]", "", name.casefold()) in wanted:
            yield name
