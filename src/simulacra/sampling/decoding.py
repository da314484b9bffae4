"""The way back: from what a model drew to values of columns, all of them or those that a condition asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from simulacra.domain import Array, Domain
from simulacra.encoding import Encoding
from simulacra.randomness import Streams
from simulacra.relations import Relation, put_back
from simulacra.sampling.patterns import keep_pattern

UNMADE = ("text", "key")
"""Kinds whose values are made anew when rows are finished: no earlier draw tells them."""


@dataclass(frozen=True)
class Decoder:
    """Puts relations back and decodes.

    Parameters
    ----------
    encodings : mapping of str to Encoding
        By column, in the order of the table.
    domain : Domain
        The axes that the model draws.
    relations : tuple of Relation
        What is rebuilt.
    """

    encodings: Mapping[str, Encoding]
    domain: Domain
    relations: tuple[Relation, ...] = ()

    @cached_property
    def places(self) -> dict[str, int]:
        """Position of each axis in the domain."""
        return {name: place for place, name in enumerate(self.domain.names)}

    @cached_property
    def rebuilt(self) -> dict[str, Relation]:
        """The relation that each rebuilt axis is the target of."""
        return {target: relation for relation in self.relations for target in relation.targets}

    def axes_of(self, columns: Collection[str]) -> tuple[int, ...]:
        """Return the positions of all axes that must be drawn before some columns are known."""
        waiting = [axis.name for name in columns for axis in self.encodings[name].axes]
        needed: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in needed:
                continue
            needed.add(name)
            if name in self.rebuilt:
                waiting += [*self.rebuilt[name].sources, *self.rebuilt[name].targets]
        return tuple(sorted(self.places[name] for name in needed))

    def columns(self, names: Sequence[str], arrays: Mapping[str, Array], rows: int) -> pl.DataFrame:
        """Decode some columns, none of them of a kind that is made anew, from the axes that `axes_of` names."""
        known = [r for r in self.relations if all(n in arrays for n in (*r.targets, *r.sources))]
        return self._decode(names, put_back(arrays, known), rows, 0, Streams(0))

    def frame(self, columns: Sequence[Array], rows: int, start: int, streams: Streams) -> pl.DataFrame:
        """Decode whole rows; `start` is the position of the first in the whole sample."""
        arrays = put_back(dict(zip(self.domain.names, columns, strict=True)), self.relations)
        return self._decode(list(self.encodings), arrays, rows, start, streams)

    def _decode(
        self, names: Sequence[str], arrays: Mapping[str, Array], rows: int, start: int, streams: Streams
    ) -> pl.DataFrame:
        made = []
        for name in names:
            encoding = self.encodings[name]
            own = tuple(arrays[axis.name] for axis in encoding.axes) or (np.empty(rows),)
            values = encoding.decode(own, rng=streams.stream("decode", name), start=start)
            if values.dtype == pl.String:
                values = keep_pattern(values, encoding.column, streams.stream("pattern", name))
            made.append(values)
        return pl.DataFrame(made) if made else pl.DataFrame()
