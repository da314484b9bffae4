"""Shares and factors as they stand on a command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simulacra.errors import OptionError

_EXAMPLES = {
    "--balance": "fraud:yes=0.5, \"age > 60 and sex = 'F'=0.2\" or (missing) 'age is null=0.1'",
    "--bigger": 'fraud:yes=3 or "delay > 30 and month = 2=2"',
    "--smaller": 'fraud:no=2 or "age < 18=4"',
}


def read_shares(
    texts: Iterable[str], option: str, names: Sequence[str]
) -> dict[str, float | dict[str, float]] | None:
    """Read what ``--balance``, ``--bigger`` and ``--smaller`` take.

    Parameters
    ----------
    texts : iterable of str
        ``COLUMN:LEVEL=NUMBER`` or ``PREDICATE=NUMBER``; the number stands after the last ``=``.
    option : str
        The option, for messages.
    names : sequence of str
        The columns: what starts with one of them and a colon is a level (or ``< 30``, a range) of it.

    Returns
    -------
    dict or None
        As `Synthesizer.sample` takes it; None for no texts.

    Raises
    ------
    OptionError
        A text has another form, or names something twice.

    Examples
    --------
    >>> read_shares(["fraud:yes=0.5", "age > 60=0.2"], "--balance", ["fraud", "age"])
    {'fraud': {'yes': 0.5}, 'age > 60': 0.2}
    """
    shares: dict[str, float | dict[str, float]] = {}
    for text in texts:
        left, equals, said = text.rpartition("=")
        left = left.strip()
        name = _column(left, names)
        level = left[len(name) + 1 :].strip() if name is not None else None
        try:
            number = float(said)
        except ValueError:
            number = float("nan")
        if equals and left and said.strip().endswith("%"):
            raise OptionError(f"{option} {text!r}: {said.strip()!r} is no number.{_decimal(left, said)}")
        if not (equals and left) or level == "" or number != number:
            raise OptionError(
                f"{option} takes COLUMN:LEVEL=NUMBER or PREDICATE=NUMBER such as {_EXAMPLES.get(option, '')}, "
                f"not {text!r}."
            )
        if name is None or level is None:
            known, key = shares, left
        else:
            key = level
            known = shares.setdefault(name, {})  # type: ignore[assignment]
        if key in known:
            raise OptionError(f"{option} names {left!r} twice. Name it once.")
        known[key] = number
    return shares or None


def _decimal(left: str, said: str) -> str:
    try:
        return f" Write a share as a decimal: '{left}={float(said.strip().rstrip('% ')) / 100:g}'."
    except ValueError:
        return " Write a share such as 0.5."


def _column(left: str, names: Sequence[str]) -> str | None:
    """Find the column before the colon, as it is written there; a column's own name may have colons."""
    alike = [name for name in names if left.casefold().startswith(f"{name.casefold()}:")]
    if not alike:
        # a plain word before a colon is meant as a column: the model says which columns there are
        word, colon, _ = left.partition(":")
        return word if colon and word.replace("-", "_").isidentifier() else None
    return left[: len(max(alike, key=len))]
