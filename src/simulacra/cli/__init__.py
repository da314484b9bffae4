"""The command line: one file per command, each imported only when it is called."""

from __future__ import annotations

import importlib
import io
import os
import re
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from simulacra import __version__
from simulacra.errors import CheckFailed, SimulacraError
from simulacra.registry import Registry

COMMANDS = Registry("command", "simulacra.cli", "click:Command")
ORDER = (
    "demo", "inspect", "split", "fit", "sample", "export", "generate", "new", "fields", "play", "edges", "mask",
    "subset", "impute", "enrich", "counterfactual", "augment", "explain", "score", "evaluate", "compare", "fair",
    "review", "report", "verify", "models", "metrics",
)  # fmt: skip


class Commands(click.Group):
    """Commands by file name; their help is the first docstring line of the file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands, the main street first."""
        names = COMMANDS.names()
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS.names():
            return None
        module = importlib.import_module(f"simulacra.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their summaries, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS.summary(name)) for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, and name the nearest one when there is none."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from simulacra.errors import unknown

            raise click.UsageError(str(unknown("command", args[0], COMMANDS.names())), ctx) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="simulacra")
@click.option("--traceback", "show_traceback", is_flag=True, help="Show where in the code an error arose.")
@click.pass_context
def group(ctx: click.Context, show_traceback: bool) -> None:
    """Synthetic data that people can trust.

    Learn a generator from your data on your own machine, draw as many rows as you want, and measure how good and how
    private they are.

    \b
      simulacra split all.csv --train adult.csv --holdout test.csv
      simulacra fit adult.csv -o adult.sim
      simulacra sample adult.sim -n 1000 --seed 1 -o fake.csv
      simulacra evaluate adult.csv fake.csv --holdout test.csv -o report.html

    Exit codes: 0 done, 1 a check failed (--fail-if), 2 something to mend in the call or the data, 3 a fault of ours.
    """
    ctx.obj = show_traceback


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(run(sys.argv[1:] if args is None else args))


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """Leave as an error would, so that files half written are removed; the code is what shells expect."""
    click.echo("stopped; nothing was left half written.", err=True)
    sys.exit(128 + number)


def run(args: list[str]) -> int:
    """Run one command.

    Parameters
    ----------
    args : list of str
        As typed, without the program's name.

    Returns
    -------
    int
        0 done; 1 a check failed; 2 something to mend in the call or the data; 3 a fault of ours; 130 interrupted.
        A command that is stopped exits with 143.
    """
    verbose = "--traceback" in args
    try:
        result: Any = group.main(args, prog_name="simulacra", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        told = io.StringIO()
        error.show(file=told)
        click.echo(_conceal(told.getvalue()), nl=False, err=True)
        return 2
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted; nothing was left half written.", err=True)
        return 130
    except SimulacraError as error:
        if verbose:
            traceback.print_exc()
        click.echo(f"error: {_conceal(_as_options(str(error)))}", err=True)
        return 1 if isinstance(error, CheckFailed) else 2
    except BrokenPipeError:
        # the reader has had enough; what is still buffered must not fail when the program ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if verbose:
            traceback.print_exc()
        click.echo(
            f"error: simulacra failed in a way it should not ({type(error).__name__} in {_place(error)}). "
            "Run it again with 'simulacra --traceback ...' and report what it prints.",
            err=True,
        )
        return 3


def _conceal(text: str) -> str:
    """Take passwords out of URLs that a message repeats from the call."""
    return re.sub(r"(\w+://[^\s:/@]*):[^\s/]*@", r"\1@", text)


def _as_options(text: str) -> str:
    """Leave of ``protect=False (--no-protect)``, which is for both ways of calling, what is typed here."""
    return re.sub(r"""[\w.]+(?:\([^()]*\)|=(?:'[^']*'|"[^"]*"|[\w.]+)?) \((--[a-z][^()]*)\)""", r"\1", text)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "an unknown place"
