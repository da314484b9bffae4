"""Names of the columns that a unit adds to its table, to tell a parent of its rows and a row of its parents."""

from __future__ import annotations

from collections.abc import Iterable

from simulacra.relational.plan import Link


def counted(link: Link) -> str:
    """Name the column of a parent that holds how many rows it draws."""
    return f"#rows {link.name}"


def first_of(link: Link) -> str:
    """Name the column of a parent that holds when its first row is."""
    return f"#first {link.name}"


def span_of(link: Link) -> str:
    """Name the column of a parent that holds how far its last row is from its first."""
    return f"#span {link.name}"


def asked(link: Link) -> str:
    """Name the column of a row that holds the kind of parent it asks for."""
    return f"#asks {link.name}"


def offered(link: Link) -> str:
    """Name the column of a parent that holds the kind it is of."""
    return f"#kind {link.name}"


def wanted(link: Link) -> str:
    """Name the column of a parent that holds how many rows refer to it."""
    return f"#degree {link.name}"


def level_of(link: Link) -> str:
    """Name the column of a table that refers to itself that holds how far down a row is, and if any refers to it."""
    return f"#level {link.name}"


def member_column(unit: str, member: str, name: str) -> str:
    """Name a column of a table that is drawn together with a unit."""
    return name if member == unit else f"{member}#{name}"


def say_note(note: str, links: Iterable[Link]) -> str | None:
    """Say a note on a column that a unit adds to its table in words that users know; None where there are none."""
    for link in links:
        added = f"column {counted(link)!r}"
        if added in note:
            return note.replace(added, f"how many rows of {link.table!r} each row has")
    return None if "'#" in note else note.replace("#", ".")
