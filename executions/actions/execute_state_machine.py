"""aws:executeStateMachine: run a Step Functions state machine, and wait for its end."""

from __future__ import annotations

import json
from typing import Any, Final

from executions.actions._calls import describe_refusal
from executions.actions._requests import ask, need_text, typed_spec
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
from executions.runbook.types import Value

OUTPUTS: Final = (
    *("executionArn", "input", "name", "output"),
    *("startDate", "stateMachineArn", "status", "stopDate"),
)
UNDER_WAY: Final = frozenset({"RUNNING", "PENDING_REDRIVE"})
SERVICE: Final = "stepfunctions"
LOST: Final = "The answer of StartExecution was lost"


@action
class ExecuteStateMachine(BaseAction):
    """AWS, "aws:executeStateMachine - Run an AWS Step Functions state machine"."""

    spec = typed_spec(
        "aws:executeStateMachine",
        {"stateMachineArn": "String"},
        {"input": "", "name": "String"},  # input: JSON text, or the value that it would be
        outputs=dict.fromkeys(OUTPUTS, "String"),
    )

    def begin(self, ctx: StepContext) -> Outcome:
        """Start it under the runbook's name for it, else one that is the attempt's own."""
        request = {
            "stateMachineArn": need_text(ctx, "stateMachineArn"),
            "name": ctx.text("name").strip() or ctx.token,
            "input": _read_input(ctx),
        }
        return Call(SERVICE, "StartExecution", request)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """It runs."""
        return _follow(ctx, response["executionArn"])

    def refused(self, ctx: StepContext, refusal: CallFailed) -> Outcome:
        """At the second sending, a name that is taken is the first one's."""
        if refusal.code == "ExecutionAlreadyExists" and ctx.state.get("Resent"):
            return _follow(ctx, _execution_arn(ctx))
        return super().refused(ctx, refusal)

    def resume(self, ctx: StepContext) -> Outcome:
        """Look whether it has ended; only SUCCEEDED is a success."""
        found = ask(ctx, SERVICE, "DescribeExecution", executionArn=ctx.state["executionArn"])
        outputs: dict[str, Value] = {
            name: found[name] for name in OUTPUTS if found.get(name) is not None
        }
        status = found["status"]
        if status in UNDER_WAY:
            return Wait(ctx.poll(), ctx.state, outputs=outputs)
        if status == "SUCCEEDED":
            return Done(outputs, response=outputs)
        why = ": ".join(text for name in ("error", "cause") if (text := found.get(name)))
        raise StepFailed(
            f"Execution {found['executionArn']} ended as {status}. {why}".strip(),
            stage="PostVerification",
            kind="Verification",
            outputs=outputs,
        )

    def recover(self, ctx: StepContext) -> Outcome:
        """The name tells, unless it is an express workflow, which keeps no names."""
        if ctx.sent is None:
            return self.begin(ctx)
        try:
            machine = ctx.read(
                SERVICE, "DescribeStateMachine", stateMachineArn=ctx.sent.request["stateMachineArn"]
            )
            found = _describe(ctx)
        except CallFailed as error:
            doubt = describe_refusal(SERVICE, "a look at the execution", error)
            return Unknown(f"{LOST}, and nobody can look: {doubt}.")
        if machine.get("type") == "EXPRESS":
            return Unknown(f"{LOST}, and nothing tells whether an express workflow has run.")
        if found is None and not ctx.state.get("Resent"):
            return Call(SERVICE, "StartExecution", ctx.sent.request, {"Resent": True})
        if found is None:
            return Unknown(f"{LOST} twice, and there is no such execution.")
        if found.get("input", "{}") != ctx.sent.request["input"]:
            raise StepFailed(f"Another execution, with other input, is called {found['name']}.")
        return _follow(ctx, found["executionArn"])

    def adopted(self, ctx: StepContext) -> Outcome:
        """It was started; follow it by its name."""
        return _follow(ctx, _execution_arn(ctx))

    def stopped(self, ctx: StepContext, why: str) -> Outcome | None:
        """Stop it too."""
        if "executionArn" not in ctx.state:
            return None
        cause = f"Step {ctx.step.name} of automation {ctx.execution_id} ended: {why}"
        request = {"executionArn": ctx.state["executionArn"], "cause": cause}
        return Call(SERVICE, "StopExecution", request)


def _read_input(ctx: StepContext) -> str:
    """The input as JSON text."""
    given = ctx.inputs.get("input")
    if given is None or given == "":
        return "{}"
    if not isinstance(given, str):
        return json.dumps(given, default=str)
    try:
        json.loads(given)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"input must be JSON text: {error}.") from error
    return given


def _follow(ctx: StepContext, arn: str) -> Outcome:
    outputs = {"executionArn": arn, "status": "RUNNING"}
    return Wait(ctx.poll(), {"executionArn": arn}, outputs=outputs)


def _execution_arn(ctx: StepContext) -> str:
    """The ARN that Step Functions gives an execution; a version or alias is no part of it."""
    sent = ctx.sent.request if ctx.sent else ctx.inputs
    parts = str(sent["stateMachineArn"]).split(":")[:7]
    return ":".join([*parts[:5], "execution", parts[-1], str(sent.get("name") or ctx.token)])


def _describe(ctx: StepContext) -> dict[str, Any] | None:
    try:
        return ctx.read(SERVICE, "DescribeExecution", executionArn=_execution_arn(ctx))
    except CallFailed as error:
        if error.code == "ExecutionDoesNotExist":
            return None
        raise
