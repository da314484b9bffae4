"""The rules of the house, by reading the source: layers, light imports, docstrings, nouns, file sizes."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import simulacra

ROOT = Path(simulacra.__file__).parent
HEAVY = {
    "numpy", "polars", "pandas", "pyarrow", "scipy", "sklearn", "numba", "torch", "sqlglot", "altair",
    "vl_convert", "jinja2", "lightgbm",
    "sqlalchemy", "duckdb", "pg8000", "pymysql", "faker",
}  # fmt: skip
MAX_LINES = 400

# A folder's layer holds for all files below it. Digits after the point order the files of one layer: a file
# of layer 4.1 stands on those of 4. A private `_helper.py` at the root belongs to the module that its name
# starts with (`_frames_arrow.py` to `frames.py`).
LAYERS: dict[str, float] = {
    # the lazy list of public names: it imports nothing at once, and everybody may ask it for the version
    "__init__.py": 0,
    "errors.py": 0, "memory.py": 0.1, "registry.py": 0.1, "randomness.py": 0.1, "compilation.py": 0.1,
    "storage.py": 0.2, "fakes/": 0.5, "field.py": 0.55, "fields/": 0.6, "domain.py": 1, "schema/": 1,
    "formatting.py": 1.1, "packing.py": 1.1, "relations/": 1.1,
    "privacy/": 1.05, "frames.py": 1.2, "lineage.py": 1.2,
    "figures.py": 1.9, "exhibit.py": 1.2, "generator.py": 2, "metric.py": 2, "database_metric.py": 2.1,
    "encoding.py": 2, "source.py": 2, "profile.py": 2.1, "bins.py": 2,
    "parting.py": 2.1, "rule.py": 2, "distributions/": 0.5, "shuffling.py": 0.1,
    "sources/": 3, "encodings/": 3, "models/": 3, "metrics/": 3, "database_metrics/": 3.1,
    "augmentations/": 3, "scenes/": 3,
    "filing.py": 4, "modelfile.py": 4, "provenance.py": 4, "splitting.py": 4.02, "dataset.py": 4.1,
    "blocks.py": 4.02,
    "guarantees/": 4.05, "shares/": 4.05, "sampling/": 4.1, "completion/": 4.12,
    "databases/": 4.05, "relational/": 4.4, "masking/": 4.4,
    "designing.py": 4.46,
    "rules/": 4.45, "fhir/": 4.46, "scale/": 4.47, "intake.py": 4.2, "weights.py": 4, "evaluation.py": 4.2,
    "database_evaluation.py": 4.3,
    "plausibility.py": 4.15, "imputation.py": 4.15,
    "interventions.py": 4.16, "counterfactuals.py": 4.17, "enrichment.py": 4.16, "synthesizer.py": 4.2,
    "mining/": 4.2,
    "fitting.py": 4.3, "transfer.py": 4.35, "explanation.py": 4.3, "estimation.py": 4.4, "rare/": 4.4,
    "scenarios.py": 4.4,
    "edges/": 4.4, "tablefiles.py": 4.05, "proof/": 4.5, "survey/": 4.6,
    "report/": 5,
    "api.py": 6,
    "cli/": 7, "server/": 7, "testing/": 7, "__main__.py": 7.1,
}  # fmt: skip
COOPERATING = {
    "schema/", "relations/", "sampling/", "guarantees/", "shares/", "completion/", "mining/", "rare/", "edges/",
    "fakes/", "fields/", "report/", "cli/", "rules/", "distributions/", "testing/", "databases/", "relational/",
    "masking/", "privacy/",
    "scale/", "fhir/",
    "proof/", "survey/",
}  # fmt: skip
"""Folders that are one thing in several files: the files may import each other."""

FILES = sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)
NAMES = [path.relative_to(ROOT).as_posix() for path in FILES]
each_file = pytest.mark.parametrize("name", NAMES)


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), filename=name)


def home(name: str) -> str:
    """The entry of LAYERS that a file falls under."""
    if "/" in name:
        return name.partition("/")[0] + "/"
    if name.startswith("_") and not name.startswith("__"):
        owners = [entry for entry in LAYERS if entry.endswith(".py") and name[1:].startswith(entry[:-3])]
        return max(owners, key=len, default=name)
    return name


def layer(name: str) -> float:
    assert home(name) in LAYERS, f"{name} has no layer: add it to LAYERS in this test"
    return LAYERS[home(name)]


def imports(source: ast.Module) -> Iterator[tuple[str, int]]:
    """All imports of the package's own modules, as dotted names with line numbers, those in functions too."""
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            yield from (
                (alias.name, node.lineno) for alias in node.names if alias.name.startswith("simulacra")
            )
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import; write the full name"
            if (node.module or "").partition(".")[0] == "simulacra":
                for alias in node.names:
                    # `from package import module` means that module
                    longer = f"{node.module}.{alias.name}"
                    yield (longer if file_of(longer) else str(node.module)), node.lineno


def file_of(module: str) -> str | None:
    """The file of a dotted name, relative to the package."""
    inside = "/".join(module.split(".")[1:])
    for candidate in (f"{inside}.py", f"{inside}/__init__.py" if inside else "__init__.py"):
        if (ROOT / candidate).is_file():
            return candidate
    return None


def may_import(name: str, target: str) -> bool:
    """Whether one file may import another."""
    if layer(target) < layer(name) or target == "__init__.py":
        return True
    if home(name) != home(target):
        return False
    folder, _, file = target.rpartition("/")
    helper = (
        file.startswith("_")
        and file != "__init__.py"
        and f"{name.rpartition('/')[0]}/".startswith(f"{folder}/")
    )
    return home(name) in COOPERATING or helper or not folder


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__init__.py"])
def test_files_import_only_from_lower_layers(name: str) -> None:
    wrong = [
        f"line {line}: {module} (layer {layer(target)} from layer {layer(name)})"
        for module, line in imports(tree(name))
        if (target := file_of(module)) and target != name and not may_import(name, target)
    ]
    assert not wrong, f"{name} imports {wrong}"


def test_a_bare_import_is_light() -> None:
    code = "import sys, simulacra; print(sorted(set(sys.modules) & set(sys.argv[1:])))"
    done = subprocess.run(
        [sys.executable, "-c", code, *sorted(HEAVY)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@each_file
def test_heavy_imports_stand_at_the_top(name: str) -> None:
    wrong = []
    for function in ast.walk(tree(name)):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        for node in ast.walk(function):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            wrong += [f"line {node.lineno}: {m}" for m in modules if m.partition(".")[0] in HEAVY]
    assert not wrong, f"{name} imports inside a function: {wrong}"


def public_definitions(source: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in source.body:
        if isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ) and not node.name.startswith("_"):
            yield node


@each_file
def test_modules_and_what_they_offer_have_docstrings(name: str) -> None:
    first = (ast.get_docstring(tree(name)) or "").partition("\n")[0]
    assert first, f"{name} has no docstring"
    if name.rpartition("/")[2].startswith("_"):
        return
    bare = [node.name for node in public_definitions(tree(name)) if not ast.get_docstring(node)]
    assert not bare, f"{name}: no docstring on {bare}"


@each_file
def test_files_stay_short(name: str) -> None:
    lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
    assert lines < MAX_LINES, f"{name} has {lines} lines; split it into parts"


def test_no_module_has_the_name_of_a_public_function() -> None:
    # importing the submodule would overwrite the function of the same name
    functions = {name for name in simulacra.__all__ if inspect.isfunction(getattr(simulacra, name))}
    modules = {path.stem for path in ROOT.glob("*.py")} | {
        path.parent.name for path in ROOT.glob("*/__init__.py")
    }
    assert functions, "simulacra exports no function"
    assert not modules & functions


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@each_file
def test_no_global_random_state(name: str) -> None:
    allowed = {"Generator", "Philox", "BitGenerator", "SeedSequence"}
    wrong = []
    for node in ast.walk(tree(name)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            if "random" in modules:
                wrong.append(f"line {node.lineno}: import random")
        elif (
            isinstance(node, ast.Attribute)
            and dotted(node.value) in {"np.random", "numpy.random"}
            and node.attr not in allowed
        ):
            wrong.append(f"line {node.lineno}: {dotted(node)}")
    assert not wrong, f"{name}: {wrong}; ask Streams for a stream by name"
