"""The verbs that need no data: compose, generate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulacra.dataset import Dataset
from simulacra.errors import SchemaError
from simulacra.generator import Progress, silent
from simulacra.rules.model import RuleSynthesizer
from simulacra.rules.templates import TEMPLATES, read_template
from simulacra.schema._yaml import load_yaml
from simulacra.schema.files import read_text
from simulacra.schema.types import Schema

Rules = Mapping[str, Any] | Schema | str | Path
"""Rules in any of the forms in which they can be given."""


def compose(rules: Rules) -> RuleSynthesizer:
    """Make a model of rules: it needs no data.

    Parameters
    ----------
    rules : mapping, Schema, path or str
        Columns with their rules (``{"name": "person.name", "income": {"lognormal": [40000, 0.5]}}``), tables of them, a
        schema, a file of it (``"shop.yaml"``), or the name of a template (``"shop"``).

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
    if isinstance(rules, (str, Path)):
        path = Path(rules).expanduser()
        if str(rules) in TEMPLATES and not path.exists():
            return RuleSynthesizer.of(read_template(str(rules)))
        content = load_yaml(read_text(path))
        try:
            return RuleSynthesizer.of(content)
        except SchemaError as error:
            raise SchemaError(f"{str(path)!r}: {error}") from error
    return RuleSynthesizer.of(rules)


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
    rules : mapping, Schema, path or str
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
