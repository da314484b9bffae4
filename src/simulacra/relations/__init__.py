"""Exact relations between columns: found on the data, taken out before fitting, put back after sampling.

``total = net + tax``, ``amount = price x quantity``, ``end = start + duration (modulo a day)``, ``low <= high``,
``zip`` determines ``state``, ``month`` is the month of ``at``: no model of probabilities keeps such a rule in every
row. So what a rule tells of a column is taken out before a model sees it, and put back after sampling. One file is one
kind of rule.
"""

from simulacra.relations.calendar import Calendar, find_parts
from simulacra.relations.lookups import Lookup
from simulacra.relations.orders import Order
from simulacra.relations.parts import Part, from_wall_clock
from simulacra.relations.products import Product
from simulacra.relations.rebuilding import find_relations, put_back, restore_relation, settle, take_out
from simulacra.relations.relation import Relation
from simulacra.relations.sums import Sum
from simulacra.relations.zones import Zone

__all__ = [
    "Calendar", "Lookup", "Order", "Part", "Product", "Relation", "Sum", "Zone", "find_parts", "find_relations",
    "from_wall_clock", "put_back", "restore_relation", "settle", "take_out",
]  # fmt: skip
