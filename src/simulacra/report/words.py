"""Plain words for scores: the questions that a reader has, the answers, and how numbers are written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from simulacra.metric import Score, Verdict
from simulacra.registry import METRICS

QUESTIONS: dict[str, str] = {
    "fidelity": "Is it like the real data?",
    "diversity": "Does it hold the variety of the real data?",
    "utility": "Is it useful for your task?",
    "privacy": "What did attacks find?",
    "fairness": "Is it fair to groups?",
}
SECTIONS: dict[str, str] = {
    "fidelity": "Likeness",
    "diversity": "Variety",
    "utility": "Usefulness",
    "privacy": "Privacy",
    "fairness": "Fairness",
}
ALWAYS_ASKED = ("fidelity", "utility", "privacy")

_ANSWERS: dict[str, dict[str, str]] = {
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

HEADLINES = ("fidelity/detection", "utility/transfer", "privacy/copies", "privacy/membership")
"""The score that speaks for its family where several share the worst verdict."""

SIGNS: dict[str, str] = {"pass": "✓", "look": "!", "fail": "✕", "info": "i", "not computed": "–"}
VERDICTS: dict[str, str] = {
    "pass": "pass", "look": "look", "fail": "fail", "info": "for information", "not computed": "not computed",
}  # fmt: skip
_RANK: dict[str, int] = {"fail": 0, "look": 1, "pass": 2, "info": 3, "not computed": 4}

NO_GUARANTEE = "No formal privacy guarantee."
NO_GUARANTEE_WHY = (
    "What is said of privacy is what the listed attacks found on these rows. Another attack may find more."
)
MARGIN = "–"


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
    others : tuple of Score
        The family's other scores.
    """

    family: str
    question: str
    verdict: Verdict
    text: str
    score: Score | None
    others: tuple[Score, ...] = ()


def family(score: Score) -> str:
    """Return the family of a score: the part of its name before the first slash.

    Examples
    --------
    >>> family(Score("privacy/copies", 0.0))
    'privacy'
    """
    return score.name.partition("/")[0]


def title(score: Score) -> str:
    """Name a score in plain words: as its metric calls it, else by the last part of its name.

    Examples
    --------
    >>> title(Score("fidelity/pairs", 0.0, title="Pairs of columns (mean distance)"))
    'Pairs of columns (mean distance)'
    >>> title(Score("privacy/membership/worst-group", 0.0))
    'Membership, worst group'
    """
    if score.title:
        return score.title
    parts = [part.replace("-", " ").replace("_", " ") for part in score.name.split("/")]
    shown = ", ".join(parts[1:] if len(parts) > 1 else parts)
    return shown[:1].upper() + shown[1:]


def explain(name: str) -> str:
    """Say what the metric behind a score measures, or nothing when no installed metric has that name.

    Examples
    --------
    >>> explain("fidelity/no-such-metric")
    ''
    """
    known = METRICS.names()
    for candidate in (name, "/".join(name.split("/")[:2])):
        if candidate in known:
            return METRICS.summary(candidate)
    return ""


def is_computed(score: Score) -> bool:
    """Tell whether a score has a figure.

    Examples
    --------
    >>> is_computed(Score("fidelity/pairs", float("nan")))
    False
    """
    return score.verdict != "not computed" and not math.isnan(score.value)


def verdict(score: Score) -> Verdict:
    """Return the verdict of a score, which is "not computed" wherever there is no figure.

    Examples
    --------
    >>> verdict(Score("fidelity/pairs", float("nan"), verdict="pass"))
    'not computed'
    """
    return score.verdict if is_computed(score) else "not computed"


def reason(score: Score) -> str:
    """Say why a score was not computed.

    Examples
    --------
    >>> reason(Score("utility/transfer", float("nan"), words="Not computed, because no target was given."))
    'no target was given.'
    """
    said = score.words.strip()
    for start in ("not computed, because ", "not computed because ", "not computed: "):
        if said.lower().startswith(start):
            return said[len(start) :]
    return said or "the metric gave no reason."


def figure(value: float | None) -> str:
    """Write a figure with the precision that it deserves.

    Parameters
    ----------
    value : float or None
        Any number; None and NaN give a dash.

    Returns
    -------
    str
        Three decimals in general, fewer for large numbers and four for tiny ones.

    Examples
    --------
    >>> figure(0.5), figure(0.00034), figure(12345.678), figure(None)
    ('0.500', '0.0003', '12,346', '–')
    """
    if value is None or math.isnan(value):
        return MARGIN
    size = abs(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if size == 0:
        return "0"
    if size < 0.001:
        return f"{value:.4f}" if size >= 0.00005 else "0.0000"
    if size < 10:
        return f"{value:.3f}"
    if size < 1000:
        return f"{value:.1f}"
    return f"{value:,.0f}"


def edge(value: float) -> str:
    """Write the edge of a bin, short enough for an axis.

    Examples
    --------
    >>> edge(17.0), edge(1250000.0), edge(0.25)
    ('17', '1.25M', '0.25')
    """
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            size = limit if unit != "k" else 1e3
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}"


def share(value: float | None) -> str:
    """Write a share as per cent.

    Examples
    --------
    >>> share(0.1234), share(0.0004), share(0.0)
    ('12.3 %', '0.04 %', '0 %')
    """
    if value is None or math.isnan(value):
        return MARGIN
    if value == 0:
        return "0 %"
    return f"{100 * value:.1f} %" if abs(value) >= 0.001 else f"{100 * value:.2g} %"


def count(value: int | float | None) -> str:
    """Write a count with thousands separated.

    Examples
    --------
    >>> count(26048)
    '26,048'
    """
    return MARGIN if value is None or math.isnan(value) else f"{value:,.0f}"


def interval(score: Score) -> str:
    """Write the 95 % interval of a score.

    Examples
    --------
    >>> interval(Score("privacy/copies", 0.034, (0.030, 0.038)))
    '0.030 to 0.038'
    """
    if score.interval is None or any(math.isnan(end) for end in score.interval) or not is_computed(score):
        return MARGIN
    return f"{figure(score.interval[0])} to {figure(score.interval[1])}"


def interval_in_brackets(score: Score) -> str:
    """Write the interval as the tail of a sentence, empty when there is none."""
    said = interval(score)
    return "" if said == MARGIN else f" (95 % {said})"


def duration(seconds: float) -> str:
    """Write a time span.

    Examples
    --------
    >>> duration(0.4), duration(75)
    ('0.4 s', '1 min 15 s')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"


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
        groups.setdefault(family(score), []).append(score)
    return tuple(
        _answer(name, group) for name, group in groups.items() if group or name in ALWAYS_ASKED
    )  # fmt: skip


def _answer(name: str, group: list[Score]) -> Answer:
    question = QUESTIONS.get(name, f"What of {name}?")
    if not group:
        return Answer(name, question, "not computed", "Not assessed: no such metric was run.", None)
    deciding = min(group, key=lambda score: (_RANK[verdict(score)], score.name not in HEADLINES))
    worst = verdict(deciding)
    said = _ANSWERS.get(name, _OTHER_ANSWERS)
    if worst == "not computed":
        text = "Not assessed."
    elif worst == "info":
        text = "Figures without a verdict."
    else:
        text = said[worst]
        if worst == "pass" and not all(is_computed(s) for s in group):
            text += " Not every test could be made."
    return Answer(name, question, worst, text, deciding, tuple(s for s in group if s is not deciding))


def guarantee(provenance: dict[str, object]) -> tuple[bool, str]:
    """Say whether a formal privacy guarantee holds, and which.

    Parameters
    ----------
    provenance : dict
        The provenance of a report; its ``privacy`` entry has a ``formal`` entry when there is a guarantee.

    Returns
    -------
    (bool, str)
        Whether there is one, and the line to print.

    Examples
    --------
    >>> guarantee({})
    (False, 'No formal privacy guarantee.')
    >>> guarantee({"privacy": {"formal": {"epsilon": 1.0, "delta": 1e-6}}})
    (True, 'Formal privacy guarantee: epsilon 1.0, delta 1e-06.')
    """
    privacy = provenance.get("privacy")
    formal = privacy.get("formal") if isinstance(privacy, dict) else None
    if not formal:
        return False, NO_GUARANTEE
    if isinstance(formal, dict):
        formal = ", ".join(f"{key} {value}" for key, value in formal.items())
    return True, f"Formal privacy guarantee: {formal if formal is not True else 'see the provenance'}."
