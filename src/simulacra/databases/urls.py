"""Where a database is: URLs and files, with credentials that are never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from simulacra.errors import OptionError

DIALECTS = ("sqlite", "duckdb", "postgresql", "mysql")
"""The systems that are read and written."""

SCHEMES = {
    "sqlite": "sqlite", "duckdb": "duckdb", "postgresql": "postgresql", "postgres": "postgresql",
    "mysql": "mysql", "mariadb": "mysql",
}  # fmt: skip
"""What stands before ``://`` (a driver behind a plus sign is passed over), and the system that it means."""

SUFFIXES = {".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite", ".duckdb": "duckdb"}
"""Endings of files that are databases."""

STORES = (
    "file", "memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "hdfs", "webhdfs", "ftp", "sftp",
    "http", "https",
)  # fmt: skip
"""What stands before ``://`` of places that rows are written to, and not read from."""

_URL = re.compile(r"[A-Za-z][\w+.:-]+://")

OPTIONS = {
    "postgresql": (
        "host", "port", "user", "password", "schema", "connect_timeout", "sslmode", "sslrootcert",
    ),
    "mysql": ("host", "port", "user", "password", "unix_socket", "connect_timeout", "ssl", "ssl_ca"),
}  # fmt: skip
"""What may stand behind the question mark of a server's URL."""

_ENVIRONMENT = {
    "postgresql": ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"),
    "mysql": ("MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_USER", "MYSQL_PWD", "MYSQL_DATABASE"),
}


@dataclass(frozen=True, slots=True)
class Location:
    """Where a database is.

    Parameters
    ----------
    dialect : str
        ``sqlite``, ``duckdb``, ``postgresql`` or ``mysql``.
    database : str
        Its name on a server, or the path of its file.
    host : str
        The server; a path is the folder of its socket.
    port : int or None
        Its port.
    user, password : str or None
        Credentials. The password stands in no text that is made of this.
    options : mapping
        What stood behind the question mark of the URL.

    Examples
    --------
    >>> parse_url("postgresql://ada:secret@db.example/shop")
    postgresql://ada@db.example/shop
    """

    dialect: str
    database: str
    host: str = ""
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        if self.is_file:
            return f"{self.dialect}:///{self.database}"
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        host = self.host if not self.host.startswith("/") else ""
        return f"{self.dialect}://{user}{host}{port}/{self.database}"

    def __repr__(self) -> str:
        return str(self)

    @property
    def is_file(self) -> bool:
        """Whether the database is a file."""
        return self.dialect in {"sqlite", "duckdb"}

    @property
    def path(self) -> Path:
        """The file of a database that is one."""
        return Path(self.database).expanduser()

    def conceal(self, text: str) -> str:
        """Take the password out of a text, should a driver have put it there."""
        return text.replace(self.password, "***") if self.password else text


def is_database(data: Any) -> bool:
    """Tell whether something names a database: a URL, or the path of a database file.

    Parameters
    ----------
    data : object
        Anything.

    Returns
    -------
    bool
        True for ``sqlite:``, ``duckdb:``, ``postgresql:``, ``mysql:`` and ``mariadb:`` URLs, and for paths that end in
        ``.db``, ``.sqlite``, ``.sqlite3`` or ``.duckdb``. Nothing is opened.

    Examples
    --------
    >>> is_database("mariadb://localhost/shop"), is_database("shop.db"), is_database("shop.csv")
    (True, True, False)
    """
    if isinstance(data, str) and _scheme(data):
        return True
    return isinstance(data, (str, Path)) and Path(data).suffix.lower() in SUFFIXES


def require_known(data: Any) -> None:
    """Refuse the URL of a system that is not known.

    Raises
    ------
    OptionError
        It starts as a URL does, and with none of `SCHEMES`: a store, or nothing that is known.

    Examples
    --------
    >>> require_known("C:/data/shop.csv")
    """
    if not isinstance(data, str) or not _URL.match(data) or _scheme(data) is not None:
        return
    scheme, _, place = data.partition("://")
    if scheme.lower() == "file":
        raise OptionError(f"{data!r} is read by its path. Give {unquote(place)!r}.")
    if scheme.lower() in STORES:
        raise OptionError(
            f"rows are read from this machine, and {scheme}:// is a store. Copy the folder here, and give its path."
        )
    raise OptionError(
        f"{scheme!r} is no system that is known: expected a URL that starts with one of "
        f"{', '.join(name + '://' for name in SCHEMES)}, or a path."
    )


def conceal_url(data: Any) -> str:
    """Write what names a data source without its password, to be shown and stored.

    Examples
    --------
    >>> conceal_url("mysql://ada:secret@db.example/shop"), conceal_url("a.csv")
    ('mysql://ada@db.example/shop', 'a.csv')
    """
    return str(parse_url(data)) if is_database(data) else str(data)


def parse_url(data: str | Path) -> Location:
    """Read a URL or the path of a database file.

    Parameters
    ----------
    data : str or Path
        ``${NAME}`` in it stands for the environment variable of that name. What a server's URL leaves out comes from
        the variables that its own tools read: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE; MYSQL_HOST,
        MYSQL_TCP_PORT, MYSQL_USER, MYSQL_PWD, MYSQL_DATABASE. ``?schema=sales`` names the namespace of PostgreSQL; of
        several, ``?schema=sales,staff``, tables are called ``sales.orders``. `OPTIONS` lists what else may stand there.

    Returns
    -------
    Location
        Where the database is.

    Raises
    ------
    OptionError
        The URL can not be understood, or names a variable that is not set. The message shows no part of it that may
        be a password.

    Examples
    --------
    >>> parse_url("shop.duckdb").dialect, parse_url("sqlite:////data/shop.db").database
    ('duckdb', '/data/shop.db')
    """
    if not is_database(data):
        raise OptionError(
            "this is no database: expected a URL such as postgresql://user@host/name or sqlite:///file.db."
        )
    scheme = _scheme(data) if isinstance(data, str) else None
    if scheme is None:
        return Location(SUFFIXES[Path(data).suffix.lower()], str(data))
    dialect, text = SCHEMES[scheme], str(data)
    if dialect in {"sqlite", "duckdb"}:
        if "?" in text:
            raise OptionError(
                f"a {dialect} URL has no options, and {text.partition('?')[2].partition('=')[0]!r} stands behind its "
                "question mark. Leave it out; a question mark in the name of a file is written as %3F."
            )
        return Location(dialect, _file(text, dialect))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise OptionError(
            f"this {dialect} URL can not be read: its port is no number, or a bracket is open. Write signs such as "
            "/ : @ # in a password as %2F %3A %40 %23."
        ) from None
    host, port_set, user_set, password_set, database_set = _ENVIRONMENT[dialect]
    options = {key: _expand(value) for key, value in parse_qsl(parts.query, keep_blank_values=True)}
    for key in options:
        if key not in OPTIONS[dialect]:
            raise OptionError(
                f"{key!r} is no option of a {dialect} URL. Behind the question mark may stand: "
                f"{', '.join(OPTIONS[dialect])}."
            )
    named = parts.hostname and _expand(unquote(_host(parts.netloc)))
    found_port = port or os.environ.get(port_set) or options.pop("port", None)
    user = _expand(unquote(parts.username)) if parts.username else options.pop("user", None)
    password = (
        _expand(unquote(parts.password)) if parts.password is not None else options.pop("password", None)
    )
    user = user or os.environ.get(user_set)
    database = _expand(unquote(parts.path.lstrip("/"))) or os.environ.get(database_set) or user or ""
    return Location(
        dialect,
        database,
        named or options.pop("host", None) or os.environ.get(host) or "",
        int(found_port) if found_port else None,
        user,
        password if password is not None else os.environ.get(password_set),
        options,
    )


def _scheme(text: str) -> str | None:
    found = re.match(r"([a-z]+)(?:\+\w+)?:(?=//|:memory:)", text, re.IGNORECASE)
    return found[1].lower() if found and found[1].lower() in SCHEMES else None


def _host(netloc: str) -> str:
    """Take the host as it is written: urlsplit writes it small, which names of variables and folders do not bear."""
    place = netloc.rpartition("@")[2]
    return re.sub(r":\d*$", "", place).strip("[]")


def _file(text: str, dialect: str) -> str:
    rest = text.partition("://")[2].partition("?")[0]
    path = _expand(unquote(rest[1:] if rest.startswith("/") else rest))
    if not path or path == ":memory:":
        raise OptionError(
            f"{dialect}: a database in memory is gone when it has been named. Name a file: {dialect}:///shop.db."
        )
    return path


def _expand(text: str) -> str:
    """Put environment variables in the place of ``${NAME}``."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise OptionError(
                f"the URL names the environment variable {found[1]!r}, which is not set. Set it first."
            )
        return os.environ[found[1]]

    return re.sub(r"\$\{(\w+)\}", value, text)
