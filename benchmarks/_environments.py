"""The peers, and a virtual environment for each; none of them is ever a dependency of the project."""

from __future__ import annotations

import os
import re
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from benchmarks._process import run

PEERS_FOLDER = Path(__file__).parent / "peers"
TORCH = "torch==2.13.0"
INSTALL_LIMIT = 1800


@dataclass(frozen=True)
class Peer:
    """Another program that makes synthetic tables.

    Parameters
    ----------
    runner : Path
        A script: TRAIN.csv OUT.csv SEED MODEL.
    packages : tuple of tuple of str
        What pip installs, step by step; peers with the same name of environment share it.
    environment : str or None
        The folder of its virtual environment; None for the Python that runs the benchmark.
    unwanted : tuple of str
        What pip takes away again: parts of other builds that the peer can do without and would stumble over.
    """

    runner: Path
    packages: tuple[tuple[str, ...], ...] = ()
    environment: str | None = None
    unwanted: tuple[str, ...] = ()


def _sdv() -> Peer:
    return Peer(PEERS_FOLDER / "sdv_peer.py", ((TORCH,), ("sdv>=2",)), "sdv")


OWN = Peer(PEERS_FOLDER / "simulacra_peer.py")
"""How this library's own models are run: as the peers are."""

PEERS: dict[str, Peer] = {
    "sdv-gaussian-copula": _sdv(),
    "sdv-ctgan": _sdv(),
    "sdv-tvae": _sdv(),
    "mostlyai-engine": Peer(
        PEERS_FOLDER / "mostlyai_peer.py",
        ((TORCH,), ("mostlyai-engine>=2",)),
        "mostlyai-engine",
        ("torchvision", "torchaudio"),
    ),
    # it brings a torch of its own, and asks for an opacus that is too new for it
    "synthcity-arf": Peer(PEERS_FOLDER / "synthcity_peer.py", (("synthcity", "opacus==1.4.0"),), "synthcity"),
}


class Unavailable(Exception):
    """A peer can not be installed here; the message says why."""


def default_folder() -> Path:
    """Return the folder that environments are kept in between runs."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "simulacra-bench"


def python_of(peer: Peer, folder: Path) -> str:
    """Return the Python that a peer runs in, after making its environment where it is not there yet."""
    if peer.environment is None:
        return sys.executable
    home = folder / peer.environment
    python = home / "bin" / "python"
    stamp = home / "packages.txt"
    wanted = repr((peer.packages, peer.unwanted))
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return str(python)
    venv.create(home, with_pip=True, clear=True)
    for packages in peer.packages:
        done = run([str(python), "-m", "pip", "install", "--quiet", *packages], INSTALL_LIMIT)
        if done.problem is not None:
            raise Unavailable(f"'{' '.join(packages)}' can not be installed ({_plain(done.problem)})")
    if peer.unwanted:
        run([str(python), "-m", "pip", "uninstall", "--quiet", "--yes", *peer.unwanted], INSTALL_LIMIT)
    stamp.write_text(wanted, encoding="utf-8")
    return str(python)


def _plain(text: str) -> str:
    """Leave out addresses: where packages come from differs between machines."""
    return re.sub(r"\S+://\S+|(?<!\w)/\S+", "...", text)
