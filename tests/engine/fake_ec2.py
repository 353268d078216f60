"""Instances that take their time, behind a FakeAws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from executions import aws, clock
from tests.engine.fake_aws import FakeAws

ON_THE_WAY = {"StopInstances": "stopping", "StartInstances": "pending"}
ARRIVED = {"stopping": "stopped", "pending": "running"}


@dataclass(slots=True)
class Instance:
    """One instance; a change of its state arrives after a while."""

    shown: str
    reason: str = ""
    arrives_at: datetime | None = None

    @property
    def state(self) -> str:
        """Its state now."""
        if self.arrives_at and clock.now() >= self.arrives_at:
            self.shown, self.arrives_at = ARRIVED[self.shown], None
        return self.shown


class FakeEc2:
    """`effects` holds each order that changed something: (operation, instance)."""

    def __init__(self, fake: FakeAws, **states: str) -> None:
        self.instances = {name.replace("_", "-"): Instance(state) for name, state in states.items()}
        self.effects: list[tuple[str, str]] = []
        self.takes = timedelta(seconds=20)
        fake.on("DescribeInstances", self._describe)
        fake.on("DescribeInstanceStatus", self._check)
        fake.on("StopInstances", lambda request: self.order("StopInstances", request))
        fake.on("StartInstances", lambda request: self.order("StartInstances", request))

    def order(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Stop or start; no effect on what is on the way there or has arrived."""
        way = ON_THE_WAY[operation]
        for name in request["InstanceIds"]:
            instance = self.instances[name]
            if instance.state not in {way, ARRIVED[way]}:
                self.effects.append((operation, name))
                instance.shown, instance.arrives_at = way, clock.now() + self.takes
                instance.reason = f"User initiated ({clock.now():%Y-%m-%d %H:%M:%S} GMT)"
        return {}

    def _describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        names = request["InstanceIds"]
        for name in names:
            if name not in self.instances:
                raise aws.AwsRefused(
                    f"The instance ID '{name}' does not exist", "InvalidInstanceID.NotFound"
                )
        return {"Reservations": [{"Instances": [self._show(name) for name in names]}]}

    def _show(self, name: str) -> dict[str, Any]:
        instance = self.instances[name]
        return {
            "InstanceId": name,
            "State": {"Name": instance.state},
            "LaunchTime": "2026-01-01T00:00:00+00:00",
            "StateTransitionReason": instance.reason,
        }

    def _check(self, request: Mapping[str, Any]) -> dict[str, Any]:
        statuses = [
            {
                "InstanceId": name,
                "InstanceStatus": {"Status": "ok"},
                "SystemStatus": {"Status": "ok"},
            }
            for name in request["InstanceIds"]
            if self.instances[name].state == "running"
        ]
        return {"InstanceStatuses": statuses}
