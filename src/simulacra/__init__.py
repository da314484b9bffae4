"""simulacra: synthetic data that people can trust.

>>> import polars as pl, simulacra as sim
>>> model = sim.fit(pl.DataFrame({"age": [23, 31, 45, 52] * 20}), seed=1)
>>> model.sample(3, seed=7)
Dataset(table: 3 rows x 1 columns)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "read": "simulacra.api",
    "infer": "simulacra.api",
    "split": "simulacra.api",
    "estimate": "simulacra.api",
    "fit": "simulacra.api",
    "load": "simulacra.api",
    "design": "simulacra._api_design",
    "compose": "simulacra._api_rules",
    "generate": "simulacra._api_rules",
    "verify": "simulacra.scale.verification",
    "evaluate": "simulacra.api",
    "prove": "simulacra._api_proof",
    "compare": "simulacra.api",
    "compare_fairness": "simulacra._api_parity",
    "review": "simulacra.api",
    "augment": "simulacra._api_augmentation",
    "impute": "simulacra._api_imputation",
    "enrich": "simulacra._api_imputation",
    "explain": "simulacra.explanation",
    "mine": "simulacra.mining.mining",
    "play": "simulacra._api_scenarios",
    "make_edge_cases": "simulacra._api_edges",
    "mask": "simulacra._api_masking",
    "subset": "simulacra._api_masking",
    "write": "simulacra.api",
    "Dataset": "simulacra.dataset",
    "Synthesizer": "simulacra.synthesizer",
    "RuleSynthesizer": "simulacra.rules.model",
    "Report": "simulacra.report.document",
    "Ranking": "simulacra.report.ranking",
    "Augmented": "simulacra.report.augmented",
    "Score": "simulacra.metric",
    "Column": "simulacra.schema.types",
    "Table": "simulacra.schema.types",
    "Schema": "simulacra.schema.types",
    "Check": "simulacra.schema.constraints",
    "Implies": "simulacra.schema.constraints",
    "Equality": "simulacra.schema.constraints",
    "Unique": "simulacra.schema.constraints",
    "Determines": "simulacra.schema.constraints",
    "Combination": "simulacra.schema.constraints",
    "OneHot": "simulacra.schema.constraints",
    "Monotone": "simulacra.schema.constraints",
    "Running": "simulacra.schema.constraints",
    "Pattern": "simulacra.schema.constraints",
    "Generator": "simulacra.generator",
    "Metric": "simulacra.metric",
}
_MODULES = {"errors": "simulacra.errors", "plot": "simulacra.report.charts", "testing": "simulacra.testing"}

__all__ = ["__version__", *_HOMES, *_MODULES]

if TYPE_CHECKING:
    from simulacra import errors, testing
    from simulacra._api_augmentation import augment
    from simulacra._api_design import design
    from simulacra._api_edges import make_edge_cases
    from simulacra._api_imputation import enrich, impute
    from simulacra._api_masking import mask, subset
    from simulacra._api_parity import compare_fairness
    from simulacra._api_proof import prove
    from simulacra._api_rules import compose, generate
    from simulacra._api_scenarios import play
    from simulacra.api import (
        compare,
        estimate,
        evaluate,
        fit,
        infer,
        load,
        read,
        review,
        split,
        write,
    )
    from simulacra.dataset import Dataset
    from simulacra.explanation import explain
    from simulacra.generator import Generator
    from simulacra.metric import Metric, Score
    from simulacra.mining.mining import mine
    from simulacra.report import charts as plot
    from simulacra.report.augmented import Augmented
    from simulacra.report.document import Report
    from simulacra.report.ranking import Ranking
    from simulacra.rules.model import RuleSynthesizer
    from simulacra.scale.verification import verify
    from simulacra.schema.constraints import (
        Check,
        Combination,
        Determines,
        Equality,
        Implies,
        Monotone,
        OneHot,
        Pattern,
        Running,
        Unique,
    )
    from simulacra.schema.types import Column, Schema, Table
    from simulacra.synthesizer import Synthesizer


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    elif name in _MODULES:
        value = import_module(_MODULES[name])
    else:
        raise AttributeError(f"module 'simulacra' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
