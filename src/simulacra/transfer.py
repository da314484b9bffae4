"""Few rows of one's own, and a model of related ones: learn from both, as far as the related ones help.

Rows drawn from the related model join the fit as a prior of some weight. They are raked first, so that each column has
the shares that one's own rows show: what is taken over is how columns go together. How much they weigh is chosen by how
likely rows of one's own are that were held out: from nothing (what was learnt elsewhere does not hold here) to many
times the rows there are.

Source: Ibrahim and Chen 2000, "Power prior distributions for regression models" (weight of historical data); Huang
et al. 2020, "Catalytic prior distributions with application to generalized linear models" (a prior of made rows).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from simulacra.dataset import Dataset
from simulacra.domain import Array, Block
from simulacra.encoding import Encoding
from simulacra.errors import DataError, OptionError
from simulacra.exhibit import Exhibit
from simulacra.fitting import fit_table
from simulacra.frames import to_polars
from simulacra.generator import Dense, Progress, part, silent
from simulacra.intake import Intake
from simulacra.plausibility import FLOOR
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Schema, Table
from simulacra.shares.raking import rake
from simulacra.synthesizer import Synthesizer, make_generator

LADDER = (0.0, 0.5, 2.0, 8.0, 32.0)
"""Weights that are tried: what all drawn rows weigh together, in rows of one's own."""
FOLDS = 3
LEAST, MOST, EACH = 2_000, 20_000, 20
"""Rows drawn from the related model: so many for each of one's own, within these limits."""
PARTS = 6
"""Parts that a column of numbers is cut into for raking."""
PRIOR = 10.0
"""Rows of one's own that the related shares of a column count for: a share of few rows is not taken at its word."""
SWEEPS = 30
JUDGE = "trees"
"""The model by which the weight is chosen where the asked one can not tell how likely rows are."""


@dataclass(frozen=True)
class Recipe:
    """How every fit of the search is made: model, its options, seed and k."""

    model: str
    options: Mapping[str, Any]
    seed: int
    holders: int


@dataclass(frozen=True)
class Related:
    """Rows drawn from the related model, and what each counts; weights sum to 1."""

    rows: pl.DataFrame
    weights: Array


def fit_from(
    given: Dataset, start: Synthesizer, recipe: Recipe, *, progress: Progress = silent
) -> Synthesizer:
    """Fit a model to rows, with a model of related ones to start from.

    Parameters
    ----------
    given : Dataset
        Rows of one's own, of one table.
    start : Synthesizer
        A model of related rows, with the same columns.
    recipe : Recipe
        What to fit, and how.
    progress : callable
        Told the share done.

    Returns
    -------
    Synthesizer
        The model. Its notes say how much the related rows weigh, and what held-out rows gain by it.

    Raises
    ------
    DataError
        The columns are not the same.

    Notes
    -----
    **Cost**: some 13 fits of the rows there are and of 2,000 to 20,000 drawn ones.

    **Privacy**: a value may be given out if enough rows of both kinds hold it; what `start` gives out, it has learnt
    under a protection of its own.
    """
    own = given.polars()
    table = _joined_table(given.schema.table(), start.table)
    drawn = _draw(start, min(max(EACH * len(own), LEAST), MOST), recipe.seed).select(own.columns)
    related = Related(drawn, _raked(own, drawn, table))
    judge = recipe
    if not isinstance(make_generator(recipe.model, recipe.options), Dense):
        judge = replace(recipe, model=JUDGE, options={})
    gains = _judge(own, related, table, judge, part(progress, 0.0, 0.8))
    best = int(np.argmax(gains.mean(axis=1)))
    fitted = _fit(own, related, LADDER[best], table, recipe, part(progress, 0.8, 1.0))
    said = _say(gains, best, start, judge.model if judge is not recipe else None)
    layout = given.layouts[given.name]
    return replace(
        fitted, table=replace(fitted.table, key=given.schema.table().key), layout=layout,
        notes=(*fitted.notes, said),
        provenance={
            **fitted.provenance,
            "start": _facts(start, LADDER[best], gains, best),
            "shown": [*fitted.provenance.get("shown", ()), _show(LADDER[best], gains).dump()],
        },
    )  # fmt: skip


def _joined_table(own: Table, other: Table) -> Table:
    """Return the schema of both kinds of rows together: levels and bounds are those of all."""
    if sorted(own.names) != sorted(other.names):
        lacking = [name for name in own.names if name not in other.names]
        extra = [name for name in other.names if name not in own.names]
        said = [f"the model to start from lacks {', '.join(map(repr, lacking))}"] if lacking else []
        said += [f"these rows lack {', '.join(map(repr, extra))}"] if extra else []
        raise DataError(f"start= needs the same columns: {'; '.join(said)}. Rename, drop or add columns.")
    if own.weight is not None:
        raise OptionError("start= can not be used with a column of weights. Leave one of the two out.")
    for column in own.columns:
        there = other[column.name]
        if there.kind != column.kind:
            raise DataError(
                f"column {column.name!r} is a {column.kind} here and a {there.kind} in the model to start from. "
                "Give a schema (schema=) that says which it is."
            )
    return Table(
        own.name, tuple(_joined_column(c, other[c.name]) for c in own.columns), constraints=own.constraints
    )


def _joined_column(own: Column, other: Column) -> Column:
    decimals = None if None in (own.decimals, other.decimals) else max(own.decimals or 0, other.decimals or 0)
    return replace(
        own, nullable=own.nullable or other.nullable, integer=own.integer and other.integer, decimals=decimals,
        levels=own.levels if own.declared else None, bounds=own.bounds if own.declared else None,
    )  # fmt: skip


def _draw(start: Synthesizer, n: int, seed: int) -> pl.DataFrame:
    # a stream of its own: the model's own draws must not be those it was started from
    return pl.concat(start.chunks(n, seed=Streams(seed).key("start") % 2**62))


def _raked(own: pl.DataFrame, drawn: pl.DataFrame, table: Table) -> Array:
    """Weigh drawn rows so that each column by itself has nearly the shares of one's own rows."""
    labels, targets = [], []
    for column in table.columns:
        if column.kind in {"text", "key"}:
            continue
        mine, theirs = _parts(own[column.name], drawn[column.name])
        size = int(max(mine.max(initial=0), theirs.max(initial=0))) + 1
        there = np.bincount(theirs, minlength=size) / len(theirs)
        wanted = np.where(there > 0, np.bincount(mine, minlength=size) + PRIOR * there, 0.0)
        labels.append(theirs)
        targets.append(wanted / wanted.sum())
    even = np.full(len(drawn), 1 / len(drawn))
    return rake(even, np.stack(labels, axis=1), targets, most=SWEEPS).shares if labels else even


def _parts(own: pl.Series, drawn: pl.Series) -> tuple[Array, Array]:
    """Number the levels of both series, or the parts between quantiles of the first; missing is a part of its own."""
    both = pl.concat([own.to_physical(), drawn.to_physical().cast(own.to_physical().dtype)])
    if both.dtype.is_numeric():
        known = both[: len(own)].drop_nulls().cast(pl.Float64).to_numpy()
        edges = np.unique(np.quantile(known, np.arange(1, PARTS) / PARTS)) if len(known) else np.empty(0)
        at = np.searchsorted(edges, both.cast(pl.Float64).fill_null(0.0).to_numpy(), side="left") + 1
        codes = np.where(both.is_null().to_numpy(), 0, at)
    else:
        codes = both.rank("dense").fill_null(0).to_numpy()
    return codes[: len(own)].astype(np.int64), codes[len(own) :].astype(np.int64)


def _judge(own: pl.DataFrame, related: Related, table: Table, judge: Recipe, progress: Progress) -> Array:
    """Return the held-out log-likelihood of every own row under every weight; shape (weights, rows)."""
    fold = Streams(judge.seed).stream("start", "folds").permutation(np.arange(len(own)) % FOLDS)
    found = np.zeros((len(LADDER), len(own)))
    for place, weight in enumerate(LADDER):
        for number in range(FOLDS):
            progress((place * FOLDS + number) / (len(LADDER) * FOLDS), f"weight {weight:g} of related rows")
            rest = own.filter(pl.Series(fold != number))
            fitted = _fit(rest, related, weight, table, judge, silent)
            held = fitted.log_density(own.filter(pl.Series(fold == number)))
            found[place, fold == number] = _lenient(held.columns.to_numpy(), len(rest)).sum(axis=1)
    return found


def _lenient(logs: Array, rows: int) -> Array:
    """Let a value that can not be drawn count as one of so many rows, not as impossible.

    A rare level is withheld from a fit to few rows, and has a place among many: that alone shall not decide.
    """
    out = logs <= FLOOR + 1e-6
    usual = (
        np.nanmedian(np.where(out, np.nan, logs), axis=0, keepdims=True)
        if not out.all()
        else np.zeros((1, 1))
    )
    return np.where(out, np.nan_to_num(usual) - np.log(rows), logs)


def _fit(
    own: pl.DataFrame, related: Related, weight: float, table: Table, recipe: Recipe, progress: Progress
) -> Synthesizer:
    """Fit to rows of one's own, and to drawn ones that weigh so many times as much together."""
    rows = pl.concat([own, related.rows], how="vertical_relaxed") if weight else own
    each = np.append(np.ones(len(own)), weight * len(own) * related.weights) if weight else np.ones(len(own))

    def weighed(block: Block, _: Mapping[str, Encoding]) -> tuple[Block, None]:
        return replace(block, weights=each / each.mean()), None

    given = Dataset(Schema((table,)), {table.name: rows}, {table.name: to_polars(rows)[1]})
    return fit_table(
        Intake.of(given), model=recipe.model, options=recipe.options, seed=recipe.seed,
        holders=min(recipe.holders, len(rows)), learn=weighed if weight else None, progress=progress,
    )  # fmt: skip


def _say(gains: Array, best: int, start: Synthesizer, judge: str | None) -> str:
    alone, mean = gains[0].mean(), gains[best].mean()
    by = "" if judge is None else f", as model {judge!r} told"
    if best == 0:
        return (
            f"start: rows of {start.table.name!r} did not make held-out rows likelier{by}, so the model was learnt "
            "from the given rows alone."
        )
    error = (gains[best] - gains[0]).std() / np.sqrt(gains.shape[1])
    return (
        f"start: rows drawn from the model of {start.table.name!r} weigh {LADDER[best]:g} times the given rows; "
        f"held-out rows gain {mean - alone:.2f} ± {1.96 * error:.2f} nats each over learning from the given rows "
        f"alone{by}."
    )


def _show(weight: float, gains: Array) -> Exhibit:
    """Show how the weight of related rows was chosen."""
    means = [round(float(mean), 4) for mean in gains.mean(axis=1)]
    frame = pl.DataFrame(
        {"related rows weigh (times own rows)": list(LADDER), "held-out log-likelihood per row": means}
    )
    text = (
        f"Rows drawn from a related model join the fit with {weight:g} times the weight of the rows there are: that "
        "made held-out rows likeliest."
    )
    return Exhibit("Related rows", text, frame)


def _facts(start: Synthesizer, weight: float, gains: Array, best: int) -> dict[str, Any]:
    return {
        "model": start.model, "data": start.provenance.get("data", {}), "weight": weight,
        "likelihood": [round(float(mean), 4) for mean in gains.mean(axis=1)], "chosen": best,
    }  # fmt: skip


def require_start(start: object) -> Synthesizer:
    """Refuse what no fit can start from.

    Raises
    ------
    OptionError
        It is no fitted model of one table.
    """
    if not isinstance(start, Synthesizer):
        raise OptionError(
            f"start= is a fitted model of one table (or its .sim file), not a {type(start).__name__}."
        )
    return start


def like(start: Synthesizer) -> Schema:
    """Return the schema under which related rows are read: kinds and units of the start, any levels and bounds."""
    free = tuple(
        column if column.declared else replace(column, levels=None, bounds=None, nullable=True)
        for column in start.table.columns
    )
    return Schema((replace(start.table, columns=free, constraints=()),))
