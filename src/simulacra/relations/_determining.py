"""Finding columns that others determine in every row."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

import numpy as np

from simulacra.domain import Array, Axis, Block
from simulacra.privacy.holders import count_holders
from simulacra.randomness import Streams
from simulacra.relations.lookups import Lookup
from simulacra.relations.relation import FEWEST
from simulacra.schema.types import Table

GLANCE = 4_000
FIRST = 400
GROUP = 20
"""Rows that a group of equal sources has on average; smaller groups prove nothing."""
FEW = 0.01
"""Share of rows whose sources fewer than k rows share, above which a table by them would lose too much."""
BREAKS = 30.0
"""Neighbours in a group that must be expected to differ if the target did not depend on the source."""
MOST = 500
MOST_IN_PAIRS = 60
KINDS = {"number", "category", "boolean", "date", "time", "duration"}


def find_lookups(
    block: Block, rng: Streams, *, table: Table | None = None, guarded: Collection[str] | None = None
) -> list[Lookup]:
    """Find columns that one other column, or two, determine in every row; the best source first.

    Parameters
    ----------
    block : Block
        Encoded rows.
    rng : Streams
        Chooses the rows to look at.
    table : Table or None
        Says of which kind columns are; texts and keys are left out.
    guarded : collection of str or None
        Axes that protection may change; all when None.

    Notes
    -----
    **Cost**: quadratic in columns on 4,000 rows (cubic for pairs, of at most 60 columns); what passes is verified on
    all rows. **Privacy**: a source counts only if nearly all rows hold a value that k rows share.
    """
    if len(block) < FEWEST:
        return []
    axes = [(i, axis) for i, axis in enumerate(block.domain.axes) if _plain(axis, table)][:MOST]
    order = rng.stream("lookups").permutation(len(block))[:GLANCE]
    glance = [np.unique(block.columns[i][order], return_inverse=True)[1] for i, _ in axes]
    varied = [j for j, codes in enumerate(glance) if codes.max() > 0]
    if len(varied) < 2:
        return []
    matrix = np.array([glance[j] for j in varied], dtype=np.int16)
    search = _Search(
        block, [axes[j] for j in varied], matrix, set(guarded if guarded is not None else block.domain.names)
    )
    singles = list(search.run([(s,) for s in range(len(varied))], set(range(len(varied)))))
    left = set(range(len(varied))) - {target for target, _ in singles}
    by_size = sorted(range(len(varied)), key=lambda s: int(matrix[s].max()))[:MOST_IN_PAIRS]
    pairs = search.run([(a, b) for a, b in combinations(sorted(by_size), 2)], left)
    return sorted((search.relation(*found) for found in (*singles, *pairs)), key=search.rank)


def _plain(axis: Axis, table: Table | None) -> bool:
    return axis.part == "value" and (table is None or table[axis.column].kind in KINDS)


class _Search:
    """Candidates are tried on a few rows, then on some, then on all."""

    def __init__(self, block: Block, axes: list[tuple[int, Axis]], glance: Array, guarded: set[str]) -> None:
        self.block, self.axes, self.glance, self.guarded = block, axes, glance, guarded
        self.alike = np.array([float(((np.bincount(line) / len(line)) ** 2).sum()) for line in glance])
        self.groups: dict[str, int] = {}
        self._dense: dict[int, tuple[Array, int]] = {}

    def run(self, sources: list[tuple[int, ...]], targets: set[int]) -> Iterator[tuple[int, tuple[int, ...]]]:
        wanted = sorted(targets)
        for source in sources:
            likely = self._likely(source, [t for t in wanted if t not in source])
            for target in likely:
                if self._always(source, target):
                    yield target, source

    def _likely(self, source: tuple[int, ...], targets: list[int]) -> list[int]:
        for rows in (FIRST, GLANCE):
            key = self.glance[source[0], :rows].astype(np.int64)
            for other in source[1:]:
                key = key * (self.glance[other].max() + 1) + self.glance[other, :rows]
            order = np.argsort(key, kind="stable")
            place = np.flatnonzero(key[order][1:] == key[order][:-1])
            first, second = order[place], order[place + 1]
            lines = self.glance[targets]
            targets = np.array(targets)[(lines[:, first] == lines[:, second]).all(axis=1)].tolist()
            if not targets:
                return []
        return [t for t in targets if len(place) * (1 - self.alike[t]) >= BREAKS]

    def _always(self, source: tuple[int, ...], target: int) -> bool:
        key, size = self._codes(source[0])
        for other in source[1:]:
            codes, more = self._codes(other)
            key, size = key * more + codes, size * more
        if size > 4 * len(key) + 10_000:
            key = np.unique(key, return_inverse=True)[1]
            size = int(key.max()) + 1
        codes, _ = self._codes(target)
        counts = np.bincount(key, minlength=size)
        groups = int((counts > 0).sum())
        if groups * GROUP > len(key):
            return False
        seen = np.zeros(size, dtype=codes.dtype)
        seen[key] = codes
        axis = self.axes[target][1]
        need = axis.holders if axis.name in self.guarded else 1
        held = counts if need == 1 else count_holders(key, size, self.block.owners)
        few = counts[held < need].sum() > FEW * len(key)
        if few or not np.array_equal(seen[key], codes):
            return False
        public = any(self.axes[s][1].name not in self.guarded for s in source)
        # a level that is public may have too few holders to say what it determines
        if public and (held[held > 0] < need).any():
            return False
        self.groups["\x1f".join(self.axes[s][1].name for s in source)] = groups
        return True

    def _codes(self, line: int) -> tuple[Array, int]:
        if line not in self._dense:
            place, axis = self.axes[line]
            values = self.block.columns[place]
            if axis.size is None:
                found, codes = np.unique(values, return_inverse=True)
                self._dense[line] = codes, len(found)
            else:
                self._dense[line] = values.astype(np.int64), axis.size
        return self._dense[line]

    def relation(self, target: int, source: tuple[int, ...]) -> Lookup:
        names = tuple(self.axes[s][1].name for s in source)
        return Lookup(self.axes[target][1].name, names)

    def rank(self, found: Lookup) -> tuple[object, ...]:
        """Codes before numbers, since only they are drawn as they are; then the coarsest."""
        sizes = {axis.name: (axis.size is None, place) for place, axis in self.axes}
        return (
            len(found.by),
            max(sizes[name][0] for name in found.by),
            self.groups["\x1f".join(found.by)],
            [sizes[name][1] for name in found.by],
            -sizes[found.target][1],
        )
