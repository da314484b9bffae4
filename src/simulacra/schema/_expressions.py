"""Expressions over a row and what belongs to it in other tables: values of rows above, aggregates of rows below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from sqlglot import exp

from simulacra.errors import DataError
from simulacra.schema.routes import Route, Rows
from simulacra.schema.types import Table


@dataclass(frozen=True)
class Lookup:
    """A column of a row that the row at hand belongs to."""

    name: str
    route: Route
    column: str

    def evaluate(self, rows: Rows) -> pl.Series:
        """Return its value for every row of the table where the route starts; null where there is no such row."""
        return _column(rows, self.route.end, self.column).gather(rows.up(self.route))


@dataclass(frozen=True)
class Aggregate:
    """A figure of the rows below the row at hand.

    Parameters
    ----------
    name : str
        As it is written.
    function : str
        ``count``, ``sum``, ``avg``, ``min`` or ``max``.
    route : Route
        From the rows below up to the row at hand.
    value : Expression or None
        What is counted or added up; None for ``count(*)``.
    where : Expression or None
        Which rows below; all when None.
    distinct : bool
        Whether equal values count once.
    """

    name: str
    function: str
    route: Route
    value: Expression | None = None
    where: Expression | None = None
    distinct: bool = False

    def evaluate(self, rows: Rows) -> pl.Series:
        """Return the figure for every row of the table where the route ends.

        Without rows a count is 0 and anything else is null, as in SQL.
        """
        height = rows.frames[self.route.end].height
        found = pl.DataFrame([rows.up(self.route).alias("row")])
        keep = pl.col("row").is_not_null()
        if self.value is not None:
            found = found.with_columns(self.value.evaluate(rows).alias("value"))
            keep &= pl.col("value").is_not_null()
        if self.where is not None:
            found = found.with_columns(self.where.evaluate(rows).cast(pl.Boolean).alias("fits"))
            keep &= pl.col("fits")
        found = found.filter(keep).drop("fits", strict=False)
        if self.distinct:
            found = found.unique()
        figures = self._figures(found, height)
        everyone = pl.select(row=pl.int_range(height, dtype=pl.UInt32))
        figure = everyone.join(figures, on="row", how="left", maintain_order="left")["figure"]
        return figure.fill_null(0).cast(pl.Int64) if self.function == "count" else figure

    def _figures(self, found: pl.DataFrame, height: int) -> pl.DataFrame:
        groups = found.group_by("row")
        if self.function == "count":
            return groups.agg(figure=pl.len())
        value = pl.col("value")
        if self.function in {"min", "max"}:
            return groups.agg(figure=value.min() if self.function == "min" else value.max())
        if found["value"].dtype.is_float() or (self.function == "avg" and found["value"].dtype.is_numeric()):
            # added up in the order of the rows, so that threads do not change the last bit
            at = found["row"].to_numpy()
            total: np.ndarray[Any, Any] = np.bincount(at, found["value"].cast(pl.Float64).to_numpy(), height)
            count = np.bincount(at, minlength=height).astype(np.float64)
            if self.function == "avg":
                total = total / np.maximum(count, 1)
            some = np.flatnonzero(count)
            return pl.DataFrame({"row": some.astype(np.uint32), "figure": total[some]})
        return groups.agg(figure=value.sum() if self.function == "sum" else value.mean())


@dataclass(frozen=True)
class Expression:
    """A SQL expression over a row, rows above it and rows below it, compiled.

    Parameters
    ----------
    sql : str
        As it is written.
    table : str
        The table of the row at hand.
    columns : tuple of str
        Its columns that are read, in the order of the table.
    kind : str
        What it gives.
    lookups : tuple of Lookup
        Columns of rows above.
    aggregates : tuple of Aggregate
        Figures of rows below.
    """

    sql: str
    table: str
    columns: tuple[str, ...]
    kind: str
    lookups: tuple[Lookup, ...]
    aggregates: tuple[Aggregate, ...]
    integer: bool = False
    zone: str | None = None
    _expr: pl.Expr = field(default_factory=lambda: pl.lit(None), compare=False, repr=False)
    _written: exp.Expression | None = field(default=None, compare=False, repr=False)
    _plain: exp.Expression | None = field(default=None, compare=False, repr=False)
    _wide: Table | None = field(default=None, compare=False, repr=False)

    @property
    def written(self) -> exp.Expression:
        """The parsed text."""
        assert self._written is not None
        return self._written

    @property
    def plain(self) -> exp.Expression:
        """The parsed text, with a column in the place of everything that belongs to other tables."""
        assert self._plain is not None
        return self._plain

    @property
    def wide(self) -> Table:
        """The table with these columns."""
        assert self._wide is not None
        return self._wide

    @property
    def crosses(self) -> bool:
        """Whether it reads other tables."""
        return bool(self.lookups or self.aggregates)

    @property
    def _parts(self) -> tuple[Lookup | Aggregate, ...]:
        return (*self.lookups, *self.aggregates)

    @property
    def tables(self) -> tuple[str, ...]:
        """All tables that it reads, its own first."""
        found = dict.fromkeys((self.table,))
        for part in self._parts:
            found |= dict.fromkeys(part.route.tables)
        for figure in self.aggregates:
            for inner in (figure.value, figure.where):
                found |= dict.fromkeys(inner.tables if inner is not None else ())
        return tuple(found)

    @property
    def reads(self) -> frozenset[tuple[str, str]]:
        """All columns that it reads, with their tables; those that references go by are not among them."""
        found = {(self.table, name) for name in self.columns}
        found |= {(part.route.end, part.column) for part in self.lookups}
        for figure in self.aggregates:
            for inner in (figure.value, figure.where):
                found |= inner.reads if inner is not None else set()
        return frozenset(found)

    def evaluate(self, rows: Rows) -> pl.Series:
        """Compute it for every row."""
        columns = [_column(rows, self.table, name) for name in self.columns]
        columns += [part.evaluate(rows).alias(part.name) for part in self._parts]
        height = rows.frames[self.table].height
        # an expression that reads nothing is one value, and needs the number of rows
        frame = pl.DataFrame(columns) if columns else pl.select(none=pl.int_range(height))
        result = frame.select(self._expr.alias("value")).to_series()
        return result if len(result) == height else result.new_from_index(0, height)


def _column(rows: Rows, table: str, name: str) -> pl.Series:
    if table not in rows.frames:
        raise DataError(f"the data have no table {table!r}.")
    if name not in rows.frames[table].columns:
        raise DataError(f"the data have no column {name!r} in table {table!r}.")
    return rows.frames[table][name]
