"""What became of the known cells and the gaps of completed rows, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from simulacra.completion._known import NO_CHANCE
from simulacra.completion.completion import Account
from simulacra.completion.partial import nearest
from simulacra.encoding import Encoding
from simulacra.schema.types import Table

_SPELT = 0.9
"""How alike two levels must be to be taken for one: many true levels are rather alike."""
_LOOKED_AT = 200
"""Levels that no model has for which one of nearly the same name is looked for."""


def tell_account(
    account: Account,
    frame: pl.DataFrame,
    whole: pl.DataFrame,
    columns: Iterable[str],
    table: Table,
    encodings: Mapping[str, Encoding],
) -> list[str]:
    """Say in sentences what happened to completed rows.

    Parameters
    ----------
    account : Account
        What was counted.
    frame, whole : DataFrame
        The rows before and after.
    columns : iterable of str
        The columns that were to be filled.
    table : Table
        The model's columns.
    encodings : mapping of str to Encoding
        The model's, by column.
    """
    notes = [
        _tell_strange(name, count, frame[name], table, encodings[name])
        for name, count in account.strange.items()
        if count
    ]
    if account.loose:
        notes.append(
            f"{_rows(account.loose, 'has', 'have')} known cells that fit no row of the model (an exact relation, a "
            "constraint, or a value that is always missing there); their gaps were filled without that."
        )
    notes += [
        f"{words}: {_rows(count, 'breaks', 'break')} it, by known cells."
        for words, count in account.broken.items()
        if count
    ]
    for name in columns:
        gaps = whole[name].null_count()
        if gaps:
            notes.append(
                f"column {name!r}: {gaps:,} {'cell is' if gaps == 1 else 'cells are'} still missing."
            )
    return notes


def _rows(count: int, one: str, more: str) -> str:
    return f"{count:,} {f'row {one}' if count == 1 else f'rows {more}'}"


def _tell_strange(name: str, count: int, values: pl.Series, table: Table, encoding: Encoding) -> str:
    cells = "cell has" if count == 1 else "cells have"
    they, stay, tell = ("it", "stays", "tells") if count == 1 else ("they", "stay", "tell")
    if all(axis.size is None for axis in encoding.axes):
        counts = "counts" if count == 1 else "count"
        return (
            f"column {name!r}: {count:,} known {cells} a value that the model can not draw; {they} {stay}, and "
            f"{counts} as the nearest one that it can."
        )
    what = "level" if values.dtype == pl.String else "value"
    near = [] if table[name].sensitive or what == "value" else _near_levels(values, encoding)
    meant = f" The model has {' and '.join(map(repr, near))}." if near else ""
    return (
        f"column {name!r}: {count:,} known {cells} a {what} that the model did not learn; {they} {stay}, and {tell} "
        f"nothing of {'its row' if count == 1 else 'their rows'}.{meant}"
    )


def _near_levels(values: pl.Series, encoding: Encoding) -> list[str]:
    """Return levels of a model of nearly the same name as levels that it does not have."""
    (axis,) = encoding.axes[:1]
    levels = encoding.decode((np.arange(axis.size or 0),), rng=NO_CHANCE).drop_nulls().unique()
    strange = values.drop_nulls().unique().sort()
    unknown = strange.filter(~strange.is_in(levels.implode())).head(_LOOKED_AT).to_list()
    known = levels.sort().to_list()
    found = [near for level in unknown if (near := nearest(level, known, _SPELT)) is not None]
    return list(dict.fromkeys(found))[:3]
