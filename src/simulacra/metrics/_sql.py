"""A user's question in SQL: checked before it is run, answered as figures by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import sqlglot
from sqlglot import exp

from simulacra.errors import OptionError
from simulacra.profile import as_numbers

MOST_ROWS = 1_000
REVEALING = (exp.Min, exp.Max, exp.First, exp.Last, exp.ArrayAgg, exp.GroupConcat)


@dataclass(frozen=True)
class Query:
    """A checked query.

    Parameters
    ----------
    name : str
        What the user calls it.
    sql : str
        Its text.
    tables : tuple of str
        The names by which the rows may be called.
    groups : frozenset of str or None
        Result columns that name the group, where the query groups; None where it does not.
    revealing : bool
        Whether it gives single values, such as an extreme.
    """

    name: str
    sql: str
    tables: tuple[str, ...]
    groups: frozenset[str] | None
    revealing: bool

    def ask(self, frame: pl.DataFrame) -> Mapping[tuple[str, ...], float]:
        """Return the figures, by query, group and name of the figure.

        Raises
        ------
        OptionError
            The query can not be run, or gives rows in place of figures.
        """
        text = self.sql.casefold()
        # inside a quoted name, SQL writes a quote twice
        written = {name: (name.casefold(), name.casefold().replace('"', '""')) for name in frame.columns}
        used = [name for name, ways in written.items() if any(way in text for way in ways)] or frame.columns
        given = frame if "*" in text.replace("count(*)", "") else frame.select(used)
        try:
            with pl.SQLContext(dict.fromkeys(self.tables, given), eager=True) as context:
                result = context.execute(self.sql)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError) as error:
            # the message may hold values of rows
            raise OptionError(
                f"query {self.name!r} can not be run ({type(error).__name__}); check its columns and functions."
            ) from None
        if result.height > MOST_ROWS:
            raise OptionError(
                f"query {self.name!r} gives {result.height:,} rows; group more coarsely, to at most {MOST_ROWS:,}."
            )
        return self._figures(result)

    def _figures(self, result: pl.DataFrame) -> dict[tuple[str, ...], float]:
        labels = [name for name in result.columns if self._is_label(name, result.schema[name])]
        figures = [name for name in result.columns if name not in labels]
        if not figures:
            raise OptionError(f"query {self.name!r} gives no figures; ask for a count, a mean or the like.")
        if labels:  # groups come in any order
            result = result.sort(pl.col(labels).cast(pl.String), nulls_last=True)
        groups = [", ".join(row) for row in _texts(result, labels)]
        if len(set(groups)) < len(groups):
            raise OptionError(
                f"query {self.name!r} gives several rows that can not be told apart; name their groups in the SELECT."
            )
        found: dict[tuple[str, ...], float] = {}
        for name in figures:
            for group, value in zip(groups, _floats(result[name]), strict=True):
                found[(self.name, group, name)] = _settled(value) if np.isfinite(value) else float("nan")
        return found

    def _is_label(self, name: str, dtype: pl.DataType) -> bool:
        if self.groups is not None and name.casefold() in self.groups:
            return True
        return not (dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Null)


def _settled(value: float) -> float:
    """Drop the digits that depend on the order in which threads add up rows.

    Examples
    --------
    >>> _settled(32107.157540199263) == _settled(32107.15754019927)
    True
    """
    return float(f"{value:.12g}")


def _texts(result: pl.DataFrame, labels: list[str]) -> list[tuple[str, ...]]:
    if not labels:
        return [("",)] * result.height
    return result.select(pl.col(labels).cast(pl.String).fill_null("missing")).rows()


def _floats(values: pl.Series) -> list[float]:
    if values.dtype == pl.Null:
        return [float("nan")] * len(values)
    if values.dtype.is_temporal():
        return [float(value) for value in as_numbers(values)]
    return [float(value) for value in values.cast(pl.Float64).fill_null(float("nan")).to_list()]


def check_query(name: str, sql: str, table: str, columns: tuple[str, ...]) -> Query:
    """Check that a query is one SELECT of figures over the table's rows.

    Parameters
    ----------
    name : str
        What the user calls it.
    sql : str
        Its text.
    table : str
        The table's own name; ``data`` is another.
    columns : tuple of str
        The table's columns.

    Raises
    ------
    OptionError
        It is not.

    Examples
    --------
    >>> check_query("mean", "select avg(x) as x from data", "t", ("x",)).groups is None
    True
    """
    try:
        statements = [one for one in sqlglot.parse(sql, read="postgres") if one is not None]
    except sqlglot.errors.SqlglotError:
        raise OptionError(
            f"query {name!r} is no SQL that can be read; write one SELECT over the table 'data'."
        ) from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise OptionError(f"query {name!r} is not one SELECT; only questions can be asked.")
    tree = statements[0]
    named = {one.alias_or_name.casefold() for one in tree.find_all(exp.CTE)}
    for source in tree.find_all(exp.Table):
        if not isinstance(source.this, exp.Identifier) or source.args.get("db") is not None:
            raise OptionError(f"query {name!r} reads something else than the table; ask of 'data'.")
        if source.name.casefold() not in named | {"data", table.casefold()}:
            raise OptionError(f"query {name!r} asks of a table {source.name!r}; the rows are called 'data'.")
    if tree.find(exp.AggFunc) is None:
        raise OptionError(f"query {name!r} gives rows, not figures; ask for a count, a mean or the like.")
    aliases = {one.alias.casefold() for one in tree.find_all(exp.Alias, exp.TableAlias) if one.alias}
    known = {column.casefold() for column in columns} | aliases | {"*"}
    for column in tree.find_all(exp.Column):
        if column.name.casefold() not in known:
            raise OptionError(
                f"query {name!r} asks of a column {column.name!r} that the table has not; check its name."
            )
    tables = tuple(dict.fromkeys(["data", table]))
    return Query(name, sql, tables, _groups(tree), tree.find(*REVEALING) is not None)


def _groups(tree: exp.Query) -> frozenset[str] | None:
    """Return the result columns of a grouping query that are no figures."""
    chosen = tree.selects
    if tree.find(exp.Group) is None:
        return None
    return frozenset(
        one.alias_or_name.casefold()
        for one in chosen
        if one.find(exp.AggFunc) is None and not _is_figure(one, tree)
    )


def _is_figure(chosen: exp.Expression, tree: exp.Query) -> bool:
    """Whether a plain column stands for a figure of an inner query."""
    inner = {
        one.alias_or_name.casefold()
        for query in tree.find_all(exp.Select)
        if query is not tree
        for one in query.selects
        if one.find(exp.AggFunc) is not None
    }
    return any(column.name.casefold() in inner for column in chosen.find_all(exp.Column))
