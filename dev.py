"""Develop simulacra with one command each: demo, test, check, docs, bench, clean.

    python3 dev.py test -k predicates

Makes a virtual environment in .venv, installs what the command needs, and runs it. Needs Python 3.11 or
newer; the file keeps to the grammar of Python 3.8, so that an older Python can say so.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "simulacra-dev.stamp"
OLDEST = (3, 11)

# command -> (extra to install, steps to run: arguments after the environment's python)
COMMANDS = {
    "demo": ("demo", [["-m", "simulacra", "demo"]]),
    "test": ("test", [["-m", "pytest"]]),
    "check": ("dev", [["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"], ["-m", "mypy"]]),
    "docs": ("docs", [["-m", "sphinx", "-W", "docs", "docs/_build/html"]]),
    "bench": ("test", [["-m", "benchmarks"]]),
}
LEFTOVERS = (
    ".venv", "build", "dist", "docs/_build", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"
)  # fmt: skip


def say(text):
    """Print a line for the person; standard output belongs to the command that runs."""
    print(f"dev: {text}", file=sys.stderr, flush=True)


def venv_python(windows=os.name == "nt"):
    """Return the path of the environment's Python."""
    return str(VENV / "Scripts" / "python.exe" if windows else VENV / "bin" / "python")


def old_python_message(version):
    """Say which Python is needed, or None if this one will do."""
    if tuple(version[:2]) >= OLDEST:
        return None
    needed = "{}.{}".format(*OLDEST)
    return (
        f"Python {version[0]}.{version[1]} is too old: simulacra needs {needed} or newer. "
        f"Start this with a newer one, such as: python{needed} dev.py"
    )


def missing_venv_message():
    """Say which system package brings what `python -m venv` needs, or None if it is all there."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        return f"this Python can not make a virtual environment ({error}). Get it with: apt install {package}"
    return None


def run_quietly(arguments):
    """Run a step; return its output if it failed, else None."""
    done = subprocess.run(arguments, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode("utf-8", "replace") if done.returncode else None


def stamp_of(extra):
    """Return what must not have changed for an installation to be up to date."""
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes())
    digest.update(repr((extra, tuple(sys.version_info[:2]))).encode())
    return digest.hexdigest()


def install(extra):
    """Make the environment if needed and install the project with an extra; return an exit code."""
    stamp = stamp_of(extra)
    made = Path(venv_python()).exists()
    if made and STAMP.exists() and stamp in STAMP.read_text().split():
        return 0
    if not made:
        problem = missing_venv_message()
        if problem is None:
            say("making .venv")
            problem = run_quietly([sys.executable, "-m", "venv", str(VENV)])
        if problem is not None:
            say(problem)
            return 1
    target = f".[{extra}]"
    say(f"installing simulacra[{extra}] (once; later runs skip this)")
    failure = install_with_uv(target)
    if failure is not None:
        say(f"{failure}; using pip, which is slower")
        output = run_quietly([venv_python(), "-m", "pip", "install", "--quiet", "--editable", target])
        if output is not None:
            say(f"the installation failed:\n{output}")
            return 1
    with STAMP.open("a") as file:
        file.write(stamp + "\n")
    return 0


def install_with_uv(target):
    """Install with uv, fetching uv first; return why that did not work, or None."""
    python = venv_python()
    have_uv = run_quietly([python, "-m", "uv", "--version"]) is None
    if not have_uv and run_quietly([python, "-m", "pip", "install", "--quiet", "uv"]) is not None:
        return "uv can not be fetched"
    command = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--editable", target]
    output = run_quietly(command)
    if output is not None:
        return f"uv failed ({(output.strip() or 'no output').splitlines()[0]})"
    return None


def clean():
    """Remove the environment and everything that commands leave behind."""
    for name in LEFTOVERS:
        path = ROOT / name
        if path.is_dir():
            say(f"removing {name}")
            shutil.rmtree(str(path))
    return 0


def main(arguments=None):
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description="Make .venv, install what a command needs, and run it. Further arguments are passed on.",
    )
    parser.add_argument("command", choices=[*COMMANDS, "clean"])
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    command = parser.parse_args(arguments[:1]).command
    more = arguments[1:]
    problem = old_python_message(sys.version_info)
    if problem is not None:
        say(problem)
        return 1
    if command == "clean":
        return clean()
    extra, steps = COMMANDS[command]
    if more and len(steps) > 1:
        say(f"'{command}' runs {len(steps)} tools and takes no arguments; leave out: {' '.join(more)}")
        return 2
    code = install(extra)
    if code:
        return code
    for step in steps:
        # every step runs, so that one call shows all there is to mend
        code = max(code, abs(subprocess.call([venv_python(), *step, *more], cwd=str(ROOT))))
    return code


if __name__ == "__main__":
    sys.exit(main())
