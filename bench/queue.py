"""L1: how soon a slot that a run frees is taken by the run that has waited longest.

python -m bench.queue [--database sqlite|postgres]

100 runs hold every slot of an account and 1,000 wait, on an idle site with two workers and the
clock. Runs are ended one after the other; a sample goes from the end of one, as its row has it, to
the event that says that the next one has begun.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from bench.site import DATABASES, say, site, start_workers

SAMPLES = 300
# An interactive run holds its slot without work for anybody, until a person ends it.
FILL = """
import hashlib, json, time
from console.iam.models import User
from executions import lifecycle
from executions.models import Document, DocumentVersion, Event, Execution
text = "schemaVersion: '0.3'\\nmainSteps:\\n"
text += "  - {name: a, action: 'aws:sleep', inputs: {Duration: PT0S}}"
document = Document.objects.create(owner="111122223333", name="Held")
found = DocumentVersion.objects.create(document=document, number=1, content=text, format="YAML",
    sha256=hashlib.sha256(text.encode()).hexdigest())
olivia = User.objects.get(username="olivia")
wish = lifecycle.Start(found, "eu-west-1", mode="Interactive")
def wait(condition):
    while not (answer := condition()): time.sleep(0.002)
    return answer
runs = [lifecycle.start(wish, by=olivia) for _ in range(1100)]
wait(lambda: Execution.objects.filter(status="Waiting").count() == 100)
"""
MEASURE = (
    FILL
    + f"""
late, in_order = [], True
for ended, begun in zip(runs[:{SAMPLES}], runs[100:]):
    lifecycle.halt(ended.pk, "Complete")
    started = Event.objects.filter(kind="execution:started")
    count = 101 + len(late)
    wait(lambda: started.count() == count)
    event = started.order_by("id").last()
    in_order &= event.execution_id == begun.pk
    ended.refresh_from_db()
    late.append((event.at - ended.ended_at).total_seconds())
held = Execution.objects.filter(slot="running").count()
print(json.dumps({{"late": sorted(late), "in_order": in_order, "running": held}}))
"""
)


def main() -> None:
    """One line; milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    database = parser.parse_args().database
    with site(database) as here:
        start_workers(here)
        report(database, json.loads(here.django(MEASURE)))


def report(database: str, found: dict[str, Any]) -> None:
    """`in_order` and `running` say that the queue was kept, and the limit of 100."""
    late = found["late"]
    say(
        "queue",
        workload="L1, slot freed to next run",
        engine="countersign",
        database=database,
        p50_ms=round(1000 * late[len(late) // 2], 1),
        p95_ms=round(1000 * late[len(late) * 95 // 100], 1),
        in_order=found["in_order"],
        running=found["running"],
    )


if __name__ == "__main__":
    main()
