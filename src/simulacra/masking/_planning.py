"""Which columns of a database are replaced, and as what: those that identify, those named, and what refers to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from simulacra.errors import OptionError, SchemaError, unknown
from simulacra.fakes.making import KINDS
from simulacra.schema.types import Column, Schema, Table

Texts = Literal["replace", "blank", "keep"]
METHODS = ("code", "text", "blank")
"""How a column can be replaced besides the kinds of fakes."""

Place = tuple[str, str]
"""A table and a column of it."""


@dataclass(frozen=True)
class Wishes:
    """What a user asks of a masking.

    Parameters
    ----------
    columns : sequence of str, mapping of str to str, or None
        ``table.column`` or ``column``; with what each is replaced by, if it is a mapping ("" leaves that open).
    keep : sequence of str
        Tables and columns that stay.
    keys : bool
        Whether keys and what refers to them are replaced.
    texts : str
        What happens to free texts.
    shift : int or None
        Days that dates are moved by at most.
    locale : str or None
        Where names are from.
    """

    columns: Sequence[str] | Mapping[str, str] | None = None
    keep: Sequence[str] = ()
    keys: bool = False
    texts: Texts = "replace"
    shift: int | None = None
    locale: str | None = None

    def __post_init__(self) -> None:
        for field in ("columns", "keep"):
            if isinstance(getattr(self, field), str):
                object.__setattr__(self, field, (getattr(self, field),))
        if self.texts not in ("replace", "blank", "keep"):
            raise OptionError(f"texts must be 'replace', 'blank' or 'keep', not {self.texts!r}.")
        if self.shift is not None and (isinstance(self.shift, bool) or not 1 <= self.shift <= 36_500):
            raise OptionError(f"dates are shifted by 1 to 36,500 days, not {self.shift!r}.")


def plan_columns(
    schema: Schema, wishes: Wishes, settled: Collection[Place] = (), wordy: Collection[Place] = ()
) -> dict[Place, str]:
    """Say of every column that is replaced what stands in for it.

    Parameters
    ----------
    schema : Schema
        The tables.
    wishes : Wishes
        What the user asks.
    settled : collection of (str, str)
        Parts of keys that stay unless they are named, with all that refers to them.
    wordy : collection of (str, str)
        Categories that are to be taken for free texts.

    Returns
    -------
    dict
        A kind of fake, ``"code"``, ``"text"`` or ``"blank"``, by table and column, in the order of the schema.

    Raises
    ------
    UnknownName
        A column, table or kind does not exist.
    SchemaError
        A column can not be replaced so, or one stays that refers to one that does not.

    Examples
    --------
    >>> columns = (Column("id", "key", integer=True), Column("mail", "text", identifying="email"))
    >>> people = Table("people", columns, ("id",))
    >>> plan_columns(Schema((people,)), Wishes(keys=True))
    {('people', 'id'): 'code', ('people', 'mail'): 'email'}
    """
    named = _named(schema, wishes)
    kept = find_kept(schema, wishes)
    for place in kept & set(named):
        raise OptionError(f"{_say(place)} is both to be replaced and to be kept. Name it once.")
    found: dict[Place, str] = {}
    for table in schema.tables:
        for column in table.columns:
            place = (table.name, column.name)
            what = named.get(place) or (
                None if place in kept else _default(table, column, wishes, place in wordy)
            )
            if what is not None:
                found[place] = what
    for group in _tied_groups(schema, alone=settled):
        if any(place in settled for place in group) and not any(place in named for place in group):
            for place in group:
                found.pop(place, None)
    _spread(schema, found, named, kept)
    return {
        (table.name, name): found[table.name, name]
        for table in schema.tables
        for name in table.names
        if (table.name, name) in found
    }


def plan_shifts(schema: Schema, wishes: Wishes) -> tuple[list[Place], list[str]]:
    """List the columns of dates to move, and say which can not be, because rows are named by them."""
    if wishes.shift is None:
        return [], []
    kept = find_kept(schema, wishes)
    tied = {place for table in schema.tables for place in _keys(schema, table)}
    dates = [
        (table.name, column.name)
        for table in schema.tables
        for column in table.columns
        if column.kind in {"date", "datetime"} and table.role != "reference"
    ]
    moved = [place for place in dates if place not in kept and place not in tied]
    notes = [
        f"dates in {_say(place)} stay, for rows are named by them."
        for place in dates
        if place in tied and place not in kept
    ]
    return moved, notes


def find_kept(schema: Schema, wishes: Wishes) -> set[Place]:
    """List the columns that the user keeps.

    Examples
    --------
    >>> find_kept(Schema((Table("people", (Column("id", "key"),)),)), Wishes(keep="people"))
    {('people', 'id')}
    """
    return {place for name in wishes.keep for place in _places(schema, name, tables=True)}


def _named(schema: Schema, wishes: Wishes) -> dict[Place, str]:
    """Read what the user named."""
    if wishes.columns is None:
        return {}
    pairs: Iterable[tuple[str, str | None]]
    if isinstance(wishes.columns, Mapping):
        pairs = [(name, what or None) for name, what in wishes.columns.items()]
    else:
        pairs = [(name, None) for name in wishes.columns]
    found = {}
    for name, what in pairs:
        if what is not None and what not in (*KINDS, *METHODS):
            raise unknown("way to replace a column", what, (*METHODS, *KINDS))
        for table, column in _places(schema, name, tables=False):
            one = schema.table(table)[column]
            found[table, column] = _check(one, what or one.identifying or _usual(one), (table, column))
    return found


def _usual(column: Column) -> str:
    return "text" if column.kind == "text" else "code"


def _check(column: Column, what: str, place: Place) -> str:
    """Refuse what can not be done with values of a kind."""
    if what == "blank" and not (column.nullable or column.kind in {"text", "category"}):
        raise SchemaError(f"{_say(place)} must have a value, so it can not be blanked. Replace it by 'code'.")
    textual = column.kind in {"text", "category"} or (column.kind == "key" and not column.integer)
    whole = column.integer and column.kind in {"key", "number"}
    if what != "blank" and not (textual or (whole and what != "text")):
        advice = " Use shift (--shift-dates) for dates." if column.kind in {"date", "datetime"} else ""
        raise SchemaError(
            f"{_say(place)} holds values of kind {column.kind!r}, which can not be replaced by {what!r}.{advice} "
            "Name texts, categories, keys or whole numbers."
        )
    return what


def _default(table: Table, column: Column, wishes: Wishes, wordy: bool) -> str | None:
    """Say what becomes of a column that the user did not name."""
    if table.role == "reference":
        return None
    if column.identifying is not None:
        return column.identifying
    if wishes.keys and (column.kind == "key" or (column.name in table.key and _can_be_code(column))):
        return "code"
    if (column.kind == "text" or wordy) and wishes.texts != "keep" and column.name not in table.key:
        return "text" if wishes.texts == "replace" else "blank"
    return None


def _can_be_code(column: Column) -> bool:
    return column.kind in {"key", "category", "text"} or (column.kind == "number" and column.integer)


def _spread(schema: Schema, found: dict[Place, str], named: Mapping[Place, str], kept: set[Place]) -> None:
    """Give columns that refer to each other one replacement: that of the one which says most."""
    for group in _tied_groups(schema):
        ways = {place: found[place] for place in group if place in found}
        if not ways:
            continue
        stays = [place for place in group if place in kept]
        if stays:
            replaced = next(iter(ways))
            raise SchemaError(
                f"{_say(stays[0])} stays and {_say(replaced)} is replaced, and one refers to the other. "
                "Keep both, or neither."
            )
        first = min(ways, key=lambda place: (place not in named, ways[place] in METHODS, group.index(place)))
        what = ways[first]
        public = [p for p in group if schema.table(p[0]).role == "reference"]
        if public and first not in named:
            # what is public knowledge is not replaced, nor what names its rows
            for place in ways:
                del found[place]
            continue
        if len({_whole(schema, place) for place in group}) > 1:
            texts = next(place for place in group if not _whole(schema, place))
            raise SchemaError(
                f"{_say(texts)} holds texts, and a column of whole numbers refers to it or is referred to by it. Make "
                "both of one kind in the schema."
            )
        for place in group:
            column = schema.table(place[0])[place[1]]
            if not (
                column.kind in {"key", "category", "text"} or (column.kind == "number" and column.integer)
            ):
                for one in ways:
                    found.pop(one, None)
                break
            found[place] = "code" if what in {"text", "blank"} else what


def _whole(schema: Schema, place: Place) -> bool:
    return schema.table(place[0])[place[1]].integer


def _tied_groups(schema: Schema, alone: Collection[Place] = ()) -> Iterator[list[Place]]:
    """Group the columns that references tie together, the ones referred to first; and some that nothing ties."""
    groups: dict[Place, list[Place]] = {place: [place] for place in alone}
    for table in schema.tables:
        for reference in table.references:
            for own, other in zip(reference.columns, reference.to, strict=True):
                high, low = (reference.table, other), (table.name, own)
                one, two = groups.get(high, [high]), groups.get(low, [low])
                joined = one if one is two else [*one, *(place for place in two if place not in one)]
                for place in joined:
                    groups[place] = joined
    yield from {id(group): group for group in groups.values()}.values()


def _keys(schema: Schema, table: Table) -> Iterator[Place]:
    """List the columns by which rows of a table are named, here or elsewhere."""
    yield from ((table.name, name) for name in table.key)
    for reference in table.references:
        yield from ((table.name, name) for name in reference.columns)
        yield from ((reference.table, name) for name in reference.to)


def _places(schema: Schema, name: str, *, tables: bool) -> list[Place]:
    """Find the columns of a name: one of a table, one of any table, or a whole table."""
    found = [(t.name, c) for t in schema.tables for c in t.names if f"{t.name}.{c}" == name]
    if not found and tables and name in schema.names:
        found = [(name, column) for column in schema.table(name).names]
    if not found:
        found = [(table.name, name) for table in schema.tables if name in table.names]
    if not found:
        many = len(schema.tables) > 1
        known = [f"{t.name}.{c}" if many else c for t in schema.tables for c in t.names]
        raise unknown("column", name, known)
    return found


def _say(place: Place) -> str:
    return f"table {place[0]!r}, column {place[1]!r}"
