"""Every model in the registry keeps the contract of a generator."""

from __future__ import annotations

import pytest

from simulacra.registry import MODELS
from simulacra.testing import check_generator


@pytest.mark.parametrize("name", MODELS.names())
def test_model_keeps_the_contract(name: str) -> None:
    check_generator(MODELS.load(name), seed=3)


@pytest.mark.parametrize("name", MODELS.names())
def test_model_has_a_summary_of_one_sentence(name: str) -> None:
    summary = MODELS.summary(name)
    assert summary.endswith(".") and len(summary) <= 120
