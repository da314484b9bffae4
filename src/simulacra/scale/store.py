"""Where files go: a folder here, or one that a URL names; every file is there whole or not at all."""

from __future__ import annotations

import errno
import importlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from simulacra.errors import FileError, MissingExtra
from simulacra.registry import install_advice
from simulacra.scale._leftovers import is_leftover
from simulacra.storage import atomic_path, error_code, open_error, write_error

ATTEMPTS = 6
"""Times that a file is written before its store is given up."""
FIRST_WAIT = 0.05
"""Seconds before the second attempt; each further one waits twice as long."""
AT_ONCE = 8
"""Small files that are read or removed at the same time."""
LASTING = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG,
    errno.EISDIR, errno.ENOTDIR, errno.ELOOP,
}  # fmt: skip
"""What waiting does not mend."""


class Store(ABC):
    """A place for files; it is sent to other processes and machines.

    Parameters
    ----------
    place : str
        What people call it.
    """

    shared = True
    """Whether other processes see the same files."""

    def __init__(self, place: str) -> None:
        self.place = place

    @abstractmethod
    def prepare(self) -> None:
        """Make the folder if it is not there, and see that it can be written to."""

    @abstractmethod
    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write a file, whole or not at all; an older one of this name is replaced."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Read a file; FileNotFoundError (or FileError) where there is none."""

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """Map the name of every file below the folder to its bytes; none where there is no folder."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def remove_all(self, names: Iterable[str]) -> None:
        """Remove files, many at a time where the store answers slowly."""
        self._each(self.remove, names)

    def read_all(self, names: Iterable[str]) -> list[bytes]:
        """Read files, many at a time where the store answers slowly."""
        return self._each(self.read, names)

    def _each(self, do: Callable[[str], Any], names: Iterable[str]) -> list[Any]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(do, names))

    def tidy(self) -> None:
        """Remove files that were being written when their writer was killed."""
        self.remove_all(name for name in self.sizes() if is_leftover(name))

    def is_lasting(self, error: Exception) -> bool:
        """Tell whether a failure to write will not pass by itself."""
        return error_code(error) in LASTING

    def refusal(self, name: str, error: Exception) -> FileError:
        """Say in one sentence why a file could not be written."""
        return write_error(f"{self.place}/{name}", error)

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Write a file, trying again where that may help.

        Raises
        ------
        FileError
            It can not be written; nothing of it is there.
        """
        for attempt in range(ATTEMPTS):
            try:
                self.write(name, data)
                return
            except Exception as error:
                cause = error.__cause__ if isinstance(error, FileError) else error
                last = attempt == ATTEMPTS - 1 or (isinstance(cause, Exception) and self.is_lasting(cause))
                if last or cause is None:
                    raise self.refusal(name, error) from error
            time.sleep(FIRST_WAIT * 2**attempt)


class Folder(Store):
    """A folder of this machine, or one that all machines see under this path."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path

    def prepare(self) -> None:
        """Make the folder; the one that it is in must exist."""
        if self.path.exists() and not self.path.is_dir():
            raise FileError(f"{self.place!r} is a file, and parts go to a folder. Name a folder.")
        if not self.path.resolve().parent.is_dir():
            raise FileError(
                f"can not write {self.place!r}: there is no folder {str(self.path.resolve().parent)!r}. "
                "Create it, or choose another."
            )
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise write_error(self.path, error) from error

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write a file beside its place and rename it."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as beside, beside.open("wb") as file:
            file.write(data)

    def read(self, name: str) -> bytes:
        """Read a file."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise open_error(self.path / name, error) from error

    def sizes(self) -> dict[str, int]:
        """Map the name of every file to its bytes."""
        found = {}
        for path in self.path.rglob("*") if self.path.is_dir() else ():
            if path.is_file():
                found[path.relative_to(self.path).as_posix()] = path.stat().st_size
        return found

    def remove(self, name: str) -> None:
        """Remove a file, and the folders that it leaves empty."""
        path = self.path / name
        path.unlink(missing_ok=True)
        for folder in path.relative_to(self.path).parents:
            try:
                if str(folder) != ".":
                    (self.path / folder).rmdir()
            except OSError:
                return


def open_store(target: str | Path, options: Mapping[str, Any] | None = None) -> Store:
    """Open the place that a path or a URL names.

    Parameters
    ----------
    target : str or Path
        A folder, or a URL of any kind that fsspec knows: ``s3://bucket/rows``, ``memory://rows``.
    options : mapping or None
        What the store needs beside its URL (``{"endpoint_url": ...}``); credentials are taken from where its library
        looks for them: variables of the environment, profiles.

    Raises
    ------
    MissingExtra
        URLs need the extra `stores`.
    FileError
        There is no store of this kind.

    Examples
    --------
    >>> open_store("rows").place
    'rows'
    """
    text = str(target)
    if "://" in text and not text.startswith("file://"):
        try:
            leaf = importlib.import_module("simulacra.scale.remote")
            store: Store = leaf.Remote(text, dict(options or {}))
        except ModuleNotFoundError as error:
            raise _missing(text, error.name) from error
        except ImportError as error:
            # fsspec knows the kind, and says which package it lacks for it
            raise _missing(text, text.partition("://")[0] + "fs") from error
        return store
    return Folder(Path(text.removeprefix("file://")).expanduser())


def _missing(text: str, module: str | None) -> MissingExtra:
    name = (module or "fsspec").partition(".")[0]
    scheme = text.partition("://")[0]
    return MissingExtra(f"a store at {scheme}:// needs {name!r}. Install it with: {install_advice(name)}")
