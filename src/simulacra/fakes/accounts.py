"""Numbers of banks: payment cards, IBAN and BIC, with right check digits and banks that do not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.fakes._numbers import Numbers
from simulacra.fakes._writing import WILD, Bytes, fill, find_shapes, lay, shape_room, to_texts, wild_places
from simulacra.fakes.checksums import digits_of, luhn, modulo
from simulacra.fakes.maker import Maker

_PREFIXES = {"4": "400000", "5": "555555", "2": "222300", "6": "601100"}
_AMERICAN, _DINERS = "378282", "305693"
_IBANS = {
    "en_US": "GB##????##############", "en_GB": "GB##????##############", "de_DE": "DE####################",
    "fr_FR": "FR#########################", "es_ES": "ES######################", "it_IT": "IT##?######################",
    "nl_NL": "NL##????##########", "pt_BR": "BR#######################?#", "pl_PL": "PL##########################",
    "cs_CZ": "CZ######################", "sv_SE": "SE######################", "en_IN": "GB##????##############",
}  # fmt: skip


@dataclass(frozen=True)
class Accounts(Maker):
    """Cards with the beginnings that payment firms use for tests, IBANs of banks 9999 or ZZZZ, test BICs.

    Examples
    --------
    >>> Accounts("card", "en_US").write(np.array([2], dtype=np.uint64), "4### #### #### ####").to_list()
    ['4000 0000 0000 0028']
    >>> Accounts("iban", "de_DE").write(np.array([12], dtype=np.uint64), "DE####################").to_list()
    ['DE98999900000000000012']
    """

    kinds: ClassVar[tuple[str, ...]] = ("card", "iban", "bic")

    @property
    def default(self) -> str:
        """16 digits, or the form of the country."""
        if self.kind == "card":
            return "4###############"
        country = self.locale[3:]
        return _IBANS[self.locale] if self.kind == "iban" else f"????{country}?#"

    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Find the spaces between, and keep the country, or the digit that tells the brand."""
        text = texts.str.strip_chars()
        shape = find_shapes(text)
        if self.kind == "card":
            digits = shape.str.count_matches("#")
            found = text.str.slice(0, 1) + shape.str.slice(1)
            return found.set(~digits.is_between(13, 19) | ~text.str.contains(r"^[2-6]"), None)
        if self.kind == "iban":
            return (text.str.slice(0, 2) + shape.str.slice(2)).set(
                ~text.str.contains(r"^[A-Z]{2}\d{2}"), None
            )
        return (shape.str.slice(0, 4) + text.str.slice(4, 2) + shape.str.slice(6)).set(
            ~text.str.contains(r"^[A-Z]{6}"), None
        )

    def room(self, style: str) -> tuple[int, int]:
        """Count what is left when bank or brand and check digits are fixed."""
        size = shape_room(self._free(style))
        return size, size

    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Write the numbers, find the check digits, and lay them out."""
        made = fill(self._free(style), numbers)
        if self.kind == "card":
            head = np.tile(np.frombuffer(self._head(style).encode(), dtype=np.uint8), (len(numbers), 1))
            body = np.column_stack([head, made])
            signs = np.column_stack([body, luhn(digits_of(body)) + 48]).astype(np.uint8)
            return to_texts(lay(signs, "#" + style[1:]))
        if self.kind == "bic":
            return to_texts(made)
        return to_texts(lay(self._checked(made, style[:2]), "??" + style[2:]))

    def _free(self, style: str) -> str:
        """Write a style without what is fixed: country, bank, brand and check digits."""
        if self.kind == "bic":
            # a second sign of the place that is 0 marks a BIC for tests (ISO 9362)
            return style[:7] + "0" + style[8:]
        if self.kind == "card":
            return "#" * (wild_places(style) - len(self._head(style)))
        wild = "".join(sign for sign in style[2:] if sign in WILD)[2:]
        return "".join("9" if sign == "#" else "Z" for sign in wild[:4]) + wild[4:]

    def _head(self, style: str) -> str:
        """Return the beginning for tests of a brand."""
        if style[0] == "3":
            return _AMERICAN if wild_places(style) + 1 == 15 else _DINERS
        return _PREFIXES.get(style[0], _PREFIXES["4"])

    def _checked(self, account: Bytes, country: str) -> Bytes:
        """Put the country and two check digits before an account: the number modulo 97 is to be 1 (ISO 13616)."""
        head = np.tile(np.frombuffer(country.encode(), dtype=np.uint8), (len(account), 1))
        zeros = np.full((len(account), 2), 48, dtype=np.uint8)
        check = 98 - modulo(digits_of(np.column_stack([account, head, zeros])), 97)
        return np.column_stack([head, check // 10 + 48, check % 10 + 48, account]).astype(np.uint8)
