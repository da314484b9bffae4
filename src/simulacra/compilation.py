"""Compiled kernels: whether the first use of a part will have to compile them."""

from __future__ import annotations

import sys
from pathlib import Path

COMPILING = "compiling kernels, once on this machine"
"""The step of a progress during which kernels are compiled for the first time."""


def is_cold(package: str) -> bool:
    """Tell whether a package has kernels of which none was ever compiled and kept on this machine.

    Parameters
    ----------
    package : str
        Its name; only its modules that are loaded count.

    Returns
    -------
    bool
        True if there are kernels, and their cache is empty or older than they are.

    Notes
    -----
    Kernels are kept beside their source or, where that may not be written to, in the user's cache folder
    (``NUMBA_CACHE_DIR`` names another).

    Examples
    --------
    >>> is_cold("simulacra.schema")
    False
    """
    found = False
    for name, module in list(sys.modules.items()):
        if not name.startswith(f"{package}._"):
            continue
        for kernel in vars(module).values():
            folder = getattr(getattr(kernel, "stats", None), "cache_path", None)
            if folder is None:
                continue
            found = True
            if _is_kept(kernel.__name__, Path(str(module.__file__)), Path(folder)):
                return False
    return found


def _is_kept(name: str, source: Path, folder: Path) -> bool:
    written = source.stat().st_mtime
    return any(file.stat().st_mtime >= written for file in folder.glob(f"{source.stem}.{name}-*.nbi"))
