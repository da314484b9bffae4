"""Columns of few different texts in which people are named all the same, such as reasons and remarks."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from simulacra.dataset import Dataset
from simulacra.fakes.vocabulary import known_words
from simulacra.lineage import is_personal

_WORDS = 3
_LEAST, _MANY = 20, 500
_SHARE = 0.02
_SAYING = r"@|\d[\d ()/.-]{6,}\d"


def find_wordy(data: Dataset) -> set[tuple[str, str]]:
    """List columns that count as categories, but hold sentences that may name people.

    Parameters
    ----------
    data : Dataset
        The tables.

    Returns
    -------
    set of (str, str)
        Tables and columns with texts of three words or more in the middle, and either 500 different ones, or 20 of
        which one in fifty holds a first name, an address or a long number.

    Examples
    --------
    >>> from simulacra.dataset import dataset
    >>> find_wordy(dataset(pl.DataFrame({"size": ["S", "M"] * 10})))
    set()
    """
    return {
        (table.name, column.name)
        for table in data.schema.tables
        if table.role != "reference"
        for column in table.columns
        if column.kind == "category" and column.identifying is None and not column.declared
        and _names_people(data.frames[table.name][column.name])
    }  # fmt: skip


def _names_people(values: pl.Series) -> bool:
    if values.dtype != pl.String:
        return False
    texts = values.drop_nulls().unique()
    if len(texts) < _LEAST or float(texts.str.count_matches(r"\S+").median()) < _WORDS:  # type: ignore[arg-type]
        return False
    if len(texts) >= _MANY:
        return True
    return _share_named(texts) >= _SHARE


def find_plain(data: Dataset, places: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    """List columns of free texts that seem to name nobody, such as titles of products.

    Parameters
    ----------
    data : Dataset
        The tables.
    places : collection of (str, str)
        Tables and columns of texts.

    Returns
    -------
    list of (str, str)
        Those in tables that tell of no person and refer to none, where fewer than one text in fifty holds a first name,
        an address or a long number.

    Examples
    --------
    >>> from simulacra.dataset import dataset
    >>> data = dataset({"goods": pl.DataFrame({"title": [f"Lamp {i}" for i in range(40)]})})
    >>> find_plain(data, [("goods", "title")])
    [('goods', 'title')]
    """
    found = []
    for name, column in places:
        table = data.schema.table(name)
        near, pending = {name}, [table]
        while pending:
            led = {reference.table for reference in pending.pop().references} - near
            near |= led
            pending += [data.schema.table(one) for one in led]
        texts = data.frames[name][column].drop_nulls().unique()
        if (
            any(is_personal(data.schema.table(one)) for one in near)
            or texts.dtype != pl.String
            or not len(texts)
        ):
            continue
        words = float(texts.str.count_matches(r"\p{L}{2,}").median())  # type: ignore[arg-type]
        if words >= 1 and _share_named(texts) < _SHARE:
            found.append((name, column))
    return found


def _share_named(texts: pl.Series) -> float:
    """Tell in which share of texts a person seems to be named."""
    names = known_words("first")["word"].unique().implode()
    # a name has a capital: "will" and "mark" are words
    words = pl.DataFrame({"t": texts, "w": texts.str.extract_all(r"\b\p{Lu}\p{L}+")}).explode("w")
    named = words.filter(pl.col("w").str.to_lowercase().is_in(names))["t"].n_unique()
    said = int(texts.str.contains(_SAYING).sum())
    return max(named, said) / len(texts)
