"""State machines as they stand in a schema: states, how long each lasts, and what comes after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulacra.errors import SchemaError, unknown
from simulacra.rule import Rule
from simulacra.rules.moments import read_moment
from simulacra.rules.reading import as_mapping, kind_of, names_in
from simulacra.rules.words import read_rule
from simulacra.schema.types import Column, Table

EXAMPLE = (
    "{states: {from: born, to: 2024-12-31, start: well, moves: {well: {rates: {ill: 0.1}}, ill: {stay: {exponential: "
    "P9D}, then: {well: 1}}}}}"
)
_OPTIONS = ("from", "to", "start", "rows", "every", "moves")
_YEAR = 365.25 * 86_400 * 1e6
_KNOWN = (Column("at", "datetime"), Column("years", "number"), Column("since", "number"))
"""What formulas of a machine can name beside the columns of the parent: the moment, the years since the walk began, and
those since the present state did."""

Weight = float | str
Weights = tuple[tuple[str, Weight], ...]


@dataclass(frozen=True)
class Moves:
    """What happens in one state.

    Parameters
    ----------
    rates : tuple of (str, float or str)
        How many moves a year there are to each state: numbers or formulas. They compete: the first to come is made.
    stay : Rule or None
        How long the state lasts.
    then : tuple of (str, float or str)
        Which states follow it, with weights.
    """

    rates: Weights = ()
    stay: Rule | None = None
    then: Weights = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The states that it can lead to."""
        return tuple(state for state, _ in (*self.rates, *self.then))

    @property
    def varies(self) -> bool:
        """Whether rates change while the state lasts."""
        return any(isinstance(rate, str) for _, rate in self.rates)

    @property
    def formulas(self) -> tuple[str, ...]:
        """The rates and weights that are formulas."""
        return tuple(weight for _, weight in (*self.rates, *self.then) if isinstance(weight, str))


@dataclass(frozen=True)
class Machine:
    """States that a parent goes through, one after the other.

    Parameters
    ----------
    start : str or int
        When the walk begins: a formula of the parent's columns, or a moment.
    end : str or int
        When it ends.
    first : tuple of (str, float or str)
        In which states it can begin, with weights.
    moves : mapping
        What happens in each state; in the order of the schema.
    rows : tuple of str
        The states whose entries become rows.
    every : float
        After how many microseconds rates that are formulas are computed anew.
    place : str
        Where it stands, for messages.
    """

    start: str | int
    end: str | int
    first: Weights
    moves: Mapping[str, Moves]
    rows: tuple[str, ...]
    every: float
    place: str

    @property
    def formulas(self) -> tuple[str, ...]:
        """All formulas among its own fields, those of rules apart."""
        ends = [end for end in (self.start, self.end) if isinstance(end, str)]
        first = [weight for _, weight in self.first if isinstance(weight, str)]
        return (*ends, *first, *(sql for moves in self.moves.values() for sql in moves.formulas))

    def names(self) -> Iterator[str]:
        """The columns that it reads."""
        for sql in self.formulas:
            yield from names_in(sql, self.place)
        for moves in self.moves.values():
            if moves.stay is not None:
                yield from moves.stay.needs()


def read_machines(given: Any, place: str) -> tuple[Machine, ...]:
    """Read one machine, or a list of machines that a parent goes through side by side.

    Parameters
    ----------
    given : mapping or list
        ``{from:, to:, start:, moves:, rows:, every:}``, or several of them.
    place : str
        Where they stand, for messages.

    Raises
    ------
    SchemaError
        Something is missing, unknown or of the wrong type.

    Examples
    --------
    >>> machine, = read_machines({"from": "born", "to": "2024-12-31", "start": "well",
    ...                           "moves": {"well": {"rates": {"ill": 0.1}}, "ill": None}}, "here")
    >>> machine.rows, machine.moves["well"].targets
    (('well', 'ill'), ('ill',))
    """
    several = list(given) if isinstance(given, (list, tuple)) else [given]
    if not several:
        raise SchemaError(f"{place}: states need a machine, as in {EXAMPLE}.")
    where = [
        f"{place}, machine {n}" if len(several) > 1 else f"{place}, states"
        for n in range(1, len(several) + 1)
    ]
    machines = tuple(_read(one, at) for one, at in zip(several, where))
    seen: set[str] = set()
    for machine in machines:
        twice = seen & set(machine.moves)
        if twice:
            raise SchemaError(
                f"{machine.place}: another machine has a state {min(twice)!r} too. Name them apart."
            )
        seen |= set(machine.moves)
    return machines


def wanted_by(machines: tuple[Machine, ...]) -> tuple[str, ...]:
    """List the columns of the parent that machines read.

    Examples
    --------
    >>> wanted_by(read_machines({"from": "born", "to": "died", "start": "on", "moves": {"on": None}}, "here"))
    ('born', 'died')
    """
    own = {column.name for column in _KNOWN} | {state for machine in machines for state in machine.moves}
    return tuple(dict.fromkeys(name for machine in machines for name in machine.names() if name not in own))


def tables_of(machines: tuple[Machine, ...], parent: Table) -> tuple[Table, ...]:
    """Give for each machine the columns that its formulas can name, and check these formulas.

    Parameters
    ----------
    machines : tuple of Machine
        Those of one table, in order.
    parent : Table
        The table whose rows go through them.

    Returns
    -------
    tuple of Table
        With the parent's columns, ``at``, ``years``, ``since``, and for every state of the machines before the moment
        when it was first entered, under the name of the state.

    Raises
    ------
    SchemaError
        A formula can not be understood, or a state is named like a column.
    """
    tables, earlier = [], list(_KNOWN)
    for machine in machines:
        clash = {column.name for column in earlier} & set(parent.names)
        if clash:
            raise SchemaError(
                f"{machine.place}: {min(clash)!r} is a column of table {parent.name!r} and a name of the machine too. "
                "Rename one of them."
            )
        table = Table(parent.name, (*parent.columns, *earlier))
        for sql in machine.formulas:
            kind_of(sql, table, machine.place)
        for end in (machine.start, machine.end):
            if isinstance(end, str) and kind_of(end, table, machine.place) not in {"date", "datetime"}:
                raise SchemaError(f"{machine.place}: {end!r} is no date. A walk goes from a date to a date.")
        for state, moves in machine.moves.items():
            if moves.stay is not None and moves.stay.facts(table)["kind"] != "duration":
                raise SchemaError(
                    f"{machine.place}, {state}: a stay is a duration, such as {{exponential: P9D}}."
                )
        tables.append(table)
        earlier += [Column(state, "datetime", nullable=True) for state in machine.moves]
    return tuple(tables)


def _read(given: Any, place: str) -> Machine:
    given = as_mapping(given, "states", _OPTIONS, place, EXAMPLE)
    for name in ("from", "to", "start", "moves"):
        if given.get(name) is None:
            raise SchemaError(f"{place}: {name!r} is missing. Write them like {EXAMPLE}.")
    listed = given["moves"]
    if not isinstance(listed, Mapping) or not listed:
        raise SchemaError(
            f"{place}: moves are states with what happens in them, as in {EXAMPLE}, not {listed!r}."
        )
    moves = {str(state): _moves(what, f"{place}, {state}") for state, what in listed.items()}
    start = given["start"]
    first = _weights({start: 1} if isinstance(start, str) else start, f"{place}, start")
    for state, (what, targets) in {
        **{state: ("move", m.targets) for state, m in moves.items()},
        "start": ("start", tuple(state for state, _ in first)),
    }.items():
        for target in targets:
            if target not in moves:
                raise SchemaError(f"{place}, {state}: {what} to {unknown('state', target, list(moves))}")
    rows = given.get("rows")
    rows = [rows] if isinstance(rows, str) else list(moves) if rows is None else list(rows)
    for state in rows:
        if state not in moves:
            raise SchemaError(f"{place}, rows: {unknown('state', str(state), list(moves))}")
    every = read_moment(given.get("every", "P1Y")) or (None, 0)
    if given.get("every") is None:
        every = ("duration", int(_YEAR))
    if every[0] != "duration" or every[1] <= 0:
        raise SchemaError(f"{place}: every is a duration such as P365D, not {given.get('every')!r}.")
    start, end = _end(given["from"], place), _end(given["to"], place)
    return Machine(start, end, first, moves, tuple(map(str, rows)), float(every[1]), place)


def _moves(given: Any, place: str) -> Moves:
    if given is None:
        return Moves()
    given = as_mapping(
        given, "a state", ("rates", "stay", "then"), place, "{stay: {exponential: P9D}, then: {well: 1}}"
    )
    if not given:
        return Moves()
    if ("rates" in given) == ("stay" in given or "then" in given):
        raise SchemaError(f"{place}: a state has rates, or stay and then. Keep one of the two.")
    if "rates" in given:
        return Moves(rates=_weights(given["rates"], f"{place}, rates"))
    if "stay" not in given or "then" not in given:
        raise SchemaError(f"{place}: stay says how long a state lasts, and then what follows. Give both.")
    then = given["then"]
    return Moves(
        stay=read_rule(_rule(given["stay"]), f"{place}, stay"),
        then=_weights({then: 1} if isinstance(then, str) else then, f"{place}, then"),
    )


def _rule(stay: Any) -> Any:
    """A duration alone lasts just so long."""
    return {"uniform": [stay, stay]} if isinstance(stay, str) and read_moment(stay) is not None else stay


def _end(given: Any, place: str) -> str | int:
    moment = read_moment(given)
    if moment is not None:
        return moment[1]
    names_in(str(given), place)
    return str(given)


def _weights(given: Any, place: str) -> Weights:
    if not isinstance(given, Mapping) or not given:
        raise SchemaError(
            f"{place}: expected states with numbers or formulas, such as {{ill: 0.1}}, not {given!r}."
        )
    for state, weight in given.items():
        if isinstance(weight, str):
            names_in(weight, f"{place}, {state}")
        elif (
            isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < float("inf")
        ):
            raise SchemaError(f"{place}, {state}: expected a number from 0 or a formula, not {weight!r}.")
    return tuple((str(state), w if isinstance(w, str) else float(w)) for state, w in given.items())
