"""The questions that a reader has, and the answers that a report gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from simulacra.metric import Score, Verdict
from simulacra.report import words

QUESTIONS: dict[str, str] = {
    "relational": "Do the tables hang together?",
    "fidelity": "Is it like the real data?",
    "diversity": "Does it hold the variety of the real data?",
    "utility": "Is it useful for your task?",
    "privacy": "What did attacks find?",
    "fairness": "Is it fair to groups?",
}
SECTIONS: dict[str, str] = {
    "relational": "Links between tables",
    "fidelity": "Likeness",
    "diversity": "Variety",
    "utility": "Usefulness",
    "privacy": "Privacy",
    "fairness": "Fairness",
}
ALWAYS_ASKED = ("fidelity", "utility", "privacy")

_ANSWERS: dict[str, dict[str, str]] = {
    "relational": {
        "pass": "Yes, as far as these tests can see.",
        "look": "Mostly. Look at what gives it away.",
        "fail": "No. Rows that belong together do not fit.",
    },
    "fidelity": {
        "pass": "Yes, as far as these tests can see.",
        "look": "Mostly. Look at what gives it away.",
        "fail": "No. It can be told from real data.",
    },
    "diversity": {
        "pass": "Yes, as far as these tests can see.",
        "look": "Mostly. Look at what is missing.",
        "fail": "No. Part of the real data's variety is missing.",
    },
    "utility": {
        "pass": "Yes. It serves nearly as well as real data.",
        "look": "Partly. It serves somewhat less well than real data.",
        "fail": "No. It serves clearly less well than real data.",
    },
    "privacy": {
        "pass": "No leak found by these attacks.",
        "look": "Something that needs a look.",
        "fail": "A leak was found.",
    },
    "fairness": {
        "pass": "No group stands out in these tests.",
        "look": "Some groups differ. Look at which.",
        "fail": "Some groups are treated clearly worse.",
    },
}
_OTHER_ANSWERS = {"pass": "Passed.", "look": "Look closer.", "fail": "Failed."}

HEADLINES = (
    "relational/detection", "fidelity/detection", "diversity/coverage", "diversity/collapse", "utility/transfer",
    "privacy/copies", "privacy/membership", "fairness/prediction",
)  # fmt: skip
"""The score that speaks for its family where several share the worst verdict."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Parameters
    ----------
    family : str
        The family of metrics that answers it.
    question : str
        In the reader's words.
    verdict : str
        The worst verdict among the family's scores.
    text : str
        A short answer.
    score : Score or None
        The score that decided; None when no metric of the family was run.
    scores : tuple of Score
        All of the family's scores, in the order in which they were computed.
    """

    family: str
    question: str
    verdict: Verdict
    text: str
    score: Score | None
    scores: tuple[Score, ...] = ()

    def count(self, *verdicts: str) -> int:
        """Count the family's scores with one of these verdicts."""
        return sum(words.verdict(score) in verdicts for score in self.scores)

    @property
    def notable(self) -> tuple[Score, ...]:
        """The scores to look at: those that failed, then those that call for a look."""
        return tuple(s for v in ("fail", "look") for s in self.scores if words.verdict(s) == v)

    @property
    def unasked(self) -> tuple[Score, ...]:
        """The scores that were not computed because the user gave nothing to ask about."""
        return tuple(s for s in self.scores if not s.asked and not words.is_computed(s))

    @property
    def tally(self) -> str:
        """How many of the family's tests passed, in words."""
        judged = self.count("pass", "look", "fail")
        parts = []
        if judged:
            noun = "test" if judged == 1 else "tests"
            parts.append(f"{self.count('pass')} of {judged} {noun} passed")
        if open_ones := self.count("not computed") - len(self.unasked):
            parts.append(f"{open_ones} not computed")
        if told := self.count("info"):
            parts.append(f"{told} for information")
        if self.unasked:
            parts.append(f"{len(self.unasked)} more can be asked for")
        return ", ".join(parts) + "." if parts else ""


def answers(scores: Iterable[Score]) -> tuple[Answer, ...]:
    """Answer the reader's questions from the scores.

    Parameters
    ----------
    scores : iterable of Score
        All scores of a report.

    Returns
    -------
    tuple of Answer
        Likeness, usefulness and attacks always, the other families where they have scores. The worst
        verdict of a family decides, and nothing is averaged.

    Examples
    --------
    >>> [answer.verdict for answer in answers([Score("privacy/copies", 0.0, verdict="pass")])]
    ['not computed', 'not computed', 'pass']
    """
    groups: dict[str, list[Score]] = {name: [] for name in QUESTIONS}
    for score in scores:
        groups.setdefault(words.family(score), []).append(score)
    return tuple(
        _answer(name, sorted(group, key=_place))
        for name, group in groups.items()
        if group or name in ALWAYS_ASKED
    )  # fmt: skip


def _place(score: Score) -> int:
    """Put a family's headlines first; everything else keeps its order."""
    metric = "/".join(score.name.partition("@")[0].split("/")[:2])
    return HEADLINES.index(metric) if metric in HEADLINES else len(HEADLINES)


def _answer(name: str, group: list[Score]) -> Answer:
    question = QUESTIONS.get(name, f"What of {name}?")
    if not group:
        return Answer(name, question, "not computed", "Not assessed: no such metric was run.", None)
    # the order of the scores settles what is left, so that a metric's own headline comes before its further figures
    deciding = min(group, key=lambda score: (words.RANK[words.verdict(score)], score.name not in HEADLINES))
    worst = words.verdict(deciding)
    said = _ANSWERS.get(name, _OTHER_ANSWERS)
    answer = Answer(name, question, worst, "", deciding, tuple(group))
    unasked = len(answer.unasked)
    if worst == "not computed":
        text = "Not asked for." if unasked == len(group) else "Not assessed."
    elif worst == "info":
        text = "Figures without a verdict."
    else:
        text = said[worst]
        if worst == "pass" and answer.count("not computed") > unasked:
            text += " Not every test could be made."
        elif worst == "pass" and unasked:
            text += f" {unasked} more can be asked for."
    return replace(answer, text=text)
