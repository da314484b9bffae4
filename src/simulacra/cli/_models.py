"""Model files of one table, for the commands that ask a model about rows."""

from __future__ import annotations

from simulacra.api import load
from simulacra.modelfile import require_single
from simulacra.synthesizer import Synthesizer


def load_table(path: str) -> Synthesizer:
    """Read a model of one table, and refuse one of several."""
    fitted = load(path)
    require_single(fitted)
    assert isinstance(fitted, Synthesizer)
    return fitted
