"""aws:runCommand: run a command document on managed instances, and wait for its result."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any, Final

from executions.actions._calls import describe_refusal, is_final
from executions.actions._requests import (
    SECOND_LOOK,
    ask,
    is_settling,
    need_text,
    pick,
    typed_spec,
)
from executions.actions.base import (
    BadInput,
    BaseAction,
    Call,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    StepTimedOut,
    Unknown,
    Wait,
    action,
)
from executions.runbook.types import Value
from executions.runbook.values import to_wire

SAME: Final = {
    "CloudWatchOutputConfig": "StringMap",
    "DocumentHash": "String",
    "DocumentHashType": "String",
    "DocumentVersion": "String",
    "MaxConcurrency": "String",
    "MaxErrors": "String",
    "NotificationConfig": "StringMap",
    "OutputS3BucketName": "String",
    "OutputS3KeyPrefix": "String",
    "ServiceRoleArn": "String",
    "Targets": "MapList",
    "TimeoutSeconds": "Integer",  # until delivery; the step's own clock is timeoutSeconds
}
OPTIONAL: Final = {
    **SAME,
    "Comment": "String",
    "InstanceIds": "StringList",
    "Parameters": "StringMap",
}
OUTPUTS: Final = {
    "CommandId": "String",
    "Status": "String",
    "ResponseCode": "Integer",
    "Output": "String",
}
UNDER_WAY: Final = frozenset({"Pending", "InProgress", "Cancelling"})
MOST_INSTANCES: Final = 50
LONGEST_COMMENT: Final = 100
SKEW: Final = timedelta(minutes=1)
LOST: Final = "The answer of SendCommand was lost"


@action
class RunCommand(BaseAction):
    """AWS, "aws:runCommand - Run a command on a managed instance".

    SendCommand takes no client token. Ours stands in the command's comment, where it can be found
    again.
    """

    spec = typed_spec(
        "aws:runCommand",
        {"DocumentName": "String"},
        OPTIONAL,
        outputs=OUTPUTS,
        one_of=(frozenset({"InstanceIds", "Targets"}),),
        strict_references=True,
    )

    def begin(self, ctx: StepContext) -> Outcome:
        """Wait until every instance is online, then send."""
        request = _build_request(ctx)
        absent = _find_absent(ctx, request.get("InstanceIds", []))
        if absent:
            return Wait(ctx.poll(), {"Absent": absent})
        return Call("ssm", "SendCommand", request)

    def called(self, ctx: StepContext, response: dict[str, Any]) -> Outcome:
        """The command has an id."""
        return _follow(ctx, response["Command"])

    def resume(self, ctx: StepContext) -> Outcome:
        """Look how the command stands."""
        if "Absent" in ctx.state:
            return self.begin(ctx)
        if "CommandId" not in ctx.state:
            return self.recover(ctx)
        command_id = ctx.state["CommandId"]
        commands = ask(ctx, "ssm", "ListCommands", CommandId=command_id).get("Commands", [])
        if not commands and is_settling(ctx):
            return Wait(ctx.poll(), ctx.state)
        if not commands:
            raise StepFailed(f"There is no command {command_id} any more.")
        status = commands[0]["Status"]
        if status in UNDER_WAY:
            outputs = {"CommandId": command_id, "Status": status}
            return Wait(ctx.poll(), ctx.state, outputs=outputs)
        return _conclude(ctx, commands[0])

    def recover(self, ctx: StepContext) -> Outcome:
        """Look twice, a minute apart, for a command with our token; it is never sent again."""
        try:
            command = _find_sent(ctx)
        except CallFailed as error:
            return Unknown(f"{LOST}: {describe_refusal('ssm', 'ListCommands', error)}.")
        if command is not None:
            return _follow(ctx, command)
        if ctx.state.get("Adopted"):
            raise StepFailed("No command of this step can be found.", retryable=False)
        if not ctx.state.get("Looked"):
            return Wait(ctx.now + SECOND_LOOK, {"Looked": True})
        return Unknown(f"{LOST}, and no command with the comment {_tag(ctx)} can be found.")

    def adopted(self, ctx: StepContext) -> Outcome:
        """There is a command; find it, and wait for it."""
        return Wait(ctx.now, {"Adopted": True})

    def stopped(self, ctx: StepContext, why: str) -> Outcome | None:
        """Cancel the command too, if its id is known."""
        if "CommandId" in ctx.state:
            return Call("ssm", "CancelCommand", {"CommandId": ctx.state["CommandId"]})
        if why == "timeout" and "Absent" in ctx.state:
            absent = ", ".join(ctx.state["Absent"])
            raise StepTimedOut(f"{absent}: not registered with Systems Manager, or not online.")
        if why == "timeout" and "Looked" in ctx.state:
            raise StepTimedOut(f"{LOST}; it may have taken effect.", retryable=False)
        return None


def _build_request(ctx: StepContext) -> dict[str, Value]:
    ids = list(dict.fromkeys(ctx.texts("InstanceIds")))
    same = pick(ctx, SAME)
    if bool(ids) == ("Targets" in same):
        raise BadInput("Give either InstanceIds or Targets, and not an empty one.")
    if len(ids) > MOST_INSTANCES or not all(name.strip() for name in ids):
        raise BadInput(f"InstanceIds takes up to {MOST_INSTANCES} ids, none of them empty.")
    request: dict[str, Value] = {
        "DocumentName": need_text(ctx, "DocumentName"),
        **same,
        "Comment": _comment(ctx),
    }
    if ids:
        request["InstanceIds"] = ids
    if parameters := _read_parameters(ctx.inputs.get("Parameters")):
        request["Parameters"] = parameters
    return request


def _read_parameters(given: Value) -> dict[str, list[str]]:
    """Parameters as SendCommand takes them: each a list of texts."""
    if given is None or given == "":
        return {}
    if not isinstance(given, dict):
        raise BadInput("Parameters must be a map of the document's parameters.")
    return {str(name): to_wire(value) for name, value in given.items()}


def _tag(ctx: StepContext) -> str:
    return f"[{ctx.token}]"


def _comment(ctx: StepContext) -> str:
    """The runbook's comment, shortened if need be, and our token."""
    written = ctx.text("Comment")[: LONGEST_COMMENT - len(_tag(ctx)) - 1]
    return f"{written} {_tag(ctx)}".strip()


def _find_absent(ctx: StepContext, ids: list[str]) -> list[str]:
    """The instances that are not online. Who may not look lets SendCommand judge."""
    if not ids:
        return []
    filters = [{"Key": "InstanceIds", "Values": ids}]
    try:
        pages = list(_pages(ctx, "DescribeInstanceInformation", Filters=filters))
    except CallFailed as error:
        if is_final(error):
            return []
        raise
    online = {
        item["InstanceId"]
        for page in pages
        for item in page.get("InstanceInformationList", [])
        if item.get("PingStatus") == "Online"
    }
    return [name for name in ids if name not in online]


def _find_sent(ctx: StepContext) -> dict[str, Any] | None:
    """The command whose comment bears our token, among those sent since ours was."""
    if ctx.sent is None:
        return None
    since = (ctx.sent.at - SKEW).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    filters = [{"key": "InvokedAfter", "value": since}]
    for page in _pages(ctx, "ListCommands", Filters=filters):
        for command in page.get("Commands", []):
            if _tag(ctx) in command.get("Comment", ""):
                found: dict[str, Any] = command
                return found
    return None


def _pages(ctx: StepContext, operation: str, **request: Any) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    while True:
        page = ctx.read("ssm", operation, **request, **more)
        yield page
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


def _follow(ctx: StepContext, command: dict[str, Any]) -> Outcome:
    outputs = {"CommandId": command["CommandId"], "Status": command.get("Status", "Pending")}
    return Wait(ctx.poll(), {"CommandId": command["CommandId"]}, outputs=outputs)


def _conclude(ctx: StepContext, command: dict[str, Any]) -> Outcome:
    """A final status: Success is one, everything else fails with what is known of it."""
    details = command.get("StatusDetails") or command["Status"]
    outputs: dict[str, Value] = {"CommandId": command["CommandId"], "Status": command["Status"]}
    outputs |= _read_result(ctx, command["CommandId"])
    if command["Status"] == "Success":
        return Done(outputs, response=outputs)
    known = {**outputs, "Status": details}
    shown = ", ".join(f"{name}=[{known[name]}]" for name in OUTPUTS if name in known)
    raise StepFailed(
        "Step fails when it is verifying the command has completed. Command "
        f"{command['CommandId']} returns unexpected invocation result: {{{shown}}}.",
        stage="PostVerification",
        kind="Verification",
        outputs=outputs,
    )


def _read_result(ctx: StepContext, command_id: str) -> dict[str, Value]:
    """Response code and output: of one plugin on one instance, output if that was named by id."""
    found = ask(ctx, "ssm", "ListCommandInvocations", CommandId=command_id, Details=True)
    invocations = found.get("CommandInvocations", [])
    plugins = invocations[0].get("CommandPlugins", []) if len(invocations) == 1 else []
    if len(plugins) != 1 or found.get("NextToken"):
        return {}
    shown = ("ResponseCode", "Output") if _names_instances(ctx) else ("ResponseCode",)
    return {name: plugins[0][name] for name in shown if name in plugins[0]}


def _names_instances(ctx: StepContext) -> bool:
    """Whether instances are meant by their ids: a tag may mean one today and two tomorrow."""
    targets = ctx.inputs.get("Targets")
    if not isinstance(targets, list):
        return True
    keys = [each.get("Key") for each in targets if isinstance(each, dict)]
    return all(isinstance(key, str) and key.lower() == "instanceids" for key in keys)
