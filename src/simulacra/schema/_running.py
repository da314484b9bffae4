"""Running sums: what each row of a group shows when all before it are added up."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from simulacra.schema.constraints import Running


def run_up(
    rule: Running, frame: pl.DataFrame, addend: pl.Series, opening: pl.Series | None = None
) -> tuple[pl.Series, pl.Series]:
    """Compute a running sum.

    Returns
    -------
    (Series, Series)
        For each row what the column should be, null where the rule says nothing; and how much went through the sum so
        far, without signs.
    """
    by, order = list(rule.by), list(rule.order)
    spans = addend.dtype == pl.Duration
    zero = timedelta(0) if spans else 0
    if opening is not None and spans:
        opening = opening.cast(pl.Duration("us"))
    groups = [f"by{place}" for place in range(max(len(by), 1))]
    orders = [f"order{place}" for place in range(len(order))]
    rows = pl.DataFrame(
        [
            pl.int_range(frame.height, eager=True).alias("row"),
            *([frame[name].alias(label) for name, label in zip(by, groups, strict=False)] or [_zeros(frame)]),
            *(frame[name].alias(label) for name, label in zip(order, orders, strict=True)),
            # a missing addend adds nothing
            (addend if spans or addend.dtype.is_integer() else addend.cast(pl.Float64)).alias("addend"),
            frame[rule.column].alias("shown"),
            *(
                []
                if opening is None
                else [opening.cast(pl.Duration("us") if spans else opening.dtype).alias("opening")]
            ),
        ]
    )
    rows = rows.drop_nulls([*groups, *orders]).sort([*groups, *orders, "row"])
    moved = pl.col("addend").fill_null(zero)
    size = moved.cast(pl.Int64) if spans else moved
    rows = rows.with_columns(
        sum=moved.cum_sum().over(groups), size=size.abs().cum_sum().over(groups).cast(pl.Float64)
    )
    if opening is None:
        start = (pl.col("shown") - pl.col("sum")).drop_nulls().first().over(groups)
    else:
        start = pl.col("opening").first().over(groups)
    found = rows.select("row", should=start + pl.col("sum"), size="size")
    everyone = pl.select(row=pl.int_range(frame.height))
    result = everyone.join(found, on="row", how="left", maintain_order="left")
    return result["should"], result["size"].fill_null(0.0)


def _zeros(frame: pl.DataFrame) -> pl.Series:
    return pl.repeat(0, frame.height, eager=True).alias("by0")


def strays(
    values: pl.Series, should: pl.Series, size: pl.Series, allowed: float, relative: float
) -> pl.Series:
    """Mark values that are further from what they should be than rounding explains; null where nothing is said."""
    spans = values.dtype == pl.Duration
    gap = (values.cast(pl.Int64) - should.cast(pl.Int64) if spans else values - should).abs()
    # a long sum loses digits in proportion to what went through it
    return gap > allowed * (1 + relative) + relative * size
