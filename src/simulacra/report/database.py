"""The report on a database: links between tables first, then every table by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from simulacra.errors import DataError
from simulacra.evaluation import Evaluation
from simulacra.metric import Score
from simulacra.report import _json
from simulacra.report.document import Report
from simulacra.schema.files import dump_schema, load_schema
from simulacra.schema.types import Column, Schema

PAGE = "simulacra.report.database_page"


@dataclass(frozen=True, eq=False)
class DatabaseReport(Report):
    """The scores of a synthetic database; those of one table are called ``score@table``.

    Parameters
    ----------
    tables : dict
        The evaluation of each table by itself, with the cells of its pictures.
    structure : Schema or None
        The tables, their keys and references, for the diagram.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.metric import Score
    >>> scores = (Score("relational/keys", 0.0), Score("fidelity/pairs@loan", 0.01))
    >>> report = DatabaseReport("Bank", Evaluation(scores, pl.DataFrame(), {}, {}))
    >>> report["fidelity/pairs@loan"].value
    0.01
    >>> report.require("relational/keys <= 0")
    """

    tables: Mapping[str, Evaluation] = field(default_factory=dict)
    structure: Schema | None = None
    _forms: ClassVar[dict[str, str]] = {**Report._forms, **dict.fromkeys(("html", "htm"), PAGE)}

    def table(self, name: str) -> Report:
        """Return the report on one table by itself.

        Raises
        ------
        DataError
            There is none of that name.
        """
        if name not in self.tables:
            known = ", ".join(self.tables) or "none"
            raise DataError(f"this report has no table {name!r}. It has: {known}.")
        return Report(f"{self.title}: {name}", self.tables[name], self.provenance)

    def to_dict(self, *, private: bool = False) -> dict[str, Any]:
        """Return the report as JSON values: as `Report.to_dict`, with ``tables`` and ``database`` besides.

        ``database`` is the bare schema: names, kinds, keys and references, no value of the data.
        """
        made = super().to_dict(private=private)
        made["tables"] = {
            name: {
                "profiles": _json.rows(found.profiles),
                "joints": _json.rows(found.joints),
                "summary": _json.plain(found.summary, "summary"),
            }
            for name, found in self.tables.items()
        }
        made["database"] = None if self.structure is None else dump_schema(bare(self.structure))
        return made


def restore(document: Any) -> DatabaseReport:
    """Make the report from what `DatabaseReport.to_dict` gave.

    Raises
    ------
    DataError
        It is no report on a database.
    """
    title, evaluation, provenance, notes = _json.restore(document)
    listed = document["tables"]
    if not isinstance(listed, dict) or not all(isinstance(item, dict) for item in listed.values()):
        raise DataError("tables is not an object of objects. Give the JSON that Report.save wrote.")
    alone = {}
    for name, item in listed.items():
        part = _json.restore({"version": _json.VERSION, "scores": [], **item})[1]
        alone[name] = replace(part, scores=scores_of(evaluation.scores, name))
    content = document.get("database")
    structure = load_schema(content) if isinstance(content, dict) else None
    return DatabaseReport(title, evaluation, provenance, notes, tables=alone, structure=structure)


def scores_of(scores: tuple[Score, ...], table: str) -> tuple[Score, ...]:
    """Return the scores of one table under the names that they have in a report on that table alone.

    Examples
    --------
    >>> scores_of((Score("fidelity/pairs@loan", 0.1), Score("relational/keys", 0.0)), "loan")[0].name
    'fidelity/pairs'
    """
    return tuple(
        replace(score, name=score.name.rpartition("@")[0], title=_untitled(score.title, table))
        for score in scores
        if score.name.rpartition("@")[2] == table and "@" in score.name
    )


def _untitled(title: str, table: str) -> str:
    bare_title = title.removeprefix(f"{table}: ")
    return bare_title[:1].upper() + bare_title[1:]


def bare(schema: Schema) -> Schema:
    """Return a schema without anything that stands in the data: no levels, no bounds, no rules.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> bare(Schema((Table("t", (Column("c", "category", levels=("secret",)),)),))).table()["c"].levels
    """
    return Schema(
        tuple(
            replace(table, columns=tuple(Column(c.name, c.kind) for c in table.columns), constraints=(), weight=None)
            for table in schema.tables
        )
    )  # fmt: skip
