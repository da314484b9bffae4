"""Conditions of several options, for the commands that take them more than once."""

from __future__ import annotations

from collections.abc import Sequence


def joined(conditions: Sequence[str]) -> str:
    """Return the condition that all of several make.

    Examples
    --------
    >>> joined(["a = 1", "b = 2 or b = 3"])
    '(a = 1) and (b = 2 or b = 3)'
    """
    return conditions[0] if len(conditions) == 1 else " and ".join(f"({one})" for one in conditions)
