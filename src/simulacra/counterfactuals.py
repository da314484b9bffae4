"""Counterfactuals: what given rows would have been, had some of their columns been set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import polars as pl

from simulacra.completion._gaps import keep_known
from simulacra.completion.partial import open_partial
from simulacra.dataset import Dataset
from simulacra.domain import Array, Block
from simulacra.generator import Causal, Progress, part, silent
from simulacra.imputation import Fitted as Filling
from simulacra.imputation import Wanted, complete_rows
from simulacra.interventions import Action, Fitted, plan_action, require_causal
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.relations import put_back
from simulacra.schema._kinds import said
from simulacra.schema.breaches import find_broken


class Whole(Fitted, Filling, Protocol):
    """What counterfactuals need of a fitted model; `simulacra.Synthesizer` has it."""


def imagine(
    model: Whole,
    rows: Any,
    do: str | Mapping[str, Any],
    *,
    seed: int,
    told: bool = True,
    progress: Progress = silent,
) -> Dataset:
    """Tell what rows would have been, had columns been set.

    Parameters
    ----------
    model : Synthesizer
        A model that draws along a graph: ``bayes-net``.
    rows : path, frame, Dataset or mapping of columns to values
        The rows as they were. Columns that they lack, and gaps, are drawn first, given all that is known.
    do : str or mapping
        What is set; see `simulacra.interventions.intervene`.
    seed : int
        The same seed gives the same bytes.
    told : bool
        Whether the user knows the seed; it is a note if not.
    progress : callable
        Told the share done.

    Returns
    -------
    Dataset
        The rows in their order; what nothing reaches that was set is as it was.

    Raises
    ------
    OptionError
        The model has no graph, or a column can not be set.
    PredicateError
        `do` can not be understood, or the model never draws such a value.

    Notes
    -----
    Abduction: the noise of every column is inferred from the row. Action: what is set is cut off from what it followed
    from. Prediction: what follows is made anew with the row's own noise. Of ordered columns the noise is the rank among
    what was possible; of unordered ones a Gumbel variable for each level. Other kinds of noise would fit the data as
    well and give other rows, so a counterfactual of one row is an assumption; see the source.

    **Privacy**: what does not change is given back as it is: the result is no synthetic table.

    **Source**: Pearl 2009, "Causality", section 7.1; Oberst and Sontag 2019, "Counterfactual off-policy evaluation with
    Gumbel-max structural causal models".
    """
    generator = require_causal(model)
    action = plan_action(model, do)
    known = open_partial(model.table, rows)
    nulls = frozenset(
        column.name
        for column in model.table.columns
        if column.nullable and column.name in known.schema.table().names
    )
    streams, half = Streams(seed), part(progress, 0.0, 0.5)
    whole = complete_rows(
        model, known, Wanted(keep_missing=tuple(sorted(nulls))), seed=seed, told=told, progress=half
    ).dataset
    frame, name = whole.polars(), whole.schema.table().name
    pieces = []
    for start in range(0, max(len(frame), 1), BLOCK_ROWS):
        piece = frame.slice(start, BLOCK_ROWS)
        pieces.append(_imagine(model, generator, piece, action, streams.at("counterfactual", start)))
        progress(0.5 + min(start + BLOCK_ROWS, len(frame)) / max(len(frame), 1) / 2, "imagining rows")
    out = pl.concat(pieces)
    broken = [
        f"{count:,} of {len(out):,} rows break {said(rule)}: a counterfactual keeps to the graph alone."
        for rule in model.table.constraints
        if (count := int(find_broken(rule, out, model.table).sum()))
    ]
    return replace(whole, frames={name: out}, notes=(*whole.notes, *action.notes, *broken))


def _imagine(
    model: Whole, generator: Causal, frame: pl.DataFrame, action: Action, streams: Streams
) -> pl.DataFrame:
    """Make some whole rows into what they would have been."""
    arrays: dict[str, Array] = {}
    for column in model.table.columns:
        encoding = model.encodings[column.name]
        own = encoding.encode(frame[column.name])
        arrays.update(zip((axis.name for axis in encoding.axes), own, strict=True))
    left = dict(arrays)
    for relation in action.relations:
        left |= relation.take_out(arrays)
    names = model.domain.names
    block = Block(model.domain, tuple(left[name] for name in names), rows=len(frame))
    twin = generator.counterfactual(block, action.supports, rng=streams)
    before, after = (
        put_back(dict(zip(names, rows.columns, strict=True)), action.relations) for rows in (block, twin)
    )
    out = frame
    for name, encoding in model.encodings.items():
        moved = np.zeros(len(frame), bool)
        for axis in encoding.axes:
            one, other = before[axis.name], after[axis.name]
            moved |= (one != other) & ~((one != one) & (other != other))
        if moved.any():
            own = tuple(after[axis.name] for axis in encoding.axes)
            made = encoding.decode(own, rng=streams.stream("decode", name))
            out = out.with_columns(keep_known(frame[name], made, ~moved))
    return out
