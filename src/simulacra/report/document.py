"""A report: the scores of an evaluation, where they came from, and what must hold for them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from simulacra.errors import CheckFailed, DataError, OptionError, unknown
from simulacra.evaluation import Evaluation
from simulacra.exhibit import Exhibit
from simulacra.metric import Score
from simulacra.report import _json, requirements, words
from simulacra.storage import atomic_path, open_error

SUFFIXES = ("html", "json", "md", "csv")
"""The forms in which a report is saved, by the ending of the file's name."""
_FORMS = {
    "html": "simulacra.report.html", "htm": "simulacra.report.html", "json": "simulacra.report._json",
    "md": "simulacra.report.markdown", "csv": "simulacra.report.table",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Report:
    """The scores of an evaluation under a title, with their provenance.

    Parameters
    ----------
    title : str
        What is reported on.
    evaluation : Evaluation
        The scores, the pictures' cells and the counts.
    provenance : dict
        What data, schema, model, seed and versions made the synthetic rows.
        ``provenance["privacy"]["formal"]`` says which formal guarantee holds, if any.
    notes : tuple of str
        What the reader must know besides: fallbacks, caps, choices.
    exhibits : tuple of Exhibit
        What the model that made the rows shows of itself: training curves, its graph, chosen families.

    Examples
    --------
    >>> import polars as pl
    >>> score = Score("privacy/copies", 0.002, (0.0, 0.004), 0.0, "pass", "No leak found by this attack.")
    >>> report = Report("Adult", Evaluation((score,), pl.DataFrame(), {}, {}, ()), {})
    >>> report["privacy/copies"].value
    0.002
    >>> report.require("privacy/copies <= 0.01")
    """

    title: str
    evaluation: Evaluation
    provenance: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    _forms: ClassVar[dict[str, str]] = _FORMS

    @property
    def scores(self) -> tuple[Score, ...]:
        """The scores, in the order in which they were computed."""
        return self.evaluation.scores

    def __iter__(self) -> Iterator[Score]:
        return iter(self.scores)

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, name: str) -> Score:
        for score in self.scores:
            if score.name == name:
                return score
        raise unknown("score", name, (score.name for score in self.scores))

    def __contains__(self, name: object) -> bool:
        return any(score.name == name for score in self.scores)

    def require(self, expression: str) -> None:
        """Raise unless every part of an expression holds.

        Parameters
        ----------
        expression : str
            ``name op number``, several joined by ``and``: ``"a/b <= 0.01 and c/d > 0.9"``.
            The operators are ``<=``, ``<``, ``>=``, ``>``, ``==`` and ``!=``.

        Raises
        ------
        CheckFailed
            A part does not hold, or its score was not computed.
        OptionError
            The expression can not be understood.
        UnknownName
            It names a score that this report does not have.

        Notes
        -----
        **Cost**: none. **Privacy**: the message holds the figure and its interval, no data.

        Examples
        --------
        >>> import polars as pl
        >>> score = Score("a/b", 0.034, (0.030, 0.038))
        >>> Report("t", Evaluation((score,), pl.DataFrame(), {}, {}, ())).require("a/b <= 0.01")
        Traceback (most recent call last):
        ...
        simulacra.errors.CheckFailed: a/b is 0.034 (95 % 0.030 to 0.038), which breaks "a/b <= 0.01".
        """
        broken = [
            f'{requirements.describe(self[part.name])}, which breaks "{part.text}".'
            for part in requirements.parse(expression)
            if not requirements.holds(part, self[part.name])
        ]
        if broken:
            raise CheckFailed(" ".join(broken))

    def forbid(self, expression: str) -> None:
        """Raise if an expression holds: the turned-round `require`, for ``--fail-if``.

        Parameters
        ----------
        expression : str
            As in `require`; parts joined by ``and`` are forbidden only together.

        Raises
        ------
        CheckFailed
            All parts hold, or one of them names a score that was not computed, so that nobody can tell.
        OptionError
            The expression can not be understood.
        UnknownName
            It names a score that this report does not have.

        Examples
        --------
        >>> import polars as pl
        >>> copied = Score("privacy/copies", 0.002)
        >>> Report("t", Evaluation((copied,), pl.DataFrame(), {}, {}, ())).forbid("privacy/copies > 0.01")
        """
        parts = requirements.parse(expression)
        if all(requirements.holds(part, self[part.name], missing=True) for part in parts):
            said = "; ".join(requirements.describe(self[part.name]) for part in parts)
            raise CheckFailed(f'{said}, and "{expression.strip()}" must not be.')

    @property
    def policy(self) -> dict[str, Any] | None:
        """The policy that judged this report (``file``, ``sha256``, ``requirements``), if one did."""
        found = self.provenance.get("policy")
        return found if isinstance(found, dict) else None

    @property
    def broken(self) -> tuple[str, ...]:
        """The policy's requirements that are broken, as sentences.

        Examples
        --------
        >>> import polars as pl
        >>> Report("t", Evaluation((), pl.DataFrame(), {}, {}, ())).broken
        ()
        """
        listed = (self.policy or {}).get("requirements") or []
        return tuple(requirements.sentence(item) for item in listed if not item.get("met"))

    def to_dict(self, *, private: bool = False) -> dict[str, Any]:
        """Return the report as JSON values.

        Parameters
        ----------
        private : bool
            Also give the evidence that holds real values or rows; for the owner of the data only.

        Returns
        -------
        dict
            ``version``, ``title``, ``scores``, ``profiles``, ``joints``, ``summary``, ``seconds``, ``provenance``,
            ``notes`` and, if there are any, ``exhibits``, as `schema` says. NaN becomes null.

        Examples
        --------
        >>> import polars as pl
        >>> Report("t", Evaluation((), pl.DataFrame(), {}, {}, ())).to_dict()["version"]
        1
        """
        made = _json.dump(self.title, self.evaluation, self.provenance, self.notes, private=private)
        shown = _json.dump_exhibits(self.exhibits)
        return made | {"exhibits": shown} if shown else made

    @classmethod
    def from_dict(cls, document: Any) -> Report:
        """Make the report from what `to_dict` gave.

        Parameters
        ----------
        document : dict
            The parsed JSON.

        Returns
        -------
        Report
            Equal in all that `to_dict` shows.

        Raises
        ------
        DataError
            It is no report, it is from a newer version of simulacra, or it is larger than any report is.

        Examples
        --------
        >>> import polars as pl
        >>> made = Report("t", Evaluation((), pl.DataFrame(), {}, {}, ())).to_dict()
        >>> Report.from_dict(made).title
        't'
        """
        if isinstance(document, dict) and "tables" in document:
            report: Report = importlib.import_module("simulacra.report.database").restore(document)
            return report
        title, evaluation, provenance, notes = _json.restore(document)
        return cls(title, evaluation, provenance, notes, _json.restore_exhibits(document))

    @classmethod
    def read(cls, path: str | Path) -> Report:
        """Read a report that was saved as JSON.

        Parameters
        ----------
        path : str or path
            The ``.json`` file.

        Raises
        ------
        FileError
            The file can not be read.
        DataError
            It is no report.
        """
        path = Path(path)
        try:
            if path.stat().st_size > _json.MAX_BYTES:
                raise DataError(f"'{path}' is larger than any report. Give the JSON that simulacra saved.")
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise open_error(path, error) from error
        except UnicodeDecodeError as error:
            raise DataError(f"'{path}' is not a JSON text. Give the JSON that simulacra saved.") from error
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"'{path}' is not JSON. Give the JSON that simulacra saved.") from error
        return cls.from_dict(document)

    def save(self, path: str | Path, *, private: bool = False) -> Path:
        """Write the report to a file, all or nothing.

        Parameters
        ----------
        path : str or path
            Ends in ``.html`` (one file that works offline), ``.json``, ``.md`` (Markdown) or ``.csv`` (one row per
            score).
        private : bool
            Also write the evidence that holds real values or rows; for the owner of the data only. A ``.csv`` holds
            no evidence in any case.

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

        Notes
        -----
        **Privacy**: without `private` a report holds aggregates only, yet figures of similarity to a
        private table tell something of that table as well (arXiv 2312.05114): share them as you would
        share a statistic.
        """
        path = Path(path)
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in _FORMS:
            raise OptionError(
                f"a report is saved as {words.listed([f'.{form}' for form in SUFFIXES])}, not as '{path.name}'. "
                "Change the ending."
            )
        text = importlib.import_module(self._forms[suffix]).render(self, private=private)
        with atomic_path(path) as part:
            Path(part).write_text(text, encoding="utf-8", newline="")
        return path

    @staticmethod
    def schema() -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of what `to_dict` gives, for programs that read reports.

        Examples
        --------
        >>> Report.schema()["properties"]["version"]
        {'const': 1}
        """
        return _json.schema()

    def _repr_html_(self) -> str:
        text: str = importlib.import_module("simulacra.report.html").fragment(self)
        return text

    def __str__(self) -> str:
        text: str = importlib.import_module("simulacra.report.terminal").text(self)
        return text

    def __repr__(self) -> str:
        return f"Report({self.title!r}, {len(self.scores)} scores)"
