"""What keeps a database from being drawn in shards: rules over all rows of a table that no shard can keep alone."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from simulacra.encoding import Encoding
from simulacra.encodings._areas import UUIDS
from simulacra.encodings.key import Key
from simulacra.encodings.text import Text
from simulacra.relational.naming import member_column
from simulacra.schema._kinds import said
from simulacra.schema.breaches import columns_of
from simulacra.schema.constraints import Constraint, Determines, Monotone, Pattern, Running, Unique
from simulacra.schema.crossing import crosses
from simulacra.schema.types import Table

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


def find_obstacle(model: DatabaseSynthesizer, units: Collection[str]) -> str:
    """Say which rule of a divided table holds over all its rows, and can not be kept shard by shard; else nothing.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    units : collection of str
        The units that are divided.
    """
    for unit in model.plan.units:
        for member in model.plan.members(unit) if unit in units else ():
            table, own = model.schema.table(member), find_own(model, unit, member, units)
            for rule in (*table.constraints, *([Unique(table.key)] if table.key else [])):
                among = _columns_among(rule)
                if among is not None and not set(among) & own:
                    return f"table {member!r}, {said(rule)} holds over all rows"
    return ""


def _columns_among(rule: Constraint) -> tuple[str, ...] | None:
    """Return the columns within whose values a rule over several rows holds; None for a rule of single rows."""
    if isinstance(rule, Unique):
        return rule.columns
    return rule.by if isinstance(rule, (Determines, Monotone, Running)) else None


def find_own(model: DatabaseSynthesizer, unit: str, member: str, units: Collection[str]) -> set[str]:
    """Return the columns whose values no other shard has: keys, references to divided tables, numbered texts."""
    plan, table = model.plan, model.schema.table(member)
    own = {name for name in table.key if name in model.makers.get(member, {})}
    own |= set(list(model.patterns.get(member, {}))[:1])
    for link in plan.links:
        if link.table == member and link.way != "value" and plan.home(link.reference.table) in units:
            own |= set(link.reference.columns)
    return own | {
        name
        for name in table.names
        if is_numbered(model, unit, member, name) or _is_wide(_encoding(model, unit, member, name))
    }


def is_numbered(model: DatabaseSynthesizer, unit: str, member: str, name: str) -> bool:
    """Tell whether a drawn column is counted over all rows: stand-ins and keys that no rule of single rows reads."""
    encoding, table = _encoding(model, unit, member, name), model.schema.table(member)
    if isinstance(encoding, Key):
        rules = [
            r for r in table.constraints if not isinstance(r, Pattern) or model.plan.driving(unit) is not None
        ]
    elif isinstance(encoding, Text) and encoding.distinct:
        rules = list(table.constraints)
    else:
        return False
    return not any(_reads(rule, table, name) for rule in rules)


def _encoding(model: DatabaseSynthesizer, unit: str, member: str, name: str) -> Encoding | None:
    own = model.units[unit].synthesizer
    return None if own is None else own.encodings.get(member_column(unit, member, name))


def _is_wide(encoding: Encoding | None) -> bool:
    """Tell whether texts are drawn among so many that two are never alike."""
    return isinstance(encoding, Text) and encoding.shapes == (UUIDS,)


def _reads(rule: Constraint, table: Table, name: str) -> bool:
    """Tell whether a rule asks more of a column than that its values differ."""
    if isinstance(rule, Unique):
        return False
    return name in str(rule) if crosses(rule, table) else name in columns_of(rule, table)
