"""Checkpoints of a network that learns: one file, written whole, without pickles."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulacra.domain import Array
from simulacra.errors import ModelFileError, OptionError
from simulacra.packing import pack, unpack
from simulacra.storage import atomic_path

_HEAD = "head"


@dataclass(frozen=True)
class Keeper:
    """Writes and reads the checkpoint of one fit.

    Parameters
    ----------
    path : Path
        The file.
    mark : str
        What the fit is known by, so that no other fit goes on from its checkpoint.
    """

    path: Path
    mark: str

    def write(self, state: dict[str, Any], history: dict[str, Any], numbers: dict[str, float]) -> None:
        """Put everything that changes while learning into the file."""
        arrays: list[Array] = []
        packed = pack({"state": state, "history": history, "numbers": numbers, "mark": self.mark}, arrays)
        head = np.frombuffer(json.dumps(packed).encode(), np.uint8)
        parts: dict[str, Any] = {_HEAD: head, **{str(at): values for at, values in enumerate(arrays)}}
        with atomic_path(self.path) as beside, beside.open("wb") as file:
            np.savez(file, **parts)

    def read(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]] | None:
        """Read the file; None if there is none.

        Raises
        ------
        ModelFileError
            It is no checkpoint.
        OptionError
            It is that of another fit.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                arrays = [file[str(at)] for at in range(len(file.files) - 1)]
                found = unpack(json.loads(file[_HEAD].tobytes()), arrays)
                mark = found["mark"]
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelFileError(
                f"{str(self.path)!r} is no checkpoint that can be read. Delete it, or name another file."
            ) from error
        if mark != self.mark:
            raise OptionError(
                f"checkpoint {str(self.path)!r} is of another fit: the rows, options, seed or versions differ. "
                "Delete it, or name another file."
            )
        return found["state"], found["history"], found["numbers"]


def fingerprint(rows: Sequence[Array], weights: Array | None, *words: str) -> str:
    """Return a hash of what a fit depends on.

    Examples
    --------
    >>> fingerprint([np.arange(3)], None, "a") == fingerprint([np.arange(3)], None, "b")
    False
    """
    digest = hashlib.sha256("\x1f".join(words).encode())
    for values in (*rows, *([] if weights is None else [weights])):
        digest.update(f"{values.dtype.str}{values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
