"""Run a command as this small process's only child, and write down what the operating system says it took.

python -S _account.py REPORT.json LIMIT COMMAND ...        LIMIT in seconds, 0 for none

A process counts as its own peak what its parent held when it was made. So the parent must be small, and the
benchmark itself is not.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

POLL = 0.02


def main(report: str, limit: float, call: list[str]) -> None:
    """Run the command, end it with its children when it takes too long, and write the account."""
    start = time.perf_counter()
    # a process group of its own, so that all its children end with it
    child = os.posix_spawnp(call[0], call, os.environ, setpgroup=0)
    late, done = False, 0
    try:
        while not done:
            done, status, used = os.wait4(child, os.WNOHANG)
            if not done:
                if limit and not late and time.perf_counter() - start > limit:
                    late = True
                    os.killpg(child, signal.SIGKILL)
                time.sleep(POLL)
    finally:
        if not done:
            os.killpg(child, signal.SIGKILL)
    found = {
        "code": os.waitstatus_to_exitcode(status),
        "cpu": used.ru_utime + used.ru_stime,
        "wall": time.perf_counter() - start,
        "peak": used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
        "late": late,
    }
    Path(report).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
