"""Several synthetic tables side by side: which did best, by a rule that is stated and averages nothing."""

from __future__ import annotations

import importlib
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from simulacra.errors import OptionError, unknown
from simulacra.metric import Score
from simulacra.report import _json, answers, markdown, words
from simulacra.report.document import Report
from simulacra.storage import atomic_path

VERSION = 1
HEADLINE = "fidelity/detection"
SHOWN = 6
RULE = (
    "Ranked by fewest failed tests, then by fewest tests that call for a look (a test that only others could make "
    "counts as one), then by how badly a classifier tells the rows from real ones. Nothing is averaged; "
    "equals share a place."
)
POLICY_RULE = "First come those that break the fewest requirements of the policy. "
_SCHEMA = {
    "place": pl.Int64, "candidate": pl.String, "name": pl.String, "title": pl.String, "value": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "baseline": pl.Float64, "verdict": pl.String, "better": pl.String,
}  # fmt: skip
SUFFIXES = ("html", "json", "md", "csv")


@dataclass(frozen=True, eq=False)
class Candidate:
    """One synthetic table of a ranking.

    Parameters
    ----------
    name : str
        As the user calls it.
    report : Report or None
        What was found; None when it could not be evaluated.
    source : str
        Where it came from: ``"file fake.csv"``, ``"model trees"``, ``"frame"``.
    seconds : float or None
        Wall time of the fit, for models that were fitted here.
    error : str
        Why it could not be evaluated.
    """

    name: str
    report: Report | None
    source: str = ""
    seconds: float | None = None
    error: str = ""

    def count(self, *verdicts: str) -> int:
        """Count the scores with one of these verdicts."""
        return sum(words.verdict(score) in verdicts for score in self.report or ())

    def score(self, name: str) -> Score | None:
        """Return a score that was computed, if there is one of this name."""
        if self.report is None or name not in self.report:
            return None
        found = self.report[name]
        return found if words.is_computed(found) else None


@dataclass(frozen=True, eq=False)
class Ranking:
    """Several synthetic tables measured against the same real rows, the best first.

    Parameters
    ----------
    title : str
        What is compared.
    candidates : tuple of Candidate
        In the order of their places; those that could not be evaluated come last.

    Examples
    --------
    >>> from simulacra.evaluation import Evaluation
    >>> def report(value, verdict):
    ...     score = Score("fidelity/detection", value, verdict=verdict)
    ...     return Report("t", Evaluation((score,), pl.DataFrame(), {}, {}, ()))
    >>> found = rank("t", [Candidate("a", report(0.9, "fail")), Candidate("b", report(0.6, "pass"))])
    >>> found.names
    ('b', 'a')
    >>> found["a"]["fidelity/detection"].value
    0.9
    """

    title: str
    candidates: tuple[Candidate, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The candidates' names, the best first."""
        return tuple(candidate.name for candidate in self.candidates)

    @property
    def reports(self) -> dict[str, Report]:
        """The reports by name, of those that could be evaluated."""
        return {one.name: one.report for one in self.candidates if one.report is not None}

    @property
    def rule(self) -> str:
        """How the places were found, in words."""
        judged = any(report.policy is not None for report in self.reports.values())
        return (POLICY_RULE if judged else "") + RULE

    @property
    def places(self) -> dict[str, int]:
        """The place of each candidate that could be evaluated; those that the rule can not tell apart share one."""
        standings = {one.name: _standing(one, self.candidates) for one in self if one.report is not None}
        return {name: 1 + sum(other < own for other in standings.values()) for name, own in standings.items()}

    def __getitem__(self, name: str) -> Report:
        if name not in self.reports:
            raise unknown("candidate", name, self.reports)
        return self.reports[name]

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def __len__(self) -> int:
        return len(self.candidates)

    def rows(self) -> list[tuple[str, list[Score | None]]]:
        """Return the scores side by side: for each name, one score per candidate, in the order of the report."""
        groups: dict[str, list[str]] = {}
        for report in self.reports.values():
            for answer in answers.answers(report):
                held = groups.setdefault(answer.family, [])
                held += [score.name for score in answer.scores if score.name not in held]
        return [
            (
                name,
                [one.report[name] if one.report is not None and name in one.report else None for one in self],
            )
            for names in groups.values()
            for name in names
        ]

    def frame(self) -> pl.DataFrame:
        """Return the scores as a frame: a row per score and candidate, the best candidate first."""
        found = []
        places = self.places
        for one in self:
            for score in one.report or ():
                low, high = score.interval or (None, None)
                found.append({
                    "place": places[one.name], "candidate": one.name, "name": score.name,
                    "title": words.title(score),
                    "value": finite(score.value), "low": finite(low), "high": finite(high),
                    "baseline": finite(score.baseline), "verdict": words.verdict(score), "better": score.better,
                })  # fmt: skip
        return pl.DataFrame(found, schema=_SCHEMA)

    def to_dict(self, *, private: bool = False) -> dict[str, Any]:
        """Return the ranking as JSON values, each report within.

        Parameters
        ----------
        private : bool
            Also give the evidence that holds real values or rows; for the owner of the data only.
        """
        listed = []
        for one in self:
            listed.append({
                "place": self.places.get(one.name), "name": one.name, "source": one.source,
                "fit_seconds": finite(one.seconds), "error": one.error or None,
                "tests": {verdict: one.count(verdict) for verdict in words.VERDICTS},
                "report": None if one.report is None else one.report.to_dict(private=private),
            })  # fmt: skip
        return {"version": VERSION, "title": self.title, "rule": self.rule, "candidates": listed}

    def save(self, path: str | Path, *, private: bool = False) -> Path:
        """Write the ranking to a file, all or nothing.

        Parameters
        ----------
        path : str or path
            Ends in ``.html``, ``.json``, ``.md`` or ``.csv``.
        private : bool
            Keep the owner's evidence in the reports of a ``.json``; the other forms hold none.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        OptionError
            The name has another ending.
        FileError
            The file can not be written.
        """
        path = Path(path)
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in SUFFIXES:
            shown = words.listed([f".{form}" for form in SUFFIXES])
            raise OptionError(f"a ranking is saved as {shown}, not as '{path.name}'. Change the ending.")
        if suffix == "html":
            text: str = importlib.import_module("simulacra.report.ranking_page").render(self)
        elif suffix == "json":
            text = _json.render(self, private=private)
        else:
            text = _markdown(self) if suffix == "md" else self.frame().write_csv()
        with atomic_path(path) as part:
            Path(part).write_text(text, encoding="utf-8", newline="")
        return path

    def _repr_html_(self) -> str:
        text: str = importlib.import_module("simulacra.report.ranking_page").fragment(self)
        return text

    def __str__(self) -> str:
        out = io.StringIO()
        console = Console(file=out, width=110, force_terminal=False, color_system=None, legacy_windows=False)
        print_ranking(self, console)
        return out.getvalue().rstrip("\n")

    def __repr__(self) -> str:
        return f"Ranking({', '.join(self.names)})"


def finite(value: float | None) -> float | None:
    """Return a figure that JSON and CSV can hold, or None."""
    return None if value is None or not math.isfinite(value) else float(value)


def rank(title: str, candidates: Iterable[Candidate]) -> Ranking:
    """Put candidates in order by the stated rule.

    Parameters
    ----------
    title : str
        What is compared.
    candidates : iterable of Candidate
        In any order; equal ones keep theirs.

    Returns
    -------
    Ranking
        The best first.

    Examples
    --------
    >>> len(rank("t", []))
    0
    """
    given = list(candidates)
    return Ranking(title, tuple(sorted(given, key=lambda one: _standing(one, given))))


def _standing(one: Candidate, others: Sequence[Candidate]) -> tuple[float, ...]:
    """Return what the rule compares, the smaller the better; equal ones share a place."""
    if one.report is None:
        return (1,)
    known = {score.name for other in others for score in other.report or () if words.is_computed(score)}
    lacking = sum(one.score(name) is None for name in known)
    headline = one.score(HEADLINE)
    told = math.inf if headline is None else headline.value
    return (0, len(one.report.broken), one.count("fail"), one.count("look") + lacking, told)


def nearest(scores: Iterable[Score | None]) -> list[bool]:
    """Mark the scores that lose least against real data; what is beyond the figure of real data loses nothing.

    Examples
    --------
    >>> nearest([Score("a/b", 0.9, baseline=0.5), Score("a/b", 0.6, baseline=0.5), None])
    [False, True, False]
    """
    losses = []
    for score in scores:
        if score is None or not words.is_computed(score):
            losses.append(math.inf)
            continue
        real = score.baseline if score.baseline is not None and math.isfinite(score.baseline) else None
        gap = (score.value - (real or 0.0)) * (1 if score.better == "lower" else -1)
        losses.append(gap if real is None else max(0.0, gap))
    least = min(losses, default=math.inf)
    known = [loss for loss in losses if math.isfinite(loss)]
    if len(known) < 2 or all(loss == least for loss in known):
        return [False] * len(losses)
    return [loss == least for loss in losses]


def facts(one: Candidate) -> tuple[str, ...]:
    """Return what the list of places says of a candidate: fail, look, pass, not computed, headline, policy, fit."""
    told = one.score(HEADLINE)
    broken = "" if one.report is None or one.report.policy is None else f"{len(one.report.broken)}"
    return (
        *(str(one.count(verdict)) for verdict in ("fail", "look", "pass", "not computed")),
        words.MARGIN if told is None else f"{words.figure(told.value)}{words.interval_in_brackets(told)}",
        broken or words.MARGIN,
        words.MARGIN if one.seconds is None else words.duration(one.seconds),
    )


HEADS = ("fail", "look", "pass", "not computed", "told from real rows (AUC)", "policy broken", "time to fit")


def print_ranking(ranking: Ranking, console: Console) -> None:
    """Print the places and what failed, in ASCII where the console is no terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "candidate", *HEADS):
        table.add_column(name, justify="left" if name == "candidate" else "right")
    places = ranking.places
    for one in ranking:
        if one.report is not None:
            table.add_row(
                str(places[one.name]), one.name, *(fact.replace(words.MARGIN, "-") for fact in facts(one))
            )
    console.print(ranking.title, style="bold", highlight=False, markup=False)
    console.print(table, highlight=False)
    for one in ranking:
        failed = [score.name for score in one.report or () if words.verdict(score) == "fail"]
        if failed:
            more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
            said = f"{one.name} fails {', '.join(failed[:SHOWN])}{more}"
            console.print(said, highlight=False, markup=False)
        if one.error:
            console.print(
                f"{one.name} was left out: {one.error}", style="bold", highlight=False, markup=False
            )
    console.print(ranking.rule, style="dim", highlight=False, markup=False)


def _markdown(ranking: Ranking) -> str:
    known = [one for one in ranking if one.report is not None]
    places = [(str(ranking.places[one.name]), one.name, one.source, *facts(one)) for one in known]
    parts = [f"# {markdown.plain(ranking.title)}", markdown.plain(ranking.rule)]
    parts.append(markdown.table(("place", "candidate", "source", *HEADS), places))
    errors = [f"{one.name} was left out: {one.error}" for one in ranking if one.error]
    parts += [markdown.bullets(errors)] if errors else []
    rows = []
    for name, scores in ranking.rows():
        computed = [score for score in scores if score is not None]
        cells = [_said(score) for one, score in zip(ranking, scores, strict=True) if one.report is not None]
        real = next((words.figure(s.baseline) for s in computed if s.baseline is not None), words.MARGIN)
        rows.append((f"{words.title(computed[0])} ({name})", *cells, real))
    parts.append(markdown.table(("score", *(one.name for one in known), "real data get"), rows))
    return "\n\n".join(parts) + "\n"


def _said(score: Score | None) -> str:
    if score is None or not words.is_computed(score):
        return words.MARGIN
    return f"{words.SIGNS[score.verdict]} {words.figure(score.value)}"
