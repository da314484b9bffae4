"""The columns of a copula: their codes in an order, and the distributions that they are drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulacra.domain import Array, Axis, Block
from simulacra.generator import Progress
from simulacra.models.table._designs import view_of
from simulacra.models.table._families import CHOICES
from simulacra.models.table._scaling import order_levels
from simulacra.models.table._scores import Margin
from simulacra.models.table._shapes import Shape
from simulacra.models.table._views import View

AS_SEEN = "as in the data"


def learn_margins(
    axes: Sequence[Axis],
    columns: Sequence[Array],
    weights: Array,
    *,
    max_codes: int,
    owners: Array | None,
    progress: Progress,
) -> tuple[list[Margin], list[Array]]:
    """Learn columns as they are: bins, and levels in the order in which they hang together with the others.

    Parameters
    ----------
    axes, columns : sequence
        The columns.
    weights : array, shape (rows,)
        Weights of the rows, of sum 1.
    max_codes : int
        Bins of a real axis at most.
    owners : array or None
        As in `Block`.
    progress : callable
        Told the share done.

    Returns
    -------
    margins : list of Margin
        One for each column.
    codes : list of array, shape (rows,)
        The codes of the rows.
    """
    views, codes = [], []
    for place, (axis, values) in enumerate(zip(axes, columns), 1):
        views.append(View.fit(axis, values, max_codes=max_codes, owners=owners))
        codes.append(views[-1].encode(values))
        progress(place / len(axes), f"column {place} of {len(axes)}")
    nominal = [axis.size is not None and not axis.ordered for axis in axes]
    orders = order_levels(codes, [view.size for view in views], nominal, weights)
    shares = [np.bincount(own, weights, minlength=view.size) for view, own in zip(views, codes)]
    return [Margin.fit(*column) for column in zip(views, shares, orders)], codes


def shape_margins(
    margins: Sequence[Margin], columns: Sequence[Array], block: Block
) -> tuple[list[Margin], list[str]]:
    """Put the parametric family that fits best in the place of every real axis.

    Parameters
    ----------
    margins : sequence of Margin
        The columns as they are.
    columns : sequence of array
        Their values.
    block : Block
        Whose rows they are: its weights and owners count.

    Returns
    -------
    margins : list of Margin
        Those of real axes are new.
    told : list of str
        Their distributions in words.
    """
    made, told = list(margins), [AS_SEEN] * len(margins)
    for place, (margin, values) in enumerate(zip(margins, columns)):
        axis = margin.view.axis
        if axis.size is None:
            shape = Shape.fit(axis, values, block.weights, block.owners, CHOICES, "aic")
            cells = shape.cells(axis)
            # "no value" stays below all others, where it lay when correlations were found
            made[place] = Margin.fit(view_of(axis, cells), cells.chances())
            told[place] = shape.told(axis)
    return made, told
