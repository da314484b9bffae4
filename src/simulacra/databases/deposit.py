"""What was put into a database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deposit:
    """What was written into a database.

    Parameters
    ----------
    target : str
        The database, without a password.
    rows : dict of str to int
        How many rows each table has got.
    notes : tuple of str
        What the database could not take as it is, one sentence each.

    Examples
    --------
    >>> print(Deposit("sqlite:///shop.db", {"items": 2}))
    sqlite:///shop.db
    """

    target: str
    rows: dict[str, int]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.target
