"""How much oftener an attack succeeds on training rows than on real rows that were never seen, and by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import binom, norm

from simulacra.metric import Verdict
from simulacra.metrics._case import judge, percent
from simulacra.metrics._shares import chance_of_more, share_interval
from simulacra.metrics._verdicts import ALARM

FEWEST_ROWS = 250
"""Training and holdout rows below which an attack could only see a flood of leaks."""
POWER_TAIL = float(norm.cdf(norm.ppf(0.05) * np.sqrt(2)))
"""Both sides vary, and only one is looked at below: its 5 % tail is taken further out, as that of a difference."""


@dataclass(frozen=True)
class Contrast:
    """Successes of one attack on training rows, and on holdout rows as its control.

    Without a leak the training rows and the holdout rows are two random parts of one population, whatever the
    attack and however small the parts, so the successes fall among both as balls drawn from an urn do.

    Parameters
    ----------
    hits, rows : int
        Training rows attacked with success, and attacked.
    control_hits, control_rows : int
        The same of holdout rows.
    scale : float
        Turns the share of rows into the share that is shown (of guesses made, say).

    Notes
    -----
    **Source** Giomi et al. 2022, "A unified framework for quantifying privacy risk in synthetic data", section 4
    (excess over a control, as a share of what the control leaves); Newcombe 1998, method 10 (the interval, with
    the first-order effect of the control on what it leaves); Fisher's
    exact test (the chance).

    Examples
    --------
    >>> found = Contrast(60, 100, 20, 100)
    >>> round(found.value, 3), found.probability < 1e-6
    (0.5, True)
    """

    hits: int
    rows: int
    control_hits: int
    control_rows: int
    scale: float = 1.0

    @property
    def share(self) -> float:
        """Success among training rows."""
        return self.scale * self.hits / self.rows if self.rows else 0.0

    @property
    def control(self) -> float:
        """Success among holdout rows."""
        return self.scale * self.control_hits / self.control_rows if self.control_rows else 0.0

    @property
    def value(self) -> float:
        """The excess as a share of what the control leaves; a shortfall is a plain difference."""
        return self._rescale(self.share - self.control)

    @property
    def probability(self) -> float:
        """Chance of as many hits among the training rows, or more, if nothing leaks."""
        return float(chance_of_more(self.hits, self.rows, self.control_hits, self.control_rows))

    def interval(self, looks: int = 1) -> tuple[float, float]:
        """Return the 95 % interval of the value, for as many figures at once as the worst was picked from."""
        z = float(norm.isf(0.025 / max(1, looks)))
        low, high = (self.scale * end for end in share_interval(self.hits, self.rows, z))
        control_low, control_high = (
            self.scale * e for e in share_interval(self.control_hits, self.control_rows, z)
        )
        gap = self.share - self.control
        # what the control is uncertain by moves the excess and what is left for it, one against the other; the
        # lower end does without, since a shortfall is on another scale
        weight = (1 - self.share) / (1 - self.control) if gap > 0 and self.control < 1 else 1.0
        below = gap - float(np.hypot(self.share - low, control_high - self.control))
        above = gap + float(np.hypot(high - self.share, weight * (self.control - control_low)))
        return self._rescale(below), self._rescale(above)

    def detectable(self, looks: int = 1, least: float = 0.0) -> float:
        """Return the smallest value that would have been told from chance with 95 % power, and counted.

        It is 1 where even a complete leak could not be told from chance, for there are too few rows.
        """
        return max(
            least, _detectable(self.rows, self.control_hits, self.control_rows, self.scale, max(1, looks))
        )

    def beyond_chance(self, looks: int = 1) -> bool:
        """Tell whether unseen real rows would hardly ever get as many hits."""
        return self.probability < ALARM / max(1, looks)

    def judge(self, limits: tuple[float, float], looks: int = 1) -> Verdict:
        """Judge the value; what chance explains passes."""
        return judge(self.value, limits) if self.beyond_chance(looks) else "pass"

    def record(self, looks: int = 1, least: float = 0.0) -> dict[str, float]:
        """Return the figures for a table of details."""
        low, high = self.interval(looks)
        return {
            "train": self.share,
            "holdout": self.control,
            "excess": self.value,
            "low": low,
            "high": high,
            "chance": min(1.0, self.probability * max(1, looks)),
            "detectable": self.detectable(looks, least),
        }

    def _rescale(self, gap: float) -> float:
        room = 1 - self.control
        return float(min(1.0, max(-1.0, gap / room if gap > 0 and room > 0 else gap)))


def worst(contrasts: Sequence[Contrast], looks: int | None = None) -> int:
    """Return the position of the contrast that chance explains least; of none beyond chance, the sharpest one.

    Figures that say nothing would else be shown for the noise that they are picked for.
    """
    looks = looks or len(contrasts)

    def order(i: int) -> tuple[bool, float, float]:
        found = contrasts[i]
        if found.beyond_chance(looks):
            return False, found.probability, -found.value
        return True, found.detectable(looks), -found.value

    return min(range(len(contrasts)), key=order)


def seen(found: Contrast, looks: int, limits: tuple[float, float]) -> str:
    """Say how small a leak would have been noticed."""
    return f"it would have seen an excess of {percent(found.detectable(looks, limits[0]))} with 95 % power"


def sightless(found: Contrast, looks: int, what: str) -> str | None:
    """Say that even a complete leak could not be told from chance, if that is so."""
    if found.beyond_chance(looks) or found.detectable(looks) < 1.0:
        return None
    return f"{what}, so that even a complete leak could not be told from chance; give more real rows."


def too_few(train: int, holdout: int) -> str | None:
    """Say that there are too few rows to attack, if there are."""
    if min(train, holdout) >= FEWEST_ROWS:
        return None
    return (
        f"it needs at least {FEWEST_ROWS} training rows and {FEWEST_ROWS} holdout rows, and there are {train:,} and "
        f"{holdout:,}; give more."
    )


@lru_cache(maxsize=1024)
def _detectable(rows: int, control_hits: int, control_rows: int, scale: float, looks: int) -> float:
    trials = round(rows / scale)
    chance = min(1.0, scale * (control_hits + 0.5) / (control_rows + 1))
    nothing, everything = 0.0, 1.0
    for _ in range(20):
        middle = (nothing + everything) / 2
        hits = int(binom.ppf(POWER_TAIL, trials, chance + middle * (1 - chance)))
        if Contrast(hits, rows, control_hits, control_rows).beyond_chance(looks):
            everything = middle
        else:
            nothing = middle
    return 1.0 if nothing > 1 - 1e-5 else everything
