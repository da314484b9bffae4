"""Shifts: columns of drawn rows computed anew by SQL, within what the schema lets them be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.encoding import Encoding
from simulacra.errors import OptionError, PredicateError, unknown
from simulacra.guarantees._repairs import _typed
from simulacra.guarantees.constraints import Guarantees
from simulacra.guarantees.settling import settle_rows
from simulacra.guarantees.tallies import Hope, Tally
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.schema._refusals import resolve_name
from simulacra.schema.constraints import Equality
from simulacra.schema.formulas import Formula
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table

_KINDS = {
    "number": ("number",), "category": ("text",), "text": ("text",), "boolean": ("boolean",), "time": ("time",),
    "duration": ("duration",), "date": ("date", "datetime"), "datetime": ("date", "datetime"),
}  # fmt: skip
_DAY_MINUTES = 1_440

Again = Callable[[pl.DataFrame, Streams], pl.DataFrame]
"""Draws as many rows as it is given, each of the kind of the row in its place."""


@dataclass(frozen=True)
class Shift:
    """A column that is computed anew.

    Parameters
    ----------
    column : Column
        The column.
    formula : Formula
        What it becomes, read from the rows as they were drawn.
    """

    column: Column
    formula: Formula


@dataclass
class Moves:
    """What shifts did, by column.

    Parameters
    ----------
    held : Counter of str
        Values that left the declared bounds and were held at them.
    kept : Counter of str
        Values that stayed as drawn, since the expression gave none and the column always has one.
    """

    held: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)

    def notes(self, rows: int) -> list[str]:
        """Tell it in sentences.

        Examples
        --------
        >>> Moves(held=Counter(age=3)).notes(10)
        ["shift of 'age': 3 of 10 values left the declared bounds and were held at them."]
        """
        return [
            f"shift of {name!r}: {count:,} of {rows:,} values left the declared bounds and were held at them."
            for name, count in self.held.items()
        ] + [
            f"shift of {name!r}: {count:,} of {rows:,} values stayed as drawn, since the expression gave none and the "
            "column is never missing."
            for name, count in self.kept.items()
        ]


def read_shifts(asked: Mapping[str, str], table: Table) -> tuple[Shift, ...]:
    """Read shifts, and check them against a table.

    Parameters
    ----------
    asked : mapping
        SQL by column: ``{"income": "income * 1.1"}``.
    table : Table
        Gives names and types.

    Raises
    ------
    UnknownName
        There is no such column.
    OptionError
        The expression gives values of another kind, or the column is one that nothing may be computed for.
    PredicateError
        The expression can not be understood.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number"), Column("b", "category")))
    >>> [shift.formula.columns for shift in read_shifts({"a": "a * 2"}, table)]
    [('a',)]
    """
    if not isinstance(asked, Mapping) or not asked:
        raise OptionError(f"a shift is SQL by column, such as {{income: income * 1.1}}, not {asked!r}.")
    found: dict[str, Shift] = {}
    for key, sql in asked.items():
        try:
            name = resolve_name(str(key), table)
        except PredicateError:
            raise unknown("column", str(key), table.names) from None
        if name in found:
            raise OptionError(f"shift of {name!r} is asked for twice. Write one expression.")
        found[name] = _read_shift(table[name], sql, table)
    return tuple(found.values())


def _read_shift(column: Column, sql: object, table: Table) -> Shift:
    if column.kind == "key" or column.identifying is not None:
        raise OptionError(f"shift of {column.name!r}: its values are made anew for every row. Take it out.")
    computed = next(
        (rule for rule in table.constraints if isinstance(rule, Equality) and rule.column == column.name),
        None,
    )
    if computed is not None:
        raise OptionError(
            f"shift of {column.name!r}: a constraint computes it as `{computed.sql}`. Shift what it is computed from."
        )
    if not isinstance(sql, (str, int, float)) or isinstance(sql, bool):
        raise OptionError(f"shift of {column.name!r} is a SQL expression, not {sql!r}.")
    formula = Formula.parse(str(sql), table)
    wanted = _KINDS[column.kind]
    if formula.kind not in (*wanted, "null"):
        raise OptionError(
            f"shift of {column.name!r}: it is a {column.kind}, and `{formula.sql}` gives a {formula.kind}. Write an "
            f"expression that gives a {wanted[0]}."
        )
    return Shift(column, formula)


def apply_shifts(
    frame: pl.DataFrame, shifts: Sequence[Shift], encodings: Mapping[str, Encoding], moves: Moves
) -> pl.DataFrame:
    """Compute the columns of shifts, all from the rows as they are given.

    Parameters
    ----------
    frame : DataFrame
        Canonical values.
    shifts : sequence of Shift
        What to compute.
    encodings : mapping
        The model's encodings: they know how fine clock times are.
    moves : Moves
        Gets the counts.

    Returns
    -------
    DataFrame
        The same rows; type, decimals and steps of every column are kept.

    Raises
    ------
    OptionError
        An expression gives a text that is no level of its category.

    Notes
    -----
    **Cost**: one vectorised pass for each shift.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number", integer=True, bounds=(0, 9), declared=True),))
    >>> moves = Moves()
    >>> shifts = read_shifts({"a": "a * 2"}, table)
    >>> apply_shifts(pl.DataFrame({"a": [1, 3, 8]}), shifts, {}, moves)["a"].to_list(), moves.held["a"]
    ([2, 6, 9], 1)
    """
    made = [_compute(frame, shift, encodings.get(shift.column.name), moves) for shift in shifts]
    return frame.with_columns(made)


def _compute(frame: pl.DataFrame, shift: Shift, encoding: Encoding | None, moves: Moves) -> pl.Series:
    column, drawn = shift.column, frame[shift.column.name]
    values = _on_lattice(shift.formula.evaluate(frame), column, drawn.dtype, encoding)
    if column.levels is not None:
        strange = values.drop_nulls().is_in(pl.Series([list(column.levels)], dtype=pl.List(pl.String)))
        if not strange.all():
            raise OptionError(
                f"shift of {column.name!r}: `{shift.formula.sql}` gives a text that is none of its "
                f"{len(column.levels):,} levels. Give one of them, or add the level to the schema."
            )
    if column.bounds is not None and column.declared:
        low, high = (pl.Series([end]).cast(drawn.dtype)[0] for end in column.bounds)
        outside = ((values < low) | (values > high)).fill_null(False)
        if outside.any():
            moves.held[column.name] += int(outside.sum())
            values = values.clip(low, high)
    if not column.nullable:
        lost = values.is_null() & drawn.is_not_null()
        if lost.any():
            moves.kept[column.name] += int(lost.sum())
            values = values.fill_null(drawn)
    return values.alias(column.name)


def _on_lattice(
    values: pl.Series, column: Column, dtype: pl.DataType, encoding: Encoding | None
) -> pl.Series:
    """Bring computed values to the type, decimals and steps of their column."""
    if column.format == "HHMM":
        return _clock(values).cast(dtype, strict=False)
    if column.step is not None and values.dtype.is_numeric():
        values = (values / column.step).round(0) * column.step
    values = _typed(values, column, dtype)
    unit = getattr(encoding, "unit", 1)
    if column.kind in {"datetime", "time", "duration"} and unit > 1:
        ticks = (values.cast(pl.Int64) / unit).round(0) * unit
        values = ticks.cast(pl.Int64).cast(dtype)
    return values


def _clock(values: pl.Series) -> pl.Series:
    """Carry minutes beyond 59 into hours, and stay within the day: 1275 is 1315."""
    minutes = (values // 100 * 60 + values % 100).round(0).clip(0, _DAY_MINUTES)
    return minutes // 60 * 100 + minutes % 60


def widen_table(table: Table, shifts: Sequence[Shift], frame: pl.DataFrame) -> Table:
    """Return the schema of shifted rows: bounds that were read off the training rows take in the new values.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number", bounds=(0.0, 9.0)),))
    >>> widen_table(table, read_shifts({"a": "a * 2"}, table), pl.DataFrame({"a": [3.0, 18.0]}))["a"].bounds
    (0.0, 18.0)
    """
    for shift in shifts:
        column, values = shift.column, frame[shift.column.name].drop_nulls()
        if column.bounds is None or column.declared or not len(values):
            continue
        low, high = values.min(), values.max()
        # the frame has the column's own type, so that its ends can be held against the bounds
        bounds = (min(column.bounds[0], low), max(column.bounds[1], high))
        table = replace(
            table,
            columns=tuple(replace(c, bounds=bounds) if c.name == column.name else c for c in table.columns),
        )
    return table


def shift_rows(
    frame: pl.DataFrame,
    shifts: Sequence[Shift],
    guarantees: Guarantees,
    again: Again,
    streams: Streams,
    notes: list[str],
) -> pl.DataFrame:
    """Shift drawn rows so that they keep the constraints: rows are mended, or drawn anew.

    Parameters
    ----------
    frame : DataFrame
        Rows as they were drawn.
    shifts : sequence of Shift
        What to compute.
    guarantees : Guarantees
        How constraints are kept.
    again : callable
        Draws rows in the place of those that no longer keep them.
    streams : Streams
        Where randomness comes from.
    notes : list of str
        Gets what was held, mended and drawn anew.

    Returns
    -------
    DataFrame
        As many rows.

    Raises
    ------
    RareCondition
        Too few shifted rows keep the constraints.

    Notes
    -----
    **Cost**: a pass for each shift and constraint, and the draws of rows that were lost.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number", integer=True),))
    >>> shifts = read_shifts({"a": "a + 1"}, table)
    >>> rows = pl.DataFrame({"a": [1, 2]})
    >>> shift_rows(rows, shifts, Guarantees.of(table, {}), lambda lost, own: lost, Streams(1), [])["a"].to_list()
    [2, 3]
    """
    moves, tally = Moves(), Tally()
    work = _Work(shifts, guarantees, again, moves, tally)
    moved = work.shift(frame, streams.at("first"))
    if guarantees.over_rows:
        pieces = settle_rows([moved], work.more(frame), guarantees, (None,), streams.at("settle"), tally)
        moved = pl.concat(pieces)
    notes += [*moves.notes(len(frame)), *(f"after the shift, {told}" for told in tally.notes())]
    return moved


@dataclass
class _Work:
    shifts: Sequence[Shift]
    guarantees: Guarantees
    again: Again
    moves: Moves
    tally: Tally

    def shift(self, frame: pl.DataFrame, streams: Streams) -> pl.DataFrame:
        """Shift rows; those that then break a constraint on one row are drawn and shifted again."""
        moved, fits = self._try(frame, streams.at("repair"), self.moves)
        hope = Hope("the shifted rows", self.tally)
        turn = 0
        while not fits.all():
            lost = np.flatnonzero(~fits)
            # several tries at once where few succeed
            times = min(int(np.ceil(hope.factor())), max(BLOCK_ROWS // len(lost), 1)) if turn else 1
            places = np.repeat(lost, times)
            own = streams.at("turn", turn)
            fresh, good = self._try(self.again(frame[places], own), own, Moves())
            won, first = np.unique(places[good], return_index=True)
            order = np.arange(len(moved))
            order[won] = len(moved) + np.flatnonzero(good)[first]
            moved = pl.concat([moved, fresh])[order]
            fits[won] = True
            hope.add(len(places), int(good.sum()), int((~fits).sum()))
            turn += 1
        return moved

    def _try(self, frame: pl.DataFrame, streams: Streams, moves: Moves) -> tuple[pl.DataFrame, Array]:
        moved = apply_shifts(frame, self.shifts, self.guarantees.encodings, moves)
        self.tally.draw(len(frame))
        if not self.guarantees.needed:
            return moved, np.ones(len(moved), dtype=bool)
        moved = self.guarantees.repair(moved, streams, self.tally)
        return moved, self.guarantees.fits(moved, self.tally)

    def more(self, frame: pl.DataFrame) -> Callable[[int, Predicate | None, Streams], pl.DataFrame]:
        """Draw further shifted rows, of the kinds of rows picked at random."""

        def kept(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
            picked = frame[streams.stream("pick").integers(len(frame), size=n)]
            return self.shift(self.again(picked, streams), streams.at("more"))

        return kept
