"""The first half of the street: encode, protect, fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from simulacra.compilation import COMPILING, is_cold
from simulacra.domain import Array, Axis, Block, Domain
from simulacra.encoding import Encoding
from simulacra.errors import DataError
from simulacra.exhibit import Exhibit
from simulacra.generator import Choosing, Progress, part, silent
from simulacra.intake import Intake
from simulacra.privacy.holders import count_owners
from simulacra.privacy.protection import HOLDERS, protect
from simulacra.provenance import NOT_PRIVATE, describe_fit
from simulacra.randomness import Streams
from simulacra.registry import ENCODINGS
from simulacra.relations import Relation, find_relations, settle, take_out
from simulacra.schema.identifiers import list_names
from simulacra.schema.types import Table
from simulacra.synthesizer import Synthesizer, make_generator
from simulacra.weights import level_weights, weigh

Learn = Callable[[Block, Mapping[str, Encoding]], tuple[Block, Block | None]]

ENCODING = 0.15
"""Share of the progress that is reading, encoding and protecting."""


def fit_table(
    intake: Intake,
    *,
    model: str = "trees",
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    holders: int = HOLDERS,
    progress: Progress = silent,
    learn: Learn | None = None,
    owners: Array | None = None,
) -> Synthesizer:
    """Fit a model to one table.

    Parameters
    ----------
    intake : Intake
        Its columns, which are read and encoded one after the other; values that break their schema are an error, and
        rows that break a constraint are counted in the notes.
    model : str
        A registered model.
    options : mapping or None
        Its hyperparameters.
    seed : int
        Fitting again with the same seed, data and versions gives the same model.
    holders : int
        k of the protection; 1 switches it off.
    progress : callable
        Told the share done.
    learn : callable or None
        Turns encoded rows into what the model learns of them, and what it knows of each before it is drawn.
    owners : array of int or None
        Whose row each is, from 0: then k counts these and not rows. None where every row stands for itself.

    Returns
    -------
    Synthesizer
        The fitted model.

    Notes
    -----
    **Cost**: the model's; memory for the encoded rows twice (before and after protection), and for one column of
    values.
    """
    table = intake.table
    generator = make_generator(model, options or {})
    if len(intake) == 0:
        raise DataError(f"table {table.name!r} has no rows, so there is nothing to learn. Give it rows.")
    _require_holders(table, len(intake), holders, owners)
    streams = Streams(seed).at(table.name)
    declared = [column.name for column in table.columns if column.declared]
    encodings, block = encode(intake, holders, part(progress, 0.0, ENCODING), owners)
    block, told = weigh(block, table, holders)
    relations: tuple[Relation, ...] = ()
    if generator.relates:
        relations = find_relations(block, streams.at("relations"), table=table, declared=declared)
    left = take_out(block, relations)
    totals = None if intake.whole is None else intake.whole.totals(encodings, block, left)
    guarded = protect(left, streams, declared=declared, totals=totals)
    settled = settle(relations, block, guarded.block, guarded.kept, declared=declared)
    limits = {**guarded.limits, **settled.limits}
    for name, encoding in encodings.items():
        kept = {part: codes for (column, part), codes in guarded.kept.items() if column == name}
        ends = {part: pair for (column, part), pair in limits.items() if column == name}
        encodings[name] = encoding.narrow(kept, ends)
    del block  # what protection replaced need not be held while the model learns
    if is_cold(type(generator).__module__.rpartition(".")[0]):
        progress(ENCODING, COMPILING)
    learnt, known = (guarded.block, None) if learn is None else learn(guarded.block, encodings)
    learnt = replace(learnt, owners=guarded.block.owners)
    generator.fit(learnt, context=known, rng=streams.at("model"), progress=part(progress, ENCODING, 1.0))
    shown: tuple[Exhibit, ...] = ()
    if isinstance(generator, Choosing):
        shown, asked = generator.exhibits(), model
        model, generator = generator.chosen()
        told += (f"model {asked!r} chose {model!r}; the report says by what.",)
    released = replace(intake.table, columns=tuple(encodings[name].column for name in table.names))
    stores = generator.stores_rows
    provenance = describe_fit(
        intake.facts,
        model=model,
        options=generator.options(),
        seed=seed,
        holders=holders,
        stores_rows=stores,
    )
    if shown:
        provenance["shown"] = [exhibit.dump() for exhibit in shown]
    notes = (
        ((NOT_PRIVATE.format(name=model),) if stores else ())
        + intake.notes
        + told
        + guarded.notes
        + tuple(f"exact relation, kept by rebuilding: {relation}." for relation in settled.relations)
    )
    domain = guarded.block.domain
    return Synthesizer(
        released, model, generator, encodings, domain, intake.layout, settled.relations, notes, provenance
    )


def _require_holders(table: Table, rows: int, holders: int, owners: Array | None) -> None:
    """Refuse rows of which no value could be given out."""
    who = rows if owners is None else count_owners(owners)
    if who >= holders:
        return
    if owners is None:
        said = (
            f"has {rows:,} {'row' if rows == 1 else 'rows'}; protection needs at least {holders} that share"
        )
    else:
        said = f"has rows of {who:,} different entities only; protection needs at least {holders} whose rows share"
    raise DataError(
        f"table {table.name!r} {said} a value. Give more rows, or switch it off with protect=False (--no-protect)."
    )


def relate(frame: pl.DataFrame, table: Table, *, holders: int = HOLDERS) -> tuple[Relation, ...]:
    """Find the exact relations that a fit to a table would keep in every drawn row.

    Parameters
    ----------
    frame : DataFrame
        Canonical values.
    table : Table
        Their schema.
    holders : int
        k of the protection.

    Returns
    -------
    tuple of Relation
        ``str(relation)`` says each.

    Notes
    -----
    **Cost**: that of encoding all columns but texts and keys, and of `find_relations`.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> frame = pl.DataFrame({"net": range(500), "gross": [n + n % 90 for n in range(500)]})
    >>> table = Table("t", tuple(Column(name, "number", integer=True) for name in frame.columns))
    >>> [str(relation) for relation in relate(frame, table)]
    ["'net' <= 'gross'"]
    """
    axes: list[Axis] = []
    arrays: list[Array] = []
    for column in table.columns:
        if column.kind not in {"text", "key"} and column.name != table.weight:
            encoding = ENCODINGS.load(column.kind).fit(frame[column.name], column, holders=holders)
            axes += encoding.axes
            arrays += encoding.encode(frame[column.name])
    declared = [column.name for column in table.columns if column.declared]
    block = Block(Domain(tuple(axes)), tuple(arrays), rows=len(frame))
    return find_relations(block, Streams(0).at(table.name, "relations"), table=table, declared=declared)


def encode(
    intake: Intake, holders: int, progress: Progress, owners: Array | None = None
) -> tuple[dict[str, Encoding], Block]:
    """Turn a table into encodings and a block, column by column.

    Parameters
    ----------
    intake : Intake
        The table; its columns are used up.
    holders : int
        k of the protection.
    progress : callable
        Told the share done.
    owners : array of int or None
        Whose row each is; every row stands for itself when None.

    Returns
    -------
    encodings : dict
        One per column.
    block : Block
        The encoded rows.
    """
    encodings: dict[str, Encoding] = {}
    arrays: list[Array] = []
    weights: Array | None = None
    people = _list_people(intake)
    for done, (column, values) in enumerate(intake.columns(holders)):
        progress(done / len(intake.table.columns), f"encoding {column.name}")
        if column.name == intake.table.weight:
            weights = values.cast(pl.Float64).to_numpy()
            values = level_weights(values, column)
        cls: type[Encoding] = ENCODINGS.load(column.kind)
        least = holders if column.protect else 1
        encoding = cls.fit_beside(values, column, people=people, holders=least, owners=owners)
        encodings[column.name] = encoding
        arrays += encoding.encode(values)
    axes = [axis for encoding in encodings.values() for axis in encoding.axes]
    return encodings, Block(Domain(tuple(axes)), tuple(arrays), weights, len(intake), owners)


def _list_people(intake: Intake) -> dict[str, str]:
    """List the names that identifying columns hold, where there is a text beside them that might repeat them."""
    columns = intake.table.columns
    if not any(column.kind == "text" and column.identifying is None for column in columns):
        return {}
    people: dict[str, str] = {}
    # what a column of names says of a word counts more than what an address does
    for column in sorted(columns, key=lambda own: (own.identifying or "").startswith("person")):
        if column.identifying is not None:
            people |= list_names(intake.stored.load(column.name), column.identifying)
    return people
