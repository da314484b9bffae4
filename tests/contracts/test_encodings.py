"""Every encoding of the registry keeps its contract: a new file is tested unasked."""

from datetime import date, datetime, time, timedelta

import polars as pl
import pytest

from simulacra.encoding import Encoding
from simulacra.registry import ENCODINGS
from simulacra.schema.types import KINDS, Column
from simulacra.testing import check_encoding

VALUES = {
    "number": pl.Series("a", [1.5, None, -2.25, 0.0] * 5),
    "category": pl.Series("a", ["x", "y", None, "long one"] * 5),
    "boolean": pl.Series("a", [True, None, False, True] * 5),
    "date": pl.Series("a", [date(2024, 2, 29), None, date(1969, 1, 1)] * 5),
    "datetime": pl.Series("a", [datetime(2024, 2, 29, 13, 5), None] * 5, dtype=pl.Datetime("us")),
    "time": pl.Series("a", [time(13, 5), None, time(0, 0, 1)] * 5),
    "duration": pl.Series("a", [timedelta(hours=3), None, timedelta(-1)] * 5, dtype=pl.Duration("us")),
    "text": pl.Series("a", ["Anna Berg", None, "Bert Lund", "Cleo Holm"] * 5),
    "key": pl.Series("a", [f"C{i:03}" for i in range(20)]),
}


def test_every_kind_has_an_encoding_and_every_encoding_a_kind():
    assert set(ENCODINGS.names()) == set(KINDS) == set(VALUES)


@pytest.mark.parametrize("kind", KINDS)
def test_encoding_keeps_the_contract(kind):
    check_encoding(ENCODINGS.load(kind), VALUES[kind], Column("a", kind, nullable=kind != "key"))


def test_the_contract_finds_a_broken_encoding():
    class Lossy(ENCODINGS.load("number")):
        def decode(self, arrays, *, rng, start=0):
            return super().decode(arrays, rng=rng, start=start).round(0)

    assert issubclass(Lossy, Encoding)
    with pytest.raises(AssertionError, match="is not x"):
        check_encoding(Lossy, VALUES["number"], Column("a", "number", nullable=True))
