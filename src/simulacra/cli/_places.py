"""Where commands on whole databases read from and write to: files, folders and URLs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import click

from simulacra._dataset_folders import require_absent
from simulacra.cli._console import require_files
from simulacra.databases.urls import conceal_url, is_database, parse_url
from simulacra.errors import FileError, OptionError
from simulacra.storage import require_writable

if_exists_option = click.option(
    "--if-exists", type=click.Choice(["error", "replace", "append"]), metavar="error|replace|append",
    default="error", show_default=True,
    help="What to do with tables that the database or the folder has already; append is for databases.",
)  # fmt: skip
"""What happens to what is there, as all commands that write several tables ask it."""

namespace_option = click.option(
    "--namespace", metavar="NAMES", help="Which namespaces of a PostgreSQL database, joined by commas."
)
"""Where the tables of a database are, as commands that read one ask it."""


def in_namespace(source: str, names: str | None) -> str:
    """Put namespaces behind the URL of a database.

    Examples
    --------
    >>> in_namespace("postgresql://db/shop", "sales,staff"), in_namespace("shop/", None)
    ('postgresql://db/shop?schema=sales,staff', 'shop/')
    """
    if names is None:
        return source
    if not is_database(source) or parse_url(source).dialect != "postgresql":
        raise OptionError(
            "--namespace is for the URL of a PostgreSQL database, and DATA is none. Leave it out."
        )
    if "schema" in parse_url(source).options:
        raise OptionError("--namespace and ?schema= of the URL both name namespaces. Give one of them.")
    return f"{source}{'&' if '?' in source else '?'}schema={quote(names, safe=',')}"


def require_free(output: str, tables: Sequence[str], if_exists: str) -> None:
    """Refuse a folder that has tables of these names, before they are drawn, unless they may be replaced."""
    if if_exists == "error" and not is_database(output) and Path(output).suffix.lower() != ".sql":
        require_absent(Path(output).expanduser(), tables)


def require_places(source: str, target: str | None, *others: str | None) -> None:
    """Refuse a source that is not there, and a target that can not be written or is the source, before the work."""
    if "://" not in source:
        require_files(source)
    require_files(*others)
    if target is None:
        return
    if source == target or (
        "://" not in source + target
        and Path(target).exists()
        and Path(source).exists()
        and Path(source).samefile(target)
    ):
        raise FileError(
            f"{conceal_url(target)!r} is read by this command and would be overwritten. Choose another name."
        )
    if "://" not in target and Path(target).suffix:
        require_writable(target, inputs=[source] if "://" not in source else [])
