"""aws:invokeLambdaFunction: invoke a Lambda function, and take its answer."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any, Final

from executions.actions._requests import need_text, pick, typed_spec
from executions.actions.base import (
    BadInput,
    BaseAction,
    Call,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    action,
)
from executions.runbook.types import Value

OPTIONAL: Final = {
    "Qualifier": "String",
    "InvocationType": "String",
    "LogType": "String",
    "ClientContext": "String",
    "InputPayload": "StringMap",
    "Payload": "String",  # JSON text; a reference may give the value that it would be
}
OUTPUTS: Final = {
    "StatusCode": "Integer",
    "FunctionError": "String",
    "LogResult": "String",
    "Payload": "String",
}
SYNCHRONOUS: Final = "RequestResponse"
INVOCATION_TYPES: Final = (SYNCHRONOUS, "Event", "DryRun")
LONGEST_PAYLOAD: Final = 200 * 1024


@action
class InvokeLambdaFunction(BaseAction):
    """AWS, "aws:invokeLambdaFunction - Invoke an AWS Lambda function".

    An ordinary function has no client token, so after a lost answer a person decides. The
    function itself can tell a repetition by the attempt's token, in its client context.
    """

    spec = typed_spec(
        "aws:invokeLambdaFunction", {"FunctionName": "String"}, OPTIONAL, outputs=OUTPUTS
    )
    timeout: timedelta | None = timedelta(seconds=300)

    def begin(self, ctx: StepContext) -> Outcome:
        """One invocation; a synchronous one answers when the function has ended."""
        kind = ctx.text("InvocationType").strip() or SYNCHRONOUS
        if kind not in INVOCATION_TYPES:
            raise BadInput(f"InvocationType must be one of {', '.join(INVOCATION_TYPES)}.")
        request: dict[str, Value] = {
            "FunctionName": need_text(ctx, "FunctionName"),
            "InvocationType": kind,
            **pick(ctx, ("Qualifier",)),
        }
        if kind == SYNCHRONOUS:
            request["LogType"] = ctx.text("LogType").strip() or "Tail"
            request["ClientContext"] = ctx.text("ClientContext") or _client_context(ctx)
        payload = _read_payload(ctx)
        if payload is not None:
            request["Payload"] = payload
        return Call("lambda", "Invoke", request)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """Its answer, unless the function itself failed."""
        outputs = _read_outputs(response)
        if error := outputs.get("FunctionError"):
            raise StepFailed(
                f"Function {ctx.text('FunctionName')} failed ({error}): "
                f"{outputs.get('Payload', '')[:2000]}",
                outputs=outputs,
            )
        payload = response.get("Payload", "")
        return Done(outputs, response={**outputs, "Payload": _parse(payload)})

    def recover(self, ctx: StepContext) -> Outcome:
        """A dry run has no effect, so it is simply made again."""
        if ctx.sent is not None and ctx.sent.request.get("InvocationType") == "DryRun":
            return Call("lambda", "Invoke", ctx.sent.request)
        return super().recover(ctx)


def _client_context(ctx: StepContext) -> str:
    """What lets a function recognise the attempt: `context.client_context.custom`."""
    custom = {"countersignToken": ctx.token, "automationExecutionId": str(ctx.execution_id)}
    return base64.b64encode(json.dumps({"custom": custom}).encode()).decode()


def _read_payload(ctx: StepContext) -> str | None:
    """The payload as JSON text. InputPayload wins."""
    if (given := ctx.inputs.get("InputPayload")) not in (None, ""):
        return json.dumps(given, default=str)
    given = ctx.inputs.get("Payload")
    if given is None or given == "":
        return None
    return given if isinstance(given, str) else json.dumps(given, default=str)


def _read_outputs(response: dict[str, Any]) -> dict[str, Value]:
    """What Lambda answered, without what it left out.

    A text comes without its quotes, so that a function can return an id to a later step.
    """
    outputs = {name: response[name] for name in OUTPUTS if response.get(name) not in (None, "")}
    if payload := outputs.get("Payload"):
        quoted = len(payload) > 1 and payload[0] == payload[-1] == '"'
        outputs["Payload"] = (payload[1:-1] if quoted else payload)[:LONGEST_PAYLOAD]
    return outputs


def _parse(payload: str) -> Value:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload
