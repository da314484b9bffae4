"""The verbs that need no data: compose, generate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulacra._api_fitting import load
from simulacra.dataset import Dataset
from simulacra.errors import FileError, SchemaError, unknown
from simulacra.generator import Progress, silent
from simulacra.rules.model import RuleSynthesizer
from simulacra.rules.taken import take_data
from simulacra.rules.templates import TEMPLATES, is_template, read_template
from simulacra.schema._fields import dump_column
from simulacra.schema._yaml import load_yaml
from simulacra.schema.files import dump_schema, read_text
from simulacra.schema.importers.recognition import SQL_SUFFIXES, find_reader, open_contract
from simulacra.schema.types import Schema
from simulacra.synthesizer import Synthesizer

Rules = Mapping[str, Any] | Sequence[str] | Schema | str | Path
"""Rules in any of the forms in which they can be given."""


def compose(rules: Rules) -> RuleSynthesizer:
    """Make a model of rules: it needs no data.

    Parameters
    ----------
    rules : mapping, list of str, Schema, path or str
        Fields (``["name", "email"]``), columns with their rules (``{"name": "person.name", "income": {"lognormal":
        [40000, 0.5]}}``), tables of them, a schema, a file of it (``"shop.yaml"``),
        a contract of another kind (``"shop.sql"``), or the name of a template
        (``"shop"``).

    Returns
    -------
    RuleSynthesizer
        With `sample`, as models have that are learnt.

    Raises
    ------
    SchemaError
        A rule can not be understood; with the table and the column.
    FileError
        The file can not be read.

    Notes
    -----
    A schema without rules will do: what it says of a column (levels, bounds, a pattern, what it identifies) is enough
    for values that keep to it.

    Examples
    --------
    >>> import simulacra as sim
    >>> model = sim.compose({"id": "sequence", "colour": {"choice": {"red": 0.7, "blue": 0.3}}})
    >>> model.sample(2, seed=1).frame.columns
    ['id', 'colour']
    """
    if not isinstance(rules, (str, Path)):
        content = _list_columns(rules) if isinstance(rules, Sequence) else rules
        content = dump_schema(content) if isinstance(content, Schema) else content
        return RuleSynthesizer.of(*_with_models(content, Path()))
    path = Path(rules).expanduser()
    if is_template(rules) and not path.is_file():
        return RuleSynthesizer.of(read_template(str(rules)))
    if not path.suffix and path.name == str(rules) and not path.exists():
        raise FileError(f"there is no file {str(rules)!r}, and {unknown('template', str(rules), TEMPLATES)}")
    try:
        content = _read_file(path)
        return RuleSynthesizer.of(*_with_models(content, path.parent))
    except SchemaError as error:
        raise SchemaError(f"{str(path)!r}: {error}") from error


def _list_columns(fields: Sequence[str]) -> dict[str, Any]:
    """Give each field of a list a column of its name."""
    columns: dict[str, Any] = {}
    for field in fields:
        if not isinstance(field, str):
            raise SchemaError(f"a list of rules names fields, such as ['name', 'email'], not {field!r}.")
        if field in columns:
            raise SchemaError(
                f"field {field!r} is listed twice. Name columns apart: {{'work_{field}': {field!r}}}."
            )
        columns[field] = field
    return {"columns": columns}


def _read_file(path: Path) -> Any:
    """Read rules, or a contract of another kind, as plain values."""
    if path.suffix.lower() in SQL_SUFFIXES:
        opened = open_contract(path)
        return dump_schema(opened if isinstance(opened, Schema) else opened(None))
    content = load_yaml(read_text(path))
    reader = find_reader(content, path.name.partition(".")[0])
    return content if reader is None else dump_schema(reader(None))


def _with_models(content: Any, folder: Path) -> tuple[Any, dict[str, Synthesizer]]:
    """Put what data and models say in their place: distributions of real columns, columns of fitted models."""
    content = take_data(content, folder)
    models: dict[str, Synthesizer] = {}
    tables = content.get("tables") if isinstance(content, Mapping) else None
    if not isinstance(tables, Mapping) or not any(
        isinstance(t, Mapping) and "model" in t for t in tables.values()
    ):
        return content, models
    joined = {}
    for name, facts in tables.items():
        if "model" not in facts:
            joined[name] = facts
            continue
        model = facts["model"]
        model = load(folder / model) if isinstance(model, (str, Path)) else model
        if not isinstance(model, Synthesizer):
            raise SchemaError(
                f"table {name!r}: 'model' is a fitted model of one table, and this is another. Fit the table."
            )
        models[name] = model
        learnt = {
            column.name: {**dump_column(column), "rule": {"learnt": column.name}}
            for column in model.table.columns
        }
        rest = {field: value for field, value in facts.items() if field != "model"}
        joined[name] = {**rest, "columns": {**learnt, **(facts.get("columns") or {})}}
    return {**content, "tables": joined}, models


def generate(
    rules: Rules,
    n: int | Mapping[str, int] | None = None,
    *,
    scale: float | None = None,
    seed: int | None = None,
    progress: Progress = silent,
) -> Dataset:
    """Make data from rules alone, in one step.

    Parameters
    ----------
    rules : mapping, list of str, Schema, path or str
        As for `compose`.
    n : int, mapping or None
        Rows of the first table that is nobody's child, the others growing with it; or by name. As the rules say, or
        1,000, when None.
    scale : float or None
        Times as many rows as the rules say.
    seed : int or None
        The same seed gives the same bytes.
    progress : callable
        Told the share done.

    Returns
    -------
    Dataset
        All tables: `.frame` of one, `.table(name)` of several, `.write(path)` to files, workbooks and databases.

    Raises
    ------
    SchemaError
        A rule can not be understood.
    OptionError
        There are not as many different values as are asked for.

    Notes
    -----
    **Privacy**: no data are read.

    Examples
    --------
    >>> import simulacra as sim
    >>> sim.generate({"age": {"int": [18, 99]}}, 3, seed=1).frame.shape
    (3, 1)
    """
    return compose(rules).sample(n, scale=scale, seed=seed, progress=progress)
