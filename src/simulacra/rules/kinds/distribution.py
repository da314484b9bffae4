"""Numbers, dates, times or durations drawn from a distribution by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module
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

_ALIKE = ("uniform", "int", "normal", "triangular", "quantiles")
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
        _require_alike(word, content[word], place)
        plain = _counted({word: content[word], **beside}, kinds)
        parsed = parse_distribution(plain, place)
        for sql in parsed.formulas:
            # date '2024-01-31' is a constant in SQL, but 12/31/2024 and 2024-1-31 are sums that nobody means
            if not names_in(sql, place) and kind_of(sql, Table("", ()), place) not in KINDS:
                raise SchemaError(
                    f"{place}: {sql!r} in {word} is computed from no column. Write the number or the date itself."
                )
        return cls(parsed, tuple(kinds), precision, place)

    def needs(self) -> tuple[str, ...]:
        """The columns that its parameters name."""
        names = (name for sql in self.distribution.formulas for name in names_in(sql, self.place))
        return tuple(dict.fromkeys(names))

    def _kind(self, table: Table) -> str:
        computed = [kind_of(sql, table, self.place) for sql in self.distribution.formulas]
        for sql, kind in zip(self.distribution.formulas, computed):
            if kind not in {"number", *KINDS} and not (kind == "key" and _is_whole(sql, table)):
                raise SchemaError(
                    f"{self.place}: {sql!r} is a {kind}. A distribution takes numbers, dates, times or durations."
                )
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
        """Count the numbers or moments of a plain range; any other distribution may repeat."""
        low, high = self._range()
        return 0 if high is None or low is None else max(high - low + 1, 0)

    def number(self, places: npt.NDArray[np.int64], total: int, streams: Streams) -> pl.Series:
        """Give the numbers or moments of a range, none of them twice."""
        low, _ = self._range()
        # compiled code takes half a second to load, and few columns are unique
        shuffle = import_module("simulacra.shuffling").shuffle
        size = max(self.room(), 1)
        numbers = shuffle(places % size, size, streams.key("shuffle")) + (low or 0)
        if not self.moments:
            return pl.Series(numbers)
        return from_micros(numbers * self._step, widest(self.moments), self.precision)

    @property
    def _step(self) -> int:
        """The microseconds from one moment to the next."""
        return DAY if widest(self.moments) == "date" else PRECISIONS[self.precision]

    def _range(self) -> tuple[int | None, int | None]:
        family = getattr(self.distribution, "family", None)
        # the ends of a range of numbers that are not whole are no values of it, those of moments are
        counted = ("int", "uniform") if self.moments else ("int",)
        if family is None or family.word not in counted or self.distribution.formulas:
            return None, None
        given = dict(self.distribution.given)  # type: ignore[attr-defined]
        low, high = max(given["low"], self.distribution.low), min(given["high"], self.distribution.high)  # type: ignore[attr-defined]
        if self.moments:
            return -int(-low // self._step), int(high // self._step)
        return int(np.ceil(low)), int(np.floor(high))


def _is_whole(sql: str, table: Table) -> bool:
    named = sql.strip().strip('"')
    return named not in table.names or table[named].integer


def _require_alike(word: str, given: Any, place: str) -> None:
    """Refuse ends and means of one kind beside ends and widths of another: their units differ."""
    if word not in _ALIKE:
        return
    values = list(
        given.values() if isinstance(given, Mapping) else given if isinstance(given, list | tuple) else ()
    )
    kinds = {value: found[0] for value in values if (found := read_moment(value)) is not None}
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if kinds and numbers:
        raise SchemaError(
            f"{place}: {word} is of {next(iter(kinds))!r} and of {numbers[0]!r}, which is no {_also(word, kinds)}. "
            "Write both alike."
        )
    if word == "uniform" and "duration" in kinds.values() and len(set(kinds.values())) > 1:
        raise SchemaError(
            f"{place}: {word} goes from {' to '.join(map(repr, kinds))}. Write both ends alike."
        )


def _also(word: str, kinds: Mapping[Any, str]) -> str:
    return "duration such as 'P10D'" if word == "normal" else next(iter(kinds.values()))


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
