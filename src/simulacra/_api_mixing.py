"""Fitting a table of which some columns have rules: the others are learnt, and both are drawn together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulacra.dataset import Dataset, dataset
from simulacra.errors import SchemaError
from simulacra.rules.model import RuleSynthesizer
from simulacra.schema.breaches import columns_of
from simulacra.schema.types import Schema, Table
from simulacra.synthesizer import Synthesizer


def fit_mixed(data: Any, schema: Schema, learn: Callable[[Dataset], Any]) -> RuleSynthesizer:
    """Learn the columns that have no rule, and put the rules beside them.

    Parameters
    ----------
    data : path, frame or Dataset
        The training rows; columns with rules may be absent, and are left out where they are there.
    schema : Schema
        Of one table; some of its columns have rules, which may read learnt columns.
    learn : callable
        Fits a model of one table to a data set.

    Returns
    -------
    RuleSynthesizer
        Whose rows are drawn of the model, and finished by the rules.

    Raises
    ------
    SchemaError
        There are several tables, or no column is left to learn.
    """
    if len(schema.tables) != 1:
        raise SchemaError(
            "rules beside learnt columns are for one table. Fit the tables apart, and name their models in a file of "
            "rules: model: people.sim."
        )
    table = schema.table()
    learnt = _without_rules(table)
    if not learnt.columns:
        raise SchemaError(
            "every column has a rule, so there is nothing to learn. Use compose(schema) instead."
        )
    fitted = learn(dataset(data, schema=Schema((learnt,)), extra="drop"))
    if not isinstance(fitted, Synthesizer):
        raise SchemaError(
            "rules beside learnt columns are for single rows, and these are histories. Take the rules out."
        )
    columns = tuple(
        column
        if column.rule is not None
        else replace(fitted.table[column.name], rule={"learnt": column.name})
        for column in table.columns
    )
    named = replace(table.renamed(fitted.table.name), columns=columns)
    return RuleSynthesizer.of(Schema((named,)), {named.name: fitted})


def _without_rules(table: Table) -> Table:
    """Return a table without the columns that have rules, and without what reads them."""
    gone = {column.name for column in table.columns if column.rule is not None}
    return replace(
        table, columns=tuple(column for column in table.columns if column.name not in gone),
        key=() if set(table.key) & gone else table.key,
        constraints=tuple(rule for rule in table.constraints if not set(columns_of(rule, table)) & gone),
        references=tuple(link for link in table.references if not set(link.columns) & gone),
        weight=None if table.weight in gone else table.weight, order=None if table.order in gone else table.order,
    )  # fmt: skip
