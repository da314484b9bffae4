"""Plain words for scores: their titles and verdicts, and how numbers are written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from simulacra.metric import Score, Verdict
from simulacra.registry import DATABASE_METRICS, METRICS

SIGNS: dict[str, str] = {"pass": "✓", "look": "!", "fail": "✕", "info": "i", "not computed": "–"}
VERDICTS: dict[str, str] = {
    "pass": "pass", "look": "look", "fail": "fail", "info": "for information", "not computed": "not computed",
}  # fmt: skip
RANK: dict[str, int] = {"fail": 0, "look": 1, "pass": 2, "info": 3, "not computed": 4}

NO_GUARANTEE = "No formal privacy guarantee."
NOT_PRIVATE = (
    "Not private: the model keeps training rows and gives them out, whole or nearly (see privacy/copies)."
)
NO_GUARANTEE_WHY = (
    "What is said of privacy is what the listed attacks found on these rows. Another attack may find more."
)
MARGIN = "–"


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
    bare = name.partition("@")[0]
    for registry in (METRICS, DATABASE_METRICS):
        known = registry.names()
        for candidate in (bare, "/".join(bare.split("/")[:2])):
            if candidate in known:
                return registry.summary(candidate)
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


def listed(texts: Sequence[str], last: str = "or") -> str:
    """Write a list as people do.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b or c'
    """
    return ", ".join(texts[:-1]) + f" {last} {texts[-1]}" if len(texts) > 1 else "".join(texts)


def shortened(text: str, most: int = 22) -> str:
    """Cut a long text in its middle: names differ at their ends as often as at their starts.

    Examples
    --------
    >>> shortened("a-column-with-a-very-long-name", 11)
    'a-col…-name'
    """
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"


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


def guarantee(provenance: dict[str, object]) -> tuple[bool, str]:
    """Say whether a formal privacy guarantee holds, and which.

    Parameters
    ----------
    provenance : dict
        The provenance of a report; its ``privacy`` entry has a ``formal`` entry when there is a guarantee, and a
        ``stores_rows`` entry when the model keeps training rows.

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
    >>> guarantee({"privacy": {"formal": None, "stores_rows": True}})[1].partition(":")[0]
    'Not private'
    """
    privacy = provenance.get("privacy")
    formal = privacy.get("formal") if isinstance(privacy, dict) else None
    if isinstance(privacy, dict) and privacy.get("stores_rows"):
        return False, f"{NOT_PRIVATE} {NO_GUARANTEE}"
    if not formal:
        return False, NO_GUARANTEE
    if isinstance(formal, dict):
        formal = ", ".join(f"{key} {value}" for key, value in formal.items())
    return True, f"Formal privacy guarantee: {formal if formal is not True else 'see the provenance'}."


def policy(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how many requirements of a policy are kept.

    Examples
    --------
    >>> policy("house.yaml", [{"met": True}, {"met": False}])
    'Policy house.yaml: 1 of 2 requirements is broken.'
    """
    broken = sum(not row.get("met") for row in rows)
    if not rows:
        return f"Verdicts follow the thresholds of policy {name}."
    if not broken:
        return f"Policy {name}: all requirements are met ({len(rows)})."
    return f"Policy {name}: {broken} of {len(rows)} requirements {'is' if broken == 1 else 'are'} broken."
