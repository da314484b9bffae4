"""What `inspect` tells of several tables: the diagram, the evidence of references, and those that may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from simulacra.cli._console import OUT, tell
from simulacra.schema.diagram import draw_diagram, format_diagram
from simulacra.schema.integrity import KeyFacts, ReferenceFacts, check_keys, check_references
from simulacra.schema.links import Link, find_links
from simulacra.schema.types import Schema
from simulacra.storage import atomic_path

_FACTS = ("(role)", "(key)", "(order)")


@dataclass(frozen=True, slots=True)
class Linkage:
    """What the references of a schema lead to, which keys do not hold, and which references may be missing."""

    references: tuple[ReferenceFacts, ...] = ()
    keys: tuple[KeyFacts, ...] = ()
    links: tuple[Link, ...] = ()

    def draw(self, schema: Schema, rows: Mapping[str, int], path: Path) -> None:
        """Write the diagram as an SVG file."""
        with atomic_path(path) as beside:
            beside.write_text(
                draw_diagram(schema, rows, self.references) + "\n", encoding="utf-8", newline="\n"
            )

    def show(self, schema: Schema, rows: Mapping[str, int]) -> None:
        """Print the diagram and the reasons, and propose what may be missing, where there are several tables."""
        if len(schema.tables) > 1 or self.references:
            OUT.print()
            OUT.print(format_diagram(schema, rows, self.references), markup=False, soft_wrap=True)
            OUT.print()
            for line in _explain(schema):
                OUT.print(line, markup=False, soft_wrap=True)
        tell([_say_broken(facts) for facts in self.keys])
        tell([f"not in the schema, but {link.strength}: {link}: {link.evidence}" for link in self.links])

    def to_dict(self, schema: Schema) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "references": [
                {**facts.to_dict(), "evidence": schema.reasons.get(facts.table, {}).get(str(facts.reference))}
                for facts in self.references
            ],
            "broken_keys": [_say_broken(facts) for facts in self.keys],
            "proposed_references": [link.to_dict() for link in self.links],
        }


def count_links(frames: Mapping[str, pl.DataFrame], schema: Schema) -> Linkage:
    """Count what references lead to, and look for references that the schema does not have."""
    return Linkage(
        check_references(frames, schema),
        tuple(facts for facts in check_keys(frames, schema) if not facts.holds),
        find_links(frames, schema) if len(schema.tables) > 1 else (),
    )


def _explain(schema: Schema) -> list[str]:
    lines = []
    for table in schema.tables:
        reasons = schema.reasons.get(table.name, {})
        lines += [f"{table.name} {fact} {reasons[fact]}" for fact in _FACTS if fact in reasons]
        lines += [f"{table.name}.{r}: {reasons[str(r)]}" for r in table.references if str(r) in reasons]
    return lines


def _say_broken(facts: KeyFacts) -> str:
    first = ", ".join(str(row) for row in facts.first_repeated)
    parts = [f"{facts.repeated:,} rows repeat it (first: {first})"] if facts.repeated else []
    parts += [f"{facts.nulls:,} rows lack it"] if facts.nulls else []
    return (
        f"table {facts.table!r}: the key {', '.join(facts.key)} does not tell rows apart: {'; '.join(parts)}"
    )
