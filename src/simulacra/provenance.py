"""What data, code, seed and options made a model; no clock, so that the same run gives the same bytes."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

import simulacra


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
    digest = hashlib.sha256()
    for column in frame.iter_columns():
        digest.update(f"{column.name}\x1f{column.dtype}\x1e".encode())
        plain = column.cast(pl.String) if column.dtype in (pl.Categorical, pl.Enum) else column
        digest.update(plain.is_null().to_numpy().tobytes())
        if plain.dtype == pl.String:
            digest.update("\x1f".join(plain.fill_null("").to_list()).encode())
        else:
            digest.update(plain.to_physical().fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()


def describe_fit(
    frame: pl.DataFrame, *, model: str, options: Mapping[str, Any], seed: int, holders: int
) -> dict[str, Any]:
    """Write down what made a model.

    Returns
    -------
    dict
        JSON: data fingerprint and shape, model, options, seed, protection and versions.
    """
    return {
        "data": {"sha256": fingerprint(frame), "rows": len(frame), "columns": frame.width},
        "model": model,
        "options": dict(options),
        "seed": seed,
        "privacy": {"formal": None, "holders": holders},
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
