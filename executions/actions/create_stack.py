"""aws:createStack: create a CloudFormation stack, and wait until it is complete."""

from __future__ import annotations

from typing import Any, Final

from executions.actions._calls import describe_refusal
from executions.actions._requests import need_text, pick, typed_spec
from executions.actions._stacks import Stack, find_cause, look_up, read_stack
from executions.actions.base import (
    BadInput,
    BaseAction,
    Call,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    Unknown,
    Wait,
    action,
)

OPTIONAL: Final = {
    "TemplateBody": "String",
    "TemplateURL": "String",
    "Parameters": "MapList",
    "Capabilities": "StringList",
    "ClientRequestToken": "String",
    "DisableRollback": "Boolean",
    "EnableTerminationProtection": "Boolean",
    "OnFailure": "String",
    "NotificationARNs": "StringList",
    "ResourceTypes": "StringList",
    "RoleARN": "String",
    "StackPolicyBody": "String",
    "StackPolicyURL": "String",
    "Tags": "MapList",
    "TimeoutInMinutes": "Integer",
}
EXCLUSIVE: Final = (
    ("TemplateBody", "TemplateURL"),
    ("DisableRollback", "OnFailure"),
    ("StackPolicyBody", "StackPolicyURL"),
)
MOST_PAGES: Final = 20  # of a stack's events
LOST: Final = "The answer of CreateStack was lost"


@action
class CreateStack(BaseAction):
    """AWS, "aws:createStack - Create an AWS CloudFormation stack".

    A stack that an attempt of ours has left rolled back is deleted before the next attempt. No
    other stack is ever deleted.
    """

    spec = typed_spec(
        "aws:createStack",
        {"StackName": "String"},
        OPTIONAL,
        outputs=dict.fromkeys(("StackId", "StackStatus", "StackStatusReason"), "String"),
        one_of=(frozenset({"TemplateBody", "TemplateURL"}),),
        can_be_cancel_target=False,
    )

    def begin(self, ctx: StepContext) -> Outcome:
        """Wait for what is under way on a stack of that name, then create."""
        request = _build_request(ctx)
        earlier = look_up(ctx, request["StackName"], stage="PreVerification")
        if earlier is not None and earlier.is_moving:
            return Wait(ctx.poll())
        return Call("cloudformation", "CreateStack", request)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """The stack is being created, or the rolled back one is being deleted."""
        if "Failure" in ctx.state:
            return Wait(ctx.poll(), ctx.state)
        return _take(ctx, Stack(response["StackId"], "CREATE_IN_PROGRESS"))

    def refused(self, ctx: StepContext, refusal: CallFailed) -> Outcome:
        """A refused second sending may mean that the first one came through: look again.

        That a stack could not be deleted does not hide why it could not be created.
        """
        if "Failure" in ctx.state:
            raise StepFailed(f"{ctx.state['Failure']} It could not be deleted either: {refusal}")
        if refusal.code == "AlreadyExistsException" and ctx.state.get("Resent"):
            return Wait(ctx.now, {**ctx.state, "Look": True})
        return super().refused(ctx, refusal)

    def resume(self, ctx: StepContext) -> Outcome:
        """Look at the stack by its id; a new one of that name is not ours."""
        if ctx.state.get("Adopted"):
            return _adopt(ctx)
        if ctx.state.get("Look"):
            return self.recover(ctx)
        if "StackId" not in ctx.state:
            return self.begin(ctx)
        stack = look_up(ctx, ctx.state["StackId"])
        if "Failure" in ctx.state:
            return _clean_up(ctx, stack)
        if stack is None:
            raise StepFailed(f"Stack {ctx.state['StackId']} is gone: somebody deleted it.")
        return _conclude(ctx, stack)

    def recover(self, ctx: StepContext) -> Outcome:
        """The stack is ours if its events carry the token of our call."""
        if ctx.sent is None or "Failure" in ctx.state:
            return Wait(ctx.now, ctx.state)
        try:
            stack = read_stack(ctx, ctx.sent.request["StackName"])
            tokens = _read_tokens(ctx, stack) if stack else set()
        except CallFailed as error:
            doubt = describe_refusal("cloudformation", "a look at the stack", error)
            return Unknown(f"{LOST}, and nobody can look: {doubt}.")
        if stack is not None:
            return _judge(ctx, stack, tokens)
        if ctx.state.get("Resent"):
            return Unknown(f"{LOST} twice, and there is no such stack.")
        return Call("cloudformation", "CreateStack", ctx.sent.request, {"Resent": True})

    def adopted(self, ctx: StepContext) -> Outcome:
        """There is a stack; look for it by name."""
        return Wait(ctx.now, {**ctx.state, "Adopted": True})


def _build_request(ctx: StepContext) -> dict[str, Any]:
    request = {"StackName": need_text(ctx, "StackName"), **pick(ctx, OPTIONAL)}
    for one, other in EXCLUSIVE:
        if one in request and other in request:
            raise BadInput(f"Give either {one} or {other}, not both.")
    if "TemplateBody" not in request and "TemplateURL" not in request:
        raise BadInput("Give TemplateBody or TemplateURL.")
    return request


def _take(ctx: StepContext, stack: Stack) -> Outcome:
    return Wait(ctx.poll(), {"StackId": stack.id}, outputs=stack.outputs)


def _judge(ctx: StepContext, stack: Stack, tokens: set[str]) -> Outcome:
    """Whether a stack of that name is the one whose answer was lost."""
    if ctx.sent is not None and ctx.sent.request.get("ClientRequestToken") in tokens:
        return _take(ctx, stack)
    if tokens:
        raise StepFailed(f"Stack {stack.id} exists already, and this step did not create it.")
    return Unknown(f"{LOST}. There is stack {stack.id}, but nothing tells who created it.")


def _adopt(ctx: StepContext) -> Outcome:
    """A person said that there is a stack."""
    name = ctx.text("StackName").strip()
    stack = look_up(ctx, name)
    if stack is None:
        raise StepFailed(f"There is no stack {name}, although it was said to have been created.")
    state = {"StackId": stack.id}
    return Wait(ctx.now, state, outputs=stack.outputs)


def _conclude(ctx: StepContext, stack: Stack) -> Outcome:
    if stack.status == "CREATE_COMPLETE":
        return Done(stack.outputs)
    if stack.is_moving:
        return Wait(ctx.poll(), ctx.state, outputs=stack.outputs)
    cause = find_cause(ctx, stack)
    failure = stack.failure(f"Stack {stack.id} is {stack.status}, not CREATE_COMPLETE.", cause)
    if stack.status != "ROLLBACK_COMPLETE" or ctx.attempt >= ctx.step.max_attempts:
        raise failure
    request = {"StackName": stack.id, "ClientRequestToken": f"{ctx.token}-delete"}
    state = {"StackId": stack.id, "Failure": failure.message}
    return Call("cloudformation", "DeleteStack", request, state)


def _clean_up(ctx: StepContext, stack: Stack | None) -> Outcome:
    """Wait until the rolled back stack is gone, so that the next attempt can use its name."""
    if stack is not None and stack.is_moving:
        return Wait(ctx.poll(), ctx.state)
    raise StepFailed(ctx.state["Failure"], stage="PostVerification", kind="Verification")


def _read_tokens(ctx: StepContext, stack: Stack) -> set[str]:
    """The client tokens in the events of a stack; empty if whoever created it gave none."""
    request, tokens = {"StackName": stack.id}, set()
    for _ in range(MOST_PAGES):
        page = ctx.read("cloudformation", "DescribeStackEvents", **request)
        tokens |= {event.get("ClientRequestToken", "") for event in page.get("StackEvents", [])}
        if not page.get("NextToken"):
            break
        request["NextToken"] = page["NextToken"]
    return tokens - {""}
