"""What a fitted model shows of itself: a table of figures with a name, which a report draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import polars as pl


@dataclass(frozen=True, eq=False)
class Exhibit:
    """One thing that a fitted model shows in a report.

    Parameters
    ----------
    name : str
        Its heading: ``"Training"``, ``"Chosen distributions"``.
    text : str
        What one sees, in a sentence or two.
    detail : DataFrame
        The figures. Columns ``step``, ``curve`` and ``value`` are drawn as curves, ``source``, ``target`` and
        ``strength`` as a graph of arrows (lines, where there is a column ``directed`` of False); any others are a
        table, in the order of their rows.

    Notes
    -----
    **Privacy**: it goes into reports that are passed on, so it holds aggregates only.

    Examples
    --------
    >>> Exhibit("Arrows", "Age explains pay.", pl.DataFrame({"source": "age", "target": "pay", "strength": 0.4})).name
    'Arrows'
    """

    name: str
    text: str
    detail: pl.DataFrame

    def dump(self) -> dict[str, Any]:
        """Return it as JSON values.

        Examples
        --------
        >>> Exhibit("a", "b", pl.DataFrame({"x": [1]})).dump()
        {'name': 'a', 'text': 'b', 'detail': [{'x': 1}]}
        """
        return {"name": self.name, "text": self.text, "detail": self.detail.to_dicts()}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make it from what `dump` gave."""
        return cls(state["name"], state["text"], pl.DataFrame(state["detail"], infer_schema_length=None))
