"""From `sample` to parts: what is asked of a model goes to the room of scale, loaded when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from simulacra.errors import OptionError, unknown
from simulacra.generator import Progress

HOW = ("format", "engine", "workers", "memory", "partition", "if_exists", "check", "storage_options")
"""What may be asked of writing in parts; see `simulacra.scale.writing.write_parts`."""


class Receipt(Protocol):
    """What was written in parts; see `simulacra.scale.manifest.Manifest`."""

    @property
    def rows(self) -> Mapping[str, int]:
        """Rows of each table."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 over all values; the same whatever the parts, workers and engines."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to tell."""
        ...

    @property
    def summary(self) -> str:
        """Rows, files, bytes, seconds and rows per second, in one line."""
        ...


def write_in_parts(
    model: Any, n: Any, to: str | Path, asked: Mapping[str, Any], how: Mapping[str, Any], progress: Progress
) -> Receipt:
    """Draw rows of any model into parts.

    Parameters
    ----------
    model : Synthesizer, DatabaseSynthesizer or RuleSynthesizer
        The model.
    n : int, mapping or None
        How many rows.
    to : str or Path
        Where to.
    asked : mapping
        What else `sample` was asked for; None is left out.
    how : mapping
        Some of `HOW`.
    progress : callable
        Told the share done.

    Returns
    -------
    Manifest
        What was written.

    Raises
    ------
    OptionError
        An option is unknown.
    FileError
        It can not be written; what is finished stays.
    """
    _require_known(how)
    known = {name: value for name, value in asked.items() if value is not None}
    job = import_module("simulacra.scale.models").make_job(model, n, **known)
    done: Receipt = import_module("simulacra.scale.writing").write_parts(job, to, progress=progress, **how)
    return done


def refuse_without_target(how: Mapping[str, Any]) -> None:
    """Refuse options of writing where nothing is written.

    Raises
    ------
    OptionError
        There is any; an unknown one is named with the nearest.

    Examples
    --------
    >>> refuse_without_target({})
    """
    if how:
        _require_known(how)
        raise OptionError(
            f"{', '.join(how)} say how parts are written, and there is no 'to'. Name a folder with to=."
        )


def _require_known(how: Mapping[str, Any]) -> None:
    for name in how:
        if name not in HOW:
            raise OptionError(str(unknown("option of a draw", name, HOW)))
