"""Rules over several tables that data keep: found when a model is fitted, and kept in what it draws.

A price that stands in the product and in the order line, a total that adds up lines, an order that no customer places
before there is one. A model of rows and histories comes near to such rules; a database keeps them exactly. So they are
looked for, and the released schema has them as constraints.
"""

from __future__ import annotations

from dataclasses import replace

from simulacra.dataset import Dataset
from simulacra.relational.mining.copies import find_copies, find_products
from simulacra.relational.mining.followers import follow_equalities, follow_orders
from simulacra.relational.mining.keys import find_keys
from simulacra.relational.mining.orders import find_days
from simulacra.relational.mining.totals import find_totals
from simulacra.relational.mining.ways import Found, Search
from simulacra.relational.plan import Plan
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.schema._kinds import said


def find_rules(data: Dataset, plan: Plan) -> tuple[Found, ...]:
    """Find the rules over several tables that all rows keep, and that chance would not.

    Parameters
    ----------
    data : Dataset
        Several tables. What their schema says already is not found again.
    plan : Plan
        Which tables are drawn: others keep their values anyway.

    Returns
    -------
    tuple of Found
        Copies of a column of a row above; products, sums and differences with one; keys that two ways give alike;
        counts, sums, means, first and last values of rows below; days in order with those of rows above; and what
        holds in a row for the columns that these change.

    Notes
    -----
    A rule is one that no row breaks, and that pairing rows by chance would break with a probability of all but one in
    500 million, were the rows above independent of each other. Days in order may be broken by one row in 1,000. Any
    other rule with exceptions is none, and its columns are learnt like all others.

    **Cost**: columns of a table times those of the tables above, on 2,000 rows; what passes is held against all rows.

    **Privacy**: a rule names columns and no values. What it computes are values of drawn rows.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> from simulacra.relational.plan import make_plan
    >>> from simulacra.schema.types import Reference
    >>> shops = pl.DataFrame({"id": range(50), "sales": [n % 5 for n in range(50)]})
    >>> sales = pl.DataFrame({"shop": [n for n in range(50) for _ in range(n % 5)]})
    >>> real = sim.read({"shops": shops, "sales": sales})
    >>> schema = real.schema.with_key("id", table="shops")
    >>> real = real.with_schema(schema.without_reference("sales").with_reference("sales", "shop", "shops", "id"))
    >>> print(*(found.constraint for found in find_rules(real, make_plan(real.schema, real.frames))))
    "sales" = (select count(*) from sales)
    """
    search = Search(data.schema, data.frames, plan)
    held = EntityRules.of(data.schema).held
    for rule in held:
        if rule.column is not None:
            search.know((rule.table, rule.column), rule.reads, gives=rule.gives)
    tables = [name for name in _downward(plan, data) if len(data.frames[name])]
    for table in tables:
        find_keys(search, table)
        find_copies(search, table)
        follow_equalities(search, table)
        find_products(search, table)
    ways = [way for table in tables for way in search.ways(table)]
    for way in sorted(ways, key=lambda way: len(way.route.references)):
        find_totals(search, way)
    for table in tables:
        follow_equalities(search, table)
        find_days(search, table)
    for table in tables:
        follow_orders(search, table)
    return tuple(search.found)


def with_rules(data: Dataset, plan: Plan) -> Dataset:
    """Return tables under a schema with the rules that they keep, and a note for each.

    Parameters
    ----------
    data : Dataset
        Several tables.
    plan : Plan
        Which of them are drawn.
    """
    schema, notes = data.schema, []
    for found in find_rules(data, plan):
        schema = schema.with_constraint(found.constraint, table=found.table)
        broken = "none breaks it" if not found.exceptions else f"{found.exceptions:,} break it"
        broken = "1 breaks it" if found.exceptions == 1 else broken
        notes.append(
            f"table {found.table!r}: {said(found.constraint)} holds in {found.support:,} of {found.rows:,} rows, and "
            f"{broken}: kept as a rule."
        )
    return replace(data, schema=schema, notes=(*data.notes, *notes)) if notes else data


def _downward(plan: Plan, data: Dataset) -> list[str]:
    """List the drawn tables, each behind those that it refers to as far as there is no ring."""
    left, done = [name for name in data.schema.names if name not in plan.kept], list[str]()
    while left:
        ready = next(
            (
                name
                for name in left
                if not any(r.table in left and r.table != name for r in data.schema.table(name).references)
            ),
            left[0],
        )
        left.remove(ready)
        done.append(ready)
    return done
