"""Columns of references that a row has in common with a row above: the customer of an order, and of its lines."""

from __future__ import annotations

from simulacra.mining._look import quote
from simulacra.relational.mining.copies import PARENTS
from simulacra.relational.mining.ways import EVIDENCE, FEWEST, Found, Search, weigh
from simulacra.schema.constraints import Equality


def find_keys(search: Search, table: str) -> None:
    """Find the references of a table that always lead where those of a row above do.

    Only references whose rows are chosen afterwards can be given: what a parent draws belongs to it.
    """
    own, frame = search.schema.table(table), search.frames[table]
    for link in search.plan.of(table, "matched", "coded", "value"):
        reference = link.reference
        if len(reference.columns) > 1 or reference.columns[0] in own.key:
            continue
        name = reference.columns[0]
        for way in search.ways(table):
            if way.route.references[0] == reference or len(way.route.references) > 1:
                continue
            above = search.schema.table(way.route.end)
            for other in above.references:
                if (
                    other.table != reference.table
                    or other.to != reference.to
                    or (table, name) in search.given
                ):
                    continue
                values = search.frames[above.name][other.columns[0]]
                rule = Equality(name, f"{way.above}.{quote(other.columns[0])}")
                held = search.compile(table, rule)
                if held is None or values.dtype != frame[name].dtype:
                    continue
                at = search.rows.up(way.route)
                there = values.gather(at)
                spoken = frame[name].is_not_null() & there.is_not_null()
                some = values.gather(at.filter(spoken).unique())
                alone = int(spoken.sum()) < FEWEST or len(some) < PARENTS or weigh(some) < EVIDENCE
                if alone or not frame[name].equals(there, null_equal=True):
                    continue
                reads = frozenset({(above.name, other.columns[0])})
                if search.may_give(table, name, reads):
                    search.add(Found(table, rule, name, reads, int(spoken.sum()), len(frame)), gives=True)
