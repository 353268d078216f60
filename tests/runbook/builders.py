"""Small documents for the tests, and a registry like the engine's."""

from __future__ import annotations

from typing import Any

from executions.runbook.parse import dump, parse
from executions.runbook.types import ActionSpec, Problem, Runbook
from executions.runbook.validate import check

ACTIONS = {
    spec.name: spec
    for spec in (
        ActionSpec("aws:pause", optional=frozenset(), can_be_cancel_target=False),
        ActionSpec(
            "aws:sleep",
            optional=frozenset(),
            one_of=(frozenset({"Duration", "Timestamp"}),),
            types={"Duration": "String"},
            can_be_cancel_target=False,
        ),
        ActionSpec("aws:executeAwsApi", required=frozenset({"Service", "Api"})),
        ActionSpec("aws:branch", optional=frozenset({"Choices", "Default"})),
        ActionSpec("aws:loop", can_be_cancel_target=False, can_have_on_cancel=False),
        ActionSpec("aws:updateVariable", required=frozenset({"Name", "Value"})),
        ActionSpec("aws:executeScript", required=frozenset({"Runtime"}), outputs={"Payload": "X"}),
        ActionSpec("aws:waitForAwsResourceProperty"),
        ActionSpec(
            "aws:invokeLambdaFunction",
            required=frozenset({"FunctionName"}),
            types={"Payload": "String", "InputPayload": "StringMap"},
            outputs={"Payload": "String", "StatusCode": "String"},
        ),
        ActionSpec(
            "aws:runCommand",
            required=frozenset({"DocumentName"}),
            types={"DocumentName": "String", "InstanceIds": "StringList"},
            outputs={"Output": "String"},
            strict_references=True,
        ),
    )
}


def step(name: str, action: str = "aws:pause", **keys: Any) -> dict[str, Any]:
    """A step as data; `inputs` are empty unless given."""
    return {"name": name, "action": action, "inputs": {}, **keys}


def api(name: str, *outputs: str, **keys: Any) -> dict[str, Any]:
    """An executeAwsApi step that declares outputs."""
    declared = [{"Name": output, "Selector": f"$.{output}"} for output in outputs]
    inputs = {"Service": "ec2", "Api": "DescribeInstances", **keys.pop("inputs", {})}
    return step(name, "aws:executeAwsApi", inputs=inputs, outputs=declared, **keys)


def branch(name: str, *choices: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A branch; `default` is its Default."""
    inputs: dict[str, Any] = {"Choices": list(choices)}
    if "default" in keys:
        inputs["Default"] = keys.pop("default")
    return step(name, "aws:branch", inputs=inputs, **keys)


def choice(target: str, variable: str = "{{ P }}", **operator: Any) -> dict[str, Any]:
    """One choice of a branch, StringEquals x unless another operator is given."""
    return {"NextStep": target, "Variable": variable, **(operator or {"StringEquals": "x"})}


def loop(name: str, *body: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A for-each loop over two items."""
    inputs = {"Iterators": ["a", "b"], "Steps": list(body), **keys.pop("inputs", {})}
    return step(name, "aws:loop", inputs=inputs, **keys)


def document(*steps: dict[str, Any], **top: Any) -> dict[str, Any]:
    """A document as data with a role, so that it earns no warning by itself."""
    base = {"schemaVersion": "0.3", "assumeRole": "arn:aws:iam::111122223333:role/R"}
    return {**base, **top, "mainSteps": list(steps)}


def runbook(*steps: dict[str, Any], **top: Any) -> Runbook:
    """A parsed document."""
    return parse(dump(document(*steps, **top), "YAML"), "YAML")


def problems(*steps: dict[str, Any], **top: Any) -> list[Problem]:
    """All problems of a document."""
    return check(dump(document(*steps, **top), "YAML"), ACTIONS)[1]


def errors(*steps: dict[str, Any], **top: Any) -> list[str]:
    """The messages of its errors."""
    return [found.message for found in problems(*steps, **top) if found.severity == "error"]


def warnings(*steps: dict[str, Any], **top: Any) -> list[str]:
    """The messages of its warnings."""
    return [found.message for found in problems(*steps, **top) if found.severity == "warning"]
