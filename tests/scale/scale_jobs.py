"""Jobs for tests of parts: cheap draws of NumPy, of one table and of two."""

from __future__ import annotations

import hashlib
import os
import signal
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from time import sleep

import numpy as np
import polars as pl

from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.scale.job import Group
from simulacra.schema.types import Column, Reference, Schema, Table

CURRENCIES = ("EUR", "USD", "GBP", "CHF")
STATES = ("ok", "failed", "pending")
PAYMENTS = Table(
    "payments",
    (
        Column("id", "key", integer=True),
        Column("account", "number", integer=True, bounds=(0, 999_999)),
        Column("at", "datetime"),
        Column("amount", "number", decimals=2),
        Column("currency", "category", levels=CURRENCIES),
        Column("status", "category", levels=STATES, nullable=True),
    ),
    key=("id",),
)
_START = datetime(2024, 1, 1)


@dataclass(frozen=True)
class Payments:
    """Rows of six columns, `size` to a unit."""

    rows: int
    seed: int = 1
    size: int = BLOCK_ROWS
    notes: tuple[str, ...] = ()
    schema: Schema = field(default=Schema((PAYMENTS,)), repr=False)

    @property
    def identity(self) -> str:
        return hashlib.sha256(f"payments {self.rows} {self.seed} {self.size}".encode()).hexdigest()

    @property
    def origin(self) -> dict[str, int]:
        return {"seed": self.seed}

    @property
    def groups(self) -> tuple[Group, ...]:
        return (Group("payments", ("payments",), max(-(-self.rows // self.size), 1), self.rows),)

    def draw(self, group: str, unit: int) -> dict[str, pl.DataFrame]:
        start = unit * self.size
        n = min(self.size, self.rows - start)
        rng = Streams(self.seed).at("payments", "block", unit).stream("rows")
        at = np.cumsum(rng.integers(0, 2_000_000, n)) + 2_000_000 * start
        status = pl.Series(rng.integers(0, 3, n, dtype=np.uint8)).cat.to(pl.Enum(STATES))
        frame = pl.DataFrame(
            {
                "id": np.arange(start + 1, start + n + 1),
                "account": rng.integers(0, 1_000_000, n, dtype=np.int32).astype(np.int64),
                "at": pl.Series(at).cast(pl.Duration("us")) + _START,
                "amount": np.round(np.exp(rng.standard_normal(n) + 3), 2),
                "currency": pl.Series(rng.integers(0, 4, n, dtype=np.uint8)).cat.to(pl.Enum(CURRENCIES)),
                "status": status,
            },
        )
        return {"payments": frame.with_columns(pl.when(pl.col("id") % 7 > 0).then("status").alias("status"))}


SHOP = Schema(
    (
        Table(
            "customers",
            (Column("id", "key", integer=True), Column("name", "text", nullable=True)),
            key=("id",),
        ),
        Table(
            "orders",
            (
                Column("id", "key"),
                Column("customer", "key", integer=True),
                Column("day", "date"),
                Column("paid", "boolean", nullable=True),
                Column("country", "category", levels=("DE", "a/b c", "FR"), nullable=True),
            ),
            key=("id",),
            references=(Reference(("customer",), "customers", ("id",)),),
        ),
    )
)


@dataclass(frozen=True)
class Shop:
    """Two tables drawn together: units of as many rows as it comes."""

    units: int = 5
    seed: int = 1
    notes: tuple[str, ...] = ("made for tests.",)
    schema: Schema = field(default=SHOP, repr=False)

    @property
    def identity(self) -> str:
        return hashlib.sha256(f"shop {self.units} {self.seed}".encode()).hexdigest()

    @property
    def groups(self) -> tuple[Group, ...]:
        return (Group("shop", ("customers", "orders"), self.units),)

    def draw(self, group: str, unit: int) -> dict[str, pl.DataFrame]:
        rng = Streams(self.seed).at("shop", unit).stream("rows")
        many, each = 40 + unit, rng.integers(0, 4, 40 + unit)
        ids = np.arange(many) + 1_000 * unit
        customer = np.repeat(ids, each)
        n = len(customer)
        days = pl.Series(rng.integers(19_000, 20_000, n, dtype=np.int32)).cast(pl.Date)
        names = pl.Series([f'name, {i} "é"' if i % 5 else None for i in ids.tolist()], dtype=pl.String)
        country = pl.Series(rng.integers(0, 3, n, dtype=np.uint8)).cat.to(pl.Enum(["DE", "a/b c", "FR"]))
        orders = pl.DataFrame(
            {
                "id": pl.Series([f"o{unit}-{j}" for j in range(n)], dtype=pl.String),
                "customer": customer,
                "day": days,
                "paid": pl.Series(rng.integers(0, 2, n)).cast(pl.Boolean),
                "country": country,
            }
        )
        some = pl.Series(rng.integers(0, 4, n) > 0)
        orders = orders.with_columns(pl.when(some).then(name).alias(name) for name in ("paid", "country"))
        return {"customers": pl.DataFrame({"id": ids, "name": names}), "orders": orders}


@dataclass(frozen=True)
class Deadly(Payments):
    """Rows whose third unit kills the process that draws it, once for each file that is there."""

    trap: str = ""
    pause: float = 0.0
    always: bool = False

    def draw(self, group: str, unit: int) -> dict[str, pl.DataFrame]:
        sleep(self.pause)
        if self.always and unit:
            os.kill(os.getpid(), signal.SIGKILL)
        if unit == 2 and self.trap:
            try:
                Path(self.trap).unlink()
            except FileNotFoundError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().draw(group, unit)


@dataclass(frozen=True)
class Wrong(Payments):
    """Rows that are not of their schema."""

    def draw(self, group: str, unit: int) -> dict[str, pl.DataFrame]:
        frame = super().draw(group, unit)["payments"]
        return {"payments": frame.with_columns(pl.col("amount").cast(pl.Float32))}


KINDS = Table(
    "a/../b",
    (
        Column("whole", "number", integer=True, nullable=True),
        Column("real", "number", nullable=True),
        Column("money", "number", decimals=2, format="fixed", nullable=True),
        Column("open", "category", nullable=True),
        Column("listed", "category", levels=("NA", "true", " x ", ""), nullable=True),
        Column("flag", "boolean", nullable=True),
        Column("yes", "boolean", format="no|yes", nullable=True),
        Column("date", "date", format="%d.%m.%Y", nullable=True),
        Column("moment", "datetime", nullable=True),
        Column("zoned", "datetime", timezone="Europe/Berlin", nullable=True),
        Column("clock", "time", nullable=True),
        Column("span", "duration", nullable=True),
        Column("text", "text", nullable=True),
        Column("key", "key"),
    ),
)
_VALUES = {
    "whole": [1, -(2**63), 2**63 - 1, None],
    "real": [0.1, -1e300, 5e-324, None],
    "money": [1.5, 2.25, -3.0, None],
    "open": ["1", "a,b", "NaN", None],
    "listed": pl.Series(["NA", "true", " x ", None], dtype=pl.Enum(["NA", "true", " x ", ""])),
    "flag": [True, False, True, None],
    "yes": [True, False, True, None],
    "date": [date(1800, 1, 1), date(9999, 12, 31), date(2024, 2, 29), None],
    "moment": [datetime(1900, 1, 1, 0, 0, 0, 1), datetime(2024, 1, 1), datetime(2300, 1, 1), None],
    "zoned": pl.Series(
        [datetime(2024, month, 27, 1, 30, tzinfo=UTC) for month in (7, 1, 10)] + [None], dtype=pl.Datetime("us", "UTC")
    ).dt.convert_time_zone("Europe/Berlin"),
    "clock": [clock(1, 2, 3, 4), clock(0), clock(23, 59, 59), None],
    "span": [timedelta(seconds=1, microseconds=5), timedelta(days=-3), timedelta(0), None],
    "text": ['he said "hi",\nbye', "é🎈", "  spaced ", None],
    "key": ["007", "1e5", "x", "-"],
}  # fmt: skip


@dataclass(frozen=True)
class Kinds:
    """Two tables of odd names, with columns of every kind and the values that formats stumble over."""

    notes: tuple[str, ...] = ()
    schema: Schema = field(
        default=Schema((KINDS, Table("_other", (Column("a", "text", nullable=True),)))), repr=False
    )
    identity: str = "aa"
    groups: tuple[Group, ...] = (Group("x/../y", ("a/../b", "_other"), 2),)

    def draw(self, group: str, unit: int) -> dict[str, pl.DataFrame]:
        return {"a/../b": pl.DataFrame(_VALUES), "_other": pl.DataFrame({"a": [str(unit), "b"]})}
