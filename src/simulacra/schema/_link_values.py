"""Columns whose values may name rows: brought to one form, counted, and compared by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.schema._link_names import is_measure, table_words, words_of
from simulacra.schema.types import Column, Schema, Table

SAMPLE = 512
"""How many different values of a column are tried on all keys before all of them are."""

_LOOK = 200_000
_MANY_SHARE = ("person", "address", "url", "ip")
"""What identifying columns begin with whose values are not given to one person alone."""

_WINDOW = 50
_LEAST_CHANCE = 1e-6


@dataclass(eq=False)
class Side:
    """One column whose values may be named or name others, as whole numbers or as texts."""

    table: Table
    column: Column
    values: pl.Series
    family: str
    """``whole``, ``text``, ``day`` or ``moment``."""

    @property
    def place(self) -> tuple[str, str]:
        """Table and column."""
        return self.table.name, self.column.name

    @cached_property
    def nulls(self) -> int:
        """Rows without a value."""
        return self.values.null_count()

    @cached_property
    def look(self) -> pl.Series:
        """Values of rows spread over the table."""
        return self.values.gather_every(max(1, len(self.values) // _LOOK)).drop_nulls()

    @cached_property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        if self.nulls or len(self.values) < 2 or self.look.n_unique() < len(self.look):
            return False
        return self.values.n_unique() == len(self.values)

    @cached_property
    def counts(self) -> pl.DataFrame:
        """The different values, and in how many rows each stands."""
        return self.values.drop_nulls().alias("value").value_counts(name="rows")

    @cached_property
    def sample(self) -> pl.Series:
        """At most `SAMPLE` different values, spread over their order."""
        distinct = self.look.unique().sort()
        return distinct.gather_every(max(1, -(-len(distinct) // SAMPLE)))

    @cached_property
    def sorted(self) -> npt.NDArray[np.int64]:
        """The different whole numbers in order."""
        return np.sort(self.values.drop_nulls().unique().to_numpy())

    @cached_property
    def shapes(self) -> dict[str, float]:
        """For each shape of texts, the share of all texts of that shape that are among the values."""
        shapes = _shape(self.values.drop_nulls().unique()).value_counts(name="rows")
        return {
            shape: min(1.0, rows / _possible(shape))
            for shape, rows in zip(shapes.to_series(0).to_list(), shapes["rows"].to_list(), strict=True)
        }


def list_sides(frames: Mapping[str, pl.DataFrame], schema: Schema) -> list[Side]:
    """Make a `Side` of every column that may refer or be referred to.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Canonical values; columns that are not there are passed over.
    schema : Schema
        What they are.
    """
    return [
        side
        for table in schema.tables
        if table.name in frames
        for column in table.columns
        if column.name in frames[table.name].columns
        for side in _sides(table, column, frames[table.name][column.name])
    ]


def may_link(column: Column) -> bool:
    """Tell whether values of a column of this kind may name rows."""
    if column.identifying is not None and (column.kind, column.integer) == ("text", True):
        return False  # digits that are no number, 0123: they have no form as a whole number
    if column.identifying is not None and column.identifying.startswith(_MANY_SHARE):
        return False
    if column.kind in {"number", "key"}:
        return column.integer or column.kind == "key"
    return column.kind in {"category", "text", "date", "datetime"}


def _sides(table: Table, column: Column, values: pl.Series) -> Iterator[Side]:
    if not may_link(column) or values.null_count() == len(values):
        return
    if values.dtype == pl.String:
        whole = _as_whole(values)
        yield Side(table, column, values, "text") if whole is None else Side(table, column, whole, "whole")
    elif values.dtype.is_integer():
        yield Side(table, column, values.cast(pl.Int64), "whole")
    elif values.dtype == pl.Date:
        yield Side(table, column, values.cast(pl.Int32).cast(pl.Int64), "day")
    elif isinstance(values.dtype, pl.Datetime):
        yield Side(table, column, values.dt.cast_time_unit("us").cast(pl.Int64), "moment")


def _as_whole(texts: pl.Series) -> pl.Series | None:
    """Return texts as whole numbers, where every one is written as such a number is."""
    first = texts.drop_nulls().head(1_000)
    if not _reads_back(first):
        return None
    return texts.cast(pl.Int64) if _reads_back(texts.drop_nulls().unique()) else None


def _reads_back(texts: pl.Series) -> bool:
    whole = texts.cast(pl.Int64, strict=False)
    return not whole.null_count() and bool((whole.cast(pl.String) == texts).all())


def may_be_key(side: Side) -> bool:
    """Tell whether a column may be what others refer to: every row differs, and it is no quantity."""
    column, table = side.column, side.table
    if not side.unique:
        return False
    if (column.name,) == table.key or column.kind == "key":
        return True
    named = set(words_of(column.name)) & set(table_words(table.name))
    if column.kind in {"date", "datetime"}:
        return column is table.columns[0] or bool(named)
    return not is_measure(column.name) or bool(named)


def share_samples(parent: Side, children: list[Side]) -> list[float]:
    """Return, for each child, the share of its sample that is among the values of the parent."""
    if not children:
        return []
    sizes = [len(child.sample) for child in children]
    frame = pl.DataFrame(
        {
            "child": np.repeat(np.arange(len(children)), sizes),
            "value": pl.concat([child.sample for child in children]),
        }
    )
    found = frame.filter(pl.col("value").is_in(parent.values.implode())).group_by("child").len()
    hits = dict(zip(found["child"].to_list(), found["len"].to_list(), strict=True))
    return [hits.get(number, 0) / size if size else 0.0 for number, size in enumerate(sizes)]


def surprise(child: Side, parent: Side, share: float, distinct: int) -> float:
    """Return how surprising it is that so many values are keys, in digits: 6 is one in a million.

    Notes
    -----
    A value near one of the child's is a key with a chance that the keys around it tell: the share of whole numbers
    there (of those that the child's step allows), or of texts of the same shape. The surprise is that of the share
    found under such a chance, by the Chernoff bound. Keys without gaps, 1 to n, are no surprise at all.
    """
    chance = _chance_text(child, parent) if child.family == "text" else _chance_whole(child, parent)
    if share <= chance:
        return 0.0
    rest = (1 - share) * np.log((1 - share) / (1 - chance)) if share < 1 else 0.0
    return float(distinct * (share * np.log(share / chance) + rest) / np.log(10))


def _chance_whole(child: Side, parent: Side) -> float:
    values, keys = child.sample.to_numpy(), parent.sorted
    step = int(np.gcd.reduce(np.diff(values))) if len(values) > 1 else 1
    if step > 1:
        keys = keys[(keys - values[0]) % step == 0]
    if not len(keys):
        return _LEAST_CHANCE
    reach = _WINDOW * step
    low, high = np.maximum(values - reach, keys[0]), np.minimum(values + reach, keys[-1])
    around = np.searchsorted(keys, values + reach, "right") - np.searchsorted(keys, values - reach, "left")
    room = np.maximum((high - low) // max(step, 1) + 1, 1)
    return float(np.clip(np.mean(around / room), _LEAST_CHANCE, 1.0))


def _chance_text(child: Side, parent: Side) -> float:
    shapes = _shape(child.sample).to_list()
    if not shapes:
        return 1.0
    chances = [max(parent.shapes.get(shape, _LEAST_CHANCE), _LEAST_CHANCE) for shape in shapes]
    return float(np.exp(np.mean(np.log(chances))))


def _shape(texts: pl.Series) -> pl.Series:
    return (
        texts.str.slice(0, 40)
        .str.replace_all(r"\p{Lu}", "A")
        .str.replace_all(r"\p{Ll}", "a")
        .str.replace_all(r"\d", "9")
    )


def _possible(shape: str) -> float:
    """Return how many texts have a shape; a single letter is what anything is called, so it counts as two."""
    if len(shape) <= 1:
        return 2.0
    letters = sum(shape.count(letter) for letter in "Aa")
    return 26.0 ** min(letters, 12) * 10.0 ** min(shape.count("9"), 18)
