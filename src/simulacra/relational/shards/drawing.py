"""Drawing one shard of a database, and the tables that all shards share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.encodings.key import Key
from simulacra.encodings.text import Text
from simulacra.generator import silent
from simulacra.guarantees.constraints import Guarantees
from simulacra.randomness import Streams
from simulacra.relational.asking.asking import draw_asked
from simulacra.relational.asking.conditions import Conditions
from simulacra.relational.assembly import assemble
from simulacra.relational.drawing import Rows, draw_unit
from simulacra.relational.naming import asked, member_column, wanted
from simulacra.relational.numbering import Numbers
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.relational.rules.upholding import require_kept
from simulacra.relational.shards.cutting import Shards
from simulacra.relational.shards.obstacles import is_numbered

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


@dataclass(frozen=True)
class Shared:
    """Tables that all shards share.

    Parameters
    ----------
    rows : dict of str to Rows
        Those that are drawn, by unit.
    frames : dict of str to DataFrame
        All that are finished, by table; those that are kept as they are too.
    """

    rows: dict[str, Rows] = field(default_factory=dict)
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)


def draw_shared(model: DatabaseSynthesizer, shards: Shards, seed: int) -> Shared:
    """Draw the tables that all shards share: the rows that these have where all is drawn at once.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    shards : Shards
        How it is cut.
    seed : int
        The seed.
    """
    streams = Streams(seed).at("database")
    rows: dict[str, Rows] = {}
    for name in shards.shared:
        rows[name] = draw_unit(
            model, model.units[name], rows, shards.sizes.get(name), shards.scale, streams, silent
        )
    frames = assemble(model, rows, streams.at("references"))
    return Shared(rows, _mend(model, frames, [name for name in frames if name not in model.plan.kept]))


def draw_shard(
    model: DatabaseSynthesizer,
    shards: Shards,
    shared: Shared,
    seed: int,
    shard: int,
    conditions: Conditions | None = None,
) -> dict[str, pl.DataFrame]:
    """Draw the divided tables of one shard.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    shards : Shards
        How it is cut.
    shared : Shared
        What `draw_shared` gave.
    seed : int
        The seed.
    shard : int
        Which one, from 0.
    conditions : Conditions or None
        What is asked of rows.

    Returns
    -------
    dict
        Canonical values by table. Keys differ from those of all other shards; references lead to rows of the same
        shard, or of shared tables.

    Notes
    -----
    **Cost**: linear in rows, as for the whole; memory for the rows of a shard.
    """
    streams, numbers = Streams(seed).at("shard", shard), shards.numbers(shard)
    sizes = {root: shards.size(root, shard) for root in shards.sizes if root in shards.divided}
    lost = shards.scale / shards.number
    rows = dict(shared.rows)
    if conditions is not None:
        rows |= draw_asked(model, conditions, sizes, lost, streams, silent)[0]
    else:
        for name in shards.divided:
            rows[name] = draw_unit(model, model.units[name], rows, sizes.get(name), lost, streams, silent)
    for name in shards.divided:
        _number(model, name, rows[name], numbers, Streams(seed).at("numbered", name))
    _thin(model, rows, shards, seed, shard)
    frames = assemble(
        model, rows, streams.at("references"), numbers=numbers, made={
            name: frame for name, frame in shared.frames.items() if name not in model.plan.kept
        },
    )  # fmt: skip
    tables = [member for name in shards.divided for member in model.plan.members(name)]
    frames = _mend(model, frames, tables)
    if conditions is not None:
        require_kept(conditions, frames)
    return {name: frames[name] for name in model.schema.names if name in tables}


def _mend(
    model: DatabaseSynthesizer, frames: Mapping[str, pl.DataFrame], tables: Collection[str]
) -> dict[str, pl.DataFrame]:
    """Mend what breaks a constraint across tables or over entities in some tables."""
    rules = EntityRules.of(model.schema)
    own = replace(rules, held=tuple(rule for rule in rules.held if rule.table in tables))
    return own.repair(frames, empty=own.computed)[0] if own.held else dict(frames)


def _number(model: DatabaseSynthesizer, name: str, rows: Rows, numbers: Numbers, streams: Streams) -> None:
    """Make what is counted over all rows anew, by the numbers that the rows have among those of all shards."""
    own = model.units[name].synthesizer
    if own is None or not len(rows.frame):
        return
    places, made = numbers.rows(name, len(rows)), []
    for member in model.plan.members(name):
        for column in model.schema.table(member).names:
            drawn = member_column(name, member, column)
            encoding = own.encodings.get(drawn)
            if not is_numbered(model, name, member, column):
                continue
            if isinstance(encoding, Key):
                made.append(encoding.number(places).alias(drawn))
            elif isinstance(encoding, Text):
                made.append(encoding.number(rows.frame[drawn], places, streams).alias(drawn))
    rows.frame = rows.frame.with_columns(made)
    if rows.entity is None:
        # keys that a pattern spells
        rows.frame = Guarantees.of(own.table, own.encodings).number(rows.frame, int(places[0]))


def _thin(model: DatabaseSynthesizer, rows: dict[str, Rows], shards: Shards, seed: int, shard: int) -> None:
    """Give shared rows the share of one shard in the rows that refer to them: all shards together make the whole."""
    for link in model.plan.links:
        factor, home = shards.factors.get(link.name), model.plan.home(link.reference.table)
        asking = rows[model.plan.home(link.table)].frame
        if (
            factor is None
            or wanted(link) not in rows[home].frame.columns
            or asked(link) not in asking.columns
        ):
            continue
        streams = Streams(seed).at("share", link.name)
        degrees = rows[home].frame[wanted(link)].fill_null(0).to_numpy()
        each = np.maximum(degrees, 0) * factor / shards.number
        begin = streams.stream("begin").random(len(each))
        own = (np.floor(each * (shard + 1) + begin) - np.floor(each * shard + begin)).astype(np.int64)
        wanting = int((asking[asked(link)].cast(pl.Int64).fill_null(-2) >= 0).sum())
        own = _even_out(own, wanting, streams.at("shard", shard).stream("even"))
        column = pl.Series(wanted(link), own)
        rows[home] = replace(rows[home], frame=rows[home].frame.with_columns(column))


def _even_out(degrees: Array, rows: int, rng: np.random.Generator) -> Array:
    """Return degrees that are as many as there are rows: some places are left out, or taken twice."""
    places = np.repeat(np.arange(len(degrees)), degrees)
    if len(places) >= rows:
        places = rng.permutation(places)[:rows]
    elif len(places):
        places = np.append(places, rng.choice(places, rows - len(places)))
    return np.bincount(places, minlength=len(degrees))
