"""Faker's methods read as grammars: each is run once with lists in place of what it picks from them.

A provider's method that picks an element of a list, and perhaps fills in a format, is called on a spy that gives back
the whole list as if it were the element. What comes out of the method is then the grammar of all its values. A method
that does anything else (asks for a random number, looks at a value, glues texts) is not told by this, and its values
are harvested.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from simulacra.fields._grammar import Node, Pick, fold_words, join, pick, shape
from simulacra.fields._words import Words

_TOKEN = re.compile(r"\{\{\s*(\w+)(:\s*\w+)?\s*\}\}")
_NUMBERS = "#%$!@"


class Untraceable(Exception):
    """A method does more than pick and fill in."""


class UnknownFormat(Untraceable):
    """A format names a method that its locale does not have."""


class _Picked(str):
    """A text that stands for all texts of a grammar."""

    node: Node | tuple[Any, ...]

    def upper(self) -> str:
        return _picked(fold_words(_as_node(self), str.upper))

    def lower(self) -> str:
        return _picked(fold_words(_as_node(self), str.lower))

    def __add__(self, other: str) -> str:
        return _picked(join([_as_node(self), _as_node(other)]))

    def __radd__(self, other: str) -> str:
        return _picked(join([_as_node(other), _as_node(self)]))


def _picked(node: Node | tuple[Any, ...]) -> _Picked:
    text = _Picked("\x00")
    text.node = node
    return text


def trace(method: Callable[..., Any], resolve: Callable[[str], Node]) -> Node:
    """Find the grammar of a bound method of a provider.

    Parameters
    ----------
    method : callable
        Such as ``generator.get_formatter("city")``.
    resolve : callable
        Gives the grammar of another method by name.

    Raises
    ------
    Untraceable
        It does more than pick from lists and fill in formats.
    """
    provider = getattr(method, "__self__", None)
    if provider is None:
        raise Untraceable
    spy = _spy_class(type(provider))(provider, resolve)
    function = getattr(type(provider), method.__name__, None)
    if function is None:
        raise Untraceable
    try:
        made = getattr(spy, method.__name__)()
    except Untraceable:
        raise
    except Exception as error:  # whatever a method does with a list in place of a text, it is no grammar
        raise Untraceable from error
    if isinstance(made, _Picked):
        return _as_node(made)
    if isinstance(made, str) and "\x00" not in made:
        return Words((made,))
    raise Untraceable


def _as_node(text: str) -> Node:
    if isinstance(text, _Picked):
        if isinstance(text.node, tuple):
            raise Untraceable
        return text.node
    if not isinstance(text, str) or "\x00" in text:
        raise Untraceable
    return Words((text,))


def _choose(elements: Any) -> _Picked:
    if isinstance(elements, _Picked):
        # the element picked was a list itself
        if not isinstance(elements.node, tuple):
            raise Untraceable
        return _picked(pick([_as_node(_choose(inner)) for inner in elements.node]))
    if isinstance(elements, Mapping):
        texts, weights = list(elements), [float(weight) for weight in elements.values()]
        if all(type(text) is str for text in texts):
            return _picked(pick(texts, weights))
        raise Untraceable
    listed = list(elements)
    if listed and all(type(element) is str for element in listed):
        return _picked(pick(listed))
    if listed and all(isinstance(element, _Picked) for element in listed):
        return _picked(pick([_as_node(element) for element in listed]))
    if listed and all(isinstance(element, (Mapping, tuple, list)) for element in listed):
        return _picked(tuple(listed))
    raise Untraceable


def _each(node: Node, change: Callable[[str], Node]) -> Node:
    """Read every fixed text and every word of a grammar as another grammar."""
    if isinstance(node, Words):
        read: list[tuple[Node | str, float]] = []
        for place, text in enumerate(node.texts):
            # Faker itself would fail where a format names what is not there, so the others take its share
            with suppress(UnknownFormat):
                read.append((_plain(change(text)), 1.0 if node.weights is None else node.weights[place]))
        if not read:
            raise Untraceable
        return pick([one for one, _ in read], [weight for _, weight in read])
    if isinstance(node, Pick):
        ways = [change(way) if isinstance(way, str) else _each(way, change) for way in node.ways]
        return pick(ways, node.which.weights)
    return join([change(part) if isinstance(part, str) else _each(part, change) for part in node.parts])


def _plain(node: Node) -> Node | str:
    return node.texts[0] if isinstance(node, Words) and len(node) == 1 else node


def parse_format(text: str, resolve: Callable[[str], Node]) -> Node:
    """Read a format of Faker: ``{{first_name}} {{last_name}}``.

    Examples
    --------
    >>> parse_format("Hi {{who}}", lambda name: Words(("Ann", "Bob"))).parts[0]
    'Hi '
    """
    parts: list[Node | str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        if token[2]:
            raise Untraceable
        parts += [text[end : token.start()], resolve(token[1])]
        end = token.end()
    return join([*parts, text[end:]])


class _Chance:
    """Stands where random numbers would be drawn."""

    def __getattr__(self, name: str) -> Any:
        raise Untraceable


class _Generator:
    def __init__(self, resolve: Callable[[str], Node]) -> None:
        self._resolve = resolve
        self.random = _Chance()

    def parse(self, text: str) -> _Picked:
        return _picked(_each(_as_node(text), lambda one: parse_format(one, self._resolve)))

    def format(self, name: str) -> _Picked:
        return _picked(self._resolve(name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda: _picked(self._resolve(name))


def _spy_class(kind: type[Any]) -> Callable[[Any, Callable[[str], Node]], Any]:
    """Make a kind of provider that picks whole lists."""

    def random_elements(self: Any, elements: Iterable[Any] = (), length: int | None = None, **_: Any) -> Any:
        if length != 1:
            raise Untraceable
        return [_choose(elements)]

    def filled(signs: str, default: str) -> Callable[..., Any]:
        def fill(self: Any, text: str = "###", letters: str = default, upper: bool = False) -> _Picked:
            chosen = letters.upper() if upper else letters
            return _picked(_each(_as_node(text), lambda one: shape(one, chosen, signs)))

        return fill

    ways = {
        "random_element": lambda self, elements=(): _choose(elements),
        "random_elements": random_elements,
        "random_choices": random_elements,
        "numerify": filled(_NUMBERS, ""),
        "lexify": filled("?", string.ascii_letters),
        "bothify": filled(_NUMBERS + "?", string.ascii_letters),
        "hexify": filled("^", "0123456789abcdef"),
    }
    spy = type(f"Spy{kind.__name__}", (kind,), ways)

    def make(provider: Any, resolve: Callable[[str], Node]) -> Any:
        made: Any = object.__new__(spy)
        made.__dict__.update(provider.__dict__)
        made.generator = _Generator(resolve)
        return made

    return make
