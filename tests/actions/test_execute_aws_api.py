"""aws:executeAwsApi: the call it asks for, and what becomes of its answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from executions.actions.base import BadInput, Call, Done, Sent, StepContext, Unknown, registry
from executions.actions.execute_aws_api import ExecuteAwsApi

MakeContext = Callable[..., StepContext]
NAME = "aws:executeAwsApi"


@pytest.mark.parametrize(
    ("service", "api"),
    [
        ("ec2", "DescribeInstances"),
        ("EC2", "StopInstances"),
        ("migration-hub-refactor-spaces", "get_environment"),
        ("s3", "deleteObject"),
    ],
)
def test_it_returns_every_call_to_the_engine_as_written(
    make_context: MakeContext, service: str, api: str
) -> None:
    outcome = ExecuteAwsApi().begin(make_context(NAME, {"Service": service, "Api": api}))
    assert outcome == Call(service, api, {})


def test_it_passes_the_other_inputs_unchanged(make_context: MakeContext) -> None:
    request: dict[str, Any] = {
        "DBInstanceIdentifier": "db-1",
        "BackupRetentionPeriod": "7",
        "EngineVersion": "",
        "Tags": [{"Key": "a", "Value": "b"}],
        "PropertySelector": "a member of the request, here",
    }
    inputs = {"Service": "rds", "Api": "ModifyDBInstance", **request}
    outcome = ExecuteAwsApi().begin(make_context(NAME, inputs))
    assert outcome == Call("rds", "ModifyDBInstance", request)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"Service": "", "Api": "StopInstances"}, "Service is empty"),
        ({"Service": "ec2", "Api": " "}, "Api is empty"),
        ({"Service": {"a": 1}, "Api": "StopInstances"}, "Service must be a String, not a map"),
    ],
)
def test_it_refuses_a_call_without_a_name(
    make_context: MakeContext, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        ExecuteAwsApi().begin(make_context(NAME, inputs))


def test_its_outputs_select_from_the_whole_response(make_context: MakeContext) -> None:
    response = {"Volumes": [], "NextToken": "more", "ResponseMetadata": {"HTTPStatusCode": 200}}
    context = make_context(NAME, {"Service": "ec2", "Api": "DescribeVolumes"})
    assert ExecuteAwsApi().called(context, response) == Done(response=response)


def test_a_lost_answer_is_for_a_person_to_judge(make_context: MakeContext, now: Any) -> None:
    sent = Sent("ec2", "RebootInstances", {"InstanceIds": ["i-1"]}, now)
    context = make_context(NAME, {"Service": "ec2", "Api": "RebootInstances"}, sent=sent)
    outcome = ExecuteAwsApi().recover(context)
    assert isinstance(outcome, Unknown)
    assert "ec2:RebootInstances" in outcome.reason


def test_it_has_25_seconds_and_free_form_inputs() -> None:
    assert ExecuteAwsApi.timeout == timedelta(seconds=25)
    spec = registry.specs()[NAME]
    assert spec.required == {"Service", "Api"}
    assert spec.optional is None
