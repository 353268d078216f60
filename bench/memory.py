"""What all of ./run holds in memory, and a worker, after a thousand executions.

python -m bench.memory
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.stack.running import Stack, wait_until

EXECUTIONS = 1000
PATIENCE = 900.0  # seconds for all of them


def main() -> None:
    """Prints one JSON line; megabytes are 10^6 bytes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stack = Stack(Path(folder) / "state")
        stack.start("--workers", "2")
        try:
            stack.django(f"from bench import inside; inside.small({EXECUTIONS})")
            count = "from bench import inside; print(inside.count_succeeded())"
            wait_until(lambda: int(stack.django(count)) >= EXECUTIONS, "all have ended", PATIENCE)
            facts = {
                "benchmark": "memory",
                "stack_mb": sum(map(memory_of, stack.everything())),
                "worker_mb": max(map(memory_of, stack.processes("worker"))),
                "executions": EXECUTIONS,
            }
        finally:
            stack.stop()
    sys.stdout.write(json.dumps(facts) + "\n")


def memory_of(process: int) -> int:
    """Resident megabytes of a process, what it shares with others counted in full."""
    text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return round(int(line.split()[1]) * 1024 / 1e6)


if __name__ == "__main__":
    main()
