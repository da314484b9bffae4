"""Models within a model: fitted, saved and made again by their registered names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulacra.errors import MissingExtra, OptionError
from simulacra.generator import Generator
from simulacra.registry import MODELS

WITHIN = ("auto", "ensemble")
"""Models that hold others, and so can not be within one."""


def read_members(text: str, owner: str, option: str, *, least: int = 1) -> tuple[str, ...]:
    """Read names joined by commas.

    Raises
    ------
    UnknownName
        There is no such model.
    OptionError
        There are too few, or one holds models or training rows itself.

    Examples
    --------
    >>> read_members("trees, copula", "ensemble", "members", least=2)
    ('trees', 'copula')
    """
    names = tuple(dict.fromkeys(name.strip() for name in str(text).split(",") if name.strip()))
    if len(names) < least:
        raise OptionError(f"model {owner!r}: {option} names {least} models or more, joined by commas.")
    for name in names:
        # raises where there is no such model
        if MODELS.sets(name, "stores_rows") or name in WITHIN:
            why = "holds models itself" if name in WITHIN else "keeps training rows"
            raise OptionError(f"model {owner!r}: {name!r} {why}, and can not be one of the {option}.")
    return names


def make_members(names: Sequence[str]) -> tuple[dict[str, Generator], dict[str, str]]:
    """Make unfitted models, and say why some can not be made here."""
    made: dict[str, Generator] = {}
    lacking: dict[str, str] = {}
    for name in names:
        try:
            made[name] = MODELS.load(name)()
        except MissingExtra as error:
            lacking[name] = str(error)
    return made, lacking


def dump_member(name: str, model: Generator) -> dict[str, Any]:
    """Return a fitted model with its name and options."""
    return {"name": name, "options": model.options(), "state": model.dump()}


def restore_member(state: dict[str, Any]) -> tuple[str, Generator]:
    """Make a fitted model from what `dump_member` gave."""
    made: Generator = MODELS.load(state["name"])(**state["options"])
    return state["name"], made.restore(state["state"])
