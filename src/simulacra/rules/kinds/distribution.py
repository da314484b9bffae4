"""Numbers, dates, times or durations drawn from a distribution by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.distributions.grammar import WORDS, Distribution, parse_distribution
from simulacra.errors import SchemaError, unknown
from simulacra.randomness import Streams
from simulacra.rule import Rows, Rule
from simulacra.rules.moments import DAY, KINDS, PRECISIONS, from_micros, read_moment, to_micros, widest
from simulacra.rules.reading import OPTIONS, evaluate, kind_of, names_in
from simulacra.schema.types import Table
from simulacra.shuffling import shuffle

_BESIDE = ("min", "max", "precision")


@dataclass(frozen=True)
class DistributionRule(Rule):
    """Values of a distribution, independent of each other given the columns that its parameters name.

    Parameters
    ----------
    distribution : Distribution
        Of numbers; moments are counted in microseconds.
    moments : tuple of str
        Kinds of the dates, times and durations among the parameters.
    precision : str
        What times are rounded down to.

    Examples
    --------
    >>> rule = DistributionRule.read({"uniform": ["1990-01-01", "1990-12-31"]}, "here")
    >>> rule.facts(Table("t", ()))["kind"]
    'date'
    """

    word: ClassVar[str] = "distribution"
    example: ClassVar[str] = "{lognormal: {median: 40000, sigma: 0.5}}"
    distribution: Distribution
    moments: tuple[str, ...]
    precision: str
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> DistributionRule:
        """Read ``{FAMILY: parameters}`` with ``min``, ``max`` and ``precision`` beside it."""
        word = next((name for name in content if name in WORDS), "")
        for name in content:
            if name not in (word, *_BESIDE, *OPTIONS):
                raise SchemaError(f"{place}: {unknown(f'option of {word}', str(name), (*_BESIDE, *OPTIONS))}")
        precision = content.get("precision", "second")
        if precision not in PRECISIONS:
            raise SchemaError(f"{place}: {unknown('precision', str(precision), list(PRECISIONS))}")
        kinds: list[str] = []
        beside = {name: content[name] for name in ("min", "max") if name in content}
        plain = _counted({word: content[word], **beside}, kinds)
        return cls(parse_distribution(plain, place), tuple(kinds), precision, place)

    def needs(self) -> tuple[str, ...]:
        """The columns that its parameters name."""
        names = (name for sql in self.distribution.formulas for name in names_in(sql, self.place))
        return tuple(dict.fromkeys(names))

    def _kind(self, table: Table) -> str:
        computed = [kind_of(sql, table, self.place) for sql in self.distribution.formulas]
        found = [*self.moments, *(kind for kind in computed if kind in KINDS)]
        instants = [kind for kind in found if kind != "duration"]
        return widest(instants or found) if found else "number"

    def facts(self, table: Table) -> dict[str, Any]:
        """A number, or a date, datetime, time or duration where a parameter is one."""
        kind = self._kind(table)
        facts: dict[str, Any] = {"kind": kind}
        if kind == "number":
            facts["integer"] = self.distribution.whole
        facts |= self._bounds(kind)
        if any(table[name].nullable for name in self.needs() if name in table.names):
            facts["nullable"] = True
        return facts

    def _bounds(self, kind: str) -> dict[str, Any]:
        """Say from where to where values go, where that is the whole of the distribution."""
        family, given = (
            getattr(self.distribution, "family", None),
            dict(getattr(self.distribution, "given", ())),
        )
        if family is None or family.word not in {"int", "uniform"} or kind not in {"number", "date"}:
            return {}
        ends = [given["low"], given["high"]]
        if any(isinstance(end, str) or end != int(end) for end in ends) or self.distribution.low > -np.inf:  # type: ignore[attr-defined]
            return {}
        whole = [int(end) for end in ends]
        days = (
            [(date(1970, 1, 1) + timedelta(days=end // DAY)).isoformat() for end in whole]
            if kind == "date"
            else []
        )
        return {"bounds": days or whole, "declared": True}

    def draw(self, rows: Rows) -> pl.Series:
        """Draw one value for every row."""
        values = {sql: to_micros(evaluate(sql, rows)) for sql in self.distribution.formulas}
        empty = np.zeros(rows.count, dtype=bool)
        for sql, numbers in values.items():
            lacking = np.isnan(numbers)
            empty |= lacking
            values[sql] = np.where(lacking, np.nanmean(numbers) if not lacking.all() else 1.0, numbers)
        drawn = self.distribution.draw(rows.count, rows.rng, values)
        kind = self._kind(rows.table)
        if kind == "number":
            out = pl.Series(drawn)
        else:
            # the last day of a range is as likely as the others
            out = from_micros(drawn, kind, self.precision)
        return out.set(pl.Series(empty), None) if empty.any() else out

    def room(self) -> int:
        """Count the numbers of a plain range; any other distribution may repeat."""
        low, high = self._range()
        return 0 if high is None or low is None else high - low + 1

    def number(self, places: npt.NDArray[np.int64], total: int, streams: Streams) -> pl.Series:
        """Give the numbers of a range, none of them twice."""
        low, _ = self._range()
        return pl.Series(
            shuffle(places % max(self.room(), 1), max(self.room(), 1), streams.key("shuffle")) + (low or 0)
        )

    def _range(self) -> tuple[int | None, int | None]:
        family = getattr(self.distribution, "family", None)
        if family is None or family.word != "int" or self.moments or self.distribution.formulas:
            return None, None
        given = dict(self.distribution.given)  # type: ignore[attr-defined]
        return int(given["low"]), int(given["high"])


def _counted(content: Any, kinds: list[str], name: str = "") -> Any:
    """Put microseconds in the place of dates, times and durations, and note their kinds."""
    if isinstance(content, Mapping):
        return {key: _counted(value, kinds, str(key)) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [
            _counted(value, kinds, "high" if place == len(content) - 1 else "")
            for place, value in enumerate(content)
        ]
    found = read_moment(content)
    if found is None:
        return content
    kinds.append(found[0])
    # a range of days includes its last one
    return found[1] + (DAY - 1 if found[0] == "date" and name in {"high", "max"} else 0)
