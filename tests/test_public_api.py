"""What users rely on: the public names, the signatures of the verbs, and examples that run."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import simulacra

ROOT = Path(simulacra.__file__).parent

PUBLIC = [
    "Augmented", "Check", "Column", "Combination", "Dataset", "Determines", "Equality", "Generator", "Implies",
    "Metric", "Monotone", "OneHot", "Pattern", "Ranking", "Report", "RuleSynthesizer", "Running", "Schema", "Score",
    "Synthesizer", "Table", "Unique", "__version__", "augment", "compare", "compare_fairness", "compose", "design",
    "enrich",
    "errors", "estimate", "evaluate", "explain", "fit", "generate", "impute", "infer", "load", "make_edge_cases",
    "mask", "mine", "play", "plot", "prove", "read", "review", "split", "subset", "testing", "verify", "write",
]  # fmt: skip

SIGNATURES = {
    "read": "(data, *, schema=None, name=None, extra='error', unreadable='error', tables=None, rows=None)",
    "infer": "(data)",
    "compose": "(rules)",
    "design": (
        "(model, columns=None, *, correlations=None, of='rank', repair=False, tables=None, edges=None, name='table', "
        "**options)"
    ),
    "generate": "(rules, n=None, *, scale=None, seed=None, progress=silent)",
    "split": "(data, holdout=0.2, *, entity=None, seed=None)",
    "fit": (
        "(data, model='trees', *, schema=None, weight=None, entity=None, order=None, reference=(), seed=None, "
        "protect=True, holders=10, rules=True, max_memory=None, rows=None, start=None, progress=silent, "
        "**options)"
    ),
    "estimate": (
        "(data, model='trees', *, schema=None, weight=None, entity=None, order=None, reference=(), "
        "protect=True, holders=10, rows=None, progress=silent, **options)"
    ),
    "load": "(path)",
    "evaluate": (
        "(train, synthetic, *, holdout=None, entity=None, order=None, target=None, groups=None, sensitive=None, "
        "quasi_identifiers=None, queries=None, task=None, shadows=0, maker=None, review=None, schema=None, "
        "metrics=None, thresholds=None, policy=None, seed=0, title=None, rows=None, model=None, "
        "progress=silent)"
    ),
    "prove": "(data, *, schema=None, memory=None, progress=silent)",
    "review": "(real, synthetic, *, n=40, seed=None, text=False, schema=None, title=None)",
    "compare_fairness": (
        "(train, model='trees', *, holdout, target, group, given=None, positive=None, definitions=None, "
        "rate=None, shares=None, rows=None, "
        "schema=None, seed=0, title=None, progress=silent)"
    ),
    "compare": (
        "(train, candidates=None, *, models=(), holdout=None, schema=None, seed=0, title=None, progress=silent, "
        "**options)"
    ),
    "explain": "(model, column=None, *, top=5)",
    "mine": "(data, *, schema=None, exceptions=0.005)",
    "play": "(model, scenarios, *, seed=None, only=None, title=None, progress=silent)",
    "make_edge_cases": "(schema, *, table=None, seed=0, as_text=False, into=None, prefix='_')",
    "mask": (
        "(data, *, columns=None, keep=(), keys=False, texts='replace', shift_dates=None, locale=None, key=None, "
        "schema=None, progress=silent)"
    ),
    "subset": "(data, *, n=None, share=None, table=None, where=None, seed=None, schema=None)",
    "write": "(data, path, **options)",
    "Synthesizer.sample": (
        "(self, n=None, *, seed=None, where=None, do=None, balance=None, bigger=None, smaller=None, fair=None, "
        "given=None, to=None, progress=silent, **how)"
    ),
    "Synthesizer.chunks": "(self, n, *, seed, **asked)",
    "Synthesizer.write": "(self, target, n, *, seed=None, progress=silent, **asked)",
    "Synthesizer.intervene": "(self, do)",
    "Synthesizer.counterfactual": "(self, rows, do, *, seed=None, progress=silent)",
    "Synthesizer.save": "(self, path, *, allow_rows=False)",
    "Dataset.split": "(self, holdout=0.2, *, entity=None, seed=None)",
    "Dataset.write": "(self, path, *, format=None, if_exists='error', dialect=None)",
    "Report.require": "(self, expression)",
    "Report.save": "(self, path, *, private=False)",
    "Schema.with_column": "(self, column, *, table=None, **changes)",
    "Schema.with_constraint": "(self, *constraints, table=None)",
    "Schema.without_constraint": "(self, *constraints, table=None)",
}


def module_names() -> list[str]:
    """All modules of the package that have examples."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        if path.name != "__main__.py" and ">>> " in path.read_text(encoding="utf-8"):
            inside = path.relative_to(ROOT.parent).with_suffix("")
            found.append(".".join(inside.parts).removesuffix(".__init__"))
    return found


def test_the_public_names_are_the_ones_promised() -> None:
    assert sorted(simulacra.__all__) == sorted(PUBLIC)
    assert dir(simulacra) == sorted(PUBLIC)


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "__version__"])
def test_public_names_can_be_imported_and_are_documented(name: str) -> None:
    value = getattr(simulacra, name)
    text = inspect.getdoc(value) or ""
    assert text.partition("\n")[0].strip().endswith((".", ":")), f"{name} has no summary"


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        simulacra.absent


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_stay_as_promised(name: str) -> None:
    value: object = simulacra
    for part in name.split("."):
        value = getattr(value, part)
    assert callable(value)
    shown = []
    for parameter in inspect.signature(value).parameters.values():
        default = parameter.default
        if inspect.isfunction(default):
            default = type("Name", (), {"__repr__": lambda self, name=default.__name__: name})()
        shown.append(parameter.replace(annotation=inspect.Parameter.empty, default=default))
    assert str(inspect.Signature(shown)) == SIGNATURES[name]


@pytest.mark.parametrize("name", [name for name in SIGNATURES if "." not in name])
def test_verbs_are_typed_and_have_an_example(name: str) -> None:
    verb = getattr(simulacra, name)
    hints = inspect.signature(verb)
    assert hints.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in hints.parameters.values())
    assert "Examples\n--------\n>>> " in (inspect.getdoc(verb) or "")


@pytest.mark.parametrize("name", module_names())
def test_examples_in_docstrings_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if name.startswith("simulacra.scale.engines."):
        # Spark is an extra that the tests do not bring: it is large, and needs Java
        pytest.importorskip("pyspark" if name.endswith("spark") else "simulacra")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        pytest.skip("torch is an extra that the tests do not bring: it is large")
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    # a namespace of its own for each docstring, as a reader would start from
    for case in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        runner.run(case, out=said.append)
    assert runner.tries > 0, f"{name} has '>>>' outside docstrings only"
    assert runner.failures == 0, "".join(said)
