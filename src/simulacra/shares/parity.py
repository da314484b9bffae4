"""Parity between groups in drawn rows, by a definition that is stated: quotas, or new values of the target."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from simulacra.blocks import Draw
from simulacra.errors import ImpossibleCondition, OptionError
from simulacra.generator import Progress, silent
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table
from simulacra.shares._crossing import Crossing, Parts
from simulacra.shares._definitions import DEFINITIONS as DEFINITIONS
from simulacra.shares._definitions import OPTIONS as OPTIONS
from simulacra.shares._definitions import TRANSFORMS, Parity
from simulacra.shares._definitions import USES as USES
from simulacra.shares._definitions import read_parity as read_parity
from simulacra.shares._definitions import require_columns as require_columns
from simulacra.shares._joint import Joint, Plan
from simulacra.shares._relabel import LogDensity
from simulacra.shares.quotas import fill_quotas

PILOT_ROWS = 2 * BLOCK_ROWS
MOST_CELLS = 2_000


def plan_parity(
    asked: Parity,
    n: int,
    table: Table,
    draw: Draw,
    streams: Streams,
    *,
    condition: Predicate | None = None,
    density: LogDensity | None = None,
    model: str = "",
) -> Plan:
    """Plan how to draw n rows that keep to a definition of parity.

    Parameters
    ----------
    asked : Parity
        What `read_parity` gave.
    n : int
        How many rows.
    table : Table
        The model's schema.
    draw : callable
        Draws rows that satisfy a predicate.
    streams : Streams
        Where randomness comes from.
    condition : Predicate or None
        Every row satisfies it besides, and the definition holds among such rows.
    density : callable or None
        Log-probability of rows, minus infinity for those that may not be given; None for a model that can not tell.
    model : str
        The model's name, for messages.

    Returns
    -------
    Plan

    Raises
    ------
    OptionError
        The model can not tell how likely rows are and the definition needs it; too many cells; the condition names
        the target and the definition would change it.
    UnknownName
        `positive` or a group of `shares` does not occur.
    ImpossibleCondition
        There are fewer than two groups, or the target has one level only.

    Notes
    -----
    Joint shares are counted in 131,072 rows that the model draws. A level or a group that none of them holds is taken
    for one that does not occur. Shares become whole rows by largest remainder in each margin, so that a rate differs
    from what was asked by less than one row of its group.

    **Cost**: the pilot; for ``no-direct-path`` and ``relabel`` one density for each level (and group) and row.

    **Source**: Kamiran & Calders 2012, "Data preprocessing techniques for classification without discrimination",
    the parts on massaging and on reweighing; Kamiran, Zliobaite & Calders 2013, "Quantifying explainable
    discrimination and removing illegal discrimination in automated decision making", on explanatory attributes;
    Hardt, Price & Srebro 2016, "Equality of opportunity in supervised learning", section 2 (names of the criteria).

    Examples
    --------
    >>> import numpy as np, polars as pl
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("sex", "category"), Column("paid", "category")))
    >>> def draw(n, predicate, streams):
    ...     sex, luck = streams.stream("sex").random(n) < 0.5, streams.stream("paid").random(n)
    ...     paid = luck < np.where(sex, 0.2, 0.4)
    ...     return pl.DataFrame({"sex": np.where(sex, "f", "m"), "paid": np.where(paid, "yes", "no")})
    >>> asked = read_parity({"target": "paid", "group": "sex", "definition": "base-rates", "rate": 0.5}, table)
    >>> [quota.rows for quota in plan_parity(asked, 100, table, draw, Streams(1)).quotas]
    [25, 25, 25, 25]
    """
    _require_able(asked, condition, density, model)
    pilot = draw(PILOT_ROWS, condition, streams.at("pilot"))
    target = Parts.cut(table[asked.target], pilot[asked.target])
    groups = Crossing.cut([table[name] for name in asked.group], pilot)
    strata = Crossing.cut([table[name] for name in asked.given], pilot)
    if len(target) < 2 or len(groups) < 2:
        what = f"{asked.target!r} has one level" if len(target) < 2 else "there is one group"
        raise ImpossibleCondition(
            f"fair: {what} only among {len(pilot):,} rows drawn, so there is nothing to make equal."
        )
    size = len(strata) * len(groups) * len(target)
    if size > MOST_CELLS:
        raise OptionError(
            f"fair: {len(strata):,} strata x {len(groups):,} groups x {len(target):,} levels are {size:,} cells; at "
            f"most {MOST_CELLS:,} are told apart. Name fewer columns, or columns of fewer levels."
        )
    joint = Joint(asked, table, target, groups, strata, pilot)
    if asked.definition in TRANSFORMS:
        assert density is not None
        return joint.relabel(density)
    return joint.tilt(n)


def _require_able(asked: Parity, condition: Predicate | None, density: LogDensity | None, model: str) -> None:
    if asked.definition not in TRANSFORMS:
        return
    if density is None:
        raise OptionError(
            f"fair: {asked.definition!r} asks the model how likely rows are, and model {model!r} can not tell. Fit one "
            "that can: 'trees' (-m trees), or choose another definition."
        )
    if condition is not None and asked.target in condition.columns:
        raise OptionError(
            f"fair: {asked.definition!r} changes {asked.target!r}, and the condition is about it. Leave it out of the "
            "condition, or choose 'independence'."
        )


def fill_parity(
    plan: Plan,
    n: int,
    draw: Draw,
    streams: Streams,
    notes: list[str],
    *,
    condition: Predicate | None = None,
    progress: Progress = silent,
) -> Iterator[pl.DataFrame]:
    """Draw n rows that keep to a definition of parity.

    Parameters
    ----------
    plan : Plan
        What `plan_parity` gave.
    n, draw, streams, condition
        As for `plan_parity`.
    notes : list of str
        Gets the notes of the plan, and how many rows were changed.
    progress : callable
        Told the share done.

    Yields
    ------
    DataFrame
        Blocks of 65,536 rows; one without rows when n is 0.

    Raises
    ------
    ImpossibleCondition, RareCondition
        As `fill_quotas`.

    Notes
    -----
    **Cost**: that of the draws, and of two densities per row where targets are changed.
    """
    notes += plan.notes
    if plan.relabelling is None:
        own = streams.at("quotas")
        yield from fill_quotas(plan.quotas, draw, own, condition, cells=plan.cells, progress=progress)
        return
    changed = 0
    for block, start in enumerate(range(0, max(n, 1), BLOCK_ROWS)):
        rows = min(BLOCK_ROWS, n - start)
        frame = draw(rows, condition, streams.at("block", block))
        frame, flips = plan.transform(frame, streams.at("change", block))
        changed += flips
        progress((start + rows) / max(n, 1), "drawing rows")
        yield frame
    notes += plan.tell(changed, n)
