"""Interventions: the model after columns are set from outside, whatever they usually follow from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np

from simulacra.domain import Domain, Support
from simulacra.encoding import Encoding
from simulacra.errors import OptionError, PredicateError
from simulacra.generator import Causal, Generator
from simulacra.relations import Relation
from simulacra.sampling.conditions import require_possible
from simulacra.sampling.decoding import UNMADE
from simulacra.sampling.supports import intersect
from simulacra.schema._literals import quoted
from simulacra.schema.breaches import columns_of
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table


class Fitted(Protocol):
    """What an intervention needs of a fitted model; `simulacra.Synthesizer` has it."""

    @property
    def table(self) -> Table: ...
    @property
    def model(self) -> str: ...
    @property
    def generator(self) -> Generator: ...
    @property
    def encodings(self) -> Mapping[str, Encoding]: ...
    @property
    def domain(self) -> Domain: ...
    @property
    def relations(self) -> tuple[Relation, ...]: ...
    @property
    def provenance(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Action:
    """What is done to the columns of a model.

    Parameters
    ----------
    do : str
        What is set, in SQL.
    supports : dict of int to Support
        By axis: what it is set to.
    relations : tuple of Relation
        The exact relations that stay: one by which a set column was looked up is cut like any other arrow to it.
    notes : tuple of str
        What there is to say.
    """

    do: str
    supports: Mapping[int, Support]
    relations: tuple[Relation, ...]
    notes: tuple[str, ...]


M = TypeVar("M", bound=Fitted)


def intervene(model: M, do: str | Mapping[str, Any]) -> M:
    """Return a fitted model after an intervention.

    Parameters
    ----------
    model : Synthesizer
        A model that draws along a graph: ``bayes-net``.
    do : str or mapping
        What columns are set to: ``{"smoking": "no"}``, or ``"smoking = 'no' and age between 30 and 40"``.

    Returns
    -------
    Synthesizer
        The same model, in which the columns follow from nothing. Its rows come with notes on what was done.

    Raises
    ------
    OptionError
        The model has no graph; or a column can not be set.
    PredicateError
        `do` can not be understood, or the model never draws such a value.

    Notes
    -----
    Rows tell of causes only where the arrows of the graph are causes; a graph that was learnt tells of associations.

    **Source**: Pearl 2009, "Causality", section 3.2.
    """
    generator = require_causal(model)
    action = plan_action(model, do)
    told = [*model.provenance.get("interventions", ()), {"do": action.do, "notes": list(action.notes)}]
    return replace(
        model,  # type: ignore[type-var]
        generator=generator.intervene(action.supports),
        relations=action.relations,
        provenance={**model.provenance, "interventions": told},
    )


def tell_interventions(provenance: Mapping[str, Any]) -> list[str]:
    """Return what there is to say of a model's interventions, for the rows that it draws."""
    return [note for own in provenance.get("interventions", ()) for note in own["notes"]]


def require_causal(model: Fitted) -> Causal:
    """Return the generator of a model that has a graph; refuse others."""
    if not isinstance(model.generator, Causal):
        raise OptionError(
            f"model {model.model!r} has no graph that says what follows from what, so nothing can be set in it. Fit "
            "one that has: 'bayes-net' (-m bayes-net), best with your own edges."
        )
    return model.generator


def plan_action(model: Fitted, do: str | Mapping[str, Any]) -> Action:
    """Turn what is to be done into limits of axes."""
    generator = require_causal(model)
    if not do:
        raise OptionError('do names nothing to set. Give columns and values, such as {"smoking": "no"}.')
    try:
        predicate = Predicate.parse(do, model.table)
        require_possible(predicate, model.encodings)
    except PredicateError as error:
        raise type(error)(str(error).replace("where ", "do ", 1)) from error.__cause__
    supports: dict[str, Support] = {}
    for term in predicate.terms():
        if len(term.columns) != 1:
            raise OptionError(
                f"do {quoted(predicate.sql)}: the term {quoted(term.sql)} reads {len(term.columns)} columns, and each "
                "column is set by itself. Write a term for each column, joined by AND."
            )
        for axis, support in _limit(model, predicate, term).items():
            supports[axis] = intersect(supports[axis], support) if axis in supports else support
    places = {name: place for place, name in enumerate(model.domain.names)}
    relations, notes = _cut_relations(model, predicate, supports)
    told = [
        f"after do({predicate.sql}): what follows from it in the graph follows, what comes before it does not."
    ]
    if not generator.assumed:
        told.append(
            "the graph was learnt from associations, so its arrows are not known to be causes. Give your own with "
            "edges=."
        )
    told += notes
    told += [
        f"the constraint {quoted(str(rule))} reads a column that was set; rows that break it are left out."
        for rule in model.table.constraints
        if set(columns_of(rule, model.table)) & set(predicate.columns)
    ]
    return Action(
        predicate.sql, {places[name]: own for name, own in supports.items()}, relations, tuple(told)
    )


def _limit(model: Fitted, predicate: Predicate, term: Predicate) -> dict[str, Support]:
    """Return what one term leaves of all axes of its column."""
    (name,) = term.columns
    encoding = model.encodings[name]
    if encoding.column.kind in UNMADE or not encoding.axes:
        raise OptionError(
            f"do {quoted(predicate.sql)}: {name!r} is a {encoding.column.kind}, whose values are made anew, so it can "
            "not be set. Leave it out."
        )
    limits = encoding.restrict(term)
    if not limits.exact:
        raise OptionError(
            f"do {quoted(predicate.sql)}: {quoted(term.sql)} can not be set as it stands. Set values (=, IN) or a "
            "range."
        )
    whole = {
        axis.name: Support(ranges=np.array([[-np.inf, np.inf]]), missing=axis.missing)
        if axis.size is None
        else Support(levels=np.ones(axis.size))
        for axis in model.domain.axes
        if axis.column == name
    }
    return {**whole, **limits.supports}


def _cut_relations(
    model: Fitted, predicate: Predicate, supports: Mapping[str, Support]
) -> tuple[tuple[Relation, ...], list[str]]:
    """Return the relations that stay; refuse to set what others are a part of."""
    stay, notes = [], []
    for relation in model.relations:
        hit = set(relation.targets) & set(supports)
        if not hit:
            stay.append(relation)
            if set(relation.sources) & set(supports):
                notes.append(f"an exact relation is kept after the intervention too: {relation}.")
        elif relation.kind == "lookup":
            notes.append(f"an exact relation is cut, since its result was set: {relation}.")
        else:
            raise OptionError(
                f"do {quoted(predicate.sql)}: the model rebuilds {_columns(model, sorted(hit))} by an exact relation, "
                f"{relation}, so it can not be set by itself. Set {_columns(model, relation.sources)} instead."
            )
    return tuple(stay), notes


def _columns(model: Fitted, axes: Sequence[str]) -> str:
    names = dict.fromkeys(axis.column for axis in model.domain.axes if axis.name in axes)
    return " and ".join(repr(name) for name in names)
