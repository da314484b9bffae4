"""Whether the values of one column name the rows of another's table: names and chance weighed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from simulacra.schema._link_names import (
    ABOVE,
    CLOSE,
    KEY,
    PEOPLE,
    SHORT,
    NameMatch,
    belongs,
    compare_names,
    is_measure,
    is_plain,
    table_words,
    words_of,
)
from simulacra.schema._link_values import Side, surprise

_BEYOND = 6.0
"""Digits of surprise of whole numbers that stand for a link: less than once in a million by chance."""
_BEYOND_TEXT = 3.0
_BEYOND_ALONE = 12.0
_MAY_BE = 20


@dataclass(frozen=True, slots=True)
class Found:
    """One column held against the keys of a table."""

    child: Side
    parent: Side
    name: NameMatch
    strength: Literal["certain", "likely", "possible"]
    share: float
    """Share of the rows with a value whose value is a key."""
    orphans: int
    coverage: float
    evidence: str


def judge(child: Side, parent: Side) -> Found | None:
    """Weigh what speaks for a column's naming rows of a table, or return None where that is too little."""
    name = compare_names(child.column.name, child.table.name, parent.table.name, parent.column.name)
    itself = child.table is parent.table
    if itself and not _may_name_itself(child, parent, name):
        return None
    counts = child.counts
    hits = counts.filter(pl.col("value").is_in(parent.values.implode()))
    valued, found = int(counts["rows"].sum()), int(hits["rows"].sum())
    share, distinct = found / valued, len(hits) / len(counts)
    digits = surprise(child, parent, distinct, len(counts))
    coverage = len(hits) / len(parent.values)
    strength = _weigh(child, parent, name, min(share, distinct), digits, coverage)
    if strength is None:
        return None
    evidence = _explain(child, parent, len(counts), len(hits), valued - found, name, digits, strength)
    return Found(child, parent, name, strength, share, valued - found, coverage, evidence)


def _may_name_itself(child: Side, parent: Side, name: NameMatch) -> bool:
    """Tell whether a column may name rows of its own table: it differs from the key, and is no second key."""
    if child.unique or (parent.column.name,) != (parent.table.key or (parent.table.columns[0].name,)):
        return False
    same = (child.values == parent.values).mean()
    return (name.score >= ABOVE or child.family == "text") and (not isinstance(same, float) or same < 0.5)


def _weigh(
    child: Side, parent: Side, name: NameMatch, share: float, digits: float, coverage: float
) -> Literal["certain", "likely", "possible"] | None:
    text = child.family == "text"
    enough = digits >= (_BEYOND_TEXT if text else _BEYOND)
    if _is_own_key(child):
        # subtypes share the keys of their table; two tables that number their own rows do not
        named = name.score >= CLOSE and not belongs_only_here(child, parent)
        return (
            "certain"
            if named and share >= 0.9
            else "likely"
            if text and digits >= _BEYOND_ALONE and share == 1
            else None
        )
    if child.family in {"day", "moment"}:
        calendar = {"calendar", "date", "day", "time"} & set(table_words(parent.table.name))
        if share < 0.9 or (name.score < CLOSE and not calendar):
            return None
        return "likely" if name.score >= CLOSE else "possible"
    if name.score >= CLOSE:
        return "certain" if share >= 0.9 or (share >= 0.5 and enough) else "likely" if share >= 0.5 else None
    if is_measure(child.column.name):
        return None
    if name.score >= ABOVE:
        return "certain" if share >= 0.99 else "likely" if share >= 0.9 else None
    if name.score >= PEOPLE:
        sure = (share >= 0.99 and name.score >= SHORT) or (share >= 0.9 and enough)
        return "likely" if sure else "possible" if share == 1 else None
    if text:
        return "likely" if enough and share >= 0.9 and len(child.counts) > 1 else None
    if digits >= (_BEYOND if name.score >= KEY else _BEYOND_ALONE) and share >= 0.95:
        return "likely"
    return "possible" if share == 1 and _fills(child, parent, coverage) else None


def _is_own_key(child: Side) -> bool:
    """Tell whether a column numbers the rows of its own table."""
    return child.unique and belongs(child.column.name, child.table.name)


def belongs_only_here(child: Side, parent: Side) -> bool:
    """Tell whether a key is named after its own table or after nothing, so that its name says nothing of another."""
    plain = is_plain(child.column.name)
    own = set(words_of(child.column.name)) & set(table_words(child.table.name))
    other = set(words_of(child.column.name)) & set(table_words(parent.table.name))
    return plain or (bool(own) and not other)


def _fills(child: Side, parent: Side, coverage: float) -> bool:
    """Tell whether whole numbers reach as far as keys without gaps do, and leave few of them out."""
    size = len(parent.values)
    if size < _MAY_BE or coverage < 0.5:
        return False
    top, reach = parent.sorted[-1], child.counts["value"].max()
    return isinstance(reach, int) and top - reach <= max(1, 0.02 * size)


def _explain(
    child: Side,
    parent: Side,
    distinct: int,
    hits: int,
    orphans: int,
    name: NameMatch,
    digits: float,
    strength: str,
) -> str:
    keys = f"the {len(parent.values):,} values of {parent.table.name}.{parent.column.name}"
    if (parent.column.name,) == parent.table.key:
        keys = f"the {len(parent.values):,} keys of {parent.table.name}"
    what = f"{distinct:,} value{'s' if distinct != 1 else ''} of {child.column.name}"
    if hits == distinct:
        text = (
            f"all {what} are among {keys}"
            if distinct > 1
            else f"the one value of {child.column.name} is among {keys}"
        )
    else:
        valued = len(child.values) - child.nulls
        text = f"{hits:,} of {what} are among {keys} ({orphans / valued:.1%} of the rows name no row there)"
    reasons = [name.why] if name.why else []
    if digits >= _BEYOND_TEXT and name.score < CLOSE:
        reasons.append("so many would agree by chance less than once in " + _odds(digits))
    if strength == "possible":
        other = "dates" if child.family in {"day", "moment"} else "small whole numbers"
        reasons.append(f"other columns of {other} would fit as well")
    return "; ".join([text, *reasons])


def _odds(digits: float) -> str:
    return f"{10 ** int(min(digits, 6)):,}"
