"""How long a script takes to start in the sandbox, over the same Python without one.

python -m bench.sandbox
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from executions import sandbox

RUNS = 40
NOTHING = "def handler(events, context):\n    return events\n"
CLIENT = "import boto3\ndef handler(events, context):\n    boto3.client('ec2')\n"
ENVIRONMENT = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}


def main() -> None:
    """Medians in milliseconds; the first run of each kind is warm-up and not counted."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)  # else a bench run as root would find the workers' own
        began = time.monotonic()
        box = sandbox.prepare(Path(folder) / "runtime")
        made = time.monotonic()
        sandbox.check(box)
        tested = time.monotonic()
        report(box, made - began, tested - made)


def report(box: sandbox.Sandbox, made: float, tested: float) -> None:
    """One line of JSON."""
    network = sandbox.Network(lambda host, port: host)
    bare = measure(lambda: run_bare(box, NOTHING))
    boxed = measure(lambda: run_boxed(box, sandbox.Job(NOTHING, "handler")))
    online = measure(lambda: run_boxed(box, sandbox.Job(NOTHING, "handler", network=network)))
    bare_client = measure(lambda: run_bare(box, CLIENT))
    client = measure(
        lambda: run_boxed(
            box, sandbox.Job(CLIENT, "handler", network=network, environment=ENVIRONMENT)
        )
    )
    facts = {
        "benchmark": "sandbox",
        "runs": RUNS,
        "make_runtime_seconds": round(made, 2),
        "self_test_seconds": round(tested, 2),
        "bare_python_ms": median(bare),
        "sandbox_ms": median(boxed),
        "sandbox_p95_ms": round(statistics.quantiles(boxed, n=20)[-1] * 1000, 1),
        "sandbox_with_network_ms": median(online),
        "over_bare_ms": round(median(online) - median(bare), 1),
        "bare_boto3_client_ms": median(bare_client),
        "boto3_client_ms": median(client),
        "boto3_client_over_bare_ms": round(median(client) - median(bare_client), 1),
    }
    sys.stdout.write(json.dumps(facts) + "\n")


def run_bare(box: sandbox.Sandbox, source: str) -> None:
    """The sandbox's own Python on the host, with a script that does the same."""
    program = f"import sys; sys.path.append({str(box.tree / 'lib/countersign')!r})\n{source}"
    program += "import json; print(json.dumps(handler({}, {})))"
    subprocess.run(  # noqa: S603 - our own program
        [box.tree / "bin" / "python3", "-ISB", "-Xutf8", "-c", program],
        env={**ENVIRONMENT, "LD_LIBRARY_PATH": str(box.tree / "lib"), "HOME": os.devnull},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def run_boxed(box: sandbox.Sandbox, job: sandbox.Job) -> None:
    """As a step does it."""
    result = sandbox.run(box, job)
    if result.ended is not sandbox.Ended.RETURNED:
        sys.exit(f"The script failed: {result.message}")


def measure(run: Callable[[], None]) -> list[float]:
    """Seconds of each run."""
    times = []
    for _ in range(RUNS + 1):
        began = time.monotonic()
        run()
        times.append(time.monotonic() - began)
    return times[1:]


def median(times: list[float]) -> float:
    """In milliseconds."""
    return round(statistics.median(times) * 1000, 1)


if __name__ == "__main__":
    main()
