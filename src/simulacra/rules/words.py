"""From what stands in a schema to a rule: the word says which kind it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulacra.distributions.grammar import WORDS
from simulacra.errors import SchemaError, unknown
from simulacra.registry import RULES
from simulacra.rule import Rule
from simulacra.rules.reading import OPTIONS

_INNER = ("distribution",)


def list_words() -> tuple[str, ...]:
    """List the words that a rule can begin with.

    Examples
    --------
    >>> "choice" in list_words(), "normal" in list_words()
    (True, True)
    """
    return (*(name for name in RULES.names() if name not in _INNER), *WORDS)


def word_of(content: Mapping[str, Any], place: str) -> str:
    """Find the word of a rule among its options.

    Raises
    ------
    SchemaError
        There is none, or more than one.
    """
    known = list_words()
    words = [str(name) for name in content if name in known]
    if len(words) == 1:
        return words[0]
    if words:
        raise SchemaError(
            f"{place}: a rule has one word, and this has {' and '.join(words)}. Keep one of them."
        )
    others = [str(name) for name in content if name not in OPTIONS]
    if not others:
        raise SchemaError(
            f"{place}: this says nothing of how values are made. Add a rule such as {{uniform: [0, 1]}}."
        )
    raise SchemaError(f"{place}: {unknown('rule', others[0], known)}")


def read_rule(content: Any, place: str) -> Rule:
    """Make a rule of what stands in a schema.

    Parameters
    ----------
    content : mapping, text or number
        ``{WORD: ..., options}``; a text names a field such as ``person.name``; a number stands for itself.
    place : str
        Where it stands, for messages.

    Returns
    -------
    Rule
        Of the kind that its word names.

    Raises
    ------
    SchemaError
        There is no such rule, or it is not complete.

    Examples
    --------
    >>> read_rule({"choice": ["a", "b"]}, "here").values
    ('a', 'b')
    """
    if isinstance(content, str):
        content = {"field": content}
    elif isinstance(content, bool) or content is None:
        content = {"choice": [content]}
    elif isinstance(content, (int, float)):
        content = {"const": content}
    if not isinstance(content, Mapping):
        raise SchemaError(f"{place}: a rule is a mapping such as {{uniform: [0, 1]}}, not {content!r}.")
    word = word_of(content, place)
    if word == "const" and not _is_number(content[word]):
        content = {"choice": [content[word]], **{k: v for k, v in content.items() if k in OPTIONS}}
        word = "choice"
    cls: type[Rule] = RULES.load("distribution" if word in WORDS else word)
    return cls.read(content, place)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
