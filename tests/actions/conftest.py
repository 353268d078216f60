"""A step's context without an engine: reads are answered by a plain function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import pytest

from executions.actions.base import CallFailed, StepContext
from executions.runbook.template import Scope
from executions.runbook.types import Step

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
READ_VERBS = ("describe", "get", "list")
CHECKS = ("InstanceStatus", "SystemStatus")

MakeContext: TypeAlias = Callable[..., StepContext]


def allow_no_read(service: str, operation: str, /, **request: Any) -> dict[str, Any]:
    """The answer of an AWS that must not be asked."""
    raise AssertionError(f"{service} {operation} {request} was read")


def is_read(service: str, operation: str) -> bool:
    """By verb alone, which is enough for the operations of these tests."""
    return bool(service) and operation.lower().startswith(READ_VERBS)


@pytest.fixture
def now() -> datetime:
    """The time in every context that is not given another."""
    return NOW


@pytest.fixture
def poll() -> datetime:
    """When every context's next poll is due."""
    return NOW + timedelta(seconds=5)


@pytest.fixture
def make_context(poll: datetime) -> MakeContext:
    """A factory of contexts: `make_context("aws:sleep", {"Duration": "PT1M"}, state=…)`."""

    def make(action: str, inputs: dict[str, Any], **changes: Any) -> StepContext:
        context = StepContext(
            execution_id=UUID(int=1),
            step_id=UUID(int=2),
            account_id="111122223333",
            region="eu-west-1",
            step=Step(name="theStep", action=action, inputs=inputs),
            attempt=1,
            token="00000000-0000-0000-0000-000000000003",
            now=NOW,
            deadline=NOW + timedelta(hours=1),
            inputs=inputs,
            scope=Scope(),
            read=allow_no_read,
            is_read=is_read,
            poll=lambda: poll,
        )
        return replace(context, **changes)

    return make


class FakeEc2:
    """Instances by id, as DescribeInstances and DescribeInstanceStatus show them."""

    def __init__(self, states: dict[str, str]) -> None:
        self.instances = {name: self._make_instance(name, states[name]) for name in states}
        self.checks = {name: dict.fromkeys(CHECKS, "ok") for name in states}
        self.asked: list[list[str]] = []

    @staticmethod
    def _make_instance(name: str, state: str) -> dict[str, Any]:
        return {
            "InstanceId": name,
            "State": {"Name": state},
            "LaunchTime": "2029-12-01T08:00:00+00:00",
            "StateTransitionReason": "",
        }

    def move(self, name: str, state: str) -> None:
        """Let an instance change its state as an API call would."""
        change = {
            "State": {"Name": state},
            "StateTransitionReason": "User initiated (2030-01-01 12:00:01 GMT)",
        }
        self.instances[name].update(change)

    def snapshot(self, name: str) -> dict[str, str]:
        """What tells whether an instance was touched."""
        instance = self.instances[name]
        return {
            "State": instance["State"]["Name"],
            "LaunchTime": instance["LaunchTime"],
            "StateTransitionReason": instance["StateTransitionReason"],
        }

    def read(self, service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        """Answer as EC2 does; one unknown id refuses the whole question."""
        assert service == "ec2"
        assert set(request) == {"InstanceIds"}
        self.asked.append(request["InstanceIds"])
        unknown = [name for name in request["InstanceIds"] if name not in self.instances]
        if unknown:
            ids, verb = (", ".join(unknown), "do") if unknown[1:] else (unknown[0], "does")
            text = f"The instance ID{'s' if unknown[1:] else ''} '{ids}' {verb} not exist"
            raise CallFailed("InvalidInstanceID.NotFound", text)
        return {"DescribeInstances": self._describe, "DescribeInstanceStatus": self._check}[
            operation
        ](request["InstanceIds"])

    def _describe(self, names: list[str]) -> dict[str, Any]:
        # EC2 keeps no order, and groups by reservation.
        found = [dict(self.instances[name]) for name in reversed(names)]
        return {"Reservations": [{"Instances": [instance]} for instance in found]}

    def _check(self, names: list[str]) -> dict[str, Any]:
        statuses = [
            {"InstanceId": name, **{check: {"Status": word} for check, word in checks.items()}}
            for name, checks in self.checks.items()
            if name in names and self.instances[name]["State"]["Name"] == "running"
        ]
        return {"InstanceStatuses": statuses}


@pytest.fixture
def make_ec2() -> type[FakeEc2]:
    """A factory of accounts: `make_ec2({"i-1": "running"})`."""
    return FakeEc2
