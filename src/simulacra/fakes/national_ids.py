"""National numbers of people, with right check digits, in ranges that were never given out where there are such."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.fakes import checksums as check
from simulacra.fakes._numbers import Numbers, cut, times
from simulacra.fakes._writing import Bytes, find_shapes, lay, to_texts, wild_places
from simulacra.fakes.maker import Maker

_DNI = np.frombuffer(b"TRWAGMYFPDXBNJZSQVHLCKE", dtype=np.uint8)
_NINO_SECOND = "ABCEGHJKLMNPRSTWXYZ"
_MONTHS = "ABCDEHLMPRST"
_CONSONANTS = "BCDFGLMNPRSTVZ"
_NINE_FACTORIAL = 362_880


def _write(*parts: tuple[np.ndarray | int, int], rows: int) -> Bytes:
    """Write whole numbers side by side, each with leading zeros in so many places."""
    columns = []
    for values, width in parts:
        numbers = np.broadcast_to(np.asarray(values, dtype=np.int64), (rows,))
        columns.append(
            np.stack([numbers // 10**place % 10 for place in range(width - 1, -1, -1)], axis=1) + 48
        )
    return np.concatenate(columns, axis=1).astype(np.uint8)


def _with(body: Bytes, *digits: np.ndarray) -> Bytes:
    return np.column_stack([body, *(digit + 48 for digit in digits)]).astype(np.uint8)


def _pick(letters: str, which: np.ndarray) -> np.ndarray:
    return np.frombuffer(letters.encode(), dtype=np.uint8)[which]


def _us(numbers: Numbers) -> Bytes:
    # numbers from 900 up are never social security numbers; groups below 50 are no tax numbers either
    serial, group, area = cut(numbers, [9_999, 49])
    return _write((area.astype(np.int64) + 900, 3), (group + 1, 2), (serial + 1, 4), rows=len(numbers))


def _gb(numbers: Numbers) -> Bytes:
    # Q is no first letter of a number that was given out
    end, second, digits = cut(numbers, [4, len(_NINO_SECOND)])
    head = np.column_stack([np.full(len(numbers), ord("Q")), _pick(_NINO_SECOND, second)])
    return np.column_stack([head, _write((digits, 6), rows=len(numbers)), _pick("ABCD", end)]).astype(
        np.uint8
    )


def _fr(numbers: Numbers) -> Bytes:
    # no commune has the number 000
    sex, year, month, place, order = cut(numbers, [2, 100, 12, 95])
    rows = len(numbers)
    body = _write(
        (sex + 1, 1),
        (year, 2),
        (month + 1, 2),
        (place + 1, 2),
        (0, 3),
        (order.astype(np.int64) + 1, 3),
        rows=rows,
    )
    key = 97 - check.modulo(check.digits_of(body), 97)
    return _with(body, key // 10, key % 10)


def _de(numbers: Numbers) -> Bytes:
    # a leading 0 is kept for tests; of the ten digits one is missing, and here the 0 stands twice
    order, missing = cut(numbers, [_NINE_FACTORIAL])
    rows = len(numbers)
    pool = np.tile(np.arange(10), (rows, 1))
    pool = pool[pool != (missing.astype(np.int64) + 1)[:, None]].reshape(rows, 9)
    digits = np.zeros((rows, 10), dtype=np.int64)
    rest = order.astype(np.int64)
    for place in range(9):
        left = 9 - place
        rest, which = np.divmod(rest, left)
        digits[:, place + 1] = np.take_along_axis(pool, which[:, None], axis=1)[:, 0]
        shifted = np.where(np.arange(left - 1) >= which[:, None], pool[:, 1:left], pool[:, : left - 1])
        pool = shifted
    return _with((digits + 48).astype(np.uint8), check.chained(digits))


def _es(numbers: Numbers) -> Bytes:
    # numbers from 95 million up lie far above those given out
    whole = numbers.astype(np.int64) + 95_000_000
    return np.column_stack([_write((whole, 8), rows=len(whole)), _DNI[whole % 23]]).astype(np.uint8)


def _it(numbers: Numbers) -> Bytes:
    # Z with 950 and more is no place of birth
    year, month, day, place, *name = cut(numbers, [100, 12, 31, 50, *[len(_CONSONANTS)] * 6])[:10]
    rows = len(numbers)
    letters = np.column_stack([_pick(_CONSONANTS, letter) for letter in name])
    born = np.column_stack(
        [
            _write((year, 2), rows=rows),
            _pick(_MONTHS, month),
            _write((np.minimum(day, 27) + 1 + 40 * (day % 2), 2), rows=rows),
        ]
    )
    body = np.column_stack(
        [letters, born, np.full(rows, ord("Z")), _write((950 + place, 3), rows=rows)]
    ).astype(np.uint8)
    return np.column_stack([body, check.fiscal(check.digits_of(body)) + 65]).astype(np.uint8)


def _br(numbers: Numbers) -> Bytes:
    body = _write((numbers.astype(np.int64) + 1, 9), rows=len(numbers))
    both = check.cpf(check.digits_of(body))
    return _with(body, both[:, 0], both[:, 1])


def _cn(numbers: Numbers) -> Bytes:
    # no region has a number that begins with 99
    order, day, month, year, place = cut(numbers, [999, 28, 12, 70])
    body = _write(
        (990_000 + place.astype(np.int64), 6), (1940 + year, 4), (month + 1, 2), (day + 1, 2), (order + 1, 3),
        rows=len(numbers),
    )  # fmt: skip
    weights = [2 ** (17 - i) % 11 for i in range(17)]
    last = (12 - check.weighted(check.digits_of(body), weights) % 11) % 11
    return np.column_stack([body, np.where(last == 10, ord("X"), last + 48)]).astype(np.uint8)


def _in(numbers: Numbers) -> Bytes:
    # a leading 1 is never given out
    body = _write((numbers.astype(np.int64) + 10**10, 11), rows=len(numbers))
    return _with(body, check.dihedral(check.digits_of(body)))


def _cz(numbers: Numbers) -> Bytes:
    # 20 is only added to the month since 2004, so such numbers of earlier years were never given out
    day, month, sex, year, order = cut(numbers, [28, 12, 2, 46])
    body = _write(
        (54 + year, 2),
        (month + 21 + 50 * sex, 2),
        (day + 1, 2),
        (order.astype(np.int64), 3),
        rows=len(numbers),
    )
    return _with(body, check.modulo(check.digits_of(body), 11) % 10)


def _pl(numbers: Numbers) -> Bytes:
    # 40 and 60 are added to the month for those born from 2100 on
    day, month, century, year, order = cut(numbers, [28, 12, 2, 100])
    body = _write(
        (year, 2),
        (month + 41 + 20 * century, 2),
        (day + 1, 2),
        (order.astype(np.int64), 4),
        rows=len(numbers),
    )
    return _with(body, -check.weighted(check.digits_of(body), [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)


def _nl(numbers: Numbers) -> Bytes:
    # the last digit is what the others weigh modulo 11; where that is 10, the one before it goes one up
    body = _write((numbers.astype(np.int64) * 2 + 99_000_000, 8), rows=len(numbers))
    weights = [9, 8, 7, 6, 5, 4, 3, 2]
    last = check.weighted(check.digits_of(body), weights) % 11
    body[:, 7] += np.where(last == 10, 1, 0).astype(np.uint8)
    return _with(body, np.where(last == 10, 1, last))


def _se(numbers: Numbers) -> Bytes:
    # orders from 980 up are kept for tests
    day, month, order, year = cut(numbers, [28, 12, 20])
    body = _write((year, 2), (month + 1, 2), (day + 1, 2), (980 + order, 3), rows=len(numbers))
    return _with(body, check.luhn(check.digits_of(body)))


_WAYS: dict[str, tuple[Callable[[Numbers], Bytes], int, str]] = {
    "ssn": (_us, 100 * 49 * 9_999, "###-##-####"),
    "national_id.gb": (_gb, 4 * len(_NINO_SECOND) * 10**6, "??######?"),
    "national_id.fr": (_fr, 2 * 100 * 12 * 95 * 999, "###############"),
    "national_id.de": (_de, _NINE_FACTORIAL * 9, "###########"),
    "national_id.es": (_es, 5_000_000, "########?"),
    "national_id.it": (_it, times(100, 12, 28, 50, len(_CONSONANTS) ** 6), "??????##?##?###?"),
    "national_id.br": (_br, 10**9 - 2, "###.###.###-##"),
    "national_id.cn": (_cn, 999 * 28 * 12 * 70 * 10_000, "##################"),
    "national_id.in": (_in, 10**10, "#### #### ####"),
    "national_id.cz": (_cz, 28 * 12 * 2 * 46 * 1_000, "######/####"),
    "national_id.pl": (_pl, 28 * 12 * 2 * 100 * 10_000, "###########"),
    "national_id.nl": (_nl, 500_000, "#########"),
    "national_id.se": (_se, 28 * 12 * 20 * 100, "######-####"),
}
"""How the numbers of a country are made, how many there are, and how they are written."""


@dataclass(frozen=True)
class NationalIds(Maker):
    """Numbers of one country, of one length; what a column puts between the digits stays.

    Notes
    -----
    Brazil and the Netherlands have no range that is known to be free, so that a number can be somebody's by chance.

    Examples
    --------
    >>> maker = NationalIds("national_id.es", "es_ES")
    >>> maker.write(np.array([1], dtype=np.uint64), maker.default).to_list()
    ['95000001L']
    """

    kinds: ClassVar[tuple[str, ...]] = tuple(_WAYS)

    @property
    def default(self) -> str:
        """The form that the country writes."""
        return _WAYS[self.kind][2]

    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Find what stands between the characters; null if there are not as many of them as the country's."""
        styles = find_shapes(texts.str.strip_chars().str.to_uppercase())
        return styles.set(styles.str.count_matches("[#?]") != wild_places(self.default), None)

    def room(self, style: str) -> tuple[int, int]:
        """Count the numbers."""
        return _WAYS[self.kind][1], _WAYS[self.kind][1]

    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Make the numbers with their check digits, and lay them out."""
        return to_texts(lay(_WAYS[self.kind][0](numbers), style))
