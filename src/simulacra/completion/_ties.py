"""What exact relations tell of the unknown cells of a row whose target is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.completion._instants import derive_instants
from simulacra.completion._known import Known
from simulacra.completion._solving import join, leaves, order_ends, solvable, solve, widened
from simulacra.domain import Array
from simulacra.relations import Calendar, Order, Relation, Sum
from simulacra.relations.relation import Prediction
from simulacra.sampling.decoding import Decoder

_NEAR = 1e-6
_ROUNDS = 4
"""How often what relations give is fed into other relations."""


@dataclass(frozen=True)
class Tie:
    """A value that follows, in some rows, once other axes are drawn.

    Parameters
    ----------
    relation : Relation
        The rule.
    rows : array of bool
        Where it follows.
    source : str or None
        The source that is worked out; None for what is left of the target.
    drawn : bool
        For a source: whether what is left of the target is drawn before it. Else it counts as nothing.
    """

    relation: Relation
    rows: Array
    source: str | None = None
    drawn: bool = False


@dataclass(frozen=True)
class Ties:
    """What the model is told of each axis, and what follows on the way.

    Parameters
    ----------
    told : dict of str to array of bool
        By axis: the rows in which its value in the model is known from the start.
    given : dict of str to array
        That value: what is left of a target, where relations are taken out.
    whole, values : dict of str to array
        By axis: the rows in which the value itself is known, and the value.
    ties : dict of int to list of Tie
        By place in the order: what follows there.
    checks : dict of int to list of (relation, rows)
        By place: the relations that must then give their known targets back.
    loose : array of bool
        Rows with a relation that could not be held.
    """

    told: dict[str, Array]
    given: dict[str, Array]
    whole: dict[str, Array]
    values: dict[str, Array]
    ties: dict[int, list[Tie]]
    checks: dict[int, list[tuple[Relation, Array]]]
    loose: Array

    @classmethod
    def of(cls, known: Known, decoder: Decoder, order: Sequence[int], *, strict: int = 2) -> Ties:
        """Work out what follows for some rows; `strict` is that of `Conditioner`."""
        whole, values = dict(known.told), dict(known.values)
        ties = cls({}, {}, whole, values, {}, {}, np.zeros(len(known), bool))
        for _ in range(_ROUNDS):
            if not _derive(decoder, whole, values):
                break
        ties.told.update(whole)
        for name, own in values.items():
            ties.given[name] = np.where(known.told[name], known.nearest[name], own)
        names = decoder.domain.names
        stage = {names[axis]: place for place, axis in enumerate(order)}
        for relation in decoder.relations:
            ties._tie(relation, decoder, stage, strict)
        return ties

    def _tie(self, relation: Relation, decoder: Decoder, stage: Mapping[str, int], strict: int) -> None:
        target = np.logical_and.reduce([self.whole[name] for name in relation.targets])
        sources = np.logical_and.reduce([self.whole[name] for name in relation.sources])
        residual = leaves(relation)
        idle = self._idle(relation)
        if residual:
            left = relation.take_out(self.values)
            for name in relation.targets:
                self.given[name] = left[name]
                self.told[name] = target & (sources | idle)
        active = target & ~sources & ~idle
        if strict < (1 if isinstance(relation, Prediction) else 2):
            self.loose[:] |= active
            return
        for name in relation.sources:
            inner = decoder.rebuilt.get(name)
            if isinstance(relation, Sum) and isinstance(inner, Sum) and (joined := join(relation, inner)):
                # a source that is a sum itself: its own terms are looked for
                self._hold(joined, active & ~self.whole[name], decoder, stage)
                active = active & self.whole[name]
        self._hold(relation, active, decoder, stage)

    def _hold(self, relation: Relation, active: Array, decoder: Decoder, stage: Mapping[str, int]) -> None:
        """Arrange that a relation gives its known target back in some rows."""
        if not active.any():
            return
        ready = {name: self._ready(name, decoder, stage) for name in relation.sources}
        last = np.maximum.reduce(list(ready.values()))
        first_own = min(stage[name] for name in relation.targets)
        last_own = max(stage[name] for name in relation.targets)
        if not leaves(relation):
            self._check(relation, active, np.maximum(last, last_own))
            return
        done = np.zeros(len(active), bool)
        for name in relation.sources:
            others = [ready[other] for other in relation.sources if other != name]
            before = np.maximum.reduce([np.full(len(active), -1), *others])
            here = active & ~done & ~self.whole[name] & (before < stage[name]) & (ready[name] == stage[name])
            # a gap is broad, so a source that comes first is drawn; a sum leaves nothing, so it is worked out
            here &= (last_own < stage[name]) | isinstance(relation, Prediction)
            if not here.any() or not solvable(relation, name) or name in decoder.rebuilt:
                continue
            self.ties.setdefault(stage[name], []).append(Tie(relation, here, name, last_own < stage[name]))
            self._check(relation, here, np.full(len(active), max(stage[name], last_own)))
            done |= here
        direct = active & (last < first_own)
        for name in relation.targets:
            if direct.any():
                self.ties.setdefault(stage[name], []).append(Tie(relation, direct))
        self._check(relation, direct & ~done, np.full(len(active), last_own))
        self.loose[:] |= active & ~done & ~direct

    def _idle(self, relation: Relation) -> Array:
        """Mark the rows in which a missing value leaves a relation nothing to say."""
        names = [*relation.targets, *(relation.sources if isinstance(relation, Prediction) else ())]
        gaps = [
            self.whole[name] & np.isnan(self.values[name])
            for name in names
            if self.values[name].dtype.kind == "f"
        ]
        return np.logical_or.reduce([np.zeros(len(self.loose), bool), *gaps])

    def _check(self, relation: Relation, rows: Array, places: Array) -> None:
        for place in np.unique(places[rows]).tolist():
            self.checks.setdefault(place, []).append((relation, rows & (places == place)))

    def _ready(self, name: str, decoder: Decoder, stage: Mapping[str, int]) -> Array:
        """Return the place in the order after which an axis is whole, by row; -1 where it is known."""
        places = np.full(len(self.loose), stage[name])
        if name in decoder.rebuilt:
            relation = decoder.rebuilt[name]
            needs = [self._ready(source, decoder, stage) for source in relation.sources]
            own = [np.full(len(places), stage[other]) for other in relation.targets]
            places = np.maximum.reduce([places, *own, *needs])
        return np.where(self.whole[name], -1, places)


def follow(
    tie: Tie, axis: str, arrays: Mapping[str, Array], left: Array | None, decoder: Decoder
) -> tuple[Array, Array]:
    """Return the value of an axis that follows from a tie, for every particle, and where there is one.

    `left` is what is left of the target, where that is drawn already.
    """
    if tie.source is None:
        found = tie.relation.take_out(arrays)[axis]
        return found, np.ones(len(found), bool)
    left = np.zeros(len(arrays[axis])) if left is None else left
    column = decoder.domain.axes[decoder.places[tie.source]].column
    return solve(tie.relation, arrays, left, tie.source, decoder.encodings[column])


def holds(relation: Relation, arrays: Mapping[str, Array], left: Mapping[str, Array]) -> Array:
    """Mark the particles in which a relation gives its known targets back."""
    if isinstance(relation, Order) and not relation.gap:
        return order_ends(relation, arrays)
    back = relation.put_back({**arrays, **left})
    kept = np.ones(len(next(iter(back.values()))), bool)
    for name, values in back.items():
        kept &= np.isclose(values, arrays[name], rtol=1e-9, atol=_NEAR, equal_nan=True)
    return kept


def mend_order(
    relation: Relation, arrays: dict[str, Array], derived: dict[str, Array], whole: Mapping[str, Array]
) -> None:
    """Move unknown ends of an order to its known target where they lie beyond it."""
    if not isinstance(relation, Order) or relation.measure.steps:
        return
    target = relation.measure.axes[0]
    for measures, sign in ((relation.lower, 1.0), (relation.upper, -1.0)):
        for other in measures:
            name = other.axes[0]
            limit = arrays[target] * (relation.measure.unit / other.unit)
            beyond = whole[target] & ~whole[name] & (sign * (arrays[name] - limit) > _NEAR)
            if beyond.any() and not other.steps:
                if other.lattice:
                    limit = np.floor(limit) if sign > 0 else np.ceil(limit)
                arrays[name] = np.where(beyond, limit, arrays[name])
                derived[name] = derived[name] | beyond


def _derive(decoder: Decoder, whole: dict[str, Array], values: dict[str, Array]) -> bool:
    """Work out cells that relations give from known ones; tell whether there were any."""
    new = derive_instants(decoder, whole, values)
    for relation in decoder.relations:
        if not isinstance(relation, Prediction):
            continue
        target = relation.target
        gaps = {name: ~whole[name] for name in relation.sources}
        lacking = np.sum(list(gaps.values()), axis=0)
        # one part alone tells no instant
        for name in relation.sources if not isinstance(relation, Calendar) else ():
            rows = np.flatnonzero(whole[target] & gaps[name] & (lacking == 1))
            column = decoder.domain.axes[decoder.places[name]].column
            if not len(rows) or len(decoder.encodings[column].axes) > 1:
                continue
            some = {part: values[part][rows] for part in (target, *relation.sources)}
            encoding = decoder.encodings[column]
            if relation.exact:
                # what protection cut away may come back where known cells say it
                encoding = widened(encoding)
            found, right = solve(relation, some, np.zeros(len(rows)), name, encoding)
            new |= _put(name, rows[right], found[right], whole, values)
        if relation.exact:
            rows = np.flatnonzero(~whole[target] & (lacking == 0))
            predicted = relation.predict({part: values[part][rows] for part in relation.sources})
            right = ~np.isnan(predicted)
            new |= _put(target, rows[right], predicted[right], whole, values)
    return new


def _put(name: str, rows: Array, found: Array, whole: dict[str, Array], values: dict[str, Array]) -> bool:
    if not len(rows):
        return False
    whole[name], values[name] = whole[name].copy(), values[name].copy()
    whole[name][rows] = True
    values[name][rows] = found
    return True
