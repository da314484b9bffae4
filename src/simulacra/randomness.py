"""Named, counter-based streams of random numbers, all derived from one seed.

A stream is a Philox generator (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") whose key is
a hash of the seed and of the stream's name. Two names never share numbers, whatever the order in which they are
asked for, so the work can be cut into blocks and given to any number of workers without changing a byte.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import numpy as np

from simulacra.errors import OptionError

BLOCK_ROWS = 65_536
"""Rows in one block: the unit of randomness when sampling."""


@dataclass(frozen=True, slots=True)
class Streams:
    """A family of random streams: one for every name.

    Parameters
    ----------
    seed : int
        Any non-negative integer.
    path : tuple
        The names already given, outermost first.

    Examples
    --------
    >>> a = Streams(7).stream("fit", "age").integers(100, size=3)
    >>> b = Streams(7).stream("fit", "age").integers(100, size=3)
    >>> bool((a == b).all())
    True
    """

    seed: int
    path: tuple[str | int, ...] = ()

    def at(self, *names: str | int) -> Streams:
        """Go one or more names deeper, without making a generator."""
        return Streams(self.seed, self.path + names)

    def key(self, *names: str | int) -> int:
        """Return the 128-bit key of a stream."""
        text = "\x1f".join([str(self.seed), *(f"{type(n).__name__[0]}{n}" for n in self.path + names)])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")

    def stream(self, *names: str | int) -> np.random.Generator:
        """Make the generator of a name, always at its start."""
        return np.random.Generator(np.random.Philox(key=self.key(*names)))


def resolve_seed(seed: int | None) -> int:
    """Check a seed, or draw one from the system when none is given.

    Parameters
    ----------
    seed : int or None
        A non-negative integer below 2**63, or None for a fresh one.

    Returns
    -------
    int
        The seed to use (and to write down, so that the run can be repeated).

    Examples
    --------
    >>> resolve_seed(7)
    7
    """
    if seed is None:
        return secrets.randbits(31)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= int(seed) < 2**63:
        raise OptionError(f"seed must be a whole number from 0 to 2**63 - 1, not {seed!r}.")
    return int(seed)
