"""The contract of models whose graph can be acted upon."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulacra.domain import Array, Block, Support
from simulacra.generator import Causal, Dense
from simulacra.randomness import Streams

_DRAWS = 500
_REAL = 100


def check_actions(model: Causal, block: Block, supports: Mapping[int, Support], seed: int) -> None:
    """Check interventions and counterfactuals on every axis alone."""
    assert isinstance(model.assumed, bool), "assumed says whether the graph was given."
    real = block.take(slice(0, _REAL))
    for place, support in supports.items():
        name = block.domain.axes[place].name
        acted = model.intervene({place: support})
        fake = acted.sample(_DRAWS, rng=Streams(seed + 1))
        assert fake.domain == block.domain and len(fake) == _DRAWS, "an intervention keeps the domain."
        assert support.holds(fake.columns[place]).all(), f"axis {name!r}: a value outside what it was set to."
        if isinstance(acted, Dense):
            logs = acted.log_density(fake)[:, place]
            assert (logs > np.log(1e-9)).all(), (
                f"axis {name!r}: a value that was set is said to be impossible."
            )
        told = model.counterfactual(real, {place: support}, rng=Streams(seed + 2))
        assert support.holds(told.columns[place]).all(), f"axis {name!r}: counterfactuals break what was set."
        again = model.counterfactual(real, {place: support}, rng=Streams(seed + 2))
        within = support.holds(real.columns[place])
        for one, two, known in zip(told.columns, again.columns, real.columns):
            assert _same(one, two), f"axis {name!r}: two counterfactuals with the same seed differ."
            assert one.dtype == known.dtype, f"axis {name!r}: counterfactuals change the type of a column."
            assert _same(one[within], known[within]), (
                f"axis {name!r}: a row in which nothing had to be set must stay as it is."
            )


def _same(one: Array, two: Array) -> bool:
    return np.array_equal(one, two, equal_nan=one.dtype.kind == "f")
