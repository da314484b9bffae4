"""Constraints that data keep: proposed with the rows that speak for them, the rows that break them, and a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import polars as pl

from simulacra.dataset import dataset
from simulacra.errors import OptionError
from simulacra.mining._equalities import copies, find_equalities, linked
from simulacra.mining._groups import find_combinations, find_determined, find_one_hot, find_unique
from simulacra.mining._look import FEWEST, Found, Look
from simulacra.mining._orders import find_orders, find_rises
from simulacra.mining._values import find_gaps, find_implications, find_limits, find_patterns
from simulacra.privacy.protection import HOLDERS
from simulacra.schema._kinds import said
from simulacra.schema._rulebook import dump_constraint
from simulacra.schema.constraints import Constraint, Determines, Equality
from simulacra.schema.types import Schema, Table

EXCEPTIONS = 0.005
"""Share of the rows that may break a constraint that is proposed."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A constraint that the data keep, or nearly.

    Parameters
    ----------
    table : str
        The table's name.
    constraint : Constraint
        To give to `Schema.with_constraint`.
    support : int
        How many rows speak for it: rows that it says something of, and that keep it.
    exceptions : int
        How many rows break it.
    rows : int
        How many rows there are.
    reason : str
        Why it is hardly chance.
    """

    table: str
    constraint: Constraint
    support: int
    exceptions: int
    rows: int
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON; the constraint as it stands in a schema file."""
        return {
            "table": self.table, "constraint": dump_constraint(self.constraint), "words": str(self.constraint),
            "support": self.support, "exceptions": self.exceptions, "rows": self.rows, "reason": self.reason,
        }  # fmt: skip

    def __str__(self) -> str:
        broken = "none breaks it" if not self.exceptions else f"{self.exceptions:,} break it"
        if self.exceptions == 1:
            broken = "1 breaks it"
        return f"{said(self.constraint)}: {self.support:,} of {self.rows:,} rows speak for it, {broken}; {self.reason}."


def mine(data: Any, *, schema: Schema | None = None, exceptions: float = EXCEPTIONS) -> list[Proposal]:
    """Propose constraints that data keep, and that chance would not.

    Parameters
    ----------
    data : path, frame or Dataset
        As for `read`; each table by itself.
    schema : Schema or None
        The contract; the data set's own, or inferred, when None. What it says already is not proposed.
    exceptions : float
        Share of the rows, from 0 to 0.1, that may break what is proposed.

    Returns
    -------
    list of Proposal
        By kind, the surest first. Accept one with ``schema.with_constraint(proposal.constraint)``.

    Raises
    ------
    OptionError
        The share is out of its range.

    Notes
    -----
    Proposed are orders between columns, limits at 0, sums and differences of two columns or more, products, parts of
    dates, clock times that hours and minutes or another clock time and minutes give, what a level implies, unique
    columns and pairs, functional dependencies, combinations, one-hot groups, rises, and shapes of texts. A proposal
    has at least 30 rows that speak for it, and chance (rows paired at random, or independent columns) would have
    broken it at least 30 times. Whether it is a rule, or only true of these rows, is yours to say.

    **Cost**: quadratic in columns (at most 60 of each kind) on 2,000 rows; what passes is verified on all rows.

    **Privacy**: a constraint names levels only of columns that are not sensitive, and only those that at least 10 rows
    hold.

    **Source**: Huhtala, Karkkainen, Porkka & Toivonen 1999, "TANE", section 2 (approximate dependencies, the g3 error:
    the share of rows that would have to go).

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"net": [n % 400 for n in range(1_000)], "tax": [n % 90 for n in range(1_000)]})
    >>> [str(found.constraint) for found in mine(frame.select("net", gross=pl.col("net") + pl.col("tax")))]
    ['net <= gross']
    """
    if not 0 <= exceptions <= 0.1:
        raise OptionError(f"exceptions is a share from 0 to 0.1, not {exceptions!r}.")
    given = dataset(data, schema=schema)
    return [
        proposal
        for table in given.schema.tables
        for proposal in mine_table(given.frames[table.name], table, exceptions=exceptions)
    ]


def mine_table(frame: pl.DataFrame, table: Table, *, exceptions: float = EXCEPTIONS) -> list[Proposal]:
    """Propose constraints of one table; see `mine`.

    Parameters
    ----------
    frame : DataFrame
        Canonical values.
    table : Table
        Their schema.
    exceptions : float
        Share of the rows that may break what is proposed.

    Examples
    --------
    >>> mine_table(pl.DataFrame({"a": [1]}), Table("t", ()))
    []
    """
    if len(frame) < 2 * FEWEST:
        return []
    look = Look(frame, table, exceptions, HOLDERS)
    known = {str(constraint) for constraint in table.constraints}
    return [
        Proposal(table.name, one.constraint, one.support, one.exceptions, len(frame), one.reason)
        for one in _search(look)
        if str(one.constraint) not in known
    ]


def _search(look: Look) -> Iterator[Found]:
    """Run every search; later ones leave out what earlier ones have said."""
    equalities = list(find_equalities(look))
    held, copied = linked(equalities, look), copies(equalities, look)
    determined = list(find_determined(look, held))
    directed = {
        (one.constraint.by[0], name)
        for one in determined
        if isinstance(one.constraint, Determines) and len(one.constraint.by) == 1
        for name in one.constraint.columns
    }
    hot = list(find_one_hot(look))
    directed |= {(a, b) for one in hot for a, b in product(one.constraint.columns, repeat=2)}
    pairs = held | set(map(frozenset, directed))
    given = {one.constraint.column for one in equalities if isinstance(one.constraint, Equality)}
    searches: tuple[Callable[[], Iterator[Found]], ...] = (
        lambda: find_orders(look, held, copied),
        lambda: find_limits(look),
        lambda: iter(equalities),
        lambda: find_unique(look),
        lambda: iter(determined),
        lambda: find_combinations(look, pairs),
        lambda: find_implications(look, directed),
        lambda: find_gaps(look),
        lambda: iter(hot),
        lambda: find_rises(look, held, given),
        lambda: find_patterns(look),
    )
    for search in searches:
        yield from sorted(search(), key=lambda one: (one.exceptions, -one.support))


def keep(schema: Schema, proposals: Sequence[Proposal]) -> Schema:
    """Return the schema with proposals as constraints.

    Examples
    --------
    >>> keep(Schema((Table("t", ()),)), []).table().constraints
    ()
    """
    for proposal in proposals:
        schema = schema.with_constraint(proposal.constraint, table=proposal.table)
    return schema


def chosen(proposals: Sequence[Proposal], numbers: str) -> list[Proposal]:
    """Choose proposals by ``"all"`` or by numbers from 1, such as ``"1,3,5-8"``.

    Raises
    ------
    OptionError
        A number is none, or there is no proposal of it.

    Examples
    --------
    >>> chosen([], "all")
    []
    """
    if numbers.strip().lower() == "all":
        return list(proposals)
    picked: dict[int, None] = {}
    for part in numbers.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if match is None:
            raise OptionError(
                f"{part.strip()!r} is no number of a proposal. Write all, or numbers such as 1,3,5-8."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= len(proposals):
            raise OptionError(f"there is no proposal {part.strip()}; they go from 1 to {len(proposals)}.")
        picked |= dict.fromkeys(range(first, last + 1))
    return [proposals[number - 1] for number in sorted(picked)]
