"""Two simulated accounts, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from console.simulator import client
from tests.simulator.aws import PRODUCTION, assume, make_client, wait_for_state
from tests.simulator.shells import Shells


@pytest.fixture(scope="session")
def quick() -> Iterator[str]:
    """A simulated account where EC2 takes a fiftieth of its time."""
    with client.started("--time-scale", "0.02") as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def frozen() -> Iterator[str]:
    """A simulated account where nothing ever arrives: every state between two others stays."""
    with client.started("--time-scale", "1000") as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(quick: str) -> Iterator[str]:
    """The quick account with an empty log before the test and no faults after it."""
    client.clear_calls(quick)
    yield quick
    client.clear_faults(quick)


@pytest.fixture
def ec2(endpoint: str) -> Any:
    """EC2 of Production in eu-west-1, through the execution role."""
    return make_client(endpoint, "ec2", assume(endpoint, PRODUCTION))


@pytest.fixture
def instance_id(ec2: Any) -> str:
    """A running instance of the test's own."""
    launched = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    found: str = launched["Instances"][0]["InstanceId"]
    wait_for_state(ec2, found, "running")
    return found


@pytest.fixture
def shells(endpoint: str) -> Shells:
    """Run Command of Production in eu-west-1, through the execution role."""
    return Shells(make_client(endpoint, "ssm", assume(endpoint, PRODUCTION)))


@pytest.fixture
def machine(shells: Shells, instance_id: str) -> str:
    """A running instance of the test's own that is online."""
    return shells.wait_online(instance_id)
