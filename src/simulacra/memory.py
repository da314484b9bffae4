"""Memory that is left, so that a request too large for the machine is refused before it fills it."""

from __future__ import annotations

import os
from pathlib import Path

from simulacra.errors import OptionError


def free_bytes() -> int | None:
    """Return the memory that can be had without swapping, or None where the system does not tell.

    Examples
    --------
    >>> free = free_bytes()
    >>> free is None or free > 0
    True
    """
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return None


def require_memory(needed: int, what: str, advice: str) -> None:
    """Refuse what does not fit.

    Parameters
    ----------
    needed : int
        Bytes.
    what : str
        What needs them, as the start of a sentence: ``"10,000 rows of 15 columns"``.
    advice : str
        What to do instead, as a sentence.

    Raises
    ------
    OptionError
        Less than that is free.
    """
    free = free_bytes()
    if free is not None and needed > free:
        raise OptionError(
            f"{what} would need about {needed / 1e9:,.0f} GB of memory, and {free / 1e9:,.0f} GB are free. {advice}"
        )
