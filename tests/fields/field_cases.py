"""Locales that every field is tried in, and what tests of fields share."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from simulacra.fields.finding import find_field
from simulacra.randomness import Streams

LOCALES = (
    "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "cs_CZ", "en_IN",
    "ja_JP", "zh_CN", "ru_RU",
)  # fmt: skip


def stream(name: str = "values", seed: int = 1) -> np.random.Generator:
    """A stream at its start."""
    return Streams(seed).at("tests").stream(name)


def draw(what: str, rows: int = 1_000, seed: int = 1, **given: Any) -> pl.Series:
    """Draw values of a field."""
    return find_field(what).draw(rows, stream(what, seed), given).values


def number(what: str, places: Any, seed: int = 1, **given: Any) -> pl.Series:
    """Number values of a field."""
    return find_field(what).number(np.asarray(places), stream(what, seed), given)
