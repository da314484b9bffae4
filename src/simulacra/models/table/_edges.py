"""Edges of a graph as users write them: pairs of columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from simulacra.domain import Axis
from simulacra.errors import OptionError, unknown

Edge = tuple[str, str]


def read_edges(edges: Any, option: str) -> tuple[Edge, ...]:
    """Read edges: pairs of columns, or texts such as ``"age -> pay, age -> city"``.

    Parameters
    ----------
    edges : iterable of pairs or of str, or str
        From cause to effect.
    option : str
        What the option is called, for errors.

    Returns
    -------
    tuple of (str, str)
        Each once, in the order given.

    Raises
    ------
    OptionError
        Something is not an edge.

    Examples
    --------
    >>> read_edges("age -> pay, age -> city", "edges")
    (('age', 'pay'), ('age', 'city'))
    """
    if isinstance(edges, str):
        edges = [part for part in edges.split(",") if part.strip()]
    if not isinstance(edges, Iterable):
        raise _no_edge(option, edges)
    found: dict[Edge, None] = {}
    for edge in edges:
        if isinstance(edge, str):
            ends = tuple(name.strip() for name in edge.split("->"))
        elif isinstance(edge, Sequence) and all(isinstance(name, str) for name in edge):
            ends = tuple(edge)
        else:
            raise _no_edge(option, edge)
        if len(ends) != 2 or not all(ends):
            raise _no_edge(option, edge)
        if ends[0] == ends[1]:
            raise OptionError(
                f"model 'bayes-net': an edge of {option} leads from {ends[0]!r} to itself. Leave it out."
            )
        found[ends[0], ends[1]] = None
    return tuple(found)


def refuse_circles(edges: Sequence[Edge], option: str) -> None:
    """Refuse edges that lead back to where they came from, and name one such circle.

    Raises
    ------
    OptionError
        There is a circle.
    """
    below: dict[str, list[str]] = {}
    for source, target in edges:
        below.setdefault(source, []).append(target)
    done: set[str] = set()
    for start in below:
        path = [start] if start not in done else []
        turns = [iter(below[start])]
        while path:
            name = next(turns[-1], None)
            if name is None:
                done.add(path.pop())
                turns.pop()
            elif name in path:
                circle = " -> ".join([*path[path.index(name) :], name])
                raise OptionError(
                    f"model 'bayes-net': {option} form a circle: {circle}. Leave one of these edges out."
                )
            elif name not in done:
                path.append(name)
                turns.append(iter(below.get(name, ())))


def place_edges(
    edges: Sequence[Edge], axes: Sequence[Axis], inputs: int, option: str
) -> list[tuple[int, int]]:
    """Turn edges between columns into edges between axes: all those of one to all those of the other.

    Parameters
    ----------
    edges : sequence of (str, str)
        Between columns.
    axes : sequence of Axis
        All of them; the first `inputs` are known beforehand.
    inputs : int
        How many axes are known beforehand: no edge may lead to them.
    option : str
        What the option is called, for errors.

    Raises
    ------
    UnknownName
        A column has no axis.
    OptionError
        An edge leads to a column that is known beforehand.
    """
    places: dict[str, list[int]] = {}
    for place, axis in enumerate(axes):
        places.setdefault(axis.column, []).append(place)
    found = []
    for source, target in edges:
        for name in (source, target):
            if name not in places:
                raise unknown(f"column for {option} of model 'bayes-net'", name, places)
        if places[target][0] < inputs:
            raise OptionError(
                f"model 'bayes-net': an edge of {option} leads to {target!r}, which is known before rows are drawn. "
                "Leave it out."
            )
        found += [(a, b) for a in places[source] for b in places[target]]
    return found


def chain_parts(axes: Sequence[Axis], inputs: int) -> list[tuple[int, int]]:
    """Return edges that lead from each axis of a column to the later ones of the same column."""
    return [
        (a, b) for b in range(inputs, len(axes)) for a in range(inputs, b) if axes[a].column == axes[b].column
    ]


def _no_edge(option: str, edge: Any) -> OptionError:
    return OptionError(
        f'model \'bayes-net\': {option} are pairs of columns, from cause to effect, as ("age", "pay") or '
        f'"age -> pay", not {edge!r}.'
    )
