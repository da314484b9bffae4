"""Fitting with a model of related rows to start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulacra._api_schema import Contract, contract
from simulacra.dataset import dataset
from simulacra.errors import OptionError
from simulacra.generator import Progress
from simulacra.randomness import resolve_seed
from simulacra.synthesizer import Synthesizer
from simulacra.transfer import Recipe, fit_from, like, require_start


def fit_related(
    data: Any,
    start: Synthesizer | str | Path,
    model: str,
    *,
    schema: Contract | None,
    seed: int | None,
    holders: int,
    options: Mapping[str, Any],
    progress: Progress,
    load: Any,
) -> Synthesizer:
    """Fit a model to rows of one table, starting from another model; see `simulacra.transfer.fit_from`."""
    first = require_start(load(start) if isinstance(start, (str, Path)) else start)
    known = contract(schema, data) if schema is not None else like(first)
    given = dataset(data, schema=known)
    if len(given.frames) != 1:
        raise OptionError("start= is for one table. Choose one with data.select('NAME') (--table NAME).")
    return fit_from(given, first, Recipe(model, options, resolve_seed(seed), holders), progress=progress)
