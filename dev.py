"""Develop simulacra with one command each: demo, test, check, docs, bench, clean.

    python3 dev.py test -k predicates

Makes a virtual environment in .venv, installs what the command needs, and runs it. Needs Python 3.11 or newer;
the file itself keeps to old grammar so that an older Python can say so.
"""

from __future__ import print_function

import argparse
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
OLDEST = (3, 11)
STAMP = os.path.join(VENV, "simulacra-dev.stamp")

# command -> (extras to install, steps to run; each a list of arguments after the environment's python)
COMMANDS = {
    "demo": (["demo"], [["-m", "simulacra", "demo"]]),
    "test": (["test"], [["-m", "pytest"]]),
    "check": (["dev"], [["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"], ["-m", "mypy"]]),
    "docs": (["docs"], [["-m", "sphinx", "-W", "docs", "docs/_build/html"]]),
    "bench": (["test"], [["-m", "benchmarks"]]),
}
LEFTOVERS = [".venv", "build", "dist", "docs/_build", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"]


def say(text):
    """Print a line for the person; standard output belongs to the command that runs."""
    print("dev: " + text, file=sys.stderr)
    sys.stderr.flush()


def venv_python(windows=None):
    """Return the path of the environment's Python."""
    windows = os.name == "nt" if windows is None else windows
    return os.path.join(VENV, "Scripts", "python.exe") if windows else os.path.join(VENV, "bin", "python")


def old_python_message(version):
    """Say which Python is needed, or None if this one will do."""
    if tuple(version[:2]) >= OLDEST:
        return None
    return "Python {0}.{1} is too old: simulacra needs {2}.{3} or newer. Run this with a newer one: python{2}.{3} dev.py".format(
        version[0], version[1], OLDEST[0], OLDEST[1]
    )


def missing_venv_message():
    """Say which system package brings what `python -m venv` needs, or None if it is all there."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        return "this Python can not make a virtual environment ({0}). Install it with: apt install python{1}.{2}-venv".format(
            error, sys.version_info[0], sys.version_info[1]
        )
    return None


def run_quietly(arguments):
    """Run a step; return its output if it failed, else None."""
    done = subprocess.run(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode("utf-8", "replace") if done.returncode else None


def stamp_of(extras):
    """Return what must not have changed for an installation to be up to date."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        digest = hashlib.sha256(file.read())
    digest.update(repr((sorted(extras), sys.version_info[:2])).encode())
    return digest.hexdigest()


def installed():
    """List the stamps of what is installed."""
    if not os.path.exists(STAMP) or not os.path.exists(venv_python()):
        return []
    with open(STAMP) as file:
        return file.read().split()


def install(extras):
    """Make the environment if needed and install the project with some extras; return an exit code."""
    stamp = stamp_of(extras)
    known = installed()
    if stamp in known:
        return 0
    if not os.path.exists(venv_python()):
        problem = missing_venv_message()
        if problem is None:
            say("making .venv")
            problem = run_quietly([sys.executable, "-m", "venv", VENV])
        if problem is not None:
            say(problem)
            return 1
    target = ".[" + ",".join(extras) + "]"
    say("installing simulacra with " + ", ".join(extras) + " (once; later runs skip this)")
    failure = install_with_uv(target)
    if failure is not None:
        say(failure + "; using pip, which is slower")
        output = run_quietly([venv_python(), "-m", "pip", "install", "--quiet", "--editable", target])
        if output is not None:
            say("the installation failed:\n" + output)
            return 1
    with open(STAMP, "a") as file:
        file.write(stamp + "\n")
    return 0


def install_with_uv(target):
    """Install with uv, fetching uv first; return why that did not work, or None."""
    python = venv_python()
    if run_quietly([python, "-m", "uv", "--version"]) is not None:
        if run_quietly([python, "-m", "pip", "install", "--quiet", "uv"]) is not None:
            return "uv can not be fetched"
    output = run_quietly([python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--editable", target])
    if output is not None:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        return "uv failed ({0})".format(lines[0] if lines else "no output")
    return None


def clean():
    """Remove the environment and everything that commands leave behind."""
    for name in LEFTOVERS:
        path = os.path.join(ROOT, *name.split("/"))
        if os.path.isdir(path):
            say("removing " + name)
            shutil.rmtree(path)
    return 0


def main(arguments=None):
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description="Make .venv, install what a command needs, and run it. More arguments are passed on.",
    )
    parser.add_argument("command", choices=sorted(COMMANDS) + ["clean"])
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = parser.parse_args(arguments[:1])
    problem = old_python_message(sys.version_info)
    if problem is not None:
        say(problem)
        return 1
    if options.command == "clean":
        return clean()
    extras, steps = COMMANDS[options.command]
    code = install(extras)
    if code:
        return code
    worst = 0
    for step in steps:
        # extra arguments go to the only step; with several there is no telling whose they are
        more = arguments[1:] if len(steps) == 1 else []
        worst = max(worst, abs(subprocess.call([venv_python()] + step + more, cwd=ROOT)))
    if len(steps) > 1 and len(arguments) > 1:
        say("'{0}' takes no arguments; these were not used: {1}".format(options.command, " ".join(arguments[1:])))
        return worst or 2
    return worst


if __name__ == "__main__":
    sys.exit(main())
