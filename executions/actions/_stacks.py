"""What aws:createStack and aws:deleteStack share: a stack as CloudFormation shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from executions.actions._calls import refused
from executions.actions.base import CallFailed, StepContext, StepFailed
from executions.runbook.types import Value

BEGINNING: Final = "User Initiated"  # the reason in the first event of each operation


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack's id, status, and why it has it."""

    id: str
    status: str
    reason: str = ""

    @property
    def is_moving(self) -> bool:
        """Whether an operation is under way. A stack in review waits for a person instead."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def outputs(self) -> dict[str, Value]:
        """As the outputs of a step."""
        return {"StackId": self.id, "StackStatus": self.status, "StackStatusReason": self.reason}

    def failure(self, message: str, cause: str = "") -> StepFailed:
        """A failed step, with CloudFormation's reason, and the cause among its resources."""
        return StepFailed(
            " ".join(filter(None, (message, self.reason.strip(), cause))),
            stage="PostVerification",
            kind="Verification",
            outputs=self.outputs,
        )


def read_stack(ctx: StepContext, name: str) -> Stack | None:
    """The stack of that name or id, or None if there is none. CallFailed if AWS does not tell.

    CloudFormation shows a deleted stack only by its id.
    """
    try:
        stacks = ctx.read("cloudformation", "DescribeStacks", StackName=name).get("Stacks", [])
    except CallFailed as error:
        if "does not exist" in str(error):
            return None
        raise
    if not stacks:
        return None
    found = stacks[0]
    return Stack(found["StackId"], found["StackStatus"], found.get("StackStatusReason", ""))


def find_cause(ctx: StepContext, stack: Stack) -> str:
    """Which resource failed first in the last operation, and why; empty if nothing tells.

    The stack's own reason names resources, and is dropped when a rollback is complete; the
    events keep what happened.
    """
    try:
        page = ctx.read("cloudformation", "DescribeStackEvents", StackName=stack.id)
    except CallFailed:
        return ""  # the failure itself is what matters
    cause = ""
    for event in page.get("StackEvents", []):  # the latest first
        status, reason = event.get("ResourceStatus", ""), event.get("ResourceStatusReason")
        if reason == BEGINNING:
            break
        if status.endswith("_FAILED") and reason and event.get("PhysicalResourceId") != stack.id:
            cause = f"{event['LogicalResourceId']} is {status}: {reason}"
    return cause


def look_up(ctx: StepContext, name: str, stage: str = "PostVerification") -> Stack | None:
    """The same for a step that fails if AWS does not tell."""
    try:
        return read_stack(ctx, name)
    except CallFailed as error:
        raise refused("cloudformation", "DescribeStacks", error, stage=stage) from error
