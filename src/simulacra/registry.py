"""Parts by name: a folder of files is the list, a file's name is the part's public name."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulacra.errors import MissingExtra, unknown


@dataclass(frozen=True)
class Registry:
    """All parts of one kind: the files below one folder of the package.

    Listing reads file names and first docstring lines and imports nothing; `load` imports one file.

    Parameters
    ----------
    kind : str
        The word for one part, used in messages: ``"model"``.
    package : str
        Dotted name of the folder, such as ``"simulacra.models"``.
    base : str
        ``"module:Class"``: the contract that a part's class derives from.
    grouped : bool
        Whether the folder below is part of the name (``"fidelity/pairs"``).

    Examples
    --------
    >>> "trees" in MODELS.names()
    True
    """

    kind: str
    package: str
    base: str
    grouped: bool = False

    def files(self) -> dict[str, Path]:
        """Map each public name to its file, sorted by name."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return {}
        root = Path(next(iter(spec.submodule_search_locations)))
        found = {}
        for path in root.rglob("*.py"):
            if path.name.startswith("_"):
                continue
            inside = path.relative_to(root).with_suffix("")
            name = inside.as_posix() if self.grouped else inside.name
            found[name.replace("_", "-")] = path
        return dict(sorted(found.items()))

    def names(self) -> list[str]:
        """List the public names."""
        return list(self.files())

    def summary(self, name: str) -> str:
        """Read the first docstring line of a part without importing it."""
        text = self._file(name).read_text(encoding="utf-8")
        return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]

    def sets(self, name: str, flag: str) -> bool:
        """Tell whether a class of a part has a flag set to True in its body, without importing it.

        Examples
        --------
        >>> MODELS.sets("bootstrap", "stores_rows"), MODELS.sets("trees", "stores_rows")
        (True, False)
        """
        tree = ast.parse(self._file(name).read_text(encoding="utf-8"))
        bodies = [item for node in tree.body if isinstance(node, ast.ClassDef) for item in node.body]
        return any(
            isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and item.target.id == flag
            and isinstance(item.value, ast.Constant)
            and item.value.value is True
            for item in bodies
        )

    def load(self, name: str) -> type[Any]:
        """Import one part and return its class.

        Raises
        ------
        UnknownName
            There is no part of that name.
        MissingExtra
            The part needs a package that is not installed; the message says which extra brings it.
        """
        path = self._file(name)
        root = Path(importlib.util.find_spec(self.package).submodule_search_locations[0])  # type: ignore[union-attr, index]
        module_name = ".".join([self.package, *path.relative_to(root).with_suffix("").parts])
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing in {"", "simulacra"}:
                raise
            raise MissingExtra(
                f"{self.kind} {name!r} needs {missing!r}. Install it with: {install_advice(missing)}"
            ) from error
        base_module, _, base_name = self.base.partition(":")
        base = getattr(importlib.import_module(base_module), base_name)
        for value in vars(module).values():
            own = inspect.isclass(value) and issubclass(value, base) and value.__module__ == module_name
            if own and not inspect.isabstract(value) and not value.__name__.startswith("_"):
                return value
        raise TypeError(f"{path} defines no class that derives from {base_name}")

    def _file(self, name: str) -> Path:
        files = self.files()
        if name not in files:
            raise unknown(self.kind, name, files)
        return files[name]


def install_advice(module: str) -> str:
    """Say how to install an optional package, with the others of its extra.

    Examples
    --------
    >>> install_advice("fastexcel")
    'pip install fastexcel xlsxwriter'
    """
    try:
        requirements = importlib.metadata.requires("simulacra") or []
    except importlib.metadata.PackageNotFoundError:
        requirements = []
    extras: dict[str, list[str]] = {}
    for requirement in requirements:
        package = re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]
        extra = re.search(r"extra == ['\"]([^'\"]+)", requirement)
        if extra and extra.group(1) not in {"test", "dev"} and package != "simulacra":
            extras.setdefault(extra.group(1), []).append(package)
    for packages in extras.values():
        if module.lower() in {package.lower().replace("-", "_") for package in packages}:
            return f"pip install {' '.join(sorted(packages))}"
    return f"pip install {module}"


MODELS = Registry("model", "simulacra.models", "simulacra.generator:Generator")
METRICS = Registry("metric", "simulacra.metrics", "simulacra.metric:Metric", grouped=True)
DATABASE_METRICS = Registry(
    "metric of databases",
    "simulacra.database_metrics",
    "simulacra.database_metric:DatabaseMetric",
    grouped=True,
)
ENCODINGS = Registry("encoding", "simulacra.encodings", "simulacra.encoding:Encoding")
SOURCES = Registry("source", "simulacra.sources", "simulacra.source:Source")
RULES = Registry("rule", "simulacra.rules.kinds", "simulacra.rule:Rule")
