"""The report as Markdown, for a pull request, a wiki or a data sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from simulacra.metric import Score
from simulacra.report import _tables, answers, words
from simulacra.report.document import Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def render(report: Report, *, private: bool = False) -> str:
    """Write a report as Markdown.

    Parameters
    ----------
    report : Report
        Any report.
    private : bool
        Add the evidence for the owner of the data, which holds real values or rows.

    Returns
    -------
    str
        The answers, a table of scores for each question, the policy, notes and provenance. No charts and no details:
        those are in the page and in the JSON.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.evaluation import Evaluation
    >>> render(Report("Adult", Evaluation((), pl.DataFrame(), {}, {}, ()), {})).splitlines()[0]
    '# Adult'
    """
    formal, line = words.guarantee(report.provenance)
    copy = (
        "**Owner's copy: do not share.** It holds real rows or tells where they stand."
        if private
        else "Copy to share: aggregates only, no real row."
    )
    parts = [f"# {plain(report.title)}", copy, _counts(report)]
    parts.append(f"**{plain(line)}**" + ("" if formal else f" {words.NO_GUARANTEE_WHY}"))
    found = answers.answers(report)
    parts += [
        "## Answers",
        table(("question", "verdict", "answer", "tests"), [_answer(one) for one in found]),
    ]
    parts += _policy(report)
    for one in found:
        if one.scores:
            parts += [
                f"## {plain(answers.SECTIONS.get(one.family, one.family.capitalize()))}",
                scores(one.scores),
            ]
    broken = _tables.violations(report)
    if broken:
        parts += ["## Rules of the schema that synthetic rows break", bullets(broken)]
    for own in report.exhibits:
        held = _tables.grid(own.detail)
        parts += [f"## The model: {plain(own.name)}", plain(own.text), table(held.heads, held.rows)]
    notes = list(dict.fromkeys((*report.evaluation.notes, *report.notes)))
    if notes:
        parts += ["## Notes", bullets(notes)]
    parts.append("## Provenance")
    for name, rows in _tables.provenance(report):
        parts += [f"### {plain(name.capitalize())}", table(("", ""), rows)]
    if private:
        parts += ["## For the owner of the data only"]
        for score in report:
            if score.private is not None:
                held = _tables.grid(score.private)
                parts += [f"### {plain(words.title(score))}", table(held.heads, held.rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str) -> str:
    """Write a text so that Markdown takes it as it stands, in one line.

    Examples
    --------
    >>> plain("a|b <i>")
    'a\\\\|b \\\\<i\\\\>'
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; texts are made plain.

    Examples
    --------
    >>> print(table(("a",), [("1",)]))
    | a |
    |---|
    | 1 |
    """
    lines = [heads, *rows]
    made = ["| " + " | ".join(plain(cell) for cell in line) + " |" for line in lines]
    return "\n".join([made[0], "|" + "---|" * len(heads), *made[1:]])


def bullets(lines: Iterable[str]) -> str:
    """Write a list; texts are made plain."""
    return "\n".join(f"- {plain(line)}" for line in lines)


def scores(group: Iterable[Score]) -> str:
    """Write scores as a table."""
    rows = []
    for score in group:
        figures = (words.figure(score.value), words.interval(score), words.figure(score.baseline))
        if not words.is_computed(score):
            figures = (words.MARGIN,) * 3
        verdict = words.verdict(score)
        said = score.words if words.is_computed(score) else f"not computed, because {words.reason(score)}"
        named = f"{words.title(score)} ({score.name})"
        rows.append((named, f"{words.SIGNS[verdict]} {words.VERDICTS[verdict]}", *figures, said))
    return table(("score", "verdict", "figure", "95 % interval", "real data get", "in words"), rows)


def _answer(answer: answers.Answer) -> tuple[str, ...]:
    verdict = f"{words.SIGNS[answer.verdict]} {words.VERDICTS[answer.verdict]}"
    look = ", ".join(words.title(score) for score in answer.notable)
    return answer.question, verdict, answer.text, answer.tally + (f" Look at: {look}." if look else "")


def _counts(report: Report) -> str:
    return ", ".join(f"{value} {name}" for value, name in _tables.tiles(report))


def _policy(report: Report) -> list[str]:
    found = report.policy
    if found is None:
        return []
    rows = found.get("requirements") or []
    said = words.policy(found.get("file") or "a policy given in the call", rows)
    parts = ["## Policy", f"{plain(said)} SHA-256: `{found.get('sha256')}`"]
    if rows:
        kept = [
            ("must hold" if row["kind"] == "require" else "must not hold", row["text"],
             "met" if row["met"] else "broken", row["said"])
            for row in rows
        ]  # fmt: skip
        parts.append(table(("", "what the policy asks", "kept", "figures"), kept))
    return parts
