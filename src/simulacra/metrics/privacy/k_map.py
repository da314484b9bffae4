"""How many synthetic rows fit only a few real people by what others may know about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import LEVEL_KINDS, comparable_columns, not_computed, percent, unassessable
from simulacra.metrics._contrast import Contrast, seen, too_few
from simulacra.metrics._knowledge import positions
from simulacra.metrics._shares import share_interval
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

NAME = "privacy/k-map"
FEW = 5
MOST_VALUES = 100
CELLS = 10
BANDS = ((0, 0), (1, 1), (2, 4), (5, 9), (10, 49), (50, None))


class KMap(Metric):
    """The share of synthetic rows whose quasi-identifiers fit at least one training row and fewer than five.

    Who knows a person's age, sex and place and finds them in a synthetic row may think to have found the person, if
    few people fit. Quasi-identifiers are used as they are, numbers rounded to the grid of the real ones; numbers,
    dates and times of more than 100 values are cut into 10 cells of equally many real rows. The baseline is the same
    share of holdout rows: people who were not in the training data fit few of it by chance too.

    Notes
    -----
    **Verdict** on the value minus the baseline: pass up to 0.02, and unless Fisher's exact test is below 1e-4; look
    above. Never fail: a row that fits few real people need not tell the truth about them, which other attacks find out.

    **Interval** 95 %, Wilson's.

    **Detail** for 0, 1, 2-4, 5-9, 10-49 and more training rows that fit: shares of synthetic and of holdout
    rows. The words say which quasi-identifiers were cut into cells.

    **Privacy** aggregates only.

    **Cost** a sort of all rows.

    **Source** Sweeney 2002, "k-anonymity: a model for protecting privacy" (k-map); El Emam & Dankar 2008,
    "Protecting privacy using k-anonymity", section 2.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> real = pl.DataFrame({"age": [30, 31, 32, 33] * 75})
    >>> table = Table("t", (Column("age", "number", integer=True),))
    >>> KMap().score(Comparison(table, real, real, real, quasi_identifiers=("age",)))[0].value
    0.0
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Synthetic rows that fit 1 to 4 real people (share)"
    limits: ClassVar[tuple[float, float]] = (0.02, 1.0)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = unassessable(case, columns, "how many fit by chance is not known without a holdout")
        if why is None and case.holdout is not None:
            why = too_few(case.train.height, case.holdout.height)
        known = [columns[i] for i in positions(columns, case.quasi_identifiers)]
        if why is None and not known:
            why = (
                "no quasi-identifier is named that can be compared; name the columns that others may know about a "
                "person with quasi_identifiers=... (--quasi-identifier)."
            )
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "", asked=bool(case.quasi_identifiers))
        coded = [_code(case, case.holdout, column) for column in known]
        fits = _count_fits(case, coded)
        few = [(fit > 0) & (fit < FEW) for fit in fits]
        found = Contrast(int(few[0].sum()), len(few[0]), int(few[1].sum()), len(few[1]))
        excess = found.share - found.control
        verdict: Verdict = "look" if excess > self.limits[0] and found.beyond_chance() else "pass"
        cut = [coding.name for coding in coded if coding.cells]
        words = _say(found, len(known), cut, verdict == "pass", self.limits)
        detail = _detail(fits)
        return [
            Score(
                NAME,
                found.share,
                share_interval(found.hits, found.rows),
                found.control,
                verdict,
                words,
                self.better,
                detail,
                title=self.title,
            )
        ]


@dataclass(frozen=True)
class _Coding:
    """One quasi-identifier as it is used: values of training, synthetic and holdout rows, and whether in cells."""

    name: str
    parts: list[pl.Series]
    cells: bool


def _code(case: Comparison, holdout: pl.DataFrame, column: Column) -> _Coding:
    parts = [frame[column.name] for frame in (case.train, case.synthetic, holdout)]
    if column.kind in LEVEL_KINDS:
        return _Coding(column.name, [part.cast(pl.String) for part in parts], False)
    numbers = [as_numbers(part) for part in parts]
    real = np.concatenate([numbers[0], numbers[2]])
    real = real[~np.isnan(real)]
    grid = np.unique(real)
    numbers[1] = _round(numbers[1], grid, column.integer)
    if len(grid) <= MOST_VALUES:
        return _Coding(column.name, [pl.Series(part).fill_nan(None) for part in numbers], False)
    edges = np.unique(np.quantile(real, np.linspace(0, 1, CELLS + 1)[1:-1], method="inverted_cdf"))
    cells = [np.where(np.isnan(part), -1, np.searchsorted(edges, part, side="left")) for part in numbers]
    return _Coding(column.name, [pl.Series(part) for part in cells], True)


def _round(numbers: Array, grid: Array, integer: bool) -> Array:
    """Return numbers at the nearest real value where they lie nearer to it than half the finest step between two.

    Examples
    --------
    >>> _round(np.array([38.9998, 12.0, np.nan]), np.array([10.0, 39.0]), integer=True).tolist()
    [39.0, 12.0, nan]
    >>> _round(np.array([0.2501, 3.0]), np.array([0.0, 0.25, 0.5]), integer=False).tolist()
    [0.25, 3.0]
    """
    if integer:
        return np.rint(numbers)
    if len(grid) < 2:
        return numbers
    place = np.searchsorted((grid[1:] + grid[:-1]) / 2, numbers)
    near: Array = np.where(np.abs(grid[place] - numbers) < np.diff(grid).min() / 2, grid[place], numbers)
    return near


def _count_fits(case: Comparison, coded: list[_Coding]) -> list[Array]:
    """Return for each synthetic and each holdout row how many training rows have its combination."""
    train, *others = (
        pl.DataFrame({f"q{i}": coding.parts[side] for i, coding in enumerate(coded)}) for side in range(3)
    )
    counts = train.group_by(train.columns).len("fit")
    joined = [
        frame.join(counts, on=train.columns, how="left", nulls_equal=True, maintain_order="left")
        for frame in others
    ]
    return [frame["fit"].fill_null(0).cast(pl.Int64).to_numpy() for frame in joined]


def _detail(fits: list[Array]) -> pl.DataFrame:
    records = []
    for low, high in BANDS:
        name = f"{low} or more" if high is None else str(low) if low == high else f"{low} to {high}"
        shares = [
            float(((fit >= low) & (fit <= (high if high is not None else fit.max()))).mean()) for fit in fits
        ]
        records.append({"training rows that fit": name, "synthetic": shares[0], "holdout": shares[1]})
    return pl.DataFrame(records)


def _say(found: Contrast, known: int, cut: list[str], passed: bool, limits: tuple[float, float]) -> str:
    said = (
        f"{percent(found.share)} of the synthetic rows fit 1 to {FEW - 1} training rows by {known} "
        f"quasi-identifier{'' if known == 1 else 's'}, and {percent(found.control)} of real rows that the model "
        "never saw do so by chance"
    )
    cells = f" ({', '.join(map(repr, cut))}: in {CELLS} cells.)" if cut else ""
    if passed:
        return f"No leak found by this attack: {said}; {seen(found, 1, limits)}.{cells}"
    return (
        f"More synthetic rows fit a few real people than chance explains: {said}. Whether such rows tell the truth "
        f"about those people, privacy/inference and privacy/linkage find out.{cells}"
    )
