"""The shape that texts share, and the shapes that identify people."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from simulacra.errors import SchemaError
from simulacra.schema._names import says_person, says_phone

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_SAMPLE = 1_000
_EMAIL = r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$"
_URL = r"^(https?|ftp)://\S+$|^www\.\S+\.\S+$"
_IPV4 = r"^((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)$"
_IPV6 = r"^([0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}$"
_SSN = r"^\d{3}-\d{2}-\d{4}$"
_IBAN = r"^[A-Z]{2}\d{2} ?([A-Z0-9]{4} ?){2,7}[A-Z0-9]{1,4}$"
_PHONE = (
    r"^\+?[\d][\d\s().\-/]{5,18}\d( ?(x|ext\.?) ?\d+)?$|^\(\d{2,5}\)[\d\s().\-/]{5,16}\d( ?(x|ext\.?) ?\d+)?$"
)
_PHONE_MARKED = r"^(\+\d{7,15}$|\+\d{1,3}[\s(\-]|\(\d{2,5}\)|\d{3}-\d{3}-\d{4}|\d{3}\.\d{3}\.\d{4})"
_PERSON = r"^\p{Lu}[\p{L}'’.\-]*(,? \p{Lu}[\p{L}'’.\-]*){0,4}$"
_TWO_WORDS = r"^\p{Lu}[\p{L}'’.\-]+(,? \p{Lu}[\p{L}'’.\-]*){1,3}$"
_GIVEN_NAMES = (
    "aaron adam alan alex alexander alice amanda amy andrea andrew angela ann anna anne anthony antonio "
    "barbara benjamin betty brandon brenda brian carlos carol catherine charles christian christina "
    "christine christopher cynthia daniel david deborah debra dennis diana donald donna dorothy edward "
    "elena elizabeth emily emma eric eva fatima francis frank gary george gregory hannah hans heather "
    "helen henry ivan jack jacob james jan jane janet jason jean jeffrey jennifer jessica joan john "
    "jonathan jose joseph joshua joyce juan julia julie justin karen katherine kathleen kelly kenneth "
    "kevin kimberly larry laura lauren li linda lisa lucas luis margaret maria marie mark martha martin "
    "mary matthew megan melissa michael michelle mohamed mohammed nancy nathan nicholas nicole olivia "
    "pamela patricia patrick paul paula peter rachel raymond rebecca richard robert ronald ruth ryan "
    "samantha samuel sandra sara sarah scott sharon shirley sofia sophie stephanie stephen steven susan "
    "teresa theresa thomas timothy tyler victor victoria virginia walter wei william zachary"
)
_GIVEN = _GIVEN_NAMES.split()


def require_regex(regex: Any, where: str) -> None:
    """Refuse what is no regular expression, an empty one, and one that rows can not be held against.

    Raises
    ------
    SchemaError
        Its message starts with `where`.
    """
    if not isinstance(regex, str):
        raise SchemaError(f"{where}: the regular expression is a text, not {regex!r}.")
    if not regex:
        raise SchemaError(
            f"{where}: the regular expression is empty, so only the empty text matches. Write one."
        )
    try:
        pl.Series([""]).str.contains(f"^(?:{regex})$")
    except pl.exceptions.ComputeError as error:
        raise SchemaError(
            f"{where}: {regex!r} is no regular expression that can be checked (look-around and back-references can "
            "not). Correct it."
        ) from error


def find_identifying(text: pl.Series, words: tuple[str, ...]) -> str | None:
    """Tell what the texts of a column identify, if nearly all (95 %) look so.

    Parameters
    ----------
    text : Series
        The different texts, trimmed, without nulls.
    words : tuple of str
        The words of the column's name.

    Returns
    -------
    str or None
        ``email``, ``url``, ``ip``, ``ssn``, ``iban``, ``phone`` or ``person.name``.
    """
    if len(text) < 3:
        return None
    for what, pattern in (("email", _EMAIL), ("url", _URL), ("ip", _IPV4), ("ip", _IPV6), ("ssn", _SSN)):
        if _mostly(text, pattern):
            return what
    if _mostly(text, _IBAN) and _checksums_hold(text):
        return "iban"
    if _mostly(text, _PHONE) and (says_phone(words) or _mostly(text, _PHONE_MARKED)):
        return "phone"
    if says_person(words) and _mostly(text, _PERSON):
        return "person.name"
    if (
        words
        and words[-1] in {"name", "person", "author"}
        and _mostly(text, _TWO_WORDS)
        and _given_names(text)
    ):
        return "person.name"
    return None


def _mostly(text: pl.Series, pattern: str, share: float = 0.95) -> bool:
    some = text.head(_SAMPLE)
    if 2 * int(some.str.contains(pattern).sum()) < len(some):
        return False  # half of a sample is so far from nearly all that the rest need not be looked at
    return int(text.str.contains(pattern).sum()) >= share * len(text)


def _checksums_hold(text: pl.Series) -> bool:
    """Check the two check digits of an IBAN (ISO 13616: the number modulo 97 is 1) on some values."""
    some = text.sort().head(50).to_list()
    good = 0
    for value in some:
        turned = value.replace(" ", "")
        turned = turned[4:] + turned[:4]
        good += int("".join(str(int(char, 36)) for char in turned)) % 97 == 1
    return good >= 0.9 * len(some)


def _given_names(text: pl.Series) -> bool:
    first = text.str.extract(r"^([\p{L}'’\-]+)").str.to_lowercase()
    return int(first.is_in(_GIVEN).sum()) >= 0.15 * len(text)


def find_pattern(text: pl.Series) -> str | None:
    r"""Find the simple regular expression of the shape that all texts share.

    Parameters
    ----------
    text : Series
        Texts without nulls.

    Returns
    -------
    str or None
        Such as ``C\d{5}``; None if the texts share no simple shape.

    Examples
    --------
    >>> print(find_pattern(pl.Series(["C00017", "C31042"])))
    C\d{5}
    """
    if not len(text):
        return None
    if text.str.contains(f"^{UUID}$").all():
        return UUID
    # each run of letters or digits becomes one mark; the other characters stand for themselves
    shapes = (
        text.str.replace_all(r"[\x00-\x02]", "\x03")
        .str.replace_all(r"\d+", "\x00")
        .str.replace_all("[A-Z]+", "\x01")
        .str.replace_all("[a-z]+", "\x02")
        .unique()
    )
    if len(shapes) == 1 and "\x03" not in shapes[0]:
        return _spell(text, shapes[0])
    lengths = text.str.len_chars()
    low, high = int(lengths.min()), int(lengths.max())  # type: ignore[arg-type]
    for charset in ("[0-9a-f]", "[A-Z0-9]", "[a-z0-9]", "[A-Za-z0-9]"):
        if text.str.contains(f"^{charset}+$").all():
            return charset + _count(low, high)
    return None


def _spell(text: pl.Series, shape: str) -> str | None:
    pieces = re.findall(r"[\x00-\x02]|[^\x00-\x02]+", shape)
    if len(pieces) > 24:
        return None
    groups = {"\x00": r"(\d+)", "\x01": "([A-Z]+)", "\x02": "([a-z]+)"}
    runs = text.str.extract_groups("^" + "".join(groups.get(p) or _escape(p) for p in pieces) + "$")
    columns = iter(runs.struct.unnest().get_columns() if any(p in groups for p in pieces) else [])
    spelt = []
    for piece in pieces:
        if piece not in groups:
            spelt.append(_escape(piece))
            continue
        run = next(columns)
        lengths = run.str.len_chars()
        if piece != "\x00" and run.n_unique() == 1:
            spelt.append(_escape(run[0]))
        else:
            spelt.append(groups[piece][1:-2] + _count(int(lengths.min()), int(lengths.max())))  # type: ignore[arg-type]
    return "".join(spelt)


def _escape(text: str) -> str:
    """Escape only what needs it, so that people and every dialect of regular expressions read the same."""
    return re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", text)


def _count(low: int, high: int) -> str:
    return ("" if low == 1 else f"{{{low}}}") if low == high else f"{{{low},{high}}}"
