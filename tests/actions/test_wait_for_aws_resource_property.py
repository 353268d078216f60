"""aws:waitForAwsResourceProperty: when it goes on, waits, fails, or has waited too long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from executions.actions.base import (
    BadInput,
    CallFailed,
    Done,
    Outcome,
    StepContext,
    StepFailed,
    StepTimedOut,
    Wait,
    registry,
)
from executions.actions.wait_for_aws_resource_property import WaitForAwsResourceProperty

MakeContext = Callable[..., StepContext]
NAME = "aws:waitForAwsResourceProperty"
INPUTS = {
    "Service": "rds",
    "Api": "DescribeDBInstances",
    "DBInstanceIdentifier": "db-1",
    "PropertySelector": "$.DBInstances[0].DBInstanceStatus",
    "DesiredValues": ["available"],
}


def answer(status: str | None) -> dict[str, Any]:
    return {"DBInstances": [{"DBInstanceStatus": status}] if status else []}


def look(make_context: MakeContext, response: Any, *, again: bool = False) -> Outcome:
    def read(service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        assert (service, operation) == ("rds", "DescribeDBInstances")
        assert request == {"DBInstanceIdentifier": "db-1"}
        if isinstance(response, CallFailed):
            raise response
        return dict(response)

    context = make_context(NAME, INPUTS, read=read, state={"Seen": "before"} if again else {})
    step = WaitForAwsResourceProperty()
    return step.resume(context) if again else step.begin(context)


@pytest.mark.parametrize("again", [False, True])
def test_it_goes_on_when_the_value_is_there(make_context: MakeContext, again: bool) -> None:
    assert look(make_context, answer("available"), again=again) == Done()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize(
    ("status", "seen"), [("starting", "is starting"), (None, "is not in the response")]
)
def test_it_looks_again_when_it_is_not_and_remembers_what_it_saw(
    make_context: MakeContext, poll: datetime, again: bool, status: str | None, seen: str
) -> None:
    outcome = look(make_context, answer(status), again=again)
    assert isinstance(outcome, Wait)
    assert (outcome.until, outcome.paused) == (poll, False)
    assert seen in outcome.state["Seen"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("DBInstanceNotFound", "DBInstance db-1 not found."),
        ("InternalFailure", "try later"),
        ("ValidationError", "Stack with id web does not exist"),
        ("InvalidParameterValue", "No Environment found for EnvironmentName = 'web'."),
        ("ExpiredTokenException", "The security token is expired"),
    ],
)
def test_it_looks_again_when_asking_again_may_help(
    make_context: MakeContext, poll: datetime, code: str, message: str
) -> None:
    outcome = look(make_context, CallFailed(code, message))
    seen = f"AWS refused DescribeDBInstances of rds: {code} ({message})"
    assert outcome == Wait(poll, {"Seen": seen})


@pytest.mark.parametrize(
    "code",
    [
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthFailure",
        "AuthorizationError",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    ],
)
def test_it_fails_at_once_when_access_is_denied(make_context: MakeContext, code: str) -> None:
    with pytest.raises(StepFailed, match=rf"{code} \(no\)") as failure:
        look(make_context, CallFailed(code, "no"))
    assert failure.value.kind == "Permission"


@pytest.mark.parametrize(
    "code",
    [
        "ValidationError",
        "ValidationException",
        "InvalidParameterValue",
        "InvalidParameterCombination",
        "MissingParameter",
        "ParamValidation",
        "UnknownOperation",
        "InvalidInstanceID.Malformed",
    ],
)
def test_it_fails_at_once_when_the_request_is_wrong(make_context: MakeContext, code: str) -> None:
    with pytest.raises(StepFailed, match=rf"{code} \(must be shorter\)") as failure:
        look(make_context, CallFailed(code, "must be shorter"))
    assert failure.value.kind == "Action"


def test_it_does_not_repeat_a_call_that_may_change_something(make_context: MakeContext) -> None:
    context = make_context(NAME, INPUTS | {"Api": "RebootDBInstance"})
    with pytest.raises(BadInput, match="RebootDBInstance of rds is not known to only read"):
        WaitForAwsResourceProperty().begin(context)


def test_a_time_out_says_what_was_seen_last(make_context: MakeContext) -> None:
    context = make_context(NAME, INPUTS, state={"Seen": "$.A is starting; desired: available"})
    with pytest.raises(StepTimedOut, match=r"Seen last: \$\.A is starting; desired: available\."):
        WaitForAwsResourceProperty().stopped(context, "timeout")


def test_it_has_nothing_to_add_when_it_is_cancelled_or_saw_nothing(
    make_context: MakeContext,
) -> None:
    step = WaitForAwsResourceProperty()
    assert step.stopped(make_context(NAME, INPUTS, state={"Seen": "x"}), "cancel") is None
    assert step.stopped(make_context(NAME, INPUTS), "timeout") is None


def test_it_waits_an_hour_unless_the_runbook_says_otherwise() -> None:
    assert WaitForAwsResourceProperty.timeout == timedelta(hours=1)
    spec = registry.specs()[NAME]
    assert spec.required == {"Service", "Api", "PropertySelector", "DesiredValues"}
    assert spec.optional is None
