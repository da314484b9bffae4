"""Pseudonymised data: identifying values replaced under a key, the same way everywhere, with all relations kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from simulacra.dataset import Dataset
from simulacra.generator import Progress, silent
from simulacra.masking._clocks import find_fine, find_times, say_times
from simulacra.masking._codes import code_numbers
from simulacra.masking._dates import shift_dates
from simulacra.masking._identities import WHOLES, Identities
from simulacra.masking._locales import find_locales
from simulacra.masking._owners import find_ways
from simulacra.masking._planning import Place, Wishes, plan_columns, plan_shifts
from simulacra.masking._remains import Remains, clean, find_closed, find_remains, find_widths
from simulacra.masking._settled import find_settled
from simulacra.masking._standing import Values, replace_texts
from simulacra.masking._undeclared import link_keys, say_links
from simulacra.masking._wordy import find_plain, find_wordy
from simulacra.masking.secret import ENVIRONMENT, Secret

PSEUDONYMISED = (
    "the result is pseudonymised, not anonymous: rows still describe real people, and who knows enough of a person's "
    "other values (birth date, place, dates of events) can find the row."
)

_UNLIMITED = 2**31
_WORDS = {
    "code": "a keyed permutation, same shape",
    "text": "made-up text, same shape",
    "blank": "blanked",
    "shift": "moved, as far for all rows of an entity",
}


@dataclass(frozen=True, slots=True)
class Replaced:
    """What was done to one column.

    Parameters
    ----------
    table, column : str
        Where.
    what : str
        What its values are taken for: ``"email"``, ``"person.name"``, ..., ``"code"``, ``"text"``, ``"blank"`` or
        ``"shift"`` (dates).
    method : str
        How they were replaced, in words.
    distinct : int
        How many different values there were.
    unchanged : int
        How many of them are what they were: zeros, punctuation, and fixed points of small permutations.
    collisions : int
        How many different values became one.
    """

    table: str
    column: str
    what: str
    method: str
    distinct: int
    unchanged: int = 0
    collisions: int = 0


@dataclass(frozen=True, repr=False)
class Masked(Dataset):
    """A data set with identifying values replaced; a `Dataset` that says what was done.

    Parameters
    ----------
    schema, frames, layouts, notes
        As of `Dataset`.
    replaced : tuple of Replaced
        The columns, in order.
    remains : tuple of Remains
        By table, what still tells rows apart.
    key : str
        Where the key came from; never the key.
    """

    replaced: tuple[Replaced, ...] = ()
    remains: tuple[Remains, ...] = ()
    key: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what was done as JSON."""
        return {
            "tables": {name: len(frame) for name, frame in self.frames.items()},
            "pseudonymised": True, "anonymous": False, "key": self.key,
            "replaced": [asdict(one) for one in self.replaced],
            "remains": [asdict(one) for one in self.remains],
            "notes": list(self.notes),
        }  # fmt: skip


def mask_tables(
    data: Dataset, wishes: Wishes, secret: Secret, *, dry: bool = False, progress: Progress = silent
) -> Masked:
    """Replace what identifies people in all tables.

    Parameters
    ----------
    data : Dataset
        One or more tables.
    wishes : Wishes
        What to replace and what to keep.
    secret : Secret
        The key.
    dry : bool
        True: say what would be done, and return the tables without rows.
    progress : callable
        Told the share done.

    Returns
    -------
    Masked
        The same rows in the same order.

    Examples
    --------
    >>> from simulacra.dataset import dataset
    >>> data = dataset(pl.DataFrame({"id": [f"C{i:04d}" for i in range(50)]}))
    >>> made = mask_tables(data, Wishes(keys=True), Secret.make(b"0123456789abcdef"))
    >>> made.replaced[0].what, made.replaced[0].distinct, made.polars()["id"].n_unique()
    ('code', 50, 50)
    """
    linked = link_keys(data, wishes)
    tied = replace(data, schema=linked.schema)
    settled = find_settled(tied) if wishes.keys else {}
    wordy = find_wordy(data)
    planned = plan_columns(tied.schema, wishes, settled, wordy)
    moved, notes = plan_shifts(tied.schema, wishes)
    notes += say_links(linked, planned)
    if stay := [f"{t}.{c} ({what})" for (t, c), what in settled.items() if (t, c) not in planned]:
        notes.append(
            f"of the keys, these stay: {', '.join(stay)}. Name them in columns (--columns) to replace them."
        )
    for place, native in find_closed(data).items():
        if planned.get(place) == "text":
            del planned[place]
            notes.append(
                f"table {place[0]!r}, column {place[1]!r} holds {native} values, which stay. Blank or drop it."
            )
    frames = dict(data.frames)
    report: dict[Place, Replaced] = {}
    groups: dict[tuple[str, bool], list[Place]] = {}
    for place, what in planned.items():
        whole = what == "code" and frames[place[0]][place[1]].dtype == pl.Int64
        groups.setdefault((what, whole), []).append(place)
    people = Identities(data.schema, data.frames, planned)
    ordered = sorted(
        groups.items(), key=lambda item: WHOLES.index(item[0][0]) + 1 if item[0][0] in WHOLES else 0
    )
    for number, ((what, whole), places) in enumerate(ordered):
        progress(number / (len(groups) + 1), f"replacing {what}")
        if dry or what == "blank":
            _say_or_blank(frames, places, what, report)
        elif whole:
            _replace_numbers(frames, places, secret, report)
        else:
            notes += _replace_texts(data, frames, places, what, secret, wishes, people, report)
    if moved and not dry:
        notes += _shift(tied, frames, moved, wishes.shift or 0, secret, report)
    elif moved:
        _say_or_blank(frames, moved, "shift", report)
        notes.append(find_ways(tied.schema, data.frames).say({table for table, _ in moved}))
    fine, times = find_fine(data.frames, moved), find_times(data.frames, moved)
    notes += [*say_times(fine, times), *_text_notes(data, planned, wordy, wishes)]
    schema, layouts = clean(data, frames, report)
    order = tuple(report[t.name, c] for t in schema.tables for c in t.names if (t.name, c) in report)
    kept_times = [place for place in times if place not in fine]
    remains = find_remains(
        schema, data.frames, report, moved if (wishes.shift or 0) < 365 else (), kept_times
    )
    if dry:
        frames = {name: frame.clear() for name, frame in frames.items()}
    told = (*data.notes, *notes, *_key_note(secret, report), PSEUDONYMISED)
    progress(1.0, "done")
    return Masked(schema, frames, layouts, told, replaced=order, remains=remains, key=secret.origin)


def _say_or_blank(
    frames: dict[str, pl.DataFrame], places: list[Place], what: str, report: dict[Place, Replaced]
) -> None:
    """Count what there is, and take it away where it is blanked."""
    for table, column in places:
        values = frames[table][column]
        distinct = values.drop_nulls().n_unique()
        report[table, column] = Replaced(table, column, what, _method(what), distinct)
        if what == "blank":
            # a text is emptied where there is one: what is missing stays so
            empty = (
                pl.when(values.is_not_null()).then(pl.lit("")) if values.dtype == pl.String else pl.lit(None)
            )
            frames[table] = frames[table].with_columns(empty.cast(values.dtype).alias(column))


def _replace_numbers(
    frames: dict[str, pl.DataFrame], places: list[Place], secret: Secret, report: dict[Place, Replaced]
) -> None:
    """Permute whole numbers; each by itself, so that columns need not be brought together."""
    for table, column in places:
        old = frames[table][column]
        distinct = old.drop_nulls().unique()
        new = pl.Series(code_numbers(distinct.to_numpy(), secret, "code"), dtype=pl.Int64)
        _put(frames, table, column, distinct, new)
        report[table, column] = _told(table, column, "code", distinct, new)


def _replace_texts(
    data: Dataset,
    frames: dict[str, pl.DataFrame],
    places: list[Place],
    what: str,
    secret: Secret,
    wishes: Wishes,
    people: Identities,
    report: dict[Place, Replaced],
) -> list[str]:
    """Replace the values of all columns of one kind together, so that equal ones stay equal and others differ."""
    widths = find_widths(data)
    parts = []
    for table, column in places:
        values = frames[table][column].drop_nulls().unique()
        locale = wishes.locale or data.schema.table(table)[column].locale
        parts.append(pl.DataFrame({"old": values.cast(pl.String)}).with_columns(
            width=pl.lit(widths.get((table, column), _UNLIMITED), dtype=pl.Int64),
            whole=pl.lit(values.dtype == pl.Int64),
            locale=pl.lit(locale, dtype=pl.String),
        ))  # fmt: skip
    held = (
        pl.concat(parts)
        .group_by("old")
        .agg(pl.col("width").min(), pl.col("whole").any(), pl.col("locale").drop_nulls().first())
        .sort("old")
    )
    locales = held["locale"]
    if wishes.locale is None or what == "phone":
        locales = find_locales(held["old"], what, locales)
    found = Values(held["old"], held["width"].to_numpy(), held["whole"].to_numpy(), locales)
    made, short = replace_texts(found, what, secret, people)
    people.learn(what, held["old"], made)
    for table, column in places:
        old = frames[table][column]
        distinct = old.drop_nulls().unique()
        joined = pl.DataFrame({"old": distinct.cast(pl.String)}).join(
            pl.DataFrame({"old": held["old"], "new": made}), on="old", how="left", maintain_order="left"
        )
        new = joined["new"].cast(old.dtype)
        _put(frames, table, column, distinct, new)
        report[table, column] = _told(table, column, what, distinct, new)
    if not short or what == "text":
        return []
    return [
        f"{short:,} different values of kind {what!r} became codes of their own shape, for no fake has their form: "
        "such a code may by chance be one that exists."
    ]


def _put(frames: dict[str, pl.DataFrame], table: str, column: str, old: pl.Series, new: pl.Series) -> None:
    """Look every value of a column up."""
    frame = frames[table]
    found = frame.select(pl.col(column).alias("old")).join(
        pl.DataFrame({"old": old, "new": new}), on="old", how="left", maintain_order="left"
    )
    frames[table] = frame.with_columns(found["new"].alias(column))


def _told(table: str, column: str, what: str, old: pl.Series, new: pl.Series) -> Replaced:
    same = int((old == new).sum())
    return Replaced(table, column, what, _method(what), len(old), same, len(new) - new.n_unique())


def _shift(
    data: Dataset,
    frames: dict[str, pl.DataFrame],
    moved: list[Place],
    days: int,
    secret: Secret,
    report: dict[Place, Replaced],
) -> list[str]:
    """Move dates by the entities of the original keys."""
    done = shift_dates(data.schema, data.frames, moved, days, secret)
    for table, column in moved:
        old, new = data.frames[table][column], done.frames[table][column]
        frames[table] = frames[table].with_columns(new)
        distinct, same = old.drop_nulls().n_unique(), old.filter(old == new).n_unique()
        report[table, column] = Replaced(table, column, "shift", _method("shift"), distinct, same)
    return list(done.notes)


def _text_notes(
    data: Dataset, planned: Mapping[Place, str], wordy: Collection[Place], wishes: Wishes
) -> list[str]:
    """Say what became of free texts, names inside them included."""
    notes = []
    made = [f"{table}.{column}" for (table, column), what in planned.items() if what == "text"]
    if made:
        notes.append(
            f"free texts are written anew in made-up words, names and numbers inside included: {', '.join(made)}."
        )
    places = [place for place, what in planned.items() if what == "text" and place not in wordy]
    if plain := [f"{table}.{column}" for table, column in find_plain(data, places)]:
        notes.append(
            f"of these, {', '.join(plain)} seem to name nobody, as titles of products do. If a look at them agrees, "
            f"keep them: --keep {','.join(plain)} (keep=)."
        )
    taken = [f"{table}.{column}" for table, column in sorted(wordy) if (table, column) in planned]
    if taken:
        notes.append(
            f"taken for free texts, since their few different values read like sentences: {', '.join(taken)}."
        )
    if wishes.texts == "keep":
        notes.append("free texts stay as they are (texts='keep', --texts keep), and may name anybody.")
    return notes


def _method(what: str) -> str:
    return _WORDS.get(what, f"fakes of kind {what!r}, by a keyed hash")


def _key_note(secret: Secret, report: Mapping[Place, Replaced]) -> list[str]:
    if all(one.what == "blank" for one in report.values()):
        return []
    if secret.origin == "made for this run":
        return [
            "the key was made for this run and is not kept: another run gives other values. Give a key "
            f"({ENVIRONMENT}) if runs are to agree."
        ]
    return [f"the key was {secret.origin}: runs with it agree, and whoever has it can undo much of this."]
