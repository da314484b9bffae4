"""Whether values that one real person holds, and the outermost ones, are released verbatim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import NUMERIC_KINDS, not_computed, percent, unassessable
from simulacra.metrics._contrast import Contrast, seen, sightless, too_few, worst
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

NAME = "privacy/extremes"
OUTERMOST = 10
FEWEST_VALUES = 100
"""Unique real values below which a column is asked together with others of its kind."""
EVIDENCE_ROWS = 20
IDENTIFIER_ALARM = 2e-3
"""Chance of a false alarm over all identifiers: as in `privacy/copies`, a leak that passes costs more than a look."""
FEWEST_IDENTIFIERS = 3
"""Released identifiers that are no chance, where no two real rows share one."""
NEARLY_ALL = 0.9
"""Share of a text's training values held by one real row from which on the text is taken for an identifier."""
CHANCE_HITS = 0.05
"""Hits expected if values were drawn blindly, below which three or more have a chance of 2e-5."""
LONGEST = 64
ENDS = r"^[^\p{L}\p{N}]+|[^\p{L}\p{M}\p{N}]+$"


class Extremes(Metric):
    """The share of unique training values that stand in the synthetic rows verbatim, in excess of holdout values.

    A unique value is held by exactly one of all real rows (training and holdout): a salary, a date, a rare
    level, a text, an e-mail address, a key. Values that several rows hold (99, 0, a common text) are nobody's
    own. What share of the training rows' unique values stands in the synthetic data, and what share of the
    holdout's, which only chance can have put there? Value: (the first - the second) / (1 - the second), of the
    column that chance explains least (where it explains all, of the one that sees most sharply). Columns with
    fewer than 100 unique values are taken together. The 10 smallest and the 10 largest real values of every
    number and date, where unique, are a question of their own, over all columns together. Texts, keys and identifiers
    are compared without regard to case, and to blanks and punctuation at both ends. Running numbers (keys
    that are numbered through) are left out: anybody can write them. The baseline is 0.

    Identifiers are a further question, over all of them together: columns said to be identifying, keys with
    letters, and texts of which at least 90 % of the training values are held by one row alone.

    Notes
    -----
    **Verdict** pass unless Fisher's exact test, corrected for the number of columns, is below 1e-4; then look, and fail
    above 0.02. For identifiers look below 2e-3, and where three or more are released and none of the holdout's, if
    chance can not be why: no two real rows share one (nor are they names of persons), and blind guesses would hit less
    than 0.05 of them. The words name every column beyond chance, identifiers first.

    **Interval** 95 % for all columns at once, from Wilson intervals of both shares, combined after Newcombe.

    **Detail** per column: unique training values, both shares released, the excess with its interval, its
    chance, and the excess that would have been seen with 95 % power.

    **Privacy** ``private`` lists up to 20 values of training rows that are released, the outermost first. Passing
    says that no release beyond chance was found, and no more than that.

    **Cost** a sort of each column.

    **Source** the question is that of disclosure control: Hundepool et al. 2012, "Statistical disclosure control",
    section 3; the control is that of Giomi et al. 2022, section 4.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> train = pl.DataFrame({"mail": [f"p{i}@example.org" for i in range(0, 1_000, 2)]})
    >>> holdout = pl.DataFrame({"mail": [f"p{i}@example.org" for i in range(1, 1_000, 2)]})
    >>> table = Table("t", (Column("mail", "text", identifying="email"),))
    >>> Extremes().score(Comparison(table, train, train[:100], holdout))[0].value
    0.2
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Unique values released (share beyond chance)"
    limits: ClassVar[tuple[float, float]] = (0.0, 0.02)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = list(case.table.columns)
        why = unassessable(case, columns, "released values are not assessable without a holdout")
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "")
        why = too_few(case.train.height, case.holdout.height)
        if why is not None:
            return not_computed(self, NAME, why)
        found = [_count(case, case.holdout, column) for column in columns]
        numbered = [held.column for held in found if held.numbered]
        asked = [held for held in found if not held.numbered and held.unique.height]
        if not asked:
            return not_computed(
                self, NAME, "no value is held by one real row only, so there is none to release."
            )
        parts = _part(asked)
        names, contrasts = list(parts), [_contrast(values) for values in parts.values()]
        looks, place = len(names), worst(contrasts)
        chosen = contrasts[place]
        identifiers = [held for held in asked if held.identifier]
        alarm = _identifies(identifiers)
        why = sightless(chosen, looks, "hardly any value is held by one real row only")
        if why is not None and not alarm:
            return not_computed(self, NAME, why)
        verdict = chosen.judge(self.limits, looks)
        found_in = _released(parts, asked, looks, alarm)
        if identifiers:
            together = _contrast(_merge(identifiers))
            names, contrasts = [*names, "identifiers"], [*contrasts, together]
            if alarm and verdict == "pass":
                place, chosen, verdict = len(names) - 1, together, "look"
        detail = [
            {"values": name, "unique in train": contrast.rows, **contrast.record(looks, self.limits[0])}
            for name, contrast in zip(names, contrasts, strict=True)
        ]
        words = _say(names[place], chosen, found_in, looks, self.limits) + _scope(numbered)
        return [
            Score(
                NAME,
                chosen.value,
                chosen.interval(looks),
                0.0,
                verdict,
                words,
                self.better,
                pl.DataFrame(detail),
                _evidence(case, asked),
                title=self.title,
            )
        ]


@dataclass(frozen=True)
class _Held:
    """The unique values of a column: whose they are, whether they are released, and whether they are outermost.

    An identifier tells people apart; one is unshared if no fresh person could have it by chance.
    """

    column: str
    numbered: bool
    unique: pl.DataFrame
    identifier: bool
    unshared: bool


def _count(case: Comparison, holdout: pl.DataFrame, column: Column) -> _Held:
    plain = [_as_written(frame[column.name], column) for frame in (case.train, holdout, case.synthetic)]
    real = pl.DataFrame({"value": pl.concat(plain[:2])}).with_row_index("row")
    real = real.drop_nulls("value").with_columns(ours=pl.col("row") < case.train.height)
    holders = real.group_by("value").agg(
        pl.len().alias("holders"), pl.col("row").min(), pl.col("ours").sum().alias("own")
    )
    fakes = plain[2].drop_nulls().unique().rename("value")
    holders = holders.with_columns(released=pl.col("value").is_in(fakes.implode()))
    if column.kind in NUMERIC_KINDS and holders.height:
        rank = pl.col("value").rank("ordinal")
        outer = (rank <= OUTERMOST) | (rank > holders.height - OUTERMOST)
        holders = holders.with_columns(outermost=outer)
    else:
        holders = holders.with_columns(outermost=pl.lit(False))
    unique = holders.filter(pl.col("holders") == 1).select(
        "row", "value", "released", "outermost", ours=pl.col("own") == 1
    )
    identifier = _tells_apart(column, plain[0], unique)
    unshared = (
        identifier
        and column.identifying not in _LISTED
        and unique.height == holders.height
        and _expect_hits(plain[0].drop_nulls(), len(fakes)) < CHANCE_HITS
    )
    return _Held(column.name, _numbered(plain, column), unique.sort("row"), identifier, unshared)


_LISTED = {"person.name", "person.first", "person.last", "address.city", "address.postcode"}
"""What is put together from lists or short codes, so that fakes can be somebody's by chance."""


def _tells_apart(column: Column, ours: pl.Series, unique: pl.DataFrame) -> bool:
    if column.identifying is not None:
        return True
    if column.kind == "key":
        return bool(ours.str.contains(r"\p{L}").any())
    present = len(ours) - ours.null_count()
    return column.kind == "text" and present > 0 and int(unique["ours"].sum()) >= NEARLY_ALL * present


def _expect_hits(ours: pl.Series, fakes: int) -> float:
    """Return how many values would be met by as many blind guesses, each character drawn from those at its place."""
    room = 1.0
    for place in range(LONGEST):
        room *= max(1, ours.str.slice(place, 1).n_unique())
        if len(ours) * fakes < CHANCE_HITS * room:
            break
    return len(ours) * fakes / room


def _merge(asked: list[_Held]) -> pl.DataFrame:
    """Put the unique values of columns together; one person counts once, else chance would not fall on each alone."""
    values = pl.concat([held.unique.select("row", "ours", "released") for held in asked])
    return values.group_by("row").agg(pl.col("ours").first(), pl.col("released").any())


def _identifies(identifiers: list[_Held]) -> bool:
    """Tell whether true identifiers are released that chance does not explain."""
    if not identifiers:
        return False
    if _contrast(_merge(identifiers)).probability < IDENTIFIER_ALARM:
        return True
    unshared = [held for held in identifiers if held.unshared]
    if not unshared:
        return False
    found = _contrast(_merge(unshared))
    return found.hits >= FEWEST_IDENTIFIERS and found.control_hits == 0


def _released(parts: dict[str, pl.DataFrame], asked: list[_Held], looks: int, alarm: bool) -> list[str]:
    """Say how many values of what are released beyond chance: identifiers first, the most first."""
    told: dict[str, tuple[bool, int]] = {}
    for held in asked:
        found = _contrast(held.unique)
        more = found.hits > 0 and found.share > found.control
        own = f"column {held.column!r}" in parts and found.beyond_chance(looks)
        if own or (alarm and held.identifier and more):
            told[repr(held.column)] = (not held.identifier, -found.hits)
    for name, values in parts.items():
        found = _contrast(values)
        if not name.startswith("column ") and found.beyond_chance(looks):
            told[name] = (True, -found.hits)
    said = [f"{-told[name][1]:,} true values of {name}" for name in sorted(told, key=told.__getitem__)]
    return said or (["true values of identifiers taken together"] if alarm else [])


def _part(asked: list[_Held]) -> dict[str, pl.DataFrame]:
    """Part the unique values into questions: columns with many, all columns with few, the outermost."""
    parts = {f"column {held.column!r}": held.unique for held in asked if held.unique.height >= FEWEST_VALUES}
    small = [held.unique for held in asked if held.unique.height < FEWEST_VALUES]
    outermost = pl.concat([held.unique.drop("value") for held in asked]).filter("outermost")
    together = {
        "columns with few such values": pl.concat([values.drop("value") for values in small])
        if small
        else None,
        "the smallest and largest": outermost if outermost.height else None,
    }
    for name, values in together.items():
        if values is not None:
            # one person counts once, or the sides would not be fallen on by chance one by one
            parts[name] = values.group_by("row").agg(pl.col("ours").first(), pl.col("released").any())
    return parts


def _as_written(values: pl.Series, column: Column) -> pl.Series:
    """Return values that can be put together and compared: numbers as floats, all else as text."""
    if column.kind not in NUMERIC_KINDS:
        text = values.cast(pl.String).rename("value")
        return _fold(text) if column.kind in {"text", "key"} and values.dtype == pl.String else text
    return pl.Series("value", as_numbers(values)).fill_nan(None)


def _fold(text: pl.Series) -> pl.Series:
    """Drop what a value is still the same without: case, and all but letters and digits at both ends."""
    # capitals first, since some letters (a sharp s) have no other way to meet their other spelling
    folded = text.str.strip_chars().str.to_uppercase().str.to_lowercase()
    bare = folded.str.replace_all(ENDS, "")
    return pl.select(pl.when(bare != "").then(bare).otherwise(folded).alias(text.name)).to_series()


def _numbered(plain: list[pl.Series], column: Column) -> bool:
    """Tell whether the synthetic keys are simply numbered through, as any new table's keys may be."""
    if column.kind != "key":
        return False
    digits = plain[2].drop_nulls().str.extract(r"(\d{1,18})$").cast(pl.Int64).drop_nulls().unique().to_numpy()
    return len(digits) > 1 and bool(digits.max() - digits.min() < 2 * len(digits))


def _contrast(unique: pl.DataFrame) -> Contrast:
    ours, released = unique["ours"].to_numpy(), unique["released"].to_numpy()
    return Contrast(
        int((ours & released).sum()), int(ours.sum()), int((~ours & released).sum()), int((~ours).sum())
    )


def _evidence(case: Comparison, asked: list[_Held]) -> pl.DataFrame:
    """List released values of training rows, the outermost first."""
    schema = {"column": pl.String, "train_row": pl.Int64, "value": pl.String, "outermost": pl.Boolean}
    records = []
    for held in asked:
        shown = held.unique.filter("ours", "released").sort("outermost", descending=True, maintain_order=True)
        shown = shown.head(EVIDENCE_ROWS)
        values = case.train[held.column][shown["row"].to_list()].to_list()
        for row, value, outermost in zip(shown["row"], values, shown["outermost"], strict=True):
            records.append((held.column, row + 1, str(value), outermost))
    records.sort(key=lambda record: not record[3])
    return pl.DataFrame(records[:EVIDENCE_ROWS], schema=schema, orient="row")


def _say(name: str, found: Contrast, released: list[str], looks: int, limits: tuple[float, float]) -> str:
    said = (
        f"of the values that one real row alone holds ({name}), {percent(found.share)} of those of the training rows "
        f"stand in the synthetic rows (in whatever spelling: case, and blanks and punctuation at the ends, do not "
        f"count), and {percent(found.control)} of those of real rows that the model never saw"
    )
    if not released:
        return f"No leak found by this attack: {said}; {seen(found, looks, limits)}."
    where = f"{', '.join(released)} stand in the synthetic rows"
    return f"Values of single people are released: {where}; {said}."


def _scope(numbered: list[str]) -> str:
    if not numbered:
        return ""
    return f" (Left out, for the synthetic keys are numbered through: {', '.join(map(repr, numbered))}.)"
