"""Generators by name, with options that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from simulacra.errors import OptionError, unknown
from simulacra.generator import Generator
from simulacra.registry import MODELS


def make_generator(model: str, options: Mapping[str, Any]) -> Generator:
    """Make a generator by its registered name; an unknown option is named with the nearest one that exists."""
    cls: type[Generator] = MODELS.load(model)
    known = [f.name for f in fields(cls) if f.init]
    for name in options:
        if name not in known:
            raise OptionError(str(unknown(f"option of model {model!r}", name, known)))
    return cls(**options)
