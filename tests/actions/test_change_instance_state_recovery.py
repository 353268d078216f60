"""aws:changeInstanceState after a lost answer: adopt, send again once, or ask a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from executions.actions.base import Call, CallFailed, Sent, StepContext, Unknown, Wait
from executions.actions.change_instance_state import ChangeInstanceState

MakeContext = Callable[..., StepContext]
MakeEc2 = Callable[..., Any]
NAME = "aws:changeInstanceState"
ONE, TWO, THREE = "i-0000000000000001a", "i-0000000000000002b", "i-0000000000000003c"
OPERATIONS = {
    "running": "StartInstances",
    "stopped": "StopInstances",
    "terminated": "TerminateInstances",
}


@pytest.fixture
def lose(make_context: MakeContext, now: datetime) -> Callable[..., StepContext]:
    """The context after the answer of a call was lost: `lose("stopped", ec2)`."""

    def make(desired: str, ec2: Any, **request: Any) -> StepContext:
        ids = list(ec2.instances)
        before = {name: ec2.snapshot(name) for name in ids}
        return make_context(
            NAME,
            {"InstanceIds": ids, "DesiredState": desired},
            read=ec2.read,
            state={"Before": before},
            sent=Sent("ec2", OPERATIONS[desired], {"InstanceIds": ids, **request}, now),
        )

    return make


@pytest.mark.parametrize(
    ("desired", "states"),
    [
        ("running", ["pending", "running"]),
        ("stopped", ["stopping", "stopped"]),
        ("terminated", ["shutting-down", "terminated"]),
    ],
)
def test_it_adopts_what_is_at_or_on_its_way_to_the_desired_state(
    make_ec2: MakeEc2, lose: MakeContext, poll: datetime, desired: str, states: list[str]
) -> None:
    ec2 = make_ec2(dict.fromkeys([ONE, TWO], "stopped" if desired == "running" else "running"))
    context = lose(desired, ec2)
    for name, state in zip([ONE, TWO], states, strict=True):
        ec2.move(name, state)
    assert ChangeInstanceState().recover(context) == Wait(poll, context.state)


def test_it_adopts_a_forced_stop_that_took_effect(
    make_ec2: MakeEc2, lose: MakeContext, poll: datetime
) -> None:
    ec2 = make_ec2({ONE: "running"})
    context = lose("stopped", ec2, Force=True)
    ec2.move(ONE, "stopping")
    assert ChangeInstanceState().recover(context) == Wait(poll, context.state)


@pytest.mark.parametrize(("desired", "was"), [("running", "stopped"), ("stopped", "running")])
def test_it_sends_again_only_for_those_that_nobody_touched(
    make_ec2: MakeEc2, lose: MakeContext, desired: str, was: str
) -> None:
    ec2 = make_ec2({ONE: was, TWO: was, THREE: was})
    context = lose(desired, ec2)
    ec2.move(TWO, desired)
    outcome = ChangeInstanceState().recover(context)
    assert outcome == Call(
        "ec2",
        OPERATIONS[desired],
        {"InstanceIds": [ONE, THREE]},
        {**context.state, "Resent": True},
    )


def test_it_keeps_the_other_members_of_the_request(make_ec2: MakeEc2, lose: MakeContext) -> None:
    ec2 = make_ec2({ONE: "stopped"})
    outcome = ChangeInstanceState().recover(lose("running", ec2, AdditionalInfo="info"))
    assert isinstance(outcome, Call)
    assert outcome.request == {"InstanceIds": [ONE], "AdditionalInfo": "info"}


def test_it_sends_again_only_once(
    make_context: MakeContext, make_ec2: MakeEc2, lose: MakeContext
) -> None:
    ec2 = make_ec2({ONE: "running"})
    first = lose("stopped", ec2)
    again = ChangeInstanceState().recover(first)
    assert isinstance(again, Call)

    second = make_context(NAME, first.inputs, read=ec2.read, state=again.state, sent=first.sent)
    outcome = ChangeInstanceState().recover(second)
    assert isinstance(outcome, Unknown)
    assert "sent twice" in outcome.reason
    assert outcome.evidence == {ONE: {"Before": ec2.snapshot(ONE), "Now": ec2.snapshot(ONE)}}


def test_a_second_loss_still_adopts(
    make_context: MakeContext, make_ec2: MakeEc2, lose: MakeContext, poll: datetime
) -> None:
    ec2 = make_ec2({ONE: "running"})
    first = lose("stopped", ec2)
    state = {**first.state, "Resent": True}
    ec2.move(ONE, "stopped")
    second = make_context(NAME, first.inputs, read=ec2.read, state=state, sent=first.sent)
    assert ChangeInstanceState().recover(second) == Wait(poll, state)


def test_it_never_forces_a_second_stop_by_itself(make_ec2: MakeEc2, lose: MakeContext) -> None:
    ec2 = make_ec2({ONE: "running", TWO: "stopped"})
    outcome = ChangeInstanceState().recover(lose("stopped", ec2, Force=True))
    assert isinstance(outcome, Unknown)
    assert "forced stop" in outcome.reason
    assert set(outcome.evidence) == {ONE}


@pytest.mark.parametrize(
    ("desired", "was", "change"),
    [
        ("stopped", "running", {"LaunchTime": "2030-01-01T12:01:00+00:00"}),
        ("running", "stopped", {"StateTransitionReason": "User initiated (2030-01-01 12:01 GMT)"}),
        ("stopped", "running", {"State": {"Name": "pending"}}),
        ("running", "stopped", {"State": {"Name": "stopping"}}),
        ("stopped", "running", {"State": {"Name": "terminated"}}),
    ],
)
def test_an_instance_that_moved_elsewhere_is_for_a_person_to_judge(
    make_ec2: MakeEc2, lose: MakeContext, desired: str, was: str, change: dict[str, Any]
) -> None:
    ec2 = make_ec2({ONE: was, TWO: was, THREE: was})
    context = lose(desired, ec2)
    before = ec2.snapshot(ONE)
    ec2.instances[ONE].update(change)
    ec2.move(THREE, desired)
    outcome = ChangeInstanceState().recover(context)
    assert isinstance(outcome, Unknown)
    assert ONE in outcome.reason
    assert TWO not in outcome.reason
    assert outcome.evidence == {
        ONE: {"Before": before, "Now": ec2.snapshot(ONE)},
        TWO: {"Before": ec2.snapshot(TWO), "Now": ec2.snapshot(TWO)},
    }


def test_an_instance_that_vanished_is_for_a_person_to_judge(
    make_ec2: MakeEc2, lose: MakeContext
) -> None:
    ec2 = make_ec2({ONE: "running"})
    context = lose("stopped", ec2)
    before = ec2.snapshot(ONE)
    del ec2.instances[ONE]
    outcome = ChangeInstanceState().recover(context)
    assert isinstance(outcome, Unknown)
    assert outcome.evidence == {ONE: {"Before": before, "Now": None}}


def test_it_orders_the_remaining_terminations_again_as_often_as_needed(
    make_context: MakeContext, make_ec2: MakeEc2, lose: MakeContext
) -> None:
    ec2 = make_ec2({ONE: "running", TWO: "running", THREE: "stopped"})
    first = lose("terminated", ec2)
    del ec2.instances[ONE]
    ec2.move(TWO, "terminated")
    ec2.move(THREE, "running")
    again = ChangeInstanceState().recover(first)
    assert isinstance(again, Call)
    assert (again.operation, again.request) == ("TerminateInstances", {"InstanceIds": [THREE]})

    second = make_context(NAME, first.inputs, read=ec2.read, state=again.state, sent=first.sent)
    assert ChangeInstanceState().recover(second) == again


def test_it_looks_only_at_the_instances_of_the_lost_call(
    make_context: MakeContext, make_ec2: MakeEc2, now: datetime, poll: datetime
) -> None:
    ec2 = make_ec2({ONE: "running", TWO: "stopped"})
    context = make_context(
        NAME,
        {"InstanceIds": [ONE, TWO], "DesiredState": "stopped"},
        read=ec2.read,
        state={"Before": {}, "Resent": True},
        sent=Sent("ec2", "StopInstances", {"InstanceIds": [TWO]}, now),
    )
    assert ChangeInstanceState().recover(context) == Wait(poll, context.state)
    assert ec2.asked == [[TWO]]


def test_instances_that_may_not_be_looked_at_are_for_a_person_to_judge(
    make_context: MakeContext, make_ec2: MakeEc2, lose: MakeContext
) -> None:
    def read(_service: str, _operation: str, /, **_request: Any) -> dict[str, Any]:
        raise CallFailed("UnauthorizedOperation", "no")

    known = lose("stopped", make_ec2({ONE: "running"}))
    context = make_context(NAME, known.inputs, read=read, state=known.state, sent=known.sent)
    outcome = ChangeInstanceState().recover(context)
    assert isinstance(outcome, Unknown)
    assert "UnauthorizedOperation (no)" in outcome.reason


def test_without_a_call_there_is_nothing_to_recover(
    make_context: MakeContext, make_ec2: MakeEc2
) -> None:
    inputs = {"InstanceIds": [ONE], "DesiredState": "stopped"}
    context = make_context(NAME, inputs, read=make_ec2({ONE: "running"}).read)
    assert isinstance(ChangeInstanceState().recover(context), Call)


def test_what_a_person_adopts_still_has_to_arrive(
    make_ec2: MakeEc2, lose: MakeContext, poll: datetime
) -> None:
    context = lose("stopped", make_ec2({ONE: "running"}))
    assert ChangeInstanceState().adopted(context) == Wait(poll, context.state)
