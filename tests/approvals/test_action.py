"""aws:approve in a run: asking, waiting, and what each end of the request means."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from approvals import decisions
from approvals.actions import Approve, read_terms
from approvals.models import ApprovalRequest
from console.iam.models import User
from executions import aws, lifecycle
from executions.actions.base import BadInput, Call, StepContext, Wait
from executions.models import Account, Event, Execution, StepExecution
from executions.runbook.template import Scope
from executions.runbook.types import Step
from tests.approvals.people import (
    ACCOUNT,
    INSTANCE,
    NOON,
    Ask,
    drain,
    make_execution,
    take_rights,
    user_arn,
)
from tests.conftest import HandClock

TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:Automation-approvals"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/CountersignExecution"


def step_of(request: ApprovalRequest) -> StepExecution:
    """The step as it is now."""
    return StepExecution.objects.get(pk=request.step_id)


def run_of(request: ApprovalRequest) -> Execution:
    """The execution as it is now."""
    return Execution.objects.get(pk=request.execution_id)


def went_on(request: ApprovalRequest) -> bool:
    """Whether the step after the approval ran."""
    return request.execution.steps.filter(name="afterwards").exists()


def context(**inputs: Any) -> StepContext:
    """A step's context without an engine."""
    return StepContext(
        execution_id=UUID(int=1),
        step_id=UUID(int=2),
        account_id=ACCOUNT,
        region="eu-west-1",
        step=Step(name="approve", action="aws:approve"),
        attempt=1,
        token="",
        now=NOON,
        deadline=NOON + timedelta(days=7),
        inputs=inputs,
        scope=Scope(),
        read=lambda *_, **__: pytest.fail("nothing is to be read"),
        is_read=lambda *_: False,
        poll=lambda: NOON,
    )


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "at least one"),
        ({"Approvers": []}, "at least one"),
        ({"Approvers": ["alice", " "]}, "no empty ones"),
        ({"Approvers": ["alice", "alice"]}, "names alice more than once"),
        ({"Approvers": [f"p{n}" for n in range(11)]}, "names 11; 10 are the limit"),
        ({"Approvers": {"alice": 1}}, "StringList"),
        ({"Approvers": ["alice"], "MinRequiredApprovals": 0}, "from 1 to"),
        ({"Approvers": ["alice"], "MinRequiredApprovals": -1}, "from 1 to"),
        ({"Approvers": ["alice"], "MinRequiredApprovals": 2}, "from 1 to"),
        ({"Approvers": ["alice"], "MinRequiredApprovals": 10**30}, "from 1 to"),
        ({"Approvers": ["alice"], "MinRequiredApprovals": "some"}, "must be an Integer"),
        ({"Approvers": ["alice"], "Message": "x" * 4097}, "has 4097 characters"),
        ({"Approvers": ["alice"], "NotificationArn": TOPIC.replace("Auto", "auto")}, "begins with"),
        ({"Approvers": ["alice"], "NotificationArn": "Automation"}, "begins with Automation"),
    ],
)
def test_terms_that_cannot_be(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        read_terms(context(**inputs))
    assert not refused.value.retryable


def test_terms() -> None:
    terms = read_terms(
        context(
            Approvers=["alice ", user_arn("bob")],
            MinRequiredApprovals="2",
            Message="x" * 4096,
            NotificationArn=TOPIC,
        )
    )
    assert terms.approvers == ("alice", user_arn("bob"))
    assert (terms.required, terms.topic_arn) == (2, TOPIC)
    assert read_terms(context(Approvers="alice", NotificationArn="")).required == 1


def test_asking(ask: Ask) -> None:
    request = ask("alice", user_arn("bob"), required=2, message="Stop it?")
    assert (request.status, request.required, request.message) == ("Pending", 2, "Stop it?")
    assert request.approvers == ["alice", user_arn("bob")]
    assert request.deadline_at == NOON + timedelta(days=7)
    step = step_of(request)
    assert (step.status, step.outputs["ApprovalStatus"]) == ("Waiting", "Waiting")
    execution = run_of(request)
    assert (execution.status, execution.wake_at) == ("Waiting", request.deadline_at)
    events = Event.objects.filter(execution=execution).values_list("seq", "kind")
    assert [seq for seq, _ in events] == list(range(1, len(events) + 1))
    assert "approval:asked" in [kind for _, kind in events]


def test_the_facts_say_what_will_run(ask: Ask) -> None:
    facts = ask("alice").facts
    assert facts["document"]["name"] == "Doc-0"
    assert facts["starter"] == {"arn": user_arn("olivia"), "person": "olivia"}
    assert (facts["account"], facts["region"]) == (ACCOUNT, "eu-west-1")
    assert facts["parameters"] == {"InstanceId": [INSTANCE]}
    (after,) = facts["steps"]
    assert after["inputs"]["Choices"][0]["Variable"] == [INSTANCE]
    # Without a role nothing can be read; the request is made all the same, and says so.
    assert facts["targets"] == [{"id": INSTANCE, "state": "unknown"}]


def test_the_facts_hold_the_state_of_targets(
    ask: Ask, olivia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Account.objects.create(
        account_id=ACCOUNT, name="Production", regions=["eu-west-1"], role_arn=ROLE
    )
    instance = {
        "InstanceId": INSTANCE,
        "State": {"Name": "running"},
        "Tags": [{"Key": "Name", "Value": "web-1"}],
    }
    monkeypatch.setattr(aws, "call", lambda *_: {"Reservations": [{"Instances": [instance]}]})
    (target,) = ask("alice").facts["targets"]
    assert (target["name"], target["state"]) == ("web-1", "running")


@pytest.mark.parametrize(
    ("seconds", "days"), [(60, 1 / 1440), (604_800, 7), (2_592_000, 30), (9_999_999, 30)]
)
def test_the_time_for_a_decision(ask: Ask, seconds: int, days: float) -> None:
    request = ask("alice", timeoutSeconds=seconds)
    assert request.deadline_at == NOON + timedelta(days=days)


def test_approved(ask: Ask, alice: User) -> None:
    request = ask("alice")
    decisions.decide(request.id, by=alice, verdict="Approve", comment="Fine.")
    drain()
    step = step_of(request)
    assert step.status == "Success"
    assert step.outputs["ApprovalStatus"] == "Approved"
    assert step.outputs["ApproverDecisions"] == [
        {
            "Approver": user_arn("alice"),
            "ApprovalStatus": "Approve",
            "ApprovalDecisionTime": NOON.isoformat(),
            "Comment": "Fine.",
        }
    ]
    assert went_on(request)
    assert run_of(request).status == "Success"


def test_votes_show_while_it_waits(ask: Ask, alice: User, bob: User) -> None:
    request = ask("alice", "bob", required=2)
    decisions.decide(request.id, by=alice, verdict="Approve")
    drain()
    step = step_of(request)
    assert (step.status, step.outputs["ApprovalStatus"]) == ("Waiting", "Waiting")
    assert [vote["Approver"] for vote in step.outputs["ApproverDecisions"]] == [user_arn("alice")]
    assert not went_on(request)


def test_rejected_for_good(ask: Ask, alice: User) -> None:
    request = ask("alice", maxAttempts=3)
    decisions.decide(request.id, by=alice, verdict="Reject", comment="Not today.")
    drain()
    step = step_of(request)
    assert (step.status, step.attempt) == ("Failed", 1)
    assert step.outputs["ApprovalStatus"] == "Rejected"
    assert "by alice: Not today." in step.failure_message
    assert not went_on(request)
    assert run_of(request).status == "Failed"


def test_nobody_decided(ask: Ask, hand_clock: HandClock) -> None:
    request = ask("alice")
    hand_clock.move(days=7)
    drain()
    assert ApprovalRequest.objects.get().status == "Expired"
    assert (step_of(request).status, run_of(request).status) == ("TimedOut", "TimedOut")
    assert Event.objects.filter(kind="approval:expired").exists()


def test_the_longest_time_is_up_before_the_steps_own(ask: Ask, hand_clock: HandClock) -> None:
    request = ask("alice", timeoutSeconds=9_999_999)
    hand_clock.move(days=30)
    drain()
    assert ApprovalRequest.objects.get().status == "Expired"
    assert step_of(request).status == "TimedOut"


def test_another_attempt_asks_anew(ask: Ask, alice: User, hand_clock: HandClock) -> None:
    first = ask("alice", maxAttempts=2)
    hand_clock.move(days=7)
    drain()
    hand_clock.move(minutes=1)
    drain()
    second = ApprovalRequest.objects.exclude(pk=first.pk).get()
    assert (second.attempt, second.status) == (2, "Pending")
    assert second.digest != first.digest
    decisions.decide(second.id, by=alice, verdict="Approve")
    drain()
    assert went_on(second)


def test_an_approval_in_time_holds_when_it_is_seen_late(
    ask: Ask, alice: User, hand_clock: HandClock
) -> None:
    request = ask("alice")
    hand_clock.move(days=7, seconds=-1)
    decisions.decide(request.id, by=alice, verdict="Approve")
    hand_clock.move(days=1)
    drain()
    assert run_of(request).status == "Success"


def test_a_rejection_in_time_holds_when_it_is_seen_late(
    ask: Ask, alice: User, hand_clock: HandClock
) -> None:
    request = ask("alice")
    decisions.decide(request.id, by=alice, verdict="Reject")
    hand_clock.move(days=8)
    drain()
    assert step_of(request).status == "Failed"


def test_cancelled_while_it_waits(ask: Ask, olivia: User) -> None:
    request = ask("alice")
    lifecycle.stop(run_of(request), by=olivia)
    drain()
    assert ApprovalRequest.objects.get().status == "Cancelled"
    assert (step_of(request).status, run_of(request).status) == ("Cancelled", "Cancelled")


def test_a_cancel_after_the_approval_still_cancels(ask: Ask, alice: User, olivia: User) -> None:
    request = ask("alice")
    decisions.decide(request.id, by=alice, verdict="Approve")
    lifecycle.stop(run_of(request), by=olivia)
    drain()
    assert ApprovalRequest.objects.get().status == "Approved"
    assert run_of(request).status == "Cancelled"
    assert not went_on(request)


def change_document(request: ApprovalRequest) -> None:
    """Write over a version's text, past the rule that it never changes."""
    version = request.execution.version
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE executions_documentversion SET content = %s WHERE id = %s",
            [version.content.replace("nothing", "something"), version.pk],
        )


def change_version(request: ApprovalRequest) -> None:
    """Point the run to another version."""
    other = make_execution(
        request.execution.started_by, inputs=json.loads(request.execution.version.content)
    )
    content = request.execution.version.content
    with connection.cursor() as cursor:
        cursor.execute("UPDATE executions_documentversion SET content = %s", [content])
    Execution.objects.filter(pk=request.execution_id).update(version=other.version)


def change_run(**columns: Any) -> Any:
    """Write over columns of the execution."""
    return lambda request: Execution.objects.filter(pk=request.execution_id).update(**columns)


def change_inputs(**inputs: Any) -> Any:
    """Write over inputs of the step."""

    def change(request: ApprovalRequest) -> None:
        step = step_of(request)
        StepExecution.objects.filter(pk=step.pk).update(inputs={**step.inputs, **inputs})

    return change


def change_facts(request: ApprovalRequest) -> None:
    """Write over what was shown."""
    facts = {**request.facts, "message": "Harmless."}
    ApprovalRequest.objects.update(facts=facts)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (change_document, "document"),
        (change_version, "document"),
        (change_run(values={"InstanceId": ["i-0fedcba9876543210"]}), "parameters"),
        (change_run(role_arn=ROLE), "role"),
        (change_run(region="us-east-1"), "region"),
        (change_run(account_id="444455556666"), "account"),
        (change_run(executed_by=user_arn("ada")), "starter"),
        (change_inputs(Approvers=["alice", "bob"]), "approvers"),
        (change_inputs(Approvers=["alice", "bob"], MinRequiredApprovals=2), "required"),
        (change_inputs(Message="Another one."), "message"),
        (change_facts, "message"),
        (lambda request: ApprovalRequest.objects.update(digest="0" * 64), "the record"),
    ],
)
def test_what_changed_after_the_approval_does_not_run(
    ask: Ask, alice: User, change: Any, named: str
) -> None:
    request = ask("alice", message="Stop it?")
    decisions.decide(request.id, by=alice, verdict="Approve")
    change(request)
    drain()
    step = step_of(request)
    assert step.status == "Failed"
    assert "not what would run now" in step.failure_message
    assert named in step.failure_message
    assert not went_on(request)


def test_targets_are_part_of_what_is_approved(ask: Ask, alice: User) -> None:
    request = ask("alice")
    decisions.decide(request.id, by=alice, verdict="Approve")
    change_run(values={"InstanceId": [INSTANCE, "i-0fedcba9876543210"]})(request)
    drain()
    assert "parameters, steps, targets changed" in step_of(request).failure_message


def test_an_approver_who_lost_the_right_before_it_went_on(ask: Ask, alice: User) -> None:
    request = ask("alice")
    decisions.decide(request.id, by=alice, verdict="Approve")
    take_rights(alice)
    drain()
    assert "Too few approvals count any more" in step_of(request).failure_message
    assert not went_on(request)


@pytest.mark.django_db
def test_the_notice(olivia: User) -> None:
    execution = make_execution(olivia, inputs={})
    inputs = {"Approvers": ["alice"], "NotificationArn": TOPIC, "Message": "Stop it?"}
    ctx = replace(context(**inputs), execution_id=execution.id)
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
    assert isinstance(Approve().adopted(context(Approvers=["alice"])), Wait)
