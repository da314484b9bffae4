"""Drawing one unit of a database, when the units above it are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from simulacra.domain import Array, Block
from simulacra.generator import Progress
from simulacra.randomness import Streams
from simulacra.relational.asking.rows import judge_of
from simulacra.relational.ends import read_ends
from simulacra.relational.given.continuing import complete_entities
from simulacra.relational.given.given import Given
from simulacra.relational.given.prefixes import continue_kept, cut_last, find_beginnings, find_known
from simulacra.relational.histories.beside import Beside
from simulacra.relational.histories.chains import chain
from simulacra.relational.histories.choosing import Choose
from simulacra.relational.histories.entities import describe_entities, describe_kept, encode_rows, summarise
from simulacra.relational.histories.histories import Histories
from simulacra.relational.histories.wanted import Wanted
from simulacra.relational.plan import Link
from simulacra.relational.unit import Unit
from simulacra.sampling.decoding import Decoder

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


@dataclass
class Rows:
    """Drawn rows of a unit.

    Parameters
    ----------
    frame : DataFrame
        The modelled columns.
    block : Block or None
        The same as the model sees them, for those below.
    above : Block or None
        What was known of each row's entity.
    entity : array or None
        The parent's row that each belongs to; from `parents` on, those that are not there: missing, then orphans.
    parents, nulls : int
        Entities that are there, and missing ones.
    now : array or None
        The time of each row.
    summaries : dict
        What finished children of each row are like.
    fixed : dict
        By link: parents that are chosen already.
    beside : array or None
        The row of a sibling that each row belongs to, -1 for none.
    known : array of int
        Which of the rows were given.
    ends : dict
        By link: how many rows each draws, when its history starts and how long it is, where that is not drawn with it.
    notes : tuple of str
        What is to be known of them.
    """

    frame: pl.DataFrame
    block: Block | None = None
    above: Block | None = None
    entity: Array | None = None
    parents: int = 0
    nulls: int = 0
    now: Array | None = None
    summaries: dict[str, Block] = field(default_factory=dict)
    fixed: dict[str, Array] = field(default_factory=dict)
    beside: Array | None = None
    known: Array = field(default_factory=partial(np.zeros, 0, np.int64))
    ends: dict[str, tuple[Array, tuple[Array, Array] | None]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.entity) if self.entity is not None else len(self.frame)


def draw_unit(
    model: DatabaseSynthesizer,
    unit: Unit,
    done: Mapping[str, Rows],
    size: int | None,
    scale: float,
    streams: Streams,
    progress: Progress,
    *,
    where: str | None = None,
    choose: Choose | None = None,
    given: Given | None = None,
) -> Rows:
    """Draw the rows of one unit.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    unit : Unit
        Which unit.
    done : mapping of str to Rows
        The units above it, which get a summary of these rows for their later children.
    size : int or None
        Rows, if no parent draws them.
    scale : float
        Times as many rows that lead nowhere.
    streams : Streams
        Where randomness comes from.
    progress : callable
        Told the share done.
    where : str or None
        What rows that no parent draws satisfy.
    choose : callable or None
        Chooses the rows that a parent draws; without it rows that break a rule of their table are drawn anew.
    given : Given or None
        Rows that are there already.
    """
    link = model.plan.driving(unit.name)
    if unit.synthesizer is None:
        return Rows(pl.DataFrame(), entity=np.zeros(0, np.int64) if link is not None else None)
    if link is None and given is not None and unit.name in given.units:
        whole = complete_entities(model, unit, given, streams.at(unit.name), progress)
        seen = _seen(model, unit, whole.frame)
        return Rows(whole.frame, seen, known=np.arange(len(whole.frame)), ends=whole.ends, notes=whole.notes)
    if link is None:
        assert size is not None
        seed = streams.at(unit.name).key("rows") % 2**63
        drawn = unit.synthesizer.sample(size, seed=seed, where=where, progress=progress)
        frame = drawn.polars()
        return Rows(frame, _seen(model, unit, frame), notes=drawn.notes)
    return _draw_driven(model, unit, link, done, scale, streams.at(unit.name), progress, choose, given)


def _seen(model: DatabaseSynthesizer, unit: Unit, frame: pl.DataFrame) -> Block | None:
    """Encode rows if others stand on them."""
    needed = any(model.plan.to(member, "driving") for member in model.plan.members(unit.name))
    return encode_rows(unit.synthesizer, frame) if needed and unit.synthesizer is not None else None


def _draw_driven(
    model: DatabaseSynthesizer,
    unit: Unit,
    link: Link,
    done: Mapping[str, Rows],
    scale: float,
    streams: Streams,
    progress: Progress,
    choose: Choose | None,
    given: Given | None,
) -> Rows:
    histories = unit.model
    assert isinstance(histories, Histories)
    parent = link.reference.table
    rng = streams.stream("entities")
    judge = judge_of(unit, [model.schema.table(name) for name in model.plan.members(unit.name)])
    judge = judge if choose is None else None
    if parent in model.plan.kept:
        assert unit.kept_counts is not None
        counts, ends = unit.kept_counts.astype(np.int64), unit.kept_ends
        if given is not None:
            counts, ends = continue_kept(unit, link, given, streams.stream("steps"))
        held = np.flatnonzero(counts > 0)
        static = describe_kept(held, len(counts), histories.holders)
        some = (ends[0][held], ends[1][held]) if ends is not None else None
        owners = np.arange(len(counts))
        begun = find_beginnings(unit, given, owners, held)
        wanted = Wanted(counts[held], static, some, judge=judge, begun=begun, beyond=_beyond(given))
        drawn = cut_last(histories.draw(wanted, streams, progress), given, unit, link)
        entity, parents, nulls = held[drawn.entity], len(counts), 0
        above = static.take(drawn.entity)
    else:
        home = done[model.plan.home(parent)]
        parents = len(home)
        counts, ends = home.ends[link.name] if link.name in home.ends else read_ends(model, home.frame, link)
        nulls = _scaled(unit.nulls, scale, rng) if parents else 0
        lost = (
            rng.choice(unit.lost, _scaled(len(unit.lost), scale, rng))
            if len(unit.lost) and parents
            else unit.lost[:0]
        )
        more = np.concatenate([np.ones(nulls, np.int64), lost]).astype(np.int64)
        stand = rng.integers(max(parents, 1), size=len(more))
        there = np.concatenate([np.zeros(parents), np.ones(nulls), np.full(len(lost), 2)])
        assert home.block is not None
        static = describe_entities(
            home.block, home.above, home.summaries, model.plan.home(parent), stand, there
        )
        if ends is not None:
            held = np.flatnonzero(~np.isnan(ends[0]))
            extra = held[rng.integers(len(held), size=len(more))] if len(held) else np.zeros(0, np.int64)
            more = more if len(held) else more * 0
            ends = (np.append(ends[0], ends[0][extra]), np.append(ends[1], ends[1][extra]))
        beside = find_beside(done[histories.sibling], parents, histories) if histories.sibling else None
        owner = np.concatenate([np.arange(parents), stand])
        begun = find_beginnings(unit, given, home.known, np.arange(len(owner)))
        wanted = Wanted(
            np.concatenate([counts, more]), static, ends, beside, owner, judge=judge, choose=choose,
            begun=begun, beyond=_beyond(given),
        )  # fmt: skip
        drawn = cut_last(histories.draw(wanted, streams, progress), given, unit, link, home.ends)
        owners, entity = home.known, drawn.entity
        above = static.take(entity)
        home.summaries[unit.name] = summarise_rows(drawn.block, entity, parents)
    own = histories.rows
    decoder = Decoder(own.encodings, own.domain, own.relations)
    frame = decoder.frame(drawn.block.columns, len(entity), 0, streams.at("decode"))
    if drawn.now is not None and histories.clock is not None:
        clock = histories.clock
        frame = clock.follow(frame.with_columns(clock.columns(drawn.now)))
        frame = chain(frame, clock, pl.Series(entity), clock.chains)
    known = find_known(unit, given, owners, entity)
    return Rows(
        frame, drawn.block, above, entity, parents, nulls, drawn.now, beside=drawn.beside, known=known
    )


def _beyond(given: Given | None) -> bool:
    return given is not None and given.steps is not None


def find_beside(rows: Rows, parents: int, histories: Histories) -> Beside:
    """Make the rows of a sibling ready to be looked up."""
    assert rows.entity is not None and rows.block is not None
    held = rows.entity < parents
    counts = np.bincount(rows.entity[held], minlength=parents)
    times = rows.now[held] if rows.now is not None and histories.together else None
    return Beside(rows.block.take(held), np.cumsum(counts) - counts, counts, times, histories.holders)


def summarise_rows(block: Block, entity: Array, parents: int) -> Block:
    """Summarise the rows of entities that are there."""
    held = entity < parents
    counts = np.bincount(entity[held], minlength=parents)
    return summarise(block.take(held), counts)


def _scaled(number: int, scale: float, rng: np.random.Generator) -> int:
    """Scale a number, rounded up or down so that it is right on average."""
    return int(np.floor(number * scale + rng.random())) if scale != 1 else number
