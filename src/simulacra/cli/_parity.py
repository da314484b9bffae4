"""The option `--fair KEY=VALUE`, read."""

from __future__ import annotations

from typing import Any

from simulacra.errors import OptionError
from simulacra.shares.parity import OPTIONS

SEVERAL = ("group", "given")


def parse_fair(texts: tuple[str, ...]) -> dict[str, Any] | None:
    """Read ``--fair`` options into what `Synthesizer.sample` takes as ``fair``; None without any.

    Parameters
    ----------
    texts : tuple of str
        ``("target=income", "group=sex", "definition=independence")``; `group` and `given` may be repeated, and a
        share is ``shares.Female=0.5``.

    Raises
    ------
    OptionError
        One is no KEY=VALUE, a key is given twice, or a number can not be read.

    Examples
    --------
    >>> parse_fair(("target=income", "group=sex", "group=race", "definition=independence"))["group"]
    ['sex', 'race']
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not value or key.partition(".")[0] not in OPTIONS:
            raise OptionError(
                f"--fair takes KEY=VALUE such as definition=independence, not {text!r}. Keys: {', '.join(OPTIONS)}."
            )
        if key.startswith("shares."):
            found.setdefault("shares", {})[key.removeprefix("shares.")] = _number(text, value)
        elif key in SEVERAL:
            found.setdefault(key, []).append(value)
        elif key in found:
            raise OptionError(f"--fair {key}=... is given twice. Give it once.")
        else:
            found[key] = _number(text, value) if key == "rate" else value
    return found or None


def read_groups(texts: tuple[str, ...]) -> dict[str, float] | None:
    """Read ``--share GROUP=SHARE``; None without any.

    Parameters
    ----------
    texts : tuple of str
        ``("Female=0.5", "Male=0.5")``.

    Raises
    ------
    OptionError
        One has another form, or a group is named twice.

    Examples
    --------
    >>> read_groups(("Female=0.5", "Male=0.5"))
    {'Female': 0.5, 'Male': 0.5}
    """
    found: dict[str, float] = {}
    for text in texts:
        group, sign, value = text.rpartition("=")
        if not sign or not group:
            raise OptionError(f"--share takes GROUP=SHARE such as Female=0.5, not {text!r}.")
        if group in found:
            raise OptionError(f"--share names {group!r} twice. Name it once.")
        found[group] = _number(text, value, "--share")
    return found or None


def _number(text: str, value: str, option: str = "--fair") -> float:
    try:
        return float(value)
    except ValueError:
        raise OptionError(f"{option} {text!r}: {value!r} is no number. Write a share such as 0.5.") from None
