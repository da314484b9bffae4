"""Numbers with check digits: replaced so that a right one stays right, and a wrong one stays as wrong as it was.

Payment cards: ISO/IEC 7812-1, annex B (Luhn). Bank accounts: ISO 13616 (IBAN), by ISO 7064 MOD 97-10.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from simulacra.domain import Array
from simulacra.masking._codes import Hold, code_texts
from simulacra.masking.secret import Secret

KEPT_OF_CARD = 2
"""First digits of a card that stay: they tell its brand, which software tells apart."""
CARD = r"\d(?:[ .-]?\d){11,18}"
IBAN = r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){10,30}"
_WORTH = [digit * 2 - 9 * (digit > 4) for digit in range(10)]


def code_cards(texts: list[str], secret: Secret, *names: str | int) -> list[str]:
    """Replace the digits of payment cards; the first two stay, and the last is right where it was.

    Examples
    --------
    >>> made = code_cards(["4111 1111 1111 1111"], Secret.make(b"0123456789abcdef"), "card")[0]
    >>> made[:2], len(made), luhn(np.array([[ord(sign) for sign in made]])).tolist()
    ('41', 19, [0])
    """

    def hold(points: Array) -> Array:
        digit = _is_digit(points)
        rank = digit.cumsum(axis=1)
        held: Array = ~digit | (rank <= KEPT_OF_CARD) | (rank == rank[:, -1:])
        return held

    return _code(texts, CARD, hold, _mend_cards, secret, *names)


def luhn(points: Array) -> Array:
    """Sum the digits of numbers as Luhn does, modulo 10: 0 where the check digit is right.

    Parameters
    ----------
    points : array, shape (numbers, signs)
        Code points; what is no digit does not count.
    """
    digit = _is_digit(points)
    from_right = digit[:, ::-1].cumsum(axis=1)[:, ::-1]
    value = np.where(digit, points.astype(np.int64) - 48, 0)
    twice = np.array(_WORTH)[value]
    out: Array = np.where(from_right % 2 == 0, twice, value).sum(axis=1) % 10
    return out


def _mend_cards(old: Array, new: Array) -> None:
    last = _last(_is_digit(old))
    rows = np.arange(len(new))
    # the check digit has weight 1 in the sum
    new[rows, last] = 48 + (new[rows, last].astype(np.int64) - 48 - luhn(new) + luhn(old)) % 10


def code_ibans(texts: list[str], secret: Secret, *names: str | int) -> list[str]:
    """Replace account numbers; the country stays, and the check digits are right where they were.

    Examples
    --------
    >>> made = code_ibans(["DE89 3704 0044 0532 0130 00"], Secret.make(b"0123456789abcdef"), "iban")[0]
    >>> made[:2], len(made), mod97(np.array([[ord(sign) for sign in made]])).tolist()
    ('DE', 27, [1])
    """

    def hold(points: Array) -> Array:
        word = _is_word(points)
        held: Array = ~word | (word.cumsum(axis=1) <= 4)
        return held

    return _code(texts, IBAN, hold, _mend_ibans, secret, *names)


def mod97(points: Array) -> Array:
    """Compute the remainder of account numbers by 97: 1 where the check digits are right."""
    word = _is_word(points)
    head = word & (word.cumsum(axis=1) <= 4)
    return _remainder(points, head, _remainder(points, word & ~head, np.zeros(len(points), dtype=np.int64)))


def _remainder(points: Array, counts: Array, start: Array) -> Array:
    out = start
    for column in range(points.shape[1]):
        point = points[:, column].astype(np.int64)
        # letters count from A = 10, in either case
        value = np.where(point < 58, point - 48, (point | 32) - 87)
        out = np.where(counts[:, column], (out * np.where(value > 9, 100, 10) + value) % 97, out)
    return out


def _mend_ibans(old: Array, new: Array) -> None:
    rank = _is_word(new).cumsum(axis=1)
    rows, first, second = np.arange(len(new)), (rank < 3).sum(axis=1), (rank < 4).sum(axis=1)
    new[rows, first] = new[rows, second] = 48
    check = (mod97(old) - mod97(new)) % 97
    # 2 to 98 are the check digits in use; others stand for the same remainder
    check = np.where(check < 2, check + 97, check)
    new[rows, first], new[rows, second] = 48 + check // 10, 48 + check % 10


def _code(
    texts: list[str],
    fits: str,
    hold: Hold,
    mend: Callable[[Array, Array], None],
    secret: Secret,
    *names: str | int,
) -> list[str]:
    """Replace numbers of one form, and mend their check digits; what is of another form is a code like others."""
    found = [re.fullmatch(fits, text) is not None for text in texts]
    right = [text for text, yes in zip(texts, found, strict=True) if yes]
    other = [text for text, yes in zip(texts, found, strict=True) if not yes]
    made = code_texts(right, secret, *names, hold=hold)
    parts: dict[int, list[int]] = {}
    for row, text in enumerate(right):
        parts.setdefault(len(text), []).append(row)
    for length, rows in parts.items():
        old, new = (
            np.array([side[row] for row in rows], dtype=f"U{length}")
            .view(np.uint32)
            .reshape(-1, length)
            .copy()
            for side in (right, made)
        )
        mend(old, new)
        for row, text in zip(rows, new.view(f"U{length}").ravel().tolist(), strict=True):
            made[row] = text
    numbers, others = iter(made), iter(code_texts(other, secret, *names))
    return [next(numbers) if yes else next(others) for yes in found]


def _is_digit(points: Array) -> Array:
    out: Array = (points >= 48) & (points <= 57)
    return out


def _is_word(points: Array) -> Array:
    low = points | 32
    out: Array = _is_digit(points) | ((low >= 97) & (low <= 122))
    return out


def _last(marked: Array) -> Array:
    out: Array = marked.shape[1] - 1 - marked[:, ::-1].argmax(axis=1)
    return out
