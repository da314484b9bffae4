"""The verb `review`: rows in, a blind test for an expert out; and the answers back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from simulacra._api_comparison import compare
from simulacra._api_schema import Contract, contract
from simulacra.dataset import dataset
from simulacra.errors import OptionError
from simulacra.randomness import Streams, resolve_seed
from simulacra.report.marks import SCHEMA, read_marks
from simulacra.report.review import Review, mix

Marks = pl.DataFrame | Sequence[str | Path]


def review(
    real: Any,
    synthetic: Any,
    *,
    n: int = 40,
    seed: int | None = None,
    text: bool = False,
    schema: Contract | None = None,
    title: str | None = None,
) -> Review:
    """Make a blind test for an expert: real and synthetic records mixed on one page.

    Parameters
    ----------
    real : path, frame or Dataset
        Real rows.
    synthetic : path, frame or Dataset
        Rows under test, from any generator.
    n : int
        Records on the page, half of them real; an even number from 10 to 400.
    seed : int or None
        The same seed draws the same records; a fresh one when None, so that nobody can draw them again.
    text : bool
        Show columns of free text too. Keys and identifiers are never shown.
    schema : Schema, path or None
        The contract of both; that of `real` when None.
    title : str or None
        Heading of the page.

    Returns
    -------
    Review
        `save` writes the page and, to another file, the key.

    Notes
    -----
    **Cost**: reads both tables, no more. **Privacy**: the page shows real records as they are.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> rows = pl.DataFrame({"age": [31, 45, 27, 60] * 30})
    >>> page, key = sim.review(rows, sim.fit(rows, seed=1).sample(100, seed=2), seed=3).save("review.html")
    >>> page.name, key.name
    ('review.html', 'review.key.json')
    """
    known = dataset(real, schema=contract(schema, real))
    drawn = resolve_seed(seed)
    case, _ = compare(known, known.schema.table(), synthetic, None, drawn)
    return mix(
        case.train,
        case.synthetic,
        case.table,
        n=n,
        streams=Streams(drawn).at("review"),
        text=text,
        title=title or f"Which records of {case.table.name!r} are real?",
    )


def take_marks(given: Marks | None) -> pl.DataFrame | None:
    """Return what an expert marked, from a frame or from the files of answers and key.

    Raises
    ------
    OptionError
        It is neither.
    """
    if given is None:
        return None
    if isinstance(given, pl.DataFrame):
        absent = [name for name in ("record", "real", "marked", "reason") if name not in given.columns]
        if absent:
            raise OptionError(
                f"review=... lacks the column {absent[0]!r}. Give the files of answers and key instead."
            )
        return given.with_columns(pl.col(name).cast(SCHEMA[name]) for name in given.columns if name in SCHEMA)
    if isinstance(given, (str, Path)) or len(given) != 2:
        raise OptionError('review=... takes two files, ("answers.json", "review.key.json"), or a frame.')
    return read_marks(*given)
