"""One stack for the tests that run predefined runbooks, and the account that they act on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from console.demo import ports
from tests.library.running import Library
from tests.stack.running import FAST, Stack


@pytest.fixture(scope="package")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """./run with four workers and an account in a hurry."""
    running = Stack(tmp_path_factory.mktemp("library") / "state")
    hurried = {**FAST, "COUNTERSIGN_TIME_SCALE": "0.02"}
    running.start("--workers", "4", "--port", str(ports.unused()), **hurried)
    yield Library(running)
    assert running.stop() == 0


@pytest.fixture(autouse=True)
def no_refusals(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test lets AWS refuse, AWS refuses to no other."""
    yield
    if "library" in request.fixturenames:
        request.getfixturevalue("library").forget_refusals()
