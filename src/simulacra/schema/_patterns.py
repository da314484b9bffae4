"""The shape that texts share."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from simulacra.errors import SchemaError

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"


def require_regex(regex: Any, where: str) -> None:
    """Refuse what is no regular expression, an empty one, and one that rows can not be held against.

    Raises
    ------
    SchemaError
        Its message starts with `where`.
    """
    if not isinstance(regex, str):
        raise SchemaError(f"{where}: the regular expression is a text, not {regex!r}.")
    if not regex:
        raise SchemaError(
            f"{where}: the regular expression is empty, so only the empty text matches. Write one."
        )
    try:
        pl.Series([""]).str.contains(f"^(?:{regex})$")
    except pl.exceptions.ComputeError as error:
        raise SchemaError(
            f"{where}: {regex!r} is no regular expression that can be checked (look-around and back-references can "
            "not). Correct it."
        ) from error


def find_pattern(text: pl.Series) -> str | None:
    r"""Find the simple regular expression of the shape that all texts share.

    Parameters
    ----------
    text : Series
        Texts without nulls.

    Returns
    -------
    str or None
        Such as ``C\d{5}``; None if the texts share no simple shape.

    Examples
    --------
    >>> print(find_pattern(pl.Series(["C00017", "C31042"])))
    C\d{5}
    """
    if not len(text):
        return None
    if text.str.contains(f"^{UUID}$").all():
        return UUID
    # each run of letters or digits becomes one mark; the other characters stand for themselves
    shapes = (
        text.str.replace_all(r"[\x00-\x02]", "\x03")
        .str.replace_all(r"\d+", "\x00")
        .str.replace_all("[A-Z]+", "\x01")
        .str.replace_all("[a-z]+", "\x02")
        .unique()
    )
    if len(shapes) == 1 and "\x03" not in shapes[0]:
        return _spell(text, shapes[0])
    lengths = text.str.len_chars()
    low, high = int(lengths.min()), int(lengths.max())  # type: ignore[arg-type]
    for charset in ("[0-9a-f]", "[A-Z0-9]", "[a-z0-9]", "[A-Za-z0-9]"):
        if text.str.contains(f"^{charset}+$").all():
            return charset + _count(low, high)
    return None


def _spell(text: pl.Series, shape: str) -> str | None:
    pieces = re.findall(r"[\x00-\x02]|[^\x00-\x02]+", shape)
    if len(pieces) > 24:
        return None
    groups = {"\x00": r"(\d+)", "\x01": "([A-Z]+)", "\x02": "([a-z]+)"}
    runs = text.str.extract_groups("^" + "".join(groups.get(p) or _escape(p) for p in pieces) + "$")
    columns = iter(runs.struct.unnest().get_columns() if any(p in groups for p in pieces) else [])
    spelt = []
    for piece in pieces:
        if piece not in groups:
            spelt.append(_escape(piece))
            continue
        run = next(columns)
        lengths = run.str.len_chars()
        if piece != "\x00" and run.n_unique() == 1:
            spelt.append(_escape(run[0]))
        else:
            spelt.append(groups[piece][1:-2] + _count(int(lengths.min()), int(lengths.max())))  # type: ignore[arg-type]
    return "".join(spelt)


def _escape(text: str) -> str:
    """Escape only what needs it, so that people and every dialect of regular expressions read the same."""
    return re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", text)


def _count(low: int, high: int) -> str:
    return ("" if low == 1 else f"{{{low}}}") if low == high else f"{{{low},{high}}}"
