"""What a peer's script tells the benchmark: one line of JSON, the last on standard output."""

import importlib.metadata
import json
import sys
import time


class Marks:
    """CPU seconds of the steps of a run."""

    def __init__(self):
        """Start the clock."""
        self.steps = {}
        self.last = time.process_time()

    def mark(self, name):
        """End a step."""
        now = time.process_time()
        self.steps[name] = round(now - self.last, 3)
        self.last = now

    def tell(self, package):
        """Print the steps and the version of what was run."""
        print(
            json.dumps({"steps": self.steps, "version": f"{package} {importlib.metadata.version(package)}"})
        )


def arguments():
    """Return TRAIN, OUT, SEED, MODEL."""
    train, out, seed, model = sys.argv[1:5]
    return train, out, int(seed), model
