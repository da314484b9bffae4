"""Explanations of a fitted model: in what order it draws the columns, by what, and one column's rules in words."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console, RenderableType

from simulacra._explanation_branches import Branch, grow_branches
from simulacra._explanation_layout import lay_out
from simulacra.domain import Array
from simulacra.errors import OptionError, unknown
from simulacra.generator import Explained, Sequential
from simulacra.modelfile import require_single
from simulacra.schema.types import Column
from simulacra.synthesizer import Synthesizer

DRAWN = 20_000
"""Rows that are drawn to sum up a column's rules."""
_DEPTH = 3
_LEAST = 0.01
_PREDICTORS = 12
_WORTH = 0.005
"""Share of importance below which a column is left out of the rules."""
_WIDTH = 100


@dataclass(frozen=True)
class Influence:
    """A column that another is drawn by.

    Parameters
    ----------
    column : str
        Its name.
    share : float
        Its share, 0 to 1, of what all columns together explain.
    """

    column: str
    share: float


@dataclass(frozen=True)
class Account:
    """How one column comes about.

    Parameters
    ----------
    column : str
        Its name.
    drawn : str
        How it is drawn, in words.
    explained : float or None
        Share of its spread, 0 to 1, that other columns explain in the model; None where the model does not tell.
    influences : tuple of Influence
        The columns that explain most of it, largest first.
    relations : tuple of str
        Exact relations by which it is rebuilt after drawing.
    """

    column: str
    drawn: str
    explained: float | None = None
    influences: tuple[Influence, ...] = ()
    relations: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Explanation:
    """What `explain` returns; printing it shows it as text.

    Parameters
    ----------
    model : str
        The model's registered name.
    columns : tuple of Account
        In the order in which they are drawn; the one that was asked for.
    ordered : bool
        Whether columns are drawn one after the other.
    rules : Branch or None
        The rules of the column that was asked for.
    notes : tuple of str
        What is not shown, and why.
    """

    model: str
    columns: tuple[Account, ...]
    ordered: bool
    rules: Branch | None = None
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Explanation({self.model}: {len(self.columns)} of its columns)"

    def __rich__(self) -> RenderableType:
        return lay_out(self)

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=_WIDTH, highlight=False, color_system=None)
        console.print(lay_out(self))
        return str(console.file.getvalue()).rstrip()  # type: ignore[attr-defined]

    def dump(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self)


def explain(model: Synthesizer, column: str | None = None, *, top: int = 5) -> Explanation:
    """Tell how a fitted model draws its columns.

    Parameters
    ----------
    model : Synthesizer
        What `fit` or `load` returned.
    column : str or None
        A column to explain with its rules; None tells about all columns.
    top : int
        Influences that are told of each column at most.

    Returns
    -------
    Explanation
        Order, importances, relations, and the rules of `column`.

    Raises
    ------
    UnknownName
        The model has no such column.
    OptionError
        `top` is below 1, or the model takes every column by itself, so that it has nothing to explain.

    Notes
    -----
    Importances come from the fitted model (see `simulacra.generator.Explained`). The rules are a small tree grown on
    20,000 rows that the model draws, by the columns drawn before the one explained: they sum up what the model does,
    exact relations included, and are not the model itself.

    **Cost**: linear in the size of the model; for a column, that of drawing 20,000 rows.

    **Privacy**: nothing but the model is read. Values of sensitive columns are not shown, nor branches and levels that
    stand for fewer than k training rows.

    **Source**: Breiman 2001, "Random forests" (importances); Craven and Shavlik 1996, "Extracting tree-structured
    representations of trained networks" (a tree fitted to what a model draws).

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> frame = pl.DataFrame({"a": [1, 2, 3, 4] * 100, "b": ["x", "x", "y", "y"] * 100})
    >>> told = sim.explain(sim.fit(frame, seed=1), "b")
    >>> [branch.condition for branch in told.rules.branches]
    ['a <= 2', 'a > 2']
    """
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise OptionError(f"top must be a whole number of 1 or more, not {top!r}.")
    require_single(model)
    if column is not None and column not in model.table.names:
        raise unknown("column", column, model.table.names)
    if not model.generator.relates:
        raise OptionError(
            f"model {model.model!r} draws every column by itself, so there is nothing to explain. "
            "Fit another model, such as 'trees'."
        )
    weights = _importances(model)
    ordered = isinstance(model.generator, Sequential) and not model.generator.symmetric
    names = list(_drawing_order(model))
    accounts = tuple(_account(model, name, weights, top) for name in (names if column is None else [column]))
    if column is None:
        return Explanation(model.model, accounts, ordered)
    rules, notes = _rules(model, column, weights, names[: names.index(column)] if ordered else names)
    return Explanation(model.model, accounts, ordered, rules, notes)


def _drawing_order(model: Synthesizer) -> Iterator[str]:
    """Name the columns in the order in which their first axis is drawn; those without axes last."""
    generator, axes = model.generator, model.domain.axes
    order = generator.order if isinstance(generator, Sequential) else range(len(axes))
    first = list(dict.fromkeys(axes[place].column for place in order))
    yield from first
    yield from (name for name in model.table.names if name not in first)


def _importances(model: Synthesizer) -> dict[str, dict[str, float]] | None:
    """Return, for each column, the share of its spread that every other column explains."""
    if not isinstance(model.generator, Explained):
        return None
    own = np.array([axis.column for axis in model.domain.axes])
    found: Array = model.generator.importances()[:, -len(own) or None :]
    return {
        target: {
            name: float(found[np.ix_(own == target, own == name)].sum() / (own == target).sum())
            for name in dict.fromkeys(own)
            if name != target
        }
        for target in dict.fromkeys(own)
    }


def _account(model: Synthesizer, name: str, weights: dict[str, dict[str, float]] | None, top: int) -> Account:
    axes = [place for place, axis in enumerate(model.domain.axes) if axis.column == name]
    mine = {model.domain.names[place] for place in axes}
    relations = tuple(str(relation) for relation in model.relations if mine & set(relation.targets))
    if not axes:
        return Account(name, "made anew, nothing is learnt of it", relations=relations)
    generator = model.generator
    if not isinstance(generator, Explained) or weights is None:
        return Account(name, "the model does not tell", relations=relations)
    drawn = list(dict.fromkeys(generator.describe(place) for place in axes))
    if any(mine & set(relation.targets) for relation in model.relations if relation.kind != "lookup"):
        # the model saw the difference to what the relation foretells, not the values
        drawn[0] = f"what the relation leaves, {drawn[0]}"
    total = sum(weights[name].values())
    ranked = sorted(weights[name].items(), key=lambda item: -item[1])[:top]
    influences = tuple(Influence(other, share / total) for other, share in ranked if share > _WORTH * total)
    return Account(name, "; then ".join(drawn), total, influences, relations)


def _rules(
    model: Synthesizer, name: str, weights: dict[str, dict[str, float]] | None, known: list[str]
) -> tuple[Branch | None, tuple[str, ...]]:
    """Sum up the rules of a column by the columns that matter most to it."""
    columns = {column.name: column for column in model.table.columns}
    if columns[name].sensitive:
        return None, (f"column {name!r} is sensitive, so its values are not shown.",)
    if not _tellable(columns[name]):
        return None, (f"column {name!r} is of kind {columns[name].kind}: its values are made anew.",)
    if weights is not None:
        mine = weights.get(name, {})
        least = _WORTH * sum(mine.values())
        sources = {s for r in model.relations if name in _columns(model, r.targets) for s in r.sources}
        matter = _columns(model, tuple(sources)) | {other for other in mine if mine[other] > least}
        known = sorted(matter & set(known), key=lambda other: -mine.get(other, 0.0))
    known = [other for other in known if other != name and _tellable(columns[other])]
    hidden = [other for other in known if columns[other].sensitive]
    notes = tuple(f"column {other!r} is sensitive, so no rule names its values." for other in hidden)
    rows = int(model.provenance.get("data", {}).get("rows", 0)) or DRAWN
    holders = int(model.provenance.get("privacy", {}).get("holders", 1))
    few = holders / rows
    frame = model.sample(DRAWN, seed=0).polars()
    branch = grow_branches(
        frame, name, [other for other in known if other not in hidden][:_PREDICTORS], columns, depth=_DEPTH,
        least=max(_LEAST, few), few=few,
    )  # fmt: skip
    return branch, notes


def _columns(model: Synthesizer, axes: tuple[str, ...]) -> set[str]:
    return {axis.column for axis in model.domain.axes if axis.name in axes}


def _tellable(column: Column) -> bool:
    return column.kind not in ("text", "key")
