"""The contract of models that can be made from figures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulacra.domain import Axis, Domain
from simulacra.figures import Cells, Figures
from simulacra.generator import Designed, Generator
from simulacra.randomness import Streams

_DRAWS = 20_000
_SIGMAS = 6.0


def check_design(factory: Callable[[], Generator], seed: int) -> None:
    """Check that a model made from figures draws what was told, and can be stored."""
    model = factory()
    if not isinstance(model, Designed):
        return
    axes = (
        Axis("kind", "kind", size=3),
        Axis("amount", "amount", missing=True, ordered=True),
        Axis("count", "count", lattice=True, ordered=True),
    )
    cells = (
        Cells(np.array([0.5, 0.3, 0.2])),
        Cells(np.array([0.25, 0.25, 0.3]), np.array([0.0, 0.0, 4.0]), np.array([0.0, 4.0, 9.0]), missing=0.2),
        Cells(np.array([0.1, 0.6, 0.3]), np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 20.0])),
    )
    told = Figures(cells=cells, told=("3 levels", "bins", "counts"))
    model.design(Domain(axes), told, rng=Streams(seed))
    fake = model.sample(_DRAWS, rng=Streams(seed + 1))
    kind, amount, count = fake.columns
    shares = {
        "a level": ((kind == 1).mean(), 0.3),
        "no value": (np.isnan(amount).mean(), 0.2),
        "an exact value": ((amount == 0).mean(), 0.25),
        "half of a bin": ((amount > 6.5).mean(), 0.15),
        "a point of a lattice": ((count == 1).mean(), 0.6),
        "two points of a bin of a lattice": ((count >= 19).mean(), 0.3 * 2 / 19),
    }
    for what, (found, wanted) in shares.items():
        limit = _SIGMAS * np.sqrt(wanted * (1 - wanted) / _DRAWS)
        assert abs(found - wanted) <= limit, (
            f"a design told {wanted:.3f} of {what}, and {found:.3f} were drawn."
        )
    assert (count == np.rint(count)).all(), "a design left its lattice."
    back = factory().restore(model.dump()).sample(200, rng=Streams(seed + 2))
    same = model.sample(200, rng=Streams(seed + 2))
    assert all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(back.columns, same.columns)
    ), "a model made from figures draws other rows once it was stored."
