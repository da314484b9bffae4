"""Postcodes by the area that they begin with, and identifiers that are random throughout."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from simulacra.encodings._letters import commonest, count_shared, exact_shape, literal

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
UUIDS = "uuid\\"
"""The shape of random identifiers; no other shape ends in a single backslash."""
MOST_AREAS = 200
"""Areas that are told apart; of longer beginnings there would be more than can be learnt from."""
LONGEST = 12
"""Characters of the longest postcode."""
_COVERED = 0.9


def head_shape(text: str, length: int) -> str:
    """Keep the first characters of a code as they are, and write the others as their class.

    Examples
    --------
    >>> head_shape("43215", 3), head_shape("SW1A 2AA", 2)
    ('43299', 'SW9A 9AA')
    """
    return literal(text[:length]) + exact_shape(text[length:])


def area_shapes(
    texts: Sequence[str], holders: int, owners: Sequence[int] | None
) -> tuple[list[str], list[int]]:
    """List the beginnings of codes that enough texts share, and the places of the texts that have none of them.

    Beginnings are as long as they can be while there are few enough of them and nearly all codes have one; what has
    none of these is tried with shorter ones. No code is kept whole.

    Examples
    --------
    >>> area_shapes(["43210", "43217", "43299"] * 4 + ["78701"], 5, None)
    (['43299'], [12])
    """
    shapes: list[str] = []
    left = list(range(len(texts)))
    longest = min(max(map(len, texts), default=0), LONGEST)
    for length in range(longest - 1, 0, -1):
        held = [place for place in left if len(texts[place]) > length]
        written = {place: head_shape(texts[place], length) for place in held}
        whose = None if owners is None else [owners[place] for place in held]
        counts = count_shared(([written[place]] for place in held), holders, whose)
        begun = bool(shapes)
        if len(counts) > MOST_AREAS or (not begun and counts.total() < _COVERED * len(texts)):
            continue
        kept = {shape for shape, _ in commonest(counts, MOST_AREAS - len(shapes))}
        shapes += sorted(kept, key=lambda shape: (-counts[shape], shape))
        left = [place for place in left if written.get(place) not in kept]
    return shapes, left


def find_area(text: str, index: dict[str, int]) -> int | None:
    """Find the number of the longest beginning that a code has.

    Examples
    --------
    >>> find_area("43211", {"49999": 0, "43999": 1})
    1
    """
    for length in range(min(len(text), LONGEST) - 1, 0, -1):
        found = index.get(head_shape(text, length))
        if found is not None:
            return found
    return None


def draw_uuids(n: int, rng: np.random.Generator) -> list[str]:
    """Draw random identifiers (UUID, version 4).

    Examples
    --------
    >>> [len(text) for text in draw_uuids(2, np.random.default_rng(0))]
    [36, 36]
    """
    drawn = rng.bytes(16 * n).hex()
    # version and variant stand in two digits, as RFC 4122 asks for
    return [
        f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) % 4]}{text[17:20]}-{text[20:]}"
        for text in (drawn[at : at + 32] for at in range(0, len(drawn), 32))
    ]
