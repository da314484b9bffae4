"""The C library's allocator: told to keep the memory that parts use over and over."""

from __future__ import annotations

import ctypes
from functools import cache

_TRIM, _MMAP = -1, -3
_KEPT = 128 * 2**20
_LARGEST = 32 * 2**20


@cache
def keep_memory() -> bool:
    """Let blocks of some megabytes be used again instead of given back to the system each time, where that can be told.

    Returns
    -------
    bool
        Whether the C library took it: glibc does, others do not know how.

    Notes
    -----
    Every column of every unit is such a block; giving it back and touching fresh pages costs a tenth of all time. At
    most 128 MB stay with the process that it would have given back.

    Examples
    --------
    >>> keep_memory() in {True, False}
    True
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(tell(_MMAP, _LARGEST)) and bool(tell(_TRIM, _KEPT))
