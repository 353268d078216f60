"""A run that kills whoever works on it: given up by name, and the others do not notice."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from bench.site import Site, site
from tests.stack.running import wait_until

pytestmark = [pytest.mark.stack]
LOST = 4  # the first has progressed, since it began the step; three in a row have not
QUICK = {
    "COUNTERSIGN_LEASE_SECONDS": "3",
    "COUNTERSIGN_AWS_CONNECT_SECONDS": "0.5",
    "COUNTERSIGN_AWS_READ_SECONDS": "0.5",
}
START = """
import hashlib
from console.iam.models import User
from executions import lifecycle
from executions.models import Document, DocumentVersion
STEPS = {
    "Poison": "{name: a, action: 'aws:executeAwsApi', inputs: {Service: cloudformation,"
              " Api: CreateStack, StackName: web}}",
    "Fine": "{name: a, action: 'aws:sleep', inputs: {Duration: PT0S}}",
}
for name, step in STEPS.items():
    text = "schemaVersion: '0.3'\\nmainSteps:\\n  - " + step
    document = Document.objects.create(owner="111122223333", name=name)
    version = DocumentVersion.objects.create(document=document, number=1, content=text,
        format="YAML", sha256=hashlib.sha256(text.encode()).hexdigest())
    by = User.objects.get(username="olivia")
    lifecycle.start(lifecycle.Start(version, "eu-west-1"), by=by)
"""
FOUND = """
import json
from executions.models import Execution
print(json.dumps({run.document_name: [run.status, run.failure_message, run.lease_owner]
    for run in Execution.objects.all()}))
"""


@pytest.fixture(scope="module")
def deadly() -> Iterator[socket.socket]:
    """An AWS of which nobody lives to see the answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(90)
        yield server


@pytest.fixture(scope="module")
def here(deadly: socket.socket) -> Iterator[Site]:
    """A site without workers."""
    endpoint = f"http://127.0.0.1:{deadly.getsockname()[1]}"
    keys = {"AWS_ACCESS_KEY_ID": "simulated", "AWS_SECRET_ACCESS_KEY": "simulated"}
    with site(AWS_ENDPOINT_URL=endpoint, **keys, **QUICK) as made:
        yield made


def found(here: Site) -> dict[str, Any]:
    """Status, message and holder of each run."""
    return dict(json.loads(here.django(FOUND)))


def work(here: Site) -> subprocess.Popen[bytes]:
    """A worker, as production has it."""
    return here.start(sys.executable, "manage.py", "worker")


def test_it_is_given_up_after_three_workers_without_progress(
    here: Site, deadly: socket.socket
) -> None:
    here.django(START)
    for _ in range(LOST):
        worker = work(here)
        connection, _ = deadly.accept()
        worker.send_signal(signal.SIGKILL)
        assert worker.wait(timeout=60) == -signal.SIGKILL
        connection.close()
    assert found(here)["Poison"][0] == "InProgress"
    work(here)  # which stays alive
    wait_until(lambda: found(here)["Poison"][0] == "Failed", "the engine has given up")
    status, message, holder = found(here)["Poison"]
    assert (status, holder) == ("Failed", "")
    assert "The engine gave up at step a: 3 workers in a row were lost over it." in message
    assert "may have taken effect" in message
    assert found(here)["Fine"] == ["Success", "", ""]
    assert "0 that cannot have happened so" in here.manage("verify_history")
