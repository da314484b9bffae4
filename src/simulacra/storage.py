"""Files on disk: written whole or not at all, and with errors that say what to do."""

from __future__ import annotations

import difflib
import errno
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from simulacra.errors import FileError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def require_writable(
    target: Path | str, *, inputs: Iterable[Path | str] = (), suffixes: tuple[str, ...] = ()
) -> None:
    """Check a target before the work starts whose result it will hold.

    Parameters
    ----------
    target : Path or str
        The file to write.
    inputs : iterable of Path or str
        What is read: none of it may be the target.
    suffixes : tuple of str
        Endings that the target may have; any when empty.

    Raises
    ------
    FileError
        The folder is missing, the ending is another one, or the target is an input.

    Examples
    --------
    >>> require_writable("model.sim", suffixes=(".sim",))
    """
    path = Path(target)
    if suffixes and not path.name.lower().endswith(suffixes):
        raise FileError(
            f"can not write {str(target)!r}: its name must end in {' or '.join(suffixes)}. Rename it."
        )
    if path.is_dir():
        raise write_error(path, IsADirectoryError(errno.EISDIR, "is a directory"))
    if not path.resolve().parent.is_dir():
        raise _no_folder(path)
    for read in inputs:
        if path.exists() and Path(read).exists() and path.samefile(read):
            raise FileError(
                f"{str(target)!r} is read by this command and would be overwritten. Choose another name."
            )


def require_space(target: Path | str, needed: int) -> None:
    """Refuse a file that the disk can not hold, before the work of making it.

    Parameters
    ----------
    target : Path or str
        The file to write.
    needed : int
        Bytes that it will have at least.

    Raises
    ------
    FileError
        Less than that is free where the file would be.

    Examples
    --------
    >>> require_space("model.sim", 1)
    """
    folder = Path(target).resolve().parent
    free = shutil.disk_usage(folder).free if folder.is_dir() else needed
    if needed > free:
        raise FileError(
            f"{str(target)!r} would need at least {needed / 1e9:,.0f} GB, and {free / 1e9:,.0f} GB are free there. "
            "Ask for fewer rows, or choose another disk."
        )


def _no_folder(target: Path) -> FileError:
    return FileError(
        f"can not write {str(target)!r}: there is no folder {str(target.resolve().parent)!r}. "
        "Create it, or choose another."
    )


@contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Give a path beside the target to write to, and put it in the target's place once all went well.

    Readers see the old file or the whole new one. On any error, an interrupt included, what was written is
    removed and the old file stays. A target that is no regular file (``/dev/stdout``) is given as it is.

    Parameters
    ----------
    target : Path or str
        The file to write. Its folder must exist.

    Yields
    ------
    Path
        Where to write, in the same folder and with the same suffixes.

    Raises
    ------
    FileError
        The folder is missing or may not be written to, the target is a folder, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_path(folder / "a.txt") as path:
    ...     _ = path.write_text("done")
    >>> (folder / "a.txt").read_text()
    'done'
    """
    target = Path(target)
    real = target.resolve() if target.is_symlink() else target
    if real.is_dir():
        raise write_error(target, IsADirectoryError(errno.EISDIR, "is a directory"))
    if not real.parent.is_dir():
        raise _no_folder(target)
    if real.exists() and not real.is_file():
        try:
            yield real
        except OSError as error:
            raise write_error(target, error) from error
        return
    beside = real.parent / f".{secrets.token_hex(6)}{''.join(real.suffixes[-2:])[-40:]}"
    try:
        yield beside
        if real.exists():
            shutil.copymode(real, beside)
        beside.replace(real)
    except FileError:
        raise
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


@contextmanager
def atomic_folder(target: Path | str, stale: Iterable[str] = ()) -> Iterator[Path]:
    """Give a folder beside the target to fill, and put its files in the target once all went well.

    A folder that is not there appears whole. In one that is there, files take their places one by one, each whole, when
    all of them are written; on any error before that it is as it was. Other files stay.

    Parameters
    ----------
    target : Path or str
        The folder. The one that it is in must exist.
    stale : iterable of str
        Names of files in it that go when the new ones come.

    Yields
    ------
    Path
        An empty folder on the same disk.

    Raises
    ------
    FileError
        The target is a file, or may not be written to, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "shop"
    >>> with atomic_folder(folder) as beside:
    ...     _ = (beside / "a.txt").write_text("done")
    >>> [path.name for path in folder.iterdir()]
    ['a.txt']
    """
    target = Path(target)
    if target.exists() and not target.is_dir():
        raise FileError(f"{str(target)!r} is a file, and several tables go to a folder. Name a folder.")
    if not target.resolve().parent.is_dir():
        raise _no_folder(target)
    real = target.resolve()
    there = real.is_dir()
    beside = (real if there else real.parent) / f".{secrets.token_hex(6)}"
    try:
        beside.mkdir()
        yield beside
        if not there:
            beside.replace(real)
            return
        made = sorted(beside.iterdir())
        for path in made:
            path.replace(real / path.name)
        for name in set(stale) - {path.name for path in made}:
            (real / name).unlink(missing_ok=True)
    except FileError:
        raise
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_error(path: Path | str, error: Exception) -> FileError:
    """Say in one sentence why a file could not be written.

    Parameters
    ----------
    path : Path or str
        The file that was to be written.
    error : Exception
        What the system said.

    Returns
    -------
    FileError
        The error, not raised.

    Examples
    --------
    >>> print(write_error("x.csv", OSError(errno.ENOSPC, "full")))  # doctest: +ELLIPSIS
    no space left on the device while writing 'x.csv'; nothing was written. Free some space or choose ...
    """
    if isinstance(error, FileError):
        return error
    path, code = Path(path), error_code(error)
    if code in _FULL:
        words = f"no space left on the device while writing {str(path)!r}; nothing was written."
        return FileError(f"{words} Free some space or choose another disk.")
    if code in _FORBIDDEN:
        return FileError(
            f"may not write {str(path)!r}: permission denied. Choose another folder, or change its rights."
        )
    if code == errno.EISDIR:
        return FileError(f"can not write {str(path)!r}: it is a folder. Name a file in it.")
    if code == errno.ENAMETOOLONG:
        return FileError(f"can not write {str(path)!r}: the name is too long. Choose a shorter one.")
    return FileError(f"can not write {str(path)!r}: {_plain(error)}. Choose another place, or try again.")


def open_error(path: Path | str, error: Exception) -> FileError:
    """Say in one sentence why a file could not be read, with the nearest name when there is none of this one.

    Parameters
    ----------
    path : Path or str
        The file that was to be read.
    error : Exception
        What the system said.

    Returns
    -------
    FileError
        The error, not raised.

    Examples
    --------
    >>> print(open_error("/nowhere/x.csv", FileNotFoundError(errno.ENOENT, "missing")))
    there is no file '/nowhere/x.csv', and no folder '/nowhere' either. Check the path.
    """
    if isinstance(error, FileError):
        return error
    path, code = Path(path), error_code(error)
    if code in {errno.ENOENT, errno.ENOTDIR}:
        return FileError(_missing(path))
    if code == errno.EISDIR:
        return FileError(f"can not read {str(path)!r} as a file: it is a folder. Name a file in it.")
    if code in _FORBIDDEN:
        return FileError(
            f"may not read {str(path)!r}: permission denied. Change its rights, or ask its owner."
        )
    return FileError(f"can not read {str(path)!r}: {_plain(error)}. Check the disk and the path.")


def read_bytes(path: Path | str) -> bytes:
    """Read a whole file.

    Parameters
    ----------
    path : Path or str
        The file.

    Raises
    ------
    FileError
        It can not be opened or read.

    Examples
    --------
    >>> read_bytes(__file__)[:3]
    b'\"\"\"'
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise open_error(path, error) from error


def error_code(error: Exception) -> int | None:
    """Return the system's number of an error; Polars gives it in the text only.

    Examples
    --------
    >>> error_code(OSError("No space left on device (os error 28)")) == errno.ENOSPC
    True
    """
    code = getattr(error, "errno", None)
    if code is not None:
        return int(code)
    found = re.search(r"os error (\d+)", str(error))
    return int(found.group(1)) if found else None


def _missing(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {str(path)!r}, and no folder {str(folder)!r} either. Check the path."
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        names = []
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    if near:
        return f"there is no file {str(path)!r}; did you mean {near[0]!r}?"
    return f"there is no file {str(path)!r}. Check the name and the folder."


def _plain(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
    return text[:1].lower() + text[1:].rstrip(".")
