"""Row weights: how many of the population each row stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from simulacra.domain import Array, Block
from simulacra.errors import DataError
from simulacra.metric import Comparison
from simulacra.schema.types import Column, Table

FULL = 0.99
"""Rows whose weight is above this quantile all count alike in an evaluation, so that few rows are left out."""


def level_weights(values: pl.Series, column: Column) -> pl.Series:
    """Give every row the mean weight, written as the column writes numbers.

    Drawn rows stand for the population equally, so this is what comes back in the column of weights.

    Parameters
    ----------
    values : Series
        Weights.
    column : Column
        What the schema says of them.

    Examples
    --------
    >>> level_weights(pl.Series("w", [1, 2, 6]), Column("w", "number", integer=True)).to_list()
    [3, 3, 3]
    """
    numbers = values.cast(pl.Float64).to_numpy()
    mean = float(numbers.mean())
    if column.step:
        mean = round(mean / column.step) * column.step
    mean = (
        round(mean)
        if column.integer
        else round(mean, column.decimals)
        if column.decimals is not None
        else mean
    )
    # rounding must not take it out of what occurs
    mean = float(np.clip(mean, numbers.min(), numbers.max()))
    return pl.Series(values.name, np.full(len(values), mean)).cast(values.dtype)


def weigh(block: Block, table: Table, holders: int) -> tuple[Block, tuple[str, ...]]:
    """Bring the weights of a block to a mean of 1, and leave rows of weight 0 out.

    Parameters
    ----------
    block : Block
        Encoded rows; without weights it is given back as it is.
    table : Table
        Its schema.
    holders : int
        k of the protection, which counts rows, whatever they weigh.

    Returns
    -------
    block : Block
        The rows that stand for somebody.
    notes : tuple of str
        What the weights did.

    Raises
    ------
    DataError
        Fewer than k rows have a weight above 0.
    """
    if block.weights is None:
        return block, ()
    some = block.weights > 0
    if some.sum() < holders:
        raise DataError(
            f"table {table.name!r}: only {int(some.sum()):,} rows have a weight above 0, and protection needs "
            f"{holders} that share a value. Correct the weights, or switch it off with protect=False (--no-protect)."
        )
    kept = block if some.all() else block.take(np.flatnonzero(some))
    weights: Array = np.asarray(kept.weights, dtype=np.float64)
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    notes = [
        f"rows are weighed by {table.weight!r}: drawn rows stand for the population equally, and hold its mean each. "
        f"The {len(kept):,} rows tell as much as {effective:,.0f} of equal weight."
    ]
    if not some.all():
        notes.append(f"{int((~some).sum()):,} rows of weight 0 were left out.")
    return replace(kept, weights=weights / weights.mean()), tuple(notes)


def thin(case: Comparison) -> tuple[Comparison, Comparison, tuple[str, ...]]:
    """Turn weighted rows into fewer rows of equal weight, so that any metric can be asked about the population.

    Parameters
    ----------
    case : Comparison
        Rows under a schema that may name a weight.

    Returns
    -------
    thinned : Comparison
        Each row stays with a probability in proportion to its weight, without the column of weights.
    whole : Comparison
        All rows, without the column of weights: for questions about persons, such as those of privacy.
    notes : tuple of str
        How many rows stayed.

    Notes
    -----
    **Source**: Poisson sampling (Saerndal, Swensson and Wretman 1992, "Model Assisted Survey Sampling", section 3.5).
    The largest 1 % of weights count as the smallest of them.

    **Cost**: linear.
    """
    name = case.table.weight
    if name is None:
        return case, case, ()
    columns = tuple(column for column in case.table.columns if column.name != name)
    whole = replace(
        case,
        table=replace(case.table, columns=columns, weight=None),
        train=case.train.drop(name),
        synthetic=case.synthetic.drop(name),
        holdout=None if case.holdout is None else case.holdout.drop(name),
    )
    notes: list[str] = []
    fewer = replace(
        whole,
        entities={},
        train=_thin(case.train, name, case.streams.stream("weights", "train"), "train", notes),
        synthetic=_thin(
            case.synthetic, name, case.streams.stream("weights", "synthetic"), "synthetic", notes
        ),
        holdout=None
        if case.holdout is None
        else _thin(case.holdout, name, case.streams.stream("weights", "holdout"), "holdout", notes),
    )
    return fewer, whole, tuple(notes)


def _thin(
    frame: pl.DataFrame, name: str, stream: np.random.Generator, role: str, notes: list[str]
) -> pl.DataFrame:
    """Keep rows in proportion to their weights; all where these are equal."""
    weights = frame[name].cast(pl.Float64).fill_null(0.0).to_numpy()
    top = float(np.quantile(weights, FULL)) if len(weights) else 0.0
    top = top or float(weights.max(initial=0.0)) or 1.0
    stay = stream.random(len(weights)) * top < weights
    if stay.all():
        return frame.drop(name)
    notes.append(
        f"{role}: fidelity and usefulness are measured on {int(stay.sum()):,} of {len(frame):,} rows, kept in "
        f"proportion to {name!r}; privacy is measured on all."
    )
    return frame.drop(name).filter(pl.Series(stay))
