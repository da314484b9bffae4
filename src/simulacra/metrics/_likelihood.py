"""What the metrics share that ask the model itself how likely rows are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Likelihood
from simulacra.metrics._case import empty_side

FEWEST_ROWS = 50
TELLING = 0.05
"""Nats below which two rows are about as likely."""
MILLION = float(np.log(1e6))


@dataclass(frozen=True)
class Logs:
    """Log-probabilities of some rows, in nats: by column, and of whole rows."""

    columns: pl.DataFrame

    @classmethod
    def of(cls, likelihood: Likelihood, frame: pl.DataFrame) -> Logs:
        """Ask for the rows of a frame."""
        return cls(likelihood.measure(frame))

    @property
    def rows(self) -> Array:
        """Log-probability of each row."""
        return np.asarray(self.columns.to_numpy().sum(axis=1), dtype=np.float64)


def unanswerable(case: Comparison) -> str | None:
    """Say why the model's own likelihood can not be asked for, if it can not."""
    if case.likelihood is None:
        return (
            "it asks the model how likely rows are, and no model was given; "
            "give the one that made the rows with model=... (--model)"
        )
    if case.holdout is None:
        return "it needs real rows that the model never saw; give them with holdout=... (--holdout)"
    why = empty_side(case)
    if why is None and not case.table.columns:
        why = "there is no column to compare."
    return why


def times(nats: float) -> str:
    """Say in words how much likelier one row is than another.

    Examples
    --------
    >>> times(0.71), times(-6.4), times(0.01)
    ('2.0 times as likely as', '600 times less likely than', 'about as likely as')
    """
    if abs(nats) < TELLING:
        return "about as likely as"
    factor = np.exp(min(abs(nats), MILLION))
    said = f"{factor:.1f}" if factor < 10 else f"{float(f'{factor:.2g}'):,.0f}"
    said = "over a million" if abs(nats) >= MILLION else said
    return f"{said} times as likely as" if nats > 0 else f"{said} times less likely than"
