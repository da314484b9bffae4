"""Stores that a URL names, through fsspec: object stores, other machines, memory."""

from __future__ import annotations

import errno
import re
import secrets
from collections.abc import Mapping
from typing import Any

import fsspec

from simulacra.errors import FileError, OptionError
from simulacra.scale.store import Store
from simulacra.storage import error_code

WHOLE = {"memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "r2"}
"""Stores in which a file appears when all of it has come, or not at all."""


_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]*@")


class Remote(Store):
    """A folder in a store that fsspec knows.

    Parameters
    ----------
    url : str
        Where it is.
    options : mapping
        What the store needs beside its URL.

    Notes
    -----
    In object stores a file is put under its name at once. Elsewhere it is written beside and renamed.
    """

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        super().__init__(_PASSWORD.sub(r"\1@", url.rstrip("/")))
        self._url, self._options = url, dict(options)
        self._open()
        self.shared = self._scheme != "memory"

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self._url, "options": self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["url"], state["options"])  # type: ignore[misc]

    @property
    def _scheme(self) -> str:
        return self._url.partition("://")[0].lower()

    def _open(self) -> None:
        try:
            self._fs, root = fsspec.core.url_to_fs(self._url, **self._options)
        except ValueError as error:
            raise OptionError(
                f"{self.place!r} can not be opened: {str(error).partition(chr(10))[0].rstrip('.')}. Check the URL."
            ) from error
        self._root = str(root).rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def prepare(self) -> None:
        """See that the store answers and takes files."""
        name = f"_simulacra/.{secrets.token_hex(6)}"
        self.put(name, b"")
        self.remove(name)

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write a file."""
        path = self._path(name)
        if self._scheme in WHOLE:
            self._fs.pipe_file(path, bytes(data))
            return
        folder, _, last = path.rpartition("/")
        beside = f"{folder}/.{secrets.token_hex(6)}"
        self._fs.makedirs(folder, exist_ok=True)
        try:
            self._fs.pipe_file(beside, bytes(data))
            self._fs.mv(beside, f"{folder}/{last}")
        except BaseException:
            if self._fs.exists(beside):
                self._fs.rm_file(beside)
            raise

    def read(self, name: str) -> bytes:
        """Read a file."""
        try:
            return bytes(self._fs.cat_file(self._path(name)))
        except FileNotFoundError as error:
            raise FileError(f"there is no file {name!r} in {self.place!r}. Check the URL.") from error
        except Exception as error:
            raise FileError(
                f"can not read {name!r} in {self.place!r}: {_first(error)}. Check the URL, and what the store asks for."
            ) from error

    def sizes(self) -> dict[str, int]:
        """Map the name of every file to its bytes."""
        self._fs.invalidate_cache()
        try:
            found = self._fs.find(self._root, detail=True)
        except FileNotFoundError:
            return {}
        except Exception as error:
            raise FileError(
                f"can not list {self.place!r}: {_first(error)}. Check the URL, and what the store asks for."
            ) from error
        start = len(self._root.lstrip("/")) + 1
        return {
            path.lstrip("/")[start:]: int(facts["size"] or 0)
            for path, facts in found.items()
            if facts["type"] == "file"
        }

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        try:
            self._fs.rm_file(self._path(name))
        except FileNotFoundError:
            return

    def refusal(self, name: str, error: Exception) -> FileError:
        """Say in one sentence why a file could not be written."""
        return FileError(
            f"can not write {name!r} in {self.place!r}: {_first(error)}. Check the URL and the rights, or try again."
        )

    def is_lasting(self, error: Exception) -> bool:
        """Tell whether a failure to write will not pass by itself: no such bucket, no right to it, no room."""
        lasting = (PermissionError, FileNotFoundError, NotImplementedError, TypeError, ValueError)
        return isinstance(error, lasting) or error_code(error) in {errno.ENOSPC, errno.EDQUOT}


def _first(error: Exception) -> str:
    text = str(error).partition("\n")[0] or type(error).__name__
    return (text[:1].lower() + text[1:]).rstrip(".")
