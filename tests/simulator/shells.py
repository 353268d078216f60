"""Commands of tests on simulated instances: sent, awaited, read."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

SHELL = "AWS-RunShellScript"
DEADLINE = 30.0  # seconds that anything may take
UNDER_WAY = {"Pending", "InProgress", "Cancelling"}
T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], what: str) -> T:
    """The condition's first true answer."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.02)  # between two questions, not instead of one
    raise AssertionError(f"Not within {DEADLINE:.0f} s: {what}")


class Shells:
    """Run Command of one account and Region."""

    def __init__(self, ssm: Any) -> None:
        self.ssm = ssm

    def send(self, instance_ids: list[str] | str, *lines: str, **more: Any) -> str:
        """The command's id; `more`: of SendCommand, or of the document's parameters."""
        ids = [instance_ids] if isinstance(instance_ids, str) else instance_ids
        parameters = {"commands": list(lines), **more.pop("parameters", {})}
        request = {"DocumentName": SHELL, "Parameters": parameters, **more}
        where = {"InstanceIds": ids} if ids else {}
        return str(self.ssm.send_command(**where, **request)["Command"]["CommandId"])

    def run(self, instance_id: str, *lines: str, **more: Any) -> dict[str, Any]:
        """What GetCommandInvocation says in the end."""
        return self.wait(self.send(instance_id, *lines, **more), instance_id)

    def wait(self, command_id: str, instance_id: str) -> dict[str, Any]:
        """The same of a command that was sent."""
        return wait_until(lambda: self._ended(command_id, instance_id), f"{command_id} ends")

    def wait_for(self, command_id: str) -> dict[str, Any]:
        """The command as ListCommands has it, when it has ended."""
        return wait_until(lambda: self._done(command_id), f"{command_id} ends")

    def command(self, command_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ssm.list_commands(CommandId=command_id)["Commands"][0]
        return found

    def invocations(self, command_id: str) -> dict[str, dict[str, Any]]:
        """ListCommandInvocations with details, by instance."""
        answer = self.ssm.list_command_invocations(CommandId=command_id, Details=True)
        return {each["InstanceId"]: each for each in answer["CommandInvocations"]}

    def ping(self, instance_id: str) -> str:
        """PingStatus; empty if it is not registered."""
        filters = [{"Key": "InstanceIds", "Values": [instance_id]}]
        found = self.ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
        return str(found[0]["PingStatus"]) if found else ""

    def wait_online(self, instance_id: str) -> str:
        wait_until(lambda: self.ping(instance_id) == "Online", f"{instance_id} is online")
        return instance_id

    def _ended(self, command_id: str, instance_id: str) -> dict[str, Any] | None:
        answer = self.ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
        return None if answer["Status"] in UNDER_WAY else answer

    def _done(self, command_id: str) -> dict[str, Any] | None:
        command = self.command(command_id)
        return None if command["Status"] in UNDER_WAY else command
