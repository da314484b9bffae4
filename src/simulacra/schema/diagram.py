"""The tables of a schema and their references as a picture: text for a terminal, SVG for a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from simulacra.schema._diagram_boxes import draw_boxes
from simulacra.schema._diagram_layout import lay_out
from simulacra.schema.integrity import ReferenceFacts
from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema, Table


def draw_diagram(
    schema: Schema,
    counts: Mapping[str, int] | None = None,
    integrity: Sequence[ReferenceFacts] | None = None,
) -> str:
    """Draw tables as boxes, and references as lines from the columns that refer to those that they lead to.

    Parameters
    ----------
    schema : Schema
        One table or more.
    counts : mapping of str to int or None
        Rows of each table.
    integrity : sequence of ReferenceFacts or None
        What `simulacra.schema.integrity.check_references` counted; it gives lines their cardinality and orphans.

    Returns
    -------
    str
        An ``<svg>`` element, to put into a page or a file. It has the colours of a dark page on a dark page.

    Notes
    -----
    Tables that refer to nothing stand on the left, each other one right of all that it refers to, as far as there is
    no cycle. Tables without references stand below. A box names the key, the columns that refer, and how many others
    there are.

    **Cost**: that of the picture; no data are looked at.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> columns, boss = (Column("id", "key"), Column("boss", "key")), Reference("boss", "people")
    >>> people = Table("people", columns, ("id",), references=(boss,))
    >>> draw_diagram(Schema((people,)), {"people": 1200}).count("<rect")
    1
    """
    return draw_boxes(schema, lay_out(schema), counts or {}, integrity or ())


def format_diagram(
    schema: Schema,
    counts: Mapping[str, int] | None = None,
    integrity: Sequence[ReferenceFacts] | None = None,
) -> str:
    """Write tables and their references as a tree of lines.

    Parameters
    ----------
    schema, counts, integrity
        As for `draw_diagram`.

    Returns
    -------
    str
        Lines. Each table stands once, below the first of those that it belongs to; all its references stand under it.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> people = Table("people", (Column("id", "key"),), ("id",))
    >>> pets = Table("pets", (Column("owner", "key"),), references=(Reference("owner", "people"),), role="child")
    >>> print(format_diagram(Schema((people, pets)), {"people": 3, "pets": 4}))
    people: 3 rows, entity, key id
    └─ pets: 4 rows, child
           owner -> people(id)
    """
    facts = {(f.table, f.reference): f for f in integrity or ()}
    below: dict[str | None, list[Table]] = {}
    for table in schema.tables:
        below.setdefault(_owner(table, schema, facts), []).append(table)
    lines: list[str] = []
    seen: set[str] = set()
    for table in below.get(None, []):
        lines += _branch(table, below, seen, counts or {}, facts, "", "")
    for table in schema.tables:  # what stands on a cycle that no root leads to
        if table.name not in seen:
            lines += _branch(table, below, seen, counts or {}, facts, "", "")
    return "\n".join(lines)


def _owner(table: Table, schema: Schema, facts: Mapping[tuple[str, Reference], ReferenceFacts]) -> str | None:
    """Return the table below which a table stands: of those referred to, the one with the most rows that are used."""
    outward = [r for r in table.references if r.table != table.name]
    if not outward:
        return None

    def weight(reference: Reference) -> int:
        fact = facts.get((table.name, reference))
        return 0 if fact is None else fact.parents - fact.childless

    return max(outward, key=weight).table


def _branch(
    table: Table,
    below: Mapping[str | None, list[Table]],
    seen: set[str],
    counts: Mapping[str, int],
    facts: Mapping[tuple[str, Reference], ReferenceFacts],
    first: str,
    rest: str,
) -> Iterator[str]:
    if table.name in seen:
        return
    seen.add(table.name)
    yield first + describe_table(table, counts.get(table.name))
    children = [child for child in below.get(table.name, []) if child.name not in seen]
    stem = rest + ("│ " if children else "  ")
    for reference in table.references:
        fact = facts.get((table.name, reference))
        yield f"{stem}  {fact or reference}"
    for place, child in enumerate(children):
        last = place == len(children) - 1
        yield from _branch(
            child,
            below,
            seen,
            counts,
            facts,
            rest + ("└─ " if last else "├─ "),
            rest + ("   " if last else "│  "),
        )


def describe_table(table: Table, rows: int | None = None) -> str:
    """Say what a table is in one line.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> describe_table(Table("people", (Column("id", "key"),), ("id",)), 1)
    'people: 1 row, entity, key id'
    """
    parts = [] if rows is None else [f"{rows:,} row{'s' if rows != 1 else ''}"]
    parts.append(table.role)
    if table.key:
        parts.append(f"key {' + '.join(table.key)}")
    if table.order:
        parts.append(f"in the order of {table.order}")
    return f"{table.name}: {', '.join(parts)}"
