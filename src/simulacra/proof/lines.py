"""What was proved: one line for each rule of the schema, with the rows that break it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from simulacra.errors import CheckFailed
from simulacra.memory import size_text

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Place:
    """One row of a table in files.

    Parameters
    ----------
    file : str
        The file, from the folder on.
    row : int
        Its row there; the first data row is 1.
    """

    file: str
    row: int

    def __str__(self) -> str:
        return f"{self.file} row {self.row:,}"


@dataclass(frozen=True, slots=True)
class Line:
    """One rule, held against every row.

    Parameters
    ----------
    table : str
        The table.
    columns : tuple of str
        The columns that the rule speaks of.
    kind : str
        ``readable``, ``not null``, ``value`` (bounds, levels, patterns, decimals), ``check`` (constraints over single
        rows), ``unique``, ``key``, ``reference`` or ``among rows`` (constraints that compare rows).
    rule : str
        What holds.
    rows : int
        Rows that it was held against.
    violations : int or None
        How many of them break it; of what must differ in every row, those that repeat an earlier one. None: it could
        not be proved, and `how` says why.
    first : tuple of Place
        The first of these rows.
    how : str
        By what means.

    Examples
    --------
    >>> print(Line("t", ("age",), "value", "between 0 and 120", 100, 1, (Place("part-00000.parquet", 7),), "every row"))
    table 't', column 'age': 1 of 100 rows breaks "between 0 and 120" (first: part-00000.parquet row 7).
    """

    table: str
    columns: tuple[str, ...]
    kind: str
    rule: str
    rows: int
    violations: int | None
    first: tuple[Place, ...]
    how: str

    @property
    def holds(self) -> bool:
        """Whether no row breaks it; what could not be proved does not hold."""
        return self.violations == 0

    def __str__(self) -> str:
        names = ", ".join(repr(name) for name in self.columns)
        word = "column" if len(self.columns) == 1 else "columns"
        place = f"table {self.table!r}" + (f", {word} {names}" if self.columns else "")
        quoted = f"`{self.rule}`" if '"' in self.rule else f'"{self.rule}"'
        if self.violations is None:
            return f"{place}: {quoted} is not proved: {self.how}."
        if not self.violations:
            return f"{place}: {quoted} holds in all {self.rows:,} rows."
        first = f" (first: {', '.join(map(str, self.first))})" if self.first else ""
        breaks = "breaks" if self.violations == 1 else "break"
        return f"{place}: {self.violations:,} of {self.rows:,} rows {breaks} {quoted}{first}."

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "columns": list(self.columns), "first": [asdict(place) for place in self.first],
                "holds": self.holds}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proof:
    """Every rule of a schema, held against every row that was written.

    Parameters
    ----------
    lines : tuple of Line
        One for each rule, in the order of the schema.
    rows : dict of str to int
        Rows of each table.
    files : int
        How many files were read.
    bytes : int
        Their size.
    seconds : float
        How long it took.
    notes : tuple of str
        What else is worth knowing: columns that the schema does not know, constraints that say nothing yet.

    Examples
    --------
    >>> proof = Proof((Line("t", ("a",), "not null", "has a value", 9, 0, (), "every row"),), {"t": 9}, 1, 800, 0.1)
    >>> proof.holds, len(proof.violated)
    (True, 0)
    """

    lines: tuple[Line, ...]
    rows: Mapping[str, int]
    files: int
    bytes: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every rule is proved, and no row breaks one."""
        return all(line.holds for line in self.lines)

    @property
    def violated(self) -> tuple[Line, ...]:
        """The rules that rows break, the most broken first."""
        found = [line for line in self.lines if line.violations]
        return tuple(sorted(found, key=lambda line: -(line.violations or 0)))

    @property
    def unproved(self) -> tuple[Line, ...]:
        """The rules that could not be held against the rows."""
        return tuple(line for line in self.lines if line.violations is None)

    @property
    def frame(self) -> pl.DataFrame:
        """One row for each rule."""
        types = {"table": pl.String, "columns": pl.String, "kind": pl.String, "rule": pl.String, "rows": pl.Int64,
                 "violations": pl.Int64, "holds": pl.Boolean, "first": pl.String, "how": pl.String}  # fmt: skip
        rows = [
            (line.table, ", ".join(line.columns), line.kind, line.rule, line.rows, line.violations, line.holds,
             ", ".join(map(str, line.first)), line.how)
            for line in self.lines
        ]  # fmt: skip
        return pl.DataFrame(rows, schema=types, orient="row")

    def require(self) -> None:
        """Raise an error unless every rule is proved.

        Raises
        ------
        CheckFailed
            With the rules that most rows break.
        """
        wrong = [*self.violated, *self.unproved]
        if wrong:
            more = [f"{len(wrong) - _SHOWN} more rules do not hold."] if len(wrong) > _SHOWN else []
            raise CheckFailed("\n".join([*map(str, wrong[:_SHOWN]), *more]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "holds": self.holds, "rows": dict(self.rows), "files": self.files, "bytes": self.bytes,
            "seconds": round(self.seconds, 3), "lines": [line.to_dict() for line in self.lines],
            "notes": list(self.notes),
        }  # fmt: skip

    def __str__(self) -> str:
        tables = ", ".join(f"{name} {rows:,}" for name, rows in self.rows.items())
        files = f"{self.files:,} file{'s' if self.files != 1 else ''}, {size_text(self.bytes)}"
        held = sum(line.holds for line in self.lines)
        head = [
            f"{held:,} of {len(self.lines):,} rules hold in every row "
            f"(rows: {tables}; {files}; {self.seconds:,.1f} s)."
        ]
        counts: dict[tuple[str, str], list[int]] = {}
        for line in self.lines:
            tally = counts.setdefault((line.table, line.kind), [0, 0])
            tally[0] += line.holds
            tally[1] += 1
        for table in self.rows:
            told = [f"{kind} {held}/{all_}" for (name, kind), (held, all_) in counts.items() if name == table]
            head.append(f"  {table}: {', '.join(told) or 'no rule'}")
        wrong = [f"  BROKEN  {line}" for line in self.violated]
        wrong += [f"  OPEN    {line}" for line in self.unproved]
        return "\n".join([*head, *wrong, *(f"  note: {note}" for note in self.notes)])
