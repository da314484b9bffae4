"""How numbers are written as text: marks between groups of digits, decimal commas, currency and percent signs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

BEFORE = r"[$€£¥] ?"
AFTER = r" ?[%€$£¥]"


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """The punctuation of a number; its name, the number 1234.5 written so, serves as `Column.format`.

    Parameters
    ----------
    body : str
        The number without its signs: ``"1,234.5"``.
    group : str
        Marks that may stand between groups of three digits, the usual one first; empty for none.
    point : str
        The mark before the fraction.
    before, after : str
        A currency or percent sign, with a space where there is one.
    """

    body: str
    group: str
    point: str
    before: str = ""
    after: str = ""

    @property
    def name(self) -> str:
        """1234.5 in this style."""
        return f"{self.before}{self.body}{self.after}"

    @property
    def pattern(self) -> str:
        """The regular expression of the number without the signs before and after it."""
        fraction = f"({re.escape(self.point)}\\d+)?"
        if not self.group:
            return rf"^[+-]?\d+{fraction}$"
        return rf"^[+-]?(\d{{1,3}}|[1-9]\d{{0,2}}([{self.group}]\d{{3}})+){fraction}$"


STYLES = (
    NumberStyle("1,234.5", ",", "."),
    NumberStyle("1.234,5", ".", ","),
    NumberStyle("1 234,5", " \u00a0\u202f", ","),
    NumberStyle("1 234.5", " \u00a0\u202f", "."),
    NumberStyle("1'234.5", "'\u2019", "."),
    NumberStyle("1234,5", "", ","),
)
"""The punctuations of numbers beside the plain one."""
PLAIN = NumberStyle("1234.5", "", ".")
"""No marks: a style of its own only with a sign before or after it."""


def style_named(name: str | None) -> NumberStyle | None:
    """Return the style of a name, with its signs; None if it is no name of a style.

    Parameters
    ----------
    name : str or None
        As `Column.format` has it.

    Returns
    -------
    NumberStyle or None
        The style.

    Examples
    --------
    >>> style_named("$1,234.5").before, style_named("1.234,5 €").after, style_named("HHMM")
    ('$', ' €', None)
    """
    found = re.fullmatch(rf"(?P<before>{BEFORE})?(?P<body>\d.*?\d)(?P<after>{AFTER})?", name or "")
    if found is None:
        return None
    before, after = found["before"] or "", found["after"] or ""
    for style in (*STYLES, PLAIN):
        if style.body == found["body"] and (style is not PLAIN or before or after):
            return replace(style, before=before, after=after)
    return None
