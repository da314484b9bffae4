"""Numbers of documents, number plates and postcodes: other letters and digits in the places of the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from simulacra.fakes._numbers import Numbers
from simulacra.fakes._writing import fill, find_shapes, shape_room, to_texts
from simulacra.fakes.maker import Maker
from simulacra.fakes.vocabulary import vocabulary

_DEFAULTS = {"passport": "?########", "licence": "?#######", "plate": "???-####"}


@dataclass(frozen=True)
class Shapes(Maker):
    """Letters for letters and digits for digits; what stands between them stays.

    Examples
    --------
    >>> maker = Shapes("plate", "en_US")
    >>> maker.find_styles(pl.Series(["KA-1234"])).to_list()
    ['??-####']
    """

    kinds: ClassVar[tuple[str, ...]] = ("passport", "licence", "plate", "address.postcode")

    @property
    def default(self) -> str:
        """A common form; of postcodes that of the country."""
        return _DEFAULTS.get(self.kind) or vocabulary(self.locale).postcode

    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Find the shapes."""
        return find_shapes(texts.str.strip_chars())

    def room(self, style: str) -> tuple[int, int]:
        """Count the texts of the shape."""
        return shape_room(style), shape_room(style)

    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Fill the shape."""
        return to_texts(fill(style, numbers))
