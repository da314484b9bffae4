"""Synthetic tables with one known defect each, to see whether an evaluation notices it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from simulacra.randomness import Streams
from simulacra.schema.types import Table

RARE = 0.05
"""The level and the subgroup that are dropped have about this share of the rows."""
HAIR = 0.0005
"""Noise of a copy, as a share of the range of each number."""


@dataclass(frozen=True)
class Pathology:
    """One defect, and who must notice it.

    Parameters
    ----------
    frame : DataFrame
        Rows in place of the synthetic.
    noticed_by : tuple of str
        Scores that must not pass. Empty: everything must pass.
    why : str
        What is wrong with the rows, in words.
    """

    frame: pl.DataFrame
    noticed_by: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class _Rows:
    table: Table
    train: pl.DataFrame
    fresh: pl.DataFrame
    target: str
    streams: Streams

    def names(self, *kinds: str) -> list[str]:
        return [c.name for c in self.table.columns if c.kind in kinds and c.name != self.target]


def pathologies(
    table: Table, train: pl.DataFrame, fresh: pl.DataFrame, target: str, seed: int = 0
) -> dict[str, Pathology]:
    """Spoil rows in every way that an evaluation of tables must notice, and in one that it must not.

    Parameters
    ----------
    table : Table
        Has at least one number and two categories (or truth values) besides the target.
    train : DataFrame
        The training rows.
    fresh : DataFrame
        Real rows that are neither among the training rows nor in the holdout.
    target : str
        A column that the others tell something about.
    seed : int
        The same seed gives the same rows.

    Returns
    -------
    dict
        By name: ``"unseen real rows"`` must pass everything; all others must be noticed.

    Notes
    -----
    **Cost** linear in rows.

    Examples
    --------
    >>> from simulacra.testing.metrics import make_case
    >>> case = make_case(200)
    >>> sorted(pathologies(case.table, case.train, case.synthetic, "n"))[-1]
    'unseen real rows'
    """
    rows = _Rows(table, train, fresh, target, Streams(seed).at("pathologies"))
    return {name: spoil(rows) for name, spoil in _DEFECTS.items()}


def _unseen(rows: _Rows) -> Pathology:
    return Pathology(rows.fresh, (), "nothing: these are real rows that nobody has seen")


def _copied(rows: _Rows) -> Pathology:
    noticed = (
        "privacy/copies", "privacy/membership", "privacy/density", "privacy/classifier", "diversity/recall"
    )  # fmt: skip
    return Pathology(rows.train, noticed, "every training row is copied")


def _partly_copied(rows: _Rows) -> Pathology:
    stream = rows.streams.stream("copied")
    count = max(1, rows.fresh.height // 100)
    kept = rows.fresh[np.sort(stream.permutation(rows.fresh.height)[count:])]
    copied = rows.train[np.sort(stream.permutation(rows.train.height)[:count])]
    return Pathology(pl.concat([kept, copied]), ("privacy/copies",), "1 % of the rows are training rows")


def _blurred(rows: _Rows) -> Pathology:
    frame = rows.train
    for name in rows.names("number"):
        values = frame[name].cast(pl.Float64)
        low, high = values.min(), values.max()
        width = HAIR * (float(high) - float(low)) if low is not None and high is not None else 0.0  # type: ignore[arg-type]
        noise = rows.streams.stream("noise", name).uniform(-width, width, frame.height)
        frame = frame.with_columns((values + noise).alias(name))
    return Pathology(
        frame, ("privacy/copies", "privacy/membership"), "training rows with a hair of noise on each number"
    )


def _shuffled(rows: _Rows) -> Pathology:
    columns = [
        values.gather(rows.streams.stream("shuffle", values.name).permutation(len(values)))
        for values in rows.train.get_columns()
    ]
    noticed = ("fidelity/detection", "fidelity/pairs", "fidelity/triples", "utility/transfer")
    return Pathology(pl.DataFrame(columns), noticed, "every column is shuffled on its own")


def _scaled(rows: _Rows) -> Pathology:
    name = rows.names("number")[0]
    frame = rows.fresh.with_columns(pl.col(name) * 1_000)
    noticed = (
        "fidelity/marginals/worst",
        "fidelity/detection",
        "fidelity/pairs/worst",
        "fidelity/tails/invented",
    )
    return Pathology(frame, noticed, "one number is multiplied by 1,000")


def _collapsed(rows: _Rows) -> Pathology:
    kept = rows.train[
        rows.streams.stream("collapse").permutation(rows.train.height)[: rows.train.height // 10]
    ]
    frame = pl.concat([kept] * 10)
    return Pathology(
        frame,
        ("diversity/collapse", "diversity/coverage", "diversity/duplicates"),
        "a tenth of the rows, ten times",
    )


def _mislabelled(rows: _Rows) -> Pathology:
    values = rows.fresh[rows.target]
    frame = rows.fresh.with_columns(values.gather(rows.streams.stream("labels").permutation(len(values))))
    noticed = ("utility/transfer", "fidelity/pairs/worst")
    return Pathology(frame, noticed, "the target is shuffled")


def _without_level(rows: _Rows) -> Pathology:
    shares = [
        (abs(count / rows.train.height - RARE), name, level)
        for name in rows.names("category", "boolean")
        for level, count in rows.train[name].drop_nulls().value_counts().iter_rows()
    ]
    _, name, level = min(shares, key=lambda entry: (entry[0], str(entry[1:])))
    frame = rows.fresh.filter(pl.col(name).ne_missing(level))
    return Pathology(frame, ("diversity/levels",), "one level of one column is never drawn")


def _without_subgroup(rows: _Rows) -> Pathology:
    names = rows.names("category", "boolean")
    best: tuple[float, str, dict[str, object]] | None = None
    for pair in combinations(names, 2):
        counts = rows.train.select(pair).drop_nulls().group_by(pair).len()
        for *levels, count in counts.iter_rows():
            cell = dict(zip(pair, levels, strict=True))
            entry = (abs(count / rows.train.height - RARE), str(cell), cell)
            best = entry if best is None or entry[:2] < best[:2] else best
    assert best is not None, "the table has fewer than two columns of levels"
    inside = pl.all_horizontal(pl.col(name).eq_missing(level) for name, level in best[2].items())
    frame = rows.fresh.filter(~inside)
    return Pathology(frame, ("diversity/combinations",), "one combination of two levels is never drawn")


_DEFECTS: dict[str, Callable[[_Rows], Pathology]] = {
    "unseen real rows": _unseen,
    "training rows copied": _copied,
    "a few rows copied": _partly_copied,
    "a hair of noise": _blurred,
    "columns shuffled": _shuffled,
    "a column times 1,000": _scaled,
    "mode collapse": _collapsed,
    "labels shuffled": _mislabelled,
    "a level dropped": _without_level,
    "a subgroup dropped": _without_subgroup,
}


def with_an_outlier(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Copy rows, and put one absurd value into the first of them; no score may notice much.

    Parameters
    ----------
    frame : DataFrame
        Any rows.
    table : Table
        Says which column is a number.

    Examples
    --------
    >>> from simulacra.testing.metrics import make_case
    >>> case = make_case(200)
    >>> with_an_outlier(case.train, case.table)["x"].max()
    1000000000.0
    """
    name = next(c.name for c in table.columns if c.kind == "number")
    value = pl.when(pl.int_range(pl.len()) == 0).then(10**9).otherwise(pl.col(name))
    return frame.with_columns(value.cast(frame[name].dtype).alias(name))
