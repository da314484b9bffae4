"""Columns that are told in figures: what stands in a file becomes a column, its encoding and the cells of its axes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from simulacra._designing_plans import Planned, plan_levels, plan_numbers, plan_ranges, plan_time
from simulacra._designing_ranges import cut_ranges
from simulacra.distributions.cutting import MOST, Piece, list_pieces
from simulacra.distributions.functions import Law
from simulacra.distributions.grammar import WORDS, Distribution
from simulacra.distributions.moments import match_moments
from simulacra.domain import Array
from simulacra.errors import SchemaError, unknown
from simulacra.figures import Cells
from simulacra.rules.kinds.choice import Choice
from simulacra.rules.kinds.distribution import DistributionRule
from simulacra.rules.words import read_rule
from simulacra.schema._fields import FIELDS
from simulacra.schema.types import Table

_MOMENTS = ("mean", "variance", "sd", "skew")
_BESIDE = ("min", "max", "missing", "precision", "weights")
_TELLABLE = (
    "kind", "integer", "decimals", "step", "bounds", "unit", "format", "sensitive", "timezone", "levels",
)  # fmt: skip
"""Facts of a column that may stand beside its distribution."""


def plan_column(name: str, entry: Any, *, most: int = MOST) -> Planned:
    """Make a column of what is told of it.

    Parameters
    ----------
    name : str
        Its name.
    entry : mapping, number or Distribution
        A distribution of the rules' grammar (``{"normal": [170, 10]}``), ``{"choice": {"a": 0.3, "b": 0.7}}``,
        ``{"ranges": {"0-17": 0.2, "18-64": 0.8}}``, moments (``{"mean": 5, "variance": 4, "skew": 1}``), or a number;
        with ``missing``, ``min``, ``max`` and facts of a column (``kind``, ``integer``, ``decimals``, ``unit``,
        ``bounds``, ...) beside it.
    most : int
        Cells of a real axis, about.

    Returns
    -------
    Planned
        The column.

    Raises
    ------
    SchemaError, OptionError
        It can not be understood, or no numbers can be like that; with the column.

    Examples
    --------
    >>> plan_column("age", {"mean": 40, "sd": 12, "integer": True, "bounds": [0, 99]}).told
    'beta, a 6.2216, b 9.1768, low 0, high 99'
    >>> plan_column("age", {"mena": 40})
    Traceback (most recent call last):
        ...
    simulacra.errors.SchemaError: column 'age': no distribution named 'mena'; did you mean 'mean'?
    """
    place = f"column {name!r}"
    if isinstance(entry, Distribution):
        return plan_numbers(name, {}, list_pieces(entry, place), place, most, whole=entry.whole)
    if isinstance(entry, (int, float)) and not isinstance(entry, bool):
        entry = {"const": entry}
    if not isinstance(entry, Mapping):
        raise SchemaError(
            f"{place}: expected a distribution such as {{normal: [170, 10]}}, {{choice: {{a: 0.3, b: 0.7}}}} or "
            f"{{mean: 5, sd: 2}}, not {entry!r}."
        )
    facts, told = _part(entry, place)
    missing = _share(told.pop("missing", 0.0), place)
    if missing:
        facts["nullable"] = True
    if "mean" in told:
        planned = _plan_moments(name, facts, told, place, most)
    elif "ranges" in told:
        planned = _plan_ranges(name, facts, told, place)
    else:
        planned = _plan_rule(name, facts, told, place, most)
    return replace(planned, cells=tuple(_with_missing(own, planned, missing) for own in planned.cells))


def says_distribution(entry: Any) -> bool:
    """Tell whether more than facts of a column is told."""
    return not isinstance(entry, Mapping) or any(name not in FIELDS for name in entry)


def _part(entry: Mapping[str, Any], place: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part facts of the column from its distribution, of which there must be one."""
    words = (*WORDS, "choice", "ranges", "mean")
    spoken = [name for name in entry if name in words]
    for name in entry:
        if name in words or name in _BESIDE or name in _TELLABLE or (name in _MOMENTS and "mean" in spoken):
            continue
        if name in _MOMENTS:
            raise SchemaError(f"{place}: {name} is told and the mean is not. Add it: mean.")
        known = (*_TELLABLE, *_BESIDE, *_MOMENTS) if spoken else (*words, *_TELLABLE)
        raise SchemaError(f"{place}: {unknown('option' if spoken else 'distribution', str(name), known)}")
    if len(spoken) != 1:
        found = " and ".join(spoken) or "nothing of its distribution"
        raise SchemaError(f"{place}: {found} is told. Tell one, such as {{normal: [170, 10]}}.")
    facts = {name: value for name, value in entry.items() if name in _TELLABLE}
    return facts, {name: value for name, value in entry.items() if name not in _TELLABLE}


def _share(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise SchemaError(f"{place}: missing is a share from 0 to below 1, not {value!r}.")
    return float(value)


def _with_missing(cells: Cells, planned: Planned, missing: float) -> Cells:
    """Add the share of "no value": a code of its own at the end of levels."""
    if not missing:
        return cells
    share = cells.share * (1 - missing)
    if planned.column.kind in {"category", "boolean"}:
        share[-1] = share[-1] + missing
        return replace(cells, share=share, blank=len(share) - 1)
    return replace(cells, share=share, missing=missing)


def _plan_moments(name: str, facts: dict[str, Any], told: dict[str, Any], place: str, most: int) -> Planned:
    """Choose a family by moments."""
    if facts.get("kind", "number") != "number":
        raise SchemaError(f"{place}: moments are those of a number, and its kind is {facts['kind']!r}.")
    if ("sd" in told) == ("variance" in told):
        raise SchemaError(
            f"{place}: a mean stands with the variance, or with sd, the standard deviation. Tell one."
        )
    spread = told.get("sd", told.get("variance"))
    if isinstance(spread, bool) or not isinstance(spread, (int, float)):
        raise SchemaError(f"{place}: {'sd' if 'sd' in told else 'variance'} is a number, not {spread!r}.")
    variance = float(spread) ** 2 if "sd" in told else float(spread)
    low, high = _bounds(facts, told, place)
    integer = bool(facts.get("integer"))
    law = match_moments(
        told["mean"], variance, told.get("skew"), low=low, high=high, integer=integer, place=place
    )
    return plan_numbers(name, facts, [(1.0, law)], place, most, whole=integer or law.whole)


def _bounds(facts: Mapping[str, Any], told: Mapping[str, Any], place: str) -> tuple[float, float]:
    ends = list(facts.get("bounds") or (None, None))
    ends = [told.get("min", ends[0]), told.get("max", ends[-1])]
    for end in ends:
        if end is not None and (isinstance(end, bool) or not isinstance(end, (int, float))):
            raise SchemaError(f"{place}: an end of its numbers is a number, not {end!r}.")
    low, high = (default if end is None else float(end) for end, default in zip(ends, (-math.inf, math.inf)))
    return low, high


def _plan_ranges(name: str, facts: dict[str, Any], told: dict[str, Any], place: str) -> Planned:
    ranges = told["ranges"]
    if not isinstance(ranges, Mapping) or not ranges:
        raise SchemaError(f'{place}: ranges have shares, as in {{ranges: {{"0-17": 0.2, "18-64": 0.8}}}}.')
    low, high = _bounds(facts, told, place)
    found = cut_ranges([str(label) for label in ranges], low, high, place)
    share = read_shares(list(ranges.values()), place)[found.order]
    return plan_ranges(name, facts, found.low, found.high, share, found.whole, place)


def read_shares(values: list[Any], place: str) -> Array:
    """Read shares that sum to 1, or to 100.

    Examples
    --------
    >>> read_shares([30, 70], "here").tolist()
    [0.3, 0.7]
    """
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            raise SchemaError(f"{place}: a share is a number from 0, not {value!r}.")
    total = math.fsum(values)
    # figures that are printed are rounded, each by half of the last digit at most
    slack = 0.0051 * len(values) ** 0.5 + 1e-9
    if not (abs(total - 1) <= slack or abs(total / 100 - 1) <= slack):
        raise SchemaError(
            f"{place}: the shares sum to {total:.4g}, and not to 1 (or 100). Correct one of them."
        )
    return np.asarray(values, np.float64) / total


def _plan_rule(name: str, facts: dict[str, Any], told: dict[str, Any], place: str, most: int) -> Planned:
    """Make a column of what the rules' grammar says."""
    rule = read_rule(told, place)
    own = rule.facts(Table("", ()))
    if isinstance(rule, Choice):
        if facts.get("kind", own["kind"]) == "number" and own["kind"] == "number":
            weights = np.asarray(rule.weights) / sum(rule.weights)
            pieces: list[tuple[float, Piece]] = [
                (float(weight), Law("const", {"value": float(value)}))
                for value, weight in zip(rule.values, weights)
            ]
            whole = bool(own.get("integer"))
            planned = plan_numbers(name, facts, pieces, place, most, whole=whole)
            return replace(planned, told=f"shares of {len(pieces)} numbers")
        return plan_levels(
            name, facts, [_text(value) for value in rule.values], np.asarray(rule.weights), place
        )
    assert isinstance(rule, DistributionRule)
    kind = str(own["kind"])
    if facts.get("kind", kind) != kind:
        raise SchemaError(f"{place}: its distribution is one of a {kind}, and its kind is {facts['kind']!r}.")
    pieces = list_pieces(rule.distribution, place)
    if kind == "number":
        return plan_numbers(name, facts, pieces, place, most, whole=rule.distribution.whole)
    return plan_time(name, {**facts, "kind": kind}, pieces, rule.precision, place, most)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
