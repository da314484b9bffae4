"""Names that files have while they are written, see `simulacra.storage.atomic_path`."""

from __future__ import annotations

import re

_BESIDE = re.compile(r"(^|/)\.[0-9a-f]{12}(\.[A-Za-z0-9_.-]*)?$")


def is_leftover(name: str) -> bool:
    """Tell whether a file was being written when its writer was killed."""
    return _BESIDE.search(name) is not None
