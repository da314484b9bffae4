"""Every error a user can meet.

::

    SimulacraError
    ├── FileError (OSError)              a path can not be read or written
    ├── DataError (ValueError)           data can not be understood, or is too little
    │   └── SchemaViolation              data break their schema
    ├── SchemaError (ValueError)         a schema (or schema file) contradicts itself
    ├── UnknownName (LookupError)        no model, metric, table, column, ... of that name
    ├── MissingExtra (ImportError)       an optional dependency is not installed
    ├── PredicateError (ValueError)      a `where` can not be understood
    │   ├── ImpossibleCondition          no row of this model can satisfy it
    │   └── RareCondition                too few rows satisfied it in the draws allowed
    ├── OptionError (ValueError)         an argument is out of its range
    ├── ModelFileError (ValueError)      a .sim file is damaged, too new or not allowed
    ├── NotFitted (RuntimeError)         a model was asked to sample before it was fitted
    └── CheckFailed (AssertionError)     a requirement on a report does not hold

An error is one sentence: what is wrong, with the value and the place; then what to do.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_PASSWORD = re.compile(r"(\w:/+[^/\s:@]*):[^\s@/]+@")


class SimulacraError(Exception):
    """The root of every error that simulacra raises on purpose; what looks like a password in a URL is not shown.

    Examples
    --------
    >>> str(SimulacraError("there is no file 'posgresql:/ada:secret@host/shop'."))
    "there is no file 'posgresql:/ada:***@host/shop'."
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*(_PASSWORD.sub(r"\1:***@", a) if isinstance(a, str) else a for a in args))


class FileError(SimulacraError, OSError):
    """A path can not be read or written."""


class DataError(SimulacraError, ValueError):
    """Data can not be understood, or are too little to learn from."""


class SchemaViolation(DataError):
    """Data break the schema that they were said to follow."""


class SchemaError(SimulacraError, ValueError):
    """A schema or a schema file contradicts itself."""


class UnknownName(SimulacraError, LookupError):
    """There is no part, table or column of that name."""


class MissingExtra(SimulacraError, ImportError):
    """A part needs an optional dependency that is not installed."""


class PredicateError(SimulacraError, ValueError):
    """A condition can not be understood."""


class ImpossibleCondition(PredicateError):
    """No row that this model can make satisfies the condition."""


class RareCondition(PredicateError):
    """Too few rows satisfied the condition within the draws allowed."""


class OptionError(SimulacraError, ValueError):
    """An argument is out of its range."""


class ModelFileError(SimulacraError, ValueError):
    """A model file is damaged, hostile, too new, or holds what it may not."""


class NotFitted(SimulacraError, RuntimeError):
    """A model was asked to sample before it was fitted."""


class CheckFailed(SimulacraError, AssertionError):
    """A requirement on a report does not hold."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Make the error for a name that does not exist, with the nearest one that does.

    Parameters
    ----------
    kind : str
        What was looked for: ``"model"``, ``"column"``.
    name : str
        The name that was not found.
    known : iterable of str
        The names that exist.

    Returns
    -------
    UnknownName
        The error, not raised.

    Examples
    --------
    >>> print(unknown("model", "tree", ["trees", "copula"]))
    no model named 'tree'; did you mean 'trees'?
    """
    names = list(known)
    folded = {other.casefold(): other for other in reversed(names)}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    if near:
        return UnknownName(f"no {kind} named {name!r}; did you mean {folded[near[0]]!r}?")
    shown = ", ".join(repr(other) for other in names[:12]) + (", ..." if len(names) > 12 else "")
    return UnknownName(f"no {kind} named {name!r}; there is {shown or 'none'}.")
