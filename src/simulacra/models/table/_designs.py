"""Views of axes that are told in figures."""

from __future__ import annotations

import numpy as np

from simulacra.domain import Axis
from simulacra.figures import Cells
from simulacra.models.table._views import View


def view_of(axis: Axis, cells: Cells) -> View:
    """Make the view whose codes are the cells of an axis; "no value", if it can be, is code 0.

    Parameters
    ----------
    axis : Axis
        The axis.
    cells : Cells
        Its distribution.

    Returns
    -------
    View
        With a code for each of ``cells.chances()``.

    Examples
    --------
    >>> cells = Cells(np.array([0.5, 0.5]), np.array([0.0, 2.0]), np.array([2.0, 9.0]))
    >>> view_of(Axis("x", "x"), cells).encode(np.array([1.0, 3.0])).tolist()
    [0, 1]
    """
    return View(axis, np.asarray(cells.low), np.asarray(cells.high), cells.missing > 0)
