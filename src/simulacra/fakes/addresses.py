"""Postal addresses: a street with a number, whole addresses, and cities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.fakes._numbers import Numbers, cut, times
from simulacra.fakes._writing import fill, shape_room, to_texts
from simulacra.fakes.maker import Maker
from simulacra.fakes.vocabulary import vocabulary

_MOST_HOUSES = 99_999


@dataclass(frozen=True)
class Addresses(Maker):
    """Streets, house numbers, postcodes and cities that exist apart, put together at random.

    Examples
    --------
    >>> maker = Addresses("address", "de_DE")
    >>> maker.find_styles(pl.Series(["Am Markt 3", "Ring 5, 10115 Berlin"])).to_list()
    ['{line}|##', '{line}, {postcode} {city}|##']
    """

    kinds: ClassVar[tuple[str, ...]] = ("address", "address.city")

    @property
    def default(self) -> str:
        """Street and number, or the city."""
        return "{city}" if self.kind == "address.city" else "{line}|##"

    def find_styles(self, texts: pl.Series) -> pl.Series:
        """Find whether city and postcode stand behind the street, and how long house numbers are."""
        if self.kind == "address.city":
            upper = texts.str.to_uppercase() == texts
            return pl.DataFrame({"u": upper}).select(
                pl.when(pl.col("u")).then(pl.lit("upper|{city}")).otherwise(pl.lit("{city}")).alias("s")
            )["s"]
        text = pl.col("t")
        parts = text.str.count_matches(r"[,\n]")
        postal = text.str.contains(
            r"[,\n] *(?:[^,\n]* )?(\d{4,5}|[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}|\d{2,5}[ \-]\d{2,4})\b"
        )
        mark = pl.when(text.str.contains("\n", literal=True)).then(pl.lit("\n")).otherwise(pl.lit(", "))
        behind = "{city} {postcode}" if self.locale in {"en_US", "en_GB", "en_IN"} else "{postcode} {city}"
        tail = pl.when(postal).then(mark + behind).when(parts > 0).then(mark + "{city}").otherwise(pl.lit(""))
        # a comma between street and number is the country's own way, and no sign of a city
        own = "," in vocabulary(self.locale).line
        tail = pl.when((parts <= 1) & ~postal & own).then(pl.lit("")).otherwise(tail)
        house = text.str.extract(r"\b(\d{1,5})\b").str.len_chars().fill_null(0)
        width = pl.when(house <= 1).then(pl.lit("#" * 2)).otherwise(
            pl.lit("#####").str.slice(0, pl.min_horizontal(house, 5))
        )  # fmt: skip
        return pl.DataFrame({"t": texts.str.strip_chars()}).select(
            (pl.lit("{line}") + tail + "|" + width).alias("s")
        )["s"]

    def room(self, style: str) -> tuple[int, int]:
        """Count the addresses; house numbers grow when these run out."""
        own = vocabulary(self.locale)
        if "{line}" not in style:
            return len(own.cities), times(len(own.cities), 1_000)
        template, _, house = style.partition("|")
        plain = times(len(own.streets), 10 ** len(house) - 1)
        factors = (
            len(own.cities) if "{city}" in template else 1,
            shape_room(own.postcode) if "{postcode}" in template else 1,
        )
        return times(plain, *factors), times(len(own.streets), _MOST_HOUSES, *factors)

    def write(self, numbers: Numbers, style: str) -> pl.Series:
        """Gather the parts and put them together."""
        own = vocabulary(self.locale)
        if "{line}" not in style:
            city, more = cut(numbers, [len(own.cities)])
            made = own.cities.gather(city)
            if more.any():
                made = made.zip_with(
                    pl.Series(more == 0), made + " " + pl.Series(more + np.uint64(1)).cast(pl.String)
                )
            return made.str.to_uppercase() if style.startswith("upper|") else made
        template = style.partition("|")[0]
        columns: dict[str, pl.Series] = {}
        street, rest = cut(numbers, [len(own.streets)])
        columns["{street}"] = own.streets.gather(street)
        if "{city}" in template:
            city, rest = cut(rest, [len(own.cities)])
            columns["{city}"] = own.cities.gather(city)
        if "{postcode}" in template:
            code, rest = cut(rest, [shape_room(own.postcode)])
            columns["{postcode}"] = to_texts(fill(own.postcode, code.astype(np.uint64)))
        columns["{number}"] = pl.Series(rest + np.uint64(1)).cast(pl.String)
        frame = pl.DataFrame(columns)
        return frame.select(_expression(template.replace("{line}", own.line), list(columns)).alias("made"))[
            "made"
        ]


def _expression(template: str, fields: list[str]) -> pl.Expr:
    """Turn a template into an expression that joins its fields."""
    parts: list[pl.Expr] = []
    rest = template
    while rest:
        found = min((field for field in fields if field in rest), key=rest.index, default=None)
        if found is None:
            parts.append(pl.lit(rest))
            break
        before, _, rest = rest.partition(found)
        parts += [pl.lit(before)] * bool(before) + [pl.col(found)]
    return pl.concat_str(parts)
