"""The SNS notice of aws:approve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from approvals import decisions
from approvals.actions import Approve
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import aws
from executions.actions.base import Call, Wait
from executions.models import Account, Event, Execution
from tests.approvals.people import (
    ACCOUNT,
    NOON,
    ROLE,
    drain,
    make_context,
    make_execution,
)
from tests.conftest import HandClock

TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:Automation-approvals"


@pytest.mark.django_db
def test_the_notice(olivia: User) -> None:
    execution = make_execution(olivia, inputs={})
    inputs = {"Approvers": ["alice"], "NotificationArn": TOPIC, "Message": "Stop it?"}
    ctx = replace(make_context(**inputs), execution_id=execution.id)
    call = Approve().begin(ctx)
    assert isinstance(call, Call)
    assert (call.service, call.operation, call.request["TopicArn"]) == ("sns", "Publish", TOPIC)
    assert call.request["Subject"] == "Approval needed: Doc-0"
    text = str(call.request["Message"])
    for part in ("Stop it?", str(execution.id), "09 Mar 2026, 12:00 UTC", "/approvals/"):
        assert part in text
    assert Approve().begin(ctx) == call
    assert not ApprovalRequest.objects.exists()


def answer(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> list[Any]:
    """Let AWS answer every call with this, or raise it; returns the requests that were sent."""
    sent: list[Any] = []

    def call(_identity: Any, _region: str, target: Any, request: Any) -> Any:
        if target.name != "Publish":
            return {"Reservations": []}
        sent.append(request)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(aws, "call", call)
    return sent


def make_notified(olivia: User) -> Execution:
    """A run whose approvers are told through SNS."""
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=["eu-west-1"], role_arn=ROLE
    )
    return make_execution(olivia, inputs={"Approvers": ["alice"], "NotificationArn": TOPIC})


@pytest.mark.django_db
def test_a_published_notice(
    olivia: User, alice: User, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = answer(monkeypatch, {"MessageId": "1"})
    execution = make_notified(olivia)
    drain()
    request = ApprovalRequest.objects.get()
    assert f"/approvals/{request.id}" in sent[0]["Message"]
    assert request.notified_at == NOON
    decisions.decide(request.id, by=alice, verdict="Approve")
    drain()
    assert Execution.objects.get(pk=execution.pk).status == "Success"
    assert len(sent) == 1


@pytest.mark.django_db
def test_a_refused_notice_keeps_nobody_from_deciding(
    olivia: User, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, aws.AwsRefused("Topic does not exist", "NotFound"))
    make_notified(olivia)
    drain()
    request = ApprovalRequest.objects.get()
    assert (request.status, request.notified_at) == ("Pending", None)
    event = Event.objects.get(kind="approval:asked")
    assert event.data["message"] == "The notice could not be published: Topic does not exist"


@pytest.mark.django_db
def test_a_notice_that_may_be_out_does_not_stop_the_asking(
    olivia: User, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = answer(monkeypatch, aws.OutcomeUnknown("the answer was lost"))
    make_notified(olivia)
    drain()
    hand_clock.move(minutes=5)
    drain()
    request = ApprovalRequest.objects.get()
    assert (request.status, request.notified_at) == ("Pending", None)
    assert len(sent) == 1


def test_a_notice_that_a_person_vouches_for_approves_nothing() -> None:
    assert isinstance(Approve().adopted(make_context(Approvers=["alice"])), Wait)
