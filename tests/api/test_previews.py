"""Execution previews: what a start would do, told without starting."""

from __future__ import annotations

from typing import Any

import pytest

from executions.models import Execution, JournalEntry
from tests.api.conftest import ClientOf, create, refused
from tests.api.test_executions import NOBODY

MIXED = """schemaVersion: "0.3"
parameters:
  InstanceId: {type: "List<AWS::EC2::Instance::Id>"}
  Api: {type: String, default: StopInstances}
mainSteps:
  - {name: wait, action: "aws:sleep", inputs: {Duration: PT0S}}
  - {name: read, action: "aws:executeAwsApi", inputs: {Service: ec2, Api: DescribeInstances}}
  - {name: call, action: "aws:executeAwsApi", inputs: {Service: ec2, Api: "{{ Api }}"}}
  - {name: stop, action: "aws:changeInstanceState",
     inputs: {InstanceIds: "{{ InstanceId }}", DesiredState: stopped}}
"""
IDS = ["i-0123456789abcdef0", "i-0123456789abcdef1"]


def preview(client: Any, **parameters: list[str]) -> str:
    """Start one; its id."""
    inputs = {"Automation": {"Parameters": parameters}} if parameters else {"Automation": {}}
    answer = client.start_execution_preview(DocumentName="Mixed", ExecutionInputs=inputs)
    return str(answer["ExecutionPreviewId"])


@pytest.fixture
def mixed(ada: Any) -> str:
    """A document whose steps have different effects."""
    return create(ada, "Mixed", MIXED)


def test_preview_counts_effects_and_starts_nothing(olivia: Any, mixed: str) -> None:
    answer = olivia.get_execution_preview(ExecutionPreviewId=preview(olivia, InstanceId=IDS))
    assert answer["Status"] == "Success"
    assert answer["EndedAt"]
    assert answer["ExecutionPreview"]["Automation"] == {
        "StepPreviews": {"NonMutating": 2, "Mutating": 2},
        "Regions": ["eu-west-1"],
        "TargetPreviews": [{"Count": 2, "TargetType": "/AWS::EC2::Instance"}],
        "TotalAccounts": 1,
    }
    assert not Execution.objects.exists()
    assert JournalEntry.objects.get(action="ssm:StartExecutionPreview").granted


@pytest.mark.parametrize(
    ("api", "effect"), [("DescribeVpcs", "NonMutating"), ("Make", "Undetermined")]
)
def test_effect_of_what_the_parameters_name(olivia: Any, mixed: str, api: str, effect: str) -> None:
    found = olivia.get_execution_preview(
        ExecutionPreviewId=preview(olivia, InstanceId=IDS, Api=[api])
    )["ExecutionPreview"]["Automation"]["StepPreviews"]
    expected = {"NonMutating": 2, "Mutating": 1}
    assert found == {**expected, effect: expected.get(effect, 0) + 1}


@pytest.mark.parametrize(
    "more",
    [
        {"DocumentName": "Nothing"},
        {"DocumentVersion": "7"},
        {"ExecutionInputs": {"Automation": {"Parameters": {"Other": ["x"]}}}},
        {"ExecutionInputs": {"Automation": {"TargetParameterName": "InstanceId"}}},
        {},
    ],
)
def test_preview_that_cannot_be(olivia: Any, mixed: str, more: dict[str, Any]) -> None:
    with refused("ValidationException"):
        olivia.start_execution_preview(**{"DocumentName": mixed, **more})


def test_preview_is_its_principals(client_of: ClientOf, mixed: str) -> None:
    mine = preview(client_of("operator"), InstanceId=IDS)
    for kind in ("viewer", "administrator", "outsider"):
        with refused("ResourceNotFoundException"):
            client_of(kind).get_execution_preview(ExecutionPreviewId=mine)
    with refused("AccessDeniedException"):
        client_of("stranger").get_execution_preview(ExecutionPreviewId=mine)
    with refused("ResourceNotFoundException"):
        client_of("operator").get_execution_preview(ExecutionPreviewId=NOBODY)
    with refused("ResourceNotFoundException"):
        client_of("operator", "us-east-1").get_execution_preview(ExecutionPreviewId=mine)


def test_only_who_may_start_previews(client_of: ClientOf, mixed: str) -> None:
    for kind in ("approver", "viewer", "stranger"):
        with refused("AccessDeniedException", journalled=True):
            preview(client_of(kind), InstanceId=IDS)
    with refused("ValidationException"):
        preview(client_of("outsider"), InstanceId=IDS)
