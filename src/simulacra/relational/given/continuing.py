"""Entities whose histories have begun: how many rows they have in the end, and how far these reach.

What an entity's model draws is a whole history: its number of rows, its first time, how long it is. Of one that has
begun, many wholes are drawn given all that is known, and one is picked with the weight that its beginning has under
each: the chance that, of `rows` moments of a span, the k-th lies where the last known row does, and that nothing
happened since.

Source: the k-th of n even moments has a beta distribution (David and Nagaraja 2003, "Order Statistics", section 2.3);
picking by weight is sampling importance resampling (Rubin 1988).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from simulacra.completion.completion import Account, Completer
from simulacra.completion.telling import tell_account
from simulacra.domain import Array
from simulacra.errors import ImpossibleCondition, OptionError, RareCondition
from simulacra.generator import Progress, Sequential
from simulacra.randomness import Streams
from simulacra.relational.given.begun import Begun, draw_whole, find_begun, read_whole, set_whole
from simulacra.relational.given.given import Given, attach
from simulacra.relational.naming import counted, first_of
from simulacra.relational.unit import Unit
from simulacra.sampling.decoding import Decoder
from simulacra.schema.predicates import Predicate
from simulacra.synthesizer import Synthesizer

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer

WHOLES = 16
"""Whole histories that are drawn for each that has begun, at first."""
_MORE = (1, 4)
_PARTICLES = 8
_GROUPS = 24
"""Groups of entities that have a bound of their own for the number of rows."""
_USUAL = 2
"""Gaps of the usual length that an entity's own pace is mixed with."""


@dataclass(frozen=True)
class Whole:
    """Completed rows of a root.

    Parameters
    ----------
    frame : DataFrame
        All columns of its model.
    ends : dict
        By link: how many rows each draws, when its history starts and how long it is.
    notes : tuple of str
        What there is to tell.
    """

    frame: pl.DataFrame
    ends: dict[str, tuple[Array, tuple[Array, Array] | None]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def complete_entities(
    model: DatabaseSynthesizer, unit: Unit, given: Given, streams: Streams, progress: Progress
) -> Whole:
    """Complete rows of a root that are given: what is not known of them, and what histories they have in the end.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    unit : Unit
        The root.
    given : Given
        What is known.
    streams : Streams
        Where randomness comes from.
    progress : callable
        Told the share done.

    Returns
    -------
    Whole
        All columns of the unit's model, and the histories.

    Notes
    -----
    **Cost**: some hundred draws of each entity whose history has begun.
    """
    own, known = unit.synthesizer, given.units[unit.name]
    assert own is not None
    begun, strange = find_begun(model, unit, given), Counter[str]()
    if not len(known):
        return Whole(own.sample(0, seed=0).polars())
    if not begun:
        whole = _complete(own, known.frame, len(known), "", streams, strange, progress)
    else:
        made, places = [], []
        groups = _groups(begun)
        for turn, (rows, least) in enumerate(groups):
            bounds = [
                f'"{counted(one.link)}" >= {low}'
                for one, low in zip(begun, least, strict=True)
                if low and given.steps is None
            ]
            picking = _Picking(own, known.frame, begun, rows, " and ".join(bounds), given.steps, strange)
            made.append(picking.pick(streams.at("group", turn)))
            places.append(rows)
            progress((turn + 1) / len(groups), f"completing {unit.name}")
        whole = pl.concat(made)[np.argsort(np.concatenate(places), kind="stable")]
    told = Account(Counter({name: n for name, n in strange.items() if not name.startswith("#")}))
    notes = tell_account(told, known.frame, whole, (), own.table, own.encodings)
    ends = {}
    for one in begun:
        rows, first, span = read_whole(whole, one)
        # a row that is left out again lets the gap before it be a gap like any other
        shown = np.maximum(rows - (given.steps is not None), 0)
        whole = whole.with_columns(pl.Series(counted(one.link), shown))
        ends[one.link.name] = (rows, (first, span) if one.timed else None)
    return Whole(whole.select(own.table.names), ends, tuple(f"table {unit.name!r}: {note}" for note in notes))


def _groups(begun: Sequence[Begun]) -> list[tuple[Array, list[int]]]:
    """Part entities by how many rows they have, each group with the least of each table."""
    codes = np.zeros(len(begun[0].counts), np.int64)
    for one in begun:
        levels = np.unique(one.counts)
        if len(levels) > _GROUPS:
            levels = np.unique(
                np.concatenate([[0, 1], np.quantile(one.counts, np.linspace(0, 1, _GROUPS)).astype(int)])
            )
        if len(begun) > 1:
            levels = np.array([0, 1])
        codes = codes * (len(levels) + 1) + np.searchsorted(levels, one.counts, side="right")
    groups = []
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        groups.append((rows, [int(one.counts[rows].min()) for one in begun]))
    return groups


@dataclass(frozen=True)
class _Picking:
    """Whole histories of some entities, drawn several times over, and one picked for each."""

    own: Synthesizer
    frame: pl.DataFrame
    begun: Sequence[Begun]
    rows: Array
    bound: str
    steps: int | None
    strange: Counter[str]

    def pick(self, streams: Streams) -> pl.DataFrame:
        """Return a row of the model for each entity."""
        told = _tell_first(self.own, self.frame, self.begun, self.rows)
        if self.steps is not None:
            out = self._draw(told, np.arange(len(self.rows)), 1, streams.at("wholes"))
            for one in self.begun:
                out = _extend(out, one, self.rows, self.steps, streams.stream("steps", one.link.name))
        else:
            out = self._weighed(told, streams)
        for one in self.begun:
            out = _close(out, one, self.rows)
        return out

    def _weighed(self, told: pl.DataFrame, streams: Streams) -> pl.DataFrame:
        """Pick by how well whole histories fit to what has begun."""
        out: pl.DataFrame | None = None
        left = np.arange(len(self.rows))
        for turn, more in enumerate(_MORE):
            times = WHOLES * more
            who = np.repeat(left, times)
            drawn = self._draw(told, who, times, streams.at("wholes", turn))
            before, after, ended = np.zeros(len(who)), np.zeros(len(who)), np.ones(len(who), bool)
            for one in self.begun:
                told_before, told_after = one.weigh(drawn, self.rows[who], times)
                before, after = before + told_before, after + told_after
                ended &= read_whole(drawn, one)[0] == one.counts[self.rows[who]]
            over = _weigh_over(before.reshape(-1, times), ended.reshape(-1, times))
            best = _choose(np.column_stack([after.reshape(-1, times), over]), streams.stream("pick", turn))
            fresh = drawn[np.arange(len(left)) * times + np.clip(best, 0, times - 1)]
            for one in self.begun:
                stop = np.flatnonzero(best == times)
                fresh = _put(fresh, stop, _end(fresh[stop], one, self.rows[left[stop]]))
            out = fresh if out is None else _put(out, left, fresh)
            left = left[best < 0]
            if not len(left):
                return out
        assert out is not None
        # no whole that the model draws has such a beginning: it is one that has ended
        for one in self.begun:
            out = _put(out, left, _end(out[left], one, self.rows[left]))
        return out

    def _draw(self, told: pl.DataFrame, who: Array, times: int, streams: Streams) -> pl.DataFrame:
        """Draw whole histories of entities, each of which stands there so many times."""
        some, strange = told[who] if told.width else told, Counter[str]()
        try:
            drawn = _complete(self.own, some, len(who), self.bound, streams, strange, _quiet)
        except (ImpossibleCondition, RareCondition):  # longer than any that the model draws: it ends there
            strange.clear()
            drawn = _complete(self.own, some, len(who), "", streams, strange, _quiet)
        self.strange.update({name: n // times for name, n in strange.items()})
        for one in self.begun:
            drawn = draw_whole(drawn, one)
        return drawn


def _complete(
    own: Synthesizer, frame: pl.DataFrame, rows: int, bound: str, streams: Streams, strange: Counter[str],
    progress: Progress,
) -> pl.DataFrame:  # fmt: skip
    """Complete rows; a missing value is known where a column may lack one."""
    if not frame.width:
        seed = streams.key("rows") % 2**63
        return own.sample(rows, seed=seed, where=bound or None, progress=progress).polars()
    if not isinstance(own.generator, Sequential):
        raise OptionError(
            f"table {own.table.name!r}: model {own.model!r} does not draw column by column, so it can not be told what "
            "is known of a row. Fit one that does: 'trees' (-m trees)."
        )
    keep = frozenset(column.name for column in own.table.columns if column.nullable)
    where = Predicate.parse(bound, own.table) if bound else None
    decoder = Decoder(own.encodings, own.domain, own.relations)
    account = Account(strange)
    return Completer(own.generator, decoder, own.table, where, keep, _PARTICLES).complete(
        frame, streams, account, progress
    )


def _tell_first(own: Synthesizer, frame: pl.DataFrame, begun: Sequence[Begun], rows: Array) -> pl.DataFrame:
    """Return what is known of some entities, when their histories began with it."""
    told = frame[rows] if frame.width else frame
    for one in begun:
        name = first_of(one.link)
        if (
            one.clock is not None
            and one.told
            and name in own.table.names
            and one.counts[rows].min(initial=1) > 0
        ):
            told = attach(told, [one.clock.places(one.first[rows]).alias(name)])
    return told


def _weigh_over(worth: Array, ended: Array) -> Array:
    """Return a weight for a history that is over, where none of an entity's whole histories is.

    It is as likely as it is for all entities of the group: it may be seldom before anything is known of a silence, and
    all that is left when it is known.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        over = np.logaddexp.reduce(np.where(ended, worth, -np.inf), axis=1)
        on = np.logaddexp.reduce(np.where(ended, -np.inf, worth), axis=1)
        share = np.nan_to_num(np.exp(over - np.logaddexp(over, on)))
        usual = np.clip(share.mean() if len(share) else 0.0, 1 / (worth.size + 2), 0.999)
        return np.where(np.isneginf(over), on + np.log(usual / (1 - usual)), -np.inf)


def _choose(worth: Array, rng: np.random.Generator) -> Array:
    """Choose one of several by their weights, for each row; -1 where none has any."""
    most = worth.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        chances = np.where(np.isfinite(most), np.exp(worth - most), 0.0).cumsum(axis=1)
    drawn = rng.random(len(worth)) * chances[:, -1]
    return np.where(chances[:, -1] > 0, (chances <= drawn[:, None]).sum(axis=1), -1)


def _put(out: pl.DataFrame, places: Array, fresh: pl.DataFrame) -> pl.DataFrame:
    """Put rows in the places of others."""
    index = np.arange(len(out))
    index[places] = len(out) + np.arange(len(fresh))
    return pl.concat([out, fresh])[index]


def _end(frame: pl.DataFrame, one: Begun, who: Array) -> pl.DataFrame:
    """Let histories end with what is known."""
    return set_whole(frame, one, one.counts[who], one.first[who], np.nan_to_num(one.span[who]))


def _extend(
    frame: pl.DataFrame, one: Begun, who: Array, steps: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Let histories go on for some rows, at the pace that each has had."""
    k, done = one.counts[who], np.nan_to_num(one.span[who])
    rows, first, span = read_whole(frame, one)
    several = k > 1
    paces = np.append(done[several] / (k[several] - 1), span[rows > 1] / (rows[rows > 1] - 1))
    usual = float(np.median(paces)) if len(paces) else 1.0
    pace = (done + _USUAL * usual) / (np.maximum(k - 1, 0) + _USUAL)
    first = np.where(k > 0, one.first[who], np.where(first <= one.since, one.since + 1, first))
    missing = np.isnan(first) & one.timed
    if missing.any() and not missing.all():
        first[missing] = rng.choice(first[~missing], int(missing.sum()))
    begins = first + done
    quiet = np.maximum(one.since - begins, 0) if np.isfinite(one.since) else 0.0
    # one row more than is asked for: where the last one is, is a guess
    shape = one.evenness * np.maximum(steps + (k > 0), 1e-9)
    ahead = np.rint(pace * rng.gamma(shape) / one.evenness)
    total = np.where(np.isnan(first) & one.timed, 0, k + steps + 1)
    return set_whole(frame, one, total, first, done + np.where(k > 0, quiet, 0.0) + ahead)


def _close(frame: pl.DataFrame, one: Begun, who: Array) -> pl.DataFrame:
    """Let whole histories hold what is known of them to the letter."""
    rows, first, span = read_whole(frame, one)
    k, done = one.counts[who], np.nan_to_num(one.span[who])
    rows, first = np.maximum(rows, k), np.where(k > 0, one.first[who], first)
    left = rows - k
    quiet = (
        np.nan_to_num(np.maximum(one.since + 1 - first, 0)) if np.isfinite(one.since) else np.zeros(len(k))
    )
    least = np.maximum(done, np.where(k > 0, quiet, 0.0)) + one.least * left
    return set_whole(
        frame, one, rows, first, np.where(left > 0, np.maximum(span, least), np.where(k > 0, done, span))
    )


def _quiet(share: float, doing: str) -> None:
    """Tell nobody."""
