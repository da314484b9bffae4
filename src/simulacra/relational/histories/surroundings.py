"""What stands around a row in its history: its place, the end, the gap before it."""

from __future__ import annotations

import numpy as np

from simulacra.domain import Array, Axis, Block, Domain

_AGAIN = 15


def tell_place(step: int | Array, counts: Array, holders: int) -> Block:
    """Tell how many rows of the history have passed, and how many are left."""
    passed = np.broadcast_to(np.asarray(step, float), counts.shape)
    axes = tuple(Axis(name, name, lattice=True, holders=holders) for name in ("#passed", "#left"))
    return Block(Domain(axes), (passed.copy(), counts - passed))


def tell_ahead(ahead: Array, left: Array, holders: int) -> Block:
    """Tell how far the end of each history is, and how far that is for each row that is left."""
    axes = (
        Axis("#ahead", "#ahead", lattice=True, missing=True, holders=holders),
        Axis("#pace", "#pace", missing=True, holders=holders),
    )
    return Block(Domain(axes), (ahead, ahead / np.maximum(left, 1)))


def tell_next(steps: Array, more: Array) -> Block:
    """Tell how far the next row goes on: not at all (1), one on (2), further (3); 0 where there is no next row."""
    code = np.where(more, 1 + np.clip(steps, 0, 2), 0).astype(np.uint8)
    return Block(Domain((Axis("~next", "~next", size=4),)), (code,), rows=len(code))


def tell_gap(gap: Array, again: Array, holders: int) -> Block:
    """Tell how long it is since the row before (NaN for the first), and how many rows before have the same time."""
    axes = (
        Axis("#since", "#since", lattice=True, missing=True, holders=holders),
        Axis("#again", "#again", size=_AGAIN + 1, ordered=True, holders=holders),
    )
    return Block(Domain(axes), (gap, np.minimum(again, _AGAIN).astype(np.uint8)))
