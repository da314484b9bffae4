"""What a database refused, in a sentence that shows no value and no password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from simulacra.databases.urls import Location
from simulacra.errors import DataError, FileError, SimulacraError

_CODES = {
    "23505": ("rows repeat a key or a unique value", DataError),
    "23503": ("rows refer to rows that are not there", DataError),
    "23502": ("a value is missing in a column that must have one", DataError),
    "23514": ("rows break a check", DataError),
    "22": ("a value does not fit the type of its column", DataError),
    "28": ("the user name or the password is not accepted", FileError),
    "3D000": ("there is no database of that name", FileError),
    "42501": ("the user has no right to do this", FileError),
    "42P07": ("the table is there already", FileError),
    "2BP01": ("other tables or views stand on one of the tables", FileError),
    "53": ("the server has no room or no connection left", FileError),
    "1062": ("rows repeat a key or a unique value", DataError),
    "1364": ("a value is missing in a column that must have one", DataError),
    "1048": ("a value is missing in a column that must have one", DataError),
    "1452": ("rows refer to rows that are not there", DataError),
    "1264": ("a value does not fit the type of its column", DataError),
    "1265": ("a value does not fit the type of its column", DataError),
    "1366": ("a value does not fit the type of its column", DataError),
    "1406": ("a value does not fit the type of its column", DataError),
    "1292": ("a value does not fit the type of its column", DataError),
    "4025": ("rows break a check", DataError),
    "1044": ("the user has no right to this database", FileError),
    "1045": ("the user name or the password is not accepted", FileError),
    "1142": ("the user has no right to do this", FileError),
    "1049": ("there is no database of that name", FileError),
    "1698": ("the user name or the password is not accepted", FileError),
}
_NOT_ACCEPTED = "the user name or the password is not accepted"
_WORDS = (
    ("unique constraint|duplicate key", "rows repeat a key or a unique value", DataError),
    ("not null constraint", "a value is missing in a column that must have one", DataError),
    ("foreign key constraint", "rows refer to rows that are not there", DataError),
    ("check constraint", "rows break a check", DataError),
    (
        "conversion error|could not convert|out of range|datatype mismatch",
        "a value does not fit the type of its column",
        DataError,
    ),
    ("locked|conflicting lock|set lock", "another process holds the file", FileError),
    (
        "not a database|not a valid duckdb|malformed|file is encrypted",
        "the file is not a database of this kind, or damaged",
        FileError,
    ),
    ("readonly|read-only|permission denied", "the file may not be written to", FileError),
    ("disk is full|no space left", "no space is left on the disk", FileError),
    ("unable to open|cannot open|no such file", "the file can not be opened", FileError),
    (
        "name or service|nodename|getaddrinfo|name resolution|no address associated",
        "there is no server of that name",
        FileError,
    ),
    ("no password was provided", "the user name or the password is not accepted", FileError),
    (
        "refused|can't connect|can't create a connection|timed out|unreachable",
        "the server does not answer",
        FileError,
    ),
)


@contextmanager
def rewording(location: Location, doing: str, table: str = "") -> Iterator[None]:
    """Turn errors of drivers into errors of the library, without the values that drivers put into theirs.

    Parameters
    ----------
    location : Location
        The database.
    doing : str
        ``read`` or ``write``.
    table : str
        The table at hand.

    Raises
    ------
    FileError
        The database can not be reached, or does not allow it.
    DataError
        The rows do not fit it.

    Examples
    --------
    >>> with rewording(Location("sqlite", "shop.db"), "write", "orders"):  # doctest: +ELLIPSIS
    ...     raise RuntimeError("UNIQUE constraint failed: orders.id")
    Traceback (most recent call last):
    simulacra.errors.DataError: can not write table 'orders' of sqlite:///shop.db: rows repeat a key or a unique ...
    """
    try:
        yield
    except (SimulacraError, KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        # "from None": a driver's own message, which a traceback would print, may hold values and passwords
        raise reword(error, location, doing, table) from None


def reword(error: Exception, location: Location, doing: str, table: str = "") -> SimulacraError:
    """Make the error for what a driver raised.

    Examples
    --------
    >>> print(reword(ConnectionRefusedError("refused"), Location("mysql", "shop", "db"), "read"))
    can not read mysql://db/shop: the server does not answer. Check the address and the rights, or try again.
    """
    why, kind = _explain(error, location)
    if why == _NOT_ACCEPTED and not location.password:
        name = "PGPASSWORD" if location.dialect == "postgresql" else "MYSQL_PWD"
        return kind(
            f"can not {doing} {location}: {why}, and no password is given. Put it into the environment variable "
            f"{name}, or into the URL: USER:PASSWORD@HOST."
        )
    place = f"table {table!r} of {location}" if table else str(location)
    advice = (
        "Correct the data or the schema; nothing was changed."
        if kind is DataError and doing == "write"
        else "Check the address and the rights, or try again."
    )
    return kind(f"can not {doing} {place}: {why}. {advice}")


def _explain(error: Exception, location: Location) -> tuple[str, type[SimulacraError]]:
    facts = error.args[0] if error.args else ""
    code = ""
    if isinstance(facts, dict):
        code, where = str(facts.get("C", "")), _place(facts)
    elif isinstance(facts, int):
        code, where = str(facts), ""
    else:
        where = ""
    for known, (words, kind) in _CODES.items():
        if code and (code == known or (len(known) == 2 and len(code) == 5 and code.startswith(known))):
            return words + where, kind
    text = str(facts.get("M", "")) if isinstance(facts, dict) else str(error)
    for pattern, words, kind in _WORDS:
        # a driver may tell the reason in the error that its own stands on
        if re.search(pattern, f"{error.__cause__ or ''} {text}", re.IGNORECASE):
            return words + _named(text), kind
    # single-quoted parts and what stands behind a line break may be values
    first = re.sub(r"'[^']*'", "...", location.conceal(text).partition("\n")[0])
    return (first[:1].lower() + first[1:]).rstrip(".") or type(error).__name__, FileError


def _place(facts: dict[str, str]) -> str:
    """Say in which column, of what the server tells."""
    column = facts.get("c") or next(iter(re.findall(r"column (\w+)", facts.get("W", ""))), None)
    names = [f"column {column!r}"] if column else []
    names += [f"constraint {facts['n']!r}"] if facts.get("n") else []
    return f" ({', '.join(names)})" if names else ""


def _named(text: str) -> str:
    """Name the column that SQLite names, which is never a value."""
    found = re.match(r"(?:UNIQUE|NOT NULL) constraint failed: (.+)", text)
    return f" ({found[1]})" if found else ""
