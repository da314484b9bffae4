"""The grammar of distributions: a number, ``{normal: [170, 10]}``, ``{quantiles: [...]}`` or ``{mixture: [...]}``."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulacra.distributions.families import FAMILIES, Family, Numbers
from simulacra.errors import SchemaError, unknown

_TRIES = 50
_DATED = re.compile(r"\s*(\d+-\d+-\d+([T ].*)?|\d+:\d+(:[\d.]+)?)\s*")
"""What people mean as a date or a time, where no formula is meant."""
_BOUNDS = ("min", "max")
WORDS = (*FAMILIES, "quantiles", "mixture")
"""The words that a distribution can begin with."""


class Distribution(ABC):
    """Numbers drawn at random, independent of each other."""

    whole: bool
    """Whether they are whole numbers."""

    @property
    def formulas(self) -> tuple[str, ...]:
        """The parameters that are given as text, to be computed for every row."""
        return ()

    @abstractmethod
    def draw(self, n: int, rng: np.random.Generator, values: Mapping[str, Numbers] | None = None) -> Numbers:
        """Draw n numbers; `values` has those of `formulas`, one for each row."""


@dataclass(frozen=True)
class Of(Distribution):
    """A member of a family, cut to bounds if there are any."""

    family: Family
    given: tuple[tuple[str, float | str], ...]
    low: float = -math.inf
    high: float = math.inf

    @property
    def whole(self) -> bool:  # type: ignore[override]
        """Whether it gives whole numbers."""
        if self.family.word == "const":
            return all(isinstance(value, int) for _, value in self.given)
        return self.family.whole

    @property
    def formulas(self) -> tuple[str, ...]:
        """The parameters that are text."""
        return tuple(value for _, value in self.given if isinstance(value, str))

    def draw(self, n: int, rng: np.random.Generator, values: Mapping[str, Numbers] | None = None) -> Numbers:
        """Draw n numbers; those outside the bounds again, and what stays outside is put on the nearer bound."""
        known = {
            name: (values or {})[value] if isinstance(value, str) else value for name, value in self.given
        }
        out = self.family.sampler(rng, n, known)
        if self.low == -math.inf and self.high == math.inf:
            return out
        for _ in range(_TRIES):
            outside = np.flatnonzero((out < self.low) | (out > self.high))
            if not len(outside):
                return out
            own = {k: v[outside] if isinstance(v, np.ndarray) else v for k, v in known.items()}
            out[outside] = self.family.sampler(rng, len(outside), own)
        return np.clip(out, self.low, self.high)


@dataclass(frozen=True)
class Quantiles(Distribution):
    """Numbers whose distribution is known at even steps, straight between them."""

    points: tuple[float, ...]
    whole: bool = False

    def draw(self, n: int, rng: np.random.Generator, values: Mapping[str, Numbers] | None = None) -> Numbers:
        """Draw n numbers between the first and the last point."""
        place = rng.random(n) * (len(self.points) - 1)
        points = np.asarray(self.points, dtype=np.float64)
        left = np.minimum(place.astype(np.int64), len(points) - 2)
        out = points[left] + (place - left) * (points[left + 1] - points[left])
        return np.rint(out).astype(np.int64) if self.whole else out


@dataclass(frozen=True)
class Mixture(Distribution):
    """Each number from one of several distributions."""

    weights: tuple[float, ...]
    parts: tuple[Distribution, ...]

    @property
    def whole(self) -> bool:  # type: ignore[override]
        """Whether all parts give whole numbers."""
        return all(part.whole for part in self.parts)

    @property
    def formulas(self) -> tuple[str, ...]:
        """Those of all parts."""
        return tuple(text for part in self.parts for text in part.formulas)

    def draw(self, n: int, rng: np.random.Generator, values: Mapping[str, Numbers] | None = None) -> Numbers:
        """Draw n numbers."""
        which = np.searchsorted(np.cumsum(self.weights) / sum(self.weights), rng.random(n), side="right")
        which = np.minimum(which, len(self.parts) - 1)
        out = np.empty(n, dtype=np.int64 if self.whole else np.float64)
        for number, part in enumerate(self.parts):
            rows = np.flatnonzero(which == number)
            own = {text: array[rows] for text, array in (values or {}).items()}
            out[rows] = part.draw(len(rows), rng, own)
        return out


def parse_distribution(content: Any, place: str = "distribution") -> Distribution:
    """Read a distribution from plain values.

    Parameters
    ----------
    content : number or mapping
        A number stands for itself. ``{FAMILY: parameters}``, as a list in order, by name or, where there is one, alone;
        ``min`` and ``max`` beside them cut it off. ``{quantiles: [0, 3, 10]}`` has even steps between its numbers.
        ``{mixture: [{weight: 0.9, of: ...}, ...]}`` draws each number from one of several.
    place : str
        Where it stands, for messages.

    Returns
    -------
    Distribution
        To `draw` from.

    Raises
    ------
    SchemaError
        A word is unknown, or a parameter is missing, of no use or out of range.

    Examples
    --------
    >>> from simulacra.randomness import Streams
    >>> parse_distribution({"int": [1, 6]}).draw(3, Streams(0).stream("dice")).tolist()
    [3, 1, 1]
    >>> parse_distribution({"normal": [1]})
    Traceback (most recent call last):
        ...
    simulacra.errors.SchemaError: distribution: normal takes mean, sd; sd is missing. Write it like {normal: [170, 10]}.
    """
    if isinstance(content, bool) or not isinstance(content, (int, float, Mapping)):
        raise SchemaError(
            f"{place}: expected a number or a distribution such as {{normal: [170, 10]}}, not {content!r}."
        )
    if isinstance(content, (int, float)):
        content = {"const": content}
    words = [word for word in content if word not in _BOUNDS]
    if len(words) != 1:
        raise SchemaError(
            f"{place}: a distribution has one word, such as {{normal: [170, 10]}}, not {', '.join(words) or 'none'}."
        )
    word = words[0]
    if word not in WORDS:
        raise SchemaError(f"{place}: {unknown('distribution', word, WORDS)}")
    if word == "mixture":
        return _mixture(content[word], place)
    if word == "quantiles":
        return _quantiles(content[word], place)
    return _member(FAMILIES[word], content, place)


def _member(family: Family, content: Mapping[str, Any], place: str) -> Of:
    given = content[family.word]
    bounds = {name: content[name] for name in _BOUNDS if name in content}
    if isinstance(given, Mapping):
        named = dict(given)
        bounds |= {name: named.pop(name) for name in _BOUNDS if name in named}
    else:
        listed = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(listed) > len(family.parameters):
            raise _wrong(family, f"{len(listed)} are given", place)
        named = dict(zip(family.parameters, listed))
    form = next((form for form in family.forms if set(named) & set(form)), family.parameters)
    for name in named:
        if name not in form:
            raise SchemaError(f"{place}: {unknown(f'parameter of {family.word}', str(name), form)}")
    for name in form:
        if name not in named and name not in family.defaults:
            raise _wrong(family, f"{name} is missing", place)
    values = {
        name: _parameter(named.get(name, family.defaults.get(name)), name, family, place) for name in form
    }
    low, high = values.get("low"), values.get("high")
    if not isinstance(low, (str, type(None))) and not isinstance(high, (str, type(None))) and low > high:
        raise SchemaError(f"{place}: {family.word} from {low} to {high}: low is above high. Swap them.")
    for name, bound in bounds.items():
        if isinstance(bound, bool) or not isinstance(bound, (int, float)):
            raise SchemaError(f"{place}: {name} of {family.word} must be a number, not {bound!r}.")
    least, most = bounds.get("min", -math.inf), bounds.get("max", math.inf)
    if least > most:
        raise SchemaError(f"{place}: {family.word} has min {least} above max {most}. Swap them.")
    return Of(family, tuple(values.items()), least, most)


def _parameter(value: Any, name: str, family: Family, place: str) -> float | str:
    if isinstance(value, str):
        if _DATED.fullmatch(value):
            raise SchemaError(
                f"{place}: {value!r} in {family.word} looks like a date or a time, and there is none such. Correct it."
            )
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SchemaError(f"{place}: {name} of {family.word} must be a number, not {value!r}.")
    if name in family.positive and value <= 0:
        raise SchemaError(f"{place}: {name} of {family.word} must be above 0, not {value}.")
    if family.word in {"poisson", "binomial"} and value < 0:
        raise SchemaError(f"{place}: {name} of {family.word} must be 0 or more, not {value}.")
    if (family.word == "geometric" and value < 1) or (name == "p" and value > 1):
        raise SchemaError(f"{place}: {name} of {family.word} is out of range: {value}.")
    if family.word == "int" and value != int(value):
        raise SchemaError(f"{place}: {name} of int must be a whole number, not {value}.")
    return int(value) if family.word == "int" else value


def _wrong(family: Family, what: str, place: str) -> SchemaError:
    takes = ", ".join(family.parameters)
    return SchemaError(f"{place}: {family.word} takes {takes}; {what}. Write it like {family.example}.")


def _quantiles(points: Any, place: str) -> Quantiles:
    numbers = list(points) if isinstance(points, (list, tuple)) else []
    fine = len(numbers) >= 2 and all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in numbers)
    if not fine or sorted(numbers) != numbers:
        raise SchemaError(f"{place}: quantiles are two or more numbers in rising order, such as [0, 3, 10].")
    return Quantiles(tuple(numbers), all(isinstance(x, int) for x in numbers))


def _mixture(parts: Any, place: str) -> Mixture:
    if not isinstance(parts, Sequence) or isinstance(parts, str) or not parts:
        raise SchemaError(
            f"{place}: a mixture is a list such as [{{weight: 0.9, of: {{normal: [0, 1]}}}}, {{weight: 0.1, of: 0}}]."
        )
    weights, members = [], []
    for number, part in enumerate(parts, 1):
        where = f"{place}, part {number}"
        if not isinstance(part, Mapping) or set(part) != {"weight", "of"}:
            raise SchemaError(
                f"{where}: expected weight and of, such as {{weight: 0.9, of: {{normal: [0, 1]}}}}."
            )
        weight = part["weight"]
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight >= 0:
            raise SchemaError(f"{where}: a weight is a number from 0, not {weight!r}.")
        weights.append(float(weight))
        members.append(parse_distribution(part["of"], where))
    if not sum(weights) > 0:
        raise SchemaError(f"{place}: all weights of the mixture are 0. Make one of them larger.")
    return Mixture(tuple(weights), tuple(members))
