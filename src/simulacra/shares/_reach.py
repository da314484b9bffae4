"""What shares can be reached at all, given which cells exist."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from simulacra.domain import Array
from simulacra.errors import OptionError
from simulacra.shares.margins import Margin

SLACK = 1e-5
"""A share this near to the one asked for counts as reached."""


def explain_reach(margins: Sequence[Margin], labels: Array, targets: Sequence[Array], rows: int) -> None:
    """Name the first margin that can not be met together with those before it, and what is nearest.

    Parameters
    ----------
    margins : sequence of Margin
        What was asked for.
    labels : int array of shape (cells, margins)
        The cells that exist.
    targets : sequence of arrays
        The shares asked for.
    rows : int
        Rows in which the cells were looked for.

    Raises
    ------
    OptionError
        There is one. None is named where the margins can be met, if only by leaving cells empty.

    Notes
    -----
    **Cost**: linear programs over the cells, one or two per part of the margin named.
    """
    for count in range(1, len(margins) + 1):
        if _reachable(labels, targets[:count]):
            continue
        before, margin = targets[: count - 1], margins[count - 1]
        others = " and ".join(repr(other.name) for other in margins[: count - 1]) or "no other"
        for part, share in enumerate(targets[count - 1]):
            low, high = _range(labels, before, count - 1, part)
            if not low - SLACK <= share <= high + SLACK:
                nearest, way = (high, "at most") if share > high else (low, "at least")
                raise OptionError(
                    f"balance of {margin.name!r}: {margin.parts[part].words} can be {way} {100 * nearest:.3g} % of "
                    f"the rows beside the shares of {others}, not {100 * share:.3g} %: too few kinds of rows "
                    f"combine them in {rows:,} drawn. Ask for a share nearer to it."
                )
        raise OptionError(
            f"balance of {margin.name!r}: its shares can not all be met beside those of {others}: too few kinds of "
            f"rows combine them in {rows:,} drawn. Leave one share out."
        )


def _margins_matrix(labels: Array, margins: int, sizes: Sequence[int]) -> csr_array:
    cells = np.arange(len(labels))
    blocks = [
        csr_array((np.ones(len(labels)), (labels[:, k], cells)), shape=(sizes[k], len(labels)))
        for k in range(margins)
    ]
    return csr_array(vstack(blocks))


def _reachable(labels: Array, targets: Sequence[Array]) -> bool:
    """Tell whether shares of the cells exist that come within `SLACK` of all targets."""
    matrix = _margins_matrix(labels, len(targets), [len(target) for target in targets])
    wanted = np.concatenate(list(targets))
    both = csr_array(vstack([matrix, -matrix]))
    limits = np.concatenate([wanted + SLACK / 2, -wanted + SLACK / 2])
    return bool(linprog(np.zeros(len(labels)), A_ub=both, b_ub=limits, bounds=(0, 1)).status == 0)


def _range(labels: Array, before: Sequence[Array], margin: int, part: int) -> tuple[float, float]:
    """Find the least and the largest share of a part that the margins before it allow."""
    aim = (labels[:, margin] == part).astype(float)
    # all shares together are one margin of one part
    everywhere = np.column_stack([np.zeros(len(labels), dtype=np.int64), labels])
    matrix = _margins_matrix(everywhere, len(before) + 1, [1, *(len(target) for target in before)])
    wanted = np.concatenate([[1.0], *before])
    ends = [linprog(sign * aim, A_eq=matrix, b_eq=wanted, bounds=(0, 1)) for sign in (1, -1)]
    if any(end.status != 0 for end in ends):
        return 0.0, 1.0
    return max(float(ends[0].fun), 0.0), min(max(-float(ends[1].fun), 0.0), 1.0)
