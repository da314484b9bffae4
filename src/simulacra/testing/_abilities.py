"""The contract of what some models can do besides: steps, densities, explanations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from simulacra.domain import Array, Axis, Block, Domain, Support
from simulacra.generator import Causal, Dense, Explained, Generator, Reorderable, Sequential
from simulacra.randomness import Streams
from simulacra.testing._causality import check_actions

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
            _check_bias(model, place, block.columns[place], plain, seed)
            _check_barred_codes(model, place, seed)
        _check_given(model, block, seed)
        _check_take(model, seed)
        _check_read(model, block, seed)
        _check_context(factory, seed)
    if isinstance(model, Reorderable):
        _check_reordering(model, block, seed)
    if isinstance(model, Dense):
        _check_density(model, block)
    if isinstance(model, Explained):
        _check_importances(model, block)
    if isinstance(model, Causal):
        sets = {
            place: next(_supports(axis, block.columns[place])) for place, axis in enumerate(block.domain.axes)
        }
        check_actions(model, block, sets, seed)


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
    draft, rng, log = model.start(_DRAWS), Streams(seed + 3), np.zeros(_DRAWS)
    for axis in model.order:
        log += model.step(draft, axis, support=support if axis == place else None, rng=rng)
    codes, fake, mass = model.codes(draft, place), model.finish(draft, rng), np.exp(log)
    if support.bias is not None:
        # a row drawn more often than its chance by the bias of its code counts that much less
        mass /= support.bias[codes]
    assert support.holds(fake.columns[place][mass > 0]).all(), f"axis {name!r}: a value outside its limits."
    inside = support.holds(plain.columns[place])
    share = inside.mean()
    error = np.sqrt(mass.var() / _DRAWS + share * (1 - share) / _PLAIN)
    assert abs(mass.mean() - share) <= _SIGMAS * error + 1e-9, (
        f"axis {name!r}: the masses of its limits average {mass.mean():.4f}, and {share:.4f} of plain draws are inside."
    )
    for spec, made, real in zip(plain.domain.axes, fake.columns, plain.columns):
        if not inside.any():
            continue
        cut = np.nanmedian(real[inside]) if not np.isnan(real[inside]).all() else 0.0
        own = made <= cut
        wanted = (real[inside] <= cut).mean()
        found = np.average(own, weights=mass)
        spread = np.sqrt((mass**2 * (own - found) ** 2).sum()) / mass.sum()
        limit = _SIGMAS * np.hypot(max(spread, 1 / _DRAWS), np.sqrt(wanted * (1 - wanted) / inside.sum()))
        assert abs(found - wanted) <= limit, (
            f"axis {name!r} within limits: weighted rows differ from plain rows inside, at axis {spec.name!r}."
        )


def _check_bias(model: Sequential, place: int, values: Array, plain: Block, seed: int) -> None:
    """A bias alone, and one within limits, must be undone by dividing by it."""
    bias = Streams(seed).stream("bias").uniform(0.3, 1.0, model.cells(place))
    limits = next(_supports(plain.domain.axes[place], values))
    assert Support(bias=bias).holds(values).all(), "a bias alone allows everything."
    for support in (Support(bias=bias), replace(limits, bias=bias)):
        _check_limits(model, place, support, plain, seed)


def _check_barred_codes(model: Sequential, place: int, seed: int) -> None:
    """Codes of weight 0 must not be drawn, and the others have the chance that they have without a bias."""
    cells = model.cells(place)
    bias = (np.arange(cells) % 2).astype(np.float64)
    found = []
    for support in (None, Support(bias=bias)):
        draft, rng = model.start(_DRAWS), Streams(seed + 6 + (support is None))
        for axis in model.order[: model.order.index(place) + 1]:
            log = model.step(draft, axis, support=support if axis == place else None, rng=rng)
        codes = model.codes(draft, place)
        assert codes.shape == (_DRAWS,) and codes.dtype.kind in "iu", (
            "codes are whole numbers, one for each row."
        )
        assert (codes < cells).all() and (codes >= 0).all(), "codes lie from 0 to below cells."
        found.append((bias[codes], np.exp(log)))
    (plain, _), (barred, mass) = found
    assert (barred[mass > 0] == 1).all(), "a code of weight 0 was drawn."
    error = np.sqrt((plain.var() + mass.var()) / _DRAWS)
    assert abs(plain.mean() - mass.mean()) <= _SIGMAS * error + 1e-9, (
        f"codes with a weight have a mass of {mass.mean():.4f}, and {plain.mean():.4f} of plain draws."
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


def _check_read(model: Sequential, block: Block, seed: int) -> None:
    """What was read must stay as it is: for another read, through take, and in the rows at the end."""
    draft, rng = model.start(60), Streams(seed + 8)
    held = np.arange(60) % 3 == 0
    supports = {
        axis: next(_supports(spec, block.columns[axis])) for axis, spec in enumerate(block.domain.axes)
    }
    settled: dict[int, Array] = {}
    for turn, axis in enumerate(model.order):
        limits = supports[axis] if turn % 2 else None
        given = block.columns[axis][:60] if turn % 3 == 0 and limits is None else None
        log = model.step(
            draft, axis, support=limits, given=given, held=None if given is None else held, rng=rng
        )
        if turn % 4 == 3:
            # read by finish alone
            continue
        settled[axis] = model.read(draft, axis, rng.at("first")).copy()
        known = given is None or np.array_equal(
            settled[axis][held], given[held], equal_nan=given.dtype.kind == "f"
        )
        assert known, "read must give known values back."
        allowed = limits is None or limits.holds(settled[axis][log > -np.inf]).all()
        assert allowed, "read must keep the limits."
        if block.domain.axes[axis].size is not None:
            codes = model.codes(draft, axis).tolist()
            meant = set(zip(codes, settled[axis].tolist()))
            assert len(meant) == len(set(codes)), "rows of one code of a coded axis must have one value."
    index = np.array([5, 5, 5, 0, 59, 30])
    again = {axis: model.read(draft, axis, rng.at("second")) for axis in settled}
    some = draft.take(index)
    fewer = {axis: model.read(some, axis, rng.at("third")) for axis in settled}
    fake = model.finish(some, rng.at("last"))
    for axis, values in settled.items():
        for now in (again[axis][index], fewer[axis], fake.columns[axis]):
            assert np.array_equal(now, values[index], equal_nan=values.dtype.kind == "f"), (
                f"axis {fake.domain.axes[axis].name!r}: values that were read must stay as they are."
            )
        assert values.dtype == fake.columns[axis].dtype, "read and finish must give the same type."


def _check_context(factory: Callable[[], Generator], seed: int) -> None:
    """Steps must heed a context as sample does."""
    sides = (Streams(seed).stream("side").random(_DRAWS) < 0.5).astype(np.uint8)
    number = Streams(seed).stream("number").normal(4.0 * sides)
    context = Block(Domain((Axis("side", "side", size=2),)), (sides,))
    own = Block(Domain((Axis("number", "number"),)), (number,))
    model = factory().fit(own, context=context, rng=Streams(seed))
    assert isinstance(model, Sequential)
    plain = model.sample(_DRAWS, context=context, rng=Streams(seed + 9))
    # rows may be taken before the first step
    turned = np.arange(_DRAWS)[::-1]
    draft, rng = model.start(_DRAWS, context=context.take(turned)).take(turned), Streams(seed + 10)
    model.step(draft, 0, rng=rng)
    fake = model.finish(draft, rng)
    for side in (0, 1):
        a, b = ((block.columns[0] <= 2.0)[sides == side] for block in (fake, plain))
        p = (a.mean() + b.mean()) / 2
        limit = _SIGMAS * np.sqrt(2 * max(p * (1 - p), 1 / len(a)) / len(a))
        assert abs(a.mean() - b.mean()) <= limit, "steps and sample heed a context differently."


def _check_reordering(model: Reorderable, block: Block, seed: int) -> None:
    """Axes that are asked for must come first, and then be known to all others."""
    before = model.order
    first = list(before[::-2])
    other = model.ordered(first)
    rest = [axis for axis in before if axis not in first]
    assert other.order == (*first, *rest), "ordered must put axes first, and leave the others as they were."
    assert model.order == before, "ordered must leave the model as it is."
    real, rng = block.take(slice(0, 60)), Streams(seed + 11)
    draft = other.start(60)
    for axis in other.order:
        given = real.columns[axis] if axis in first else None
        log = other.step(draft, axis, given=given, rng=rng)
        assert axis in first or np.allclose(log, 0.0), "what comes after known axes must be drawn freely."
    fake = other.finish(draft, rng)
    for axis in first:
        made, known = fake.columns[axis], real.columns[axis]
        assert np.array_equal(made, known, equal_nan=made.dtype.kind == "f"), (
            "known values did not come back."
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
