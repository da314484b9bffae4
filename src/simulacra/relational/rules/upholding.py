"""Constraints of finished tables: what can be mended is, and what is still broken is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from simulacra.errors import PredicateError
from simulacra.relational.asking.conditions import Conditions
from simulacra.relational.histories.chains import chain
from simulacra.relational.histories.histories import Histories
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.schema.crossing import set_apart
from simulacra.schema.validation import validate_constraints

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


def uphold(
    model: DatabaseSynthesizer, frames: Mapping[str, pl.DataFrame]
) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Mend what breaks a constraint across tables or over entities, and count what breaks any.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model, with the constraints of its schema.
    frames : mapping of str to DataFrame
        Drawn tables.

    Returns
    -------
    (dict of DataFrame, list of str)
        The tables, and what was done and is left.

    Notes
    -----
    Tables that are given out as they are stay so, whatever they break.

    **Cost**: linear in rows; rules along an order sort.
    """
    rules = EntityRules.of(model.schema)
    mended, notes = rules.repair(frames, empty=rules.computed) if rules.held else (dict(frames), [])
    mended |= {name: frames[name] for name in model.kept}
    mended |= _chained(model, frames, mended)
    found = rules.find_violations(mended) if rules.held else []
    for table in model.schema.tables:
        if table.name not in model.kept and table.constraints:
            found += validate_constraints(mended[table.name], set_apart(table)[0])
    notes += [
        f"table {broken.table!r}: {broken.count:,} of {broken.rows:,} drawn rows "
        f"{'breaks' if broken.count == 1 else 'break'} {broken.quoted}, which could not be mended."
        for broken in found
        if broken.table not in model.kept
    ]
    return mended, notes


def _chained(
    model: DatabaseSynthesizer, drawn: Mapping[str, pl.DataFrame], mended: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """Let rows end where the next ones begin, in tables where that was mended."""
    found = {}
    for unit in model.units.values():
        link = model.plan.driving(unit.name)
        clock = unit.model.clock if isinstance(unit.model, Histories) else None
        if link is None or clock is None or not clock.chains or unit.name not in mended:
            continue
        frame, order = mended[unit.name], clock.column.name
        if not frame[order].equals(drawn[unit.name][order]):
            keys = frame.select(pl.struct(link.reference.columns).rank("dense")).to_series()
            gone = frame.select(pl.any_horizontal(pl.col(link.reference.columns).is_null())).to_series()
            entity = pl.select(pl.when(~gone).then(keys)).to_series()
            found[unit.name] = chain(frame, clock, entity, clock.chains)
    return found


def require_kept(conditions: Conditions, frames: Mapping[str, pl.DataFrame]) -> None:
    """Check that finished tables satisfy the conditions that they were drawn under.

    Raises
    ------
    PredicateError
        Rows of a table do not: a rule changed them when all was drawn.
    """
    for table, keep in conditions.keep(frames).items():
        lost = int((~keep).sum())
        if lost:
            raise PredicateError(
                f'table {table!r}, where "{conditions[table]}": {lost:,} of {len(keep):,} drawn rows no longer satisfy '
                "it after rules over several tables were mended. Loosen it, or draw more rows and filter them."
            )
