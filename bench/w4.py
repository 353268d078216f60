"""W4: what thousands of executions cost that wait for people and for time: nothing may be held.

python -m bench.w4 [--database sqlite|postgres] [--executions N]

Half of them wait for an approval, half sleep for a week. When all do, the processes are watched
for a while: how much of a core they use, and whether their memory grows.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Mapping

from bench.memory import memory_of
from bench.site import DATABASES, Site, cpu_seconds, say, site, start_workers
from tests.stack.running import wait_until

WATCHED = 60.0  # seconds
PATIENCE = 1800.0
LOAD = """
import hashlib
from console.iam.models import User
from executions import lifecycle
from executions.models import Document, DocumentVersion
texts = {
    "Asks": "  - {name: ask, action: 'aws:approve', inputs: {Approvers: [alice], Message: Wait}}",
    "Sleeps": "  - {name: rest, action: 'aws:sleep', inputs: {Duration: PT160H}}",
}
olivia = User.objects.get(username="olivia")
for name, step in texts.items():
    text = "schemaVersion: '0.3'\\nmainSteps:\\n" + step
    document = Document.objects.create(owner="111122223333", name=name)
    version = DocumentVersion.objects.create(document=document, number=1, content=text,
        format="YAML", sha256=hashlib.sha256(text.encode()).hexdigest())
    for _ in range(%d):
        lifecycle.start(lifecycle.Start(version, "eu-west-1"), by=olivia)
"""
COUNT = """
from executions.models import StepExecution
print(StepExecution.objects.filter(phase="wait").count())
"""


def main() -> None:
    """One line for each kind of process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--executions", type=int, default=5000)
    options = parser.parse_args()
    unlimited = {"COUNTERSIGN_MOST_RUNNING": str(options.executions)}
    with site(options.database, **unlimited) as here:
        processes = start_workers(here)
        load(here, options.executions)
        facts = {"workload": "W4", "database": options.database, "executions": options.executions}
        for name, numbers in watch(processes).items():
            say("w4", **facts, process=name, **numbers)


def load(here: Site, executions: int) -> None:
    """Start them, and wait until each of them waits."""
    here.django(LOAD % (executions // 2))
    wait_until(lambda: int(here.django(COUNT)) >= executions // 2 * 2, "all wait", PATIENCE)


def watch(processes: Mapping[str, subprocess.Popen[bytes]]) -> dict[str, dict[str, float]]:
    """Percent of a core, and megabytes before and after."""
    before = {name: (cpu_seconds(one.pid), memory_of(one.pid)) for name, one in processes.items()}
    time.sleep(WATCHED)  # this is what is measured: that nothing happens
    return {
        name: {
            "core_percent": round(100 * (cpu_seconds(one.pid) - before[name][0]) / WATCHED, 2),
            "mb_before": before[name][1],
            "mb_after": memory_of(one.pid),
        }
        for name, one in processes.items()
    }


if __name__ == "__main__":
    main()
