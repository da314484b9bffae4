"""What the next row of an entity may know of its earlier ones: the last row, the first, means, and what was there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulacra.domain import Array, Axis, Block, Domain, code_dtype

FEW_LEVELS = 7
"""Levels up to which the set of those that have been there is remembered: 2 to this power is one digit."""


class Past:
    """The running memory of many entities, all at the same step.

    Parameters
    ----------
    domain : Domain
        The axes of a row.
    entities : int
        How many entities there are.

    Notes
    -----
    Training replays the histories through the same memory as sampling, so that both see the same features.

    **Cost**: linear in rows and axes; memory for some numbers per entity and axis.

    Examples
    --------
    >>> past = Past(Domain((Axis("x", "x"),)), 2)
    >>> [axis.name for axis in past.axes]
    ['x last', 'x mean', 'x first', 'x peak']
    >>> past.add(Block(past.domain, (np.array([1.0, 5.0]),)))
    >>> past.add(Block(past.domain, (np.array([3.0]),)))
    >>> [array.tolist() for array in past.features(2)]
    [[3.0, 5.0], [2.0, 5.0], [1.0, 5.0], [3.0, 5.0]]
    """

    def __init__(self, domain: Domain, entities: int) -> None:
        self.domain = domain
        self._traces: list[_Number | _Code] = [
            _Number(axis, entities) if axis.size is None else _Code(axis, entities) for axis in domain.axes
        ]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of what `features` gives."""
        return tuple(axis for trace in self._traces for axis in trace.axes)

    def features(self, rows: int) -> list[Array]:
        """Return what is remembered of the first `rows` entities, one array per axis."""
        return [array for trace in self._traces for array in trace.features(rows)]

    def look(self, rows: int) -> Block:
        """Return `features` with their axes."""
        return Block(Domain(self.axes), tuple(self.features(rows)), rows=rows)

    def last(self, rows: int) -> list[Array]:
        """Return the row before of the first `rows` entities, one array per axis of a row."""
        return [trace.last[:rows] for trace in self._traces]

    def add(self, block: Block) -> None:
        """Remember the next row of the first ``len(block)`` entities."""
        for trace, values in zip(self._traces, block.columns, strict=True):
            trace.add(values)


class _Number:
    def __init__(self, axis: Axis, entities: int) -> None:
        self.last = np.full(entities, np.nan)
        self.first = np.full(entities, np.nan)
        self.peak = np.full(entities, np.nan)
        self.sum = np.zeros(entities)
        self.count = np.zeros(entities)
        self.axes = tuple(
            Axis(
                f"{axis.name} {what}", axis.column, f"{axis.part} {what}", missing=True, holders=axis.holders,
                lattice=axis.lattice and what != "mean",
            )
            for what in ("last", "mean", "first", "peak")
        )  # fmt: skip

    def features(self, rows: int) -> list[Array]:
        with np.errstate(invalid="ignore"):
            mean = self.sum[:rows] / self.count[:rows]
        return [self.last[:rows].copy(), mean, self.first[:rows].copy(), self.peak[:rows].copy()]

    def add(self, values: Array) -> None:
        rows = len(values)
        held = ~np.isnan(values)
        new = held & (self.count[:rows] == 0)
        self.first[:rows][new] = values[new]
        self.last[:rows] = values
        self.peak[:rows] = np.fmax(self.peak[:rows], values)
        self.sum[:rows] += np.where(held, values, 0)
        self.count[:rows] += held


class _Code:
    def __init__(self, axis: Axis, entities: int) -> None:
        size = int(axis.size or 0)
        self.none = size
        kind = code_dtype(size + 1)
        self.last = np.full(entities, size, kind)
        self.first = np.full(entities, size, kind)
        self.again = np.zeros(entities, np.uint8)
        self.seen = np.zeros(entities, np.uint8) if size <= FEW_LEVELS else None
        sizes = {"last": size + 1, "first": size + 1, "again": 3}
        if self.seen is not None:
            sizes["seen"] = 2**size
        self.axes = tuple(
            Axis(
                f"{axis.name} {what}", axis.column, f"{axis.part} {what}", wide,
                ordered=axis.ordered and wide == size + 1, holders=axis.holders,
            )
            for what, wide in sizes.items()
        )  # fmt: skip

    def features(self, rows: int) -> list[Array]:
        found = [self.last[:rows].copy(), self.first[:rows].copy(), self.again[:rows].copy()]
        return found if self.seen is None else [*found, self.seen[:rows].copy()]

    def add(self, values: Array) -> None:
        rows = len(values)
        new = self.first[:rows] == self.none
        # 0: one row or none; 1: all the same so far; 2: not all the same
        same = self.first[:rows] == values
        self.again[:rows] = np.where(new, 0, np.where(same & (self.again[:rows] < 2), 1, 2))
        self.first[:rows][new] = values[new]
        self.last[:rows] = values
        if self.seen is not None:
            self.seen[:rows] |= (1 << values.astype(np.uint8)).astype(np.uint8)


def replay(block: Block, begins: Array, counts: Array) -> Block:
    """Return what each row of finished histories could know of the rows before it.

    Parameters
    ----------
    block : Block
        Rows, those of an entity behind each other in their order.
    begins, counts : array of int, shape (entities,)
        Where the rows of each entity start, and how many there are.

    Returns
    -------
    Block
        The features of `Past`, one row for each of `block`.

    Examples
    --------
    >>> block = Block(Domain((Axis("x", "x", size=2),)), (np.array([1, 0, 1], np.uint8),))
    >>> replay(block, np.array([0, 2]), np.array([2, 1])).columns[0].tolist()
    [2, 1, 2]
    """
    order = np.argsort(-counts, kind="stable")
    begins, counts = begins[order], counts[order]
    past = Past(block.domain, len(counts))
    out = [np.empty(len(block), array.dtype) for array in past.features(0)]
    for step in range(int(counts.max(initial=0))):
        active = active_at(counts, step)
        rows = begins[:active] + step
        for whole, part in zip(out, past.features(active), strict=True):
            whole[rows] = part
        past.add(block.take(rows))
    return Block(Domain(past.axes), tuple(out), rows=len(block))


def active_at(counts: Array, step: int) -> int:
    """Return how many entities have more than `step` rows; counts fall."""
    return int(np.searchsorted(-counts, -step, side="left"))


def glue(blocks: Sequence[Block]) -> Block:
    """Put the axes of blocks of the same rows side by side."""
    axes = tuple(axis for block in blocks for axis in block.domain.axes)
    return Block(Domain(axes), tuple(c for block in blocks for c in block.columns), rows=len(blocks[0]))
