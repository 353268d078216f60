"""SIGTERM: a worker ends with its turn, or when its time is over, whatever it waits for."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bench.site import Site, site
from tests.stack.running import wait_until

pytestmark = [pytest.mark.stack]
STOP_SECONDS = 3
RUNS = 2000
MAKE = """
import hashlib, uuid
from console.iam.models import User
from executions import lifecycle
from executions.models import Document, DocumentVersion, Execution
def start(name, step):
    text = "schemaVersion: '0.3'\\nmainSteps:\\n  - " + step
    document = Document.objects.create(owner="111122223333", name=name)
    found = DocumentVersion.objects.create(document=document, number=1, content=text,
        format="YAML", sha256=hashlib.sha256(text.encode()).hexdigest())
    by = User.objects.get(username="olivia")
    return lifecycle.start(lifecycle.Start(found, "eu-west-1"), by=by)
"""
LOAD = (
    MAKE
    + f"""
run = start("Load", "{{name: a, action: 'aws:sleep', inputs: {{Duration: PT0S}}}}")
rows = [Execution.objects.get(pk=run.pk) for _ in range({RUNS})]
for row in rows: row.pk = uuid.uuid4()
Execution.objects.bulk_create(rows)
"""
)
CALL = MAKE + (
    """
Execution.objects.update(wake_at="9999-01-01T00:00:00Z", slot=None)
start("Call", "{name: a, action: 'aws:executeAwsApi', inputs: {Service: ec2, Api: StopInstances,"
    " InstanceIds: [i-0123456789abcdef0]}}")
"""
)
ROWS = """
import json
from django.db.models import Count
from executions.models import Execution
print(json.dumps({"held": Execution.objects.exclude(lease_owner="").count(),
    **dict(Execution.objects.values_list("status").annotate(Count("pk")).order_by())}))
"""


@pytest.fixture(scope="module")
def silent() -> Iterator[socket.socket]:
    """An AWS that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


@pytest.fixture(scope="module")
def here(silent: socket.socket) -> Iterator[Site]:
    """A site without workers."""
    endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
    keys = {"AWS_ACCESS_KEY_ID": "simulated", "AWS_SECRET_ACCESS_KEY": "simulated"}
    stop = str(STOP_SECONDS)
    with site(AWS_ENDPOINT_URL=endpoint, COUNTERSIGN_STOP_SECONDS=stop, **keys) as made:
        yield made


def rows_of(here: Site) -> dict[str, Any]:
    """How many runs have which status, and how many a worker holds."""
    return dict(json.loads(here.django(ROWS)))


def end(worker: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Its exit status, and seconds from SIGTERM."""
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    return worker.wait(timeout=60), time.monotonic() - began


def test_under_load_it_ends_with_its_turn(here: Site) -> None:
    here.django(LOAD)
    worker = here.start(sys.executable, "manage.py", "worker")
    wait_until(lambda: "Success" in rows_of(here), "the worker is at work")
    status, seconds = end(worker)
    assert (status, seconds < STOP_SECONDS) == (0, True)
    found = rows_of(here)
    assert (found["held"], found["Pending"] > 0) == (0, True)


def test_a_call_that_goes_on_is_left(here: Site, silent: socket.socket) -> None:
    here.django(CALL)
    worker = here.start(sys.executable, "manage.py", "worker")
    connection, _ = silent.accept()  # its call, which has 25 seconds
    with connection:
        status, seconds = end(worker)
    assert (status, seconds < 20) == (1, True)
    assert rows_of(here)["held"] == 1  # another worker takes over when the lease has ended
