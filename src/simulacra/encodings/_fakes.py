"""Stand-ins for identifying text, all from ranges that are reserved so that they can reach nobody."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulacra.domain import Array
from simulacra.encodings._letters import draw_digits, draw_letters

SOUNDS = (
    "mira", "tolan", "berit", "kasel", "norem", "lidan", "savor", "helim", "radon", "vesta", "orlin", "jarek", "pelin",
    "damor", "silva", "torben", "alen", "rikard", "morena", "liska", "hanso", "kelde", "brana", "wister", "galen",
) * 4  # fmt: skip
"""Made-up words that the letters of stand-ins follow, so that nothing of the real texts is in them."""


def emails(n: int, chain: Array, rng: np.random.Generator) -> list[str]:
    """Draw addresses at example.com (RFC 2606)."""
    names = draw_letters(chain, rng.integers(5, 10, size=n), rng)
    numbers = draw_digits(np.full(n, 4), rng)
    return [f"{name}{number}@example.com" for name, number in zip(names, numbers, strict=True)]


def phones(n: int, chain: Array, rng: np.random.Generator) -> list[str]:
    """Draw North American numbers 555-0100 to 555-0199, which are kept for fiction."""
    area, line = rng.integers(200, 1000, size=n), rng.integers(100, 200, size=n)
    return [f"({a}) 555-0{number}" for a, number in zip(area, line, strict=True)]


def ssns(n: int, chain: Array, rng: np.random.Generator) -> list[str]:
    """Draw US social security numbers from 900 up, which are never given out."""
    parts = zip(rng.integers(900, 1000, n), rng.integers(1, 70, n), rng.integers(1, 10_000, n), strict=True)
    return [f"{a}-{b:02d}-{c:04d}" for a, b, c in parts]


def addresses(n: int, chain: Array, rng: np.random.Generator) -> list[str]:
    """Draw IPv4 addresses of the documentation ranges (RFC 5737)."""
    nets = np.array(["192.0.2", "198.51.100", "203.0.113"])[rng.integers(0, 3, size=n)]
    return [f"{net}.{host}" for net, host in zip(nets, rng.integers(1, 255, size=n), strict=True)]


def urls(n: int, chain: Array, rng: np.random.Generator) -> list[str]:
    """Draw pages of example.com (RFC 2606)."""
    return [f"https://example.com/{page}" for page in draw_letters(chain, rng.integers(5, 12, size=n), rng)]


def ibans(n: int, chain: Array, rng: np.random.Generator) -> list[str]:
    """Draw British account numbers of a bank that does not exist (ZZZZ), with right check digits (ISO 13616)."""
    accounts = draw_digits(np.full(n, 14), rng)
    # letters count from A = 10; the check digits make the rearranged number 1 modulo 97
    return [f"GB{98 - int('35353535' + a + '161100') % 97:02d}ZZZZ{a}" for a in accounts]


def names(n: int, chain: Array, rng: np.random.Generator) -> list[str]:
    """Draw names made letter by letter."""
    first = draw_letters(chain, rng.integers(4, 8, size=n), rng)
    last = draw_letters(chain, rng.integers(5, 10, size=n), rng)
    return [f"{a.capitalize()} {b.capitalize()}" for a, b in zip(first, last, strict=True)]


FAKES: dict[str, Callable[[int, Array, np.random.Generator], list[str]]] = {
    "email": emails,
    "phone": phones,
    "ssn": ssns,
    "ip": addresses,
    "url": urls,
    "iban": ibans,
    "person.name": names,
}
"""Stand-in makers by the word in `Column.identifying`."""
