"""Every model in the registry keeps the contract of a generator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulacra.domain import Array, Block
from simulacra.errors import MissingExtra
from simulacra.generator import Generator
from simulacra.models.table.copula import Copula
from simulacra.models.table.independent import Independent
from simulacra.models.table.trees import Trees
from simulacra.randomness import Streams
from simulacra.registry import MODELS
from simulacra.testing import check_generator

LIGHT: dict[str, dict[str, Any]] = {
    "auto": {"candidates": "independent,copula"}, "ensemble": {"members": "independent,copula"},
    "vae": {"epochs": 4}, "wgan": {"epochs": 2}, "gan": {"epochs": 2},
}  # fmt: skip
"""Settings for speed: models that hold others hold light ones, and networks whose fits are long learn little."""


@pytest.mark.parametrize("name", MODELS.names())
def test_model_keeps_the_contract(name: str) -> None:
    try:
        cls = MODELS.load(name)
    except MissingExtra as error:
        pytest.skip(str(error))
    check_generator(lambda: cls(**LIGHT.get(name, {})), seed=3)


@pytest.mark.parametrize("name", MODELS.names())
def test_model_has_a_summary_of_one_sentence(name: str) -> None:
    summary = MODELS.summary(name)
    assert summary.endswith(".") and len(summary) <= 120


class Forgetful(Independent):
    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        return super().sample(n, rng=Streams(np.random.default_rng().integers(2**31)))


class Hoarder(Independent):
    def fit(self, block: Block, **others: Any) -> Hoarder:
        super().fit(block, **others)
        self.rows_ = [column for column in block.columns if column.dtype == np.float64]
        return self

    def dump(self) -> dict[str, Any]:
        return super().dump() | {"rows": self.rows_}

    def restore(self, state: dict[str, Any]) -> Hoarder:
        super().restore(state)
        self.rows_ = state["rows"]
        return self


class Blurred(Independent):
    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        fake = super().sample(n, rng=rng)
        columns = tuple(c + 0.25 if c.dtype == np.float64 else c for c in fake.columns)
        return Block(fake.domain, columns, rows=n)


class Weightless(Independent):
    def fit(self, block: Block, **others: Any) -> Weightless:
        super().fit(Block(block.domain, block.columns, rows=len(block)), **others)
        return self


class Careless(Trees):
    def step(self, draft: Any, axis: int, **others: Any) -> Array:
        return super().step(draft, axis, **others | {"support": None})


class Overconfident(Trees):
    def step(self, draft: Any, axis: int, **others: Any) -> Array:
        return super().step(draft, axis, **others) * 0.8


class Deaf(Trees):
    def step(self, draft: Any, axis: int, **others: Any) -> Array:
        return super().step(draft, axis, **others | {"given": None})


class Dependent(Trees):
    def start(self, n: int, **others: Any) -> Any:
        draft = super().start(n, **others)
        honest = draft.take
        draft.take = lambda index: honest(np.arange(len(index)) % n)
        return draft


class Unbiased(Independent):
    def step(self, draft: Any, axis: int, **others: Any) -> Array:
        support = others.get("support")
        own = None if support is None else replace(support, bias=None) if support.limited else None
        return super().step(draft, axis, **others | {"support": own})


class Mistaken(Independent):
    def codes(self, draft: Any, axis: int) -> Array:
        return super().codes(draft, axis)[::-1]


class Restless(Independent):
    def read(self, draft: Any, axis: int, rng: Streams) -> Array:
        values = super().read(draft, axis, rng)
        draft.known.pop(axis)
        return values


class Aloof(Copula):
    def start(self, n: int, *, context: Block | None = None) -> Any:
        turned = None if context is None else context.take(np.arange(n)[::-1])
        return super().start(n, context=turned)

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        turned = None if context is None else context.take(np.arange(n)[::-1])
        return super().sample(n, context=turned, rng=rng)


class Loud(Trees):
    def log_density(self, block: Block, **others: Any) -> Array:
        return super().log_density(block, **others) + 0.01


class Boastful(Trees):
    def importances(self) -> Array:
        return super().importances() + 1


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (Forgetful, "two draws with the same seed differ"),
        (Hoarder, "values of fewer than 10 rows"),
        (Blurred, "a value is not whole|gave back"),
        (Weightless, "weights were not respected"),
        (Careless, "a value outside its limits"),
        (Overconfident, "the masses of its limits average"),
        (Deaf, "known values did not come back"),
        (Dependent, "keep what was drawn"),
        (Unbiased, "the masses of its limits average"),
        (Mistaken, "rows of one code of a coded axis must have one value"),
        (Restless, "values that were read must stay|known values"),
        (Aloof, "heed a context differently"),
        (Loud, "densities over its levels sum to 1"),
        (Boastful, "importances of an axis are shares"),
    ],
)
def test_the_contract_finds_a_broken_model(broken: type[Generator], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_generator(broken)
