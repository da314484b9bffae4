"""Texts that keep to the pattern of their column: what was spelt by shapes of its own is spelt by the pattern."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from simulacra.errors import SchemaError
from simulacra.guarantees._languages import Language
from simulacra.schema.types import Column


def keep_pattern(texts: pl.Series, column: Column, rng: np.random.Generator) -> pl.Series:
    """Spell the texts anew that do not match the pattern of their column.

    Parameters
    ----------
    texts : Series
        Drawn texts.
    column : Column
        Their column; without a pattern, and where texts are fakes of a kind, all stays as it is.
    rng : Generator
        Where randomness comes from.

    Returns
    -------
    Series
        Texts that match. A pattern from which no texts can be made (look-around) leaves them as they are.

    Notes
    -----
    **Cost**: linear in rows. **Privacy**: a pattern is a part of the contract, and tells of no row.

    Examples
    --------
    >>> column = Column("code", "text", pattern="00[1-4]")
    >>> keep_pattern(pl.Series("code", ["003", "914", None]), column, np.random.default_rng(0)).to_list()
    ['003', '004', None]
    """
    if column.kind != "text" or column.pattern is None or column.identifying is not None:
        return texts
    language = _read(column.pattern)
    if language is None:
        return texts
    lost = (~texts.str.contains(f"^(?:{column.pattern})$")).fill_null(False).arg_true()
    if not len(lost):
        return texts
    return texts.scatter(lost, pl.Series(language.draw(len(lost), rng), dtype=pl.String))


@lru_cache(maxsize=256)
def _read(regex: str) -> Language | None:
    """Read a pattern, if texts can be made of it and held against it."""
    try:
        language = Language.parse(regex)
        pl.Series([""]).str.contains(f"^(?:{regex})$")
    except (SchemaError, pl.exceptions.ComputeError):
        return None
    return language
