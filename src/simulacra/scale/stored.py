"""What the jobs of all models have in common: they hold the model's file and open it where they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from simulacra.domain import Array
from simulacra.modelfile import ModelFile
from simulacra.packing import pack
from simulacra.provenance import versions
from simulacra.schema.files import load_schema
from simulacra.schema.types import Schema


@dataclass(frozen=True)
class StoredJob:
    """A model as its file holds it, with what is asked of it.

    Parameters
    ----------
    file : ModelFile
        The model.
    asked : mapping
        What is asked, by the names that `sample` has.
    seed : int
        The seed.
    notes : tuple of str
        What there is to tell.
    """

    file: ModelFile
    asked: Mapping[str, Any]
    seed: int
    notes: tuple[str, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """Leave what was opened here: it is opened anew elsewhere."""
        return {name: self.__dict__[name] for name in ("file", "asked", "seed", "notes")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @cached_property
    def schema(self) -> Schema:
        """The tables as released."""
        return load_schema(self.file.schema)

    @property
    def origin(self) -> dict[str, Any]:
        """Model, request and seed, as the manifest tells them."""
        asked = {name: value for name, value in self.asked.items() if value is not None}
        model = {"model": self.file.model, "options": self.file.options, "provenance": self.file.provenance}
        plain: dict[str, Any] = json.loads(
            json.dumps({**model, "asked": asked, "seed": self.seed}, default=str)
        )
        return plain

    @property
    def versions(self) -> dict[str, str]:
        """The versions that the values depend on."""
        return versions()

    @cached_property
    def identity(self) -> str:
        """Hex digest of model, request, seed and versions."""
        arrays: list[Array] = []
        state = pack(self.file.state, arrays)
        told = [
            self.file.model, self.file.options, self.file.schema, state, dict(self.asked), self.seed, self.versions,
        ]  # fmt: skip
        whole = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode())
        for array in arrays:
            whole.update(f"{array.dtype}\x1f{array.shape}\x1e".encode() + array.tobytes())
        return whole.hexdigest()
