"""Steps of the runbooks that these tests run, one function for each kind."""

from __future__ import annotations

from typing import Any, TypeAlias

Step: TypeAlias = dict[str, Any]
TOPIC = "arn:aws:sns:eu-west-1:111122223333:Automation-news"
INSTANCE = "i-0123456789abcdef0"


def api(name: str, service: str, operation: str, inputs: dict[str, Any], **step: Any) -> Step:
    """Any call of an API."""
    call = {"Service": service, "Api": operation, **inputs}
    return {"name": name, "action": "aws:executeAwsApi", "inputs": call, **step}


def publish(name: str, message: str = "hello", **step: Any) -> Step:
    """A call that nothing makes safe to repeat (sns:Publish)."""
    return api(name, "sns", "Publish", {"TopicArn": TOPIC, "Message": message}, **step)


def create_stack(name: str, **step: Any) -> Step:
    """A call with a client token (cloudformation:CreateStack)."""
    return api(name, "cloudformation", "CreateStack", {"StackName": "web"}, **step)


def terminate(name: str, **step: Any) -> Step:
    """A call that is idempotent by itself (ec2:TerminateInstances)."""
    return api(name, "ec2", "TerminateInstances", {"InstanceIds": [INSTANCE]}, **step)


def read_topic(name: str, **step: Any) -> Step:
    """A call that only reads (sns:GetTopicAttributes)."""
    return api(name, "sns", "GetTopicAttributes", {"TopicArn": TOPIC}, **step)


def wait_for_topic(name: str, desired: str = "ready", **step: Any) -> Step:
    """Polls until the topic has a property."""
    inputs = {"TopicArn": TOPIC, "PropertySelector": "$.State", "DesiredValues": [desired]}
    waiting = api(name, "sns", "GetTopicAttributes", inputs, **step)
    return waiting | {"action": "aws:waitForAwsResourceProperty"}


def change_state(name: str, desired: str = "stopped", **step: Any) -> Step:
    """Stops or starts an instance, and waits until it has."""
    inputs = {"InstanceIds": [INSTANCE], "DesiredState": desired}
    return {"name": name, "action": "aws:changeInstanceState", "inputs": inputs, **step}


def sleep(name: str, duration: str = "PT1M", **step: Any) -> Step:
    """Sleeps."""
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}, **step}


def approve(name: str, *approvers: str, **step: Any) -> Step:
    """Asks people."""
    inputs = {"Approvers": list(approvers), "MinRequiredApprovals": 1, "Message": "May I?"}
    return {"name": name, "action": "aws:approve", "inputs": inputs, **step}


def branch(name: str, variable: str, equals: str, to: str, **step: Any) -> Step:
    """Goes to `to` if the variable equals that."""
    choice = {"NextStep": to, "Variable": f"{{{{ {variable} }}}}", "StringEquals": equals}
    return {"name": name, "action": "aws:branch", "inputs": {"Choices": [choice]}, **step}


def output(name: str, selector: str, kind: str = "String") -> dict[str, str]:
    """An output of a step."""
    return {"Name": name, "Selector": selector, "Type": kind}


def each(name: str, items: Any, *body: Step, **step: Any) -> Step:
    """Repeats the steps inside for each item."""
    inputs = {"Iterators": items, "Steps": list(body), **step.pop("inputs", {})}
    return {"name": name, "action": "aws:loop", "inputs": inputs, **step}


def repeat(name: str, condition: dict[str, Any], most: Any, *body: Step, **step: Any) -> Step:
    """Repeats the steps inside while the condition holds."""
    inputs = {"LoopCondition": condition, "MaxIterations": most, "Steps": list(body)}
    return {"name": name, "action": "aws:loop", "inputs": inputs, **step}


def update(name: str, variable: str, value: Any, **step: Any) -> Step:
    """Gives a variable another value."""
    inputs = {"Name": f"variable:{variable}", "Value": value}
    return {"name": name, "action": "aws:updateVariable", "inputs": inputs, **step}


def execute(name: str, document: str, **step: Any) -> Step:
    """Runs another runbook."""
    inputs = {"DocumentName": document, **step.pop("inputs", {})}
    return {"name": name, "action": "aws:executeAutomation", "inputs": inputs, **step}
