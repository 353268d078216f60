"""How soon the engine moves: W2 after a signal, W3 after a start, and how late its timers are.

python -m bench.latency [--database sqlite|postgres]

On an idle site with two workers and the clock. A sample ends with the moment at which the next
step's row says that it began, or that its sleep was over.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from bench.site import DATABASES, say, site, start_workers

SAMPLES = 100
MAKE = """
import hashlib, json, time
from console.iam.models import User
from executions import lifecycle, signals
from executions.models import Document, DocumentVersion, Execution
def version(name, steps):
    text = "schemaVersion: '0.3'\\nmainSteps:\\n" + steps
    document = Document.objects.create(owner="111122223333", name=name)
    return DocumentVersion.objects.create(document=document, number=1, content=text, format="YAML",
        sha256=hashlib.sha256(text.encode()).hexdigest())
olivia = User.objects.get(username="olivia")
def start(found):
    return lifecycle.start(lifecycle.Start(found, "eu-west-1"), by=olivia)
def wait(condition):
    while not (answer := condition()): time.sleep(0.002)
    return answer
late = []
"""
SIGNAL = (
    MAKE
    + f"""
found = version("Paused", "  - {{name: rest, action: 'aws:pause', inputs: {{}}}}\\n"
    "  - {{name: after, action: 'aws:sleep', inputs: {{Duration: PT1S}}}}\\n")
for _ in range({SAMPLES}):
    run = start(found)
    wait(lambda: run.steps.filter(name="rest", status="Waiting").first())
    signals.send(run, "Resume", "rest", by=olivia)
    sent = time.time()
    after = wait(lambda: run.steps.filter(name="after").first())
    late.append(after.started_at.timestamp() - sent)
print(json.dumps(late))
"""
)
START = (
    MAKE
    + f"""
found = version("Started",
    "  - {{name: first, action: 'aws:sleep', inputs: {{Duration: PT1S}}}}\\n")
for _ in range({SAMPLES}):
    run = start(found)
    sent = time.time()
    first = wait(lambda: run.steps.first())
    late.append(first.started_at.timestamp() - sent)
print(json.dumps(late))
"""
)
TIMER = (
    MAKE
    + f"""
found = version("Asleep", "  - {{name: rest, action: 'aws:sleep', inputs: {{Duration: PT3S}}}}\\n")
runs = []
for _ in range({SAMPLES}):
    runs.append(start(found).pk)
    time.sleep(0.037)  # so that they fall due apart
wait(lambda: not Execution.objects.filter(pk__in=runs).active().exists())
for run in Execution.objects.filter(pk__in=runs):
    step = run.steps.get()
    late.append((step.ended_at - step.started_at).total_seconds() - 3)
print(json.dumps(late))
"""
)
WORKLOADS = {"W2, signal to next step": SIGNAL, "W3, start to first step": START, "timers": TIMER}


def main() -> None:
    """One line for each workload; milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    database = parser.parse_args().database
    with site(database) as here:
        start_workers(here)
        for workload, code in WORKLOADS.items():
            report(workload, database, sorted(json.loads(here.django(code))))


def report(workload: str, database: str, late: Sequence[float]) -> None:
    """One line; `earliest_ms` is negative if anything came too soon."""
    say(
        "latency",
        workload=workload,
        engine="countersign",
        database=database,
        p50_ms=round(1000 * late[len(late) // 2], 1),
        p95_ms=round(1000 * late[len(late) * 95 // 100], 1),
        earliest_ms=round(1000 * late[0], 1),
    )


if __name__ == "__main__":
    main()
