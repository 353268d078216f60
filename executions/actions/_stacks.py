"""What aws:createStack and aws:deleteStack share: a stack as CloudFormation shows it."""

from __future__ import annotations

from dataclasses import dataclass

from executions.actions._calls import refused
from executions.actions.base import CallFailed, StepContext, StepFailed
from executions.runbook.types import Value


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

    def failure(self, message: str, *, retryable: bool = True) -> StepFailed:
        """A failed step, with CloudFormation's reason."""
        return StepFailed(
            f"{message} {self.reason}".strip(),
            retryable=retryable,
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


def look_up(ctx: StepContext, name: str, stage: str = "PostVerification") -> Stack | None:
    """The same for a step that fails if AWS does not tell."""
    try:
        return read_stack(ctx, name)
    except CallFailed as error:
        raise refused("cloudformation", "DescribeStacks", error, stage=stage) from error
