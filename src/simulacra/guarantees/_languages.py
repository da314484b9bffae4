"""The texts that a regular expression matches: how many there are, random ones, and each by its number."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulacra.domain import Array
from simulacra.errors import SchemaError
from simulacra.guarantees._spelling import Either, Node, Repeat, Row, Sign

MOST_REPEATS = 8
"""A repetition without an upper limit goes this far beyond its lower one."""
PRINTABLE = frozenset(range(32, 127))
_CLASSES = {
    "digit": frozenset(map(ord, "0123456789")),
    "word": frozenset(map(ord, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")),
    "space": frozenset({32}),
}
_WIDEST = 10_000


@dataclass(frozen=True)
class Language:
    """The texts that a regular expression matches in full.

    Notes
    -----
    Understood: characters, classes, ``.``, ``\\d \\w \\s``, groups, alternatives, repetitions, and ``^`` and ``$`` at
    the ends. Wherever a pattern leaves characters open (``.``, ``[^x]``, ``\\D``) printable ASCII is used.

    Examples
    --------
    >>> plates = Language.parse(r"[A-Z]{2}-\\d{2,3}")
    >>> plates.count
    743600
    >>> plates.spell(np.array([0, 743599]))
    ['AA-00', 'ZZ-999']
    """

    regex: str
    root: Node

    @classmethod
    def parse(cls, regex: str) -> Language:
        """Read a regular expression.

        Raises
        ------
        SchemaError
            It is none, or has a part from which no texts can be made.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                parsed = re._parser.parse(regex)  # type: ignore[attr-defined]
        except (re.error, Warning, OverflowError, RecursionError) as error:
            raise SchemaError(f"pattern {regex!r} can not be read: {error}. Write it more plainly.") from None
        if parsed.state.flags & ~re.UNICODE:
            raise _refused(regex, "a flag such as (?i)")
        root = _row(list(parsed), regex, outer=True)
        if root.width > _WIDEST:
            raise _refused(regex, f"a text of more than {_WIDEST:,} characters")
        return cls(regex, root)

    @property
    def count(self) -> int:
        """How many texts there are, each as often as it can be spelt."""
        return self.root.count

    @property
    def plain(self) -> bool:
        """Whether numbers give different texts, as far as that can be told at a glance."""
        return self.root.plain

    def draw(self, n: int, rng: np.random.Generator) -> list[str]:
        """Draw n texts, each choice of the pattern evenly."""
        return _texts(self.root.draw(n, rng))

    def spell(self, index: Array) -> list[str]:
        """Spell texts by their numbers, which are below `count` and below 2**62."""
        return _texts(self.root.spell(np.asarray(index, dtype=np.int64)))


def _texts(signs: Array) -> list[str]:
    """Write rows of code points as texts, with the gaps taken out."""
    if not signs.shape[1]:
        return [""] * len(signs)
    if (signs == 0).any():
        order = np.argsort(signs == 0, axis=1, kind="stable")
        signs = np.take_along_axis(signs, order, axis=1)
    texts: list[str] = np.ascontiguousarray(signs).view(f"U{signs.shape[1]}").ravel().tolist()
    return texts


def _row(parts: list[Any], regex: str, outer: bool = False) -> Row:
    """Read parts that follow each other; the ends of the whole pattern may be marked."""
    nodes: list[Node] = []
    for place, (code, argument) in enumerate(parts):
        if str(code) == "AT":
            start = str(argument).startswith("AT_BEGINNING") and place == 0
            end = str(argument) in {"AT_END", "AT_END_STRING"} and place == len(parts) - 1
            if not (outer and (start or end)):
                raise _refused(regex, "an anchor inside")
            continue
        nodes.append(_node(str(code), argument, regex))
    return Row(tuple(nodes))


def _node(code: str, argument: Any, regex: str) -> Node:
    match code:
        case "LITERAL" if argument:
            return Sign(frozenset({argument}))
        case "NOT_LITERAL":
            return Sign(PRINTABLE - {argument})
        case "ANY":
            return Sign(PRINTABLE)
        case "IN":
            return _sign(argument, regex)
        case "BRANCH":
            return Either(tuple(_row(list(option), regex) for option in argument[1]))
        case "SUBPATTERN" if not argument[1] and not argument[2]:
            return _row(list(argument[3]), regex)
        case "MAX_REPEAT" | "MIN_REPEAT":
            low, high, part = argument
            high = low + MOST_REPEATS if str(high) == "MAXREPEAT" else int(high)
            if high > _WIDEST:
                raise _refused(regex, f"more than {_WIDEST:,} repetitions")
            return Repeat(_row(list(part), regex), int(low), high)
    raise _refused(regex, code.lower().replace("_", " "))


def _sign(items: list[Any], regex: str) -> Node:
    found: set[int] = set()
    negated = False
    for code, argument in items:
        match str(code):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found.add(argument)
            case "RANGE":
                found.update(range(argument[0], argument[1] + 1))
            case "CATEGORY":
                name = str(argument).removeprefix("CATEGORY_").lower()
                own = _CLASSES[name.removeprefix("not_")]
                found |= PRINTABLE - own if name.startswith("not_") else own
            case other:
                raise _refused(regex, other.lower())
    signs = frozenset((PRINTABLE - found) if negated else found) - {0}
    if not signs:
        raise _refused(regex, "a class without a printable character")
    return Sign(signs)


def _refused(regex: str, what: str) -> SchemaError:
    return SchemaError(
        f"pattern {regex!r} has {what}, from which no texts can be made. Use characters, classes, groups, alternatives "
        "and repetitions."
    )
