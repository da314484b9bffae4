"""What was seen while a network learnt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import polars as pl

HELD_OUT = "held-out"
"""The curve of the held-out rows."""
_SPARKS = "▁▂▃▄▅▆▇█"


@dataclass
class History:
    """What was seen while a network learnt: points of named curves.

    Parameters
    ----------
    step, curve, value : list
        A point each.
    """

    step: list[int] = field(default_factory=list)
    curve: list[str] = field(default_factory=list)
    value: list[float] = field(default_factory=list)

    def add(self, step: int, curve: str, value: float) -> None:
        """Add a point."""
        self.step.append(step)
        self.curve.append(curve)
        self.value.append(float(value))

    def of(self, curve: str) -> list[float]:
        """Return the values of one curve."""
        return [value for name, value in zip(self.curve, self.value) if name == curve]

    def frame(self) -> pl.DataFrame:
        """Return the points as rows."""
        return pl.DataFrame({"step": self.step, "curve": self.curve, "value": self.value})

    def words(self) -> str:
        """Say in a sentence what the curves show."""
        held = self.of(HELD_OUT)
        if not held:
            return f"The curves of {self.step[-1]:,} steps."
        at = int(np.argmin(held))
        where = [step for step, curve in zip(self.step, self.curve) if curve == HELD_OUT][at]
        return (
            f"Rows held out cost {held[at]:.3f} at best, after {where:,} of {self.step[-1]:,} steps: "
            "the weights of that step were kept."
        )

    def dump(self) -> dict[str, Any]:
        """Return the points as JSON and arrays."""
        names = list(dict.fromkeys(self.curve))
        at = np.array([names.index(name) for name in self.curve], np.uint8)
        return {
            "names": names,
            "curve": at,
            "step": np.array(self.step, np.int64),
            "value": np.array(self.value),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """Make the history from what `dump` gave."""
        curve = [str(state["names"][at]) for at in np.asarray(state["curve"]).tolist()]
        return cls(np.asarray(state["step"]).tolist(), curve, np.asarray(state["value"]).tolist())


def sparkline(values: Sequence[float], width: int = 16) -> str:
    """Draw a curve in one line of text.

    Examples
    --------
    >>> sparkline([4.0, 2.0, 1.0])
    '█▃▁'
    """
    held = [value for value in values if math.isfinite(value)]
    if not held:
        return ""
    at = np.linspace(0, len(held) - 1, min(width, len(held))).round().astype(int)
    points = np.array(held)[at]
    spread = points.max() - points.min()
    level = np.rint((points - points.min()) / (spread or 1.0) * (len(_SPARKS) - 1)).astype(int)
    return "".join(_SPARKS[i] for i in level)
