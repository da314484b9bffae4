"""The option --given: rows that a draw starts from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from simulacra.errors import OptionError


def read_given(texts: Sequence[str], tables: Sequence[str]) -> Any:
    """Read ``customers=customers.csv``, once or more, or the name of one file or folder.

    Returns
    -------
    str, dict or None
        A path, paths by table, or None without texts.

    Raises
    ------
    OptionError
        A table is named twice, or files with and without a table are given.

    Examples
    --------
    >>> read_given(["a=x.csv", "b=y.csv"], ["a", "b"]), read_given(["x=1.csv"], ["a"]), read_given([], ["a"])
    ({'a': 'x.csv', 'b': 'y.csv'}, 'x=1.csv', None)
    """
    found: dict[str, str] = {}
    for text in texts:
        table = next((name for name in tables if re.match(rf"{re.escape(name)}=", text)), "")
        if table in found:
            whose = f"for {table!r}" if table else "without a table"
            raise OptionError(
                f"--given is given twice {whose}. Give it once for each table: --given TABLE=FILE."
            )
        found[table] = text[len(table) + 1 :] if table else text
    if "" not in found:
        return found or None
    if len(found) > 1:
        raise OptionError("--given is given with and without a table. Give TABLE=FILE for each of them.")
    return found[""]


def read_begun(
    given: Sequence[str], steps: int | None, after: str | None, tables: Sequence[str]
) -> dict[str, Any]:
    """Return what `sample` is to be told of rows that are there already.

    Raises
    ------
    OptionError
        There are none, and something is said of them.
    """
    for name, value in (("steps", steps), ("after", after)):
        if value is not None and not given:
            raise OptionError(
                f"--{name} is about rows that are there already. Name their file: --given FILE."
            )
    return {"given": read_given(given, tables), "steps": steps, "after": after}


def refuse_given(given: Sequence[str], steps: int | None, after: str | None) -> None:
    """Say what a model of single rows has instead.

    Raises
    ------
    OptionError
        One of them is asked for.
    """
    for name, value in (("given", given or None), ("steps", steps), ("after", after)):
        if value is not None:
            raise OptionError(
                f"--{name} is about rows that others belong to, and this is a model of single rows. To complete "
                "partial rows, say: simulacra impute FILE --model MODEL.sim -o OUT"
            )
