"""aws:assertAwsResourceProperty: what matches, what fails, and how it says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from executions.actions.assert_aws_resource_property import AssertAwsResourceProperty
from executions.actions.base import (
    BadInput,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    registry,
)

MakeContext = Callable[..., StepContext]
NAME = "aws:assertAwsResourceProperty"
STATE = "$.Reservations[0].Instances[0].State.Name"
RESPONSE = {
    "Reservations": [
        {"Instances": [{"State": {"Name": "running", "Code": 16}, "EbsOptimized": True}]},
        {"Instances": [{"State": {"Name": "stopped", "Code": 80}, "EbsOptimized": False}]},
    ],
    "Nothing": None,
}


def make_inputs(selector: str = STATE, desired: Any = ("running",)) -> dict[str, Any]:
    return {
        "Service": "ec2",
        "Api": "DescribeInstances",
        "InstanceIds": ["i-1"],
        "PropertySelector": selector,
        "DesiredValues": list(desired) if isinstance(desired, tuple) else desired,
    }


def check(make_context: MakeContext, inputs: dict[str, Any], answer: Any = RESPONSE) -> Outcome:
    def read(service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        assert (service, operation, request) == (
            "ec2",
            "DescribeInstances",
            {"InstanceIds": ["i-1"]},
        )
        if isinstance(answer, CallFailed):
            raise answer
        return dict(answer)

    return AssertAwsResourceProperty().begin(make_context(NAME, inputs, read=read))


@pytest.mark.parametrize(
    ("selector", "desired"),
    [
        (STATE, ("running",)),
        (STATE, ("pending", "running")),
        (STATE, "running"),
        ("Reservations[0].Instances[0].State.Name", ("running",)),
        ("$.Reservations[0].Instances[0].State.Code", ("16",)),
        ("$.Reservations[0].Instances[0].State.Code", (16,)),
        ("$.Reservations[0].Instances[0].EbsOptimized", ("True",)),
        ("$.Reservations[1].Instances[0].EbsOptimized", ("False",)),
        ("$.Reservations[0].Instances[0].EbsOptimized", (True,)),
        ("$..State.Name", ("stopped",)),
        ("$.Reservations[*].Instances[0].State.Code", ("80",)),
    ],
)
def test_it_succeeds_when_one_desired_value_matches(
    make_context: MakeContext, selector: str, desired: Any
) -> None:
    assert check(make_context, make_inputs(selector, desired)) == Done()


@pytest.mark.parametrize(
    ("selector", "desired", "words"),
    [
        (STATE, ("stopped", "terminated"), "is running; desired: stopped or terminated"),
        (STATE, ("Running",), "is running"),
        ("$.Reservations[0].Instances[0].EbsOptimized", ("true",), "is True; desired: true"),
        ("$.Reservations[9].Instances[0].State.Name", ("running",), "is not in the response"),
        ("$.Nothing", ("None",), "is not in the response"),
        ("$..State.Name", ("pending",), "is running, stopped"),
    ],
)
def test_it_fails_and_says_what_it_found(
    make_context: MakeContext, selector: str, desired: Any, words: str
) -> None:
    with pytest.raises(StepFailed) as failure:
        check(make_context, make_inputs(selector, desired))
    assert words in failure.value.message
    assert selector in failure.value.message
    assert (failure.value.stage, failure.value.kind) == ("PostVerification", "Verification")
    assert failure.value.retryable


def test_it_shows_no_more_than_the_start_of_a_long_value(make_context: MakeContext) -> None:
    with pytest.raises(StepFailed) as failure:
        check(make_context, make_inputs("$.Text"), {"Text": "x" * 10_000})
    assert len(failure.value.message) < 400


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UnauthorizedOperation", "Permission"),
        ("AccessDeniedException", "Permission"),
        ("InvalidInstanceID.NotFound", "Action"),
    ],
)
def test_a_refused_read_fails_the_attempt_with_aws_own_words(
    make_context: MakeContext, code: str, kind: str
) -> None:
    with pytest.raises(StepFailed) as failure:
        check(make_context, make_inputs(), CallFailed(code, "because of i-1"))
    message = f"AWS refused DescribeInstances of ec2: {code} (because of i-1)"
    assert failure.value.message == message
    assert failure.value.kind == kind
    assert failure.value.retryable


def test_it_passes_request_members_of_any_name(make_context: MakeContext) -> None:
    asked: dict[str, Any] = {}

    def read(_service: str, _operation: str, /, **request: Any) -> dict[str, Any]:
        asked.update(request)
        return {"taskSets": [{"status": "ACTIVE"}]}

    inputs = {
        "Service": "ecs",
        "Api": "DescribeTaskSets",
        "service": "web",
        "operation": "x",
        "PropertySelector": "$.taskSets[0].status",
        "DesiredValues": ["ACTIVE"],
    }
    assert AssertAwsResourceProperty().begin(make_context(NAME, inputs, read=read)) == Done()
    assert asked == {"service": "web", "operation": "x"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"DesiredValues": []}, "DesiredValues is empty"),
        ({"DesiredValues": {"a": 1}}, "DesiredValues must be a StringList"),
        ({"PropertySelector": "$.[?("}, "PropertySelector"),
        ({"Service": ""}, "Service is empty"),
        ({"Api": ""}, "Api is empty"),
    ],
)
def test_it_refuses_inputs_that_cannot_be_right(
    make_context: MakeContext, change: dict[str, Any], message: str
) -> None:
    context = make_context(NAME, make_inputs() | change, read=lambda *_, **__: RESPONSE)
    with pytest.raises(BadInput, match=message):
        AssertAwsResourceProperty().begin(context)


def test_it_does_not_make_a_call_that_may_change_something(make_context: MakeContext) -> None:
    context = make_context(NAME, make_inputs() | {"Api": "StartInstances"})
    with pytest.raises(BadInput, match="StartInstances of ec2 is not known to only read"):
        AssertAwsResourceProperty().begin(context)


def test_the_validator_knows_its_inputs() -> None:
    spec = registry.specs()[NAME]
    assert spec.required == {"Service", "Api", "PropertySelector", "DesiredValues"}
    assert spec.optional is None
    assert spec.types["DesiredValues"] == "StringList"
