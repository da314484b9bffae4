"""Bytes of a text file: compression by content, and encoding."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import polars as pl

from simulacra.errors import DataError, FileError
from simulacra.storage import error_code, read_bytes

_BOMS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read_text(path: Path, notes: list[str], encoding: str | None = None) -> bytes:
    """Read a text file as UTF-8, whatever its compression and encoding.

    Parameters
    ----------
    path : Path
        The file.
    notes : list of str
        Gets a sentence when the encoding had to be guessed.
    encoding : str or None
        The encoding, where it is known.

    Returns
    -------
    bytes
        Its text in UTF-8, without a byte order mark.

    Raises
    ------
    FileError
        It can not be opened.
    DataError
        It is binary, damaged, or an archive of several files.
    """
    raw = decompress(read_bytes(path), path)
    if encoding is not None:
        try:
            return raw.decode(encoding).removeprefix("\ufeff").encode()
        except (UnicodeDecodeError, LookupError) as error:
            raise DataError(
                f"{path.name!r} can not be read as {encoding!r}. Name another encoding."
            ) from error
    for mark, name in _BOMS:
        if raw.startswith(mark):
            try:
                return raw.decode(name).encode()
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path.name!r} is damaged {name.upper()} text. Save it again as UTF-8."
                ) from error
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in raw:
        raise DataError(
            f"{path.name!r} is not a text file: it holds NUL bytes. Give a text file, or its right suffix."
        )
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return _guess(raw, path, notes, error)
    return raw


def decompress(raw: bytes, path: Path) -> bytes:
    """Undo compression, recognised by the first bytes whatever the name says."""
    try:
        if raw.startswith(b"\x1f\x8b"):
            return gzip.decompress(raw)
        if raw.startswith(b"BZh"):
            return bz2.decompress(raw)
        if raw.startswith(b"\xfd7zXZ\x00"):
            return lzma.decompress(raw)
        if raw.startswith(b"\x28\xb5\x2f\xfd"):
            # Polars is the one core dependency that knows zstd, and it gives whole text back as lines only.
            lines = pl.read_lines(raw).to_series()
            return b"" if lines.is_empty() else ("\n".join(lines.fill_null("").to_list()) + "\n").encode()
        if raw.startswith(b"PK\x03\x04"):
            return _unzip(raw, path)
    except (
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        pl.exceptions.PolarsError,
    ) as error:
        raise DataError(
            f"{path.name!r} is compressed, and damaged or cut off. Copy or download it again."
        ) from error
    return raw


@contextmanager
def open_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write bytes to, compressed as its name says; equal contents give equal bytes."""
    suffix = path.suffix.lower()
    if suffix == ".zip":
        raise FileError(
            f"can not write into an archive ({suffix!r}). Choose the suffix '.gz', '.zst', '.bz2' or '.xz'."
        )
    try:
        with path.open("wb") as file:
            if suffix == ".gz":
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as stream:
                    yield cast(IO[bytes], stream)
            elif suffix == ".bz2":
                with bz2.BZ2File(file, "wb") as stream:
                    yield stream
            elif suffix == ".xz":
                with lzma.LZMAFile(file, "wb") as stream:
                    yield stream
            else:
                yield file
    except pl.exceptions.PolarsError as error:
        if (code := error_code(error)) is None:
            raise
        raise OSError(code, os.strerror(code)) from error


def is_zstd(path: Path) -> bool:
    """Tell whether a name asks for zstd, which Polars writes itself."""
    return path.suffix.lower() == ".zst"


def _unzip(raw: bytes, path: Path) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX/")]
        if len(members) != 1:
            raise DataError(
                f"{path.name!r} is an archive of {len(members)} files, not of one. "
                "Unpack it and give one file, or the folder."
            )
        try:
            return archive.read(members[0])
        except RuntimeError as error:
            raise FileError(f"{path.name!r} is an encrypted archive. Unpack it first.") from error


def _guess(raw: bytes, path: Path, notes: list[str], error: UnicodeDecodeError) -> bytes:
    sample = raw[:1_000_000]
    control = sum(sample.count(bytes([code])) for code in (*range(1, 9), *range(14, 32), 127) if code != 27)
    if control > 0.001 * len(sample):
        raise DataError(
            f"{path.name!r} is not a text file: it holds control characters. Give its right suffix."
        )
    line = raw.count(b"\n", 0, error.start) + 1
    try:
        text, name = raw.decode("cp1252"), "Windows-1252 (Western European)"
    except UnicodeDecodeError:
        text, name = raw.decode("latin-1"), "Latin-1 (ISO 8859-1)"
    notes.append(
        f"{path.name!r} is not UTF-8 (first in line {line}); it was read as {name}. Check the accents."
    )
    return text.encode()
