"""Write the parts of the reference that the code itself knows: the commands, and the JSON Schemas of its files.

    .venv/bin/python docs/write_reference.py

A test compares the files with what this would write, so they can not drift from the code.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from pathlib import Path

import click

from simulacra.cli import group
from simulacra.distributions.families import FAMILIES
from simulacra.fields.finding import ALIASES, list_fields
from simulacra.registry import MODELS, RULES
from simulacra.report.document import Report
from simulacra.schema.files import json_schema

FOLDER = Path(__file__).parent / "reference"

COMMANDS_HEAD = """\
# Commands

<!-- Written by docs/write_reference.py from the commands themselves. Do not edit. -->

Every command is one library call. Data and `--json` go to stdout or to a file, progress and notes to stderr.
Files are
written whole or not at all.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | a check failed (`evaluate --fail-if`, `evaluate --policy`, `compare --policy`, `inspect --schema`) |
| 2 | something to mend in the call or the data; the message says what |
| 3 | a fault of simulacra; run again with `simulacra --traceback ...` and report what it prints |
| 130 | interrupted; nothing is left half written |
| 143 | stopped (SIGTERM); nothing is left half written |

The model file, `-n`, `--seed` and the request (`--where`, `--balance`) decide the rows that `sample` writes.
"""


FIELDS_HEAD = """\
# Fields

<!-- Written by docs/write_reference.py from the fields themselves. Do not edit. -->

What rule columns can be drawn from: `name: {field: person.name, locale: de_DE}`. `simulacra fields` lists them
with an
example of any locale, `simulacra fields --locales` the locales, and `simulacra fields --all` every other method
of Faker
that is offered as `faker.METHOD`. [Draw names, addresses and numbers](../how-to/draw-from-fields.md) tells how
they are
used, and which of them can be nobody's.

*Goes by* is what may be given: a constant, or a column of the same table. *Unique* is whether every row can
have a value of
its own. `category` columns are drawn from a list, all others are as wide as their form.
"""


RULES_HEAD = """\
# Rules

<!-- Written by docs/write_reference.py from the rules themselves. Do not edit. -->

How a column is made without data: its word, with what belongs to it. [Make data from
rules](../how-to/make-data-from-rules.md) shows how
they go together. A column that is only a name, such as `email`, is the field of that name; a number is always
that number.

Beside any rule may stand `missing` (a share, a condition, or `{if: CONDITION, share: 0.3}`), `unique: true`,
`hidden: true` (other rules read it, and it does not come out), and the facts of a column in a
schema file (`kind`, `decimals`, `integer`, `step`, `unit`, `format`, ...).
"""

DISTRIBUTIONS_HEAD = """\
## Distributions

Parameters stand in order, by name (`{normal: {mean: 170, sd: 10}}`) or, where there is one, alone. They are
numbers, dates, times,
durations (`P30D`, `PT5M`) or, as text, formulas over the row. `min` and `max` cut a distribution off: values
outside are drawn again. Times are
rounded down to `precision` (`second` when left out).
"""


def rules_page() -> str:
    """Return the page of all rules and distributions."""
    rows = ["| word | what | example |", "|---|---|---|"]
    for name in RULES.names():
        if name != "distribution":
            rows.append(f"| `{name}` | {RULES.summary(name)} | `{_cell(RULES.load(name).example)}` |")
    told = ["", "## What belongs to each", ""]
    for name in RULES.names():
        if name != "distribution":
            told += [f"### {name}", "", f"`{RULES.load(name).example}`", "", _explained(RULES.load(name)), ""]
    laws = ["| word | what | example |", "|---|---|---|"]
    laws += [f"| `{law.word}` | {law.summary} | `{law.example}` |" for law in FAMILIES.values()]
    laws.append(
        "| `quantiles` | numbers between points at even steps of the distribution | `{quantiles: [0, 3, 10]}` |"
    )
    mixed = "{mixture: [{weight: 9, of: {normal: [0, 1]}}, {weight: 1, of: 0}]}"
    laws.append(f"| `mixture` | each number from one of several distributions | `{mixed}` |")
    return "\n".join([RULES_HEAD, *rows, *told, DISTRIBUTIONS_HEAD, *laws]) + "\n"


def _explained(rule: type) -> str:
    """Return what a rule's docstring says before its sections, and how it is written."""
    text = re.split(r"\n\n(?:Parameters|Notes|Examples|Returns)\n-+\n", inspect.getdoc(rule) or "")[0]
    written = (inspect.getdoc(rule.read) or "").partition("\n")[0].replace("Read ", "Written as ", 1)
    plain = f"{text}\n\n{written}".replace("``", "`")
    # several lines of a docstring are one line of a page
    return "\n\n".join(" ".join(part.split()) for part in plain.split("\n\n"))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def fields_page() -> str:
    """Return the page of all fields."""
    rows = ["| field | what | also called | goes by | kind | unique |", "|---|---|---|---|---|---|"]
    for field in list_fields():
        other = ", ".join(f"`{alias}`" for alias, name in sorted(ALIASES.items()) if name == field.name)
        inputs = ", ".join(field.inputs)
        unique = "yes" if field.room() else ""
        rows.append(f"| `{field.name}` | {field.summary} | {other} | {inputs} | {field.kind} | {unique} |")
    return FIELDS_HEAD + "\n" + "\n".join(rows) + "\n"


def commands_page() -> str:
    """Return the page of all commands with all their options."""
    context = click.Context(group, info_name="simulacra", **group.context_settings)
    parts = [COMMANDS_HEAD, "## simulacra", _usage(group, context), _options(group, context)]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        parts += [f"## simulacra {name}", _usage(command, inner), _help(command), _options(command, inner)]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _usage(command: click.Command, context: click.Context) -> str:
    pieces = " ".join(command.collect_usage_pieces(context))
    return f"```text\n{context.command_path} {pieces}\n```"


def _help(command: click.Command) -> str:
    """Return the help text; paragraphs after a \\b are examples and stay as they are."""
    shown = []
    for paragraph in (command.help or "").split("\n\n"):
        lines = paragraph.splitlines()
        if lines and lines[0].strip() == "\b":
            shown.append("```text\n" + "\n".join(line.strip() for line in lines[1:]).strip() + "\n```")
        else:
            shown.append(" ".join(line.strip() for line in lines))
    return "\n\n".join(shown)


def _options(command: click.Command, context: click.Context) -> str:
    rows = ["| option | what it does |", "|---|---|"]
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option):
            rows.append(f"| `{_name(parameter)}` | {_say(parameter)} |")
    return "\n".join(rows)


def _name(option: click.Option) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    if option.is_flag:
        return names
    words = {
        "integer": "NUMBER",
        "integer range": "NUMBER",
        "path": "PATH",
        "text": "TEXT",
        "float": "NUMBER",
        "choice": "WORD",
    }
    return f"{names} {option.metavar or words[option.type.name]}"


def _say(option: click.Option) -> str:
    """Return the help of an option and its default, from attributes that all versions of click have."""
    told = " ".join((option.help or "").split()).replace("|", "\\|")
    if told and not told.endswith((".", ")")):
        told += "."
    if option.required:
        told += " Required."
    elif not option.is_flag and isinstance(option.default, (str, int, float)):
        told += f" Default: `{option.default}`."
    return told


MARK = "<!-- From here on written by docs/write_reference.py from the models themselves. Do not edit. -->"


def models_page() -> str:
    """Return the page of models: its head as it stands, then every model with its settings."""
    head = (FOLDER / "models.md").read_text(encoding="utf-8").partition(MARK)[0]
    parts = [head.rstrip(), MARK]
    for name in MODELS.names():
        cls = MODELS.load(name)
        own = cls().options()
        told = {one: text for base in reversed(cls.__mro__) for one, text in _settings(base).items()}
        rows = [
            f"| `{field.name}` | {own.get(field.name, field.default)} | {told[field.name]} |"
            for field in dataclasses.fields(cls)
            if field.init
        ]
        words = inspect.getdoc(inspect.getmodule(cls)) or ""
        table = ["| setting | default | what it does |", "|---|---|---|", *rows] if rows else []
        link = f"```{{eval-rst}}\n.. autoclass:: {cls.__module__}.{cls.__name__}\n```"
        parts += [f"## {name}", plain_text(words), "\n".join(table), link]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain_text(words: str) -> str:
    """Return a docstring as Markdown: paragraphs as they are, stars and angles as they stand."""
    return re.sub(r"([*<>])", r"\\\1", words)


def _settings(cls: type) -> dict[str, str]:
    """Read what the docstring of a class says of its parameters."""
    text = inspect.cleandoc(cls.__doc__ or "")
    found = re.search(r"(?ms)^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", text)
    told: dict[str, str] = {}
    for names, lines in re.findall(
        r"(?m)^(\w[\w, ]*) : [^\n]*\n((?:    [^\n]*\n?|\n)*)", found[1] if found else ""
    ):
        words = " ".join(lines.split()).replace("|", "\\|")
        told |= dict.fromkeys((one.strip() for one in names.split(",")), words)
    return told


def schema_text() -> str:
    """Return the JSON Schema of schema files as text."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def report_schema_text() -> str:
    """Return the JSON Schema of reports as text."""
    return json.dumps(Report.schema(), indent=2, ensure_ascii=False) + "\n"


def files() -> dict[Path, str]:
    """Return all files that this script writes, with their contents."""
    return {
        FOLDER / "command-line.md": commands_page(),
        FOLDER / "fields.md": fields_page(),
        FOLDER / "rules.md": rules_page(),
        FOLDER / "models.md": models_page(),
        FOLDER / "schema.json": schema_text(),
        FOLDER / "report.schema.json": report_schema_text(),
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
