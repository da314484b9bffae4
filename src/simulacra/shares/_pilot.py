"""What a model gives of the cells of several margins, measured on rows drawn for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.blocks import Draw
from simulacra.domain import Array
from simulacra.errors import OptionError
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.schema.predicates import Predicate
from simulacra.shares.margins import Margin
from simulacra.shares.raking import pool_counts

LEAST_ROWS = 16_384
"""Rows of a pilot, at least: shares of cells are known to .4 points."""
MUCH_ROWS = 262_144
"""Rows of a pilot where at least as many are asked for: shares of cells are known to .1 points."""
MOST_ROWS = 1_048_576
"""Rows of a pilot, at most."""
THIN = 400
"""A part with fewer rows in the pilot is drawn for itself, so that what is within it is known well."""
THIN_ROWS = 1_024
"""Rows drawn of a thin part."""
FACTOR_ERROR = 0.0025
"""A standard error of a share got by a factor that the pilot grows to reach."""


@dataclass(frozen=True)
class Pilot:
    """Cells and their shares.

    Parameters
    ----------
    labels : int array of shape (cells, margins)
        Which part of each margin a cell belongs to.
    shares : array of shape (cells,)
        The model's shares of them; they sum to 1.
    measured : tuple of arrays
        For each margin the shares of its parts.
    rows : int
        Rows drawn.
    """

    labels: Array
    shares: Array
    measured: tuple[Array, ...]
    rows: int


def measure_cells(
    margins: Sequence[Margin], n: int, condition: Predicate | None, draw: Draw, streams: Streams
) -> Pilot:
    """Draw rows and count the cells of margins among them.

    Parameters
    ----------
    margins : sequence of Margin
        What the cells are made of.
    n : int
        Rows that will be drawn by them: shares are needed no better than so many rows can show.
    condition : Predicate or None
        What every row satisfies.
    draw : callable
        Draws rows.
    streams : Streams
        Where randomness comes from.

    Returns
    -------
    Pilot
        Cells that were seen, in order of their labels.

    Notes
    -----
    A part seldom seen is drawn for itself, and both samples are pooled (Vardi 1985). Where a factor multiplies a
    small share, more rows are drawn, until the product is known to a quarter of a point or a million rows are drawn.
    """
    sizes = [len(margin.parts) for margin in margins]
    if np.prod([float(size) for size in sizes]) >= 2**62:
        raise OptionError(f"{len(margins)} margins have too many combinations. Name fewer.")
    first = min(max(8 * n, LEAST_ROWS), BLOCK_ROWS)
    found = [_count(margins, sizes, first, condition, draw, streams.at("all", 0))]
    more = max(_rows_lacking(margins, sizes, found[0]), min(n, MUCH_ROWS)) - first
    while more > 0:
        rows = min(more, BLOCK_ROWS)
        found.append(_count(margins, sizes, rows, condition, draw, streams.at("all", len(found))))
        more -= rows
    drawn = sum(int(counts.sum()) for _, counts in found)
    samples = [_merge(found)]
    members: list[tuple[int, int] | None] = [None]
    measured = tuple(_sums(samples[0], sizes, k) / drawn for k in range(len(sizes)))
    if len(margins) > 1:
        for k, margin in enumerate(margins):
            for part, share in enumerate(measured[k]):
                wanted = margin.parts[part].share
                if share * drawn < THIN and wanted != 0 and not (wanted is None and share == 0):
                    kind = margin.parts[part].predicate.joined(condition)
                    at = streams.at("part", k, part)
                    samples.append(_count(margins, sizes, THIN_ROWS, kind, draw, at))
                    members.append((k, part))
    keys = np.unique(np.concatenate([keys for keys, _ in samples]))
    counts = np.zeros((len(samples), len(keys)))
    for sample, (own, number) in enumerate(samples):
        counts[sample, np.searchsorted(keys, own)] = number
    labels = np.stack(np.unravel_index(keys, sizes), axis=1)
    seen = np.array(
        [np.ones(len(keys), dtype=bool) if at is None else labels[:, at[0]] == at[1] for at in members]
    )
    return Pilot(labels, pool_counts(counts, seen), measured, drawn)


def _count(
    margins: Sequence[Margin],
    sizes: Sequence[int],
    rows: int,
    condition: Predicate | None,
    draw: Draw,
    streams: Streams,
) -> tuple[Array, Array]:
    frame = draw(rows, condition, streams)
    labels = [margin.label(frame) for margin in margins]
    keys, counts = np.unique(np.ravel_multi_index(labels, sizes), return_counts=True)
    return keys, counts


def _merge(found: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    keys, place = np.unique(np.concatenate([own for own, _ in found]), return_inverse=True)
    return keys, np.bincount(place, np.concatenate([counts for _, counts in found]))


def _sums(sample: tuple[Array, Array], sizes: Sequence[int], margin: int) -> Array:
    part = np.unravel_index(sample[0], sizes)[margin]
    return np.bincount(part, sample[1], minlength=sizes[margin])


def _rows_lacking(margins: Sequence[Margin], sizes: Sequence[int], sample: tuple[Array, Array]) -> int:
    """Count the rows by which every share got by a factor is known well enough."""
    needed = 0.0
    for k, margin in enumerate(margins):
        shares = _sums(sample, sizes, k) / sample[1].sum()
        for part, share in zip(margin.parts, shares, strict=True):
            if part.factor is not None:
                needed = max(needed, share * (1 - share) * (part.factor / FACTOR_ERROR) ** 2)
    return int(min(needed, MOST_ROWS))
