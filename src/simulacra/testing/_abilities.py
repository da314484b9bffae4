"""The contract of what some models can do besides: steps, densities, explanations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from simulacra.domain import Array, Axis, Block, Support
from simulacra.generator import Dense, Explained, Generator, Sequential
from simulacra.randomness import Streams

_DRAWS = 3_000
_PLAIN = 20_000
_SIGMAS = 6.0


def check_abilities(factory: Callable[[], Generator], block: Block, seed: int) -> None:
    """Check the abilities that a model has, on a block that has coded and real axes."""
    model = factory().fit(block, rng=Streams(seed))
    if isinstance(model, Sequential):
        plain = model.sample(_PLAIN, rng=Streams(seed + 1))
        _check_order(model, block)
        _check_free_steps(model, plain, seed)
        for place, axis in enumerate(block.domain.axes):
            for support in _supports(axis, block.columns[place]):
                _check_limits(model, place, support, plain, seed)
        _check_given(model, block, seed)
        _check_take(model, seed)
    if isinstance(model, Dense):
        _check_density(model, block)
    if isinstance(model, Explained):
        _check_importances(model, block)


def _supports(axis: Axis, values: Array) -> Iterator[Support]:
    if axis.size is not None:
        levels = np.zeros(axis.size)
        levels[: max(axis.size // 2, 1)] = 1.0
        yield Support(levels=levels)
        return
    low, high = np.nanquantile(values, [0.3, 0.6])
    yield Support(ranges=np.array([[low, high]]))
    if axis.missing:
        yield Support(missing=True)
        yield Support(ranges=np.array([[high, np.inf]]), missing=True)


def _walk(model: Sequential, n: int, supports: dict[int, Support], seed: int) -> tuple[Block, Array]:
    draft, rng, log = model.start(n), Streams(seed), np.zeros(n)
    for axis in model.order:
        log += model.step(draft, axis, support=supports.get(axis), rng=rng)
    return model.finish(draft, rng), log


def _check_order(model: Sequential, block: Block) -> None:
    assert sorted(model.order) == list(range(len(block.domain))), "order must name every axis once."


def _check_free_steps(model: Sequential, plain: Block, seed: int) -> None:
    fake, log = _walk(model, _DRAWS, {}, seed + 2)
    assert fake.domain == plain.domain and len(fake) == _DRAWS, "steps must end in rows of the domain learnt."
    assert np.allclose(log, 0.0), "a step without limits allows everything, so its log mass is 0."
    for axis, one, two in zip(plain.domain.axes, fake.columns, plain.columns):
        assert one.dtype == two.dtype, f"axis {axis.name!r}: steps and sample give different types."
        cut = np.nanmedian(two)
        for name, a, b in (("share", one <= cut, two <= cut), ("missing", one != one, two != two)):
            p = b.mean()
            limit = _SIGMAS * np.sqrt(max(p * (1 - p), 1 / _DRAWS) * (1 / _DRAWS + 1 / _PLAIN))
            assert abs(a.mean() - p) <= limit, f"axis {axis.name!r}: steps and sample differ ({name})."


def _check_limits(model: Sequential, place: int, support: Support, plain: Block, seed: int) -> None:
    name = plain.domain.axes[place].name
    fake, log = _walk(model, _DRAWS, {place: support}, seed + 3)
    mass = np.exp(log)
    assert support.holds(fake.columns[place][mass > 0]).all(), f"axis {name!r}: a value outside its limits."
    inside = support.holds(plain.columns[place])
    share = inside.mean()
    error = np.sqrt(mass.var() / _DRAWS + share * (1 - share) / _PLAIN)
    assert abs(mass.mean() - share) <= _SIGMAS * error + 1e-9, (
        f"axis {name!r}: the masses of its limits average {mass.mean():.4f}, and {share:.4f} of plain draws are inside."
    )
    for axis, made, real in zip(plain.domain.axes, fake.columns, plain.columns):
        if not inside.any():
            continue
        cut = np.nanmedian(real[inside]) if not np.isnan(real[inside]).all() else 0.0
        own = made <= cut
        wanted = (real[inside] <= cut).mean()
        found = np.average(own, weights=mass)
        spread = np.sqrt((mass**2 * (own - found) ** 2).sum()) / mass.sum()
        limit = _SIGMAS * np.hypot(max(spread, 1 / _DRAWS), np.sqrt(wanted * (1 - wanted) / inside.sum()))
        assert abs(found - wanted) <= limit, (
            f"axis {name!r} within limits: weighted rows differ from plain rows inside, at axis {axis.name!r}."
        )


def _check_given(model: Sequential, block: Block, seed: int) -> None:
    real, rng = block.take(slice(0, 60)), Streams(seed + 4)
    held = np.arange(60) % 3 == 0
    draft = model.start(60)
    for axis in model.order:
        log = model.step(draft, axis, given=real.columns[axis], held=held, rng=rng)
        assert log.shape == (60,) and (log <= 1e-9).all() and not np.isnan(log).any(), (
            "a step must return the log of a chance for every row."
        )
        assert np.allclose(log[~held], 0.0), "rows that are not held are drawn freely: their log mass is 0."
    fake = model.finish(draft, rng)
    for spec, made, known in zip(block.domain.axes, fake.columns, real.columns):
        same = np.array_equal(made[held], known[held], equal_nan=made.dtype.kind == "f")
        assert same, f"axis {spec.name!r}: known values did not come back."


def _check_take(model: Sequential, seed: int) -> None:
    draft, rng = model.start(10), Streams(seed + 5)
    half = len(model.order) // 2
    for axis in model.order[:half]:
        model.step(draft, axis, rng=rng)
    more = draft.take(np.array([3] * 20 + [7]))
    for axis in model.order[half:]:
        model.step(more, axis, rng=rng)
    assert len(more) == 21 and len(draft) == 10, "take must return as many rows as are asked for."
    fake = model.finish(more, rng)
    for axis in model.order[:half]:
        if fake.domain.axes[axis].size is not None:
            assert (fake.columns[axis][:20] == fake.columns[axis][0]).all(), (
                "rows taken several times must keep what was drawn."
            )


def _check_density(model: Dense, block: Block) -> None:
    real = block.take(slice(0, 20))
    told = model.log_density(real)
    assert told.shape == (20, len(block.domain)), "log_density must have the shape (rows, axes)."
    assert np.isfinite(told).all(), "log_density must be finite."
    for place, axis in enumerate(block.domain.axes):
        if axis.size is None:
            continue
        columns = [np.repeat(values, axis.size) for values in real.columns]
        columns[place] = np.tile(np.arange(axis.size), 20).astype(columns[place].dtype)
        used = np.isin(np.arange(axis.size), block.columns[place])
        mass = np.exp(model.log_density(Block(block.domain, tuple(columns)))[:, place])
        total = mass.reshape(20, -1)[:, used].sum(1)
        assert np.allclose(total, 1.0, atol=1e-6), f"axis {axis.name!r}: densities over its levels sum to 1."


def _check_importances(model: Explained, block: Block) -> None:
    found = model.importances()
    axes = len(block.domain)
    assert found.shape == (axes, axes), "importances must have the shape (axes, context axes + axes)."
    assert (found >= 0).all() and (found.sum(1) <= 1 + 1e-9).all(), "importances of an axis are shares."
    assert (np.diag(found) == 0).all(), "an axis explains nothing of itself."
    for axis in range(axes):
        assert model.describe(axis), "describe must say how an axis is drawn."
