"""Scenarios drawn: the rows of each by name, and what was asked and got."""

from __future__ import annotations

import difflib
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from simulacra._scenarios_drawing import Kind, Move, draw_plain
from simulacra.dataset import Dataset
from simulacra.errors import FileError, OptionError, UnknownName, unknown
from simulacra.filing import source_for, writable_suffixes
from simulacra.scenarios import Scenario
from simulacra.storage import atomic_path, write_error
from simulacra.synthesizer import Synthesizer

VERSION = 1
PLAIN_ROWS = 30_000
"""Rows of the model as it is that scenarios are held against."""
SUFFIXES = ("html", "json")
_TOLD = re.compile(r" has a probability of about (\d[\d.e-]*) % in this model")


@dataclass(frozen=True, eq=False)
class Outcome:
    """One scenario drawn.

    Parameters
    ----------
    scenario : Scenario
        What was asked for.
    data : Dataset
        The rows, with notes.
    kinds : tuple of Kind
        The kinds of rows that it speaks of, with their shares.
    moves : tuple of Move
        The means of shifted columns before and after.
    """

    scenario: Scenario
    data: Dataset
    kinds: tuple[Kind, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True, eq=False)
class Outcomes(Mapping[str, Dataset]):
    """Scenarios drawn; what `play` returns: a mapping of names to data sets.

    Parameters
    ----------
    title : str
        Heading of the page.
    outcomes : tuple of Outcome
        In the order of the file.
    model : Synthesizer
        What they were drawn from.
    seed : int
        The seed.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> model = sim.fit(pl.DataFrame({"a": [1, 2] * 50}), "independent", seed=0)
    >>> drawn = sim.play(model, [{"name": "twos", "rows": 5, "where": "a = 2"}], seed=1)
    >>> drawn["twos"].frame["a"].to_list()
    [2, 2, 2, 2, 2]
    """

    title: str
    outcomes: tuple[Outcome, ...]
    model: Synthesizer
    seed: int

    def __getitem__(self, name: str) -> Dataset:
        for one in self.outcomes:
            if one.scenario.name == name:
                return one.data
        raise unknown("scenario", name, list(self))

    def __iter__(self) -> Iterator[str]:
        return (one.scenario.name for one in self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __contains__(self, name: object) -> bool:
        return any(name == known for known in self)

    def __repr__(self) -> str:
        rows = ", ".join(f"{one.scenario.name}: {len(one.data):,} rows" for one in self.outcomes)
        return f"Outcomes({rows})"

    @cached_property
    def plain(self) -> pl.DataFrame:
        """Rows of the model as it is, that scenarios are held against."""
        return draw_plain(self.model, PLAIN_ROWS, self.seed)

    def before(self, kind: Kind, one: Outcome | None = None) -> float:
        """Return the share of a kind of rows among the rows of the model as it is.

        What the notes of a draw tell of its condition is taken, so that page and notes give one figure.
        """
        if one is not None and kind.field == "where":
            told = next(filter(None, map(_TOLD.search, one.data.notes)), None)
            if told is not None:
                return float(told.group(1)) / 100
        return kind.measure(self.plain)

    def write(self, folder: str | Path, format: str = "csv") -> dict[str, Path]:
        """Write each scenario to a file of its name.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there; its parent must be.
        format : str
            Ending of the files that no `output` names: ``"csv"``, ``"csv.gz"``, ``"parquet"``, ...

        Returns
        -------
        dict
            The file of each scenario.

        Raises
        ------
        FileError
            A file can not be written.
        """
        folder = Path(folder)
        names = file_names([one.scenario for one in self.outcomes], format)
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from error
        written = {}
        for one in self.outcomes:
            target = written[one.scenario.name] = folder / names[one.scenario.name]
            one.data.write(target)
        return written

    def save(self, path: str | Path) -> Path:
        """Write what was asked and got to a file, not the rows: ``.html`` (a page) or ``.json``.

        Raises
        ------
        OptionError
            The name has another ending.
        FileError
            The file can not be written; nothing is left half done.
        """
        path = Path(path)
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in SUFFIXES:
            raise OptionError(
                f"the report of scenarios is saved as .html or .json, not as {path.name!r}. Change the ending."
            )
        if suffix == "html":
            text: str = importlib.import_module("simulacra.report.scenarios_page").render(self)
        else:
            text = (
                json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n"
            )
        with atomic_path(path) as part:
            Path(part).write_text(text, encoding="utf-8", newline="")
        return path

    def to_dict(self) -> dict[str, Any]:
        """Return what was asked and got as JSON values."""
        return {
            "version": VERSION,
            "title": self.title,
            "model": self.model.model,
            "seed": self.seed,
            "scenarios": [self._listed(one) for one in self.outcomes],
        }

    def _listed(self, one: Outcome) -> dict[str, Any]:
        asked: dict[str, Any] = {**one.scenario.asked}
        if one.scenario.shift:
            asked["shift"] = dict(one.scenario.shift)
        if one.scenario.mix:
            asked["mix"] = [{"scenario": part.scenario, "share": part.share} for part in one.scenario.mix]
        return {
            "name": one.scenario.name,
            "says": one.scenario.says,
            "rows": len(one.data),
            "asked": asked,
            "shares": [
                {
                    "field": kind.field,
                    "rows": kind.words,
                    "model": self.before(kind, one),
                    "scenario": kind.share,
                }
                for kind in one.kinds
            ],
            "shifts": [
                {"column": move.column, "sql": move.sql, "mean_before": move.before, "mean_after": move.after}
                for move in one.moves
            ],
            "sha256": one.data.digest,
            "notes": list(one.data.notes),
        }


def file_names(scenarios: list[Scenario], format: str) -> dict[str, str]:
    """Name the file of each scenario, and check that all can be written.

    Raises
    ------
    UnknownName, FileError, OptionError
        A format is not known, or two scenarios would be written to one file.

    Examples
    --------
    >>> file_names([Scenario("a", 5), Scenario("b", 5, output="b.parquet")], "csv")
    {'a': 'a.csv', 'b': 'b.parquet'}
    """
    ending = format.lower().removeprefix(".")
    if f".{ending}" not in writable_suffixes():
        known = sorted(s.removeprefix(".") for s in writable_suffixes() if s.count(".") == 1)
        near = difflib.get_close_matches(ending, known, n=1, cutoff=0.6)
        advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
        raise UnknownName(f"no format named {format!r} can be written; {advice}")
    names: dict[str, str] = {}
    for one in scenarios:
        name = one.output or f"{one.name}.{ending}"
        try:
            source_for(name)
        except FileError as error:
            raise type(error)(f"scenario {one.name!r}, field 'output': {error}") from error
        twice = next((other for other, file in names.items() if file.casefold() == name.casefold()), None)
        if twice is not None:
            raise OptionError(
                f"scenarios {twice!r} and {one.name!r} would both be written to {name!r}. Rename one."
            )
        names[one.name] = name
    return names
