"""The key of a masking: made for one run, or given so that runs agree; never shown and never stored."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass, field

import numpy as np

from simulacra.domain import Array
from simulacra.errors import OptionError

ENVIRONMENT = "SIMULACRA_MASK_KEY"
"""The environment variable that a key is taken from when none is given."""

SHORTEST = 16
"""Characters that a key has at least: fewer can be guessed."""

_SALT = b"simulacra masking key"


@dataclass(frozen=True, slots=True)
class Secret:
    """A key, and where it came from.

    Parameters
    ----------
    origin : str
        ``"made for this run"``, ``"given"`` or ``"from the environment"``.

    Notes
    -----
    **Privacy**: whoever has the key and a guess can test the guess, and with permuted values find the originals.

    **Source**: keyed BLAKE2b, RFC 7693; texts are stretched with scrypt, RFC 7914.

    Examples
    --------
    >>> Secret.make("correct horse battery staple")
    Secret(origin='given')
    """

    origin: str
    _bytes: bytes = field(repr=False)

    @classmethod
    def make(cls, key: bytes | str | None = None, *, env: str | None = None) -> Secret:
        """Take the key that is given, else that of an environment variable, else draw one.

        Parameters
        ----------
        key : bytes, str or None
            At least 16 bytes or characters.
        env : str or None
            The variable; it must be there. None looks for ``SIMULACRA_MASK_KEY``, which need not.

        Raises
        ------
        OptionError
            The key is too short, or the variable is not set.
        """
        if key is None and env is not None and not os.environ.get(env):
            raise OptionError(f"the environment variable {env!r} is not set. Put the key into it.")
        if key is not None:
            return cls("given", _stretch(key, "the key"))
        found = os.environ.get(env or ENVIRONMENT)
        if found:
            return cls("from the environment", _stretch(found, f"the key in {env or ENVIRONMENT}"))
        return cls("made for this run", secrets.token_bytes(32))

    def derive(self, *names: str | int, size: int = 16) -> bytes:
        """Return the key of one purpose."""
        text = "\x1f".join(map(str, names)).encode()
        return hashlib.blake2b(text, key=self._bytes, digest_size=size, person=b"simulacra").digest()

    def hash_texts(self, texts: list[str], *names: str | int) -> Array:
        """Hash texts to two 64-bit codes each, for one purpose.

        Parameters
        ----------
        texts : list of str
            What to hash; equal texts get equal codes.
        *names
            The purpose.

        Returns
        -------
        array of uint64, shape (texts, 2)
            As good as random to whoever lacks the key.

        Examples
        --------
        >>> Secret.make(b"0123456789abcdef").hash_texts(["a", "b", "a"], "email").shape
        (3, 2)
        """
        base = hashlib.blake2b(key=self.derive(*names, size=32), digest_size=16)
        digests = []
        for text in texts:
            copy = base.copy()
            copy.update(text.encode("utf-8", "surrogatepass"))
            digests.append(copy.digest())
        return np.frombuffer(b"".join(digests), dtype="<u8").reshape(-1, 2)


def _stretch(key: bytes | str, what: str) -> bytes:
    if not isinstance(key, (bytes, str)):
        raise OptionError(f"{what} must be bytes or text, not a {type(key).__name__}.")
    if len(key) < SHORTEST:
        raise OptionError(
            f"{what} has {len(key)} characters, and a short one can be guessed. Use {SHORTEST} or more, such as "
            "32 random bytes as hexadecimal text."
        )
    if isinstance(key, str):
        return hashlib.scrypt(key.encode(), salt=_SALT, n=2**14, r=8, p=1, dklen=32)
    return hashlib.blake2b(key, digest_size=32, person=b"simulacra").digest()
