"""An AWS on which everything is under way, until it is told that everything is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from executions import aws
from tests.engine.fake_aws import FakeAws

STOPPED, LAUNCHED = "i-0123456789abcdef0", "i-0fedcba9876543210"
STACK: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/{}/1"
MACHINE: Final = "arn:aws:states:eu-west-1:111122223333:stateMachine:m"
EXECUTION: Final = "arn:aws:states:eu-west-1:111122223333:execution:m:e"
READS: Final = ("Describe", "Get", "List")


class WorkerDied(BaseException):
    """The process is gone: nothing after this line runs."""


class SlowAws(FakeAws):
    """`is_done` decides what reads show; what is called "died" takes the worker with it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_done = False
        for name in ("publish", "topic", "stack", "instances", "images", "commands", "machines"):
            getattr(self, f"_have_{name}")()

    def changes(self) -> dict[str, list[Any]]:
        """The calls that may change something: session of the run -> operation and request."""
        made: dict[str, list[Any]] = {}
        for seen in self.calls:
            if not seen.operation.startswith(READS):
                made.setdefault(seen.identity.session_name, []).append(
                    [seen.operation, seen.request]
                )
        return made

    def _now(self, before: str, after: str) -> str:
        return after if self.is_done else before

    def _have_publish(self) -> None:
        def publish(request: Mapping[str, Any]) -> dict[str, Any]:
            if request["Message"] == "died" and not self.is_done:
                raise WorkerDied
            if request["Message"] == "lost":
                raise aws.OutcomeUnknown("connection reset")
            if request["Message"] == "refused" and not self.is_done:
                raise aws.AwsRefused("no such topic", "NotFound")
            return {"MessageId": "m-1"}

        self.on("Publish", publish)

    def _have_topic(self) -> None:
        self.on("GetTopicAttributes", lambda _: {"State": self._now("busy", "ready")})

    def _have_stack(self) -> None:
        def create(request: Mapping[str, Any]) -> dict[str, Any]:
            if request["StackName"] == "died" and not self.is_done:
                raise WorkerDied
            return {"StackId": STACK.format(request["StackName"])}

        def describe(request: Mapping[str, Any]) -> dict[str, Any]:
            name = request["StackName"]
            if name == "new":
                raise aws.AwsRefused("Stack with id new does not exist", "ValidationError")
            verb = "CREATE" if name == STACK.format("new") else "DELETE"
            status = (
                "CREATE_COMPLETE"
                if name == "old"
                else self._now(f"{verb}_IN_PROGRESS", f"{verb}_COMPLETE")
            )
            return {"Stacks": [{"StackId": STACK.format(name), "StackStatus": status}]}

        self.on("CreateStack", create)
        self.on("DescribeStacks", describe)

    def _have_instances(self) -> None:
        def describe(request: Mapping[str, Any]) -> dict[str, Any]:
            shown = {
                STOPPED: self._now("stopping", "stopped"),
                LAUNCHED: self._now("pending", "running"),
            }
            found = [
                {"InstanceId": name, "State": {"Name": shown[name]}}
                for name in request["InstanceIds"]
            ]
            return {"Reservations": [{"Instances": found}]}

        ok = {"Status": "ok"}
        check = {"InstanceId": LAUNCHED, "InstanceStatus": ok, "SystemStatus": ok}
        launched = {"InstanceId": LAUNCHED, "State": {"Name": "pending"}}
        self.on("RunInstances", {"Instances": [launched]})
        self.on("DescribeInstances", describe)
        self.on("DescribeInstanceStatus", {"InstanceStatuses": [check]})

    def _have_images(self) -> None:
        def describe(_: Any) -> dict[str, Any]:
            disk = {"Ebs": {"SnapshotId": "snap-1"}}
            image = {"ImageId": "ami-1", "State": self._now("pending", "available")}
            return {"Images": [{**image, "BlockDeviceMappings": [disk]}]}

        def delete(_: Any) -> dict[str, Any]:
            if not self.is_done:
                raise aws.AwsRefused("snap-1 is in use", "InvalidSnapshot.InUse")
            return {}

        self.on("CreateImage", {"ImageId": "ami-1"})
        self.on("CopyImage", {"ImageId": "ami-1"})
        self.on("DescribeImages", describe)
        self.on("DeleteSnapshot", delete)

    def _have_commands(self) -> None:
        def command() -> dict[str, Any]:
            return {
                "CommandId": "6c1f4b0e-58a4-4a0b-9d43-2f1a5c0de7a9",
                "Status": self._now("InProgress", "Success"),
            }

        online = {"InstanceId": STOPPED, "PingStatus": "Online"}
        self.on("DescribeInstanceInformation", {"InstanceInformationList": [online]})
        self.on("SendCommand", lambda _: {"Command": command()})
        self.on("ListCommands", lambda _: {"Commands": [command()]})
        self.on("ListCommandInvocations", {"CommandInvocations": []})

    def _have_machines(self) -> None:
        def describe(_: Any) -> dict[str, Any]:
            status = self._now("RUNNING", "SUCCEEDED")
            return {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "status": status}

        self.on("StartExecution", {"executionArn": EXECUTION})
        self.on("DescribeExecution", describe)
