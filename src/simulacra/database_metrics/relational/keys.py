"""Whether keys and unique columns are unique and never missing, those of several columns too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import polars as pl

from simulacra.database_metric import DatabaseComparison, DatabaseMetric
from simulacra.database_metrics._case import NO_CEILING, not_computed, sides
from simulacra.metric import Score, Verdict
from simulacra.metrics._shares import exact_interval
from simulacra.schema.constraints import Unique

NAME = "relational/keys"


class Keys(DatabaseMetric):
    """The share of synthetic rows that break a key or a unique constraint, of the key that is broken most; 0 is right.

    A row breaks a key where one of its columns is missing, or where an earlier row has the same values; a unique
    constraint lets rows with a missing value be. The baseline is the same share among training rows.

    Notes
    -----
    **Verdict**: pass where no synthetic row breaks a key that real rows keep; fail otherwise. Where real rows break
    a key themselves, look up to their own share, and fail above.

    **Interval** exact (Clopper and Pearson).

    **Detail** for each key: rows that break it (``broken``), by ``repeated`` and ``missing`` values, and the share
    among real rows.

    **Cost** linear in rows (one hash of each key).

    **Source** Clopper & Pearson 1934.
    """

    title: ClassVar[str] = "Rows that break a key, worst key (share)"

    def score(self, case: DatabaseComparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        keys = [key for key in _list_keys(case) if all(len(case.side(side)[key[0]]) for side in sides(case))]
        if not keys:
            asked = any(True for _ in _list_keys(case))
            return not_computed(
                self, NAME, "no table with rows has a key or a unique constraint.", asked=asked
            )
        records: list[dict[str, Any]] = []
        for table, columns, primary in keys:
            repeated, missing = count_broken(case.synthetic[table], columns, primary)
            real = {
                side: sum(count_broken(case.side(side)[table], columns, primary)) / len(case.side(side)[table])
                for side in sides(case)[1:]
            }  # fmt: skip
            records.append(
                {
                    "table": table,
                    "key": ", ".join(columns),
                    "rows": len(case.synthetic[table]),
                    "broken": repeated + missing,
                    "repeated": repeated,
                    "missing": missing,
                    "share": (repeated + missing) / len(case.synthetic[table]),
                    "share_real": max(real.values()),
                    "share_train": real.get("train"),
                }
            )
        detail = pl.DataFrame(records, infer_schema_length=None)
        worst = max(records, key=lambda row: (row["share"] - row["share_real"], row["share"]))
        verdict: Verdict = "pass"
        if any(row["share"] > 0 and row["share"] > row["share_real"] for row in records):
            verdict = "fail"
        elif any(row["share"] > 0 for row in records):
            verdict = "look"
        note = NO_CEILING if case.holdout is None else ""
        return [
            Score(
                NAME, worst["share"], exact_interval(worst["broken"], worst["rows"]), worst["share_train"], verdict,
                _say(worst, len(records)) + note, self.better,
                detail.drop("share_train").sort("share", descending=True, maintain_order=True), title=self.title,
            )
        ]  # fmt: skip


def count_broken(frame: pl.DataFrame, columns: Sequence[str], primary: bool) -> tuple[int, int]:
    """Count the rows that repeat a key, and those in which it is missing.

    Examples
    --------
    >>> count_broken(pl.DataFrame({"a": [1, 1, None, None]}), ["a"], True)
    (1, 2)
    >>> count_broken(pl.DataFrame({"a": [1, 1, None, None]}), ["a"], False)
    (1, 0)
    """
    known = frame.select(columns).drop_nulls()
    return known.height - known.n_unique(), (frame.height - known.height) if primary else 0


def _list_keys(case: DatabaseComparison) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    for table in case.schema.tables:
        if table.key:
            yield table.name, table.key, True
        for constraint in table.constraints:
            if isinstance(constraint, Unique) and set(constraint.columns) != set(table.key):
                yield table.name, tuple(constraint.columns), False


def _say(worst: dict[str, Any], keys: int) -> str:
    if not worst["broken"]:
        return f"All {keys} keys and unique constraints hold in every synthetic row."
    return (
        f"{worst['broken']:,} of {worst['rows']:,} synthetic rows break the key {worst['key']} of table "
        f"{worst['table']!r}: {worst['repeated']:,} repeat an earlier one, and in {worst['missing']:,} it is missing."
    )
