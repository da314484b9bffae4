"""Different rules for different rows: if the country is DE, then this, else that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.errors import SchemaError
from simulacra.rule import Rows, Rule
from simulacra.rules.reading import holds, names_in, require_word
from simulacra.rules.words import read_rule
from simulacra.schema.types import Table


@dataclass(frozen=True)
class Cases(Rule):
    """The first case whose condition is true decides; where none is, the last rule, or nothing.

    Examples
    --------
    >>> rule = Cases.read({"cases": [{"if": "country = 'DE'", "then": {"const": 19}}, {"else": {"const": 20}}]}, "here")
    >>> rule.needs()
    ('country',)
    """

    word: ClassVar[str] = "cases"
    example: ClassVar[str] = "{cases: [{if: \"country = 'DE'\", then: {const: 19}}, {else: {const: 20}}]}"
    conditions: tuple[str, ...]
    rules: tuple[Rule, ...]
    otherwise: Rule | None
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Cases:
        """Read a list of ``{if: SQL, then: RULE}`` and ``{else: RULE}``, or ``{on: COLUMN, VALUE: RULE}``."""
        given = require_word(content, "cases", (), place)
        if isinstance(given, Mapping):
            given = _by_value(given, place)
        if not isinstance(given, (list, tuple)) or not given:
            raise SchemaError(f"{place}: cases are a list such as {cls.example}, not {given!r}.")
        conditions, rules, otherwise = [], [], None
        for number, case in enumerate(given, 1):
            where = f"{place}, case {number}"
            if isinstance(case, Mapping) and set(case) == {"else"} and number == len(given):
                otherwise = read_rule(case["else"], where)
            elif isinstance(case, Mapping) and set(case) == {"if", "then"}:
                names_in(str(case["if"]), where)
                conditions.append(str(case["if"]))
                rules.append(read_rule(case["then"], where))
            else:
                raise SchemaError(f"{where}: expected if and then, or else as the last one.")
        return cls(tuple(conditions), tuple(rules), otherwise, place)

    @property
    def _all(self) -> tuple[Rule, ...]:
        return self.rules if self.otherwise is None else (*self.rules, self.otherwise)

    def needs(self) -> tuple[str, ...]:
        """The columns of all conditions and rules."""
        names = [name for sql in self.conditions for name in names_in(sql, self.place)]
        names += [name for rule in self._all for name in rule.needs()]
        return tuple(dict.fromkeys(names))

    def facts(self, table: Table) -> dict[str, Any]:
        """What all rules agree on; a category has the levels of all of them, where each knows its own."""
        found = [rule.facts(table) for rule in self._all]
        kinds = {facts["kind"] for facts in found}
        if kinds <= {"category", "text"}:
            out: dict[str, Any] = {"kind": "text" if "text" in kinds else "category"}
        elif len(kinds) == 1:
            out = {"kind": found[0]["kind"]}
        else:
            raise SchemaError(
                f"{self.place}: the cases give {' and '.join(sorted(kinds))}. Let all give one kind of values."
            )
        if out["kind"] in {"number", "key"}:
            out["integer"] = all(facts.get("integer", False) for facts in found)
        if out["kind"] == "category" and all(facts.get("levels") for facts in found):
            levels = (level for facts in found for level in facts.get("levels") or ())
            out |= {"levels": tuple(dict.fromkeys(levels)), "declared": True}
        identifying = {facts.get("identifying") for facts in found}
        if len(identifying) == 1 and identifying != {None} and out["kind"] in {"text", "key"}:
            out["identifying"] = identifying.pop()
        if self.otherwise is None or any(facts.get("nullable") for facts in found):
            out["nullable"] = True
        return out

    def draw(self, rows: Rows) -> pl.Series:
        """Deal the rows to the cases, let each make its own, and put them back."""
        left = np.ones(rows.count, dtype=bool)
        places, pieces = [], []
        for number, rule in enumerate(self._all):
            mine = left
            if number < len(self.conditions):
                mine = left & holds(self.conditions[number], rows).to_numpy()
            chosen = np.flatnonzero(mine)
            left = left & ~mine
            if len(chosen):
                places.append(chosen)
                pieces.append(_plain(rule.draw(rows.picked(chosen, "case", number))))
        rest = np.flatnonzero(left)
        facts = self.facts(rows.table)
        if len(rest) and (self.otherwise is None or not pieces):
            places.append(rest)
            pieces.append(pl.repeat(None, len(rest), eager=True))
        framed = [piece.rename("v").to_frame() for piece in pieces]
        whole = pl.concat(framed, how="vertical_relaxed")["v"] if framed else pl.Series([])
        out = whole.gather(np.argsort(np.concatenate(places), kind="stable")) if places else whole
        return out.cast(pl.Float64) if facts["kind"] == "number" and not facts.get("integer") else out


def _by_value(given: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    """Turn rules by the values of one column into a list of cases."""
    if not isinstance(given.get("on"), str):
        raise SchemaError(
            f"{place}: cases by value name their column: {{on: country, DE: ..., FR: ..., else: ...}}."
        )
    column = given["on"]
    name = ".".join('"' + part.replace('"', '""') + '"' for part in column.split("."))
    cases: list[dict[str, Any]] = []
    for value, rule in given.items():
        if value not in {"on", "else"}:
            escaped = str(value).replace("'", "''")
            cases.append({"if": f"cast({name} as text) = '{escaped}'", "then": rule})
    return [*cases, {"else": given["else"]}] if "else" in given else cases


def _plain(values: pl.Series) -> pl.Series:
    return values.cast(pl.String) if values.dtype in (pl.Enum, pl.Categorical) else values
