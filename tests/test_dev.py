"""dev.py: the one file that a fresh checkout is started with."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

DEV = Path(__file__).parents[1] / "dev.py"


@pytest.fixture
def dev() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dev_under_test", DEV)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(DEV), *arguments], capture_output=True, text=True, cwd=cwd)


def test_old_pythons_can_parse_it_and_are_told_what_they_need(dev: ModuleType) -> None:
    ast.parse(DEV.read_text(encoding="utf-8"), feature_version=(3, 8))
    assert "3.11" in dev.old_python_message((3, 8, 10))
    assert dev.old_python_message((3, 11, 0)) is None
    assert dev.old_python_message((3, 14, 0)) is None


def test_help_names_every_command_from_any_folder(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert done.returncode == 0
    for command in ("demo", "test", "check", "docs", "bench", "clean"):
        assert command in done.stdout


@pytest.mark.parametrize("arguments", [["paint"], []])
def test_an_unknown_command_is_a_usage_error(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


def test_a_python_without_venv_is_told_the_system_package(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = builtins.__import__

    def without_ensurepip(name: str, *rest: object) -> ModuleType:
        if name == "ensurepip":
            raise ImportError("No module named 'ensurepip'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_ensurepip)
    monkeypatch.setattr(dev, "VENV", tmp_path / "none")
    monkeypatch.setattr(dev, "STAMP", tmp_path / "none" / "stamp")
    assert dev.main(["test"]) == 1
    package = f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert package in capsys.readouterr().err


def test_a_matching_stamp_skips_the_installation_and_a_changed_one_does_not(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    steps: list[list[str]] = []
    monkeypatch.setattr(dev, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(dev, "venv_python", lambda: sys.executable)
    monkeypatch.setattr(dev, "run_quietly", lambda step: steps.append(step))
    assert dev.install("test") == 0
    assert steps
    steps.clear()
    assert dev.install("test") == 0
    assert steps == []
    assert dev.install("docs") == 0
    assert steps


def test_pip_takes_over_when_uv_fails_and_says_so(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps: list[list[str]] = []

    def fail_uv(step: list[str]) -> str | None:
        steps.append(step)
        return "no route" if "uv" in step else None

    monkeypatch.setattr(dev, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(dev, "venv_python", lambda: sys.executable)
    monkeypatch.setattr(dev, "run_quietly", fail_uv)
    assert dev.install("test") == 0
    assert "using pip" in capsys.readouterr().err
    assert steps[-1][1:4] == ["-m", "pip", "install"]
    assert steps[-1][-1] == ".[test]"


def test_arguments_and_exit_codes_pass_through(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []

    def call(step: list[str], cwd: str) -> int:
        called.append(step[1:])
        return 5

    monkeypatch.setattr(dev, "install", lambda extra: 0)
    monkeypatch.setattr(dev.subprocess, "call", call)
    assert dev.main(["test", "-k", "name"]) == 5
    assert called == [["-m", "pytest", "-k", "name"]]


def test_the_environment_lies_where_each_system_puts_it(dev: ModuleType) -> None:
    assert Path(dev.venv_python(windows=False)).parts[-2:] == ("bin", "python")
    assert Path(dev.venv_python(windows=True)).parts[-2:] == ("Scripts", "python.exe")


def test_check_runs_all_its_tools_and_takes_no_arguments(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    def call(step: list[str], cwd: str) -> int:
        called.append(step[2])
        return 1 if len(called) == 1 else 0

    monkeypatch.setattr(dev, "install", lambda extra: 0)
    monkeypatch.setattr(dev.subprocess, "call", call)
    assert dev.main(["check", "--fix"]) == 2
    assert dev.main(["check"]) == 1
    assert called == ["ruff", "ruff", "mypy"]
