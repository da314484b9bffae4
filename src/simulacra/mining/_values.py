"""Searches within values: what one level implies, limits that most rows keep, and the shape of texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.mining._look import FEWEST, Found, Look, quote
from simulacra.schema.constraints import Check, Implies, Pattern
from simulacra.schema.types import Column

LEVELS = 60
LEAST = 0.005
"""Share of rows that a level must hold: of rarer ones too much is true."""
SPIKE = 0.01
"""Share of rows at a limit that make it one."""
SHAPES = 3
LONGEST = 40


def find_implications(look: Look, determined: Collection[tuple[str, str]]) -> Iterator[Found]:
    """Find levels of a category with which another column is always missing, always there, or always one level.

    Pairs of which the first determines the second are left out.
    """
    for source in look.listed(("category", "boolean")):
        if source.sensitive or look.size(source.name) > LEVELS:
            continue
        for target in look.table.columns:
            if target is source or (source.name, target.name) in determined:
                continue
            if target.nullable and look.frame[target.name].null_count():
                missing = look.frame[target.name].is_null().to_numpy()
                yield from _implied(look, source, missing, f"{quote(target.name)} is null")
                yield from _implied(look, source, ~missing, f"{quote(target.name)} is not null")
            if target.kind == "category" and not target.sensitive and 2 <= look.size(target.name) <= 12:
                for level in look.frame[target.name].drop_nulls().unique().sort().to_list():
                    hits = (look.frame[target.name] == level).fill_null(False).to_numpy()
                    if hits.sum() >= look.holders:
                        yield from _implied(look, source, hits, f"{quote(target.name)} = {_text(level)}")


def find_gaps(look: Look) -> Iterator[Found]:
    """Find columns without which others are missing too."""
    missing = {c.name: look.frame[c.name].is_null().to_numpy() for c in look.table.columns if c.nullable}
    for name, gaps in missing.items():
        rows = int(gaps.sum())
        if rows < max(FEWEST, look.holders):
            continue
        others = [
            other
            for other, holes in missing.items()
            if other != name
            and rows - int(holes[gaps].sum()) <= look.share * rows
            and rows * (1 - holes.mean()) >= FEWEST
            and holes.mean() < 0.9
        ]
        if not others:
            continue
        constraint = Implies(
            f"{quote(name)} is null", " and ".join(f"{quote(other)} is null" for other in others)
        )
        broken = look.breaks(constraint)
        if broken is not None and broken <= look.share * rows * len(others):
            chance = rows * (1 - min(missing[other].mean() for other in others))
            why = f"by chance about {chance:,.0f} of these {rows:,} rows would break it"
            yield Found(constraint, rows - broken, broken, why)


def _implied(look: Look, source: Column, hits: Array, then: str) -> Iterator[Found]:
    """Find the levels with which something always holds that without them does not."""
    counts = look.counts(source.name)
    held = np.bincount(look.codes(source.name), weights=hits, minlength=len(counts))
    values = _levels(look, source)
    common = float(hits.mean())
    always = (counts - held <= look.share * counts) & (counts >= max(FEWEST, look.holders, LEAST * len(look)))
    always[len(values) :] = False
    rows = int(counts[always].sum())
    # what nearly every row does is implied by anything
    chance = rows * (1 - common)
    if not always.any() or always[: len(values)].all() or chance < FEWEST or common > 0.9:
        return
    if rows - held[always].sum() > 0.05 * chance:
        return
    chosen = [values[place] for place in np.flatnonzero(always)]
    when = (
        f"{quote(source.name)} in ({', '.join(chosen)})"
        if len(chosen) > 1
        else f"{quote(source.name)} = {chosen[0]}"
    )
    constraint = Implies(when, then)
    broken = look.breaks(constraint)
    if broken is not None and len(chosen) <= 8:
        why = f"by chance about {chance:,.0f} of these {rows:,} rows would break it"
        yield Found(constraint, rows - broken, broken, why)


def _levels(look: Look, source: Column) -> list[str]:
    """Write the levels of a column as SQL, in the order of its codes."""
    values = look.frame[source.name].drop_nulls().unique().sort().to_list()
    return [str(value).lower() if source.kind == "boolean" else _text(value) for value in values]


def _text(level: str) -> str:
    return "'" + level.replace("'", "''") + "'"


def find_limits(look: Look) -> Iterator[Found]:
    """Find a limit at 0 that many rows lie on and nearly none beyond: what lies beyond is an exception.

    A limit that no row breaks is told by the bounds of the column, and needs no constraint.
    """
    for column in look.listed(("number", "duration")):
        if column.kind == "duration":
            continue
        values = look.frame[column.name].drop_nulls()
        at, below = int((values == 0).sum()), int((values < 0).sum())
        if not below or at < max(FEWEST, SPIKE * len(values)) or below > at / 10:
            continue
        constraint = Check(f"{quote(column.name)} >= 0")
        broken = look.breaks(constraint)
        if broken is not None:
            why = f"{at:,} rows lie at the limit and {broken:,} beyond"
            yield Found(constraint, len(values) - broken, broken, why)


def find_patterns(look: Look) -> Iterator[Found]:
    """Find texts and keys that are all written in one or a few shapes; a category has its levels."""
    for column in look.table.columns:
        if (
            column.kind not in {"text", "key"}
            or column.integer
            or column.identifying
            or column.pattern is not None
        ):
            continue
        found = _shape(look, column)
        if found is not None:
            yield found


def _shape(look: Look, column: Column) -> Found | None:
    values = look.frame[column.name].drop_nulls()
    if values.n_unique() < FEWEST or int(values.str.len_chars().max() or 0) > LONGEST:  # type: ignore[arg-type]
        return None
    shapes = values.str.replace_all("[0-9]", "9").str.replace_all("[A-Z]", "A").str.replace_all("[a-z]", "a")
    counts = shapes.rename("shape").value_counts(sort=True)
    first = counts.head(SHAPES)
    kept = first.filter(pl.col("count") >= max(FEWEST, look.holders, 0.01 * len(values)))
    beyond = len(values) - int(kept["count"].sum())
    tells = [shape for shape in kept["shape"].sort().to_list() if re.search("[9]", shape)]
    if kept.is_empty() or len(tells) < len(kept) or beyond > look.share * len(values):
        return None
    regex = "|".join(_regex(shape) for shape in tells)
    constraint = Pattern(column.name, regex)
    broken = look.breaks(constraint)
    if broken is None:
        return None
    words = "one shape" if len(tells) == 1 else f"{len(tells)} shapes"
    return Found(
        constraint,
        len(values) - broken,
        broken,
        f"{values.n_unique():,} different values are written in {words}",
    )


def _regex(shape: str) -> str:
    classes = {"9": "[0-9]", "A": "[A-Z]", "a": "[a-z]"}
    parts = []
    for match in re.finditer(r"(.)\1*", shape, flags=re.DOTALL):
        char, length = match[1], len(match[0])
        unit = classes.get(char, re.escape(char))
        parts.append(unit if length == 1 else f"{unit}{{{length}}}")
    return "".join(parts)
