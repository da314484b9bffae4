"""Points between training rows and their neighbours: SMOTE and ADASYN, for mixed columns and whole tables.

Each drawn row lies between a training row and one of its nearest neighbours, of the same level of the `target` if
there is one: numbers on the line between the two, categories from one of them, or by the vote of all neighbours. ADASYN
takes those rows more often that have neighbours of other levels. It is made for minorities: `balance` draws all levels
equally often. It can not make anything beyond the training rows, shrinks spreads a little, and is **not private**:
every row lies near to two training rows, and where neighbours agree it is a copy. Spikes (a number that very many rows
hold) and gaps are taken from one of the two. Fitting costs about rows times log of rows, times columns.

Source: Chawla, Bowyer, Hall and Kegelmeyer 2002, "SMOTE: synthetic minority over-sampling technique", sections 4.2 and
6.1 (SMOTE-NC); He, Bai, Garcia and Li 2008, "ADASYN: adaptive synthetic sampling approach for imbalanced learning",
section II.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from simulacra.domain import Array, Block, Domain
from simulacra.errors import OptionError, unknown
from simulacra.generator import Progress, part, silent
from simulacra.models.table._neighbours import Space, find_neighbours
from simulacra.models.table._rows import Keeper
from simulacra.randomness import Streams

KINDS = ("smote", "adasyn")
VOTES = ("parent", "majority")


@dataclass(kw_only=True)
class Smote(Keeper):
    """Interpolation between neighbours.

    Parameters
    ----------
    target : str or None
        A column of categories: neighbours have the same level of it. None looks for neighbours among all rows.
    neighbours : int
        Nearest rows that one of is drawn of.
    kind : str
        ``smote`` draws rows as often as they weigh; ``adasyn`` in proportion to the share of neighbours that have
        another level of the target.
    balance : bool
        Whether all levels of the target are drawn equally often, and not by their shares.
    vote : str
        Where categories come from: ``parent``, all from one of the two rows, the nearer the likelier; ``majority``,
        each the commonest of the neighbours', as in SMOTE-NC, which makes rare levels rarer.

    Notes
    -----
    With a context, the first of the two rows is drawn among those of the same context, or of the nearest ones.

    **Cost.** Rows x log(rows). Of rows with more than ten dimensions (levels count), neighbours are looked for in the
    ten in which rows differ most, and the nearest in truth are taken of sixteen times as many.

    **Privacy.** None: the state holds the training rows, and what is drawn lies near to them.

    **Source.** Chawla et al. 2002, sections 4.2 and 6.1; He et al. 2008, section II.

    Examples
    --------
    >>> from simulacra.domain import Axis, Domain
    >>> x = np.linspace(0, 1, 50)
    >>> block = Block(Domain((Axis("x", "x"), Axis("y", "y"))), (x, 2 * x))
    >>> fake = Smote().fit(block, rng=Streams(1)).sample(100, rng=Streams(2))
    >>> bool(np.allclose(fake.columns[1], 2 * fake.columns[0]))
    True
    """

    stores_rows: ClassVar[bool] = True
    target: str | None = None
    neighbours: int = 5
    kind: str = "smote"
    balance: bool = False
    vote: str = "parent"

    def __post_init__(self) -> None:
        if not isinstance(self.neighbours, int) or isinstance(self.neighbours, bool) or self.neighbours < 1:
            raise OptionError(f"model 'smote': neighbours is a whole number from 1, not {self.neighbours!r}.")
        for name, known in (("kind", KINDS), ("vote", VOTES)):
            if getattr(self, name) not in known:
                raise OptionError(str(unknown(f"{name} of 'smote'", str(getattr(self, name)), list(known))))
        if self.target is None and (self.balance or self.kind == "adasyn"):
            what = "balance" if self.balance else "kind 'adasyn'"
            raise OptionError(f"model 'smote': {what} needs the levels of a column. Name it as target.")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        self.place_ = self._find_target(block)
        self._keep(block, None, rng)
        rows = self.rows_
        levels = (
            np.zeros(len(rows), np.int64)
            if self.place_ is None
            else rows.columns[self.place_].astype(np.int64)
        )
        seen = _leave_out(rows, self.place_)
        space = Space.fit(seen, rng.stream("space"))
        progress(0.1, "rows placed")
        self.near_ = self._look(space, seen, levels, rng, part(progress, 0.1, 0.6))
        self.mass_ = self._weigh(space, seen, levels, rng)
        if context is not None:
            self.context_ = context.domain
            held = np.arange(len(block)) if block.weights is None else np.flatnonzero(block.weights > 0)
            self._give_contexts(context.take(held), self.mass_, rng)
        progress(1.0, "neighbours found")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        rows = self._pick(n, context, rng, getattr(self, "mass_", None))
        stream = rng.stream("line")
        turn = stream.integers(self.near_.shape[1], size=n)
        others = self.near_[rows, turn].astype(np.int64)
        way, side = stream.random((2, n))
        parent = np.where(side < way, others, rows)
        columns = []
        for place, (axis, values) in enumerate(zip(self.rows_.domain.axes, self.rows_.columns)):
            spread = self.spreads_[place]
            if spread is None:
                vote = self.vote == "majority" and place != self.place_
                columns.append(_majority(values[self.near_[rows]]) if vote else values[parent])
                continue
            off = values[others] - values[rows]
            if axis.period is not None:
                # the shorter way round the clock
                off = np.mod(off + axis.period / 2, axis.period) - axis.period / 2
            between = values[rows] + way * off
            if axis.period is not None:
                between = np.mod(between, axis.period)
            between = spread.settle(between, rng.stream("lattice", axis.name))
            alone = spread.stays(values[rows]) | spread.stays(values[others])
            columns.append(np.where(alone, values[parent], between))
        return Block(self.rows_.domain, tuple(columns), rows=n)

    def dump(self) -> dict[str, Any]:
        """Return the fitted state: the rows themselves, and their neighbours."""
        return {**super().dump(), "place": self.place_, "near": self.near_, "mass": self.mass_}

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        super().restore(state)
        self.place_ = None if state["place"] is None else int(state["place"])
        self.near_ = np.asarray(state["near"], np.int32)
        self.mass_ = np.asarray(state["mass"], np.float64)
        return self

    def _find_target(self, block: Block) -> int | None:
        """Return the axis of the target."""
        if self.target is None:
            return None
        for place, axis in enumerate(block.domain.axes):
            if axis.column == self.target and axis.size is not None:
                return place
        raise OptionError(
            f"model 'smote': target {self.target!r} is no column of categories. Name one, or none."
        )

    def _look(self, space: Space, seen: Block, levels: Array, rng: Streams, progress: Progress) -> Array:
        """Find the neighbours of every row among those of its level; a row that is alone has itself."""
        near = np.tile(np.arange(len(levels), dtype=np.int32)[:, None], self.neighbours)
        known = np.unique(levels)
        for done, level in enumerate(known.tolist(), 1):
            own = np.flatnonzero(levels == level)
            if len(own) > 1:
                found = find_neighbours(space, seen, own, own, self.neighbours, rng.stream("near", level))
                # where there are fewer than wanted, they come by turns
                near[own] = found[:, np.arange(self.neighbours) % found.shape[1]]
            progress(done / len(known), "looking for neighbours")
        return near

    def _weigh(self, space: Space, seen: Block, levels: Array, rng: Streams) -> Array:
        """Return how often each row is taken."""
        mass = self._weights.copy()
        sums = np.bincount(levels, mass)
        if self.kind == "adasyn" and len(levels) > 1:
            every = np.arange(len(levels))
            found = find_neighbours(space, seen, every, every, self.neighbours, rng.stream("hard"))
            hard = mass * (levels[found] != levels[:, None]).mean(axis=1)
            total = np.bincount(levels, hard)
            # a level of which no row has a neighbour of another one keeps its weights
            mass = np.where(total[levels] > 0, hard * (sums / np.where(total > 0, total, 1.0))[levels], mass)
        if self.balance:
            mass = mass / sums[levels]
        return mass


def _leave_out(block: Block, place: int | None) -> Block:
    """Leave the target out of what makes rows alike."""
    if place is None:
        return block
    others = [at for at in range(len(block.domain)) if at != place]
    axes = tuple(block.domain.axes[at] for at in others)
    columns = tuple(block.columns[at] for at in others)
    return Block(Domain(axes), columns, rows=len(block))


def _majority(codes: Array) -> Array:
    """Return the commonest code of each row; of several, the one that comes first."""
    votes = np.stack([(codes == codes[:, [k]]).sum(axis=1) for k in range(codes.shape[1])], axis=1)
    return codes[np.arange(len(codes)), votes.argmax(axis=1)]
