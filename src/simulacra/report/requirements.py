"""Requirements on scores: ``name op number``, joined by ``and``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulacra.errors import OptionError
from simulacra.metric import Score
from simulacra.report import words

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_PART = re.compile(
    r"\s*(?P<name>[\w./@-]+?)\s*(?P<sign><=|>=|==|!=|<|>)\s*(?P<limit>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*\Z"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One comparison of a score with a number."""

    name: str
    sign: str
    limit: float
    text: str


def parse(expression: str) -> tuple[Requirement, ...]:
    """Split an expression into its comparisons, or say which part can not be understood."""
    parts = []
    for text in re.split(r"\band\b", expression, flags=re.IGNORECASE):
        found = _PART.match(text)
        if found is None:
            raise OptionError(
                f'requirement "{expression}": {text.strip()!r} is not a comparison. '
                'Write a score, one of <= < >= > == != and a number: "privacy/copies <= 0.01".'
            )
        limit = float(found["limit"])
        if not math.isfinite(limit):
            raise OptionError(f'requirement "{expression}": the number is too large. Give a finite one.')
        parts.append(Requirement(found["name"], found["sign"], limit, text.strip()))
    return tuple(parts)


def holds(part: Requirement, score: Score, *, missing: bool = False) -> bool:
    """Tell whether a comparison holds; `missing` is the answer for a score that was not computed."""
    if not words.is_computed(score):
        return missing
    return _OPERATORS[part.sign](score.value, part.limit)


def describe(score: Score) -> str:
    """Say what a score is, as the start of a sentence."""
    if not words.is_computed(score):
        return f"{score.name} was not computed ({words.reason(score).rstrip('.')})"
    return f"{score.name} is {words.figure(score.value)}{words.interval_in_brackets(score)}"


def sentence(item: Mapping[str, Any]) -> str:
    """Say which requirement of a policy is broken, and by what."""
    rule = "required" if item.get("kind") == "require" else "ruled out"
    return f"{item.get('said')}; the policy has {rule}: {item.get('text')}"
