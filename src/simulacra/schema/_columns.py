"""The guess for a column whose values are typed, or have been parsed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from simulacra.schema import _facts
from simulacra.schema._names import says_code, says_date, says_key, says_measure, split_name
from simulacra.schema._parsing import MISSING
from simulacra.schema._patterns import find_pattern
from simulacra.schema.identifiers import find_identifier
from simulacra.schema.types import Column

MAX_LISTED_LEVELS = 1_000
_MIN_ROWS_KEY = 20
_MAX_KEY_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Values:
    """The different values of a column, and in how many rows each stands."""

    name: str
    distinct: pl.Series
    counts: pl.Series
    rows: int
    first: bool = False
    """Whether the column is the first of its table."""

    @classmethod
    def count(cls, series: pl.Series, *, first: bool) -> Values:
        """Count the values of a column; nulls and NaN are not values."""
        present = series.drop_nulls()
        if present.dtype.is_float():
            present = present.drop_nans()
        table = present.alias("value").value_counts(name="rows")
        return cls(series.name, table["value"], table["rows"], len(series), first)

    @property
    def total(self) -> int:
        """Rows that have a value."""
        return int(self.counts.sum())

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return self.rows - self.total

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the column's name."""
        return split_name(self.name)

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return len(self.distinct) == self.rows > 0

    def parsed(self, values: pl.Series) -> Values:
        """Put parsed values in the place of the texts; texts that gave null count as missing."""
        table = pl.DataFrame({"value": values, "rows": self.counts}).drop_nulls("value")
        if table["value"].n_unique() < len(table):
            table = table.group_by("value").agg(pl.col("rows").sum())
        return Values(self.name, table["value"], table["rows"], self.rows, self.first)

    def without(self, mask: pl.Series) -> Values:
        """Leave out the values that a mask marks; their rows count as missing."""
        return Values(
            self.name, self.distinct.filter(~mask), self.counts.filter(~mask), self.rows, self.first
        )

    def explain(self, text: str, *remarks: str) -> str:
        """Make the reason: the text, the number of missing values, and remarks."""
        count = self.missing
        lack = f"{count:,} row{'s have' if count != 1 else ' has'} no value" if count else ""
        return "; ".join(part for part in (text, lack, *remarks) if part)


Guess = tuple[Column, str]


def infer_typed(values: Values, *, coded: bool = False, remark: str = "") -> Guess:
    """Guess a column from typed values.

    Parameters
    ----------
    values : Values
        Numbers, truth values, dates, datetimes, times or durations.
    coded : bool
        Whether whole numbers that repeat are to be taken for codes.
    remark : str
        Added to the reason.
    """
    dtype = values.distinct.dtype
    if dtype == pl.Boolean:
        column = Column(values.name, "boolean", nullable=values.missing > 0)
        return column, values.explain("true or false", remark)
    if dtype.is_temporal():
        return infer_moments(values, remark=remark)
    return _infer_number(values, coded=coded, remark=remark)


def infer_moments(values: Values, *, format: str | None = None, remark: str = "") -> Guess:
    """Guess a column of dates, datetimes, times or durations."""
    dtype = values.distinct.dtype
    kind = str(dtype.base_type()).lower()
    timezone = dtype.time_zone if isinstance(dtype, pl.Datetime) else None
    column = Column(
        values.name,
        kind,  # type: ignore[arg-type]
        nullable=values.missing > 0,
        bounds=_bounds(values.distinct),
        timezone=timezone,
        format=format,
    )
    return column, values.explain(f"{kind}s, {_spread(values, column.bounds)}", remark)


def _bounds(distinct: pl.Series) -> tuple[Any, Any] | None:
    return (distinct.min(), distinct.max()) if len(distinct) else None


def _spread(values: Values, bounds: tuple[Any, Any] | None) -> str:
    count = len(values.distinct)
    if bounds is None or not count:
        return "no value at all"
    if count == 1:
        return "always the same"
    return f"{count:,} different, {_facts.show(bounds[0])} to {_facts.show(bounds[1])}"


def _infer_number(values: Values, *, coded: bool, remark: str) -> Guess:
    distinct = values.distinct
    if distinct.dtype == pl.Float32:
        distinct = distinct.cast(pl.String).cast(pl.Float64)  # 0.1 in 32 bits is meant as 0.1
    elif not distinct.dtype.is_integer():
        distinct = distinct.cast(pl.Float64)
    if distinct.dtype.is_float():
        endless = distinct.is_infinite()
        if endless.any():
            rows = int(values.counts.filter(endless).sum())
            remark = "; ".join(filter(None, (remark, f"{rows:,} infinite")))
            distinct, values = distinct.filter(~endless), values.without(endless)
        if len(distinct) and (distinct == distinct.round()).all() and distinct.abs().max() < 2.0**53:  # type: ignore[operator]
            distinct = distinct.cast(pl.Int64)
    values = values.parsed(distinct)
    if not distinct.dtype.is_integer():
        return _infer_real(values, remark)
    whole = values.distinct.cast(pl.Int64, strict=False)
    inexact = bool(len(whole)) and whole.abs().max() >= 2**53  # type: ignore[operator]
    if inexact and not whole.null_count():
        key = _as_integer_key(values.parsed(whole), remark)
        if key is not None:
            return key
    if whole.null_count() or inexact:
        text = values.parsed(values.distinct.cast(pl.String))
        long = "whole numbers too long to be exact as numbers, kept as text"
        return as_identifier(text) or infer_words(text, remark=long)
    return _infer_whole(values.parsed(whole), coded=coded, remark=remark)


def _infer_real(values: Values, remark: str) -> Guess:
    decimals = _facts.count_decimals(values.distinct.to_numpy()) if len(values.distinct) else None
    column = Column(
        values.name, "number", nullable=values.missing > 0, decimals=decimals, bounds=_bounds(values.distinct)
    )
    digits = f" with {decimals} decimals" if decimals is not None and decimals > 1 else ""
    digits = " with 1 decimal" if decimals == 1 else digits
    return column, values.explain(f"numbers{digits}, {_spread(values, column.bounds)}", remark)


def _infer_whole(values: Values, *, coded: bool, remark: str) -> Guess:
    identifier = as_identifier(values)
    if identifier:
        return identifier
    guesses: tuple[Callable[[Values, str], Guess | None], ...] = (
        _as_compact_date,
        _as_integer_key,
    )
    for guess in guesses:
        found = guess(values, remark)
        if found:
            return found
    distinct = values.distinct.to_numpy()
    nullable = values.missing > 0
    if (
        len(distinct)
        and distinct.min() >= 0
        and len(distinct) < values.total
        and _facts.repeat(values.counts)
    ):
        why = (
            "the name says that they are codes"
            if says_code(values.words)
            else "they were stored as text"
            if coded
            else "codes: few, of one length and far apart"
            if _facts.are_codes(distinct, values.total)
            else ""
        )
        if why:
            column, reason = as_category(values.parsed(values.distinct.cast(pl.String)), "whole numbers")
            return column, "; ".join(filter(None, (reason, why, remark)))
    clock = _facts.is_clock(distinct)
    column = Column(
        values.name,
        "number",
        nullable=nullable,
        integer=True,
        step=_facts.find_step(distinct),
        bounds=_bounds(values.distinct),
        format="HHMM" if clock else None,
    )
    word = "clock times written as HHMM" if clock else "whole numbers"
    step = f"all multiples of {column.step:g}" if column.step else ""
    return column, values.explain(f"{word}, {_spread(values, column.bounds)}", step, remark)


def _range(whole: pl.Series) -> tuple[int, int]:
    numbers = whole.to_numpy()
    return int(numbers.min()), int(numbers.max())


def as_identifier(values: Values) -> Guess | None:
    """Guess a column that identifies people; None where nothing shows it.

    Whole numbers stay digits, so that they go out as the numbers they came in as.
    """
    found = find_identifier(values.distinct, values.name, rows=values.total)
    if found is None:
        return None
    whole = values.distinct.dtype.is_integer()
    column = Column(
        values.name,
        "text",
        nullable=values.missing > 0,
        integer=whole,
        identifying=found.kind,
        locale=found.locale,
    )
    return column, values.explain(found.reason)


def _as_compact_date(values: Values, remark: str) -> Guess | None:
    if not len(values.distinct) or not says_date(values.words):
        return None
    low, high = _range(values.distinct)
    if low < 1000_01_01 or high > 9999_12_31:
        return None
    dates = values.distinct.cast(pl.String).str.to_date("%Y%m%d", strict=False)
    if dates.null_count():
        return None
    return infer_moments(values.parsed(dates), format="%Y%m%d", remark=remark or "written as YYYYMMDD")


def _as_integer_key(values: Values, remark: str) -> Guess | None:
    if not values.unique:
        return None
    words, distinct = values.words, values.distinct
    if values.rows < _MIN_ROWS_KEY:
        likely = says_key(words, strict=True)
    else:
        low, high = _range(distinct)
        consecutive = high - low + 1 == values.rows
        likely = says_key(words) or ((values.first or consecutive) and not says_measure(words))
    if not likely:
        return None
    column = Column(values.name, "key", integer=True)
    return column, values.explain("whole numbers, different in every row", remark)


def infer_words(values: Values, *, remark: str = "") -> Guess:
    """Guess a column of text that is neither numbers nor moments: a key, a category or text."""
    texts, words, total = values.distinct, values.words, values.total
    nullable = values.missing > 0
    spaces = texts.str.count_matches(" ").cast(pl.Int64)
    compact = (
        not (spaces > 0).any() and int(texts.str.len_chars().to_numpy().max(initial=0)) <= _MAX_KEY_LENGTH
    )
    if values.unique and compact:
        pattern = find_pattern(texts)
        enough = values.rows >= _MIN_ROWS_KEY
        shaped = pattern is not None and "A-Za-z0-9" not in pattern and texts.str.contains(r"\d").all()
        if says_key(words, strict=not enough) or (enough and (values.first or shaped)):
            column = Column(values.name, "key", pattern=pattern)
            return column, values.explain("different in every row", remark)
    long = int((spaces * values.counts).sum()) > 2 * total  # more than three words in the mean
    if (long and 2 * len(texts) > total) or not _facts.repeat(values.counts):
        column = Column(values.name, "text", nullable=nullable)
        word = "long texts" if long else "texts"
        return column, values.explain(f"{word}, {len(texts):,} different in {total:,} rows", remark)
    column, reason = as_category(values, "")
    marks = [mark for mark in MISSING[1:] if mark in set(texts.to_list())]
    kept = f"{' and '.join(map(repr, marks))} kept as a value, not read as missing" if marks else ""
    return column, "; ".join(filter(None, (reason, remark, kept)))


def as_category(values: Values, what: str) -> Guess:
    """Make a category of texts; its levels are listed when there are at most 1,000."""
    count = len(values.distinct)
    listed = tuple(values.distinct.sort().to_list()) if count <= MAX_LISTED_LEVELS else None
    column = Column(values.name, "category", nullable=values.missing > 0, levels=listed)
    different = (
        "always the same value" if count == 1 else f"{count:,} different values in {values.total:,} rows"
    )
    return column, values.explain(f"{what}, {different}" if what else different)
