"""What data, code, seed and options made a model; no clock, so that the same run gives the same bytes."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

import simulacra
from simulacra.randomness import BLOCK_ROWS

NOT_PRIVATE = (
    "not private: model {name!r} keeps training rows and gives them out, whole or nearly. How many rows are copies, "
    "privacy/copies of a report tells."
)
"""The label of models that say `stores_rows`."""
_NO_TEXT = 2**32 - 1
"""Length that a missing text is counted with."""


class Fingerprint:
    """A hash of the values of a frame in row order, taken in while columns or rows pass by.

    Columns may be added one after the other, each whole or in pieces from the first row to the last: the value depends
    on names, types, values and their order alone.

    Examples
    --------
    >>> whole, parts = Fingerprint(), Fingerprint()
    >>> whole.add(pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    >>> for part in (pl.DataFrame({"a": [1], "b": ["x"]}), pl.DataFrame({"a": [2], "b": ["y"]})):
    ...     parts.add(part)
    >>> whole.hexdigest() == parts.hexdigest()
    True
    """

    def __init__(self) -> None:
        self._parts: dict[str, tuple[str, tuple[Any, Any]]] = {}

    def add(self, values: pl.DataFrame | pl.Series) -> None:
        """Take in the next rows of one column, or of all columns of a frame."""
        columns = [values] if isinstance(values, pl.Series) else values.get_columns()
        for column in columns:
            head = f"{column.name}\x1f{column.dtype}\x1e"
            _, hashes = self._parts.setdefault(column.name, (head, (hashlib.sha256(), hashlib.sha256())))
            for start in range(0, len(column), BLOCK_ROWS):
                _hash(column.slice(start, BLOCK_ROWS), *hashes)

    def hexdigest(self) -> str:
        """Return the SHA-256 in hexadecimal."""
        digest = hashlib.sha256()
        for head, (facts, contents) in self._parts.values():
            digest.update(head.encode() + facts.digest() + contents.digest())
        return digest.hexdigest()


def _hash(column: pl.Series, facts: Any, contents: Any) -> None:
    """Hash which values are missing (or how long texts are) apart from the values themselves."""
    plain = column.cast(pl.String) if column.dtype in (pl.Categorical, pl.Enum) else column
    if plain.dtype == pl.String:
        facts.update(plain.str.len_bytes().fill_null(_NO_TEXT).to_numpy().tobytes())
        contents.update(plain.str.join("").item().encode())
    else:
        facts.update(plain.is_null().to_numpy().tobytes())
        contents.update(plain.to_physical().fill_null(0).to_numpy().tobytes())


def fingerprint(frame: pl.DataFrame) -> str:
    """Hash the values of a frame in row order.

    Parameters
    ----------
    frame : DataFrame
        Any frame.

    Returns
    -------
    str
        SHA-256 in hexadecimal, over names, types and values.

    Examples
    --------
    >>> fingerprint(pl.DataFrame({"a": [1, 2]}))[:8] == fingerprint(pl.DataFrame({"a": [2, 1]}))[:8]
    False
    """
    whole = Fingerprint()
    whole.add(frame)
    return whole.hexdigest()


def describe_fit(
    data: Mapping[str, Any],
    *,
    model: str,
    options: Mapping[str, Any],
    seed: int,
    holders: int,
    stores_rows: bool = False,
) -> dict[str, Any]:
    """Write down what made a model.

    Parameters
    ----------
    data : mapping
        Fingerprint and shape of the data: ``sha256``, ``rows``, ``columns``.
    model, options, seed, holders
        As given to the fit.
    stores_rows : bool
        Whether the model keeps training rows; then ``privacy`` says so.

    Returns
    -------
    dict
        JSON: data fingerprint and shape, model, options, seed, protection and versions.
    """
    return {
        "data": dict(data),
        "model": model,
        "options": dict(options),
        "seed": seed,
        "privacy": {"formal": None, "holders": holders, **({"stores_rows": True} if stores_rows else {})},
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions that results depend on."""
    return {
        "simulacra": simulacra.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "polars": pl.__version__,
    }
