"""Database servers on loopback, started for the tests from what the system has installed, and stopped after them."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Server:
    """A server that runs, and how its own client is called."""

    url: str
    client: tuple[str, ...]
    environment: dict[str, str]

    def run(self, sql: str) -> str:
        """Run SQL text with the server's own client."""
        done = subprocess.run(
            self.client,
            input=sql,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            encoding="utf-8",
            env={**os.environ, **self.environment},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        self.run(f"DROP DATABASE IF EXISTS {name}; ")
        self.run(f"CREATE DATABASE {name}; ")
        return f"{self.url}/{name}"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def as_user(name: str) -> dict[str, Any]:
    """What starts a process as a user who is not root, as servers want it."""
    if os.geteuid() != 0:
        return {}
    try:
        return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}
    except KeyError:
        pytest.skip(f"there is no user {name!r} to run the server as")


def wait_for(ready: list[str], environment: dict[str, str], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done = subprocess.run(ready, capture_output=True, env={**os.environ, **environment})
        if done.returncode == 0:
            return
        if process.poll() is not None:
            pytest.skip("the server did not start")
        time.sleep(0.1)
    pytest.skip("the server did not start within a minute")


def stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    process.send_signal(how)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def workroom() -> Iterator[Path]:
    """A short path, as sockets need, that other users may enter."""
    folder = Path(tempfile.mkdtemp(prefix="sim-db-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql(workroom: Path) -> Iterator[Server]:
    """A PostgreSQL server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    binary = str(found[-1]) if found else shutil.which("postgres")
    if binary is None:
        pytest.skip("PostgreSQL is not installed (Debian package 'postgresql')")
    tools, data, port = Path(binary).parent, workroom / "postgresql", free_port()
    user, password = as_user("postgres"), secrets.token_hex(8)
    secret = workroom / "secret"
    secret.write_text(password)
    subprocess.run(
        [str(tools / "initdb"), "-D", str(data), "-U", "tester", "--auth=scram-sha-256", f"--pwfile={secret}",
         "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        check=True, capture_output=True, cwd=workroom, **user,
    )  # fmt: skip
    process = subprocess.Popen(
        [str(tools / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(workroom),
         "-c", "fsync=off", "-c", "shared_buffers=64MB"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=workroom, start_new_session=True, **user,
    )  # fmt: skip
    environment = {"PGPASSWORD": password}
    client = (
        str(tools / "psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "tester", "-qAtX", "-v", "ON_ERROR_STOP=1",
        "postgres",
    )  # fmt: skip
    try:
        wait_for([*client, "-c", "select 1"], environment, process)
        yield Server(f"postgresql://tester:{password}@127.0.0.1:{port}", client, environment)
    finally:
        stop(process, signal.SIGINT)


@pytest.fixture(scope="session")
def mariadb(workroom: Path) -> Iterator[Server]:
    """A MariaDB server."""
    binary = shutil.which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin")
    client_path = shutil.which("mariadb")
    if binary is None or client_path is None:
        pytest.skip("MariaDB is not installed (Debian package 'mariadb-server')")
    user = as_user("mysql")
    data, port, socket_path = workroom / "mariadb", free_port(), workroom / "m.sock"
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
         "--skip-test-db"],
        check=True, capture_output=True, cwd=workroom, **user,
    )  # fmt: skip
    process = subprocess.Popen(
        [binary, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
         f"--socket={socket_path}", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
         f"--pid-file={workroom}/m.pid", "--local-infile=1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=workroom, start_new_session=True, **user,
    )  # fmt: skip
    root = [client_path, "--no-defaults", "-u", "root", f"--socket={socket_path}", "-N", "-B"]
    password = secrets.token_hex(8)
    try:
        wait_for([*root, "-e", "select 1"], {}, process)
        subprocess.run(
            [*root, "-e", f"CREATE USER tester@'127.0.0.1' IDENTIFIED BY '{password}'; "
             "GRANT ALL ON *.* TO tester@'127.0.0.1'"], check=True,
        )  # fmt: skip
        environment = {"MYSQL_PWD": password}
        client = (client_path, "--no-defaults", "-h", "127.0.0.1", "-P", str(port), "-u", "tester", "-N", "-B",
                  "--default-character-set=utf8mb4")  # fmt: skip
        yield Server(f"mariadb://tester:{password}@127.0.0.1:{port}", client, environment)
    finally:
        stop(process, signal.SIGTERM)
