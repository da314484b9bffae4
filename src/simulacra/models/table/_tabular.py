"""Columns as networks see them: a few groups of codes each, from which values are drawn back as the data hold them.

A network tells one of some dozens of groups for every column. Within a group the codes of a view, exact values or
narrow bins, come back in the proportions of the data. So zeros, round numbers and gaps are exact, whatever is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Block, Domain
from simulacra.errors import NotFitted, OptionError
from simulacra.models.table._neural import Network
from simulacra.models.table._views import View
from simulacra.randomness import Streams

_CODES, _EXACT = 1_024, 16_384
"""Codes of the view of a real axis, and of one on which most values repeat."""
_LEAST_BATCH, _MOST_BATCH, _BATCHES = 128, 1_024, 32
"""Rows of a batch at least and at most; in between, a table has so many batches."""
_MOST_STEPS = 2_500
_EACH, _FEWEST = 100, 8
"""Rows that a group of ordered values has on average, in a small table, unless that made fewer groups than this."""
_WAVES = 8
"""Cosines of the rank by which a network knows which groups are close."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of codes of one column.

    Parameters
    ----------
    view : View
        Its codes.
    members : array
        The codes that occur, group by group.
    ends : array of float64
        Weight of the rows up to each member.
    stops : array
        How many members there are up to the end of each group.
    """

    view: View
    members: Array
    ends: Array
    stops: Array

    @classmethod
    def fit(cls, view: View, codes: Array, weights: Array | None, room: int) -> Self:
        """Group the codes that occur: common ones stand alone, others with their neighbours until they weigh as much.

        Levels without an order that are too rare to stand alone share one group.
        """
        counts = np.bincount(codes, weights, minlength=max(view.size, 1)).astype(np.float64)
        present = np.flatnonzero(np.bincount(codes, minlength=max(view.size, 1)))
        own = counts[present]
        if len(present) <= room:
            label = np.arange(len(present))
        elif _ordered(view):
            label = _cut(own, room, first_alone=view.missing)
        else:
            # the same levels whatever the order of rows: ties go by code
            label = np.minimum(np.argsort(np.argsort(-own, kind="stable"), kind="stable"), room - 1)
        order = np.lexsort((present, label))
        stops = np.flatnonzero(np.diff(label[order], append=-1)) + 1
        return cls(view, present[order], np.cumsum(own[order]), stops)

    def __len__(self) -> int:
        return len(self.stops)

    @property
    def ordered(self) -> bool:
        """Whether the order of the groups means something."""
        return _ordered(self.view)

    @property
    def shares(self) -> Array:
        """The share of the rows that each group has."""
        weight = np.diff(self.ends[self.stops - 1], prepend=0.0)
        return weight / weight.sum()

    def encode(self, codes: Array) -> Array:
        """Turn codes of the view into groups; one that never occurred goes to the nearest that did."""
        group = np.repeat(np.arange(len(self)), np.diff(self.stops, prepend=0))
        by_code = np.argsort(self.members, kind="stable")
        known = self.members[by_code].astype(np.int64)
        near = np.searchsorted(
            (known[1:] + known[:-1] + 1) // 2, np.arange(max(self.view.size, 1)), side="right"
        )
        return group[by_code[near]].astype(np.int32)[codes]

    def decode(self, groups: Array, uniform: Array) -> Array:
        """Draw a code of the view from each group, by numbers from 0 to 1."""
        stop = self.stops[groups]
        start = np.append(0, self.stops)[groups]
        low, high = np.append(0.0, self.ends)[start], self.ends[stop - 1]
        at = np.searchsorted(self.ends, low + uniform * (high - low), side="right")
        return self.members[np.clip(at, start, stop - 1)]

    def features(self) -> Array:
        """Return numbers that are alike for groups that lie close, shape (groups, waves); 0 where there is no order."""
        found = np.zeros((len(self), _WAVES), np.float32)
        if not _ordered(self.view):
            return found
        share = self.shares
        if self.view.missing and self.members[0] == 0:
            share = np.where(np.arange(len(self)) == 0, 0.0, share)
        rank = (np.cumsum(share) - share / 2) / max(share.sum(), 1e-9)
        found[share > 0] = np.cos(np.pi * rank[share > 0, None] * np.arange(1, _WAVES + 1))
        return found

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        return {"view": self.view.dump(), "members": self.members, "ends": self.ends, "stops": self.stops}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the groups from what `dump` gave."""
        return cls(View.restore(state["view"]), *(np.asarray(state[k]) for k in ("members", "ends", "stops")))


def _ordered(view: View) -> bool:
    return view.axis.size is None or view.axis.ordered


def _cut(own: Array, room: int, *, first_alone: bool) -> Array:
    """Label codes in order: a common one is a group of its own, the others are cut where they weigh about the same.

    A group of rare codes may lie around a common one.
    """
    single = own >= own.sum() / room
    single[0] |= first_alone
    rest = ~single
    pieces = max(room - int(single.sum()), 1)
    total = np.cumsum(own[rest])
    piece = np.minimum((total - own[rest] / 2) / total[-1] * pieces, pieces - 1).astype(np.int64)
    key = np.empty(len(own), np.int64)
    key[single], key[rest] = pieces + np.arange(single.sum()), piece
    # groups are numbered by where their middle lies
    _, key = np.unique(key, return_inverse=True)
    place = np.bincount(key, own * np.arange(len(own))) / np.bincount(key, own)
    rank = np.empty(len(place), np.int64)
    rank[np.argsort(place, kind="stable")] = np.arange(len(place))
    return rank[key]


@dataclass(kw_only=True)
class Tabular(Network):
    """Base of networks that tell groups of codes.

    A subclass calls `_learn_groups` in `fit`, and puts `_dump_groups` into its state.
    """

    def _learn_groups(self, block: Block, context: Block | None, *, room: int) -> Array:
        """Fit the groups of all columns; return those of the rows, shape (rows, columns): the context's first."""
        self.domain_ = block.domain
        self.context_: Domain | None = None if context is None else context.domain
        self.groups_: list[Groups] = []
        found = [np.empty((len(block), 0), np.int32)]
        for part in [block] if context is None else [context, block]:
            for axis, values in zip(part.domain.axes, part.columns):
                view = View.fit(axis, values, max_codes=_CODES, max_exact=_EXACT, owners=block.owners)
                codes = view.encode(values)
                # a group of a few rows teaches nothing of its neighbours
                own = min(room, max(len(block) // _EACH, _FEWEST)) if _ordered(view) else room
                self.groups_.append(Groups.fit(view, codes, block.weights, own))
                found.append(self.groups_[-1].encode(codes)[:, None])
        return np.concatenate(found, 1)

    def _given(self, n: int, context: Block | None) -> Array:
        """Return the groups of the columns that are known when drawing, shape (rows, columns)."""
        self._require_fitted()
        if self.context_ is None:
            return np.empty((n, 0), np.int32)
        if context is None or context.domain != self.context_ or len(context) != n:
            raise OptionError(
                f"this model was fitted with a context of {len(self.context_)} axes: "
                f"sample needs a context of the same axes with {n:,} rows."
            )
        columns = zip(self.groups_, context.columns)
        return np.stack([own.encode(own.view.encode(values)) for own, values in columns], 1)

    def _values(self, groups: Array, rng: Streams) -> Block:
        """Turn groups of the model's own columns into values, shape (rows, columns)."""
        columns = []
        for place, own in enumerate(self.groups_[self._inputs :]):
            name = own.view.axis.name
            codes = own.decode(groups[:, place], rng.stream("code", name).random(len(groups)))
            columns.append(own.view.decode(codes, rng.stream("value", name)))
        return Block(self.domain_, tuple(columns), rows=len(groups))

    def _dump_groups(self) -> dict[str, Any]:
        """Return what `_learn_groups` learnt."""
        self._require_fitted()
        return {
            "domain": self.domain_.dump(),
            "context": None if self.context_ is None else self.context_.dump(),
            "groups": [own.dump() for own in self.groups_],
        }

    def _restore_groups(self, state: dict[str, Any]) -> None:
        """Take back what `_dump_groups` gave."""
        self.domain_ = Domain.restore(state["domain"])
        self.context_ = None if state["context"] is None else Domain.restore(state["context"])
        self.groups_ = [Groups.restore(item) for item in state["groups"]]

    @property
    def _inputs(self) -> int:
        """Number of columns of the context."""
        return len(self.groups_) - len(self.domain_)

    def _require_fitted(self) -> None:
        if not hasattr(self, "groups_"):
            raise NotFitted("this model has learnt nothing yet. Call fit first.")


def feature_rows(groups: Sequence[Groups]) -> Array:
    """Put the features of several columns below each other, each in columns of its own; shape (groups, features)."""
    parts = [own.features() for own in groups]
    parts = [part[:, :0] if not part.any() else part for part in parts]
    found = np.zeros((sum(map(len, parts)), sum(part.shape[1] for part in parts)), np.float32)
    row = column = 0
    for part in parts:
        found[row : row + len(part), column : column + part.shape[1]] = part
        row, column = row + len(part), column + part.shape[1]
    return found


@dataclass(frozen=True, slots=True)
class Pace:
    """How many rows a step looks at, and how many steps there are at most."""

    batch: int
    steps: int
    per_epoch: int

    @classmethod
    def of(cls, rows: int, epochs: int) -> Self:
        """Choose for a table: batches grow with it, up to a size."""
        batch = int(np.clip(2 ** max(rows // _BATCHES, 1).bit_length() // 2, _LEAST_BATCH, _MOST_BATCH))
        per_epoch = max(rows // batch, 1)
        return cls(batch, min(epochs * per_epoch, _MOST_STEPS), per_epoch)


def check_sizes(model: str, options: object, **least: int) -> None:
    """Check that options are whole numbers, each from its least one.

    Raises
    ------
    OptionError
        One is not.
    """
    for name, lowest in least.items():
        value = getattr(options, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
            raise OptionError(f"model {model!r}: {name} is a whole number from {lowest}, not {value!r}.")
