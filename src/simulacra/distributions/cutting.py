"""Distributions cut into cells: exact values, and bins so narrow that numbers may lie evenly in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.distributions.families import Numbers
from simulacra.distributions.functions import Law
from simulacra.distributions.grammar import Distribution, Mixture, Of, Quantiles
from simulacra.errors import OptionError

MOST = 2_000
"""Cells of one law, about."""
FAR = 1e-9
"""What lies further out than this share is left out."""
_LISTED = 4_000
"""Points of a lattice that are told one by one."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Numbers known at even steps of their distribution, straight between.

    Parameters
    ----------
    points : array
        In rising order.
    low, high : float
        The first and the last.
    """

    points: Numbers
    whole: bool = False

    @property
    def low(self) -> float:
        """The smallest number."""
        return float(self.points[0])

    @property
    def high(self) -> float:
        """The largest number."""
        return float(self.points[-1])

    def below(self, x: Numbers) -> Numbers:
        """Return the chance of at most x."""
        share = np.linspace(0, 1, len(self.points))
        # of several equal points the last one tells what lies at or below
        values, first = np.unique(self.points[::-1], return_index=True)
        last = share[len(self.points) - 1 - first]
        return np.where(x < self.low, 0.0, np.interp(x, values, last))

    def quantile(self, q: Numbers) -> Numbers:
        """Return the number below which a share lies."""
        return np.interp(q, np.linspace(0, 1, len(self.points)), self.points)


Piece = Law | Steps


def list_pieces(distribution: Distribution, place: str = "distribution") -> list[tuple[float, Piece]]:
    """Part a distribution of the rules' grammar into laws with their weights, which sum to 1.

    Raises
    ------
    OptionError
        A parameter is a formula of other columns.

    Examples
    --------
    >>> from simulacra.distributions.grammar import parse_distribution
    >>> parsed = parse_distribution({"mixture": [{"weight": 1, "of": 0}, {"weight": 3, "of": {"normal": [0, 1]}}]})
    >>> [(weight, piece.word) for weight, piece in list_pieces(parsed)]
    [(0.25, 'const'), (0.75, 'normal')]
    """
    if distribution.formulas:
        raise OptionError(
            f"{place}: {distribution.formulas[0]!r} is a formula, and figures are numbers. Write the number itself."
        )
    if isinstance(distribution, Mixture):
        total = sum(distribution.weights)
        return [
            (weight / total * share, piece)
            for weight, part in zip(distribution.weights, distribution.parts)
            for share, piece in list_pieces(part, place)
            if weight > 0
        ]
    if isinstance(distribution, Quantiles):
        return [(1.0, Steps(np.asarray(distribution.points, np.float64), distribution.whole))]
    assert isinstance(distribution, Of)
    given = {name: float(value) for name, value in distribution.given}
    return [(1.0, Law(distribution.family.word, given, low=distribution.low, high=distribution.high))]


def cut(
    pieces: Sequence[tuple[float, Piece]], *, step: float | None = None, above: float = 0.5, most: int = MOST
) -> tuple[Numbers, Numbers, Numbers]:
    """Cut a distribution into cells.

    Parameters
    ----------
    pieces : sequence of (float, Law or Steps)
        What it is a mixture of, with weights that sum to 1.
    step : float or None
        From one point of the lattice to the next, to which numbers are rounded; None for no lattice.
    above : float
        How much of a step a number may lie above the point that it is rounded to: 0.5, or nearly 1 where it is rounded
        down.
    most : int
        Cells of each piece, about.

    Returns
    -------
    low, high, share : array
        Ends of the cells, ascending, equal for an exact value, in steps of the lattice if there is one; and how likely
        each is. They sum to 1.

    Notes
    -----
    Bins hold equal shares in the middle and ever smaller ones in the tails, down to 1e-9 on each side, so that even
    moments are kept to about 1e-4.

    Examples
    --------
    >>> low, high, share = cut([(1.0, Law("poisson", {"mean": 1.0}))], step=1.0)
    >>> low[:2].tolist(), high[:2].tolist(), share[:2].round(3).tolist()
    ([0.0, 1.0], [0.0, 1.0], [0.368, 0.368])
    """
    found = [
        _cut_lattice(piece, step, above, most) if step else _cut_line(piece, most) for _, piece in pieces
    ]
    low, high, share = (np.concatenate([cells[part] for cells in found]) for part in range(3))
    share = share * np.repeat([weight for weight, _ in pieces], [len(cells[0]) for cells in found])
    low, high, share = _join(low, high, share, lattice=bool(step))
    kept = share > 0
    return low[kept], high[kept], share[kept] / share[kept].sum()


def _levels(most: int) -> Numbers:
    """List shares, close together in both tails."""
    tail = np.geomspace(FAR, 0.01, max(most // 6, 8))
    middle = np.linspace(0.01, 0.99, max(most * 2 // 3, 16))
    return np.concatenate([tail[:-1], middle, 1 - tail[-2::-1]])


def _edges(piece: Piece, most: int) -> Numbers:
    """Return where cells of a piece may begin and end."""
    ends = [end for end in (piece.low, piece.high) if math.isfinite(end)]
    found = piece.quantile(_levels(most))
    return np.unique(np.concatenate([found[np.isfinite(found)], ends]))


def _cut_line(piece: Piece, most: int) -> tuple[Numbers, Numbers, Numbers]:
    if isinstance(piece, Law) and piece.word == "const":
        return piece.quantile(np.ones(1)), piece.quantile(np.ones(1)), np.ones(1)
    if piece.whole:
        return _cut_lattice(piece, 1.0, 0.5, max(most, _LISTED))
    edges = _edges(piece, most)
    if len(edges) < 2:
        return edges[:1], edges[:1], np.ones(len(edges[:1]))
    share = np.diff(piece.below(edges))
    low, high = edges[:-1], edges[1:]
    if isinstance(piece, Steps):
        # numbers of which several steps are equal are held by themselves
        repeated = np.unique(piece.points[1:][np.diff(piece.points) == 0])
        jumps = piece.below(repeated) - piece.below(np.nextafter(repeated, -np.inf))
        low, high, share = (
            np.append(own, more) for own, more in ((low, repeated), (high, repeated), (share, jumps))
        )
    return low, high, share


def _cut_lattice(piece: Piece, step: float, above: float, most: int) -> tuple[Numbers, Numbers, Numbers]:
    """Cut at the ends of the steps: point by point where they are few."""
    if isinstance(piece, Law) and piece.word == "const":
        point = np.floor(np.round(piece.quantile(np.ones(1)) / step + 1 - above, 9))
        return point, point, np.ones(1)
    reach = piece.quantile(np.array([FAR, 1 - FAR]))
    ends = [end if math.isfinite(end) else near for end, near in zip((piece.low, piece.high), reach.tolist())]
    first = math.floor(round(ends[0] / step + 1 - above, 9))
    last = max(math.ceil(round(ends[1] / step - above, 9)), first)
    if last - first < max(most, _LISTED):
        points = np.arange(first, last + 1, dtype=np.float64)
    else:
        points = np.unique(np.clip(np.rint(_edges(piece, most) / step), first, last))
    starts = np.append(points, last + 1)
    share = np.diff(piece.below((starts - 1 + above) * step))
    return points, starts[1:] - 1, share


def _join(low: Numbers, high: Numbers, share: Numbers, *, lattice: bool) -> tuple[Numbers, Numbers, Numbers]:
    """Put cells of several pieces in one order: bins are cut at each other's ends, and added up."""
    if lattice:
        # a point is a bin that is one step long
        edges, mass = _sweep(low, high + 1, share)
        return edges[:-1], edges[1:] - 1, mass
    exact = low == high
    points, at = np.unique(low[exact], return_inverse=True)
    masses = np.bincount(at, share[exact], minlength=len(points))
    edges, mass = _sweep(low[~exact], high[~exact], share[~exact])
    joined = [np.append(a, b) for a, b in ((edges[:-1], points), (edges[1:], points), (mass, masses))]
    order = np.argsort(joined[0] + joined[1], kind="stable")
    return joined[0][order], joined[1][order], joined[2][order]


def _sweep(starts: Numbers, stops: Numbers, share: Numbers) -> tuple[Numbers, Numbers]:
    """Return the edges of disjoint bins, and what each holds of bins that may lie over each other."""
    edges = np.unique(np.concatenate([starts, stops]))
    if len(edges) == len(starts) + 1:
        order = np.argsort(starts)
        return edges, share[order]
    rise = np.zeros(len(edges))
    density = share / np.maximum(stops - starts, 1e-300)
    np.add.at(rise, np.searchsorted(edges, starts), density)
    np.add.at(rise, np.searchsorted(edges, stops), -density)
    return edges, np.maximum(np.cumsum(rise)[:-1], 0) * np.diff(edges)
