"""Run one command in a process of its own, and account for it as the operating system does."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = Path(__file__).parent / "_account.py"


@dataclass(frozen=True)
class Finished:
    """A process that came to its end.

    Parameters
    ----------
    code : int
        Its exit code; negative for a signal.
    cpu : float
        CPU seconds, user and system, of all its threads and of the processes that it waited for.
    wall : float
        Wall seconds.
    peak : float
        The peak resident memory of its largest process, in MB.
    output, errors : str
        What it wrote.
    late : bool
        Whether it was ended because it took longer than allowed.
    """

    code: int
    cpu: float
    wall: float
    peak: float
    output: str
    errors: str
    late: bool

    @property
    def problem(self) -> str | None:
        """Why there is no result, in a few words; None where all went well."""
        if self.late:
            return f"stopped after the limit of {self.wall:.0f} s"
        if self.code:
            lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
            return f"exit code {self.code}: {lines[-1][:160] if lines else 'no message'}"
        return None


def run(call: Sequence[str], limit: float | None = None) -> Finished:
    """Run a command to its end, or end it with all its children when it takes longer than `limit` seconds."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "account.json"
        helper = [sys.executable, "-S", str(ACCOUNT), str(report), str(limit or 0), *call]
        done = subprocess.run(helper, capture_output=True, cwd=ROOT, check=False)
        output, errors = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        if not report.exists():
            return Finished(done.returncode or 1, 0.0, 0.0, 0.0, output, errors, False)
        found = json.loads(report.read_text(encoding="utf-8"))
    return Finished(**found, output=output, errors=errors)
