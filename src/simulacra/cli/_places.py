"""Where commands on whole databases read from and write to: files, folders and URLs."""

from __future__ import annotations

from pathlib import Path

from simulacra.cli._console import require_files
from simulacra.errors import FileError
from simulacra.storage import require_writable


def require_places(source: str, target: str | None, *others: str | None) -> None:
    """Refuse a source that is not there, and a target that can not be written or is the source, before the work."""
    if "://" not in source:
        require_files(source)
    require_files(*others)
    if target is None:
        return
    if source == target or (
        "://" not in source + target
        and Path(target).exists()
        and Path(source).exists()
        and Path(source).samefile(target)
    ):
        raise FileError(f"{target!r} is read by this command and would be overwritten. Choose another name.")
    if "://" not in target and Path(target).suffix:
        require_writable(target, inputs=[source] if "://" not in source else [])
