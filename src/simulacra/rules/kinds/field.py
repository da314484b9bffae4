"""Names, addresses, e-mails, companies and other vocabularies by name: person.name, email, company."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt
import polars as pl

from simulacra.errors import SchemaError, UnknownName
from simulacra.field import Drawn, Field
from simulacra.fields.finding import find_field
from simulacra.randomness import Streams
from simulacra.rule import Rows, Rule
from simulacra.rules.reading import INPUTS, require_word
from simulacra.schema.types import Table

_CONSTANTS = {
    "locale": re.compile(r"[A-Za-z]{2,3}[_-][A-Za-z]{2,4}"),
    "country": re.compile(r"[A-Z]{2}"),
    "sex": re.compile(r"[FMfm]|female|male"),
    "domain": re.compile(r".+"),
}


@dataclass(frozen=True)
class FieldRule(Rule):
    """Values of a named vocabulary; ``simulacra fields`` lists them all.

    Examples
    --------
    >>> FieldRule.read({"field": "email", "name": "full_name"}, "here").needs()
    ('full_name',)
    """

    word: ClassVar[str] = "field"
    example: ClassVar[str] = "{field: person.name, locale: de_DE}"
    field: Field
    constants: tuple[tuple[str, str], ...]
    columns: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> FieldRule:
        """Read ``{field: NAME}`` and what it goes by (``locale``, ``sex``, ``name``, ...): constants or columns."""
        name = require_word(content, "field", INPUTS, place)
        try:
            field = find_field(str(name))
        except UnknownName as error:
            raise SchemaError(f"{place}: {error}") from error
        constants: list[tuple[str, str]] = []
        columns: list[tuple[str, str]] = []
        for option in INPUTS:
            value = content.get(option)
            if value is None:
                continue
            if option not in field.inputs:
                takes = ", ".join(one for one in field.inputs if one in INPUTS) or "nothing"
                raise SchemaError(f"{place}: {field.name} does not go by {option}; it goes by {takes}.")
            fixed = _CONSTANTS.get(option)
            (constants if fixed is not None and fixed.fullmatch(str(value)) else columns).append(
                (option, str(value))
            )
        return cls(field, tuple(constants), tuple(columns))

    def needs(self) -> tuple[str, ...]:
        """The columns that are given to it."""
        return tuple(dict.fromkeys(column for _, column in self.columns))

    def explain(self, name: str, error: SchemaError, place: str) -> SchemaError:
        """Say what is meant where a country or a locale is neither one nor a column."""
        examples = {"locale": "'de_DE'", "country": "'DE', in two capital letters"}
        for option, column in self.columns:
            if column == name and option in examples and "." not in name:
                return SchemaError(
                    f"{place}: there is no {option} {name!r}, and no column of this name. Write one such as "
                    f"{examples[option]}."
                )
        return error

    def facts(self, table: Table) -> dict[str, Any]:
        """What the field says of its values."""
        field = self.field
        facts: dict[str, Any] = {"kind": field.kind}
        if field.kind in {"number", "key"}:
            facts |= {"integer": field.integer} | (
                {} if field.decimals is None else {"decimals": field.decimals}
            )
        levels = field.levels(dict(self.constants)) if field.kind == "category" and not self.columns else None
        if levels is not None:
            facts |= {"levels": tuple(levels), "declared": True}
        if field.identifying is not None and field.kind in {"text", "key"}:
            facts["identifying"] = field.identifying
            locale = dict(self.constants).get("locale")
            facts |= {} if locale is None else {"locale": locale.replace("-", "_")}
        return facts

    def draw(self, rows: Rows) -> pl.Series:
        """Draw independent values."""
        return self.draw_parts(rows).values

    def draw_parts(self, rows: Rows, parts: Mapping[str, Drawn] | None = None) -> Drawn:
        """Draw independent values, with the parts that names were made of, if there are any."""
        return self.field.draw(rows.count, rows.rng, self._given(rows, parts or {}))

    def room(self) -> int:
        """Count the different values; 0 where they can not be numbered."""
        return self.field.room(dict(self.constants)) or 0

    def number(self, places: npt.NDArray[Any], total: int, streams: Streams) -> pl.Series:
        """Give every row a value of its own."""
        return self.field.number(places, streams.stream("order"), dict(self.constants))

    def number_given(self, places: npt.NDArray[Any], rows: Rows) -> pl.Series:
        """Give every row a value of its own that goes with its other columns."""
        return self.field.number(places, rows.fixed.stream("order"), self._given(rows, {}))

    def _given(self, rows: Rows, parts: Mapping[str, Drawn]) -> dict[str, str | pl.Series | Drawn | None]:
        columns = {option: parts.get(column, rows.values[column]) for option, column in self.columns}
        return {**dict(self.constants), **columns}
