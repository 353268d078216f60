"""One run for each kind of step: what it does when no worker dies, and when a person is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.crashes.account import Account
from tests.crashes.scenario import Scenario, died_in, script_stopped, unmade
from tests.engine.runs import make_version
from tests.engine.steps import (
    TOPIC,
    Step,
    api,
    approve,
    branch,
    each,
    execute,
    publish,
    sleep,
    update,
)

AFTERWARDS: Final = branch("afterwards", "global:REGION", "nowhere", to="afterwards", isEnd=True)
STATE: Final = "$.Reservations[0].Instances[0].State.Name"
SCRIPT: Final = """
import os, urllib.request

def main(events, context):
    place = os.environ["AWS_ENDPOINT_URL"] + "/sim/webhooks/script"
    urllib.request.urlopen(urllib.request.Request(place, data=b"", method="POST"), timeout=10)
"""


def act(name: str, action: str, **inputs: Any) -> Step:
    """A step of any action."""
    return {"name": name, "action": f"aws:{action}", "inputs": inputs}


def _change(desired: str, before: str) -> Callable[[Account], tuple[Step, ...]]:
    def prepare(aws: Account) -> tuple[Step, ...]:
        ids = [aws.launch(before)]
        return (act("a", "changeInstanceState", InstanceIds=ids, DesiredState=desired), AFTERWARDS)

    return prepare


def _look(action: str) -> Callable[[Account], tuple[Step, ...]]:
    def prepare(aws: Account) -> tuple[Step, ...]:
        asked = {"InstanceIds": [aws.online], "PropertySelector": STATE}
        step = api("a", "ec2", "DescribeInstances", {**asked, "DesiredValues": ["running"]})
        return ({**step, "action": f"aws:{action}"}, AFTERWARDS)

    return prepare


def _image(*, no_reboot: bool) -> Callable[[Account], tuple[Step, ...]]:
    def prepare(aws: Account) -> tuple[Step, ...]:
        names = {"InstanceId": aws.online, "ImageName": aws.name("image")}
        return (act("a", "createImage", **names, NoReboot=no_reboot), AFTERWARDS)

    return prepare


def _copy(aws: Account) -> tuple[Step, ...]:
    source = {"SourceRegion": "eu-west-1", "SourceImageId": aws.image()}
    return (act("a", "copyImage", **source, ImageName=aws.name("copy")), AFTERWARDS)


def _tag(aws: Account) -> tuple[Step, ...]:
    tags = [{"Key": "Key", "Value": aws.name("value")}]  # a resource has 50 at most
    return (act("a", "createTags", ResourceIds=[aws.online], Tags=tags), AFTERWARDS)


def _command(aws: Account) -> tuple[Step, ...]:
    given = {"InstanceIds": [aws.online], "Parameters": {"commands": ["true"]}}
    return (act("a", "runCommand", DocumentName="AWS-RunShellScript", **given), AFTERWARDS)


def stack(aws: Account, name: str = "a", **more: Any) -> Step:
    """A call with a client token."""
    request = {"StackName": aws.name("stack"), "TemplateBody": aws.template()}
    return api(name, "cloudformation", "CreateStack", request, **more)


def _script(aws: Account) -> tuple[Step, ...]:
    return (
        act("a", "executeScript", Runtime="python3.11", Handler="main", Script=SCRIPT),
        AFTERWARDS,
    )


def _run(child: Callable[[Account], tuple[Step, ...]]) -> Callable[[Account], tuple[Step, ...]]:
    """A step that runs another runbook of these steps."""
    return lambda aws: (execute("a", make_version(*child(aws)).document.name), AFTERWARDS)


STOPPED: Final = {"status": "Cancelled", "ends": {"a": "Cancelled"}}
STACK: Final = {"cloudformation:CreateStack": 1}
SCENARIOS: Final = {
    "stop": Scenario(
        _change("stopped", "running"),
        {"ec2:StopInstances": 1},
        asks=unmade("ec2:StopInstances", 1),
        adopted="TimedOut",
    ),
    "start": Scenario(
        _change("running", "stopped"),
        {"ec2:StartInstances": 1},
        asks=unmade("ec2:StartInstances", 1),
        adopted="TimedOut",
    ),
    "terminate": Scenario(_change("terminated", "running"), {"ec2:TerminateInstances": 1}),
    "launch": Scenario(
        lambda aws: (act("a", "runInstances", ImageId="ami-12345678"), AFTERWARDS),
        {"ec2:RunInstances": 1},
    ),
    "image": Scenario(
        _image(no_reboot=True),
        {"ec2:CreateImage": 1},
        asks=unmade("ec2:CreateImage", 1),
        adopted="Failed",
    ),
    "image with a restart": Scenario(
        _image(no_reboot=False),
        {"ec2:CreateImage": 1},
        asks=unmade("ec2:CreateImage", 0),
        adopted="Failed",
    ),
    "copy of an image": Scenario(_copy, {"ec2:CopyImage": 1}),
    "deletion of an image": Scenario(
        lambda aws: (act("a", "deleteImage", ImageId=aws.image()), AFTERWARDS),
        {"ec2:DeregisterImage": 1, "ec2:DeleteSnapshot": 1},
    ),
    "stack": Scenario(
        lambda aws: (
            act("a", "createStack", StackName=aws.name("stack"), TemplateBody=aws.template()),
            AFTERWARDS,
        ),
        STACK,
    ),
    "deletion of a stack": Scenario(
        lambda aws: (act("a", "deleteStack", StackName=aws.stack()), AFTERWARDS),
        {"cloudformation:DeleteStack": 1},
    ),
    "tags": Scenario(_tag, {"ec2:CreateTags": 1}, asks=unmade("ec2:CreateTags", 1)),
    "command": Scenario(
        _command, {"ssm:SendCommand": 1}, asks=unmade("ssm:SendCommand", 0), adopted="Failed"
    ),
    "read": Scenario(
        lambda aws: (api("a", "sns", "GetTopicAttributes", {"TopicArn": TOPIC}), AFTERWARDS),
        is_warm=False,
    ),
    "token": Scenario(lambda aws: (stack(aws), AFTERWARDS), STACK),
    "idempotent": Scenario(
        lambda aws: (
            api("a", "ec2", "TerminateInstances", {"InstanceIds": [aws.launch()]}),
            AFTERWARDS,
        ),
        {"ec2:TerminateInstances": 1},
    ),
    "unproven": Scenario(
        lambda aws: (publish("a"), AFTERWARDS), {"sns:Publish": 1}, asks=died_in("sns:Publish")
    ),
    "assertion": Scenario(_look("assertAwsResourceProperty")),
    "wait for a property": Scenario(_look("waitForAwsResourceProperty")),
    "function": Scenario(
        lambda aws: (act("a", "invokeLambdaFunction", FunctionName=aws.function), AFTERWARDS),
        {"lambda:Invoke": 1},
        asks=died_in("lambda:Invoke"),
    ),
    "state machine": Scenario(
        lambda aws: (act("a", "executeStateMachine", stateMachineArn=aws.machine), AFTERWARDS),
        {"stepfunctions:StartExecution": 1},
        asks=unmade("stepfunctions:StartExecution", 1),
        adopted="Failed",
    ),
    "script": Scenario(_script, {"webhook:Post": 1}, asks=script_stopped),
    "webhook": Scenario(
        lambda aws: (act("a", "invokeWebhook", IntegrationName=aws.webhook), AFTERWARDS),
        {"webhook:Post": 1},
        asks=died_in("webhook:Post"),
    ),
    "approve": Scenario(lambda aws: (approve("a", "alice"), AFTERWARDS)),
    "sleep": Scenario(lambda aws: (sleep("a", "PT10M"), AFTERWARDS), lasts=600),
    "pause": Scenario(lambda aws: (act("a", "pause"), AFTERWARDS)),
    "several": Scenario(
        lambda aws: (
            branch("a", "global:REGION", "eu-west-1", to="b"),
            update("b", "v", "new"),
            stack(aws, "c"),
            sleep("d"),
            AFTERWARDS,
        ),
        STACK,
        document={"variables": {"v": {"type": "String", "default": "old"}}},
    ),
    "loop": Scenario(
        lambda aws: (
            each("l", ["x", "y"], publish("a", "{{ l.CurrentIteratorValue }}"), sleep("b", "PT9S")),
            AFTERWARDS,
        ),
        {"sns:Publish": 2},
        asks=died_in("sns:Publish"),
    ),
    "child": Scenario(_run(lambda aws: (stack(aws),)), STACK, is_warm=False),
    "sleeping child": Scenario(_run(lambda aws: (sleep("c", "PT3M"),)), lasts=180),
    "cancel": Scenario(
        lambda aws: (sleep("a", "PT100H", onCancel="step:b"), AFTERWARDS, stack(aws, "b")),
        STACK,
        **STOPPED,  # type: ignore[arg-type] # a status and a map
    ),
    "cancel a child": Scenario(
        _run(lambda aws: (sleep("c", "PT100H"), AFTERWARDS)),
        **STOPPED,  # type: ignore[arg-type] # the same
    ),
    "cancel a loop": Scenario(
        lambda aws: (
            each("l", ["x"], sleep("a", "PT100H", onCancel="step:b")),
            stack(aws, "b"),
        ),
        STACK,
        status="Cancelled",
        ends={"a": "Cancelled", "l": "Exited"},
    ),
}
