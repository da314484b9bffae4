"""Raking and controlled rounding against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from simulacra.randomness import Streams
from simulacra.shares.raking import (
    divergence,
    effective_share,
    pool_counts,
    rake,
    round_cells,
    round_shares,
)


def grid(*sizes: int) -> np.ndarray:
    """The labels of all cells of a table."""
    return np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), axis=-1).reshape(-1, len(sizes))


def margins(values: np.ndarray, labels: np.ndarray, sizes: tuple[int, ...]) -> list[np.ndarray]:
    return [np.bincount(labels[:, k], values, minlength=size) for k, size in enumerate(sizes)]


def problem(seed: int, sizes: tuple[int, ...], n: int):
    """A random table, and margins that another table with the same cells has."""
    rng = Streams(seed).stream("table")
    labels = grid(*sizes)
    before = rng.dirichlet(np.full(len(labels), 0.5))
    other = before * rng.exponential(1, len(before))
    totals = [round_shares(margin / margin.sum(), n) for margin in margins(other, labels, sizes)]
    return labels, before, totals


def test_a_two_by_two_table_has_a_closed_form() -> None:
    # the odds ratio, 16, stays: x solves x (x - .3) = 16 (.5 - x) (.8 - x), with x the first cell
    found = rake(np.array([0.4, 0.1, 0.1, 0.4]), grid(2, 2), [np.array([0.5, 0.5]), np.array([0.8, 0.2])])
    x = min(np.roots([15, -20.5, 6.4]).real)
    assert found.shares == pytest.approx([x, 0.5 - x, 0.8 - x, x - 0.3], abs=1e-8)


def test_independent_margins_stay_independent() -> None:
    labels = grid(3, 4, 2)
    start = [np.array([0.2, 0.3, 0.5]), np.full(4, 0.25), np.array([0.9, 0.1])]
    aim = [np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.5, 0.5])]

    def product(parts):
        return np.prod([part[labels[:, k]] for k, part in enumerate(parts)], axis=0)

    assert rake(product(start), labels, aim).shares == pytest.approx(product(aim), abs=1e-9)


def test_the_tilt_is_one_factor_per_margin_and_the_nearest() -> None:
    sizes = (3, 3, 2)
    labels, before, totals = problem(3, sizes, 10_000)
    after = rake(before, labels, [total / 10_000 for total in totals]).shares
    # log after/before is additive in the margins: least squares on indicators leaves nothing
    design = np.concatenate([np.eye(size)[labels[:, k]] for k, size in enumerate(sizes)], axis=1)
    ratio = np.log(after / before)
    fitted = design @ np.linalg.lstsq(design, ratio, rcond=None)[0]
    assert fitted == pytest.approx(ratio, abs=1e-6)
    # any other table with the same margins is further from the model
    null = np.linalg.svd(design.T)[2][np.linalg.matrix_rank(design) :]
    for direction in null:
        for step in (1e-3, -1e-3):
            other = after + step * after.min() / np.abs(direction).max() * direction
            assert divergence(before, other) > divergence(before, after) - 1e-12


def test_zeros_stay_and_margins_that_need_them_are_not_reached() -> None:
    diagonal = np.array([[0, 0], [1, 1]])
    missed = rake(np.array([0.5, 0.5]), diagonal, [np.array([0.3, 0.7]), np.array([0.6, 0.4])])
    assert missed.error > 0.1
    met = rake(np.array([0.5, 0.5]), diagonal, [np.array([0.3, 0.7]), np.array([0.3, 0.7])])
    assert met.shares == pytest.approx([0.3, 0.7])


def test_largest_remainders() -> None:
    # the textbook case: quotas 9.4, 7.3, 3.2, .1 of 20 give 10, 7, 3, 0
    assert round_shares(np.array([0.47, 0.365, 0.16, 0.005]), 20).tolist() == [10, 7, 3, 0]
    assert round_shares(np.array([0.29, 0.71]), 100).tolist() == [29, 71]
    assert round_shares(np.full(3, 1 / 3), 3).tolist() == [1, 1, 1]


@pytest.mark.parametrize("sizes", [(4,), (5, 7), (3, 4, 5), (2, 3, 2, 4)])
@pytest.mark.parametrize("n", [7, 100, 10_007])
def test_rounding_keeps_every_margin_to_the_row(sizes: tuple[int, ...], n: int) -> None:
    for seed in range(8):
        labels, before, totals = problem(seed, sizes, n)
        expected = rake(before, labels, [total / n for total in totals]).shares * n
        rows = round_cells(expected, labels, totals, Streams(seed).stream("round"))
        assert (rows >= 0).all()
        for found, total in zip(margins(rows, labels, sizes), totals, strict=True):
            assert found.tolist() == total.tolist()
        # two margins: never more than the next whole number away (Cox 1987); exchanges add at most one row
        assert np.abs(rows - expected).max() < (1 if len(sizes) <= 2 else 2)


def test_rounding_gives_every_cell_its_expected_rows_on_average() -> None:
    labels, before, totals = problem(5, (3, 4), 9)
    expected = rake(before, labels, [total / 9 for total in totals]).shares * 9
    draws = 3_000
    mean = sum(round_cells(expected, labels, totals, Streams(s).stream("r")) for s in range(draws)) / draws
    # each is floor or ceiling, so its standard error is sqrt(f (1 - f) / draws); 4.5 of them for 12 cells
    part = expected % 1
    assert (np.abs(mean - expected) <= 4.5 * np.sqrt(part * (1 - part) / draws) + 1e-6).all()


def test_pooled_samples_are_weighted_as_vardi_says() -> None:
    # everything from the part's own sample but its total, which the first sample alone knows: p_c = W x 800 / 1000
    counts = np.array([[990, 10, 0], [0, 800, 200]])
    members = np.array([[True] * 3, [False, True, True]])
    shares = pool_counts(counts, members)
    inside = counts[:, 1:].sum(axis=0) / counts[:, 1:].sum()
    assert shares[0] == pytest.approx(0.99)
    assert shares[1:] == pytest.approx(0.01 * inside)


def test_a_part_that_the_first_sample_missed_gets_half_a_row() -> None:
    shares = pool_counts(np.array([[1_000, 0, 0], [0, 30, 10]]), np.array([[True] * 3, [False, True, True]]))
    assert shares[1:].sum() == pytest.approx(0.5 / 1_000, rel=0.01)
    assert shares[1] == pytest.approx(3 * shares[2])


def test_the_effective_sample_size_is_that_of_the_weights() -> None:
    before, after = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])
    weights = np.repeat(after / before, [600, 300, 100])
    assert effective_share(before, after) == pytest.approx(1 / (1 + (weights.std() / weights.mean()) ** 2))
    assert effective_share(before, before) == pytest.approx(1)
    assert divergence(before, before) == pytest.approx(0)
