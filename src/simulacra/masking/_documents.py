"""JSON texts replaced so that they stay JSON: names of fields and truth values stay, texts and whole numbers do not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from simulacra.masking._codes import code_numbers
from simulacra.masking._texts import make_texts
from simulacra.masking.secret import Secret

_MOST = 2**63


def replace_documents(texts: list[str], secret: Secret, *names: str | int) -> list[str]:
    """Write texts anew: JSON objects and lists value by value, all others in made-up words.

    Parameters
    ----------
    texts : list of str
        Any texts.
    secret : Secret
        The key.
    *names
        The purpose.

    Returns
    -------
    list of str
        One per text.

    Notes
    -----
    Numbers with a fraction stay.

    Examples
    --------
    >>> made = replace_documents(['{"name": "Ann", "vip": true}'], Secret.make(b"0123456789abcdef"), "notes")[0]
    >>> made[:10], made[13:]
    ('{"name": "', '", "vip": true}')
    """
    documents = [_read(text) for text in texts]
    words: list[str] = []
    numbers: list[int] = []
    for text, document in zip(texts, documents, strict=True):
        if document is None:
            words.append(text)
        else:
            _collect(document, words, numbers)
    made_words = iter(make_texts(words, secret, *names))
    made_numbers = iter(code_numbers(np.array(numbers, dtype=np.int64), secret, *names).tolist())

    def renew(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: renew(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [renew(inner) for inner in value]
        if isinstance(value, str):
            return next(made_words)
        return next(made_numbers) if _is_whole(value) else value

    return [
        next(made_words) if document is None else json.dumps(renew(document), ensure_ascii=False)
        for document in documents
    ]


def _read(text: str) -> Any:
    """Read a JSON object or list; None where it is something else."""
    if text[:1] not in "{[" or not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _collect(value: Any, words: list[str], numbers: list[int]) -> None:
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            _collect(inner, words, numbers)
    elif isinstance(value, str):
        words.append(value)
    elif _is_whole(value):
        numbers.append(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_MOST <= value < _MOST
