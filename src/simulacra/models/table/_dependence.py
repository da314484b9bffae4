"""What a copula shows of itself: the strongest correlations, the pairs of a vine, and the families of margins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.exhibit import Exhibit

_SHOWN = 30
_FAINT = 0.05
"""Weaker correlations are not shown."""


def show_correlations(names: Sequence[str], correlation: Array, said: str) -> Exhibit:
    """Show the strongest correlations as a graph without directions."""
    one, other = np.triu_indices(len(names), 1)
    strength = correlation[one, other]
    best = np.argsort(-np.abs(strength), kind="stable")[:_SHOWN]
    best = best[np.abs(strength[best]) >= _FAINT]
    detail = pl.DataFrame(
        {
            "source": [names[place] for place in one[best].tolist()],
            "target": [names[place] for place in other[best].tolist()],
            "strength": strength[best].round(3),
            "directed": [False] * len(best),
        },
        schema={"source": pl.String, "target": pl.String, "strength": pl.Float64, "directed": pl.Boolean},
    )
    text = f"{said} The {_SHOWN} strongest are shown, from {_FAINT} on; levels of categories are put in an order first."
    return Exhibit("Correlations", text, detail)


def show_pairs(names: Sequence[str], pairs: Sequence[dict[str, Any]]) -> Exhibit:
    """Show the pair copulas of the first trees of a vine as a table."""
    rows = [
        {
            "tree": pair["tree"],
            "columns": f"{names[pair['one']]}, {names[pair['other']]}",
            "given": ", ".join(names[place] for place in pair["given"]),
            "family": pair["family"],
            "rotation": pair["rotation"],
            "parameters": pair["parameters"],
            "tau": round(pair["tau"], 3),
        }
        for pair in pairs
    ]
    whole = {"tree": pl.Int64, "rotation": pl.Int64}
    words = ("tree", "columns", "given", "family", "rotation", "parameters")
    schema = {name: whole.get(name, pl.String) for name in words} | {"tau": pl.Float64}
    text = (
        "The copulas of pairs, and of pairs given others. A rotation says which corner the lopsided families lean to; "
        "tau is Kendall's."
    )
    return Exhibit("Pairs of the vine", text, pl.DataFrame(rows, schema=schema))


def show_margins(told: Sequence[tuple[str, str]]) -> Exhibit:
    """Show the parametric distributions of columns as a table."""
    detail = pl.DataFrame(told, schema={"column": pl.String, "distribution": pl.String}, orient="row")
    return Exhibit("Distributions of columns", "What each column is drawn from by itself.", detail)
