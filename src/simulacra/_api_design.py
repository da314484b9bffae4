"""The verb that makes a model from published figures: design."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulacra.errors import SchemaError, SimulacraError
from simulacra.schema._yaml import load_yaml
from simulacra.schema.files import read_text

if TYPE_CHECKING:
    from simulacra.synthesizer import Synthesizer

_FIELDS = ("columns", "correlations", "of", "repair", "tables", "edges", "name", "options")


def design(
    model: str,
    columns: Mapping[str, Any] | None = None,
    *,
    correlations: Any = None,
    of: str = "rank",
    repair: bool = False,
    tables: Mapping[str, Any] | None = None,
    edges: Iterable[Sequence[str]] | None = None,
    name: str = "table",
    **options: Any,
) -> Synthesizer:
    """Make a model from published figures, with no rows at all.

    Parameters
    ----------
    model : str
        ``"distributions"`` (columns independent of each other), ``"copula"`` (with correlations), or ``"bayes-net"``
        (tables of chances).
    columns : mapping or None
        The distribution of every column: one of the rules' grammar (``{"normal": [170, 10]}``, ``{"poisson": 3}``, a
        mixture, quantiles; dates too), ``{"choice": {"a": 0.3, "b": 0.7}}``, ``{"ranges": {"0-17": 0.2, "18-64":
        0.8}}``, or moments, ``{"mean": 5, "variance": 4, "skew": 1}`` (``sd`` will do). Beside it ``min`` and ``max``,
        ``missing`` (a share), and facts of the column: ``integer``, ``decimals``, ``step``, ``bounds``, ``unit``,
        ``kind``. With tables: facts alone, or distributions of columns that have no table.
    correlations : mapping, list, matrix, frame or None
        ``{("x", "y"): 0.5}``, ``{"x": {"y": 0.5}}``, ``[["x", "y", 0.5]]``, a matrix in the order of the columns, or a
        frame. Columns of a pair that is not named are independent given the others (x with y 0.5 and y with z 0.4 make
        it 0.2 for x and z). Levels of a category are in the order in which they are told.
    of : {"rank", "pearson", "kendall", "normal"}
        What these are correlations of: ranks (Spearman's) or values (Pearson's), both among rows in which neither is
        missing, with ties and the places of levels reckoned with (nearly so for a t copula); orders of pairs (Kendall's
        tau, of the values underneath, before they are rounded); or the normals of the copula.
    repair : bool
        Whether to take the nearest correlations that rows can have, with a note, where those told contradict each
        other.
    tables : mapping or None
        By column: ``{"yes": 0.2, "no": 0.8}``, or ``{"given": ["rain"], "rows": [{"rain": "yes", "on": 0.01, "off":
        0.99}, ...]}`` with a row for each combination of the parents' values. Values that are ranges make a number.
    edges : iterable of (str, str) or None
        The arrows, from parent to child: they are checked against the tables.
    name : str
        The name of the table.
    **options
        The model's hyperparameters, such as ``family="t"`` and ``df=5`` of a copula.

    Returns
    -------
    Synthesizer
        With `sample`, conditions and `save` as any fitted model has.

    Raises
    ------
    SchemaError
        Figures can not be understood.
    OptionError
        No numbers can have these moments or correlations, or the model can not be made from figures.

    Notes
    -----
    A mean and a variance alone are a normal distribution without ends, a gamma distribution with one end, a beta
    distribution with two, and for whole numbers from 0 a Poisson or negative binomial one; a skewness chooses among
    gamma, lognormal, moved gamma (Pearson's type III) and beta distributions one that has it exactly.

    **Privacy**: no row is read; what is told is given out.

    **Source**: Pearson 1895 (moments); Lindskog, McNeil and Schmock 2003 (Kendall's tau); Dempster 1972 (pairs that are
    not named); Higham 2002 (the nearest correlations).

    Examples
    --------
    >>> import simulacra as sim
    >>> model = sim.design("distributions", {"age": {"mean": 40, "sd": 12, "bounds": [18, 90], "integer": True}})
    >>> model.sample(3, seed=1, where="age > 60").frame["age"].min() > 60
    True
    """
    made: Synthesizer = import_module("simulacra.designing").design_model(
        model, columns, correlations=correlations, of=of, repair=repair, tables=tables, edges=edges, name=name,
        options=options,
    )  # fmt: skip
    return made


def is_design(content: Any) -> bool:
    """Tell whether the content of a file is figures for a model.

    Examples
    --------
    >>> is_design({"model": "copula", "columns": {}}), is_design({"tables": {"a": {"model": "a.sim"}}})
    (True, False)
    """
    if not isinstance(content, Mapping) or not isinstance(content.get("model"), str):
        return False
    return bool({"columns", "tables"} & set(content)) and not content["model"].endswith(".sim")


def load_design(path: str | Path) -> Synthesizer | None:
    """Make the model of a file of figures; None where it is a file of something else.

    Parameters
    ----------
    path : str or Path
        A YAML or JSON file: ``model:`` with ``columns:``, ``correlations:``, ``tables:`` and so on.

    Returns
    -------
    Synthesizer or None
        The model.

    Raises
    ------
    FileError
        It can not be read.
    SchemaError
        It can not be understood; with the file.
    """
    file = Path(path).expanduser()
    try:
        content = load_yaml(read_text(file))
    except SchemaError:
        # whoever reads it as rules says what is wrong with it
        return None
    if not is_design(content):
        return None
    options = content.get("options") or {}
    try:
        if not isinstance(options, Mapping):
            raise SchemaError(f"options are settings of the model by name, not {options!r}.")
        told = {name: value for name, value in content.items() if name not in {"model", "options"}}
        beside = {key: value for key, value in told.items() if key not in _FIELDS}
        known = {key: value for key, value in told.items() if key in _FIELDS}
        return design(content["model"], **known, **{**options, **beside})
    except SimulacraError as error:
        raise type(error)(f"{str(file)!r}: {error}") from error
