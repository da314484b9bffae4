"""A blind test for an expert: real and synthetic records mixed on one page, and the key to it in a file of its own."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import polars as pl
from markupsafe import Markup

from simulacra.domain import Array
from simulacra.errors import DataError, FileError, OptionError
from simulacra.randomness import Streams
from simulacra.schema.types import Table
from simulacra.storage import atomic_path, require_writable

KEY_FORMAT = "simulacra-review-key"
VERSION = 1
FEWEST, MOST = 10, 400
"""Records on a page: with fewer nobody can be told from a guesser, more nobody marks."""
MISSING = ""
_TEMPLATES = Path(__file__).parent / "templates"
_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


@dataclass(frozen=True, repr=False)
class Review:
    """Records to be judged by somebody who knows the field, half of them real, in random order.

    Parameters
    ----------
    title : str
        Heading of the page.
    columns : tuple of str
        What is shown of every record, units included.
    records : tuple of tuples of str
        The values as text, empty where one is missing.
    real : tuple of bool
        Which records are real: the key, which is not on the page.

    Notes
    -----
    **Privacy** The page shows real records as they are. Whoever may not see the data may not see the page.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> rows = pl.DataFrame({"age": [31, 45, 27, 60] * 30})
    >>> made = sim.review(rows, rows, n=20)
    >>> made, sum(made.real)
    (Review(20 records, half of them real), 10)
    """

    title: str
    columns: tuple[str, ...]
    records: tuple[tuple[str, ...], ...]
    real: tuple[bool, ...]

    @property
    def name(self) -> str:
        """What page, key and answers have in common, so that none is taken for that of another test."""
        shown = json.dumps([self.title, self.columns, self.records], ensure_ascii=False)
        return hashlib.sha256(shown.encode()).hexdigest()[:16]

    def html(self) -> str:
        """Write the page: one file that needs nothing beside itself and can open no connection."""
        script = (_TEMPLATES / "review.js").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        data = {"review": self.name, "title": self.title, "columns": self.columns, "records": self.records}
        embedded = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
        policy = (
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
            f"script-src 'sha256-{digest}'"
        )
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
        )
        page: str = environment.get_template("review.html.j2").render(
            title=self.title,
            count=len(self.records),
            policy=policy,
            style=Markup((_TEMPLATES / "review.css").read_text(encoding="utf-8")),
            script=Markup(script),
            data=Markup(embedded),
        )
        return page

    def save(self, path: str | Path, *, key: str | Path | None = None) -> tuple[Path, Path]:
        """Write the page and, to a file of its own, the key.

        Parameters
        ----------
        path : str or path
            The page, ending in ``.html``.
        key : str, path or None
            The key, ending in ``.json``; beside the page (``review.key.json``) when None.

        Returns
        -------
        (Path, Path)
            The page and the key. Give the expert the page alone.

        Raises
        ------
        FileError
            A file can not be written, or an ending is another one.
        """
        page, secret = Path(path), key_path(path) if key is None else Path(key)
        require_writable(page, suffixes=(".html",))
        require_writable(secret, suffixes=(".json",))
        document = {"format": KEY_FORMAT, "version": VERSION, "review": self.name, "real": self.real}
        for target, text in ((page, self.html()), (secret, json.dumps(document) + "\n")):
            with atomic_path(target) as place:
                place.write_text(text, encoding="utf-8")
        return page, secret

    def __repr__(self) -> str:
        return f"Review({len(self.records)} records, half of them real)"


def key_path(page: str | Path) -> Path:
    """Name the file of the key that belongs to a page.

    Examples
    --------
    >>> key_path("review.html").name
    'review.key.json'
    """
    page = Path(page)
    if page.suffix.lower() != ".html":
        raise FileError(f"can not write {str(page)!r}: its name must end in .html. Rename it.")
    return page.with_name(f"{page.stem}.key.json")


def mix(
    real: pl.DataFrame,
    synthetic: pl.DataFrame,
    table: Table,
    *,
    n: int = 40,
    streams: Streams,
    text: bool = False,
    title: str = "Which records are real?",
) -> Review:
    """Draw as many real as synthetic records and put them in random order.

    Parameters
    ----------
    real, synthetic : DataFrame
        Canonical values under the table.
    table : Table
        What the columns are. Keys and identifiers are never shown: fakes of them say nothing of the model.
    n : int
        Records on the page, an even number from 10 to 400.
    streams : Streams
        Where the draw comes from.
    text : bool
        Show columns of free text too.
    title : str
        Heading of the page.

    Returns
    -------
    Review
        The page and its key.

    Raises
    ------
    OptionError
        `n` is odd, too small or too large.
    DataError
        There are too few rows, or no column can be shown.
    """
    if not FEWEST <= n <= MOST or n % 2:
        raise OptionError(f"a review takes an even number of records from {FEWEST} to {MOST}, not {n}.")
    columns = [
        c for c in table.columns if c.kind != "key" and c.identifying is None and (text or c.kind != "text")
    ]
    if not columns:
        raise DataError(
            "no column can be shown: all are keys, identifiers or texts. Show texts with text=True (--text)."
        )
    for name, frame in (("real", real), ("synthetic", synthetic)):
        if frame.height < n // 2:
            raise DataError(
                f"a review of {n} records needs {n // 2} {name} rows and there are {frame.height}. Ask for fewer."
            )
    parts = [
        frame[streams.stream(name).choice(frame.height, n // 2, replace=False)].select(
            c.name for c in columns
        )
        for name, frame in (("real", real), ("synthetic", synthetic))
    ]
    order: Array = streams.stream("order").permutation(n)
    shown = [[_say(value) for part in parts for value in part[column.name].to_list()] for column in columns]
    records = tuple(tuple(values[i] for values in shown) for i in order.tolist())
    heads = tuple(c.name if c.unit is None else f"{c.name} ({c.unit})" for c in columns)
    return Review(title, heads, records, tuple(bool(i < n // 2) for i in order))


def _say(value: Any) -> str:
    """Write a value as people read it, in the same way whether it is real or not."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    return str(value)
