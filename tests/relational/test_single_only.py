"""What only a model of single rows can be asked for is refused in one sentence by models of tables and of logs."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import DataError, OptionError
from simulacra.plausibility import measure_density
from simulacra.relational.database import DatabaseSynthesizer

LOG = pl.DataFrame(
    {
        "who": [i // 3 for i in range(300)],
        "at": list(range(300)),
        "way": ["web", "shop", "web"] * 100,
        "sex": ["f", "m"] * 150,
    }
)


@pytest.fixture(scope="module", params=["log", "tables"])
def model(request: pytest.FixtureRequest) -> Any:
    if request.param == "log":
        return sim.fit(LOG, entity="who", order="at", seed=0)
    real = sim.read({"users": pl.DataFrame({"id": range(100), "plan": ["a", "b"] * 50}), "log": LOG})
    schema = real.schema.with_key("id", table="users").without_reference("log")
    return sim.fit(real, schema=schema.with_reference("log", "who", "users", "id"), seed=0)


@pytest.mark.parametrize("name", ["balance", "bigger", "smaller", "fair"])
def test_options_of_single_rows(model: DatabaseSynthesizer, name: str) -> None:
    with pytest.raises(
        OptionError, match=f"'{name}' can be asked of a model of single rows, and this is one of"
    ):
        model.sample(3, seed=1, **{name: {"way": {"web": 0.5}}})


def test_what_is_no_option_at_all_is_a_mistake_of_the_caller(model: DatabaseSynthesizer) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'sede'"):
        model.sample(3, sede=1)


@pytest.mark.parametrize("name", ["write", "chunks", "log_density", "with_constraint"])
def test_methods_of_single_rows(model: DatabaseSynthesizer, name: str) -> None:
    assert not hasattr(model, name)
    with pytest.raises(AttributeError, match=f"'{name}' can be asked of a model of single rows"):
        getattr(model, name)


@pytest.mark.parametrize(
    "call",
    [
        lambda model: sim.play(model, {"scenarios": [{"name": "a", "rows": 4}]}),
        lambda model: sim.impute(LOG, model),
        lambda model: sim.explain(model),
        lambda model: sim.make_edge_cases(model),
        lambda model: sim.compare_fairness(LOG, model, holdout=LOG, target="way", group="sex"),
        lambda model: measure_density(model, LOG),
    ],
)
def test_verbs_that_ask_a_model_about_rows(model: DatabaseSynthesizer, call: Any) -> None:
    fitted = "histories" if model.log is not None else "2 tables"
    with pytest.raises(OptionError, match=f"this is a model of {fitted}"):
        call(model)


def test_comparing_says_which_candidate_it_is(model: DatabaseSynthesizer) -> None:
    with pytest.raises(DataError, match="'mine' could not be compared: this is a model of"):
        sim.compare(LOG, {"mine": model})


@pytest.mark.parametrize(
    "call",
    [
        lambda model: sim.fit(LOG, model),
        lambda model: sim.augment(LOG, "way", model=model),
        lambda model: sim.enrich(LOG, LOG, model=model),
    ],
)
def test_verbs_that_fit_a_model_of_their_own(model: DatabaseSynthesizer, call: Any) -> None:
    with pytest.raises(OptionError, match="model is the name of a kind of model"):
        call(model)
