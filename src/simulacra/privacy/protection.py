"""Protection without a formal budget: what fewer than k rows share is merged or coded away before anything is learnt.

Three things identify people in a table even when no row is copied: levels that few hold, extremes, and values that
one row holds alone. Here levels with fewer than k holders are replaced by draws from the others, and the k
smallest and largest values are coded to the k-th; single values inside the range are the models' business
(`Axis.holders` tells them k). Following the minimum-frequency rule and top and bottom coding of statistical
disclosure control (Hundepool et al. 2012, "Statistical Disclosure Control", sections 3.3 and 4.3).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np

from simulacra.domain import Array, Axis, Block, Domain, code_dtype
from simulacra.randomness import Streams

HOLDERS = 10
"""Default k: rows that must share a value before it may be given out."""


@dataclass(frozen=True)
class Protected:
    """A block after protection, and what was done to it.

    Parameters
    ----------
    block : Block
        The rows, all levels and values held by at least k.
    kept : dict
        For axes that lost codes: the old codes that stay, ascending. Keys are (column, part).
    limits : dict
        For protected real axes: the smallest and largest value that stayed, NaN if none did.
    notes : tuple of str
        One sentence for each thing done.
    """

    block: Block
    kept: dict[tuple[str, str], Array] = field(default_factory=dict)
    limits: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def protect(block: Block, rng: Streams, *, declared: Collection[str] = ()) -> Protected:
    """Merge rare codes and code extremes, on every axis whose `holders` is above 1.

    Parameters
    ----------
    block : Block
        Encoded rows. Axes with ``holders == 1`` (protection switched off) pass unchanged.
    rng : Streams
        For the draws that replace rare codes.
    declared : collection of str
        Columns whose levels and bounds are public: their axes pass unchanged too.

    Returns
    -------
    Protected
        The new block with its new domain, and the record of changes.

    Notes
    -----
    **Cost**: one count or one partial sort per axis. **Privacy**: k-anonymity of single values, not of combinations,
    and no formal guarantee.

    Examples
    --------
    >>> axis = Axis("a", "a", size=3, holders=2)
    >>> block = Block(Domain((axis,)), (np.array([0, 0, 1, 2, 2], dtype=np.uint8),))
    >>> done = protect(block, Streams(0))
    >>> done.kept[("a", "value")].tolist(), done.block.domain.axes[0].size
    ([0, 2], 2)
    """
    axes: list[Axis] = []
    columns: list[Array] = []
    kept: dict[tuple[str, str], Array] = {}
    limits: dict[tuple[str, str], tuple[float, float]] = {}
    notes: list[str] = []
    for axis, values in zip(block.domain.axes, block.columns, strict=True):
        stream = rng.stream("protect", axis.name)
        where = (axis.column, axis.part)
        if axis.holders <= 1 or axis.column in declared:
            axes.append(axis)
            columns.append(values)
        elif axis.size is None:
            coded, limits[where], told = _code_extremes(axis, values, stream)
            axes.append(replace(axis, missing=axis.missing or bool(np.isnan(limits[where][0]))))
            columns.append(coded)
            notes += told
        else:
            merged, stay, told = _merge_rare(axis, values, stream)
            axes.append(replace(axis, size=max(len(stay), 1)))
            columns.append(merged)
            if len(stay) < axis.size:
                kept[where] = stay
            notes += told
    done = Block(Domain(tuple(axes)), tuple(columns), block.weights, len(block))
    return Protected(done, kept, limits, tuple(notes))


def _merge_rare(axis: Axis, codes: Array, stream: np.random.Generator) -> tuple[Array, Array, list[str]]:
    """Replace codes with too few holders by draws from the others, and number those anew."""
    size = axis.size or 1
    counts = np.bincount(codes, minlength=size)
    stay = np.flatnonzero(counts >= axis.holders)
    dtype = code_dtype(max(len(stay), 1))
    rare = counts[codes] < axis.holders
    merged_levels = int(((counts > 0) & (counts < axis.holders)).sum())
    if not len(stay):
        note = f"{_name(axis)}: no level has {axis.holders} holders; all values are withheld."
        return np.zeros(len(codes), dtype=dtype), stay, [note]
    renumber = np.zeros(size, dtype=dtype)
    renumber[stay] = np.arange(len(stay))
    out = renumber[codes]
    n = int(rare.sum())
    if not n:
        return out, stay, []
    out[rare] = stream.choice(len(stay), size=n, p=counts[stay] / counts[stay].sum()).astype(dtype)
    levels = "1 level" if merged_levels == 1 else f"{merged_levels:,} levels"
    note = (
        f"{_name(axis)}: {levels} with fewer than {axis.holders} holders "
        f"merged into the others ({_rows(n, len(codes))})."
    )
    return out, stay, [note]


def _code_extremes(
    axis: Axis, values: Array, stream: np.random.Generator
) -> tuple[Array, tuple[float, float], list[str]]:
    """Code the k smallest and largest values to the k-th of each end."""
    k = axis.holders
    gap = np.isnan(values)
    held = values[~gap]
    nowhere = (float("nan"), float("nan"))
    if len(held) < k:
        note = f"{_name(axis)}: fewer than {k} values; all are withheld." if len(held) else ""
        return np.full(len(values), np.nan), nowhere, [note] if note else []
    place = (k - 1, len(held) - k)
    low, high = (float(np.partition(held, p)[p]) for p in (min(place), max(place)))
    out = np.clip(values, low, high)
    notes = []
    below, above = int((held < low).sum()), int((held > high).sum())
    if below or above:
        notes.append(
            f"{_name(axis)}: extremes coded to the {k}th value from each end ({below:,} low, {above:,} high)."
        )
    few = int(gap.sum())
    if 0 < few < k:
        out[gap] = stream.choice(out[~gap], size=few)
        notes.append(f"{_name(axis)}: fewer than {k} rows lack a value; they were given one.")
    return out, (low, high), notes


def _name(axis: Axis) -> str:
    """Name the column, and the part where it has several."""
    return f"column {axis.column!r}" + ("" if axis.name == axis.column else f" ({axis.part})")


def _rows(count: int, total: int) -> str:
    share = f"{count / total:.1%}" if count / total >= 0.001 else "under 0.1 %"
    return f"{count:,} {'row' if count == 1 else 'rows'}, {share.replace('%', ' %').replace('  ', ' ')}"
