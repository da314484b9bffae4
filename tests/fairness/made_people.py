"""People of three groups that differ in field and in pay, drawn by rejection."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulacra.randomness import Streams
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table

LEVELS = ("no", "yes", "maybe")
TABLE = Table(
    "people",
    (
        Column("group", "category"), Column("field", "category"), Column("skill", "category"),
        Column("paid", "category"), Column("bonus", "boolean"), Column("secret", "category", sensitive=True),
    ),
)  # fmt: skip


def people(n: int, streams: Streams) -> pl.DataFrame:
    """Groups that differ in field, and in pay within fields; a bonus that hangs on pay and group."""
    luck = streams.stream("people").random((5, n))
    group = np.searchsorted([0.5, 0.85], luck[0])
    field = (luck[1] < np.array([0.2, 0.5, 0.7])[group]).astype(int)
    chance = np.array([[0.1, 0.3], [0.2, 0.5], [0.25, 0.6]])[group, field]
    paid = np.where(luck[2] < chance, 1, np.where(luck[2] < chance + 0.1, 2, 0))
    bonus = luck[3] < np.array([0.1, 0.6, 0.3])[paid] - 0.05 * group
    return pl.DataFrame(
        {
            "group": np.array(["a", "b", "c"])[group],
            "field": np.array(["x", "y's"])[field],
            "skill": np.array(["low", "high"])[(luck[4] < 0.3).astype(int)],
            "paid": np.array(LEVELS)[paid],
            "bonus": bonus,
            "secret": np.array(["pear", "plum"])[(paid == 1).astype(int)],
        }
    )


def draw(n: int, predicate: Predicate | None, streams: Streams) -> pl.DataFrame:
    """Draw people by rejection."""
    found, block = people(0, streams), 0
    while len(found) < n:
        more = people(2 * n + 1_000, streams.at("try", block))
        found = pl.concat([found, more if predicate is None else predicate.keep(more)])
        block += 1
    return found.head(n)
