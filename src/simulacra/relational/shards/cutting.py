"""How a database is cut into shards: which tables are drawn once for all, which in each, and how many rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulacra.relational.asking.trees import above, root_of, tree_of
from simulacra.relational.numbering import Lane, Numbers
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.relational.shards.obstacles import find_obstacle

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer

CELLS = 2_000_000
"""Values of a shard, about: more take memory, and fewer take time, since a history takes a step for each row."""
SHARED = 1_000_000
"""Values up to which tables that need no others are drawn once, and held by every worker."""
LEAST = 1_000
"""Rows among which those of a shard choose their parents, at least; as many as the data had if these were fewer."""
_RUN = 4_096
"""Keys that follow each other, at most."""
_RUNS = 16
"""Runs of keys in a shard, at least: what the last one leaves open is a small share then."""


@dataclass(frozen=True)
class Shards:
    """A database cut into shards.

    Parameters
    ----------
    number : int
        How many there are.
    rows : float
        Rows of a shard in all its tables, about.
    divided : tuple of str
        Units that every shard has its own rows of.
    shared : tuple of str
        Units that are drawn once.
    sizes : dict of str to int
        Rows of each root, all shards together.
    scale : float
        Times as many rows that lead nowhere, all shards together.
    runs : dict of str to int
        By unit that a parent draws: how many keys follow each other.
    missed : frozenset of str
        Units of which orphans refer to rows that are not there.
    factors : dict of str to float
        By matched link to a shared table: times as many rows refer to each of its rows as it was drawn with.
    reason : str
        Why there is but one, where there would be more.
    """

    number: int
    rows: float = 0.0
    divided: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    scale: float = 1.0
    runs: Mapping[str, int] = field(default_factory=dict)
    missed: frozenset[str] = frozenset()
    factors: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""

    def start(self, root: str, shard: int) -> int:
        """Return how many rows of a root earlier shards have."""
        return self.sizes[root] * shard // self.number

    def size(self, root: str, shard: int) -> int:
        """Return how many rows of a root a shard has."""
        return self.start(root, shard + 1) - self.start(root, shard)

    def numbers(self, shard: int) -> Numbers:
        """Return the numbers that the rows of a shard have: dense for roots, in turns for what they draw.

        How many rows of other tables earlier shards have is not known before these are drawn.
        """
        own, beyond = {}, {}
        for unit, run in self.runs.items():
            lanes = self.number + (unit in self.missed)
            own[unit], beyond[unit] = Lane(0, run, shard, lanes), Lane(0, run, self.number, lanes)
        for root in set(self.divided) - set(self.runs):
            own[root], beyond[root] = Lane(self.start(root, shard)), Lane(self.sizes[root])
        return Numbers(shard, self.number, own, beyond)


def cut(
    model: DatabaseSynthesizer, sizes: Mapping[str, int], scale: float, *, asked: bool, cells: int = CELLS
) -> Shards:
    """Cut a database into shards.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    sizes : mapping of str to int
        Rows of each root.
    scale : float
        Times as many rows that lead nowhere.
    asked : bool
        Whether there are conditions.
    cells : int
        Values of a shard, about.

    Returns
    -------
    Shards
        A function of what is given alone. One shard where the database is small, or can only be drawn at once.

    Notes
    -----
    The root with most values below it is divided, and so is every root whose rows need those of a divided one. Other
    roots (products) are drawn once if they are small: rows of all shards refer to them. Rows that choose a parent
    afterwards choose it within their shard, so a shard has many of these.
    """
    trees = _find_trees(model)
    weights = {top: _weigh(model, tree, sizes) for top, tree in trees.items()}
    if sum(weights.values()) <= cells:
        return Shards(1)
    divided = _divide(model, trees, weights)
    apart = [top for top in divided if top not in sizes]
    reason = (
        f"rows of {apart[0]!r} belong to a table that is public, and refer to others" if apart
        else "conditions are asked, and the model has several roots" if asked and len(trees) > 1
        else find_obstacle(model, {unit for top in divided for unit in trees[top]})
    )  # fmt: skip
    if reason:
        return Shards(1, reason=reason)
    wanted = -(-sum(weights[top] for top in divided) // cells)
    units = tuple(unit for unit in model.plan.units if any(unit in trees[top] for top in divided))
    number = int(min([wanted, *_limits(model, units, sizes)]))
    if number <= 1:
        return Shards(1, reason="each part of it would hold too few rows for others to refer to")
    rows = {unit: _expect(model, unit, sizes) for unit in units}
    runs = {
        unit: max(1, min(_RUN, 1 << max(int(rows[unit] / number / _RUNS), 1).bit_length() - 1))
        for unit in units
        if above(model.plan, unit) is not None
    }
    shared = tuple(unit for unit in model.plan.units if unit not in units)
    members = sum(len(model.plan.members(unit)) * rows[unit] for unit in units)
    factors = _find_factors(model, units, shared, sizes)
    return Shards(number, members / number, units, shared, sizes, scale, runs, _find_missed(model), factors)


def _find_trees(model: DatabaseSynthesizer) -> dict[str, tuple[str, ...]]:
    """List by their tops the units that hang together: those of roots, and of tables kept as they are."""
    return {unit: tree_of(model.plan, unit) for unit in model.plan.units if above(model.plan, unit) is None}


def _expect(model: DatabaseSynthesizer, unit: str, sizes: Mapping[str, int]) -> float:
    """Return about how many rows a unit will have."""
    root = root_of(model.plan, unit)
    if root is None:
        return model.units[unit].rows
    return model.units[unit].rows * sizes[root] / max(model.units[root].rows, 1)


def _weigh(model: DatabaseSynthesizer, tree: tuple[str, ...], sizes: Mapping[str, int]) -> float:
    return sum(
        _expect(model, unit, sizes) * (len(model.schema.table(member).columns) + 2)
        for unit in tree
        for member in model.plan.members(unit)
    )


def _divide(
    model: DatabaseSynthesizer, trees: Mapping[str, tuple[str, ...]], weights: Mapping[str, float]
) -> tuple[str, ...]:
    """Choose the tops whose trees are divided."""
    needs = _find_needs(model, trees)
    largest = max(trees, key=lambda top: weights[top])
    divided = {largest, *(top for top in trees if weights[top] > SHARED)}
    more = True
    while more:
        found = {top for top in trees if top not in divided and needs[top] & divided}
        divided |= found
        more = bool(found)
    return tuple(top for top in trees if top in divided)


def _find_needs(model: DatabaseSynthesizer, trees: Mapping[str, tuple[str, ...]]) -> dict[str, set[str]]:
    """List the trees that the rows of each refer to, or look at by a rule."""
    plan = model.plan
    homes = {member: top for top, tree in trees.items() for unit in tree for member in plan.members(unit)}
    pairs = [(link.table, link.reference.table) for link in plan.links if link.way != "value"]
    pairs += [(rule.table, other) for rule in EntityRules.of(model.schema).held for other in rule.tables]
    needs: dict[str, set[str]] = {top: set() for top in trees}
    for table, other in pairs:
        if table in homes and other in homes:
            needs[homes[table]].add(homes[other])
    return needs


def _limits(model: DatabaseSynthesizer, units: tuple[str, ...], sizes: Mapping[str, int]) -> list[float]:
    """Return how many shards there may be: each has rows of every root, and enough where others choose among them."""
    plan, limits = model.plan, []
    for unit in units:
        rows = _expect(model, unit, sizes)
        if not rows:
            continue
        chosen = any(plan.to(member, "matched", "coded") for member in plan.members(unit))
        if chosen:
            limits.append(rows / max(min(LEAST, model.units[unit].rows), 1))
        elif unit in sizes:
            limits.append(rows)
    return limits


def _find_factors(
    model: DatabaseSynthesizer, units: tuple[str, ...], shared: tuple[str, ...], sizes: Mapping[str, int]
) -> dict[str, float]:
    """Tell how many more rows refer to each shared row than it was drawn with, for rows chosen after drawing."""
    plan, factors = model.plan, {}
    for link in plan.links:
        home, parent = plan.home(link.table), plan.home(link.reference.table)
        if link.way == "matched" and home in units and parent in shared:
            rows, parents = model.units[home].rows, model.units[parent].rows
            more = _expect(model, home, sizes) / max(rows, 1)
            factors[link.name] = more / max(_expect(model, parent, sizes) / max(parents, 1), 1e-9)
    return factors


def _find_missed(model: DatabaseSynthesizer) -> frozenset[str]:
    """Return the units of which some rows refer to ones that are not there."""
    return frozenset(
        model.plan.home(link.reference.table)
        for link in model.plan.links
        if model.absent.get(link.name) or (link.way == "driving" and len(model.units[link.table].lost))
    )
