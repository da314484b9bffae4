"""Memory that is left, so that a request too large for the machine is refused before it fills it."""

from __future__ import annotations

import os
import re
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


def used_bytes() -> int | None:
    """Return the memory that this process holds, or None where the system does not tell.

    Examples
    --------
    >>> used = used_bytes()
    >>> used is None or used > 0
    True
    """
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError, IndexError):
        return None


def peak_bytes() -> int | None:
    """Return the most memory that this process has held so far, or None where the system does not tell.

    Examples
    --------
    >>> peak = peak_bytes()
    >>> peak is None or peak > 0
    True
    """
    try:
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return int(found[1]) * 1024 if found else None


_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", re.IGNORECASE)
_POWERS = {"": 0, "k": 3, "m": 6, "g": 9, "t": 12}


def parse_size(size: int | float | str) -> int:
    """Read an amount of memory.

    Parameters
    ----------
    size : int, float or str
        Bytes, or text such as ``"4GB"``, ``"500 MB"``.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    OptionError
        It is no amount above 0.

    Examples
    --------
    >>> parse_size("1.5 GB")
    1500000000
    """
    if isinstance(size, (int, float)) and not isinstance(size, bool) and size > 0:
        return int(size)
    found = _SIZE.fullmatch(size) if isinstance(size, str) else None
    if found is None or float(found[1]) == 0:
        raise OptionError(f"an amount of memory is a number of bytes or a text such as '4GB', not {size!r}.")
    return int(float(found[1]) * 10 ** _POWERS[found[2].lower()])


def require_memory(needed: int, what: str, advice: str, *, limit: int | None = None) -> None:
    """Refuse what does not fit.

    Parameters
    ----------
    needed : int
        Bytes.
    what : str
        What needs them, as the start of a sentence: ``"10,000 rows of 15 columns"``.
    advice : str
        What to do instead, as a sentence.
    limit : int or None
        Bytes that may be used; what is free when None.

    Raises
    ------
    OptionError
        There is less than that.
    """
    free = free_bytes() if limit is None else limit
    if free is not None and needed > free:
        there = "are free" if limit is None else "are allowed"
        raise OptionError(
            f"{what} would need about {size_text(needed)} of memory, and {size_text(free)} {there}. {advice}"
        )


def size_text(size: int) -> str:
    """Word an amount of memory in the unit that suits it.

    Examples
    --------
    >>> size_text(10_000_000), size_text(2_300_000_000)
    ('10 MB', '2.3 GB')
    """
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"
