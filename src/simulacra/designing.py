"""Models made from published figures: no row is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from simulacra._designing_columns import plan_column
from simulacra._designing_correlations import (
    check_df,
    read_correlations,
    settle_correlations,
    spread_axes,
    turn_latent,
)
from simulacra._designing_plans import Planned
from simulacra._designing_tables import plan_network
from simulacra._designing_ties import Scores, find_latent
from simulacra.domain import Array, Axis, Domain
from simulacra.errors import OptionError, SchemaError
from simulacra.figures import Chances, Figures
from simulacra.frames import to_polars
from simulacra.generator import Designed, Generator
from simulacra.provenance import versions
from simulacra.randomness import Streams
from simulacra.registry import MODELS
from simulacra.schema.types import Table
from simulacra.synthesizer import Synthesizer, make_generator

DEFAULT_DF = 5.0
"""Degrees of freedom of a t copula of which nothing is said."""


def design_model(
    model: str,
    columns: Mapping[str, Any] | None,
    *,
    correlations: Any = None,
    of: str = "rank",
    repair: bool = False,
    tables: Mapping[str, Any] | None = None,
    edges: Iterable[Sequence[str]] | None = None,
    name: str = "table",
    options: Mapping[str, Any] | None = None,
) -> Synthesizer:
    """Make a fitted model of figures.

    Parameters
    ----------
    model : str
        A registered model that is `Designed`.
    columns : mapping or None
        Their distributions; see `simulacra.design`.
    correlations, of, repair
        Correlations, what they are of, and whether the nearest are to be taken where they contradict each other.
    tables, edges
        Tables of chances, and the arrows between columns.
    name : str
        The name of the table.
    options : mapping or None
        The model's hyperparameters.

    Returns
    -------
    Synthesizer
        The model.

    Raises
    ------
    SchemaError, OptionError, UnknownName
        Something can not be understood, or can not be.
    """
    generator = make_generator(model, options or {})
    if not isinstance(generator, Designed):
        raise OptionError(
            f"model {model!r} learns from rows, and can not be made from figures. These can: "
            f"{', '.join(_list_designed())}."
        )
    columns = _checked(columns, tables)
    chances: tuple[Chances, ...] | None = None
    if tables is not None:
        network = plan_network(tables, columns, edges)
        planned, chances = network.columns, _to_axes(network.chances, network.columns)
    else:
        if edges is not None:
            raise OptionError("edges stand with tables, which say how likely each value is. Add tables.")
        planned = {str(column): plan_column(str(column), entry) for column, entry in columns.items()}
    axes = [axis for own in planned.values() for axis in own.axes]
    notes: tuple[str, ...] = ("made from figures: no row was read.",)
    matrix = None
    if correlations is not None:
        if tables is not None:
            raise OptionError("tables and correlations are figures of different models. Give one of them.")
        matrix, axes, more = _correlate(generator, planned, correlations, of, repair=repair)
        notes += more
    domain = Domain(tuple(axes))
    figures = Figures(
        cells=tuple(cells for own in planned.values() for cells in own.cells),
        told=tuple(own.told for own in planned.values() for _ in own.cells),
        correlations=matrix,
        chances=chances,
    )
    _refuse_unused(model, figures)
    generator.design(domain, figures, rng=Streams(0).at(name, "design"))
    return _finish(model, generator, planned, domain, name, notes)


def _list_designed() -> list[str]:
    """List the models that can be made from figures, without importing any."""
    return [
        name for name in MODELS.names() if "def design(" in MODELS.files()[name].read_text(encoding="utf-8")
    ]


def _checked(columns: Mapping[str, Any] | None, tables: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if columns is None:
        columns = {}
    if not isinstance(columns, Mapping):
        raise SchemaError(f"columns are told by name, as in {{x: {{normal: [0, 1]}}}}, not as {columns!r}.")
    if not columns and not tables:
        raise SchemaError("there is no column. Tell one, such as columns={'x': {'normal': [0, 1]}}.")
    return columns


def _to_axes(chances: Sequence[Chances], columns: Mapping[str, Planned]) -> tuple[Chances, ...]:
    """Let parents be positions of axes, of which a column may have two."""
    first = np.cumsum([0, *(len(own.cells) for own in columns.values())]).tolist()
    found = []
    for own, planned in zip(chances, columns.values()):
        found.append(replace(own, parents=tuple(first[place] for place in own.parents)))
        found += [Chances((), cells.chances()) for cells in planned.cells[1:]]
    return tuple(found)


def _correlate(
    generator: Generator, planned: Mapping[str, Planned], correlations: Any, of: str, *, repair: bool
) -> tuple[Any, list[Axis], tuple[str, ...]]:
    """Read correlations as those of axes; levels of a correlated category are in their order."""
    names = list(planned)
    options = generator.options()
    df = check_df(options.get("df") or DEFAULT_DF) if options.get("family") == "t" else None
    told = read_correlations(correlations, names)
    if of in {"rank", "pearson"}:
        told, of = _untie(told, planned, ranks=of == "rank"), "rank"
    latent = turn_latent(told, of, df)
    matrix, notes = settle_correlations(latent, names, repair=repair)
    related = (np.nan_to_num(told) != 0).sum(1) > 1
    axes: list[Axis] = []
    places = []
    for own, linked in zip(planned.values(), related.tolist()):
        places.append(len(axes))
        axes += [replace(axis, ordered=axis.ordered or linked) for axis in own.axes]
    return spread_axes(matrix, places, len(axes)), axes, notes


def _untie(told: Array, planned: Mapping[str, Planned], *, ranks: bool) -> Array:
    """Return the rank correlations that columns would have without ties and gaps, from those of ranks or of values."""
    names = list(planned)
    found = told.copy()
    scores: dict[int, Scores] = {}
    for i, j in zip(*np.nonzero(np.triu(np.nan_to_num(told), 1))):
        for place in (i, j):
            if place not in scores:
                scores[place] = Scores.of(planned[names[place]].cells[0], ranks=ranks)
        if not ranks or scores[i].tied or scores[j].tied:
            normal = find_latent(scores[i], scores[j], float(told[i, j]), (names[i], names[j]))
            found[i, j] = found[j, i] = 6 / np.pi * np.arcsin(normal / 2)
    return found


def _refuse_unused(model: str, figures: Figures) -> None:
    """Refuse figures that a model does not look at."""
    if figures.correlations is not None and model != "copula":
        raise OptionError(f"model {model!r} has no correlations. Leave them out, or take 'copula'.")
    if figures.chances is not None and model != "bayes-net":
        raise OptionError(f"model {model!r} has no tables. Leave them out, or take 'bayes-net'.")


def _finish(
    model: str,
    generator: Generator,
    planned: Mapping[str, Planned],
    domain: Domain,
    name: str,
    notes: tuple[str, ...],
) -> Synthesizer:
    encodings = {column: own.encoding for column, own in planned.items()}
    rng = Streams(0).stream("empty")
    nothing = [
        encoding.decode(
            tuple(np.empty(0, np.float64 if axis.size is None else np.uint8) for axis in encoding.axes),
            rng=rng,
        )
        for encoding in encodings.values()
    ]
    _, layout = to_polars(pl.DataFrame([values.alias(column) for values, column in zip(nothing, encodings)]))
    table = Table(name, tuple(own.column for own in planned.values()))
    provenance = {
        "data": {"rows": 0, "columns": len(planned), "sha256": ""},
        "model": model,
        "options": generator.options(),
        "seed": 0,
        "privacy": {"formal": None, "holders": 1},
        "versions": versions(),
        "designed": True,
    }
    return Synthesizer(table, model, generator, encodings, domain, layout, (), notes, provenance)
