"""aws:deleteStack: delete a CloudFormation stack, and wait until it is gone."""

from __future__ import annotations

from typing import Any, Final

from executions.actions._calls import describe_refusal
from executions.actions._requests import need_text, pick, typed_spec
from executions.actions._stacks import Stack, find_cause, look_up, read_stack
from executions.actions.base import (
    BaseAction,
    Call,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    Unknown,
    Wait,
    action,
)

# AWS's page spells the list as its query API does, and documents copy it: one input an item.
NUMBERED: Final = tuple(f"RetainResources.member.{number}" for number in ("N", *range(1, 21)))
OPTIONAL: Final = {
    "ClientRequestToken": "String",
    "RoleARN": "String",
    "RetainResources": "StringList",
    **dict.fromkeys(NUMBERED, "StringList"),
}
DELETED: Final = "DELETE_COMPLETE"


@action
class DeleteStack(BaseAction):
    """AWS, "aws:deleteStack - Delete an AWS CloudFormation stack".

    Everything after the first look goes by the stack's id: meanwhile somebody may create another
    stack of that name.
    """

    spec = typed_spec("aws:deleteStack", {"StackName": "String"}, OPTIONAL)

    def begin(self, ctx: StepContext) -> Outcome:
        """Learn the stack's id, and delete. A stack that is not there is deleted already."""
        stack = look_up(ctx, need_text(ctx, "StackName"), stage="PreVerification")
        if stack is None or stack.status == DELETED:
            return Done()
        request = {"StackName": stack.id, **pick(ctx, ("ClientRequestToken", "RoleARN"))}
        if retained := _retained(ctx):
            request["RetainResources"] = retained
        return Call("cloudformation", "DeleteStack", request, {"StackId": stack.id})

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """CloudFormation has begun."""
        return Wait(ctx.poll(), ctx.state)

    def resume(self, ctx: StepContext) -> Outcome:
        """Look whether the stack is gone."""
        return _conclude(ctx, look_up(ctx, ctx.state["StackId"]))

    def recover(self, ctx: StepContext) -> Outcome:
        """A deletion that shows is ours or leads to the same end; else send it again, once."""
        if ctx.sent is None:
            return self.begin(ctx)
        try:
            stack = read_stack(ctx, ctx.state["StackId"])
        except CallFailed as error:
            doubt = describe_refusal("cloudformation", "DescribeStacks", error)
            return Unknown(f"The answer of DeleteStack was lost, and nobody can look: {doubt}.")
        if stack is None or stack.status.startswith("DELETE_"):
            return _conclude(ctx, stack)
        if ctx.state.get("Resent"):
            return Unknown(
                f"DeleteStack was sent again, and stack {stack.id} is still {stack.status}."
            )
        state = {**ctx.state, "Resent": True}
        return Call("cloudformation", "DeleteStack", ctx.sent.request, state)

    def adopted(self, ctx: StepContext) -> Outcome:
        """The order was taken; the stack still has to go."""
        return Wait(ctx.poll(), ctx.state)


def _retained(ctx: StepContext) -> list[str]:
    return [item for name in ("RetainResources", *NUMBERED) for item in ctx.texts(name)]


def _conclude(ctx: StepContext, stack: Stack | None) -> Outcome:
    if stack is None or stack.status == DELETED:
        return Done()
    if stack.status == "DELETE_FAILED":
        cause = find_cause(ctx, stack)
        raise stack.failure(f"Stack {stack.id} could not be deleted.", cause)
    return Wait(ctx.poll(), ctx.state)
