"""How often histories that go on have been silent for so long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array

_AHEAD, _PACES = 6, 5
_TRUST = 5.0
"""Gaps of all entities that those of entities of the same pace are mixed with."""


@dataclass(frozen=True)
class Silence:
    """Gaps of many whole histories, by what was known before each: how much time was left, and the pace so far.

    Parameters
    ----------
    ahead, pace, gap : array, shape (gaps,)
        Time to the end of the clock; mean gap so far, NaN where there was none; the gap itself.
    """

    ahead: Array
    pace: Array
    gap: Array

    @classmethod
    def of(cls, entity: Array, now: Array, end: float) -> Silence:
        """Read the gaps of histories; `entity` and `now` of rows, those of an entity behind each other.

        Examples
        --------
        >>> found = Silence.of(np.zeros(5, int), np.array([0.0, 2, 2, 5, 6]), 10.0)
        >>> found.gap.tolist(), found.ahead.tolist(), found.pace.tolist()
        ([2.0, 3.0, 1.0], [10.0, 8.0, 5.0], [nan, 2.0, 2.5])
        """
        moment = np.append(True, (np.diff(entity) != 0) | (np.diff(now) != 0))[: len(now)]
        entity, now = entity[moment], now[moment]
        new = np.append(True, np.diff(entity) != 0)[: len(now)]
        begins = np.flatnonzero(new)[np.cumsum(new) - 1] if len(now) else np.zeros(0, np.int64)
        steps = np.arange(len(now)) - begins
        with np.errstate(invalid="ignore", divide="ignore"):
            pace = (now - now[begins]) / steps
        on = ~new[1:]
        until = end if np.isfinite(end) else now.max(initial=0.0)
        return cls(until - now[:-1][on], pace[:-1][on], np.diff(now)[on])

    def lasting(self, ahead: Array, pace: Array, quiet: Array) -> Array:
        """Return, of histories that go on, the share that is silent for longer than `quiet`."""
        if not len(self.gap):
            return np.ones(len(quiet))
        edges = np.unique(np.quantile(self.ahead, np.linspace(0, 1, _AHEAD + 1)[1:-1]))
        own, asked = np.searchsorted(edges, self.ahead), np.searchsorted(edges, ahead)
        held = self.pace[~np.isnan(self.pace)]
        paces = (
            np.unique(np.quantile(held, np.linspace(0, 1, _PACES + 1)[1:-1])) if len(held) else np.zeros(0)
        )
        own_pace = np.where(np.isnan(self.pace), -1, np.searchsorted(paces, self.pace))
        asked_pace = np.where(np.isnan(pace), -1, np.searchsorted(paces, pace))
        found = np.ones(len(quiet))
        for cell in np.unique(asked):
            rows = np.flatnonzero(asked == cell)
            of_all = np.sort(self.gap[own == cell])
            pooled = _share_above(of_all, quiet[rows])
            for kind in np.unique(asked_pace[rows]):
                some = rows[asked_pace[rows] == kind]
                gaps = np.sort(self.gap[(own == cell) & (own_pace == kind)])
                above = _share_above(gaps, quiet[some]) * len(gaps)
                found[some] = (above + _TRUST * pooled[asked_pace[rows] == kind]) / (len(gaps) + _TRUST)
        return found


def _share_above(ordered: Array, limits: Array) -> Array:
    """Return the share of ascending values above limits."""
    return (
        1 - np.searchsorted(ordered, limits, side="right") / max(len(ordered), 1)
        if len(ordered)
        else np.zeros(len(limits))
    )
