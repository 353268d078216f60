"""The sandbox of the host that runs the tests. Without one they fail, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from django.conf import settings

from executions import sandbox

Run: TypeAlias = Callable[..., sandbox.Result]


@pytest.fixture(scope="session")
def box() -> sandbox.Sandbox:
    """bubblewrap and the tree, as a worker has them."""
    return sandbox.prepare(settings.SANDBOX_FOLDER)


@pytest.fixture(scope="session")
def run(box: sandbox.Sandbox) -> Run:
    """Run a Python script: `run("def handler(events, context): …", events={}, seconds=5)`."""

    def run(source: str, **more: Any) -> sandbox.Result:
        job = sandbox.Job(source, **{"handler": "handler", "events": {}, "seconds": 60, **more})
        return sandbox.run(box, job)

    return run
