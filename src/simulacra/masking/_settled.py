"""Parts of keys that name nobody and stay: line numbers within an order, years, and the codes of small lists."""

from __future__ import annotations

import polars as pl

from simulacra.dataset import Dataset
from simulacra.masking._owners import find_lookups
from simulacra.schema.types import Table

_LONGEST = 1_000
_YEARS = (1900, 2100)


def find_settled(data: Dataset) -> dict[tuple[str, str], str]:
    """List columns of keys whose values count or date rows, or are the words of a small list, and say what they are.

    Parameters
    ----------
    data : Dataset
        The tables.

    Returns
    -------
    dict
        What the values are, by table and column.

    Notes
    -----
    A line number is a part of a key that refers to nothing and counts from 0 or 1 within the rest of the key, without
    gaps in nine of ten cases. It says no more than how many rows there are.

    Examples
    --------
    >>> from simulacra.dataset import dataset
    >>> lines = dataset(pl.DataFrame({"order": [7, 7, 8, 9, 9], "line": [1, 2, 1, 1, 2]}))
    >>> find_settled(lines.with_schema(lines.schema.with_key("order", "line")))
    {('table', 'line'): 'a number that counts rows'}
    """
    lists = find_lookups(data.schema, data.frames)
    found = {}
    for table in data.schema.tables:
        frame = data.frames[table.name]
        tied = {name for reference in table.references for name in reference.columns}
        for name in table.key:
            if table.name in lists:
                found[table.name, name] = "the codes of a small list"
            elif name not in tied and frame[name].dtype == pl.Int64 and len(frame):
                low, high = frame[name].min(), frame[name].max()
                if _YEARS[0] <= low and high <= _YEARS[1]:  # type: ignore[operator]
                    found[table.name, name] = "years"
                elif _counts(table, frame, name):
                    found[table.name, name] = "a number that counts rows"
    return found


def _counts(table: Table, frame: pl.DataFrame, name: str) -> bool:
    """Tell whether a part of a key counts the rows that share the rest of it."""
    rest = [other for other in table.key if other != name]
    if not rest:
        return False
    groups = frame.group_by(rest).agg(low=pl.col(name).min(), high=pl.col(name).max(), rows=pl.len())
    longest = int(groups["rows"].max() or 0)  # type: ignore[arg-type]
    if longest > min(_LONGEST, len(groups)):
        return False
    dense = pl.col("low").is_in([0, 1]) & (pl.col("high") - pl.col("low") + 1 == pl.col("rows"))
    # groups of one row show nothing but where they start
    return bool(groups.select(dense.mean()).item() >= 0.9) and longest > 1
