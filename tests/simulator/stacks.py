"""Templates, and what tests ask CloudFormation most."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.simulator.aws import DEADLINE

ROLE = "arn:aws:iam::111122223333:role/CountersignExecution"


def queue(name: str, **properties: Any) -> dict[str, Any]:
    """A template of one queue called `name`."""
    return {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, **properties}}
        },
        "Outputs": {"Url": {"Value": {"Ref": "Queue"}}},
    }


def impossible(name: str) -> dict[str, Any]:
    """A template of a queue, and of an instance from an image that does not exist."""
    template = queue(name)
    properties = {"ImageId": "ami-0123456789abcdef0"}
    template["Resources"]["Host"] = {
        "Type": "AWS::EC2::Instance",
        "Properties": properties,
        "DependsOn": "Queue",
    }
    return template


def create(cloudformation: Any, name: str, template: Any, **given: Any) -> str:
    """Create a stack; its id."""
    answer = cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), **given)
    stack_id: str = answer["StackId"]
    return stack_id


def wait(cloudformation: Any, stack_id: str) -> dict[str, Any]:
    """Ask until the stack's operation has ended."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
    raise AssertionError(f"{stack_id} is {stack['StackStatus']} for ever")


def events(cloudformation: Any, stack_id: str) -> list[dict[str, Any]]:
    """The stack's events, oldest first."""
    found: list[dict[str, Any]] = cloudformation.describe_stack_events(StackName=stack_id)[
        "StackEvents"
    ]
    return found[::-1]


def trail(cloudformation: Any, stack_id: str) -> list[str]:
    """`name status` of each event, oldest first; the stack itself is called `stack`."""
    return [
        " ".join(
            (
                "stack" if each["PhysicalResourceId"] == stack_id else each["LogicalResourceId"],
                each["ResourceStatus"],
            )
        )
        for each in events(cloudformation, stack_id)
    ]
