"""Files are written whole or not at all, and errors say what to do."""

import errno
import os
import stat
from pathlib import Path

import polars as pl
import pytest

from simulacra import storage
from simulacra.errors import FileError
from simulacra.storage import atomic_path, open_error, read_bytes, write_error


def test_a_file_appears_whole(tmp_path):
    target = tmp_path / "a.csv.gz"
    with atomic_path(target) as path:
        assert path.parent == tmp_path and path.name.endswith(".csv.gz")
        path.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_after_an_error_the_old_file_stays_and_nothing_else(tmp_path, error):
    target = tmp_path / "a.csv"
    target.write_bytes(b"old")
    with pytest.raises(FileError if isinstance(error, OSError) else type(error)), atomic_path(target) as path:
        path.write_bytes(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_told_in_one_sentence(tmp_path):
    words = r"^no space left on the device while writing '.*x\.csv'; nothing was"
    with pytest.raises(FileError, match=words), atomic_path(tmp_path / "x.csv"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_really_full_device_is_told():
    with pytest.raises(FileError, match="no space left"), atomic_path("/dev/full") as path:
        pl.DataFrame({"a": range(100_000)}).write_csv(path)


def test_a_device_is_written_to_and_not_replaced():
    with atomic_path("/dev/null") as path:
        path.write_bytes(b"x")
    assert Path("/dev/null").is_char_device()


def test_a_link_is_followed(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_bytes(b"old")
    link.symlink_to(real)
    with atomic_path(link) as path:
        path.write_bytes(b"new")
    assert link.is_symlink() and real.read_bytes() == b"new"


def test_rights_of_the_old_file_are_kept(tmp_path):
    target = tmp_path / "a.csv"
    target.write_bytes(b"old")
    target.chmod(0o600)
    with atomic_path(target) as path:
        path.write_bytes(b"new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_missing_folder_and_folder_as_target(tmp_path):
    nowhere = tmp_path / "nowhere" / "a.csv"
    with pytest.raises(FileError, match=r"there is no folder '.*nowhere'\. Create it"), atomic_path(nowhere):
        pass
    with pytest.raises(FileError, match="it is a folder"), atomic_path(tmp_path):
        pass


def test_a_missing_file_brings_the_nearest_name(tmp_path):
    (tmp_path / "orders.csv").touch()
    with pytest.raises(FileError, match=r"there is no file '.*order\.csv'; did you mean 'orders\.csv'\?"):
        read_bytes(tmp_path / "order.csv")
    with pytest.raises(FileError, match="Check the name and the folder"):
        read_bytes(tmp_path / "zzz")
    with pytest.raises(FileError, match="it is a folder"):
        read_bytes(tmp_path)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "permission denied"),
        (errno.EDQUOT, "no space left"),
        (errno.ENAMETOOLONG, "name is too long"),
        (errno.EIO, "can not write 'x': input/output error"),
    ],
)
def test_write_errors_are_plain(code, words):
    error = write_error("x", OSError(code, os.strerror(code)))
    assert words in str(error) and "\n" not in str(error)
    assert isinstance(error, OSError)


def test_read_errors_are_plain():
    assert "permission denied" in str(open_error("x", PermissionError(errno.EACCES, "no")))
    assert "can not read 'x'" in str(open_error("x", OSError("odd")))


def test_polars_gives_the_number_in_its_text():
    assert storage.error_code(pl.exceptions.ComputeError("io: full (os error 28)")) == errno.ENOSPC
    assert storage.error_code(OSError("odd")) is None
