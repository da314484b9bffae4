"""Every model of the shelf on tables of every make: few rows, one kind of column only, many gaps, many levels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import MissingExtra
from simulacra.randomness import Streams
from simulacra.registry import MODELS

LIGHT: dict[str, dict[str, Any]] = {
    "auto": {"candidates": "copula,bayes-net"},
    "ensemble": {"members": "copula,bayes-net"},
    "autoregressive": {"epochs": 1},
    "vae": {"epochs": 2},
    "wgan": {"epochs": 1},
    "gan": {"epochs": 1},
}
"""Settings that make the slow ones quick: what is tested is that they work, not how well."""
ROWS, DRAWN = 600, 2_000


def _numbers(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    x = rng.normal(50, 10, rows).round(1)
    return {
        "x": x,
        "n": rng.poisson(3, rows),
        "z": np.where(rng.random(rows) < 0.5, 0.0, rng.exponential(5, rows)),
    }


def _categories(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    a = rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])
    return {"a": a, "b": np.where(a == "a", "u", rng.choice(["u", "v"], rows)), "yes": rng.random(rows) < 0.2}


def _few(rng: np.random.Generator) -> pl.DataFrame:
    return pl.DataFrame({**_numbers(rng, 200), **_categories(rng, 200)})


def _gaps(rng: np.random.Generator) -> pl.DataFrame:
    frame = pl.DataFrame({**_numbers(rng, ROWS), **_categories(rng, ROWS)})
    return frame.with_columns(
        pl.when(pl.Series(rng.random(ROWS) > 0.4)).then(pl.col(name)).alias(name) for name in frame.columns
    )


def _levels(rng: np.random.Generator) -> pl.DataFrame:
    # 100 levels, of which each is held by at least ten of the rows, so that none is merged
    codes = np.repeat(np.arange(100), 10)
    return pl.DataFrame(
        {"code": [f"L{code:04d}" for code in rng.permutation(codes)], "x": rng.normal(size=1_000)}
    )


TABLES: dict[str, Callable[[np.random.Generator], pl.DataFrame]] = {
    "200 rows": _few,
    "only numbers": lambda rng: pl.DataFrame(_numbers(rng, ROWS)),
    "only categories": lambda rng: pl.DataFrame(_categories(rng, ROWS)),
    "40 % missing": _gaps,
    "many levels": _levels,
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", MODELS.names())
def test_it_works(name: str, table: str) -> None:
    frame = TABLES[table](Streams(5).stream("table", table))
    try:
        model = sim.fit(frame, name, seed=1, schema=_as_categories(frame), **LIGHT.get(name, {}))
    except MissingExtra as error:
        pytest.skip(str(error))
    fake = model.sample(DRAWN, seed=2).polars()
    assert len(fake) == DRAWN and fake.columns == frame.columns
    for column in frame.columns:
        real, made = frame[column], fake[column]
        if real.dtype == pl.String:
            assert set(made.drop_nulls()) <= set(real.drop_nulls()), f"{column}: levels that no row has"
        if real.dtype.is_integer():
            assert made.dtype.is_integer(), f"{column}: whole numbers stay whole"
        share, error = real.null_count() / len(real), np.sqrt(0.25 / len(real) + 0.25 / DRAWN)
        assert abs(made.null_count() / DRAWN - share) < 6 * error, f"{column}: missing values"


def _as_categories(frame: pl.DataFrame) -> sim.Schema | None:
    """Say that codes are levels; with ten rows each they would be guessed to be texts."""
    schema = sim.infer(frame)
    return schema.with_column("code", kind="category") if "code" in frame.columns else schema
