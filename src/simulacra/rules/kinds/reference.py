"""The key of a row of another table: whose child the row is, or which row it picks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.distributions.grammar import Distribution, parse_distribution
from simulacra.errors import SchemaError
from simulacra.rule import Rows, Rule
from simulacra.rules.machines import Machine, read_machines, wanted_by
from simulacra.rules.reading import as_mapping, names_in, require_word
from simulacra.schema.types import Table

_OPTIONS = ("to", "children", "states", "pick", "match", "distinct", "as")
_TRIES = 40


@dataclass(frozen=True)
class ReferenceRule(Rule):
    """A reference, of one of two kinds.

    With ``children`` every row of the other table has so many rows here, which follow each other; with ``states`` it
    goes through a state machine, and every entry into a state is a row (see the rule ``entry``). Without, every row
    picks one row of the other table: each as likely as any other, by rank (``pick: {zipf: 1.1}``: the first rows are
    the most popular), or in proportion to a column (``pick: weight``); ``match: {own: theirs}`` picks among the rows
    that have the same value, and ``distinct: true`` never the same twice within one parent.

    Examples
    --------
    >>> rule = ReferenceRule.read({"reference": {"to": "customers.id", "children": {"poisson": 3}}}, "here")
    >>> rule.table, rule.to, rule.drives
    ('customers', 'id', True)
    """

    word: ClassVar[str] = "reference"
    example: ClassVar[str] = "{reference: {to: customers, children: {poisson: 3}}}"
    table: str
    to: str | None
    children: Distribution | None
    machines: tuple[Machine, ...]
    pick: str | float | None
    match: tuple[tuple[str, str], ...]
    distinct: bool
    name: str
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> ReferenceRule:
        """Read ``{reference: TABLE}`` or ``{reference: {to:, children:, pick:, match:, distinct:, as:}}``."""
        given = require_word(content, "reference", (), place)
        given = {"to": given} if isinstance(given, str) else given
        given = as_mapping(given, "reference", _OPTIONS, place, cls.example)
        to = given.get("to")
        if not isinstance(to, str) or not to:
            raise SchemaError(f"{place}: a reference names a table, as in {cls.example}, not {to!r}.")
        table, _, column = to.partition(".")
        children, states = given.get("children"), given.get("states")
        if children is not None and states is not None:
            raise SchemaError(f"{place}: children and states both say how many rows there are. Keep one.")
        if (children is not None or states is not None) and (
            given.get("pick") is not None or given.get("match") or given.get("distinct")
        ):
            raise SchemaError(
                f"{place}: children or states, and pick, match or distinct, exclude each other. Keep one."
            )
        match = given.get("match") or {}
        match = {str(name): str(name) for name in match} if isinstance(match, (list, tuple)) else match
        match = {match: match} if isinstance(match, str) else match
        if not isinstance(match, Mapping) or len(match) > 1:
            raise SchemaError(f"{place}: match names one column here and one there: {{country: country}}.")
        return cls(
            table, column or None,
            None if children is None else parse_distribution(children, f"{place}, children"),
            () if states is None else read_machines(states, place),
            _read_pick(given.get("pick"), place), tuple((str(own), str(other)) for own, other in match.items()),
            bool(given.get("distinct", False)), str(given.get("as") or table), place,
        )  # fmt: skip

    @property
    def drives(self) -> bool:
        """Whether the other table's rows have these as children."""
        return self.children is not None or bool(self.machines)

    def needs(self) -> tuple[str, ...]:
        """The key that is referred to, and what is to match."""
        key = () if self.to is None else (f"{self.name}.{self.to}",)
        return (*key, *(own for own, _ in self.match))

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns of the other table that decide who is picked, or how many children there are."""
        names = [other for _, other in self.match]
        if isinstance(self.pick, str):
            names.append(self.pick)
        if self.children is not None:
            names += [name for sql in self.children.formulas for name in names_in(sql, self.place)]
        names += wanted_by(self.machines)
        return tuple(dict.fromkeys(names))

    def facts(self, table: Table) -> dict[str, Any]:
        """A key like the one that it refers to; a match may find none."""
        column = table[f"{self.name}.{self.to}"]
        known = {"integer": column.integer} if column.kind in {"key", "number"} else {"integer": False}
        # the first row finds none before it; who has picked all there are picks none again
        none = column.nullable or self.match or self.distinct or self.table == table.name
        return {"kind": "key", **known, **({"nullable": True} if none else {})}

    def draw(self, rows: Rows) -> pl.Series:
        """Give the key of the row that is referred to."""
        return rows.values[f"{self.name}.{self.to}"]

    def choose(
        self, rows: Rows, size: int, look: Mapping[str, pl.Series], *, own: bool
    ) -> npt.NDArray[np.int64]:
        """Pick a row of the other table for every row here.

        Parameters
        ----------
        rows : Rows
            The rows here.
        size : int
            How many rows the other table has.
        look : mapping
            The columns of the other table that are `wanted`, whole.
        own : bool
            Whether it is the same table: then only rows before are picked, and the first row picks none.

        Returns
        -------
        array of int64
            Numbers of rows; -1 for none.
        """
        rng = rows.rng
        if own:
            return np.floor(rng.random(rows.count) * rows.numbers).astype(np.int64) - (rows.numbers == 0)
        if size == 0:
            return np.full(rows.count, -1, dtype=np.int64)
        if self.match:
            mine, theirs = self.match[0]
            return self._matched(rng, rows.values[mine], look[theirs], look)
        out = self._free(rng, rows.count, size, look)
        if self.distinct and rows.histories is not None:
            out = _without_repeats(out, rows.histories.owners, lambda n: self._free(rng, n, size, look))
        return out

    def _free(
        self, rng: np.random.Generator, count: int, size: int, look: Mapping[str, pl.Series]
    ) -> npt.NDArray[np.int64]:
        if isinstance(self.pick, str):
            weights = look[self.pick].cast(pl.Float64).fill_null(0).to_numpy()
            if not weights.sum() > 0 or (weights < 0).any():
                raise SchemaError(
                    f"{self.place}: the weights in {self.pick!r} must be 0 or more, and some above 0."
                )
            bounds = np.cumsum(weights)
            return np.searchsorted(bounds, rng.random(count) * bounds[-1], side="right").astype(np.int64)
        if self.pick is not None:
            rank = parse_distribution({"zipf": [self.pick, size]}).draw(count, rng)
            return np.asarray(rank - 1, dtype=np.int64)
        return rng.integers(0, size, count, dtype=np.int32 if size < 2**31 else np.int64).astype(np.int64)

    def _matched(
        self, rng: np.random.Generator, mine: pl.Series, theirs: pl.Series, look: Mapping[str, pl.Series]
    ) -> npt.NDArray[np.int64]:
        groups = (
            pl.DataFrame({"v": theirs.cast(pl.String)})
            .with_row_index("i")
            .group_by("v", maintain_order=True)
            .agg("i")
        )
        known = dict(zip(groups["v"].to_list(), groups["i"].to_list()))
        out = np.full(len(mine), -1, dtype=np.int64)
        asked = (
            pl.DataFrame({"v": mine.cast(pl.String)})
            .with_row_index("i")
            .group_by("v", maintain_order=True)
            .agg("i")
        )
        for value, places in asked.iter_rows():
            members = np.asarray(known.get(value, ()), dtype=np.int64)
            if value is None or not len(members):
                continue
            own = {name: column.gather(members) for name, column in look.items()}
            out[np.asarray(places)] = members[self._free(rng, len(places), len(members), own)]
        return out


def _read_pick(pick: Any, place: str) -> str | float | None:
    if pick is None or pick == "even":
        return None
    if isinstance(pick, str):
        return pick
    if (
        isinstance(pick, Mapping)
        and set(pick) == {"zipf"}
        and isinstance(pick["zipf"], (int, float))
        and pick["zipf"] > 0
    ):
        return float(pick["zipf"])
    raise SchemaError(f"{place}: pick is 'even', {{zipf: 1.1}} or a column of the other table, not {pick!r}.")


def _without_repeats(
    chosen: npt.NDArray[np.int64], owners: npt.NDArray[np.int64], draw: Any
) -> npt.NDArray[np.int64]:
    """Draw again what an owner picks twice; who asks for more than there is keeps no repeat but none."""
    for _ in range(_TRIES):
        order = np.lexsort((chosen, owners))
        same = (np.diff(chosen[order]) == 0) & (np.diff(owners[order]) == 0)
        again = order[1:][same]
        if not len(again):
            return chosen
        chosen[again] = draw(len(again))
    chosen[again] = -1
    return chosen
