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
START = f"""
import hashlib
from console.iam.models import User
from executions import lifecycle
from executions.models import Document, DocumentVersion
text = '''
schemaVersion: "0.3"
mainSteps:
  - name: choose
    action: aws:branch
    inputs: {{Choices: [{{NextStep: rest, Variable: a, StringEquals: a}}]}}
  - {{name: rest, action: "aws:sleep", inputs: {{Duration: PT0S}}, isEnd: true}}
'''
olivia = User.objects.get(username="olivia")
document = Document.objects.create(owner="111122223333", name="Small")
version = DocumentVersion.objects.create(
    document=document, number=1, content=text, format="YAML",
    sha256=hashlib.sha256(text.encode()).hexdigest(),
)
for _ in range({EXECUTIONS}):
    lifecycle.start(lifecycle.Start(version, "eu-west-1"), by=olivia)
"""
COUNT = """
from executions.models import Execution
print(Execution.objects.filter(status="Success").count())
"""


def main() -> None:
    """Prints one JSON line; megabytes are 10^6 bytes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stack = Stack(Path(folder) / "state")
        stack.start("--workers", "2")
        try:
            stack.django(START)
            wait_until(lambda: int(stack.django(COUNT)) >= EXECUTIONS, "all have ended", PATIENCE)
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
