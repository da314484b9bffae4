"""What a user asks with `fair=...`: the definitions of parity, read and checked against a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulacra.errors import OptionError, unknown
from simulacra.schema.types import Table
from simulacra.shares._crossing import LEVEL_KINDS

DEFINITIONS = {
    "independence": "target and group are independent",
    "conditional-independence": "target and group are independent among rows alike in the explaining columns",
    "base-rates": "the positive level has one rate in every group",
    "group-shares": "the groups have stated shares of the rows",
    "no-direct-path": "the target depends on the group only through other columns",
    "relabel": "the positive level has one rate in every group, by fewest changed labels",
}
"""The definitions, with what holds of drawn rows."""
TRANSFORMS = ("no-direct-path", "relabel")
"""Definitions that give the target of drawn rows new values."""
USES = {
    "conditional-independence": ("given",),
    "base-rates": ("rate",),
    "group-shares": ("shares",),
    "relabel": ("rate",),
}
"""The options that belong to some definitions alone."""
OPTIONS = ("target", "group", "definition", "given", "positive", "rate", "shares")


@dataclass(frozen=True)
class Parity:
    """What a user asks of drawn rows; see `read_parity`.

    Parameters
    ----------
    target : str
        The column of outcomes.
    group : tuple of str
        The columns whose values, crossed, are the groups.
    definition : str
        One of `DEFINITIONS`.
    given : tuple of str
        Columns that explain differences, for ``conditional-independence``.
    positive : str or None
        The level whose rate counts; the rarest when None.
    rate : float or None
        For ``base-rates`` and ``relabel``: the rate; that of all rows when None.
    shares : mapping or None
        For ``group-shares``: group to share; equal shares when None.
    """

    target: str
    group: tuple[str, ...]
    definition: str
    given: tuple[str, ...] = ()
    positive: str | None = None
    rate: float | None = None
    shares: Mapping[str, float] | None = None


def read_parity(fair: Mapping[str, Any], table: Table) -> Parity:
    """Read what a user asks with ``fair=...`` and check it against a table.

    Parameters
    ----------
    fair : mapping
        ``{"target": "income", "group": "sex", "definition": "independence"}``; `group` and `given` are names or lists
        of names. See `Parity` for what else it may hold.
    table : Table
        Gives names and kinds.

    Returns
    -------
    Parity

    Raises
    ------
    UnknownName
        An option, a definition, a column or a level does not exist.
    OptionError
        Something is missing or contradicts something else.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("sex", "category"), Column("income", "category")))
    >>> read_parity({"target": "income", "group": "sex", "definition": "independence"}, table).group
    ('sex',)
    """
    if not isinstance(fair, Mapping):
        raise OptionError(
            "fair is a mapping such as {'target': 'income', 'group': 'sex', 'definition': 'independence'}, not "
            f"{type(fair).__name__!r}."
        )
    for name in fair:
        if name not in OPTIONS:
            raise unknown("option of fair", str(name), OPTIONS)
    for name in OPTIONS[:3]:
        if not fair.get(name):
            known = f" It is one of {', '.join(DEFINITIONS)}." if name == "definition" else ""
            raise OptionError(f"fair lacks {name!r}.{known or ' Name a column.'}")
    definition = str(fair["definition"])
    if definition not in DEFINITIONS:
        raise unknown("definition of fairness", definition, DEFINITIONS)
    positive = fair.get("positive")
    if isinstance(positive, bool):
        positive = str(positive).lower()
    asked = Parity(
        str(fair["target"]), _names(fair["group"]), definition, _names(fair.get("given") or ()),
        None if positive is None else str(positive), fair.get("rate"), fair.get("shares"),
    )  # fmt: skip
    _check_columns(asked, table)
    _check_options(asked, table)
    return asked


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(dict.fromkeys(map(str, value)))


def require_columns(named: Sequence[str], table: Table) -> None:
    """Refuse what is no column, and say how several are named."""
    for name in named:
        parts = [part.strip() for part in name.split(",")]
        if name not in table.names and len(parts) > 1 and all(part in table.names for part in parts):
            raise OptionError(
                f"fair: {name!r} is no column but {len(parts)} of them. Name each by itself: {parts!r} in Python, and "
                f"on the command line the option once for each, such as group={parts[0]} and group={parts[1]}."
            )
        table[name]


def _check_columns(asked: Parity, table: Table) -> None:
    named = (asked.target, *asked.group, *asked.given)
    require_columns(named, table)
    if twice := [name for name in named if named.count(name) > 1]:
        raise OptionError(
            f"fair: column {twice[0]!r} is named for two things. Target, groups and explaining columns differ."
        )
    if table[asked.target].kind not in LEVEL_KINDS:
        raise OptionError(
            f"fair: the target {asked.target!r} is a {table[asked.target].kind}. Name a category or a boolean; a "
            "number can be given as a column of its own that says which side of a limit it is on."
        )
    if asked.definition in TRANSFORMS:
        for name in asked.group:
            if asked.definition == "no-direct-path" and table[name].kind not in LEVEL_KINDS:
                raise OptionError(
                    f"fair: 'no-direct-path' sums over the levels of the group, and {name!r} is a {table[name].kind}. "
                    "Name a category or a boolean, or choose another definition."
                )


def _check_options(asked: Parity, table: Table) -> None:
    for option in ("given", "rate", "shares"):
        allowed = [name for name, options in USES.items() if option in options]
        if getattr(asked, option) not in (None, ()) and asked.definition not in allowed:
            raise OptionError(
                f"fair: {option!r} belongs to {' and '.join(map(repr, allowed))}, not to {asked.definition!r}. "
                "Leave it out, or choose another definition."
            )
    if asked.definition == "conditional-independence" and not asked.given:
        raise OptionError(
            "fair: 'conditional-independence' lacks 'given'. Name the columns that explain a difference."
        )
    rate = asked.rate
    if rate is not None and (
        isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1
    ):
        percent = isinstance(rate, (int, float)) and not isinstance(rate, bool) and 1 < rate <= 100
        mend = f" For {rate:g} % write {rate / 100:g}." if percent else ""
        raise OptionError(f"fair: rate is a share from 0 to 1, not {rate!r}.{mend}")
    if asked.shares is not None:
        shares = list(asked.shares.values()) if isinstance(asked.shares, Mapping) else [-1.0]
        if any(not isinstance(s, (int, float)) or s < 0 for s in shares) or abs(sum(shares) - 1) > 1e-6:
            raise OptionError("fair: shares is a mapping of groups to shares that sum to 1.")
