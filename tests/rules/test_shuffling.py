"""Shuffled numbers: each below the size comes exactly once, whatever the size, and any of them can be had alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulacra.shuffling import shuffle


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 5_000), key=st.integers(0, 2**128 - 1))
def test_every_number_comes_once(size: int, key: int) -> None:
    assert sorted(shuffle(np.arange(size), size, key).tolist()) == list(range(size))


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 2**62), key=st.integers(0, 2**128 - 1), data=st.data())
def test_large_sizes_need_no_memory_and_stay_in_range(size: int, key: int, data: st.DataObject) -> None:
    places = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20, unique=True)))
    made = shuffle(places, size, key)
    assert (made >= 0).all()
    assert (made < size).all()
    assert len(set(made.tolist())) == len(places)
    assert shuffle(places[:1], size, key)[0] == made[0]


def test_the_order_tells_nothing() -> None:
    size = 1_000_000_000
    made = shuffle(np.arange(100_000), size, key=11)
    # in each of 50 bins as many as chance says, and neighbours are not alike
    counts = np.histogram(made, bins=50, range=(0, size))[0]
    assert ((counts - 2_000) ** 2 / 2_000).sum() < 49 + 4.5 * np.sqrt(98)
    for lag in (1, 2, 65_536):
        assert abs(np.corrcoef(made[:-lag], made[lag:])[0, 1]) < 4.5 / np.sqrt(len(made) - lag)
    other = shuffle(np.arange(100_000), size, key=12)
    assert abs(np.corrcoef(made, other)[0, 1]) < 4.5 / np.sqrt(100_000)
