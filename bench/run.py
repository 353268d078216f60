"""How long ./run takes until it is ready, and until Ctrl-C has left nothing behind.

python -m bench.run
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from tests.stack.running import Stack


def main() -> None:
    """Starts it twice in one folder: the second start is the one that people wait for daily."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for start in ("first", "again"):
            stack = Stack(Path(folder) / "state")
            began = time.monotonic()
            stack.start()
            ready = time.monotonic()
            stack.stop()
            if left := stack.everything():
                sys.exit(f"Ctrl-C left {left} behind.")
            facts = {
                "benchmark": "run",
                "start": start,
                "ready_seconds": round(ready - began, 2),
                "stop_seconds": round(time.monotonic() - ready, 2),
            }
            sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
