"""Columns of composite keys that are made by counting."""

from __future__ import annotations

from simulacra.relational.histories.clocks import Clock
from simulacra.relational.plan import WAYS, Plan
from simulacra.schema.types import Table


def structural_key(table: Table, plan: Plan) -> tuple[str, ...]:
    """Return the columns of a composite key that are made by counting: those that hold nothing but keys.

    Such a key (house and room) says how rows hang together, and no other table says it.
    """
    if len(table.key) < 2 or plan.driving(table.name) is not None or plan.home(table.name) != table.name:
        return ()
    referring = {name for link in plan.of(table.name, *WAYS) for name in link.reference.columns}
    return tuple(name for name in table.key if name not in referring and table[name].kind == "key")


def serial_key(table: Table, plan: Plan, clock: Clock | None) -> str | None:
    """Return the column of a composite key that numbers an entity's rows: a whole number, filled by nothing else."""
    link = plan.driving(table.name)
    if link is None or not set(link.reference.columns) < set(table.key):
        return None
    taken = {name for other in plan.of(table.name, *WAYS) for name in other.reference.columns}
    taken |= set() if clock is None else {clock.column.name, *(part.column for part in clock.parts)}
    rest = [name for name in table.key if name not in taken and table[name].integer]
    return rest[-1] if rest else None
