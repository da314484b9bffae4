"""Folders of tables as targets: what would be overwritten in them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from simulacra.errors import FileError
from simulacra.filing import SCHEMA_FILE, known_suffixes, table_name


def files_of(folder: Path | str, tables: Collection[str]) -> list[str]:
    """List the files of a folder that hold tables of these names, in whatever format, or say what they are.

    Parameters
    ----------
    folder : Path or str
        A folder; it need not exist.
    tables : collection of str
        Names of tables.

    Returns
    -------
    list of str
        The files' names.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("a.csv", "b.csv", "notes.pdf"):
    ...     (folder / name).touch()
    >>> files_of(folder, ["a", "notes"])
    ['a.csv']
    """
    folder = Path(folder)
    if not folder.is_dir():
        return []
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    endings = tuple(known_suffixes())
    data = [name for name in names if name.lower().endswith(endings) and table_name(name) in tables]
    return data + [name for name in names if name == SCHEMA_FILE]


def require_absent(folder: Path | str, tables: Collection[str]) -> None:
    """Refuse a folder that holds tables of these names.

    Raises
    ------
    FileError
        It does; the message says how they can be replaced.

    Examples
    --------
    >>> require_absent("nowhere", ["a"])
    """
    there = files_of(folder, tables)
    if there:
        shown = ", ".join(repr(name) for name in there[:3]) + (", ..." if len(there) > 3 else "")
        raise FileError(
            f"{shown} of folder {str(folder)!r} would be overwritten; nothing was changed. Say if_exists='replace' "
            "(--if-exists replace), or name another folder."
        )
