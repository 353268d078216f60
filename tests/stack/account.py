"""The simulated account of the stack: instances for tests, and what was done to them."""

from __future__ import annotations

from typing import Any

from console.simulator import client
from tests.simulator.aws import assume, describe, make_client
from tests.stack.running import Stack, wait_until

PRODUCTION = "111122223333"


class Instances:
    """Hands out running instances of Production, a different one each time while there are any."""

    def __init__(self, stack: Stack) -> None:
        self.endpoint = stack.aws
        self.ec2 = make_client(self.endpoint, "ec2", assume(self.endpoint, PRODUCTION))
        found = self.ec2.describe_instances()["Reservations"]
        self._ids = [item["InstanceId"] for group in found for item in group["Instances"]]

    def take(self) -> str:
        """The id of an instance that runs."""
        chosen: str = self._ids.pop(0)
        self._ids.append(chosen)
        if self.state(chosen) != "running":
            self.ec2.start_instances(InstanceIds=[chosen])
        wait_until(lambda: self.state(chosen) == "running", f"{chosen} runs")
        return chosen

    def state(self, instance_id: str) -> str:
        """As the account tells it."""
        return str(describe(self.ec2, instance_id)["State"]["Name"])

    def name(self, instance_id: str) -> str:
        """Its Name tag."""
        tags = describe(self.ec2, instance_id)["Tags"]
        return next(str(tag["Value"]) for tag in tags if tag["Key"] == "Name")

    def stops(self, instance_id: str) -> list[dict[str, Any]]:
        """Every StopInstances for it that has arrived."""
        calls = client.calls(self.endpoint, service="ec2", operation="StopInstances")
        return [call for call in calls if instance_id in call["parameters"]["InstanceIds"]]

    def effects(self, instance_id: str) -> int:
        """How many of them really stopped it."""
        return sum(call["effective"].count(instance_id) for call in self.stops(instance_id))
