"""What stands in logs: addresses of machines and pages, agents, files, identifiers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.fakes._numbers import MOST, Numbers, mix
from simulacra.fakes._writing import to_texts
from simulacra.fakes.vocabulary import FALLBACK
from simulacra.field import Drawn, Field, Given
from simulacra.fields._faker import grammar, harvest
from simulacra.fields._grammar import Node, glue, join
from simulacra.fields._kinds import Faked, Listed, LocalField, Written, order_key, shuffled
from simulacra.fields._words import Words

Places = npt.NDArray[Any]

_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SIGNS = np.frombuffer(_LETTERS.encode(), dtype=np.uint8)
_LONG = 12


@cache
def _fours() -> pl.Series:
    return pl.Series([f"{number:04x}" for number in range(2**16)])


def _write_uuids(high: Numbers, low: Numbers) -> pl.Series:
    """Write two times 64 bits as UUIDs of version 4 (RFC 9562)."""
    high = (high & np.uint64(0xFFFFFFFFFFFF0FFF)) | np.uint64(0x4000)
    low = (low & np.uint64(2**62 - 1)) | np.uint64(2**63)
    quads = [
        _fours().gather(((half >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.uint32))
        for half in (high, low)
        for shift in (48, 32, 16, 0)
    ]
    a, b, c, d, e, f, g, h = quads
    return glue([a, b, "-", c, "-", d, "-", e, "-", f, g, h])


@dataclass(frozen=True)
class Uuid(LocalField):
    """Random identifiers."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw 122 bits a row."""
        bits = rng.integers(2**64, size=(2, rows), dtype=np.uint64)
        return Drawn(_write_uuids(bits[0], bits[1]))

    def room_in(self, locale: str, given: Given) -> int:
        """Count what a place can be."""
        return MOST

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Shuffle the places in the last 62 bits, and mix the others of them."""
        low = shuffled(places, MOST, rng)
        return _write_uuids(mix(low, order_key(rng) % 2**32), low)


@dataclass(frozen=True)
class Password(LocalField):
    """Twelve letters and digits that are told apart at sight."""

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw every sign."""
        return Drawn(to_texts(_SIGNS[rng.integers(len(_SIGNS), size=(rows, _LONG), dtype=np.uint8)]))


def _harvested(method: str) -> Callable[[str], Words]:
    return lambda locale: harvest(FALLBACK, method)


@cache
def _file(locale: str) -> Node:
    words = grammar(FALLBACK, "word")
    return join([words, "_", words, ".", harvest(FALLBACK, "file_extension")])


_STATUSES = Words(
    ("200", "201", "204", "206", "301", "302", "304", "307", "400", "401", "403", "404", "405", "409", "410", "422",
     "429", "500", "502", "503", "504"),
    (70, 4, 3, 1, 3, 4, 6, 0.5, 1, 1, 1, 3, 0.1, 0.1, 0.1, 0.4, 0.4, 0.7, 0.3, 0.3, 0.1),
)  # fmt: skip
_SYSTEMS = (
    "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64",
    "X11; CrOS x86_64 14541.0.0",
)  # fmt: skip
_VERSIONS = range(110, 140)


@cache
def _agents(locale: str) -> Words:
    """List the names of common browsers on common systems."""
    agents: dict[str, float] = {}
    head, kit = "Mozilla/5.0", "AppleWebKit/537.36 (KHTML, like Gecko)"
    for version in _VERSIONS:
        for system, share in zip(_SYSTEMS, (6.0, 2.0, 0.6, 0.4)):
            chrome = f"{head} ({system}) {kit} Chrome/{version}.0.0.0 Safari/537.36"
            agents |= {chrome: 4 * share, f"{chrome} Edg/{version}.0.0.0": share}
            agents[f"{head} ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"] = share
        agents[f"{head} (Linux; Android 10; K) {kit} Chrome/{version}.0.0.0 Mobile Safari/537.36"] = 20.0
    for release in ("16.6", "17.4", "17.6", "18.1", "18.3"):
        tail = f"AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{release}"
        agents[f"{head} ({_SYSTEMS[1]}) {tail} Safari/605.1.15"] = 40.0
        system = f"iPhone; CPU iPhone OS {release.replace('.', '_')} like Mac OS X"
        agents[f"{head} ({system}) {tail} Mobile/15E148 Safari/604.1"] = 120.0
    return Words(tuple(agents), tuple(agents.values()))


def _statuses(locale: str) -> Words:
    return _STATUSES


def _fixed(kind: str, *styles: str) -> Any:
    return lambda locale: (kind, FALLBACK, styles)


def fields() -> list[Field]:
    """Return the fields of machines and files."""
    return [
        Faked(
            "ip",
            "IPv4 address of a range for documentation or tests",
            (),
            fake=_fixed("ip", "v4"),
            identifying="ip",
        ),
        Faked(
            "ip.private",
            "IPv4 address of a private network",
            (),
            fake=_fixed("ip", "private"),
            identifying="ip",
        ),
        Faked(
            "ipv6",
            "IPv6 address of the range for documentation",
            (),
            fake=_fixed("ip", "v6"),
            identifying="ip",
        ),
        Faked("mac", "hardware address, locally administered", (), fake=_fixed("mac"), identifying="mac"),
        Faked("url", "page of example.com", (), fake=_fixed("url"), identifying="url"),
        Faked("domain", "domain below .example", (), fake=_fixed("url", "{word}.example")),
        Faked("host", "machine of example.com", (), fake=_fixed("url", "{word}.example.com")),
        Listed("user_agent", "how a browser names itself", (), kind="text", words=_agents),
        Listed("http.method", "method of a request", (), words=_harvested("http_method")),
        Listed("http.status", "status of an answer", (), words=_statuses),
        Uuid("uuid", "random identifier (version 4)", ()),
        Password("password", "twelve random letters and digits", ()),
        Listed("mime", "type of a file's content", (), words=_harvested("mime_type")),
        Written("file.name", "name of a file", (), node=_file),
        Listed("file.extension", "ending of a file's name", (), words=_harvested("file_extension")),
    ]
