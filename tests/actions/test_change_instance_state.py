"""aws:changeInstanceState: the order given to EC2, and the wait for its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from executions.actions.base import (
    BadInput,
    Call,
    CallFailed,
    Done,
    StepContext,
    StepFailed,
    Wait,
    registry,
)
from executions.actions.change_instance_state import ChangeInstanceState

MakeContext = Callable[..., StepContext]
MakeEc2 = Callable[..., Any]
NAME = "aws:changeInstanceState"
ONE, TWO = "i-0000000000000001a", "i-0000000000000002b"


def make_inputs(desired: str, **more: Any) -> dict[str, Any]:
    return {"InstanceIds": [ONE, TWO], "DesiredState": desired, **more}


@pytest.mark.parametrize(
    ("desired", "operation"),
    [
        ("running", "StartInstances"),
        ("stopped", "StopInstances"),
        ("terminated", "TerminateInstances"),
    ],
)
def test_it_calls_for_all_instances_and_notes_how_they_were(
    make_context: MakeContext, make_ec2: MakeEc2, desired: str, operation: str
) -> None:
    ec2 = make_ec2({ONE: "running", TWO: "stopped"})
    outcome = ChangeInstanceState().begin(make_context(NAME, make_inputs(desired), read=ec2.read))
    before = {ONE: ec2.snapshot(ONE), TWO: ec2.snapshot(TWO)}
    assert outcome == Call("ec2", operation, {"InstanceIds": [ONE, TWO]}, {"Before": before})
    assert set(before[ONE]) == {"State", "LaunchTime", "StateTransitionReason"}
    assert before[TWO]["State"] == "stopped"


def test_it_calls_even_if_all_are_already_there(
    make_context: MakeContext, make_ec2: MakeEc2
) -> None:
    ec2 = make_ec2({ONE: "stopped", TWO: "stopped"})
    outcome = ChangeInstanceState().begin(make_context(NAME, make_inputs("stopped"), read=ec2.read))
    assert isinstance(outcome, Call)


@pytest.mark.parametrize(
    ("desired", "more", "extra"),
    [
        ("stopped", {"Force": True}, {"Force": True}),
        ("stopped", {"Force": "true"}, {"Force": True}),
        ("stopped", {"Force": False}, {}),
        ("running", {"Force": True}, {}),
        ("running", {"AdditionalInfo": "info"}, {"AdditionalInfo": "info"}),
        ("stopped", {"AdditionalInfo": "info"}, {}),
        ("stopped", {"CheckStateOnly": False}, {}),
    ],
)
def test_its_options_go_only_into_the_call_that_takes_them(
    make_context: MakeContext,
    make_ec2: MakeEc2,
    desired: str,
    more: dict[str, Any],
    extra: dict[str, Any],
) -> None:
    ec2 = make_ec2({ONE: "running", TWO: "running"})
    outcome = ChangeInstanceState().begin(
        make_context(NAME, make_inputs(desired, **more), read=ec2.read)
    )
    assert isinstance(outcome, Call)
    assert outcome.request == {"InstanceIds": [ONE, TWO], **extra}


def test_it_names_an_instance_once(make_context: MakeContext, make_ec2: MakeEc2) -> None:
    inputs = {"InstanceIds": [ONE, ONE], "DesiredState": "stopped"}
    ec2 = make_ec2({ONE: "running"})
    outcome = ChangeInstanceState().begin(make_context(NAME, inputs, read=ec2.read))
    assert isinstance(outcome, Call)
    assert outcome.request == {"InstanceIds": [ONE]}


def test_it_takes_a_single_id_that_is_no_list(make_context: MakeContext, make_ec2: MakeEc2) -> None:
    inputs = {"InstanceIds": ONE, "DesiredState": "stopped"}
    ec2 = make_ec2({ONE: "running"})
    outcome = ChangeInstanceState().begin(make_context(NAME, inputs, read=ec2.read))
    assert isinstance(outcome, Call)
    assert outcome.request == {"InstanceIds": [ONE]}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"InstanceIds": [], "DesiredState": "stopped"}, "InstanceIds is empty"),
        ({"InstanceIds": [ONE, ""], "DesiredState": "stopped"}, "an empty id"),
        ({"InstanceIds": [ONE], "DesiredState": "rebooted"}, "not 'rebooted'"),
        ({"InstanceIds": [ONE], "DesiredState": "Stopped"}, "not 'Stopped'"),
        ({"InstanceIds": [ONE], "DesiredState": "stopped", "Force": "maybe"}, "Force must be"),
        (
            {"InstanceIds": [ONE], "DesiredState": "stopped", "CheckStateOnly": 7},
            "CheckStateOnly must be",
        ),
    ],
)
def test_it_refuses_inputs_that_cannot_be_right(
    make_context: MakeContext, make_ec2: MakeEc2, inputs: dict[str, Any], message: str
) -> None:
    ec2 = make_ec2({ONE: "running"})
    with pytest.raises(BadInput, match=message):
        ChangeInstanceState().begin(make_context(NAME, inputs, read=ec2.read))


@pytest.mark.parametrize("desired", ["running", "stopped", "terminated"])
@pytest.mark.parametrize("check_only", [False, True])
def test_an_unknown_instance_fails_by_name_and_nothing_is_called(
    make_context: MakeContext, make_ec2: MakeEc2, desired: str, check_only: bool
) -> None:
    inputs = make_inputs(desired, CheckStateOnly=check_only)
    ec2 = make_ec2({ONE: desired})
    with pytest.raises(StepFailed) as failure:
        ChangeInstanceState().begin(make_context(NAME, inputs, read=ec2.read))
    assert TWO in failure.value.message
    assert ONE not in failure.value.message
    assert failure.value.stage == "PreVerification"


def test_it_fails_when_no_instance_is_known(make_context: MakeContext, make_ec2: MakeEc2) -> None:
    with pytest.raises(StepFailed, match=f"{ONE}, {TWO}"):
        ChangeInstanceState().begin(
            make_context(NAME, make_inputs("stopped"), read=make_ec2({}).read)
        )


@pytest.mark.parametrize(
    ("code", "kind"),
    [("UnauthorizedOperation", "Permission"), ("InvalidInstanceID.Malformed", "Action")],
)
def test_a_refused_look_fails_with_aws_own_words(
    make_context: MakeContext, code: str, kind: str
) -> None:
    def read(_service: str, _operation: str, /, **_request: Any) -> dict[str, Any]:
        raise CallFailed(code, 'Invalid id: "x"')

    with pytest.raises(StepFailed, match=f"DescribeInstances of ec2: {code}") as failure:
        ChangeInstanceState().begin(make_context(NAME, make_inputs("stopped"), read=read))
    assert failure.value.kind == kind


@pytest.mark.parametrize("state", ["shutting-down", "terminated"])
@pytest.mark.parametrize("desired", ["running", "stopped"])
def test_it_fails_early_when_the_state_can_no_longer_be_reached(
    make_context: MakeContext, make_ec2: MakeEc2, desired: str, state: str
) -> None:
    ec2 = make_ec2({ONE: desired, TWO: state})
    step, context = ChangeInstanceState(), make_context(NAME, make_inputs(desired), read=ec2.read)
    message = f"{TWO} is {state}: it can no longer become {desired}"
    with pytest.raises(StepFailed, match=message) as before:
        step.begin(context)
    with pytest.raises(StepFailed, match=message) as after:
        step.resume(context)
    assert (before.value.stage, after.value.stage) == ("PreVerification", "PostVerification")
    assert before.value.kind == after.value.kind == "Verification"


def test_it_waits_once_the_order_is_taken(make_context: MakeContext, poll: datetime) -> None:
    state: dict[str, Any] = {"Before": {}}
    context = make_context(NAME, make_inputs("stopped"), state=state)
    outcome = ChangeInstanceState().called(context, {"StoppingInstances": []})
    assert outcome == Wait(poll, state, paused=False)


@pytest.mark.parametrize(
    ("desired", "states"),
    [
        ("running", ["running", "pending"]),
        ("stopped", ["stopping", "stopped"]),
        ("stopped", ["running", "stopped"]),
        ("terminated", ["terminated", "shutting-down"]),
    ],
)
def test_it_waits_until_all_have_arrived(
    make_context: MakeContext, make_ec2: MakeEc2, poll: datetime, desired: str, states: list[str]
) -> None:
    ec2 = make_ec2(dict(zip([ONE, TWO], states, strict=True)))
    state: dict[str, Any] = {"Before": {}}
    context = make_context(NAME, make_inputs(desired), read=ec2.read, state=state)
    assert ChangeInstanceState().resume(context) == Wait(poll, state)


@pytest.mark.parametrize("desired", ["running", "stopped", "terminated"])
def test_it_reports_the_state_of_each_when_all_have_arrived(
    make_context: MakeContext, make_ec2: MakeEc2, desired: str
) -> None:
    ec2 = make_ec2({ONE: desired, TWO: desired})
    context = make_context(NAME, make_inputs(desired), read=ec2.read)
    assert ChangeInstanceState().resume(context) == Done({"InstanceStates": [desired, desired]})


def test_a_terminated_instance_may_be_forgotten_by_ec2(
    make_context: MakeContext, make_ec2: MakeEc2
) -> None:
    ec2 = make_ec2({TWO: "terminated"})
    context = make_context(NAME, make_inputs("terminated"), read=ec2.read)
    outcome = ChangeInstanceState().resume(context)
    assert outcome == Done({"InstanceStates": ["terminated", "terminated"]})


def test_an_instance_that_vanishes_fails_the_wait(
    make_context: MakeContext, make_ec2: MakeEc2
) -> None:
    ec2 = make_ec2({TWO: "stopped"})
    with pytest.raises(StepFailed, match=f"no instance {ONE}"):
        ChangeInstanceState().resume(make_context(NAME, make_inputs("stopped"), read=ec2.read))


@pytest.mark.parametrize("status", ["initializing", "insufficient-data"])
@pytest.mark.parametrize("check", ["InstanceStatus", "SystemStatus"])
def test_running_waits_for_both_status_checks(
    make_context: MakeContext, make_ec2: MakeEc2, poll: datetime, check: str, status: str
) -> None:
    ec2 = make_ec2({ONE: "running", TWO: "running"})
    ec2.checks[TWO] = {**ec2.checks[TWO], check: status}
    context = make_context(NAME, make_inputs("running"), read=ec2.read)
    assert ChangeInstanceState().resume(context) == Wait(poll)


def test_running_waits_while_ec2_reports_no_status_yet(
    make_context: MakeContext, make_ec2: MakeEc2, poll: datetime
) -> None:
    ec2 = make_ec2({ONE: "running", TWO: "running"})
    del ec2.checks[ONE]
    context = make_context(NAME, make_inputs("running"), read=ec2.read)
    assert ChangeInstanceState().resume(context) == Wait(poll)


@pytest.mark.parametrize("status", ["impaired", "not-applicable"])
@pytest.mark.parametrize("check", ["InstanceStatus", "SystemStatus"])
def test_running_fails_on_a_check_that_failed(
    make_context: MakeContext, make_ec2: MakeEc2, check: str, status: str
) -> None:
    ec2 = make_ec2({ONE: "running", TWO: "running"})
    ec2.checks[TWO] = {**ec2.checks[TWO], check: status}
    with pytest.raises(StepFailed, match=f"{TWO} runs, but its status checks are {status}"):
        ChangeInstanceState().resume(make_context(NAME, make_inputs("running"), read=ec2.read))


def test_running_fails_when_the_status_may_not_be_read(
    make_context: MakeContext, make_ec2: MakeEc2
) -> None:
    ec2 = make_ec2({ONE: "running", TWO: "running"})

    def read(service: str, operation: str, /, **request: Any) -> dict[str, Any]:
        if operation == "DescribeInstanceStatus":
            raise CallFailed("UnauthorizedOperation", "no")
        return dict(ec2.read(service, operation, **request))

    with pytest.raises(StepFailed, match="DescribeInstanceStatus of ec2") as failure:
        ChangeInstanceState().resume(make_context(NAME, make_inputs("running"), read=read))
    assert failure.value.kind == "Permission"


@pytest.mark.parametrize("desired", ["running", "stopped", "terminated"])
def test_check_state_only_never_calls(
    make_context: MakeContext, make_ec2: MakeEc2, poll: datetime, desired: str
) -> None:
    inputs = make_inputs(desired, CheckStateOnly=True)
    context = make_context(NAME, inputs, read=make_ec2({ONE: desired, TWO: desired}).read)
    assert ChangeInstanceState().begin(context) == Done({"InstanceStates": [desired, desired]})

    context = make_context(NAME, inputs, read=make_ec2({ONE: desired, TWO: "pending"}).read)
    assert ChangeInstanceState().begin(context) == Wait(poll)
    assert ChangeInstanceState().resume(context) == Wait(poll)


def test_it_has_an_hour_and_a_predefined_output() -> None:
    assert ChangeInstanceState.timeout == timedelta(hours=1)
    spec = registry.specs()[NAME]
    assert spec.required == {"InstanceIds", "DesiredState"}
    assert spec.optional == frozenset({"CheckStateOnly", "Force", "AdditionalInfo"})
    assert spec.outputs == {"InstanceStates": "StringList"}
