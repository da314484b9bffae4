"""Protection without a formal budget: what fewer than k rows share is merged or coded away before anything is learnt.

Three things identify people in a table even when no row is copied: levels that few hold, extremes, and values that
one row holds alone. Here levels with fewer than k holders are replaced by draws from the others, and the k
smallest and largest values are coded to the k-th; single values inside the range are the models' business
(`Axis.holders` tells them k). Following the minimum-frequency rule and top and bottom coding of statistical
disclosure control (Hundepool et al. 2012, "Statistical Disclosure Control", sections 3.3 and 4.3).

A holder is a row, or the entity that a row belongs to where the block says whose each is (`Block.owners`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from simulacra.domain import Array, Axis, Block, Domain, code_dtype
from simulacra.privacy.holders import count_holders, count_owners, find_ends
from simulacra.randomness import Streams

WORTH_GROUPING = 0.005
"""Share of rare rows from which it is worth looking for a column that they can be grouped by."""
FEW_EXPLAINED = 0.2
MOST_GROUPS = 1_000
HOLDERS = 10
"""Default k: rows, or entities with many rows, that must share a value before it may be given out."""


@dataclass(frozen=True)
class Totals:
    """What all rows hold of which a block is a sample: then k holders are looked for among all of them.

    Parameters
    ----------
    counts : dict
        For axes of codes, how many of all rows hold each. Keys are (column, part).
    ends : dict
        For axes of reals, the k-th smallest and the k-th largest value of all rows.

    Examples
    --------
    >>> Totals({("a", "value"): np.array([2_000, 12])}).counts["a", "value"].tolist()
    [2000, 12]
    """

    counts: Mapping[tuple[str, str], Array] = field(default_factory=dict)
    ends: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)


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


def protect(
    block: Block, rng: Streams, *, declared: Collection[str] = (), totals: Totals | None = None
) -> Protected:
    """Merge rare codes and code extremes, on every axis whose `holders` is above 1.

    Parameters
    ----------
    block : Block
        Encoded rows. Axes with ``holders == 1`` (protection switched off) pass unchanged.
    rng : Streams
        For the draws that replace rare codes.
    declared : collection of str
        Columns whose levels and bounds are public: their axes pass unchanged too.
    totals : Totals or None
        What all rows hold, where the block is a sample of them.

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
    totals = Totals() if totals is None else totals
    for axis, values in zip(block.domain.axes, block.columns, strict=True):
        stream = rng.stream("protect", axis.name)
        where = (axis.column, axis.part)
        if axis.holders <= 1 or axis.column in declared:
            axes.append(axis)
            columns.append(values)
        elif axis.size is None:
            coded, limits[where], told = _code_extremes(
                axis, values, block.owners, stream, totals.ends.get(where)
            )
            axes.append(replace(axis, missing=axis.missing or bool(np.isnan(limits[where][0]))))
            columns.append(coded)
            notes += told
        else:
            merged, stay, told = _merge_rare(axis, values, block, stream, totals.counts.get(where))
            axes.append(replace(axis, size=max(len(stay), 1)))
            columns.append(merged)
            if len(stay) < axis.size:
                kept[where] = stay
            notes += told
    done = Block(Domain(tuple(axes)), tuple(columns), block.weights, len(block), block.owners)
    return Protected(done, kept, limits, tuple(notes))


def _merge_rare(
    axis: Axis, codes: Array, block: Block, stream: np.random.Generator, total: Array | None
) -> tuple[Array, Array, list[str]]:
    """Replace codes with too few holders by draws from the others, and number those anew."""
    size = axis.size or 1
    counts = count_holders(codes, size, block.owners)
    # what no row of a sample holds is not learnt, however many rows hold it elsewhere
    counts = counts if total is None else np.where(counts > 0, np.maximum(counts, total), 0)
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
    groups = _nearest_groups(axis, codes, rare, block)
    out[rare] = _draw_alike(out, rare, groups, stream)
    levels = "1 level" if merged_levels == 1 else f"{merged_levels:,} levels"
    note = (
        f"{_name(axis)}: {levels} with fewer than {axis.holders} holders "
        f"merged into the others ({_rows(n, len(codes))})."
    )
    return out, stay, [note]


def _draw_alike(out: Array, rare: Array, groups: Array, stream: np.random.Generator) -> Array:
    """Draw for every rare row the code of a random other row of its group; of any row where the group has none."""
    donors = np.flatnonzero(~rare)
    donors = donors[np.argsort(groups[donors], kind="stable")]
    wanted = groups[rare]
    first = np.searchsorted(groups[donors], wanted, side="left")
    last = np.searchsorted(groups[donors], wanted, side="right")
    alone = first == last
    first, last = np.where(alone, 0, first), np.where(alone, len(donors), last)
    return out[donors[first + (stream.random(len(wanted)) * (last - first)).astype(np.int64)]]


def _nearest_groups(axis: Axis, codes: Array, rare: Array, block: Block) -> Array:
    """Group rows by the coded axis that the codes tell most about: aircraft by their airline.

    A rare level then gives way to one of its own group, and the relation between the two columns stays. The measure
    is the share of the other axis' entropy that is explained, less its bias (Miller and Madow, in Miller 1955, "Note on
    the bias of information estimates").
    """
    none = np.zeros(len(codes), dtype=np.int64)
    best, found = FEW_EXPLAINED, none
    if rare.mean() < WORTH_GROUPING:
        return none
    for other, values in zip(block.domain.axes, block.columns, strict=True):
        if other.name == axis.name or other.size is None or not 1 < other.size <= MOST_GROUPS:
            continue
        explained = _explained(codes[~rare].astype(np.int64), values[~rare].astype(np.int64), other.size)
        if explained > best:
            best, found = explained, values.astype(np.int64)
    return found


def _explained(codes: Array, values: Array, size: int) -> float:
    joint = np.unique(codes * size + values, return_counts=True)[1]
    left, right = (np.unique(side, return_counts=True)[1] for side in (codes, values))
    n = len(codes)
    h_joint, h_left, h_right = (float(-(c / n * np.log(c / n)).sum()) for c in (joint, left, right))
    bias = (len(joint) - len(left) - len(right) + 1) / (2 * n)
    return (h_left + h_right - h_joint - bias) / h_right if h_right > 0 else 0.0


def _code_extremes(
    axis: Axis,
    values: Array,
    owners: Array | None,
    stream: np.random.Generator,
    known: tuple[float, float] | None,
) -> tuple[Array, tuple[float, float], list[str]]:
    """Code the k smallest and largest values to the k-th of each end."""
    k = axis.holders
    gap = np.isnan(values)
    held = values[~gap]
    ends = find_ends(held, k, None if owners is None else owners[~gap])
    if known is not None and len(held):
        # beyond what the sample holds there is nothing to draw
        ends = max(known[0], float(held.min())), min(known[1], float(held.max()))
    if ends is None:
        who = "values" if owners is None else "entities with a value"
        note = f"{_name(axis)}: fewer than {k} {who}; all are withheld." if len(held) else ""
        return np.full(len(values), np.nan), (float("nan"), float("nan")), [note] if note else []
    low, high = ends
    out = np.clip(values, low, high)
    notes = []
    below, above = int((held < low).sum()), int((held > high).sum())
    if below or above:
        which = "value" if owners is None else "entity's value"
        notes.append(
            f"{_name(axis)}: extremes coded to the {k}th {which} from each end ({below:,} low, {above:,} high)."
        )
    few = int(gap.sum())
    if few and (few if owners is None else count_owners(owners[gap])) < k:
        out[gap] = stream.choice(out[~gap], size=few)
        who = "rows" if owners is None else "entities"
        notes.append(f"{_name(axis)}: fewer than {k} {who} lack a value; they were given one.")
    return out, (low, high), notes


def _name(axis: Axis) -> str:
    """Name the column, and the part where it has several."""
    return f"column {axis.column!r}" + ("" if axis.name == axis.column else f" ({axis.part})")


def _rows(count: int, total: int) -> str:
    share = f"{count / total:.1%}" if count / total >= 0.001 else "under 0.1 %"
    return f"{count:,} {'row' if count == 1 else 'rows'}, {share.replace('%', ' %').replace('  ', ' ')}"
