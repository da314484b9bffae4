"""The contract of models: seeds, edge cases, state, privacy, row order, weights and context."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from simulacra.domain import Array, Axis, Block, Domain
from simulacra.errors import NotFitted
from simulacra.generator import Generator
from simulacra.packing import pack, unpack
from simulacra.randomness import Streams
from simulacra.testing._abilities import check_abilities
from simulacra.testing._figures import check_design

_ROWS = 1500
_HOLDERS = 10
_SIGMAS = 6.0
"""Two shares may differ by this many standard errors: a false alarm in 2e-9 of some hundred comparisons."""


def check_generator(factory: Callable[[], Generator], *, seed: int = 0) -> None:
    """Check that a model keeps the contract of a generator.

    Parameters
    ----------
    factory : callable
        Makes a new, unfitted model; a generator's class will do.
    seed : int
        Seed of the example data and of all fits and draws.

    Raises
    ------
    AssertionError
        The model breaks the contract; the message says where.

    Notes
    -----
    Checked: the same seed gives the same rows; another order of the rows, and row weights, change shares of
    codes as they should (within 6 standard errors of both draws: a false alarm about once in 10 million
    runs); no rows, one row, constant axes, one level, codes never seen, all values missing, no axis; the
    state goes through JSON and arrays and gives the same bytes; what is drawn lies in the domain; no value
    that too few rows hold is stored (unless the model says `stores_rows`); a context is taken; `fit`
    forgets what it learnt before. Of `Sequential`, `Dense` and `Explained`, the abilities that the model has: steps
    without limits draw what `sample` draws, also with a context; limits and biases of codes are kept, and their masses
    are the share of plain draws; known values come back; rows can be taken several times, and values that were read
    stay as they are; densities are finite and sum to 1 over levels; importances
    are shares; a model that can be made from figures (`Designed`) draws what they tell.

    **Cost.** About 25 fits of at most 1,500 rows.

    Examples
    --------
    >>> from simulacra.registry import MODELS
    >>> check_generator(MODELS.load("independent"))
    """
    block = _example(seed, _ROWS)
    _check_unfitted(factory)
    _check_seeds(factory, block, seed)
    _check_progress(factory, block, seed)
    for name, case in _edge_cases(block, seed):
        _check_case(factory, name, case, seed)
    _check_state(factory, block, seed)
    _check_privacy(factory, block, seed)
    _check_row_order(factory, block, seed)
    _check_weights(factory, block, seed)
    _check_context(factory, block, seed)
    check_abilities(factory, block, seed)
    check_design(factory, seed)


def _example(seed: int, rows: int) -> Block:
    rng = Streams(seed).stream("example")
    kind = rng.choice(5, rows, p=[0.4, 0.3, 0.2, 0.1, 0.0])
    grade = np.minimum(rng.poisson(1.0, rows), 3)
    amount = np.exp(rng.normal(kind, 1.0))
    amount[rng.random(rows) < 0.2] = np.nan
    share = np.where(rng.random(rows) < 0.5, 0.0, rng.random(rows))
    many = rng.zipf(1.3, rows) % 600
    axes = (
        Axis("kind", "kind", size=5),
        Axis("grade", "grade", size=4, ordered=True),
        Axis("amount", "amount", missing=True, holders=_HOLDERS),
        Axis("share", "share", holders=_HOLDERS),
        Axis("count", "count", lattice=True, holders=_HOLDERS),
        Axis("many", "many", size=600),
    )
    count = np.floor(rng.exponential(40.0, rows))
    columns = (
        kind.astype(np.uint8),
        grade.astype(np.uint8),
        amount,
        share,
        count,
        many.astype(np.uint16),
    )
    return Block(Domain(axes), columns)


def _edge_cases(block: Block, seed: int) -> Iterator[tuple[str, Block]]:
    rows = 60
    number = Streams(seed).stream("edge").normal(size=rows)
    real, gaps = Axis("x", "x"), Axis("x", "x", missing=True, lattice=True)
    code, other = Axis("c", "c", size=3), Axis("d", "d", size=1)
    codes = (np.arange(rows) % 2).astype(np.uint8)
    yield "one row", block.take(slice(0, 1))
    yield "two rows", block.take(slice(0, 2))
    yield "one row of one axis", Block(Domain((real,)), (np.array([2.5]),))
    yield "a constant real axis", Block(Domain((real, code)), (np.full(rows, 2.5), codes))
    yield "a code never seen", Block(Domain((code, real)), (codes, number))
    yield "an axis of one code", Block(Domain((other, real)), (np.zeros(rows, np.uint8), number))
    yield "an axis without values", Block(Domain((gaps, code)), (np.full(rows, np.nan), codes))
    yield "no axis", Block(Domain(()), (), rows=rows)


def _check_unfitted(factory: Callable[[], Generator]) -> None:
    try:
        factory().sample(1, rng=Streams(0))
    except NotFitted:
        return
    raise AssertionError("a model that learnt nothing must raise NotFitted when asked to sample.")


def _check_seeds(factory: Callable[[], Generator], block: Block, seed: int) -> None:
    model = factory().fit(block, rng=Streams(seed))
    first = model.sample(500, rng=Streams(seed + 1))
    again = model.sample(500, rng=Streams(seed + 1))
    assert _same(first, again), "two draws with the same seed differ."
    refitted = factory().fit(block.take(slice(0, 50)), rng=Streams(seed)).fit(block, rng=Streams(seed))
    assert _same(first, refitted.sample(500, rng=Streams(seed + 1))), (
        "two fits with the same seed give different rows, or a second fit remembers the first."
    )
    other = model.sample(500, rng=Streams(seed + 2))
    assert not _same(first, other), "two draws with different seeds are equal."
    assert block.columns[0].tobytes() == _example(seed, len(block)).columns[0].tobytes(), (
        "fit changed its input."
    )


def _check_progress(factory: Callable[[], Generator], block: Block, seed: int) -> None:
    shares: list[float] = []
    factory().fit(
        block.take(slice(0, 100)), rng=Streams(seed), progress=lambda share, step: shares.append(share)
    )
    rising = all(a <= b for a, b in itertools.pairwise(shares))
    assert shares and rising and shares[0] >= 0 and shares[-1] <= 1, (
        "progress must rise from 0 to 1 while fitting."
    )


def _check_case(factory: Callable[[], Generator], name: str, block: Block, seed: int) -> None:
    model = factory().fit(block, rng=Streams(seed))
    for n in (0, 1, 200):
        fake = model.sample(n, rng=Streams(seed + 1))
        assert len(fake) == n, f"{name}: {n} rows were asked for and {len(fake)} came."
        assert fake.domain == block.domain, f"{name}: the domain drawn is not the domain learnt."
        _check_domain(name, fake)
    for axis, real, made in zip(block.domain.axes, block.columns, fake.columns):
        if axis.size is not None and len(real):
            assert np.isin(made, real).all(), f"{name}: axis {axis.name!r} got codes that no row holds."
        elif len(real) and np.isnan(real).all():
            assert np.isnan(made).all(), f"{name}: axis {axis.name!r} has no value, and values were drawn."
        elif not np.isnan(real).any():
            assert not np.isnan(made).any(), f"{name}: axis {axis.name!r} misses no value, and NaN was drawn."
        if axis.holders > len(real) and not model.stores_rows and not axis.lattice and axis.size is None:
            assert not np.isin(made, real[~np.isnan(real)]).any(), (
                f"{name}: axis {axis.name!r} gave back a value that fewer than {axis.holders} rows hold."
            )


def _check_domain(name: str, block: Block) -> None:
    assert len(block.columns) == len(block.domain), f"{name}: one array per axis was expected."
    for axis, values in zip(block.domain.axes, block.columns):
        where = f"{name}: axis {axis.name!r}"
        assert values.shape == (len(block),), f"{where}: its array has the shape {values.shape}."
        if axis.size is not None:
            assert values.dtype.kind == "u", f"{where}: codes must be unsigned, not {values.dtype}."
            assert not len(values) or values.max() < axis.size, f"{where}: a code is not below {axis.size}."
            continue
        assert values.dtype == np.float64, f"{where}: reals must be float64, not {values.dtype}."
        gaps = np.isnan(values)
        assert axis.missing or not gaps.any(), f"{where}: NaN was drawn, and no value may be missing."
        assert np.isfinite(values[~gaps]).all(), f"{where}: an infinite value was drawn."
        whole = values[~gaps] == np.rint(values[~gaps])
        assert not axis.lattice or whole.all(), f"{where}: a value is not whole."


def _check_state(factory: Callable[[], Generator], block: Block, seed: int) -> None:
    for name, case in (("the example", block), ("one row", block.take(slice(0, 1)))):
        model = factory().fit(case, rng=Streams(seed))
        arrays: list[Array] = []
        text = json.dumps(_pack(model.dump(), arrays), allow_nan=False)
        back = factory().restore(unpack(json.loads(text), arrays))
        same = _same(model.sample(300, rng=Streams(seed + 1)), back.sample(300, rng=Streams(seed + 1)))
        assert same, f"{name}: a model made anew from its state draws other rows."
        arrays_again: list[Array] = []
        text_again = json.dumps(_pack(back.dump(), arrays_again), allow_nan=False)
        equal = text == text_again and all(
            a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(arrays, arrays_again)
        )
        assert equal, f"{name}: the state of a model made anew is not the state it was made from."


def _check_privacy(factory: Callable[[], Generator], block: Block, seed: int) -> None:
    model = factory().fit(block, rng=Streams(seed))
    if model.stores_rows:
        return
    arrays: list[Array] = []
    text = json.dumps(_pack(model.dump(), arrays), allow_nan=False)
    numbers = [a.ravel() for a in arrays if a.dtype.kind == "f"] + [_numbers(json.loads(text))]
    stored = np.concatenate(numbers)
    for axis, values in zip(block.domain.axes, block.columns):
        if axis.size is None and not axis.lattice:
            distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
            leaked = np.isin(distinct[counts < axis.holders], stored).sum()
            assert not leaked, (
                f"axis {axis.name!r}: the state holds {leaked} values of fewer than {axis.holders} rows."
            )


def _check_row_order(factory: Callable[[], Generator], block: Block, seed: int) -> None:
    shuffled = block.take(Streams(seed).stream("shuffle").permutation(len(block)))
    first = factory().fit(block, rng=Streams(seed)).sample(2000, rng=Streams(seed + 1))
    second = factory().fit(shuffled, rng=Streams(seed)).sample(2000, rng=Streams(seed + 2))
    for (name, one), (_, two) in zip(_shares(first), _shares(second)):
        p = (one + two) / 2
        limit = _SIGMAS * np.sqrt(np.maximum(p * (1 - p), 1 / 2000) * 2 / 2000)
        assert (np.abs(one - two) <= limit).all(), (
            f"axis {name!r}: another order of the rows changed its shares."
        )


def _check_weights(factory: Callable[[], Generator], block: Block, seed: int) -> None:
    codes = (np.arange(1200) % 3).astype(np.uint8)
    twin = ((np.arange(1200) // 3) % 2).astype(np.uint8)
    weights = np.where(codes == 0, 4.0, 1.0)
    domain = Domain((Axis("a", "a", size=3), Axis("b", "b", size=2)))
    model = factory().fit(Block(domain, (codes, twin), weights), rng=Streams(seed))
    share = (model.sample(2000, rng=Streams(seed + 1)).columns[0] == 0).mean()
    limit = _SIGMAS * np.sqrt(2 / 3 * 1 / 3 / 2000)
    assert abs(share - 2 / 3) <= limit, (
        "weights were not respected: rows of weight 4 came as often as others."
    )


def _check_context(factory: Callable[[], Generator], block: Block, seed: int) -> None:
    context = Block(
        Domain((Axis("given", "given", size=2),)), ((np.arange(len(block)) % 2).astype(np.uint8),)
    )
    model = factory().fit(block, context=context, rng=Streams(seed))
    given = context.take(slice(0, 300))
    fake = model.sample(300, context=given, rng=Streams(seed + 1))
    assert fake.domain == block.domain and len(fake) == 300, (
        "with a context, only the block's own axes are drawn."
    )
    _check_domain("with a context", fake)
    assert _same(fake, model.sample(300, context=given, rng=Streams(seed + 1))), (
        "with a context, two draws with the same seed differ."
    )


def _shares(block: Block) -> Iterator[tuple[str, Array]]:
    for axis, values in zip(block.domain.axes, block.columns):
        if axis.size is not None:
            yield axis.name, np.bincount(values, minlength=axis.size) / len(values)
        else:
            cuts = [0.0, 0.5, 1.0, 3.0, 10.0, 30.0, 100.0]
            at = np.where(np.isnan(values), len(cuts) + 1, np.searchsorted(cuts, values))
            yield axis.name, np.bincount(at, minlength=len(cuts) + 2) / len(values)


def _same(one: Block, two: Block) -> bool:
    return one.domain == two.domain and all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one.columns, two.columns)
    )


def _pack(state: Any, arrays: list[Array]) -> Any:
    """Take the arrays out of a state; complain about anything that is neither JSON nor an array."""
    try:
        return pack(state, arrays)
    except TypeError as error:
        raise AssertionError(f"state: {error}.") from error


def _numbers(value: Any) -> Array:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return np.concatenate([np.empty(0), *(_numbers(item) for item in value)])
    return np.array([value], float) if isinstance(value, float) else np.empty(0)
