"""What the model of a row knows of the rows above it: parents, their parents, and finished sibling tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, Block, Domain, code_dtype
from simulacra.relational.histories.past import Past, active_at, glue
from simulacra.synthesizer import Synthesizer

ROW = "#row"
"""Name of the axis that says which row of a table that is kept as it is an entity is."""
THERE = Axis("#there", "#there", size=3)
"""Whether an entity is there (0), is nothing (1: a missing reference), or is an orphan's (2)."""


def encode_rows(model: Synthesizer, frame: pl.DataFrame) -> Block:
    """Turn values into what a fitted model sees of them: values that protection withheld become the nearest.

    Parameters
    ----------
    model : Synthesizer
        The fitted model.
    frame : DataFrame
        Canonical values.

    Returns
    -------
    Block
        Rows of the model's domain.
    """
    arrays: dict[str, Array] = {}
    for column in model.table.columns:
        encoding = model.encodings[column.name]
        arrays.update(
            zip((axis.name for axis in encoding.axes), encoding.encode(frame[column.name]), strict=True)
        )
    left = dict(arrays)
    for relation in model.relations:
        left |= relation.take_out(arrays)
    return Block(model.domain, tuple(left[name] for name in model.domain.names), rows=len(frame))


def rename(block: Block, prefix: str) -> Block:
    """Put a prefix before the names of axes, so that those of several tables can stand side by side."""
    axes = tuple(
        replace(axis, name=f"{prefix}{axis.name}", column=f"{prefix}{axis.column}")
        for axis in block.domain.axes
    )
    return replace(block, domain=Domain(axes))


def summarise(block: Block, counts: Array) -> Block:
    """Return what finished histories are like, one row for each entity.

    Parameters
    ----------
    block : Block
        Rows, those of an entity behind each other.
    counts : array of int, shape (entities,)
        How many rows each has.
    """
    begins = np.cumsum(counts) - counts
    order = np.argsort(-counts, kind="stable")
    past = Past(block.domain, len(counts))
    for step in range(int(counts.max(initial=0))):
        active = active_at(counts[order], step)
        past.add(block.take(begins[order[:active]] + step))
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return Block(
        Domain(past.axes), tuple(array[back] for array in past.features(len(counts))), rows=len(counts)
    )


def describe_entities(
    own: Block, above: Block | None, siblings: Mapping[str, Block], unit: str, stand_ins: Array, there: Array
) -> Block:
    """Put together what is known of each entity before its rows are drawn.

    Parameters
    ----------
    own : Block
        The parent's rows.
    above : Block or None
        What was known of each of them.
    siblings : mapping of str to Block
        Summaries of tables that are finished, one row for each of `own`.
    unit : str
        The parent's name.
    stand_ins : array of int
        For entities that are not there: the row of `own` that stands for each.
    there : array
        0 for each row of `own`, and 1 or 2 for each stand-in.
    """
    parts: list[Block] = [rename(own, f"{unit}/")]
    if above is not None:
        parts.append(rename(above, "^"))
    parts += [rename(block, f"{name}:") for name, block in siblings.items()]
    rows = np.concatenate([np.arange(len(own)), stand_ins]).astype(np.int64)
    known = glue(parts).take(rows)
    return glue([known, Block(Domain((THERE,)), (there.astype(np.uint8),))])


def describe_kept(rows: Array, size: int, holders: int) -> Block:
    """Describe entities that are rows of a table of `size` rows which is kept as it is: by which row it is."""
    axis = Axis(ROW, ROW, size=max(size, 1), holders=holders)
    return Block(Domain((axis,)), (rows.astype(code_dtype(max(size, 1))),), rows=len(rows))


def put_together(blocks: Sequence[Block]) -> Block:
    """Put blocks of one domain behind each other."""
    first = blocks[0]
    columns = tuple(np.concatenate(parts) for parts in zip(*(block.columns for block in blocks), strict=True))
    return replace(first, columns=columns, rows=sum(map(len, blocks)))
