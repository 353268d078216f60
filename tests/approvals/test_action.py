"""aws:approve in a run: asking, waiting, and what each end of the request means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from approvals import decisions
from approvals.facts import digest
from approvals.models import ApprovalRequest
from approvals.terms import read_terms
from console.iam.models import User
from executions import aws, lifecycle
from executions.actions.base import BadInput
from executions.models import Account, Event
from tests.approvals.people import (
    ACCOUNT,
    INSTANCE,
    NOON,
    ROLE,
    Ask,
    drain,
    make_context,
    run_of,
    step_of,
    user_arn,
    went_on,
)
from tests.conftest import HandClock

TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:Automation-approvals"


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
        read_terms(make_context(**inputs))
    assert not refused.value.retryable


def test_terms() -> None:
    terms = read_terms(
        make_context(
            Approvers=["alice ", user_arn("bob")],
            MinRequiredApprovals="2",
            Message="x" * 4096,
            NotificationArn=TOPIC,
        )
    )
    assert terms.approvers == ("alice", user_arn("bob"))
    assert (terms.required, terms.topic_arn) == (2, TOPIC)
    assert read_terms(make_context(Approvers="alice", NotificationArn="")).required == 1


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
    request = ask("alice")
    facts = request.facts
    assert digest(facts) == request.digest
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
