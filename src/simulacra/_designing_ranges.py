"""Ranges of numbers as people write them: ``0-17``, ``18-64``, ``65+``, ``<18``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array
from simulacra.errors import SchemaError

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_BETWEEN = re.compile(rf"({_NUMBER})\s*(?:-|–|\.\.|to)\s*({_NUMBER})")
_ABOVE = re.compile(rf"(?:>=\s*|≥\s*)({_NUMBER})|({_NUMBER})\s*\+")
_BELOW = re.compile(rf"<\s*({_NUMBER})")
_SINGLE = re.compile(_NUMBER)


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges in ascending order.

    Parameters
    ----------
    low, high : array
        Where each begins and ends.
    order : array of int
        Which of those given each is.
    whole : bool
        Whether they are of whole numbers: each begins one above the end of the one before.
    """

    low: Array
    high: Array
    order: Array
    whole: bool


def is_range(label: str) -> bool:
    """Tell whether a label is a range or a number.

    Examples
    --------
    >>> [is_range(label) for label in ("0-17", "65+", "<18", "3", "yes", "2020-01-01")]
    [True, True, True, True, False, False]
    """
    label = label.strip()
    return any(pattern.fullmatch(label) for pattern in (_BETWEEN, _ABOVE, _BELOW, _SINGLE))


def cut_ranges(labels: Sequence[str], low: float, high: float, place: str) -> Ranges:
    """Read ranges.

    Parameters
    ----------
    labels : sequence of str
        As they are written.
    low, high : float
        Where those end that have no end; infinite where nothing is said.
    place : str
        Where they stand, for messages.

    Returns
    -------
    Ranges
        They do not overlap.

    Raises
    ------
    SchemaError
        One can not be read, has no end, or overlaps with another.

    Examples
    --------
    >>> cut_ranges(["18-64", "0-17", "65+"], 0, 99, "age").high.tolist()
    [17.0, 64.0, 99.0]
    """
    ends = [_read(label.strip(), low, high, place) for label in labels]
    order = np.argsort([start for start, _ in ends], kind="stable")
    starts, stops = (np.array([end[side] for end in ends], np.float64)[order] for side in (0, 1))
    gaps = starts[1:] - stops[:-1]
    if (gaps < 0).any() or ((gaps == 0) & (starts[1:] == stops[1:])).any():
        at = int(np.argmin(gaps))
        raise SchemaError(f"{place}: {labels[order[at]]!r} and {labels[order[at + 1]]!r} overlap. Part them.")
    every = np.append(starts, stops)
    whole = bool((every == np.rint(every)).all() and (gaps > 0).all())
    return Ranges(starts, stops, order, whole)


def _read(label: str, low: float, high: float, place: str) -> tuple[float, float]:
    if found := _BETWEEN.fullmatch(label):
        start, stop = float(found[1]), float(found[2])
        if start > stop:
            raise SchemaError(f"{place}: {label!r} ends before it begins. Swap its ends.")
        return start, stop
    if found := _ABOVE.fullmatch(label):
        start = float(found[1] or found[2])
        if not start <= high < math.inf:
            raise SchemaError(
                f"{place}: {label!r} has no end. Say the largest number, such as bounds: [0, 100]."
            )
        return start, high
    if found := _BELOW.fullmatch(label):
        stop = float(found[1])
        if not -math.inf < low < stop:
            raise SchemaError(
                f"{place}: {label!r} has no beginning. Say the smallest number, such as bounds: [0, 100]."
            )
        # whole ends mean whole numbers, of which the last lies one below
        return low, stop - 1 if stop == int(stop) and low == int(low) else stop
    if _SINGLE.fullmatch(label):
        return float(label), float(label)
    raise SchemaError(f"{place}: {label!r} is no range. Write 0-17, 65+ or <18.")
