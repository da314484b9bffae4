"""Names and addresses that go together: whole names and e-mails made of the fakes that first and last names became."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from simulacra.domain import Array
from simulacra.fakes.emails import DOMAINS
from simulacra.fakes.names import TITLE
from simulacra.schema.types import Schema

Place = tuple[str, str]
WHOLES = ("person.name", "email", "username")
"""Kinds that are made of names, in the order in which they are."""
_MARKS = (".", "_", "-", "")
_TITLES = rf"^(?:{TITLE}\.? )+"
_EMPTY = pl.Schema({"first": pl.String, "last": pl.String, "new_first": pl.String, "new_last": pl.String})


@dataclass
class Identities:
    """The people of a database by the columns that name them, with the fakes that stand for these so far.

    Parameters
    ----------
    schema : Schema
        The tables.
    frames : mapping
        Their original rows.
    planned : mapping
        What each column is replaced as.
    made : dict
        For each kind that was replaced, the old values and the new ones.

    Notes
    -----
    **Privacy**: what is made so tells no more than its parts do; without them, values are replaced as a whole.
    """

    schema: Schema
    frames: Mapping[str, pl.DataFrame]
    planned: Mapping[Place, str]
    made: dict[str, pl.DataFrame] = field(default_factory=dict)

    def learn(self, kind: str, old: pl.Series, new: pl.Series) -> None:
        """Note what values of a kind became."""
        self.made[kind] = pl.DataFrame({"old": old, "new": new})

    def propose(self, kind: str, texts: pl.Series, codes: Array, number: int = 0) -> pl.Series:
        """Make whole names, e-mails or user names of the fakes of their parts.

        Parameters
        ----------
        kind : str
            What the texts are.
        texts : Series
            Different values.
        codes : array of uint64
            A keyed hash of each.
        number : int
            How often it was tried before: an address gets two digits more each time.

        Returns
        -------
        Series
            Null where a text names nobody whose fakes are known.
        """
        if kind == "person.name":
            return self._names(texts)
        if kind in {"email", "username"}:
            return self._addresses(texts, kind, codes, number)
        return _nothing(texts)

    def _names(self, texts: pl.Series) -> pl.Series:
        """Write the fakes of first and last names in the order and case of each whole name."""
        pairs = self._people()
        if pairs is None:
            return _nothing(texts)
        whole = pl.concat_str(_low("first"), pl.lit(" "), _low("last"))
        # of the ways in which one person is written, the one that is not all capitals
        known = pairs.with_columns(who=whole).sort("who", "first", "last").unique("who", keep="last")
        bare = pl.col("t").str.strip_chars().str.replace(_TITLES, "")
        title = pl.col("t").str.strip_chars().str.extract(rf"({_TITLES})").fill_null("")
        comma = bare.str.contains(", ", literal=True)
        turned = pl.when(comma).then(bare.str.replace(r"^([^,]+), (.+)$", "$2 $1")).otherwise(bare)
        found = (
            pl.DataFrame({"t": texts})
            .with_columns(who=turned.str.to_lowercase(), comma=comma, title=title)
            .join(known, on="who", how="left", maintain_order="left")
        )
        first, last = pl.col("new_first"), pl.col("new_last")
        made = pl.when("comma").then(last + ", " + first).otherwise(pl.col("title") + first + " " + last)
        return found.select(_like("t", made).alias("made"))["made"]

    def _addresses(self, texts: pl.Series, kind: str, codes: Array, tried: int) -> pl.Series:
        """Write the fakes of the names in the places where an address had the names of its own row."""
        holders = [
            people.with_columns(text=self.frames[table][column])
            for (table, column), what in self.planned.items()
            if what == kind and (people := self._rows(table)) is not None
        ]
        if not holders:
            return _nothing(texts)
        held = pl.concat(holders).drop_nulls().unique()
        local = pl.col("text").str.strip_chars().str.to_lowercase().str.replace(r"[@+].*$", "")
        # the number may stand apart: ann.lee.7, ann_lee-7
        mark = local.str.extract(r"([._-]?)\d+$").fill_null("")
        digits = local.str.extract(r"(\d+)$").fill_null("").str.len_chars()
        held = held.with_columns(core=local.str.replace(r"[._-]?\d+$", ""), mark=mark, digits=digits)
        held = (
            _find_styles(held).sort("text", "first", "last").unique("text", keep="first", maintain_order=True)
        )
        held = _write_styles(held)
        found = pl.DataFrame({"text": texts, "code": pl.Series(codes, dtype=pl.UInt64)}).join(
            held.select("text", "made", "mark", "digits"), on="text", how="left", maintain_order="left"
        )
        number = (pl.col("code") // 3 % 10**9).cast(pl.String).str.zfill(9)
        made = pl.col("made") + pl.col("mark") + number.str.slice(0, pl.col("digits").clip(0, 4) + 2 * tried)
        if kind == "email":
            domain = (pl.col("code") % 3).replace_strict(dict(enumerate(DOMAINS)), return_dtype=pl.String)
            made = made + "@" + domain
        upper = pl.col("text") == pl.col("text").str.to_uppercase()
        return found.select(made=pl.when(upper).then(made.str.to_uppercase()).otherwise(made))["made"]

    def _people(self) -> pl.DataFrame | None:
        """List first and last names that stand in one row, with their fakes."""
        parts = [self._parts(table) for table in self.schema.names]
        found = [part for part in parts if part is not None]
        return pl.concat(found).drop_nulls().unique() if found else None

    def _rows(self, table: str) -> pl.DataFrame | None:
        """Give each row of a table the first and last name that it has, in whatever columns, with the fakes."""
        parts = self._parts(table)
        if parts is not None:
            return parts
        column = self._column(table, "person.name")
        if column is None or "person.name" not in self.made:
            return None
        old, new = self.frames[table][column].alias("old"), self.made["person.name"]
        both = pl.DataFrame({"old": old}).join(new, on="old", how="left", maintain_order="left")
        return both.select(
            first=_part("old", first=True), last=_part("old", first=False),
            new_first=_part("new", first=True), new_last=_part("new", first=False),
        )  # fmt: skip

    def _parts(self, table: str) -> pl.DataFrame | None:
        first, last = (self._column(table, kind) for kind in ("person.first", "person.last"))
        if first is None or last is None:
            return None
        rows = self.frames[table].select(first=first, last=last)
        for name in ("first", "last"):
            new = self.made[f"person.{name}"].select(
                pl.col("old").alias(name), pl.col("new").alias(f"new_{name}")
            )
            rows = rows.join(new, on=name, how="left", maintain_order="left")
        return rows.select(_EMPTY.names())

    def _column(self, table: str, kind: str) -> str | None:
        """Find the column of a table that is replaced as one kind; none where several are."""
        found = [column for (name, column), what in self.planned.items() if name == table and what == kind]
        return found[0] if len(found) == 1 else None


def _nothing(texts: pl.Series) -> pl.Series:
    return pl.Series([None] * len(texts), dtype=pl.String)


def _low(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.to_lowercase()


def _like(text: str, made: pl.Expr) -> pl.Expr:
    """Write in capitals what was in capitals, and small what was small."""
    old = pl.col(text)
    return (
        pl.when(old == old.str.to_uppercase())
        .then(made.str.to_uppercase())
        .when(old == old.str.to_lowercase())
        .then(made.str.to_lowercase())
        .otherwise(made)
    )


def _part(column: str, *, first: bool) -> pl.Expr:
    """Take the first name of a whole one, or the last."""
    bare = pl.col(column).str.strip_chars().str.replace(_TITLES, "")
    comma = bare.str.contains(", ", literal=True)
    plain = bare.str.extract(r"^(\S+)\s" if first else r"\s(\S+)$")
    turned = bare.str.extract(r", (\S+)" if first else r"^([^,]+),")
    return pl.when(comma).then(turned).otherwise(plain)


def _fold(column: str, *, german: bool) -> pl.Expr:
    """Write a name in the letters a to z, as addresses are written."""
    low = pl.col(column).str.to_lowercase()
    special = {"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "đ": "d", "ı": "i", "œ": "oe"}
    if german:
        special |= {"ä": "ae", "ö": "oe", "ü": "ue"}
    return low.str.replace_many(special).str.normalize("NFKD").str.replace_all("[^a-z]", "")


def _templates(first: pl.Expr, last: pl.Expr) -> dict[str, pl.Expr]:
    """List the ways in which names make an address."""
    one, other = first.str.slice(0, 1), last.str.slice(0, 1)
    ways = {"first": first, "last": last}
    for mark in _MARKS:
        join = pl.lit(mark)
        ways |= {
            f"first{mark}last": first + join + last, f"last{mark}first": last + join + first,
            f"f{mark}last": one + join + last, f"first{mark}l": first + join + other,
            f"last{mark}f": last + join + one,
        }  # fmt: skip
    return ways


def _find_styles(held: pl.DataFrame) -> pl.DataFrame:
    """Keep the addresses that the names of their row make, and tell how; umlauts are written either way."""
    found = []
    for german in (False, True):
        folded = held.with_columns(a=_fold("first", german=german), b=_fold("last", german=german))
        ways = [
            pl.when((pl.col("core") == made) & (made.str.len_chars() > 1)).then(pl.lit(way))
            for way, made in _templates(pl.col("a"), pl.col("b")).items()
        ]
        told = folded.with_columns(style=pl.coalesce(ways), german=pl.lit(german)).drop("a", "b")
        found.append(told.drop_nulls("style"))
        held = held.filter(told["style"].is_null())
    return pl.concat(found)


def _write_styles(held: pl.DataFrame) -> pl.DataFrame:
    """Make the same address of the fakes of the names."""
    made = []
    for (style, german), group in held.group_by("style", "german", maintain_order=True):
        folded = group.with_columns(
            a=_fold("new_first", german=bool(german)), b=_fold("new_last", german=bool(german))
        )
        made.append(folded.with_columns(made=_templates(pl.col("a"), pl.col("b"))[str(style)]))
    return pl.concat(made) if made else held.with_columns(made=pl.lit(None, dtype=pl.String))
