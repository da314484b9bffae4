"""Real rows with synthetic ones of a rare level, and what these are worth: as frames, files, words and a page."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import polars as pl

from simulacra.dataset import Dataset
from simulacra.errors import OptionError
from simulacra.filing import write_csv
from simulacra.frames import from_polars
from simulacra.rare._words import beyond_chance
from simulacra.schema.types import Column, Schema, Table
from simulacra.storage import atomic_path

VERSION = 1
SUFFIXES = ("html", "json", "csv")
OURS, PLAIN = "synthetic rows", "balanced accuracy"


@dataclass(frozen=True, repr=False)
class Augmented:
    """What `augment` returns.

    Parameters
    ----------
    data : Dataset
        The real rows under their schema.
    drawn : DataFrame
        The synthetic rows, canonical values.
    target : str
        What is predicted.
    chosen : dict
        How many synthetic rows each level got.
    scores : DataFrame
        A row per method and score: ``value`` with its 95 % interval, ``gain`` over doing nothing with its own, the
        ``threshold`` that was chosen, and a note where a method was left out.
    amounts : DataFrame
        A row per number of rows that was tried, with its scores on out-of-fold predictions.
    notes : tuple of str
        The verdict in words, the plainest first.
    mark : str or None
        Name of the column that says which rows are synthetic, where one was asked for.
    measured : {"holdout", "out-of-fold"}
        On which real rows the scores were measured.
    shares : (float, float) or None
        The share of rare rows among those, and among the real rows, on which amounts were tried: average precision
        depends on it.

    Examples
    --------
    >>> from simulacra.dataset import dataset
    >>> real = dataset(pl.DataFrame({"x": [1, 2], "y": [True, False]}))
    >>> found = Augmented(real, pl.DataFrame({"x": [3], "y": [True]}), "y", {"true": 1}, pl.DataFrame(), pl.DataFrame())
    >>> found.frame.rows()
    [(1, True), (2, False), (3, True)]
    >>> found
    Augmented(y: 2 real rows and 1 synthetic)
    """

    data: Dataset
    drawn: pl.DataFrame
    target: str
    chosen: Mapping[str, int]
    scores: pl.DataFrame
    amounts: pl.DataFrame
    notes: tuple[str, ...] = ()
    mark: str | None = None
    measured: str = "holdout"
    shares: tuple[float, float] | None = None

    def __repr__(self) -> str:
        return f"Augmented({self.target}: {len(self.data):,} real rows and {len(self.drawn):,} synthetic)"

    @property
    def frame(self) -> Any:
        """All rows as the kind of frame that was given, the real ones first."""
        return from_polars(self._all(), self.data.layouts[self.data.name], self._table())

    @property
    def real(self) -> Any:
        """The real rows as they were given."""
        return self.data.frame

    @property
    def synthetic(self) -> Any:
        """The synthetic rows as the kind of frame that was given."""
        return from_polars(self.drawn, self.data.layouts[self.data.name], self.data.schema.table())

    @property
    def helps(self) -> bool:
        """Whether rows were added."""
        return len(self.drawn) > 0

    @property
    def verdict(self) -> str:
        """What the rows are worth in a few words: no more than the intervals of the gains say."""
        if not self.helps:
            return "It does not help"
        better, worse = beyond_chance(self.scores)
        if better == [PLAIN]:
            return "It moves the threshold" + (" and costs other scores" if worse else ", no more")
        if better:
            return "It helps some scores and harms others" if worse else "It helps"
        return "It does harm" if worse else "No gain beyond chance"

    def write(self, target: str | Path | TextIO) -> None:
        """Write all rows, the real ones first.

        Parameters
        ----------
        target : str, Path or text file
            A path, whose ending chooses the format as for `Dataset.write`, is written beside and renamed. An open text
            file (``sys.stdout``) gets CSV.

        Raises
        ------
        FileError
            It can not be written; nothing is left half done.
        """
        if not isinstance(target, (str, Path)):
            write_csv(iter([self._all()]), target, self._table())
            return
        schema = Schema((self._table(),))
        replace(self.data, schema=schema, frames={self.data.name: self._all()}).write(target)

    def save(self, path: str | Path) -> Path:
        """Write what was found to a file: the scores, not the rows.

        Parameters
        ----------
        path : str or Path
            Ends in ``.html`` (a page), ``.json`` or ``.csv`` (the table of scores).

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OptionError
            The name has another ending.
        FileError
            It can not be written; nothing is left half done.
        """
        path = Path(path)
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in SUFFIXES:
            raise OptionError(
                f"an augmentation is saved as .html, .json or .csv, not as {path.name!r}. Change the ending."
            )
        if suffix == "html":
            text: str = importlib.import_module("simulacra.report.augmented_page").render(self)
        elif suffix == "json":
            text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        else:
            text = self.scores.write_csv()
        with atomic_path(path) as part:
            Path(part).write_text(text, encoding="utf-8", newline="")
        return path

    def to_dict(self) -> dict[str, Any]:
        """Return what was found as JSON values, without the rows."""
        return {
            "version": VERSION,
            "target": self.target,
            "rows": {"real": len(self.data), "synthetic": len(self.drawn)},
            "chosen": dict(self.chosen),
            "measured": self.measured,
            "shares": None
            if self.shares is None
            else dict(zip(("measured", "real"), self.shares, strict=True)),
            "scores": self.scores.to_dicts(),
            "amounts": self.amounts.to_dicts(),
            "notes": list(self.notes),
        }

    def _all(self) -> pl.DataFrame:
        whole = pl.concat([self.data.polars(), self.drawn])
        if self.mark is None:
            return whole
        return whole.with_columns((pl.int_range(pl.len()) >= len(self.data)).alias(self.mark))

    def _table(self) -> Table:
        table = self.data.schema.table()
        if self.mark is None:
            return table
        return replace(table, columns=(*table.columns, Column(self.mark, "boolean")))
