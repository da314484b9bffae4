"""Nested state to JSON plus arrays and back: the only form in which fitted models are stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulacra.domain import Array

MARK = "$array"


def pack(state: Any, arrays: list[Array]) -> Any:
    """Replace every array in nested dicts, lists and tuples by a reference into `arrays`.

    Raises
    ------
    TypeError
        A value is neither JSON nor an array of numbers.

    Examples
    --------
    >>> arrays = []
    >>> pack({"a": np.arange(3), "b": [1.5, None]}, arrays)
    {'a': {'$array': 0}, 'b': [1.5, None]}
    """
    if isinstance(state, np.ndarray):
        if state.dtype.kind not in "biuf":
            raise TypeError(f"an array of {state.dtype} can not be stored in a model file")
        arrays.append(state)
        return {MARK: len(arrays) - 1}
    if isinstance(state, dict):
        if not all(isinstance(key, str) for key in state) or MARK in state:
            raise TypeError("state is stored under text keys")
        return {key: pack(value, arrays) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [pack(value, arrays) for value in state]
    if isinstance(state, np.generic):
        return state.item()
    if state is None or isinstance(state, (bool, int, float, str)):
        return state
    raise TypeError(f"a {type(state).__name__} can not be stored in a model file")


def unpack(state: Any, arrays: list[Array]) -> Any:
    """Put the arrays back where `pack` took them out.

    Examples
    --------
    >>> unpack({"a": {"$array": 0}}, [np.arange(2)])
    {'a': array([0, 1])}
    """
    if isinstance(state, dict):
        if set(state) == {MARK}:
            return arrays[state[MARK]]
        return {key: unpack(value, arrays) for key, value in state.items()}
    if isinstance(state, list):
        return [unpack(value, arrays) for value in state]
    return state
