"""Recipes: nested plain values that can not be changed, such as the rule that a column is made by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Recipe(Mapping[str, Any]):
    """A mapping of plain values that can not be changed, and so can be part of a schema.

    Parameters
    ----------
    content : mapping
        Texts, numbers, truth values, dates, lists and mappings; lists become tuples, mappings recipes.

    Examples
    --------
    >>> recipe = Recipe({"choice": ["a", "b"]})
    >>> recipe["choice"], recipe == {"choice": ("a", "b")}, recipe.plain()
    (('a', 'b'), True, {'choice': ['a', 'b']})
    """

    __slots__ = ("_content",)

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = {str(name): _freeze(value) for name, value in content.items()}

    def __getitem__(self, name: str) -> Any:
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self._content == dict(Recipe(other))

    def __hash__(self) -> int:
        return hash(tuple(self._content.items()))

    def __repr__(self) -> str:
        return f"Recipe({self.plain()!r})"

    def plain(self) -> dict[str, Any]:
        """Return it as dicts and lists."""
        return {name: _thaw(value) for name, value in self._content.items()}


def _freeze(value: Any) -> Any:
    if isinstance(value, Recipe):
        return value
    if isinstance(value, Mapping):
        return Recipe(value)
    if isinstance(value, (list, tuple)):
        return tuple(_freeze(item) for item in value)
    return value


def _thaw(value: Any) -> Any:
    if isinstance(value, Recipe):
        return value.plain()
    if isinstance(value, tuple):
        return [_thaw(item) for item in value]
    return value
